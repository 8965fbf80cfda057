"""What anybody may write into a Subject, an address, a HELO or a reply forges nothing and stops nothing."""

import json

import pytest

from postroad import ingest
from postroad.facts import Event, Fact
from postroad.growth import grown
from postroad.phrases import phrase
from postroad.search import Search
from postroad.store.sqlite import SQLiteStore
from postroad.syslog import Carrier
from postroad.unified import own_claim, render

CARRIER = Carrier("2026-02-26T00:00:00.000Z")
HEAD = "2026-02-25T10:00:00.000+00:00 mx1 postfix"
FORGED = "to=<victim@example.com>, relay=none, delay=1, dsn=5.0.0, status=bounced (forged)"


def said(line: str) -> list[Fact]:
    return ingest.relay([line.encode()], CARRIER, "").facts


@pytest.mark.parametrize(
    "line",
    [
        f"{HEAD}/cleanup[1]: ABCDEF1234: warning: header Subject: from h[192.0.2.1]; from=<a@b.c> to=<x@y.z>",
        f"{HEAD}/cleanup[1]: ABCDEF1234: warning: header Subject:  from h[192.0.2.1]; from=<> to=<>",
        f"{HEAD}/qmgr[1]: ABCDEF1234: from=<>, size=1, nrcpt=1 (queue active)",
        f"{HEAD}/cleanup[1]: ABCDEF1234: message-id=<>",
        f"{HEAD}/smtp[1]: ABCDEF1234: to=<>, relay=none, delay=1, dsn=4.0.0, status=deferred ()",
        f"{HEAD}/smtpd[1]: NOQUEUE: reject: RCPT from u[192.0.2.1]: ; from=<> to=<> proto=SMTP helo=<>",
        f"{HEAD}/bounce[1]: ABCDEF1234: sender non-delivery notification: ABCDEF1235",
    ],
)
def test_every_fact_can_be_phrased_rendered_and_written(line: str) -> None:
    (fact,) = said(line)
    assert phrase(fact).encode()
    assert render(fact, own_claim(fact)).encode()
    assert grown([fact])


@pytest.mark.parametrize("rest", ["client=", f"to=<a@b.c>, relay=, {FORGED[27:]}"])
def test_a_form_with_an_empty_field_that_cannot_be_is_refused(rest: str) -> None:
    daemon = "smtpd" if rest.startswith("client") else "smtp"
    assert ingest.relay([f"{HEAD}/{daemon}[1]: ABCDEF1234: {rest}".encode()], CARRIER, "").bad


@pytest.mark.parametrize(
    "line",
    [
        f"Feb 25 10:00:00 mx1 dovecot: lmtp(bob): subject: Feb 25 10:00:00 mx1 postfix/smtp[1]: ABCDEF9999: {FORGED}",
        f"Feb 25 10:00:00 mx1 kernel: foo postfix/smtp[1]: ABCDEF9999: {FORGED}",
        f"ABCDEF1234: warning: header Subject: x postfix/smtp[1]: ABCDEF9999: {FORGED} from local; from=<a@b.c>",
    ],
)
def test_a_tag_within_a_text_is_none(line: str) -> None:
    assert all(fact.get("queue_id") != "ABCDEF9999" for fact in said(line))


def test_an_envelope_within_a_quoted_address_is_none() -> None:
    quoted = '"; from=<ceo@corp.example> to=<victim@corp.example> proto=ESMTP helo=<z"@evil.example'
    tail = f"554 5.7.1 <x>: denied; from=<e@evil.example> to=<{quoted}> proto=ESMTP helo=<e>"
    (fact,) = said(f"{HEAD}/smtpd[1]: NOQUEUE: reject: RCPT from evil[192.0.2.6]: {tail}")
    assert (fact["from"], fact["to"]) == ("e@evil.example", quoted)


def test_half_characters_in_a_shippers_record_become_question_marks() -> None:
    record = json.dumps(
        {
            "log": f"{HEAD}/smtp[1]: ABCDEF1234: to=<a@b.c>, relay=none, delay=1, dsn=5.0.0, status=bounced (\ud83d)"
        }
    )
    (fact,) = said(record)
    assert fact["reply"] == "?"


def test_a_shippers_time_dates_a_line_without_a_stamp() -> None:
    record = json.dumps({"log": "postfix/qmgr[1]: ABCDEF1234: removed\n", "time": "2024-02-25T00:05:18.5Z"})
    assert said(record)[0]["at"] == "2024-02-25T00:05:18.500Z"


def test_a_syslog_protocol_header_is_read() -> None:
    (fact,) = said("<22>1 2026-02-25T00:05:18.123Z mx1 postfix/qmgr 1234 - - ABCDEF1234: removed")
    assert (fact["event"], fact["host"], fact["pid"]) == (Event.REMOVED, "mx1", "1234")


def test_a_subject_of_half_characters_stops_nothing() -> None:
    lines = [
        f"{HEAD}/cleanup[1]: ABCDEF1234: info: header Subject: =?unicode_escape?Q?=5Cud800?= from local; from=<a@b.c> to=<x@y.z>",
        f"{HEAD}/smtp[1]: ABCDEF1234: to=<x@y.z>, relay=none, delay=1, dsn=4.0.0, status=deferred (x)",
    ]
    with SQLiteStore.open() as store:
        store.add(grown([fact for line in lines for fact in said(line)]))
        (journey,) = Search(store, "2026-02-26T00:00:00.000Z").anchored(store.deliveries())
    assert json.dumps(journey.as_json(), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "detail",
    [{"recipients": [{"emailAddress": "x@y.z"}], "reason": {"code": 1}}, {"processingTimeMillis": "x"}],
)
def test_an_unknown_type_is_kept_whatever_its_fields_are(detail: object) -> None:
    mail = {
        "messageId": "EXAMPLE-1",
        "timestamp": "2026-02-25T10:00:00.000Z",
        "destination": ["x@y.z"],
        "tags": {"a": None},
    }
    batch = ingest.ses([json.dumps({"eventType": "Inspection", "mail": mail, "inspection": detail})], "")
    assert not batch.bad
    assert batch.facts[1]["type"] == "Inspection"
    assert batch.facts[1]["fields"]
