"""Subscription payloads of 500 log lines, as CloudWatch Logs hands them to the function, to facts."""

import base64
import gzip
import io
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import UTC
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, cast
from unittest.mock import patch

from bench import inputs
from bench.harness import Asked, Contender, here, main, middle, rounds, table_of
from bench.tables import Goal, Table
from postroad.cloud import intake
from postroad.cloud.intake import RelayLogs

OURS, BARE, LOADED = "Postroad", "base64 and gunzip alone", "base64, gunzip and json.loads"
_LINES, _TIMES, _HOSTS = 500, 20, ("mx1", "mx3")
_ENVIRONMENT = {"POWERTOOLS_SERVICE_NAME": "postroad", "POWERTOOLS_METRICS_NAMESPACE": "Postroad"}
_AT_MS = 1_771_977_600_000


def row(asked: Asked) -> Table:
    """Measure; half of the payloads have traditional stamps, half RFC 3339's."""
    payloads = [made for host in _HOSTS for made in _payloads(host, asked)]
    work = len(payloads) * _TIMES
    with _without_a_table() as app:
        contenders = [
            Contender(
                OURS,
                here(lambda: _handled(payloads, app)),
                work,
                "to facts: the function, less its table",
            ),
            Contender(BARE, here(lambda: _each(payloads, _unpacked)), work),
            Contender(LOADED, here(lambda: _each(payloads, _loaded)), work),
        ]
        found = table_of(contenders, rounds(contenders, asked.rounds), scale=1e6, unit="µs/payload")
    goal = Goal("Against base64 and gunzip alone", middle(found, OURS) / middle(found, BARE), "≤", 4.0)
    return Table("A payload of 500 lines to facts", asked.command, found, [goal], [])


def _each(payloads: Sequence[dict[str, Any]], work: Callable[..., object], *more: object) -> None:
    for _ in range(_TIMES):
        for payload in payloads:
            work(payload, *more)


def _handled(payloads: Sequence[dict[str, Any]], app: ModuleType) -> None:
    with redirect_stdout(io.StringIO()):  # its metrics
        _each(payloads, app.handler, None)


def _payloads(host: str, asked: Asked) -> list[dict[str, Any]]:
    """All that the lines of one host fill, as far as ten."""
    log, _ = inputs.traffic(min(asked.lines, 50_000))
    lines = [line for line in inputs.lines_of(log) if f" {host} " in line[:50]]
    return [_payload(host, lines[start : start + _LINES]) for start in range(0, 10 * _LINES, _LINES)]


def _payload(host: str, lines: Sequence[str]) -> dict[str, Any]:
    events = [
        {"id": f"{number:056d}", "timestamp": _AT_MS + number, "message": line}
        for number, line in enumerate(lines)
    ]
    said = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "/mail/relay",
        "logStream": host,
        "subscriptionFilters": ["postroad"],
        "logEvents": events,
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(said).encode())).decode()}}


def _unpacked(event: dict[str, Any]) -> bytes:
    return gzip.decompress(base64.b64decode(event["awslogs"]["data"]))


def _loaded(event: dict[str, Any]) -> object:
    return json.loads(_unpacked(event))


class _Nowhere:
    """A store and a queue that take everything and keep nothing."""

    def add(self, _: object) -> None:
        """Take records."""

    def send(self, messages: Iterable[object]) -> None:
        """Take messages."""
        deque(messages, maxlen=0)


@contextmanager
def _without_a_table() -> Iterator[ModuleType]:
    """Wire the function to nowhere, so that it reads a payload to the last fact and folds none."""
    nowhere = cast("Any", _Nowhere())
    wired = RelayLogs(nowhere, nowhere, UTC)
    with redirect_stdout(io.StringIO()):  # where its log goes from then on
        app = import_module("functions.relay_logs.app")
    with (
        patch.dict(os.environ, _ENVIRONMENT),
        patch.object(app, "wired", lambda: wired),
        patch.object(intake, "grown", partial(deque, maxlen=0)),
    ):
        yield app


if __name__ == "__main__":
    main("payload", row)
