"""All rows, one after the other, into bench/RESULTS.md: `make bench`, or `python -m bench.run [--quick] [ROW ...]`."""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from bench import inputs
from bench import tables as pages
from bench.harness import ROOT
from bench.tables import Table

RESULTS = ROOT / "bench" / "RESULTS.md"
ROWS = ("parse", "fold", "payload", "bodies", "imports", "questions", "writes", "bill", "cold_start")
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_LIBRARIES = ("aws-lambda-powertools", "boto3", "botocore", "msgspec", "pydantic", "pynamodb", "urllib3")


class Result(NamedTuple):
    """A row's table, a profile where it missed a goal, and when and from which commit it was measured."""

    table: Table
    profile: str
    when: str = ""


def measure(row: str, options: Sequence[str], folder: Path) -> None:
    """Run a row in a process of its own, so that none pays for another's memory, and keep what it found."""
    path = folder / f"{row}.json"
    subprocess.run(_command(row, *options, "--json", str(path)), cwd=ROOT, check=True)
    missed = not all(goal.is_met for goal in pages.read(path).goals)
    profile = _profile(row) if missed and row != "bill" else ""
    path.with_suffix(".txt").write_text(profile)
    path.with_suffix(".when").write_text(f"{datetime.now(UTC).date()}, commit {_commit()}")


def _commit() -> str:
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def _profile(row: str) -> str:
    command = _command(row, "--quick", "--profile")
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _command(row: str, *options: str) -> list[str]:
    return [sys.executable, "-m", f"bench.{row}", *options]


def kept(folder: Path) -> list[Result]:
    """What was found last, of every row that was run."""
    paths = [path for row in ROWS if (path := folder / f"{row}.json").exists()]
    return [Result(pages.read(path), *(_beside(path, end) for end in (".txt", ".when"))) for path in paths]


def _beside(path: Path, end: str) -> str:
    beside = path.with_suffix(end)
    return beside.read_text() if beside.exists() else ""


def page(results: Sequence[Result]) -> str:
    """The results as a page: what was reached, on what, each table, and the profiles."""
    tables = [result.table for result in results]
    shown = [pages.shown(table) + _dated(when) + _folded(profile) for table, profile, when in results]
    return "\n".join([*_head(), *_verdicts(tables), *shown, ""])


def _dated(when: str) -> str:
    return f"\n\nMeasured on {when}." if when else ""


def _folded(profile: str) -> str:
    if not profile:
        return ""
    summary = "Where our time goes, on the small inputs"
    return f"\n\n<details><summary>{summary}</summary>\n\n```\n{profile}```\n</details>"


def _head() -> list[str]:
    return [
        "# What was measured",
        "",
        "`make bench`: one core, rounds in which everybody has a turn. A row that was measured by itself, later or on",
        "inputs of another size, says so by its command and date.",
        "Times are of the processor, the system's share included, where nothing else is said. What counts are the",
        "ratios of medians: the numbers themselves are this machine's.",
        "",
        f"- {_processor()}, {os.cpu_count()} cores; {platform.system()} {platform.release()}",
        f"- {platform.python_implementation()} {platform.python_version()}; {', '.join(_versions())}",
        f"- {', '.join(_programs())}",
        "- the log and the events: `python bench/generate.py --seed 7`, four hosts, a third of the lines noise",
    ]


def _processor() -> str:
    found = [
        line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")
    ]
    return found[0] if found else platform.machine()


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _versions() -> list[str]:
    return [f"{name} {version(name)}" for name in _LIBRARIES]


def _programs() -> list[str]:
    return [_program(name) for name in ("pflogsumm", "perl", "node") if shutil.which(name)]


def _program(name: str) -> str:
    said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout
    found = _VERSION.search(said)
    return f"{name} {found[0] if found else '(version unknown)'}"


def _verdicts(tables: Sequence[Table]) -> list[str]:
    lines = [
        f"| {table.title} | {goal.what} | {goal.sense} {pages.number(goal.bound)}{goal.unit}"
        f" | {pages.number(goal.reached)}{goal.unit} | {'met' if goal.is_met else '**not met**'} |"
        for table in tables
        for goal in table.goals
    ]
    return ["", "| what | | goal | reached | |", "|---|---|--:|--:|---|", *lines]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the page unless it was a quick run; rows that were not asked for stay as they were."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of: {', '.join(ROWS)} [default: all]")
    parser.add_argument("--quick", action="store_true", help="small inputs; nothing is written")
    for name in ("lines", "rounds", "deliveries"):
        parser.add_argument(f"--{name}", help="as the rows have it")
    said = parser.parse_args(arguments)
    options = [
        *(["--quick"] if said.quick else []),
        *(["--lines", said.lines] if said.lines else []),
        *(["--rounds", said.rounds] if said.rounds else []),
    ]
    folder = inputs.cache() / ("quick" if said.quick else "results")
    folder.mkdir(exist_ok=True)
    for row in said.rows or ROWS:
        of_store = ["--deliveries", said.deliveries] if said.deliveries and row == "questions" else []
        measure(row, [*options, *of_store], folder)
    text = page(kept(folder))
    print(text)
    if not said.quick:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
