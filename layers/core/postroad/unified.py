"""Unified lines: what a record shows, in Postfix's own grammar, so that today's tools read it.

`<timestamp> <host> postfix/ses-events[1]: <queue id>: to=<...>, relay=amazonses.com, ses_id=..., delay=<s>, dsn=x.y.z,
status=<word> (<reply>)`: the fields of global/log_adhoc.c, `status=` last and the reply in parentheses.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from postroad.addresses import printable
from postroad.facts import Event, Fact, Source
from postroad.ids import NOQUEUE, ses_time
from postroad.instants import Instant, seconds_between, to_datetime
from postroad.lifecycle import is_suppressed
from postroad.records import Record

# Postfix cuts its text at 2,000 bytes; the reply gets what the other fields leave.
LONGEST_REPLY = 1200
_SES_HOST = "amazonses.com"

_RELAY_STATUS = {Event.REJECTED: "rejected", Event.DISCARDED: "rejected"}
_SES_STATUS = {
    Event.ACCEPTED: "accepted",
    Event.DELIVERED: "delivered",
    Event.DELAYED: "deferred",
    Event.BOUNCED: "bounced",
    Event.COMPLAINED: "complained",
    Event.REJECTED: "rejected",
    Event.RENDER_FAILED: "rejected",
}
# The relay's own line says already that SES took the message.
_SHOWN = frozenset(_SES_STATUS) - {Event.ACCEPTED}
_TOLD_BY_RELAY = frozenset(
    {Event.RELAYED, Event.HANDED_OVER, Event.DEFERRED, Event.BOUNCED, Event.REJECTED, Event.DISCARDED}
)
_DSN = {
    Event.ACCEPTED: "2.0.0",
    Event.DELIVERED: "2.0.0",
    Event.DELAYED: "4.0.0",
    Event.COMPLAINED: "5.7.1",
    Event.REJECTED: "5.7.1",
    Event.RENDER_FAILED: "5.6.0",
}
_ENHANCED = re.compile(r"\b\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b")


class Claim(NamedTuple):
    """The queue id and host under which SES's words on a message are shown."""

    queue_id: str
    host: str


def claim(facts: list[Fact]) -> Claim | None:
    """What claims a record: the relay's log, else Postfix's Received header, else the deadline; None while it waits."""
    for source, event in (
        (Source.RELAY, Event.RELAYED),
        (Source.SES, Event.SUBMITTED),
        (Source.POSTROAD, Event.UNCLAIMED),
    ):
        for fact in facts:
            if (fact["source"], fact["event"]) == (source, event) and (
                "queue_id" in fact or event is Event.UNCLAIMED
            ):
                return Claim(fact.get("queue_id", NOQUEUE), fact.get("host") or _SES_HOST)
    return None


def is_waiting(record: Record) -> bool:
    """Tell whether SES spoke of a message that nothing has claimed yet."""
    is_delivery = record.key.pk.startswith("ses#") and record.key.address is not None
    return is_delivery and bool(record.texts) and claim(record.facts()) is None


def lines(before: Record, after: Record, *, traditional: bool = False) -> list[str]:
    """The lines that `after` shows and `before` did not, by time.

    A fact is told again only under another queue id, not because a host's name is spelt otherwise.
    """
    shown = {told for told, _ in _told(before)}
    return [
        render(fact, mark, traditional=traditional)
        for told, (fact, mark) in _told(after)
        if told not in shown
    ]


def _told(record: Record) -> Iterator[tuple[tuple[str, str], tuple[Fact, Claim]]]:
    """Each visible fact with its claim, under the fact's text and the queue id it is shown under."""
    if record.key.address is None or record.key.sk.endswith("#to#"):
        return
    told = record.told()
    claimed = claim([fact for _, fact in told])
    for text, fact in told:
        mark = _mark(fact, claimed)
        if mark:
            yield (text, mark.queue_id), (fact, mark)


def _mark(fact: Fact, claimed: Claim | None) -> Claim | None:
    if fact["source"] is Source.RELAY:
        return own_claim(fact) if fact["event"] in _TOLD_BY_RELAY else None
    return claimed if fact["event"] in _SHOWN else None


def own_claim(fact: Fact) -> Claim:
    """The queue id and host that a relay's fact names itself."""
    return Claim(fact.get("queue_id", NOQUEUE), fact.get("host", "-"))


def render(fact: Fact, claimed: Claim, *, traditional: bool = False) -> str:
    """One fact as a log line, without a line end; whatever does not print is a `?`."""
    said: Any = defaultdict(str, fact)  # whatever was stored can be shown
    tag, body = _relay(said) if fact["source"] is Source.RELAY else ("postfix/ses-events[1]", _ses(said))
    stamp = to_datetime(fact["at"]).strftime("%b %e %H:%M:%S") if traditional else fact["at"]
    return printable(f"{stamp} {claimed.host} {tag}: {claimed.queue_id}: {body}")


def _relay(fact: Fact) -> tuple[str, str]:
    tag = f"{fact.get('syslog_name', 'postfix')}/{fact.get('daemon', 'smtp')}[{fact.get('pid') or 1}]"
    return tag, _RELAY_BODIES.get(fact["event"], _recipient)(fact)


def _recipient(fact: Fact) -> str:
    said = {
        "to": f"<{fact.get('to', '')}>",
        "orig_to": f"<{fact['orig_to']}>" if "orig_to" in fact else None,
        "relay": fact.get("relay", "none"),
        "conn_use": fact.get("conn_use"),
        "delay": fact.get("delay", "0"),
        "delays": fact.get("delays"),
        "tls": fact.get("tls"),
        "dsn": fact.get("dsn"),
    }
    status = _RELAY_STATUS.get(fact["event"]) or fact["status"]
    return f"{_joined(said)}, status={status} ({_reply_of_relay(fact)})"


def _reply_of_relay(fact: Fact) -> str:
    if "stage" not in fact:
        return fact["reply"]
    return f"{fact['stage']} from {fact.get('client', 'unknown')}: {fact['reply']}"


def _joined(said: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name}={value}" for name, value in said.items() if value is not None)


def _client(fact: Fact) -> str:
    names = ("client", "sasl_method", "sasl_username", "sasl_sender", "orig_queue_id", "orig_client")
    return _joined({name: fact.get(name) for name in names})  # type: ignore[misc]


def _pickup(fact: Fact) -> str:
    origin = f" orig_id={fact['orig_id']}" if "orig_id" in fact else ""
    return f"uid={fact['uid']} from=<{fact['from']}>{origin}"


def _message_id(fact: Fact) -> str:
    if "resent_message_id" in fact:
        return f"resent-message-id=<{fact['resent_message_id']}>"
    return f"message-id=<{fact['message_id']}>"


def _subject(fact: Fact) -> str:
    envelope = {"from": "<{}>", "to": "<{}>", "proto": "{}", "helo": "<{}>"}
    said: Any = fact
    named = " ".join(f"{name}={form.format(said[name])}" for name, form in envelope.items() if name in said)
    return f"{fact['action']}: header Subject: {fact['subject']} from {fact['client']}; {named}"


def _active(fact: Fact) -> str:
    return f"from=<{fact['from']}>, size={fact['size']}, nrcpt={fact['nrcpt']} (queue active)"


def _expired(fact: Fact) -> str:
    return (
        f"from=<{fact['from']}>, status={fact['status']}, returned to sender"
        if "status" in fact
        else "expired"
    )


_RELAY_BODIES: dict[Event, Callable[[Fact], str]] = {
    Event.CLIENT: _client,
    Event.PICKUP: _pickup,
    Event.MESSAGE_ID: _message_id,
    Event.SUBJECT: _subject,
    Event.ACTIVE: _active,
    Event.EXPIRED: _expired,
    Event.HELD: lambda fact: fact.get("reply") or "placed on hold",
    Event.RELEASED: lambda _: "released from hold",
    Event.REQUEUED: lambda _: "requeued",
    Event.NOTIFIED: lambda fact: f"{fact['notification']}: {fact['child_queue_id']}",
    Event.REMOVED: lambda _: "removed",
    Event.DELETED: lambda _: "removed",
    Event.CANCELED: lambda fact: f"removed ({fact['action']})",
}


def _ses(fact: Fact) -> str:
    said = {
        # SES passes on no address that could end early; what is not one must not forge a field.
        "to": f"<{fact['to'].replace('>', '?')}>",
        "relay": _SES_HOST,
        "ses_id": fact["ses_id"].replace(",", "?"),
        "delay": delay(fact),
        "dsn": _dsn(fact),
    }
    return f"{_joined(said)}, status={_status(fact)} ({_reply(fact)[:LONGEST_REPLY]})"


def _status(fact: Fact) -> str:
    if fact["event"] is Event.COMPLAINED and is_suppressed(fact):
        return "bounced"
    return _SES_STATUS.get(fact["event"], fact["event"])


def delay(fact: Fact) -> str:
    """Seconds since SES took the message, as Postfix writes its own: two decimals at most, no trailing zeros."""
    at: Instant = ses_time(fact["ses_id"]) or fact["at"]
    return f"{max(seconds_between(at, fact['at']), 0):.2f}".rstrip("0").rstrip(".")


def _dsn(fact: Fact) -> str:
    if fact["event"] is Event.BOUNCED:
        return fact.get("dsn") or ("5.0.0" if fact.get("bounce_type") == "Permanent" else "4.0.0")
    enhanced = _ENHANCED.search(fact.get("reply", "")) if fact["event"] is Event.DELIVERED else None
    return enhanced[1] if enhanced else fact.get("dsn") or _DSN.get(fact["event"], "2.0.0")


def _reply(fact: Fact) -> str:
    of_n = f"possibly one of {fact['recipients']} recipients" if "recipients" in fact else None
    kind = "/".join(
        filter(None, (fact.get("bounce_type") or fact.get("delay_type"), fact.get("bounce_sub_type")))
    )
    listed = "suppressed" if fact["event"] is Event.COMPLAINED and is_suppressed(fact) else None
    said = (kind, fact.get("feedback_type"), fact.get("complaint_sub_type"), listed, of_n, fact.get("reply"))
    return ": ".join(filter(None, said)) or fact["event"]
