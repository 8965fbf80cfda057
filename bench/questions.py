"""Questions to a small and a large store, asked in turn; and all of a store written out.

`--deliveries 10000000` makes the large store as large as the goal says: minutes once, and 20 GB in .cache/bench.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import NamedTuple

from bench import inputs, large_store
from bench.harness import Asked, Contender, main, measured, profile, program, rounds
from bench.tables import Goal, Measured, Table
from postroad.search import Search
from postroad.store.sqlite import SQLiteStore
from postroad_host import questions
from postroad_host.clock import now
from postroad_host.documents import told

SMALL = large_store.BLOCK
_ASKED = 400
_POSTROAD = str(Path(sys.executable).with_name("postroad"))


class Desk(NamedTuple):
    """A store, and whom it can be asked about."""

    store: SQLiteStore
    deliveries: int

    def find(self, rng: Random) -> None:
        """What `postroad find ADDRESS` asks; a search of its own, as each command has."""
        address = large_store.recipient(rng.randrange(self.deliveries))
        found = [told(one) for one in questions.of_address(Search(self.store, now()), address, None, None)]
        assert len(found) == large_store.EACH  # noqa: S101  # an empty answer is soon given

    def show(self, rng: Random) -> None:
        """What `postroad show ID` asks, by a Message-ID."""
        identifier = large_store.message_id(rng.randrange(self.deliveries))
        found = [told(one) for one in Search(self.store, now()).of_id(identifier)]
        assert len(found) == 1  # noqa: S101  # likewise


def row(asked: Asked) -> Table:
    """Measure."""
    small, large = large_store.filled(SMALL), large_store.filled(asked.deliveries)
    with SQLiteStore.open(str(small)) as first, SQLiteStore.open(str(large)) as second:
        desks = (Desk(first, SMALL), Desk(second, asked.deliveries))
        if not asked.rounds:
            profile(lambda: [desks[0].find(Random(number)) for number in range(_ASKED)])
            raise SystemExit
        times = {name: _asked_in_turn(ask, desks) for name, ask in (("find", Desk.find), ("show", Desk.show))}
    found = [
        _line(f"{name} among {count:,}", of) for name, both in times.items() for count, of in both.items()
    ]
    goals = [goal for name, both in times.items() for goal in _goals(name, both, asked.deliveries)]
    dumps = [_dump(word, small, asked) for word in ("export", "lines")] + [_whole_find(small, asked)]
    notes = [
        f"A recipient has {large_store.EACH} messages. Asked is the code behind a command, without its start.",
        "By the clock, with what the system's page cache holds of the store after it was filled or last asked.",
    ]
    title = f"Questions to stores of {SMALL:,} and {asked.deliveries:,} deliveries"
    return Table(title, asked.command, [*found, *dumps], goals, notes)


def _asked_in_turn(ask: Callable[[Desk, Random], None], desks: tuple[Desk, Desk]) -> dict[int, list[float]]:
    """Milliseconds by the clock for each question to each desk, the disk's part included."""
    rng, times = Random(inputs.SEED), {desk.deliveries: list[float]() for desk in desks}
    for number in range(_ASKED + 20):
        for desk in desks:
            start = time.perf_counter_ns()
            ask(desk, rng)
            taken = (time.perf_counter_ns() - start) / 1e6
            if number >= 20:  # the first few open files and fill caches
                times[desk.deliveries].append(taken)
    return times


def p95(times: list[float]) -> float:
    """What nineteen of twenty questions take at most."""
    return quantiles(times, n=20)[-1]


def _line(name: str, times: list[float]) -> Measured:
    return Measured(name, min(times), median(times), max(times), "ms", f"p95 {p95(times):.2f} ms")


def _goals(name: str, times: dict[int, list[float]], deliveries: int) -> list[Goal]:
    small, large = p95(times[SMALL]), p95(times[deliveries])
    return [
        Goal(f"{name}, p95 among {deliveries:,}", large, "≤", 5.0, " ms"),
        Goal(f"{name}, p95 among {deliveries:,} against {SMALL:,}", large / small, "≤", 2.0),
    ]


def _dump(word: str, path: Path, asked: Asked) -> Measured:
    one = Contender(
        f"postroad {word}",
        program([_POSTROAD, word, "--db", str(path)]),
        SMALL,
        "the whole command, on the small store",
    )
    return measured(one, rounds([one], asked.rounds)[one.name], scale=1e6, unit="µs/delivery")


def _whole_find(path: Path, asked: Asked) -> Measured:
    words = [_POSTROAD, "find", large_store.recipient(0), "--db", str(path)]
    one = Contender(
        "postroad find", program(words), 1, "the whole command, most of it Python's own start and imports"
    )
    return measured(one, rounds([one], asked.rounds)[one.name], scale=1e3, unit="ms")


if __name__ == "__main__":
    main("questions", row)
