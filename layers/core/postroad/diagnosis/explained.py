"""What support staff read of each reason, and what to do about it."""

from typing import NamedTuple

from postroad.diagnosis.reasons import Reason, Whom


class Explained(NamedTuple):
    """What support staff read; `{by}` in a summary names who said no."""

    summary: str
    by: Whom
    advice: str


EXPLAINED: dict[Reason, Explained] = {
    Reason.DELIVERED: Explained(
        "{by} accepted it; whether it is in the inbox or in the spam folder cannot be seen from here",
        Whom.RECIPIENT,
        "Look into the spam folder and the filters, and ask the mail provider with the reply and its time.",
    ),
    Reason.USER_UNKNOWN: Explained(
        "{by} says that this address does not exist",
        Whom.SUPPORT,
        "Ask the person for the right address and look for a typing error; do not send to this one again.",
    ),
    Reason.HOST_UNKNOWN: Explained(
        "The part of the address after the @ does not exist, or takes no mail",
        Whom.SUPPORT,
        "Look for a typing error in the domain, and ask the person for the right address.",
    ),
    Reason.MAILBOX_FULL: Explained(
        "The recipient's mailbox is full",
        Whom.RECIPIENT,
        "Make room in the mailbox; support can then have it sent again.",
    ),
    Reason.SUSPEND: Explained(
        "The recipient's mailbox is disabled, locked or no longer used",
        Whom.SUPPORT,
        "Reach the person another way and ask for an address that is in use.",
    ),
    Reason.HAS_MOVED: Explained(
        "The recipient has left this address", Whom.SUPPORT, "Ask the person for the new address."
    ),
    Reason.FILTERED: Explained(
        "A rule for this recipient turns our mail away",
        Whom.RECIPIENT,
        "Allow our sender address in the mailbox's settings, or ask the organisation's administrator to.",
    ),
    Reason.NOT_ACCEPT: Explained(
        "The recipient's domain takes no mail", Whom.SUPPORT, "Ask the person for another address."
    ),
    Reason.MESG_TOO_BIG: Explained(
        "The message is too large for {to}",
        Whom.SENDER,
        "Send it smaller: a link instead of the attachment.",
    ),
    Reason.BLOCKED: Explained(
        "{by} blocks the server that it was sent from, or our domain",
        Whom.OPERATORS,
        "Find the block list that the reply names and ask for removal; with an address of Amazon's, open a case there.",
    ),
    Reason.BAD_REPUTATION: Explained(
        "{by} does not trust the server that it was sent from, or our domain, because of earlier mail",
        Whom.OPERATORS,
        "Look at bounce and complaint rates and at the provider's postmaster page; send less until they are better.",
    ),
    Reason.REQUIRE_PTR: Explained(
        "{by} refuses the sending server because its network address has no proper name",
        Whom.OPERATORS,
        "Set the reverse DNS (PTR) of the sending address, or ask its owner to.",
    ),
    Reason.AUTH_FAILURE: Explained(
        "{by} could not make sure that the mail really comes from us",
        Whom.OPERATORS,
        "Check SPF, DKIM and DMARC of the sender's domain for mail that goes through this route.",
    ),
    Reason.POLICY_VIOLATION: Explained(
        "{by} refused it because of a rule of its own, and does not say which",
        Whom.OPERATORS,
        "Write to the receiving side's postmaster with the reply; the person can ask their provider too.",
    ),
    Reason.SPAM_DETECTED: Explained(
        "{by} took the message for spam",
        Whom.SENDER,
        "Look at what the message says and links to; the mail operators can appeal with the reply.",
    ),
    Reason.VIRUS_DETECTED: Explained(
        "{by} found something like a virus in the message",
        Whom.SENDER,
        "Check what was attached and where it came from; do not send it again as it is.",
    ),
    Reason.CONTENT_ERROR: Explained(
        "{by} does not accept the message's form, content or attachment",
        Whom.SENDER,
        "Correct how the message is made: the reply names the header, part or attachment.",
    ),
    Reason.SYNTAX_ERROR: Explained(
        "{by} could not read an address or a command",
        Whom.SENDER,
        "Correct how the address is written where it is stored.",
    ),
    Reason.NO_RELAYING: Explained(
        "{by} is not the place for mail to this domain",
        Whom.OPERATORS,
        "Check the MX records of the recipient's domain and our own routes; the recipient's side may have to act.",
    ),
    Reason.REJECTED: Explained(
        "{by} does not accept the address that it was sent from",
        Whom.OPERATORS,
        "Check that the sender's address and its domain exist and may send this way.",
    ),
    Reason.SECURITY_ERROR: Explained(
        "{by} did not accept the log-in, or gave no permission to send",
        Whom.OPERATORS,
        "Check the user name, password and permissions of the sending account.",
    ),
    Reason.FAILED_STARTTLS: Explained(
        "No encrypted connection could be made with {to}",
        Whom.OPERATORS,
        "Check TLS settings, certificates and ports on our side; then tell the other side.",
    ),
    Reason.RATE_LIMITED: Explained(
        "{by} got too much mail at once, and makes us slow down",
        Whom.OPERATORS,
        "Wait, it is tried again; if it goes on, send slower or ask for a higher limit.",
    ),
    Reason.GREYLISTED: Explained(
        "{by} puts off every first message and takes it at the next try",
        Whom.NOBODY,
        "Wait: it is tried again by itself, mostly within the hour.",
    ),
    Reason.NETWORK_ERROR: Explained(
        "There was no working connection to {to}",
        Whom.OPERATORS,
        "If it lasts, check name look-up, firewall and routes; a short break heals by itself.",
    ),
    Reason.SYSTEM_ERROR: Explained(
        "{by} has a fault or is overloaded",
        Whom.NOBODY,
        "Wait: it is tried again by itself. If it lasts, the mail operators ask the other side.",
    ),
    Reason.SYSTEM_FULL: Explained(
        "{by} has run out of space",
        Whom.NOBODY,
        "Wait: it is tried again by itself. If it lasts, the recipient's provider has to make room.",
    ),
    Reason.EXPIRED: Explained(
        "It was tried again and again, and given up when its time was over",
        Whom.SUPPORT,
        "See the last reply for the cause; when that is gone, have it sent again.",
    ),
    Reason.SUPPRESSED: Explained(
        "It was not sent, because this address is on a suppression list after an earlier bounce or complaint",
        Whom.SUPPORT,
        "Make sure that the address is right and wanted; then have it taken off the list and sent again.",
    ),
    Reason.FEEDBACK: Explained(
        "It was delivered, and then reported as unwanted",
        Whom.SENDER,
        "Stop sending this kind of mail to the address unless the person asks for it.",
    ),
    Reason.VACATION: Explained(
        "It was delivered, and an automatic reply such as an out-of-office note came back",
        Whom.NOBODY,
        "Nothing is wrong; the person may be away.",
    ),
    Reason.UNDETERMINED: Explained(
        "{by} did not take it, and its answer does not say clearly why",
        Whom.OPERATORS,
        "Read the reply as it stands; tell the other side if it goes on.",
    ),
}
