"""Logs as they are rotated in the wild: by rename, by copy, compressed, while the service runs and while it does not."""

import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroad_host import follow, tail
from postroad_host.follow import Chunk
from postroad_host.tail import Tail, is_document, live
from postroad_host.trouble import Troubles


class Reader:
    """Reads as the service does: the positions are kept with the lines, and outlive a restart."""

    def __init__(self, *paths: Path, limit: int = 1000) -> None:
        self.paths = paths
        self.limit = limit
        self.lines: list[bytes] = []
        self.positions: dict[str, str] = {}
        self.told: list[str] = []
        self.chunks: list[Chunk] = []
        self.tail = self._tail()

    def follow(self, *paths: Path) -> None:
        self.paths = paths
        self.restart()

    def restart(self) -> None:
        self.tail.close()
        self.tail = self._tail()

    def _tail(self) -> Tail:
        return Tail(self.paths, self.positions.get, Troubles(self.told.append), is_whole=is_document)

    def read(self) -> list[bytes]:
        """Read until nothing more comes; gives what came."""
        start = len(self.lines)
        while chunks := list(self.tail.read(self.limit)):
            for chunk in chunks:
                self.lines += chunk.lines
                self.positions[chunk.origin] = chunk.position
                self.chunks.append(chunk)
        return self.lines[start:]


def add(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as log:
        log.write(text)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "mail.log"


@pytest.fixture
def reader(log: Path) -> Iterator[Reader]:
    found = Reader(log)
    yield found
    found.tail.close()


@pytest.fixture(params=["running", "restarted"])
def again(request: pytest.FixtureRequest, reader: Reader) -> Iterator[None]:
    """Whether the service was up while the log was rotated, or came back later."""
    if request.param == "running":
        yield
        return
    was = reader.read

    def read_after_restart() -> list[bytes]:
        reader.restart()
        return was()

    reader.read = read_after_restart  # type: ignore[method-assign]
    yield


def test_gives_lines_as_they_come(log: Path, reader: Reader) -> None:
    add(log, "one\ntwo\n")
    assert reader.read() == [b"one", b"two"]
    add(log, "three\n")
    assert reader.read() == [b"three"]
    assert reader.read() == []


def test_a_partial_last_line_waits_for_its_end(log: Path, reader: Reader) -> None:
    add(log, "one\ntw")
    assert reader.read() == [b"one"]
    add(log, "o\n")
    assert reader.read() == [b"two"]


def test_only_a_newline_ends_a_line(log: Path, reader: Reader) -> None:
    log.write_bytes("a\rb\x0bc\x0cd\x85e\u2028f\n".encode())
    assert len(reader.read()) == 1


def test_the_limit_holds_and_loses_nothing(log: Path, reader: Reader) -> None:
    reader.limit = 3
    add(log, "".join(f"{number}\n" for number in range(10)))
    assert reader.read() == [str(number).encode() for number in range(10)]
    assert max(len(chunk.lines) for chunk in reader.chunks) == 3


@pytest.mark.usefixtures("again")
def test_goes_on_where_it_was_after_a_restart(log: Path, reader: Reader) -> None:
    add(log, "one\ntwo\n")
    reader.read()
    add(log, "three\n")
    assert reader.read() == [b"three"]


@pytest.mark.usefixtures("again")
def test_a_renamed_log_is_read_to_its_end_and_then_the_new_one(log: Path, reader: Reader) -> None:
    add(log, "one\n")
    reader.read()
    log.rename(log.with_name("mail.log.1"))
    add(log.with_name("mail.log.1"), "two\n")
    add(log, "three\n")
    assert reader.read() == [b"two", b"three"]


def test_the_writer_may_go_on_in_the_renamed_log_for_a_while(log: Path, reader: Reader) -> None:
    add(log, "one\n")
    reader.read()
    old = log.rename(log.with_name("mail.log.1"))
    log.touch()
    assert reader.read() == []
    add(old, "two\n")
    assert reader.read() == [b"two"]
    add(old, "three\n")
    add(log, "four\n")
    assert reader.read() == [b"three", b"four"]


@pytest.mark.usefixtures("again")
def test_a_renamed_log_that_ends_in_the_middle_of_a_line_gives_that_line(log: Path, reader: Reader) -> None:
    add(log, "one\ntw")
    reader.read()
    log.rename(log.with_name("mail.log.1"))
    add(log, "three\n")
    assert reader.read() == [b"tw", b"three"]


@pytest.mark.parametrize(
    "names",
    [
        ("mail.log.2", "mail.log.1"),
        ("mail.log-20260224", "mail.log-20260225"),
        ("mail-20260224.log", "mail-20260225.log"),
    ],
)
@pytest.mark.usefixtures("again")
def test_several_rotations_at_once_are_read_in_their_order(
    names: tuple[str, str], log: Path, reader: Reader
) -> None:
    add(log, "one\n")
    reader.read()
    add(log, "two\n")
    log.rename(log.with_name(names[0]))
    add(log, "three\n")
    log.rename(log.with_name(names[1]))
    add(log, "four\n")
    assert reader.read() == [b"two", b"three", b"four"]


@pytest.mark.parametrize("suffix", [".gz"])
def test_a_rotated_log_is_found_when_it_is_compressed_by_then(suffix: str, log: Path, reader: Reader) -> None:
    add(log, "".join(f"line {number}\n" for number in range(500)))
    reader.read()
    add(log, "two\n")
    rotated = log.with_name(f"mail.log.1{suffix}")
    rotated.write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    add(log, "three\n")
    reader.restart()
    assert reader.read() == [b"two", b"three"]
    reader.restart()
    assert reader.read() == []


@pytest.mark.usefixtures("again")
def test_a_copied_and_truncated_log_is_finished_in_its_copy(log: Path, reader: Reader) -> None:
    add(log, "one\n")
    reader.read()
    add(log, "two\n")
    shutil.copy(log, log.with_name("mail.log.1"))
    os.truncate(log, 0)
    add(log, "three\n")
    assert reader.read() == [b"two", b"three"]


@pytest.mark.usefixtures("again")
def test_a_truncated_log_is_read_from_its_start_even_where_it_is_longer_by_then(
    log: Path, reader: Reader
) -> None:
    add(log, "one\n")
    reader.read()
    os.truncate(log, 0)
    add(log, "two\nthree\nfour\n")
    assert reader.read() == [b"two", b"three", b"four"]
    assert "byte 4" in reader.told[0]


def test_the_hole_that_a_writer_leaves_who_does_not_append_is_passed_over(log: Path, reader: Reader) -> None:
    add(log, "one\n")
    reader.read()
    with log.open("r+b") as hole:
        hole.truncate(0)
        hole.seek(3 * follow.LONGEST_LINE)
        hole.write(b"two\nthree\n")
    assert [line.lstrip(b"\0") for line in reader.read()] == [b"two", b"three"]


@pytest.mark.usefixtures("again")
def test_a_line_too_long_is_handed_on_cut_and_the_rest_of_it_dropped(log: Path, reader: Reader) -> None:
    add(log, "one\n" + "x" * (2 * follow.LONGEST_LINE + 5))
    assert [len(line) for line in reader.read()] == [3, follow.LONGEST_LINE]
    add(log, "xxx\ntwo\n")
    assert reader.read() == [b"two"]


def test_a_missing_log_is_told_once_and_read_when_it_comes(log: Path, reader: Reader) -> None:
    assert reader.read() == reader.read() == []
    assert reader.told == [f"{log}: cannot be read: No such file or directory; trying again"]
    add(log, "one\n")
    assert reader.read() == [b"one"]
    assert reader.told[1:] == [f"{log}: works again"]


def test_what_is_no_file_is_told_and_does_not_hang(tmp_path: Path, reader: Reader) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader.follow(tmp_path / "pipe")
    assert reader.read() == []
    assert "not a regular file" in reader.told[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_an_unreadable_log_is_told_once(log: Path, reader: Reader) -> None:
    add(log, "one\n")
    log.chmod(0)
    assert reader.read() == reader.read() == []
    assert reader.told == [f"{log}: cannot be read: Permission denied; trying again"]


def test_a_glob_picks_up_new_files_and_leaves_rotated_and_unfinished_ones(
    tmp_path: Path, reader: Reader
) -> None:
    reader.follow(tmp_path / "*.log*")
    reader.read()
    assert reader.told == [f"{tmp_path}/*.log*: there is no such file yet; looking again"]
    add(tmp_path / "a.log", "one\n")
    add(tmp_path / "a.log.1", "old\n")
    add(tmp_path / "a.log.2.gz", "old\n")
    add(tmp_path / "b.log.tmp", "not yet\n")
    assert reader.read() == [b"one"]
    add(tmp_path / "b.log", "two\n")
    assert reader.read() == [b"two"]


def test_a_folder_of_events_takes_documents_without_a_line_end(tmp_path: Path, reader: Reader) -> None:
    reader.follow(tmp_path)
    add(tmp_path / "1.json", '{"a": {}')
    assert reader.read() == []
    add(tmp_path / "1.json", "}")
    assert reader.read() == [b'{"a": {}}']
    add(tmp_path / "1.json", '\n{"b": 1}\n')
    assert reader.read() == [b'{"b": 1}']


def test_a_large_folder_keeps_few_files_open(
    tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "MOST_OPEN", 5)
    for number in range(20):
        add(tmp_path / f"{number}.json", "{}\n")
    reader.follow(tmp_path)
    assert len(reader.read()) == 20
    assert sum(one.is_open for one in reader.tail._followers.values()) <= 5  # noqa: SLF001
    add(tmp_path / "7.json", "{}\n")
    (tmp_path / "8.json").unlink()
    assert len(reader.read()) == 1
    assert reader.told == []


def test_dated_logs_without_a_live_one_are_all_followed(tmp_path: Path) -> None:
    names = [tmp_path / "mail-20260224.log", tmp_path / "mail-20260225.log"]
    for name in names:
        name.touch()
    assert live(map(str, names)) == names


def test_the_carrier_time_is_the_files(log: Path, reader: Reader) -> None:
    add(log, "one\n")
    os.utime(log, (1_700_000_000, 1_700_000_000))
    reader.read()
    assert reader.chunks[0].at == "2023-11-14T22:13:20.000Z"


ACTIONS = ["write", "half", "read", "restart", "rename", "copy", "gzip"]


@given(st.lists(st.sampled_from(ACTIONS), max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_each_line_comes_at_least_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, actions: list[str]
) -> None:
    log = tmp_path_factory.mktemp("logs") / "mail.log"
    writer = Writer(log)
    reader = Reader(log, limit=2)
    reader.read()
    for action in actions:
        {"read": reader.read, "restart": reader.restart}.get(action, getattr(writer, action, lambda: None))()
    writer.write()
    reader.read()
    assert [line for line in reader.lines if b"half" not in line] == [line.encode() for line in writer.lines]
    reader.tail.close()


class Writer:
    """A log daemon and the rotation of its log."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.lines: list[str] = []
        self.count = 0
        self.write()

    def write(self) -> None:
        self.lines.append(f"Feb 25 00:00:00 host line {len(self.lines)}")
        add(self.log, self.lines[-1] + "\n")

    def half(self) -> None:
        add(self.log, "a half, ")
        self.log.touch()
        add(self.log, "and its end\n")

    def _name(self) -> Path:
        self.count += 1
        return self.log.with_name(f"mail.log-{20260101 + self.count}")

    def rename(self) -> None:
        self.log.rename(self._name())
        self.write()

    def gzip(self) -> None:
        name = self._name()
        shutil.move(self.log, name)
        with gzip.open(f"{name}.gz", "wb") as packed:
            packed.write(name.read_bytes())
        shutil.copystat(name, f"{name}.gz")
        name.unlink()
        self.write()

    def copy(self) -> None:
        shutil.copy(self.log, self._name())
        os.truncate(self.log, 0)
        self.write()
