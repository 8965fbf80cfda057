"""Records in DynamoDB: the store on AWS.

A write adds to two string sets and sets what follows from the record's key, so it needs no read, no version and no
lock, and a repeated one changes nothing. What changed is told by the table's stream (`dynamodb_table.change_of`).
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from postroad.codec import Key
from postroad.growth import Growth
from postroad.instants import Instant
from postroad.records import Record
from postroad.store.aws_place import found
from postroad.store.contract import Change, Page
from postroad.store.dynamodb_updates import Updates
from postroad.store.dynamodb_wire import RefusedError, Wire, WriteError

if TYPE_CHECKING:
    from postroad.store.dynamodb_reads import Reads

# Beyond this many, threads only wait for each other (measured; the GIL signs and parses one request at a time).
THREADS = 8
# What a table answers at once for a key that is too hot, and for all of them when it lacks capacity itself: known by as
# many as there are threads. Each may have begun one more by then, so that it takes twice one key's pauses, 15 s.
_THROTTLED = ("ProvisionedThroughputExceededException", "ThrottlingException")


class NotStoredError(Exception):
    """Some records were not stored, and the source must bring them again; the others were."""

    def __init__(self, failed: Mapping[Key, WriteError], tried: int) -> None:
        """Say how many and why, but name no record: a key holds an address."""
        self.failed = failed
        reasons = sorted({error.code for error in failed.values()})
        super().__init__(f"{len(failed)} of {tried} records not stored: {', '.join(reasons)}")


class DynamoDBStore:
    """`contract.Store` in one table; its connections are shared by all threads."""

    def __init__(
        self,
        table_name: str,
        *,
        retention: timedelta,
        host: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Use a table of template.yaml's shape; `host` is the address of a local one."""
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="table")
        self._updates = Updates(table_name, retention)
        # Most functions only write, one only reads; each half costs a cold start its part.
        self._wire = _Once(lambda: Wire(found(host), THREADS))
        self._reads = _Once(lambda: _reads(table_name, retention, host, clock, self._pool))

    def ready_to_write(self) -> Self:
        """Make now what the first write would make, so that what is missing is missed at the start."""
        self._wire()
        return self

    def ready_to_read(self) -> Self:
        """Make now what the first read would make."""
        self._reads()
        return self

    def close(self) -> None:
        """Close what is open to the table."""
        self._pool.shutdown()
        self._wire.close()
        self._reads.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- writing ---

    def add(self, growths: Mapping[Key, Growth]) -> list[Change]:
        """Grow the records, one write each; returns nothing: the stream tells what changed. Raises NotStoredError."""
        failed: dict[Key, WriteError] = {}
        trouble: list[WriteError] = []

        def write(key: Key) -> None:
            try:
                if _is_hopeless(trouble):
                    raise trouble[-1]
                self._grow(key, growths[key])
            except WriteError as error:
                failed[key] = error
                # What is wrong with one item is its own; anything else may hold up each of the others as long.
                if not error.is_the_items:
                    trouble.append(error)

        list((map if len(growths) == 1 else self._pool.map)(write, growths))
        if failed:
            raise NotStoredError(failed, len(growths))
        return []

    def _grow(self, key: Key, growth: Growth) -> None:
        wire = self._wire()
        try:
            wire.update_item(self._updates.grow(key, growth))
        except RefusedError:
            # The rare time that two sources say different things: a short queue id may stand for two Message-IDs in one
            # hour, an SES id may hide its time. The least stays, as in SQLite, whatever was said first.
            wire.update_item(self._updates.add(key, growth))
            for request in self._updates.lower(key, growth):
                with suppress(RefusedError):
                    wire.update_item(request)

    # --- reading ---

    def get(self, keys: Iterable[Key]) -> list[Record]:
        """The records under these keys, in the keys' order, those that do not exist left out."""
        return self._reads().get(keys)

    def partition(self, pk: str) -> list[Record]:
        """Every record of one partition, by sort key."""
        return self._reads().partition(pk)

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
        return self._reads().lookup(value, since=since, until=until, limit=limit, cursor=cursor)

    def problems(self, day: str, *, limit: int = 100, cursor: str | None = None) -> Page:
        """Keys of what failed, or may yet, on a UTC day, the newest `at` first. Raises ValueError like `lookup`."""
        return self._reads().problems(day, limit=limit, cursor=cursor)


def _is_hopeless(trouble: Sequence[WriteError]) -> bool:
    """Tell whether to leave the rest: a hot key or a few are throttled by themselves, other trouble is everyone's."""
    return len(trouble) >= THREADS or any(error.code not in _THROTTLED for error in trouble)


def _reads(
    table_name: str,
    retention: timedelta,
    host: str | None,
    clock: Callable[[], float],
    pool: ThreadPoolExecutor,
) -> "Reads":
    # pynamodb and its client are a third of a cold start that has them (measured), and no write needs them.
    from postroad.store.dynamodb_reads import Reads  # noqa: PLC0415

    return Reads(table_name, retention=retention, host=host, clock=clock, pool=pool)


class _Closes(Protocol):
    def close(self) -> None: ...


_Half = TypeVar("_Half", bound=_Closes)


class _Once(Generic[_Half]):
    """Makes a thing when somebody first needs it: once, however many threads ask."""

    def __init__(self, make: Callable[[], _Half]) -> None:
        self._make = make
        self._lock = Lock()
        self._made: _Half | None = None

    def __call__(self) -> _Half:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def close(self) -> None:
        if self._made is not None:
            self._made.close()
