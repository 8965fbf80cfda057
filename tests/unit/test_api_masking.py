"""Masked mode: no answer, in no field, names a person or a subject, whatever a remote server wrote where."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.addresses import printable
from postroad.api_auth import MASKED
from postroad.api_masking import MASK, masked, masked_address, masked_text
from postroad.facts import Event, Fact
from postroad.growth import grown
from postroad.store.sqlite import SQLiteStore
from tests.contract.mail import SES_ID, said, ses
from tests.unit.test_api import PLAINLY, Desk

HIDDEN = PLAINLY._replace(scopes=(MASKED,))
WHO = "Ann.Smith+x@example.com"
# What must not be seen, in any case: the address, its local part in any form, the subject, the sender, the login.
SECRETS = ("ann.smith", "zoe.lodger", "greta", "secret bill", "c2VjcmV0", "ann=2esmith")
HOSTILE = (
    f"550 5.1.1 <{WHO}>: Recipient address rejected: User unknown",
    "550 no mailbox ann.smith here; ANN.SMITH is gone",
    "550 Ann.Smith+x%40example.com or ann.smith=example.com@bounces.example or ann.smith(at)example.com",
    'mailto:ann.smith@example.com,"ann.smith"@example.com;<ann.smith@example.com>[ann.smith@example.com]',
    "x@y@ann.smith@example.com status=sent to=<ann.smith@example.com>, from=<zoe.lodger@shop.example>",
    "your message 'Secret bill 7 for Ann' (subject: SECRET BILL 7 FOR ANN) was refused",
    "forwarded to greta@third.example, greta%40third.example, greta=40third.example",
    "=cmd|' /C calc'!A0 ann.smith@example.com <script>alert('ann.smith@example.com')</script>",
    "\u202eann.smith@example.com\u202c and ann.smith@[192.0.2.1] and ann.smith@",
)
_OUT = "relay=email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587, delay=0.4, delays=0.1/0/0.2/0.1"
LINES = (
    "Feb 25 00:05:17 mx1 postfix/smtpd[411]: 4fXk2M1zQyz3Rb: client=app.example.org[192.0.2.10], sasl_method=PLAIN, sasl_username=greta",
    "Feb 25 00:05:17 mx1 postfix/cleanup[412]: 4fXk2M1zQyz3Rb: message-id=<bill.for.ann.smith=40example.com@shop.example>",
    f"Feb 25 00:05:17 mx1 postfix/cleanup[412]: 4fXk2M1zQyz3Rb: warning: header Subject: Secret bill 7 for Ann from app.example.org[192.0.2.10]; from=<zoe.lodger@shop.example> to=<{WHO}> proto=ESMTP helo=<app.example.org>",
    "Feb 25 00:05:17 mx1 postfix/qmgr[99]: 4fXk2M1zQyz3Rb: from=<zoe.lodger@shop.example>, size=1820, nrcpt=1 (queue active)",
    *(
        f"Feb 25 00:05:{18 + number} mx1 postfix/smtp[421]: 4fXk2M1zQyz3Rb: to=<{WHO}>, orig_to=<greta@third.example>, {_OUT}, dsn=4.4.1, status=deferred ({reply})"
        for number, reply in enumerate(HOSTILE)
    ),
    f"Feb 25 00:06:18 mx1 postfix/smtp[420]: 4fXk2M1zQyz3Rb: to=<{WHO}>, {_OUT}, dsn=2.0.0, status=sent (250 Ok {SES_ID})",
    f"Feb 25 02:00:00 mx1 postfix/smtpd[430]: NOQUEUE: reject: RCPT from spam.example[203.0.113.5]: 554 5.7.1 <{WHO}>: Relay access denied; from=<zoe.lodger@shop.example> to=<{WHO}> proto=ESMTP helo=<ann.smith@example.com>",
)


def facts() -> Iterator[Fact]:
    for line in LINES:
        yield from said(line)
    yield ses(
        Event.SUBMITTED,
        SES_ID,
        WHO,
        "2026-02-25T00:06:18.000Z",
        subject="=?utf-8?B?c2VjcmV0IGJpbGwgNyBmb3IgQW5u?=",
        message_id="greta@third.example",
    )
    for number, reply in enumerate(HOSTILE):
        at = f"2026-02-25T00:07:{18 + number}.000Z"
        yield ses(Event.DELAYED, SES_ID, WHO, at, reply=reply, delay_type=f"MailboxFull <{WHO}>")
        yield ses(
            Event.BOUNCED,
            SES_ID,
            WHO,
            at,
            reply=reply,
            bounce_type="Permanent",
            bounce_sub_type="General",
            reporting_mta=f"dns; {WHO}",
            feedback_id=f"f-{number}",
        )


class List:
    """A suppression list with everybody on it."""

    def find(self, address: str) -> dict[str, Any]:
        return {"address": address, "listed": True, "reason": "bounce", "since": "2026-02-25T00:00:00.000Z"}

    def remove(self, _: str) -> bool:
        return True


@pytest.fixture
def desk() -> Iterator[Desk]:
    with SQLiteStore.open(":memory:") as store:
        store.add(grown(facts()))
        yield Desk(store, suppressions=List())


def texts(found: object) -> Iterator[str]:
    if isinstance(found, dict):
        for name, value in found.items():
            yield name
            yield from texts(value)
    elif isinstance(found, list):
        for one in found:
            yield from texts(one)
    elif isinstance(found, str):
        yield found


ASKED: list[tuple[str, dict[str, str]]] = [
    ("/v1/search", {"q": WHO}),
    ("/v1/search", {"q": SES_ID}),
    ("/v1/search", {"q": "4fXk2M1zQyz3Rb"}),
    ("/v1/search", {"q": "bill.for.ann.smith=40example.com@shop.example"}),
    ("/v1/search", {"q": "nobody.ann.smith@example.com"}),
    (f"/v1/recipients/{WHO}/journeys", {}),
    (f"/v1/recipients/{WHO}/journeys", {"limit": "1"}),
    ("/v1/journeys", {"recipient": WHO}),
    (f"/v1/messages/{SES_ID}", {}),
    ("/v1/messages/bill.for.ann.smith=40example.com@shop.example", {}),
    ("/v1/queue/4fXk2M1zQyz3Rb", {}),
    ("/v1/problems", {"day": "2026-02-25"}),
    ("/v1/summary", {"since": "2026-02-20"}),
    (f"/v1/suppressions/{WHO}", {}),
]


@pytest.mark.parametrize(("path", "asked"), ASKED)
def test_no_text_of_any_answer_names_anybody(path: str, asked: dict[str, str], desk: Desk) -> None:
    plain, hidden = desk.ask(path, asked), desk.ask(path, asked, HIDDEN)
    for text in texts(hidden):
        found = [secret for secret in SECRETS if secret.casefold() in text.casefold()]
        assert not found, text
    # Masked, not emptied: the same answer, with the same shape.
    assert [type(one) for one in hidden.values()] == [type(one) for one in plain.values()]
    assert len(hidden.get("journeys", ())) == len(plain.get("journeys", ()))


@pytest.mark.parametrize(("path", "asked"), [one for one in ASKED if "suppressions" not in one[0]])
def test_nor_does_any_cell_of_its_csv(path: str, asked: dict[str, str], desk: Desk) -> None:
    answer = desk.answer(path, {**asked, "format": "csv"} if path != "/v1/journeys" else asked, HIDDEN)
    assert not [secret for secret in SECRETS if secret.casefold() in str(answer).casefold()]


def test_who_may_see_addresses_sees_them(desk: Desk) -> None:
    answer = json.dumps(desk.ask("/v1/search", {"q": WHO}, PLAINLY._replace(scopes=(MASKED, "read"))))
    assert all(secret in answer for secret in (WHO, "zoe.lodger@shop.example", "Secret bill 7 for Ann"))


def test_what_is_no_secret_stays(desk: Desk) -> None:
    one = desk.ask(f"/v1/messages/{SES_ID}", how=HIDDEN)["journeys"][0]
    assert (one["recipient"], one["sender"], one["subject"]) == (
        f"{MASK}@example.com",
        f"{MASK}@shop.example",
        MASK,
    )
    assert (one["state"], one["ses_id"], one["queue_ids"]) == ("bounced", SES_ID, ["4fXk2M1zQyz3Rb"])
    lines = [entry["line"] for entry in one["timeline"] if entry["line"]]
    assert any(
        "status=deferred (550 5.1.1 <***@example.com>: Recipient address rejected" in line for line in lines
    )
    assert any(f"to=<{MASK}@example.com>, relay=amazonses.com, ses_id={SES_ID}" in line for line in lines)
    assert any(line.endswith("warning: header Subject: ***") for line in lines)
    assert any("sasl_method=PLAIN, sasl_username=***" in line for line in lines)


@pytest.mark.parametrize(
    ("message_id", "shown"),
    [
        ("20260225000517.4fXk2M1zQyz3Rb@mx1.example.org", "20260225000517.4fXk2M1zQyz3Rb@mx1.example.org"),
        ("order-1@example.org", "***@example.org"),
        ("20260225.ann.smith.0001@mx1.example.org", "***@mx1.example.org"),
        ("1234567890.bob=40example.com@mx1.example.org", "***@mx1.example.org"),
        ("12345678@bob@example.com", "***@example.com"),
        ("no-at-sign", MASK),
        (None, None),
    ],
)
def test_a_message_id_is_shown_where_it_holds_no_address(message_id: str | None, shown: str | None) -> None:
    line = f"mx1 postfix/cleanup[1]: 4fXk2M1zQyz3Rb: message-id=<{message_id}>"
    entry = {"at": "", "source": "relay", "event": "message-id", "text": "read", "line": line}
    found = masked({"recipient": WHO, "subject": "", "message_id": message_id, "timeline": [entry]})
    assert found["message_id"] == shown
    if message_id == shown and message_id:
        assert found["timeline"][0]["line"] == line


def test_an_address_that_holds_a_message_id_is_no_message_id() -> None:
    kept = "12345678x@example.com"
    entry = {"at": "", "source": "ses", "event": "bounced", "text": f"ann{kept} zoe {kept}", "line": None}
    found = masked({"recipient": "who@example.org", "message_id": kept, "timeline": [entry]})
    assert found["timeline"][0]["text"] == f"***@example.com zoe {kept}"


def test_an_address_loses_all_but_its_domain() -> None:
    assert masked_address('"a@b"@example.com') == "***@example.com"
    assert masked_address("ann") == MASK
    assert masked_address("ann@evil <bob") == MASK
    assert masked_address("") == ""


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a@" * 50_000, '"' * 100_000, "<" * 50_000 + "@", "a.b=" * 25_000, '"\\' * 50_000]
)
def test_a_long_text_is_masked_to_its_end(text: str) -> None:
    """A pattern that went back over what it had read would not end here before the suite's own time is up."""
    assert isinstance(masked_text(text), str)


LOCALS = st.one_of(
    st.text("abcdefgh.+-_='/{}|~!#$%&?^`0123456789ABCñß", min_size=3, max_size=20),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=3, max_size=20),
)
PLACES = st.sampled_from(
    [
        "{}",
        "<{}>",
        "a{}b",
        "to=<{}>, x",
        "({})",
        '"{}"',
        "{} {}",
        "x@{}",
        "{}@y.example",
        "mailto:{},{};{}",
        "'{}'",
        "=?{}?=",
    ]
)


@given(local=LOCALS, subject=st.text("Bill fr7Añß?()*", min_size=4, max_size=30), place=PLACES)
def test_no_address_or_subject_survives_whatever_it_is_made_of(local: str, subject: str, place: str) -> None:
    address = f"{local}@people.example"
    reply = f"550 {place.replace('{}', address)} about {place.replace('{}', subject)}"
    told = [
        ses(Event.SUBMITTED, SES_ID, address, "2026-02-25T00:06:18.000Z", subject=subject),
        ses(Event.BOUNCED, SES_ID, address, "2026-02-25T00:07:18.000Z", reply=reply, bounce_type="Permanent"),
    ]
    with SQLiteStore.open(":memory:") as store:
        store.add(grown(told))
        answer = Desk(store).ask(f"/v1/messages/{SES_ID}", how=HIDDEN)
    for text in texts(answer["journeys"]):
        assert address.casefold() not in text.casefold()
        assert printable(address).casefold() not in text.casefold()
        assert subject.strip() not in text or len(set(subject)) < 4  # `    ` and `7777` are in many texts
