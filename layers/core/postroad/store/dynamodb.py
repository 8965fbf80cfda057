"""Records in DynamoDB: the store on AWS.

A write adds to two string sets and sets what follows from the record's key, so it needs no read, no version and no
lock, and a repeated one changes nothing. What changed is told by the table's stream (`dynamodb_table.change_of`).
"""

import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from itertools import islice
from operator import and_
from random import uniform
from typing import Any, Self

from pynamodb.connection import TableConnection
from pynamodb.exceptions import QueryError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from postroad.codec import Key
from postroad.instants import Instant, from_datetime
from postroad.records import SHARDS, Growth, Record
from postroad.store import dynamodb_table as table
from postroad.store.contract import Change, Page
from postroad.store.dynamodb_table import Item, Place

# Beyond this many, threads only wait for each other (measured; the GIL signs and parses one request at a time).
THREADS = 8
# DynamoDB's own limit of a batch-get.
_KEYS_AT_ONCE = 100
# After the first try; botocore doubles its pause each time, up to a random part of 1, 2, 4 and 8 s: in all still within
# the functions' time, and enough for an on-demand table that doubles its capacity.
_RETRIES = 4
_CONNECT_S, _READ_S = 2.0, 5.0
# How often a batch-get may bring nothing at all.
_PATIENCE = 8


class NotStoredError(Exception):
    """Some records were not stored, and the source must bring them again; the others were."""

    def __init__(self, failed: Mapping[Key, UpdateError], tried: int) -> None:
        """Say how many and why, but name no record: a key holds an address."""
        self.failed = failed
        reasons = sorted(
            {error.cause_response_code or type(error.cause).__name__ for error in failed.values()}
        )
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
        self._retention = retention
        self._clock = clock
        self._name = table_name
        # The connection, not a Model: Model.update always has the whole item sent back (pynamodb #1219), and reads it.
        self._table = TableConnection(
            table_name,
            host=host,
            connect_timeout_seconds=_CONNECT_S,
            read_timeout_seconds=_READ_S,
            max_retry_attempts=_RETRIES,
            max_pool_connections=2 * THREADS,
            meta_table=table.schema(table_name),
        )
        # Made now, because making a client is the one thing that threads must not do at once.
        self.client: Any = self._table.connection.client
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="table")

    def close(self) -> None:
        """Close what is open to the table."""
        self._pool.shutdown()
        self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- writing ---

    def add(self, growths: Mapping[Key, Growth]) -> list[Change]:
        """Grow the records, one write each; returns nothing: the stream tells what changed. Raises NotStoredError."""
        failed: dict[Key, UpdateError] = {}
        trouble: list[UpdateError] = []

        def write(key: Key) -> None:
            try:
                if trouble:
                    raise trouble[0]
                self._grow(key, growths[key])
            except UpdateError as error:
                failed[key] = error
                # What is wrong with one item is its own; anything else would hold up each of the others as long.
                if error.cause_response_code != "ValidationException":
                    trouble.append(error)

        list((map if len(growths) == 1 else self._pool.map)(write, growths))
        if failed:
            raise NotStoredError(failed, len(growths))
        return []

    def _grow(self, key: Key, growth: Growth) -> None:
        said = self._said(growth)
        adds = _adds(growth)
        try:
            self._update(key, [*adds, *(Path(name).set(value) for name, value in said.items())], _least(said))
        except UpdateError as error:
            if not _is_refused(error):
                raise
            self._update(key, [*adds, *(Path(name).set(Path(name) | value) for name, value in said.items())])
            self._lower(key, said)

    def _lower(self, key: Key, said: dict[str, dict[str, str]]) -> None:
        """Set what is less than what the record says, the rare time that two sources say different things.

        A short queue id may stand for two Message-IDs in one hour, an SES id may hide its time. The least stays, as it
        does in SQLite, so that it does not matter what was said first.
        """
        for names in ((table.LOOKUP,), ("at", "expires_at"), (table.PROBLEM,)):
            if names[0] in said:
                try:
                    sets: list[Action] = [Path(name).set(said[name]) for name in names]
                    self._update(key, sets, Path(names[0]) > said[names[0]])
                except UpdateError as error:
                    if not _is_refused(error):
                        raise

    def _update(self, key: Key, actions: list[Action], condition: Condition | None = None) -> None:
        self._table.update_item(key.pk, key.sk, actions, condition)

    def _said(self, growth: Growth) -> dict[str, dict[str, str]]:
        said = {table.LOOKUP: growth.lookup, "at": growth.at, table.PROBLEM: growth.problem}
        values = {name: {"S": value} for name, value in said.items() if value}
        if growth.at:
            values["expires_at"] = {"N": str(table.expiry(growth.at, self._retention))}
        return values

    # --- reading ---

    def get(self, keys: Iterable[Key]) -> list[Record]:
        """The records under these keys, in the keys' order, those that do not exist left out."""
        wanted = list(keys)
        known = [key for key in dict.fromkeys(wanted) if table.fits(key)]
        found = {
            record.key: record for some in self._pool.map(self._fetched, _batched(known)) for record in some
        }
        return [found[key] for key in wanted if key in found]

    def _fetched(self, keys: Iterable[Key]) -> list[Record]:
        items: list[Item] = []
        left: Any = [{"pk": key.pk, "sk": key.sk} for key in keys]
        tries = 0
        while left:
            answer = self._table.batch_get_item(left, attributes_to_get=table.READ)
            came = answer["Responses"].get(self._name, [])
            items += came
            left = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
            tries = 0 if came else tries + 1
            if tries > _PATIENCE:
                raise TimeoutError("the table leaves keys unread: it is throttled")
            if left:
                # More than 16 MB, or a throttled table.
                time.sleep(uniform(0, 0.05 * 2**tries))  # noqa: S311 - it only has to differ
        return self._records(items)

    def partition(self, pk: str) -> list[Record]:
        """Every record of one partition, by sort key."""
        return self._records(_items(partial(self._table.query, pk))) if table.fits_partition(pk) else []

    def _records(self, items: Iterable[Item]) -> list[Record]:
        now = self._clock()
        # Age takes an item out within days, not at once.
        return [
            table.record_of(item)
            for item in items
            if "expires_at" not in item or int(item["expires_at"]["N"]) > now
        ]

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
        [place] = table.places_of(cursor, 1)
        since = max(since or "", self._horizon())
        if not table.fits_partition(value) or (until is not None and since >= until):
            return Page([], None)
        found = self._listed(table.LOOKUP, value, _window(since, until), place, limit + 1)
        more = table.cursor_of([table.place_of(found[limit - 1])]) if len(found) > limit else None
        return Page([table.key_of(item) for item in found[:limit]], more)

    def problems(self, day: str, *, limit: int = 100, cursor: str | None = None) -> Page:
        """Keys of what failed, or may yet, on a UTC day, the newest `at` first. Raises ValueError like `lookup`."""
        places = table.places_of(cursor, SHARDS)
        window = _window(self._horizon(), None)

        def of(shard: int) -> list[tuple[int, Item]]:
            found = self._listed(table.PROBLEM, f"{day}#{shard}", window, places[shard], limit + 1)
            return [(shard, item) for item in found]

        shards = list(self._pool.map(of, range(SHARDS)))
        taken = list(islice(heapq.merge(*shards, key=lambda found: found[1]["at"]["S"], reverse=True), limit))
        reached = dict(enumerate(places)) | {shard: table.place_of(item) for shard, item in taken}
        more = sum(map(len, shards)) > len(taken)
        return Page(
            [table.key_of(item) for _, item in taken], table.cursor_of(reached.values()) if more else None
        )

    def _listed(
        self, index: str, value: str, window: Condition, after: Place | None, limit: int
    ) -> list[Item]:
        """The first entries of an index's list, the newest first."""
        start = table.start_after(index, value, after) if after else None
        ask = partial(
            self._table.query,
            value,
            index_name=index,
            range_key_condition=window,
            scan_index_forward=False,
            limit=limit,
        )
        try:
            return list(islice(_items(ask, start), limit))
        except QueryError as error:
            if start and error.cause_response_code == "ValidationException":
                raise ValueError("a cursor of another list: start again without one") from error
            raise

    def _horizon(self) -> Instant:
        return from_datetime(datetime.fromtimestamp(self._clock(), UTC) - self._retention)


def _items(ask: Callable[..., Item], start: Item | None = None) -> Iterator[Item]:
    """All that a query finds, page by page as it is wanted."""
    while True:
        answer = ask(exclusive_start_key=start)
        yield from answer["Items"]
        start = answer.get("LastEvaluatedKey")
        if not start:
            return


def _batched(keys: list[Key]) -> Iterator[list[Key]]:
    return (keys[start : start + _KEYS_AT_ONCE] for start in range(0, len(keys), _KEYS_AT_ONCE))


def _adds(growth: Growth) -> list[Action]:
    facts = Path("facts").add({"SS": sorted(growth.texts)})
    # An empty set is no set to DynamoDB.
    return [facts, Path("states").add({"SS": sorted(growth.states)})] if growth.states else [facts]


def _least(said: Mapping[str, dict[str, str]]) -> Condition | None:
    parts = [
        Path(name).does_not_exist() | (Path(name) >= value) for name, value in said.items() if "S" in value
    ]
    return reduce(and_, parts) if parts else None


def _is_refused(error: UpdateError) -> bool:
    return error.cause_response_code == "ConditionalCheckFailedException"


def _window(since: str, until: str | None) -> Condition:
    at = Path("at")
    return at.between({"S": since}, {"S": table.just_before(until)}) if until else at >= {"S": since}
