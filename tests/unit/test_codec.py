import json
from typing import Any

import pytest

from postroad.codec import SHORT_NAMES, USUAL_STATUS, Key, decode, encode
from postroad.facts import Event, Fact, Source
from postroad.ids import ses_time

SES_ID = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
NAMES = {short: name for name, short in SHORT_NAMES.items()}
DELIVERY = Key(f"ses#{SES_ID}", "to#ann@example.com")
QUEUE = Key("queue#4fXk2M1zQyz3Rb", "2026-02-25T00")
RELAYED: Fact = {"at": "2026-02-25T00:05:18.000Z", "queue_id": "4fXk2M1zQyz3Rb", "event": Event.RELAYED, "source": Source.RELAY, "to": "ann@example.com", "ses_id": SES_ID, "status": "sent", "reply": f"250 Ok {SES_ID}"}  # fmt: skip


def test_the_key_of_a_delivery_names_its_address_and_that_of_a_queue_record_none() -> None:
    assert DELIVERY.address == "ann@example.com"
    assert Key("queue#Q", "2026-02-25#to#ann@example.com").address == "ann@example.com"
    assert Key("ses#x", "to#to#x").address == "to#x"
    assert QUEUE.address is None


def test_a_fact_is_canonical_json_that_begins_with_its_time() -> None:
    text = encode(RELAYED, QUEUE)
    assert text.startswith('{"a":"2026-02-25T00:05:18.000Z",')
    assert encode(dict(reversed(RELAYED.items())), QUEUE) == text  # type: ignore[arg-type]


def test_what_the_key_says_is_not_written_again() -> None:
    assert json.loads(encode(RELAYED, DELIVERY)) == {"e": "relayed", "q": "4fXk2M1zQyz3Rb"}
    assert json.loads(encode(RELAYED, QUEUE)).keys() == {"a", "e", "t", "i"}


# Every fact under a queue id's key names a queue id, that one or another that leads to it.
FACTS: list[Fact] = [
    RELAYED,
    RELAYED | {"to": "Ann@Example.com", "reply": f"250 OK {SES_ID}"},
    RELAYED | {"status": "SENT"},
    RELAYED | {"ses_id": "other", "reply": "250 Ok other"},
    RELAYED | {"event": Event.DEFERRED, "status": "SOFTBOUNCE", "reply": ""},
    {"event": Event.UNCLAIMED, "source": Source.POSTROAD, "queue_id": "Q", "ses_id": SES_ID, "to": "ann@example.com"},
    {"event": Event.DELIVERED, "source": Source.SES, "queue_id": "Q", "ses_id": SES_ID, "to": "ann@example.com", "at": "2026-02-25T00:05:18.000Z", "reply": "250 \u2028 ok\n\0", "processing_time_millis": 3},
    {"event": Event.BOUNCED, "source": Source.SES, "queue_id": "Q", "ses_id": SES_ID, "to": "bob@example.net", "at": "2026-02-25T00:05:18.000Z"},
]  # fmt: skip


@pytest.mark.parametrize(
    "key",
    [
        DELIVERY,
        QUEUE,
        Key("queue#Q", "2026-02-25#to#ann@example.com"),
        Key("ses#other", "to#bob@example.net"),
        Key("ses#x", "to#"),
    ],
)
@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_is_read_back_the_same_under_any_key(key: Key, fact: Fact) -> None:
    assert decode(encode(fact, key), key) == fact


ODD_TEXTS = (
    '{"e":"delivered","ms":1e999}',
    '{"e":"delivered","ms":-0.0,"s":"relay"}',
    '{"e":"delivered","ms":123456789012345678901234567890}',
    '{"e":"delivered","r":"\\ud800"}',
    '{"e":"delivered","r":"\ud800"}',
    '{"e":"delivered","r":"one","r":"two","xf":{"b":"1","a":"2"}}',
    '{"e":"unclaimed"}',
    '{"a":"2026-02-25T00:05:18.000Z","e":"unclaimed"}',
    '{"e":"relayed","q":null,"i":"other"}',
    '{"e":"deferred","s":"relay"}',
    '{"e":"deferred","s":"ses"}',
)


@pytest.mark.parametrize(
    "key", [DELIVERY, QUEUE, Key("ses#", "to#"), Key("queue#", "to#a"), Key("noqueue#h#c#s", "h#to#a@b")]
)
@pytest.mark.parametrize("text", ODD_TEXTS)
def test_a_fact_is_read_as_the_standard_library_reads_it(key: Key, text: str) -> None:
    assert repr(sorted(decode(text, key).items())) == repr(sorted(plainly_decoded(text, key).items()))


def plainly_decoded(text: str, key: Key) -> dict[str, Any]:
    """The reference: each word that a fact leaves unsaid by its own rule."""
    fact = {NAMES[short]: value for short, value in json.loads(text).items()}
    fact["event"] = event = Event(fact["event"])
    is_ses, is_relayed = key.pk.startswith("ses#"), event is Event.RELAYED
    usual = Source.SES if is_ses and not is_relayed else Source.RELAY
    fact["source"] = Source(fact.get("source", Source.POSTROAD if event is Event.UNCLAIMED else usual))
    if is_ses:
        fact.setdefault("ses_id", key.pk[4:])
        at = ses_time(key.pk[4:])
        fact |= {"at": at} if at and event is not Event.UNCLAIMED and "at" not in fact else {}
    if key.pk.startswith("queue#"):
        fact.setdefault("queue_id", key.pk[6:])
    if key.address:
        fact.setdefault("to", key.address)
    if fact["source"] is Source.RELAY and event in USUAL_STATUS:
        fact.setdefault("status", USUAL_STATUS[event])
    return {"reply": f"250 Ok {fact.get('ses_id', key.pk[4:])}"} | fact if is_relayed else fact


def test_a_number_of_any_size_and_half_a_character_are_kept() -> None:
    odd: Fact = {"event": Event.DELIVERED, "source": Source.SES, "ses_id": SES_ID, "to": "a\ud800@example.com", "processing_time_millis": 10**30}  # fmt: skip
    assert decode(encode(odd, DELIVERY), DELIVERY) == odd | {"at": "2026-02-25T00:05:18.000Z"}


def test_an_encoded_fact_is_one_line_whatever_it_holds() -> None:
    assert "\n" not in encode(RELAYED | {"reply": "a\nb\r\n"}, QUEUE)
