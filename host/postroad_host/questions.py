"""What the command line asks, and of whom: a store, in bounded memory; an API answers the same (`remote`)."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import timedelta, tzinfo
from itertools import takewhile
from typing import Any, Protocol

from postroad import ingest
from postroad.facts import Fact
from postroad.instants import Instant, day, from_datetime, to_datetime
from postroad.journey import Journey
from postroad.lifecycle import PROBLEMS
from postroad.records import Record
from postroad.search import Search
from postroad.store.contract import Page, Store
from postroad.store.sqlite import SQLiteStore
from postroad.store.sqlite_ledger import SetAside
from postroad.syslog import Carrier
from postroad.unified import lines as lines_of
from postroad_host import summary
from postroad_host.clock import now
from postroad_host.documents import Document, told
from postroad_host.files import Source, lines_in

LAST = "9999"
# Mail may stay this long in a queue, so a record may stand under a day this much later than its journey began.
_LONGEST_LIFE = timedelta(days=30)
_PAGE = 200
# Of a store elsewhere: each day is some requests, whether anything failed on it or not.
MOST_DAYS = 92


class NotAnsweredError(Exception):
    """A question that cannot be answered here; its text says why, and what to ask instead."""


class ProblemStore(Store, Protocol):
    """A store that also lists what failed."""

    def problems(self, day: str, *, limit: int = 100, cursor: str | None = None) -> Page:
        """Keys of what failed, or may yet, on a UTC day, the newest `at` first."""


class Desk(Protocol):
    """Whoever answers the questions of the command line."""

    def of_address(self, address: str, since: Instant | None, until: Instant | None) -> Iterator[Document]:
        """A recipient's journeys that began in a window, the newest first."""

    def of_id(self, identifier: str) -> Iterable[Document]:
        """What an SES id, a queue id or a Message-ID names."""

    def problems(self, since: Instant) -> Iterator[Document]:
        """What failed or may yet, of the mail since then, the newest first."""

    def summary(self, since: Instant, until: Instant | None) -> summary.Summary:
        """Counts of the journeys that began in a window."""

    def refused(self, since: Instant) -> Iterator[SetAside]:
        """The inputs that were set aside since then, the newest first."""


class Shelf:
    """A desk with a store on AWS."""

    def __init__(self, store: ProblemStore) -> None:
        """Answer from `store`."""
        self._store = store

    def of_address(self, address: str, since: Instant | None, until: Instant | None) -> Iterator[Document]:
        return map(told, of_address(Search(self._store, now()), address, since, until))

    def of_id(self, identifier: str) -> Iterable[Document]:
        return map(told, Search(self._store, now()).of_id(identifier))

    def problems(self, since: Instant) -> Iterator[Document]:
        until = now()
        check_span(since, until)
        return map(told, problems(self._store, since, until))

    def summary(self, since: Instant, until: Instant | None) -> summary.Summary:
        raise NotAnsweredError(
            f"the mail from {day(since)} to {day(until or now())} cannot be counted here: a deployed stack finds"
            " mail by recipient, and lists by time only what failed; its rates are on its dashboard in CloudWatch,"
            " and `postroad problems --stack` lists what failed"
        )

    def refused(self, since: Instant) -> Iterator[SetAside]:
        raise NotAnsweredError(
            f"what was refused since {day(since)} is not kept in a deployed stack's table: see its log groups and"
            " dead-letter queues"
        )


class Machine(Shelf):
    """A desk with the store of this machine, which lists all its mail by time."""

    def __init__(self, store: SQLiteStore) -> None:
        """Answer from `store`."""
        super().__init__(store)
        self._file = store

    def problems(self, since: Instant) -> Iterator[Document]:
        return map(told, problems(self._file, since, now()))

    def summary(self, since: Instant, until: Instant | None) -> summary.Summary:
        end = until or now()
        return summary.counted(every(Search(self._file, now()), self._file, since, end), since, end)

    def refused(self, since: Instant) -> Iterator[SetAside]:
        return refused(self._file, since)


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


def parsed(source: Source, zone: tzinfo) -> Iterator[dict[str, Any]]:
    """What each line says: `{"line": n, "facts": [...]}` or `{"line": n, "error": ...}`; nothing if irrelevant."""
    carrier = Carrier(source.dated or now(), zone)
    for number, raw in enumerate(lines_in(source.stream), 1):
        batch = ingest.ses([raw], "") if _is_event(raw) else ingest.relay([raw], carrier, "")
        yield from ({"line": number, "error": bad.reason, "raw": bad.raw} for bad in batch.bad)
        if batch.facts:
            yield {"line": number, "facts": [_plain(fact) for fact in batch.facts]}


def _is_event(raw: bytes) -> bool:
    if not raw.startswith(b"{"):
        return False
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and not _EVENT_KEYS.isdisjoint(document)


_EVENT_KEYS = frozenset(("eventType", "notificationType", "Type", "detail-type", "Records", "body", "Body"))


def _plain(fact: Fact) -> dict[str, Any]:
    return {name: value for name, value in fact.items() if value is not None}
