import json
from functools import cache
from pathlib import Path

import pytest

from bench import generate
from bench.generate import traffic
from postroad import ingest
from postroad.facts import Event
from postroad.ingest import Batch
from postroad.instants import from_ms
from postroad.syslog import Carrier

LINES = 20_000
CARRIER = Carrier("2026-02-26T12:00:00.000Z")


@cache
def generated() -> tuple[list[str], list[str]]:
    """Log lines and events."""
    entries = list(traffic(LINES, seed=7))
    return [one.text for one in entries if one.handed_over is None], [
        one.text for one in entries if one.handed_over is not None
    ]


@cache
def read() -> tuple[Batch, Batch]:
    """What Postroad makes of them."""
    lines, events = generated()
    return ingest.relay([line.encode() for line in lines], CARRIER, "log"), ingest.ses(events, "events")


def share(event: Event) -> float:
    """The messages of which the log says so, among those that a queue manager took up."""
    of = {
        name: {fact["queue_id"] for fact in read()[0].facts if fact["event"] is name}
        for name in (event, Event.ACTIVE)
    }
    return len(of[event]) / len(of[Event.ACTIVE])


def test_the_same_seed_gives_the_same_traffic() -> None:
    assert list(traffic(500, seed=1)) == list(traffic(500, seed=1))
    assert list(traffic(500, seed=1)) != list(traffic(500, seed=2))


def test_a_shorter_log_is_the_beginning_of_a_longer_one() -> None:
    assert generated()[0][:500] == [one.text for one in traffic(500, seed=7) if one.handed_over is None]


def test_no_lines_no_events() -> None:
    assert list(traffic(0, seed=1)) == []


def test_postroad_reads_every_line_and_every_event() -> None:
    relay, ses = read()
    assert (relay.bad, ses.bad) == ([], [])
    assert len(generated()[0]) == LINES


def test_a_third_of_the_lines_says_nothing_of_a_message() -> None:
    silent = sum(not ingest.relay([line.encode()], CARRIER, "log").facts for line in generated()[0])
    assert silent / LINES == pytest.approx(generate.NOISE, abs=0.01)


def test_one_message_in_twenty_is_deferred() -> None:
    assert share(Event.DEFERRED) == pytest.approx(0.05, abs=0.01)


def test_one_message_in_twenty_has_several_recipients() -> None:
    counts = [fact["nrcpt"] for fact in read()[0].facts if fact["event"] is Event.ACTIVE]
    assert sum(count != "1" for count in counts) / len(counts) == pytest.approx(0.05, abs=0.01)


def test_some_are_refused_and_some_clients_turned_away() -> None:
    assert 0 < share(Event.NOTIFIED) < 0.02
    assert sum(fact["event"] is Event.REJECTED for fact in read()[0].facts) > 10


def test_each_event_is_of_a_message_that_the_log_says_ses_took() -> None:
    relay, ses = read()
    taken = {(fact["ses_id"], fact["to"], fact["queue_id"]) for fact in relay.facts if "ses_id" in fact}
    told = {(f["ses_id"], f["to"], f["queue_id"]) for f in ses.facts if f["event"] is Event.SUBMITTED}
    # A log may end between two recipients of a message.
    assert {one[0] for one in told} == {one[0] for one in taken}
    assert taken <= told
    assert len(told - taken) < 10


def test_ses_tells_of_every_kind_of_fate() -> None:
    told = {fact["event"] for fact in read()[1].facts}
    assert told >= {
        Event.ACCEPTED,
        Event.DELIVERED,
        Event.BOUNCED,
        Event.DELAYED,
        Event.COMPLAINED,
        Event.OPENED,
    }


def test_every_host_has_its_own_stamps_and_queue_ids() -> None:
    facts = [fact for fact in read()[0].facts if fact["event"] is Event.CLIENT]
    assert {fact["host"]: len(fact["queue_id"]) > 12 for fact in facts} == {
        "mx1": True,
        "mx2": False,
        "mx3": True,
        "mx4": False,
    }
    assert {line.split()[1 if line[0] == "2" else 3]: line[0] == "2" for line in generated()[0]} == {
        "mx1": False,
        "mx2": False,
        "mx3": True,
        "mx4": True,
    }


def test_the_envelope_of_sns_changes_no_fact(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("raw.log", "raw.jsonl", "sns.log", "sns.jsonl")]
    for log, events, envelope in ((paths[0], paths[1], "raw"), (paths[2], paths[3], "sns")):
        told = [
            "--lines",
            "2000",
            "--seed",
            "3",
            "--log",
            str(log),
            "--events",
            str(events),
            "--envelope",
            envelope,
        ]
        generate.main(told)
    raw, wrapped = (path.read_text().splitlines() for path in paths[1::2])
    assert paths[0].read_bytes() == paths[2].read_bytes()
    assert ingest.ses(wrapped, "events").facts == ingest.ses(raw, "events").facts
    assert {json.loads(body)["Type"] for body in wrapped} == {"Notification"}
    assert sum(map(len, wrapped)) / len(wrapped) == pytest.approx(3_400, rel=0.1)


def test_the_log_is_dated_at_its_end(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    generate.written(2_000, 3, log, tmp_path / "events.jsonl", in_sns=False)
    dated = from_ms(int(log.stat().st_mtime * 1_000))
    lines = [line.encode() for line in log.read_text().splitlines()]
    times = [fact["at"] for fact in ingest.relay(lines, Carrier(dated), "log").facts]
    assert min(times) >= "2026-02-25T00:00:00.000Z"
    assert max(times) <= dated
