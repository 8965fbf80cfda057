"""The table as template.yaml makes it: its keys and indexes, its items as records, places in its lists as cursors."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from postroad.codec import Key
from postroad.instants import Instant
from postroad.records import Record
from postroad.store.contract import Change

LOOKUP, PROBLEM = "lookup", "problem"
INDEXES = (LOOKUP, PROBLEM)
# What a record is read from; `states` stands in the table for people and for filters.
READ = ["pk", "sk", "facts", "expires_at"]
# The most that DynamoDB takes, in bytes of UTF-8; a longer key stands for nothing.
LONGEST_PK, LONGEST_SK = 2048, 1024

# An item, an image of the stream, a key: DynamoDB's own form of them, `{"pk": {"S": "..."}}`.
Item = Mapping[str, Any]
Place = tuple[str, str, str]


def key_of(item: Item) -> Key:
    """The key of an item, an image, or an index's entry."""
    return Key(item["pk"]["S"], item["sk"]["S"])


def record_of(item: Item) -> Record:
    """An item, or an image of the stream, as a record."""
    return Record(key_of(item), frozenset(item.get("facts", {}).get("SS", ())))


def change_of(stream_record: Mapping[str, Any]) -> Change | None:
    """What a record of the table's stream tells; None where no fact came in, or age took the item out."""
    if stream_record["eventName"] not in ("INSERT", "MODIFY"):
        return None
    images = stream_record["dynamodb"]
    after = record_of(images["NewImage"])
    before = record_of(images["OldImage"]) if "OldImage" in images else Record(after.key, frozenset())
    return Change(before, after) if before.texts != after.texts else None


def expiry(at: str, retention: timedelta) -> int:
    """When an item goes, in seconds since 1970; `at` is an instant, or the hour or day that it begins with."""
    began = datetime.fromisoformat(at[:19] + "0000-01-01T00:00:00"[len(at) :]).replace(tzinfo=UTC)
    return int(began.timestamp()) + int(retention.total_seconds())


def fits(key: Key) -> bool:
    """Tell whether the table can hold a key."""
    return 0 < _size(key.pk) <= LONGEST_PK and 0 < _size(key.sk) <= LONGEST_SK


def fits_partition(value: str) -> bool:
    """Tell whether a partition, of the table or of an index, can have this name."""
    return 0 < _size(value) <= LONGEST_PK


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def just_before(at: Instant) -> str:
    """The last text before an instant: DynamoDB's BETWEEN has its end, and a second bound is not to be had."""
    return f"{at[:-1]}{chr(ord(at[-1]) - 1)}\U0010ffff"


def place_of(item: Item) -> Place:
    """Where an index's entry stands in its list."""
    return item["at"]["S"], item["pk"]["S"], item["sk"]["S"]


def start_after(index: str, value: str, place: Place) -> dict[str, dict[str, str]]:
    """A place in an index's list, for DynamoDB to go on from."""
    at, pk, sk = place
    return {index: {"S": value}, "at": {"S": at}, "pk": {"S": pk}, "sk": {"S": sk}}


def cursor_of(places: Iterable[Place | None]) -> str:
    """Write places, one a list, as an opaque cursor."""
    return urlsafe_b64encode(json.dumps(list(places), separators=(",", ":")).encode()).decode()


def places_of(cursor: str | None, lists: int) -> Sequence[Place | None]:
    """Read a cursor back; without one all lists start at their beginning. Raises ValueError for any other text."""
    if cursor is None:
        return [None] * lists
    try:
        places = json.loads(urlsafe_b64decode(cursor))
        return [place and _place(place) for _, place in zip(range(lists), places, strict=True)]
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(_BAD_CURSOR) from error


def _place(place: Any) -> Place:  # noqa: ANN401 - it is whatever somebody sent for a cursor
    at, pk, sk = place
    if not all(isinstance(part, str) for part in (at, pk, sk)) or not (at and fits(Key(pk, sk))):
        raise ValueError(_BAD_CURSOR)
    return at, pk, sk


_BAD_CURSOR = "not a cursor of this list: start again without one"
