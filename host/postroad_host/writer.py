"""Keeps what comes in: the facts, what they show, what was refused and how far was read, in one transaction."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import NamedTuple, TypeAlias

from postroad import unified
from postroad.codec import Key
from postroad.growth import Growth, grown
from postroad.ingest import Batch
from postroad.instants import from_datetime
from postroad.store.contract import BadInput, Change
from postroad.store.sqlite import SQLiteStore, changes
from postroad_host.claims import give_up, watch
from postroad_host.clock import now

# Reads some inputs: log lines as bytes, an SQS message's body as text.
Read: TypeAlias = Callable[[Sequence[bytes | str]], Batch]


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
        growths, bad = _folded(delivery)
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


def _folded(delivery: Delivery) -> tuple[dict[Key, Growth], list[BadInput]]:
    """Read and fold all inputs; where one of them breaks the reader or the fold, it alone is set aside."""
    try:
        batch = delivery.read(delivery.inputs)
        return grown(batch.facts), batch.bad
    except Exception:  # noqa: BLE001 - a service that dies of one line would die of it at each start
        batches = [_alone(delivery._replace(inputs=[one])) for one in delivery.inputs]
    facts = [fact for one in batches for fact in one.facts]
    return grown(facts), [bad for one in batches for bad in one.bad]


def _alone(delivery: Delivery) -> Batch:
    try:
        batch = delivery.read(delivery.inputs)
        grown(batch.facts)
    except Exception as error:  # noqa: BLE001 - as above
        return Batch([], [_broken(delivery, error)])
    return batch


def _broken(delivery: Delivery, error: Exception) -> BadInput:
    raw = delivery.inputs[0]
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    return BadInput(delivery.source, delivery.origin, f"a fault of Postroad's own: {error!r}", text)
