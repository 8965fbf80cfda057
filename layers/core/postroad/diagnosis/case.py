"""A journey, and the fact that decided how it went."""

from typing import NamedTuple

from postroad.diagnosis.told import Diagnosis
from postroad.facts import Event, Fact
from postroad.journey import Journey
from postroad.phrases import phrase


class Case(NamedTuple):
    """A journey as the answer is made of it; `why` is of the deciding fact alone."""

    journey: Journey
    facts: list[Fact]
    deciding: Fact | None
    why: Diagnosis | None

    @property
    def summary(self) -> str:
        """Why, or how mail ended that nobody refused: by an operator, or with its time."""
        ends = [fact for fact in self.facts if fact["event"] in (Event.EXPIRED, Event.DELETED)]
        return self.why.summary if self.why else "".join(f"{phrase(fact)}." for fact in ends[-1:])
