"""Records: grow-only sets of facts under one key."""

from functools import lru_cache
from typing import NamedTuple

from postroad.codec import Key, decode
from postroad.facts import Fact

_LATEST = "~"  # sorts behind every time


class Record(NamedTuple):
    """What is known under one key: a set of facts as `codec.encode` wrote them."""

    key: Key
    texts: frozenset[str]

    def facts(self) -> list[Fact]:
        """The facts by time, in an order that depends on nothing but themselves."""
        return [fact for _, fact in self.told()]

    def told(self) -> list[tuple[str, Fact]]:
        """Each fact with its text, by time; an `unclaimed` one, which has none, comes last."""
        return list(_told(self))


# A question reads a record four times, as what claims it, as a part of a life, as a delivery: an eighth of its time.
@lru_cache(maxsize=32)
def _told(record: Record) -> list[tuple[str, Fact]]:
    said = ((text, decode(text, record.key)) for text in record.texts)
    return sorted(said, key=lambda one: (one[1].get("at", _LATEST), one[0]))
