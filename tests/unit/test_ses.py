"""Single events; `tests/cases/ses` shows every type, form and envelope."""

from typing import Any

import pytest

from postroad import ses, ses_words
from postroad.facts import Event, ParseError, Source

SES_ID = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
MAIL: dict[str, Any] = {
    "timestamp": "2026-02-25T00:05:18.000Z",
    "messageId": SES_ID,
    "source": "Shop <shop@example.org>",
    "destination": ["ann@example.com", "Bob <bob@example.net>"],
}
AT = "2026-02-25T00:05:21.512Z"


def event(kind: str, key: str, detail: object, **mail: object) -> list[Any]:
    return ses.facts({"eventType": kind, "mail": MAIL | mail, key: detail})


def said(facts: list[Any]) -> list[Any]:
    return [fact for fact in facts if fact["event"] is not Event.SUBMITTED]


def submitted(**mail: object) -> Any:  # noqa: ANN401  # a fact, whose words differ
    return event("Send", "send", {}, **mail)[0]


@pytest.mark.parametrize(
    ("kind", "key", "event_"),
    [(kind, found.detail, found.event) for kind, found in ses_words.KINDS.items()],
)  # fmt: skip
def test_each_of_the_ten_types_is_an_event_to_every_recipient_with_the_mail_object_beside_it(
    kind: str, key: str, event_: Event
) -> None:
    named: dict[Any, Any] = {
        ses_words.KINDS[kind].recipients: [
            {"emailAddress": "ann@example.com"},
            {"emailAddress": "bob@example.net"},
        ]
    }
    if kind == "Delivery":
        named = {"recipients": ["ann@example.com", "bob@example.net"]}
    found = event(kind, key, {"timestamp": AT} | {name: value for name, value in named.items() if name})
    assert [(fact["event"], fact["to"]) for fact in found] == [
        (Event.SUBMITTED, "ann@example.com"), (event_, "ann@example.com"), (Event.SUBMITTED, "bob@example.net"), (event_, "bob@example.net"),
    ]  # fmt: skip


def test_only_the_recipients_that_an_event_names_are_told_of_it() -> None:
    found = said(event("Delivery", "delivery", {"timestamp": AT, "recipients": ["bob@example.net"]}))
    assert [fact["to"] for fact in found] == ["bob@example.net"]


@pytest.mark.parametrize("recipients", [[], None, [{"emailAddress": ""}], [{}]])
def test_a_bounce_that_names_nobody_is_the_only_recipients_or_nobodys(recipients: object) -> None:
    detail = {
        "timestamp": AT,
        "bounceType": "Permanent",
        "bounceSubType": "NoEmail",
        "bouncedRecipients": recipients,
    }
    assert [fact["to"] for fact in said(event("Bounce", "bounce", detail))] == [""]
    alone = said(event("Bounce", "bounce", detail, destination=["ann@example.com"]))
    assert [fact["to"] for fact in alone] == ["ann@example.com"]


def test_an_event_of_four_hundred_recipients_is_told_of_each() -> None:
    many = [f"r{number}@example.com" for number in range(400)]
    assert [fact["to"] for fact in said(event("Send", "send", {}, destination=many))] == many


def test_a_recipient_named_twice_is_one_and_a_message_to_nobody_is_kept() -> None:
    assert len(said(event("Send", "send", {}, destination=["a@b", "A <a@b>"]))) == 1
    assert said(event("Send", "send", {}, destination=[]))[0]["to"] == ""
    assert said(event("Send", "send", {}, destination=None))[0]["to"] == ""


def test_a_bounce_keeps_what_the_remote_server_said_of_each_recipient() -> None:
    detail = {
        "timestamp": AT, "bounceType": "Permanent", "bounceSubType": "General", "feedbackId": "f", "reportingMTA": "dns; m",
        "bouncedRecipients": [{"emailAddress": "ann@example.com", "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550"}, {"emailAddress": "bob@example.net"}],
    }  # fmt: skip
    ann, bob = said(event("Bounce", "bounce", detail))
    assert (ann["action"], ann["dsn"], ann["reply"]) == ("failed", "5.1.1", "smtp; 550")
    assert {"action", "dsn", "reply"}.isdisjoint(bob)
    assert ann["bounce_type"] == bob["bounce_type"] == "Permanent"


def test_unknown_words_of_a_known_type_are_kept_as_they_are() -> None:
    detail = {
        "timestamp": AT,
        "bounceType": "Quantum",
        "bounceSubType": "Entangled",
        "bouncedRecipients": [{"emailAddress": "a@b"}],
    }
    (fact,) = said(event("Bounce", "bounce", detail))
    assert (fact["bounce_type"], fact["bounce_sub_type"]) == ("Quantum", "Entangled")


def test_an_unknown_type_is_kept_with_its_name_and_whatever_it_says_in_known_words() -> None:
    first, _ = said(event("Teleport", "teleport", {"timestamp": AT, "reason": "because"}))
    assert (first["event"], first["type"], first["reply"], first["at"]) == (
        Event.OTHER,
        "Teleport",
        "because",
        AT,
    )
    assert said(ses.facts({"eventType": "x" * 5000, "mail": MAIL}))[0]["type"] == "x" * ses_words.LONGEST


def test_a_complaint_of_several_says_of_how_many() -> None:
    detail = {"timestamp": AT, "complainedRecipients": [{"emailAddress": "a@b"}, {"emailAddress": "c@b"}]}
    assert [fact["recipients"] for fact in said(event("Complaint", "complaint", detail))] == [2, 2]
    detail["complainedRecipients"] = [{"emailAddress": "a@b"}]
    assert "recipients" not in said(event("Complaint", "complaint", detail))[0]


@pytest.mark.parametrize(("kind", "key"), [("Open", "open"), ("Click", "click")])
def test_opens_and_clicks_within_an_hour_are_one_fact(kind: str, key: str) -> None:
    one = event(
        kind,
        key,
        {"timestamp": "2026-02-25T03:00:01.000Z", "ipAddress": "192.0.2.1", "userAgent": "a", "link": "b"},
    )
    other = event(kind, key, {"timestamp": "2026-02-25T03:59:59.999Z", "ipAddress": "192.0.2.2"})
    assert one == other
    assert said(one)[0]["at"] == "2026-02-25T03:00:00.000Z"


def test_two_routes_of_one_event_give_the_same_facts() -> None:
    document = {"eventType": "Send", "mail": MAIL | {"tags": {"ses:outgoing-ip": ["192.0.2.1"]}}, "send": {}}
    other = {"eventType": "Send", "mail": MAIL | {"tags": {"ses:outgoing-ip": ["192.0.2.2"]}}, "send": {}}
    assert ses.facts(document) == ses.facts(other)


def test_the_senders_own_tags_are_kept_in_bounds() -> None:
    tags = {"ses:configuration-set": ["postroad"], "b": ["1"], "a": ["2", "3"]} | {
        f"x{n:02d}": ["v" * 999] for n in range(99)
    }
    fact = submitted(tags=tags)
    assert fact["configuration_set"] == "postroad"
    assert len(fact["tags"]) == ses_words.MOST_TAGS
    assert fact["tags"]["a"] == ["2", "3"]
    assert max(len(value) for values in fact["tags"].values() for value in values) == 256


def test_the_original_message_id_is_the_headers_and_not_sess_own() -> None:
    headers = [{"name": "MESSAGE-ID", "value": " <order-1@example.org> "}, {"name": "Subject", "value": "Hi"}]
    assert (
        submitted(headers=headers, commonHeaders={"messageId": SES_ID})["message_id"] == "order-1@example.org"
    )
    assert "message_id" not in submitted(commonHeaders={"messageId": SES_ID})
    assert submitted(headers=headers)["subject"] == "Hi"
    assert submitted(headers=headers, commonHeaders={"subject": "Decoded"})["subject"] == "Decoded"


def test_an_identity_notification_has_the_original_message_id_among_its_common_headers() -> None:
    document = {
        "notificationType": "Delivery",
        "mail": MAIL | {"commonHeaders": {"messageId": "<order-1@example.org>"}},
        "delivery": {},
    }
    assert "order-1@example.org" in ses.facts(document)[0]["message_id"]


RECEIVED = "from app.example.org (app.example.org [192.0.2.10])\tby mx1.example.org (Postfix) with ESMTP id 4fXk2M1zQyz3Rb\tfor <ann@example.com>; Wed, 25 Feb 2026 00:05:17 +0000 (UTC)"


@pytest.mark.parametrize(
    ("values", "claim"),
    [
        ([RECEIVED], ("mx1.example.org", "4fXk2M1zQyz3Rb")),
        (["from mx1 by email-smtp.amazonaws.com with SMTP (SimpleEmailService-d-X) id abc", RECEIVED], ("mx1.example.org", "4fXk2M1zQyz3Rb")),
        (["by mx1.example.org (Postfix, from userid 102)\tid NEWID12345; Wed", RECEIVED], ("mx1.example.org", "NEWID12345")),
        (["from a (b [1.2.3.4]) (using TLSv1.3 with cipher X (256/256 bits))\r\n\t(No client certificate requested)\r\n\tby mx1.example.org (Postfix) with ESMTPSA id 7862B3C35EC; Wed"], ("mx1.example.org", "7862B3C35EC")),
        (["from a by mx1.example.org (Postfix) with ESMTPS (TLS) id 7862B3C35EC for <x>"], ("mx1.example.org", "7862B3C35EC")),
        ([RECEIVED[:80]], None),
        (["from a by exim.example.org with esmtp (Exim 4.96) id 1abcde-0001-XX"], None),
        ([], None),
    ],
)  # fmt: skip
def test_the_topmost_received_of_a_postfix_claims_the_message(
    values: list[str], claim: tuple[str, str] | None
) -> None:
    fact = submitted(headers=[{"name": "Received", "value": value} for value in values])
    assert (fact.get("host"), fact.get("queue_id")) == (claim or (None, None))


def test_with_relays_named_only_what_one_of_them_wrote_claims() -> None:
    other = RECEIVED.replace("mx1.example.org", "mx.stranger.example").replace(
        "4fXk2M1zQyz3Rb", "7862B3C35EC"
    )
    document = {
        "eventType": "Send",
        "mail": MAIL | {"headers": [{"name": "Received", "value": value} for value in (other, RECEIVED)]},
    }
    assert [ses.facts(document, relays)[0].get("queue_id") for relays in ((), ("mx1",), ("mx9", "mx1.example.org"), ("mx9",))] == [
        "7862B3C35EC", "4fXk2M1zQyz3Rb", "4fXk2M1zQyz3Rb", None,
    ]  # fmt: skip


def test_a_servers_words_are_cut_where_postfix_would_cut_them() -> None:
    (fact, *_) = said(
        event("Delivery", "delivery", {"timestamp": AT, "recipients": ["a@b"], "smtpResponse": "x" * 9999})
    )
    assert len(fact["reply"]) == ses_words.LONGEST


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"eventType": "Send"}, "mail: Field required"),
        ({"eventType": None, "notificationType": "", "mail": MAIL}, "must not be empty"),
        ({"eventType": "Send", "mail": MAIL | {"messageId": ""}}, "must not be empty"),
        ({"eventType": "Send", "mail": MAIL | {"timestamp": "soon"}}, "soon"),
        ({"eventType": "Bounce", "mail": MAIL, "bounce": {"timestamp": "soon"}}, "soon"),
        ({"eventType": "Bounce", "mail": MAIL, "bounce": "x"}, "event: "),
        ({"eventType": "DeliveryDelay", "mail": MAIL, "deliveryDelay": {"expirationTime": "soon"}}, "soon"),
        ({"eventType": "Send", "mail": MAIL | {"headers": [{"name": "x"}]}}, "mail.headers.0.value"),
    ],
)
def test_an_event_that_is_none_is_refused_with_what_is_wrong_and_the_whole_of_it(
    document: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ParseError, match=reason) as error:
        ses.facts(document)
    assert error.value.raw == str(document)


def test_that_nobody_claimed_a_message_is_said_without_a_time() -> None:
    assert ses_words.unclaimed(SES_ID, "a@b") == {
        "source": Source.POSTROAD,
        "event": Event.UNCLAIMED,
        "ses_id": SES_ID,
        "to": "a@b",
    }


def test_what_has_no_word_of_its_own_is_kept_by_ses_s_name() -> None:
    mail = {
        "messageId": "EXAMPLE-1",
        "timestamp": "2026-02-25T00:05:18.000Z",
        "destination": ["ann@example.com"],
    }
    detail = {
        "contactList": "news",
        "newTopicPreferences": {"unsubscribeAll": True},
        "remoteMtaIp": "192.0.2.1",
    }
    _, told = ses.facts({"eventType": "Subscription", "mail": mail, "subscription": detail})
    assert told["fields"] == {"contactList": "news", "newTopicPreferences": '{"unsubscribeAll": true}'}


def test_a_word_of_ours_in_a_place_where_ses_has_none_may_be_anything() -> None:
    detail = {"timestamp": AT, "recipients": ["a@b"], "status": [1], "action": "x"}
    (told,) = said(event("Delivery", "delivery", detail))
    assert (told["action"], told["fields"]) == ("x", {"action": "x", "status": "[1]"})
    assert "dsn" not in told


def test_of_two_names_for_one_word_the_one_that_says_something_counts() -> None:
    detail = {"timestamp": AT, "errorMessage": "why", "reason": None, "smtpResponse": ""}
    assert said(event("Reject", "reject", detail))[0]["reply"] == "why"
