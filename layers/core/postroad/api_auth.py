"""Who asks, what they may see, how often they may ask, and what is noted of it."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256
from hmac import new as hmac
from typing import Any, NamedTuple

from postroad.addresses import folded
from postroad.api_problems import ProblemError
from postroad.instants import Instant

# Addresses in full; addresses and subjects masked; taking an address off the suppression list.
READ, MASKED, SUPPRESS = "read", "read.masked", "suppressions.write"
SCOPES = (READ, MASKED, SUPPRESS)
# What a token's scopes begin with: the resource server's name at Cognito.
PREFIX = "postroad/"
# Where issuers put scopes: RFC 9068, Microsoft, Auth0. The HTTP API writes a list as `[a b]`.
_SCOPE_CLAIMS = ("scope", "scp", "permissions")
_NAME_CLAIMS = ("sub", "username", "client_id")
_SEPARATORS = re.compile(r"[\s,\[\]\"]+")
_MOST_BUCKETS = 10_000


class Asker(NamedTuple):
    """Who asks, and with which scopes."""

    who: str
    scopes: frozenset[str]

    @property
    def is_masked(self) -> bool:
        """Tell whether addresses and subjects are hidden from them."""
        return READ not in self.scopes


def asker_of(event: Mapping[str, Any]) -> Asker:
    """Who asks, as the authoriser before us checked it. Raises ProblemError where none did."""
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    token = authorizer.get("jwt") or {}
    claims = token.get("claims") or {}
    who = next((str(claims[name]) for name in _NAME_CLAIMS if claims.get(name)), None)
    if who is None:
        raise ProblemError(
            401,
            "this needs a token: send it as Authorization: Bearer TOKEN",
            headers={"WWW-Authenticate": 'Bearer realm="postroad"'},
        )
    said = [token.get("scopes"), *(claims.get(name) for name in _SCOPE_CLAIMS)]
    words = {word for one in said for word in _words(one)}
    return Asker(who, frozenset(scope for scope in SCOPES if f"{PREFIX}{scope}" in words))


def _words(said: object) -> list[str]:
    text = " ".join(map(str, said)) if isinstance(said, (list, tuple)) else said
    return _SEPARATORS.split(text) if isinstance(text, str) else []


def check(asker: Asker, method: str) -> None:
    """Refuse what the scopes do not allow: to write on the suppression list does not mean to read mail."""
    needed = (SUPPRESS,) if method == "DELETE" else (READ, MASKED)
    if asker.scopes.isdisjoint(needed):
        raise ProblemError(
            403,
            f"this token lacks the scope {' or '.join(PREFIX + scope for scope in needed)}: ask for one that has it",
            headers={
                "WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{PREFIX}{needed[-1]}"',
            },
        )


class Buckets:
    """A token bucket for each asker: so many requests at once, so many a second after that."""

    def __init__(self, rate: float, burst: float) -> None:
        """Let each asker ask `burst` times at once and `rate` times a second."""
        self._rate = rate
        self._burst = burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str, seconds: float) -> None:
        """Take from an asker's bucket at a time. Raises ProblemError where it is empty."""
        left, before = self._left.pop(who, (self._burst, seconds))
        left = min(self._burst, left + max(seconds - before, 0) * self._rate)
        self._left[who] = (max(left - 1, 0) if left >= 1 else left, seconds)
        if len(self._left) > _MOST_BUCKETS:
            self._left.popitem(last=False)
        if left < 1:
            wait = max(1, round((1 - left) / self._rate))
            raise ProblemError(
                429, f"too many requests: ask again in {wait} s", headers={"Retry-After": str(wait)}
            )


class Audit:
    """Notes each look-up of a person before it is answered: who, what kind, when, and a keyed hash of the address."""

    def __init__(
        self, write: Callable[[Mapping[str, Any]], None], key: bytes, now: Callable[[], Instant]
    ) -> None:
        """Write notes with `write`; one that cannot be written is a look-up that is not answered."""
        self._write = write
        self._key = key
        self._now = now

    def note(self, asker: Asker, action: str, address: str | None) -> None:
        """Note a look-up of an address, of an id that leads to one, or of a list."""
        try:
            self._write(
                {
                    "at": self._now(),
                    "who": asker.who,
                    "action": action,
                    "masked": asker.is_masked,
                    "hash": None if address is None else self.hashed(address),
                }
            )
        except OSError as error:
            raise ProblemError(503, "the audit log cannot be written, so nothing is looked up") from error

    def hashed(self, address: str) -> str:
        """The hash that an address, or an id, is noted under."""
        said = folded(address).encode("utf-8", "surrogatepass")
        return hmac(self._key, b"audit\0" + said, sha256).hexdigest()[:32]
