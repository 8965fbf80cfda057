"""The meter of the cost model and of the simulation charges what DynamoDB's own engine charges the real store."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest.mock import patch

import pytest

from bench.metered import MeteredTable
from bench.ordinary import ordinary
from postroad import ingest
from postroad.codec import Key
from postroad.growth import Growth, grown
from postroad.store.dynamodb import DynamoDBStore
from postroad.store.dynamodb_wire import Wire
from postroad.syslog import Carrier
from tests.aws.parts import dynamodb_local, tables
from tests.contract.mail import FACTS

CARRIER = Carrier("2026-02-25T12:00:00.000Z")
Batch = Mapping[Key, Growth]


@pytest.fixture
def local(require: Callable[[str, bool], None]) -> Iterator[DynamoDBStore]:
    require("DynamoDB Local", dynamodb_local.is_present())
    with tables.in_dynamodb_local() as store:
        yield store


def _ordinary() -> Iterator[Batch]:
    for message in ordinary(20, 1.0, 7):
        lines = [said.text.encode() for said in message.lines]
        # As a payload may cut them.
        yield grown(ingest.relay(lines[:3], CARRIER, "").facts)
        yield grown(ingest.relay(lines[3:], CARRIER, "").facts)
        for event in message.events:
            yield grown(ingest.ses([event.text], "").facts)


def _problems() -> Iterator[Batch]:
    """Deferred, bounced, refused and complained of, one fact at a time, and all of it again."""
    for _ in range(2):
        for fact in FACTS:
            yield grown([fact])


def _large() -> Iterator[Batch]:
    """A record that grows from write to write past several units, and a text that is not ASCII."""
    for number in range(30):
        text = f'{{"{number}":"{"ü" * 60}"}}'
        yield {
            Key("ses#1", "to#a@b"): Growth({text}, {"60 delivered"}, "a@b", "2026-02-25T00:00:00.000Z", None)
        }


def _moved() -> Iterator[Batch]:
    """Entries that move in their index, as a lesser Message-ID and a lesser time come late."""
    key = Key("queue#4F1B2", "2026-02-25T00")
    for number in (5, 4, 6, 3):
        yield {key: Growth({f'{{"a":"{number}"}}'}, set(), f"{number}@example.org", "2026-02-25T00", None)}


def _charged(store: DynamoDBStore, batches: Iterator[Batch]) -> list[Counter[str]]:
    """Units of each batch, as the engine tells them."""
    used: list[Counter[str]] = []
    ask = Wire._answer  # noqa: SLF001 - what the engine says is read nowhere else

    def note(wire: Wire, body: bytes) -> tuple[int, bytes]:
        asked = json.loads(body) | {"ReturnConsumedCapacity": "INDEXES"}
        status, text = ask(wire, json.dumps(asked).encode())
        capacity = json.loads(text).get("ConsumedCapacity", {})
        used[-1]["table"] += capacity.get("Table", {}).get("CapacityUnits", 0)
        for name, index in capacity.get("GlobalSecondaryIndexes", {}).items():
            used[-1][name] += index["CapacityUnits"]
        return status, text

    with patch.object(Wire, "_answer", note):
        for batch in batches:
            used.append(Counter())
            store.add(batch)
    return [+units for units in used]


def _metered(batches: Iterator[Batch]) -> list[Counter[str]]:
    used = []
    table = MeteredTable(tables.FOR_GOOD)
    for batch in batches:
        table.writes.clear()
        table.add(batch)
        units: Counter[str] = Counter()
        for write in table.writes:
            units["table"] += write.units
            units.update({name: of for name, (_, of) in write.indexes.items()})
        used.append(units)
    return used


@pytest.mark.parametrize("batches", [_ordinary, _problems, _large], ids=["ordinary", "problems", "large"])
def test_units_are_the_engine_s(local: DynamoDBStore, batches: Callable[[], Iterator[Batch]]) -> None:
    assert _metered(batches()) == _charged(local, batches())


def test_units_of_an_entry_that_moves_are_at_most_what_the_engine_takes(local: DynamoDBStore) -> None:
    """The store needs some writes more where sources differ, which ordinary mail does not do: the meter leaves them out."""
    for metered, charged in zip(_metered(_moved()), _charged(local, _moved()), strict=True):
        assert metered["lookup"] == charged["lookup"]
        assert metered["table"] <= charged["table"]


def test_items_are_stored_as_the_meter_has_them(local: DynamoDBStore) -> None:
    """Every attribute of every item, so that their sizes are the same too."""
    table = MeteredTable(tables.FOR_GOOD)
    for batch in (*_ordinary(), *_problems(), *_moved()):
        local.add(batch)
        table.add(batch)
    client = tables.client_of(local)
    pages = client.get_paginator("scan").paginate(TableName=tables.name_of(local))
    found = {Key(item["pk"]["S"], item["sk"]["S"]): item for page in pages for item in page["Items"]}

    assert found.keys() == table.items.keys()
    for key, item in table.items.items():
        said: dict[str, Any] = {name: next(iter(value.values())) for name, value in found[key].items()}
        assert set(said.pop("facts")) == item.facts
        assert set(said.pop("states", ())) == item.states
        assert {of: value for of, value in said.items() if of not in ("pk", "sk")} == item.said
