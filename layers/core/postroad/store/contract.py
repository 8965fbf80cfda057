"""What every store promises: records that only grow, and reads whose cost does not depend on the store's size."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from postroad.codec import Key
from postroad.growth import Growth
from postroad.instants import Instant
from postroad.records import Record


class Change(NamedTuple):
    """A record before and after a write; `before` holds no facts where the record is new."""

    before: Record
    after: Record


class Page(NamedTuple):
    """Keys in the order asked for, and where the next page starts; `cursor` is None on the last page."""

    keys: list[Key]
    cursor: str | None


class BadInput(NamedTuple):
    """An input that was refused: kept whole, with the reason, while the rest goes on."""

    source: str  # `relay` or `ses`
    origin: str  # the file, queue or log stream it came from
    reason: str
    raw: str


def broken(source: str, origin: str, error: Exception, raw: bytes | str) -> BadInput:
    """An input that breaks its reader: refused like any other, as it would break it every time."""
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    return BadInput(source, origin, f"a fault of Postroad's own: {error!r}", text)


class Store(Protocol):
    """A store of records. Adding is idempotent and commutative; nothing is ever taken out but by its age."""

    def add(self, growths: Mapping[Key, Growth]) -> list[Change]:
        """Grow the records; returns those that changed, where the store can tell (a table's stream tells later)."""

    def get(self, keys: Iterable[Key]) -> list[Record]:
        """The records under these keys, in the keys' order, those that do not exist left out."""

    def partition(self, pk: str) -> list[Record]:
        """Every record of one partition, by sort key."""

    def lookup(
        self,
        value: str,
        *,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Keys found by an address or a Message-ID, the newest `at` first, `since <= at < until`."""

    def problems(self, day: str, *, limit: int = 100, cursor: str | None = None) -> Page:
        """Keys of what failed, or may yet, on a UTC day, the newest `at` first."""
