"""The laws of records: nothing that order, repetition or batching does to the inputs may show in what is answered."""

import json
from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from postroad.addresses import folded
from postroad.codec import Key
from postroad.growth import Growth, grown
from postroad.lifecycle import state
from postroad.search import Search
from postroad.store.sqlite import SQLiteStore
from postroad.unified import lines
from tests.properties.histories import NOW, History, histories
from tests.properties.readings import disorder, read, stored


@given(histories(), st.data())
def test_disorder_repetition_and_batching_change_no_record_and_no_answer(
    history: History, data: st.DataObject
) -> None:
    facts = read(history)
    assert stored(data.draw(disorder(facts)))[:2] == stored([facts])[:2]


@given(histories(), st.data())
def test_a_store_holds_what_a_plain_dictionary_of_sets_would(history: History, data: st.DataObject) -> None:
    facts = read(history)
    plain: dict[Key, Growth] = {}
    for batch in data.draw(disorder(facts)):
        for key, growth in grown(batch).items():
            whole = plain.setdefault(key, Growth())
            whole.texts |= growth.texts
            whole.problem = min(filter(None, (whole.problem, growth.problem)), default=None)
    rows, _, _ = stored([facts])
    assert {key: (row[-2], row[-1]) for key, row in rows.items()} == {
        key: (whole.problem, "\n".join(sorted(whole.texts))) for key, whole in plain.items()
    }


@given(histories())
def test_every_message_to_every_recipient_is_one_journey_with_its_state_and_its_queue_ids(
    history: History,
) -> None:
    """The simulation's own truth, whatever ids recurred and collided."""
    _, export, _ = stored([read(history)])
    journeys = [json.loads(line) for line in export]
    assert sorted(
        (folded(j["recipient"]), j["state"], tuple(j["queue_ids"]), j["ses_id"] or "", j["hosts"][0])
        for j in journeys
    ) == sorted((folded(t.recipient), t.state, t.queue_ids, t.ses_id or "", t.host) for t in history.truth)


@given(histories())
def test_a_journey_is_found_by_its_recipient_and_by_each_of_its_ids(history: History) -> None:
    with SQLiteStore(":memory:") as store:
        store.add(grown(read(history)))
        search = Search(store, NOW)
        findable = {row[0] for row in store.run("SELECT lookup FROM record")}
        for journey in list(search.anchored(store.deliveries())):
            assert journey in search.of_address(journey.recipient or "", limit=1000)[0]
            # A record has one lookup: of two Message-IDs under one queue id in one hour only the least is found.
            message_id = journey.message_id if journey.message_id in findable else None
            for identifier in [*journey.queue_ids, *filter(None, (journey.ses_id, message_id))]:
                assert journey in Search(store, NOW).of_id(identifier), identifier


@given(histories())
def test_pages_of_a_recipients_mail_hold_each_journey(history: History) -> None:
    with SQLiteStore(":memory:") as store:
        store.add(grown(read(history)))
        address = history.truth[0].recipient
        whole, _ = Search(store, NOW).of_address(address, limit=1000)
        paged, cursor = Search(store, NOW).of_address(address, limit=2)
        while cursor:
            more, cursor = Search(store, NOW).of_address(address, limit=2, cursor=cursor)
            paged += more
    assert sorted({repr(journey) for journey in paged}) == sorted(map(repr, whole))


@given(histories(), st.data())
def test_a_state_never_falls_as_facts_come_in(history: History, data: st.DataObject) -> None:
    _, _, changes = stored(data.draw(disorder(read(history))))
    for change in changes:
        assert state(change.before.facts()) <= state(change.after.facts())


@given(histories())
def test_folding_and_rendering_change_no_fact(history: History) -> None:
    facts = read(history)
    before = deepcopy(facts)
    _, _, changes = stored([facts])
    for change in changes:
        lines(change.before, change.after)
    assert facts == before
