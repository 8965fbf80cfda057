"""The real handlers, run on events as AWS hands them over, but wired with a metered table and a log that counts."""

import base64
import gzip
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import UTC
from importlib import import_module
from typing import Any, Protocol, cast
from unittest.mock import patch

from bench.metered import MeteredTable
from bench.ordinary import Said, Told
from postroad.cloud.queues import Message as Queued
from postroad.records import Record
from postroad.store.contract import Change

_ENVIRONMENT = {"POWERTOOLS_SERVICE_NAME": "postroad", "POWERTOOLS_METRICS_NAMESPACE": "Postroad"}


class Path(Protocol):
    """Who counts: what a function logged for how many things, and the lines that it published."""

    sender_domains: tuple[str, ...]

    def note(self, name: str, items: int, logged: str) -> None:
        """A function ran."""

    def publish(self, lines: Sequence[str]) -> None:
        """Lines for the unified log."""


def app(function: str) -> Any:  # noqa: ANN401 - a module
    """A function's own module; what it is wired with is there under its own name."""
    return import_module(f"functions.{function}.app")


class Nowhere:
    """A queue that nothing of an ordinary message should go to."""

    def send(self, messages: Iterable[Queued]) -> None:
        if any(True for _ in messages):
            raise AssertionError("an ordinary message is set aside, or waits for a claim")


@contextmanager
def handlers(table: MeteredTable, path: Path) -> Iterator[Callable[[str, list[Any]], None]]:
    """The functions, wired with the metered table instead of AWS."""
    nowhere, store, publisher = cast("Any", Nowhere()), cast("Any", table), cast("Any", path)
    apps = {name: app(name) for name in _EVENTS}
    wired = {
        "relay_logs": apps["relay_logs"].RelayLogs(store, nowhere, UTC),
        "ses_events": apps["ses_events"].SesEvents(store, nowhere, nowhere, delay=120, relays=[]),
        "unified_log": apps["unified_log"].Teller(publisher, path.sender_domains),
    }

    def run_function(name: str, things: list[Any]) -> None:
        told = io.StringIO()
        with patch.object(apps[name], "wired", lambda: wired[name]), redirect_stdout(told):
            answer = apps[name].handler(_EVENTS[name](things), None)
        if answer is not None and answer["batchItemFailures"]:
            raise AssertionError(f"{name} fails on an ordinary message: {answer}")
        path.note(name, len(things), told.getvalue())

    with patch.dict(os.environ, _ENVIRONMENT):
        yield run_function


def subscription(lines: Sequence[Said]) -> dict[str, Any]:
    """A payload of CloudWatch Logs."""
    events = [
        {"id": str(number), "timestamp": int(said.at * 1000), "message": said.text}
        for number, said in enumerate(lines)
    ]
    payload = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "/mail/relay",
        "logStream": lines[0].host,
        "subscriptionFilters": ["postroad"],
        "logEvents": events,
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(payload).encode())).decode()}}


def received(events: Sequence[Told]) -> dict[str, Any]:
    """A batch of a queue's messages."""
    return {
        "Records": [{"messageId": str(number), "body": event.text} for number, event in enumerate(events)]
    }


def streamed(changes: Sequence[Change]) -> dict[str, Any]:
    """A batch of the table's stream."""
    return {"Records": [_record(number, change) for number, change in enumerate(changes)]}


def _record(number: int, change: Change) -> dict[str, Any]:
    images = {"NewImage": _image(change.after), "SequenceNumber": str(number)}
    if not change.before.texts:
        return {"eventName": "INSERT", "dynamodb": images}
    return {"eventName": "MODIFY", "dynamodb": images | {"OldImage": _image(change.before)}}


def _image(record: Record) -> dict[str, Any]:
    return {"pk": {"S": record.key.pk}, "sk": {"S": record.key.sk}, "facts": {"SS": sorted(record.texts)}}


_EVENTS: Mapping[str, Any] = {
    "relay_logs": subscription,
    "ses_events": received,
    "unified_log": streamed,
}
