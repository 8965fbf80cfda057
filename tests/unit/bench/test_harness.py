import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from bench import harness, tables
from bench.harness import Asked, Contender, Cost
from bench.tables import Goal, Measured, Table

TABLE = Table(
    "A row",
    "python -m bench.row",
    [Measured("ours", 1.0, 2.0, 3.5, "s", "a note"), Measured("theirs", 1234.5, 2345.6, 3456.7, "s")],
    [Goal("Against theirs", 8.1, "≥", 8.0), Goal("Memory", 151.0, "≤", 150.0, " MB")],
    ["something else"],
)


def test_a_goal_is_met_on_its_own_side() -> None:
    assert [Goal("", reached, "≥", 1.5).is_met for reached in (1.4, 1.5, 1.6)] == [False, True, True]
    assert [Goal("", reached, "≤", 1.5).is_met for reached in (1.4, 1.5, 1.6)] == [True, True, False]


def test_contenders_take_turns_and_their_medians_count() -> None:
    costs = iter([Cost(3, 9), Cost(6, 9), Cost(1, 9), Cost(8, 9), Cost(2, 9), Cost(7, 9)])
    turns: list[str] = []

    def run(name: str) -> Cost:
        turns.append(name)
        return next(costs)

    both = [Contender(name, partial(run, name), work=2) for name in ("ours", "theirs")]
    lines = harness.table_of(both, harness.rounds(both, 3), scale=10, unit="ds")
    assert turns == ["ours", "theirs"] * 3
    assert lines == [Measured("ours", 5, 10, 15, "ds"), Measured("theirs", 30, 35, 40, "ds")]
    assert harness.middle(lines, "theirs") == 35


def test_a_table_as_a_page_shows_it() -> None:
    assert tables.shown(TABLE).splitlines() == [
        "",
        "## A row",
        "",
        "`python -m bench.row`",
        "",
        "| | min | median | max | |",
        "|---|--:|--:|--:|---|",
        "| ours | 1 s | 2 s | 3.5 s | a note |",
        "| theirs | 1,234 s | 2,346 s | 3,457 s |  |",
        "",
        "- Against theirs: 8.1× (goal ≥ 8×): met",
        "- Memory: 151 MB (goal ≤ 150 MB): **not met**",
        "",
        "- something else",
    ]


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "row.json"
    path.write_text(json.dumps(TABLE))
    assert tables.read(path) == TABLE


def test_the_command_of_a_row_says_what_was_asked() -> None:
    asked, path = harness.asked(["--quick", "--rounds", "4", "--json", "x.json"], "row")
    assert asked == Asked(50_000, 20_000, 4, is_quick=True, command="python -m bench.row --quick --rounds 4")
    assert path == Path("x.json")


def test_another_program_is_measured_whole() -> None:
    cost = harness.program([sys.executable, "-c", "bytearray(50_000_000)"])()
    assert cost.cpu > 0
    assert cost.peak_mb > 40


def test_a_program_that_fails_ends_the_run() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        harness.program([sys.executable, "-c", "raise SystemExit(3)"])()
