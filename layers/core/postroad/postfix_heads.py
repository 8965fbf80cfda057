"""The heads of ordinary log lines, remembered: a second's lines share their stamp, a daemon's lines their tag.

Both are read by `syslog` once, and then looked up; what is not ordinary is None, and left to `postfix.facts`.
"""

import re
from datetime import tzinfo
from functools import lru_cache
from typing import TypeAlias

from postroad import syslog
from postroad.facts import ParseError
from postroad.instants import Instant, day
from postroad.syslog import Carrier, Line

# Of more writers than a busy second's, none is remembered for long.
_MOST = 4096


# When and where a line was written.
Header: TypeAlias = tuple[Instant, str]

# What a minute's lines of one host differ in is the seconds; a leap second is left to `syslog`.
_MINUTE = re.compile(
    r"[A-Z][a-z]{2} [ 0-3]\d \d\d:\d\d:[0-5]\d [^ :]+"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d\.\d{6}(?:Z|[+-]\d\d:\d\d) [^ :]+",
    re.ASCII,
)
_SECOND = re.compile(r"([0-5]\d) ", re.ASCII)
_FRACTION = re.compile(r"([0-5]\d\.\d{3})\d{3}[Z+-]", re.ASCII)


class Headers(dict[str, Header]):
    """Headers of one carrier's lines, by their text."""

    def __init__(self, carrier: Carrier) -> None:
        super().__init__()
        self._carrier = carrier
        self._minutes: dict[str, Header] = {}

    def read(self, text: str) -> Header | None:
        """Read a header that is not among those remembered; None for one that is not ordinary."""
        return self._short(text) if text[3:4] == " " else self._long(text)

    def _short(self, text: str) -> Header | None:
        minute, second = text[:13] + text[15:], _SECOND.match(text, 13)
        known = self._minutes.get(minute)
        if not known or not second:
            return self._read(text, minute)
        if len(self) >= _MOST:
            self.clear()
        self[text] = found = f"{known[0]}{second[1]}.000Z", known[1]
        return found

    def _long(self, text: str) -> Header | None:
        # A stamp with microseconds comes but once, so that its minute is what is looked up: 2 us instead of 8.
        minute, second = text[:17] + text[26:], _FRACTION.match(text, 17)
        known = self._minutes.get(minute)
        if not known or not second:
            return self._read(text, minute)
        return f"{known[0]}{second[1]}Z", known[1]

    def _read(self, text: str, minute: str) -> Header | None:
        line = Line(text, "", "", "")
        if text.startswith(("<", "{")) or not syslog.is_header(f"{text} ") or not syslog.is_stamped(line):
            return None
        try:
            at, host = syslog.at(line, self._carrier), syslog.host(line, self._carrier)
        except ParseError:
            return None
        if host and _MINUTE.fullmatch(text):
            self._learn(minute, (at[:17], host))
        return (at, host) if host else None

    def _learn(self, minute: str, known: Header) -> None:
        if len(self._minutes) >= _MOST:
            self._minutes.clear()
        self._minutes[minute] = known


@lru_cache(maxsize=64)
def _headers(day: str, zone: tzinfo, host: str | None) -> Headers:
    return Headers(Carrier(f"{day}T00:00:00.000Z", zone, host))


def headers(carrier: Carrier) -> Headers:
    """The headers of a carrier's lines; of its time, only the day matters to a line that has a stamp."""
    return _headers(day(carrier.at), carrier.zone, carrier.host)
