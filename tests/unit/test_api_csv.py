"""CSV that a spreadsheet reads and does not run."""

import csv
from io import StringIO

import pytest

from postroad.api_csv import written
from postroad.facts import Event
from postroad.growth import grown
from postroad.store.sqlite import SQLiteStore
from tests.contract.mail import SES_ID, ses
from tests.unit.test_api import PLAINLY, Desk

PAYLOADS = (
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    " =1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff201",
    "a;=1+1",
    "a; @x",
    'a",=1+1,"',
    'x";=1+1;"',
    "%0A=1+1",
    "|calc",
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_cell_begins_as_a_formula(payload: str) -> None:
    text = written([{"a": payload, "b": ["x", payload], "c": None, "d": True, "e": -1.5}], "abcde")
    for reader in (csv.reader(StringIO(text)), csv.reader(StringIO(text), delimiter=";")):
        for row in reader:
            for cell in row:
                assert not cell.lstrip('" ').startswith(("=", "+", "@", "\uff1d", "\uff0b", "\uff20")), cell
    (found,) = csv.DictReader(StringIO(text))
    assert (found["c"], found["d"], found["e"]) == ("", "true", "-1.5")
    assert not any(char in found["a"] for char in "\t\r\n")


def test_an_ordinary_text_stays_as_it_is() -> None:
    text = "550 5.1.1 <ann@example.com>: no such user; try ann@example.org, or call +1"
    assert list(csv.reader(StringIO(written([{"a": text}], "a")))) == [["a"], [text]]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_a_remote_server_writes_runs_in_no_spreadsheet(payload: str) -> None:
    fact = ses(Event.SUBMITTED, SES_ID, "ann@example.com", "2026-02-25T00:05:18.000Z", subject=payload)
    with SQLiteStore.open(":memory:") as store:
        store.add(grown([{**fact, "from": payload, "message_id": payload, "configuration_set": payload}]))
        desk = Desk(store)
        for asked, how in (
            ({"q": "ann@example.com", "format": "csv"}, PLAINLY),
            ({"q": "ann@example.com"}, PLAINLY._replace(accept="text/csv")),
        ):
            answer = desk.answer("/v1/search", asked, how)
            assert answer["headers"]["Content-Type"] == "text/csv; charset=utf-8"
            assert answer["headers"]["Content-Disposition"] == 'attachment; filename="postroad.csv"'
            (row,) = csv.DictReader(StringIO(answer["body"]))
            assert row["recipient"] == "ann@example.com"
            assert not any(
                (cell or "").lstrip().startswith(("=", "+", "-", "@", "\uff1d")) for cell in row.values()
            )


def test_json_is_answered_where_both_are_welcome() -> None:
    with SQLiteStore.open(":memory:") as store:
        desk = Desk(store)
        asked = {"q": "ann@example.com"}
        assert desk.ask("/v1/search", asked, PLAINLY._replace(accept="application/json, text/csv;q=0.5"))
        assert desk.ask("/v1/search", {**asked, "format": "json"}, PLAINLY._replace(accept="text/csv"))
