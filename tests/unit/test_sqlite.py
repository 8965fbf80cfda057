"""What the SQLite store does beyond the contract: transactions, crashes, errors, and what one machine needs."""

import errno
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad import ingest
from postroad.codec import Key
from postroad.growth import Growth, grown
from postroad.records import Record
from postroad.store.contract import BadInput
from postroad.store.sqlite import SQLiteStore
from postroad.store.sqlite_ledger import OUTBOX, SetAside
from postroad.store.sqlite_schema import APPLICATION_ID, MIGRATIONS, StoreError, migrate
from postroad.syslog import Carrier
from tests.contract.mail import FACTS

KEY = Key("ses#1", "to#a@b")
BAD = BadInput("relay", "/var/log/mail.log", "no such time", "Feb 31 to=<\udcff\ud800\0>")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "postroad.db")


@pytest.fixture
def store(path: str) -> Iterator[SQLiteStore]:
    with SQLiteStore.open(path) as opened:
        yield opened


def growth(text: str = "1", at: str = "2026-02-25", **more: str) -> Growth:
    return Growth({f'{{"a":"{text}"}}'}, {"60 delivered"}, more.get("lookup", "a@b"), at, more.get("problem"))


def batch(number: int, size: int = 10) -> dict[Key, Growth]:
    """All of one partition, so that a reader can tell a whole batch from a part."""
    return {Key(f"ses#{number}", f"to#{n}@b"): growth("x" * 500) for n in range(size)}


def _cut_short(store: SQLiteStore, number: int) -> None:
    """Write one of everything, and fail before the end."""
    with store.transaction():
        store.add(batch(number))
        store.move("log", "17")
        store.owe(["line"])
        store.set_aside([BAD], "2026-02-25T00:00:00.000Z")
        store.wait([KEY], "2026-02-25T00:02:00.000Z")
        raise RuntimeError("cut")


class TestTransactions:
    def test_all_of_it_or_nothing(self, store: SQLiteStore) -> None:
        with pytest.raises(RuntimeError, match="cut"):
            _cut_short(store, 1)

        assert store.partition("ses#1") == []
        assert store.position("log") is None
        assert store.owed() == []
        assert store.bad_inputs().inputs == []
        assert store.due("9999") == []

    def test_a_part_that_fails_takes_nothing_else_along(self, store: SQLiteStore) -> None:
        with store.transaction():
            store.add(batch(1))
            with pytest.raises(RuntimeError, match="cut"):
                _cut_short(store, 2)
            store.move("queue", "3")

        assert len(store.partition("ses#1")) == 10
        assert store.partition("ses#2") == []
        assert (store.position("log"), store.position("queue")) == (None, "3")

    def test_is_seen_by_others_only_when_done(self, store: SQLiteStore, path: str) -> None:
        with SQLiteStore.open(path) as other:
            with store.transaction():
                store.add(batch(1))
                assert other.partition("ses#1") == []
            assert len(other.partition("ses#1")) == 10

    def test_a_store_outlives_its_file_handle(self, path: str) -> None:
        with SQLiteStore.open(path) as store:
            store.add(batch(1))
            store.move("log", "17")
        with SQLiteStore.open(path, durable=False) as store:
            assert len(store.partition("ses#1")) == 10
            assert store.position("log") == "17"


class TestSettling:
    """What `settle` leaves in the log, because a reader still needs the pages before it, is on the disk there."""

    @pytest.fixture
    def synced(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The files that were asked to be on the disk, in their order."""
        names: list[str] = []
        fsync = os.fsync

        def noted(descriptor: int) -> None:
            names.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", noted)
        return names

    def test_everything_comes_into_the_database(
        self, store: SQLiteStore, path: str, synced: list[str]
    ) -> None:
        store.add(batch(1))
        store.settle()

        Path(f"{path}-wal").unlink()
        with sqlite3.connect(f"file:{path}?immutable=1", uri=True) as other:
            assert other.execute("SELECT count(*) FROM record").fetchall() == [(10,)]
        other.close()
        assert synced == []

    def test_what_an_older_reader_keeps_in_the_log(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: list[str]
    ) -> None:
        """Though the path is a link's, and was said from another directory."""
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "link.db").symlink_to(tmp_path / "postroad.db")
        monkeypatch.chdir(tmp_path)
        with SQLiteStore.open("link.db", durable=False) as store, SQLiteStore.open("link.db") as other:
            with other.transaction():
                pass
            other.run("BEGIN")
            assert other.partition("ses#1") == []
            store.add(batch(1))
            monkeypatch.chdir(tmp_path / "elsewhere")
            store.settle()

            assert synced == [str(tmp_path / "postroad.db-wal")]
            assert other.partition("ses#1") == []
            other.run("COMMIT")
            store.settle()
            assert len(synced) == 1
            assert len(other.partition("ses#1")) == 10

    def test_a_checkpoint_of_another_process(
        self, store: SQLiteStore, path: str, synced: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.add(batch(1))
        run = store.run
        monkeypatch.setattr(
            store, "run", lambda said: [(1, -1, -1)] if said.startswith("PRAGMA wal_") else run(said)
        )
        store.settle()

        assert synced == [f"{path}-wal"]

    def test_a_disk_that_fails(self, store: SQLiteStore, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with SQLiteStore.open(path) as other:
            other.run("BEGIN")
            other.partition("ses#1")
            store.add(batch(1))
            monkeypatch.setattr(os, "fsync", _refuse)
            with pytest.raises(StoreError, match="Input/output error"):
                store.settle()

    def test_in_memory_there_is_nothing_to_settle(self, synced: list[str]) -> None:
        with SQLiteStore.open() as store:
            store.add(batch(1))
            store.settle()
        assert synced == []


def _refuse(_: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


class TestRows:
    """The attributes of a record are the least of what was said, so that order cannot matter."""

    @given(
        st.permutations(
            [("2026-02-25T01", "c", "2026-02-25#3"), ("2026-02-25", "b", ""), ("", "", "2026-02-26#3")]
        )
    )
    def test_attributes_do_not_depend_on_order(self, said: Sequence[tuple[str, str, str]]) -> None:
        with SQLiteStore.open() as store:
            for number, (at, lookup, problem) in enumerate(said):
                store.add({KEY: growth(str(number), at, lookup=lookup, problem=problem)})

            assert store.run("SELECT lookup, at, problem FROM record") == [
                ("b", "2026-02-25", "2026-02-25#3")
            ]

    @given(st.permutations(range(len(FACTS))))
    def test_rows_do_not_depend_on_order(self, order: list[int]) -> None:
        with SQLiteStore.open() as one, SQLiteStore.open() as other:
            one.add(grown(FACTS))
            for index in order:
                other.add(grown([FACTS[index]]))

            everything = "SELECT * FROM record ORDER BY pk, sk"
            assert one.run(everything) == other.run(everything)

    def test_a_record_without_a_time_gets_it_later(self, store: SQLiteStore) -> None:
        store.add({KEY: Growth({'{"e":"unclaimed"}'}, set(), "a@b", None)})
        assert store.lookup("a@b").keys == [KEY]
        store.add({KEY: growth(at="2026-02-25T00:00:00.000Z")})

        assert store.lookup("a@b", since="2026-02-25", until="2026-02-26").keys == [KEY]


class TestProblems:
    def test_come_from_all_shards_the_newest_first(self, store: SQLiteStore) -> None:
        keys = [Key(f"ses#{n}", "to#a@b") for n in range(20)]
        for n, key in enumerate(keys):
            store.add({key: growth(at=f"2026-02-25T{n:02d}", problem=f"2026-02-25#{n % 8}")})
        store.add(
            {Key("ses#next", "to#a@b"): growth(problem="2026-02-26#0"), Key("ses#fine", "to#a@b"): growth()}
        )

        found: list[Key] = []
        cursor = None
        while not found or cursor is not None:
            page, cursor = store.problems("2026-02-25", limit=3, cursor=cursor)
            found += page
        assert found == keys[::-1]

    def test_of_real_mail(self, store: SQLiteStore) -> None:
        store.add(grown(FACTS))

        assert len(store.problems("2026-02-25").keys) == 4
        assert len(store.problems("2026-02-26").keys) == 1


class TestExport:
    def test_gives_every_record_of_the_window_once_by_time(self, store: SQLiteStore) -> None:
        times = [f"2026-02-{day:02d}" for day in (27, 25, 26, 26, 24)]
        store.add({Key(f"ses#{n}", "to#a@b"): growth(at=at) for n, at in enumerate(times)})

        assert [record.key.pk for record in store.deliveries()] == [
            "ses#4",
            "ses#1",
            "ses#2",
            "ses#3",
            "ses#0",
        ]
        window = store.deliveries("2026-02-25", "2026-02-27")
        assert [record.key.pk for record in window] == ["ses#1", "ses#2", "ses#3"]
        assert list(store.deliveries("2026-02-27T01")) == []

    def test_pages_by_cursor(self, store: SQLiteStore) -> None:
        store.add(batch(1, 7))

        found: list[Record] = []
        cursor = None
        while not found or cursor is not None:
            records, cursor = store.window("2026", limit=3, cursor=cursor)
            found += records
        assert found == store.partition("ses#1")

    def test_holds_no_lock_while_the_caller_works(self, store: SQLiteStore, path: str) -> None:
        store.add(batch(1, 1_200))
        records = store.deliveries()
        next(records)

        with SQLiteStore.open(path, patience=0.1) as other:
            other.add(batch(2))
            # A checkpoint that may cut the log off finds no reader: (busy, ...) starts with 0.
            assert other.run("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0
        assert sum(1 for _ in records) == 1_209


class TestLedger:
    def test_positions_move(self, store: SQLiteStore) -> None:
        store.move("log", "1")
        store.move("queue", "2")
        store.move("log", "3")

        assert (store.position("log"), store.position("queue"), store.position("else")) == ("3", "2", None)

    def test_lines_are_owed_in_order_until_paid(self, store: SQLiteStore) -> None:
        store.owe(["a", "b"])
        store.owe(["c"])
        (first, a), (second, b) = store.owed(2)
        assert (a, b) == ("a", "b")
        store.paid(first)
        assert [line for _, line in store.owed()] == ["b", "c"]
        assert store.position(OUTBOX) is None
        store.paid(second + 1, note="4711")

        assert store.owed() == []
        assert store.position(OUTBOX) == "4711"

    def test_an_id_is_never_given_twice(self, store: SQLiteStore) -> None:
        store.owe(["a"])
        ((paid, _),) = store.owed()
        store.paid(paid)
        store.owe(["b"])
        store.paid(paid)

        assert [line for _, line in store.owed()] == ["b"]

    def test_who_waits_keeps_the_earliest_deadline(self, store: SQLiteStore) -> None:
        other = Key("ses#2", "to#a@b")
        for deadline in ("2026-02-25T00:03", "2026-02-25T00:02", "2026-02-25T00:04"):
            store.wait([KEY], deadline)
        store.wait([other], "2026-02-25T00:01")

        assert store.due("2026-02-25T00:00") == []
        assert store.due("2026-02-25T00:02") == [other, KEY]
        assert store.due("2026-02-25T00:02", limit=1) == [other]
        store.claimed([other, Key("ses#3", "")])
        assert store.due("9999") == [KEY]

    def test_bad_input_is_kept_whole_and_once(self, store: SQLiteStore) -> None:
        store.set_aside([BAD, BAD, BAD._replace(reason="another")], "2026-02-25T00:00:00.000Z")
        store.set_aside([BAD._replace(origin="/var/log/mail.log.1")], "2026-02-26T00:00:00.000Z")

        inputs, cursor = store.bad_inputs()
        assert cursor is None
        assert sorted(inputs) == sorted(
            ("2026-02-25T00:00:00.000Z", bad) for bad in (BAD, BAD._replace(reason="another"))
        )

    def test_bad_input_is_paged_the_newest_first(self, store: SQLiteStore) -> None:
        for n in range(9):
            store.set_aside([BAD._replace(raw=str(n))], f"2026-02-25T00:00:0{n // 3}.000Z")

        found: list[SetAside] = []
        cursor = None
        while not found or cursor is not None:
            page, cursor = store.bad_inputs(2, cursor)
            found += page
        assert [at for at, _ in found] == sorted((at for at, _ in found), reverse=True)
        assert {bad.raw for _, bad in found} == set("012345678")

    @pytest.mark.parametrize("cursor", ["?", "WyJhIiwieiJd", "WyJhIiwiYiIsImMiXQ=="])
    def test_a_bad_cursor_is_refused(self, store: SQLiteStore, cursor: str) -> None:
        with pytest.raises(ValueError, match="cursor"):
            store.bad_inputs(cursor=cursor)


class TestExpiry:
    def test_goes_by_age_in_batches(self, store: SQLiteStore) -> None:
        store.add({Key(f"ses#{n}", "to#a@b"): growth(at=f"2026-02-{n:02d}") for n in range(10, 20)})
        store.set_aside([BAD], "2026-02-10T00:00:00.000Z")

        counts = [store.expire("2026-02-17", limit=3) for _ in range(4)]
        assert counts == [4, 3, 1, 0]
        assert [record.key.pk for record in store.deliveries()] == ["ses#17", "ses#18", "ses#19"]
        assert store.bad_inputs().inputs == []


class TestErrors:
    def test_another_kind_of_file(self, path: str) -> None:
        Path(path).write_text("Feb 25 00:05:17 mx1 postfix/smtpd[411]: connect\n" * 100)

        with pytest.raises(StoreError, match="is not a Postroad database"):
            SQLiteStore.open(path)
        assert Path(path).read_text().startswith("Feb 25")

    def test_a_database_of_another_program(self, path: str) -> None:
        with sqlite3.connect(path) as foreign:
            foreign.execute("CREATE TABLE record (pk)")
        foreign.close()
        content = Path(path).read_bytes()

        with pytest.raises(StoreError, match="is not a Postroad database"):
            SQLiteStore.open(path)
        assert Path(path).read_bytes() == content

    def test_a_newer_schema(self, store: SQLiteStore, path: str) -> None:
        store.run(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")

        with pytest.raises(StoreError, match="newer Postroad: upgrade"):
            SQLiteStore.open(path)

    def test_a_directory_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="directory exists"):
            SQLiteStore.open(str(tmp_path / "none" / "postroad.db"))

    def test_a_directory_in_place_of_a_file(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="cannot open"):
            SQLiteStore.open(str(tmp_path))

    def test_a_full_disk_loses_nothing_that_was_stored(self, store: SQLiteStore) -> None:
        store.add(batch(0, 200))
        ((pages,),) = store.run("PRAGMA page_count")
        store.run(f"PRAGMA max_page_count = {pages + 4}")
        with pytest.raises(StoreError, match="no space is left"), store.transaction():  # noqa: PT012  # either may
            store.move("log", "17")
            store.add(batch(1, 1_000))

        assert (len(store.partition("ses#0")), store.partition("ses#1"), store.position("log")) == (
            200,
            [],
            None,
        )
        store.run("PRAGMA max_page_count = 100000")
        assert len(store.add(batch(1, 1_000))) == 1_000

    def test_a_commit_that_the_disk_refuses(self, path: str) -> None:
        """The pages of a batch reach the disk at its commit; a limit on file size refuses them there."""
        done = subprocess.run(
            [sys.executable, "-c", _LIMITED, path], capture_output=True, text=True, check=False
        )
        assert done.stdout.splitlines() == ["StoreError", "10 0"], done.stderr

        with SQLiteStore.open(path) as store:
            assert (len(store.partition("ses#0")), store.partition("ses#1")) == (10, [])

    def test_a_writer_that_holds_on_too_long(self, store: SQLiteStore, path: str) -> None:
        with SQLiteStore.open(path, patience=0.05) as other:
            with store.transaction(), pytest.raises(StoreError, match="another process keeps writing"):
                other.add(batch(1))
            assert len(other.add(batch(1))) == 10

    def test_a_damaged_file(self, path: str) -> None:
        with SQLiteStore.open(path) as store:
            store.add(batch(1, 2_000))
        content = bytearray(Path(path).read_bytes())
        content[16_384:] = b"\xff" * (len(content) - 16_384)
        Path(path).write_bytes(content)

        with SQLiteStore.open(path) as store, pytest.raises(StoreError, match="damaged"):
            store.partition("ses#1")

    def test_any_other_error_is_told_as_it_is(self, store: SQLiteStore) -> None:
        with pytest.raises(StoreError, match="no such table: else"):
            store.run("SELECT * FROM [else]")


class TestThreads:
    def test_readers_see_whole_batches_and_never_wait(self, store: SQLiteStore) -> None:
        done = threading.Event()
        seen: list[int] = []

        def read() -> None:
            while not done.is_set():
                seen.append(len(list(store.deliveries())))

        readers = [threading.Thread(target=read) for _ in range(3)]
        with store.transaction():
            store.add(batch(0))
            for reader in readers:
                reader.start()
            _until(lambda: len(seen) >= 10)
            assert set(seen) == {0}
        for number in range(1, 30):
            store.add(batch(number))
        _until(lambda: seen[-1] == 300)
        done.set()
        for reader in readers:
            reader.join()

        assert {count % 10 for count in seen} == {0}

    def test_writers_wait_for_each_other(self, store: SQLiteStore) -> None:
        threads = [
            threading.Thread(target=lambda n=n: [store.add({KEY: growth(f"{n}-{i}")}) for i in range(20)])
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(store.get([KEY])[0].texts) == 80

    def test_a_thread_that_ended_leaves_no_connection(self, store: SQLiteStore) -> None:
        for _ in range(20):
            thread = threading.Thread(target=store.position, args=("log",))
            thread.start()
            thread.join()

        assert len(store._connections) <= 2  # noqa: SLF001  # nobody else can tell

    def test_one_database_opened_by_many_at_once(self, path: str) -> None:
        stores: list[SQLiteStore] = []
        threads = [threading.Thread(target=lambda: stores.append(SQLiteStore.open(path))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for store in stores:
            store.close()

        assert len(stores) == 8

    def test_memory_serves_one_thread(self) -> None:
        told: list[str] = []

        def read(store: SQLiteStore) -> None:
            with pytest.raises(StoreError, match="name a file") as error:
                store.position("log")
            told.append(str(error.value))

        with SQLiteStore.open() as store:
            thread = threading.Thread(target=read, args=(store,))
            thread.start()
            thread.join()
        assert len(told) == 1


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class TestCrash:
    def test_a_kill_leaves_whole_batches(self, path: str) -> None:
        told = -1
        for kill in range(5):
            writer = subprocess.Popen(
                [sys.executable, "-c", _WRITER, path], stdout=subprocess.PIPE, text=True
            )
            assert writer.stdout is not None
            for _ in range(5 + 7 * kill):
                told = int(writer.stdout.readline())
            writer.kill()
            writer.communicate()

            with SQLiteStore.open(path) as store:
                last = int(store.position("log") or -1)
                assert last >= told
                sizes = [len(store.partition(f"ses#{number}")) for number in range(last + 2)]
                assert sizes == [50] * (last + 1) + [0]
                assert [line for _, line in store.owed(10_000)] == [str(number) for number in range(last + 1)]
                assert store.run("PRAGMA integrity_check") == [("ok",)]


_BATCH = """
import resource, signal, sys
from postroad.codec import Key
from postroad.growth import Growth
from postroad.store.sqlite import SQLiteStore
from postroad.store.sqlite_schema import StoreError

def batch(number, size):
    return {Key(f"ses#{number}", f"to#{n}@b"): Growth({'{"a":"%s"}' % ("x" * 500)}, set(), "a@b", "2026") for n in range(size)}

store = SQLiteStore.open(sys.argv[1])
"""
_WRITER = (
    _BATCH
    + """
number = int(store.position("log") or -1) + 1
while True:
    with store.transaction():
        store.add(batch(number, 50))
        store.owe([str(number)])
        store.move("log", str(number))
    print(number, flush=True)
    number += 1
"""
)
_LIMITED = (
    _BATCH
    + """
store.add(batch(0, 10))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    store.add(batch(1, 2_000))
except StoreError as error:
    print("StoreError")
print(len(store.partition("ses#0")), len(store.partition("ses#1")))
"""
)


class _Watched(SQLiteStore):
    """Keeps every statement that it runs with the values of one run, so that a test can ask for its plan."""

    asked: ClassVar[dict[str, Sequence[Any]]] = {}

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        self.asked[statement] = values
        return super().run(statement, values)

    def run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        kept = list(rows)
        self.asked.update((statement, values) for values in kept[:1])
        return super().run_many(statement, kept)


def test_every_question_goes_by_an_index() -> None:
    """Nothing scans a table or sorts, except the outbox, which is read from its start until the limit."""
    with _Watched.open() as store:
        store.add(grown(FACTS[::2]))
        store.add(grown(FACTS))
        store.add({KEY: growth("1", "2026-02-26")})
        store.add({KEY: growth("2", "2026-02-25")})
        store.lookup("a@b", since="2026", until="2027")
        store.problems("2026-02-25")
        store.partition("ses#1")
        store.window("2026", "2027")
        store.expire("2026")
        store.position("log")
        store.due("2026")
        store.bad_inputs()
        store.claimed([KEY])
        store.paid(1)
        store.owed()
        questions = {
            said: values
            for said, values in store.asked.items()
            if said.startswith(("SELECT", "WITH", "DELETE", "UPDATE"))
        }
        plans = {said: store.run(f"EXPLAIN QUERY PLAN {said}", values) for said, values in questions.items()}

    steps = [step for plan in plans.values() for *_, step in plan]
    slow = {step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step}
    assert len(plans) >= 14
    assert {step for step in slow if "CONSTANT ROW" not in step} <= {"SCAN outbox", "SCAN wanted"}


_FIRST_VERSION = (
    *MIGRATIONS[0],
    "INSERT INTO record VALUES ('ses#1', 'to#a@b', 'a@b', '2026-02-25', '2026-02-25#3', '60 delivered', '{\"a\":\"1\"}')",
    "INSERT INTO record VALUES ('queue#1', '2026-02-25T01', NULL, '2026-02-25T01', NULL, '', '{\"a\":\"2\"}')",
    "INSERT INTO waiting VALUES ('ses#1', 'to#a@b', '2026-02-25T00:02')",
    "INSERT INTO position VALUES ('log', '17')",
    f"PRAGMA application_id = {APPLICATION_ID}",
    "PRAGMA user_version = 1",
)


def test_a_database_of_the_first_version_is_brought_up_to_date(path: str) -> None:
    first = sqlite3.connect(path)
    for statement in _FIRST_VERSION:
        first.execute(statement)
    first.commit()
    first.close()

    with SQLiteStore.open(path) as store:
        queued = Key("queue#1", "2026-02-25T01")
        assert store.get([KEY, queued]) == [
            Record(KEY, frozenset({'{"a":"1"}'})),
            Record(queued, frozenset({'{"a":"2"}'})),
        ]
        assert store.lookup("a@b").keys == store.problems("2026-02-25").keys == store.due("9999") == [KEY]
        assert [record.key for record in store.deliveries()] == [KEY, queued]
        assert store.position("log") == "17"
        (change,) = store.add({KEY: growth("3")})
        assert change.before.texts == {'{"a":"1"}'}
        with SQLiteStore.open() as new:
            assert store.run("SELECT sql FROM sqlite_master ORDER BY name") == new.run(
                "SELECT sql FROM sqlite_master ORDER BY name"
            )


_LIFE = (
    "2026-02-25T01:00:00.000Z mx1 postfix/smtpd[7]: A0000001: client=app.example.com[192.0.2.7]",
    "2026-02-25T01:00:00.100Z mx1 postfix/cleanup[8]: A0000001: message-id=<m@example.com>",
    "2026-02-25T01:00:00.200Z mx1 postfix/qmgr[9]: A0000001: from=<f@example.com>, size=8121, nrcpt=2 (queue active)",
    "2026-02-25T01:00:01.000Z mx1 postfix/smtp[14]: A0000001: to=<r@example.com>, relay=none, dsn=4.4.1, status=deferred (connect to x: Connection timed out)",
    "2026-02-25T01:00:02.000Z mx1 postfix/qmgr[9]: A0000001: removed",
)


def _as_once_written(text: str, key: Key) -> str:
    """A queue's fact as the first version wrote it: with its queue id."""
    own = {"q": key.pk.removeprefix("queue#")} if key.pk.startswith("queue#") else {}
    return json.dumps({**json.loads(text), **own}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_facts_of_the_first_version_are_the_same_facts(path: str) -> None:
    """The log of an older store, imported again, brings nothing new."""
    growths = grown(
        ingest.relay([line.encode() for line in _LIFE], Carrier("2026-02-25T02:00:00.000Z", UTC), "log").facts
    )
    rows = [
        (
            *key,
            said.lookup,
            said.at or "",
            said.problem,
            "\n".join(_as_once_written(text, key) for text in said.texts),
        )
        for key, said in growths.items()
    ]
    with closing(sqlite3.connect(path)) as first:
        for statement in _FIRST_VERSION:
            first.execute(statement)
        first.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, '', ?)", rows)
        first.commit()

    with SQLiteStore.open(path) as store:
        assert sum(facts.count('"q":"A0000001"') for *_, facts in rows) == 4
        assert store.add(growths) == []
        assert {record.key: record.texts for record in store.get(growths)} == {
            key: said.texts for key, said in growths.items()
        }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "7",
        '{"a":"2"}',
        '{"?":1,"e":"x"}',
        '{"e":[]}',
        '{"e":"queued","q":"\\ud800"}',
        "[" * 9_000,
    ],
)
def test_a_text_of_the_first_version_that_is_no_fact_stays(path: str, text: str) -> None:
    with closing(sqlite3.connect(path)) as first:
        for statement in _FIRST_VERSION:
            first.execute(statement)
        first.execute("INSERT INTO record VALUES ('queue#2', '', NULL, '', NULL, '', ?)", (text,))
        first.commit()

    with SQLiteStore.open(path) as store:
        assert store.run("SELECT facts FROM record WHERE pk = 'queue#2'") == [(text,)]


def test_a_database_of_the_first_version_is_copied_by_its_index() -> None:
    """To sort its rows would take their size in temporary files."""
    copying = [statement for statement in MIGRATIONS[1] if statement.startswith("INSERT")]
    with closing(sqlite3.connect(":memory:")) as first:
        first.create_function("anew", 3, str, deterministic=True)
        for statement in _FIRST_VERSION:
            first.execute(statement)
        for statement in MIGRATIONS[1][: MIGRATIONS[1].index(copying[0])]:
            first.execute(statement)
        plan = first.execute(f"EXPLAIN QUERY PLAN {copying[0]}").fetchall()

    assert [step for *_, step in plan] == ["SCAN wide USING INDEX record_by_time"]


@pytest.mark.parametrize("kept", [0, 1])
def test_what_is_dropped_is_erased_as_before(kept: int) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as new:
        new.execute(f"PRAGMA secure_delete = {kept}")
        migrate(new, ":memory:")
        assert new.execute("PRAGMA secure_delete").fetchall() == [(kept,)]


def test_a_new_database_says_whose_it_is(store: SQLiteStore) -> None:
    assert store.run("PRAGMA application_id") == [(APPLICATION_ID,)]
    assert store.run("PRAGMA journal_mode") == [("wal",)]
    assert store.run("PRAGMA synchronous") == [(2,)]
