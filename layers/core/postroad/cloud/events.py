"""Events of SES on AWS: what their queue hands on becomes facts in the table, and waits there for a relay to claim it.

What is refused is put aside with its reason, and never tried again; what could not be stored, its source brings again.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from botocore.exceptions import BotoCoreError, ClientError

from postroad import ingest
from postroad.cloud.queues import NotSentError, Queue, deadlines, refused
from postroad.cloud.tally import Tally, not_stored
from postroad.codec import Key
from postroad.growth import Growth, grown, join
from postroad.records import Record
from postroad.store.contract import BadInput, broken
from postroad.store.dynamodb import DynamoDBStore
from postroad.unified import is_waiting

_NOT_SENT = (NotSentError, ClientError, BotoCoreError)


class SesEvents:
    """Events of SES, as their queue hands them on."""

    def __init__(
        self, store: DynamoDBStore, waiting: Queue, dead: Queue | None, *, delay: int, relays: list[str]
    ) -> None:
        """Store in `store`; what nobody claims is put into `waiting` for `delay` seconds.

        What is refused goes to the queue's dead letters at once, with the reason: the tenth try would read it no better
        than the first. Without `dead` SQS takes it there, after its ten tries.
        """
        self._store = store
        self._waiting = waiting
        self._dead = dead
        self._delay = delay
        self._relays = relays

    def take(self, bodies: Mapping[str, str]) -> Tally:
        """Store what messages say, by their ids: one write a record for all of them."""
        growths: dict[Key, Growth] = {}
        owed: dict[str, set[Key]] = {}
        bad: dict[str, list[BadInput]] = {}
        for name, body in bodies.items():
            folded, refusals = self._folded(body)
            owed[name] = set(folded)
            join(growths, folded)
            if refusals:
                bad[name] = refusals
        lost = not_stored(self._store, growths)
        lost |= self._wait(growths, lost)
        failed = {name for name, keys in owed.items() if keys & lost} | self._bury(bad)
        reasons = [one.reason for said in bad.values() for one in said]
        return Tally(len(bodies) - len(bad), len(bad), [name for name in bodies if name in failed], reasons)

    def _folded(self, body: str) -> tuple[dict[Key, Growth], list[BadInput]]:
        try:
            facts, bad = ingest.ses([body], "sqs", self._relays)
            return grown(facts), bad
        except Exception as error:  # noqa: BLE001 - one that breaks the reader or the fold is refused like any other
            return {}, [broken("ses", "sqs", error, body)]

    def _wait(self, growths: Mapping[Key, Growth], lost: AbstractSet[Key]) -> set[Key]:
        """Set deadlines to what nobody has claimed, as far as this batch tells; gives what could not be set."""
        keys = [
            key
            for key, growth in growths.items()
            if key not in lost and is_waiting(Record(key, frozenset(growth.texts)))
        ]
        try:
            self._waiting.send(deadlines(keys, self._delay))
        except _NOT_SENT:
            return set(keys)
        return set()

    def _bury(self, bad: Mapping[str, list[BadInput]]) -> set[str]:
        """Put refused events to the dead letters; gives those that could not be put there."""
        if self._dead is None:
            return set(bad)
        try:
            self._dead.send(refused(one) for said in bad.values() for one in said)
        except _NOT_SENT:
            return set(bad)
        return set()
