import json

import pytest

from postroad.codec import Key, decode, encode
from postroad.facts import Event, Fact, Source

SES_ID = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
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


def test_a_number_of_any_size_and_half_a_character_are_kept() -> None:
    odd: Fact = {"event": Event.DELIVERED, "source": Source.SES, "ses_id": SES_ID, "to": "a\ud800@example.com", "processing_time_millis": 10**30}  # fmt: skip
    assert decode(encode(odd, DELIVERY), DELIVERY) == odd | {"at": "2026-02-25T00:05:18.000Z"}


def test_an_encoded_fact_is_one_line_whatever_it_holds() -> None:
    assert "\n" not in encode(RELAYED | {"reply": "a\nb\r\n"}, QUEUE)
