"""However often a client is refused, and whatever it varies, a record holds little of it, and nothing is left out."""

from collections.abc import Iterator

import pytest

from postroad.facts import Fact
from postroad.growth import Growth, grown
from postroad.instants import from_ms, to_ms
from postroad.lifecycle import State
from postroad.postfix import facts
from postroad.refusals import ORDINARY, kept, said_by
from postroad.search import Search
from postroad.store.sqlite import SQLiteStore
from postroad.syslog import Carrier

CARRIER = Carrier(at="2026-03-01T00:00:00.000Z")
HOUR = "2026-02-25T23:00:00.000Z"
DENIED = "554 5.7.1 <ann@example.com>: Relay access denied"
ITEM = 400 * 1024


def refused(
    seconds: float,
    reply: str = DENIED,
    *,
    port: int = 99,
    pid: int = 420,
    proto: str = "ESMTP",
    helo: str = "h",
) -> Fact:
    at = from_ms(to_ms(HOUR) + int(seconds * 1000))
    client, envelope = f"unknown[203.0.113.5]:{port}", "from=<x@spam.example> to=<ann@example.com>"
    (fact,) = facts(
        f"{at} mx1 postfix/smtpd[{pid}]: NOQUEUE: reject: RCPT from {client}: {reply};"
        f" {envelope} proto={proto} helo=<{helo}>",
        CARRIER,
    )
    return fact


def many(number: int = 10_000) -> Iterator[Fact]:
    """So many within an hour, each of its own connection, by a client that never gives the same name."""
    for one in range(number):
        proto = ("SMTP", "ESMTP")[one % 2]
        yield refused(one * 3600 / number, port=one, pid=one, proto=proto, helo=f"h{one}.example")


def octets(growth: Growth) -> int:
    return sum(len(text.encode(errors="replace")) for text in growth.texts)


def test_ten_thousand_within_an_hour_are_sixty_facts_of_one_record() -> None:
    [growth] = grown(many()).values()
    assert len(growth.texts) == 60
    assert octets(growth) < 16 * 1024


def test_a_hundred_within_a_minute_are_one_fact() -> None:
    [growth] = grown(refused(one / 2) for one in range(100)).values()
    assert len(growth.texts) == 1


def test_a_reply_that_is_never_the_same_fills_no_record() -> None:
    growths = grown(refused(one / 100, f"450 4.7.1 come back in {one} seconds") for one in range(3_000))
    assert len(growths) == 3_000
    assert max(map(octets, growths.values())) < 512


@pytest.mark.parametrize("length", [1, 2_000, ORDINARY - 200, ORDINARY, 15_000])
@pytest.mark.parametrize("word", ["x", '"', "\\", "é", "\ud800"])
def test_an_hour_of_a_reply_of_any_length_fits_an_item(word: str, length: int) -> None:
    [growth] = grown(refused(minute * 60, f"554 5.7.1 {word * length}") for minute in range(60)).values()
    assert len(growth.texts) in {1, 60}
    assert octets(growth) < ITEM * 3 // 4


def test_what_says_something_else_is_kept_beside_it() -> None:
    other = refused(1, "450 4.2.0 <ann@example.com>: Recipient address rejected: Greylisted")
    assert said_by(other) != said_by(refused(1))
    assert len(grown([refused(0), other])) == 2


def test_what_is_kept_names_no_connection_and_its_minute() -> None:
    told = refused(61.5)
    left = dict(told) | {"at": "2026-02-25T23:01:00.000Z", "client": "unknown[203.0.113.5]"}
    assert kept(told) == {name: of for name, of in left.items() if name not in {"pid", "proto", "helo"}}
    assert told == refused(61.5)


def test_a_client_without_an_address_keeps_its_name() -> None:
    fact = refused(0)
    fact["client"] = "unknown"
    assert kept(fact)["client"] == "unknown"
    del fact["client"]
    assert "client" not in kept(fact)


@pytest.mark.parametrize("step", [1, -1], ids=["in order", "backwards"])
def test_all_of_an_hour_are_one_journey_whatever_came_first(step: int) -> None:
    with SQLiteStore(":memory:") as store:
        for fact in list(many(600))[::step]:
            store.add(grown([fact]))
        [journey], _ = Search(store, "2026-03-01T00:00:00.000Z").of_address("Ann@Example.com")
    assert (journey.state, journey.first_seen, len(journey.timeline)) == (State.REJECTED, HOUR, 60)
    assert "NOQUEUE: to=<ann@example.com>" in (journey.timeline[0]["line"] or "")
