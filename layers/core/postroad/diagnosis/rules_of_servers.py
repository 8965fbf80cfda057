"""What the recipient's server says: first in one provider's own code, then in words that anybody may use."""

from postroad.diagnosis.reasons import Confidence, Reason
from postroad.diagnosis.rule import CIRCLES, Rule, any_of

# What one provider says in its own code.
PROVIDER_RULES = (
    Rule("orange-user", Reason.USER_UNKNOWN, any_of("ofr_416 | lpn*_416 | ofr*_418")),
    Rule("orange-spam", Reason.SPAM_DETECTED, any_of("ofr_506 | lpn*_506")),
    Rule("orange-blocked", Reason.BLOCKED, any_of("ofr*_102 | lpn*_510 | ofr_999")),
    Rule("yahoo-never", Reason.BLOCKED, any_of("will be permanently deferred")),
    Rule("yahoo-volume", Reason.RATE_LIMITED, any_of("[tss | [ts0")),
    Rule("yandex-suspended", Reason.SUSPEND, any_of("policy rejection on the target address")),
    Rule(
        "exchange-no-recipient",
        Reason.USER_UNKNOWN,
        any_of("recipientnotfound | recipient address*rejected*access denied"),
    ),
    Rule("exchange-banned", Reason.BLOCKED, any_of("banned sending ip | (s3150) | (s3140)")),
    Rule("mimecast-greylist", Reason.GREYLISTED, any_of("internal resource*temporarily unavailable")),
)
# What anybody may say.
GENERAL_RULES = (
    Rule("virus", Reason.VIRUS_DETECTED, any_of("virus | malware | infected"), codes=("5",)),
    Rule(
        "expired",
        Reason.EXPIRED,
        any_of("message expired | queue expired | unable to deliver in | retry timeout exceeded"),
    ),
    Rule(
        "loop",
        Reason.NETWORK_ERROR,
        any_of("too many hops | hop count | mail loop | forwarding loop | loop detected | exceeded*hops"),
        explained=CIRCLES,
    ),
    Rule(
        "reverse-dns",
        Reason.REQUIRE_PTR,
        any_of(
            "ptr record | dns ptr | reverse dns | reverse hostname | cannot find your | ip name lookup failed"
        ),
    ),
    Rule("greylist", Reason.GREYLISTED, any_of("greylist | graylist | grey list")),
    Rule(
        "authentication-of-sender",
        Reason.AUTH_FAILURE,
        any_of("dmarc | dkim | spf  | spf: | spf- | sender policy framework | unauthenticated"),
    ),
    Rule("reputation", Reason.BAD_REPUTATION, any_of("reputation")),
    Rule(
        "rate",
        Reason.RATE_LIMITED,
        any_of(
            "too many | rate limit | at a rate | unusual rate | too quickly | too fast | excessive volume | "
            "unexpected volume | throttl | slow down | limit for the number of messages | thread limit exceeded | "
            "concurrent connections | frequency limited | max message per connection"
        ),
    ),
    Rule(
        "mailbox-full",
        Reason.MAILBOX_FULL,
        any_of(
            "over quota | overquota | quota exceeded | quotaexceeded | mailbox full | mailbox*is full | out of "
            "storage | exceeded storage allocation | mailbox size*exceeded | account is full"
        ),
    ),
    Rule(
        "disk-full",
        Reason.SYSTEM_FULL,
        any_of("insufficient system storage | no space left | insufficient disk"),
    ),
    Rule(
        "size",
        Reason.MESG_TOO_BIG,
        any_of("message size | size limit | too large | too big | message is too long"),
    ),
    Rule(
        "relaying",
        Reason.NO_RELAYING,
        any_of(
            "relay access denied | relaying denied | relay denied | unable to relay | relay not permitted | open "
            "relay | relaying not allowed | not permitted to relay"
        ),
    ),
    Rule("null-mx", Reason.NOT_ACCEPT, any_of("does not accept mail | null mx | nullmx | inbounds disabled")),
    Rule(
        "sender-refused",
        Reason.REJECTED,
        any_of(
            "sender address rejected | sender rejected | sender denied | envelope blocked | envelope rejected | "
            "invalid sender | sender verify failed | unresolvable | domain of sender | invalid dns mx | "
            "block-send-er"
        ),
    ),
    Rule(
        "moved",
        Reason.HAS_MOVED,
        any_of("has moved | no longer on server | address has changed | user not local"),
    ),
    Rule(
        "filtered",
        Reason.FILTERED,
        any_of(
            "rejected by recipient | blocked by recipient | rejectmessage | not permitted to send to | "
            "resolver.rst.sender | resolver.rst.auth"
        ),
    ),
    Rule(
        "suspended",
        Reason.SUSPEND,
        any_of(
            "disabled | suspended | inactive | due to inactivity | no longer valid | mailbox has been blocked | "
            "deactivated | is locked"
        ),
    ),
    Rule(
        "user-unknown",
        Reason.USER_UNKNOWN,
        any_of(
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
        any_of("mailbox unavailable"),
        codes=("5",),
        confidence=Confidence.MEDIUM,
    ),
    Rule(
        "domain-unknown",
        Reason.HOST_UNKNOWN,
        any_of(
            "host not found | domain not found | invalid domain | no such domain | unknown host | host unknown | "
            "domain does not exist"
        ),
    ),
    Rule(
        "spam",
        Reason.SPAM_DETECTED,
        any_of(
            "spam message | as spam | is spam | suspicion of spam | spam detected | spam filter | spamassassin | "
            "like spam | unsolicited | spam url | spam content | spam score | suspected spam | to be spam | "
            "dt:spm"
        ),
    ),
    Rule(
        "block-list",
        Reason.BLOCKED,
        any_of(
            "blocked using | block list | blocklist | blacklist | black list | spamhaus | dnsbl | banned sender | "
            "blocked - see | blocked for spam | block for spam | :blocked)"
        ),
    ),
    Rule(
        "content",
        Reason.CONTENT_ERROR,
        any_of(
            "rfc compliant | from: header | banned content | content*rejected | content*denied | attachment | "
            "malformed | bare lf | bare line feed | duplicate header"
        ),
    ),
    Rule(
        "tls",
        Reason.FAILED_STARTTLS,
        any_of("starttls | start tls | tls required | (tls) | tls connection | tls version"),
    ),
    Rule(
        "log-in",
        Reason.SECURITY_ERROR,
        any_of("authentication | not authenticated | password"),
        codes=("53", "454"),
    ),
    Rule("policy", Reason.POLICY_VIOLATION, any_of("policy | policies"), confidence=Confidence.MEDIUM),
    Rule(
        "connection",
        Reason.NETWORK_ERROR,
        any_of(
            "connection timed out | connection refused | connection reset | lost connection | timed out | no "
            "route to host | network is unreachable | connection closed | establish connection | timeout"
        ),
    ),
    Rule(
        "fault",
        Reason.SYSTEM_ERROR,
        any_of(
            "temporary failure | service not available | temporary system problem | server busy | internal error "
            "| local error | temporarily unavailable | service unavailable | temporary service failure"
        ),
        confidence=Confidence.MEDIUM,
        codes=("4",),
    ),
)
