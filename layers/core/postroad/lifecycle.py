"""Where a delivery stands: the highest rank among what its facts say, so that their order cannot matter."""

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from postroad.facts import Event, Fact, Source


class State(IntEnum):
    """One word for where a delivery stands; its number is its rank."""

    QUEUED = 10
    DEFERRED = 20
    RELAYED = 30
    ACCEPTED = 40
    DELAYED = 50
    SOFT_BOUNCED = 55
    DELIVERED = 60
    BOUNCED = 70
    SUPPRESSED = 72
    REJECTED = 75

    @property
    def word(self) -> str:
        """The state as people and programs read it, `soft-bounced`."""
        return self.name.lower().replace("_", "-")


class Meaning(NamedTuple):
    """What a state rests on, and what support staff are told."""

    said_by: str
    shown: str


MEANINGS = {
    State.QUEUED: Meaning("queue facts only", "In our mail queue"),
    State.DEFERRED: Meaning("relay `status=deferred`", "Our server is retrying"),
    State.RELAYED: Meaning("relay `status=sent` to SES", "Handed to Amazon SES"),
    State.ACCEPTED: Meaning("SES Send (or any other SES event)", "Amazon SES accepted it"),
    State.DELAYED: Meaning("SES DeliveryDelay", "The recipient's server is making SES wait"),
    State.SOFT_BOUNCED: Meaning(
        "SES Bounce Transient or Undetermined; relay expired, or deleted by an operator",
        "Gave up after temporary failures",
    ),
    State.DELIVERED: Meaning(
        "SES Delivery; relay `status=sent` to a final host", "Accepted by the recipient's server"
    ),
    State.BOUNCED: Meaning("SES Bounce Permanent; relay `status=bounced`", "Refused"),
    State.SUPPRESSED: Meaning(
        "bounceSubType ...SuppressionList, ...Suppressed, UnsubscribedRecipient",
        "Not attempted: on a suppression list",
    ),
    State.REJECTED: Meaning(
        "NOQUEUE or milter reject; SES Reject; Rendering Failure", "Refused before it was sent"
    ),
}
BY_WORD = {state.word: state for state in State}
# What an operator looks for: everything that failed, or may yet.
PROBLEMS = frozenset(State) - {State.QUEUED, State.RELAYED, State.ACCEPTED, State.DELIVERED}

_QUEUE_EVENTS = (
    Event.CLIENT,
    Event.PICKUP,
    Event.MESSAGE_ID,
    Event.SUBJECT,
    Event.ACTIVE,
    Event.HELD,
    Event.RELEASED,
)
_BY_EVENT = {
    **{(Source.RELAY, event): State.QUEUED for event in _QUEUE_EVENTS},
    (Source.RELAY, Event.DEFERRED): State.DEFERRED,
    (Source.RELAY, Event.RELAYED): State.RELAYED,
    (Source.RELAY, Event.HANDED_OVER): State.DELIVERED,
    (Source.RELAY, Event.BOUNCED): State.BOUNCED,
    (Source.RELAY, Event.REJECTED): State.REJECTED,
    (Source.RELAY, Event.DISCARDED): State.REJECTED,
    # SES speaks of no message that it did not take, so a lost Send hides nothing.
    (Source.SES, Event.SUBMITTED): State.ACCEPTED,
    (Source.SES, Event.ACCEPTED): State.ACCEPTED,
    (Source.SES, Event.DELAYED): State.DELAYED,
    (Source.SES, Event.DELIVERED): State.DELIVERED,
    (Source.SES, Event.REJECTED): State.REJECTED,
    (Source.SES, Event.RENDER_FAILED): State.REJECTED,
}


# A content filter's hand-over and return both run over loopback; what another host calls it is no business of ours.
_LOOPBACK = re.compile(r"[^\[]*\[(?:127\.[\d.]+|::1)\]")
_QUEUED_AS = re.compile(r".*\bqueued as (\w+)")


def filtered_as(fact: Fact) -> str | None:
    """The queue id under which a message comes back from a content filter on the same host; None for any other fact."""
    if fact["event"] is not Event.HANDED_OVER or not _LOOPBACK.match(fact["relay"]):
        return None
    found = _QUEUED_AS.match(fact["reply"])
    return found[1] if found else None


def state_of(fact: Fact) -> State | None:
    """The state one fact brings its delivery to; None for one that says nothing of it (an open, a complaint)."""
    if fact["source"] is Source.SES and fact["event"] in (Event.BOUNCED, Event.COMPLAINED):
        return _refused(fact)
    return _BY_EVENT.get((fact["source"], fact["event"]))


def _refused(fact: Fact) -> State | None:
    if is_suppressed(fact):
        return State.SUPPRESSED
    if fact["event"] is Event.COMPLAINED:
        return None
    return State.BOUNCED if fact.get("bounce_type") == "Permanent" else State.SOFT_BOUNCED


def is_suppressed(fact: Fact) -> bool:
    """Tell whether SES did not try because of a suppression list, its own, the account's or a contact list's."""
    sub_type = fact.get("bounce_sub_type") or fact.get("complaint_sub_type") or ""
    return sub_type.endswith(("SuppressionList", "Suppressed")) or sub_type == "UnsubscribedRecipient"


def state(facts: Iterable[Fact]) -> State:
    """The state of a delivery; one of which only queue facts are known is queued."""
    return max((found for fact in facts if (found := state_of(fact)) is not None), default=State.QUEUED)


# RFC 5965 and RFC 6591 feedback types by which nobody complains.
_NO_COMPLAINT = ("not-spam", "auth-failure")


def is_complaint(fact: Fact) -> bool:
    """Tell whether a person complained: neither a suppressed recipient nor a report of another kind."""
    if fact["event"] is not Event.COMPLAINED or is_suppressed(fact):
        return False
    return fact.get("feedback_type") not in _NO_COMPLAINT


def is_auto_reply(facts: Iterable[Fact]) -> bool:
    """Suspect an out-of-office reply: SES reports one as a Transient/General bounce of a delivered message."""
    said = list(facts)
    bounced = any(
        fact.get("bounce_type") == "Transient" and fact.get("bounce_sub_type") == "General" for fact in said
    )
    return bounced and any(fact["event"] is Event.DELIVERED for fact in said)


def is_problem(fact: Fact) -> bool:
    """Tell whether a fact makes its record one that an operator looks for."""
    return state_of(fact) in PROBLEMS or is_complaint(fact)
