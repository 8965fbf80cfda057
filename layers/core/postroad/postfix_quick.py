"""The ordinary lines of a relay's log, read in a fraction of the time that `postfix.facts` takes.

Nine lines in ten are of a handful of shapes, and share their heads and words. What has exactly such a shape is cut at
its separators, and what was cut out before is looked up; whatever has not is left to `postfix.facts`, whose result
this one must equal for every line (tests/properties/test_quick.py).
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from postroad.facts import Event, Fact, Source
from postroad.ids import NOQUEUE, is_queue_id, is_ses_relay, ses_day
from postroad.postfix_daemons import FORMS
from postroad.postfix_heads import Headers
from postroad.remembered import Remembered
from postroad.syslog import LONGEST, has_header

# An Enum's member costs as much to look up through its class as a piece of the line to cut out.
_RELAY = Source.RELAY
_CLIENT, _PICKUP, _MESSAGE_ID, _SUBJECT = Event.CLIENT, Event.PICKUP, Event.MESSAGE_ID, Event.SUBJECT
_ACTIVE, _REMOVED, _RELAYED, _HANDED_OVER = Event.ACTIVE, Event.REMOVED, Event.RELAYED, Event.HANDED_OVER
_NOT_SENT = {"deferred": Event.DEFERRED, "bounced": Event.BOUNCED}
# What is not of an ordinary shape; known by its identity.
_UNUSUAL: Fact = {}
# What a daemon's text begins with when it may say more than its first word shows.
_SAYS_MORE = ("[", "message repeated ", "proxy-", "to=<")
# No class of characters overlaps what follows it, so that hostile text costs no more than any other.
_LOGIN = re.compile(r"client=([^,]+), sasl_method=([^,]+), sasl_username=([^,]+)(?<!\s)").fullmatch
_QUEUED = re.compile(r"from=<([^>]*)>, size=([0-9]+), nrcpt=([0-9]+) \(queue active\)").fullmatch
_SUBMITTED = re.compile(r"uid=([0-9]+) from=<([^>]*)>").fullmatch
_DELIVERY = re.compile(
    r'to=<([^>"]*)>(?:, orig_to=<([^>"]+)>)?, relay=([^,]+)(?:, conn_use=([0-9]+))?, delay=([0-9.]+)'
    r", delays=([0-9./]+), dsn=([0-9.]+), status=(sent|deferred|bounced) \((.*)\)"
).fullmatch
_HEADER = re.compile(
    r"(info|warning): header Subject: (.*) from ([^\s<>\"]+); from=<([^\s<>\"]*)> to=<([^\s<>\"]*)>"
    r" proto=([0-9A-Za-z]+) helo=<([^\s<>\"]+)>"
).fullmatch
_TAKEN = re.compile("250 [Oo][Kk] ([0-9A-Za-z-]+)").fullmatch

# From the text after the queue id: what every fact of a line has, to which a reader adds what its line says. It
# returns that fact, None where the line says nothing of a message, or _UNUSUAL.
Reader: TypeAlias = Callable[[str, Fact], Fact | None]


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
        if entry is None and ": " not in head and len(line) <= LONGEST:
            continue
        header = headers.get(start) or headers.read(start)
        if header and entry and len(line) <= LONGEST:
            reader, daemon, pid, syslog_name, _ = tag
            at, host = header
            frame: Fact = {
                "source": _RELAY,
                "at": at,
                "host": host,
                "daemon": daemon,
                "pid": pid,
                "queue_id": entry,
                "event": _REMOVED,
            }
            fact = reader(rest, _named(frame, syslog_name) if syslog_name else frame)
        else:
            fact = _UNUSUAL
        if fact is _UNUSUAL:
            facts.extend(ask(line))
        elif fact:
            facts.append(fact)
    return facts


def _named(frame: Fact, syslog_name: str) -> Fact:
    """Put the name where the forms put it, for those who read a fact as it was said."""
    entry, event = frame.pop("queue_id"), frame.pop("event")
    return frame | {"syslog_name": syslog_name, "queue_id": entry, "event": event}


def _entry(word: str, text: str, tag: Tag) -> str | None:
    """The queue id a text begins with; None where it says nothing of a message, empty where that is not certain."""
    if not tag.daemon or (not tag.is_postfix and has_header(text)):
        return ""
    if tag.read is _silent:
        return None
    # Most of what is no queue id is a sentence, which is not worth remembering.
    if " " not in word and is_queue_id(word):
        return _QUEUE_IDS[word]
    return "" if word == NOQUEUE or not text or text.startswith(_SAYS_MORE) else None


def _tag(text: str) -> Tag:
    program, _, pid = text.rpartition("[")
    name, slash, daemon = program.rpartition("/")
    if not pid.isdigit() or (slash and not name):
        return Tag(_unusual, "", "", None, is_postfix=False)
    reader = READERS.get(daemon, _unusual) if daemon in FORMS else _silent
    return Tag(reader, daemon, pid, name if name not in ("postfix", "") else None, bool(slash))


def _silent(_rest: str, _fact: Fact) -> None:
    """Read a daemon that never speaks of a message."""


def _unusual(_rest: str, _fact: Fact) -> Fact:
    return _UNUSUAL


def _client(rest: str, fact: Fact) -> Fact:
    fact["event"] = _CLIENT
    name, _, client = rest.partition("=")
    if name == "client" and client and "," not in client and not client[-1].isspace():
        fact["client"] = client
        return fact
    found = _LOGIN(rest)
    if found is None:
        return _UNUSUAL
    fact["client"], fact["sasl_method"], fact["sasl_username"] = found.groups()
    return fact


def _pickup(rest: str, fact: Fact) -> Fact:
    found = _SUBMITTED(rest)
    if found is None:
        return _UNUSUAL
    fact["event"] = _PICKUP
    fact["uid"], fact["from"] = found.groups()
    return fact


def _header(rest: str, fact: Fact) -> Fact:
    name, _, value = rest.partition("=")
    if name != "message-id" or value[:1] != "<" or value[-1] != ">":
        return _subject(rest, fact)
    fact["event"] = _MESSAGE_ID
    fact["message_id"] = value[1:-1]
    return fact


def _subject(rest: str, fact: Fact) -> Fact:
    found = _HEADER(rest)
    if found is None:
        return _UNUSUAL
    action, subject, client, sender, to, proto, helo = found.groups()
    fact["event"], fact["subject"], fact["action"], fact["stage"] = (
        _SUBJECT,
        subject.lstrip(),
        action,
        "header",
    )
    fact["client"], fact["from"], fact["to"], fact["proto"], fact["helo"] = client, sender, to, proto, helo
    return fact


def _queue_manager(rest: str, fact: Fact) -> Fact:
    if rest == "removed":
        return fact
    found = _QUEUED(rest)
    if found is None:
        return _UNUSUAL
    fact["event"] = _ACTIVE
    fact["from"], fact["size"], fact["nrcpt"] = found.groups()
    return fact


def _delivery(rest: str, fact: Fact) -> Fact | None:
    found = _DELIVERY(rest)
    if found is None:
        return _UNUSUAL if rest.startswith("to=") else None
    to, orig_to, relay, conn_use, delay, delays, dsn, status, reply = found.groups()
    fact["to"] = to
    if orig_to:
        fact["orig_to"] = orig_to
    fact["relay"] = relay
    if status != "sent":
        fact["event"] = _NOT_SENT[status]
    elif not _sent(fact, _TAKEN(reply)):
        return _UNUSUAL
    if conn_use:
        fact["conn_use"] = conn_use
    fact["delay"], fact["delays"], fact["dsn"], fact["status"], fact["reply"] = (
        delay,
        delays,
        dsn,
        status,
        reply,
    )
    return fact


def _sent(fact: Fact, taken: re.Match[str] | None) -> bool:
    """Add who took it, and under which id; False where that takes a closer look."""
    if not _IS_SES[fact["relay"]]:
        fact["event"] = _HANDED_OVER
        return taken is None
    # On any other day the id may know the year better than the log's carrier.
    if taken is None or ses_day(taken[1]) != fact["at"][:10]:
        return False
    fact["event"], fact["ses_id"] = _RELAYED, taken[1]
    return True


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
