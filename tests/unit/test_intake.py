"""A subscription's payload is read at once as it is read line by line; what is not whole is refused whole."""

import base64
import gzip
import json
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad import ingest, postfix
from postroad.cloud import intake
from postroad.cloud.intake import RelayLogs, unpacked
from postroad.cloud.queues import Message
from postroad.cloud.tally import Tally
from postroad.codec import Key
from postroad.facts import Fact
from postroad.growth import Growth, grown
from postroad.ingest import Batch
from postroad.instants import from_ms
from postroad.syslog import Carrier
from tests.aws.parts.payloads import subscription

PARIS = ZoneInfo("Europe/Paris")
NEW_YEAR = 1_767_225_600_000  # 2026-01-01T00:00:00Z
ORIGIN = "/mail/relay:i-0123456789"


class _Kept:
    """A table and a queue that keep what they are given."""

    def __init__(self) -> None:
        self.growths: Mapping[Key, Growth] = {}
        self.messages: list[Message] = []

    def add(self, growths: Mapping[Key, Growth]) -> None:
        self.growths = growths

    def send(self, messages: Iterable[Message]) -> None:
        self.messages = list(messages)


def _event(events: Iterable[tuple[int, str]]) -> dict[str, Any]:
    said = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "/mail/relay",
        "logStream": "i-0123456789",
        "subscriptionFilters": ["postroad"],
        "logEvents": [
            {"id": str(number), "timestamp": at, "message": text} for number, (at, text) in enumerate(events)
        ],
    }
    return _packed(json.dumps(said).encode())


def _packed(text: bytes) -> dict[str, Any]:
    return {"awslogs": {"data": base64.b64encode(gzip.compress(text, mtime=0)).decode()}}


def _line_by_line(events: Iterable[tuple[int, str]]) -> Batch:
    """The plain form: each line by itself, with the time of its own event."""
    batch = Batch([], [])
    for at, text in events:
        for line in text.split("\n"):
            if line.strip():
                carrier = Carrier(from_ms(at), PARIS, "i-0123456789")
                read = ingest.relay([line.encode("utf-8", "surrogatepass")], carrier, ORIGIN)
                batch.facts.extend(read.facts)
                batch.bad.extend(read.bad)
    return batch


SAID = [
    "{}mx1 postfix/smtpd[7]: 4fXk2M1zQyz3Rb: client=app[192.0.2.10]",
    "{}mx1 postfix/cleanup[7]: 4fXk2M1zQyz3Rb: message-id=<order-1@example.org>",
    "{}mx1 postfix/qmgr[7]: 4fXk2M1zQyz3Rb: from=<shop@example.org>, size=1200, nrcpt=1 (queue active)",
    "{}mx1 postfix/smtp[7]: 4fXk2M1zQyz3Rb: to=<ann@example.com>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (timeout)",
    "{}mx1 postfix/smtp[7]: 4fXk2M1zQyz3Rb: to=<ann@example.com>, relay=none, delay=1",
    "{}mx1 postfix/anvil[7]: statistics: max connection rate 1/60s",
    "{}mx1 postfix/smtpd[7]: 4fXk2M1zQyz3Rb: client=h\u00e4ndler[192.0.2.10]\t\x1b[31m",
    "{}mx1 sshd[7]: session opened",
]
STAMPS = [
    "Dec 31 23:59:58 ",
    "Jan  1 00:00:01 ",
    "Feb 31 00:00:00 ",
    "2026-01-01T00:00:00.123456+01:00 ",
    "",
    "postfix: ",
]
BOB = SAID[3].format(STAMPS[1]).replace("ann", "bob")
WITH_BOB = [
    (NEW_YEAR, line)
    for line in (*(said.format(STAMPS[1]) for said in SAID[:6]), BOB, SAID[1].format(STAMPS[0]))
]
MESSAGES = st.one_of(
    st.builds(str.format, st.sampled_from(SAID), st.sampled_from(STAMPS)),
    st.builds(
        "\n".join, st.lists(st.builds(str.format, st.sampled_from(SAID), st.sampled_from(STAMPS)), max_size=3)
    ),
    st.builds(
        lambda line: json.dumps({"log": line, "time": "2025-12-31T23:59:59.5Z"}), st.sampled_from(SAID)
    ),
    st.sampled_from(["", " ", "\n", "\r\n", "\0", "x" * 20_000, "{", "postfix/smtp[1]: "]),
    st.text(max_size=40),
)
TIMES = st.sampled_from([NEW_YEAR - 1, NEW_YEAR, NEW_YEAR + 1, NEW_YEAR + 86_400_000, NEW_YEAR + 60_000])


@given(st.lists(st.tuples(TIMES, MESSAGES), max_size=12))
def test_a_payload_says_what_its_lines_say(events: list[tuple[int, str]]) -> None:
    kept: Any = _Kept()
    tally = RelayLogs(kept, kept, PARIS).take(unpacked(_event(events)))

    plain = _line_by_line(events)
    assert kept.growths == grown(plain.facts)
    assert [message.body for message in kept.messages] == [_as_sent(one.raw) for one in plain.bad]
    assert (tally.refused, tally.reasons) == (len(plain.bad), [one.reason for one in plain.bad])


def _as_sent(raw: str) -> str:
    return raw.encode("utf-8", "replace").decode()


@given(st.lists(st.tuples(TIMES, st.builds(str.format, st.sampled_from(SAID), st.sampled_from(STAMPS)))))
def test_of_ordinary_lines_the_facts_come_in_their_order(events: list[tuple[int, str]]) -> None:
    payload = unpacked(_event(events))
    carrier = Carrier("", PARIS, "i-0123456789")
    said = intake._ordinary(payload.log_events, carrier)  # noqa: SLF001 - the fast form
    whole = intake._any(payload.log_events, carrier, ORIGIN)  # noqa: SLF001 - the plain one

    assert whole.facts == _line_by_line(events).facts
    assert said in (None, whole)


def test_ordinary_lines_are_read_at_once() -> None:
    payload = unpacked(
        _event([(NEW_YEAR + number, SAID[number % 4].format(STAMPS[1])) for number in range(500)])
    )

    said = intake._ordinary(payload.log_events, Carrier("", UTC, "i"))  # noqa: SLF001
    assert said
    assert (said.lines, len(said.facts)) == (500, 500)


def _refuses(line: str) -> bool:
    return "bob" in line


def test_a_line_that_breaks_the_reader_costs_no_other() -> None:
    kept: Any = _Kept()
    whole = postfix.read

    def breaks(lines: list[str], carrier: Carrier) -> postfix.Reading:
        if any(map(_refuses, lines)):
            raise RuntimeError("of the reader")
        return whole(lines, carrier)

    with patch.object(postfix, "read", breaks):
        tally = RelayLogs(kept, kept, PARIS).take(unpacked(_event(WITH_BOB)))

    _is_all_but_bob(kept, tally, "RuntimeError('of the reader')")


def test_a_line_whose_fact_breaks_the_fold_costs_no_other() -> None:
    kept: Any = _Kept()

    def breaks(facts: list[Fact]) -> Mapping[Key, Growth]:
        if any(_refuses(fact.get("to", "")) for fact in facts):
            raise KeyError("of the fold")
        return grown(facts)

    with patch.object(intake, "grown", breaks):
        tally = RelayLogs(kept, kept, PARIS).take(unpacked(_event(WITH_BOB)))

    _is_all_but_bob(kept, tally, "KeyError('of the fold')")


def _is_all_but_bob(kept: Any, tally: Tally, error: str) -> None:  # noqa: ANN401
    """What is no fault of Postroad's own is refused beside it, as ever."""
    rest = [(at, line) for at, line in WITH_BOB if not _refuses(line)]
    plain = _line_by_line(rest)
    assert kept.growths == grown(plain.facts)
    assert {message.body for message in kept.messages} == {BOB, *(one.raw for one in plain.bad)}
    assert (tally.parsed, tally.refused) == (len(rest) - 1, 2)
    assert f"a fault of Postroad's own: {error}" in tally.reasons


def test_refused_lines_are_not_read_again() -> None:
    lines = [SAID[4].format(STAMPS[1])] * 500
    with patch.object(postfix, "read", wraps=postfix.read) as read:
        facts, bad = intake._read(lines, Carrier(from_ms(NEW_YEAR)), ORIGIN)  # noqa: SLF001

    assert (facts, [one.raw for one in bad]) == ([], lines)
    read.assert_called_once()


def test_one_bad_line_among_thousands_is_found() -> None:
    events = [(NEW_YEAR, SAID[0].format(STAMPS[1]))] * 3_000
    events[1_234] = (NEW_YEAR, SAID[4].format(STAMPS[1]))
    kept: Any = _Kept()
    tally = RelayLogs(kept, kept, UTC).take(unpacked(_event(events)))

    assert (tally.parsed, tally.refused) == (2_999, 1)
    assert [message.body for message in kept.messages] == [events[1_234][1]]


@pytest.mark.parametrize(
    "data",
    [
        "",
        "no base64 at all!",
        base64.b64encode(b"no gzip").decode(),
        base64.b64encode(gzip.compress(b"{}", mtime=0)[:-9]).decode(),
        base64.b64encode(gzip.compress(b'{"messageType":', mtime=0)).decode(),
        base64.b64encode(gzip.compress(b"[]", mtime=0)).decode(),
        base64.b64encode(gzip.compress(b'{"messageType":"DATA_MESSAGE"}', mtime=0)).decode(),
        base64.b64encode(gzip.compress(b"\xff", mtime=0)).decode(),
    ],
)
def test_what_is_no_whole_payload_is_refused(data: str) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError)):
        unpacked({"awslogs": {"data": data}})


def test_a_payload_that_unpacks_without_end_is_refused() -> None:
    bomb = gzip.compress(b" " * (intake._LARGEST + 1), mtime=0)  # noqa: SLF001
    assert len(bomb) < 100_000
    with pytest.raises(ValueError, match="too large"):
        unpacked({"awslogs": {"data": base64.b64encode(bomb).decode()}})


def test_half_a_character_does_not_cost_the_payload() -> None:
    text = json.dumps(
        json.loads(gzip.decompress(base64.b64decode(subscription(["\ud800"])["awslogs"]["data"])))
    )
    assert "\\ud800" in text

    assert unpacked(_packed(text.encode())).log_events[0].message == "\ud800"
