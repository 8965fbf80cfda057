"""Histories of mail as relays and SES tell of them, with what became of every message, for the laws of the core.

A small simulation: every host hands out queue ids, tries, retries, and logs what Postfix logs; SES takes some of it and
publishes events. The simulation knows the truth, so a law can compare it with what was made of the lines and events.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st

from postroad.lifecycle import State
from postroad.syslog import Carrier

Value = TypeVar("Value")
Draw = Callable[[st.SearchStrategy[Value]], Value]

START = datetime(2026, 2, 24, 23, 30, tzinfo=UTC)  # so that some histories pass midnight
CARRIER = Carrier(at="2026-03-20T12:00:00.000Z")
NOW = "2026-04-01T00:00:00.000Z"

HOSTS = ("mx1", "mx2", "ip-10-0-12-34.eu-west-1.compute.internal")
ADDRESSES = (
    "ann@example.com",
    "Bob.Mixed@Example.NET",
    '"odd, relay=none, status=sent (250 Ok x)"@example.com',
    "o'neil+news@example.org",
    "jürgen@example.org",
)
SENDERS = ("app@example.org", "", "bounces+17@news.example.org")
SUBJECTS = (
    "Your order",
    "Re: to=<eve@example.com>, relay=x, delay=0, dsn=2.0.0, status=sent (250 Ok 0100019c921d4630-0-000000)",
    "hello; from=<x@example.com> to=<y@example.com> proto=ESMTP helo=<z>",
)
SES = "email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587"
DEFERRALS = (
    (
        "4.0.0",
        f"host {SES[:-4]} said: 454 Throttling failure: Maximum sending rate exceeded. (in reply to end of DATA command)",
    ),
    ("4.4.1", "connect to email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587: Connection timed out"),
    (
        "4.4.2",
        f"lost connection with {SES[:-4]} while sending end of data -- message may be sent more than once",
    ),
)
REFUSAL = f"host {SES[:-4]} said: 554 Transaction failed: Address contains illegal characters in user name: '<\"re:ceiver\"@d>'. (in reply to end of DATA command)"


@dataclass(frozen=True)
class Fate:
    """What becomes of one recipient: first what the relay does, and where SES takes it, what SES says then."""

    relay: str
    events: tuple[tuple[str, dict[str, Any]], ...]
    state: State


def _bounce(kind: str, sub_type: str, **more: str) -> tuple[str, dict[str, Any]]:
    return "Bounce", {"bounceType": kind, "bounceSubType": sub_type, "_recipient": more}


_SEND: tuple[str, dict[str, Any]] = ("Send", {})
_DELIVERY = ("Delivery", {"smtpResponse": "250 2.0.0 OK  1772000000 a1-20020a (gsmtp)", "reportingMTA": "a7-11.smtp-out.eu-west-1.amazonses.com", "processingTimeMillis": 812})  # fmt: skip
_DELAY = ("DeliveryDelay", {"delayType": "MailboxFull", "expirationTime": "2026-02-26T00:00:00.000Z"})
_COMPLAINT = ("Complaint", {"complaintFeedbackType": "abuse", "feedbackId": "0100019c921d9999-f-000000"})
FATES = (
    Fate("relayed", (), State.RELAYED),
    Fate("relayed", (_SEND,), State.ACCEPTED),
    Fate("relayed", (_SEND, _DELIVERY), State.DELIVERED),
    Fate("relayed", (_DELIVERY,), State.DELIVERED),
    Fate("relayed", (_SEND, _DELAY), State.DELAYED),
    Fate("relayed", (_SEND, _DELAY, _DELIVERY, _COMPLAINT), State.DELIVERED),
    Fate(
        "relayed",
        (
            _SEND,
            _bounce("Permanent", "General", status="5.1.1", diagnosticCode="smtp; 550 5.1.1 no such user"),
        ),
        State.BOUNCED,
    ),
    Fate("relayed", (_SEND, _bounce("Transient", "MailboxFull")), State.SOFT_BOUNCED),
    Fate("relayed", (_SEND, _DELIVERY, _bounce("Transient", "General")), State.DELIVERED),
    Fate("relayed", (_SEND, _DELIVERY, _bounce("Permanent", "General")), State.BOUNCED),
    Fate("relayed", (_SEND, _bounce("Permanent", "OnAccountSuppressionList")), State.SUPPRESSED),
    Fate("relayed", (_SEND, ("Reject", {"reason": "Bad content"})), State.REJECTED),
    Fate("relayed", (_SEND, ("Novelty", {"timestamp": "2026-02-25T08:00:00.000Z"})), State.ACCEPTED),
    Fate("bounced", (), State.BOUNCED),
    Fate("handed over", (), State.DELIVERED),
    Fate("stuck", (), State.DEFERRED),
)


@dataclass(frozen=True)
class Told:
    """The truth about one message to one recipient."""

    recipient: str
    state: str
    queue_ids: tuple[str, ...]
    ses_id: str | None
    host: str


@dataclass
class History:
    """Log lines and SES events in the order they were made, and the truth about every message."""

    lines: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    truth: list[Told] = field(default_factory=list)


@dataclass
class _World:
    draw: Draw[Any]
    precise: bool  # RFC 3339 stamps instead of whole seconds without a year
    history: History = field(default_factory=History)
    said: list[tuple[datetime, str]] = field(default_factory=list)
    free: dict[tuple[str, str], datetime] = field(default_factory=dict)  # since when an id is free on a host
    count: int = 0

    def number(self) -> int:
        self.count += 1
        return self.count

    def pick(self, *options: Any) -> Any:  # noqa: ANN401  # as sampled_from gives them
        return self.draw(st.sampled_from(options))

    def log(self, at: datetime, host: str, tag: str, text: str) -> None:
        stamp = at.isoformat() if self.precise else at.strftime("%b %e %H:%M:%S")
        self.said.append((at, f"{stamp} {host} postfix/{tag}[{100 + len(tag)}]: {text}"))


@dataclass
class _Message:
    world: _World
    host: str
    queue_id: str
    at: datetime
    sender: str
    message_id: str
    subject: str | None
    chain: list[str]

    def log(self, daemon: str, text: str, after_ms: int = 1) -> None:
        self.at += timedelta(milliseconds=after_ms)
        self.world.log(self.at, self.host, daemon, f"{self.queue_id}: {text}")


@st.composite
def histories(draw: Draw[Any]) -> History:
    """Up to five messages on three hosts, whose short queue ids recur and collide."""
    world = _World(draw, precise=draw(st.booleans()))
    for _ in range(draw(st.integers(1, 5))):
        if world.pick(False, False, False, True):
            _refused_at_the_door(world)
        else:
            _message(world)
    world.said.sort(key=lambda said: said[0])
    world.history.lines = [line for _, line in world.said]
    return world.history


def _refused_at_the_door(world: _World) -> None:
    host, to, minute = world.pick(*HOSTS), world.pick(*ADDRESSES), world.pick(1, 2)
    world.log(
        START + timedelta(minutes=minute),
        host,
        "smtpd",
        f"NOQUEUE: reject: RCPT from unknown[203.0.113.5]: 554 5.7.1 <{to}>: Recipient address rejected: policy; from=<x@spam.example> to=<{to}> proto=ESMTP helo=<spam.example>",
    )
    refused = Told(to, "rejected", (), None, host)
    if refused not in world.history.truth:  # the same refusal within the hour is the same story
        world.history.truth.append(refused)


def _new_id(world: _World, host: str, not_before: datetime) -> tuple[str, datetime]:
    """A short id begins with the microseconds of its second, so that it comes again only in that slot."""
    if world.pick(True, False):
        return f"4fXk2M{world.number():04d}zQyz3Rb", not_before
    name = world.pick("7862B3C35EC", "14BA03C35EC", "0A1B2C3D")
    at = max(not_before, world.free.get((host, name), not_before))
    slot = at.replace(microsecond=int(name[:5], 16) % 1_000_000)
    return name, slot if slot >= at else slot + timedelta(seconds=1)


def _message(world: _World) -> None:
    host = world.pick(*HOSTS)
    queue_id, at = _new_id(world, host, START + timedelta(seconds=world.pick(0, 1, 2, 3600, 86400)))
    message = _Message(
        world, host, queue_id, at, world.pick(*SENDERS), f"m{world.number()}@example.org", world.pick(None, *SUBJECTS), [queue_id]
    )  # fmt: skip
    if world.pick(True, True, False):
        message.log(
            "smtpd",
            f"client=app.example.org[192.0.2.10]{world.pick('', ', sasl_method=PLAIN, sasl_username=app')}",
            0,
        )
    else:
        message.log("pickup", f"uid=1000 from=<{message.sender}>", 0)
    message.log("cleanup", f"message-id=<{message.message_id}>")
    if message.subject is not None:
        message.log(
            "cleanup",
            f"info: header Subject: {message.subject} from app.example.org[192.0.2.10]; from=<{message.sender}> to=<ann@example.com> proto=ESMTP helo=<app>",
        )
    _course(message)


def _course(message: _Message) -> None:
    world, first_host = message.world, message.host
    recipients = world.draw(st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=3, unique=True))
    todo = {to: [world.pick(*FATES), world.pick(0, 0, 1, 2)] for to in recipients}
    size = len(todo)
    told: dict[str, tuple[State, str | None]] = {}
    tries = 0
    while todo and tries < 4:
        message.log("qmgr", f"from=<{message.sender}>, size=1820, nrcpt={size} (queue active)")
        message.at += timedelta(milliseconds=world.pick(5, 400))
        _attempt(message, todo, told)
        tries += 1
        if todo and world.pick(True, False, False, False):
            _requeue(message)
        elif todo:
            _wait(message)
    state_of_rest = _end(message, bool(todo))
    for to in todo:
        told[to] = (state_of_rest, None)
    message.world.history.truth += [
        Told(to, state.word, tuple(message.chain), ses_id, first_host) for to, (state, ses_id) in told.items()
    ]


def _wait(message: _Message) -> None:
    world = message.world
    message.at += timedelta(seconds=world.pick(1, 300, 4000))
    if "z" in message.queue_id and world.pick(True, False):
        message.host = world.pick(*HOSTS)  # shared queue storage: another host goes on


def _requeue(message: _Message) -> None:
    world, old = message.world, message.queue_id
    message.at += timedelta(seconds=world.pick(1, 60))
    message.log("postsuper", "requeued")
    # Its file goes only once pickup has copied it, and what links to an id within its last second is anybody's guess.
    world.free[message.host, old] = message.at + timedelta(seconds=10)
    new, at = _new_id(world, message.host, message.at + timedelta(milliseconds=5))
    while new in message.chain:
        new, at = f"4fXk2M{world.number():04d}zQyz3Rb", message.at
    message.queue_id, message.at = new, at
    message.chain.append(new)
    message.log("pickup", f"uid=102 from=<{message.sender}> orig_id={old}")
    message.log("cleanup", f"message-id=<{message.message_id}>")


def _end(message: _Message, is_pending: bool) -> State:
    world = message.world
    how = world.pick("open", "deleted", "expired") if is_pending else "removed"
    message.at += timedelta(milliseconds=world.pick(1, 1500))
    if how == "deleted":
        message.log("postsuper", "removed")
    if how == "expired":
        message.log("qmgr", f"from=<{message.sender}>, status=expired, returned to sender")
    if how in ("expired", "removed"):
        message.log("qmgr", "removed")
    never = START + timedelta(days=9)
    # Within one second of a log of whole seconds nobody can tell whose line is whose.
    gap = timedelta(milliseconds=1) if world.precise else timedelta(seconds=1)
    free = never if how == "open" else message.at + gap
    world.free[message.host, message.queue_id] = free
    return State.DEFERRED if how == "open" else State.SOFT_BOUNCED


def _attempt(message: _Message, todo: dict[str, Any], told: dict[str, tuple[State, str | None]]) -> None:
    world = message.world
    taken: dict[str, Fate] = {}
    for to, (fate, deferrals) in list(todo.items()):
        if deferrals or fate.relay == "stuck":
            dsn, reply = world.pick(*DEFERRALS)
            _delivery(message, to, SES, dsn, f"status=deferred ({reply})")
            todo[to][1] -= 1
            continue
        del todo[to]
        if fate.relay == "bounced":
            _delivery(message, to, SES, "5.0.0", f"status=bounced ({REFUSAL})")
            told[to] = (State.BOUNCED, None)
        elif fate.relay == "handed over":
            _delivery(
                message,
                to,
                "mail.example.org[192.0.2.99]:25",
                "2.0.0",
                "status=sent (250 2.0.0 Ok: queued as B5C1D2E3F4)",
            )
            told[to] = (State.DELIVERED, None)
        else:
            taken[to] = fate
    if taken:
        ses_id, least = _taken(message, taken)
        told.update({to: (max(fate.state, least), ses_id) for to, fate in taken.items()})


def _delivery(message: _Message, to: str, relay: str, dsn: str, rest: str) -> None:
    more = message.world.pick("", ", conn_use=2")
    message.log(
        "smtp", f"to=<{to}>, relay={relay}{more}, delay=0.42, delays=0.1/0/0.2/0.1, dsn={dsn}, {rest}"
    )


def _taken(message: _Message, taken: dict[str, Fate]) -> tuple[str, State]:
    """Give the SES id, and the least state of each recipient: a Send may name them all."""
    world = message.world
    at = message.at
    ms = int(at.timestamp() * 1000)
    number = world.number()
    ses_id = f"0102{ms:012x}-6a5d1f0e-6f0b-4d7c-9b8e-{number:012d}-000000"
    for to in taken:
        _delivery(message, to, SES, "2.0.0", f"status=sent (250 Ok {ses_id})")
    mail = _mail(message, ses_id, list(taken), at)
    least = State.RELAYED
    for to, fate in taken.items():
        moment = at
        for kind, detail in fate.events:
            moment += timedelta(milliseconds=world.pick(0, 999, 61_000))
            of_all = kind == "Send" and world.pick(True, False)
            least = State.ACCEPTED if of_all else least
            _publish(world, mail, (kind, detail), None if of_all else to, moment)
    return ses_id, least


def _mail(message: _Message, ses_id: str, destination: list[str], at: datetime) -> dict[str, Any]:
    world = message.world
    mail: dict[str, Any] = {
        "timestamp": _iso(at),
        "messageId": ses_id,
        "source": message.sender or "app@example.org",
        "destination": destination,
        "tags": {"ses:configuration-set": ["postroad"], "campaign": ["spring"]},
    }
    if world.pick(True, False):
        host = message.host if "." in message.host else f"{message.host}.example.org"
        mail["headers"] = [
            {"name": "Received", "value": f"from app.example.org (app.example.org [192.0.2.10])\tby {host} (Postfix) with ESMTPSA id {message.queue_id}\tfor <ann@example.com>; Wed, 25 Feb 2026 00:05:17 +0000 (UTC)"},
            {"name": "Message-ID", "value": f"<{message.message_id}>"},
            *([{"name": "Subject", "value": message.subject}] if message.subject else []),
        ]  # fmt: skip
    return mail


_LISTS = {
    "Delivery": "recipients",
    "Bounce": "bouncedRecipients",
    "Complaint": "complainedRecipients",
    "DeliveryDelay": "delayedRecipients",
}
_DETAILS = {"DeliveryDelay": "deliveryDelay"}


def _publish(
    world: _World, mail: dict[str, Any], event: tuple[str, dict[str, Any]], to: str | None, at: datetime
) -> None:
    kind, detail = event
    more = detail.get("_recipient", {})
    said = {name: value for name, value in detail.items() if name != "_recipient"}
    if kind not in ("Send", "Reject"):
        said = {"timestamp": _iso(at)} | said
    if kind == "Delivery":
        said["recipients"] = [to]
    elif kind in _LISTS:
        said[_LISTS[kind]] = [{"emailAddress": to, **more}]
    own = mail if to is None else mail | {"destination": [to]}
    if kind in _LISTS:
        own = mail
    document = {"eventType": kind, "mail": own, _DETAILS.get(kind, kind.lower()): said}
    world.history.events.append(_wrapped(world, document, kind))


def _wrapped(world: _World, document: dict[str, Any], kind: str) -> str:
    form = world.pick("raw", "sns", "eventbridge")
    if form == "sns":
        return json.dumps(
            {
                "Type": "Notification",
                "MessageId": f"n{world.number()}",
                "Message": json.dumps(document) + "\n",
            }
        )
    if form == "eventbridge":
        return json.dumps({"source": "aws.ses", "detail-type": f"Email {kind}", "detail": document})
    return json.dumps(document)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")[:23] + "Z"
