import json
from typing import Any

import pytest

from postroad.envelopes import documents
from postroad.facts import ParseError

EVENT = {"eventType": "Send", "mail": {"messageId": "x"}}
NOTE = {"notificationType": "Bounce", "mail": {"messageId": "x"}}
TEXT = json.dumps(EVENT)
SNS = {"Type": "Notification", "MessageId": "n", "Message": TEXT + "\n"}


@pytest.mark.parametrize(
    "body",
    [
        EVENT,
        SNS,
        {"messageId": "q", "body": TEXT},
        {"MessageId": "q", "Body": json.dumps(SNS)},
        {"Records": [{"body": json.dumps(SNS)}]},
        {"Records": [{"EventSource": "aws:sns", "Sns": SNS}]},
        {"version": "0", "source": "aws.ses", "detail": EVENT},
        {"Type": "Notification", "Message": json.dumps({"source": "aws.ses", "detail": EVENT})},
        [EVENT],
    ],
)
def test_an_event_is_taken_out_of_whatever_it_travels_in(body: object) -> None:
    assert documents(json.dumps(body)) == [EVENT]


def test_all_events_of_a_batch_come_in_order() -> None:
    assert documents(json.dumps({"Records": [{"body": TEXT}, {"body": json.dumps(NOTE)}]})) == [EVENT, NOTE]


@pytest.mark.parametrize(
    "body",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        json.dumps(
            {
                "Type": "Notification",
                "Message": "Successfully validated SNS topic for Amazon SES event publishing.",
            }
        ),
        json.dumps(
            {
                "notificationType": "AmazonSnsSubscriptionSucceeded",
                "message": "You have successfully subscribed",
            }
        ),
        json.dumps({"notificationType": "Received", "mail": {}}),
        json.dumps({"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe"}),
        json.dumps({"Type": "UnsubscribeConfirmation", "Message": "You have chosen to leave"}),
        "[]",
    ],
)
def test_set_up_messages_hold_no_event(body: str) -> None:
    assert documents(body) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("17", "not a JSON object"),
        ("null", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ('"text"', "not JSON"),
        ("{}", "neither an SES event"),
        ('{"Message": null}', "not a JSON object"),
        ("[" * 50 + "1" + "]" * 50, "nested too deeply"),
        ("[" * 200_000, "nested too deeply"),
        ('{"Message":' * 50 + "1" + "}" * 50, "nested too deeply"),
    ],
)
def test_what_is_no_event_is_refused_with_the_body_as_it_came(body: str, reason: str) -> None:
    with pytest.raises(ParseError, match=reason) as error:
        documents(body)
    assert error.value.raw == body


def test_deep_json_within_an_event_does_no_harm() -> None:
    deep: Any = 0
    for _ in range(500):
        deep = [deep]
    assert documents(json.dumps(EVENT | {"extra": deep}))[0]["eventType"] == "Send"


def test_half_a_character_becomes_a_question_mark() -> None:
    body = '{"eventType":"Send","mail":{"messageId":"a\\ud800b","headers":[{"na\\uD83Dme":1}]},"n":1,"ok":"\\ud83d\\ude00"}'
    (document,) = documents(body)
    assert document == {
        "eventType": "Send",
        "mail": {"messageId": "a?b", "headers": [{"na?me": 1}]},
        "n": 1,
        "ok": "😀",
    }
    json.dumps(document, ensure_ascii=False).encode()


def test_half_a_character_that_came_unescaped_becomes_one_as_well() -> None:
    assert documents('{"eventType":"Send","mail":{"messageId":"a\ud800b"}}')[0]["mail"] == {
        "messageId": "a?b"
    }


def test_a_deep_body_with_half_a_character_is_refused_and_not_a_crash() -> None:
    body = "[" * 900 + '"\\ud800"' + "]" * 900
    with pytest.raises(ParseError, match="nested too deeply"):
        documents(body)
