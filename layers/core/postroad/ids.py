"""Identifiers: Postfix queue ids and SES message ids."""

import re

from postroad.instants import Instant, day, from_ms
from postroad.remembered import Remembered

NOQUEUE = "NOQUEUE"
# SES was announced in January 2011; an id that decodes to a time outside these bounds is no id of that shape.
EARLIEST, LATEST = "2011-01-01", "2100-01-01"

_HEX = frozenset("0123456789ABCDEF")
_SHORTEST_QUEUE_ID = 6
_LONGEST_QUEUE_ID = 255
# 4 hex of region, 12 hex of epoch milliseconds, the rest of a UUID, a counter; published samples obscure parts of it.
_SES_ID = re.compile(r"[0-9a-f]{16}(?:-[0-9A-Za-z]+)*", re.IGNORECASE)
# A name that only begins like one of Amazon's is anybody's.
_SES_HOST = re.compile(r"\bemail-smtp\.[\w.-]*\bamazonaws\.com(?:\.cn)?(?![\w.-])")
_SES_REPLY = re.compile(r"250 ok ([0-9A-Za-z-]+)", re.IGNORECASE)


def is_queue_id(text: str) -> bool:
    """Tell whether the word before a Postfix line's first colon is a queue id (global/mail_queue_id_ok()).

    Short ids are upper-case hex, long ones have a digit; words such as `warning` or `Deleted` are neither.
    """
    if not _SHORTEST_QUEUE_ID <= len(text) <= _LONGEST_QUEUE_ID or not text.isascii():
        return False
    return (text.isalnum() or text.replace("_", "").isalnum()) and (
        not text.isalpha() or _HEX.issuperset(text)
    )


def ses_time(ses_id: str) -> Instant | None:
    """When SES took the message, read out of its id; None where the id does not tell."""
    return _TIMES[ses_id]


def _time_in(ses_id: str) -> Instant | None:
    try:
        octets = bytes.fromhex(ses_id[:16])
    except ValueError:
        return None
    if ses_id[16:17] != "-":
        return None
    # Spaces among the digits leave too few of them for a time after EARLIEST.
    milliseconds = int.from_bytes(octets[2:], "big")
    at = from_ms(milliseconds) if milliseconds < 2**43 else ""
    return at if EARLIEST <= at < LATEST else None


# Each is asked for again when its facts are folded.
_TIMES = Remembered(_time_in, most=1024)


def _day_of(start: str) -> str:
    """The day of ids with these first twelve characters, which leave 66 seconds open; empty where they lie in two."""
    first, last = (day(ses_time(f"{start}{rest}-") or "") for rest in ("0000", "ffff"))
    return first if first == last else ""


_DAYS = Remembered(_day_of)


def ses_day(ses_id: str) -> str:
    """The UTC day of `ses_time`, cheaply; empty where that takes a closer look."""
    return _DAYS[ses_id[:12]]


def ses_id_in(reply: str, relay: str) -> str | None:
    """The SES id in the reply to the end of DATA, `250 Ok 0100…-000000`; None where the reply is not SES's.

    From a host of Amazon's any single word is its id; from another name (a private endpoint) it must have the shape.
    """
    found = _SES_REPLY.fullmatch(reply)
    if found is None:
        return None
    return found[1] if is_ses_relay(relay) or _SES_ID.fullmatch(found[1]) else None


def is_ses_relay(relay: str) -> bool:
    """Tell whether a `relay=`, or what a reply says of a server, names an SES SMTP endpoint."""
    return "amazonaws" in relay and _SES_HOST.search(relay) is not None
