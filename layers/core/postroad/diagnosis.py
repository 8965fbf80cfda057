"""Diagnosis: why a message did not arrive, where the trouble lies, and who can do what; and the three-stage answer.

Everything here is a function of facts. What a reply, a code or a label means stands in `diagnosis_rules`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from postroad.addresses import printable
from postroad.diagnosis_rules import (
    BOUNCE_LABELS,
    DELAY_LABELS,
    EXPLAINED,
    OF_RECIPIENT,
    RULES,
    STATUSES,
    WORTH_MORE_THAN_EXPIRED,
    Confidence,
    Explained,
    Label,
    Reason,
    Rule,
    Where,
    Whom,
)
from postroad.facts import Event, Fact, Source
from postroad.ids import is_ses_relay
from postroad.instants import Instant, from_datetime, to_datetime
from postroad.journey import Journey
from postroad.lifecycle import State, filtered_as, is_auto_reply, is_complaint, state_of
from postroad.lives import by_course
from postroad.phrases import phrase

# maximal_queue_lifetime, unless the relay's settings say otherwise.
QUEUE_LIFETIME_S = 5 * 86_400
# Of a reply, which anybody may write: how much is compared, and how much is shown.
_COMPARED = 4_000
_SHOWN = 1_000

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
_SUSPENDED = "delivery temporarily suspended: "
_FRAMES = (" said: ", " refused to talk to me: ")
_HERE = ("local", "virtual")
_CODE = re.compile(r"(?:smtp;)?\s?([245]\d\d)(?![\d.])")
# Not a part of an IP address or a version.
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
# Each line of a reply begins with its code; `?` is the line break as Postfix logs it.
_LINE_START = re.compile(r"\??(?<!\d)[245]\d\d(?:-| (?=[245]\.))(?:[245]\.\d{1,3}\.\d{1,3} )?")
# SES's note of expiry ends with the server's last reply: `Message expired: ...<452 4.2.2 ...>`.
_LAST_REPLY = re.compile(r"<(?=[245]\d\d[ -])")

_NAMES = {
    Where.RELAY: "our mail server",
    Where.SES: "Amazon SES",
    Where.SERVER: "the recipient's server",
    Where.RECIPIENT: "the recipient's server",
}
_LESS = {
    Confidence.HIGH: Confidence.MEDIUM,
    Confidence.MEDIUM: Confidence.LOW,
    Confidence.LOW: Confidence.LOW,
}


class Evidence(NamedTuple):
    """What decided: the rule, what it found, and the words it found it in."""

    rule: str
    found: str
    said: str


class Diagnosis(NamedTuple):
    """Why, where, and what to do by whom."""

    reason: Reason
    where: Where
    summary: str
    by: Whom
    advice: str
    confidence: Confidence
    evidence: Evidence
    disagreement: str | None

    def as_json(self) -> dict[str, Any]:
        """The diagnosis as the API and `--json` show it."""
        return self._asdict() | {"evidence": self.evidence._asdict()}


class _Heard(NamedTuple):
    """A reply taken apart: who spoke, code and status, and the words folded for comparing."""

    by: Where
    code: str
    status: str
    text: str


class _Verdict(NamedTuple):
    reason: Reason
    rule: str
    found: str
    confidence: Confidence = Confidence.HIGH
    where: Where | None = None
    explained: Explained | None = None


_UNCLEAR = _Verdict(Reason.UNDETERMINED, "none", "", Confidence.LOW)
_GAVE_UP = _Verdict(Reason.EXPIRED, "gave-up", "expired")
_COMPLAINT = _Verdict(Reason.FEEDBACK, "complaint", "Complaint", where=Where.RECIPIENT)
_AUTO_REPLY = _Verdict(
    Reason.VACATION, "auto-reply", "Transient/General", Confidence.MEDIUM, where=Where.RECIPIENT
)
# What an event says without a reply.
_BY_EVENT = {
    (Source.RELAY, Event.HANDED_OVER): _Verdict(Reason.DELIVERED, "delivered", "sent", where=Where.SERVER),
    (Source.SES, Event.DELIVERED): _Verdict(Reason.DELIVERED, "delivered", "Delivery", where=Where.SERVER),
    (Source.SES, Event.REJECTED): _Verdict(Reason.VIRUS_DETECTED, "ses-reject", "Reject", where=Where.SES),
    (Source.SES, Event.RENDER_FAILED): _Verdict(
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
    own = _own(facts)
    deciding = next((fact for fact in own if is_complaint(fact)), None) or _deciding(own)
    if deciding is None:
        return None
    state = state_of(deciding)
    if state is State.DELIVERED and is_auto_reply(own):
        return _diagnosis(deciding, _heard(deciding), _AUTO_REPLY)
    gave_up = state is State.DEFERRED and any(fact["event"] is Event.EXPIRED for fact in own)
    return diagnose_reply(deciding, rules, gave_up=gave_up)


def diagnose_reply(fact: Fact, rules: Sequence[Rule] = RULES, *, gave_up: bool = False) -> Diagnosis | None:
    """Diagnose what one fact says; None for one that says neither that mail arrived nor that it did not."""
    heard = _heard(fact)
    plain = _COMPLAINT if is_complaint(fact) else _BY_EVENT.get((fact["source"], fact["event"]))
    if plain:
        return _diagnosis(fact, heard, plain)
    if state_of(fact) not in _TROUBLE:
        return None
    return _diagnosis(fact, heard, _judged(fact, heard, rules, gave_up=gave_up))


def _own(facts: Iterable[Fact]) -> list[Fact]:
    """The facts in one order, whatever order they came in; a filter that gave the message back was no destination."""
    said = sorted(facts, key=lambda fact: (by_course(fact), repr(sorted(fact.items()))))
    queue_ids = {fact.get("queue_id") for fact in said}
    return [fact for fact in said if (filtered_as(fact) or "-") not in queue_ids]


def _deciding(facts: list[Fact]) -> Fact | None:
    """The last fact of those that brought the journey to its state, if that says how it went."""
    reached = [(state, fact.get("at", ""), fact) for fact in facts if (state := state_of(fact)) is not None]
    highest = max(reached, key=lambda one: one[:2], default=None)
    if highest is None or not (highest[0] in _TROUBLE or highest[0] is State.DELIVERED):
        return None
    return highest[2]


# --- what was said ---------------------------------------------------------------------------------------------------


def _heard(fact: Fact) -> _Heard:
    frame, words = _apart(fact)
    return _taken_in(_speaker(fact, frame, words), words, fact.get("dsn", ""))


def _taken_in(by: Where, words: str, status: str) -> _Heard:
    code = _CODE.match(words)
    statuses = [status, *_STATUS.findall(words[:_COMPARED])]
    # `5.0.0` is what Postfix and SES make up for a server that gave none.
    telling = (one for one in statuses if one and not one.endswith(".0.0"))
    return _Heard(by, code[1] if code else "", next(telling, status), _folded(words))


def _apart(fact: Fact) -> tuple[str, str]:
    """The frame that Postfix puts before a server's words, and the words."""
    reply = fact.get("reply", "").removeprefix(_SUSPENDED)
    if fact["source"] is Source.RELAY:
        for mark in _FRAMES:
            frame, found, words = reply.partition(mark)
            if found:
                return frame, words
    return "", reply


def _speaker(fact: Fact, frame: str, words: str) -> Where:
    if fact["source"] is Source.SES:
        return Where.SERVER
    if fact["event"] in (Event.REJECTED, Event.DISCARDED):
        return Where.RELAY
    relay = fact.get("relay", "")
    # Postfix's own words name the server that it tried; a server's words may name anybody.
    is_ses = is_ses_relay(relay) or is_ses_relay(frame or words)
    if frame:
        return Where.SES if is_ses else Where.SERVER
    return Where.RELAY if is_ses or relay.startswith(_HERE) else Where.SERVER


def _folded(words: str) -> str:
    text = words[:_COMPARED].casefold().replace("<crlf>", " ").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return " ".join(_LINE_START.sub(" ", text).split())


# --- what it means ---------------------------------------------------------------------------------------------------


def _judged(fact: Fact, heard: _Heard, rules: Sequence[Rule], *, gave_up: bool) -> _Verdict:
    word, label = _label(fact)
    by_label = (
        _Verdict(label.reason, "label", word, Confidence.MEDIUM, label.where, label.explained)
        if label
        else None
    )
    if label and by_label and label.is_final:
        return by_label._replace(confidence=Confidence.HIGH)
    found = _by_rules(heard, rules) or _by_status(heard) or by_label or _UNCLEAR
    if found.reason is Reason.EXPIRED:
        return _last_reply(fact, rules) or found
    if found.reason not in WORTH_MORE_THAN_EXPIRED:
        if gave_up:
            return _GAVE_UP
        if by_label and by_label.reason is Reason.EXPIRED:
            return by_label
    return found


def _label(fact: Fact) -> tuple[str, Label | None]:
    """What SES calls it, and what that means if it means anything."""
    sub_type = fact.get("bounce_sub_type") or fact.get("complaint_sub_type")
    if sub_type:
        return "/".join(filter(None, (fact.get("bounce_type"), sub_type))), BOUNCE_LABELS.get(sub_type)
    delay_type = fact.get("delay_type", "")
    return f"DeliveryDelay/{delay_type}", DELAY_LABELS.get(delay_type)


def _by_rules(heard: _Heard, rules: Sequence[Rule]) -> _Verdict | None:
    for rule in rules:
        found = _found(rule, heard)
        if found is not None:
            return _Verdict(rule.reason, rule.name, found, rule.confidence, rule.where, rule.explained)
    return None


def _found(rule: Rule, heard: _Heard) -> str | None:
    narrowed = (
        (not rule.said_by or heard.by in rule.said_by)
        and (not rule.codes or heard.code.startswith(rule.codes))
        and (not rule.statuses or _is_one_of(heard.status, rule.statuses))
    )
    if not narrowed:
        return None
    if not rule.phrases:
        return f"{heard.code} {heard.status}".strip()
    return next((one for one in rule.phrases if _occurs(one, heard.text)), None)


def _is_one_of(status: str, patterns: Iterable[str]) -> bool:
    return any(one in (status, f"x{status[1:]}") for one in patterns)


def _occurs(words: str, text: str) -> bool:
    """Look for the parts between the stars one after the other: one pass over the text."""
    start = 0
    for part in words.split("*"):
        at = text.find(part, start)
        if at < 0:
            return False
        start = at + len(part)
    return True


def _by_status(heard: _Heard) -> _Verdict | None:
    reason = STATUSES.get(heard.status[2:])
    if reason is None:
        return None
    if reason is Reason.HOST_UNKNOWN and heard.status.startswith("4"):
        reason = Reason.NETWORK_ERROR
    return _Verdict(reason, "status", heard.status, Confidence.MEDIUM)


def _last_reply(fact: Fact, rules: Sequence[Rule]) -> _Verdict | None:
    """What the server said last of mail that was given up, if it tells more than that time was over."""
    words = _apart(fact)[1]
    start = _LAST_REPLY.search(words)
    if start is None:
        return None
    heard = _taken_in(Where.SERVER, words[start.end() :], "")
    found = _by_rules(heard, rules) or _by_status(heard)
    return found if found and found.reason in WORTH_MORE_THAN_EXPIRED else None


# --- how it is told --------------------------------------------------------------------------------------------------


def _diagnosis(fact: Fact, heard: _Heard, verdict: _Verdict) -> Diagnosis:
    where = verdict.where or _where(verdict.reason, heard.by)
    disagreement = next(_disagreements(fact, heard, verdict), None)
    told = verdict.explained or EXPLAINED[verdict.reason]
    summary = told.summary.format(by=_NAMES[where], to=_peer(fact, where))
    return Diagnosis(
        reason=verdict.reason,
        where=where,
        summary=f"{summary[0].upper()}{summary[1:]}.",
        by=told.by,
        advice=told.advice + (_CLEAR_THE_ADDRESS if _may_be_right(fact, verdict.reason) else ""),
        confidence=_LESS[verdict.confidence] if disagreement else verdict.confidence,
        evidence=Evidence(verdict.rule, printable(verdict.found), printable(_said(fact))[:_SHOWN]),
        disagreement=disagreement,
    )


def _where(reason: Reason, by: Where) -> Where:
    return Where.RECIPIENT if by is Where.SERVER and reason in OF_RECIPIENT else by


def _peer(fact: Fact, where: Where) -> str:
    """The server at the other end of a connection that failed."""
    if where is not Where.RELAY or fact["event"] is Event.REJECTED:
        return _NAMES[where]
    said = fact.get("relay", "") + fact.get("reply", "")
    return _NAMES[Where.SES] if is_ses_relay(said) else "the next server"


def _said(fact: Fact) -> str:
    return fact.get("reply") or _label(fact)[0].removesuffix("DeliveryDelay/") or "no text given"


_CLEAR_THE_ADDRESS = " The address itself may be right: see that it does not stay on a suppression list."
_TELLS_OF_ADDRESS = OF_RECIPIENT | {Reason.SUPPRESSED, Reason.NOT_ACCEPT, Reason.UNDETERMINED}


def _may_be_right(fact: Fact, reason: Reason) -> bool:
    """SES puts an address on its list after a permanent bounce, whatever the bounce was for."""
    return fact.get("bounce_type") == "Permanent" and reason not in _TELLS_OF_ADDRESS


def _disagreements(fact: Fact, heard: _Heard, verdict: _Verdict) -> Iterator[str]:
    word, label = _label(fact)
    codes = " ".join(filter(None, (heard.code, heard.status)))
    classes = {one[0] for one in (heard.code, heard.status) if one}
    named = _named_class(fact)
    if named == "4" and classes == {"5"}:
        yield f"Amazon SES calls it temporary ({word}), but the reply says that it is final ({codes})."
    if named == "5" and "4" in classes:
        yield f"Amazon SES calls it final ({word}), but the reply says that it may pass ({codes})."
    if label and _is_other(label.reason, verdict.reason):
        yield f"Amazon SES calls it {word}, but the reply says otherwise ({verdict.found})."
    # Postfix fits the status to what it does (smtp_sasl_auth_soft_bounce); an expired reply is a soft one.
    if fact["source"] is Source.SES and len(classes) > 1 and not heard.status.endswith(".4.7"):
        yield f"The reply contradicts itself: its code is {heard.code}, its status {heard.status}."


def _named_class(fact: Fact) -> str | None:
    """The class that SES's label stands for; a named soft bounce (MailboxFull) may well carry a final code."""
    if fact["event"] is Event.DELAYED:
        return "4" if fact["source"] is Source.SES else None
    if fact.get("bounce_type") == "Permanent":
        return "5"
    is_plain = (fact.get("bounce_type"), fact.get("bounce_sub_type")) == ("Transient", "General")
    return "4" if is_plain else None


# Where label and reply differ in one of these, they mean different things; other labels are only coarse.
_DISTINCT = OF_RECIPIENT | {Reason.MESG_TOO_BIG}
_COARSE = (Reason.EXPIRED, Reason.SYSTEM_ERROR, Reason.SUPPRESSED)


def _is_other(named: Reason, found: Reason) -> bool:
    return (
        named is not found
        and named not in _COARSE
        and bool({named, found} & _DISTINCT)
        and found
        not in (
            Reason.EXPIRED,
            Reason.VACATION,
        )
    )


# --- the three-stage answer ------------------------------------------------------------------------------------------


class Progress(StrEnum):
    """How a stage stands."""

    YES = "yes"
    NO = "no"
    WAITING = "waiting"
    UNKNOWN = "unknown"


class Stage(NamedTuple):
    """One of the three questions and its answer; `line` is the evidence, None where there is none."""

    question: str
    state: Progress
    text: str
    at: Instant | None
    line: str | None


class Overlay(NamedTuple):
    """What else has to be known beside the state."""

    kind: str
    text: str
    at: Instant


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


QUESTIONS = (
    "Did it leave our application and our mail server?",
    "Did Amazon SES take it, and is it still there?",
    "What did the recipient's server say?",
)


class _Route(StrEnum):
    """Who had to pass it on last."""

    RELAY = "relay"  # our mail server, to Amazon SES
    DIRECT = "direct"  # our mail server, to the recipient's
    SES = "ses"


class _Told(NamedTuple):
    state: Progress
    text: str


class _Course(NamedTuple):
    """What a state means for each stage, and which of them (0, 1, 2) the deciding fact is the evidence of."""

    decided: int
    told: tuple[_Told, _Told, _Told]


_LEFT = _Told(Progress.YES, "Our mail server handed it to Amazon SES.")
_NOT_YET = _Told(Progress.WAITING, "Amazon SES has not had it yet.")
_NEVER_AT_SES = _Told(Progress.NO, "Amazon SES never had it.")
_NOT_BY_SES = _Told(Progress.NO, "It does not go through Amazon SES.")
_TO_BE_ASKED = _Told(Progress.WAITING, "It has not been asked yet.")
_NEVER_ASKED = _Told(Progress.UNKNOWN, "It was never asked.")
_PASSED_ON = _Told(Progress.YES, "Amazon SES took it and has done with it; nothing is left there.")
_NO_OUTCOME = _Told(Progress.WAITING, "Amazon SES took it, and has not told what became of it.")
_NOT_KNOWN = _Told(Progress.UNKNOWN, "Nothing is known of it yet.")
_TAKEN = _Told(
    Progress.YES,
    "It accepted the message. Whether it lies in the inbox or in the spam folder cannot be seen from here.",
)
_SAID_NO = _Told(Progress.NO, "{summary}")
_PUT_OFF = _Told(Progress.WAITING, "{summary}")

_COURSES: dict[tuple[State, _Route], _Course] = {
    (State.QUEUED, _Route.RELAY): _Course(
        0, (_Told(Progress.WAITING, "It is in our mail queue."), _NOT_YET, _TO_BE_ASKED)
    ),
    (State.DEFERRED, _Route.RELAY): _Course(
        0, (_Told(Progress.WAITING, "Our mail server keeps trying. {summary}"), _NOT_YET, _TO_BE_ASKED)
    ),
    (State.DEFERRED, _Route.DIRECT): _Course(
        2, (_Told(Progress.WAITING, "Our mail server keeps trying."), _NOT_BY_SES, _PUT_OFF)
    ),
    (State.RELAYED, _Route.SES): _Course(0, (_LEFT, _NO_OUTCOME, _NOT_KNOWN)),
    (State.ACCEPTED, _Route.SES): _Course(1, (_LEFT, _NO_OUTCOME, _NOT_KNOWN)),
    (State.DELAYED, _Route.SES): _Course(
        2, (_LEFT, _Told(Progress.WAITING, "Amazon SES took it and keeps trying."), _PUT_OFF)
    ),
    (State.SOFT_BOUNCED, _Route.RELAY): _Course(
        0, (_Told(Progress.NO, "Our mail server did not pass it on. {summary}"), _NEVER_AT_SES, _NEVER_ASKED)
    ),
    (State.SOFT_BOUNCED, _Route.DIRECT): _Course(
        2, (_Told(Progress.NO, "Our mail server gave up."), _NOT_BY_SES, _SAID_NO)
    ),
    (State.SOFT_BOUNCED, _Route.SES): _Course(2, (_LEFT, _PASSED_ON, _SAID_NO)),
    (State.DELIVERED, _Route.DIRECT): _Course(
        2, (_Told(Progress.YES, "Our mail server handed it to the recipient's."), _NOT_BY_SES, _TAKEN)
    ),
    (State.DELIVERED, _Route.SES): _Course(2, (_LEFT, _PASSED_ON, _TAKEN)),
    (State.BOUNCED, _Route.RELAY): _Course(
        1, (_Told(Progress.NO, "Our mail server could not pass it on."), _SAID_NO, _NEVER_ASKED)
    ),
    (State.BOUNCED, _Route.DIRECT): _Course(
        2, (_Told(Progress.NO, "Our mail server could not pass it on."), _NOT_BY_SES, _SAID_NO)
    ),
    (State.BOUNCED, _Route.SES): _Course(2, (_LEFT, _PASSED_ON, _SAID_NO)),
    (State.SUPPRESSED, _Route.SES): _Course(1, (_LEFT, _SAID_NO, _NEVER_ASKED)),
    (State.REJECTED, _Route.RELAY): _Course(0, (_SAID_NO, _NEVER_AT_SES, _NEVER_ASKED)),
    (State.REJECTED, _Route.SES): _Course(1, (_LEFT, _SAID_NO, _NEVER_ASKED)),
}
_NO_LOG = "It reached Amazon SES; no log of a mail server of ours tells how."
_ON_HOLD = "It is on hold in our mail queue until an operator releases it."
# The line of a hold at arrival names no queue id; what is on hold never becomes active.
_NOT_BEGUN = "It is in our mail queue, and its delivery has not begun; it may be on hold."
# Evidence of a stage that the deciding fact is not evidence of: the first of these that was said.
_PROOFS: tuple[tuple[tuple[Source, Event], ...], ...] = (
    (
        (Source.RELAY, Event.RELAYED),
        (Source.RELAY, Event.HANDED_OVER),
        (Source.RELAY, Event.DELETED),
        (Source.RELAY, Event.EXPIRED),
        (Source.RELAY, Event.BOUNCED),
        (Source.RELAY, Event.DEFERRED),
        (Source.RELAY, Event.ACTIVE),
        (Source.RELAY, Event.MESSAGE_ID),
        (Source.RELAY, Event.CLIENT),
        (Source.RELAY, Event.PICKUP),
        (Source.SES, Event.SUBMITTED),
    ),
    ((Source.SES, Event.ACCEPTED), (Source.RELAY, Event.RELAYED), (Source.SES, Event.SUBMITTED)),
    (),
)


class _Case(NamedTuple):
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


def stages(
    journey: Journey,
    facts: Iterable[Fact],
    rules: Sequence[Rule] = RULES,
    *,
    queue_lifetime_s: int = QUEUE_LIFETIME_S,
) -> Answer:
    """Answer the three questions on a journey, from the facts that it was assembled from."""
    own = _own(facts)
    deciding = _deciding(own)
    case = _Case(journey, own, deciding, diagnose_reply(deciding, rules) if deciding else None)
    course = _course(case)
    return Answer(
        tuple(_stage(number, course, case) for number in range(len(QUESTIONS))),
        [
            *_complaints(case),
            *_came_back(case),
            *_silent(case),
            *_held(case),
            *_retrying(case, queue_lifetime_s),
        ],
        diagnose(own, rules),
    )


def _course(case: _Case) -> _Course:
    # An operator's rule may place the trouble where its state cannot have it.
    ways = ((case.journey.state, route) for route in (_route(case), *_Route))
    return next(_COURSES[way] for way in ways if way in _COURSES)


def _route(case: _Case) -> _Route:
    if case.deciding is None or case.why is None:
        return _Route.SES if case.journey.state in (State.RELAYED, State.ACCEPTED) else _Route.RELAY
    if case.deciding["source"] is Source.SES:
        return _Route.SES
    return _Route.DIRECT if case.why.where in (Where.SERVER, Where.RECIPIENT) else _Route.RELAY


def _stage(number: int, course: _Course, case: _Case) -> Stage:
    told, proof = course.told[number], _proof(number, course, case)
    text = (_exception(case) if number == 0 else None) or told.text
    return Stage(
        QUESTIONS[number],
        told.state,
        text.replace("{summary}", case.summary).strip(),
        proof["at"] if proof else None,
        _line(proof, case.journey) if proof else None,
    )


def _exception(case: _Case) -> str | None:
    """What to say of our own server instead of what the state alone would say."""
    if case.journey.state in (State.QUEUED, State.DEFERRED):
        if next(_held(case), None):
            return _ON_HOLD
        began = any(fact["event"] in (Event.ACTIVE, Event.DEFERRED) for fact in case.facts)
        return None if began else _NOT_BEGUN
    came_by_itself = not case.journey.queue_ids and any(fact["source"] is Source.SES for fact in case.facts)
    return _NO_LOG if came_by_itself else None


def _proof(number: int, course: _Course, case: _Case) -> Fact | None:
    if number == course.decided and case.deciding:
        return case.deciding
    said = (
        [fact for fact in case.facts if (fact["source"], fact["event"]) == kind] for kind in _PROOFS[number]
    )
    return next((facts[-1] for facts in said if facts), None)


def _line(fact: Fact, journey: Journey) -> str | None:
    shown = (fact["at"], fact["source"], fact["event"], phrase(fact))
    for entry in journey.timeline:
        if (entry["at"], entry["source"], entry["event"], entry["text"]) == shown:
            return entry["line"]
    return None


# --- what else has to be known ---------------------------------------------------------------------------------------


def _complaints(case: _Case) -> Iterator[Overlay]:
    for fact in case.facts:
        if is_complaint(fact):
            of_n = f", possibly one of {fact['recipients']} recipients," if "recipients" in fact else ""
            yield Overlay("complained", f"The recipient{of_n} reported it as unwanted.", fact["at"])


def _came_back(case: _Case) -> Iterator[Overlay]:
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


def _silent(case: _Case) -> Iterator[Overlay]:
    if case.journey.silent:
        text = "Amazon SES took it more than an hour ago and has said nothing since; its events may not reach us."
        yield Overlay("silent", text, case.journey.last_seen)


def _held(case: _Case) -> Iterator[Overlay]:
    turns = [fact for fact in case.facts if fact["event"] in (Event.HELD, Event.RELEASED)]
    if turns and turns[-1]["event"] is Event.HELD and case.journey.state in (State.QUEUED, State.DEFERRED):
        yield Overlay("held", _ON_HOLD, turns[-1]["at"])


def _retrying(case: _Case, queue_lifetime_s: int) -> Iterator[Overlay]:
    event = {State.DEFERRED: Event.DEFERRED, State.DELAYED: Event.DELAYED}.get(case.journey.state)
    tries = [fact for fact in case.facts if fact["event"] is event]
    if tries and not next(_held(case), None):
        ends = _gives_up(case, tries, queue_lifetime_s)
        until = f" It is given up on {ends[:10]} at {ends[11:16]} UTC." if ends else ""
        count = "once" if len(tries) == 1 else f"{len(tries)} times"
        yield Overlay("retrying", f"Put off {count}, and still tried. {case.summary}{until}", tries[-1]["at"])


def _gives_up(case: _Case, tries: list[Fact], queue_lifetime_s: int) -> Instant | None:
    if case.journey.state is State.DELAYED:
        return max((fact["expiration_time"] for fact in tries if "expiration_time" in fact), default=None)
    arrived = to_datetime(case.journey.first_seen)
    return from_datetime(arrived + timedelta(seconds=queue_lifetime_s))
