"""Mail as the relay's log and SES's events tell of it, for the tests of stores."""

from typing import cast

from postroad import postfix
from postroad.facts import Event, Fact, Source
from postroad.syslog import Carrier

CARRIER = Carrier(at="2026-02-25T12:00:00.000Z")
# They tell their times: 00:05:18 and 01:05:19 on 2026-02-25.
SES_ID = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
LATER_ID = "0100019c92543898-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
_OUTBOUND = "relay=email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587, delay=0.4, delays=0.1/0/0.2/0.1"

LINES = (
    "Feb 25 00:05:17 mx1 postfix/smtpd[411]: 4fXk2M1zQyz3Rb: client=app.example.org[192.0.2.10]",
    "Feb 25 00:05:17 mx1 postfix/cleanup[412]: 4fXk2M1zQyz3Rb: message-id=<order-1@example.org>",
    "Feb 25 00:05:17 mx1 postfix/qmgr[99]: 4fXk2M1zQyz3Rb: from=<shop@example.org>, size=1820, nrcpt=2 (queue active)",
    f"Feb 25 00:05:18 mx1 postfix/smtp[420]: 4fXk2M1zQyz3Rb: to=<Ann@Example.com>, {_OUTBOUND}, dsn=2.0.0, status=sent (250 Ok {SES_ID})",
    f"Feb 25 00:05:18 mx1 postfix/smtp[421]: 4fXk2M1zQyz3Rb: to=<bob@example.net>, {_OUTBOUND}, dsn=4.4.1, status=deferred (451 Timeout waiting for data)",
    f"Feb 25 01:05:19 mx1 postfix/smtp[422]: 4fXk2M1zQyz3Rb: to=<bob@example.net>, {_OUTBOUND}, dsn=2.0.0, status=sent (250 Ok {LATER_ID})",
    "Feb 25 01:05:19 mx1 postfix/qmgr[99]: 4fXk2M1zQyz3Rb: removed",
    "Feb 25 02:00:00 mx1 postfix/smtpd[430]: NOQUEUE: reject: RCPT from spam.example[203.0.113.5]: 554 5.7.1 <ann@example.com>: Relay access denied; from=<x@spam.example> to=<ann@example.com> proto=ESMTP helo=<spam.example>",
    f"Feb 26 03:00:00 mx1 postfix/smtp[440]: 4fY0001zQyz3Rb: to=<ann@example.com>, {_OUTBOUND}, dsn=5.1.1, status=bounced (554 Message rejected)",
)


def said(line: str) -> list[Fact]:
    return postfix.facts(line, CARRIER)


def ses(event: Event, ses_id: str, to: str, at: str | None, **more: str) -> Fact:
    fact = {"event": event, "source": Source.SES, "ses_id": ses_id, "to": to, "at": at, **more}
    return cast("Fact", {name: value for name, value in fact.items() if value is not None})


def _told(ses_id: str, to: str, outcome: Event, **more: str) -> list[Fact]:
    return [
        ses(Event.SUBMITTED, ses_id, to, "2026-02-25T00:05:18.000Z", message_id="order-1@example.org"),
        ses(Event.ACCEPTED, ses_id, to, "2026-02-25T00:05:18.000Z"),
        ses(outcome, ses_id, to, "2026-02-25T00:05:21.512Z", **more),
    ]


UNCLAIMED: Fact = {
    "event": Event.UNCLAIMED,
    "source": Source.POSTROAD,
    "ses_id": LATER_ID,
    "to": "bob@example.net",
}
FACTS: list[Fact] = [
    *(fact for line in LINES for fact in said(line)),
    *_told(SES_ID, "ann@example.com", Event.DELIVERED, reply="250 2.0.0 OK"),
    *_told(LATER_ID, "bob@example.net", Event.BOUNCED, bounce_type="Permanent", bounce_sub_type="General"),
    ses(Event.COMPLAINED, SES_ID, "ann@example.com", "2026-02-27T10:00:00.000Z", feedback_type="abuse"),
    UNCLAIMED,
]
