"""A sudden end loses and doubles nothing: `kill -9` of the service at random moments, under load."""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import History, Service, documents, postroad, until
from tests.e2e.parts.ses_wrappers import sqs_body
from tests.e2e.parts.sqs import Sqs

pytestmark = pytest.mark.slow

# Not an event, not even JSON, and a log line without a time that there is: set aside once, however often it is read.
BAD_EVENTS = ('["no", "object"]', "{broken")
BAD_LINE = "Feb 31 00:00:01 mx1 postfix/smtp[1]: A1B2C3: to=<x@example.com>, relay=x, delay=1, dsn=2.0.0, status=sent (ok)"


class Feed:
    """Appends what a file shall hold, a piece at a time, and not at line ends."""

    def __init__(self, path: Path, lines: list[str], chance: random.Random, kills: int) -> None:
        """Begin with an empty file."""
        self.path = path
        self._rest = "".join(f"{line}\n" for line in lines).encode()
        self._piece = len(self._rest) // kills
        self._chance = chance
        path.touch()

    def moments(self, steps: int) -> Iterator[None]:
        """Append one kill's share in some steps."""
        for _ in range(steps):
            self.append(self._chance.randrange(2 * self._piece // steps + 1))
            yield

    def append(self, size: int) -> None:
        with self.path.open("ab") as stream:
            stream.write(self._rest[:size])
        self._rest = self._rest[size:]

    def finish(self) -> None:
        self.append(len(self._rest))

    def rotate(self) -> None:
        """Rename the log between two lines, as logrotate does, and begin a new one."""
        self.append(self._rest.find(b"\n") + 1)
        self.path.rename(
            self.path.with_name(f"{self.path.name}.{1 + len(list(self.path.parent.glob('*.log.*')))}")
        )
        self.path.touch()


class QueueFeed:
    """Sends events to an SQS queue instead."""

    def __init__(self, queue: Sqs, bodies: list[str], kills: int) -> None:
        """Keep them."""
        self._queue = queue
        self._rest = bodies
        self._share = len(bodies) // kills

    def moments(self, steps: int) -> Iterator[None]:
        for _ in range(steps):
            self.append(self._share // steps + 1)
            yield

    def append(self, count: int) -> None:
        self._queue.send_bodies(self._rest[:count])
        self._rest = self._rest[count:]

    def finish(self) -> None:
        self.append(len(self._rest))


def _service(root: Path, queue: Sqs | None = None) -> Service:
    root.mkdir()
    from_queue = {"ses_events.sqs": {"queue_url": queue.queue_url, "wait_seconds": 1}} if queue else {}
    return Service(
        root=root,
        environment=queue.environment if queue else {},
        settings={
            "retention_days": 36_500,
            "batch_size": 40,
            # A deadline that passes would be told, rightly, and make the two runs differ.
            "unclaimed_after_seconds": 7 * 24 * 3600,
            "relay_logs": {"paths": [str(root / "mail.log")]},
            **(from_queue or {"ses_events": {"paths": [str(root / "events.jsonl")]}}),
        },
    )


def _feeds(service: Service, history: History, chance: random.Random, kills: int) -> tuple[Feed, Feed]:
    log = [*history.log, BAD_LINE]
    events = [*map(json.dumps, history.events), *BAD_EVENTS]
    return (
        Feed(service.root / "mail.log", log, chance, kills),
        Feed(service.root / "events.jsonl", events, chance, kills),
    )


def _outcome(service: Service) -> dict[str, Any]:
    database = service.database
    bad = documents("problems", "--bad-input", "--json", "--db", database)
    return {
        "export": postroad("export", "--db", database).stdout.splitlines(),
        "lines": sorted(postroad("lines", "--db", database).stdout.splitlines()),
        "unified": sorted(service.unified.read_text("utf-8").splitlines()),
        "bad": sorted((one["reason"], one["raw"]) for one in bad),
    }


def _finish(service: Service, expected: int) -> None:
    """Let it read to the end, and end by itself."""
    until(service.unified.exists, "the unified lines")
    until(
        lambda: service.unified.read_bytes().count(b"\n") >= expected,
        f"{expected} unified lines",
        timeout=180,
    )
    # What would come twice might come last.
    time.sleep(1)
    assert service.end() == 0, service.stderr


@pytest.mark.parametrize(("source", "kills"), [("file", 50), ("sqs", 15)])
def test_killed_at_random_moments(tmp_path: Path, source: str, kills: int) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails
    chance = random.Random(seed)
    history = History(seed=seed, messages=400 if source == "file" else 100, domain="")
    with ExitStack() as stack:
        queue = stack.enter_context(Sqs(visibility=2, attempts=1000)) if source == "sqs" else None
        undisturbed, killed = _service(tmp_path / "undisturbed"), _service(tmp_path / "killed", queue)

        log, events = _feeds(undisturbed, history, chance, kills)
        log.finish()
        events.finish()
        imported = tmp_path / "imported.db"
        files = ("--relay-log", log.path, "--ses-events", events.path)
        postroad("import", "--db", imported, *files, exit_code=1)
        expected = postroad("lines", "--db", imported).stdout.splitlines()
        with undisturbed:
            _finish(undisturbed, len(expected))

        log, events = _feeds(killed, history, chance, kills)
        bodies = [*(sqs_body(event) for event in history.events), *BAD_EVENTS]
        told = QueueFeed(queue, bodies, kills) if queue else events
        with killed:
            for kill in range(kills):
                steps = chance.randrange(2, 20)
                for _ in zip(log.moments(steps), told.moments(steps), strict=True):
                    time.sleep(chance.uniform(0.01, 0.12))
                if kill == 0:
                    # A log that was renamed before a service ever read of it is not among those it follows.
                    until(killed.unified.exists, "the first unified lines")
                killed.kill()
                if kill % 20 == 10:
                    log.rotate()
                killed.start()
            log.finish()
            told.finish()
            if queue:
                until(lambda: queue.counts() == (0, 0), "an empty SQS queue", timeout=180)
            _finish(killed, len(expected))

    found, wanted = _outcome(killed), _outcome(undisturbed)
    assert wanted["unified"] == wanted["lines"] == sorted(expected)
    assert [line for line, times in Counter(found["unified"]).items() if times > 1] == []
    assert found == wanted
    assert len(found["bad"]) == 3
