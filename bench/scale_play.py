"""Plays a scenario in virtual time: mail comes in, functions write it, the table throttles, feeds bring it again.

The record keys, folds, shards and lines are the project's own; capacity, queues and executions are modelled. Where only
one message in `share` is played, capacity and the functions' speed are divided by the same number: buckets of tokens
and rates are linear in it, so that heat, throttling, backlog and the time to drain stay what they are. What does not
scale is the grain. Up to a share of WHOLE batches stay whole, as one hot key must fail its neighbours as it would, and
fewer, slower executions take them; beyond, one execution stands for all, and its batches are as small as the share.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.deployment import Deployment, Function
from bench.generate import START
from bench.scale_capacity import Capacity, Hottest
from bench.scale_feeds import Feed, LogFeed, SqsFeed, Thing, counted, failed_of
from bench.scale_table import TOO_LARGE, CappedTable, is_sampled
from bench.scale_traffic import OUTCOME, RELAY, SEND, Mail, Scenario
from postroad import unified
from postroad.codec import Key
from postroad.facts import Fact
from postroad.growth import Growth, grown
from postroad.store.dynamodb import THREADS

# The store's tries of one write: the first, and four more after a random part of 1, 2, 4 and 8 s; the mean of it here.
# Meanwhile it writes the others, on as many threads (`DynamoDBStore.add`).
PAUSES_S = (0.5, 1.0, 2.0, 4.0)
# A payload of the log holds at most so many messages, and a subscription hands on once a second.
_PAYLOAD = 100
_PATIENCE_S = 14 * 86_400
WHOLE, _AS_IS = 100, 20
_EVERY = 8  # one message in so many is looked for in the end
_LATER_S = {SEND: 1.0, OUTCOME: 3.0}  # when SES's events come, after the message


class Speeds(NamedTuple):
    """Writes that one execution makes in a second, as the cost model has measured them."""

    relay_logs: float
    ses_events: float


@dataclass
class Throttled:
    """A write that the table refused so many times, and when it is tried again."""

    key: Key
    growth: Growth
    ready: float = 0.0
    tries: int = 0


@dataclass
class Execution:
    """A function at work on a batch: what it has to write, and what holds it up."""

    feed: Feed
    things: list[Thing]
    writes: deque[tuple[Key, Growth]]
    began: float
    credit: float = 0.0
    held: list[Throttled] = field(default_factory=list)  # each on a thread of its own
    given_up: set[Key] = field(default_factory=set)
    lost: set[Key] = field(default_factory=set)  # too large: whatever is tried

    def is_stuck(self) -> bool:
        """Tell whether no thread is free for another write."""
        return len(self.held) >= THREADS


class Played(NamedTuple):
    """What came of a scenario, in real numbers."""

    scenario: Scenario
    hottest: dict[str, Hottest]
    partitions: dict[str, int]
    throttles: dict[str, int]
    again: int  # messages that came again, each time
    backlog: int  # messages that waited, at most
    drained_s: float  # after the last came in
    aside: dict[str, int]
    lost: int  # of the sampled facts, those that are neither in the table nor set aside
    sampled: int
    lines: int
    largest: int  # bytes of the largest record


class Play:
    """One scenario under way."""

    def __init__(self, scenario: Scenario, deployment: Deployment, speeds: Speeds) -> None:
        """Empty table, empty queues, an hour before the mail."""
        self.scenario, self.mail, self.now = scenario, Mail(scenario), START
        capacity = Capacity(partitions=scenario.partitions).shared(scenario.share)
        self.table = CappedTable(capacity, START)
        raised = [self._raised(deployment.function(name)) for name in ("RelayLogs", "SesEvents")]
        log, events = map(self._scaled, raised)
        invoke = deployment.properties("RelayLogs")["EventInvokeConfig"]
        self.log = LogFeed(log, invoke["MaximumRetryAttempts"], invoke["MaximumEventAgeInSeconds"])
        self.events = SqsFeed(events, deployment.queue("EventsQueue"))
        self._slots = {self.log: log.concurrency or 1, self.events: events.concurrency or 1}
        together = {
            self.log: speeds.relay_logs * (raised[0].concurrency or 1),
            self.events: speeds.ses_events * (raised[1].concurrency or 1),
        }
        self._speeds = {feed: of / self._slots[feed] / scenario.share for feed, of in together.items()}
        self._kinds = _kinds(scenario, deployment)
        self._at_work: list[Execution] = []
        self._lines = self._backlog = 0

    def _raised(self, function: Function) -> Function:
        return function._replace(concurrency=(function.concurrency or 1) * self.scenario.raised)

    def _scaled(self, function: Function) -> Function:
        """Fewer executions at once; a batch of each then takes some seconds longer than it would."""
        share, concurrency = self.scenario.share, function.concurrency or 1
        if share > WHOLE:
            return function._replace(concurrency=1, batch=max(1, round(function.batch * concurrency / share)))
        return function._replace(concurrency=max(1, min(concurrency, round(concurrency * _AS_IS / share))))

    def run(self) -> Played:
        """Play it to its end: until nothing waits any more."""
        arrivals, more = _arrivals(self.scenario, self.mail, self._kinds), True
        ahead = next(arrivals, None)
        last = START
        while more:
            while ahead is not None and ahead[1].ready <= self.now:
                self._bring(*ahead)
                last, ahead = self.now, next(arrivals, None)
            self._start()
            self._work()
            self._backlog = max(self._backlog, self._waiting())
            self.now += 1.0
            more = bool(ahead or self._waiting()) and self.now - last < _PATIENCE_S
        return self._result(last)

    def _bring(self, kind: str, thing: Thing) -> None:
        (self.log if kind == RELAY else self.events).bring(thing)

    def _waiting(self) -> int:
        at_work = sum(len(thing.numbers) for one in self._at_work for thing in one.things)
        return self.log.waiting + self.events.waiting + at_work

    def _start(self) -> None:
        for feed, slots in self._slots.items():
            busy = sum(one.feed is feed for one in self._at_work)
            while busy < slots and (things := feed.batch(self.now)):
                facts = self._facts(things)
                self._at_work.append(Execution(feed, things, deque(grown(facts).items()), self.now))
                busy += 1

    def _facts(self, things: list[Thing]) -> Iterator[Fact]:
        for thing in things:
            for number in thing.numbers:
                yield from self.mail.facts(number, thing.kind)

    def _work(self) -> None:
        for one in self._at_work:
            one.credit = min(one.credit + self._speeds[one.feed], max(self._speeds[one.feed], 1.0))
            self._try_again(one)
            self._write(one)
        for one in [one for one in self._at_work if self._is_over(one)]:
            self._at_work.remove(one)
            self._finish(one)

    def _try_again(self, one: Execution) -> None:
        due = [throttled for throttled in one.held if throttled.ready <= self.now]
        for throttled in due[: int(one.credit)]:
            one.held.remove(throttled)
            self._try(one, throttled)

    def _write(self, one: Execution) -> None:
        while one.credit >= 1 and one.writes and not one.is_stuck():
            self._try(one, Throttled(*one.writes.popleft()))

    def _try(self, one: Execution, write: Throttled) -> None:
        one.credit -= 1
        refused, change = self.table.write(write.key, write.growth, self.now)
        if refused is None or refused == TOO_LARGE:
            one.lost |= {write.key} if refused else set()
            self._lines += len(unified.lines(*change)) if change and self.scenario.replays else 0
        elif write.tries < len(PAUSES_S):
            write.ready = self.now + PAUSES_S[write.tries]
            write.tries += 1
            one.held.append(write)
        else:
            one.given_up.add(write.key)

    def _is_over(self, one: Execution) -> bool:
        is_hopeless = len(one.given_up) >= THREADS or self.now - one.began >= one.feed.function.timeout_s
        return is_hopeless or not (one.writes or one.held)

    def _finish(self, one: Execution) -> None:
        """What was not written is lost to this execution, and its feed brings again what names it."""
        left = {key for key, _ in one.writes} | {throttled.key for throttled in one.held}
        lost = one.lost | one.given_up | left
        if lost:
            every = isinstance(one.feed, LogFeed)
            failed = one.things if every else failed_of(one.things, lost, self.mail.facts)
            one.feed.failed(failed, one.began, self.now)

    # --- what came of it ---

    def _result(self, last: float) -> Played:
        tables = self.table.partitions
        for partitions in tables.values():
            partitions.settle()
        aside = [*self.log.aside, *self.events.aside]
        lost, sampled = self._missing(aside)
        share = self.scenario.share
        return Played(
            scenario=self.scenario,
            hottest={name: partitions.hottest for name, partitions in tables.items()},
            partitions={name: len(partitions) for name, partitions in tables.items()},
            throttles={name: round(of * share) for name, of in self.table.throttles.items()},
            again=round((self.log.again + self.events.again) * share),
            backlog=round(self._backlog * share),
            drained_s=max(0.0, self.now - last - 1),
            aside={kind: round(of * share) for kind, of in counted(aside).items()},
            lost=lost,
            sampled=sampled,
            lines=self._lines,
            largest=self.table.largest,
        )

    def _missing(self, aside: list[Thing]) -> tuple[int, int]:
        """Make mail again, and look for the sampled part of it in the table and among what was set aside."""
        put_aside = {(number, thing.kind) for thing in aside for number in thing.numbers}
        lost = sampled = 0
        for number in range(0, self.scenario.messages, _EVERY):
            for kind in self._kinds:
                texts = _sampled(grown(self.mail.facts(number, kind)))
                sampled += len(texts)
                lost += 0 if (number, kind) in put_aside else len(texts - self.table.kept)
        return lost, sampled


def _sampled(growths: dict[Key, Growth]) -> set[tuple[Key, str]]:
    return {(key, text) for key, growth in growths.items() if is_sampled(key) for text in growth.texts}


def _kinds(scenario: Scenario, deployment: Deployment) -> tuple[str, ...]:
    """Who speaks of a message, as far as SES's events are subscribed to."""
    if scenario.rejects:
        return (RELAY,)
    return (RELAY, SEND, OUTCOME) if "send" in deployment.event_types else (RELAY, OUTCOME)


def _arrivals(scenario: Scenario, mail: Mail, kinds: Sequence[str]) -> Iterator[tuple[str, Thing]]:
    """What comes in, in the order of time: payloads of a second of the log, single events, and all events again."""
    payload: list[int] = []
    second = int(START)
    for number in range(scenario.messages):
        at = mail.at(number)
        if payload and (int(at) != second or len(payload) == _PAYLOAD):
            yield RELAY, Thing(second + 1.0, second + 1.0, 1, tuple(payload), RELAY)
            payload = []
        second = int(at)
        payload.append(number)
        for kind in kinds[1:]:
            ready = at + _LATER_S[kind]
            yield kind, Thing(ready, ready, 1, (number,), kind)
    if payload:
        yield RELAY, Thing(second + 1.0, second + 1.0, 1, tuple(payload), RELAY)
    yield from _again(scenario, mail, kinds)


def _again(scenario: Scenario, mail: Mail, kinds: Sequence[str]) -> Iterator[tuple[str, Thing]]:
    """SES says everything again, an hour later and within an hour."""
    for replay in range(scenario.replays):
        began = mail.at(scenario.messages) + 3_600 * (1 + replay)
        for number in range(scenario.messages):
            at = began + 3_600 * number / scenario.messages
            for kind in kinds[1:]:
                yield kind, Thing(at, at, 1, (number,), kind)
