"""The table of the simulation: it charges as `metered` does, and throttles as its partitions and its indexes' do."""

from collections import Counter
from zlib import crc32

from bench.metered import LARGEST, MeteredTable
from bench.scale_capacity import Capacity, Partitions
from postroad.codec import Key
from postroad.growth import Growth
from postroad.store.contract import Change
from postroad.store.dynamodb_table import INDEXES, PROBLEM

TABLE = "table"
TOO_LARGE = "item too large"
_REMEMBERED = 50_000  # records; older ones are not written again in any of the scenarios


class CappedTable:
    """Writes that pass, or are refused with the name of what had no capacity; a full index holds the table back."""

    def __init__(self, capacity: Capacity, start: float, *, remembered: int = _REMEMBERED) -> None:
        """Begin empty, with all that was saved up."""
        self._table = MeteredTable(keep=remembered)
        self.partitions = {
            name: Partitions(capacity, start, shared=name == PROBLEM) for name in (TABLE, *INDEXES)
        }
        self.throttles: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.kept: set[tuple[Key, str]] = set()  # of the sampled records, for good
        self.largest = 0

    def write(self, key: Key, growth: Growth, now: float) -> tuple[str | None, Change | None]:
        """Write one record; gives what refused it, if anything did, and what the stream tells of it."""
        quoted, item = self._table.quote(key, growth)
        if quoted.size > LARGEST:
            self.refused[TOO_LARGE] += 1
            return TOO_LARGE, None
        wanted = {TABLE: (key.pk, quoted.units), **quoted.indexes}
        short = [name for name, of in wanted.items() if not self.partitions[name].has(*of, now)]
        if short:
            self.throttles.update(short)
            return short[0], None
        for name, of in wanted.items():
            self.partitions[name].take(*of, now)
        self.largest = max(self.largest, quoted.size)
        if is_sampled(key):
            self.kept.update((key, text) for text in growth.texts)
        return None, self._table.commit(key, item)


def is_sampled(key: Key) -> bool:
    """One in sixteen records is followed to the end, to see that nothing of it is missing; and each refused client."""
    return key.pk.startswith("noqueue#") or crc32(key.pk.encode()) % 16 == 0
