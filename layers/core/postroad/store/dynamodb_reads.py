"""What is asked of the table: records by key and by partition, keys by what the indexes list. By pynamodb."""

import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from random import uniform
from typing import Any

from pynamodb.connection import TableConnection
from pynamodb.connection.base import MetaTable
from pynamodb.exceptions import QueryError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from postroad.codec import Key
from postroad.instants import Instant, from_datetime
from postroad.places import SHARDS
from postroad.records import Record
from postroad.store import dynamodb_table as table
from postroad.store.contract import Page
from postroad.store.dynamodb_table import Item, Place
from postroad.store.dynamodb_wire import CONNECT_S, READ_S, RETRIES

# DynamoDB's own limit of a batch-get.
_KEYS_AT_ONCE = 100
# More than there are threads to ask.
_CONNECTIONS = 16
# How often a batch-get may bring nothing at all.
_PATIENCE = 8


class Reads:
    """The reading half of `DynamoDBStore`."""

    def __init__(
        self,
        table_name: str,
        *,
        retention: timedelta,
        host: str | None,
        clock: Callable[[], float],
        pool: ThreadPoolExecutor,
    ) -> None:
        """Read a table of template.yaml's shape, several requests at once in `pool`."""
        self._retention = retention
        self._clock = clock
        self._name = table_name
        self._pool = pool
        self._table = TableConnection(
            table_name,
            host=host,
            connect_timeout_seconds=CONNECT_S,
            read_timeout_seconds=READ_S,
            max_retry_attempts=RETRIES,
            max_pool_connections=_CONNECTIONS,
            meta_table=_schema(table_name),
        )
        # Made now, because making a client is the one thing that threads must not do at once.
        self.client: Any = self._table.connection.client

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

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


def _window(since: str, until: str | None) -> Condition:
    at = Path("at")
    return at.between({"S": since}, {"S": table.just_before(until)}) if until else at >= {"S": since}


def _schema(table_name: str) -> MetaTable:
    """What pynamodb would ask DescribeTable for, at each start and with a permission of its own."""
    return MetaTable(
        {
            "TableName": table_name,
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "at", *table.INDEXES)
            ],
            "KeySchema": _keys("pk", "sk"),
            "GlobalSecondaryIndexes": [
                {"IndexName": name, "KeySchema": _keys(name, "at")} for name in table.INDEXES
            ],
        }
    )


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]
