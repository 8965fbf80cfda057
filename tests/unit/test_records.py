from typing import Any

import pytest

from postroad import refusals
from postroad.codec import Key, encode
from postroad.facts import Event, Fact, Source
from postroad.growth import Growth, grown
from postroad.places import SHARDS, places, ses_key
from postroad.postfix import facts as said_by
from postroad.records import Record
from postroad.ses import facts as event
from postroad.ses_words import unclaimed
from postroad.syslog import Carrier

CARRIER = Carrier(at="2026-03-01T00:00:00.000Z")
SES_ID = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
SES = "relay=email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587, delay=0.4, delays=0.1/0/0.2/0.1"
QUEUE = "queue#4fXk2M1zQyz3Rb"


def line(daemon: str, text: str, queue_id: str = "4fXk2M1zQyz3Rb") -> Fact:
    (fact,) = said_by(f"Feb 25 23:59:18 mx1 postfix/{daemon}[420]: {queue_id}: {text}", CARRIER)
    return fact


def keys(fact: Fact) -> list[tuple[str, str]]:
    return [(place.key.pk, place.key.sk) for place in places(fact)]


RELAYED = line("smtp", f"to=<Ann@Example.com>, {SES}, dsn=2.0.0, status=sent (250 Ok {SES_ID})")
DEFERRED = line("smtp", f"to=<Ann@Example.com>, {SES}, dsn=4.0.0, status=deferred (x)")


def test_a_relayed_fact_goes_to_its_delivery_and_to_its_queue_entry() -> None:
    assert keys(RELAYED) == [(f"ses#{SES_ID}", "to#ann@example.com"), (QUEUE, "2026-02-25T23")]
    delivery, queue = places(RELAYED)
    assert (delivery.at, delivery.lookup) == ("2026-02-25T00:05:18.000Z", "ann@example.com")
    assert (queue.at, queue.lookup) == ("2026-02-25T23", None)


def test_what_ses_never_took_stands_under_its_queue_id_and_day() -> None:
    assert keys(DEFERRED) == [(QUEUE, "2026-02-25#to#ann@example.com")]
    refused = line(
        "cleanup",
        "milter-reject: END-OF-MESSAGE from a[1.2.3.4]: 5.7.1 no; from=<s@x> to=<t@y> proto=ESMTP helo=<h>",
    )
    assert keys(refused) == [(QUEUE, "2026-02-25#to#t@y")]
    without_id = line("smtp", f"to=<ann@example.com>, {SES}, dsn=2.0.0, status=sent (250 fine)")
    assert keys(without_id) == [(QUEUE, "2026-02-25#to#ann@example.com")]


def test_queue_facts_stand_under_their_hour_and_the_message_id_finds_them() -> None:
    (place,) = places(line("cleanup", "message-id=<Order-1@example.org>"))
    assert (tuple(place.key), place.lookup) == ((QUEUE, "2026-02-25T23"), "Order-1@example.org")
    (place,) = places(line("cleanup", "message-id=<>"))
    assert place.lookup is None
    subject = line("cleanup", "info: header Subject: x from local; from=<s@x> to=<t@y>")
    assert keys(subject) == [(QUEUE, "2026-02-25T23"), (QUEUE, "2026-02-25#to#t@y")]


@pytest.mark.parametrize(
    ("daemon", "text"),
    [
        ("pickup", "uid=102 from=<s@x> orig_id=4fXk1M1zQyz3Rb"),
        ("smtpd", "client=localhost[127.0.0.1], orig_queue_id=4fXk1M1zQyz3Rb"),
        ("smtp", "to=<t@y>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 Ok: queued as 4fXk1M1zQyz3Rb)"),
    ],
)  # fmt: skip
def test_a_fact_that_leads_to_another_queue_id_stands_under_both(daemon: str, text: str) -> None:
    own, linked = keys(line(daemon, text))
    assert own[0] == QUEUE
    assert linked == ("queue#4fXk1M1zQyz3Rb", "2026-02-25T23")


def noqueue(text: str) -> Fact:
    return line("smtpd", text, "NOQUEUE")


def test_a_refusal_at_the_door_stands_under_who_tried_its_hour_and_what_was_said() -> None:
    fact = noqueue(
        "reject: RCPT from unknown[203.0.113.5]:99: 554 5.7.1 no; from=<X@spam.example> to=<Ann@Example.com> proto=ESMTP helo=<h>"
    )
    (place,) = places(fact)
    assert tuple(place.key) == (
        "noqueue#mx1#unknown[203.0.113.5#x@spam.example",
        f"2026-02-25T23#{refusals.said_by(fact)}#to#ann@example.com",
    )
    assert place.key.address == "ann@example.com"
    assert place.lookup == "ann@example.com"


def test_a_refusal_of_a_connection_is_of_nobody() -> None:
    (place,) = places(noqueue("reject: CONNECT from unknown[203.0.113.5]: 554 5.7.1 no; proto=SMTP"))
    assert (place.key.address, place.lookup) == ("", None)


@pytest.mark.parametrize(
    "fact",
    [
        line("smtp", f"to=<a@b>, {SES}, dsn=2.0.0, status=deliverable (x)"),
        line("cleanup", "info: header From: x from local; from=<s@x> to=<t@y>"),
        noqueue("hold: RCPT from a[1.2.3.4]: x; from=<s@x> to=<t@y> proto=ESMTP helo=<h>"),
        noqueue("client=a[1.2.3.4]"),
        {"source": Source.UNIFIED, "event": Event.DELIVERED, "ses_id": SES_ID, "to": "a@b", "at": "2026-02-25T00:05:18.000Z"},
    ],
)  # fmt: skip
def test_probes_notes_and_lines_of_our_own_are_kept_nowhere(fact: Fact) -> None:
    assert keys(fact) == []


def test_the_time_of_a_delivery_is_its_ids_or_else_the_events() -> None:
    assert next(places(unclaimed(SES_ID, "a@b"))).at == "2026-02-25T00:05:18.000Z"
    assert next(places(unclaimed("EXAMPLE", "a@b"))).at is None
    odd: Any = {
        "source": Source.SES,
        "event": Event.ACCEPTED,
        "ses_id": "EXAMPLE",
        "to": "",
        "at": "2026-02-26T00:00:00.000Z",
    }
    place = next(places(odd))
    assert (place.at, place.lookup) == ("2026-02-26T00:00:00.000Z", None)


def test_mail_straight_through_ses_is_found_by_its_message_id_and_relayed_mail_needs_no_second_record() -> (
    None
):
    said = {
        "source": Source.SES,
        "event": Event.SUBMITTED,
        "ses_id": SES_ID,
        "to": "ann@example.com",
        "at": "2026-02-25T00:05:18.000Z",
    }
    straight: Any = said | {"message_id": "order-1@example.org"}
    delivery, message = places(straight)
    assert delivery.key == ses_key(SES_ID, "ann@example.com")
    assert (message.key.pk, message.key.address, message.lookup) == (
        delivery.key.pk,
        None,
        "order-1@example.org",
    )
    # Whoever its recipients are, it is one record with one fact.
    assert len(grown([straight, straight | {"to": "bob@example.net"}])[message.key].texts) == 1
    relayed: Any = straight | {"queue_id": "4fXk2M1zQyz3Rb", "host": "mx1"}
    unnamed: Any = said
    assert [len(list(places(fact))) for fact in (relayed, unnamed)] == [1, 1]


def test_hostile_ids_make_keys_that_print_and_are_bounded() -> None:
    key = ses_key("x\n\0" + "y" * 9999, "A" * 9999)
    assert "".join(key).isprintable()
    assert max(map(len, key)) < 400


def test_a_batch_is_folded_into_one_growth_a_key() -> None:
    growths = grown([DEFERRED, DEFERRED, RELAYED, *event(_delivery("ann@example.com"))])
    assert len(growths) == 3
    delivery = growths[ses_key(SES_ID, "ann@example.com")]
    assert delivery.states == {"30 relayed", "40 accepted", "60 delivered"}
    assert (delivery.lookup, delivery.at, delivery.problem) == (
        "ann@example.com",
        "2026-02-25T00:05:18.000Z",
        None,
    )
    queued = growths[Key(QUEUE, "2026-02-25T23")]
    assert (queued.states, queued.lookup, queued.problem) == (set(), None, None)
    deferred = growths[Key(QUEUE, "2026-02-25#to#ann@example.com")]
    assert deferred.states == {"20 deferred"}
    assert deferred.problem is not None
    assert deferred.problem.startswith("2026-02-25#")


def test_a_complaint_and_an_open_bring_no_state_and_only_the_first_is_a_problem() -> None:
    (growth,) = grown([_ses(Event.COMPLAINED)]).values()
    assert (growth.states, bool(growth.problem)) == (set(), True)
    (growth,) = grown([_ses(Event.OPENED)]).values()
    assert (growth.states, growth.problem) == (set(), None)


def test_of_two_message_ids_under_one_key_the_least_is_looked_up_in_either_order() -> None:
    one, other = line("cleanup", "message-id=<b@x>"), line("cleanup", "message-id=<a@x>")
    assert {next(iter(grown(pair).values())).lookup for pair in ([one, other], [other, one])} == {"a@x"}


def test_the_problem_key_follows_from_the_records_key_alone() -> None:
    shards = {next(iter(grown([_ses(Event.COMPLAINED, f"r{n}@x")]).values())).problem for n in range(200)}
    assert shards == {f"2026-02-25#{shard}" for shard in range(SHARDS)}


def test_a_records_facts_come_in_an_order_of_their_own() -> None:
    key = ses_key(SES_ID, "ann@example.com")
    facts = [
        _ses(Event.DELIVERED, at="2026-02-25T00:05:21.000Z"),
        _ses(Event.ACCEPTED),
        unclaimed(SES_ID, "ann@example.com"),
    ]
    record = Record(key, frozenset(encode(fact, key) for fact in facts))
    assert [fact["event"] for fact in record.facts()] == [Event.ACCEPTED, Event.DELIVERED, Event.UNCLAIMED]


def _ses(said: Event, to: str = "ann@example.com", at: str = "2026-02-25T00:05:18.000Z") -> Fact:
    return {"source": Source.SES, "event": said, "ses_id": SES_ID, "to": to, "at": at}


def _delivery(to: str) -> dict[str, Any]:
    return {
        "eventType": "Delivery",
        "mail": {
            "timestamp": "2026-02-25T00:05:18.000Z",
            "messageId": SES_ID,
            "source": "orders@shop.example.com",
            "destination": [to],
            "tags": {"ses:configuration-set": ["production"], "ses:outgoing-ip": ["54.240.11.7"]},
            "headers": [
                {"name": "Received", "value": "from app by ip-10-0-12-34.eu-west-1.compute.internal (Postfix) with ESMTPSA id 4fXk2M1zQyz3Rb; Wed"},
                {"name": "Message-ID", "value": "<f2f5c1b8-3d0e-4a55-9a0c-6b1d8f0e7a21@shop.example.com>"},
                {"name": "Subject", "value": "Your order 4711 has been shipped"},
            ],
        },
        "delivery": {
            "timestamp": "2026-02-25T00:05:21.512Z",
            "processingTimeMillis": 3512,
            "recipients": [to],
            "smtpResponse": "250 2.0.0 OK  1772000321 ffacd0b85a97d-38f259c8c8asi11890553f8f.321 - gsmtp",
            "reportingMTA": "a7-11.smtp-out.eu-west-1.amazonses.com",
        },
    }  # fmt: skip


def test_an_ordinary_delivery_record_is_under_1_kb_as_dynamodb_counts_it() -> None:
    """A write costs the whole item in units of 1 KB: one byte more, and every write of every message costs twice.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html: the UTF-8 bytes of each
    attribute's name and value; a string set is 3 bytes, and 1 byte an element, beside the elements' own; a number of ten
    digits is 6 bytes.
    """
    to = "maria.gonzalez@gmail.com"
    relayed = said_by(
        "2026-02-25T00:05:18.412345+00:00 ip-10-0-12-34.eu-west-1.compute.internal postfix/smtp[12345]: 4fXk2M1zQyz3Rb: "
        f"to=<{to}>, relay=email-smtp.eu-west-1.amazonaws.com[52.48.123.210]:587, delay=0.42, delays=0.05/0.01/0.2/0.16, dsn=2.0.0, status=sent (250 Ok {SES_ID})",
        CARRIER,
    )
    send = event({"eventType": "Send", "mail": _delivery(to)["mail"], "send": {}})
    key = ses_key(SES_ID, to)
    growth = grown([*relayed, *send, *event(_delivery(to))])[key]
    assert len(growth.texts) == 4  # submitted, relayed, accepted, delivered
    item = {"pk": key.pk, "sk": key.sk, "lookup": growth.lookup or "", "at": growth.at or ""}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in item.items())
    size += sum(_set(name, texts) for name, texts in (("facts", growth.texts), ("states", growth.states)))
    size += len("expires_at") + 6
    assert size < 1024


def _set(name: str, texts: set[str]) -> int:
    return len(name) + 3 + sum(1 + len(text.encode()) for text in texts)


def test_a_growth_begins_empty() -> None:
    assert Growth() == Growth(set(), set(), None, None, None)
