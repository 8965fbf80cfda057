"""Cases: `tests/cases/<source>/<name>.in`, and beside it in `.out` what must come of it (see the README there).

POSTROAD_REWRITE_CASES=1 writes every `.out` anew; read the difference before it is committed.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from postroad import ingest
from postroad.facts import Fact
from postroad.growth import grown
from postroad.records import Record
from postroad.search import Search
from postroad.store.sqlite import SQLiteStore
from postroad.syslog import Carrier
from postroad.unified import lines

CASES = Path(__file__).parents[1] / "cases"
CARRIER = Carrier(at="2026-03-01T00:00:00.000Z", host="stream-1")
NOW = "2026-03-02T00:00:00.000Z"


def _relay(line: bytes) -> ingest.Batch:
    return ingest.relay([line], CARRIER, "case")


def _event(line: bytes) -> ingest.Batch:
    return ingest.ses([line], "case")


def _either(line: bytes) -> ingest.Batch:
    return (_event if line.startswith(b"{") else _relay)(line)


def _said(text: bytes, read: Callable[[bytes], ingest.Batch]) -> str:
    """What each line says, as `postroad parse --json` shows it, a fact a line."""
    out = []
    for number, line in enumerate(text.rstrip(b"\n").split(b"\n"), 1):
        batch = read(line)
        out += [{"line": number} | fact for fact in batch.facts]
        out += [{"line": number, "error": bad.reason} for bad in batch.bad]
    return "".join(json.dumps(said, ensure_ascii=False) + "\n" for said in out)


def _facts(text: bytes) -> list[Fact]:
    batches = [_either(line) for line in text.rstrip(b"\n").split(b"\n")]
    assert not [bad for batch in batches for bad in batch.bad]
    return [fact for batch in batches for fact in batch.facts]


def _unified(text: bytes) -> str:
    with SQLiteStore(":memory:") as store:
        store.add(grown(_facts(text)))
        told = [line for one in store.deliveries() for line in lines(Record(one.key, frozenset()), one)]
    return "".join(line + "\n" for line in sorted(told))


def _journeys(text: bytes) -> str:
    with SQLiteStore(":memory:") as store:
        store.add(grown(_facts(text)))
        found = [journey.as_json() for journey in Search(store, NOW).anchored(store.deliveries())]
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


READERS: dict[str, Callable[[bytes], str]] = {
    "postfix": lambda text: _said(text, _relay),
    "ses": lambda text: _said(text, _event),
    "unified": _unified,
    "journeys": _journeys,
}
_INPUTS = sorted(CASES.glob("*/*.in"))


@pytest.mark.parametrize("case", _INPUTS, ids=[f"{path.parent.name}-{path.stem}" for path in _INPUTS])
def test_case(case: Path) -> None:
    out = READERS[case.parent.name](case.read_bytes())
    expected = case.with_suffix(".out")
    if os.environ.get("POSTROAD_REWRITE_CASES"):
        expected.write_text(out, encoding="utf-8")
    assert out == expected.read_text(encoding="utf-8")


def test_every_source_has_cases_and_no_output_is_left_without_its_input() -> None:
    assert {path.parent.name for path in _INPUTS} == set(READERS)
    assert {path.with_suffix(".in") for path in CASES.glob("*/*.out")} == set(_INPUTS)
