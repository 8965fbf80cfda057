"""Unified lines on their way out: none lost, and in a file none twice."""

import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.store.sqlite import SQLiteStore
from postroad_host.filesink import File
from postroad_host.outbox import Outbox
from postroad_host.sinks import GoneError, Sink, Stdout, Syslog, traditional
from postroad_host.trouble import Troubles

RELAY = "2026-02-05T00:05:18.000Z mx postfix/smtp[7]: 4F1A2B3C4D: to=<a@b.example>, status=sent (250 Ok 01)"
SES = "2026-02-05T00:05:19.000Z mx postfix/ses-events[1]: 4F1A2B3C4D: to=<a@b.example>, status=delivered (ok)"
UTC = ZoneInfo("UTC")


class Killed(BaseException):
    """kill -9, between two system calls."""


class Fragile:
    """A sink whose file takes so many bytes more, and then the process is gone (or the disk is full)."""

    def __init__(self, path: Path, room: int, *, error: type[BaseException] = Killed) -> None:
        self.path = path
        self.room = room
        self.error = error

    def write(self, file: int, data: bytes) -> int:
        if self.room <= 0:
            raise self.error(28, "No space left on device")
        taken = os.pwrite(file, data[: self.room], os.fstat(file).st_size)
        self.room -= taken
        return taken


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    with SQLiteStore(str(tmp_path / "p.db")) as found:
        yield found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lines.log"


def outbox(store: SQLiteStore, sink: Sink, told: list[str] | None = None) -> Outbox:
    return Outbox(store, sink, Troubles((told if told is not None else []).append))


def file(path: Path) -> File:
    return File(path, str)


def publish(store: SQLiteStore, sink: Sink) -> None:
    """Publish and end, as a run of the service does."""
    run = outbox(store, sink)
    while run.publish():
        pass
    run.close()


def killed(store: SQLiteStore, path: Path, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish, and be killed once the file has taken so many bytes."""
    with monkeypatch.context() as patch:
        patch.setattr("postroad_host.filesink.os.write", Fragile(path, room).write)
        run = outbox(store, file(path))
        with pytest.raises(Killed):
            run.publish()
        run.close()


LINES = [f"line {number}" for number in range(5)]
WHOLE = "".join(f"{line}\n" for line in LINES)


def test_lines_are_written_once_and_struck_off(store: SQLiteStore, path: Path) -> None:
    store.owe(LINES)
    publish(store, file(path))
    publish(store, file(path))
    assert path.read_text() == WHOLE
    assert store.owed() == []


@pytest.mark.parametrize("room", range(len(WHOLE)))
def test_a_kill_at_any_byte_neither_loses_nor_doubles(
    room: int, store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("what stood there before\n")
    store.owe(LINES)
    killed(store, path, room, monkeypatch)
    store.owe(["one more"])
    publish(store, file(path))
    assert path.read_text() == f"what stood there before\n{WHOLE}one more\n"


def test_a_kill_between_writing_and_striking_off_does_not_double(store: SQLiteStore, path: Path) -> None:
    store.owe(LINES)
    sink = file(path)
    store.paid(0, sink.open(None))
    sink.write(LINES)
    sink.close()
    publish(store, file(path))
    assert path.read_text() == WHOLE


@given(cuts=st.lists(st.integers(0, len(WHOLE)), max_size=4))
def test_several_kills_in_a_row(cuts: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("sink") / "lines.log"
    with SQLiteStore(str(path.with_suffix(".db"))) as store, pytest.MonkeyPatch.context() as patch:
        store.owe(LINES)
        for cut in sorted(cuts):
            if (path.stat().st_size if path.exists() else 0) < cut < len(WHOLE):
                killed(store, path, cut - (path.stat().st_size if path.exists() else 0), patch)
        publish(store, file(path))
        assert path.read_text() == WHOLE


def test_a_line_begun_before_a_rotation_is_finished_in_the_rotated_file(
    store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.owe(LINES)
    killed(store, path, 10, monkeypatch)
    path.rename(path.with_name("lines.log.1"))
    publish(store, file(path))
    store.owe(["one more"])
    publish(store, file(path))
    assert path.with_name("lines.log.1").read_text() == WHOLE
    assert path.read_text() == "one more\n"


def test_what_somebody_else_wrote_meanwhile_costs_no_line(
    store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.owe(LINES)
    killed(store, path, 0, monkeypatch)
    path.write_text("an editor was here")
    publish(store, file(path))
    assert path.read_text() == f"an editor was here\n{WHOLE}"


def test_a_file_that_was_moved_away_is_made_anew(store: SQLiteStore, path: Path) -> None:
    run = outbox(store, file(path))
    store.owe(["one"])
    run.publish()
    path.rename(path.with_name("lines.log.1"))
    store.owe(["two"])
    run.publish()
    run.close()
    assert path.read_text() == "two\n"
    assert path.with_name("lines.log.1").read_text() == "one\n"


def test_a_truncated_file_is_gone_on_with(store: SQLiteStore, path: Path) -> None:
    run = outbox(store, file(path))
    store.owe(["one"])
    run.publish()
    os.truncate(path, 0)
    store.owe(["two"])
    run.publish()
    run.close()
    store.owe(["three"])
    publish(store, file(path))
    assert path.read_text() == "two\nthree\n"


def test_a_full_disk_is_told_once_and_costs_nothing(
    store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroad_host.outbox.PAUSE_S", 0.0)
    told: list[str] = []
    run = outbox(store, file(path), told)
    store.owe(LINES)
    with monkeypatch.context() as patch:
        patch.setattr("postroad_host.filesink.os.write", Fragile(path, 11, error=OSError).write)
        assert not run.publish()
        assert not run.publish()
    run.publish()
    run.close()
    assert path.read_text() == WHOLE
    assert told == [
        "unified lines: cannot be written: No space left on device; they are kept, trying again",
        "unified lines: works again",
    ]


def test_stdout_gets_each_line_as_utf8(store: SQLiteStore) -> None:
    stream = io.BytesIO()
    store.owe(["añb"])
    publish(store, Stdout(str, stream))
    assert stream.getvalue() == "añb\n".encode()


def test_nobody_at_the_other_end_of_stdout_ends_the_service(store: SQLiteStore) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    store.owe(["one"])
    with os.fdopen(writer, "wb", buffering=0) as stream, pytest.raises(GoneError):
        outbox(store, Stdout(str, stream)).publish()


def test_traditional_stamps_are_in_the_zone_and_padded() -> None:
    assert traditional(SES, UTC).startswith("Feb  5 00:05:19 mx postfix/ses-events[1]: 4F1A")
    assert traditional(SES, ZoneInfo("America/New_York")).startswith("Feb  4 19:05:19 mx ")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as found:
        found.bind(str(tmp_path / "log"))
        found.settimeout(5)
        yield found


@pytest.fixture
def remote() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        found.settimeout(5)
        yield found


def test_a_local_log_daemon_gets_only_what_ses_said(store: SQLiteStore, daemon: socket.socket) -> None:
    store.owe([RELAY, SES])
    publish(store, Syslog(daemon.getsockname(), "rfc3164", UTC))
    _, _, rest = SES.split(" ", 2)
    assert daemon.recv(9999).decode() == f"<22>Feb  5 00:05:19 {rest}"
    daemon.setblocking(False)
    with pytest.raises(BlockingIOError):
        daemon.recv(1)
    assert store.owed() == []


def test_a_hostile_reply_does_not_make_a_relay_line_ours(store: SQLiteStore, daemon: socket.socket) -> None:
    store.owe([RELAY.replace("250 Ok", "x postfix/ses-events[1]: 250 Ok"), SES])
    publish(store, Syslog(daemon.getsockname(), "rfc3164", UTC))
    assert b"delivered" in daemon.recv(9999)


@pytest.mark.parametrize(
    ("form", "head"),
    [
        ("rfc3164", "<22>Feb  5 00:05:19 mx postfix/ses-events[1]: 4F1A2B3C4D: to=<a@b.example>"),
        (
            "rfc5424",
            "<22>1 2026-02-05T00:05:19.000Z mx postfix/ses-events 1 - - 4F1A2B3C4D: to=<a@b.example>",
        ),
    ],
)
def test_a_remote_log_daemon_gets_the_relays_name(
    form: str, head: str, store: SQLiteStore, remote: socket.socket
) -> None:
    store.owe([SES])
    publish(store, Syslog(f"127.0.0.1:{remote.getsockname()[1]}", form, UTC))
    assert remote.recv(9999).decode().startswith(head)


def test_a_missing_log_daemon_is_told_and_waited_for(
    store: SQLiteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroad_host.outbox.PAUSE_S", 0.0)
    told: list[str] = []
    run = outbox(store, Syslog(str(tmp_path / "log"), "rfc3164", UTC), told)
    store.owe([SES])
    assert not run.publish()
    assert len(store.owed()) == 1
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as found:
        found.bind(str(tmp_path / "log"))
        run.publish()
        run.close()
        assert b"delivered" in found.recv(9999)
    assert store.owed() == []
    assert (
        told[0] == "unified lines: cannot be written: No such file or directory; they are kept, trying again"
    )
