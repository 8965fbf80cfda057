"""Log shippers' JSON records: the log line inside, and when the record says it was written.

Docker's json-file (`log`, `time`), FireLens and Fluent Bit (`log`, `date`), journald's export (`MESSAGE`,
`__REALTIME_TIMESTAMP`, `SYSLOG_IDENTIFIER`), and others that write `message` and `@timestamp`.
"""

import json
from typing import Any

from postroad.addresses import printable
from postroad.instants import Instant, from_ms, parse

_LINE = ("log", "MESSAGE", "message")
_TIME = ("time", "@timestamp", "timestamp", "date")


def unwrapped(line: str) -> tuple[str, Instant | None]:
    """The log line inside a record, with the record's time; any other line as it is, without one."""
    record = _record(line) if line.startswith("{") else None
    text = next((_text(record[name]) for name in _LINE if name in record), None) if record else None
    if record is None or text is None:
        return line, None
    # What JSON escapes may be anything, a line end among it.
    return printable(_journal(record, text.rstrip("\r\n").replace("\t", " "))), _time(record)


def _record(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(value: object) -> str | None:
    """A text; journald writes one that is not UTF-8 as a list of octets."""
    if isinstance(value, list) and all(isinstance(octet, int) and 0 <= octet < 256 for octet in value):  # noqa: PLR2004 - an octet
        return bytes(value).decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else None


def _time(record: dict[str, Any]) -> Instant | None:
    for name in _TIME:
        try:
            value = record.get(name)
            if isinstance(value, str):
                return parse(value)
            if isinstance(value, int | float):
                return from_ms(int(value * 1000))
        except (OverflowError, ValueError):
            continue
    return None


def _journal(record: dict[str, Any], text: str) -> str:
    if "SYSLOG_IDENTIFIER" not in record:
        return text
    tag = f"{record['SYSLOG_IDENTIFIER']}[{record.get('_PID', 0)}]: {text}"
    return " ".join(str(word) for word in (_realtime(record), record.get("_HOSTNAME"), tag) if word)


def _realtime(record: dict[str, Any]) -> Instant | None:
    try:
        return from_ms(int(record["__REALTIME_TIMESTAMP"]) // 1000)
    except (KeyError, OverflowError, TypeError, ValueError):
        return None
