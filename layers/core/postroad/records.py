"""Records: grow-only sets of facts under one key, and where each fact goes.

| record | partition key | sort key | lookup | at |
|---|---|---|---|---|
| delivery, known to SES | `ses#<ses id>` | `to#<address>` | address | time inside the SES id |
| delivery, not accepted by SES | `queue#<queue id>` | `<UTC day>#to#<address>` | address | that day |
| rejected before the queue | `noqueue#<host>#<client>#<sender>` | `<UTC hour>#to#<address>` | address | that hour |
| queue record | `queue#<queue id>` | `<UTC hour>` | Message-ID | that hour |
| message that no relay of ours signed | `ses#<ses id>` | `message` | Message-ID | time inside the SES id |
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from postroad.addresses import clipped, folded, printable
from postroad.codec import Key, decode, encode
from postroad.codec_quick import text_in_queue, text_of_delivery
from postroad.facts import Event, Fact, Source
from postroad.ids import NOQUEUE, ses_time
from postroad.instants import day, hour
from postroad.lifecycle import State, filtered_as, is_problem, state_of

# The place of a message's own record beside those of its recipients.
MESSAGE = "message"
_LATEST = "~"  # sorts behind every time
# Spreads one bad day's failures over this many index keys.
SHARDS = 8


class Record(NamedTuple):
    """What is known under one key: a set of facts as `codec.encode` wrote them."""

    key: Key
    texts: frozenset[str]

    def facts(self) -> list[Fact]:
        """The facts by time, in an order that depends on nothing but themselves."""
        return [fact for _, fact in self.told()]

    def told(self) -> list[tuple[str, Fact]]:
        """Each fact with its text, by time; an `unclaimed` one, which has none, comes last."""
        said = ((text, decode(text, self.key)) for text in self.texts)
        return sorted(said, key=lambda one: (one[1].get("at", _LATEST), one[0]))


@dataclass(slots=True)
class Growth:
    """What a batch adds to one record: facts, the states they reach, and the attributes that follow from the key.

    `lookup`, `at` and `problem` are None where no fact of the batch says them; writing one again changes nothing.
    """

    texts: set[str] = field(default_factory=set)
    states: set[str] = field(default_factory=set)
    lookup: str | None = None
    at: str | None = None
    problem: str | None = None


class Place(NamedTuple):
    """Where a fact goes, and what its record is found by."""

    key: Key
    at: str | None
    lookup: str | None = None


def grown(facts: Iterable[Fact]) -> dict[Key, Growth]:
    """Fold a batch of facts in memory: one growth per key, so one write per key."""
    growths: dict[Key, Growth] = {}
    for fact in facts:
        # The ordinary facts of a relay take 4 us instead of 45.
        if not _QUICKLY.get(fact["event"], _not_quickly)(growths, fact):
            grow(growths, fact)
    return growths


def grow(growths: dict[Key, Growth], fact: Fact) -> None:
    """Add one fact, of any shape, to what a batch adds."""
    for place in places(fact):
        _grow(growths.setdefault(place.key, Growth()), fact, place)


def _not_quickly(_growths: dict[Key, Growth], _fact: Fact) -> bool:
    return False


def _grown_at(growths: dict[Key, Growth], pk: str, sk: str, at: str) -> Growth:
    # A plain tuple finds a Key, and costs a third of one.
    growth: Growth | None = growths.get((pk, sk))  # type: ignore[call-overload]
    if growth is None:
        growths[Key(pk, sk)] = growth = Growth(at=at)
    return growth


def _in_queue(growths: dict[Key, Growth], fact: Fact) -> bool:
    text = text_in_queue(fact)
    if text is None or fact["source"] is not Source.RELAY or fact["queue_id"] == NOQUEUE:
        return False
    at = fact["at"][:13]
    growth = _grown_at(growths, f"queue#{fact['queue_id']}", at, at)
    growth.texts.add(text)
    if fact["event"] is Event.MESSAGE_ID:
        growth.lookup = _least(growth.lookup, lookup_of_message_id(fact["message_id"]))
    return True


def _taken_by_ses(growths: dict[Key, Growth], fact: Fact) -> bool:
    if not _is_plainly_taken(fact):
        return False
    ses_id, to = fact["ses_id"], fact["to"]
    at, text = ses_time(ses_id), text_of_delivery(fact)
    if at is None or at == fact["at"] or text is None or not _in_queue(growths, fact):
        return False
    growth = _grown_at(growths, f"ses#{ses_id}", f"to#{to}", at)
    growth.texts.add(text)
    growth.states.add(_RELAYED)
    growth.lookup = to
    return True


def _is_plainly_taken(fact: Fact) -> bool:
    """Tell whether nothing but the usual words of SES's reply has to be kept, and the recipient stands in the key."""
    ses_id, to = fact.get("ses_id"), fact.get("to")
    if not ses_id or not to or not ses_id.isprintable() or len(ses_id) > _LONGEST_PLAIN_ID:
        return False
    is_usual = fact.get("reply") == f"250 Ok {ses_id}" and fact.get("status") == "sent"
    return is_usual and ses_id.isascii() and folded(to) == to


def _of_subject(growths: dict[Key, Growth], fact: Fact) -> bool:
    to, text = fact.get("to"), text_of_delivery(fact)
    if not to or text is None or folded(to) != to or not _in_queue(growths, fact):
        return False
    at = fact["at"][:10]
    growth = _grown_at(growths, f"queue#{fact['queue_id']}", f"{at}#to#{to}", at)
    growth.texts.add(text)
    growth.states.add(_QUEUED)
    growth.lookup = to
    return True


def _deferred(growths: dict[Key, Growth], fact: Fact) -> bool:
    to, text = fact.get("to"), text_of_delivery(fact)
    if (
        not to
        or text is None
        or folded(to) != to
        or fact["status"] != "deferred"
        or fact["queue_id"] == NOQUEUE
    ):
        return False
    at = fact["at"][:10]
    growth = _grown_at(growths, f"queue#{fact['queue_id']}", f"{at}#to#{to}", at)
    growth.texts.add(text)
    growth.states.add(_DEFERRED)
    growth.lookup = to
    growth.problem = problem_key(_recipient_place(fact))
    return True


_LONGEST_PLAIN_ID = 200
_QUEUED, _DEFERRED, _RELAYED = (
    f"{state:02d} {state.word}" for state in (State.QUEUED, State.DEFERRED, State.RELAYED)
)
_QUICKLY: dict[Event, Callable[[dict[Key, Growth], Fact], bool]] = {
    **dict.fromkeys((Event.CLIENT, Event.PICKUP, Event.MESSAGE_ID, Event.ACTIVE, Event.REMOVED), _in_queue),
    Event.SUBJECT: _of_subject,
    Event.RELAYED: _taken_by_ses,
    Event.DEFERRED: _deferred,
}


def _grow(growth: Growth, fact: Fact, place: Place) -> None:
    growth.texts.add(encode(_without_recipient(fact) if place.key.sk == MESSAGE else fact, place.key))
    # The least, as the store merges it: a short queue id may stand for two Message-IDs within one hour.
    growth.lookup = _least(growth.lookup, place.lookup)
    growth.at = _least(growth.at, place.at)
    if place.key.address is None:
        return
    reached = state_of(fact)
    if reached is not None:
        growth.states.add(f"{reached:02d} {reached.word}")
    if is_problem(fact):
        growth.problem = _least(growth.problem, problem_key(place))


def _least(one: str | None, other: str | None) -> str | None:
    """The lesser of those that say something."""
    if not one or not other:
        return one or other or None
    return min(one, other)


def _without_recipient(fact: Fact) -> Fact:
    said = fact.copy()
    del said["to"]
    return said


def problem_key(place: Place) -> str:
    """The sparse index's key: the UTC day, and a small shard that follows from the record's key."""
    return f"{day(place.at or '')}#{crc32('|'.join(place.key).encode()) % SHARDS}"


def places(fact: Fact) -> Iterator[Place]:
    """Where a fact goes: nowhere, to one record, or to two that it joins."""
    if fact["source"] in (Source.SES, Source.POSTROAD):
        yield _ses_place(fact)
        yield from _message_places(fact)
    elif fact["source"] is Source.RELAY:
        yield from _relay_places(fact)


def ses_key(ses_id: str, address: str) -> Key:
    """Key of the delivery to one recipient that SES knows."""
    return Key(f"ses#{clipped(printable(ses_id))}", f"to#{folded(address)}")


def _ses_place(fact: Fact) -> Place:
    at = ses_time(fact["ses_id"]) or fact.get("at")
    return Place(ses_key(fact["ses_id"], fact["to"]), at, folded(fact["to"]) or None)


def _message_places(fact: Fact) -> Iterator[Place]:
    """Mail sent straight through SES has no queue record to be found by; relayed mail needs no second one."""
    if fact["event"] is Event.SUBMITTED and "message_id" in fact and "queue_id" not in fact:
        at, lookup = _ses_place(fact).at, lookup_of_message_id(fact["message_id"])
        yield Place(Key(ses_key(fact["ses_id"], "").pk, MESSAGE), at, lookup or None)


def _relay_places(fact: Fact) -> Iterator[Place]:
    if fact["event"] in (Event.PROBED, Event.NOTED):
        return
    if fact.get("queue_id", NOQUEUE) == NOQUEUE:
        if fact["event"] in (Event.REJECTED, Event.DISCARDED):
            yield _noqueue_place(fact)
        return
    if fact["event"] is Event.RELAYED and "ses_id" in fact:
        yield _ses_place(fact)
        yield _queue_place(fact, fact["queue_id"])
    elif "to" in fact and fact["event"] in _RECIPIENT_EVENTS:
        yield _recipient_place(fact)
    else:
        yield _queue_place(fact, fact["queue_id"])
    if fact["event"] is Event.SUBJECT and fact.get("to"):
        # The only line that names a recipient before the first attempt.
        yield _recipient_place(fact)
    linked = LINKS.get(fact["event"], _no_link)(fact)
    if linked:
        yield _queue_place(fact, linked)


_RECIPIENT_EVENTS = (
    Event.HELD,
    Event.RELAYED,
    Event.HANDED_OVER,
    Event.DEFERRED,
    Event.BOUNCED,
    Event.REJECTED,
    Event.DISCARDED,
)


def _queue_place(fact: Fact, queue_id: str) -> Place:
    at = hour(fact["at"])
    message_id = fact.get("message_id") if fact["event"] is Event.MESSAGE_ID else None
    return Place(Key(f"queue#{queue_id}", at), at, lookup_of_message_id(message_id or "") or None)


def lookup_of_message_id(message_id: str) -> str:
    """The form a Message-ID is looked up by: without brackets, printable, of bounded length."""
    return clipped(printable(message_id.strip().removeprefix("<").removesuffix(">")))


def _recipient_place(fact: Fact) -> Place:
    at, address = day(fact["at"]), folded(fact["to"])
    return Place(Key(f"queue#{fact['queue_id']}", f"{at}#to#{address}"), at, address or None)


def _noqueue_place(fact: Fact) -> Place:
    client = fact.get("client", "").partition("]")[0]
    who = "#".join((fact.get("host", ""), client, folded(fact.get("from", ""))))
    at, address = hour(fact["at"]), folded(fact.get("to", ""))
    return Place(Key(f"noqueue#{clipped(printable(who))}", f"{at}#to#{address}"), at, address or None)


def _no_link(_: Fact) -> None:
    return None


# A fact that leads from one queue id to another is written to both, so that a reader finds the way from either.
LINKS: dict[Event, Callable[[Fact], str | None]] = {
    Event.PICKUP: lambda fact: fact.get("orig_id"),
    Event.CLIENT: lambda fact: fact.get("orig_queue_id"),
    Event.HANDED_OVER: filtered_as,
}
