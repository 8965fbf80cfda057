"""A table in memory that charges as DynamoDB does: what each write costs, in the table and in each index.

It keeps the contract of `add`, so that the real intake writes to it; tests/aws/test_metered.py holds it against
DynamoDB's own engine. Sizes and units: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
and .../GSI.html#GSI.ThroughputConsiderations.Writes
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from postroad.codec import Key
from postroad.growth import Growth
from postroad.records import Record
from postroad.store.contract import Change
from postroad.store.dynamodb_table import INDEXES, LOOKUP, PROBLEM, expiry

UNIT = 1024  # bytes
OVERHEAD = 100  # bytes kept beside each item and each index entry
LARGEST = 400 * 1024  # bytes of an item


@dataclass(slots=True)
class Item:
    """An item's attributes, as `store.dynamodb` writes them."""

    facts: set[str] = field(default_factory=set)
    states: set[str] = field(default_factory=set)
    said: dict[str, str] = field(default_factory=dict)  # lookup, problem, at, expires_at
    size: int = 0


class Write(NamedTuple):
    """One UpdateItem: its units in the table, and in each index that it touches with the entry's partition."""

    key: Key
    units: int
    indexes: dict[str, tuple[str, int]]
    size: int  # bytes of the item then

    @property
    def total(self) -> int:
        """Write units, all told."""
        return self.units + sum(units for _, units in self.indexes.values())


class MeteredTable:
    """Records in memory, the meter beside them; with `keep` only the newest written so many are remembered."""

    def __init__(self, retention: timedelta = timedelta(days=90), keep: int | None = None) -> None:
        """Begin empty."""
        self.items: OrderedDict[Key, Item] = OrderedDict()
        self.writes: list[Write] = []
        self.changes: list[Change] = []
        self._retention = retention
        self._keep = keep

    def add(self, growths: Mapping[Key, Growth]) -> list[Change]:
        """Grow the records, one write each, and note what that costs; `changes` tells what the stream would."""
        for key, growth in growths.items():
            write, change = self.grow(key, growth)
            self.writes.append(write)
            self.changes += [change] if change else []
        return []

    def grow(self, key: Key, growth: Growth) -> tuple[Write, Change | None]:
        """Grow one record; gives what that costs, and what the stream will tell of it."""
        write, item = self.quote(key, growth)
        return write, self.commit(key, item)

    def quote(self, key: Key, growth: Growth) -> tuple[Write, Item]:
        """What a write would cost, and the item that it would leave; nothing is changed."""
        item = self.items.get(key, Item())
        after = Item(item.facts | growth.texts, item.states | growth.states, dict(item.said))
        self._say(after, growth)
        after.size = _size(key, after)
        units = max(1, -(-max(item.size, after.size) // UNIT))
        return Write(key, units, _index_writes(_entries(item), _entries(after)), after.size), after

    def commit(self, key: Key, item: Item) -> Change | None:
        """Let a record be what `quote` said; gives what the stream tells of it."""
        before = self.items.get(key, Item()).facts
        self.items[key] = item
        self._forget(key)
        if before == item.facts:
            return None
        return Change(Record(key, frozenset(before)), Record(key, frozenset(item.facts)))

    def _say(self, item: Item, growth: Growth) -> None:
        """The least of what was said stays."""
        for name, value in ((LOOKUP, growth.lookup), ("at", growth.at), (PROBLEM, growth.problem)):
            if value:
                item.said[name] = min(value, item.said.get(name, value))
        if growth.at:
            item.said["expires_at"] = str(expiry(item.said["at"], self._retention))

    def _forget(self, key: Key) -> None:
        if self._keep is not None:
            self.items.move_to_end(key)
            while len(self.items) > self._keep:
                self.items.popitem(last=False)

    def get(self, keys: Iterable[Key]) -> list[Record]:
        """The records under these keys."""
        return [Record(key, frozenset(self.items[key].facts)) for key in keys if key in self.items]

    def stored(self) -> int:
        """Bytes that all items and their index entries are billed for."""
        return sum(item.size + OVERHEAD + _indexed(key, item) for key, item in self.items.items())


def _size(key: Key, item: Item) -> int:
    """Names and values in UTF-8; a number takes a byte for two digits and one more."""
    size = len("pksk") + _bytes(key.pk) + _bytes(key.sk)
    for name, texts in (("facts", item.facts), ("states", item.states)):
        size += len(name) + sum(map(_bytes, texts)) if texts else 0
    for name, value in item.said.items():
        size += len(name) + (len(value) + 1) // 2 + 1 if name == "expires_at" else len(name) + _bytes(value)
    return size


def _indexed(key: Key, item: Item) -> int:
    """Bytes of an item's entries in the indexes, which hold keys only."""
    keys = len("pksk") + _bytes(key.pk) + _bytes(key.sk)
    return sum(
        keys + len(f"{name}at") + _bytes(partition) + _bytes(sort) + OVERHEAD
        for name, (partition, sort) in _entries(item).items()
    )


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _entries(item: Item) -> dict[str, tuple[str, str]]:
    said = item.said
    return {name: (said[name], said["at"]) for name in INDEXES if name in said and "at" in said}


def _index_writes(
    before: Mapping[str, tuple[str, str]], after: Mapping[str, tuple[str, str]]
) -> dict[str, tuple[str, int]]:
    """A unit for an entry that is new; two where its key changes, which is a deletion and an insertion."""
    return {
        name: (entry[0], 2 if name in before else 1)
        for name, entry in after.items()
        if before.get(name) != entry
    }
