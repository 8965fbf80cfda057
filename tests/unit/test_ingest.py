import json
from collections.abc import Sequence
from typing import Any

from postroad import ingest
from postroad.codec import Key
from postroad.facts import Event
from postroad.growth import Growth
from postroad.syslog import Carrier

CARRIER = Carrier(at="2026-03-01T00:00:00.000Z")
REMOVED = b"Feb 25 00:05:18 mx1 postfix/qmgr[99]: 4fXk2M1zQyz3Rb: removed"
ACTIVE = b"Feb 25 00:05:18 mx1 postfix/qmgr[99]: 4fXk2M1zQyz3Rb: from=<a@example.org>, size=9, nrcpt=1 (queue active)"
CUT = b"Feb 25 00:05:18 mx1 postfix/smtp[99]: 4fXk2M1zQyz3Rb: to=<ann@exam"
SEND = json.dumps(
    {
        "eventType": "Send",
        "mail": {"messageId": "x", "timestamp": "2026-02-25T00:05:18Z", "destination": ["a@b"]},
        "send": {},
    }
)


def test_one_bad_line_is_set_aside_and_the_rest_goes_on() -> None:
    batch = ingest.relay([REMOVED + b"\r\n", CUT, b"", REMOVED], CARRIER, "mail.log")
    assert [fact["event"] for fact in batch.facts] == [Event.REMOVED] * 2
    ((source, origin, reason, raw),) = batch.bad
    assert (source, origin, raw) == ("relay", "mail.log", CUT.decode())
    assert "cut" in reason


def test_one_bad_event_is_set_aside_and_the_rest_goes_on() -> None:
    batch = ingest.ses([SEND, b"{", SEND.encode(), "\ud800"], "events")
    assert len(batch.facts) == 4
    assert [bad.raw for bad in batch.bad] == ["{", "\ud800"]


def test_bytes_that_are_no_text_become_question_marks_and_characters_stay() -> None:
    assert ingest.text_of(b"a\xff\x00b\tc\x1b j\xc3\xbcrgen\r\n") == "a??b c? jürgen"
    assert ingest.text_of(b"\0\0plain\0") == "plain"


def test_a_line_of_a_megabyte_is_set_aside_whole() -> None:
    batch = ingest.relay([REMOVED + b"x" * 1_000_000], CARRIER, "mail.log")
    assert len(batch.bad[0].raw) > 1_000_000


def into(lines: list[bytes], read: ingest.Read) -> tuple[dict[Key, Growth], ingest.Batch]:
    growths: dict[Key, Growth] = {}
    return growths, ingest.into(growths, lines, read, "relay", "mail.log")


def test_a_line_that_breaks_the_reader_costs_no_other() -> None:
    def read(lines: Sequence[bytes]) -> ingest.Batch:
        if b"bad" in lines:
            raise ZeroDivisionError("of course not")
        return ingest.relay(lines, CARRIER, "mail.log")

    growths, batch = into([ACTIVE, b"bad", CUT, REMOVED], read)
    assert [bad.raw for bad in batch.bad] == ["bad", CUT.decode()]
    assert batch.bad[0].reason == "a fault of Postroad's own: ZeroDivisionError('of course not')"
    assert growths == into([ACTIVE, REMOVED], read)[0] != {}


def test_a_line_whose_facts_break_the_fold_costs_no_other() -> None:
    def read(lines: Sequence[bytes]) -> ingest.Batch:
        batch = ingest.relay([line for line in lines if line != b"bad"], CARRIER, "mail.log")
        # One that is kept, and one whose record is known before its text cannot be written.
        good: Any = ingest.relay([ACTIVE], CARRIER, "").facts[0] | {"queue_id": "4fXk2M1zQyz3Rc"}
        unwritable: list[Any] = [good, good | {"queue_id": "4fXk2M1zQyz3Rd", "host": object()}]
        return batch._replace(facts=[*batch.facts, *(unwritable if b"bad" in lines else [])])

    growths, batch = into([ACTIVE, b"bad", REMOVED], read)
    assert [bad.raw for bad in batch.bad] == ["bad"]
    assert batch.bad[0].reason.startswith("a fault of Postroad's own: ")
    assert growths == into([ACTIVE, REMOVED], read)[0] != {}
