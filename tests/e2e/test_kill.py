"""A sudden end loses and doubles nothing: `kill -9` of the service at random moments, under load."""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import History, Service, documents, postroad, until

pytestmark = pytest.mark.slow

KILLS = 50
# Not an event, not even JSON, and a log line without a time that there is: set aside once, however often it is read.
BAD_EVENTS = ('["no", "object"]', "{broken")
BAD_LINE = "Feb 31 00:00:01 mx1 postfix/smtp[1]: A1B2C3: to=<x@example.com>, relay=x, delay=1, dsn=2.0.0, status=sent (ok)"


class Feed:
    """Appends what a file shall hold, a piece at a time, and not at line ends."""

    def __init__(self, path: Path, lines: list[str], chance: random.Random) -> None:
        """Begin with an empty file."""
        self.path = path
        self._rest = "".join(f"{line}\n" for line in lines).encode()
        self._piece = len(self._rest) // KILLS
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


def _service(root: Path) -> Service:
    root.mkdir()
    return Service(
        root=root,
        settings={
            "retention_days": 36_500,
            "batch_size": 40,
            # A deadline that passes would be told, rightly, and make the two runs differ.
            "unclaimed_after_seconds": 7 * 24 * 3600,
            "relay_logs": {"paths": [str(root / "mail.log")]},
            "ses_events": {"paths": [str(root / "events.jsonl")]},
        },
    )


def _feeds(service: Service, history: History, chance: random.Random) -> tuple[Feed, Feed]:
    log = [*history.log, BAD_LINE]
    events = [*map(json.dumps, history.events), *BAD_EVENTS]
    return (
        Feed(service.root / "mail.log", log, chance),
        Feed(service.root / "events.jsonl", events, chance),
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
        lambda: service.unified.read_bytes().count(b"\n") >= expected, f"{expected} unified lines", timeout=60
    )
    # What would come twice might come last.
    time.sleep(1)
    assert service.end() == 0, service.stderr


def test_killed_at_fifty_random_moments(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails
    chance = random.Random(seed)
    history = History(seed=seed, messages=400, domain="")
    undisturbed, killed = _service(tmp_path / "undisturbed"), _service(tmp_path / "killed")

    log, events = _feeds(undisturbed, history, chance)
    log.finish()
    events.finish()
    imported = tmp_path / "imported.db"
    postroad("import", "--db", imported, "--relay-log", log.path, "--ses-events", events.path, exit_code=1)
    expected = postroad("lines", "--db", imported).stdout.splitlines()
    with undisturbed:
        _finish(undisturbed, len(expected))

    log, events = _feeds(killed, history, chance)
    with killed:
        for kill in range(KILLS):
            steps = chance.randrange(2, 20)
            for _ in zip(log.moments(steps), events.moments(steps), strict=True):
                time.sleep(chance.uniform(0.01, 0.12))
            killed.kill()
            if kill % 20 == 10:
                log.rotate()
            killed.start()
        log.finish()
        events.finish()
        _finish(killed, len(expected))

    found, wanted = _outcome(killed), _outcome(undisturbed)
    assert wanted["unified"] == wanted["lines"] == sorted(expected)
    assert [line for line, times in Counter(found["unified"]).items() if times > 1] == []
    assert found == wanted
    assert len(found["bad"]) == 3
