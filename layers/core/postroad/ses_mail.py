"""The `mail` object of an ordinary SES event, as the fact that a message was submitted.

What `ses` makes of the same object, in a fraction of the time. The costs in comments are of this
module's steps on a busy machine, where `json.loads` of an event takes 15 us.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from postroad import ses_wire as wire
from postroad.addresses import bare
from postroad.facts import Event, Source
from postroad.hosts import is_same_host
from postroad.instants import parse
from postroad.ses_words import LONGEST, by_clause, own_tags, tag_values

# An enum's member costs 30 ns each time it is looked up by its name.
_SES, _SUBMITTED = Source.SES, Event.SUBMITTED
_NO_COMMON = wire.CommonHeaders()
# What SES writes is an instant already: 0.5 us where `parse` takes 2.6.
_is_instant = re.compile(
    r"(?!0000)[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"
).fullmatch
# What `by_clause` finds where comments pair and nothing is quoted, as Postfix usually writes it: 1.5 us instead of 9.
_TOKEN, _PLAIN = "[!#-'*-;=?-~]+", r'[^()<>"]*'
_usual_clause = re.compile(
    rf"(?:from {_TOKEN} \({_PLAIN}\)\s(?:\s*\({_PLAIN}(?:\({_PLAIN}\){_PLAIN})*\)\s)*\s*)?"
    rf"by ({_TOKEN}) \(Postfix(?:\) with [A-Z]+|, from userid [0-9]+\)) id ([0-9A-Za-z]+)\b"
).match
_Claim = tuple[str, str]  # a host and its queue id


def submitted(mail: wire.Mail, relays: Sequence[str], *, is_notification: bool) -> dict[str, Any]:
    """Make the fact, less its recipient. Raises what `instants.parse` and msgspec raise."""
    said = {"source": _SES, "event": _SUBMITTED, "at": instant(mail.timestamp), "ses_id": mail.message_id}
    common = mail.common_headers or _NO_COMMON
    received, own_subject, own_id = _wanted(mail.headers or ())
    sender, subject = bare(mail.source or ""), common.subject or own_subject.strip()
    message_id = own_id.strip().removeprefix("<").removesuffix(">")
    # In an event's own form commonHeaders.messageId is SES's id.
    if is_notification and not message_id:
        message_id = common.message_id or ""
    if sender:
        said["from"] = sender[:LONGEST]
    if subject:
        said["subject"] = subject[:LONGEST]
    if message_id:
        said["message_id"] = message_id[:LONGEST]
    said.update(_of_tags(bytes(mail.tags)))
    for claim in map(_claim, received):
        if claim and (not relays or _is_ours(claim[0], relays)):
            said["host"], said["queue_id"] = claim
            break
    return said


def _wanted(headers: Iterable[wire.Header]) -> tuple[list[str], str, str]:
    """Every Received, the first Subject and the first Message-ID."""
    received, subject, message_id = [], None, None
    for header in headers:
        name = header.name.lower()
        if name == "received":
            received.append(header.value)
        elif name == "message-id" and message_id is None:
            message_id = header.value
        elif name == "subject" and subject is None:
            subject = header.value
    return received, subject or "", message_id or ""


def _is_ours(host: str, relays: Sequence[str]) -> bool:
    return any(is_same_host(host, relay) for relay in relays)


# Tags tell of a host and a setting more than of a message: 0.2 us instead of 4.
@lru_cache(maxsize=512)
def _of_tags(raw: bytes) -> dict[str, Any]:
    tags = wire.tags(raw) or {}
    configuration_set = next(iter(tag_values(tags.get("ses:configuration-set"))), None)
    said = {"configuration_set": configuration_set, "tags": own_tags(tags)}
    return {name: value for name, value in said.items() if value}


def _claim(received: str) -> _Claim | None:
    found = _usual_clause(received) or by_clause(received)
    return (found[1], found[2]) if found else None


def instant(text: str) -> str:
    """Read a time as `instants.parse` does."""
    return text if _is_instant(text) else parse(text)
