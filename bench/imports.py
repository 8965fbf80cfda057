"""`postroad import` of a log and of the events of the same messages, beside pflogsumm that only counts the lines."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import inputs, peers
from bench.harness import Asked, Contender, Cost, main, measured, middle, program, rounds
from bench.tables import Goal, Measured, Table
from postroad_host.cli import cli

OURS = "postroad import"
_POSTROAD = str(Path(sys.executable).with_name("postroad"))
_DATABASE = "import.db"
_MOST_MB = 150.0
# Memory is flat when this much less to read takes as much.
_PART = 4


def row(asked: Asked) -> Table:
    """Measure. Each import fills a new file, and ends with everything on the disk."""
    log, events = inputs.traffic(asked.lines)
    ours = Contender(
        OURS, importing(asked.lines), note="durable, joined, searchable", inside=partial(_inside, asked.lines)
    )
    contenders = [ours, *(peer._replace(work=1) for peer in peers.pflogsumm(log, asked.lines))]
    costs = rounds(contenders, asked.rounds)
    part = importing(asked.lines // _PART)()
    found = [line for one in contenders for line in _both(one, costs[one.name])]
    most = max(cost.peak_mb for cost in costs[OURS])
    reached = [middle(found, f"{name}: processor") for name in (OURS, peers.PFLOGSUMM, peers.COUNTS)]
    return Table(
        f"Import of {asked.lines:,} lines ({_size(log)}) and {_count(events):,} events ({_size(events)})",
        asked.command,
        found,
        [
            Goal("Against pflogsumm", reached[0] / reached[1], "≤", 1.0),
            Goal("Memory at most", most, "≤", _MOST_MB, " MB"),
        ],
        [
            f"Against pflogsumm without its lists: {reached[0] / reached[2]:.2f}×.",
            f"Memory for a quarter of the lines: {part.peak_mb:.0f} MB; for all of them: {most:.0f} MB.",
        ],
    )


def importing(lines: int) -> Callable[[], Cost]:
    """A run of the command, into a file that was not there."""
    return program([_POSTROAD, *_command(lines)], before=_clear)


def _inside(lines: int) -> None:
    _clear()
    cli.main(_command(lines), standalone_mode=False)


def _command(lines: int) -> list[str]:
    log, events = inputs.traffic(lines)
    files = {"--db": inputs.cache() / _DATABASE, "--relay-log": log, "--ses-events": events}
    return ["import", *(part for option, path in files.items() for part in (option, str(path)))]


def _clear() -> None:
    for path in inputs.cache().glob(f"{_DATABASE}*"):
        path.unlink()


def _both(contender: Contender, costs: list[Cost]) -> list[Measured]:
    by_clock = [cost._replace(cpu=cost.wall) for cost in costs]
    return [
        measured(contender._replace(name=f"{contender.name}: processor"), costs),
        measured(contender._replace(name=f"{contender.name}: by the clock", note=""), by_clock),
    ]


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:,.0f} MB"


def _count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


if __name__ == "__main__":
    main("imports", row)
