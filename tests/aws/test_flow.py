"""The deployed shape: mail's two halves flow through the template's parts, and come out as the one-machine shell tells them."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from postroad import ingest
from postroad.codec import Key
from postroad.journey import Journey
from postroad.lifecycle import state_of
from postroad.metrics import counts
from postroad.records import Record
from postroad.search import Search
from postroad.store.contract import Store
from postroad.store.dynamodb import DynamoDBStore
from postroad.store.sqlite import SQLiteStore
from postroad.syslog import Carrier
from postroad_host.writer import Delivery, Writer
from tests.aws.parts import provision, tables
from tests.aws.parts.payloads import subscription

EVENTS = Path(__file__).parents[2] / "events"
LINES = (EVENTS / "relay.log").read_text().splitlines()
DOCUMENTS = [json.loads(line) for line in (EVENTS / "ses-events.jsonl").read_text().splitlines()]
# The log was read on the day after it was written.
READ_AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
CARRIER = Carrier("2026-11-25T12:00:00.000Z", host="i-0123456789")
NOW = "2026-11-25T12:00:00.000Z"


def _without_received(document: dict[str, Any]) -> dict[str, Any]:
    headers = [header for header in document["mail"].get("headers", []) if header["name"] != "Received"]
    return document | {"mail": document["mail"] | {"headers": headers}}


# Headers may be stripped or cut: then only the relay's log claims a message, or the deadline.
BARE = [_without_received(document) for document in DOCUMENTS]
Step = tuple[str, Sequence[Any]]
LOG: Step = ("relay", LINES)
HISTORIES: dict[str, list[Step]] = {
    "log first": [LOG, ("ses", DOCUMENTS)],
    "events first": [("ses", DOCUMENTS), LOG],
    "no headers, log first": [LOG, ("ses", BARE)],
    "no headers, events first": [("ses", BARE), LOG],
    "everything twice": [LOG, ("ses", DOCUMENTS), ("ses", DOCUMENTS[::-1]), LOG],
    "in pieces": [
        ("relay", LINES[::2]),
        ("ses", DOCUMENTS[1::2]),
        ("relay", LINES[1::2]),
        ("ses", DOCUMENTS[::2]),
    ],
    "the log is lost": [("ses", BARE)],
}


class OneMachine:
    """The one-machine shell, told the same."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = SQLiteStore.open(str(path))
        self._writer = Writer(self.store, unclaimed_after_seconds=0, retention_days=36_500)

    def take(self, step: Step) -> None:
        source, inputs = step
        read: Any = _read_lines if source == "relay" else partial(ingest.ses, origin="sqs")
        said: Any = [line.encode() for line in inputs] if source == "relay" else list(map(json.dumps, inputs))
        self._writer.keep(Delivery(source, "-", said, read))
        self._writer.give_up_waiting()

    def lines(self) -> list[str]:
        return [line for _, line in self.store.owed(100_000)]

    def rows(self) -> dict[Key, tuple[Any, ...]]:
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute("SELECT pk, sk, lookup, at, problem, facts FROM record").fetchall()
        connection.close()
        records = {Key(*row[:2]): (*row[2:5], _set(row[5])) for row in rows}
        return {key: (*of[:3], _states(Record(key, of[3])), of[3]) for key, of in records.items()}


def _read_lines(lines: Sequence[bytes]) -> ingest.Batch:
    return ingest.relay(lines, CARRIER, "-")


def _states(record: Record) -> frozenset[str]:
    """What the table keeps beside the facts, for people and for filters."""
    facts = [] if record.key.address is None else record.facts()
    return frozenset(f"{state:02d} {state.word}" for state in map(state_of, facts) if state)


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split("\n")) if text else frozenset()


def _rows(stack: provision.Stack) -> dict[Key, tuple[Any, ...]]:
    return {
        Key(item["pk"]["S"], item["sk"]["S"]): (
            *(item.get(name, {}).get("S") for name in ("lookup", "at", "problem")),
            *(frozenset(item.get(name, {}).get("SS", ())) for name in ("states", "facts")),
        )
        for item in stack.items()
    }


def _journeys(store: Store, addresses: Sequence[str]) -> dict[str, list[Journey]]:
    search = Search(store, NOW)
    return {address: search.of_address(address, limit=50)[0] for address in addresses}


@pytest.fixture
def stack() -> Iterator[provision.Stack]:
    with provision.deployed(SenderDomains="example.org") as made:
        yield made


@pytest.fixture
def one_machine(tmp_path: Path) -> Iterator[OneMachine]:
    machine = OneMachine(tmp_path / "postroad.db")
    yield machine
    machine.store.close()


def _take(stack: provision.Stack, step: Step) -> None:
    source, inputs = step
    if source == "relay":
        stack.invoke("relay_logs", subscription(inputs, at=READ_AT))
    else:
        for document in inputs:
            stack.publish(document)
    stack.run()


def _counted(said: str) -> Counter[str]:
    """The sums of all metrics that were written, as CloudWatch has them under the service alone."""
    total: Counter[str] = Counter()
    for document in map(json.loads, said.splitlines()):
        for metric in document.get("_aws", {}).get("CloudWatchMetrics", []):
            assert ["service"] in metric["Dimensions"]
            for one in metric["Metrics"]:
                if one["Unit"] == "Count":
                    values = document[one["Name"]]
                    total[one["Name"]] += int(sum(values if isinstance(values, list) else [values]))
    return total


@pytest.mark.parametrize("history", HISTORIES.values(), ids=list(HISTORIES))
def test_aws_tells_what_one_machine_tells(
    stack: provision.Stack, one_machine: OneMachine, history: list[Step], capsys: pytest.CaptureFixture[str]
) -> None:
    for step in history:
        _take(stack, step)
        one_machine.take(step)

    rows = one_machine.rows()
    assert len(rows) > 20
    assert len(one_machine.lines()) > 20
    assert _rows(stack) == rows
    assert Counter(stack.lines()) == Counter(one_machine.lines())
    with DynamoDBStore(stack.physical["Table"], retention=tables.FOR_GOOD) as store:
        addresses = [address for address in {row[0] for row in rows.values()} if address and "@" in address]
        assert _journeys(store, addresses) == _journeys(one_machine.store, addresses)
    for queue in (
        "EventsQueue",
        "EventsDeadLetters",
        "DeadlineQueue",
        "DeadlineDeadLetters",
        "RelayFailures",
    ):
        assert stack.received(queue) == []

    reached = sum(
        (counts(Record(key, frozenset()), Record(key, row[4])).counted for key, row in rows.items()),
        Counter(),
    )
    told = _counted(capsys.readouterr().out)
    # What was given up on and claimed later has been both.
    del told["Unclaimed"], reached["Unclaimed"]
    assert {name: told[name] for name in reached} == reached


def test_a_message_is_told_with_its_relay_whichever_half_comes_second(
    stack: provision.Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    event = json.loads((EVENTS / "ses-events.json").read_text())
    stack.invoke("ses_events", event)
    stack.run()
    assert all("postfix/ses-events" in line for line in stack.lines())

    stack.invoke("relay_logs", json.loads((EVENTS / "relay-logs.json").read_text()))
    stack.run()
    sent, delivered = sorted(stack.lines())
    assert "4jYqJy4G0JzJBDn: to=<ok1@example.com>" in sent
    assert "4jYqJy4G0JzJBDn: to=<ok1@example.com>" in delivered
    assert "status=sent" in sent
    assert "status=delivered" in delivered
    assert [
        json.loads(line)["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
        for line in capsys.readouterr().out.splitlines()
        if "Delivered" in line
    ] == [
        [["service"], ["service", "configuration_set"], ["service", "sender_domain"], ["service", "provider"]]
    ]


def test_lines_stand_in_a_stream_of_their_host_and_day(stack: provision.Stack) -> None:
    _take(stack, LOG)

    streams = stack.logs.describe_log_streams(logGroupName=stack.physical["UnifiedLogGroup"])["logStreams"]
    assert {name for stream in streams if (name := stream["logStreamName"]).startswith("mx1/")}
