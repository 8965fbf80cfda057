"""Refusals before the queue: what a record keeps of them, however often a client comes back and whatever it varies.

A client may be refused any number of times in an hour, for one recipient, and choose some of the words itself. So of
those that say the same one a minute is kept, and each that says something else has a record of its own.
"""

from hashlib import sha256
from typing import Any

from postroad.codec import text_without
from postroad.facts import Fact
from postroad.instants import start_of_hour, start_of_minute

# Postfix cuts its text at 2,000 octets, which JSON may double. Sixty of these are well below an item's 400 KB.
ORDINARY = 4000
# What differs from one connection to the next, or is the client's to choose, and tells nothing of why.
_PASSING = frozenset(("pid", "proto", "helo"))
_AT = frozenset(("at",))


def kept(refusal: Fact) -> Fact:
    """A refusal as it is kept: of no one connection, at its minute, or at its hour if longer than Postfix writes."""
    said: Any = {name: value for name, value in refusal.items() if name not in _PASSING}
    if "client" in said:
        said["client"] = "".join(said["client"].partition("]")[:2])  # without the port
    is_ordinary = len(text_without(said, _AT).encode(errors="replace")) <= ORDINARY
    said["at"] = (start_of_minute if is_ordinary else start_of_hour)(said["at"])
    bounded: Fact = said
    return bounded


def said_by(refusal: Fact) -> str:
    """A digest of all that a kept refusal says but its time; no client can make two of them alike."""
    return sha256(text_without(kept(refusal), _AT).encode(errors="replace")).hexdigest()[:16]
