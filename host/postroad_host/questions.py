"""What the command line asks of a store, in bounded memory; an API answers the same (`remote`)."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from itertools import takewhile
from typing import Any, Protocol

from postroad.instants import Instant, day, from_datetime, to_datetime
from postroad.journey import Journey
from postroad.lifecycle import PROBLEMS
from postroad.records import Record
from postroad.search import Search
from postroad.store.contract import Page, Store
from postroad.store.sqlite import SQLiteStore
from postroad.store.sqlite_ledger import SetAside
from postroad.unified import lines as lines_of
from postroad_host.answers import NotAnsweredError
from postroad_host.clock import now

LAST = "9999"
# Mail may stay this long in a queue, so a record may stand under a day this much later than its journey began.
_LONGEST_LIFE = timedelta(days=30)
_PAGE = 200
# Of a store elsewhere: each day is some requests, whether anything failed on it or not.
MOST_DAYS = 92


class ProblemStore(Store, Protocol):
    """A store that also lists what failed."""

    def problems(self, day: str, *, limit: int = 100, cursor: str | None = None) -> Page:
        """Keys of what failed, or may yet, on a UTC day, the newest `at` first."""


def of_address(
    search: Search, address: str, since: Instant | None, until: Instant | None
) -> Iterator[Journey]:
    """A recipient's journeys that began in a window, the newest first."""
    seen: set[tuple[Any, ...]] = set()
    cursor = None
    while True:
        page, cursor = search.of_address(
            address, since=_day(since), until=_late(until), limit=_PAGE, cursor=cursor
        )
        for one in page:
            mark = (one.first_seen, one.ses_id, *one.queue_ids, *one.hosts)
            if mark not in seen and _began(one, since, until):
                yield one
            seen.add(mark)
        if cursor is None:
            return


def every(
    search: Search, store: SQLiteStore, since: Instant | None, until: Instant | None
) -> Iterator[Journey]:
    """Every journey that began in a window, the oldest first."""
    found = search.anchored(store.deliveries(_day(since), _late(until)))
    return (one for one in found if _began(one, since, until))


def problems(store: ProblemStore, since: Instant, until: Instant) -> Iterator[Journey]:
    """The journeys that failed, or may yet, the newest first."""
    for one in days(since, until):
        yield from _problems_of(store, one)


def days(since: Instant, until: Instant) -> Iterator[str]:
    """The days of a window, the newest first."""
    at = to_datetime(until)
    while (one := day(from_datetime(at))) >= day(since):
        yield one
        at -= timedelta(days=1)


def check_span(since: Instant, until: Instant) -> None:
    """Refuse a window of too many days. Raises NotAnsweredError."""
    if to_datetime(until) - to_datetime(since) > timedelta(days=MOST_DAYS):
        raise NotAnsweredError(f"{MOST_DAYS} days can be asked for at most: name a later --since")


def _problems_of(store: ProblemStore, today: str) -> Iterator[Journey]:
    cursor = None
    while True:
        page = store.problems(today, limit=_PAGE, cursor=cursor)
        # Each page its own search: what one remembers of queues has no end.
        found = Search(store, now()).of_records(store.get(page.keys))
        # A first try that failed is a problem no more once a later one got through.
        yield from (one for one in found if one.state in PROBLEMS or one.complained)
        cursor = page.cursor
        if cursor is None:
            return


def _day(since: Instant | None) -> str | None:
    return since and day(since)


def _late(until: Instant | None) -> Instant | None:
    return until and from_datetime(to_datetime(until) + _LONGEST_LIFE)


def _began(one: Journey, since: Instant | None, until: Instant | None) -> bool:
    return (since or "") <= one.first_seen < (until or LAST)


def lines(
    store: SQLiteStore, since: Instant | None, until: Instant | None, *, traditional: bool
) -> Iterator[str]:
    """Every unified line of a window, the oldest first; sorted on disk, as a store may hold more than memory does."""
    with sqlite3.connect("") as sorter:
        sorter.execute("CREATE TABLE line (stamped TEXT, shown TEXT)")
        for record in store.deliveries():
            sorter.executemany("INSERT INTO line VALUES (?, ?)", _lines_of(record, traditional=traditional))
        question = "SELECT shown FROM line WHERE stamped >= ? AND stamped < ? ORDER BY stamped, shown"
        for (line,) in sorter.execute(question, (since or "", until or LAST)):
            yield line
    sorter.close()


def _lines_of(record: Record, *, traditional: bool) -> list[tuple[str, str]]:
    nothing = Record(record.key, frozenset())
    stamped = lines_of(nothing, record)
    shown = lines_of(nothing, record, traditional=True) if traditional else stamped
    return [(one.partition(" ")[0], other) for one, other in zip(stamped, shown, strict=True)]


def refused(store: SQLiteStore, since: Instant) -> Iterator[SetAside]:
    """The inputs that were set aside since then, the newest first."""
    cursor = None
    while True:
        page = store.bad_inputs(_PAGE, cursor)
        yield from takewhile(lambda one: one.at >= since, page.inputs)
        cursor = page.cursor
        if cursor is None or page.inputs[-1].at < since:
            return
