"""E-mail addresses: as they were said, and as they are looked up."""

import re
from hashlib import sha256

from postroad.remembered import Remembered

# RFC 5321 §4.5.3.1 allows 64 + 1 + 255 octets; what is longer is hostile and must still fit a table's key.
LONGEST = 320
_CONTROLS = bytes([*range(0x20), 0x7F])
# What has nothing to fold: most addresses.
_ORDINARY = re.compile(rf"[a-z0-9.@_+=-]{{1,{LONGEST}}}").fullmatch
_QUOTED_PAIR = re.compile(r"\\(.)")


def bare(text: str) -> str:
    """Take the address out of `Name <a@b>` or `<a@b>`; any other text is an address already."""
    text = text.strip()
    return text[text.rfind("<") + 1 : -1].strip() if text.endswith(">") and "<" in text else text


def folded(address: str) -> str:
    """The form an address is looked up by: case-folded, without needless quotes, printable and of bounded length.

    Postfix may log `re ceiver@d` where SES says `"re ceiver"@d` (info_log_address_format); both fold alike.
    """
    return _FOLDED[address]


def is_folded(address: str) -> bool:
    """Tell whether an address is its own folded form, of an ordinary one in a third of the time that folding takes."""
    return _ORDINARY(address) is not None or folded(address) == address


def _fold(address: str) -> str:
    local, at, domain = bare(address).rpartition("@")
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = _QUOTED_PAIR.sub(r"\1", local[1:-1])
    return clipped(printable(f"{local}{at}{domain}").casefold())


def clipped(text: str, longest: int = LONGEST) -> str:
    """Bound the octets of a key's part; what is cut off lives on in a digest, so that two keys stay two."""
    octets = text.encode()
    if len(octets) <= longest:
        return text
    return f"{octets[:longest].decode(errors='ignore')}~{sha256(octets).hexdigest()[:16]}"


def printable(text: str) -> str:
    """Write `?` for every character that does not print, as Postfix does (util/printable.c)."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def is_plain(text: bytes) -> bool:
    """Tell whether a text is ASCII and prints, in a quarter of the time `str.isprintable` takes over its characters."""
    return text.isascii() and len(text.translate(None, _CONTROLS)) == len(text)


# The facts of one delivery ask for one address six times, and come close together.
_FOLDED = Remembered(_fold, most=1024)
