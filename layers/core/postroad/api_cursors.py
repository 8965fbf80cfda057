"""Cursors as others see them: unreadable, as a place in a list holds an address, and of use in one list only."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac

from postroad.api_problems import ProblemError, refused

_TAG = 16


class Cursors:
    """Seals a store's cursors: SIV mode (RFC 5297's construction) with HMAC-SHA256 as its pseudo-random function."""

    def __init__(self, key: bytes) -> None:
        """Seal with a secret key."""
        self._key = key

    def seal(self, place: str | None, about: str) -> str | None:
        """Seal a place in the list that `about` names."""
        if place is None:
            return None
        plain = place.encode()
        tag = self._tag(plain, about)
        return urlsafe_b64encode(tag + self._mixed(plain, tag)).decode().rstrip("=")

    def open(self, sealed: str | None, about: str) -> str | None:
        """Read a place back. Raises ProblemError for what was not sealed for this list."""
        if sealed is None:
            return None
        try:
            raw = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        except ValueError as error:
            raise _bad() from error
        tag, plain = raw[:_TAG], self._mixed(raw[_TAG:], raw[:_TAG])
        if not compare_digest(tag, self._tag(plain, about)):
            raise _bad()
        return plain.decode()

    def _tag(self, plain: bytes, about: str) -> bytes:
        named = about.encode("utf-8", "surrogatepass")
        return self._hmac(b"cursor tag", len(named).to_bytes(4, "big") + named + plain)[:_TAG]

    def _mixed(self, text: bytes, tag: bytes) -> bytes:
        blocks = range(-(-len(text) // 32))
        stream = b"".join(self._hmac(b"cursor text", tag + block.to_bytes(4, "big")) for block in blocks)
        return bytes(one ^ other for one, other in zip(text, stream, strict=False))

    def _hmac(self, purpose: bytes, said: bytes) -> bytes:
        return hmac(self._key, purpose + b"\0" + said, sha256).digest()


def _bad() -> ProblemError:
    return refused("cursor", "this is no cursor of this list: start again without one")
