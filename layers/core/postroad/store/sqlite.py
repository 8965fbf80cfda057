"""Records in SQLite: the store of one machine.

A write inserts its batch's rows, is told of those that stand there already, merges these in memory and writes what
changed, all in one transaction. Every read goes by an index, and pages by the last row's place, so that its cost does
not depend on the store's size.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from threading import local
from typing import Any, NamedTuple

from postroad.codec import Key
from postroad.growth import Growth
from postroad.instants import Instant
from postroad.places import SHARDS
from postroad.records import Record
from postroad.store.contract import Change, Page
from postroad.store.sqlite_ledger import LAST, Ledger, decoded, encoded

# Two bound values a key; SQLite before 3.32 took 999 at most.
_KEYS_AT_ONCE = 400
# What the export holds in memory.
_RECORDS_AT_ONCE = 500


# Most keys of a batch are new: SQLite finds the others while it inserts, and `known` is told their rows and refuses the
# update. To read them all first took a third of the time again.
_INSERT = """INSERT INTO record (pk, sk, lookup, at, problem, facts) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (pk, sk) DO UPDATE SET at = at WHERE known(rowid, pk, sk, lookup, at, problem, facts)"""
# An update by its own statement leaves the indexes alone; where a record is found changes hardly ever.
_GROW = "UPDATE record SET facts = ? WHERE rowid = ?"
_REFILE = "UPDATE record SET lookup = ?, at = ?, problem = ? WHERE rowid = ?"

# CROSS JOIN keeps the order of the tables: for each key one step down the primary key's tree.
_ROWS = """WITH wanted (pk, sk) AS (VALUES {})
    SELECT record.pk, record.sk, facts
    FROM wanted CROSS JOIN record ON record.pk = wanted.pk AND record.sk = wanted.sk"""
_PARTITION = "SELECT pk, sk, facts FROM record WHERE pk = ? ORDER BY sk"
_LOOKUP = """SELECT at, pk, sk FROM record WHERE lookup = ? AND at >= ? AND (at, pk, sk) < (?, ?, ?)
    ORDER BY at DESC, pk DESC, sk DESC LIMIT ?"""
_PROBLEMS = """SELECT at, pk, sk FROM record WHERE problem = ? AND (at, pk, sk) < (?, ?, ?)
    ORDER BY at DESC, pk DESC, sk DESC LIMIT ?"""
_WINDOW = """SELECT at, pk, sk, facts FROM record WHERE (at, pk, sk) > (?, ?, ?) AND at < ?
    ORDER BY at, pk, sk LIMIT ?"""
_EXPIRE = """DELETE FROM record WHERE rowid IN (SELECT rowid FROM record WHERE at < ? ORDER BY at LIMIT ?)"""
_EXPIRE_BAD = (
    """DELETE FROM bad_input WHERE rowid IN (SELECT rowid FROM bad_input WHERE at < ? ORDER BY at LIMIT ?)"""
)


class _Row(NamedTuple):
    """A record as its row holds it, less its key; `facts` are sorted texts, one a line."""

    lookup: str | None
    at: str
    problem: str | None
    facts: str


class _Known(NamedTuple):
    """A row that stood there before a batch; `place` is its rowid."""

    place: int
    key: Key
    row: _Row


class Window(NamedTuple):
    """Whole records, the oldest first; `cursor` is None at the end."""

    records: list[Record]
    cursor: str | None


class SQLiteStore(Ledger):
    """`contract.Store` in one file, and what the service on one machine needs beside it."""

    def add(self, growths: Mapping[Key, Growth]) -> list[Change]:
        """Grow the records; returns those that changed. Joins an open transaction, or makes its own."""
        return changes(growths, self.grow(growths))

    def grow(self, growths: Mapping[Key, Growth]) -> dict[Key, frozenset[str]]:
        """Grow the records; returns what those that were known said before. Joins an open transaction like `add`."""
        with self.transaction():
            known = self._insert(growths)
            self._merge(known, growths)
        return {one.key: _lines(one.row.facts) for one in known}

    def _insert(self, growths: Mapping[Key, Growth]) -> list[_Known]:
        _MET.rows = []
        rows = (
            (pk, sk, growth.lookup, growth.at or "", growth.problem, "\n".join(sorted(growth.texts)))
            for (pk, sk), growth in growths.items()
        )
        self.run_many(_INSERT, rows)
        return _MET.rows

    def _merge(self, known: list[_Known], growths: Mapping[Key, Growth]) -> None:
        merged = [(one, _merged(one.row, growths[one.key])) for one in known]
        grown = [(old, new) for old, new in merged if new.facts != old.row.facts]
        self.run_many(_GROW, ((new.facts, old.place) for old, new in grown))
        self.run_many(_REFILE, ((*new[:3], old.place) for old, new in grown if new[:3] != old.row[:3]))

    def _connect(self) -> sqlite3.Connection:
        connection = super()._connect()
        connection.create_function("known", 7, _MET.note)
        return connection

    def get(self, keys: Iterable[Key]) -> list[Record]:
        """The records under these keys, in the keys' order, those that do not exist left out."""
        wanted = list(keys)
        facts = self._facts(wanted)
        return [Record(key, _lines(facts[key])) for key in wanted if key in facts]

    def _facts(self, keys: Iterable[Key]) -> dict[Key, str]:
        # In the tree's order, so that neighbours are read from the same page.
        wanted, found = sorted(set(keys)), {}
        for start in range(0, len(wanted), _KEYS_AT_ONCE):
            some = wanted[start : start + _KEYS_AT_ONCE]
            question = _ROWS.format(",".join(["(?,?)"] * len(some)))
            for pk, sk, facts in self.run(question, [part for key in some for part in key]):
                found[Key(pk, sk)] = facts
        return found

    def partition(self, pk: str) -> list[Record]:
        """Every record of one partition, by sort key."""
        return [_record(*row) for row in self.run(_PARTITION, (pk,))]

    def lookup(
        self,
        value: str,
        *,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Keys found by an address or a Message-ID, the newest `at` first, `since <= at < until`.

        Raises ValueError for a cursor that is not of this list.
        """
        bound = min(_before(cursor), (until or LAST, "", ""))
        return _page(self.run(_LOOKUP, (value, since or "", *bound, limit + 1)), limit)

    def problems(self, day: str, *, limit: int = 100, cursor: str | None = None) -> Page:
        """Keys of what failed, or may yet, on a UTC day, the newest `at` first. Raises ValueError like `lookup`."""
        bound = _before(cursor)
        shards = (self.run(_PROBLEMS, (f"{day}#{shard}", *bound, limit + 1)) for shard in range(SHARDS))
        return _page(sorted((row for rows in shards for row in rows), reverse=True), limit)

    def window(
        self,
        since: Instant | None = None,
        until: Instant | None = None,
        *,
        limit: int = _RECORDS_AT_ONCE,
        cursor: str | None = None,
    ) -> Window:
        """Records with `since <= at < until`, the oldest first. Raises ValueError like `lookup`."""
        start = max(_place(cursor) if cursor else ("", "", ""), (since or "", "", ""))
        rows = self.run(_WINDOW, (*start, until or LAST, limit + 1))
        more = encoded(rows[limit - 1][:3]) if len(rows) > limit else None
        return Window([_record(*row[1:]) for row in rows[:limit]], more)

    def deliveries(self, since: Instant | None = None, until: Instant | None = None) -> Iterator[Record]:
        """All records of a window, a page at a time: the caller may take as long as it likes over each."""
        window = self.window(since, until)
        yield from window.records
        while window.cursor is not None:
            window = self.window(since, until, cursor=window.cursor)
            yield from window.records

    def expire(self, before: Instant, limit: int = 1000) -> int:
        """Delete the oldest records and refused inputs from before an instant; gives how many, 0 once none is left."""
        with self.transaction():
            return sum(self.run_many(statement, [(before, limit)]) for statement in (_EXPIRE, _EXPIRE_BAD))


class _Met(local):
    """The rows that this thread's insert met, as SQLite told `known` of them."""

    def __init__(self) -> None:
        self.rows: list[_Known] = []

    def note(self, place: int, pk: str, sk: str, *row: Any) -> bool:  # noqa: ANN401 - as they stand in the row
        """Note a row, and let it stand as it is."""
        self.rows.append(_Known(place, Key(pk, sk), _Row(*row)))
        return False


_MET = _Met()


def changes(growths: Mapping[Key, Growth], known: Mapping[Key, frozenset[str]]) -> list[Change]:
    """What a batch changed, by what `SQLiteStore.grow` says was known before."""
    tried = ((key, known.get(key, _NOTHING), growth.texts) for key, growth in growths.items())
    return [
        Change(Record(key, before), Record(key, before | texts))
        for key, before, texts in tried
        if not before >= texts
    ]


_NOTHING: frozenset[str] = frozenset()


def _merged(old: _Row, growth: Growth) -> _Row:
    # The least of what was said, so that it does not matter what was said first.
    return _Row(
        _least(old.lookup, growth.lookup),
        _least(old.at, growth.at) or "",
        _least(old.problem, growth.problem),
        "\n".join(sorted(_lines(old.facts) | growth.texts)),
    )


def _least(one: str | None, other: str | None) -> str | None:
    return min(one, other) if one and other else one or other


def _lines(text: str) -> frozenset[str]:
    return frozenset(text.split("\n")) if text else frozenset()


def _record(pk: str, sk: str, facts: str) -> Record:
    return Record(Key(pk, sk), _lines(facts))


def _place(cursor: str) -> tuple[str, str, str]:
    at, pk, sk = decoded(cursor, 3)
    return at, pk, sk


def _before(cursor: str | None) -> tuple[str, str, str]:
    return _place(cursor) if cursor else (LAST, "", "")


def _page(rows: list[tuple[str, str, str]], limit: int) -> Page:
    keys = [Key(pk, sk) for _, pk, sk in rows[:limit]]
    return Page(keys, encoded(rows[limit - 1]) if len(rows) > limit else None)
