"""How DynamoDB gives capacity: partitions of 1,000 write units a second, that save up some and split when hot.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
"""

from bisect import bisect_right
from collections import Counter
from typing import NamedTuple
from zlib import crc32

PARTITION, BURST_S = 1_000, 300
_SPACE = 2**32


class Capacity(NamedTuple):
    """The sizes of the model, all divided by the same number where only a share of the traffic is played."""

    partition: float = PARTITION  # write units a second
    burst_s: float = BURST_S  # what is saved up at most, in seconds of them
    partitions: int = 4  # of a new on-demand table: 4,000 write units a second
    split_s: float = 600.0  # a hot partition splits after so long: AWS names no time but "minutes"; here ten

    def shared(self, share: float) -> "Capacity":
        """The same for one part in `share` of the traffic."""
        return self._replace(partition=self.partition / share)


class Hottest(NamedTuple):
    """The key that took most in any second, averaged over ten seconds, or more where only a share is played."""

    key: str
    units: float


class _Partition:
    """A range of key hashes, and its bucket of tokens; full at first, as after a quiet night."""

    __slots__ = ("at", "capacity", "hot_since", "tokens")

    def __init__(self, capacity: Capacity, at: float, tokens: float) -> None:
        self.capacity, self.at, self.tokens = capacity, at, tokens
        self.hot_since: float | None = None

    def level(self, now: float) -> float:
        most = self.capacity.partition * self.capacity.burst_s
        self.tokens = min(most, self.tokens + (now - self.at) * self.capacity.partition)
        self.at = now
        return self.tokens


class Partitions:
    """One table's or one index's partitions, by the hash of the partition key.

    A single key is never spread: its items are written in the order of time, which DynamoDB does not split.
    """

    _SPAN_S = 10  # over which a key's heat is averaged; so much longer, that some writes are in it
    # Of a scaled run a unit stands for many: of the same key where many messages share it, else of as many other keys.
    # A key of a message or a recipient is written less than this in such a span, unless it is hot.
    _GRAIN = 20

    def __init__(self, capacity: Capacity, start: float, *, shared: bool = False) -> None:
        """Begin with equal ranges; `shared` where every key is that of many messages."""
        self._capacity, self._shared = capacity, shared
        self._scale = PARTITION / capacity.partition
        self._span_s = round(self._SPAN_S * max(1.0, self._scale / 20))
        full = capacity.partition * capacity.burst_s
        self._starts = [_SPACE * number // capacity.partitions for number in range(capacity.partitions)]
        self._parts = [_Partition(capacity, start, full) for _ in self._starts]
        self._span, self._heat = int(start) // self._span_s, Counter[str]()
        self.hottest = Hottest("", 0.0)
        self.units = 0.0

    def __len__(self) -> int:
        return len(self._parts)

    def has(self, key: str, units: int, now: float) -> bool:
        """Whether a write would pass; one that would not makes its partition hot, and hot ones split in time."""
        number = self._number(key)
        part = self._parts[number]
        if part.level(now) >= min(units, self._capacity.partition * self._capacity.burst_s):
            return True
        if part.hot_since is None or now - part.hot_since > 2 * self._capacity.split_s:
            part.hot_since = now
        elif now - part.hot_since >= self._capacity.split_s:
            self._split(number, now)
        return False

    def take(self, key: str, units: int, now: float) -> None:
        """Spend what `has` found."""
        self._parts[self._number(key)].tokens -= units
        self.units += units
        if int(now) // self._span_s != self._span:
            self.settle()
            self._span = int(now) // self._span_s
        self._heat[key] += units

    def settle(self) -> None:
        """Close the span; whoever was hottest in it may be the hottest of all."""
        for key, units in self._heat.most_common(1):
            heat = units / self._span_s * (self._scale if self._shared or units >= self._GRAIN else 1.0)
            self.hottest = max(self.hottest, Hottest(key, heat), key=lambda one: one.units)
        self._heat.clear()

    def _number(self, key: str) -> int:
        return bisect_right(self._starts, crc32(key.encode("utf-8", "surrogatepass"))) - 1

    def _split(self, number: int, now: float) -> None:
        """Halve the range; both halves have the whole capacity of a partition, but nothing saved up."""
        start = self._starts[number]
        end = self._starts[number + 1] if number + 1 < len(self._starts) else _SPACE
        self._parts[number].hot_since = None
        if end - start > 1:
            self._starts.insert(number + 1, (start + end) // 2)
            self._parts.insert(number + 1, _Partition(self._capacity, now, 0.0))
