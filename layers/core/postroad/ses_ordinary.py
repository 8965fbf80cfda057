"""Ordinary SES events from a body to facts in one pass; what is not ordinary the plain readers judge.

The facts equal those that `ses.facts` makes of `envelopes.documents`, in a fifth of the time.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, MsgspecError

from postroad import ses_wire as wire
from postroad.addresses import bare
from postroad.envelopes import SET_UP_TYPES, SNS_SET_UP
from postroad.facts import Event, Fact, Source
from postroad.instants import start_of_hour
from postroad.ses_mail import instant, submitted
from postroad.ses_words import HOURLY, KINDS, LONGEST, READ, WORDS, rest_of

# SNS around EventBridge around the event.
_DEEPEST = 3
_MILLIS = "processingTimeMillis"
# Up to here pydantic's float, through which the plain reader takes it, keeps a whole number as it is.
_EXACT = 2**53
_NOTHING: Mapping[str, Any] = {}
# An enum's member costs 30 ns each time it is looked up by its name.
_SES, _DELIVERED = Source.SES, Event.DELIVERED

_Words = tuple[tuple[str, str], ...]  # SES's names, and ours
_Recipient = tuple[str, Mapping[str, Any]]  # an address, and what is said of it alone


class _UnusualError(ValueError):
    """An event for the plain readers."""


@dataclass(frozen=True, slots=True)
class _Form:
    """A type of event: where its details stand, and which of them it has by SES's documentation."""

    event: Event
    detail: str
    recipients: str | None
    words: _Words
    is_hourly: bool
    has_ends: bool
    known: frozenset[str]
    foreign: frozenset[str]


# Beside the time and the recipients; in the order in which a fact has them.
_OWN = {
    "Delivery": (_MILLIS, "reportingMTA", "smtpResponse"),
    "DeliveryDelay": ("delayType", "reportingMTA", "expirationTime"),
    "Bounce": ("bounceType", "bounceSubType", "feedbackId", "reportingMTA"),
    "Complaint": ("complaintFeedbackType", "complaintSubType", "feedbackId"),
    "Reject": ("reason",),
    "Rendering Failure": ("errorMessage",),
}
_OF_RECIPIENT = tuple((name, WORDS[name]) for name in ("action", "status", "diagnosticCode"))
# Words that only the plain reader reads there.
_NOT_OF_RECIPIENT = frozenset(WORDS) - dict(_OF_RECIPIENT).keys()


def _form(name: str) -> _Form:
    kind, own = KINDS[name], _OWN.get(name, ())
    known = frozenset({"timestamp", "remoteMtaIp", kind.recipients or "timestamp", *own})
    return _Form(
        event=kind.event,
        detail=re.sub("(?=[A-Z])", "_", kind.detail).lower(),
        recipients=kind.recipients,
        words=tuple((field, WORDS[field]) for field in own if field in WORDS and field != _MILLIS),
        is_hourly=kind.event in HOURLY,
        has_ends=kind.event in (Event.DELAYED, Event.COMPLAINED),
        known=known,
        foreign=(READ | WORDS.keys()) - known,
    )


_FORMS = {name: _form(name) for name in KINDS}


def facts(body: bytes | str, relays: Sequence[str] = ()) -> list[Fact] | None:
    """Read the one event in a body as `ses.facts` would; None where nobody but the plain readers can tell."""
    try:
        event = wire.body(body)
        if event.event_type is UNSET or event.notification_type is not UNSET:
            event = _unwrapped(event)
        return _facts(event, _FORMS[event.event_type or event.notification_type], relays)  # type: ignore[index]
    # A new type of event is no key of the table, and a number in a time's place no text.
    except (MsgspecError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _unwrapped(found: wire.Body) -> wire.Body:
    for _ in range(_DEEPEST):
        if found.notification_type in SET_UP_TYPES:
            break
        if found.event_type is not UNSET or found.notification_type is not UNSET:
            return found
        found = wire.body(_content(found))
    raise _UnusualError


def _content(envelope: wire.Body) -> Any:  # noqa: ANN401  # text, or JSON as msgspec holds it
    if envelope.type in SNS_SET_UP:
        raise _UnusualError
    return envelope.detail if envelope.message is UNSET else envelope.message


def _facts(event: wire.Body, form: _Form, relays: Sequence[str]) -> list[Fact]:
    mail, detail = event.mail, getattr(event, form.detail) or _NOTHING
    if mail is UNSET:
        raise _UnusualError
    mailed: Any = submitted(mail, relays, is_notification=event.event_type is UNSET)
    said: Any = {"source": _SES, "event": form.event, "ses_id": mail.message_id, "at": mailed["at"]}
    if detail:
        _add_details(said, form, detail)
    if form.is_hourly:
        said["at"] = start_of_hour(said["at"])
    recipients = _destination(mail) if form.recipients is None else _named(form, detail)
    if len(recipients) > 1:
        return _told(recipients, mailed, said)
    # The only recipient, as nearly always, needs no copies: 1 us.
    to, words = recipients[0]
    mailed["to"] = to
    if words:
        said.update(words)
    said["to"] = to
    return [mailed, said]


def _told(recipients: list[_Recipient], mailed: dict[str, Any], said: dict[str, Any]) -> list[Any]:
    told = ((mailed | {"to": to}, said | {**words, "to": to}) for to, words in recipients)
    return [fact for facts in told for fact in facts]


def _add_details(said: dict[str, Any], form: _Form, detail: Mapping[str, Any]) -> None:
    stamp, millis = detail.get("timestamp"), detail.get(_MILLIS)
    if stamp is not None and stamp != "":
        said["at"] = instant(stamp)
    is_known = form.known.issuperset(detail)
    if not is_known and not form.foreign.isdisjoint(detail):
        raise _UnusualError
    if form.is_hourly:
        return
    if millis is not None:
        said["processing_time_millis"] = _whole(millis)
    _add_words(said, form.words, detail)
    if not is_known:
        said.update(rest_of(detail))
    if form.has_ends:
        _add_ends(said, detail)


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < _EXACT:
        raise _UnusualError
    return value


def _add_words(said: dict[str, Any], words: _Words, detail: Mapping[str, Any]) -> None:
    for name, word in words:
        value = detail.get(name)
        if type(value) is not str:
            if value is not None:
                raise _UnusualError
        elif value:
            said[word] = value[:LONGEST]


def _add_ends(said: dict[str, Any], detail: Mapping[str, Any]) -> None:
    expires, complainants = detail.get("expirationTime"), detail.get("complainedRecipients") or ()
    if expires is not None and expires != "":
        said["expiration_time"] = instant(expires)
    if len(complainants) > 1:
        said["recipients"] = len(complainants)


def _destination(mail: wire.Mail) -> list[_Recipient]:
    named = mail.destination or [""]
    if len(named) == 1:
        return [(bare(named[0]), _NOTHING)]
    return [(to, _NOTHING) for to in dict.fromkeys(map(bare, named))]


def _named(form: _Form, detail: Mapping[str, Any]) -> list[_Recipient]:
    named = detail.get(form.recipients or "")
    if type(named) is not list or not named:
        raise _UnusualError
    return list(map(_addressee if form.event is _DELIVERED else _recipient, named))


def _addressee(address: object) -> _Recipient:
    if type(address) is not str or not address:
        raise _UnusualError
    return bare(address), _NOTHING


def _recipient(said: object) -> _Recipient:
    if type(said) is not dict or not _NOT_OF_RECIPIENT.isdisjoint(said):
        raise _UnusualError
    words: dict[str, Any] = {}
    _add_words(words, _OF_RECIPIENT, said)
    return _addressee(said.get("emailAddress"))[0], words
