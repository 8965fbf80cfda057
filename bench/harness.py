"""How a row of the results is measured: contenders in interleaved rounds on one core, medians, and goals as ratios.

Every script of a row is `python -m bench.<row> [--quick]`; `bench.run` runs them all.
"""

import argparse
import cProfile
import gc
import io
import json
import os
import pstats
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.tables import Measured, Table, shown

ROOT = Path(__file__).resolve().parents[1]
_FUNCTIONS = 15  # in a profile


class Cost(NamedTuple):
    """What one run took: seconds of processor, seconds by the clock, and what another process held at most."""

    cpu: float
    wall: float
    peak_mb: float = 0.0


class Contender(NamedTuple):
    """Who does the job: its name in the table, one run of it, and how many units of work a run is.

    `inside` does what `run` does without leaving this process, for a profile.
    """

    name: str
    run: Callable[[], Cost]
    work: int = 1
    note: str = ""
    inside: Callable[[], object] | None = None


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
    """Each contender once a round, so that a slow minute of the machine is everybody's; no round: a profile of ours."""
    if not count:
        profile(contenders[0].inside or contenders[0].run)
        raise SystemExit
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


def profile(work: Callable[[], object]) -> None:
    """Print the functions that take most time themselves; under the profiler calls cost more than they do."""
    profiler = cProfile.Profile()
    with suppress(SystemExit):  # as a command ends
        profiler.runcall(work)
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("tottime").print_stats(_FUNCTIONS)
    print("\n".join(line for line in text.getvalue().splitlines() if line.strip()))


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
    parser.add_argument("--profile", action="store_true", help="show where our time goes instead")
    parser.add_argument("--json", type=Path, help="write the table there as well")
    said = parser.parse_args(arguments)
    small = bool(said.quick)
    found = Asked(
        lines=said.lines or (50_000 if small else 1_000_000),
        deliveries=said.deliveries or (20_000 if small else 1_000_000),
        rounds=0 if said.profile else said.rounds or (3 if small else 5),
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
