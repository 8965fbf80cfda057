import re

import pytest

from postroad import postfix_forms as forms
from postroad.codec import SHORT_NAMES
from postroad.facts import Event, ParseError, Source

SES_ID = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
RELAY = "mail.example.com[192.0.2.25]:25"
REST = f"relay={RELAY}, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent (250 ok)"


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.com",
        '"a, b>, relay=x, delay=1, status=bounced (no)"@example.com',
        r'"quo\"te>, relay=x, "@example.com',
        "re ceiver@example.com",
        "re)ceiver@example.com",
        "re>ceiver@example.com",
        "re,ceiver@example.com",
        "re@ceiver@example.com",
        '"unended>@example.com',
        "",
    ],
)
def test_an_address_is_read_whole_whatever_it_holds(address: str) -> None:
    assert forms.delivery(f"to=<{address}>, {REST}")["to"] == address
    said = forms.delivery(f"to=<ann@example.com>, orig_to=<{address}>, {REST}")
    assert (said["to"], said["orig_to"] or "") == ("ann@example.com", address)


def test_addresses_without_brackets_are_read_too() -> None:
    said = forms.delivery(f"to=ann@example.com, orig_to=root, {REST}")
    assert (said["to"], said["orig_to"], said["relay"]) == ("ann@example.com", "root", RELAY)


@pytest.mark.parametrize(
    "reply",
    ["250 ok", "", "250 a) (b", "250 2.0.0 <x@y> Saved", "host x said: 450 go (away), status=sent (250 Ok x) (in reply to RCPT TO command)", "250 ok to=<eve@example.com>, relay=x, delay=0, status=bounced (no)"],
)  # fmt: skip
def test_the_reply_is_all_between_the_first_and_the_last_parenthesis(reply: str) -> None:
    said = forms.delivery(f"to=<ann@example.com>, relay={RELAY}, delay=1, dsn=2.0.0, status=sent ({reply})")
    assert (said["reply"], said["status"], said["to"]) == (reply, "sent", "ann@example.com")


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("sent", Event.HANDED_OVER),
        ("deferred", Event.DEFERRED),
        ("SOFTBOUNCE", Event.DEFERRED),
        ("bounced", Event.BOUNCED),
        ("deliverable", Event.PROBED),
        ("undeliverable", Event.PROBED),
        ("undeliverable-but-not-cached", Event.PROBED),
        ("expanded", Event.PROBED),
        ("rejected", Event.REJECTED),
    ],
)
def test_each_status_is_an_event(status: str, event: Event) -> None:
    said = forms.delivery(f"to=<a@b>, relay={RELAY}, delay=1, delays=1/0/0/0, dsn=4.0.0, status={status} (x)")
    assert said["event"] is event
    assert (said.get("source") is Source.UNIFIED) == (status == "rejected")


def test_mail_is_relayed_where_ses_took_it_and_handed_over_elsewhere() -> None:
    def taken(relay: str, reply: str) -> tuple[Event, str | None]:
        said = forms.delivery(f"to=<a@b>, relay={relay}, delay=1, dsn=2.0.0, status=sent ({reply})")
        return said["event"], said["ses_id"]

    ses = "email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587"
    assert taken(ses, f"250 Ok {SES_ID}") == (Event.RELAYED, SES_ID)
    assert taken("127.0.0.1[127.0.0.1]:2587", f"250 Ok {SES_ID}") == (Event.RELAYED, SES_ID)
    assert taken(ses, "250 something else") == (Event.RELAYED, None)
    assert taken(RELAY, "250 Ok queued") == (Event.HANDED_OVER, None)


def test_every_field_of_a_delivery_is_read() -> None:
    said = forms.delivery(
        f"to=<a@b>, orig_to=<c@d>, relay={RELAY}, conn_use=3, delay=151541, delays=151541/0.09/0/0.09, tls=xxx/!requiretls:nocertmatch, dsn=4.4.1, status=deferred (x)"
    )
    assert said | {"event": None} == {
        "event": None, "to": "a@b", "orig_to": "c@d", "relay": RELAY, "ses_id": None, "conn_use": "3", "delay": "151541",
        "delays": "151541/0.09/0/0.09", "tls": "xxx/!requiretls:nocertmatch", "dsn": "4.4.1", "status": "deferred", "reply": "x",
    }  # fmt: skip


@pytest.mark.parametrize(
    "rest",
    [
        "to=<a@b",
        "to=<a@b>, relay=x",
        "to=<a@b>, relay=x, delay=1, dsn=2.0.0",
        "to=<a@b>, relay=x, delay=1, status=flying (x)",
    ],
)
def test_a_delivery_that_is_cut_or_unknown_is_refused_with_its_text(rest: str) -> None:
    with pytest.raises(ParseError) as error:
        forms.delivery(rest)
    assert error.value.raw == rest


def test_discards_sent_is_discarded() -> None:
    assert forms.discarded(f"to=<a@b>, {REST}")["event"] is Event.DISCARDED


@pytest.mark.parametrize(
    ("status", "event"),
    [("delivered", Event.DELIVERED), ("accepted", Event.ACCEPTED), ("bounced", Event.BOUNCED), ("deferred", Event.DELAYED), ("complained", Event.COMPLAINED), ("rejected", Event.REJECTED), ("opened", Event.OTHER)],
)  # fmt: skip
def test_a_unified_line_is_told_already(status: str, event: Event) -> None:
    said = forms.unified(
        f"to=<a@b>, relay=amazonses.com, ses_id={SES_ID}, delay=3.51, dsn=2.0.0, status={status} (x)"
    )
    assert (said["event"], said["source"], said["ses_id"]) == (event, Source.UNIFIED, SES_ID)


@pytest.mark.parametrize(
    "sender", ["shop@example.org", "", '"a>, size=1, nrcpt=1 (queue active)"@example.org', "a b@example.org"]
)
def test_the_queue_manager_names_the_sender(sender: str) -> None:
    active = forms.queue_manager(f"from=<{sender}>, size=1820, nrcpt=2 (queue active)")
    assert (active["event"], active["from"], active["size"], active["nrcpt"]) == (
        Event.ACTIVE,
        sender,
        "1820",
        "2",
    )
    expired = forms.queue_manager(f"from=<{sender}>, status=force-expired, returned to sender")
    assert (expired["event"], expired["from"], expired["status"]) == (Event.EXPIRED, sender, "force-expired")


def test_a_queue_entry_ends_in_three_ways() -> None:
    assert forms.removed("removed")["event"] is Event.REMOVED
    for word in ("canceled", "discarded"):
        said = forms.removed(f"removed ({word})")
        assert (said["event"], said["action"]) == (Event.CANCELED, word)


def test_an_operators_words_are_known_and_others_are_not() -> None:
    words = ("removed", "requeued", "placed on hold", "released from hold", "expired")
    assert [said and said["event"] for said in map(forms.operator, words)] == [
        Event.DELETED, Event.REQUEUED, Event.HELD, Event.RELEASED, Event.EXPIRED,
    ]  # fmt: skip
    assert forms.operator("renamed") is None


@pytest.mark.parametrize(
    ("value", "message_id"),
    [("<a@b>", "a@b"), ("<>", ""), ("a@b", "a@b"), ("??<a@b>", "a@b"), ("? <a@b>", "a@b"), ("?a@b", "?a@b"), ("<a@b> (x)", "a@b> (x)"), ("  <a@b> ", "a@b")],
)  # fmt: skip
def test_a_message_id_is_the_header_less_its_brackets(value: str, message_id: str) -> None:
    assert forms.message_id(f"message-id={value}") == {"event": Event.MESSAGE_ID, "message_id": message_id}
    assert forms.message_id(f"resent-message-id={value}")["resent_message_id"] == message_id


def test_notices_name_the_id_they_are_queued_under() -> None:
    said = forms.notification("sender delivery status notification: 4fXk2M2zQyz3Rb")
    assert said == {
        "event": Event.NOTIFIED,
        "notification": "sender delivery status notification",
        "child_queue_id": "4fXk2M2zQyz3Rb",
    }
    assert forms.notification("sender is unknown") is None


@pytest.mark.parametrize("subject", [
    "hello", "", "from x[1.2.3.4]", "a; from=<eve@x> to=<mallory@y> proto=ESMTP helo=<z>", f"to=<eve@x>, relay=none, delay=0, dsn=2.0.0, status=sent (250 Ok {SES_ID})",
    "x from eve[1.2.3.4]; from=<a> to=<b> proto=SMTP helo=<c>: text", "; ; ;", "?folded? text",
])  # fmt: skip
@pytest.mark.parametrize(
    "end",
    [
        "from app.example.org[192.0.2.10]; from=<shop@example.org> to=<ann@example.com> proto=ESMTP helo=<app>",
        "from local; from=<shop@example.org> to=<ann@example.com>",
        "from app.example.org[192.0.2.10]; from=<shop@example.org> to=<ann@example.com> proto=ESMTP helo=<app>: seen",
    ],
)
def test_a_subject_is_read_whole_whatever_it_holds_and_its_envelope_stands_at_the_end(
    subject: str, end: str
) -> None:
    said = forms.action(f"info: header Subject: {subject} {end}")
    assert said is not None
    assert (said["event"], said["subject"]) == (Event.SUBJECT, subject)
    assert (said["from"], said["to"]) == ("shop@example.org", "ann@example.com")


@pytest.mark.parametrize(
    ("action", "event"),
    [("reject", Event.REJECTED), ("discard", Event.DISCARDED), ("hold", Event.HELD), ("filter", Event.NOTED), ("warning", Event.SUBJECT)],
)  # fmt: skip
def test_a_rule_on_a_subject_says_what_became_of_the_mail(action: str, event: Event) -> None:
    said = forms.action(
        f"{action}: header Subject: x from a[1.2.3.4]; from=<s@x> to=<t@y> proto=ESMTP helo=<h>: 5.7.1 no"
    )
    assert said is not None
    assert said["event"] is (Event.SUBJECT if action == "filter" else event)


def test_what_is_no_verdict_says_nothing() -> None:
    assert forms.action("table hash:/etc/postfix/access: lookup") is None
    assert forms.action("") is None


def test_every_word_of_a_form_is_a_word_of_a_fact() -> None:
    """A word without a short name would break the fold of a whole batch."""
    patterns = [value for value in vars(forms).values() if isinstance(value, re.Pattern)]
    words = {word for pattern in patterns for word in pattern.groupindex}
    # Read, and put under another name or nowhere.
    assert words - {"bare_to", "bare_orig_to", "content", "text"} <= SHORT_NAMES.keys()


def test_what_stands_behind_the_envelope_of_a_refusal_is_not_kept() -> None:
    said = forms.action("reject: RCPT from unknown[203.0.113.5]: 554 5.7.1 no; from=<a>: b@c.d> to=<a@b.c>")
    assert said
    assert said.keys() <= SHORT_NAMES.keys()
