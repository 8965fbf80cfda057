"""Measures what the cost model cannot count: processor time of each handler, into bench/cost_measured.json.

`python -m bench.cost_measure` takes half a minute, once after a change of the handlers or the store; then write
docs/cost.md anew. The handlers run whole, with the store and the clients that they run with on AWS; only their
requests are answered by another process on this machine, without TLS. Time is this process's own, all threads.
"""

import io
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch

import boto3
from botocore.config import Config

from bench import handled, ses_events
from bench.handled import Nowhere, app
from bench.metered import MeteredTable
from bench.ordinary import Message, Told, ordinary
from postroad import ingest
from postroad.growth import grown
from postroad.publish import Publisher
from postroad.store.dynamodb import DynamoDBStore
from postroad.syslog import Carrier

MEASURED = Path(__file__).with_name("cost_measured.json")
ROOT = Path(__file__).resolve().parents[1]
FEW, MANY, ROUNDS = 1, 100, 9
_NOON = datetime(2026, 2, 25, 12, tzinfo=UTC)  # of the day of the generated mail
_AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_SERVICE_NAME": "postroad",
    "POWERTOOLS_METRICS_NAMESPACE": "Postroad",
}


class Measured(NamedTuple):
    """A function's processor time: of an invocation, and of each message in it, in microseconds."""

    call_us: float
    message_us: float


def read() -> dict[str, Measured]:
    """What was measured last, by function."""
    return {name: Measured(**of) for name, of in json.loads(MEASURED.read_text("utf-8"))["functions"].items()}


@contextmanager
def answering() -> Iterator[str]:
    """Start the other process; gives its address."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.answering"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        port = process.stdout.readline().strip() if process.stdout else ""
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@contextmanager
def wired(url: str) -> Iterator[dict[str, Any]]:
    """What each handler is wired with, as in functions/*/app.py but for the address."""
    with DynamoDBStore("table", retention=timedelta(days=90), host=url) as store:
        logs = boto3.client("logs", endpoint_url=url, config=Config(retries={"mode": "standard"}))
        publisher = Publisher(logs, "/postroad/unified", clock=lambda: _NOON)
        nowhere = Nowhere()
        events = app("ses_events").SesEvents(store, nowhere, nowhere, delay=120, relays=[])
        yield {
            "relay_logs": app("relay_logs").RelayLogs(store, nowhere, UTC),
            "ses_events": events,
            "ses_events in envelopes": events,
            "unified_log": app("unified_log").Teller(publisher, ()),
        }


def inputs(count: int) -> dict[str, dict[str, Any]]:
    """An event for each handler that holds so many messages."""
    sent, rng = list(ordinary(count, 20.0, 7)), Random(7)
    events = [event for one in sent for event in one.events if event.kind == "Delivery"]
    wrapped = [event._replace(text=ses_events.in_sns(event.text, event.at, rng)) for event in events]
    return {
        "relay_logs": handled.subscription([said for one in sent for said in one.lines]),
        "ses_events": handled.received(events),
        "ses_events in envelopes": handled.received(wrapped),
        "unified_log": handled.streamed(changes(sent, events)),
    }


def changes(sent: Sequence[Message], events: Sequence[Told]) -> list[Any]:
    """What the stream tells of them, the log first."""
    table = MeteredTable()
    for one in sent:
        lines = [said.text.encode() for said in one.lines]
        table.add(grown(ingest.relay(lines, Carrier("2026-02-25T12:00:00.000Z"), "").facts))
    for event in events:
        table.add(grown(ingest.ses([event.text], "").facts))
    return table.changes


def timed(run: Callable[[], object]) -> float:
    """Processor time in microseconds."""
    start = time.process_time_ns()
    run()
    return (time.process_time_ns() - start) / 1_000


def measured() -> dict[str, Measured]:
    """Every handler with few and with many messages, in interleaved rounds; medians."""
    with patch.dict(os.environ, _AWS), answering() as url, wired(url) as parts:
        taken: dict[tuple[str, int], list[float]] = {}
        events = {(name, count): of for count in (FEW, MANY) for name, of in inputs(count).items()}
        for _ in range(ROUNDS + 1):
            for (name, count), event in events.items():
                taken.setdefault((name, count), []).append(_one(name, parts[name], event))
    medians = {of: median(times[1:]) for of, times in taken.items()}  # the first round only warms up
    return {name: _line(medians[name, FEW], medians[name, MANY]) for name in parts}


def _one(name: str, part: object, event: dict[str, Any]) -> float:
    module = app(name.split(maxsplit=1)[0])
    with patch.object(module, "wired", lambda: part), redirect_stdout(io.StringIO()):
        return timed(lambda: module.handler(event, None))


def _line(few: float, many: float) -> Measured:
    each = (many - few) / (MANY - FEW)
    return Measured(call_us=round(max(few - FEW * each, 0)), message_us=round(each))


def main() -> None:
    """Measure, and write it down with the machine."""
    found = {name: of._asdict() for name, of in measured().items()}
    about = {
        "command": "python -m bench.cost_measure",
        "day": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    MEASURED.write_text(json.dumps(about | {"functions": found}, indent=2) + "\n", "utf-8")
    print(MEASURED.read_text("utf-8"))


if __name__ == "__main__":
    main()
