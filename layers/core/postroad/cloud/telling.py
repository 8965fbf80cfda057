"""What goes out on AWS: what changed in the table, as lines and as metrics."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from postroad import metrics, unified
from postroad.cloud.measures import document
from postroad.metrics import Count, Dimensions
from postroad.publish import NotPublishedError, Publisher
from postroad.store.dynamodb_table import change_of

StreamRecord = Mapping[str, Any]


class _Told(NamedTuple):
    lines: list[str]
    dimensions: Dimensions
    counts: Count


class Outcome(NamedTuple):
    """How many lines were told, and where to start again: at a sequence number, because of an error; or nowhere."""

    lines: int
    start_again: str | None
    reason: str | None


_NOTHING = _Told([], Dimensions(), Count(Counter(), []))


class Teller:
    """Tells what a batch of the table's stream shows that was not shown before."""

    def __init__(self, publisher: Publisher, sender_domains: Collection[str]) -> None:
        """Publish lines with `publisher`; metrics are told apart by these domains of senders."""
        self._publisher = publisher
        self._sender_domains = sender_domains

    def tell(self, records: Sequence[StreamRecord]) -> Outcome:
        """Tell what records of the stream show, in their order, up to the first that fails.

        That one and all behind it come again. A metric is told once its lines are; where CloudWatch Logs took a part of
        the lines only, some of those that come again were told already, and are told twice.
        """
        told, error = self._read(records)
        lines = [line for one in told for line in one.lines]
        owners = [number for number, one in enumerate(told) for _ in one.lines]
        done = len(told)
        try:
            self._publisher.publish(lines)
        except NotPublishedError as late:
            done, error = owners[late.numbers[0]], late
        emit(told[:done])
        start_again = records[done]["dynamodb"]["SequenceNumber"] if done < len(records) else None
        return Outcome(
            sum(len(one.lines) for one in told[:done]), start_again, repr(error) if error else None
        )

    def _read(self, records: Sequence[StreamRecord]) -> tuple[list[_Told], Exception | None]:
        told: list[_Told] = []
        for record in records:
            try:
                told.append(self._told(record))
            except Exception as error:  # noqa: BLE001 - whatever it is: the records before it are told, this one waits
                return told, error
        return told, None

    def _told(self, record: StreamRecord) -> _Told:
        change = change_of(record)
        if change is None:
            return _NOTHING
        dimensions = metrics.dimensions(change.after, self._sender_domains)
        return _Told(unified.lines(*change), dimensions, metrics.counts(*change))


def emit(told: Iterable[_Told]) -> None:
    """Write counts as embedded metrics, one document for all that share their dimensions."""
    sums: dict[Dimensions, Count] = defaultdict(lambda: Count(Counter(), []))
    for one in told:
        if one.counts.counted:
            sums[one.dimensions].counted.update(one.counts.counted)
            sums[one.dimensions].latencies.extend(one.counts.latencies)
    for dimensions, count in sums.items():
        known = {name: value for name, value in dimensions._asdict().items() if value != metrics.UNKNOWN}
        document(count.counted, {metrics.LATENCY: count.latencies}, known)
