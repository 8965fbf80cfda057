"""What one machine notes beside its records: how far it read, what it still has to tell, what it refused."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from postroad.codec import Key
from postroad.instants import Instant
from postroad.store.contract import BadInput
from postroad.store.sqlite_file import Database

# The origin under which `paid` notes the sink's position.
OUTBOX = "outbox"
# Sorts behind every time, and behind every digest in hex.
LAST = "\U0010ffff"


class SetAside(NamedTuple):
    """An input that was refused, and when it first was."""

    at: Instant
    input: BadInput


class BadPage(NamedTuple):
    """Refused inputs, the newest first; `cursor` is None on the last page."""

    inputs: list[SetAside]
    cursor: str | None


class Ledger(Database):
    """Positions, the outbox, messages that wait for a claim, refused inputs; each call joins an open transaction."""

    def position(self, origin: str) -> str | None:
        """How far `origin` (a file, a queue) was read, as `move` noted it."""
        rows = self.run("SELECT position FROM position WHERE origin = ?", (origin,))
        return rows[0][0] if rows else None

    def move(self, origin: str, position: str) -> None:
        """Note how far `origin` was read."""
        self.run("INSERT OR REPLACE INTO position VALUES (?, ?)", (origin, position))

    def owe(self, lines: Iterable[str]) -> None:
        """Keep unified lines until they are published."""
        self.run_many("INSERT INTO outbox (line) VALUES (?)", ((line,) for line in lines))

    def owed(self, limit: int = 1000) -> list[tuple[int, str]]:
        """The oldest lines still to be published, each with its id."""
        return self.run("SELECT id, line FROM outbox ORDER BY id LIMIT ?", (limit,))

    def paid(self, up_to: int, note: str | None = None) -> None:
        """Strike the lines up to this id off, and note the sink's position as that of the origin OUTBOX."""
        with self.transaction():
            self.run("DELETE FROM outbox WHERE id <= ?", (up_to,))
            if note is not None:
                self.move(OUTBOX, note)

    def wait(self, keys: Iterable[Key], deadline: Instant) -> None:
        """Let these records wait for a claim until the deadline; one that waits already keeps its earlier one."""
        self.run_many(
            "INSERT INTO waiting VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET deadline = excluded.deadline"
            " WHERE excluded.deadline < deadline",
            ((*key, deadline) for key in keys),
        )

    def due(self, now: Instant, limit: int = 1000) -> list[Key]:
        """Records that nothing claimed in time, the longest overdue first."""
        due = "SELECT pk, sk FROM waiting WHERE deadline <= ? ORDER BY deadline, pk, sk LIMIT ?"
        return [Key(*row) for row in self.run(due, (now, limit))]

    def claimed(self, keys: Iterable[Key]) -> None:
        """Let these records wait no longer."""
        self.run_many("DELETE FROM waiting WHERE pk = ? AND sk = ?", keys)

    def set_aside(self, inputs: Iterable[BadInput], at: Instant) -> None:
        """Keep refused inputs; one that was refused before for the same reason stays as it is."""
        self.run_many(
            "INSERT OR IGNORE INTO bad_input VALUES (?, ?, ?, ?, ?, ?)",
            ((_digest(bad), at, bad.source, bad.origin, bad.reason, _bytes(bad.raw)) for bad in inputs),
        )

    def bad_inputs(self, limit: int = 100, cursor: str | None = None) -> BadPage:
        """Refused inputs, the newest first. Raises ValueError for a cursor of another kind."""
        at, digest = decoded(cursor, 2) if cursor else (LAST, "")
        rows = self.run(
            "SELECT at, hex(digest), source, origin, reason, raw FROM bad_input"
            " WHERE (at, digest) < (?, ?) ORDER BY at DESC, digest DESC LIMIT ?",
            (at, _unhex(digest), limit + 1),
        )
        inputs = [SetAside(row[0], BadInput(row[2], row[3], row[4], _text(row[5]))) for row in rows[:limit]]
        return BadPage(inputs, encoded(rows[limit - 1][:2]) if len(rows) > limit else None)


def _digest(bad: BadInput) -> bytes:
    return sha256(_bytes(f"{bad.source}\0{bad.reason}\0{bad.raw}")).digest()


def _bytes(raw: str) -> bytes:
    # Half a surrogate pair is no text to SQLite, yet a JSON escape or an undecodable log byte may bring one.
    return raw.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")


def _unhex(digest: str) -> bytes:
    try:
        return bytes.fromhex(digest)
    except ValueError as error:
        raise ValueError(_BAD_CURSOR) from error


_BAD_CURSOR = "not a cursor of this list: start again without one"


def encoded(place: Sequence[str]) -> str:
    """Write the place of a page's last row as an opaque cursor."""
    return urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode()


def decoded(cursor: str, length: int) -> list[str]:
    """Read a cursor back. Raises ValueError for one that `encoded` did not write for such a list."""
    try:
        place = json.loads(urlsafe_b64decode(cursor))
    except (ValueError, RecursionError) as error:
        raise ValueError(_BAD_CURSOR) from error
    if (
        not isinstance(place, list)
        or len(place) != length
        or not all(isinstance(part, str) for part in place)
    ):
        raise ValueError(_BAD_CURSOR)
    return place
