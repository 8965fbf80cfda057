"""Times as logs, events and headers write them; seconds since the epoch in, text out."""

import time
from functools import lru_cache


@lru_cache(maxsize=4096)
def _written(second: int, form: str) -> str:
    return time.strftime(form, time.gmtime(second))


def traditional(at: float) -> str:
    """`Feb 25 00:05:18`."""
    return _written(int(at), "%b %e %H:%M:%S")


def rfc3339(at: float) -> str:
    """`2026-02-25T00:05:18.112345+00:00`."""
    return f"{_written(int(at), '%Y-%m-%dT%H:%M:%S')}.{int(at % 1 * 1_000_000):06d}+00:00"


def of_ses(at: float) -> str:
    """`2026-02-25T00:05:18.112Z`."""
    return f"{_written(int(at), '%Y-%m-%dT%H:%M:%S')}.{int(at % 1 * 1_000):03d}Z"


def of_header(at: float) -> str:
    """`Wed, 25 Feb 2026 00:05:18 +0000`."""
    return _written(int(at), "%a, %d %b %Y %H:%M:%S +0000")
