"""Plays a scenario in virtual time: mail comes in, functions write it, the table throttles, feeds bring it again.

The record keys, folds, shards and lines are the project's own; capacity, queues and executions are modelled. Where only
one message in `share` is played, capacity and the functions' speed are divided by the same number: buckets of tokens
and rates are linear in it, so that heat, throttling, backlog and the time to drain stay what they are; the quota of
tries again is such a bucket too. What does not scale is the grain. Up to a share of WHOLE batches stay whole,
as one hot key must fail its neighbours as it would, and fewer, slower executions take them; beyond, one execution
stands for all, and its batches are as small as the share. Pauses stay as long as they are, beside executions that are
slower: a sleeping key holds up fewer other writes than it would.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.deployment import Deployment, Function
from bench.generate import START
from bench.path import GATHERED_S
from bench.scale_capacity import Capacity, Hottest
from bench.scale_execution import Execution, Quota
from bench.scale_feeds import LogFeed, SqsFeed, Thing, counted
from bench.scale_table import CappedTable, is_sampled
from bench.scale_traffic import OUTCOME, RELAY, SEND, Mail, Scenario
from postroad import unified
from postroad.codec import Key
from postroad.facts import Fact
from postroad.growth import Growth, grown

# Messages of a full payload of the log: some 140 KB of lines. At a thousand a second it fills in a tenth of one; lines
# that fill none wait as long as the cost model has them wait.
_PAYLOAD = 100
_PATIENCE_S = 14 * 86_400
WHOLE, _AS_IS = 100, 20
_EVERY = 8  # one message in so many is looked for in the end
_LATER_S = {SEND: 1.0, OUTCOME: 3.0}  # when SES's events come, after the message


class Speeds(NamedTuple):
    """Writes that one execution makes in a second, as the cost model has measured them."""

    relay_logs: float
    ses_events: float


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
        self._speeds = {self.log: speeds.relay_logs, self.events: speeds.ses_events}
        self._parts = dict(zip(self._speeds, map(self._part, raised, (log, events)), strict=True))
        # Which one Lambda takes it does not say: here the one that came free last.
        self.free = {
            feed: [Quota(part) for _ in range(feed.function.concurrency or 1)]
            for feed, part in self._parts.items()
        }
        self._kinds = _kinds(scenario, deployment)
        # Where one execution stands for all, a payload is as small as its batches are.
        part = self._parts[self.log] if scenario.share > WHOLE else 1.0
        self._full = max(1, round(_PAYLOAD * part))
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

    def _part(self, real: Function, played: Function) -> float:
        """How much of a real execution's writes, and so of its speed and its quota, one that is played has."""
        return (real.concurrency or 1) / (played.concurrency or 1) / self.scenario.share

    def run(self) -> Played:
        """Play it to its end: until nothing waits any more."""
        arrivals, more = _arrivals(self.scenario, self.mail, self._kinds, self._full), True
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
        for feed, free in self.free.items():
            while free and (things := feed.batch(self.now)):
                writes = deque(grown(self._facts(things)).items())
                self._at_work.append(Execution(feed, things, writes, self.now, free.pop()))

    def _facts(self, things: list[Thing]) -> Iterator[Fact]:
        for thing in things:
            for number in thing.numbers:
                yield from self.mail.facts(number, thing.kind)

    def _work(self) -> None:
        for one in self._at_work:
            one.work(self._write, self.now, self._speeds[one.feed] * self._parts[one.feed])
        for one in [one for one in self._at_work if one.is_over(self.now)]:
            self._end(one)

    def _write(self, key: Key, growth: Growth) -> str | None:
        refused, change = self.table.write(key, growth, self.now)
        self._lines += len(unified.lines(*change)) if change and self.scenario.replays else 0
        return refused

    def _end(self, one: Execution) -> None:
        self._at_work.remove(one)
        one.end(self.mail.facts, self.now)
        # A process that was ended is made anew.
        self.free[one.feed].append(Quota(self._parts[one.feed]) if one.is_late(self.now) else one.quota)

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


def _arrivals(scenario: Scenario, mail: Mail, kinds: Sequence[str], full: int) -> Iterator[tuple[str, Thing]]:
    """What comes in, in the order of time: payloads of the log, single events, and all events again."""
    payload: list[int] = []
    until = START
    for number in range(scenario.messages):
        at = mail.at(number)
        if payload and (at >= until or len(payload) == full):
            yield RELAY, _payload(payload, min(at, until))
            payload = []
        until = until if payload else at + GATHERED_S
        payload.append(number)
        for kind in kinds[1:]:
            ready = at + _LATER_S[kind]
            yield kind, Thing(ready, ready, 1, (number,), kind)
    if payload:
        yield RELAY, _payload(payload, until)
    yield from _again(scenario, mail, kinds)


def _payload(numbers: Sequence[int], ready: float) -> Thing:
    """Lines that the relay's agent sent at once: as soon as they filled a payload, or at the end of its time."""
    return Thing(ready, ready, 1, tuple(numbers), RELAY)


def _again(scenario: Scenario, mail: Mail, kinds: Sequence[str]) -> Iterator[tuple[str, Thing]]:
    """SES says everything again, an hour later and within an hour."""
    for replay in range(scenario.replays):
        began = mail.at(scenario.messages) + 3_600 * (1 + replay)
        for number in range(scenario.messages):
            at = began + 3_600 * number / scenario.messages
            for kind in kinds[1:]:
                yield kind, Thing(at, at, 1, (number,), kind)
