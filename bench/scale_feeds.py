"""What hands mail on to the functions and brings it again: SQS with its receives, Lambda with its retries."""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from bench.deployment import Function, Waiting
from postroad.codec import Key
from postroad.facts import Fact
from postroad.places import places

# Lambda's own, of an asynchronous invocation that failed (its guide, "Error handling"): after one minute, then two.
ASYNC_PAUSES_S = (60.0, 120.0)


class Thing(NamedTuple):
    """A message of a queue, or a payload of a log: which mail it speaks of, how often it came, when it first did."""

    ready: float
    first: float
    receives: int
    numbers: tuple[int, ...]
    kind: str


class Feed:
    """What waits for a function."""

    def __init__(self, function: Function) -> None:
        """Nothing waits."""
        self.function = function
        self.aside: list[Thing] = []
        self.again = self.waiting = 0  # messages
        self._new: deque[Thing] = deque()
        self._later: list[Thing] = []

    def bring(self, thing: Thing) -> None:
        """Something new, in the order of time."""
        self._new.append(thing)
        self.waiting += len(thing.numbers)

    def batch(self, now: float) -> list[Thing]:
        """What the next execution is handed: nothing where nothing is ready."""
        taken: list[Thing] = []
        while len(taken) < self.function.batch:
            if self._later and self._later[0].ready <= now:
                taken.append(heapq.heappop(self._later))
            elif self._new and self._new[0].ready <= now:
                taken.append(self._new.popleft())
            else:
                break
        self.waiting -= sum(len(thing.numbers) for thing in taken)
        return taken

    def failed(self, things: Iterable[Thing], taken_at: float, now: float) -> None:
        """These were not stored: they come again, or are set aside."""
        for thing in things:
            ready = self.comes_again(thing, taken_at, now)
            if ready is None:
                self.aside.append(thing)
            else:
                self.again += len(thing.numbers)
                self.waiting += len(thing.numbers)
                heapq.heappush(self._later, thing._replace(ready=ready, receives=thing.receives + 1))

    def comes_again(self, thing: Thing, taken_at: float, now: float) -> float | None:
        """When; None where it has come often enough."""
        raise NotImplementedError


class SqsFeed(Feed):
    """A queue: what failed hides for its visibility, and goes to the dead letters after so many receives."""

    def __init__(self, function: Function, queue: Waiting) -> None:
        """Nothing waits."""
        super().__init__(function)
        self._queue = queue

    def comes_again(self, thing: Thing, taken_at: float, now: float) -> float | None:
        del now
        return taken_at + self._queue.visibility_s if thing.receives < self._queue.receives else None


class LogFeed(Feed):
    """A log's subscription: a payload an invocation; two tries more, and six hours of waiting for a free execution."""

    def __init__(self, function: Function, retries: int, oldest_s: float) -> None:
        """Nothing waits."""
        super().__init__(function)
        self._retries, self._oldest_s = retries, oldest_s

    def batch(self, now: float) -> list[Thing]:
        while taken := super().batch(now):
            if now - taken[0].first <= self._oldest_s:
                return taken
            self.aside += taken
        return []

    def comes_again(self, thing: Thing, taken_at: float, now: float) -> float | None:
        del taken_at
        return now + ASYNC_PAUSES_S[thing.receives - 1] if thing.receives <= self._retries else None


def failed_of(
    things: Iterable[Thing], lost: set[Key], facts: Callable[[int, str], list[Fact]]
) -> list[Thing]:
    """Which of a batch name a record that was not stored; as `cloud.intake` finds it."""
    return [
        thing
        for thing in things
        if any(
            place.key in lost
            for number in thing.numbers
            for fact in facts(number, thing.kind)
            for place in places(fact)
        )
    ]


def counted(things: Iterable[Thing]) -> Counter[str]:
    """How many messages are spoken of, by the kind of what speaks."""
    found: Counter[str] = Counter()
    for thing in things:
        found[thing.kind] += len(thing.numbers)
    return found
