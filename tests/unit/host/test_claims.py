"""Who waits for a relay's claim: whoever SES has spoken of and nothing has claimed, however the facts came."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.codec import Key
from postroad.facts import Event, Fact
from postroad.growth import grown
from postroad.store.sqlite import SQLiteStore, changes
from postroad.unified import is_waiting
from postroad_host import claims
from postroad_host.claims import give_up, watch
from tests.contract.mail import FACTS, SES_ID, ses

DEADLINE = "2026-02-25T00:10:00.000Z"
TO = "carl@example.com"
OTHER_ID = SES_ID.replace("0102", "0103", 1)


def _ses(event: Event, ses_id: str = OTHER_ID, **more: str) -> Fact:
    return ses(event, ses_id, TO, "2026-02-25T00:05:18.000Z", **more)


SPOKEN_OF: list[Fact] = [
    *FACTS,
    _ses(Event.SUBMITTED),
    _ses(Event.DELIVERED, reply='250 "q":"4fXk2M1zQyz3Rb" "e":"relayed" "e":"unclaimed"'),
    {**_ses(Event.OTHER), "fields": {"q": "4fXk2M1zQyz3Rb", "e": "unclaimed"}},
    _ses(Event.SUBMITTED, SES_ID, queue_id="4fXk2M1zQyz3Rb", host="mx1"),
    _ses(Event.DELIVERED, SES_ID),
]


def _keep(store: SQLiteStore, facts: Iterable[Fact]) -> None:
    growths = grown(facts)
    watch(store, growths, store.grow(growths), DEADLINE)


@given(st.lists(st.sets(st.sampled_from(range(len(SPOKEN_OF))), min_size=1), max_size=6))
def test_those_wait_whose_facts_claim_nothing(batches: list[set[int]]) -> None:
    with SQLiteStore.open() as store:
        for batch in batches:
            _keep(store, [SPOKEN_OF[index] for index in sorted(batch)])

        expected = {record.key for record in store.deliveries() if is_waiting(record)}
        assert set(store.due("9999")) == expected


def _waiting(store: SQLiteStore, count: int) -> list[Key]:
    facts = [_ses(Event.DELIVERED, f"{OTHER_ID}{number}") for number in range(count)]
    _keep(store, facts)
    return list(grown(facts))


def test_giving_up_goes_on_until_nobody_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_AT_ONCE", 2)
    with SQLiteStore.open() as store:
        keys = _waiting(store, 5)

        assert list(give_up(store, "2026-02-25T00:09:59.999Z")) == []
        given = list(give_up(store, DEADLINE))
        assert [len(some) for some in given] == [2, 2, 1]
        assert {change.after.key for some in given for change in some} == set(keys)
        assert store.due("9999") == []
        assert not any(is_waiting(record) for record in store.get(keys))


def test_a_claim_that_comes_later_ends_the_waiting() -> None:
    with SQLiteStore.open() as store:
        (key,) = _waiting(store, 1)
        _keep(store, [_ses(Event.SUBMITTED, f"{OTHER_ID}0", queue_id="4fXk2M1zQyz3Rb")])

        assert store.due("9999") == []
        assert len(store.get([key])[0].texts) == 2


def test_changes_are_told_once() -> None:
    growths = grown([_ses(Event.DELIVERED)])
    with SQLiteStore.open() as store:
        assert [len(change.after.texts) for change in changes(growths, store.grow(growths))] == [1]
        assert changes(growths, store.grow(growths)) == []
