"""Growths: what a batch of facts adds to each record, folded in memory, so that each record is written once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from postroad.addresses import LONGEST, is_folded
from postroad.codec import Key, encode, text_without
from postroad.facts import Event, Fact, Source
from postroad.ids import NOQUEUE, ses_time
from postroad.lifecycle import State, is_problem, state_of
from postroad.places import MESSAGE, Place, lookup_of_message_id, places, problem_key
from postroad.refusals import kept


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


def grown(facts: Iterable[Fact]) -> dict[Key, Growth]:
    """Fold a batch of facts in memory: one growth per key, so one write per key."""
    growths: dict[Key, Growth] = {}
    for fact in facts:
        # An ordinary fact takes 4 us instead of 25; what grows must be the same (tests/properties/test_quick.py).
        if not _QUICKLY.get(fact["event"], _not_quickly)(growths, fact):
            grow(growths, fact)
    return growths


def join(growths: dict[Key, Growth], more: dict[Key, Growth]) -> None:
    """Add what another batch adds."""
    for key, growth in more.items():
        known = growths.setdefault(key, growth)
        if known is not growth:
            known.texts |= growth.texts
            known.states |= growth.states
            for name in _LEAST:
                setattr(known, name, _least(getattr(known, name), getattr(growth, name)))


def grow(growths: dict[Key, Growth], fact: Fact) -> None:
    """Add one fact, of any shape, to what a batch adds."""
    for place in places(fact):
        _grow(growths.setdefault(place.key, Growth()), fact, place)


# What of two values each the lesser stays.
_LEAST = ("lookup", "at", "problem")


def state_text(state: State) -> str:
    """A state as a growth names it, so that texts sort by rank: `60 delivered`."""
    return f"{state:02d} {state.word}"


def _not_quickly(_growths: dict[Key, Growth], _fact: Fact) -> bool:
    return False


def _grown_at(growths: dict[Key, Growth], pk: str, sk: str, at: str) -> Growth:
    # A plain tuple finds a Key, and costs a third of one.
    growth: Growth | None = growths.get((pk, sk))  # type: ignore[call-overload]
    if growth is None:
        growths[Key(pk, sk)] = growth = Growth(at=at)
    return growth


def _in_queue(growths: dict[Key, Growth], fact: Fact) -> bool:
    queue_id = fact.get("queue_id", NOQUEUE)
    if (
        fact["source"] is not Source.RELAY
        or queue_id == NOQUEUE
        or "orig_id" in fact
        or "orig_queue_id" in fact
    ):
        return False
    at = fact["at"][:13]
    growth = _grown_at(growths, f"queue#{queue_id}", at, at)
    growth.texts.add(text_without(fact, _UNSAID_IN_QUEUE[fact["event"]]))
    if fact["event"] is Event.MESSAGE_ID:
        growth.lookup = _least(growth.lookup, lookup_of_message_id(fact.get("message_id", "")))
    return True


def _relayed(growths: dict[Key, Growth], fact: Fact) -> bool:
    ses_id = fact.get("ses_id") or ""
    if (
        fact.get("reply") != f"250 Ok {ses_id}"
        or fact.get("status") != "sent"
        or not _is_in_key(fact, ses_id)
    ):
        return False
    at = ses_time(ses_id)
    if at is None or at == fact["at"] or not _in_queue(growths, fact):
        return False
    growth = _grown_at(growths, f"ses#{ses_id}", f"to#{fact['to']}", at)
    growth.texts.add(text_without(fact, _UNSAID_BY_SES[Event.RELAYED]))
    growth.states.add(_STATES[Event.RELAYED])
    growth.lookup = fact["to"]
    return True


def _told_by_ses(growths: dict[Key, Growth], fact: Fact) -> bool:
    ses_id = fact["ses_id"]
    if fact["source"] is not Source.SES or not _is_in_key(fact, ses_id):
        return False
    at = ses_time(ses_id)
    if at is None or (fact["event"] is Event.SUBMITTED and "queue_id" not in fact):
        return False
    growth = _grown_at(growths, f"ses#{ses_id}", f"to#{fact['to']}", at)
    growth.texts.add(text_without(fact, _UNSAID_BY_SES["at" if at == fact["at"] else ""]))
    if fact["event"] in _STATES:
        growth.states.add(_STATES[fact["event"]])
    growth.lookup = fact["to"]
    return True


def _is_in_key(fact: Fact, ses_id: str) -> bool:
    """Tell whether the key says the SES id and the recipient just as the fact does."""
    to = fact.get("to")
    is_plain = ses_id.isascii() and ses_id.isprintable() and len(ses_id) <= LONGEST
    return is_plain and bool(to) and is_folded(to or "")


def _of_recipient(growths: dict[Key, Growth], fact: Fact) -> bool:
    to, queue_id = fact.get("to"), fact.get("queue_id", NOQUEUE)
    if fact["source"] is not Source.RELAY or queue_id == NOQUEUE or not to or not is_folded(to):
        return False
    is_whole = (
        _in_queue(growths, fact) if fact["event"] is Event.SUBJECT else fact.get("status") == "deferred"
    )
    if not is_whole:
        return False
    at = fact["at"][:10]
    place = Place(Key(f"queue#{queue_id}", f"{at}#to#{to}"), at)
    growth = _grown_at(growths, *place.key, at)
    growth.texts.add(text_without(fact, _UNSAID_OF_RECIPIENT))
    growth.states.add(_STATES[fact["event"]])
    growth.lookup = to
    if fact["event"] is Event.DEFERRED:
        growth.problem = problem_key(place)
    return True


_QUEUE_EVENTS = (Event.CLIENT, Event.PICKUP, Event.MESSAGE_ID, Event.SUBJECT, Event.ACTIVE, Event.REMOVED)
_SES_EVENTS = (Event.SUBMITTED, Event.ACCEPTED, Event.DELIVERED, Event.OPENED, Event.CLICKED)
# What the key says, and what goes without saying.
_UNSAID_IN_QUEUE = {
    **dict.fromkeys(_QUEUE_EVENTS, frozenset(("source", "queue_id"))),
    Event.RELAYED: frozenset(("source", "queue_id", "status", "reply")),
}
_UNSAID_OF_RECIPIENT = frozenset(("source", "queue_id", "to", "status"))
_UNSAID_BY_SES = {
    Event.RELAYED: frozenset(("source", "ses_id", "to", "status", "reply")),
    "at": frozenset(("source", "ses_id", "to", "at")),
    "": frozenset(("source", "ses_id", "to")),
}
_STATES = {
    event: state_text(state)
    for event, state in (
        (Event.SUBJECT, State.QUEUED),
        (Event.DEFERRED, State.DEFERRED),
        (Event.RELAYED, State.RELAYED),
        (Event.SUBMITTED, State.ACCEPTED),
        (Event.ACCEPTED, State.ACCEPTED),
        (Event.DELIVERED, State.DELIVERED),
    )
}
_QUICKLY: dict[Event, Callable[[dict[Key, Growth], Fact], bool]] = {
    **dict.fromkeys(_QUEUE_EVENTS, _in_queue),
    **dict.fromkeys((Event.SUBJECT, Event.DEFERRED), _of_recipient),
    Event.RELAYED: _relayed,
    **dict.fromkeys(_SES_EVENTS, _told_by_ses),
}


def _grow(growth: Growth, fact: Fact, place: Place) -> None:
    growth.texts.add(encode(_kept(fact, place.key), place.key))
    # The least, as the store merges it: a short queue id may stand for two Message-IDs within one hour.
    growth.lookup = _least(growth.lookup, place.lookup)
    growth.at = _least(growth.at, place.at)
    if place.key.address is None:
        return
    reached = state_of(fact)
    if reached is not None:
        growth.states.add(state_text(reached))
    if is_problem(fact):
        growth.problem = _least(growth.problem, problem_key(place))


def _least(one: str | None, other: str | None) -> str | None:
    """The lesser of those that say something."""
    if not one or not other:
        return one or other or None
    return min(one, other)


def _kept(fact: Fact, key: Key) -> Fact:
    """What a record keeps of a fact: all of it, unless that would differ without end."""
    if key.sk == MESSAGE:
        return _without_recipient(fact)
    return kept(fact) if key.pk.startswith("noqueue#") else fact


def _without_recipient(fact: Fact) -> Fact:
    said = fact.copy()
    del said["to"]
    return said
