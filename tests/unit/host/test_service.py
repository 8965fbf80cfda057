"""The service as a whole: real files, a real store, a real queue, real signals."""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Thread
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from postroad import ingest
from postroad.ingest import Batch
from postroad.store.contract import BadInput
from postroad.store.sqlite import SQLiteStore
from postroad.syslog import Carrier
from postroad_host import config, service
from postroad_host.config import Settings
from postroad_host.service import Service
from postroad_host.writer import Delivery, Writer
from tests.e2e.parts import sqs as parts
from tests.e2e.parts.ports import free_port

MAIN = """
import sys
from pathlib import Path
from postroad_host import config, service
sys.exit(service.run(config.load(Path(sys.argv[1]))))
"""


# How often the service is killed; more are better, at a second each.
KILLS = int(os.environ.get("POSTROAD_KILLS", "8"))


def ses_id(number: int) -> str:
    # Four hex digits, twelve of the time, the rest of it.
    return f"0102{1_772_000_000_000 + number:012x}-5a3f0e1c-0000-4000-8000-{number:012d}-000000"


def relayed(number: int) -> str:
    return (
        f"2026-02-25T06:{number // 60 % 60:02}:{number % 60:02}+00:00 mx postfix/smtp[7]: 4F{number:08X}: "
        f"to=<u{number}@b.example>, relay=email-smtp.eu-west-1.amazonaws.com[192.0.2.1]:587, delay=0.5, "
        f"delays=0.1/0/0.2/0.2, dsn=2.0.0, status=sent (250 Ok {ses_id(number)})\n"
    )


def delivered(number: int) -> str:
    to = f"u{number}@b.example"
    mail = {
        "timestamp": "2026-02-25T06:13:20.000Z",
        "messageId": ses_id(number),
        "source": "s@a.example",
        "destination": [to],
    }
    said = {"timestamp": "2026-02-25T06:13:22.000Z", "recipients": [to], "smtpResponse": "250 2.0.0 fine"}
    return json.dumps({"eventType": "Delivery", "mail": mail, "delivery": said}) + "\n"


class Place:
    """A directory with a configuration, the files that it names, and what came of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log, self.events, self.lines = root / "mail.log", root / "events.jsonl", root / "lines.log"
        self.config = root / "postroad.toml"
        self.told: list[str] = []
        self.more = self.search = ""
        self.port = free_port()

    def settings(self) -> Settings:
        self.config.write_text(
            f"""
            database = "p.db"
            {self.more}
            [relay_logs]
            paths = ["mail.log"]
            [ses_events]
            paths = ["events.jsonl"]
            [unified_lines]
            to = "file"
            path = "lines.log"
            [search]
            port = {self.port}
            {self.search}
            """
        )
        return config.load(self.config)

    def add(self, path: Path, *texts: str) -> None:
        with path.open("a") as file:
            file.write("".join(texts))

    def shown(self) -> list[str]:
        return self.lines.read_text().splitlines() if self.lines.exists() else []

    def told_lines(self) -> list[str]:
        """What was shown, in rotated files too."""
        return [line for path in self.root.glob("lines.log*") for line in path.read_text().splitlines()]

    def store(self) -> SQLiteStore:
        return SQLiteStore(str(self.root / "p.db"))

    def records(self) -> list[Any]:
        with self.store() as store:
            return list(store.deliveries())

    def start(self) -> subprocess.Popen[str]:
        self.settings()
        return self.started()

    def started(self, stdout: int | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, str(self.config)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    found.log.touch()
    found.events.touch()
    return found


class Running:
    """A service in a thread of this process."""

    def __init__(self, place: Place, store: SQLiteStore, prepare: Callable[[], None] = lambda: None) -> None:
        self.service = Service(place.settings(), store, place.told.append)
        self.failure: BaseException | None = None
        self._prepare = prepare
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._prepare()
            self.service.run()
        except BaseException as error:  # noqa: BLE001 - told to the test
            self.failure = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.service.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()
        assert self.failure is None


@pytest.fixture
def running(place: Place) -> Iterator[Running]:
    with place.store() as store, Running(place, store) as found:
        yield found


def until(what: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()


@pytest.mark.usefixtures("running")
def test_both_halves_of_a_message_become_one_journey_and_two_lines(place: Place) -> None:
    place.add(place.events, delivered(1))
    place.add(place.log, relayed(1))
    assert until(lambda: len(place.shown()) == 2)
    assert all("4F00000001: to=<u1@b.example>" in line for line in place.shown())
    assert ["status=sent" in line for line in place.shown()] == [True, False]
    url = f"http://127.0.0.1:{place.port}"
    (token,) = re.findall(rf"^search at {url}/#token=(\S+)$", "\n".join(place.told))
    asked = Request(  # noqa: S310 - our own service
        f"{url}/v1/journeys?recipient=U1@b.example", headers={"Authorization": f"Bearer {token}"}
    )
    with urlopen(asked) as answer, urlopen(asked.full_url) as without_a_token:  # noqa: S310
        (journey,) = json.load(answer)["journeys"]
        assert json.load(without_a_token)["journeys"] == [journey]
    assert (journey["state"], journey["queue_ids"], journey["ses_id"]) == (
        "delivered",
        ["4F00000001"],
        ses_id(1),
    )
    assert len(place.told) == 1


def test_the_search_of_this_machine_can_be_closed(place: Place) -> None:
    place.search = "open_to_this_machine = false"
    with place.store() as store, Running(place, store):
        assert until(lambda: bool(place.told))
        with pytest.raises(HTTPError, match="401"):
            urlopen(f"http://127.0.0.1:{place.port}/v1/journeys?recipient=a@b.example")


def test_what_no_relay_claims_is_shown_after_the_deadline(place: Place) -> None:
    place.more = "unclaimed_after_seconds = 1"
    with place.store() as store, Running(place, store):
        place.add(place.events, delivered(1))
        assert until(lambda: place.shown() != [])
        assert ": NOQUEUE: to=<u1@b.example>" in place.shown()[0]
        place.add(place.log, relayed(1))
        assert until(lambda: len(place.shown()) == 3)
    assert sum("4F00000001: " in line for line in place.shown()) == 2


@pytest.mark.usefixtures("running")
def test_what_is_refused_is_set_aside_and_the_rest_goes_on(place: Place) -> None:
    place.add(place.events, "[1, 2\n", delivered(1), '{"eventType"\n')
    place.add(place.log, "x" * 20000 + "\n", relayed(1), relayed(2))
    assert until(lambda: len(place.shown()) == 3)
    with place.store() as store:
        assert sorted(one.input.source for one in store.bad_inputs().inputs) == ["relay", "ses", "ses"]


def test_a_line_that_breaks_the_reader_is_set_aside_alone(place: Place) -> None:
    def read(lines: Sequence[bytes | str]) -> Batch:
        if b"bad" in lines:
            raise ZeroDivisionError("of course not")
        return Batch([], [BadInput("relay", "mail.log", "seen", f"{line!r}") for line in lines])

    with place.store() as store:
        writer = Writer(store, unclaimed_after_seconds=120, retention_days=1)
        writer.keep(Delivery("relay", "mail.log", [b"one", b"bad", b"two"], read, "position"))
        reasons = {one.input.raw: one.input.reason for one in store.bad_inputs().inputs}
        assert store.position("mail.log") == "position"
    assert (reasons["b'one'"], reasons["b'two'"]) == ("seen", "seen")
    assert "ZeroDivisionError('of course not')" in reasons["bad"]


def test_messages_of_a_queue_are_deleted_when_they_are_stored(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with parts.Sqs() as queue:
        for name, value in queue.environment.items():
            monkeypatch.setenv(name, value)
        queue.send_bodies([delivered(1), "no event"])
        place.add(place.log, relayed(1))
        sqs = config.Sqs(queue_url=queue.queue_url, wait_seconds=1)
        settings = place.settings().model_copy(update={"ses_events": config.SesEvents(sqs=sqs)})
        with place.store() as store, Running(place, store) as running:
            running.service.stop()
        with place.store() as store:
            run = Running(place, store)
            run.service = Service(settings, store, place.told.append)
            with run:
                assert until(lambda: len(place.shown()) == 2)
                assert until(lambda: queue.counts() == (0, 0))
        with place.store() as store:
            assert [one.input.raw for one in store.bad_inputs().inputs] == ["no event"]


def test_records_too_old_are_forgotten(place: Place) -> None:
    place.more = "retention_days = 1"
    place.add(place.log, relayed(1))
    batch = ingest.relay([relayed(1).encode()], Carrier("2026-02-25T00:00:00.000Z"), "x")
    with place.store() as store:
        Writer(store, unclaimed_after_seconds=120, retention_days=1).keep(
            Delivery("relay", "x", [b"x"], lambda _: batch)
        )
    assert len(place.records()) == 2
    place.log.write_text("")
    with place.store() as store, Running(place, store):
        assert until(lambda: place.records() == [])


def test_a_locked_database_is_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PAUSE_S", 0.1)
    with SQLiteStore(str(place.root / "p.db"), patience=0.1) as store, Running(place, store):
        assert until(place.lines.exists)
        other = sqlite3.connect(place.root / "p.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        place.add(place.log, relayed(1))
        assert until(lambda: any("another process keeps writing" in told for told in place.told))
        other.execute("ROLLBACK")
        other.close()
        assert until(lambda: len(place.shown()) == 1)
    assert sum("another process" in told for told in place.told) == 1
    assert place.told[-1] == "database: works again"


def test_a_full_disk_is_waited_for_and_loses_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PAUSE_S", 0.1)
    place.add(place.log, *map(relayed, range(500)))
    with place.store() as store:

        def fill() -> None:
            (pages,) = store.run("PRAGMA page_count")[0]
            store.run(f"PRAGMA max_page_count = {pages + 1}")

        def tell(text: str) -> None:
            place.told.append(text)
            if "no space is left" in text:
                store.run("PRAGMA max_page_count = 100000")

        run = Running(place, store, fill)
        run.service = Service(place.settings(), store, tell)
        with run:
            assert until(lambda: len(place.shown()) == 500)
    assert sum("no space is left" in told for told in place.told) == 1


def test_a_damaged_database_ends_the_service(place: Place) -> None:
    (place.root / "p.db").write_bytes(b"no database at all, but long enough to be looked at" * 50)
    assert service.run(place.settings(), place.told.append) == 1
    assert "is not a Postroad database" in place.told[-1]


def test_a_taken_port_is_said(place: Place, running: Running) -> None:
    assert until(lambda: bool(place.told))
    other = Place(place.root / "other")
    other.root.mkdir()
    other.port = place.port
    assert service.run(other.settings(), other.told.append) == 1
    assert other.told == [f"search.port: 127.0.0.1:{place.port}: Address already in use: choose another port"]
    assert running.failure is None


# --- the process ---


def ended(process: subprocess.Popen[str], number: int) -> str:
    process.send_signal(number)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 0
    return told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_everything_written(number: int, place: Place) -> None:
    place.add(place.log, *map(relayed, range(2000)))
    process = place.start()
    assert until(lambda: len(place.shown()) > 0)
    told = ended(process, number)
    assert "Traceback" not in told
    with place.store() as store:
        assert store.owed() == []


def test_a_second_signal_ends_it_at_once(place: Place) -> None:
    """Here nobody reads its output, so that the first one waits for the line that is being written."""
    place.add(place.log, *map(relayed, range(2000)))
    place.settings()
    text = place.config.read_text().replace('to = "file"', "").replace('path = "lines.log"', "")
    place.config.write_text(text)
    with place.started(stdout=subprocess.PIPE) as process:
        with place.store() as store:
            assert until(lambda: bool(store.owed(1)))
        process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.terminate()
        assert process.wait(5) == 1


def test_only_one_service_uses_a_database(place: Place) -> None:
    process = place.start()
    assert until(place.lines.exists)
    assert service.run(place.settings(), place.told.append) == 1
    assert "another `postroad run` uses" in place.told[0]
    ended(process, signal.SIGTERM)


def test_sighup_opens_the_output_anew(place: Place) -> None:
    process = place.start()
    place.add(place.log, relayed(1))
    assert until(lambda: len(place.shown()) == 1)
    place.lines.rename(place.root / "lines.log.1")
    process.send_signal(signal.SIGHUP)
    assert until(place.lines.exists)
    place.add(place.log, relayed(2))
    assert until(lambda: len(place.shown()) == 1)
    ended(process, signal.SIGTERM)


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_and_doubles_nothing(place: Place, tmp_path: Path) -> None:
    """Logs grow and are rotated while the service is killed, over and over; then it tells what a calm one tells."""
    chance, feed = random.Random(), Feed(place)
    with place.start() as process:
        feed.some(chance)
        assert until(lambda: len(place.shown()) > 0)
        process.kill()
    for _ in range(KILLS):
        with place.start() as process:
            moment = time.monotonic() + chance.uniform(0.0, 1.5)
            while time.monotonic() < moment:
                feed.some(chance)
            process.kill()
    with place.start() as process:
        assert until(lambda: len(place.told_lines()) >= 2 * feed.total, 60)
        ended(process, signal.SIGTERM)

    calm = Place(tmp_path / "calm")
    calm.root.mkdir()
    calm.add(calm.log, *map(relayed, range(feed.total)))
    calm.add(calm.events, *map(delivered, range(feed.total)))
    with calm.start() as process:
        assert until(lambda: len(calm.shown()) == 2 * feed.total, 60)
        ended(process, signal.SIGTERM)
    assert sorted(place.told_lines()) == sorted(calm.shown())
    assert place.records() == calm.records()


class Feed:
    """A relay and SES at work; both logs are rotated now and then, and so is our own."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.total = 0

    def some(self, chance: random.Random) -> None:
        numbers = range(self.total, self.total + chance.randint(1, 40))
        log, events = "".join(map(relayed, numbers)), "".join(map(delivered, numbers))
        cut = chance.randint(0, len(log))
        self.place.add(self.place.log, log[:cut])
        self.place.add(self.place.events, events)
        time.sleep(chance.uniform(0, 0.05))
        self.place.add(self.place.log, log[cut:])
        self.total = numbers.stop
        path = chance.choice([self.place.log, self.place.events, self.place.lines])
        if chance.random() < 0.05 and path.exists():
            path.rename(path.with_name(f"{path.name}-{20260000 + self.total}"))
