"""The three-stage answer that stands at the head of a journey."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from postroad.diagnosis.case import Case
from postroad.diagnosis.courses import COURSES, PROOFS, Course, Progress, Route
from postroad.diagnosis.deciding import deciding_fact, diagnose_reply, overruled, own_facts
from postroad.diagnosis.overlays import ON_HOLD, QUEUE_LIFETIME_S, Overlay, held, overlays
from postroad.diagnosis.reasons import Where
from postroad.diagnosis.rule import Rule
from postroad.diagnosis.rules import RULES
from postroad.diagnosis.told import Diagnosis
from postroad.facts import Event, Fact, Source
from postroad.instants import Instant
from postroad.journey import Journey
from postroad.lifecycle import State
from postroad.phrases import phrase

QUESTIONS = (
    "Did it leave our application and our mail server?",
    "Did Amazon SES take it, and is it still there?",
    "What did the recipient's server say?",
)
_NO_LOG = "It reached Amazon SES; no log of a mail server of ours tells how."
# The line of a hold at arrival names no queue id; what is on hold never becomes active.
_NOT_BEGUN = "It is in our mail queue, and its delivery has not begun; it may be on hold."


class Stage(NamedTuple):
    """One of the three questions and its answer; `line` is the evidence, None where there is none."""

    question: str
    state: Progress
    text: str
    at: Instant | None
    line: str | None


class Answer(NamedTuple):
    """What stands at the head of a journey."""

    stages: tuple[Stage, ...]
    overlays: list[Overlay]
    diagnosis: Diagnosis | None

    def as_json(self) -> dict[str, Any]:
        """The answer as the API and `--json` show it."""
        return {
            "stages": [stage._asdict() for stage in self.stages],
            "overlays": [overlay._asdict() for overlay in self.overlays],
            "diagnosis": self.diagnosis.as_json() if self.diagnosis else None,
        }


def stages(
    journey: Journey,
    rules: Sequence[Rule] = RULES,
    *,
    queue_lifetime_s: int = QUEUE_LIFETIME_S,
) -> Answer:
    """Answer the three questions on a journey, from the facts that it was read from."""
    own = own_facts(journey.facts)
    deciding = deciding_fact(own)
    case = Case(journey, own, deciding, diagnose_reply(deciding, rules) if deciding else None)
    course = _course(case)
    return Answer(
        tuple(_stage(number, course, case) for number in range(len(QUESTIONS))),
        list(overlays(case, queue_lifetime_s)),
        overruled(own, deciding, rules) or case.why,
    )


def _course(case: Case) -> Course:
    # An operator's rule may place the trouble where its state cannot have it.
    ways = ((case.journey.state, route) for route in (_route(case), *Route))
    return next(COURSES[way] for way in ways if way in COURSES)


def _route(case: Case) -> Route:
    if case.deciding is None or case.why is None:
        return Route.SES if case.journey.state in (State.RELAYED, State.ACCEPTED) else Route.RELAY
    if case.deciding["source"] is Source.SES:
        return Route.SES
    return Route.DIRECT if case.why.where in (Where.SERVER, Where.RECIPIENT) else Route.RELAY


def _stage(number: int, course: Course, case: Case) -> Stage:
    told, proof = course.told[number], _proof(number, course, case)
    text = (_exception(case) if number == 0 else None) or told.text
    return Stage(
        QUESTIONS[number],
        told.state,
        text.replace("{summary}", case.summary).strip(),
        proof["at"] if proof else None,
        _line(proof, case.journey) if proof else None,
    )


def _exception(case: Case) -> str | None:
    """What to say of our own server instead of what the state alone would say."""
    if case.journey.state in (State.QUEUED, State.DEFERRED):
        if next(held(case), None):
            return ON_HOLD
        began = any(fact["event"] in (Event.ACTIVE, Event.DEFERRED) for fact in case.facts)
        return None if began else _NOT_BEGUN
    came_by_itself = not case.journey.queue_ids and any(fact["source"] is Source.SES for fact in case.facts)
    return _NO_LOG if came_by_itself else None


def _proof(number: int, course: Course, case: Case) -> Fact | None:
    if number == course.decided and case.deciding:
        return case.deciding
    said = (
        [fact for fact in case.facts if (fact["source"], fact["event"]) == kind] for kind in PROOFS[number]
    )
    return next((facts[-1] for facts in said if facts), None)


def _line(fact: Fact, journey: Journey) -> str | None:
    shown = (fact["at"], fact["source"], fact["event"], phrase(fact))
    for entry in journey.timeline:
        if (entry["at"], entry["source"], entry["event"], entry["text"]) == shown:
            return entry["line"]
    return None
