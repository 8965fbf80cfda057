"""The laws of lines: what is told is told once, reads back as what it was, and cannot be forged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad import ingest, postfix
from postroad.codec import Key, decode, encode
from postroad.facts import Event, Fact, Source
from postroad.growth import grown
from postroad.places import places
from postroad.records import Record
from postroad.ses_words import unclaimed
from postroad.store.contract import Change
from postroad.unified import Claim, claim, lines, own_claim, render
from tests.properties.histories import CARRIER, History, histories
from tests.properties.readings import disorder, read, stored

Shown = tuple[str, str]  # a fact's text, and the queue id it is told under


def told(record: Record) -> dict[Shown, str]:
    """What a record shows, computed anew: the fact and its queue id, to the line less the host's name."""
    claimed = claim(record.facts())
    shown: dict[Shown, str] = {}
    for fact in record.facts():
        mark = own_claim(fact) if fact["source"] is Source.RELAY else claimed
        if mark and fact["event"] not in (
            Event.SUBJECT,
            Event.SUBMITTED,
            Event.ACCEPTED,
            Event.UNCLAIMED,
            Event.OTHER,
        ):
            shown[encode(fact, record.key), mark.queue_id] = without_host(render(fact, mark))
    return shown


def without_host(line: str) -> str:
    stamp, _, rest = line.split(" ", 2)
    return f"{stamp} {rest}"


@given(histories(), st.data())
def test_lines_told_on_the_way_are_those_of_the_end_and_none_is_told_twice(
    history: History, data: st.DataObject
) -> None:
    facts = read(history)
    facts += [
        unclaimed(fact["ses_id"], fact["to"])
        for fact in facts
        if fact["event"] is Event.BOUNCED and "ses_id" in fact
    ]
    _, _, changes = stored(data.draw(disorder(facts)))
    emitted: dict[Key, list[str]] = {}
    final: dict[Key, Record] = {}
    seen: dict[Key, set[Shown]] = {}
    for change in changes:
        key = change.after.key
        news = lines(change.before, change.after)
        fresh = told(change.after).keys() - told(change.before).keys() if key.address is not None else set()
        assert len(news) == len(fresh)
        assert not fresh & seen.setdefault(key, set())
        seen[key] |= fresh
        emitted.setdefault(key, []).extend(map(without_host, news))
        final[key] = change.after
    for key, record in final.items():
        whole = lines(Record(key, frozenset()), record)
        assert sorted(map(without_host, whole)) == sorted(
            told(record).values() if key.address is not None else []
        )
        assert set(map(without_host, whole)) <= set(emitted[key])


@given(histories(), st.data())
def test_all_lines_of_a_store_are_the_same_whatever_the_order(history: History, data: st.DataObject) -> None:
    facts = read(history)

    def all_lines(changes: list[Change]) -> list[str]:
        final = {change.after.key: change.after for change in changes}
        return sorted(
            line for key, record in final.items() for line in lines(Record(key, frozenset()), record)
        )

    assert all_lines(stored(data.draw(disorder(facts)))[2]) == all_lines(stored([facts])[2])


@given(histories())
def test_what_is_written_under_a_key_is_read_back_the_same(history: History) -> None:
    for fact in read(history):
        for place in places(fact):
            assert decode(encode(fact, place.key), place.key) == fact


@given(histories())
def test_a_relays_line_rendered_and_read_again_is_the_same_fact(history: History) -> None:
    for fact in read(history):
        if fact["source"] is Source.RELAY and fact["event"] not in (Event.REJECTED, Event.DISCARDED):
            assert postfix.facts(render(fact, own_claim(fact)), CARRIER) == [fact]


@given(histories())
def test_an_event_rendered_and_read_again_says_the_same_under_postfixs_words(history: History) -> None:
    mark = Claim("4fXk2M1zQyz3Rb", "mx1")
    words = {Event.DELAYED: "deferred", Event.DELIVERED: "delivered", Event.BOUNCED: "bounced", Event.COMPLAINED: "complained", Event.REJECTED: "rejected"}  # fmt: skip
    for fact in read(history):
        if fact["source"] is not Source.SES or fact["event"] not in words:
            continue
        (back,) = postfix.facts(render(fact, mark), CARRIER)
        assert back["source"] is Source.UNIFIED
        assert (back["at"], back["to"], back["ses_id"]) == (fact["at"], fact["to"], fact["ses_id"])
        assert (back["event"], back["status"]) == (fact["event"], words[fact["event"]])
        assert (back["host"], back["queue_id"], back["relay"]) == (mark.host, mark.queue_id, "amazonses.com")
        assert fact.get("reply", "") in back["reply"]
        assert back["dsn"][0] in "245"


@given(histories())
def test_unified_lines_fed_back_in_add_nothing(history: History) -> None:
    rows, _, changes = stored([read(history)])
    shown = [line for change in changes for line in lines(change.before, change.after)]
    again = ingest.relay((line.encode() for line in shown), CARRIER, "unified")
    assert not again.bad
    known = {key: str(row[-1]).split("\n") for key, row in rows.items()}
    for key, growth in grown(again.facts).items():
        assert growth.texts <= set(known[key])


_HOSTILE = st.text(
    st.one_of(
        st.sampled_from('\r\n\0\x1b\x7f\x85\u2028\u202e<>(),;= "\\'), st.characters(exclude_categories=["Cs"])
    ),
    max_size=60,
)
_OUTCOMES = ((Source.RELAY, Event.RELAYED, "sent"), (Source.RELAY, Event.DEFERRED, "deferred"), (Source.RELAY, Event.REJECTED, None), (Source.SES, Event.DELIVERED, None), (Source.SES, Event.BOUNCED, None), (Source.SES, Event.COMPLAINED, None))  # fmt: skip


@pytest.mark.parametrize(("source", "event", "status"), _OUTCOMES)
@given(to=_HOSTILE, reply=_HOSTILE, ses_id=_HOSTILE, host=_HOSTILE, relay=_HOSTILE)
def test_no_text_can_break_or_forge_a_line(
    source: Source,
    event: Event,
    status: str | None,
    *,
    to: str,
    reply: str,
    ses_id: str,
    host: str,
    relay: str,
) -> None:
    fact: Fact = {"at": "2026-02-25T00:05:18.000Z", "source": source, "event": event, "to": to, "reply": reply, "ses_id": ses_id, "relay": relay, "feedback_type": reply}  # fmt: skip
    if status:
        fact["status"] = status
    line = render(fact, Claim("4fXk2M1zQyz3Rb", host))
    assert line.isprintable()
    assert line.startswith("2026-02-25T00:05:18.000Z ")
    assert render(fact, Claim("Q", "mx1"), traditional=True).startswith("Feb 25 00:05:18 mx1 postfix/")
