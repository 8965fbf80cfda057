"""The SQLite database of one machine: its tables, how an older one is brought up to date, what its errors mean."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from postroad.codec import Key, decode, encode

# `Post` in ASCII: tells our file from every other program's (PRAGMA application_id).
APPLICATION_ID = 0x506F7374

_WIDE = (
    # One row per record. `states` and `facts` are sorted texts, one a line: canonical JSON holds no raw newline.
    """CREATE TABLE record (
        pk TEXT NOT NULL, sk TEXT NOT NULL, lookup TEXT, at TEXT NOT NULL, problem TEXT,
        states TEXT NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (pk, sk)
    ) WITHOUT ROWID""",
    "CREATE INDEX record_by_lookup ON record (lookup, at, pk, sk) WHERE lookup IS NOT NULL",
    "CREATE INDEX record_by_problem ON record (problem, at, pk, sk) WHERE problem IS NOT NULL",
    "CREATE INDEX record_by_time ON record (at, pk, sk)",
)
_LEDGER = (
    "CREATE TABLE position (origin TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID",
    # AUTOINCREMENT: an id is never given twice, so paying twice cannot pay what came in between.
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL)",
    """CREATE TABLE waiting (
        pk TEXT NOT NULL, sk TEXT NOT NULL, deadline TEXT NOT NULL, PRIMARY KEY (pk, sk)
    ) WITHOUT ROWID""",
    "CREATE INDEX waiting_by_deadline ON waiting (deadline, pk, sk)",
    # `raw` is bytes because it must be kept whole, even where it is no valid text.
    """CREATE TABLE bad_input (
        digest BLOB NOT NULL UNIQUE, at TEXT NOT NULL, source TEXT NOT NULL, origin TEXT NOT NULL,
        reason TEXT NOT NULL, raw BLOB NOT NULL
    )""",
    "CREATE INDEX bad_input_by_time ON bad_input (at, digest)",
)
# Rows in the order they came, found by an index of their keys: a tree of whole records is rewritten all over by keys
# that come in no order (a third more time to import 200,000 lines, and the more the larger the store). Without the
# states, which nothing asked for: the facts say them.
_NARROW = (
    "DROP INDEX record_by_lookup",
    "DROP INDEX record_by_problem",
    "ALTER TABLE record RENAME TO wide",
    """CREATE TABLE record (
        pk TEXT NOT NULL, sk TEXT NOT NULL, lookup TEXT, at TEXT NOT NULL, problem TEXT, facts TEXT NOT NULL
    )""",
    # By the index, which goes with its table: to sort whole rows takes the store's size again in temporary files.
    # Facts of queues repeated their queue id: written as they are now, so that the same log brings nothing new.
    """INSERT INTO record SELECT
        pk, sk, lookup, at, problem, CASE WHEN pk GLOB 'queue#*' THEN anew(pk, sk, facts) ELSE facts END
        FROM wide INDEXED BY record_by_time ORDER BY at, pk, sk""",
    "DROP TABLE wide",
    "CREATE UNIQUE INDEX record_by_key ON record (pk, sk)",
    "CREATE INDEX record_by_lookup ON record (lookup, at, pk, sk) WHERE lookup IS NOT NULL",
    "CREATE INDEX record_by_problem ON record (problem, at, pk, sk) WHERE problem IS NOT NULL",
    "CREATE INDEX record_by_time ON record (at, pk, sk)",
)
# What brings a database from each version to the next; a new version is a new line, an old line never changes.
MIGRATIONS: tuple[tuple[str, ...], ...] = ((*_WIDE, *_LEDGER), _NARROW)


class StoreError(Exception):
    """The store could not do it; the message is one sentence that names the fix."""


_FIXES = {
    sqlite3.SQLITE_FULL: "no space is left for {path}: free some on its disk and try again",
    sqlite3.SQLITE_BUSY: "another process keeps writing to {path}: wait until it is done, or stop it",
    sqlite3.SQLITE_LOCKED: "another process keeps writing to {path}: wait until it is done, or stop it",
    sqlite3.SQLITE_CANTOPEN: "cannot open {path}: make sure that its directory exists and this user may write there",
    sqlite3.SQLITE_IOERR: "the disk under {path} fails: see what the kernel says of it, and try again",
    sqlite3.SQLITE_READONLY: "cannot write to {path}: give this user the right to write it and its directory",
    sqlite3.SQLITE_NOTADB: "{path} is not a Postroad database: name another file",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged: restore a copy, or move it away and import the logs again",
}


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turn an error of SQLite's, or of its files, into a StoreError that names the fix."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        # The low byte is the kind of error, the rest its detail.
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        message = _FIXES.get(code, "the database {path} failed: {error}").format(path=path, error=error)
        raise StoreError(message) from error


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Create the tables of a new database, or bring an older one's up to date; refuses any other."""
    if _marks(connection) == (APPLICATION_ID, len(MIGRATIONS)):
        return
    connection.create_function("anew", 3, _anew, deterministic=True)
    with _without_zeros(connection):
        _upgrade(connection, path)


@contextmanager
def _without_zeros(connection: sqlite3.Connection) -> Iterator[None]:
    # Debian's SQLite writes zeros over what is dropped: of a table that was copied, that took 100 MB more of log and
    # 150 MB more of temporary files for a database of 159 MB, and half of the time.
    ((kept,),) = connection.execute("PRAGMA secure_delete").fetchall()
    connection.execute("PRAGMA secure_delete = FAST")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA secure_delete = {kept}")


def _upgrade(connection: sqlite3.Connection, path: str) -> None:
    # Under the lock, because another process may be creating them at this moment.
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in MIGRATIONS[_version(connection, path) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _anew(pk: str, sk: str, facts: str) -> str:
    """Write a row's facts as the codec does now."""
    key = Key(pk, sk)
    return "\n".join(sorted({_text_anew(text, key) for text in facts.split("\n")}))


def _text_anew(text: str, key: Key) -> str:
    # One text that cannot be read, or not be kept, stays as it is: the others are not to be lost over it.
    try:
        return encode(decode(text, key), key).encode().decode()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return text


def _version(connection: sqlite3.Connection, path: str) -> int:
    owner, version = _marks(connection)
    tables = connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchall()
    if owner != APPLICATION_ID and (owner or version or tables):
        raise StoreError(_FIXES[sqlite3.SQLITE_NOTADB].format(path=path))
    if version > len(MIGRATIONS):
        raise StoreError(f"{path} was written by a newer Postroad: upgrade this one")
    return version


def _marks(connection: sqlite3.Connection) -> tuple[int, int]:
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return owner, version
