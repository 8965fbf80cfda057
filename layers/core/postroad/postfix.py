"""Postfix log lines to facts.

A line gives facts, or none where it is recognised and says nothing of a message, or a ParseError that carries it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from postroad import postfix_forms as forms
from postroad import postfix_quick as quick
from postroad import syslog
from postroad.facts import Fact, ParseError, Source
from postroad.ids import NOQUEUE, is_queue_id, ses_time
from postroad.postfix_daemons import FORMS, UNTAGGED
from postroad.postfix_forms import Said
from postroad.postfix_heads import headers
from postroad.shippers import unwrapped
from postroad.syslog import Carrier, Line

# Said of no queue entry: the before-queue proxy's verdicts.
_PROXY = ("proxy-reject: ", "proxy-accept: ")
# Words that say something even when they are empty: the null sender, no Message-ID.
_MAY_BE_EMPTY = ("from", "to", "message_id", "subject", "reply")


class Reading(NamedTuple):
    """What some lines said, and the refusals of the others, each with its line."""

    facts: list[Fact]
    refused: list[ParseError]


def read(lines: Iterable[str], carrier: Carrier) -> Reading:
    """Read log lines, each without its line end and with no other in it, as `facts` reads them one by one."""
    refused: list[ParseError] = []

    def ask(line: str) -> Iterable[Fact]:
        try:
            return facts(line, carrier)
        except ParseError as error:
            refused.append(ParseError(str(error), line))
            return ()

    return Reading(quick.read(lines, headers(carrier), ask), refused)


def facts(line: str, carrier: Carrier) -> list[Fact]:
    """Read one log line, without its line end.

    Raises ParseError for a line in which a daemon of Postfix began to speak of a message and did not end.
    """
    line, written = unwrapped(line)
    line = line.rstrip()
    carrier = carrier._replace(at=written) if written else carrier
    if len(line) > syslog.LONGEST:
        reason = f"line longer than {syslog.LONGEST} characters"
        raise ParseError(reason, line)
    apart = syslog.take_apart(line)
    daemon = _daemon(apart)
    try:
        said = _said(apart.text, daemon)
        return [_fact(said, apart, daemon, carrier)] if said else []
    except ParseError as error:
        raise ParseError(str(error), line) from error


def _daemon(line: Line) -> str | None:
    return None if line.program is None else line.program.rpartition("/")[2]


def _said(text: str, daemon: str | None) -> Said | None:
    queue_id, _, rest = text.partition(": ")
    if queue_id == NOQUEUE or is_queue_id(queue_id):
        return _read(rest, daemon, {"queue_id": queue_id})
    if daemon == "smtpd" and text.startswith(_PROXY):
        return forms.action(text)
    if daemon in FORMS and text.startswith("to=<"):
        reason = "a delivery without a queue id"
        raise ParseError(reason, text)
    return None


def _read(rest: str, daemon: str | None, frame: Said) -> Said | None:
    for start, reader in UNTAGGED if daemon is None else FORMS.get(daemon, ()):
        if rest.startswith(start):
            said = reader(rest)
            return frame | said if said else None
    return None


def _fact(said: Said, line: Line, daemon: str | None, carrier: Carrier) -> Fact:
    ses_at = ses_time(said["ses_id"]) if said.get("ses_id") else None
    instance = (line.program or "postfix/").rpartition("/")[0]
    frame = {
        "source": Source.RELAY,
        # The id on the line knows the year better than what carried the line here.
        "at": syslog.at(line, carrier._replace(at=ses_at) if ses_at else carrier),
        "host": syslog.host(line, carrier),
        "daemon": daemon,
        "pid": line.pid,
        "syslog_name": instance if instance != "postfix" else None,
    }
    fact: Any = {
        name: value
        for name, value in (frame | said).items()
        if value or (value == "" and name in _MAY_BE_EMPTY)
    }
    typed: Fact = fact
    return typed
