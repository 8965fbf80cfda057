"""The words that a diagnosis is made of: why, where, who has to act, and how far to trust it.

The reasons are sisimai's names (https://libsisimai.org/en/reason/) where it has one.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why; sisimai's word where it has one."""

    DELIVERED = "delivered"
    USER_UNKNOWN = "userunknown"
    HOST_UNKNOWN = "hostunknown"
    MAILBOX_FULL = "mailboxfull"
    SUSPEND = "suspend"
    HAS_MOVED = "hasmoved"
    FILTERED = "filtered"
    NOT_ACCEPT = "notaccept"
    MESG_TOO_BIG = "mesgtoobig"
    BLOCKED = "blocked"
    BAD_REPUTATION = "badreputation"
    REQUIRE_PTR = "requireptr"
    AUTH_FAILURE = "authfailure"
    POLICY_VIOLATION = "policyviolation"
    SPAM_DETECTED = "spamdetected"
    VIRUS_DETECTED = "virusdetected"
    CONTENT_ERROR = "contenterror"
    SYNTAX_ERROR = "syntaxerror"
    NO_RELAYING = "norelaying"
    REJECTED = "rejected"
    SECURITY_ERROR = "securityerror"
    FAILED_STARTTLS = "failedstarttls"
    RATE_LIMITED = "ratelimited"
    GREYLISTED = "greylisted"
    NETWORK_ERROR = "networkerror"
    SYSTEM_ERROR = "systemerror"
    SYSTEM_FULL = "systemfull"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    FEEDBACK = "feedback"
    VACATION = "vacation"
    UNDETERMINED = "undetermined"


class Where(StrEnum):
    """Where the trouble lies, or who had the last word."""

    RELAY = "relay"  # our own mail server, or its way to the next one
    SES = "ses"  # Amazon SES
    SERVER = "server"  # the recipient's server
    RECIPIENT = "recipient"  # this one address or mailbox


class Whom(StrEnum):
    """Who has to act."""

    NOBODY = "nobody"
    SUPPORT = "support"
    SENDER = "the sender's application team"
    OPERATORS = "the mail operators"
    RECIPIENT = "the recipient"


class Confidence(StrEnum):
    """How far to trust a diagnosis."""

    HIGH = "high"  # the reply says so
    MEDIUM = "medium"  # a code or a label says so, or the reply's words may mean something else too
    LOW = "low"  # a guess, or what was said contradicts itself


# Of these the recipient's server tells, but they lie with one address.
OF_RECIPIENT = frozenset(
    {
        Reason.USER_UNKNOWN,
        Reason.HOST_UNKNOWN,
        Reason.MAILBOX_FULL,
        Reason.SUSPEND,
        Reason.HAS_MOVED,
        Reason.FILTERED,
    }
)
# What a message that was given up tells beside that: the last refusal says more than the wait.
WORTH_MORE_THAN_EXPIRED = frozenset(Reason) - {
    Reason.EXPIRED,
    Reason.NETWORK_ERROR,
    Reason.SYSTEM_ERROR,
    Reason.UNDETERMINED,
}
MEANINGS: dict[Reason, str] = {
    Reason.DELIVERED: "the recipient's server took it",
    Reason.USER_UNKNOWN: "there is no such mailbox",
    Reason.HOST_UNKNOWN: "there is no such domain, or it has no mail server",
    Reason.MAILBOX_FULL: "the recipient's mailbox is full",
    Reason.SUSPEND: "the mailbox exists, but is disabled, locked or unused",
    Reason.HAS_MOVED: "the recipient has another address now",
    Reason.FILTERED: "the recipient, or a rule for this one address, does not want it",
    Reason.NOT_ACCEPT: "the recipient's domain or server takes no mail at all",
    Reason.MESG_TOO_BIG: "the message is larger than is allowed",
    Reason.BLOCKED: "the sending server's address, or our domain, is on a block list",
    Reason.BAD_REPUTATION: "the sending server's address, or our domain, has a bad reputation",
    Reason.REQUIRE_PTR: "the sending server's address has no proper name in DNS (PTR)",
    Reason.AUTH_FAILURE: "the sender could not be proved: SPF, DKIM or DMARC",
    Reason.POLICY_VIOLATION: "a rule of the receiving side forbids it, and does not say more",
    Reason.SPAM_DETECTED: "it was taken for spam",
    Reason.VIRUS_DETECTED: "it was taken for a virus",
    Reason.CONTENT_ERROR: "its headers, form, content or attachments are not accepted",
    Reason.SYNTAX_ERROR: "an address or a command is not written as it must be",
    Reason.NO_RELAYING: "the server takes no mail for this domain from us",
    Reason.REJECTED: "the sender's address is not accepted",
    Reason.SECURITY_ERROR: "log-in, credentials or permission failed",
    Reason.FAILED_STARTTLS: "no encrypted connection came about: TLS, STARTTLS or a certificate",
    Reason.RATE_LIMITED: "too much at once: too fast, too many connections or too many recipients",
    Reason.GREYLISTED: "a first try is always put off; the next one gets through",
    Reason.NETWORK_ERROR: "no connection, a lost one, a failed name look-up, or mail going round in circles",
    Reason.SYSTEM_ERROR: "a fault, an overload or a wrong setting on the server that said so",
    Reason.SYSTEM_FULL: "the server has run out of disk space",
    Reason.EXPIRED: "it was tried until its time was over",
    Reason.SUPPRESSED: "the address is on a suppression list, so it was not tried",
    Reason.FEEDBACK: "it was delivered, and then reported as unwanted",
    Reason.VACATION: "it was delivered, and an automatic reply came back",
    Reason.UNDETERMINED: "what was said does not tell why; the words are shown as they stand",
}
