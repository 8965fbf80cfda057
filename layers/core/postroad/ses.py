"""SES events to facts: every recipient an event names, and only those.

This is the plain reader, which says what is wrong with an event. `ses_ordinary` reads what is ordinary, much faster.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from postroad import ses_schema as schema
from postroad.addresses import bare
from postroad.facts import Event, Fact, ParseError, Source
from postroad.hosts import is_same_host
from postroad.instants import parse, start_of_hour
from postroad.ses_words import (
    HOURLY,
    KINDS,
    LONGEST,
    WORDS,
    Kind,
    by_clause,
    own_tags,
    rest_of,
    tag_values,
)

_ENVELOPE = TypeAdapter(schema.Envelope)
_DETAIL = TypeAdapter(schema.Detail)


def facts(document: Mapping[str, Any], relays: Sequence[str] = ()) -> list[Fact]:
    """Read one SES event: per recipient the `mail` object's fact, and the event's own. Raises ParseError.

    Only a Received header that one of `relays` wrote claims a message; with none named, the topmost that a Postfix did.
    """
    try:
        envelope = _ENVELOPE.validate_python(document)
        kind = KINDS.get(_type(envelope)) or Kind(Event.OTHER, _unknown_detail(document))
        detail = _detail(document.get(kind.detail) or {}, kind)
        return _facts(envelope, kind, detail, relays)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = f"{'.'.join(map(str, first['loc'])) or 'event'}: {first['msg']}"
        raise ParseError(reason, str(document)) from error
    except (ValueError, OverflowError) as error:  # a number beyond all bounds is infinite in JSON
        raise ParseError(str(error), str(document)) from error


def _detail(found: Mapping[str, Any], kind: Kind) -> schema.Detail:
    """What stands beside `mail`; a type that SES had not when this was written may give its fields another form."""
    try:
        return _DETAIL.validate_python(found)
    except ValidationError:
        if kind.event is not Event.OTHER:
            raise
        time = found.get("timestamp")
        return (
            {"timestamp": time, "fields": dict(found)} if isinstance(time, str) else {"fields": dict(found)}
        )


def _type(envelope: schema.Envelope) -> str:
    found = envelope.get("eventType") or envelope.get("notificationType")
    if not found or not envelope["mail"]["messageId"]:
        message = "eventType and mail.messageId must not be empty"
        raise ValueError(message)
    return found


def _unknown_detail(document: Mapping[str, Any]) -> str:
    return next((name for name, value in document.items() if name != "mail" and isinstance(value, dict)), "")


def _facts(envelope: schema.Envelope, kind: Kind, detail: schema.Detail, relays: Sequence[str]) -> list[Fact]:
    mail = envelope["mail"]
    submitted = _submitted(mail, is_notification="eventType" not in envelope) | _claim(mail, relays)
    said = _said(mail, kind, detail) | ({"type": _cut(_type(envelope))} if kind.event is Event.OTHER else {})
    found: list[Any] = []
    for to, of_recipient in _recipients(mail, kind, detail):
        found += [submitted | {"to": to}, said | of_recipient | {"to": to}]
    return found


def _said(mail: schema.Mail, kind: Kind, detail: schema.Detail) -> dict[str, Any]:
    at = parse(detail.get("timestamp") or mail["timestamp"])
    frame = {"source": Source.SES, "event": kind.event, "ses_id": mail["messageId"]}
    if kind.event in HOURLY:
        return frame | {"at": start_of_hour(at)}
    expires = detail.get("expirationTime")
    complainants = detail.get("complainedRecipients") or []
    return (
        frame
        | {"at": at}
        | _words(detail)
        | rest_of(detail)
        | ({"expiration_time": parse(expires)} if expires else {})
        | ({"recipients": len(complainants)} if len(complainants) > 1 else {})
    )


def _words(said: Mapping[str, Any]) -> dict[str, Any]:
    # What the schema does not name may be anything.
    found = {
        WORDS[name]: value
        for name, value in said.items()
        if name in WORDS and isinstance(value, str | int | float) and value != ""
    }
    return {name: _cut(value) if isinstance(value, str) else round(value) for name, value in found.items()}


def _cut(text: str) -> str:
    return text[:LONGEST]


def _recipients(mail: schema.Mail, kind: Kind, detail: schema.Detail) -> Iterable[tuple[str, dict[str, Any]]]:
    destination = list(dict.fromkeys(bare(address) for address in mail.get("destination") or [])) or [""]
    if kind.recipients is None:
        return [(to, {}) for to in destination]
    named: Any = detail.get(kind.recipients) or [{}]
    # A bounce that does not say whose it is (NoEmail) is the one recipient's; of several, nobody can tell.
    only = destination[0] if len(destination) == 1 else ""
    said = [{"emailAddress": to} if isinstance(to, str) else to for to in named]
    return [(bare(recipient.get("emailAddress") or only), _words(recipient)) for recipient in said]


def _submitted(mail: schema.Mail, *, is_notification: bool) -> dict[str, Any]:
    common = mail.get("commonHeaders") or {}
    headers = [(header["name"].lower(), header["value"]) for header in mail.get("headers") or []]
    tags = mail.get("tags") or {}
    frame = {"source": Source.SES, "event": Event.SUBMITTED}
    said = {
        "at": parse(mail["timestamp"]),
        "ses_id": mail["messageId"],
        "from": bare(mail.get("source") or ""),
        "subject": common.get("subject") or _first(headers, "subject"),
        # In an event's own form commonHeaders.messageId is SES's id, not the original Message-ID.
        "message_id": _first(headers, "message-id") or (common.get("messageId") if is_notification else None),
        "configuration_set": next(iter(tag_values(tags.get("ses:configuration-set"))), None),
        "tags": own_tags(tags),
    }
    known = {name: _cut(value) if isinstance(value, str) else value for name, value in said.items() if value}
    return frame | known


def _first(headers: list[tuple[str, str]], name: str) -> str | None:
    found = next((value.strip() for header, value in headers if header == name), None)
    return found.removeprefix("<").removesuffix(">") if found and name == "message-id" else found


def _claim(mail: schema.Mail, relays: Sequence[str]) -> dict[str, str]:
    """The queue id and host that the topmost Postfix of ours wrote into the message, if it is still there."""
    for header in mail.get("headers") or []:
        found = by_clause(header["value"]) if header["name"].lower() == "received" else None
        if found and (not relays or any(is_same_host(found["host"], relay) for relay in relays)):
            return found.groupdict()
    return {}
