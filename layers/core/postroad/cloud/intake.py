"""Log lines on AWS: what a log group's subscription hands on becomes facts in the table.

A line that is refused is put aside with its reason, and never tried again; a payload that could not be stored comes
again, whole.
"""

import json
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import tzinfo
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from postroad import postfix, syslog
from postroad.addresses import is_plain, printable
from postroad.cloud.queues import Queue, refused
from postroad.cloud.tally import Tally
from postroad.codec import Key
from postroad.facts import Fact
from postroad.growth import Growth, grown
from postroad.instants import day, from_ms
from postroad.store.contract import BadInput, broken
from postroad.store.dynamodb import DynamoDBStore
from postroad.syslog import Carrier

_DAY_MS = 24 * 60 * 60 * 1000
# Some hundred times what CloudWatch Logs sends at once, and what the function's memory has room for.
_LARGEST = 64 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS

_Reader = Callable[[Sequence[str], Carrier, str], tuple[list[Fact], list[BadInput]]]


class Said(NamedTuple):
    """How many lines there were, what they said, and which of them were refused."""

    lines: int
    facts: list[Fact]
    bad: list[BadInput]


class LogEvent(Struct, gc=False):
    """One event of a log stream: when it came (ms since 1970), and its line or lines."""

    timestamp: int
    message: str


class Payload(Struct, rename="camel"):
    """What a subscription hands on at once: events of one log stream."""

    message_type: str
    log_group: str
    log_stream: str
    log_events: list[LogEvent]


_PAYLOAD = msgspec.json.Decoder(Payload)


def unpacked(event: Mapping[str, Any]) -> Payload:
    """Take the payload out of the function's event. Raises ValueError or MsgspecError where it is not whole."""
    unzip = zlib.decompressobj(_GZIP)
    try:
        text = unzip.decompress(b64decode(event["awslogs"]["data"]), _LARGEST)
    except zlib.error as error:
        raise ValueError(f"not a payload: {error}") from error
    if not unzip.eof:
        raise ValueError("a payload that is cut off, or too large")
    try:
        return _PAYLOAD.decode(text)
    except msgspec.DecodeError:
        # Half a surrogate pair, which JSON's grammar allows.
        return msgspec.convert(json.loads(text), Payload)


class RelayLogs:
    """Lines of the relays' logs, as a log group's subscription hands them on."""

    def __init__(self, store: DynamoDBStore, aside: Queue, zone: tzinfo) -> None:
        """Store in `store`, set aside in `aside`; `zone` is that of stamps that name none."""
        self._store = store
        self._aside = aside
        self._zone = zone

    def take(self, payload: Payload) -> Tally:
        """Store what a payload says. Raises NotStoredError, and then sets nothing aside: the payload comes again."""
        if payload.message_type != "DATA_MESSAGE":
            # CloudWatch Logs tries whether somebody is there.
            return Tally(0, 0, [], [])
        origin = f"{payload.log_group}:{payload.log_stream}"
        carrier = Carrier("", self._zone, payload.log_stream)
        said, growths = _folded(payload.log_events, carrier, origin)
        self._store.add(growths)
        self._aside.send(map(refused, said.bad))
        return Tally(said.lines - len(said.bad), len(said.bad), [], [one.reason for one in said.bad])


def _read(lines: Sequence[str], carrier: Carrier, origin: str) -> tuple[list[Fact], list[BadInput]]:
    """Read lines of one carrier at once. Raises what a line raises that breaks the reader."""
    facts, refusals = postfix.read(lines, carrier)
    return facts, [BadInput("relay", origin, str(error), error.raw) for error in refusals]


def _one_by_one(lines: Sequence[str], carrier: Carrier, origin: str) -> tuple[list[Fact], list[BadInput]]:
    """Read and fold each line alone: one that breaks the reader or the fold is refused like any other."""
    facts: list[Fact] = []
    bad: list[BadInput] = []
    for line in lines:
        try:
            found, not_read = _read([line], carrier, origin)
            grown(found)
        except Exception as error:  # noqa: BLE001 - whatever it is, it costs no other line
            bad.append(broken("relay", origin, error, line))
        else:
            facts += found
            bad += not_read
    return facts, bad


def _folded(events: Sequence[LogEvent], carrier: Carrier, origin: str) -> tuple[Said, dict[Key, Growth]]:
    """Read and fold all that came at once; where a line breaks that, line by line without it."""
    with suppress(Exception):
        said = _ordinary(events, carrier) or _any(events, carrier, origin)
        return said, grown(said.facts)
    said = _any(events, carrier, origin, _one_by_one)
    return said, grown(said.facts)


def _ordinary(events: Sequence[LogEvent], carrier: Carrier) -> Said | None:
    """Read all events at once: each a line with a stamp, of which the carrier tells but the year; None for any other.

    A quarter of the time that `_any` takes around the parser (measured), whose result it must equal.
    """
    lines, times = [event.message for event in events], [event.timestamp for event in events]
    first = min(times, default=0) // _DAY_MS
    if first != max(times, default=0) // _DAY_MS or not _is_printable("".join(lines)):
        return None
    # No stamp is read as that; a line without one says so by it.
    never = f"{day(from_ms(first * _DAY_MS))}T24:00:00.000Z"
    facts, bad = postfix.read(lines, carrier._replace(at=never))
    if bad or never in [fact["at"] for fact in facts]:
        return None
    return Said(len(lines), facts, [])


def _is_printable(text: str) -> bool:
    return is_plain(text.encode()) if text.isascii() else text.isprintable()


def _any(events: Iterable[LogEvent], carrier: Carrier, origin: str, read: _Reader = _read) -> Said:
    """Read whatever came, as many lines at once as have one carrier."""
    number = 0
    facts: list[Fact] = []
    bad: list[BadInput] = []
    for at, run in groupby(_lines(events), key=_carried_at):
        lines = [line for _, line in run]
        found, not_read = read(lines, carrier._replace(at=from_ms(at)), origin)
        number += len(lines)
        facts += found
        bad += not_read
    return Said(number, facts, bad)


def _carried_at(entry: tuple[int, str]) -> int:
    """The time of a line's event, for the line that has no stamp; to one with a stamp it tells the year, by its day."""
    at, line = entry
    return at - at % _DAY_MS if syslog.has_header(line) else at


def _lines(events: Iterable[LogEvent]) -> Iterator[tuple[int, str]]:
    """Each line with the time at which its event came: an agent may put several lines into one event."""
    for event in events:
        for line in event.message.split("\n"):
            if line.strip():
                yield event.timestamp, line if line.isprintable() else _printable(line)


def _printable(line: str) -> str:
    """As `ingest.text_of` reads the bytes of a file."""
    return printable(line.rstrip("\r").strip("\0").replace("\t", " "))
