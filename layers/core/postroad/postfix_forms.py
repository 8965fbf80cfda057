"""The record forms of Postfix's daemons: the text after `<queue id>: ` to what it says.

Text between fields is hostile (an address, a Subject, a remote reply may spell out any field), so each form is
anchored at both ends, and what is for anybody to write is passed over from the right.
A reader returns the words of the line under Postfix's own names, or None for a line that says nothing of a message;
it raises ParseError for one that was begun and not ended.
"""

import re
from collections.abc import Callable
from typing import Any

from postroad.facts import Event, ParseError, Source
from postroad.ids import is_ses_relay, ses_id_in

Said = dict[str, Any]
Reader = Callable[[str], Said | None]

# global/log_adhoc.c. An address may hold `>, relay=` inside its quotes (info_log_address_format = external).
_QUOTED = r'(?:"(?:[^"\\]|\\.)*"@)?'
_DELIVERY = re.compile(
    rf"to=(?:<(?P<to>{_QUOTED}.*?)>|(?P<bare_to>[^<].*?))"
    rf"(?:, orig_to=(?:<(?P<orig_to>{_QUOTED}.*?)>|(?P<bare_orig_to>[^<].*?)))?"
    r", (?:relay=)?(?P<relay>[^,]+)"
    r"(?:, ses_id=(?P<ses_id>[^,]*))?"
    r"(?:, conn_use=(?P<conn_use>\d+),?)?"
    r",? delay=(?P<delay>[\d.]+)(?:, delays=(?P<delays>[\d./]+))?"
    r"(?:, tls=(?P<tls>[^,]*))?(?:, dsn=(?P<dsn>[\d.]+))?"
    r", status=(?P<status>[\w-]+)(?: \((?P<reply>.*))?"
)
# qmgr/qmgr_active.c, global/opened.c
_QMGR = re.compile(
    r"from=<?(?P<from>.*?)>?, (?:size=(?P<size>\d+), nrcpt=(?P<nrcpt>\d+) \(queue active\)"
    r"|status=(?P<status>(?:force-)?expired), returned to sender)"
)
# smtpd/smtpd.c mail_open_stream(), qmqpd/qmqpd.c
_CLIENT = re.compile(
    r"client=(?P<client>.+?)(?:, sasl_method=(?P<sasl_method>.*?))?(?:, sasl_username=(?P<sasl_username>.*?))?"
    r"(?:, sasl_sender=(?P<sasl_sender>.*?))?(?:, orig_queue_id=(?P<orig_queue_id>\w+))?"
    r"(?:, orig_client=(?P<orig_client>.*))?"
)
# pickup/pickup.c
_PICKUP = re.compile(r"uid=(?P<uid>\d+) from=<(?P<from>.*?)>(?: orig_id=(?P<orig_id>\w+))?")
# bounce/bounce_notify_service.c and its siblings
_NOTIFICATION = re.compile(
    r"(?P<notification>(?:sender|postmaster) [a-z -]+ notification): (?P<child_queue_id>\w+)"
)
# smtpd/smtpd_check.c log_whatsup(), smtpd/smtpd.c check_milter_reply(), cleanup/cleanup_milter.c
_ACTION = re.compile(
    r"(?P<action>[a-z_-]+): (?P<stage>[A-Z][A-Za-z -]*?)"
    r"(?: from (?P<client>[^\s\[]*\[[^\]]*\](?::\d+)?))?: (?P<reply>.*)"
)
# cleanup/cleanup_message.c cleanup_act_log()
_CONTENT = re.compile(
    r"(?P<action>[a-z-]+): (?P<stage>header|body|mime-header|nested-header|mime-error) (?P<content>.*)"
    r" from (?P<client>[^\s\[]+\[[^\]]*\]|\S+)"
)
# What both end with; smtpd writes spaces between these, postscreen commas.
_ENVELOPE = re.compile(
    r"; (?:from=<(?P<from>.*?)>)?(?:,? ?to=<(?P<to>.*?)>)?(?:,? ?proto=(?P<proto>\w+))?(?:,? ?helo=<(?P<helo>.*?)>)?"
    r"(?:,? sasl_method=(?P<sasl_method>\S+?))?(?:,? sasl_username=<?(?P<sasl_username>.+?)>?)?"
    r"(?:,? sasl_sender=(?P<sasl_sender>.+?))?(?:: (?P<text>.*))?"
)
_ENHANCED = re.compile(r"(?:\d{3}[ -])?(\d\.\d{1,3}\.\d{1,3})\b")
_FOLD = re.compile(r"^[? ]+(?=<)")
# An address may spell out an envelope inside its quotes.
_QUOTED_LOCAL_PART = re.compile(r'<"(?:[^"\\]|\\.)*"@')
_SUBJECT = re.compile(r"subject:\s*", re.IGNORECASE)

_BY_STATUS = {
    "sent": Event.HANDED_OVER,
    "deferred": Event.DEFERRED,
    "SOFTBOUNCE": Event.DEFERRED,  # soft_bounce = yes: Postfix goes on trying
    "bounced": Event.BOUNCED,
    "deliverable": Event.PROBED,
    "undeliverable": Event.PROBED,
    "undeliverable-but-not-cached": Event.PROBED,
    "expanded": Event.PROBED,
}
_BY_UNIFIED_STATUS = {
    "accepted": Event.ACCEPTED,
    "delivered": Event.DELIVERED,
    "bounced": Event.BOUNCED,
    "deferred": Event.DELAYED,
    "complained": Event.COMPLAINED,
    "rejected": Event.REJECTED,
}
# Every other action (warn, info, filter, redirect, prepend, ...) lets the mail go on.
_BY_ACTION = {
    "reject": Event.REJECTED,
    "milter-reject": Event.REJECTED,
    "proxy-reject": Event.REJECTED,
    "hangup": Event.REJECTED,
    "discard": Event.DISCARDED,
    "milter-discard": Event.DISCARDED,
    "hold": Event.HELD,
    "milter-hold": Event.HELD,
}
_BY_WORD = {
    "removed": Event.DELETED,
    "requeued": Event.REQUEUED,
    "placed on hold": Event.HELD,
    "released from hold": Event.RELEASED,
    "expired": Event.EXPIRED,
}


def delivery(rest: str) -> Said:
    """Read `to=<...>, relay=..., delay=..., dsn=..., status=... (...)`; only a unified line says `rejected`."""
    words = _delivery_words(rest)
    if words["status"] == "rejected":
        return {"event": Event.REJECTED, "source": Source.UNIFIED} | words
    event = _BY_STATUS.get(words["status"])
    if event is None:
        reason = f"unknown status={words['status']}"
        raise ParseError(reason, rest)
    if event is not Event.HANDED_OVER:
        return {"event": event} | words
    # Half an id would name another message.
    ses_id = ses_id_in(words["reply"], words["relay"]) if rest.endswith(")") else None
    taken_by_ses = ses_id or is_ses_relay(words["relay"])
    return {"event": Event.RELAYED if taken_by_ses else event} | words | {"ses_id": ses_id}


def discarded(rest: str) -> Said:
    """Read a delivery by the discard(8) agent, whose `status=sent` means that a rule threw the mail away."""
    return delivery(rest) | {"event": Event.DISCARDED}


def unified(rest: str) -> Said:
    """Read one of our own unified lines back."""
    words = _delivery_words(rest)
    return {"event": _BY_UNIFIED_STATUS.get(words["status"], Event.OTHER), "source": Source.UNIFIED} | words


def _delivery_words(rest: str) -> Said:
    words = _matched(_DELIVERY, rest, "a delivery line (to=..., relay=..., delay=..., status=... (...))")
    bare_to, bare_orig_to = words.pop("bare_to"), words.pop("bare_orig_to")
    reply = words["reply"] or ""
    words["to"] = bare_to if words["to"] is None else words["to"]
    words["orig_to"] = words["orig_to"] or bare_orig_to
    words["reply"] = reply.removesuffix(")")
    return words


def _matched(pattern: re.Pattern[str], text: str, form: str) -> Said:
    found = pattern.fullmatch(text)
    if found is None:
        reason = f"cut or unknown form of {form}"
        raise ParseError(reason, text)
    return found.groupdict()


def queue_manager(rest: str) -> Said:
    """Read `from=<...>, size=..., nrcpt=... (queue active)`, or `..., status=expired, returned to sender`."""
    words = _matched(_QMGR, rest, "a queue manager line (from=..., size=..., nrcpt=... (queue active))")
    return {"event": Event.EXPIRED if words["status"] else Event.ACTIVE} | words


def removed(rest: str) -> Said:
    """Read `removed` of the queue manager, `removed (canceled)` or `removed (discarded)` of cleanup."""
    word = rest.removeprefix("removed").strip(" ()")
    return {"event": Event.CANCELED if word else Event.REMOVED, "action": word}


def operator(rest: str) -> Said | None:
    """Read what postsuper(1) did to one message."""
    return {"event": _BY_WORD[rest]} if rest in _BY_WORD else None


def client(rest: str) -> Said:
    """Read `client=name[address], sasl_method=..., sasl_username=...`."""
    return {"event": Event.CLIENT} | _matched(_CLIENT, rest, "a client line")


def pickup(rest: str) -> Said:
    """Read `uid=... from=<...> orig_id=...`."""
    return {"event": Event.PICKUP} | _matched(_PICKUP, rest, "a pickup line (uid=... from=<...>)")


def message_id(rest: str) -> Said:
    """Read `message-id=<...>` or `resent-message-id=<...>`: the raw header, which may lack the brackets."""
    name, _, value = rest.partition("=")
    # A header folded before its value is logged as `??<...>`.
    value = _FOLD.sub("", value.strip())
    return {"event": Event.MESSAGE_ID, name.replace("-", "_"): value.removeprefix("<").removesuffix(">")}


def notification(rest: str) -> Said | None:
    """Read `sender non-delivery notification: <queue id of the notice>`."""
    found = _NOTIFICATION.fullmatch(rest)
    return {"event": Event.NOTIFIED} | found.groupdict() if found else None


def action(rest: str) -> Said | None:
    """Read `reject: RCPT from name[address]: ...; from=<...> to=<...> proto=... helo=<...>` and its kin."""
    body, envelope = _enveloped(rest)
    found = _CONTENT.fullmatch(body)
    if found:
        return _on_content(found.groupdict(), envelope)
    found = _ACTION.fullmatch(body)
    if found is None:
        return None
    code = _ENHANCED.match(found["reply"])
    # Only a header's or a body's rule says more behind the envelope.
    envelope.pop("text", None)
    return (
        {"event": _BY_ACTION.get(found["action"], Event.NOTED), "dsn": code and code[1]}
        | found.groupdict()
        | envelope
    )


def _on_content(words: Said, envelope: Said) -> Said:
    event = _BY_ACTION.get(words["action"], Event.NOTED)
    content = words.pop("content")
    subject = _SUBJECT.match(content)
    text = envelope.pop("text", None)
    if subject and event is Event.NOTED and words["stage"] == "header":
        return {"event": Event.SUBJECT, "subject": content[subject.end() :]} | words | envelope
    code = _ENHANCED.match(text or "")
    return {"event": event, "reply": text or content, "dsn": code and code[1]} | words | envelope


def _enveloped(rest: str) -> tuple[str, Said]:
    masked = _QUOTED_LOCAL_PART.sub(lambda found: "<" + "?" * (len(found[0]) - 2) + "@", rest)
    for mark in ("; from=<", "; to=<", "; proto="):
        start = masked.rfind(mark)
        found = _ENVELOPE.fullmatch(masked, start) if start >= 0 else None
        if found:
            spans = {name: found.span(name) for name, value in found.groupdict().items() if value is not None}
            return rest[:start], {name: rest[slice(*span)] for name, span in spans.items()}
    return rest, {}
