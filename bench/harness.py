"""How a row of the results is measured: contenders in interleaved rounds on one core, medians, and goals as ratios.

Every script of a row is `python -m bench.<row> [--quick]`; `bench.run` runs them all.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Cost(NamedTuple):
    """What one run took: seconds of processor, seconds by the clock, and what another process held at most."""

    cpu: float
    wall: float
    peak_mb: float = 0.0


class Contender(NamedTuple):
    """Who does the job: its name in the table, one run of it, and how many units of work a run is."""

    name: str
    run: Callable[[], Cost]
    work: int = 1
    note: str = ""


class Measured(NamedTuple):
    """A line of a table."""

    name: str
    low: float
    middle: float
    high: float
    unit: str
    note: str = ""


class Goal(NamedTuple):
    """A goal of the project: what was reached, and what must be."""

    what: str
    reached: float
    sense: str  # ≥ or ≤
    bound: float
    unit: str = "×"

    @property
    def is_met(self) -> bool:
        """Tell whether it was reached."""
        return self.reached >= self.bound if self.sense == "≥" else self.reached <= self.bound


class Table(NamedTuple):
    """A row of the issue: its measurements, goals and what has to be said about them."""

    title: str
    command: str
    measured: list[Measured]
    goals: list[Goal]
    notes: list[str]


class Asked(NamedTuple):
    """What the command line asks of a row."""

    lines: int
    deliveries: int
    rounds: int
    is_quick: bool
    command: str


def here(work: Callable[[], object]) -> Callable[[], Cost]:
    """A run within this process; what it makes is thrown away within its time, as its user would."""

    def run() -> Cost:
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        return Cost(time.process_time() - cpu, time.perf_counter() - wall)

    return run


def program(
    command: Sequence[str],
    *,
    environment: dict[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> Callable[[], Cost]:
    """A run of another program, whole: its start, its work, its end; what it prints is thrown away.

    Raises CalledProcessError when it fails.
    """

    def run() -> Cost:
        if before:
            before()
        wall = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - wall
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024)

    return run


def pin() -> None:
    """Stay on one core, and let what is started from here stay on it as well."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def rounds(contenders: Sequence[Contender], count: int) -> dict[str, list[Cost]]:
    """Each contender once a round, so that a slow minute of the machine is everybody's."""
    costs: dict[str, list[Cost]] = {contender.name: [] for contender in contenders}
    for number in range(1, count + 1):
        for contender in contenders:
            cost = contender.run()
            costs[contender.name].append(cost)
            print(
                f"  round {number}: {contender.name}: {cost.cpu:.3f} s of processor",
                file=sys.stderr,
                flush=True,
            )
    return costs


def measured(contender: Contender, costs: Sequence[Cost], *, scale: float = 1.0, unit: str = "s") -> Measured:
    """Processor time for a unit of work, in `unit`, of which `scale` are a second."""
    found = [cost.cpu / contender.work * scale for cost in costs]
    return Measured(contender.name, min(found), median(found), max(found), unit, contender.note)


def table_of(
    contenders: Sequence[Contender], costs: dict[str, list[Cost]], *, scale: float = 1.0, unit: str = "s"
) -> list[Measured]:
    """A line for each contender."""
    return [measured(one, costs[one.name], scale=scale, unit=unit) for one in contenders]


def middle(lines: Sequence[Measured], name: str) -> float:
    """The median of a line."""
    return next(line.middle for line in lines if line.name == name)


def asked(arguments: Sequence[str] | None, module: str) -> tuple[Asked, Path | None]:
    """Read a row's command line; the second is where to write the table for `bench.run`."""
    parser = argparse.ArgumentParser(prog=f"python -m bench.{module}")
    parser.add_argument(
        "--quick", action="store_true", help="small inputs and three rounds: for work on the code"
    )
    parser.add_argument("--lines", type=int, help="log lines [default: 1,000,000; quick: 50,000]")
    parser.add_argument(
        "--deliveries", type=int, help="of the large store [default: 1,000,000; quick: 20,000]"
    )
    parser.add_argument("--rounds", type=int, help="[default: 5; quick: 3]")
    parser.add_argument("--json", type=Path, help="write the table there as well")
    said = parser.parse_args(arguments)
    small = bool(said.quick)
    found = Asked(
        lines=said.lines or (50_000 if small else 1_000_000),
        deliveries=said.deliveries or (20_000 if small else 1_000_000),
        rounds=said.rounds or (3 if small else 5),
        is_quick=small,
        command=_command(module, said),
    )
    return found, said.json


def _command(module: str, said: argparse.Namespace) -> str:
    sizes = [
        f"--{name} {value}" for name in ("lines", "deliveries", "rounds") if (value := getattr(said, name))
    ]
    return " ".join([f"python -m bench.{module}", *(["--quick"] if said.quick else []), *sizes])


def main(module: str, row: Callable[[Asked], Table], arguments: Sequence[str] | None = None) -> None:
    """Run one row: measure, print, and write the table where `bench.run` asked for it."""
    what, path = asked(arguments, module)
    pin()
    table = row(what)
    print(shown(table))
    if path:
        path.write_text(json.dumps(table))


def read(path: Path) -> Table:
    """A table as `main` wrote it."""
    title, command, lines, goals, notes = json.loads(path.read_text())
    return Table(title, command, [Measured(*one) for one in lines], [Goal(*one) for one in goals], notes)


def shown(table: Table) -> str:
    """A table as Markdown."""
    head = ["", f"## {table.title}", "", f"`{table.command}`", ""]
    lines = ["| | min | median | max | |", "|---|--:|--:|--:|---|", *map(_line, table.measured)]
    goals = ["", *(f"- {_verdict(goal)}" for goal in table.goals)] if table.goals else []
    notes = ["", *(f"- {note}" for note in table.notes)] if table.notes else []
    return "\n".join([*head, *lines, *goals, *notes])


def _line(line: Measured) -> str:
    numbers = (f"{number(value)} {line.unit}" for value in (line.low, line.middle, line.high))
    return f"| {line.name} | {' | '.join(numbers)} | {line.note} |"


def _verdict(goal: Goal) -> str:
    met = "met" if goal.is_met else "**not met**"
    return f"{goal.what}: {number(goal.reached)}{goal.unit} (goal {goal.sense} {number(goal.bound)}{goal.unit}): {met}"


def number(value: float) -> str:
    """Three figures."""
    if value and abs(value) < 0.01:
        return f"{value:.2g}"
    if abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}"


def environment(**more: str) -> dict[str, str]:
    """This process's environment, with some more in it."""
    return {**os.environ, **more}


def installed(*names: str) -> list[str]:
    """`name version` of Python packages."""
    from importlib.metadata import version  # noqa: PLC0415  # only the last page needs it

    return [f"{name} {version(name)}" for name in names]


Document = dict[str, Any]
