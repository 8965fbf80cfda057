"""What is peculiar to the table: concurrent writers, its stream, what a write costs, age, trouble."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import repeat
from typing import Any
from unittest.mock import patch

import boto3
import pytest

from postroad import ses
from postroad.codec import Key
from postroad.facts import Event, Fact
from postroad.growth import Growth, grown
from postroad.instants import from_ms
from postroad.lifecycle import State, state
from postroad.places import SHARDS
from postroad.records import Record
from postroad.store.contract import Change
from postroad.store.dynamodb import THREADS, DynamoDBStore, NotStoredError
from postroad.store.dynamodb_table import change_of
from postroad.store.dynamodb_wire import Wire
from postroad.store.sqlite import SQLiteStore
from tests.aws.parts import dynamodb_local, tables
from tests.aws.parts.hindrance import Hindrance, Line, answer, line, refusal
from tests.aws.parts.streams import TableStream
from tests.aws.parts.tables import client_of, name_of
from tests.contract.mail import FACTS, LINES, SES_ID, said
from tests.contract.mail import ses as fact_of

ANN = "ann@example.com"
ANNS = Key(f"ses#{SES_ID}", f"to#{ANN}")


@pytest.fixture
def local(require: Callable[[str, bool], None]) -> Iterator[DynamoDBStore]:
    require("DynamoDB Local", dynamodb_local.is_present())
    with tables.in_dynamodb_local() as store:
        yield store


@pytest.fixture
def store() -> Iterator[DynamoDBStore]:
    with tables.in_moto() as opened:
        yield opened


def _stream(store: DynamoDBStore) -> TableStream:
    return TableStream(name_of(store), dynamodb_local.url())


def _changes(stream: TableStream) -> list[Change]:
    return [change for record in stream.records() if (change := change_of(record))]


class TestConcurrentWriters:
    @pytest.mark.slow
    def test_lose_nothing(self, local: DynamoDBStore) -> None:
        """Eight threads write two thousand times, each fact into two of a few records, and each record at once."""
        keys = [Key("ses#1", f"to#{number}@example.com") for number in range(40)]
        texts = [f'{{"a":"2026-02-25T00:00:00.000Z","e":"{number:04d}"}}' for number in range(1_000)]

        def add(number: int) -> None:
            growth = Growth({texts[number]}, {f"{number % 80:02d} state"}, f"{number % 4}", "2026-02-25")
            local.add({keys[number // 8 % 40]: growth, keys[(number // 8 + 1) % 40]: growth})

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(add, range(1_000)))

        for place, record in enumerate(local.get(keys)):
            assert record.texts == {
                text for n, text in enumerate(texts) if place in (n // 8 % 40, (n // 8 + 1) % 40)
            }


class TestStream:
    def test_tells_the_changes_that_the_other_store_tells(self, local: DynamoDBStore) -> None:
        batches = [FACTS[start : start + 3] for start in range(0, len(FACTS), 3)]
        stream = _stream(local)
        with SQLiteStore.open() as other:
            for batch in batches:
                local.add(grown(batch))
                changes = _changes(stream)
                assert sorted(changes, key=_key) == sorted(other.add(grown(batch)), key=_key)

    def test_leads_from_nothing_to_the_whole(self, local: DynamoDBStore) -> None:
        for fact in FACTS:
            local.add(grown([fact]))

        reached: dict[Key, frozenset[str]] = {}
        for before, after in _changes(_stream(local)):
            assert before == Record(after.key, reached.get(after.key, frozenset()))
            reached[after.key] = after.texts
        assert reached == {key: frozenset(growth.texts) for key, growth in grown(FACTS).items()}

    def test_is_silent_where_nothing_is_new(self, local: DynamoDBStore) -> None:
        local.add(grown(FACTS))
        stream = _stream(local)
        assert stream.records()
        for fact in FACTS:
            local.add(grown([fact]))

        assert stream.records() == []

    def test_tells_nothing_of_what_age_removes(self) -> None:
        image = {"pk": {"S": "ses#1"}, "sk": {"S": "to#a@b"}, "facts": {"SS": ["{}"]}}
        removed = {"eventName": "REMOVE", "dynamodb": {"Keys": {}, "OldImage": image}}

        assert change_of(removed) is None


def _key(change: Change) -> Key:
    return change.after.key


@contextmanager
def _units() -> Iterator[Counter[str]]:
    """Count the write units of all requests, as the engine says: of the table, and of each index."""
    used: Counter[str] = Counter()
    ask = Wire._answer  # noqa: SLF001 - what the engine says is read nowhere else

    def counted(wire: Wire, body: bytes) -> tuple[int, bytes]:
        status, text = ask(
            wire, json.dumps(json.loads(body) | {"ReturnConsumedCapacity": "INDEXES"}).encode()
        )
        capacity = json.loads(text)["ConsumedCapacity"]
        used["table"] += capacity["Table"]["CapacityUnits"]
        for name, index in capacity.get("GlobalSecondaryIndexes", {}).items():
            used[name] += index["CapacityUnits"]
        return status, text

    with patch.object(Wire, "_answer", counted):
        yield used


def _event(kind: str, **detail: object) -> list[Fact]:
    """An event as SES sends it for relayed mail, as large as such events usually are."""
    mail = {
        "timestamp": "2026-02-25T00:05:18.000Z",
        "messageId": SES_ID,
        "source": "bounces+shop=example.org@example.org",
        "destination": ["ann@example.com"],
        "headers": [
            {
                "name": "Received",
                "value": "from app (app [192.0.2.10]) by mx1.example.org (Postfix) with ESMTP id 4fXk2M1zQyz3Rb",
            },
            {"name": "Message-ID", "value": "<order-1@example.org>"},
        ],
        "commonHeaders": {
            "subject": "Your order 4711 of 25 February 2026 is on its way to you",
            "messageId": SES_ID,
        },
        "tags": {"ses:configuration-set": ["postroad"], "campaign": ["spring"]},
    }
    return ses.facts({"eventType": kind, "mail": mail, kind.lower(): detail})


LINES_OF_ANN = [fact for line in LINES[:4] for fact in said(line.replace("nrcpt=2", "nrcpt=1"))] + said(
    "Feb 25 00:05:18 mx1 postfix/qmgr[99]: 4fXk2M1zQyz3Rb: removed"
)
SEND = _event("Send")
DELIVERY = _event(
    "Delivery",
    timestamp="2026-02-25T00:05:21.512Z",
    processingTimeMillis=3512,
    recipients=["ann@example.com"],
    smtpResponse="250 2.0.0 OK  1772000721 a92af1059eb24-12732d5e7cfsi7254515c88.89 - gsmtp",
    remoteMtaIp="198.51.100.26",
    reportingMTA="a7-30.smtp-out.eu-west-1.amazonses.com",
)


def _units_of(batches: Iterable[list[Fact]], store: DynamoDBStore) -> dict[str, int]:
    with _units() as used:
        for batch in batches:
            store.add(grown(batch))
    return dict(used)


class TestCost:
    """Of a write each, and of each entry that comes into an index; in which order things come is nobody's to choose."""

    @pytest.mark.parametrize(
        ("batches", "units"),
        [
            # the log's: two records, each with its index entry; SES's: one record, in place
            ([LINES_OF_ANN, DELIVERY], {"table": 3, "lookup": 2}),
            ([DELIVERY, LINES_OF_ANN], {"table": 3, "lookup": 2}),
            ([LINES_OF_ANN[:3], DELIVERY, LINES_OF_ANN[3:]], {"table": 4, "lookup": 2}),
        ],
        ids=["the log first", "SES first", "SES between two payloads of the log"],
    )
    def test_of_an_ordinary_message(
        self, local: DynamoDBStore, batches: list[list[Fact]], units: dict[str, int]
    ) -> None:
        assert _units_of(batches, local) == units

    def test_of_an_ordinary_message_at_the_worst(self, local: DynamoDBStore) -> None:
        """Each line and each event comes in a batch of its own, the later ones first."""
        facts = [*LINES_OF_ANN, *SEND, *DELIVERY]

        assert _units_of([[fact] for fact in reversed(facts)], local) == {"table": 10, "lookup": 2}

    @pytest.mark.parametrize(
        ("batches", "units"),
        [
            ([LINES_OF_ANN, SEND + DELIVERY], {"table": 3, "lookup": 2}),
            ([SEND + DELIVERY, LINES_OF_ANN], {"table": 3, "lookup": 2}),
            # a write more, where Send and Delivery come in batches of their own
            ([LINES_OF_ANN, SEND, DELIVERY], {"table": 4, "lookup": 2}),
            ([SEND, LINES_OF_ANN, DELIVERY], {"table": 4, "lookup": 2}),
        ],
        ids=["one batch of events", "events first", "two batches of events", "between the events"],
    )
    def test_where_sends_are_told(
        self, local: DynamoDBStore, batches: list[list[Fact]], units: dict[str, int]
    ) -> None:
        assert _units_of(batches, local) == units

    def test_a_send_tells_nothing_that_a_delivery_does_not(self) -> None:
        """So that the template need not subscribe to it: docs/decisions/0007."""
        told = [fact for fact in SEND if fact["event"] is not Event.ACCEPTED]

        assert told == [fact for fact in DELIVERY if fact["event"] is Event.SUBMITTED]
        [accepted] = [fact for fact in SEND if fact["event"] is Event.ACCEPTED]
        assert accepted.items() - {("event", Event.ACCEPTED)} <= told[0].items()
        assert state(told) is state(SEND) is State.ACCEPTED

    def test_of_its_record_is_one_unit_as_it_is_under_a_kilobyte(self, local: DynamoDBStore) -> None:
        local.add(grown([*LINES_OF_ANN, *SEND, *DELIVERY]))

        item = client_of(local).get_item(
            TableName=name_of(local), Key={"pk": {"S": ANNS.pk}, "sk": {"S": ANNS.sk}}
        )["Item"]
        assert len(item["states"]["SS"]) == 3
        assert _size(item) < 1024

    def test_of_a_problem_is_one_entry_more(self, local: DynamoDBStore) -> None:
        bounce = _event(
            "Bounce",
            bounceType="Permanent",
            bounceSubType="General",
            bouncedRecipients=[
                {
                    "emailAddress": "ann@example.com",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 unknown",
                }
            ],
            timestamp="2026-02-25T00:05:21.512Z",
            feedbackId="0100019c921d5f88-1",
        )
        with _units() as used:
            for batch in (LINES_OF_ANN, SEND, bounce):
                local.add(grown(batch))

        assert dict(used) == {"table": 4, "lookup": 2, "problem": 1}

    def test_nothing_is_read_to_write(self, local: DynamoDBStore) -> None:
        with _hindered(local, []) as (store, way):
            store.add(grown(FACTS))
            store.add(grown(FACTS))

        assert [asked["X-Amz-Target"] for asked in way.asked] == ["DynamoDB_20120810.UpdateItem"] * (
            2 * len(grown(FACTS))
        )


def _size(item: Mapping[str, Any]) -> int:
    """An item's size, as DynamoDB counts it: names, text in UTF-8, and a number's digits by two."""
    return sum(len(name.encode()) + _size_of(*value.popitem()) for name, value in item.items())


def _size_of(kind: str, value: Any) -> int:  # noqa: ANN401
    if kind == "N":
        return len(value) // 2 + 2
    return sum(len(text.encode()) for text in value) if kind == "SS" else len(value.encode())


class TestWhatOrderMustNotChange:
    """Two sources may say different things of one record, if seldom: then the least stays, as in the other store."""

    @pytest.mark.parametrize("order", [[0, 1], [1, 0]])
    def test_of_two_message_ids_the_least_is_looked_up(self, local: DynamoDBStore, order: list[int]) -> None:
        key = Key("queue#4F1B2", "2026-02-25T00")
        growths = [
            Growth({f'{{"a":"{n}"}}'}, set(), f"{n}@example.org", f"2026-02-2{n}", f"p#{n}") for n in (5, 6)
        ]
        for number in order:
            local.add({key: growths[number]})

        assert local.lookup("5@example.org").keys == [key]
        assert local.lookup("6@example.org").keys == []
        assert local.get([key])[0].texts == growths[0].texts | growths[1].texts
        item = client_of(local).get_item(
            TableName=name_of(local), Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}}
        )["Item"]
        assert (item["at"], item["problem"]) == ({"S": "2026-02-25"}, {"S": "p#5"})

    def test_what_is_said_later_is_taken(self, local: DynamoDBStore) -> None:
        key = Key("ses#1", "to#a@b")
        for growth in (Growth({"{1}"}), Growth({"{2}"}, {"60 delivered"}, "a@b", "2026-02-25", None)):
            local.add({key: growth})

        assert local.lookup("a@b").keys == [key]


class TestProblems:
    @pytest.mark.parametrize("limit", [1, 3, 100])
    def test_of_a_day_come_the_newest_first_from_all_shards(self, local: DynamoDBStore, limit: int) -> None:
        facts = [
            fact_of(
                Event.BOUNCED,
                f"id-{number}",
                ANN,
                from_ms(1_772_000_000_000 + number),
                bounce_type="Permanent",
            )
            for number in range(20)
        ]
        growths = grown(facts)
        assert len({growth.problem for growth in growths.values()}) > SHARDS / 2
        local.add(growths)

        keys, cursor = [], None
        while True:
            page = local.problems("2026-02-25", limit=limit, cursor=cursor)
            keys += page.keys
            assert len(page.keys) <= limit
            cursor = page.cursor
            if cursor is None:
                break
        assert keys == [*reversed(growths)]
        assert local.problems("2026-02-26").keys == []

    def test_refuse_the_cursor_of_another_list(self, local: DynamoDBStore) -> None:
        local.add(grown(FACTS))
        cursor = local.lookup(ANN, limit=1).cursor

        with pytest.raises(ValueError, match="cursor"):
            local.problems("2026-02-25", cursor=cursor)
        with pytest.raises(ValueError, match="cursor"):
            local.lookup(ANN, until="2026-02-01", cursor=cursor)


class TestAge:
    def test_hides_what_the_table_has_not_swept_yet(self, store: DynamoDBStore) -> None:
        store.add(grown(FACTS))
        # Midnight of the day after, in seconds: the record of that day's start is out, that of a later hour is not.
        clock = 1_772_064_000.0 + 3_600
        with DynamoDBStore(name_of(store), retention=timedelta(days=1), clock=lambda: clock) as aged:
            aged.add(grown(FACTS))

            assert [key.pk.partition("#")[0] for key in aged.lookup(ANN).keys] == ["queue", "noqueue"]
            assert aged.get([ANNS]) == []
            assert aged.partition(ANNS.pk) == []
            assert store.get([ANNS]) == []

    def test_is_counted_from_the_record_and_not_from_the_write(self, store: DynamoDBStore) -> None:
        store.add(grown(FACTS))

        item = client_of(store).get_item(
            TableName=name_of(store), Key={"pk": {"S": "queue#4fXk2M1zQyz3Rb"}, "sk": {"S": "2026-02-25T00"}}
        )["Item"]
        assert int(item["expires_at"]["N"]) == 1_771_977_600 + tables.FOR_GOOD.days * 86_400


@contextmanager
def _hindered(store: DynamoDBStore, hindrances: Iterable[Hindrance]) -> Iterator[tuple[DynamoDBStore, Line]]:
    """The same table at the end of a line on which this happens."""
    with (
        line(client_of(store).meta.endpoint_url, hindrances) as opened,
        DynamoDBStore(name_of(store), retention=tables.FOR_GOOD, host=opened.url) as hindered,
    ):
        yield hindered, opened


@pytest.fixture
def _no_pauses() -> Iterator[None]:
    with patch("time.sleep"):
        yield


@pytest.mark.usefixtures("_no_pauses")
class TestTrouble:
    def test_a_throttled_write_is_tried_again(self, store: DynamoDBStore) -> None:
        refusals = [refusal("ProvisionedThroughputExceededException"), refusal("ThrottlingException")]
        with _hindered(store, refusals) as (hindered, way):
            hindered.add(grown(FACTS[:1]))

        assert len(way.asked) == 3
        assert len(store.get(grown(FACTS[:1]))) == 1

    def test_a_table_that_stays_throttled_raises_and_is_asked_no_more(self, store: DynamoDBStore) -> None:
        growths = grown(
            fact_of(Event.DELIVERED, SES_ID, f"{number}@example.com", "2026-02-25T00:00:00.000Z")
            for number in range(500)
        )
        with (
            _hindered(store, repeat(refusal("ThrottlingException"))) as (hindered, way),
            pytest.raises(NotStoredError, match="500 of 500 records not stored: ThrottlingException") as told,
        ):
            hindered.add(growths)
        assert set(told.value.failed) == set(growths)
        assert len(way.asked) < 2 * THREADS * 5
        assert "@" not in str(told.value)

    @pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException"])
    def test_one_hot_key_keeps_no_other_waiting(self, store: DynamoDBStore, code: str) -> None:
        growths = {Key("ses#1", f"to#{number}@example.com"): Growth({"{}"}) for number in range(40)}
        hot, *others = growths
        answered, refused = Wire._answer, json.dumps({"__type": code}).encode()  # noqa: SLF001 - the boundary

        def answers(wire: Wire, body: bytes) -> tuple[int, bytes]:
            return (400, refused) if hot.sk.encode() in body else answered(wire, body)

        with (
            patch.object(Wire, "_answer", answers),
            pytest.raises(NotStoredError, match=f"1 of 40 records not stored: {code}") as told,
        ):
            store.add(growths)
        assert set(told.value.failed) == {hot}
        assert [record.key for record in store.get(growths)] == others

    def test_a_refusal_of_everything_ends_the_batch_at_once(self, store: DynamoDBStore) -> None:
        growths = {Key("ses#1", f"to#{number}@example.com"): Growth({"{}"}) for number in range(500)}
        with (
            _hindered(store, repeat(refusal("AccessDeniedException"))) as (hindered, way),
            pytest.raises(NotStoredError, match="500 of 500 records not stored: AccessDeniedException"),
        ):
            hindered.add(growths)
        assert len(way.asked) < 2 * THREADS

    def test_what_one_record_does_is_its_own(self, store: DynamoDBStore) -> None:
        """A record that the table cannot hold fails alone; the rest of the batch lands."""
        bad, good = Key("ses#1", "to#" + "a" * 2_000), Key("ses#1", "to#a@b")
        with pytest.raises(NotStoredError, match="1 of 2 records not stored: ValidationException") as told:
            store.add({key: Growth({"{}"}, set(), "a", "2026-02-25") for key in (bad, good)})

        assert set(told.value.failed) == {bad}
        assert [record.key for record in store.get([bad, good])] == [good]

    def test_keys_that_a_batch_get_leaves_are_asked_for_again(self, store: DynamoDBStore) -> None:
        store.add(grown(FACTS))
        with _hindered(store, [answer(200, _nothing(store))] * 3) as (hindered, way):
            records = hindered.get(grown(FACTS))

        assert len(way.asked) == 4
        assert [record.key for record in records] == list(grown(FACTS))

    def test_a_batch_get_that_brings_nothing_gives_up(self, store: DynamoDBStore) -> None:
        with (
            _hindered(store, repeat(answer(200, _nothing(store)))) as (hindered, _),
            pytest.raises(TimeoutError, match="throttled"),
        ):
            hindered.get(grown(FACTS))


def _nothing(store: DynamoDBStore) -> bytes:
    """What a throttled table answers to a batch-get."""
    keys = [{"pk": {"S": key.pk}, "sk": {"S": key.sk}} for key in grown(FACTS)]
    return json.dumps({"Responses": {}, "UnprocessedKeys": {name_of(store): {"Keys": keys}}}).encode()


def test_questions_that_no_key_can_answer_find_nothing(store: DynamoDBStore) -> None:
    assert store.lookup("") == ([], None)
    assert store.lookup("a" * 3_000) == ([], None)
    assert store.partition("queue#" + "a" * 3_000) == []
    assert store.get([Key("ses#1", "to#" + "a" * 3_000)]) == []


def test_it_is_found_by_the_environment_of_a_function(store: DynamoDBStore) -> None:
    """No address, no region and no credentials are said: botocore finds them where Lambda puts them."""
    assert boto3.client("dynamodb").meta.region_name == os.environ["AWS_DEFAULT_REGION"]
    assert client_of(store).meta.region_name == os.environ["AWS_DEFAULT_REGION"]
