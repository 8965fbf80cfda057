"""Journeys: one message to one recipient, all its records joined, as a person sees it."""

import re
from collections import Counter
from collections.abc import Iterable
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any, NamedTuple, TypedDict

from postroad.addresses import folded
from postroad.facts import Event, Fact, Source
from postroad.hosts import is_same_host
from postroad.instants import Instant, seconds_between
from postroad.lifecycle import State, filtered_as, is_auto_reply, is_complaint, state, state_of
from postroad.lives import HOURLY, Life, by_course, written_out
from postroad.phrases import phrase
from postroad.records import Record
from postroad.unified import Claim, claim, delay, own_claim, render

SILENT_AFTER_S = 3600
# Postfix logs the line's end within a folded header as `?`, and leaves the space or tab (`?`) behind it.
_FOLD = re.compile(r"\?=\?[ ?]=\?")
_UNDECIDED = (State.QUEUED, State.DEFERRED)
# Whose word on the envelope sender counts first.
_TELL_SENDER = ((Event.ACTIVE,), (Event.SUBMITTED,), tuple(Event))
_WITHOUT_OUTCOME = (State.RELAYED, State.ACCEPTED)


class Entry(TypedDict):
    """One line of a journey's timeline; `line` is its evidence as a log line."""

    at: Instant
    source: str
    event: str
    text: str
    line: str | None


class Journey(NamedTuple):
    """What became of one message to one recipient. What is not known is None."""

    recipient: str | None
    state: State
    complained: bool
    auto_reply: bool
    silent: bool
    sender: str | None
    subject: str | None
    message_id: str | None
    queue_ids: list[str]
    hosts: list[str]
    ses_id: str | None
    configuration_set: str | None
    first_seen: Instant
    last_seen: Instant
    delay_s: float | None
    timeline: list[Entry]
    facts: list[Fact]  # what all this was read from, by time

    def as_json(self) -> dict[str, Any]:
        """The journey as `--json` shows it."""
        shown = self._asdict() | {"state": self.state.word}
        del shown["facts"]
        return shown


def assemble(address: str | None, delivery: Record | None, lives: list[Life], now: Instant) -> Journey:
    """Join what SES said of one delivery with the lives its message had in our queues, oldest first.

    `address` is the folded recipient, None for a message of which no recipient is known yet; `delivery` is its
    record, None for one that SES never took.
    """
    facts = sorted(_own_facts(address, delivery, lives), key=by_course)
    timed = [fact for fact in facts if "at" in fact]
    standing = _state(facts, lives)
    claimed = claim(delivery.facts()) if delivery else None
    times = [fact["at"] for fact in timed if fact["event"] not in HOURLY] or [fact["at"] for fact in timed]
    first, last = min(times), max(fact["at"] for fact in timed)
    return Journey(
        recipient=_recipient(address, facts),
        state=standing,
        complained=any(map(is_complaint, facts)),
        auto_reply=is_auto_reply(facts),
        silent=standing in _WITHOUT_OUTCOME and seconds_between(last, now) > SILENT_AFTER_S,
        sender=_sender(facts),
        subject=_decoded(_said(facts, "subject", Source.SES)),
        message_id=_said(facts, "message_id") or None,
        queue_ids=_queue_ids(claimed, lives),
        hosts=_hosts(facts, claimed),
        ses_id=_said(facts, "ses_id"),
        configuration_set=_said(facts, "configuration_set"),
        first_seen=first,
        last_seen=last,
        delay_s=_delay(facts, standing),
        timeline=[_entry(fact, claimed) for fact in timed],
        facts=facts,
    )


def _own_facts(address: str | None, delivery: Record | None, lives: list[Life]) -> list[Fact]:
    facts = delivery.facts() if delivery else []
    ses_id = next((fact["ses_id"] for fact in facts if "ses_id" in fact), None)
    for life in lives:
        facts += [fact for fact in life.of(address) if fact.get("ses_id", ses_id) == ses_id]
        facts += life.of(None) if address else []
    return _each_once(facts)


def _each_once(facts: list[Fact]) -> list[Fact]:
    """The facts less those said twice: that SES took a message stands in two records."""
    # Only facts of one time and event can be the same; to write out all of them took a twentieth of a question.
    met = Counter((fact.get("at"), fact["event"]) for fact in facts)
    return list(
        {
            written_out(fact) if met[fact.get("at"), fact["event"]] > 1 else id(fact): fact for fact in facts
        }.values()
    )


def _recipient(address: str | None, facts: list[Fact]) -> str | None:
    said = [fact for fact in facts if folded(fact.get("to") or "") == address and "at" in fact]
    return _said(said, "to") or address or None


def _state(facts: list[Fact], lives: list[Life]) -> State:
    # A content filter that gave the message back was no destination.
    queue_ids = [life.queue_id for life in lives]
    found = state(fact for fact in facts if filtered_as(fact) not in queue_ids)
    gave_up = bool(lives) and lives[-1].has(Event.EXPIRED, Event.DELETED)
    return State.SOFT_BOUNCED if gave_up and found in _UNDECIDED else found


def _said(facts: Iterable[Fact], name: str, first: Source = Source.RELAY) -> str | None:
    """The first value anybody gave: the relay's word counts before SES's; of a Subject, which Postfix cuts, SES's."""
    said: list[Any] = [(fact["source"] is not first, fact) for fact in facts if name in fact]
    return min(said, key=lambda one: one[0])[1][name] if said else None


def _sender(facts: list[Fact]) -> str | None:
    """The envelope sender as the queue manager has it; the null sender of a bounce is an empty text."""
    told = [fact for fact in facts if "from" in fact]
    for events in _TELL_SENDER:
        said = next((fact["from"] for fact in told if fact["event"] in events), None)
        if said is not None:
            return said
    return None


def _decoded(subject: str | None) -> str | None:
    """A Subject as its reader saw it (RFC 2047); one that does not decode stays as it was."""
    if subject is None or "=?" not in subject:
        return subject
    try:
        return _whole(str(make_header(decode_header(_FOLD.sub("?= =?", subject))))) or subject
    except (HeaderParseError, LookupError, ValueError):
        return subject


def _whole(text: str) -> str:
    """A charset that makes half characters (unicode_escape) must not stop the text from being written."""
    return text.encode("utf-8", "replace").decode()


def _queue_ids(claimed: Claim | None, lives: list[Life]) -> list[str]:
    claimed_by = [claimed.queue_id] if claimed and claimed.queue_id != "NOQUEUE" else []
    return list(dict.fromkeys([life.queue_id for life in lives] + claimed_by))


def _hosts(facts: list[Fact], claimed: Claim | None) -> list[str]:
    said = [fact["host"] for fact in facts if fact["source"] is Source.RELAY and "host" in fact]
    said += [claimed.host] if claimed and claimed.queue_id != "NOQUEUE" else []
    hosts: list[str] = []
    for host in dict.fromkeys(said):
        if not any(is_same_host(host, known) for known in hosts):
            hosts.append(host)
    return hosts


def _delay(facts: list[Fact], standing: State) -> float | None:
    """The `delay=` of the line that decided the state: SES's since it took the message, the relay's since arrival."""
    deciding = [fact for fact in facts if state_of(fact) is standing and fact["event"] is not Event.SUBMITTED]
    if not deciding:
        return None
    if deciding[0]["source"] is Source.SES:
        return float(delay(deciding[0]))
    return float(deciding[0]["delay"]) if "delay" in deciding[0] else None


def _entry(fact: Fact, claimed: Claim | None) -> Entry:
    mark = own_claim(fact) if fact["source"] is Source.RELAY else claimed
    return {
        "at": fact["at"],
        "source": fact["source"],
        "event": fact["event"],
        "text": phrase(fact),
        "line": render(fact, mark) if mark and fact["event"] is not Event.SUBMITTED else None,
    }
