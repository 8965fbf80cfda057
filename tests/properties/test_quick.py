"""What is read and folded quickly is what the plain forms read and fold, whatever the lines and facts are."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad import postfix
from postroad.addresses import folded, is_folded
from postroad.codec import SHORT_NAMES, Key, text_without
from postroad.facts import Fact, ParseError
from postroad.growth import Growth, grow, grown, join
from postroad.ids import ses_day
from postroad.ingest import text_of
from postroad.instants import from_ms
from postroad.postfix import Reading
from postroad.remembered import Remembered
from postroad.syslog import Carrier
from tests.properties.histories import CARRIER, History, histories
from tests.properties.readings import read

CASES = sorted((Path(__file__).parents[1] / "cases" / "postfix").glob("*.in"))
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "relay-lines.jsonl"
CARRIERS = (CARRIER, Carrier("2026-02-25T00:00:00.000Z", host="stream-1"))

HEADS = (
    "Feb 25 00:05:18 mx1 ",
    "Feb  5 00:05:18 mx1 ",
    "Feb 25 00:05:60 mx1 ",
    "Feb 25 24:05:18 mx1 ",
    "Feb 25 00:05:٣١ mx1 ",
    "Feb 30 00:05:18 mx1 ",
    "2026-02-25T00:05:18.185246+01:00 mx1 ",
    "2026-02-25T00:05:59.999999Z mx-2.example.org ",
    "2026-02-25T00:05:18Z mx1 ",
    "2026-02-25T00:05:18.1٣٣246Z mx1 ",
    "2026-02-25 00:05:18 mx1 ",
    "<22>Feb 25 00:05:18 mx1 ",
    "Feb 25 00:05:18 ",
    '<22>1 2026-02-25T00:05:18Z mx1 postfix/qmgr 9 - [o@1 src="pod web[1]: x"] ',
    '{"note":"see web[1]: x","log":"Feb 25 00:05:18 mx1 ',
    "mx1 ",
    "said: mx1 ",
    "said: ",
    "",
)
TAGS = (
    *("postfix/smtpd[9]", "postfix/submission/smtpd[12]", "postfix/cleanup[9]", "postfix/qmgr[9]"),
    *("postfix/smtp[9]", "postfix-out/smtp[9]", "postfix/lmtp[9]", "postfix/pickup[9]", "postfix/discard[9]"),
    *(
        "postfix/anvil[9]",
        "postfix/bounce[9]",
        "postfix/postscreen[9]",
        "opendkim[9]",
        "smtpd[9]",
        "/smtp[9]",
    ),
    *("sshd[a]", "postfix/smtp", "smtp-out[985]: Feb 05 04:07:36 mx9 postfix/smtp[7]", "x[1][2]"),
)
IDS = ("4fXk2M1zQyz3Rb: ", "ED06590130: ", "ABCDEF: ", "abcdef: ", "12345: ", "NOQUEUE: ", "A_B1C2D3: ", "")
SES = "email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587"
TAKEN = "250 Ok 0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
TEXTS = (
    "client=app.example.org[192.0.2.10]",
    "client=app.example.org[192.0.2.10] ",
    "client=a b, c",
    "client=app[::1], sasl_method=PLAIN, sasl_username=ann@example.org",
    "client=app[::1], sasl_method=PLAIN, sasl_username=ann, orig_client=b",
    "client=app[::1], sasl_username=ann",
    "client=",
    "message-id=<order-1@example.org>",
    "message-id=<>",
    "message-id=??<folded@example.org>",
    "message-id=bare@example.org",
    "resent-message-id=<order-1@example.org>",
    "from=<shop@example.org>, size=1820, nrcpt=2 (queue active)",
    "from=<>, size=1820, nrcpt=2 (queue active)",
    "from=<a>b>, size=1820, nrcpt=2 (queue active)",
    "from=<shop@example.org>, status=expired, returned to sender",
    "removed",
    "removed ",
    "removed=",
    "removed (canceled)",
    "uid=33 from=<www-data>",
    "uid=33 from=<www-data> orig_id=14BA03C35EC",
    f"to=<ann@example.com>, relay={SES}, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent ({TAKEN})",
    f"to=<Ann@Example.com>, relay={SES}, conn_use=2, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent ({TAKEN})",
    f"to=<a@b.c>, orig_to=<root>, relay={SES}, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent ({TAKEN})",
    f'to=<"a b"@c.d>, relay={SES}, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent ({TAKEN})',
    f"to=<a@b.c>, relay={SES}, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent ({TAKEN}",
    f"to=<a@b.c>, relay={SES}, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent (250 Ok)",
    f"to=<a@b.c>, relay={SES}, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent (250 OK 0100ab)",
    f"to=<a@b.c>, relay=none, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent ({TAKEN})",
    "to=<a@b.c>, relay=mx[1.2.3.4]:25, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 9A1C57)",
    'to=<a@b.c>, relay=mx[1.2.3.4]:25, delay=0.4, delays=0.1/0/0.2/0.1, dsn=4.0.0, status=deferred (a "b" \\c)',
    "to=<a@b.c>, relay=mx[1.2.3.4]:25, conn_use=3, delay=4, delays=1/1/1/1, dsn=4.0.0, status=deferred (a)",
    "to=<a@b.c>, relay=mx[1.2.3.4]:25, delay=0.4, delays=0.1/0/0.2/0.1, dsn=5.0.0, status=bounced (no)",
    "to=<a@b.c>, relay=mx[1.2.3.4]:25, delay=x, delays=0.1/0/0.2/0.1, dsn=5.0.0, status=bounced (no)",
    "host mx[1.2.3.4] said: 450 later (in reply to RCPT TO command)",
    "info: header Subject: Your order from app[1.2.3.4]; from=<a@b.c> to=<d@e.f> proto=ESMTP helo=<app>",
    "warning: header Subject:  a from b; from=<x> from local; from=<a@b.c> to=<D@e.f> proto=ESMTP helo=<app>",
    "info: header Subject: no helo from app[1.2.3.4]; from=<a@b.c> to=<d@e.f> proto=ESMTP",
    "reject: RCPT from unknown[203.0.113.5]: 554 5.7.1 <a@b.c>: no; from=<a>: b@c.d> to=<a@b.c> proto=ESMTP helo=<h>",
    "reject: RCPT from unknown[203.0.113.5]: 554 5.7.1 <a@b.c>: no; from=<x@y.z> to=<a@b.c> proto=ESMTP helo=<h>",
    "connect from app.example.org[192.0.2.10]",
    "warning: to=<x>",
    "message repeated 2 times: [ 4fXk2M1zQyz3Rb: removed]",
    "[ID 801593 mail.info] 4fXk2M1zQyz3Rb: removed",
    "proxy-reject: END-OF-MESSAGE: 554 5.7.0 no; from=<a@b.c> to=<d@e.f> proto=ESMTP helo=<h>",
    "to=<ann@example.com>, relay=none, delay=1, delays=1/0/0/0, dsn=4.3.0, status=deferred (x)",
    "Feb 25 00:05:18 mx1 postfix/qmgr[9]: 4fXk2M1zQyz3Rb: removed",
    "",
)


def plainly(lines: list[str], carrier: Carrier) -> Reading:
    reading = Reading([], [])
    for line in lines:
        try:
            reading.facts.extend(postfix.facts(line, carrier))
        except ParseError as error:
            reading.refused.append(error)
    return reading


def assert_equal(lines: list[str]) -> None:
    for carrier in CARRIERS:
        quick, plain = postfix.read(lines, carrier), plainly(lines, carrier)
        assert quick.facts == plain.facts
        assert list(map(str, quick.refused)) == list(map(str, plain.refused))
        assert_folded(quick.facts)


def assert_folded(facts: list[Fact]) -> None:
    plain: dict[Key, Growth] = {}
    for fact in facts:
        grow(plain, fact)
    quick = grown(facts)
    assert quick == plain
    assert all(type(key) is Key for key in quick)


@pytest.mark.parametrize("tag", TAGS)
def test_every_shape_behind_every_tag(tag: str) -> None:
    assert_equal([f"{HEADS[0]}{tag}: {entry}{text}" for entry in IDS for text in TEXTS])


@pytest.mark.parametrize("head", HEADS)
def test_every_shape_behind_every_head(head: str) -> None:
    assert_equal([f"{head}{tag}: {IDS[0]}{text}" for tag in (*TAGS[:5], "opendkim[9]") for text in TEXTS])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_cases(path: Path) -> None:
    assert_equal([text_of(line) for line in path.read_bytes().split(b"\n")])


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real lines is not part of the project")
def test_the_corpus() -> None:
    lines = [json.loads(line)["line"] for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    assert_equal([text_of(line.encode("utf-8", "surrogatepass")) for line in lines])


@given(histories(), st.data())
def test_histories_with_pieces_of_lines_exchanged(history: History, data: st.DataObject) -> None:
    assert_equal([_mangled(line, data) for line in history.lines])
    assert_folded(read(history))


@given(histories(), st.data())
def test_batches_folded_apart_and_joined_are_one_batch(history: History, data: st.DataObject) -> None:
    facts = read(history)
    at = data.draw(st.integers(0, len(facts)))
    joined = grown(facts[:at])
    join(joined, grown(facts[at:]))
    assert joined == grown(facts)


_PIECES = st.one_of(
    st.sampled_from(['"', "\\", ", ", "=", ">", "<", "]: ", ": ", " ", "٣", " ", "", "removed", "to=<"]),
    st.sampled_from(TEXTS),
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=5),
)


def _mangled(line: str, data: st.DataObject) -> str:
    words = re.split(r"(?<=[ =<>,:])", line)
    index = data.draw(st.integers(0, len(words)))
    return "".join((*words[:index], data.draw(_PIECES), *words[index + data.draw(st.integers(0, 2)) :]))


WRAPPED = (
    '<22>1 2026-02-25T00:05:18Z mx1 postfix/qmgr 9 - [o@1 src="pod web[1]: x"] 4fXk2M1zQyz3Rb: removed',
    '{"note":"see web[1]: x","log":"Feb 25 00:05:18 mx1 postfix/qmgr[9]: ED06590130: removed"}',
    '{"log":"Feb 25 00:05:18 mx1 postfix/smtpd[9]: \\u0034fXk2M1zQyz3Rb: client=app[192.0.2.1]"}',
)


@pytest.mark.parametrize("line", WRAPPED)
def test_a_tag_within_what_wraps_a_line_hides_nothing(line: str) -> None:
    assert_equal([line])
    assert len(postfix.read([line], CARRIER).facts) == 1


def test_what_is_remembered_is_bounded_in_number_and_in_length() -> None:
    remembered = Remembered(len)
    for number in range(10_000):
        assert remembered[f"{number:05}"] == 5
    assert len(remembered) < 5_000
    long = "x" * 1_000_000
    assert remembered[long] == 1_000_000
    assert long not in remembered


def test_headers_of_many_seconds_minutes_and_hosts_are_read_all() -> None:
    lines = [
        f"Feb {day:2} {hour:02}:{minute:02}:{day:02} mx{host} postfix/qmgr[9]: ED06590130: removed"
        for day in range(1, 29)
        for hour in range(24)
        for minute in range(0, 60, 9)
        for host in "12"
    ] + [
        f"Feb 25 {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02} mx1 postfix/qmgr[9]: ED06590130: removed"
        for second in range(2 * 3600)
    ]
    assert postfix.read(lines, CARRIER).facts == plainly(lines, CARRIER).facts


def test_ids_of_many_minutes_tell_their_day() -> None:
    for number in range(10_000):
        taken = from_ms(1_770_000_000_000 + number * 100_000)
        ses_id = f"0100{1_770_000_000_000 + number * 100_000:012x}-6a5d1f0e-0-000000"
        assert ses_day(ses_id) in (taken[:10], "")


_SAID = st.recursive(
    st.text(max_size=9) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(
    st.dictionaries(st.sampled_from(sorted(SHORT_NAMES)), _SAID, max_size=12),
    st.frozensets(st.sampled_from(sorted(SHORT_NAMES))),
)
def test_a_text_is_what_the_standard_library_writes_of_the_short_names(
    fact: Fact, unsaid: frozenset[str]
) -> None:
    said = {SHORT_NAMES[name]: value for name, value in fact.items() if name not in unsaid}
    plain = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert text_without(fact, unsaid) == plain


@given(
    st.text(max_size=20)
    | st.text("ab0.@_+=-", max_size=20)
    | st.builds("{}@{}".format, st.text("a.", max_size=9), st.text("b", min_size=300, max_size=330))
)
def test_what_is_folded_is_what_folding_leaves_as_it_is(address: str) -> None:
    assert is_folded(address) == (folded(address) == address)


def test_a_line_that_is_too_long_is_refused_whatever_it_says() -> None:
    for tag in TAGS[:4]:
        assert_equal([f"Feb 25 00:05:18 mx1 {tag}: 4fXk2M1zQyz3Rb: client={'a' * 17_000}"])
        assert_equal([f"Feb 25 00:05:18 mx1 {tag}: connect from {'a' * 17_000}"])
