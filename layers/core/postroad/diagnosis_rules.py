"""Why mail did not arrive: the vocabulary, and the tables that read a reply, a status code or a label of SES's.

The reasons are sisimai's names (https://libsisimai.org/en/reason/) where it has one. Rules are tried in the order in
which they stand, an operator's own before these, and the first that fits decides; so what is specific stands above
what is general. A phrase is plain text that is looked for in the folded reply, and `*` in it stands for any text:
no regular expressions, so no reply, however long, can make one slow.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple


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


class Explained(NamedTuple):
    """What support staff read; `{by}` in a summary names who said no."""

    summary: str
    by: Whom
    advice: str


class Rule(NamedTuple):
    """Fits a reply that has any of the phrases; codes, statuses and said_by narrow it.

    A code is a beginning (`5`, `421`); the status `x.1.1` stands for both `4.1.1` and `5.1.1`.
    """

    name: str
    reason: Reason
    phrases: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    said_by: tuple[Where, ...] = ()
    where: Where | None = None
    confidence: Confidence = Confidence.HIGH
    explained: Explained | None = None


class Label(NamedTuple):
    """What a label of SES's says by itself; `is_final` ones say it whatever the reply is."""

    reason: Reason
    where: Where | None = None
    is_final: bool = False
    explained: Explained | None = None


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

_OF_SES = (Where.SES,)
_CIRCLES = Explained(
    "The message went round in circles between servers",
    Whom.OPERATORS,
    "Look at forwarding, MX records and routes: two servers each take the other for the recipient's.",
)


def _any(phrases: str) -> tuple[str, ...]:
    return tuple(phrases.split(" | "))


# https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html
_SES_RULES = (
    Rule(
        "ses-unverified",
        Reason.REJECTED,
        _any("is not verified"),
        said_by=_OF_SES,
        explained=Explained(
            "Amazon SES refused it because an address in it is not verified with our account",
            Whom.OPERATORS,
            "Verify the sender's domain in the region that the reply names; in the sandbox recipients need it too.",
        ),
    ),
    Rule(
        "ses-paused",
        Reason.REJECTED,
        _any("sending paused | sending suspended"),
        said_by=_OF_SES,
        explained=Explained(
            "Amazon SES has stopped all sending of our account",
            Whom.OPERATORS,
            "See the account's reputation page and the message that Amazon sent; sending stays off until it is lifted.",
        ),
    ),
    Rule(
        "ses-daily-quota",
        Reason.RATE_LIMITED,
        _any("daily message quota"),
        said_by=_OF_SES,
        explained=Explained(
            "Our account has sent as much as Amazon SES allows in 24 hours",
            Whom.OPERATORS,
            "Ask Amazon for a higher sending quota; until then mail waits in our queue.",
        ),
    ),
    Rule(
        "ses-rate",
        Reason.RATE_LIMITED,
        _any("throttling failure | too many concurrent"),
        said_by=_OF_SES,
        explained=Explained(
            "Our server sends faster than Amazon SES allows, and has to wait",
            Whom.OPERATORS,
            "It is tried again by itself; if it happens often, slow the relay down or ask Amazon for a higher rate.",
        ),
    ),
    Rule(
        "ses-recipients",
        Reason.RATE_LIMITED,
        _any("recipient count exceeds"),
        said_by=_OF_SES,
        explained=Explained(
            "The message went to more than 50 recipients at once, which Amazon SES does not take",
            Whom.OPERATORS,
            "Let the relay split it: at most 50 recipients a delivery (smtp_destination_recipient_limit).",
        ),
    ),
    Rule(
        "ses-configuration-set",
        Reason.SYSTEM_ERROR,
        _any("configuration set"),
        said_by=_OF_SES,
        explained=Explained(
            "Amazon SES does not know the configuration set that the message names",
            Whom.OPERATORS,
            "Create the configuration set in this region, or correct X-SES-CONFIGURATION-SET.",
        ),
    ),
    Rule(
        "ses-access-denied",
        Reason.SECURITY_ERROR,
        _any("access denied | not authorized to perform | not subscribed to ses"),
        said_by=_OF_SES,
        explained=Explained(
            "Amazon SES does not permit our relay's account to send this",
            Whom.OPERATORS,
            "Give the SMTP user ses:SendRawEmail on the identity and configuration set that the reply names.",
        ),
    ),
    Rule("ses-suppressed", Reason.SUPPRESSED, _any("address blacklisted"), said_by=_OF_SES),
    Rule(
        "ses-null-sender",
        Reason.REJECTED,
        _any("invalid mail from address"),
        said_by=_OF_SES,
        explained=Explained(
            "Amazon SES takes no mail without a proper sender's address, such as a notice of our own server",
            Whom.OPERATORS,
            "A bounce notice cannot go out through Amazon SES: give it another route, or correct the sender's address.",
        ),
    ),
    Rule(
        "ses-duplicate-header",
        Reason.CONTENT_ERROR,
        _any("duplicate header | expected disposition"),
        said_by=_OF_SES,
    ),
    Rule(
        "ses-address",
        Reason.SYNTAX_ERROR,
        _any(
            "invalid rcpt to address | illegal character | missing final '@domain' | invalid domain name | local "
            "address contains"
        ),
        said_by=_OF_SES,
    ),
    Rule("ses-too-long", Reason.MESG_TOO_BIG, _any("message is too long | message length"), said_by=_OF_SES),
    Rule("ses-timeout", Reason.NETWORK_ERROR, _any("timeout waiting for data"), said_by=_OF_SES),
)

# Postfix's own words: src/smtp, src/local, src/qmgr
_RELAY_RULES = (
    Rule(
        "relay-no-mechanism",
        Reason.SECURITY_ERROR,
        _any("cannot authenticate to server"),
        where=Where.RELAY,
        explained=Explained(
            "Our server could not log in to the next server: they share no way to do it",
            Whom.OPERATORS,
            "Install the SASL modules (libsasl2-modules) and check smtp_sasl_security_options and the password map.",
        ),
    ),
    Rule(
        "relay-certificate",
        Reason.FAILED_STARTTLS,
        _any("server certificate not"),
        explained=Explained(
            "Our server could not trust the certificate of the next server",
            Whom.OPERATORS,
            "Check smtp_tls_CAfile, the clock and the name in relayhost; a firewall may show a certificate of its own.",
        ),
    ),
    Rule(
        "relay-starttls-not-offered",
        Reason.FAILED_STARTTLS,
        _any("tls is required"),
        explained=Explained(
            "Our server needs an encrypted connection, and the next server offered none",
            Whom.OPERATORS,
            "Check port and host of the relayhost, and for a firewall that takes STARTTLS away.",
        ),
    ),
    Rule(
        "relay-loop",
        Reason.NETWORK_ERROR,
        _any("loops back to myself"),
        where=Where.RELAY,
        explained=_CIRCLES,
    ),
    Rule(
        "relay-maybe-sent",
        Reason.NETWORK_ERROR,
        _any("message may be sent more than once"),
        explained=Explained(
            "The connection broke at the very end, so the message may have gone out and may go out again",
            Whom.OPERATORS,
            "Expect a duplicate; if it happens often, look for a firewall or a time limit on the way.",
        ),
    ),
    Rule(
        "relay-transport",
        Reason.SYSTEM_ERROR,
        _any("mail transport unavailable | unknown mail transport"),
        where=Where.RELAY,
    ),
    Rule(
        "relay-smtputf8",
        Reason.SYNTAX_ERROR,
        _any("requires smtputf8"),
        explained=Explained(
            "An address or the subject has letters that the next server cannot read",
            Whom.SENDER,
            "Ask the person for an address in plain Latin letters, and send without such letters elsewhere.",
        ),
    ),
    Rule("relay-name-later", Reason.NETWORK_ERROR, _any("host not found, try again")),
)

# What one provider says in its own code.
_PROVIDER_RULES = (
    Rule("orange-user", Reason.USER_UNKNOWN, _any("ofr_416 | lpn*_416 | ofr*_418")),
    Rule("orange-spam", Reason.SPAM_DETECTED, _any("ofr_506 | lpn*_506")),
    Rule("orange-blocked", Reason.BLOCKED, _any("ofr*_102 | lpn*_510 | ofr_999")),
    Rule("yahoo-never", Reason.BLOCKED, _any("will be permanently deferred")),
    Rule("yahoo-volume", Reason.RATE_LIMITED, _any("[tss | [ts0")),
    Rule("yandex-suspended", Reason.SUSPEND, _any("policy rejection on the target address")),
    Rule(
        "exchange-no-recipient",
        Reason.USER_UNKNOWN,
        _any("recipientnotfound | recipient address*rejected*access denied"),
    ),
    Rule("exchange-banned", Reason.BLOCKED, _any("banned sending ip | (s3150) | (s3140)")),
    Rule("mimecast-greylist", Reason.GREYLISTED, _any("internal resource*temporarily unavailable")),
)

# What anybody may say.
_GENERAL_RULES = (
    Rule("virus", Reason.VIRUS_DETECTED, _any("virus | malware | infected"), codes=("5",)),
    Rule(
        "expired",
        Reason.EXPIRED,
        _any("message expired | queue expired | unable to deliver in | retry timeout exceeded"),
    ),
    Rule(
        "loop",
        Reason.NETWORK_ERROR,
        _any("too many hops | hop count | mail loop | forwarding loop | loop detected | exceeded*hops"),
        explained=_CIRCLES,
    ),
    Rule(
        "reverse-dns",
        Reason.REQUIRE_PTR,
        _any(
            "ptr record | dns ptr | reverse dns | reverse hostname | cannot find your | ip name lookup failed"
        ),
    ),
    Rule("greylist", Reason.GREYLISTED, _any("greylist | graylist | grey list")),
    Rule(
        "authentication-of-sender",
        Reason.AUTH_FAILURE,
        _any("dmarc | dkim | spf  | spf: | spf- | sender policy framework | unauthenticated"),
    ),
    Rule("reputation", Reason.BAD_REPUTATION, _any("reputation")),
    Rule(
        "rate",
        Reason.RATE_LIMITED,
        _any(
            "too many | rate limit | at a rate | unusual rate | too quickly | too fast | excessive volume | "
            "unexpected volume | throttl | slow down | limit for the number of messages | thread limit exceeded | "
            "concurrent connections | frequency limited | max message per connection"
        ),
    ),
    Rule(
        "mailbox-full",
        Reason.MAILBOX_FULL,
        _any(
            "over quota | overquota | quota exceeded | quotaexceeded | mailbox full | mailbox*is full | out of "
            "storage | exceeded storage allocation | mailbox size*exceeded | account is full"
        ),
    ),
    Rule(
        "disk-full",
        Reason.SYSTEM_FULL,
        _any("insufficient system storage | no space left | insufficient disk"),
    ),
    Rule(
        "size",
        Reason.MESG_TOO_BIG,
        _any("message size | size limit | too large | too big | message is too long"),
    ),
    Rule(
        "relaying",
        Reason.NO_RELAYING,
        _any(
            "relay access denied | relaying denied | relay denied | unable to relay | relay not permitted | open "
            "relay | relaying not allowed | not permitted to relay"
        ),
    ),
    Rule("null-mx", Reason.NOT_ACCEPT, _any("does not accept mail | null mx | nullmx | inbounds disabled")),
    Rule(
        "sender-refused",
        Reason.REJECTED,
        _any(
            "sender address rejected | sender rejected | sender denied | envelope blocked | envelope rejected | "
            "invalid sender | sender verify failed | unresolvable | domain of sender | invalid dns mx | "
            "block-send-er"
        ),
    ),
    Rule(
        "moved",
        Reason.HAS_MOVED,
        _any("has moved | no longer on server | address has changed | user not local"),
    ),
    Rule(
        "filtered",
        Reason.FILTERED,
        _any(
            "rejected by recipient | blocked by recipient | rejectmessage | not permitted to send to | "
            "resolver.rst.sender | resolver.rst.auth"
        ),
    ),
    Rule(
        "suspended",
        Reason.SUSPEND,
        _any(
            "disabled | suspended | inactive | due to inactivity | no longer valid | mailbox has been blocked | "
            "deactivated | is locked"
        ),
    ),
    Rule(
        "user-unknown",
        Reason.USER_UNKNOWN,
        _any(
            "user unknown | unknown user | user does not exist | account*does not exist | address*does not exist "
            "| mailbox does not exist | no such user | no such recipient | no such mailbox | invalid recipient | "
            "invalid mailbox | recipient not found | user not found | mailbox not found | unknown recipient | "
            "recipient unknown | not our customer | addressee unknown | unknown or illegal alias | doesn't have "
            "a*account | not a known user | not in recipient list | could not be found"
        ),
    ),
    Rule(
        "mailbox-unavailable",
        Reason.USER_UNKNOWN,
        _any("mailbox unavailable"),
        codes=("5",),
        confidence=Confidence.MEDIUM,
    ),
    Rule(
        "domain-unknown",
        Reason.HOST_UNKNOWN,
        _any(
            "host not found | domain not found | invalid domain | no such domain | unknown host | host unknown | "
            "domain does not exist"
        ),
    ),
    Rule(
        "spam",
        Reason.SPAM_DETECTED,
        _any(
            "spam message | as spam | is spam | suspicion of spam | spam detected | spam filter | spamassassin | "
            "like spam | unsolicited | spam url | spam content | spam score | suspected spam | to be spam | "
            "dt:spm"
        ),
    ),
    Rule(
        "block-list",
        Reason.BLOCKED,
        _any(
            "blocked using | block list | blocklist | blacklist | black list | spamhaus | dnsbl | banned sender | "
            "blocked - see | blocked for spam | block for spam | :blocked)"
        ),
    ),
    Rule(
        "content",
        Reason.CONTENT_ERROR,
        _any(
            "rfc compliant | from: header | banned content | content*rejected | content*denied | attachment | "
            "malformed | bare lf | bare line feed | duplicate header"
        ),
    ),
    Rule(
        "tls",
        Reason.FAILED_STARTTLS,
        _any("starttls | start tls | tls required | (tls) | tls connection | tls version"),
    ),
    Rule(
        "log-in",
        Reason.SECURITY_ERROR,
        _any("authentication | not authenticated | password"),
        codes=("53", "454"),
    ),
    Rule("policy", Reason.POLICY_VIOLATION, _any("policy | policies"), confidence=Confidence.MEDIUM),
    Rule(
        "connection",
        Reason.NETWORK_ERROR,
        _any(
            "connection timed out | connection refused | connection reset | lost connection | timed out | no "
            "route to host | network is unreachable | connection closed | establish connection | timeout"
        ),
    ),
    Rule(
        "fault",
        Reason.SYSTEM_ERROR,
        _any(
            "temporary failure | service not available | temporary system problem | server busy | internal error "
            "| local error | temporarily unavailable | service unavailable | temporary service failure"
        ),
        confidence=Confidence.MEDIUM,
        codes=("4",),
    ),
)

RULES: tuple[Rule, ...] = (*_SES_RULES, *_RELAY_RULES, *_PROVIDER_RULES, *_GENERAL_RULES)

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


def rules_from(tables: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """An operator's own rules, as a file holds them, to stand before these: `(*rules_from(own), *RULES)`.

    Each table has `name`, `reason` and `phrases`, and may have `codes`, `where`, `summary`, `by` and `advice`.
    Raises ValueError with the rule's name and what is wrong with it.
    """
    return tuple(_rule_from(table) for table in tables)


def _rule_from(table: Mapping[str, Any]) -> Rule:
    name = table.get("name", "?")
    try:
        return _checked(table)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"rule {name}: {'missing ' if isinstance(error, KeyError) else ''}{error}"
        raise ValueError(reason) from error


_NAMES = frozenset({"name", "reason", "phrases", "codes", "statuses", "where", "summary", "by", "advice"})


def _checked(table: Mapping[str, Any]) -> Rule:
    unknown = sorted(set(table) - _NAMES)
    if unknown:
        reason = f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_NAMES))}"
        raise ValueError(reason)
    rule = Rule(
        str(table["name"]),
        Reason(table["reason"]),
        phrases=tuple(phrase.casefold() for phrase in _words(table, "phrases")),
        codes=_words(table, "codes"),
        statuses=_words(table, "statuses"),
        where=Where(table["where"]) if "where" in table else None,
        explained=_explained(table),
    )
    if not (rule.phrases or rule.codes or rule.statuses):
        reason = "needs phrases, codes or statuses"
        raise ValueError(reason)
    return rule


def _words(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    words = table.get(name, ())
    if isinstance(words, str) or not all(isinstance(word, str) and word.strip("* ") for word in words):
        reason = f"{name} must be a list of texts that are not empty"
        raise ValueError(reason)
    return tuple(words)


def _explained(table: Mapping[str, Any]) -> Explained | None:
    if not {"summary", "by", "advice"} & set(table):
        return None
    usual = EXPLAINED[Reason(table["reason"])]
    # An operator's sentence may hold braces of its own.
    summary = (
        str(table["summary"]).replace("{", "{{").replace("}", "}}") if "summary" in table else usual.summary
    )
    return Explained(
        summary, Whom(table["by"]) if "by" in table else usual.by, str(table.get("advice", usual.advice))
    )
