"""What each state means for each of the three stages: our own mail server, Amazon SES, the recipient's server."""

from enum import StrEnum
from typing import NamedTuple

from postroad.facts import Event, Source
from postroad.lifecycle import State


class Progress(StrEnum):
    """How a stage stands."""

    YES = "yes"
    NO = "no"
    WAITING = "waiting"
    UNKNOWN = "unknown"


class Route(StrEnum):
    """Who had to pass it on last."""

    RELAY = "relay"  # our mail server, to Amazon SES
    DIRECT = "direct"  # our mail server, to the recipient's
    SES = "ses"


class Told(NamedTuple):
    """How a stage stands, and what is said of it."""

    state: Progress
    text: str


class Course(NamedTuple):
    """What a state means for each stage, and which of them (0, 1, 2) the deciding fact is the evidence of."""

    decided: int
    told: tuple[Told, Told, Told]


_LEFT = Told(Progress.YES, "Our mail server handed it to Amazon SES.")
_NOT_YET = Told(Progress.WAITING, "Amazon SES has not had it yet.")
_NEVER_AT_SES = Told(Progress.NO, "Amazon SES never had it.")
_NOT_BY_SES = Told(Progress.NO, "It does not go through Amazon SES.")
_TO_BE_ASKED = Told(Progress.WAITING, "It has not been asked yet.")
_NEVER_ASKED = Told(Progress.UNKNOWN, "It was never asked.")
_PASSED_ON = Told(Progress.YES, "Amazon SES took it and has done with it; nothing is left there.")
_NO_OUTCOME = Told(Progress.WAITING, "Amazon SES took it, and has not told what became of it.")
_NOT_KNOWN = Told(Progress.UNKNOWN, "Nothing is known of it yet.")
_TAKEN = Told(
    Progress.YES,
    "It accepted the message. Whether it lies in the inbox or in the spam folder cannot be seen from here.",
)
_SAID_NO = Told(Progress.NO, "{summary}")
_PUT_OFF = Told(Progress.WAITING, "{summary}")
COURSES: dict[tuple[State, Route], Course] = {
    (State.QUEUED, Route.RELAY): Course(
        0, (Told(Progress.WAITING, "It is in our mail queue."), _NOT_YET, _TO_BE_ASKED)
    ),
    (State.DEFERRED, Route.RELAY): Course(
        0, (Told(Progress.WAITING, "Our mail server keeps trying. {summary}"), _NOT_YET, _TO_BE_ASKED)
    ),
    (State.DEFERRED, Route.DIRECT): Course(
        2, (Told(Progress.WAITING, "Our mail server keeps trying."), _NOT_BY_SES, _PUT_OFF)
    ),
    (State.RELAYED, Route.SES): Course(0, (_LEFT, _NO_OUTCOME, _NOT_KNOWN)),
    (State.ACCEPTED, Route.SES): Course(1, (_LEFT, _NO_OUTCOME, _NOT_KNOWN)),
    (State.DELAYED, Route.SES): Course(
        2, (_LEFT, Told(Progress.WAITING, "Amazon SES took it and keeps trying."), _PUT_OFF)
    ),
    (State.SOFT_BOUNCED, Route.RELAY): Course(
        0, (Told(Progress.NO, "Our mail server did not pass it on. {summary}"), _NEVER_AT_SES, _NEVER_ASKED)
    ),
    (State.SOFT_BOUNCED, Route.DIRECT): Course(
        2, (Told(Progress.NO, "Our mail server gave up."), _NOT_BY_SES, _SAID_NO)
    ),
    (State.SOFT_BOUNCED, Route.SES): Course(2, (_LEFT, _PASSED_ON, _SAID_NO)),
    (State.DELIVERED, Route.DIRECT): Course(
        2, (Told(Progress.YES, "Our mail server handed it to the recipient's."), _NOT_BY_SES, _TAKEN)
    ),
    (State.DELIVERED, Route.SES): Course(2, (_LEFT, _PASSED_ON, _TAKEN)),
    (State.BOUNCED, Route.RELAY): Course(
        1, (Told(Progress.NO, "Our mail server could not pass it on."), _SAID_NO, _NEVER_ASKED)
    ),
    (State.BOUNCED, Route.DIRECT): Course(
        2, (Told(Progress.NO, "Our mail server could not pass it on."), _NOT_BY_SES, _SAID_NO)
    ),
    (State.BOUNCED, Route.SES): Course(2, (_LEFT, _PASSED_ON, _SAID_NO)),
    (State.SUPPRESSED, Route.SES): Course(1, (_LEFT, _SAID_NO, _NEVER_ASKED)),
    (State.REJECTED, Route.RELAY): Course(0, (_SAID_NO, _NEVER_AT_SES, _NEVER_ASKED)),
    (State.REJECTED, Route.SES): Course(1, (_LEFT, _SAID_NO, _NEVER_ASKED)),
}
# Evidence of a stage that the deciding fact is not evidence of: the first of these that was said.
PROOFS: tuple[tuple[tuple[Source, Event], ...], ...] = (
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
