"""The ordinary lines of a relay's log, read in a fraction of the time that `postfix.facts` takes.

Nine lines in ten are of a handful of shapes, and share their heads and words. What has exactly such a shape is cut at
its separators, and what was cut out before is looked up; whatever has not is left to `postfix.facts`, whose result
this one must equal for every line (tests/properties/test_quick.py).
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

from postroad.facts import Event, Fact, Source
from postroad.ids import NOQUEUE, is_queue_id, is_ses_relay, ses_day
from postroad.postfix_daemons import FORMS
from postroad.postfix_heads import Header, Headers
from postroad.remembered import Remembered
from postroad.syslog import LONGEST, has_header

# An Enum's member costs as much to look up through its class as a piece of the line to cut out.
_RELAY = Source.RELAY
_CLIENT, _PICKUP, _MESSAGE_ID, _SUBJECT = Event.CLIENT, Event.PICKUP, Event.MESSAGE_ID, Event.SUBJECT
_ACTIVE, _REMOVED, _RELAYED = Event.ACTIVE, Event.REMOVED, Event.RELAYED
_BY_STATUS = {"sent": Event.HANDED_OVER, "deferred": Event.DEFERRED, "bounced": Event.BOUNCED}
# What is not of an ordinary shape; known by its identity.
_UNUSUAL: Fact = {}
# What a header of RFC 5424 and a shipper's record begin with; either may hold a tag of another text.
_WRAPPED = ("<", "{")
# What a daemon's text begins with when it may say more than its first word shows.
_SAYS_MORE = ("[", "message repeated ", "proxy-", "to=<")
_MAY_SAY_MORE = "[mpt"
# No class of characters overlaps what follows it, so that hostile text costs no more than any other.
_LOGIN = re.compile(r"client=([^,]+), sasl_method=([^,]+), sasl_username=([^,]+)(?<!\s)").fullmatch
_QUEUED = re.compile(r"from=<([^>]*)>, size=([0-9]+), nrcpt=([0-9]+) \(queue active\)").fullmatch
_SUBMITTED = re.compile(r"uid=([0-9]+) from=<([^>]*)>").fullmatch
_DELIVERY = re.compile(
    r'to=<([^>"]*)>(?:, orig_to=<([^>"]+)>)?, relay=([^,]+)(?:, conn_use=([0-9]+))?, delay=([0-9.]+)'
    r", delays=([0-9./]+), dsn=([0-9.]+)"
    r", status=(?:sent \((250 [Oo][Kk] ([0-9A-Za-z-]+))\)|(sent|deferred|bounced) \((.*)\))"
).fullmatch
_HEADER = re.compile(
    r"(info|warning): header Subject: (.*) from ([^\s<>\"]+); from=<([^\s<>\"]*)> to=<([^\s<>\"]*)>"
    r" proto=([0-9A-Za-z]+) helo=<([^\s<>\"]+)>"
).fullmatch

# From the text after the queue id, its header, the daemon, the process, the queue id: a fact, None
# where the line says nothing of a message, or _UNUSUAL. Each writes its fact down whole, which takes half the time of
# adding to what another began.
Reader: TypeAlias = Callable[[str, Header, str, str, str], Fact | None]


class Tag(NamedTuple):
    """What `postfix/smtp[8156` says of who wrote, and how to read what is said of a message."""

    read: Reader
    daemon: str  # empty for what is no tag
    pid: str
    syslog_name: str | None  # None where it is `postfix`
    is_postfix: bool  # the name has a slash, so that no second header can follow


def read(lines: Iterable[str], headers: Headers, ask: Callable[[str], Iterable[Fact]]) -> list[Fact]:
    """Read lines; `ask` is asked for what one says that is not ordinary."""
    facts: list[Fact] = []
    for line in lines:
        head, _, text = line.partition("]: ")
        start, _, end = head.rpartition(" ")
        tag = _TAGS[end]
        word, _, rest = text.partition(": ")
        entry = _known_id(word)
        if entry is None:
            entry = _entry(word, text, tag)
        if entry is None and ": " not in head and len(line) <= LONGEST and line[:1] not in _WRAPPED:
            continue
        header = headers.get(start) or headers.read(start)
        if header and entry and len(line) <= LONGEST:
            reader, daemon, pid, syslog_name, _ = tag
            fact = reader(rest, header, daemon, pid, entry)
            if syslog_name and fact:
                fact = _named(fact, syslog_name)
        else:
            fact = _UNUSUAL
        if fact is _UNUSUAL:
            facts.extend(ask(line))
        elif fact:
            facts.append(fact)
    return facts


def _named(fact: Fact, syslog_name: str) -> Fact:
    """Put the name where the forms put it, for those who read a fact as it was said."""
    named: Any = {}
    for name, value in fact.items():
        named[name] = value
        if name == "pid":
            named["syslog_name"] = syslog_name
    whole: Fact = named
    return whole


def _entry(word: str, text: str, tag: Tag) -> str | None:
    """The queue id a text begins with; None where it says nothing of a message, empty where that is not certain."""
    is_sentence = " " in word and text[0] not in _MAY_SAY_MORE
    if is_sentence and tag.is_postfix:
        return None
    if not tag.daemon or (not tag.is_postfix and has_header(text)):
        return ""
    if tag.read is _silent or is_sentence:
        return None
    if is_queue_id(word):
        return _QUEUE_IDS[word]
    return "" if word == NOQUEUE or not text or text.startswith(_SAYS_MORE) else None


def _tag(text: str) -> Tag:
    program, _, pid = text.rpartition("[")
    name, slash, daemon = program.rpartition("/")
    if not pid.isdigit() or (slash and not name):
        return Tag(_unusual, "", "", None, is_postfix=False)
    reader = READERS.get(daemon, _unusual) if daemon in FORMS else _silent
    return Tag(reader, daemon, pid, name if name not in ("postfix", "") else None, bool(slash))


def _silent(*_: object) -> None:
    """Read a daemon that never speaks of a message."""


def _unusual(*_: object) -> Fact:
    return _UNUSUAL


def _client(rest: str, header: Header, daemon: str, pid: str, entry: str) -> Fact:
    name, _, client = rest.partition("=")
    if name != "client" or not client or "," in client or client[-1].isspace():
        return _logged_in(rest, header, daemon, pid, entry)
    return {
        "source": _RELAY,
        "at": header[0],
        "host": header[1],
        "daemon": daemon,
        "pid": pid,
        "queue_id": entry,
        "event": _CLIENT,
        "client": client,
    }


def _logged_in(rest: str, header: Header, daemon: str, pid: str, entry: str) -> Fact:
    found = _LOGIN(rest)
    if found is None:
        return _UNUSUAL
    client, method, user = found.groups()
    return {
        "source": _RELAY,
        "at": header[0],
        "host": header[1],
        "daemon": daemon,
        "pid": pid,
        "queue_id": entry,
        "event": _CLIENT,
        "client": client,
        "sasl_method": method,
        "sasl_username": user,
    }


def _pickup(rest: str, header: Header, daemon: str, pid: str, entry: str) -> Fact:
    found = _SUBMITTED(rest)
    if found is None:
        return _UNUSUAL
    uid, sender = found.groups()
    return {
        "source": _RELAY,
        "at": header[0],
        "host": header[1],
        "daemon": daemon,
        "pid": pid,
        "queue_id": entry,
        "event": _PICKUP,
        "uid": uid,
        "from": sender,
    }


def _header(rest: str, header: Header, daemon: str, pid: str, entry: str) -> Fact:
    name, _, value = rest.partition("=")
    if name != "message-id" or value[:1] != "<" or value[-1] != ">":
        return _subject(rest, header, daemon, pid, entry)
    return {
        "source": _RELAY,
        "at": header[0],
        "host": header[1],
        "daemon": daemon,
        "pid": pid,
        "queue_id": entry,
        "event": _MESSAGE_ID,
        "message_id": value[1:-1],
    }


def _subject(rest: str, header: Header, daemon: str, pid: str, entry: str) -> Fact:
    found = _HEADER(rest)
    if found is None:
        return _UNUSUAL
    action, subject, client, sender, to, proto, helo = found.groups()
    return {
        "source": _RELAY,
        "at": header[0],
        "host": header[1],
        "daemon": daemon,
        "pid": pid,
        "queue_id": entry,
        "event": _SUBJECT,
        "subject": subject.lstrip(),
        "action": action,
        "stage": "header",
        "client": client,
        "from": sender,
        "to": to,
        "proto": proto,
        "helo": helo,
    }


def _queue_manager(rest: str, header: Header, daemon: str, pid: str, entry: str) -> Fact:
    if rest != "removed":
        return _active(rest, header, daemon, pid, entry)
    return {
        "source": _RELAY,
        "at": header[0],
        "host": header[1],
        "daemon": daemon,
        "pid": pid,
        "queue_id": entry,
        "event": _REMOVED,
    }


def _active(rest: str, header: Header, daemon: str, pid: str, entry: str) -> Fact:
    found = _QUEUED(rest)
    if found is None:
        return _UNUSUAL
    sender, size, nrcpt = found.groups()
    return {
        "source": _RELAY,
        "at": header[0],
        "host": header[1],
        "daemon": daemon,
        "pid": pid,
        "queue_id": entry,
        "event": _ACTIVE,
        "from": sender,
        "size": size,
        "nrcpt": nrcpt,
    }


def _delivery(rest: str, header: Header, daemon: str, pid: str, entry: str) -> Fact | None:
    found = _DELIVERY(rest)
    if found is None:
        return _UNUSUAL if rest.startswith("to=") else None
    to, orig_to, relay, conn_use, delay, delays, dsn, taken, ses_id, status, reply = found.groups()
    if ses_id is None:
        if status == "sent" and _IS_SES[relay]:
            return _UNUSUAL
    # On any other day the id may know the year better than the log's carrier.
    elif not _IS_SES[relay] or ses_day(ses_id) != header[0][:10]:
        return _UNUSUAL
    if orig_to or conn_use or ses_id is None:
        event, status, reply = (_RELAYED, "sent", taken) if ses_id else (_BY_STATUS[status], status, reply)
        words = (event, to, orig_to, relay, ses_id, conn_use, delay, delays, dsn, status, reply)
        frame: Any = {
            "source": _RELAY,
            "at": header[0],
            "host": header[1],
            "daemon": daemon,
            "pid": pid,
            "queue_id": entry,
        }
        fact: Fact = frame | {
            name: word for name, word in zip(_WORDS, words, strict=True) if word is not None
        }
        return fact
    return {
        "source": _RELAY,
        "at": header[0],
        "host": header[1],
        "daemon": daemon,
        "pid": pid,
        "queue_id": entry,
        "event": _RELAYED,
        "to": to,
        "relay": relay,
        "ses_id": ses_id,
        "delay": delay,
        "delays": delays,
        "dsn": dsn,
        "status": "sent",
        "reply": taken,
    }


_WORDS = (
    "event",
    "to",
    "orig_to",
    "relay",
    "ses_id",
    "conn_use",
    "delay",
    "delays",
    "dsn",
    "status",
    "reply",
)
READERS: dict[str, Reader] = {
    **dict.fromkeys(("smtp", "lmtp", "error", "retry", "local", "virtual", "pipe"), _delivery),
    **dict.fromkeys(("qmgr", "oqmgr", "nqmgr"), _queue_manager),
    "smtpd": _client,
    "cleanup": _header,
    "pickup": _pickup,
}
_TAGS = Remembered(_tag)
_IS_SES = Remembered(is_ses_relay)
# Each queue id as one object, so that it is hashed once.
_QUEUE_IDS = Remembered(str)
_known_id = _QUEUE_IDS.get
