"""A page of one recipient's mail costs the same among a million deliveries as among a thousand."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from postroad.facts import Event, Fact
from postroad.growth import grown
from postroad.store.sqlite import _INSERT, SQLiteStore
from tests.contract.mail import LINES, SES_ID, said, ses
from tests.unit.test_api import Desk

pytestmark = pytest.mark.slow

BATCH = 1000
# The part of an id that differs within a batch; the time is in the part before.
TAIL = "0a1b2c3d4e5f"
BUSY, ANN = "busy@example.com", "ann@example.com"


class Meter(SQLiteStore):
    """A store that counts its statements, the rows they gave, and the steps SQLite took to find them."""

    def __init__(self, path: str, **how: Any) -> None:  # noqa: ANN401 - as the store takes it
        self.work: Counter[str] = Counter()
        super().__init__(path, **how)

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        rows = super().run(statement, values)
        self.work.update(statements=1, rows=len(rows))
        return rows

    def measure(self) -> None:
        """Count from here on; a step takes too long to count while the store is filled."""
        self.work.clear()
        self._connection().set_progress_handler(self._step, 1)

    def _step(self) -> int:
        self.work["steps"] += 1
        return 0


class Cost(NamedTuple):
    """What a page took: calls of the store, and the work below them."""

    calls: Counter[str]
    work: Counter[str]


def facts_of(batch: int, to: str, tail: str = TAIL) -> list[Fact]:
    """What SES says of one delivery."""
    ses_id = f"0100019c{0x921D4630 + batch * 60:08x}-6a5d1f0e-6f0b-4d7c-9b8e-{tail}-000000"
    return [
        ses(Event.ACCEPTED, ses_id, to, "2026-02-25T03:00:00.000Z"),
        ses(Event.DELIVERED, ses_id, to, "2026-02-25T03:00:01.512Z", reply="250 2.0.0 OK"),
    ]


def recipient(number: int) -> str:
    return BUSY if number % 2 else f"u{number}@example.net"


def rows_of(batch: int) -> Iterator[tuple[object, ...]]:
    """The rows of a batch: those that the store itself writes, with other ids and recipients in them."""
    with SQLiteStore.open() as store:
        store.add(grown(facts_of(batch, BUSY)))
        ((pk, sk, lookup, *rest),) = store.run("SELECT * FROM record")
    for number in range(BATCH):
        to = recipient(number)
        yield pk.replace(TAIL, f"{number:012x}"), sk.replace(BUSY, to), lookup.replace(BUSY, to), *rest


def relayed(number: int) -> list[Fact]:
    """A message for Ann as the relay and SES tell of it."""
    ses_id = SES_ID.replace(TAIL, f"aaaa{number:08x}")
    lines = (line.replace("z3Rb", f"z{number:03}").replace(SES_ID, ses_id) for line in LINES[:4])
    heard = ses(Event.DELIVERED, ses_id, ANN, "2026-02-25T00:05:21.512Z", reply="250 2.0.0 OK")
    return [*(fact for line in lines for fact in said(line)), heard]


def fill(store: SQLiteStore, deliveries: int) -> None:
    # Not all at once, so that the write-ahead log stays small.
    for start in range(0, deliveries // BATCH, 50):
        with store.transaction():
            for batch in range(start, min(start + 50, deliveries // BATCH)):
                store.run_many(_INSERT, rows_of(batch))
    for number in range(50):
        store.add(grown(relayed(number)))


def costs(folder: Path, deliveries: int) -> dict[str, Cost]:
    path = folder / f"{deliveries}.db"
    with Meter.open(str(path), durable=False) as store:
        fill(store, deliveries)
        # The store would write just these, so it finds nothing new in them.
        last = facts_of(deliveries // BATCH - 1, recipient(BATCH - 1), f"{BATCH - 1:012x}")
        assert store.add(grown(last)) == []
        assert store.run("SELECT count(*) FROM record WHERE pk LIKE 'ses#%'") == [(deliveries + 50,)]
        found = dict(measured(store))
    path.unlink()
    return found


def measured(store: Meter) -> Iterator[tuple[str, Cost]]:
    desk = Desk(store)
    for to in (BUSY, ANN):
        asked = {"limit": "20", "since": "all"}
        for page in ("first", "second"):
            store.measure()
            desk.store.asked.clear()
            found = desk.ask(f"/v1/recipients/{to}/journeys", asked)
            yield f"{page} page of {to}", Cost(Counter(desk.store.asked), Counter(store.work))
            assert [one["recipient"].lower() for one in found["journeys"]] == [to] * 20
            asked["cursor"] = found["cursor"]


def test_a_page_among_a_million_deliveries_reads_what_it_reads_among_a_thousand(tmp_path: Path) -> None:
    small, large = costs(tmp_path, 1000), costs(tmp_path, 1_000_000)
    assert large == small
    assert large[f"first page of {BUSY}"].calls == Counter(lookup=1, get=1)
    # One row more than the page tells that there is another page; the meter does see what is read.
    assert large[f"first page of {BUSY}"].work["rows"] == 21 + 20
    assert large[f"first page of {ANN}"].calls["partition"] == 20
    assert all(cost.work["steps"] > cost.work["rows"] for cost in large.values())
