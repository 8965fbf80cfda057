"""`postroad import`: whatever the files are like, what can be read is kept, and the rest is said."""

import bz2
import gzip
import json
import lzma
import os
import pty
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from postroad.store.sqlite import SQLiteStore
from postroad.store.sqlite_schema import StoreError
from postroad_host.backfill import Backfill

POSTROAD = Path(sys.executable).with_name("postroad")
SES_ID = "0102019c91ac1988-37bf9659-3ac9-481a-b264-f00d2b267662-000000"
PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


class Store:
    """A store in a folder, and the command to fill and ask it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "postroad.db"

    def run(
        self, *arguments: str | Path, stdin: bytes = b"", limit: Callable[[], None] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [POSTROAD, arguments[0], "--db", self.database, *arguments[1:]],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
            preexec_fn=limit,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def take(self, *arguments: str | Path, exit_code: int = 0, stdin: bytes = b"") -> str:
        """Import, and give what it says."""
        done = self.run("import", *arguments, stdin=stdin)
        assert (done.returncode, done.stdout) == (exit_code, ""), done.stderr
        return done.stderr

    def documents(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(*arguments).stdout.splitlines()]

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    @property
    def people(self) -> list[str]:
        return sorted(found["recipient"] for found in self.documents("export"))

    @property
    def bad(self) -> list[dict[str, Any]]:
        return self.documents("problems", "--bad-input", "--json")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def line(number: int, at: str = "2026-02-24T22:01:41.000Z", **more: str) -> bytes:
    """A recipient's line in a log."""
    said = {"to": f"r{number}@example.com", "host": "mx1", **more}
    return (
        f"{at} {said['host']} postfix/smtp[14]: A{number:07X}: to=<{said['to']}>, relay=none, delay=3,"
        f" delays=1/1/1/0, dsn=4.4.1, status=deferred (connect to x: Connection timed out)\n"
    ).encode()


def lines(*numbers: int) -> bytes:
    return b"".join(map(line, numbers))


def delivery(*recipients: str, **mail: object) -> bytes:
    said = {"timestamp": "2026-02-24T22:01:41.000Z", "messageId": SES_ID, "source": "app@example.org"}
    detail = {"timestamp": "2026-02-24T22:01:42.200Z", "recipients": recipients, "smtpResponse": "250 ok"}
    document = {
        "eventType": "Delivery",
        "mail": {**said, "destination": recipients, **mail},
        "delivery": detail,
    }
    return json.dumps(document).encode() + b"\n"


# Files of all kinds


def test_options_take_several_files(store: Store) -> None:
    logs = [store.file(f"mail.log.{number}", line(number)) for number in (1, 2, 3)]
    events = [store.file(f"events.{number}", delivery(f"e{number}@example.com")) for number in (1, 2)]
    said = store.take("--relay-log", *logs[:2], "--ses-events", *events, "--relay-log", logs[2])
    assert said == "postroad: 3 log lines and 2 SES events gave 7 facts; 0 set aside\n"
    assert store.people == [
        "e1@example.com",
        "e2@example.com",
        "r1@example.com",
        "r2@example.com",
        "r3@example.com",
    ]


@pytest.mark.parametrize("suffix", PACKERS)
def test_compressed_files_by_what_they_begin_with(store: Store, suffix: str) -> None:
    pack = PACKERS[suffix]
    store.take(
        "--relay-log", store.file(f"a.{suffix}", pack(lines(1, 2))), store.file("b.log", pack(lines(3)))
    )
    store.take("--ses-events", store.file("e", pack(delivery("e@example.com"))))
    assert store.people == ["e@example.com", "r1@example.com", "r2@example.com", "r3@example.com"]


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()])
def test_standard_input(store: Store, pack: Callable[[bytes], bytes]) -> None:
    store.take("--relay-log", "-", stdin=pack(lines(1, 2)))
    assert store.people == ["r1@example.com", "r2@example.com"]


def test_a_pipe_is_read_to_its_end(store: Store) -> None:
    """It tells no position, which the progress bar would like to know."""
    told = b"".join(line(number % 50) for number in range(25_000))
    done = subprocess.run(
        ["bash", "-c", f"{POSTROAD} import --db {store.database} --relay-log <(cat)"],
        input=told,
        capture_output=True,
        check=False,
    )
    assert done.stderr == b"postroad: 25,000 log lines and 0 SES events gave 25,000 facts; 0 set aside\n"
    assert done.returncode == 0


def test_importing_again_changes_nothing(store: Store) -> None:
    log, events = (
        store.file("mail.log", lines(*range(50)) + b"\n"),
        store.file("events", delivery("e@example.com")),
    )
    store.take("--relay-log", log, "--ses-events", events)
    before = store.run("export").stdout, store.run("lines").stdout
    store.take("--ses-events", events, "--relay-log", log, log)
    assert (store.run("export").stdout, store.run("lines").stdout) == before


# Files that are not well


def test_a_truncated_file_is_read_to_where_it_ends(store: Store) -> None:
    whole = gzip.compress(b"".join(line(number, host=os.urandom(40).hex()) for number in range(2000)))
    cut, good = store.file("cut.gz", whole[: len(whole) // 2]), store.file("good.log", lines(5000))
    said = store.take("--relay-log", cut, good, exit_code=1)
    assert said.splitlines()[0] == (
        f"postroad: {cut}: Compressed file ended before the end-of-stream marker was reached: what came before is imported"
    )
    people = store.people
    assert "r5000@example.com" in people
    assert 500 < len(people) < 1500


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_damaged_file(store: Store, suffix: str) -> None:
    content = bytearray(PACKERS[suffix](lines(*range(100))))
    content[len(content) // 2] ^= 0xFF
    said = store.take(
        "--relay-log", store.file("bad", bytes(content)), store.file("good", lines(5000)), exit_code=1
    )
    assert "bad: " in said.splitlines()[0]
    assert "r5000@example.com" in store.people


def test_what_cannot_be_opened_is_named(store: Store) -> None:
    loop, folder, good = store.folder / "loop", store.folder / "folder", store.file("good", lines(1))
    loop.symlink_to(loop)
    folder.mkdir()
    assert store.take("--relay-log", loop, folder, good, exit_code=1) == (
        f"postroad: {loop}: Too many levels of symbolic links: name a file that can be read\n"
        f"postroad: {folder}: Is a directory: name a file that can be read\n"
        "postroad: 1 log lines and 0 SES events gave 1 facts; 0 set aside\n"
    )
    assert store.people == ["r1@example.com"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(store: Store) -> None:
    secret = store.file("secret", lines(1))
    secret.chmod(0)
    said = store.take("--relay-log", secret, store.file("good", lines(2)), exit_code=1)
    assert f"{secret}: Permission denied: name a file that can be read" in said
    assert store.people == ["r2@example.com"]


def test_a_missing_file_is_misuse_and_the_others_are_imported(store: Store) -> None:
    said = store.take("--relay-log", "missing.log", store.file("good", lines(1)), exit_code=2)
    assert "postroad: missing.log: No such file or directory: name a file that can be read\n" in said
    assert store.people == ["r1@example.com"]


def test_an_empty_file(store: Store) -> None:
    assert "0 log lines" in store.take("--relay-log", store.file("empty", b""))


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))


def test_a_full_disk_leaves_nothing_half_written(store: Store) -> None:
    log = store.file("mail.log", lines(*range(20_000)))
    done = store.run("import", "--relay-log", log, limit=_small_files)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith("postroad: ")
    assert said.endswith("try again")
    assert len(store.people) in {0, 10_000}
    assert "20,000 facts; 0 set aside" in store.take("--relay-log", log)
    assert len(store.people) == 20_000


class _FailingStore(SQLiteStore):
    """A store whose disk fails at one checkpoint of those that go on beside the import."""

    failing = count(1)

    def settle(self) -> None:
        if threading.current_thread() is not threading.main_thread() and next(self.failing) == 1:
            raise StoreError("the disk fails")
        super().settle()


@pytest.mark.parametrize("good", [0, 1])
def test_a_disk_that_fails_beside_the_import_ends_it(
    store: Store, monkeypatch: pytest.MonkeyPatch, good: int
) -> None:
    monkeypatch.setattr(_FailingStore, "failing", count(1 - good))
    log = store.file("mail.log", lines(1, 2))
    with _FailingStore.open(str(store.database), durable=False) as failing:
        backfill = Backfill(failing, zone=UTC, dated=None)
        with pytest.raises(StoreError, match="the disk fails"):
            backfill.run([("relay", str(log))])
    assert store.people == ["r1@example.com", "r2@example.com"]


# Lines and events that are not well


def test_a_line_of_a_megabyte(store: Store) -> None:
    hostile = b"Feb 24 22:01:41 mx1 postfix/smtp[14]: A0000009: to=<x@example.com>, " + b"x" * 1_000_000
    said = store.take("--relay-log", store.file("log", lines(1) + hostile + b"\n" + lines(2)), exit_code=1)
    assert "; 1 set aside (see `postroad problems --bad-input`)" in said
    assert store.people == ["r1@example.com", "r2@example.com"]
    (bad,) = store.bad
    assert bad["source"] == "relay"
    assert bad["raw"].startswith("Feb 24 22:01:41 mx1 postfix/smtp[14]: A0000009: ")


def test_nothing_is_forged_by_a_line_without_end(store: Store) -> None:
    """However it is read in pieces, no piece is taken for a line."""
    forgery = lines(666).rstrip(b"\n")
    content = lines(1) + b"x" * 100 + forgery * (12_000_000 // len(forgery)) + b"\n" + lines(2)
    store.run("import", "--relay-log", store.file("log", content))
    assert store.people == ["r1@example.com", "r2@example.com"]


def test_bytes_that_are_no_text(store: Store) -> None:
    text = line(2, to="f\x00\xff@example.com").decode().encode("latin-1") + line(3).replace(
        b"x: ", b"\x00\x1b\xfe\x9b: "
    )
    store.take("--relay-log", store.file("log", b"\x00" * 4096 + lines(1) + text + b"\xff\xfe\n" + lines(4)))
    assert store.people == ["f??@example.com", "r1@example.com", "r3@example.com", "r4@example.com"]
    assert all(char.isprintable() for told in store.run("lines").stdout.splitlines() for char in told)


def test_events_that_are_none_are_set_aside(store: Store) -> None:
    told = (
        b'["no", "object"]',
        b"42",
        b"null",
        b'"text"',
        b"{broken",
        b"{}",
        b'{"eventType": "Delivery"}',
        b'{"eventType": "Delivery", "mail": []}',
        b'{"eventType": ["Delivery"], "mail": {"messageId": "x"}}',
        b'{"Type": "Notification", "Message": "not JSON"}',
        b"[" * 100_000,
        b"\xff\xfe",
    )
    good = delivery("a@example.com"), delivery("b@example.com")
    events = store.file("events", good[0] + b"\n".join(told) + b"\n" + good[1])
    said = store.take("--ses-events", events, exit_code=1)
    assert said == (
        "postroad: 0 log lines and 14 SES events gave 4 facts; 12 set aside (see `postroad problems --bad-input`)\n"
    )
    assert store.people == ["a@example.com", "b@example.com"]
    bad = store.bad
    assert sorted(one["raw"] for one in bad) == sorted(one.decode("utf-8", "replace") for one in told)
    assert {(one["source"], one["origin"]) for one in bad} == {("ses", str(events))}
    assert all(one["reason"] for one in bad)
    store.take("--ses-events", events, exit_code=1)
    assert store.bad == bad


def test_an_event_of_400_recipients(store: Store) -> None:
    recipients = [f"r{number}@example.com" for number in range(400)]
    assert "gave 800 facts" in store.take("--ses-events", store.file("events", delivery(*recipients)))
    assert store.people == sorted(recipients)
    assert len(store.run("lines").stdout.splitlines()) == 400


def test_a_clock_that_jumps_back(store: Store) -> None:
    def said(at: str, text: str) -> str:
        return f"2026-02-24T22:{at}Z mx1 postfix/{text}\n"

    told = (
        said("10:00.000", "smtpd[1]: 4jXH0q03gszLdBG: client=app[192.0.2.9]")
        + said("10:01.000", "qmgr[1]: 4jXH0q03gszLdBG: from=<app@example.org>, size=1, nrcpt=1 (queue active)")
        + said("09:58.000", f"smtp[1]: 4jXH0q03gszLdBG: to=<a@example.com>, relay=email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 Ok {SES_ID})")
        + said("09:58.100", "qmgr[1]: 4jXH0q03gszLdBG: removed")
    )  # fmt: skip
    store.take(
        "--relay-log",
        store.file("log", told.encode()),
        "--ses-events",
        store.file("e", delivery("a@example.com")),
    )
    (found,) = store.documents("find", "a@example.com", "--json")
    assert found["state"] == "delivered"
    assert found["queue_ids"] == ["4jXH0q03gszLdBG"]
    assert found["ses_id"] == SES_ID
    assert store.documents("export") == [{name: found[name] for name in store.documents("export")[0]}]


@pytest.mark.parametrize(
    ("stamp", "options", "at"),
    [
        ("Feb 24 22:01:41", (), "2026-02-24T22:01:41.000Z"),
        ("Feb 24 22:01:41", ("--zone", "Europe/Berlin"), "2026-02-24T21:01:41.000Z"),
        ("Feb 24 22:01:41", ("--dated", "2024-03-01"), "2024-02-24T22:01:41.000Z"),
        ("Dec 31 22:01:41", (), "2025-12-31T22:01:41.000Z"),
        ("Feb 29 22:01:41", ("--dated", "2024-03-01"), "2024-02-29T22:01:41.000Z"),
    ],
)
def test_stamps_without_year_and_zone(store: Store, stamp: str, options: tuple[str, ...], at: str) -> None:
    log = store.file("mail.log", line(1, stamp))
    os.utime(log, (1_772_400_000, 1_772_400_000))  # 2026-03-01
    store.take("--relay-log", log, *options)
    assert [found["first_seen"] for found in store.documents("export")] == [at]


# What it says meanwhile


def test_bad_input_is_shown(store: Store) -> None:
    events = store.file("events", b"{broken \x1b[31m\n")
    store.take("--ses-events", events, exit_code=1)
    told = store.run("problems", "--bad-input").stdout
    assert re.fullmatch(rf"\S+Z  ses  {re.escape(str(events))}: not JSON: .*\n    {{broken \?\[31m\n", told)
    assert store.run("problems", "--bad-input", "--csv").stdout.startswith(
        "seen_at,source,origin,reason,raw\n"
    )
    assert store.run("problems", "--bad-input", "--since", "2100-01-01").stdout == ""


@pytest.mark.parametrize("on_terminal", [True, False])
def test_the_progress_bar_is_for_terminals(
    store: Store, monkeypatch: pytest.MonkeyPatch, on_terminal: bool
) -> None:
    # Which some tools take for a terminal.
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    command: list[str | Path] = [
        POSTROAD,
        "import",
        "--db",
        store.database,
        "--relay-log",
        store.file("log", lines(1)),
    ]
    if not on_terminal:
        done = subprocess.run(command, capture_output=True, check=True)
        assert done.stderr == b"postroad: 1 log lines and 0 SES events gave 1 facts; 0 set aside\n"
        return
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # how the end of a terminal reads on Linux
            pass
        assert process.wait(20) == 0
    os.close(ours)
    assert b"100%" in shown or b"\x1b[" in shown
    assert b"0 set aside" in shown
