"""A store of any size: a block of ordinary messages through the front door, then copies of its rows under other ids.

Ten million deliveries are some 20 GB, and take minutes instead of hours.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import generate, inputs
from bench.ordinary import Message, ordinary
from bench.relays import long_id
from postroad import ingest
from postroad.facts import Fact
from postroad.growth import grown
from postroad.instants import from_ms, to_datetime
from postroad.store.sqlite import SQLiteStore
from postroad.syslog import Carrier

BLOCK = 10_000  # deliveries
# So many messages each recipient has, whatever the store's size, so that a question has the same answer in each.
EACH = 5
_DAYS = 30
# Stands in every id and address of a block, and nowhere else: a copy has the next number in its place.
_TAG = 90_210_000
_INDEXES = (
    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'record' AND sql IS NOT NULL"
)
_COPY = "INSERT INTO record ({names}) SELECT {values} FROM record WHERE rowid <= :last ORDER BY rowid"


def filled(deliveries: int) -> Path:
    """The store's file, of whole blocks; made once for each size, and kept."""
    path = inputs.cache() / f"store-{deliveries}.db"
    if not path.exists():
        making = path.with_suffix(".part")
        for left in inputs.cache().glob(f"{making.name}*"):
            left.unlink()
        with SQLiteStore.open(str(making), durable=False) as store:
            store.add(grown(fact for number in range(BLOCK) for fact in facts(number)))
        _multiply(making, deliveries // BLOCK)
        making.rename(path)
    return path


def recipient(number: int) -> str:
    """Who gets message `number`; the numbers of the copies follow those of the block."""
    return f"user{number % (BLOCK // EACH)}.{_tag(number)}@mail.example.com"


def message_id(number: int) -> str:
    """The Message-ID of message `number`."""
    return f"{number % BLOCK:08x}.{_tag(number)}@shop.example.org"


def _tag(number: int) -> str:
    return str(_TAG + number // BLOCK)


def _multiply(path: Path, copies: int) -> None:
    """Append the copies, and build the indexes at the end: filled row by row, they would be read from all over."""
    with sqlite3.connect(path, isolation_level=None) as database:
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"):
            database.execute(f"PRAGMA {setting}")
        indexes = database.execute(_INDEXES).fetchall() if copies > 1 else []
        (last,) = database.execute("SELECT max(rowid) FROM record").fetchone()
        for name, _ in indexes:
            database.execute(f"DROP INDEX {name}")
        statement = _copying(database)
        for copy in range(1, copies):
            database.execute(statement, {"old": str(_TAG), "new": str(_TAG + copy), "last": last})
        for _, definition in indexes:
            database.execute(definition)
    database.close()


def _copying(database: sqlite3.Connection) -> str:
    names = [name for _, name, *_ in database.execute("PRAGMA table_info(record)")]
    # What is null stays null.
    return _COPY.format(
        names=", ".join(names), values=", ".join(f"replace({name}, :old, :new)" for name in names)
    )


_PATTERN: list[tuple[float, Fact]] = []


def facts(number: int) -> list[Fact]:
    """What the relay and SES say of message `number` of the block, which spans thirty days."""
    if not _PATTERN:
        _PATTERN.extend(_told(*ordinary(1, 1.0, inputs.SEED)))
    at = generate.START + number * _DAYS * 86_400 / BLOCK
    named = {
        "queue_id": f"{long_id(at, 1)[:-1]}{_TAG}",
        "ses_id": f"0102{int(at * 1_000):012x}-{number:08x}-4d94-4f87-8bd2-{_TAG}{number:04x}-000000",
        "message_id": message_id(number),
        "to": recipient(number),
    }
    return [_renamed(fact, named, from_ms(int((at + after) * 1_000))) for after, fact in _PATTERN]


def _renamed(fact: Fact, named: dict[str, str], at: str) -> Fact:
    found: Any = {name: named.get(name, value) for name, value in fact.items()} | {"at": at}
    renamed: Fact = found
    return renamed


def _told(pattern: Message) -> Iterator[tuple[float, Fact]]:
    """The facts of the one that all are made after, each with its seconds since the message came."""
    lines = [said.text.encode() for said in pattern.lines]
    carrier = Carrier(from_ms(int(pattern.message.at * 1_000)))
    for fact in (
        ingest.relay(lines, carrier, "").facts + ingest.ses([one.text for one in pattern.events], "").facts
    ):
        yield to_datetime(fact["at"]).timestamp() - pattern.message.at, fact
