"""The only clock of the command line, and how people write times."""

import re
from datetime import UTC, datetime, timedelta

from postroad.instants import Instant, from_datetime, parse

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def now() -> Instant:
    """The present."""
    return from_datetime(datetime.now(UTC))


def moment(text: str) -> Instant:
    """Read `2026-02-25`, `2026-02-25T10:00`, or `24h` and `7d` as that long ago. Raises ValueError."""
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return from_datetime(datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
        return parse(text)
    except (ValueError, OverflowError) as error:
        message = f"{text!r} is no time: write 2026-02-25, 2026-02-25T10:00, 24h or 7d"
        raise ValueError(message) from error
