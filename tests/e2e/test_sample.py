"""The sample that `make run` feeds: every state is in it, and log tools read what comes out."""

import re
import shutil
import signal
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from postroad.lifecycle import State
from tests.e2e.conftest import Journey, Service, documents, postroad, until
from tests.e2e.parts.ports import LOOPBACK, free_port

EVENTS = Path(__file__).parents[2] / "events"
LOG, SES_EVENTS = EVENTS / "relay.log", EVENTS / "ses-events.jsonl"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Import the sample."""
    path = tmp_path_factory.mktemp("sample") / "postroad.db"
    done = postroad("import", "--db", path, "--relay-log", LOG, "--ses-events", SES_EVENTS)
    assert "; 0 set aside" in done.stderr
    return path


@pytest.fixture(scope="module")
def journeys(database: Path) -> list[Journey]:
    return documents("export", "--db", database)


def test_it_tells_every_state(journeys: list[Journey]) -> None:
    assert {found["state"] for found in journeys} == {state.word for state in State}


def test_it_tells_every_overlay(journeys: list[Journey]) -> None:
    told = {entry["event"] for found in journeys for entry in found["timeline"]}
    assert any(found["complained"] for found in journeys)
    assert any(found["auto_reply"] and found["state"] == "delivered" for found in journeys)
    assert {"opened", "held", "delivered", "bounced", "complained", "delayed"} <= told
    late = [[entry["event"] for entry in found["timeline"] if entry["source"] == "ses"] for found in journeys]
    assert any("delivered" in said and said.index("delivered") < _last(said, "bounced") for said in late)


def _last(said: list[str], event: str) -> int:
    return max((place for place, one in enumerate(said) if one == event), default=-1)


def test_a_journey_begins_when_its_message_came(journeys: list[Journey]) -> None:
    log = LOG.read_text("utf-8").splitlines()
    # A refusal before the queue is kept by the minute.
    assert min(found["first_seen"] for found in journeys)[5:16] >= "11-24T" + log[0][7:12]


@pytest.mark.parametrize("timestamps", ["rfc3339", "traditional"])
def test_pflogsumm_reads_the_lines(
    database: Path, tmp_path: Path, require: Callable[[str, bool], None], timestamps: str
) -> None:
    require("pflogsumm", shutil.which("pflogsumm") is not None)
    told = postroad("lines", "--db", database, "--timestamps", timestamps).stdout
    log = tmp_path / "unified.log"
    log.write_text(told, "utf-8")
    done = subprocess.run(["pflogsumm", log], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    counted = re.search(
        r"(\d+) delivered .* \((\d+) deferrals\) (\d+) bounced", " ".join(done.stdout.split())
    )
    assert counted
    by_relay, by_all = _words(told, "postfix/smtp["), _words(told, "]: ")
    delivered, deferred, bounced = map(int, counted.groups())
    assert delivered == by_relay["sent"] > 20
    assert 0 < by_relay["deferred"] <= deferred <= by_all["deferred"]
    assert 0 < by_relay["bounced"] <= bounced <= by_all["bounced"]


def _words(lines: str, of: str) -> Counter[str]:
    """Count what `status=` says in lines of a kind."""
    said = (re.search(r".*, status=(\w+) \(", line) for line in lines.splitlines() if of in line)
    return Counter(found[1] for found in said if found)


def test_one_grep_shows_sent_and_delivered(database: Path, journeys: list[Journey]) -> None:
    lines = postroad("lines", "--db", database).stdout.splitlines()
    (found,) = (one for one in journeys if one["recipient"] == "ok1@example.com")
    for needle in ("to=<ok1@example.com>", found["queue_ids"][0]):
        shown = [line for line in lines if needle in line and "ok1@example.com" in line]
        assert [re.search(r"status=(\w+)", line)[1] for line in shown] == ["sent", "delivered"]  # type: ignore[index]


def test_lines_are_sorted_by_time(database: Path) -> None:
    lines = postroad("lines", "--db", database).stdout.splitlines()
    assert [line.split(" ")[0] for line in lines] == sorted(line.split(" ")[0] for line in lines)


def test_evidence_is_what_the_lines_say(database: Path, journeys: list[Journey]) -> None:
    evidence = {entry["line"] for found in journeys for entry in found["timeline"]}
    assert set(postroad("lines", "--db", database).stdout.splitlines()) <= evidence


@pytest.mark.slow
def test_run_feeds_it_as_if_it_happened_now(tmp_path: Path) -> None:
    """It prints lines as they come, serves the page, answers the search, and Ctrl-C ends it cleanly."""
    port = free_port()
    with Service(root=tmp_path, arguments=("--sample", str(EVENTS), "--port", str(port))) as service:
        assert service.url() == f"http://{LOOPBACK}:{port}"
        with urllib.request.urlopen(service.url(), timeout=10) as page:  # noqa: S310 - our own service
            assert b"<title>" in page.read()
        until(lambda: "to=<ok1@example.com>" in service.stdout.read_text("utf-8"), "the first lines")
        until(lambda: service.search("ok1@example.com"), "an answer")
        until(
            lambda: service.search("ok1@example.com")[0]["state"] == "delivered",
            "the message to be delivered",
        )
        first = service.stdout.read_text("utf-8").splitlines()[0]
        assert re.fullmatch(r"\S+Z mx1 postfix/smtpd?\[\d+\]: \w+: to=<.+>, .*status=\w+ \(.*\)", first)
        assert service.end(signal.SIGINT) == 0
        assert "Traceback" not in service.stderr
