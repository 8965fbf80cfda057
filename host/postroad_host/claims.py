"""Messages of SES's that no relay has claimed: watched until their deadline, then shown without a queue id."""

from collections.abc import Iterable

from postroad.codec import Key
from postroad.instants import Instant
from postroad.records import grown
from postroad.ses import unclaimed
from postroad.store.contract import Change
from postroad.store.sqlite import SQLiteStore
from postroad.unified import is_waiting

_AT_ONCE = 1000


def watch(store: SQLiteStore, changes: Iterable[Change], deadline: Instant) -> None:
    """Set a deadline to those that SES alone has spoken of, and take it off those that were claimed since."""
    waiting: list[Key] = []
    claimed: list[Key] = []
    for change in changes:
        if change.after.key.pk.startswith("ses#"):
            (waiting if is_waiting(change.after) else claimed).append(change.after.key)
    store.wait(waiting, deadline)
    store.claimed(claimed)


def give_up(store: SQLiteStore, now: Instant) -> list[Change]:
    """Add the `unclaimed` fact where the deadline has passed; returns what that changed."""
    changes: list[Change] = []
    while keys := store.due(now, _AT_ONCE):
        with store.transaction():
            facts = [unclaimed(key.pk.removeprefix("ses#"), key.address or "") for key in keys]
            changes += store.add(grown(facts))
            store.claimed(keys)
    return changes
