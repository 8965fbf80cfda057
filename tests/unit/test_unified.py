from typing import Any

import pytest

from postroad import unified
from postroad.codec import Key, encode
from postroad.facts import Event, Fact, Source
from postroad.places import ses_key
from postroad.postfix import facts as said_by
from postroad.records import Record
from postroad.ses_words import unclaimed
from postroad.syslog import Carrier
from postroad.unified import Claim, claim, lines, render

CARRIER = Carrier(at="2026-03-01T00:00:00.000Z")
SES_ID = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
KEY = ses_key(SES_ID, "ann@example.com")
MARK = Claim("4fXk2M1zQyz3Rb", "mx1")


def ses(event: Event, **more: object) -> Fact:
    fact: Any = {
        "source": Source.SES,
        "event": event,
        "ses_id": SES_ID,
        "to": "ann@example.com",
        "at": "2026-02-25T00:05:21.512Z",
    }
    return fact | more  # type: ignore[no-any-return]


def relay(text: str, daemon: str = "smtp", queue_id: str = "4fXk2M1zQyz3Rb") -> Fact:
    (fact,) = said_by(f"2026-02-25T00:05:18Z mx1 postfix/{daemon}[420]: {queue_id}: {text}", CARRIER)
    return fact


RELAYED = relay(f"to=<ann@example.com>, relay=email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent (250 Ok {SES_ID})")  # fmt: skip
SUBMITTED = ses(Event.SUBMITTED, host="mx1.example.org", queue_id="4fXk2M1zQyz3Rb")
DELIVERED = ses(Event.DELIVERED, reply="250 2.0.0 OK (really)")


def record(*facts: Fact, key: Key = KEY) -> Record:
    return Record(key, frozenset(encode(fact, key) for fact in facts))


NOTHING = record()


def test_a_delivered_message_reads_as_postfix_would_write_it() -> None:
    assert render(DELIVERED, MARK) == (
        f"2026-02-25T00:05:21.512Z mx1 postfix/ses-events[1]: 4fXk2M1zQyz3Rb: to=<ann@example.com>, relay=amazonses.com, ses_id={SES_ID}, "
        "delay=3.51, dsn=2.0.0, status=delivered (250 2.0.0 OK (really))"
    )


def test_the_traditional_stamp_is_on_request() -> None:
    assert render(DELIVERED | {"at": "2026-03-05T00:05:21.512Z"}, MARK, traditional=True).startswith(
        "Mar  5 00:05:21 mx1 postfix/ses-events[1]: "
    )


@pytest.mark.parametrize(
    ("fact", "dsn", "status", "reply"),
    [
        (ses(Event.ACCEPTED), "2.0.0", "accepted", "accepted"),
        (ses(Event.DELIVERED), "2.0.0", "delivered", "delivered"),
        (ses(Event.DELIVERED, reply="250 2.6.0 x"), "2.6.0", "delivered", "250 2.6.0 x"),
        (
            ses(Event.DELAYED, delay_type="General", dsn="4.4.1", reply="421 x"),
            "4.4.1",
            "deferred",
            "General: 421 x",
        ),
        (ses(Event.DELAYED), "4.0.0", "deferred", "delayed"),
        (
            ses(Event.BOUNCED, bounce_type="Permanent", bounce_sub_type="General"),
            "5.0.0",
            "bounced",
            "Permanent/General",
        ),
        (
            ses(Event.BOUNCED, bounce_type="Permanent", dsn="5.1.1", reply="550 x"),
            "5.1.1",
            "bounced",
            "Permanent: 550 x",
        ),
        (
            ses(Event.BOUNCED, bounce_type="Transient", bounce_sub_type="MailboxFull"),
            "4.0.0",
            "bounced",
            "Transient/MailboxFull",
        ),
        (
            ses(Event.COMPLAINED, feedback_type="abuse", recipients=2),
            "5.7.1",
            "complained",
            "abuse: possibly one of 2 recipients",
        ),
        (
            ses(Event.COMPLAINED, complaint_sub_type="OnAccountSuppressionList"),
            "5.7.1",
            "bounced",
            "OnAccountSuppressionList: suppressed",
        ),
        (ses(Event.REJECTED, reply="Bad content"), "5.7.1", "rejected", "Bad content"),
        (ses(Event.RENDER_FAILED, reply="x"), "5.6.0", "rejected", "x"),
        (ses(Event.OPENED), "2.0.0", "opened", "opened"),
    ],
)
def test_each_event_has_its_code_its_word_and_its_reply(
    fact: Fact, dsn: str, status: str, reply: str
) -> None:
    assert render(fact, MARK).endswith(f"dsn={dsn}, status={status} ({reply})")


@pytest.mark.parametrize(
    ("at", "ses_id", "delay"),
    [
        ("2026-02-25T00:05:18.000Z", SES_ID, "0"),
        ("2026-02-25T00:05:18.010Z", SES_ID, "0.01"),
        ("2026-02-25T00:05:19.500Z", SES_ID, "1.5"),
        ("2026-02-25T00:05:28.000Z", SES_ID, "10"),
        ("2026-02-25T00:06:58.000Z", SES_ID, "100"),
        ("2026-02-25T00:05:17.000Z", SES_ID, "0"),
        ("2026-02-25T00:05:17.000Z", "EXAMPLE", "0"),
    ],
)
def test_the_delay_counts_from_when_ses_took_it_as_postfix_writes_numbers(
    at: str, ses_id: str, delay: str
) -> None:
    assert unified.delay(ses(Event.DELIVERED) | {"at": at, "ses_id": ses_id}) == delay


def test_ses_facts_wait_for_a_claim() -> None:
    waiting = record(ses(Event.SUBMITTED), DELIVERED)
    assert claim(waiting.facts()) is None
    assert unified.is_waiting(waiting)
    assert lines(NOTHING, waiting) == []
    assert not unified.is_waiting(NOTHING)
    assert not unified.is_waiting(record(SUBMITTED, DELIVERED))
    assert not unified.is_waiting(record(RELAYED, key=Key("queue#4fXk2M1zQyz3Rb", "2026-02-25T00")))


def test_the_relays_log_claims_before_the_received_header_and_that_before_the_deadline() -> None:
    given_up, received = unclaimed(SES_ID, "ann@example.com"), SUBMITTED
    assert claim([given_up]) == Claim("NOQUEUE", "amazonses.com")
    assert claim([given_up, received]) == Claim("4fXk2M1zQyz3Rb", "mx1.example.org")
    assert claim([given_up, received, RELAYED]) == Claim("4fXk2M1zQyz3Rb", "mx1")


def test_a_line_is_told_when_it_can_be_and_never_again() -> None:
    one, two = record(DELIVERED), record(DELIVERED, SUBMITTED)
    three, four = (
        record(DELIVERED, SUBMITTED, RELAYED),
        record(DELIVERED, SUBMITTED, RELAYED, ses(Event.ACCEPTED)),
    )
    assert lines(NOTHING, one) == []
    (told,) = lines(one, two)
    assert "status=delivered" in told
    (sent,) = lines(two, three)  # the same queue id; only the host is spelt otherwise
    assert "status=sent" in sent
    assert lines(three, four) == []
    assert lines(four, four) == []


def test_a_better_claim_tells_again_under_its_queue_id() -> None:
    before = record(DELIVERED, unclaimed(SES_ID, "ann@example.com"))
    after = record(DELIVERED, unclaimed(SES_ID, "ann@example.com"), SUBMITTED)
    (first,), (again,) = lines(NOTHING, before), lines(before, after)
    assert "]: NOQUEUE: to=" in first
    assert "]: 4fXk2M1zQyz3Rb: to=" in again


def test_queue_records_and_refusals_of_nobody_tell_nothing() -> None:
    assert lines(NOTHING, record(RELAYED, key=Key("queue#4fXk2M1zQyz3Rb", "2026-02-25T00"))) == []
    refused = relay("reject: CONNECT from x[1.2.3.4]: 554 no; proto=SMTP", "smtpd", "NOQUEUE")
    assert lines(NOTHING, record(refused, key=Key("noqueue#x", "2026-02-25T00#to#"))) == []


@pytest.mark.parametrize(
    ("daemon", "text"),
    [
        ("smtpd", "client=app[192.0.2.1], sasl_method=PLAIN, sasl_username=u, sasl_sender=s, orig_queue_id=7862B3C35EC, orig_client=x[1.2.3.4]"),
        ("smtpd", "client=app[192.0.2.1]"),
        ("pickup", "uid=1 from=<s@x>"),
        ("pickup", "uid=1 from=<> orig_id=7862B3C35EC"),
        ("cleanup", "message-id=<m@x>"),
        ("cleanup", "message-id=<>"),
        ("cleanup", "resent-message-id=<m@x>"),
        ("cleanup", "info: header Subject: Hi; from=<a> to=<b> from app[192.0.2.1]; from=<s@x> to=<t@y> proto=ESMTP helo=<h>"),
        ("cleanup", "removed (canceled)"),
        ("cleanup", "removed (discarded)"),
        ("qmgr", "from=<s@x>, size=1, nrcpt=1 (queue active)"),
        ("qmgr", "from=<>, status=expired, returned to sender"),
        ("qmgr", "removed"),
        ("bounce", "sender non-delivery notification: 7862B3C35EC"),
        ("postsuper", "expired"),
        ("postsuper", "requeued"),
        ("postsuper", "removed"),
        ("postsuper", "placed on hold"),
        ("postsuper", "released from hold"),
        ("smtp", "to=<a@b>, orig_to=<c>, relay=mx[1.2.3.4]:25, conn_use=2, delay=1, delays=1/0/0/0, tls=may, dsn=4.0.0, status=SOFTBOUNCE (x)"),
        ("smtp", "to=<a@b>, relay=mx[1.2.3.4]:25, delay=1, status=deferred (x)"),
        ("smtp", "to=<>, relay=mx[1.2.3.4]:25, delay=1, dsn=2.0.0, status=sent ()"),
    ],
)  # fmt: skip
def test_a_relays_line_is_written_as_it_was_and_reads_back_the_same(daemon: str, text: str) -> None:
    fact = relay(text, daemon)
    line = render(fact, unified.own_claim(fact))
    assert line == f"2026-02-25T00:05:18.000Z mx1 postfix/{daemon}[420]: 4fXk2M1zQyz3Rb: {text}"
    assert said_by(line, CARRIER) == [fact]


def test_a_refusal_becomes_a_line_of_its_recipient() -> None:
    fact = relay(
        "reject: RCPT from unknown[203.0.113.5]: 554 5.7.1 no; from=<x@y> to=<ann@example.com> proto=ESMTP helo=<h>",
        "smtpd",
        "NOQUEUE",
    )
    assert render(fact, unified.own_claim(fact)) == (
        "2026-02-25T00:05:18.000Z mx1 postfix/smtpd[420]: NOQUEUE: to=<ann@example.com>, relay=none, delay=0, dsn=5.7.1, "
        "status=rejected (RCPT from unknown[203.0.113.5]: 554 5.7.1 no)"
    )


def test_what_a_rule_holds_says_why() -> None:
    fact = relay(
        "hold: header Subject: odd from app[192.0.2.1]; from=<s@x> to=<t@y> proto=ESMTP helo=<h>", "cleanup"
    )
    assert "Subject: odd" in render(fact, unified.own_claim(fact))


def test_an_instance_keeps_its_name_and_a_line_without_a_daemon_gets_one() -> None:
    (named,) = said_by(
        "2026-02-25T00:05:18Z mx1 postfix-out/smtp[420]: 4fXk2M1zQyz3Rb: to=<a@b>, relay=x, delay=1, status=sent (x)",
        CARRIER,
    )
    assert " postfix-out/smtp[420]: " in render(named, unified.own_claim(named))
    (bare,) = said_by("4fXk2M1zQyz3Rb: to=<a@b>, relay=x, delay=1, status=sent (x)", CARRIER)
    assert " - postfix/smtp[1]: " in render(bare, unified.own_claim(bare))


@pytest.mark.parametrize(
    "reply",
    ["a\r\nFeb 25 00:05:18 mx1 postfix/qmgr[1]: X: removed", "a\u2028b", "a\0b\x1b[2J", "x" * 100_000],
)
def test_a_remote_servers_words_make_one_line_of_bounded_length(reply: str) -> None:
    line = render(ses(Event.DELIVERED, reply=reply), MARK)
    assert line.isprintable()
    assert len(line) < 2000
    (back,) = said_by(line, CARRIER)
    assert (back["to"], back["queue_id"]) == ("ann@example.com", MARK.queue_id)


def test_an_address_or_an_id_that_is_none_forges_no_field() -> None:
    fact = ses(Event.DELIVERED) | {
        "to": "x>, relay=y, delay=0, dsn=2.0.0, status=sent (@b",
        "ses_id": "a, status=sent (b",
    }
    (back,) = said_by(render(fact, MARK), CARRIER)
    assert (back["relay"], back["status"]) == ("amazonses.com", "delivered")
    assert back["ses_id"] == "a? status=sent (b"
