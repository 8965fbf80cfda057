import json
from pathlib import Path

import pytest

from bench import harness, run
from bench.run import Result
from bench.tables import Goal, Measured, Table


def table(title: str, reached: float) -> Table:
    return Table(
        title,
        "python -m bench.row",
        [Measured("ours", 1.0, 2.0, 3.0, "s")],
        [Goal("Against theirs", reached, "≥", 2.0)],
        [],
    )


def test_the_page_begins_with_what_was_reached() -> None:
    page = run.page([Result(table("One", 2.5), ""), Result(table("Two", 1.5), "a profile\n")])
    assert (
        "| One | Against theirs | ≥ 2× | 2.5× | met |\n| Two | Against theirs | ≥ 2× | 1.5× | **not met** |"
        in page
    )
    assert page.index("| Two |") < page.index("## One") < page.index("## Two") < page.index("a profile")


def test_rows_that_were_not_run_again_stay_as_they_were(tmp_path: Path) -> None:
    for row in ("writes", "parse"):
        (tmp_path / f"{row}.json").write_text(json.dumps(table(row, 2.0)))
        (tmp_path / f"{row}.txt").write_text("")
    assert [result.table.title for result in run.kept(tmp_path)] == ["parse", "writes"]


def test_without_rounds_a_row_shows_where_its_time_goes(capsys: pytest.CaptureFixture[str]) -> None:
    def at_work() -> None:
        sorted(range(10))
        raise SystemExit

    with pytest.raises(SystemExit):
        harness.rounds([harness.Contender("ours", harness.here(at_work), inside=at_work)], 0)
    assert "at_work" in capsys.readouterr().out
