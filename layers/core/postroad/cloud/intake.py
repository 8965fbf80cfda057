"""What comes in on AWS: log lines, events of SES and deadlines become facts in the table.

What is refused is put aside with its reason, and never tried again; what could not be stored, its source brings again.
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import tzinfo
from functools import partial
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from postroad import ingest
from postroad.cloud.queues import NotSentError, Queue, deadlines, keys_of, refused
from postroad.codec import Key
from postroad.facts import Fact
from postroad.ingest import Batch
from postroad.instants import from_ms
from postroad.records import Growth, Record, grown, places
from postroad.ses import unclaimed
from postroad.store.contract import BadInput
from postroad.store.dynamodb import DynamoDBStore, NotStoredError
from postroad.syslog import Carrier
from postroad.unified import is_waiting

_NOT_SENT = (NotSentError, ClientError, BotoCoreError)


class Tally(NamedTuple):
    """How many inputs were read and how many refused, and the ids of those that must come again."""

    parsed: int
    refused: int
    failed: list[str]
    reasons: list[str]


class RelayLogs:
    """Lines of the relays' logs, as a log group's subscription hands them on."""

    def __init__(self, store: DynamoDBStore, aside: Queue, zone: tzinfo) -> None:
        """Store in `store`, set aside in `aside`; `zone` is that of stamps that name none."""
        self._store = store
        self._aside = aside
        self._zone = zone

    def take(self, payload: Mapping[str, Any]) -> Tally:
        """Store what a payload says. Raises NotStoredError, and then sets nothing aside: the payload comes again."""
        if payload["messageType"] != "DATA_MESSAGE":
            # CloudWatch Logs tries whether somebody is there.
            return Tally(0, 0, [], [])
        origin, stream = f"{payload['logGroup']}:{payload['logStream']}", payload["logStream"]
        batches = []
        for at, line in _lines(payload["logEvents"]):
            read = partial(_facts_of_line, carrier=Carrier(from_ms(at), self._zone, stream), origin=origin)
            batches.append(_read(read, "relay", origin, line))
        bad = [one for batch in batches for one in batch.bad]
        self._store.add(grown(fact for batch in batches for fact in batch.facts))
        self._aside.send(map(refused, bad))
        return Tally(len(batches) - len(bad), len(bad), [], [one.reason for one in bad])


def _facts_of_line(line: str, carrier: Carrier, origin: str) -> Batch:
    return ingest.relay([line.encode("utf-8", "surrogatepass")], carrier, origin)


def _lines(events: Iterable[Mapping[str, Any]]) -> list[tuple[int, str]]:
    """Each line with the time at which its event came: an agent may put several lines into one event."""
    return [
        (event["timestamp"], line)
        for event in events
        for line in event["message"].split("\n")
        if line.strip()
    ]


def _read(read: Callable[[str], Batch], source: str, origin: str, raw: str) -> Batch:
    """Read one input; one that breaks the reader is refused like any other, as it would break it every time."""
    try:
        return read(raw)
    except Exception as error:  # noqa: BLE001
        return Batch([], [BadInput(source, origin, f"a fault of Postroad's own: {error!r}", raw)])


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
        batches = {
            name: _read(lambda text: ingest.ses([text], "sqs", self._relays), "ses", "sqs", body)
            for name, body in bodies.items()
        }
        owed = {name: _keys(batch.facts) for name, batch in batches.items()}
        growths = grown(fact for batch in batches.values() for fact in batch.facts)
        lost = _lost(self._store, growths)
        lost |= self._wait(growths, lost)
        bad = {name: batch.bad for name, batch in batches.items() if batch.bad}
        failed = {name for name, keys in owed.items() if keys & lost} | self._bury(bad)
        reasons = [one.reason for said in bad.values() for one in said]
        return Tally(len(batches) - len(bad), len(bad), [name for name in bodies if name in failed], reasons)

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


class LinkDeadline:
    """Deadlines: what no relay has claimed by then is shown without a queue id."""

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
        waiting = [record.key for record in records if is_waiting(record)]
        given_up = [unclaimed(key.pk.removeprefix("ses#"), key.address or "") for key in waiting]
        lost = _lost(self._store, grown(given_up))
        failed = [name for name in bodies if name not in owed or lost & set(owed[name])]
        return Tally(len(owed), len(bodies) - len(owed), failed, reasons)


def _keys(facts: Iterable[Fact]) -> set[Key]:
    return {place.key for fact in facts for place in places(fact)}


def _lost(store: DynamoDBStore, growths: Mapping[Key, Growth]) -> set[Key]:
    try:
        store.add(growths)
    except NotStoredError as error:
        return set(error.failed)
    return set()
