"""Records in SQLite: the store of one machine.

A write reads its batch's rows, merges in memory and writes what changed, all in one transaction. Every read goes by
an index, and pages by the last row's place, so that its cost does not depend on the store's size.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from postroad.codec import Key
from postroad.instants import Instant
from postroad.records import SHARDS, Growth, Record
from postroad.store.contract import Change, Page
from postroad.store.sqlite_ledger import LAST, Ledger, decoded, encoded

# Two bound values a key; SQLite before 3.32 took 999 at most.
_KEYS_AT_ONCE = 400
# What the export holds in memory.
_RECORDS_AT_ONCE = 500


# An update by its own statement leaves the indexes alone; where a record is found changes hardly ever.
_INSERT = "INSERT INTO record (pk, sk, lookup, at, problem, states, facts) VALUES (?, ?, ?, ?, ?, ?, ?)"
_GROW = "UPDATE record SET states = ?, facts = ? WHERE pk = ? AND sk = ?"
_REFILE = "UPDATE record SET lookup = ?, at = ?, problem = ? WHERE pk = ? AND sk = ?"

# CROSS JOIN keeps the order of the tables: for each key one step down the primary key's tree.
_ROWS = """WITH wanted (pk, sk) AS (VALUES {})
    SELECT record.pk, record.sk, lookup, at, problem, states, facts
    FROM wanted CROSS JOIN record ON record.pk = wanted.pk AND record.sk = wanted.sk"""
_PARTITION = "SELECT pk, sk, facts FROM record WHERE pk = ? ORDER BY sk"
_LOOKUP = """SELECT at, pk, sk FROM record WHERE lookup = ? AND at >= ? AND (at, pk, sk) < (?, ?, ?)
    ORDER BY at DESC, pk DESC, sk DESC LIMIT ?"""
_PROBLEMS = """SELECT at, pk, sk FROM record WHERE problem = ? AND (at, pk, sk) < (?, ?, ?)
    ORDER BY at DESC, pk DESC, sk DESC LIMIT ?"""
_WINDOW = """SELECT at, pk, sk, facts FROM record WHERE (at, pk, sk) > (?, ?, ?) AND at < ?
    ORDER BY at, pk, sk LIMIT ?"""
_EXPIRE = (
    """DELETE FROM record WHERE (pk, sk) IN (SELECT pk, sk FROM record WHERE at < ? ORDER BY at LIMIT ?)"""
)
_EXPIRE_BAD = (
    """DELETE FROM bad_input WHERE rowid IN (SELECT rowid FROM bad_input WHERE at < ? ORDER BY at LIMIT ?)"""
)


class _Row(NamedTuple):
    """A record as its row holds it, less its key."""

    lookup: str | None
    at: str
    problem: str | None
    states: str
    facts: str


_NO_ROW = _Row(None, "", None, "", "")


class _Merge(NamedTuple):
    """A row before and after a batch."""

    old: _Row
    new: _Row
    change: Change


class Window(NamedTuple):
    """Whole records, the oldest first; `cursor` is None at the end."""

    records: list[Record]
    cursor: str | None


class SQLiteStore(Ledger):
    """`contract.Store` in one file, and what the service on one machine needs beside it."""

    def add(self, growths: Mapping[Key, Growth]) -> list[Change]:
        """Grow the records; returns those that changed. Joins an open transaction, or makes its own."""
        with self.transaction():
            rows = self._rows(growths)
            tried = (_merge(key, rows.get(key, _NO_ROW), growth) for key, growth in growths.items())
            merges = [merge for merge in tried if merge is not None]
            self._write(merges)
        return [merge.change for merge in merges]

    def _write(self, merges: list[_Merge]) -> None:
        known = [merge for merge in merges if merge.old is not _NO_ROW]
        self.run_many(_INSERT, ((*m.change.after.key, *m.new) for m in merges if m.old is _NO_ROW))
        self.run_many(_GROW, ((*m.new[3:], *m.change.after.key) for m in known))
        self.run_many(_REFILE, ((*m.new[:3], *m.change.after.key) for m in known if m.new[:3] != m.old[:3]))

    def get(self, keys: Iterable[Key]) -> list[Record]:
        """The records under these keys, in the keys' order, those that do not exist left out."""
        wanted = list(keys)
        rows = self._rows(wanted)
        return [Record(key, _lines(rows[key].facts)) for key in wanted if key in rows]

    def _rows(self, keys: Iterable[Key]) -> dict[Key, _Row]:
        # In the tree's order, so that neighbours are read from the same page.
        wanted, found = sorted(set(keys)), {}
        for start in range(0, len(wanted), _KEYS_AT_ONCE):
            some = wanted[start : start + _KEYS_AT_ONCE]
            question = _ROWS.format(",".join(["(?,?)"] * len(some)))
            for pk, sk, *row in self.run(question, [part for key in some for part in key]):
                found[Key(pk, sk)] = _Row(*row)
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


def _merge(key: Key, old: _Row, growth: Growth) -> _Merge | None:
    before = _lines(old.facts)
    after = before | growth.texts
    if len(after) == len(before):
        return None
    # The least of what was said, so that it does not matter what was said first.
    new = _Row(
        _least(old.lookup, growth.lookup),
        _least(old.at, growth.at) or "",
        _least(old.problem, growth.problem),
        "\n".join(sorted(_lines(old.states) | growth.states)),
        "\n".join(sorted(after)),
    )
    return _Merge(old, new, Change(Record(key, before), Record(key, after)))


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
