"""Unified lines to CloudWatch Logs: a stream for each relay host and UTC day.

Every line is an event at the line's own time. CloudWatch Logs takes none that is two weeks old or two hours ahead; such
a line is told as of now, with its own time in its text: better shown late than lost.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from postroad.instants import Instant, day, from_datetime, to_ms

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import PutLogEventsResponseTypeDef, RejectedLogEventsInfoTypeDef

# The limits of PutLogEvents; an event counts with 26 bytes on top. Its batches may span a day, and a stream is a day.
MOST_EVENTS, MOST_BYTES, OVERHEAD = 10_000, 1_048_576, 26
OLDEST, NEWEST = timedelta(days=14), timedelta(hours=2)
# Between asking the clock and being taken.
_SLACK = timedelta(minutes=5)
_LONGEST_NAME = 500
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")


class Told(NamedTuple):
    """A line as an event: when, and which of the lines to publish it is."""

    at: Instant
    number: int
    line: str

    @property
    def size(self) -> int:
        """What it counts in a batch."""
        return len(self.line.encode()) + OVERHEAD


class NotPublishedError(Exception):
    """Some lines were not published: the numbers of all that must be tried again."""

    def __init__(self, numbers: Sequence[int]) -> None:
        """Keep the numbers."""
        super().__init__(f"{len(numbers)} lines not published")
        self.numbers = numbers


class _RejectedError(Exception):
    pass


class Publisher:
    """Puts lines into a log group, whose streams it makes as they are needed."""

    def __init__(
        self,
        client: "CloudWatchLogsClient",
        group: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Publish to `group`; the client retries what is throttled."""
        self._client = client
        self._group = group
        self._clock = clock

    def publish(self, lines: Sequence[str]) -> None:
        """Publish lines, each with its time and host in front. Raises NotPublishedError, caused by what went wrong."""
        batches = list(self._batches(lines))
        for done, (stream, batch) in enumerate(batches):
            try:
                self._put(stream, batch)
            except (BotoCoreError, ClientError, _RejectedError) as error:
                left = sorted(told.number for _, late in batches[done:] for told in late)
                raise NotPublishedError(left) from error

    def _batches(self, lines: Sequence[str]) -> Iterator[tuple[str, list[Told]]]:
        now = self._clock()
        first, last = from_datetime(now - OLDEST + _SLACK), from_datetime(now + NEWEST - _SLACK)
        streams: dict[str, list[Told]] = defaultdict(list)
        for number, line in enumerate(lines):
            at, host, _ = line.split(" ", 2)
            at = at if first < at < last else from_datetime(now)
            streams[stream_name(host, at)].append(Told(at, number, line))
        for stream, told in streams.items():
            for batch in batched(sorted(told)):
                yield stream, batch

    def _put(self, stream: str, batch: list[Told]) -> None:
        late = _rejected(batch, self._tried(stream, batch).get("rejectedLogEventsInfo", {}))
        if late:
            # The group keeps its events for less than two weeks, or our clock is wrong.
            now = from_datetime(self._clock())
            again = [told._replace(at=now) for told in late]
            answer = self._tried(stream_name(late[0].line.split(" ", 2)[1], now), again)
            if _rejected(again, answer.get("rejectedLogEventsInfo", {})):
                raise _RejectedError(f"lines as of {now} are rejected: is the clock wrong?")

    def _tried(self, stream: str, batch: list[Told]) -> "PutLogEventsResponseTypeDef":
        try:
            return self._sent(stream, batch)
        except self._client.exceptions.ResourceNotFoundException:
            with suppress(self._client.exceptions.ResourceAlreadyExistsException):
                self._client.create_log_stream(logGroupName=self._group, logStreamName=stream)
            return self._sent(stream, batch)

    def _sent(self, stream: str, batch: list[Told]) -> "PutLogEventsResponseTypeDef":
        return self._client.put_log_events(
            logGroupName=self._group,
            logStreamName=stream,
            logEvents=[{"timestamp": to_ms(told.at), "message": told.line} for told in batch],
        )


def stream_name(host: str, at: Instant) -> str:
    """Name the stream of a host's day: `mx1.example.org/2026-02-25`."""
    return f"{_UNFIT.sub('_', host)[:_LONGEST_NAME]}/{day(at)}"


def batched(told: Iterable[Told]) -> Iterator[list[Told]]:
    """Cut events into batches that PutLogEvents takes."""
    batch: list[Told] = []
    size = 0
    for one in told:
        if batch and (size + one.size > MOST_BYTES or len(batch) == MOST_EVENTS):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.size
    if batch:
        yield batch


def _rejected(batch: list[Told], info: "RejectedLogEventsInfoTypeDef") -> list[Told]:
    """What was not taken: events are in order of time, so what is too old stands first and what is too new last."""
    start = max(info.get("tooOldLogEventEndIndex", 0), info.get("expiredLogEventEndIndex", 0))
    return batch[:start] + batch[info.get("tooNewLogEventStartIndex", len(batch)) :]
