"""The sample as it is fed: moved to the present as a whole, in the order in which it happened."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from postroad import ingest
from postroad.facts import Fact
from postroad.ids import ses_time
from postroad.instants import seconds_between
from postroad.syslog import Carrier
from postroad_host import sample as module
from postroad_host.clock import now
from postroad_host.sample import Sample

EVENTS = Path(__file__).parents[3] / "events"
CARRIER = Carrier(now())


@pytest.fixture
def fed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Feed it without a pause."""
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0)
    Sample(EVENTS, tmp_path).feed()
    return tmp_path


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "ses-events.jsonl").read_text("utf-8").splitlines()]


def relay_facts(path: Path, carrier: Carrier) -> list[Fact]:
    batch = ingest.relay(path.read_bytes().splitlines(), carrier, "")
    assert batch.bad == []
    return batch.facts


def test_everything_is_fed(fed: Path) -> None:
    assert len(events(fed)) == len(events(EVENTS))
    log = (fed / "mail.log").read_text("utf-8").splitlines()
    assert len(log) == len((EVENTS / "relay.log").read_text("utf-8").splitlines())
    assert ingest.ses((fed / "ses-events.jsonl").read_bytes().splitlines(), "").bad == []


def test_it_begins_now(fed: Path) -> None:
    first = relay_facts(fed / "mail.log", CARRIER)[0]["at"]
    assert abs(seconds_between(first, now())) < 60


def test_all_times_move_alike(fed: Path) -> None:
    moved = {
        round(seconds_between(before["mail"]["timestamp"], after["mail"]["timestamp"]), 3)
        for before, after in zip(_by_id(EVENTS), _by_id(fed), strict=True)
    }
    assert len(moved) == 1
    (shift,) = moved
    shipped = relay_facts(EVENTS / "relay.log", Carrier(_by_id(EVENTS)[0]["mail"]["timestamp"]))
    for before, after in zip(shipped, relay_facts(fed / "mail.log", CARRIER), strict=True):
        # A log tells whole seconds.
        assert abs(seconds_between(before["at"], after["at"]) - shift) <= 1


def _by_id(folder: Path) -> list[dict[str, Any]]:
    """What tells an event from another whatever its times are: the noise in its id."""
    return sorted(
        events(folder),
        key=lambda one: (one["mail"]["messageId"][16:], one["eventType"], len(json.dumps(one))),
    )


def test_ids_move_with_their_message(fed: Path) -> None:
    for one in events(fed):
        assert ses_time(one["mail"]["messageId"]) == one["mail"]["timestamp"]
        assert one["mail"]["commonHeaders"]["messageId"] == one["mail"]["messageId"]
    told = {one["mail"]["messageId"] for one in events(fed)}
    taken = {fact["ses_id"] for fact in relay_facts(fed / "mail.log", CARRIER) if "ses_id" in fact}
    assert told <= taken


def test_what_is_no_time_stays(fed: Path) -> None:
    def bare(path: Path) -> list[str]:
        ids = re.compile(r"(?<=\b0102)[0-9a-f]{12}(?=-)")
        return [ids.sub("", line[15:]) for line in path.read_text("utf-8").splitlines()]

    assert bare(fed / "mail.log") == bare(EVENTS / "relay.log")


def test_it_is_fed_in_the_order_of_its_times(fed: Path) -> None:
    stamps = [max(re.findall(r"\d{4}-\d\d-\d\dT[\d:.]+Z", json.dumps(one))) for one in events(fed)]
    assert stamps == sorted(stamps)


def test_its_settings_read_what_is_fed(tmp_path: Path) -> None:
    settings = Sample(EVENTS, tmp_path).settings(tmp_path / "postroad.db", 8026)
    assert settings.relay_logs.paths == (tmp_path / "mail.log",)
    assert settings.ses_events.paths == (tmp_path / "ses-events.jsonl",)
    assert (settings.search.host, settings.search.port) == ("127.0.0.1", 8026)
    assert all(path.exists() for path in (*settings.relay_logs.paths, *settings.ses_events.paths))


def test_a_folder_without_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Sample(tmp_path, tmp_path)
