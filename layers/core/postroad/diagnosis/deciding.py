"""Which fact decided how it went, and what that means."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from postroad.diagnosis.explained import Explained
from postroad.diagnosis.heard import heard_of
from postroad.diagnosis.reasons import Confidence, Reason, Where, Whom
from postroad.diagnosis.rule import Rule
from postroad.diagnosis.rules import RULES
from postroad.diagnosis.told import Diagnosis, diagnosis_of
from postroad.diagnosis.verdict import Verdict, judged
from postroad.facts import Event, Fact, Source
from postroad.lifecycle import State, filtered_as, is_auto_reply, is_complaint, state_of
from postroad.lives import by_course, written_out

_TROUBLE = frozenset(
    {
        State.DEFERRED,
        State.DELAYED,
        State.SOFT_BOUNCED,
        State.BOUNCED,
        State.SUPPRESSED,
        State.REJECTED,
    }
)
_COMPLAINT = Verdict(Reason.FEEDBACK, "complaint", "Complaint", where=Where.RECIPIENT)
_AUTO_REPLY = Verdict(
    Reason.VACATION, "auto-reply", "Transient/General", Confidence.MEDIUM, where=Where.RECIPIENT
)
# What an event says without a reply.
_BY_EVENT = {
    (Source.RELAY, Event.HANDED_OVER): Verdict(Reason.DELIVERED, "delivered", "sent", where=Where.SERVER),
    (Source.SES, Event.DELIVERED): Verdict(Reason.DELIVERED, "delivered", "Delivery", where=Where.SERVER),
    (Source.SES, Event.REJECTED): Verdict(Reason.VIRUS_DETECTED, "ses-reject", "Reject", where=Where.SES),
    (Source.SES, Event.RENDER_FAILED): Verdict(
        Reason.CONTENT_ERROR,
        "ses-rendering-failure",
        "Rendering Failure",
        where=Where.SES,
        explained=Explained(
            "Amazon SES could not fill in the template of this message",
            Whom.SENDER,
            "Correct the template, or give it the value that the reply names.",
        ),
    ),
}


def diagnose(facts: Iterable[Fact], rules: Sequence[Rule] = RULES) -> Diagnosis | None:
    """Diagnose one journey from all its facts; None while nothing has gone wrong and nothing has arrived."""
    own = own_facts(facts)
    deciding = deciding_fact(own)
    return overruled(own, deciding, rules) or (diagnose_reply(deciding, rules) if deciding else None)


def overruled(own: list[Fact], deciding: Fact | None, rules: Sequence[Rule]) -> Diagnosis | None:
    """What counts for more than the deciding fact's own words: a complaint, an automatic reply, an end of patience."""
    complaint = next((fact for fact in own if is_complaint(fact)), None)
    if complaint:
        return diagnose_reply(complaint, rules)
    state = state_of(deciding) if deciding else None
    if deciding and state is State.DELIVERED and is_auto_reply(own):
        return diagnosis_of(deciding, heard_of(deciding), _AUTO_REPLY)
    if deciding and state is State.DEFERRED and any(fact["event"] is Event.EXPIRED for fact in own):
        return diagnose_reply(deciding, rules, gave_up=True)
    return None


def diagnose_reply(fact: Fact, rules: Sequence[Rule] = RULES, *, gave_up: bool = False) -> Diagnosis | None:
    """Diagnose what one fact says; None for one that says neither that mail arrived nor that it did not."""
    heard = heard_of(fact)
    plain = _COMPLAINT if is_complaint(fact) else _BY_EVENT.get((fact["source"], fact["event"]))
    if plain:
        return diagnosis_of(fact, heard, plain)
    if state_of(fact) not in _TROUBLE:
        return None
    return diagnosis_of(fact, heard, judged(fact, heard, rules, gave_up=gave_up))


def own_facts(facts: Iterable[Fact]) -> list[Fact]:
    """The facts in one order, whatever order they came in; a filter that gave the message back was no destination."""
    said = _in_order(facts)
    queue_ids = {fact.get("queue_id") for fact in said}
    return [fact for fact in said if (filtered_as(fact) or "-") not in queue_ids]


def _in_order(facts: Iterable[Fact]) -> list[Fact]:
    together: defaultdict[tuple[str, int], list[Fact]] = defaultdict(list)
    for fact in facts:
        together[by_course(fact)].append(fact)
    return [fact for course in sorted(together) for fact in _parted(together[course])]


def _parted(facts: list[Fact]) -> list[Fact]:
    # To write out all of them, and not only those of one time and event, took a tenth of a question.
    return sorted(facts, key=written_out) if len(facts) > 1 else facts


def deciding_fact(facts: list[Fact]) -> Fact | None:
    """The last fact of those that brought the journey to its state, if that says how it went."""
    reached = [(state, fact.get("at", ""), fact) for fact in facts if (state := state_of(fact)) is not None]
    highest = max(reached, key=lambda one: one[:2], default=None)
    if highest is None or not (highest[0] in _TROUBLE or highest[0] is State.DELIVERED):
        return None
    return highest[2]
