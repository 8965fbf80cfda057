from collections.abc import Iterator
from typing import Any

import pytest

from postroad.facts import Fact
from postroad.growth import grown
from postroad.journey import Journey
from postroad.postfix import facts as said_by
from postroad.search import LONGEST_CHAIN, Search
from postroad.ses import facts as event
from postroad.store.sqlite import SQLiteStore
from postroad.syslog import Carrier

CARRIER = Carrier(at="2026-03-01T00:00:00.000Z")
NOW = "2026-03-01T00:00:00.000Z"
SES_ID = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
OTHER_ID = "0100019c921d4a18-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
ONE, TWO = "4fXk2M1zQyz3Rb", "4fXk2M2zQyz3Rb"
SES = "relay=email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587, delay=0.4, delays=0.1/0/0.2/0.1"


@pytest.fixture
def store() -> Iterator[SQLiteStore]:
    with SQLiteStore(":memory:") as opened:
        yield opened


def log(*lines: str, at: str = "Feb 25 00:05:18") -> list[Fact]:
    return [fact for line in lines for fact in said_by(f"{at} mx1 postfix/{line}", CARRIER)]


def arrived(queue_id: str) -> tuple[str, ...]:
    return (
        f"smtpd[1]: {queue_id}: client=app[192.0.2.1]",
        f"cleanup[2]: {queue_id}: message-id=<order-1@example.org>",
        f"qmgr[3]: {queue_id}: from=<shop@example.org>, size=1, nrcpt=1 (queue active)",
    )


def sent(queue_id: str, to: str = "ann@example.com", ses_id: str = SES_ID) -> str:
    return f"smtp[4]: {queue_id}: to=<{to}>, {SES}, dsn=2.0.0, status=sent (250 Ok {ses_id})"


def deferred(queue_id: str, to: str = "ann@example.com") -> str:
    return (
        f"smtp[4]: {queue_id}: to=<{to}>, relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (x)"
    )


def delivered(
    to: str = "ann@example.com",
    ses_id: str = SES_ID,
    queue_id: str | None = None,
    at: str = "2026-02-25T00:05:18.000Z",
) -> list[Fact]:
    mail: dict[str, Any] = {"messageId": ses_id, "timestamp": at, "destination": [to]}
    if queue_id:
        mail["headers"] = [
            {"name": "Received", "value": f"from x by mx1.example.org (Postfix) with ESMTP id {queue_id}; x"}
        ]
    return event(
        {
            "eventType": "Delivery",
            "mail": mail,
            "delivery": {"timestamp": "2026-02-25T00:05:21.512Z", "recipients": [to]},
        }
    )


def all_of(store: SQLiteStore) -> list[Journey]:
    return list(Search(store, NOW).anchored(store.deliveries()))


def keep(store: SQLiteStore, *facts: list[Fact]) -> None:
    store.add(grown([fact for some in facts for fact in some]))


def test_mail_is_found_by_address_ses_id_queue_id_and_message_id(store: SQLiteStore) -> None:
    keep(store, log(*arrived(ONE), sent(ONE)), delivered())
    (journey,) = all_of(store)
    search = Search(store, NOW)
    assert search.of_address("ANN@example.com") == ([journey], None)
    for name in (SES_ID, ONE, "order-1@example.org", " <order-1@example.org> "):
        assert search.of_id(name) == [journey]
    assert search.of_address("nobody@example.com") == ([], None)
    assert search.of_id("nothing") == []


def test_mail_straight_through_ses_is_found_by_its_message_id(store: SQLiteStore) -> None:
    mail = {
        "messageId": SES_ID,
        "timestamp": "2026-02-25T00:05:18.000Z",
        "destination": ["ann@example.com", "bob@example.net"],
        "headers": [{"name": "Message-ID", "value": "<order-1@example.org>"}],
    }
    keep(store, event({"eventType": "Send", "mail": mail, "send": {}}))
    assert {journey.recipient for journey in Search(store, NOW).of_id("<order-1@example.org>")} == {
        "ann@example.com",
        "bob@example.net",
    }
    assert len(all_of(store)) == 2


def test_a_queue_id_names_the_mail_of_all_its_recipients_the_newest_first(store: SQLiteStore) -> None:
    keep(store, log(*arrived(ONE), sent(ONE), deferred(ONE, "bob@example.net")))
    found = Search(store, NOW).of_id(ONE)
    assert {journey.recipient for journey in found} == {"ann@example.com", "bob@example.net"}
    assert {journey.recipient for journey in Search(store, NOW).of_id("order-1@example.org")} == {
        "ann@example.com",
        "bob@example.net",
    }


def test_deferred_and_later_delivered_is_one_journey(store: SQLiteStore) -> None:
    keep(
        store,
        log(*arrived(ONE), deferred(ONE)),
        log(sent(ONE, ses_id=OTHER_ID), at="Feb 25 00:05:19"),
        delivered(ses_id=OTHER_ID),
    )
    (journey,) = all_of(store)
    assert (journey.state.word, journey.queue_ids) == ("delivered", [ONE])
    assert [entry["event"] for entry in journey.timeline].count("deferred") == 1


def test_a_message_of_which_only_the_arrival_is_known_is_queued_and_found_by_its_ids(
    store: SQLiteStore,
) -> None:
    keep(store, log(*arrived(ONE)))
    (journey,) = all_of(store)
    assert (journey.state.word, journey.recipient) == ("queued", None)
    assert Search(store, NOW).of_id(ONE) == [journey]


def test_a_client_that_never_sent_anything_is_no_message(store: SQLiteStore) -> None:
    keep(store, log(arrived(ONE)[0]))
    assert all_of(store) == []
    assert [journey.state.word for journey in Search(store, NOW).of_id(ONE)] == ["queued"]


@pytest.mark.parametrize(
    ("end", "states"),
    [
        (f"postsuper[1]: {ONE}: removed", ["soft-bounced"]),
        (f"qmgr[1]: {ONE}: removed", []),
        (f"cleanup[1]: {ONE}: removed (canceled)", []),
    ],
)
def test_a_message_that_is_gone_without_a_recipient_is_told_only_where_it_was_given_up(
    store: SQLiteStore, end: str, states: list[str]
) -> None:
    keep(store, log(*arrived(ONE)), log(end, at="Feb 25 00:06:18"))
    assert [journey.state.word for journey in all_of(store)] == states


def test_a_subjects_recipient_names_a_message_of_which_none_is_known_yet(store: SQLiteStore) -> None:
    keep(
        store,
        log(
            *arrived(ONE),
            f"cleanup[2]: {ONE}: info: header Subject: x from app[192.0.2.1]; from=<s@x> to=<ann@example.com> proto=ESMTP helo=<h>",
        ),
    )
    assert [journey.recipient for journey in all_of(store)] == ["ann@example.com"]


@pytest.mark.parametrize("hold", ["hold: header Subject: x", "milter-hold: END-OF-MESSAGE"])
def test_a_message_that_a_rule_holds_is_found_by_the_recipient_that_the_rule_names(
    store: SQLiteStore, hold: str
) -> None:
    end = "" if "header" in hold else ": milter triggers HOLD action"
    held = f"cleanup[2]: {ONE}: {hold} from app[192.0.2.1]{end}; from=<s@x> to=<ann@example.com> proto=ESMTP helo=<h>"
    keep(store, log(*arrived(ONE), held))
    (journey,) = all_of(store)
    assert (journey.recipient, journey.state.word, journey.queue_ids) == ("ann@example.com", "queued", [ONE])
    assert Search(store, NOW).of_address("ann@example.com")[0] == Search(store, NOW).of_id(ONE) == [journey]


def test_a_message_that_was_held_and_then_went_on_is_one_journey(store: SQLiteStore) -> None:
    held = f"cleanup[2]: {ONE}: hold: header Subject: x from app[192.0.2.1]; from=<s@x> to=<ann@example.com> proto=ESMTP helo=<h>"
    keep(store, log(*arrived(ONE), held), log(sent(ONE), at="Feb 25 00:05:19"), delivered())
    (journey,) = all_of(store)
    assert journey.state.word == "delivered"
    assert "held" in [entry["event"] for entry in journey.timeline]


def test_a_lost_line_of_the_relay_is_made_up_for_by_the_received_header(store: SQLiteStore) -> None:
    """The reply to the first try was lost: SES had taken it, and took it again."""
    keep(store, log(*arrived(ONE), deferred(ONE)), delivered(queue_id=ONE))
    (journey,) = all_of(store)
    assert (journey.state.word, journey.ses_id, journey.queue_ids) == ("delivered", SES_ID, [ONE])
    assert "deferred" in [entry["event"] for entry in journey.timeline]
    assert Search(store, NOW).of_id(ONE) == [journey]


def test_a_claim_on_an_earlier_life_of_the_queue_id_is_not_this_message(store: SQLiteStore) -> None:
    keep(
        store,
        log(*arrived("7862B3C35EC"), sent("7862B3C35EC"), "qmgr[3]: 7862B3C35EC: removed"),
        log(*arrived("7862B3C35EC"), deferred("7862B3C35EC"), at="Feb 25 03:05:18"),
    )
    assert sorted((journey.state.word, journey.first_seen[11:13]) for journey in all_of(store)) == [
        ("deferred", "03"),
        ("relayed", "00"),
    ]


def test_a_header_that_claims_a_life_long_over_is_shown_with_its_id_and_without_its_story(
    store: SQLiteStore,
) -> None:
    keep(
        store,
        log(*arrived(ONE), f"qmgr[3]: {ONE}: removed"),
        delivered(queue_id=ONE, at="2026-02-26T00:00:00.000Z", ses_id="EXAMPLE-1"),
    )
    (journey,) = all_of(store)
    assert journey.queue_ids == [ONE]
    assert [entry["source"] for entry in journey.timeline] == ["ses", "ses"]


def test_a_header_that_claims_an_id_of_which_the_log_says_nothing_is_shown_with_it(
    store: SQLiteStore,
) -> None:
    keep(store, delivered(queue_id=ONE))
    assert [journey.queue_ids for journey in all_of(store)] == [[ONE]]


def test_a_requeued_message_is_one_journey_under_both_ids(store: SQLiteStore) -> None:
    keep(
        store,
        log(*arrived(ONE), deferred(ONE)),
        log(f"postsuper[5]: {ONE}: requeued", at="Feb 25 00:05:40"),
        log(
            f"pickup[6]: {TWO}: uid=102 from=<shop@example.org> orig_id={ONE}",
            deferred(TWO),
            at="Feb 25 00:05:50",
        ),
    )
    (journey,) = all_of(store)
    assert journey.queue_ids == [ONE, TWO]
    assert Search(store, NOW).of_id(TWO) == Search(store, NOW).of_id(ONE) == [journey]
    assert Search(store, NOW).of_address("ann@example.com")[0] == [journey]


def test_mail_through_a_content_filter_is_one_journey_under_both_ids(store: SQLiteStore) -> None:
    filtered = f"smtp[4]: {ONE}: to=<ann@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 Ok: queued as {TWO})"
    keep(store, log(*arrived(ONE), *arrived(TWO), filtered, sent(TWO)), delivered())
    (journey,) = all_of(store)
    assert (journey.state.word, journey.queue_ids) == ("delivered", [ONE, TWO])


def test_a_message_that_goes_round_in_circles_is_followed_for_a_while(store: SQLiteStore) -> None:
    ids = [f"4fXk2M{number:04d}zQyz3Rb" for number in range(LONGEST_CHAIN + 5)]
    hops = [
        f"pickup[6]: {new}: uid=102 from=<s@x> orig_id={old}"
        for old, new in zip(ids, ids[1:] + ids[:1], strict=True)
    ]
    keep(store, log(*hops, deferred(ids[0])))
    assert all(len(journey.queue_ids) <= LONGEST_CHAIN for journey in all_of(store))
    assert [journey.state.word for journey in Search(store, NOW).of_address("ann@example.com")[0]] == [
        "deferred"
    ]


def test_a_refusal_at_the_door_is_a_journey_with_its_host_and_no_ids(store: SQLiteStore) -> None:
    keep(store, log("smtpd[1]: NOQUEUE: reject: RCPT from x[203.0.113.5]: 554 5.7.1 no; from=<a@b> to=<ann@example.com> proto=ESMTP helo=<h>", "smtpd[1]: NOQUEUE: reject: CONNECT from x[203.0.113.5]: 554 5.7.1 no; proto=SMTP"))  # fmt: skip
    (journey,) = all_of(store)
    assert (journey.state.word, journey.hosts, journey.queue_ids, journey.ses_id) == (
        "rejected",
        ["mx1"],
        [],
        None,
    )


def test_a_page_ends_where_it_is_told_to_and_the_next_goes_on(store: SQLiteStore) -> None:
    ids = [SES_ID.replace("0a1b2c3d4e5f", f"{number:012d}") for number in range(5)]
    keep(store, *(delivered(ses_id=ses_id) for ses_id in ids))
    first, cursor = Search(store, NOW).of_address("ann@example.com", limit=3)
    second, end = Search(store, NOW).of_address("ann@example.com", limit=3, cursor=cursor)
    assert (len(first), len(second), end) == (3, 2, None)
    assert {journey.ses_id for journey in first + second} == set(ids)


def test_a_time_window_bounds_what_is_found(store: SQLiteStore) -> None:
    keep(store, delivered())
    search = Search(store, NOW)
    assert search.of_address("ann@example.com", since="2026-02-25T00:05:19.000Z")[0] == []
    assert search.of_address("ann@example.com", until="2026-02-25T00:05:18.000Z")[0] == []
    assert len(search.of_address("ann@example.com", since="2026-02-25", until="2026-02-26")[0]) == 1
