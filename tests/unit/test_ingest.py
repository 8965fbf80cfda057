import json

from postroad import ingest
from postroad.facts import Event
from postroad.syslog import Carrier

CARRIER = Carrier(at="2026-03-01T00:00:00.000Z")
REMOVED = b"Feb 25 00:05:18 mx1 postfix/qmgr[99]: 4fXk2M1zQyz3Rb: removed"
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
