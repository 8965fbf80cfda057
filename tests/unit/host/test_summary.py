"""Counts, rates and percentiles of a window, in memory that does not grow with it."""

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from postroad.journey import Entry, Journey
from postroad.lifecycle import State
from postroad_host.api_documents import Counted
from postroad_host.summary import MOST_GROUPS, completed, counted, rates

SINCE, UNTIL = "2026-02-25T00:00:00.000Z", "2026-03-01T00:00:00.000Z"
BASE = Journey(
    recipient="ann@example.com",
    state=State.DELIVERED,
    complained=False,
    auto_reply=False,
    silent=False,
    sender="App <app@Example.org>",
    subject=None,
    message_id=None,
    queue_ids=[],
    hosts=[],
    ses_id=None,
    configuration_set=None,
    first_seen="2026-02-25T10:00:00.000Z",
    last_seen="2026-02-25T10:00:00.000Z",
    delay_s=1.0,
    timeline=[],
    facts=[],
)


def mail(state: State = State.DELIVERED, number: int = 1, **more: Any) -> list[Journey]:  # noqa: ANN401 - any field
    return [BASE._replace(state=state, **more)] * number


def test_what_a_suppression_list_held_back_is_no_hard_bounce() -> None:
    found = counted(
        mail(number=95) + mail(State.BOUNCED, 4) + mail(State.SOFT_BOUNCED) + mail(State.SUPPRESSED, 10),
        SINCE,
        UNTIL,
    )
    assert found["total"]["rates"]["hard_bounce"] == pytest.approx(4 / 100)
    assert found["total"]["rates"]["hard_bounce_naive"] == pytest.approx(14 / 110, abs=1e-6)
    assert found["total"]["rates"]["soft_bounce"] == pytest.approx(1 / 100)


def test_mail_on_its_way_has_no_share_yet() -> None:
    on_its_way = {state.word: 7 for state in (State.QUEUED, State.DEFERRED, State.RELAYED, State.DELAYED)}
    assert set(rates(on_its_way, 0).values()) == {None}


def test_complaints_are_a_share_of_what_was_delivered() -> None:
    found = counted(mail(number=3) + mail(complained=True) + mail(State.BOUNCED, 4), SINCE, UNTIL)
    assert found["total"]["complained"] == 1
    assert found["total"]["rates"]["complaint"] == pytest.approx(0.25)


def test_percentiles_are_delays_that_somebodys_mail_had() -> None:
    delays = [journey for number in range(1, 101) for journey in mail(delay_s=float(number))]
    unmeasured = mail(delay_s=None) + mail(State.BOUNCED, delay_s=9999.0)
    found = counted(delays[::-1] + unmeasured, SINCE, UNTIL)
    assert found["total"]["latency_s"] == {"p50": 50.0, "p90": 90.0, "p99": 99.0}
    assert counted(mail(delay_s=3.0), SINCE, UNTIL)["total"]["latency_s"] == {
        "p50": 3.0,
        "p90": 3.0,
        "p99": 3.0,
    }
    assert counted(unmeasured, SINCE, UNTIL)["total"]["latency_s"] is None


def test_groups_are_told_apart() -> None:
    reply: Entry = {
        "at": SINCE,
        "source": "ses",
        "event": "delivered",
        "text": "250 ok - gsmtp",
        "line": None,
    }
    found = counted(
        mail(first_seen="2026-02-26T00:00:00.000Z", recipient="b@gmail.com", sender="")
        + mail(number=2, recipient="c@own.example", timeline=[reply])
        + mail(State.BOUNCED, sender=None, recipient=None),
        SINCE,
        UNTIL,
    )
    assert [(one["day"], one["messages"]) for one in found["days"]] == [("2026-02-25", 3), ("2026-02-26", 1)]
    assert [(one["domain"], one["messages"]) for one in found["sender_domains"]] == [
        ("example.org", 2),
        ("unknown", 2),
    ]
    assert [(one["provider"], one["messages"]) for one in found["providers"]] == [("google", 3), ("other", 1)]


def test_groups_are_those_with_the_most_mail() -> None:
    senders = [one for n in range(50) for one in mail(number=n + 1, sender=f"a@d{n:02}.example")]
    groups = counted(senders, SINCE, UNTIL)["sender_domains"]
    assert [one["domain"] for one in groups] == [f"d{n:02}.example" for n in range(49, 49 - MOST_GROUPS, -1)]


def test_memory_does_not_grow_with_the_mail() -> None:
    def many(number: int) -> Iterator[Journey]:
        return (one for n in range(number) for one in mail(sender=f"a@d{n}.example", delay_s=float(n)))

    def peak(number: int) -> int:
        tracemalloc.start()
        counted(many(number), SINCE, UNTIL)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak(10)
    # What other threads do meanwhile is counted as well, so the least of some tries; the mail would make forty times as much.
    assert min(peak(40_000) for _ in range(3)) < min(peak(1_000) for _ in range(3)) + 500_000


def test_an_apis_counts_get_the_same_rates() -> None:
    own = counted(mail(number=3) + mail(State.BOUNCED) + mail(State.SUPPRESSED), SINCE, UNTIL)
    theirs = Counted.model_validate(own | {"records_read": 5}).model_dump()
    assert completed(theirs) == own
    problems = completed(theirs | {"counted": "problems"})
    assert {one["rates"] for one in (problems["total"], *problems["days"])} == {None}
