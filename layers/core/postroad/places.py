"""Places: under which record each fact goes, and what that record is found by.

| record | partition key | sort key | lookup | at |
|---|---|---|---|---|
| delivery, known to SES | `ses#<ses id>` | `to#<address>` | address | time inside the SES id |
| delivery, not accepted by SES | `queue#<queue id>` | `<UTC day>#to#<address>` | address | that day |
| refused at the door | `noqueue#<host>#<client>#<sender>` | `<UTC hour>#<digest>#to#<address>` | address | that hour |
| queue record | `queue#<queue id>` | `<UTC hour>` | Message-ID | that hour |
| message that no relay of ours signed | `ses#<ses id>` | `message` | Message-ID | time inside the SES id |

The digest is of what was said (`refusals`).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple
from zlib import crc32

from postroad.addresses import clipped, folded, printable
from postroad.codec import Key
from postroad.facts import Event, Fact, Source
from postroad.ids import NOQUEUE, ses_time
from postroad.instants import day, hour
from postroad.lifecycle import filtered_as
from postroad.refusals import said_by

# The place of a message's own record beside those of its recipients.
MESSAGE = "message"
# Spreads one bad day's failures over this many index keys.
SHARDS = 8


class Place(NamedTuple):
    """Where a fact goes, and what its record is found by."""

    key: Key
    at: str | None
    lookup: str | None = None


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
    sk = f"{at}#{said_by(fact)}#to#{address}"
    return Place(Key(f"noqueue#{clipped(printable(who))}", sk), at, address or None)


def _no_link(_: Fact) -> None:
    return None


# A fact that leads from one queue id to another is written to both, so that a reader finds the way from either.
LINKS: dict[Event, Callable[[Fact], str | None]] = {
    Event.PICKUP: lambda fact: fact.get("orig_id"),
    Event.CLIENT: lambda fact: fact.get("orig_queue_id"),
    Event.HANDED_OVER: filtered_as,
}
