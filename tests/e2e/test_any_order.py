"""Any order, any duplication, any split of the inputs into imports: the same export and the same lines."""

import bz2
import gzip
import json
import lzma
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.conftest import History, postroad
from tests.e2e.parts.ses_events import Doc
from tests.e2e.parts.ses_wrappers import eventbridge, identity_notification, sns_envelope, sqs_body

EVENTS = Path(__file__).parents[2] / "events"
WRAPPINGS: tuple[Callable[[Doc], object], ...] = (
    lambda event: event,
    sns_envelope,
    eventbridge,
    lambda event: {"Records": [{"messageId": "1", "body": sqs_body(event)}]},
    lambda event: {"Records": [{"messageId": "2", "body": sqs_body(event, raw=True)}]},
    lambda event: {"Records": [{"EventSource": "aws:sns", "Sns": sns_envelope(event)}]},
    lambda event: {"MessageId": "3", "Body": sqs_body(event)},
)
OLD_WRAPPINGS: tuple[Callable[[Doc], object], ...] = (
    lambda notification: notification,
    lambda notification: {"Type": "Notification", "Message": json.dumps(notification)},
)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
ROUNDS = 4


class Inputs(NamedTuple):
    """What there is to import: lines of a log, and events."""

    log: list[str]
    events: list[Doc]


def sample() -> Inputs:
    events = (EVENTS / "ses-events.jsonl").read_text("utf-8").splitlines()
    return Inputs((EVENTS / "relay.log").read_text("utf-8").splitlines(), [json.loads(one) for one in events])


def generated(seed: int) -> Inputs:
    history = History(seed=seed, messages=250)
    return Inputs(history.log, history.events)


def told_twice(events: list[Doc], chance: random.Random) -> list[Doc]:
    """Some of them again as an identity's notifications, which say the same in other words."""
    old = [event for event in events if event["eventType"] in {"Bounce", "Complaint", "Delivery"}]
    again = chance.sample(old, len(old) // 3)
    return events + [
        identity_notification(event, original_headers=bool(number % 2)) for number, event in enumerate(again)
    ]


class Outcome(NamedTuple):
    export: list[str]
    lines: list[str]


def outcome(database: Path) -> Outcome:
    return Outcome(
        *(sorted(postroad(word, "--db", database).stdout.splitlines()) for word in ("export", "lines"))
    )


def imported(database: Path, logs: Sequence[Path], events: Sequence[Path]) -> None:
    arguments: list[str | Path] = ["--db", database, "--dated", "2026-12-01"]
    arguments += ["--relay-log", *logs] if logs else []
    arguments += ["--ses-events", *events] if events else []
    postroad("import", *arguments)


class Splitter:
    """Deals lines out to files at random."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        """Write into `folder`."""
        folder.mkdir()
        self._folder = folder
        self._chance = chance
        self._count = 0

    def split(self, lines: Iterable[str]) -> list[Path]:
        """Some files that hold all lines between them, shuffled or not, some of them twice, compressed or not."""
        piles: list[list[str]] = [[] for _ in range(self._chance.randrange(2, 6))]
        for line in lines:
            for pile in self._chance.sample(piles, self._chance.choice((1, 1, 1, 2))):
                pile.append(line)
        return [self._written(pile) for pile in piles]

    def _written(self, pile: list[str]) -> Path:
        if self._chance.random() < 0.7:
            self._chance.shuffle(pile)
        suffix = self._chance.choice(list(PACKERS))
        self._count += 1
        path = self._folder / f"{self._count}{suffix}"
        path.write_bytes(PACKERS[suffix]("".join(f"{line}\n" for line in pile).encode()))
        return path


def wrapped(events: Iterable[Doc], chance: random.Random) -> list[str]:
    """Events in all that they travel in; the older notifications, which are no events, know two of these only."""
    return [
        json.dumps(chance.choice(WRAPPINGS if "eventType" in event else OLD_WRAPPINGS)(event))
        for event in events
    ]


def scattered(inputs: Inputs, folder: Path, chance: random.Random) -> Outcome:
    """Import in several runs, each of some files in some order."""
    splitter = Splitter(folder, chance)
    files = [(path, True) for path in splitter.split(inputs.log)]
    files += [(path, False) for path in splitter.split(wrapped(inputs.events, chance))]
    chance.shuffle(files)
    database = folder / "postroad.db"
    while files:
        size = chance.randrange(1, 5)
        now, files = files[:size], files[size:]
        imported(
            database, [path for path, is_log in now if is_log], [path for path, is_log in now if not is_log]
        )
    return outcome(database)


@pytest.mark.slow
def test_the_outcome_is_the_truth(tmp_path: Path) -> None:
    """Queue ids come again here, on one host and on the other, and nothing is taken for another message's."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails
    history = History(seed=seed, messages=400)
    found = scattered(Inputs(history.log, history.events), tmp_path / "scattered", random.Random(seed))
    journeys = [json.loads(line) for line in found.export]
    told = [
        ((one["message_id"], one["recipient"]), one["state"])
        for one in journeys
        if one["message_id"] is not None
    ]
    assert sorted(told) == sorted(history.truth.items())
    assert {one["recipient"] for one in journeys if one["message_id"] is None} == {"blocked@example.net"}


@pytest.mark.slow
@pytest.mark.parametrize("source", ["sample", "generated"])
def test_the_outcome_is_the_same(tmp_path: Path, source: str) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails
    chance = random.Random(seed)
    inputs = sample() if source == "sample" else generated(seed)
    inputs = inputs._replace(events=told_twice(inputs.events, chance))
    (tmp_path / "relay.log").write_text("".join(f"{line}\n" for line in inputs.log), "utf-8")
    (tmp_path / "events").write_text("".join(f"{json.dumps(event)}\n" for event in inputs.events), "utf-8")
    imported(tmp_path / "postroad.db", [tmp_path / "relay.log"], [tmp_path / "events"])
    wanted = outcome(tmp_path / "postroad.db")
    for number in range(ROUNDS):
        found = scattered(inputs, tmp_path / str(number), chance)
        assert set(found.export) ^ set(wanted.export) == set()
        assert found == wanted
