"""All rows, one after the other, into bench/RESULTS.md: `make bench`, or `python -m bench.run [--quick] [ROW ...]`."""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench import tables as pages
from bench.harness import ROOT
from bench.tables import Table

RESULTS = ROOT / "bench" / "RESULTS.md"
ROWS = ("parse", "fold", "payload", "bodies", "imports", "questions", "writes", "bill", "cold_start")
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_LIBRARIES = ("aws-lambda-powertools", "boto3", "botocore", "msgspec", "pydantic", "pynamodb", "urllib3")


def measured(rows: Iterable[str], options: Sequence[str]) -> list[Table]:
    """Run each row in a process of its own, so that none pays for another's memory."""
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for row in rows:
            path = Path(folder) / f"{row}.json"
            command = [sys.executable, "-m", f"bench.{row}", *options, "--json", str(path)]
            subprocess.run(command, cwd=ROOT, check=True)
            tables.append(pages.read(path))
    return tables


def page(tables: Sequence[Table], command: str, profiles: Mapping[str, str]) -> str:
    """The results as a page: what was reached, on what, each table, and the profiles by their tables' titles."""
    shown = [pages.shown(table) + _folded(profiles.get(table.title)) for table in tables]
    return "\n".join([*_head(command), *_verdicts(tables), *shown, ""])


def _folded(profile: str | None) -> str:
    if not profile:
        return ""
    return f"\n\n<details><summary>Where our time goes, on the small inputs</summary>\n\n```\n{profile}```\n</details>"


def profiles_of(missed: Mapping[str, str]) -> dict[str, str]:
    """Where the time goes in rows that missed a goal: by their tables' titles, of rows by the same."""
    return {title: _profile(row) for title, row in missed.items() if row != "bill"}


def _profile(row: str) -> str:
    command = [sys.executable, "-m", f"bench.{row}", "--quick", "--profile"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _head(command: str) -> list[str]:
    return [
        "# What was measured",
        "",
        f"`{command}` on {datetime.now(UTC).date()}. One core, rounds in which everybody has a turn.",
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
    """Measure, print, and write the page unless it was a quick run or a part."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of: {', '.join(ROWS)} [default: all]")
    parser.add_argument("--quick", action="store_true", help="small inputs; nothing is written")
    parser.add_argument("--deliveries", help="of the large store [default: 1,000,000]")
    said = parser.parse_args(arguments)
    options = [
        *(["--quick"] if said.quick else []),
        *(["--deliveries", said.deliveries] if said.deliveries else []),
    ]
    rows = said.rows or ROWS
    tables = measured(rows, options)
    missed = {
        table.title: row
        for row, table in zip(rows, tables, strict=True)
        if not all(goal.is_met for goal in table.goals)
    }
    text = page(tables, " ".join(["python -m bench.run", *options]), profiles_of(missed))
    print(text)
    if not said.quick and not said.rows:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
