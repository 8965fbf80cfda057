"""What a fact says, in words that support staff know."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from postroad.addresses import printable
from postroad.facts import Event, Fact, Source
from postroad.lifecycle import is_complaint, is_suppressed

_RELAY: dict[Event, Callable[[Fact], str]] = {
    Event.CLIENT: lambda fact: f"Our mail server began to receive it from {fact['client']}",
    Event.PICKUP: lambda fact: (
        f"Queued again; its queue id was {fact['orig_id']}"
        if "orig_id" in fact
        else "Submitted on our mail server"
    ),
    Event.MESSAGE_ID: lambda _: "Our mail server read the message",
    Event.SUBJECT: lambda fact: f"Subject: {fact['subject']}",
    Event.ACTIVE: lambda fact: f"Queued for delivery ({fact['size']} bytes, recipients: {fact['nrcpt']})",
    Event.HELD: lambda _: "Put on hold",
    Event.RELEASED: lambda _: "Released from hold",
    Event.REQUEUED: lambda _: "An operator queued it again",
    Event.NOTIFIED: lambda fact: f"A {fact['notification']} went out as {fact['child_queue_id']}",
    Event.EXPIRED: lambda _: "Our server gave up and returned it to its sender",
    Event.REMOVED: lambda _: "Done: removed from our queue",
    Event.DELETED: lambda _: "An operator deleted it from our queue",
    Event.CANCELED: lambda fact: (
        "The sender's program never finished sending it"
        if fact["action"] == "canceled"
        else "A rule on our server threw it away"
    ),
    Event.RELAYED: lambda _: "Amazon SES took it from our server",
    Event.HANDED_OVER: lambda fact: f"{fact['relay']} took it from our server: {fact['reply']}",
    Event.DEFERRED: lambda fact: f"Our server could not pass it on and will try again: {fact['reply']}",
    Event.BOUNCED: lambda fact: f"Refused for good: {fact['reply']}",
    Event.REJECTED: lambda fact: f"Our server refused it: {fact['reply']}",
    Event.DISCARDED: lambda fact: f"A rule on our server threw it away: {fact['reply']}",
}
_SES: dict[Event, Callable[[Fact], str]] = {
    Event.SUBMITTED: lambda _: "Amazon SES received it",
    Event.ACCEPTED: lambda _: "Amazon SES accepted it",
    Event.DELAYED: lambda fact: (
        f"The recipient's server is making Amazon SES wait ({_kind(fact)}): {_reply(fact)}"
    ),
    Event.DELIVERED: lambda fact: f"Accepted by the recipient's server: {_reply(fact)}",
    Event.BOUNCED: lambda fact: f"Bounced ({_kind(fact)}): {_reply(fact)}",
    Event.COMPLAINED: lambda fact: _complained(fact),  # noqa: PLW0108 - defined below
    Event.REJECTED: lambda fact: f"Amazon SES refused to send it: {_reply(fact)}",
    Event.RENDER_FAILED: lambda fact: f"Its template could not be filled in: {_reply(fact)}",
    Event.OPENED: lambda _: "Somebody opened it (Amazon SES cannot tell who)",
    Event.CLICKED: lambda _: "Somebody followed a link in it (Amazon SES cannot tell who)",
    Event.SUBSCRIPTION: lambda _: "A recipient changed their subscription",
    Event.OTHER: lambda fact: f"Amazon SES says: {fact['type']}",
}


def phrase(fact: Fact) -> str:
    """One sentence for a timeline."""
    table = _RELAY if fact["source"] is Source.RELAY else _SES
    said: Any = defaultdict(str, fact)
    return printable(table[fact["event"]](said))


def _kind(fact: Fact) -> str:
    said = (fact.get(name) for name in ("bounce_type", "bounce_sub_type", "delay_type", "feedback_type"))
    sub_type = fact.get("complaint_sub_type")
    return "/".join([str(word) for word in (*said, sub_type) if word]) or "no reason given"


def _complained(fact: Fact) -> str:
    if is_suppressed(fact):
        return f"Not attempted: on a suppression list ({_kind(fact)})"
    return f"{'Reported as unwanted' if is_complaint(fact) else 'Reported'} ({_kind(fact)}){_of_n(fact)}"


def _reply(fact: Fact) -> str:
    return fact.get("reply") or "no text given"


def _of_n(fact: Fact) -> str:
    return f", possibly one of {fact['recipients']} recipients" if "recipients" in fact else ""
