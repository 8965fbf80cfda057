"""The part of a log line before the message: who wrote it, on which host, when.

Every wrapping that Postfix lines are met in: traditional and RFC 3339 stamps, postlogd's own, RFC 3164's priority and
RFC 5424's header, a container runtime's stamp or name in front, a second header inside the first, no header at all.
"""

import re
from datetime import UTC, tzinfo
from typing import NamedTuple

from postroad.facts import ParseError
from postroad.instants import Instant, day, parse, traditional

# Postfix cuts its text at 2,000 bytes (util/msg_syslog.c); no header makes it eight times as long.
LONGEST = 16_384

_STAMP = r"(?:[A-Z][a-z]{2} [ 0-3]?\d \d\d:\d\d:\d\d)"
_ISO = r"(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)"
_TRADITIONAL = re.compile(_STAMP)
_RFC3339 = re.compile(_ISO)
_CLOCK = re.compile(r"\d\d:\d\d:\d\d")
_SECOND_HEADER = re.compile(rf"{_STAMP}|{_ISO}")
_SOLARIS_ID = re.compile(r"\[ID \d+ \w+\.\w+\] ")
_REPEATED = re.compile(r"message repeated \d+ times: \[ (.*)\]$")
# `<priority>1 stamp host program pid msgid data text` (RFC 5424 §6)
_RFC5424 = re.compile(
    r"<\d{1,3}>1 (?P<header>\S+ \S+) (?P<program>\S+) (?P<pid>\S+) \S+ (?:-|\[.*?\]) (?:\ufeff)?(?P<text>.*)"
)
_LEADING_STAMPS = re.compile(rf"(?:(?:{_ISO}|{_STAMP}) )+")
# No header is longer: two stamps, a container's name, a host's.
_LONGEST_HEADER = 400


class Carrier(NamedTuple):
    """What brought a line, for what the line itself does not say."""

    at: Instant  # the log event's time, or the file's date
    zone: tzinfo = UTC  # of stamps that name none
    host: str | None = None  # the log stream, for lines without a header


class Line(NamedTuple):
    """A line taken apart; `at` is None where the line has no stamp, `program` where it has no tag."""

    header: str
    program: str | None
    pid: str
    text: str


def take_apart(line: str) -> Line:
    """Find the tag `name[pid]: `; behind the first tag a second header may follow, then its tag is the one."""
    if line.startswith("<") and (found := _RFC5424.fullmatch(line)):
        return Line(found["header"], found["program"], found["pid"].strip("-"), found["text"])
    start = 0
    while (end := line.find("]: ", start)) > 0:
        bracket = line.rfind("[", start, end)
        space = line.rfind(" ", start, max(bracket, start))
        program, pid = line[max(space + 1, start) : bracket], line[bracket + 1 : end]
        if bracket < 0 or not pid.isdigit() or not is_header(line[start : max(space + 1, start)]):
            break
        start = end + 3
        if "/" in program or not has_header(line, start):
            return Line(line[: max(space, 0)], program, pid, _message(line[start:]))
    stamps = _LEADING_STAMPS.match(line, start)
    start = stamps.end() if stamps else start
    return Line(line[:start].rstrip(), None, "", line[start:])


def is_header(text: str) -> bool:
    """Tell whether a tag may stand behind this: what another program said before it makes it a part of a text."""
    return ": " not in text and len(text) <= _LONGEST_HEADER


def has_header(text: str, start: int = 0) -> bool:
    """Tell whether a stamp begins there, as the one of a header inside the first does."""
    return _SECOND_HEADER.match(text, start) is not None


def is_stamped(line: Line) -> bool:
    """Tell whether the line itself says when it was written."""
    return bool(_RFC3339.search(line.header) or _TRADITIONAL.search(line.header))


def _message(text: str) -> str:
    if text.startswith("[ID "):
        text = _SOLARIS_ID.sub("", text, count=1)
    repeated = _REPEATED.match(text) if text.startswith("message repeated ") else None
    return repeated[1] if repeated else text


def host(line: Line, carrier: Carrier) -> str | None:
    """Name the host: the word before the tag, unless it belongs to the stamp."""
    word = line.header.rpartition(" ")[2]
    return (
        carrier.host if word in ("", "|", "-") or _RFC3339.fullmatch(word) or _CLOCK.fullmatch(word) else word
    )


def at(line: Line, carrier: Carrier) -> Instant:
    """When the line was written: its own stamp, the outermost that names a zone first. Raises ParseError."""
    try:
        stamp = _RFC3339.search(line.header)
        if stamp:
            return parse(stamp[0].replace(",", "."), carrier.zone)
        stamp = _TRADITIONAL.search(line.header)
        return traditional(stamp[0], day(carrier.at), carrier.zone) if stamp else carrier.at
    except (ValueError, KeyError) as error:
        reason = f"no such time: {line.header[:40]}"
        raise ParseError(reason, line.text) from error
