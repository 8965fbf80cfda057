"""Deadlines on AWS: what no relay has claimed when they pass is shown without a queue id."""

from collections.abc import Mapping

from postroad.cloud.queues import keys_of
from postroad.cloud.tally import Tally, not_stored
from postroad.codec import Key
from postroad.growth import grown
from postroad.records import Record
from postroad.ses_words import unclaimed
from postroad.store.dynamodb import DynamoDBStore
from postroad.unified import is_waiting


class LinkDeadline:
    """Deadlines, as their queue hands them on."""

    def __init__(self, store: DynamoDBStore) -> None:
        """Look into `store`, and write there."""
        self._store = store

    def take(self, bodies: Mapping[str, str]) -> Tally:
        """Give up waiting for what these messages name, by their ids, where it is still unclaimed."""
        owed: dict[str, list[Key]] = {}
        reasons = []
        for name, body in bodies.items():
            try:
                owed[name] = keys_of(body)
            except ValueError as error:
                reasons.append(str(error))
        records = self._store.get(dict.fromkeys(key for keys in owed.values() for key in keys))
        lost = self._give_up([record for record in records if is_waiting(record)])
        failed = [name for name in bodies if name not in owed or lost & set(owed[name])]
        return Tally(len(owed), len(bodies) - len(owed), failed, reasons)

    def _give_up(self, records: list[Record]) -> set[Key]:
        if not records:
            return set()
        facts = (unclaimed(key.pk.removeprefix("ses#"), key.address or "") for key, _ in records)
        return not_stored(self._store, grown(facts))
