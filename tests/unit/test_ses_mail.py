import json
from typing import Any

import pytest

from postroad import ses
from postroad.ses_mail import instant, submitted
from postroad.ses_wire import body

MAIL = {"timestamp": "2026-02-25T00:05:18.000Z", "messageId": "x", "destination": ["a@b"]}
RECEIVED = "by mx1.example.org (Postfix) with ESMTP id 4fXk2M1zQyz3Rb\tfor <a@b>; Wed"


def both(event_type: str = "eventType", **more: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fact of a `mail` object, and what `ses` makes of it."""
    event = {event_type: "Send", "mail": MAIL | more}
    mail = body(json.dumps(event)).mail
    assert mail
    plain: Any = ses.facts(event)[0]
    return submitted(mail, (), is_notification=event_type != "eventType") | {"to": "a@b"}, plain


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"source": "Shop <shop@example.org>", "commonHeaders": {"subject": "s" * 2001, "messageId": "m"}},
        {"source": "<>", "commonHeaders": None, "headers": None, "tags": None},
        {"headers": [{"name": "SUBJECT", "value": " Hi "}, {"name": "Message-Id", "value": " <m@x> "}]},
        {
            "headers": [
                {"name": name, "value": value}
                for name in ("Subject", "Message-ID")
                for value in ("", "second")
            ]
        },
        {"tags": {"ses:configuration-set": ["postroad"], "campaign": ["a", 1], "b": 5}},
        {"tags": {"ses:configuration-set": "postroad", "ses:source-ip": ["192.0.2.1"]}},
    ],
)
@pytest.mark.parametrize("event_type", ["eventType", "notificationType"])
def test_a_mail_object_is_the_fact_that_ses_makes_of_it(event_type: str, more: dict[str, object]) -> None:
    found, plain = both(event_type, **more)
    assert list(found.items()) == list(plain.items())


@pytest.mark.parametrize(
    "values",
    [
        [f"from app.example.org (app.example.org [192.0.2.10])\t{RECEIVED}"],
        [f"from a (b [1.2.3.4])\r\n\t(using TLSv1.3 with cipher X (256/256 bits))\r\n\t(No client certificate requested)\r\n\t{RECEIVED}"],
        [f"from a (b [1.2.3.4]) (by mx9 (Postfix) with ESMTP id EVIL123) {RECEIVED}"],
        [f"from a (by mx9 (Postfix) with ESMTP id EVIL123 {RECEIVED}"],
        [f'from "a (x) {RECEIVED}'],
        ["by mx1.example.org (Postfix, from userid 33) id 4fXk2M1zQyz3Rb; Wed"],
        ["by mx1.example.org (Postfix) with ESMTP id 4fXk2M1zQyz3Rb_; Wed"],
        ["by exim.example.org with esmtp (Exim 4.96) id 1abcde-0001-XX", RECEIVED],
        [],
    ],
)  # fmt: skip
def test_the_clause_that_postfix_wrote_claims_the_message(values: list[str]) -> None:
    found, plain = both(headers=[{"name": "Received", "value": value} for value in values])
    assert found == plain


@pytest.mark.parametrize("text", ["2026-02-28T23:59:59.999Z", "2028-02-29T00:00:00.000Z", "2026-01-31T00:00:00.000Z", "2026-11-30T00:00:00.000Z"])  # fmt: skip
def test_a_time_as_ses_writes_it_is_an_instant(text: str) -> None:
    assert instant(text) == text


def test_any_other_time_is_read_or_refused() -> None:
    assert instant("2026-02-25T02:05:18+02:00") == "2026-02-25T00:05:18.000Z"
    with pytest.raises(ValueError, match="day"):
        instant("2026-02-30T00:00:00.000Z")
