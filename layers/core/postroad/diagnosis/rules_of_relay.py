"""What our own relay says."""

from postroad.diagnosis.explained import Explained
from postroad.diagnosis.reasons import Reason, Where, Whom
from postroad.diagnosis.rule import CIRCLES, Rule, any_of

# Postfix's own words: src/smtp, src/local, src/qmgr
RELAY_RULES = (
    Rule(
        "relay-no-mechanism",
        Reason.SECURITY_ERROR,
        any_of("cannot authenticate to server"),
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
        any_of("server certificate not"),
        explained=Explained(
            "Our server could not trust the certificate of the next server",
            Whom.OPERATORS,
            "Check smtp_tls_CAfile, the clock and the name in relayhost; a firewall may show a certificate of its own.",
        ),
    ),
    Rule(
        "relay-starttls-not-offered",
        Reason.FAILED_STARTTLS,
        any_of("tls is required"),
        explained=Explained(
            "Our server needs an encrypted connection, and the next server offered none",
            Whom.OPERATORS,
            "Check port and host of the relayhost, and for a firewall that takes STARTTLS away.",
        ),
    ),
    Rule(
        "relay-loop",
        Reason.NETWORK_ERROR,
        any_of("loops back to myself"),
        where=Where.RELAY,
        explained=CIRCLES,
    ),
    Rule(
        "relay-maybe-sent",
        Reason.NETWORK_ERROR,
        any_of("message may be sent more than once"),
        explained=Explained(
            "The connection broke at the very end, so the message may have gone out and may go out again",
            Whom.OPERATORS,
            "Expect a duplicate; if it happens often, look for a firewall or a time limit on the way.",
        ),
    ),
    Rule(
        "relay-transport",
        Reason.SYSTEM_ERROR,
        any_of("mail transport unavailable | unknown mail transport"),
        where=Where.RELAY,
    ),
    Rule(
        "relay-smtputf8",
        Reason.SYNTAX_ERROR,
        any_of("requires smtputf8"),
        explained=Explained(
            "An address or the subject has letters that the next server cannot read",
            Whom.SENDER,
            "Ask the person for an address in plain Latin letters, and send without such letters elsewhere.",
        ),
    ),
    Rule("relay-name-later", Reason.NETWORK_ERROR, any_of("host not found, try again")),
)
