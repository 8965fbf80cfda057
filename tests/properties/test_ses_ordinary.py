"""The quick reader of SES's events says what the plain ones say, or leaves the event to them."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from postroad import ses, ses_ordinary, ses_words
from postroad.envelopes import documents
from postroad.facts import Fact, ParseError
from postroad.instants import parse

SES_ID = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
STAMPS = (
    "2026-02-25T00:05:18.123Z", "2026-02-25T00:05:18Z", " 2026-02-25T02:05:18.123 +0200", "2026-02-29T00:05:18.123Z", "2028-02-29T23:59:59.999Z",
    "2026-04-31T00:05:18.123Z", "2026-12-31T24:00:00.000Z", "0000-01-01T00:00:00.000Z", "2026-W09-3T00:05:18.123Z", "٢026-02-25T00:05:18.123Z", "soon", "",
)  # fmt: skip
ADDRESSES = ("ann@example.com", "Bob <bob@example.net>", " <c@d> ", '"a b"@c', "jürgen@example.org", "", "<>")
RECEIVED = (
    "from", "by", "BY", "mx1.example.org", "mx9", "a(b", "(", ")", "(Postfix)", "(postfix, from userid 33)", "(Postfix, from userid 33)", "with", "ESMTPS", "id", "4fXk2M1zQyz3Rb",
    "(x [192.0.2.1])", "(using TLSv1.3 (256/256 bits))", "(by mx9 (Postfix) with ESMTP id EVIL123)", "(a (b (c)))", "<x>", '"', ";", "for", "foo.by", "(Postfix) with ESMTP id 7862B3C35EC",
)  # fmt: skip


def plain(body: bytes | str, relays: Sequence[str] = ()) -> list[Fact] | str:
    try:
        text = body if isinstance(body, str) else body.decode("utf-8", "replace")
        return [fact for document in documents(text) for fact in ses.facts(document, relays)]
    except ParseError as error:
        return str(error)


def said(facts: list[Fact] | str) -> str:
    """The facts in their own order, as `postroad parse --json` shows them."""
    return json.dumps(facts)


def agree(body: bytes | str, relays: Sequence[str] = ()) -> bool:
    """Whether the quick reader took the body; what it took means the same."""
    found = ses_ordinary.facts(body, relays)
    assert found is None or said(found) == said(plain(body, relays))
    return found is not None


RARELY = st.sampled_from((False, False, False, False, True))
stamps = st.sampled_from((*STAMPS[:1] * 40, *STAMPS))
addresses = st.sampled_from(ADDRESSES)
received = st.lists(st.sampled_from(RECEIVED), max_size=14).flatmap(
    lambda words: st.sampled_from((" ", "\t", "\r\n\t")).map(lambda space: space.join(words))
)
usual = st.tuples(
    st.sampled_from(RECEIVED), st.sampled_from(RECEIVED), st.sampled_from(RECEIVED), received
).map(
    lambda parts: (
        f"from {parts[0]} {parts[1]} {parts[2]}\tby mx1.example.org (Postfix) with ESMTP id 4fXk2M1zQyz3Rb {parts[3]}"
    )
)
words = st.one_of(st.sampled_from(("abuse", "x" * 2001, "ä", "", None)), st.text(max_size=5))
odd: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(min_value=2**52, max_value=2**70), st.floats(), words, stamps, st.lists(words, max_size=2),
    st.dictionaries(words.filter(bool), words, max_size=2), st.just({"emailAddress": "x@y"}), st.just([{"emailAddress": "x@y"}, "x@y"]), st.just(10**400), st.just([]), st.just({}),
)  # fmt: skip
headers = st.one_of(
    st.tuples(st.sampled_from(("Received", "RECEIVED")), st.one_of(usual, received)),
    st.tuples(st.sampled_from(("Subject", "subject", "Message-ID", "message-id", "X-Other")), st.one_of(words.filter(lambda word: word is not None), st.just(" <a@b> "))),
).map(lambda header: {"name": header[0], "value": header[1]})  # fmt: skip
tags = st.dictionaries(
    st.sampled_from(("ses:configuration-set", "ses:source-ip", "campaign", "b", "a" * 300)),
    st.one_of(st.lists(words, max_size=5), odd),
)
mails = st.fixed_dictionaries(
    {"messageId": st.sampled_from((*[SES_ID] * 8, "x", "y" * 2001, "")), "timestamp": stamps},
    optional={
        "source": st.one_of(addresses, st.none()),
        "destination": st.one_of(st.lists(addresses, max_size=3), st.none()),
        "headers": st.one_of(st.lists(headers, max_size=6), st.none()),
        "headersTruncated": st.booleans(),
        "commonHeaders": st.one_of(
            st.fixed_dictionaries(
                {}, optional={"subject": words, "messageId": words, "to": st.lists(addresses)}
            ),
            st.none(),
        ),
        "tags": st.one_of(tags, st.none()),
    },
)
recipients = st.fixed_dictionaries(
    {"emailAddress": addresses},
    optional=dict.fromkeys(("action", "status", "diagnosticCode", "novelty"), words),
)
# Now and then with words that stand elsewhere.
anyhow = st.fixed_dictionaries(
    {"emailAddress": addresses}, optional=dict.fromkeys((*sorted(ses_words.WORDS), "novelty"), odd)
)
KNOWN: dict[str, st.SearchStrategy[Any]] = {
    "timestamp": stamps,
    "recipients": st.lists(addresses, min_size=1, max_size=3),
    **dict.fromkeys(
        ("bouncedRecipients", "complainedRecipients", "delayedRecipients"),
        st.lists(st.one_of(recipients, recipients, anyhow), min_size=1, max_size=3),
    ),
    **dict.fromkeys(sorted(ses_words.WORDS), words),
    "processingTimeMillis": st.integers(0, 10**6),
    "expirationTime": stamps,
    "remoteMtaIp": odd,
    "fields": odd,
    "novelty": odd,
}
OF_KIND = {
    "Delivery": "recipients processingTimeMillis reportingMTA smtpResponse remoteMtaIp",
    "DeliveryDelay": "delayedRecipients delayType reportingMTA expirationTime",
    "Bounce": "bouncedRecipients bounceType bounceSubType feedbackId reportingMTA remoteMtaIp",
    "Complaint": "complainedRecipients complaintFeedbackType complaintSubType feedbackId",
    "Reject": "reason",
    "Rendering Failure": "errorMessage",
}


def details(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """What SES documents, now and then with a field that it does not, or of another kind."""
    own = {name: KNOWN[name] for name in ("timestamp", *OF_KIND.get(kind, "").split())}
    return st.one_of(*[st.fixed_dictionaries({}, optional=own | more) for more in ({}, {}, {"novelty": odd}, {"status": odd, "action": odd}, KNOWN)], st.fixed_dictionaries(own))  # fmt: skip


kinds = st.sampled_from((*ses_words.KINDS.items(), ("Novelty", ses_words.KINDS["Send"])))


def maimed(draw: st.DrawFn, whole: Any) -> Any:  # noqa: ANN401  # JSON
    """The same with a value somewhere that does not belong there."""
    if isinstance(whole, dict) and whole:
        name = draw(st.sampled_from(sorted(whole)))
        return {**whole, name: maimed(draw, whole[name])}
    if isinstance(whole, list) and whole and draw(st.booleans()):
        return [maimed(draw, whole[0]), *whole[1:]]
    return draw(odd)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    name, kind = draw(kinds)
    types: Any = draw(st.sampled_from((*[{"eventType": name}] * 8, *[{"notificationType": name}] * 4, {"eventType": None, "notificationType": name}, {"eventType": name, "notificationType": "Received"})))  # fmt: skip
    whole: dict[str, Any] = types | {
        "mail": draw(mails),
        kind.detail: draw(st.one_of(details(name), details(name), st.sampled_from(({}, None)))),
    }
    damaged: dict[str, Any] = maimed(draw, whole) if draw(RARELY) else whole
    return damaged


@st.composite
def bodies(draw: st.DrawFn) -> bytes | str:
    """Events in every envelope, in some spelling of JSON, and some of them damaged on the way."""
    body: Any = draw(events())
    for wrapping in draw(
        st.lists(st.sampled_from((*["Message", "detail"] * 4, "body", "Records")), max_size=2)
    ):
        inner = json.dumps(body) if wrapping in ("Message", "body") else body
        more: Any = draw(st.sampled_from((*[{}, {"Type": "Notification"}] * 4, {"Type": "SubscriptionConfirmation"}, {"Sns": 1}, {"detail": 1}, {"Type": []})))  # fmt: skip
        body = {wrapping: [inner] if wrapping == "Records" else inner} | more
    text = json.dumps(body, ensure_ascii=draw(st.booleans()), separators=draw(st.sampled_from(((",", ":"), (" ,", " : ")))))  # fmt: skip
    if draw(RARELY):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(("", '"', "\\", "{", "]", "\x00", "\ufffd", "\\ud800", "\ud800", " ", "1e400", "é", "\n"))) + text[at + draw(st.integers(0, 3)) :]  # fmt: skip
    return text if draw(st.booleans()) else text.encode("utf-8", "surrogatepass")


@given(bodies(), st.sampled_from(((), ("mx1",), ("mx9",), ("mx9", "MX1.example.org"))))
def test_what_the_quick_reader_takes_means_what_the_plain_ones_say(
    body: bytes | str, relays: tuple[str, ...]
) -> None:
    agree(body, relays)


@given(
    st.sampled_from(("Bounce", "Complaint", "DeliveryDelay")),
    st.lists(st.one_of(recipients, anyhow), min_size=1, max_size=3),
)
@example("Complaint", [{"emailAddress": "ann@example.com", "reason": "spam"}])
@example("Bounce", [{"emailAddress": "ann@example.com", "diagnosticCode": "550", "smtpResponse": "551"}])
def test_a_recipient_may_have_any_word(name: str, named: list[dict[str, Any]]) -> None:
    kind = ses_words.KINDS[name]
    mail = {"messageId": SES_ID, "timestamp": STAMPS[0]}
    agree(json.dumps({"eventType": name, "mail": mail, kind.detail: {kind.recipients: named}}))


@given(st.one_of(usual, received))
def test_a_received_claims_what_the_plain_reader_finds(value: str) -> None:
    mail = {"messageId": SES_ID, "timestamp": STAMPS[0], "headers": [{"name": "Received", "value": value}]}
    assert agree(json.dumps({"eventType": "Send", "mail": mail}))


@given(st.one_of(stamps, st.from_regex(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.,]\d{3}Z\Z")))
@example("2026-02-30T00:00:00.000Z")
def test_a_time_is_what_it_is(stamp: str) -> None:
    try:
        at = parse(stamp)
    except ValueError:
        at = ""
    found = ses_ordinary.facts(
        json.dumps({"eventType": "Send", "mail": {"messageId": SES_ID, "timestamp": stamp}})
    )
    assert [fact["at"] for fact in found or ()] == [at] * (2 if at else 0)


@given(st.lists(mails, min_size=2, max_size=4))
def test_headers_kept_of_one_event_are_not_taken_for_those_of_another(many: list[dict[str, Any]]) -> None:
    for mail in many:
        agree(json.dumps({"eventType": "Send", "mail": mail | {"messageId": SES_ID}}))
