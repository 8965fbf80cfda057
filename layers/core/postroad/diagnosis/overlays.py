"""What has to be known of a journey beside its state."""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from postroad.diagnosis.case import Case
from postroad.facts import Event, Fact
from postroad.instants import Instant, from_datetime, to_datetime
from postroad.lifecycle import State, is_complaint
from postroad.phrases import phrase

# maximal_queue_lifetime, unless the relay's settings say otherwise.
QUEUE_LIFETIME_S = 5 * 86_400
ON_HOLD = "It is on hold in our mail queue until an operator releases it."


class Overlay(NamedTuple):
    """What else has to be known beside the state."""

    kind: str
    text: str
    at: Instant


def overlays(case: Case, queue_lifetime_s: int) -> Iterator[Overlay]:
    """All that has to be known beside the state; the relay gives up after `queue_lifetime_s`."""
    yield from _complaints(case)
    yield from _came_back(case)
    yield from _silent(case)
    yield from held(case)
    yield from _retrying(case, queue_lifetime_s)


def _complaints(case: Case) -> Iterator[Overlay]:
    for fact in case.facts:
        if is_complaint(fact):
            of_n = f", possibly one of {fact['recipients']} recipients," if "recipients" in fact else ""
            yield Overlay("complained", f"The recipient{of_n} reported it as unwanted.", fact["at"])


def _came_back(case: Case) -> Iterator[Overlay]:
    """What came back of a message that had been accepted."""
    bounces = [fact for fact in case.facts if fact.get("bounce_type")]
    if not bounces or not any(fact["event"] is Event.DELIVERED for fact in case.facts):
        return
    if case.journey.state is State.DELIVERED and case.journey.auto_reply:
        text = "An automatic reply is suspected, such as an out-of-office note; the message was delivered."
        yield Overlay("auto-reply", text, bounces[-1]["at"])
    else:
        text = f"The recipient's server accepted it, and later sent it back: {phrase(bounces[-1])}."
        yield Overlay("late-bounce", text, bounces[-1]["at"])


def _silent(case: Case) -> Iterator[Overlay]:
    if case.journey.silent:
        text = "Amazon SES took it more than an hour ago and has said nothing since; its events may not reach us."
        yield Overlay("silent", text, case.journey.last_seen)


def held(case: Case) -> Iterator[Overlay]:
    """Tell of mail that an operator holds back."""
    turns = [fact for fact in case.facts if fact["event"] in (Event.HELD, Event.RELEASED)]
    if turns and turns[-1]["event"] is Event.HELD and case.journey.state in (State.QUEUED, State.DEFERRED):
        yield Overlay("held", ON_HOLD, turns[-1]["at"])


def _retrying(case: Case, queue_lifetime_s: int) -> Iterator[Overlay]:
    event = {State.DEFERRED: Event.DEFERRED, State.DELAYED: Event.DELAYED}.get(case.journey.state)
    tries = [fact for fact in case.facts if fact["event"] is event]
    if tries and not next(held(case), None):
        ends = _gives_up(case, tries, queue_lifetime_s)
        until = f" It is given up on {ends[:10]} at {ends[11:16]} UTC." if ends else ""
        count = "once" if len(tries) == 1 else f"{len(tries)} times"
        yield Overlay("retrying", f"Put off {count}, and still tried. {case.summary}{until}", tries[-1]["at"])


def _gives_up(case: Case, tries: list[Fact], queue_lifetime_s: int) -> Instant | None:
    if case.journey.state is State.DELAYED:
        return max((fact["expiration_time"] for fact in tries if "expiration_time" in fact), default=None)
    arrived = to_datetime(case.journey.first_seen)
    return from_datetime(arrived + timedelta(seconds=queue_lifetime_s))
