"""Answers as CSV, for a spreadsheet that must not run what a remote server wrote."""

import csv
import re
from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any

from postroad.addresses import printable

# What a spreadsheet takes for a formula, full-width forms included; after `;` because where the comma is the decimal
# mark, that is what parts cells, whatever the quotes say.
_FORMULA = re.compile(r"(^\s*|;\s*|\"\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20|%])")
JOURNEY = (
    "recipient",
    "state",
    "complained",
    "auto_reply",
    "silent",
    "sender",
    "subject",
    "message_id",
    "queue_ids",
    "hosts",
    "ses_id",
    "configuration_set",
    "first_seen",
    "last_seen",
    "delay_s",
    "reason",
    "where",
    "summary",
    "advice",
)


def written(rows: Iterable[Mapping[str, Any]], fields: Iterable[str]) -> str:
    """Rows with a header; every cell is quoted (RFC 4180)."""
    out = StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    names = list(fields)
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return out.getvalue()


def flat(journey: Mapping[str, Any]) -> dict[str, Any]:
    """A journey with its diagnosis as one row."""
    return {**(journey.get("diagnosis") or {}), **journey}


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, (int, float)):
        return "" if value is None else str(value)
    text = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return _FORMULA.sub(r"\1'", printable(text))
