"""A function at work on a batch, as the store writes one (`DynamoDBStore.add`): its threads, its pauses, its quota."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.scale_feeds import Feed, LogFeed, Thing, failed_of
from bench.scale_table import TOO_LARGE
from postroad.codec import Key
from postroad.facts import Fact
from postroad.growth import Growth
from postroad.store import dynamodb_wire
from postroad.store.dynamodb import THREADS

# Before each of the store's tries after the first: the mean of what it draws, up to 1, 2, 4 and 8 s.
PAUSES_S = tuple(2**number / 2 for number in range(dynamodb_wire.RETRIES))
# Writes a record, and gives what refused it, if anything did.
Write = Callable[[Key, Growth], str | None]


class Quota(dynamodb_wire._Quota):  # noqa: SLF001 - the store's own, so that it is the same
    """An environment's tries again: it outlives the execution, as the process does."""

    def __init__(self, part: float = 1.0) -> None:
        """Full; `part` is that of one environment's writes that are played in it. One retry is the least."""
        self.MOST = max(self.COST, round(self.MOST * part))
        super().__init__()


@dataclass(eq=False)
class Throttled:
    """A write that the table refused so many times, and when it is tried again."""

    key: Key
    growth: Growth
    ready: float = 0.0
    tries: int = 0


@dataclass(eq=False)
class Execution:
    """What a function has to write of a batch, and what holds it up."""

    feed: Feed
    things: list[Thing]
    writes: deque[tuple[Key, Growth]]
    began: float
    quota: Quota
    credit: float = 0.0
    held: list[Throttled] = field(default_factory=list)  # each on a thread of its own
    given_up: set[Key] = field(default_factory=set)
    lost: set[Key] = field(default_factory=set)  # too large: whatever is tried

    def work(self, write: Write, now: float, speed: float) -> None:
        """One second of it, at so many writes a second where no thread sleeps: a thread mostly waits for answers."""
        asleep = sum(throttled.ready > now for throttled in self.held)
        # What a second did not use is gone, but for the part of a write.
        self.credit = min(self.credit, 1.0) + speed * (1 - asleep / THREADS)
        self._try_again(write, now)
        while self.credit >= 1 and self.writes and not (self._is_stuck() or self._is_hopeless()):
            self._try(write, Throttled(*self.writes.popleft()), now)

    def _try_again(self, write: Write, now: float) -> None:
        due = [throttled for throttled in self.held if throttled.ready <= now]
        for throttled in due[: int(self.credit)]:
            self.held.remove(throttled)
            self._try(write, throttled, now)

    def _try(self, write: Write, one: Throttled, now: float) -> None:
        self.credit -= 1
        refused = write(one.key, one.growth)
        if refused is None:
            self.quota.give()
        elif refused == TOO_LARGE:
            self.lost.add(one.key)
        elif one.tries < len(PAUSES_S) and self.quota.take():
            self.held.append(Throttled(one.key, one.growth, now + PAUSES_S[one.tries], one.tries + 1))
        else:
            self.given_up.add(one.key)

    def _is_stuck(self) -> bool:
        """Tell whether no thread is free for another write."""
        return len(self.held) >= THREADS

    def _is_hopeless(self) -> bool:
        """Tell whether nothing new is begun; what is under way has its tries (`dynamodb._is_hopeless`)."""
        return len(self.given_up) >= THREADS

    def is_late(self, now: float) -> bool:
        """Tell whether Lambda ends it, and its process."""
        return now - self.began >= self.feed.function.timeout_s

    def is_over(self, now: float) -> bool:
        """Tell whether it writes no more."""
        return self.is_late(now) or not (self.held or (self.writes and not self._is_hopeless()))

    def end(self, facts: Callable[[int, str], list[Fact]], now: float) -> None:
        """What was not written is lost to this execution, and its feed brings again what names it."""
        left = {key for key, _ in self.writes} | {throttled.key for throttled in self.held}
        lost = self.lost | self.given_up | left
        if lost:
            every = isinstance(self.feed, LogFeed)
            failed = self.things if every else failed_of(self.things, lost, facts)
            self.feed.failed(failed, self.began, now)
