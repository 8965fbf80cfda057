"""Messages of SES's that no relay has claimed: watched until their deadline, then shown without a queue id."""

from collections.abc import Iterator, Mapping

from postroad.codec import Key
from postroad.growth import Growth, grown, state_text
from postroad.instants import Instant
from postroad.lifecycle import State
from postroad.places import MESSAGE
from postroad.records import Record
from postroad.ses_words import unclaimed
from postroad.store.contract import Change
from postroad.store.sqlite import SQLiteStore
from postroad.unified import is_waiting

_AT_ONCE = 1000
# The state that only a relay's own line brings a record of SES's to, and such a line names its queue id.
_RELAYED = state_text(State.RELAYED)
# Without one of these in its text, a fact claims nothing; most are told apart without reading their JSON.
_CLAIMS = ('"q":', '"e":"unclaimed"')


def watch(
    store: SQLiteStore, growths: Mapping[Key, Growth], known: Mapping[Key, frozenset[str]], deadline: Instant
) -> None:
    """Set a deadline to those that SES alone has spoken of, and take it off those that were claimed since.

    `known` is what `store.grow` said was known before: only who was known can be waiting.
    """
    # Most batches hold both halves of most messages: 0.2 us for a message in place of 20 for reading its facts.
    silent = ((key, growth) for key, growth in growths.items() if _RELAYED not in growth.states)
    waiting = {
        key
        for key, growth in silent
        if _is_delivery_of_ses(key) and _is_waiting(key, growth, known.get(key, frozenset()))
    }
    store.wait(waiting, deadline)
    store.claimed(key for key in known if _is_delivery_of_ses(key) and key not in waiting)


def _is_delivery_of_ses(key: Key) -> bool:
    return key.pk.startswith("ses#") and key.sk != MESSAGE


def _is_waiting(key: Key, growth: Growth, known: frozenset[str]) -> bool:
    claims = [text for text in known | growth.texts if any(mark in text for mark in _CLAIMS)]
    return not claims or is_waiting(Record(key, frozenset(claims)))


def give_up(store: SQLiteStore, now: Instant) -> Iterator[list[Change]]:
    """Add the `unclaimed` fact where the deadline has passed; gives what that changed, some at a time."""
    while keys := store.due(now, _AT_ONCE):
        with store.transaction():
            changes = store.add(
                grown(unclaimed(key.pk.removeprefix("ses#"), key.address or "") for key in keys)
            )
            store.claimed(keys)
        yield changes
