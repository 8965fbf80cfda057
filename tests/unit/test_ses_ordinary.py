"""Which events are ordinary; `tests/properties/test_ses_ordinary.py` shows that they say what `ses` says of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from postroad import ingest, ses, ses_ordinary, ses_words
from postroad.facts import Event, Fact

ROOT = Path(__file__).parents[2]
MAIL: dict[str, Any] = {
    "timestamp": "2026-02-25T00:05:18.000Z",
    "messageId": "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000",
    "source": "shop@example.org",
    "destination": ["ann@example.com"],
}
DELIVERY = {"timestamp": "2026-02-25T00:05:21.512Z", "recipients": ["ann@example.com"], "processingTimeMillis": 3512, "smtpResponse": "250 ok", "reportingMTA": "a7-11.smtp-out.amazonses.com"}  # fmt: skip
EVENT = {"eventType": "Delivery", "mail": MAIL, "delivery": DELIVERY}
SAMPLE = (ROOT / "events/ses-events.jsonl").read_text(encoding="utf-8").splitlines()


def wrapped(event: str) -> list[str]:
    sns = json.dumps({"Type": "Notification", "Message": event + "\n"})
    bridge = f'{{"version": "0", "source": "aws.ses", "detail": {event}}}'
    return [event, f" {event}\n", sns, bridge, json.dumps({"Type": "Notification", "Message": bridge})]


def read(event: dict[str, Any]) -> list[Fact] | None:
    return ses_ordinary.facts(json.dumps(event))


def test_every_event_of_the_sample_is_ordinary_in_every_envelope() -> None:
    for line in SAMPLE:
        plain = json.dumps(ses.facts(json.loads(line)))
        assert {json.dumps(ses_ordinary.facts(body)) for body in wrapped(line)} == {plain}


@pytest.mark.parametrize("name", ses_words.KINDS)
@pytest.mark.parametrize("form", ["eventType", "notificationType"])
def test_each_of_the_ten_types_is_ordinary_in_both_forms(name: str, form: str) -> None:
    kind = ses_words.KINDS[name]
    listed = [
        {"emailAddress": "ann@example.com", "status": "5.1.1"},
        {"emailAddress": "Bob <bob@example.net>"},
    ]
    named: dict[str, Any] = {kind.recipients: listed} if kind.recipients else {}
    detail = DELIVERY if name == "Delivery" else {"timestamp": DELIVERY["timestamp"]} | named
    event = {
        form: name,
        "mail": MAIL | {"destination": ["ann@example.com", "bob@example.net"]},
        kind.detail: detail,
    }
    assert read(event) == ses.facts(event)


def test_a_field_that_ses_adds_is_kept_and_slows_nothing() -> None:
    event = EVENT | {"delivery": DELIVERY | {"novelty": {"a": [1.5, None]}}}
    found = read(event)
    assert found == ses.facts(event)
    assert found
    assert found[1]["fields"] == {"novelty": '{"a": [1.5, null]}'}


def test_what_is_empty_is_not_said() -> None:
    event = EVENT | {"delivery": DELIVERY | {"timestamp": "", "smtpResponse": "", "reportingMTA": None}}
    found = read(event)
    assert found == ses.facts(event)
    assert found
    assert found[1]["at"] == MAIL["timestamp"]
    assert {"reply", "reporting_mta"}.isdisjoint(found[1])


def test_only_a_relay_of_ours_claims_a_message() -> None:
    headers = [
        {
            "name": "Received",
            "value": f"from app ([192.0.2.1])\tby {host} (Postfix) with ESMTP id 4fXk2M1zQyz3R{host[2]}; now",
        }
        for host in ("mx1.example.org", "mx2.example.org")
    ]
    body = json.dumps(EVENT | {"mail": MAIL | {"headers": headers}})
    found = [ses_ordinary.facts(body, relays) or [] for relays in ((), ("mx1",), ("mx2",), ("mx3",))]
    assert [facts[0].get("queue_id") for facts in found] == [
        "4fXk2M1zQyz3R1",
        "4fXk2M1zQyz3R1",
        "4fXk2M1zQyz3R2",
        None,
    ]


UNUSUAL: list[tuple[str, object]] = [
    ("no JSON", "{"),
    ("half a character", '{"eventType": "Send\ud800"}'),
    ("half a character, escaped", json.dumps(EVENT).replace("shop", "\\ud800")),
    ("not UTF-8", json.dumps(EVENT).encode().replace(b"shop", b"\xff")),
    ("no event", {}),
    ("nothing in an envelope", {"Message": None}),
    ("a batch", {"Records": [{"body": "{}"}]}),
    ("an envelope in another", {"Message": json.dumps(EVENT), "body": 5}),
    ("a subscription's confirmation", {"Type": "SubscriptionConfirmation", "Message": json.dumps(EVENT)}),
    ("set-up", {"notificationType": "AmazonSnsSubscriptionSucceeded"}),
    ("set-up under two names", EVENT | {"notificationType": "Received"}),
    ("no mail", {"eventType": "Send"}),
    ("no id", EVENT | {"mail": MAIL | {"messageId": ""}}),
    ("an id to be cut", EVENT | {"mail": MAIL | {"messageId": "x" * 201}}),
    ("no time", EVENT | {"mail": MAIL | {"timestamp": "soon"}}),
    ("a time of another type", EVENT | {"delivery": DELIVERY | {"timestamp": 0}}),
    ("a new type", {"eventType": "Novelty", "mail": MAIL}),
    ("another type's field", EVENT | {"delivery": DELIVERY | {"bounceType": {}}}),
    ("a recipient's field beside its list", EVENT | {"delivery": DELIVERY | {"status": "2.0.0"}}),
    ("no recipients", EVENT | {"delivery": DELIVERY | {"recipients": []}}),
    ("a recipient without a name", EVENT | {"delivery": DELIVERY | {"recipients": [""]}}),
    ("a recipient that is none", {"eventType": "Bounce", "mail": MAIL, "bounce": {"bouncedRecipients": ["ann@example.com"]}}),
    ("a text that is none", EVENT | {"delivery": DELIVERY | {"smtpResponse": 250}}),
    ("a number that is none", EVENT | {"delivery": DELIVERY | {"processingTimeMillis": "812"}}),
    ("a number without bounds", json.dumps(EVENT).replace("3512", "1e400")),
    ("an expiry that is none", {"eventType": "DeliveryDelay", "mail": MAIL, "deliveryDelay": {"expirationTime": 5, "delayedRecipients": [{"emailAddress": "a@b"}]}}),
    ("nested deeper than anybody does", {"detail": {"detail": {"detail": EVENT}}}),
]  # fmt: skip


@pytest.mark.parametrize("body", [body for _, body in UNUSUAL], ids=[name for name, _ in UNUSUAL])
def test_what_is_not_ordinary_is_left_to_the_plain_readers(body: object) -> None:
    assert ses_ordinary.facts(body if isinstance(body, bytes | str) else json.dumps(body)) is None


def test_a_number_without_bounds_is_set_aside_and_the_rest_goes_on() -> None:
    batch = ingest.ses([json.dumps(EVENT).replace("3512", "1e400"), json.dumps(EVENT)], "")
    assert [bad.reason for bad in batch.bad] == ["cannot convert float infinity to integer"]
    assert [fact["event"] for fact in batch.facts] == [Event.SUBMITTED, Event.DELIVERED]


def test_a_number_that_nobody_reads_may_have_more_digits_than_python_takes() -> None:
    assert ses_ordinary.facts(json.dumps(EVENT)[:-1] + f', "more": {"9" * 5000}}}')
