"""What others cost on the same path, at the same prices, from what they deploy; and the naive way to build Postroad.

Both take two events a message, Send and what became of it: wraps, without the relay's log, hears of a message by Send
alone, and naive takes whatever SES can tell. Postroad by itself takes one.
"""

from collections import Counter
from datetime import timedelta
from functools import cache
from random import Random
from typing import NamedTuple

from bench import cost_measure, path, prices, ses_events
from bench import cost_model as cost
from bench.deployment import Deployment
from bench.metered import UNIT, MeteredTable
from bench.ordinary import ordinary
from bench.prices import MILLION
from postroad import ingest
from postroad.growth import grown
from postroad.syslog import Carrier

_MESSAGES = 100
_RATE = 1e6 / 86_400  # messages a second, at a million a day
_CARRIER = Carrier("2026-02-25T12:00:00.000Z")


class Peer(NamedTuple):
    """Dollars a million messages on the path, write units a message, and what makes them so."""

    name: str
    usd: float
    units: float
    why: str


@cache
def with_sends() -> Peer:
    """Postroad where `TrackSends` asks for both events of a message, as the others have them."""
    rows = cost.million(Deployment({"TrackSends": "true"}), cost.VOLUMES[cost.USUAL])
    units = sum(row.amount for row in rows if row.name.startswith("write units"))
    return Peer(
        "Postroad with `TrackSends`",
        cost.total(rows, "path"),
        units,
        "Send too, so two events a message, as naive and wraps have",
    )


@cache
def naive() -> Peer:
    """Each line and event by itself: no folding, queues at their defaults, every event logged, x86."""
    units, writes, envelopes = _one_by_one()
    events, batch = 2.0, 10
    requests = events * (1 + 2 / batch)
    invocations = events / batch + 1 / batch + writes / batch
    measured = cost_measure.read()
    micros = sum(
        measured[name].message_us + measured[name].call_us / batch
        for name in ("relay_logs", "ses_events in envelopes", "unified_log")
    )
    gb = Deployment().function("SesEvents")
    ours = path.run(Deployment(), _RATE)
    # Measured with our writes a message, which its own outnumber.
    seconds = micros / MILLION / gb.processors * writes / ours.each(sum(ours.function_writes.values()))
    usd = (
        prices.WRITE_UNIT.of(units)
        + prices.SNS_PUBLISH.of(events)
        + prices.SQS_REQUEST.of(requests)
        + prices.INVOCATION.of(invocations)
        + prices.X86_SECOND.of(seconds * gb.gb)
        + prices.LOG_INGEST.of(envelopes)
    )
    return Peer(
        "naive",
        usd * MILLION,
        units,
        "a write for each line and event, batches of ten, SNS's envelope, every event logged, x86_64",
    )


def _one_by_one() -> tuple[float, float, float]:
    """Write units, writes and bytes of enveloped events a message, where each line and event is a write of its own."""
    table, size, rng = MeteredTable(timedelta(days=90)), 0, Random(7)
    for message in ordinary(_MESSAGES, 1.0, 7):
        for said in message.lines:
            _write_each(table, ingest.relay([said.text.encode()], _CARRIER, ""))
        for event in message.events:
            if event.kind != "Open":
                _write_each(table, ingest.ses([event.text], ""))
                size += len(ses_events.in_sns(event.text, event.at, rng).encode())
    units = Counter(write.total for write in table.writes)
    return (
        sum(of * count for of, count in units.items()) / _MESSAGES,
        len(table.writes) / _MESSAGES,
        size / _MESSAGES,
    )


def _write_each(table: MeteredTable, batch: ingest.Batch) -> None:
    table.add(grown(batch.facts))


@cache
def wraps() -> Peer:
    """github.com/wraps-team/wraps: EventBridge, SQS, a function; each event stored whole, and copied to an index.

    It keeps no relay's log, and so answers no question about mail that SES never took.
    """
    events = [
        event.text
        for message in ordinary(_MESSAGES, 1.0, 7)
        for event in message.events
        if event.kind != "Open"
    ]
    each = len(events) / _MESSAGES
    size = sum(map(len, events)) / len(events)
    units = each * 2 * -(-(size + _BESIDE) // UNIT)  # the index projects all, so it is written as large
    batch, gb, millis = 10, 0.5, 15.0  # its batch; its memory; a PutItem at that share of a processor
    usd = (
        prices.EVENT_BUS.of(each)
        + prices.WRITE_UNIT.of(units)
        + prices.SQS_REQUEST.of(each * (1 + 2 / batch))
        + prices.INVOCATION.of(each / batch)
        + prices.X86_SECOND.of(each * gb * millis / 1_000)
        + prices.LOG_INGEST.of(each * size * _PRINTED)
    )
    return Peer(
        "wraps",
        usd * MILLION,
        units,
        "each event stored whole, again in an index of all attributes, and logged whole",
    )


# Beside the event itself an item holds addresses, subject and times; its log line is the event again, indented and
# inside EventBridge's and SQS's own JSON, whose quotes are escaped.
_BESIDE, _PRINTED = 400, 1.9


def deliverability_manager() -> Peer:
    """SES's own: bought by the message, nothing to write."""
    price = prices.DELIVERABILITY_MANAGER
    return Peer("Virtual Deliverability Manager", price.usd, 0, "SES's own, by the message")


def peers() -> tuple[Peer, ...]:
    """All of them, as the page has them."""
    return with_sends(), naive(), wraps(), deliverability_manager()
