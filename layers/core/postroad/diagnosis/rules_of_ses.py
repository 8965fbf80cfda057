"""What Amazon SES's SMTP endpoint says to our relay."""

from postroad.diagnosis.explained import Explained
from postroad.diagnosis.reasons import Reason, Where, Whom
from postroad.diagnosis.rule import Rule, any_of

OF_SES = (Where.SES,)
# https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html
SES_RULES = (
    Rule(
        "ses-unverified",
        Reason.REJECTED,
        any_of("is not verified"),
        said_by=OF_SES,
        explained=Explained(
            "Amazon SES refused it because an address in it is not verified with our account",
            Whom.OPERATORS,
            "Verify the sender's domain in the region that the reply names; in the sandbox recipients need it too.",
        ),
    ),
    Rule(
        "ses-paused",
        Reason.REJECTED,
        any_of("sending paused | sending suspended"),
        said_by=OF_SES,
        explained=Explained(
            "Amazon SES has stopped all sending of our account",
            Whom.OPERATORS,
            "See the account's reputation page and the message that Amazon sent; sending stays off until it is lifted.",
        ),
    ),
    Rule(
        "ses-daily-quota",
        Reason.RATE_LIMITED,
        any_of("daily message quota"),
        said_by=OF_SES,
        explained=Explained(
            "Our account has sent as much as Amazon SES allows in 24 hours",
            Whom.OPERATORS,
            "Ask Amazon for a higher sending quota; until then mail waits in our queue.",
        ),
    ),
    Rule(
        "ses-rate",
        Reason.RATE_LIMITED,
        any_of("throttling failure | too many concurrent"),
        said_by=OF_SES,
        explained=Explained(
            "Our server sends faster than Amazon SES allows, and has to wait",
            Whom.OPERATORS,
            "It is tried again by itself; if it happens often, slow the relay down or ask Amazon for a higher rate.",
        ),
    ),
    Rule(
        "ses-recipients",
        Reason.RATE_LIMITED,
        any_of("recipient count exceeds"),
        said_by=OF_SES,
        explained=Explained(
            "The message went to more than 50 recipients at once, which Amazon SES does not take",
            Whom.OPERATORS,
            "Let the relay split it: at most 50 recipients a delivery (smtp_destination_recipient_limit).",
        ),
    ),
    Rule(
        "ses-configuration-set",
        Reason.SYSTEM_ERROR,
        any_of("configuration set"),
        said_by=OF_SES,
        explained=Explained(
            "Amazon SES does not know the configuration set that the message names",
            Whom.OPERATORS,
            "Create the configuration set in this region, or correct X-SES-CONFIGURATION-SET.",
        ),
    ),
    Rule(
        "ses-access-denied",
        Reason.SECURITY_ERROR,
        any_of("access denied | not authorized to perform | not subscribed to ses"),
        said_by=OF_SES,
        explained=Explained(
            "Amazon SES does not permit our relay's account to send this",
            Whom.OPERATORS,
            "Give the SMTP user ses:SendRawEmail on the identity and configuration set that the reply names.",
        ),
    ),
    Rule("ses-suppressed", Reason.SUPPRESSED, any_of("address blacklisted"), said_by=OF_SES),
    Rule(
        "ses-null-sender",
        Reason.REJECTED,
        any_of("invalid mail from address"),
        said_by=OF_SES,
        explained=Explained(
            "Amazon SES takes no mail without a proper sender's address, such as a notice of our own server",
            Whom.OPERATORS,
            "A bounce notice cannot go out through Amazon SES: give it another route, or correct the sender's address.",
        ),
    ),
    Rule(
        "ses-duplicate-header",
        Reason.CONTENT_ERROR,
        any_of("duplicate header | expected disposition"),
        said_by=OF_SES,
    ),
    Rule(
        "ses-address",
        Reason.SYNTAX_ERROR,
        any_of(
            "invalid rcpt to address | illegal character | missing final '@domain' | invalid domain name | local "
            "address contains"
        ),
        said_by=OF_SES,
    ),
    Rule("ses-too-long", Reason.MESG_TOO_BIG, any_of("message is too long | message length"), said_by=OF_SES),
    Rule("ses-timeout", Reason.NETWORK_ERROR, any_of("timeout waiting for data"), said_by=OF_SES),
)
