"""Keeps what comes in: the facts, what they show, what was refused and how far was read, in one transaction."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import NamedTuple

from postroad import unified
from postroad.codec import Key
from postroad.growth import Growth
from postroad.ingest import Read, into
from postroad.instants import from_datetime
from postroad.store.contract import Change
from postroad.store.sqlite import SQLiteStore, changes
from postroad_host.claims import give_up, watch
from postroad_host.clock import now


class Delivery(NamedTuple):
    """Inputs of one origin, and the position after them; a queue has none."""

    source: str  # `relay` or `ses`
    origin: str
    inputs: Sequence[bytes | str]
    read: Read
    position: str | None = None


class Writer:
    """The only one who writes facts."""

    def __init__(self, store: SQLiteStore, *, unclaimed_after_seconds: int, retention_days: int) -> None:
        """Write to `store`."""
        self._store = store
        self._patience = timedelta(seconds=unclaimed_after_seconds)
        self._retention = timedelta(days=retention_days)

    def keep(self, delivery: Delivery) -> None:
        """Keep a delivery. Raises StoreError, and has then kept nothing of it."""
        growths: dict[Key, Growth] = {}
        bad = into(growths, delivery.inputs, delivery.read, delivery.source, delivery.origin).bad
        with self._store.transaction():
            self._grow(growths)
            self._store.set_aside(bad, now())
            if delivery.position is not None:
                self._store.move(delivery.origin, delivery.position)

    def _grow(self, growths: dict[Key, Growth]) -> None:
        known = self._store.grow(growths)
        watch(self._store, growths, known, from_datetime(datetime.now(UTC) + self._patience))
        self._tell(changes(growths, known))

    def _tell(self, changed: Iterable[Change]) -> None:
        # Sorted by their time, which each begins with.
        self._store.owe(sorted(chain.from_iterable(unified.lines(*change) for change in changed)))

    def give_up_waiting(self) -> None:
        """Show what no relay claimed in time."""
        if not self._store.due(now(), 1):
            return
        with self._store.transaction():
            for changed in give_up(self._store, now()):
                self._tell(changed)

    def forget(self) -> bool:
        """Delete some of what is too old; tells whether there may be more."""
        return self._store.expire(from_datetime(datetime.now(UTC) - self._retention)) > 0
