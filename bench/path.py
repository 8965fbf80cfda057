"""Sends ordinary messages through the real handlers in virtual time, and counts all that AWS would bill.

Only what stands outside of Postroad is played: CloudWatch Logs that cuts payloads, the pollers of a queue and of a
stream that gather batches, and a table that charges as DynamoDB does (`metered`). Nothing here measures time.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple
from zlib import crc32

from bench.deployment import Deployment, Function
from bench.handled import handlers
from bench.metered import MeteredTable
from bench.ordinary import Message, Said, ordinary
from postroad.publish import OVERHEAD, stream_name
from postroad.store.contract import Change

# The CloudWatch agent sends a file's lines once in so many seconds (`force_flush_interval`, where nothing else is set:
# .../AmazonCloudWatch/latest/monitoring/CloudWatch-Agent-Configuration-File-Details.html). Not said by AWS, so assumed:
# that a subscription hands on each request's lines as they come, and that a quiet queue has the five pollers with which
# Lambda's guide has it begin ("Scaling and processing").
GATHERED_S, POLLERS = 5.0, 5
# One ReceiveMessage or DeleteMessageBatch moves so many.
_AT_ONCE = 10
# What Lambda writes of each invocation itself, in a log of format Text.
_REQUEST = "RequestId: 7d0d9f4e-0000-4000-8000-5e4b1d2c3a4f"
_TIMES = "Duration: 123.45 ms	Billed Duration: 124 ms	Memory Size: 1024 MB	Max Memory Used: 123 MB"
_OF_ITS_OWN = (f"START {_REQUEST} Version: $LATEST", f"END {_REQUEST}", f"REPORT {_REQUEST}	{_TIMES}")


class Batch(NamedTuple):
    """What one invocation is handed, and when."""

    at: float
    things: list[Any]


@dataclass
class Counted:
    """All of one run, to be divided by its messages."""

    messages: int = 0
    units: Counter[str] = field(default_factory=Counter)  # of the table, and of each index
    function_writes: Counter[str] = field(default_factory=Counter)  # UpdateItems, by the function
    events: int = 0
    event_bytes: int = 0
    requests: int = 0  # of SQS
    invocations: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(
        default_factory=Counter
    )  # lines, events, changes: by the function that takes them
    puts: int = 0  # PutLogEvents
    lines: int = 0
    line_bytes: int = 0
    function_bytes: int = 0  # logged by the functions
    relay_bytes: int = 0  # logged by the relay
    stored: int = 0

    def each(self, amount: float) -> float:
        """So much of it a message."""
        return amount / self.messages


class Setting(NamedTuple):
    """What of the deployment a run takes to be different, for a lever."""

    lines: str | None = None  # only the lines that hold one of these words, with | between them
    sender_domains: tuple[str, ...] = ()
    gathered_s: float = GATHERED_S  # infinity: a host's lines all come in one payload
    subjects: bool = False  # every relay logs them


USUAL = Setting()
# Messages that are cut in two are one in fourteen, and must be many; payloads of the fastest run must be full ones.
MESSAGES, WINDOWS, SEED = 1_000, 4, 7
_COUNTED: dict[Any, Counted] = {}


def run(deployment: Deployment, rate: float, setting: Setting = USUAL) -> Counted:
    """Send a thousand messages or more at so many a second; the same question gets the same answer, once."""
    functions = (deployment.function("SesEvents"), deployment.function("UnifiedLog"))
    asked = (functions, deployment.event_types, rate, setting)
    if asked not in _COUNTED:
        path = _Path(deployment, rate, setting, Random(SEED))
        path.send(list(ordinary(_enough(rate), rate, SEED, subjects=setting.subjects)))
        _COUNTED[asked] = path.counted
    return _COUNTED[asked]


def _enough(rate: float) -> int:
    """Not by the setting, so that all settings get the same messages."""
    return max(MESSAGES, round(WINDOWS * GATHERED_S * rate))


class _Path:
    def __init__(self, deployment: Deployment, rate: float, setting: Setting, rng: Random) -> None:
        self.counted = Counted()
        self._deployment, self._rate, self._setting, self._rng = deployment, rate, setting, rng
        self.sender_domains = setting.sender_domains
        self._table = MeteredTable(timedelta(days=deployment.record_days))

    def send(self, sent: Sequence[Message]) -> None:
        self.counted.messages = len(sent)
        steps = [*self._payloads(sent), *self._event_batches(sent)]
        changes: list[tuple[float, Change]] = []
        with handlers(self._table, self) as run_function:
            for name, batch in sorted(steps, key=lambda step: step[1].at):
                written = len(self._table.writes)
                run_function(name, batch.things)
                self.counted.function_writes[name] += len(self._table.writes) - written
                changes += [(batch.at, change) for change in self._table.changes]
                self._table.changes.clear()
            for batch in self._stream_batches(changes):
                run_function("unified_log", batch.things)
        self._sum_up()

    # --- what hands things on ---

    def _payloads(self, sent: Iterable[Message]) -> Iterator[tuple[str, Batch]]:
        gathered: dict[tuple[str, int], list[Said]] = defaultdict(list)
        # Agents start when they like: each host's windows begin where chance has it, a share of a window early.
        early: dict[str, float] = defaultdict(self._rng.random)
        for said in (said for message in sent for said in message.lines):
            self.counted.relay_bytes += len(said.text.encode()) + OVERHEAD
            if self._passes(said.text):
                number = int(said.at / self._setting.gathered_s + early[said.host])
                gathered[said.host, number].append(said)
        for (host, number), lines in gathered.items():
            yield "relay_logs", Batch((number + 1 - early[host]) * self._setting.gathered_s, lines)

    def _passes(self, line: str) -> bool:
        return self._setting.lines is None or any(word in line for word in self._setting.lines.split("|"))

    def _event_batches(self, sent: Iterable[Message]) -> Iterator[tuple[str, Batch]]:
        function = self._deployment.function("SesEvents")
        types = self._deployment.event_types
        events = [event for message in sent for event in message.events if event.kind.lower() in types]
        self.counted.events = len(events)
        self.counted.event_bytes = sum(len(event.text.encode()) for event in events)
        lanes = min(POLLERS, function.concurrency or POLLERS)
        timed = [(event.at, self._rng.randrange(lanes), event) for event in sorted(events)]
        for batch in gathered_in(timed, function):
            self.counted.requests += len(batch.things) + 2 * -(-len(batch.things) // _AT_ONCE)
            yield "ses_events", batch

    def _stream_batches(self, changes: Iterable[tuple[float, Change]]) -> list[Batch]:
        function = self._deployment.function("UnifiedLog")
        timed = [
            (at, crc32("|".join(change.after.key).encode()) % function.factor, change)
            for at, change in changes
        ]
        return sorted(gathered_in(timed, function), key=lambda batch: batch.at)

    # --- what is counted ---

    def note(self, name: str, items: int, logged: str) -> None:
        counted = self.counted
        counted.invocations[name] += 1
        counted.items[name] += items
        counted.function_bytes += sum(
            len(line.encode()) + OVERHEAD for line in (*logged.splitlines(), *_OF_ITS_OWN)
        )

    def publish(self, lines: Sequence[str]) -> None:
        """Stand in for CloudWatch Logs behind the unified log."""
        self.counted.lines += len(lines)
        self.counted.line_bytes += sum(len(line.encode()) + OVERHEAD for line in lines)
        self.counted.puts += len({stream_name(line.split(" ", 2)[1], line) for line in lines})

    def _sum_up(self) -> None:
        for write in self._table.writes:
            self.counted.units["table"] += write.units
            for name, (_, units) in write.indexes.items():
                self.counted.units[name] += units
        self.counted.stored = self._table.stored()


def gathered_in(timed: Iterable[tuple[float, int, Any]], function: Function) -> Iterator[Batch]:
    """Batches as a poller makes them: until it is full, or its window has passed since its first."""
    open_: dict[int, tuple[float, list[Any]]] = {}
    for at, lane, thing in timed:
        began, things = open_.get(lane, (at, []))
        if things and (at > began + function.window_s or len(things) == function.batch):
            yield Batch(min(began + function.window_s, at), things)
            began, things = at, []
        things.append(thing)
        open_[lane] = began, things
    yield from (Batch(began + function.window_s, things) for began, things in open_.values())
