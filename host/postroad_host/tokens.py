"""Who may ask on one machine: by a file of hashed tokens, a session's own token, or a proxy's header; and who did."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from postroad.api_auth import READ, SCOPES, SUPPRESS, Asker
from postroad.api_problems import ProblemError
from postroad.instants import Instant, from_datetime
from postroad_host.clock import now

_PRIVATE = 0o600
_OTHERS_WRITE = 0o022
_SHORTEST_KEY = 32
_HEAD = (
    "# Tokens of Postroad's API: SHA-256, scopes, expiry, whose it is. Remove a line to revoke its token.\n"
)


class TokensError(Exception):
    """The file of tokens cannot be used."""


class Entry(NamedTuple):
    """A line of the file."""

    digest: str
    scopes: frozenset[str]
    expires: Instant | None
    who: str

    def line(self) -> str:
        return f"{self.digest} {','.join(sorted(self.scopes))} {self.expires or 'never'} {self.who}\n"


def make(path: Path, who: str, scopes: frozenset[str], days: int | None = None) -> str:
    """Add a new token to the file, which is made where there is none; gives the token, which is kept nowhere.

    Raises ValueError for a name or scopes that cannot be, TokensError for a file of something else, and OSError.
    """
    if not who.strip() or any(not char.isprintable() for char in who):
        raise ValueError("name whose token it is, in one line")
    if not scopes or not scopes <= set(SCOPES):
        raise ValueError(f"name scopes: there are {', '.join(SCOPES)}")
    if path.exists():
        TokenFile(path)
    token = f"pr_{secrets.token_urlsafe(32)}"
    expires = from_datetime(datetime.now(UTC) + timedelta(days=days)) if days is not None else None
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, _PRIVATE)
    with os.fdopen(descriptor, "a+", encoding="utf-8") as stream:
        stream.seek(0)
        before = stream.read()
        # Whoever removed a line by hand may have left the last one without its end.
        stream.write(_HEAD if not before else "" if before.endswith("\n") else "\n")
        stream.write(Entry(_digest(token), scopes, expires, who.strip()).line())
    return token


def _digest(token: str) -> str:
    # A token is 256 random bits: there is nothing to guess, so nothing that a slow hash would save.
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class TokenFile:
    """The file, read anew when it changes."""

    def __init__(self, path: Path) -> None:
        """Read it. Raises TokensError."""
        self._path = path
        self._read: tuple[tuple[int, int, int], dict[str, Entry]] = ((0, 0, 0), {})
        self._entries()

    def asker(self, token: str) -> Asker | None:
        """Whose token this is; None where it is nobody's, or expired. Raises TokensError."""
        entry = self._entries().get(_digest(token))
        if entry is None or (entry.expires is not None and entry.expires <= now()):
            return None
        return Asker(entry.who, entry.scopes)

    def _entries(self) -> dict[str, Entry]:
        try:
            found = self._path.stat()
            version = (found.st_mtime_ns, found.st_size, found.st_ino)
            if version != self._read[0]:
                if found.st_mode & _OTHERS_WRITE:
                    raise TokensError(f"{self._path}: others can write it: chmod go-w {self._path}")
                self._read = (version, _parsed(self._path, self._path.read_text("utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "this is no text"
            raise TokensError(f"{self._path}: {reason}: make it with `postroad token`") from error
        return self._read[1]


def _parsed(path: Path, text: str) -> dict[str, Entry]:
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            entry = _entry(line)
            if entry is None:
                raise TokensError(
                    f"{path}: line {number} is no token: remove it, or make one with `postroad token`"
                )
            found[entry.digest] = entry
    return found


def _entry(line: str) -> Entry | None:
    parts = line.split(maxsplit=3)
    try:
        digest, words, expires, who = parts
        if expires != "never":
            datetime.fromisoformat(expires)
    except ValueError:
        return None
    scopes = frozenset(words.split(","))
    is_good = len(digest) == sha256().digest_size * 2 and scopes <= set(SCOPES)
    return Entry(digest, scopes, None if expires == "never" else expires, who.strip()) if is_good else None


class Gate:
    """Tells who asks: by a bearer token, or by what a proxy on this machine says of whom it let in."""

    def __init__(
        self,
        tokens: TokenFile | None = None,
        *,
        proxy_header: str | None = None,
        proxy_scopes: frozenset[str] = frozenset((READ,)),
    ) -> None:
        """Without a file and a header, `session` is the only token, made anew at each start."""
        self._tokens = tokens
        self._header = proxy_header.lower() if proxy_header else None
        self._scopes = proxy_scopes
        is_alone = tokens is None and proxy_header is None
        self.session = secrets.token_urlsafe(24) if is_alone else None

    @property
    def takes_tokens(self) -> bool:
        """Tell whether a token is of any use here."""
        return self._tokens is not None or self.session is not None

    def __call__(self, headers: Mapping[str, str], source: str) -> Asker | None:
        """Who asks; None for nobody known. A token is looked at first, and a wrong one is not made good by a header."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._of_token(token.strip())
        who = headers.get(self._header, "").strip() if self._header else ""
        return Asker(who, self._scopes) if who and _is_loopback(source) else None

    def _of_token(self, token: str) -> Asker | None:
        if self.session is not None:
            is_ours = compare_digest(token.encode("utf-8", "replace"), self.session.encode())
            return Asker("session", frozenset((READ, SUPPRESS))) if is_ours else None
        try:
            return self._tokens.asker(token) if self._tokens else None
        except TokensError as error:
            raise ProblemError(503, "the file of tokens cannot be read: see what the service says") from error


# What a proxy on this machine adds to what it passes on from elsewhere.
_PASSED_ON = frozenset(("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"))
# The first version's search, which asked for no token.
OPEN = "/v1/journeys"


def this_machine(path: str, headers: Mapping[str, str], source: str) -> Asker | None:
    """Let a program on this machine search without a token, as the first version did: by that one route only.

    Not what a proxy passes on, nor what a page of another site has a browser here ask for; and a wrong token is not
    made good by being sent from here.
    """
    is_from_elsewhere = not _PASSED_ON.isdisjoint(headers) or headers.get("sec-fetch-site", "none") not in (
        "none",
        "same-origin",
    )
    if path != OPEN or "authorization" in headers or is_from_elsewhere or not _is_loopback(source):
        return None
    return Asker("this machine", frozenset((READ,)))


def _is_loopback(source: str) -> bool:
    try:
        return ip_address(source).is_loopback
    except ValueError:
        return False


def secret(path: Path) -> bytes:
    """The key that seals cursors and hashes what the audit log notes, made where there is none. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    except FileExistsError:
        found = path.read_bytes()
        if len(found) >= _SHORTEST_KEY:
            return found
        # A crash came between making it and writing it.
        path.unlink()
        return secret(path)
    key = secrets.token_hex(32).encode()
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(key)
    return key


def audit_log(path: Path) -> Callable[[Mapping[str, Any]], None]:
    """Notes of look-ups at the end of a file, one JSON document a line, each flushed before its look-up is answered."""

    def write(note: Mapping[str, Any]) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(note, ensure_ascii=True) + "\n")

    return write
