"""One SQLite file as several threads and processes use it: connections, transactions, errors."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock, Thread, current_thread
from time import monotonic, sleep
from typing import Any, Self

from postroad.store.sqlite_schema import StoreError, explained, migrate

MEMORY = ":memory:"
# How long a writer waits for another one, which commits in milliseconds.
PATIENCE_S = 10.0
# begin, end and undo: of a transaction, and of one inside another, which must not undo the outer one's work.
_WHOLE = ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
_PART = ("SAVEPOINT part", "RELEASE part", "ROLLBACK TO part")
_SETTINGS = (
    # A quarter of a page is what a record may take before it costs a page of its own: a record has about a kilobyte.
    "page_size = 16384",
    # 64 MB of log, 32 MB of pages: what a back-fill comes back to is written into the database once, not at every turn.
    "wal_autocheckpoint = 4000",
    "cache_size = -32768",
)


def _in_wal(connection: sqlite3.Connection, *, last_try: bool) -> bool:
    # SQLite does not wait here by itself: of two processes that open a new file at once, one is told that it is locked.
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if last_try or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _sync(path: str) -> None:
    # Any descriptor will do. Closing one gives up the process's locks on that file, but SQLite has none on its log.
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Database:
    """A database with one connection per thread, so that readers see what is committed and never block the writer.

    In memory there is but one connection, and only the thread that opened it may use it.
    `durable=False` is for back-fills, which can be run again: a power cut may then take the last commits with it
    (a crash of the process takes nothing either way).
    """

    def __init__(self, path: str, *, durable: bool = True, patience: float = PATIENCE_S) -> None:
        self.path = path
        # A service's inputs are gone once they are acknowledged, so a commit waits for the disk.
        self._synchronous = "FULL" if durable else "NORMAL"
        self._patience = patience
        self._connections: dict[Thread, sqlite3.Connection] = {}
        self._tidying = Lock()
        try:
            self._prepare(self._connect())
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, path: str = MEMORY, *, durable: bool = True, patience: float = PATIENCE_S) -> Self:
        """Open the database at `path`, creating or upgrading it. Raises StoreError."""
        return cls(path, durable=durable, patience=patience)

    def close(self) -> None:
        """Close the connections of all threads; none may be in use."""
        while self._connections:
            self._connections.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all the writes within happen together, or none of them; one inside another is a part of it."""
        connection = self._connection()
        begin, end, undo = _PART if connection.in_transaction else _WHOLE
        self.run(begin)
        try:
            yield
            self.run(end)
        except BaseException:
            # A full disk may have undone the whole of it already.
            if connection.in_transaction:
                self.run(undo)
            raise

    def settle(self) -> None:
        """Bring all that was committed to the disk, though others have it open; another thread may write on."""
        ((busy, written, moved),) = self.run("PRAGMA wal_checkpoint(PASSIVE)")
        # What an older reader, or another checkpoint, keeps in the log is as safe there, once that is on the disk.
        if busy or moved < written:
            # As SQLite found it, through links and from the directory it began in.
            database = self.run("PRAGMA database_list")[0][2]
            with explained(self.path):
                _sync(f"{database}-wal")

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run one statement and give its rows."""
        with explained(self.path):
            return self._connection().execute(statement, values).fetchall()

    def run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row of values; gives how many rows of the table it changed."""
        with explained(self.path):
            return self._connection().executemany(statement, rows).rowcount

    def _connection(self) -> sqlite3.Connection:
        return self._connections.get(current_thread()) or self._connect()

    def _connect(self) -> sqlite3.Connection:
        if self.path == MEMORY and self._connections:
            raise StoreError("a database in memory serves one thread only: name a file")
        with self._tidying:
            self._forget_ended_threads()
        with explained(self.path):
            # Closing happens in whichever thread closes the store.
            connection = sqlite3.connect(
                self.path, timeout=self._patience, isolation_level=None, check_same_thread=False
            )
            self._connections[current_thread()] = connection
            for setting in (*_SETTINGS, f"synchronous = {self._synchronous}"):
                connection.execute(f"PRAGMA {setting}")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        deadline = monotonic() + self._patience
        with explained(self.path):
            # First, so that nothing is changed in a file that is not ours.
            migrate(connection, self.path)
            while not _in_wal(connection, last_try=monotonic() > deadline):
                sleep(0.01)

    def _forget_ended_threads(self) -> None:
        for thread, connection in list(self._connections.items()):
            if not thread.is_alive():
                connection.close()
                del self._connections[thread]
