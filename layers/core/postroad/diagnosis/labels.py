"""What a status code, or a label of Amazon SES's, says by itself."""

from typing import NamedTuple

from postroad.diagnosis.explained import Explained
from postroad.diagnosis.reasons import Reason, Where, Whom
from postroad.facts import Fact

# RFC 3463 and the registry of enhanced status codes, without the class.
# https://www.iana.org/assignments/smtp-enhanced-status-codes
STATUSES: dict[str, Reason] = {
    "1.1": Reason.USER_UNKNOWN,
    "1.2": Reason.HOST_UNKNOWN,
    "1.3": Reason.SYNTAX_ERROR,
    "1.6": Reason.HAS_MOVED,
    "1.7": Reason.REJECTED,
    "1.8": Reason.REJECTED,
    "1.10": Reason.NOT_ACCEPT,
    "2.1": Reason.SUSPEND,
    "2.2": Reason.MAILBOX_FULL,
    "2.3": Reason.MESG_TOO_BIG,
    "3.1": Reason.SYSTEM_FULL,
    "3.2": Reason.SYSTEM_ERROR,
    "3.4": Reason.MESG_TOO_BIG,
    "3.5": Reason.SYSTEM_ERROR,
    "4.1": Reason.NETWORK_ERROR,
    "4.2": Reason.NETWORK_ERROR,
    "4.3": Reason.NETWORK_ERROR,
    "4.4": Reason.HOST_UNKNOWN,
    "4.5": Reason.SYSTEM_ERROR,
    "4.6": Reason.NETWORK_ERROR,
    "4.7": Reason.EXPIRED,
    "5.2": Reason.SYNTAX_ERROR,
    "5.3": Reason.RATE_LIMITED,
    "5.4": Reason.SYNTAX_ERROR,
    "6.0": Reason.CONTENT_ERROR,
    "6.1": Reason.CONTENT_ERROR,
    "6.2": Reason.CONTENT_ERROR,
    "6.3": Reason.CONTENT_ERROR,
    "6.7": Reason.SYNTAX_ERROR,
    "7.4": Reason.FAILED_STARTTLS,
    "7.5": Reason.FAILED_STARTTLS,
    "7.8": Reason.SECURITY_ERROR,
    "7.9": Reason.SECURITY_ERROR,
    "7.10": Reason.FAILED_STARTTLS,
    "7.20": Reason.AUTH_FAILURE,
    "7.21": Reason.AUTH_FAILURE,
    "7.22": Reason.AUTH_FAILURE,
    "7.23": Reason.AUTH_FAILURE,
    "7.24": Reason.AUTH_FAILURE,
    "7.25": Reason.REQUIRE_PTR,
    "7.26": Reason.AUTH_FAILURE,
    "7.27": Reason.AUTH_FAILURE,
    "7.28": Reason.RATE_LIMITED,
}


class Label(NamedTuple):
    """What a label of SES's says by itself; `is_final` ones say it whatever the reply is."""

    reason: Reason
    where: Where | None = None
    is_final: bool = False
    explained: Explained | None = None


_LISTED = Label(Reason.SUPPRESSED, Where.SES, is_final=True)
# bounceSubType, and complaintSubType: https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
BOUNCE_LABELS: dict[str, Label] = {
    "Suppressed": _LISTED._replace(
        explained=Explained(
            "It was not sent, because this address has bounced for senders at Amazon SES before",
            Whom.SUPPORT,
            "Make sure that the address is right; the account's own suppression list can override Amazon's.",
        )
    ),
    "OnAccountSuppressionList": _LISTED,
    "OnTenantSuppressionList": _LISTED,
    "EmailValidationSuppressed": _LISTED._replace(
        explained=Explained(
            "It was not sent, because Amazon SES expects this address not to exist",
            Whom.SUPPORT,
            "Look for a typing error and ask the person for the right address.",
        )
    ),
    "UnsubscribedRecipient": _LISTED._replace(
        explained=Explained(
            "It was not sent, because the person has unsubscribed from this kind of mail",
            Whom.SUPPORT,
            "Nothing is wrong; only the person can subscribe again.",
        )
    ),
    "NoEmail": Label(Reason.USER_UNKNOWN),
    "MailboxFull": Label(Reason.MAILBOX_FULL),
    "MessageTooLarge": Label(Reason.MESG_TOO_BIG),
    "ContentRejected": Label(Reason.CONTENT_ERROR),
    "AttachmentRejected": Label(Reason.CONTENT_ERROR),
    "CustomTimeoutExceeded": Label(Reason.EXPIRED),
}
DELAY_LABELS: dict[str, Label] = {
    "InternalFailure": Label(Reason.SYSTEM_ERROR, Where.SES),
    "MailboxFull": Label(Reason.MAILBOX_FULL),
    "SpamDetected": Label(Reason.SPAM_DETECTED),
    "RecipientServerError": Label(Reason.SYSTEM_ERROR),
    "IPFailure": Label(Reason.BLOCKED),
    "TransientCommunicationFailure": Label(Reason.NETWORK_ERROR),
    "BYOIPHostNameLookupUnavailable": Label(
        Reason.REQUIRE_PTR,
        Where.SES,
        explained=Explained(
            "Amazon SES could not look up the name of our own network address that it sends from",
            Whom.OPERATORS,
            "Check the reverse DNS (PTR) of the addresses that we brought to Amazon SES.",
        ),
    ),
    "SendingDeferral": Label(
        Reason.SYSTEM_ERROR,
        Where.SES,
        explained=Explained(
            "Amazon SES put it off for reasons of its own",
            Whom.NOBODY,
            "Wait: it is tried again by itself. If it lasts, the mail operators open a case with Amazon.",
        ),
    ),
}


def label_of(fact: Fact) -> tuple[str, Label | None]:
    """What SES calls it, and what that means if it means anything."""
    sub_type = fact.get("bounce_sub_type") or fact.get("complaint_sub_type")
    if sub_type:
        return "/".join(filter(None, (fact.get("bounce_type"), sub_type))), BOUNCE_LABELS.get(sub_type)
    delay_type = fact.get("delay_type", "")
    return f"DeliveryDelay/{delay_type}", DELAY_LABELS.get(delay_type)
