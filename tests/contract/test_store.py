"""What every store promises."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.codec import Key
from postroad.facts import Event, Fact
from postroad.growth import Growth, grown
from postroad.instants import from_ms
from postroad.records import Record
from postroad.store.contract import Change, Store
from tests.contract.mail import FACTS, LATER_ID, LINES, SES_ID, said, ses
from tests.contract.stores import STORES, Kind

ANN = "ann@example.com"
WHOLE = {key: frozenset(growth.texts) for key, growth in grown(FACTS).items()}
# Each batch as the indices of its facts: any order, any repetition, any split, and none left out.
BATCHES = st.builds(
    lambda first, again, cuts: _split([*first, *again], cuts),
    st.permutations(range(len(FACTS))),
    st.lists(st.sampled_from(range(len(FACTS))), max_size=20),
    st.sets(st.integers(1, len(FACTS) + 20), max_size=8),
)


def _split(order: list[int], cuts: set[int]) -> list[list[Fact]]:
    bounds = [0, *sorted(cuts), len(order)]
    return [[FACTS[index] for index in order[start:end]] for start, end in pairwise(bounds)]


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest, require: Callable[[str, bool], None]) -> Kind:
    found = STORES[request.param]
    require(request.param, found.is_present())
    return found


def _tried(kind: Kind, given: Callable[[], None]) -> None:
    """Run a property with as many examples as the store has time for."""
    settings(max_examples=min(kind.most_examples, settings().max_examples))(given)()


@pytest.fixture
def store(kind: Kind, tmp_path: Path) -> Iterator[Store]:
    with kind.open(tmp_path) as opened:
        yield opened


def _add(store: Store, facts: Iterable[Fact]) -> list[Change]:
    return store.add(grown(facts))


def _all_pages(
    store: Store, value: str, limit: int, since: str | None = None, until: str | None = None
) -> list[Key]:
    keys, cursor = [], None
    while True:
        page = store.lookup(value, since=since, until=until, limit=limit, cursor=cursor)
        assert len(page.keys) <= limit
        keys += page.keys
        cursor = page.cursor
        if cursor is None:
            return keys


def _shown(store: Store) -> object:
    """All that a reader can learn: the records, and where the lists show them."""
    values = ("ann@example.com", "bob@example.net", "order-1@example.org")
    return {record.key: record.texts for record in store.get(WHOLE)}, [
        _all_pages(store, value, 2) for value in values
    ]


def _delivery(number: int, to: str = ANN) -> Fact:
    """The number-th mail to somebody, a minute after the one before it."""
    ses_id = f"0100{1_772_000_000_000 + number * 60_000:012x}-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
    return ses(Event.DELIVERED, ses_id, to, "2026-02-25T06:13:20.000Z")


class TestAdding:
    def test_keeps_every_fact_under_its_key(self, store: Store) -> None:
        _add(store, FACTS)

        assert {record.key: record.texts for record in store.get(WHOLE)} == WHOLE

    def test_gives_facts_back_as_they_were_said(self, store: Store) -> None:
        fact = ses(
            Event.BOUNCED,
            SES_ID,
            "Ann@Example.com",
            "2026-02-25T00:06:00.000Z",
            reply="550 5.1.1 nö\n☃ \u2028\0",
        )
        _add(store, [fact])

        (record,) = store.get([Key(f"ses#{SES_ID}", f"to#{ANN}")])
        assert record.facts() == [fact]

    def test_order_repetition_and_batches_do_not_matter(self, kind: Kind) -> None:
        @given(batches=BATCHES)
        def holds(batches: list[list[Fact]]) -> None:
            with (
                TemporaryDirectory() as one,
                TemporaryDirectory() as other,
                kind.open(Path(one)) as store,
                kind.open(Path(other)) as at_once,
            ):
                _add(at_once, FACTS)
                for batch in batches:
                    _add(store, batch)

                assert _shown(store) == _shown(at_once)

        _tried(kind, holds)

    def test_changes_lead_from_nothing_to_the_whole(self, kind: Kind) -> None:
        if not kind.tells_changes:
            pytest.skip("its changes are told later")

        @given(batches=BATCHES)
        def holds(batches: list[list[Fact]]) -> None:
            reached: dict[Key, frozenset[str]] = {}
            with TemporaryDirectory() as folder, kind.open(Path(folder)) as store:
                for batch in batches:
                    for before, after in _add(store, batch):
                        assert before == Record(after.key, reached.get(after.key, frozenset()))
                        assert before.texts < after.texts
                        reached[after.key] = after.texts

            assert reached == WHOLE

        _tried(kind, holds)

    def test_what_is_known_changes_nothing(self, store: Store) -> None:
        _add(store, FACTS)

        assert _add(store, FACTS) == []

    def test_nothing_is_no_trouble(self, store: Store) -> None:
        assert store.add({}) == []
        assert store.get([]) == []

    def test_many_keys_at_once(self, store: Store) -> None:
        facts = [_delivery(number) for number in range(1_001)]
        _add(store, facts[::10])
        _add(store, facts)

        assert len(store.get(grown(facts))) == 1_001

    def test_a_record_may_grow_large(self, store: Store) -> None:
        facts = [
            ses(
                Event.DELAYED,
                SES_ID,
                ANN,
                from_ms(1_772_000_000_000 + number * 60_000),
                reply="4.4.1 " + "x" * 1_000,
            )
            for number in range(100)
        ]
        for fact in facts:
            _add(store, [fact])

        (record,) = store.get(grown(facts))
        assert record.facts() == facts


class TestGetting:
    def test_keeps_the_order_of_the_keys(self, store: Store) -> None:
        _add(store, FACTS)
        keys = sorted(WHOLE, reverse=True)

        assert [record.key for record in store.get(keys)] == keys
        assert [record.key for record in store.get(iter(keys))] == keys

    def test_leaves_out_what_does_not_exist(self, store: Store) -> None:
        _add(store, FACTS)
        known = Key(f"ses#{SES_ID}", f"to#{ANN}")

        assert [
            record.key for record in store.get([Key("ses#none", "to#a@b"), known, Key(known.pk, "")])
        ] == [known]

    def test_a_partition_comes_by_sort_key(self, store: Store) -> None:
        _add(store, FACTS)

        records = store.partition("queue#4fXk2M1zQyz3Rb")
        assert [record.key.sk for record in records] == [
            "2026-02-25#to#bob@example.net",
            "2026-02-25T00",
            "2026-02-25T01",
        ]
        assert {record.key: record.texts for record in records} == {
            key: texts for key, texts in WHOLE.items() if key.pk == "queue#4fXk2M1zQyz3Rb"
        }

    def test_a_partition_is_no_prefix(self, store: Store) -> None:
        _add(store, FACTS)

        assert store.partition("queue#4fXk2M1zQyz3R") == []
        assert store.partition("queue#%") == []


class TestLookup:
    def test_finds_the_newest_first(self, store: Store) -> None:
        _add(store, FACTS)

        pks = [key.pk.partition("#")[0] for key in store.lookup(ANN).keys]
        assert pks == ["queue", "noqueue", "ses"]

    def test_finds_by_message_id(self, store: Store) -> None:
        _add(store, (fact for line in LINES for fact in said(line)))

        assert store.lookup("order-1@example.org").keys == [Key("queue#4fXk2M1zQyz3Rb", "2026-02-25T00")]

    def test_knows_nothing_of_strangers(self, store: Store) -> None:
        _add(store, FACTS)

        assert store.lookup("carl@example.com") == ([], None)

    @pytest.mark.parametrize("limit", [1, 2, 3, 9, 10, 11])
    def test_pages_hold_each_key_once(self, store: Store, limit: int) -> None:
        facts = [_delivery(number) for number in range(10)]
        _add(store, facts)

        assert _all_pages(store, ANN, limit) == [*reversed(list(grown(facts)))]

    def test_pages_part_records_of_one_time(self, store: Store) -> None:
        lines = [
            f"Feb 25 02:00:00 mx1 postfix/smtp[4]: 4fXk2M{number}zQyz3Rb: to=<{ANN}>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (timeout)"
            for number in range(7)
        ]
        _add(store, (fact for line in lines for fact in said(line)))

        assert len(set(_all_pages(store, ANN, 2))) == 7

    def test_a_page_goes_on_where_it_was_though_mail_comes_in(self, store: Store) -> None:
        facts = [_delivery(number) for number in range(10)]
        _add(store, facts[:9])
        page = store.lookup(ANN, limit=4)
        _add(store, facts[9:])

        rest = store.lookup(ANN, limit=10, cursor=page.cursor)
        assert [*page.keys, *rest.keys] == [*reversed(list(grown(facts[:9])))]

    @pytest.mark.parametrize(
        ("since", "until", "found"),
        [
            (None, None, [4, 3, 2, 1, 0]),
            (2, None, [4, 3, 2]),
            (None, 2, [1, 0]),
            (1, 3, [2, 1]),
            (2, 2, []),
            (3, 1, []),
        ],
    )
    @pytest.mark.parametrize("limit", [1, 100])
    def test_a_window_has_its_start_and_not_its_end(
        self, store: Store, limit: int, since: int | None, until: int | None, found: list[int]
    ) -> None:
        facts = [_delivery(number) for number in range(5)]
        _add(store, facts)
        times = [growth.at for growth in grown(facts).values()]

        keys = _all_pages(
            store,
            ANN,
            limit,
            since=None if since is None else times[since],
            until=None if until is None else times[until],
        )
        assert keys == [list(grown(facts))[number] for number in found]

    @pytest.mark.parametrize("cursor", ["?", "AAAA", "W10=", "bnVsbA==", "WzEsMiwzXQ==", "WyJhIl0=", "é"])
    def test_refuses_a_cursor_that_it_did_not_give(self, store: Store, cursor: str) -> None:
        with pytest.raises(ValueError, match="cursor"):
            store.lookup(ANN, cursor=cursor)


HOSTILE = [
    "to#@example.com",
    "a#to#b@example.com",
    "queue#4fXk2M1zQyz3Rb@x",
    "пошта@пример.рф",
    "\U0001f4ee@example.com",
    "' OR 1=1; --@example.com",
    '"a b\nc\t\0"@example.com',
    "%@example.com",
    "_@example.com",
    "*@example.com",
    "a" * 5_000 + "@example.com",
    "\ud800@example.com",
]


class TestHostileKeys:
    @pytest.mark.parametrize("to", HOSTILE, ids=range(len(HOSTILE)))
    def test_an_address_is_found_as_its_key_says(self, store: Store, to: str) -> None:
        _add(store, [_delivery(0, to.replace("\ud800", "?")), _delivery(1, "else@example.com")])
        ((key, growth), _) = grown([_delivery(0, to), _delivery(1)]).items()

        assert store.lookup(growth.lookup or "").keys == [key]
        assert [record.key for record in store.get([key])] == [key]
        assert [record.key for record in store.partition(key.pk)] == [key]

    def test_a_partition_key_may_hold_what_parts_keys(self, store: Store) -> None:
        keys = [Key("ses#a#to#b", "to#c@d"), Key("ses#a", "to#b#to#c@d"), Key("ses#a", "to#b")]
        store.add({key: Growth({'{"a":"2026"}'}, set(), "x", "2026") for key in keys})

        assert [record.key for record in store.get(keys)] == keys
        assert [record.key for record in store.partition("ses#a")] == [keys[2], keys[1]]
        assert sorted(store.lookup("x").keys) == sorted(keys)

    def test_keys_never_meet(self, kind: Kind) -> None:
        @given(
            st.lists(
                st.tuples(st.text("ab#|\n\\é\U0001f4ee", max_size=4), st.text("to#|~", max_size=4)),
                unique=True,
            )
        )
        def holds(pairs: list[tuple[str, str]]) -> None:
            keys = [Key(f"ses#{pk}", f"to#{sk}") for pk, sk in pairs]
            with TemporaryDirectory() as folder, kind.open(Path(folder)) as store:
                store.add({key: Growth({f'{{"a":"{n}"}}'}, set(), "x", "2026") for n, key in enumerate(keys)})

                assert [record.texts for record in store.get(keys)] == [
                    {f'{{"a":"{n}"}}'} for n in range(len(keys))
                ]
                # Of one time, so in whatever order.
                assert sorted(_all_pages(store, "x", 3)) == sorted(keys)

        _tried(kind, holds)


def test_a_later_claim_joins_from_either_side(store: Store) -> None:
    """The relay's line and SES's event meet under one key, whichever comes second."""
    bounce = [fact for fact in FACTS if fact.get("ses_id") == LATER_ID and fact["event"] is Event.BOUNCED]
    line = [fact for fact in FACTS if fact.get("ses_id") == LATER_ID and fact["event"] is Event.RELAYED]
    for half in (bounce, line):
        _add(store, half)

    (record,) = store.get([Key(f"ses#{LATER_ID}", "to#bob@example.net")])
    assert [fact["event"] for fact in record.facts()] == [Event.BOUNCED, Event.RELAYED]
