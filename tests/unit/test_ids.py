import pytest

from postroad.ids import is_queue_id, is_ses_relay, ses_id_in, ses_time

SES_ID = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
SES_RELAY = "email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587"


@pytest.mark.parametrize(
    "word",
    [
        "1A2B3C",
        "7862B3C35EC",
        "ED06590130AA1C9D6D862",
        "3mPVKl0Mhjz7sXv",
        "4fXk2M1zQyz3Rb",
        "ABCDEF",
        "4fXk_2M1z",
    ],
)
def test_short_and_long_queue_ids_are_known(word: str) -> None:
    assert is_queue_id(word)


@pytest.mark.parametrize(
    "word",
    [
        "",
        "12345",
        "warning",
        "Deleted",
        "NOQUEUE",
        "connect from x",
        "statistics",
        "4fXk²M1zQyz",
        "A" * 256,
        "a-b12345",
    ],
)
def test_other_words_before_a_colon_are_no_queue_ids(word: str) -> None:
    assert not is_queue_id(word)


@pytest.mark.parametrize(
    ("ses_id", "at"),
    [
        (SES_ID, "2026-02-25T00:05:18.000Z"),
        ("0108017f71202927-x", "2022-03-10T00:00:07.463Z"),
        ("0000014644fe5ef6-x", "2014-05-28T22:40:59.638Z"),
        ("0000000000000001-x", None),  # 1970: before SES was
        ("0100ffffffffffff-x", None),
        ("010007ffffffffff-x", None),  # 2248
        ("EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000", None),
        ("0123456789abcdef", None),
        ("0108 17f71202927-x", None),
        ("0108 017f71202927-x", None),
        ("0x08017f71202927-x", None),
        ("0108_17f71202927-x", None),
        ("0108017f7120292\u0667-x", None),
        ("", None),
    ],
)
def test_an_ses_id_tells_its_time_where_it_has_the_shape(ses_id: str, at: str | None) -> None:
    assert ses_time(ses_id) == at


@pytest.mark.parametrize(
    ("reply", "relay", "ses_id"),
    [
        (f"250 Ok {SES_ID}", SES_RELAY, SES_ID),
        (f"250 OK {SES_ID}", SES_RELAY, SES_ID),
        ("250 Ok 0123456789abcdef", SES_RELAY, "0123456789abcdef"),
        ("250 Ok word", SES_RELAY, "word"),
        ("250 Ok word", "mail.example.com[192.0.2.25]:25", None),
        (f"250 Ok {SES_ID}", "vpce-1.example.internal[10.0.0.1]:587", SES_ID),
        (f"250 2.0.0 Ok: queued as {SES_ID}", SES_RELAY, None),
        (f"250 Ok {SES_ID} and more", SES_RELAY, None),
        ("250 Ok", SES_RELAY, None),
    ],
)
def test_the_ses_id_is_found_in_sess_own_reply_only(reply: str, relay: str, ses_id: str | None) -> None:
    assert ses_id_in(reply, relay) == ses_id


@pytest.mark.parametrize(
    ("relay", "expected"),
    [
        (SES_RELAY, True),
        ("email-smtp.us-east-1.amazonaws.com[1.2.3.4]:25", True),
        ("vpce-0a1b.email-smtp.us-east-1.vpce.amazonaws.com[10.0.0.1]:25", True),
        ("email-smtp.example.com[192.0.2.25]:25", False),
        ("mail.example.com[192.0.2.25]:25", False),
        ("none", False),
    ],
)
def test_sess_endpoints_are_known_by_name(relay: str, expected: bool) -> None:
    assert is_ses_relay(relay) is expected
