"""Whole lines; `tests/cases/postfix` shows every form, and the corpus what real relays wrote."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from postroad import postfix
from postroad.facts import Event, Fact, ParseError, Source
from postroad.syslog import LONGEST, Carrier

CARRIER = Carrier(at="2026-03-01T00:00:00.000Z")
SES_ID = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
DELIVERY = "4fXk2M1zQyz3Rb: to=<ann@example.com>, relay=mail.example.com[192.0.2.25]:25, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent (250 ok)"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "relay-lines.jsonl"


def only(line: str, carrier: Carrier = CARRIER) -> Fact:
    (fact,) = postfix.facts(line, carrier)
    return fact


@pytest.mark.parametrize(
    "daemon",
    [
        "smtp",
        "lmtp",
        "error",
        "retry",
        "local",
        "virtual",
        "pipe",
        "verify",
        "qmgr",
        "cleanup",
        "bounce",
        "defer",
        "trace",
    ],
)
def test_whoever_logs_a_delivery_is_heard(daemon: str) -> None:
    fact = only(f"Feb 25 00:05:18 mx1 postfix/{daemon}[420]: {DELIVERY}")
    assert (fact["event"], fact["daemon"], fact["pid"], fact["host"]) == (
        Event.HANDED_OVER,
        daemon,
        "420",
        "mx1",
    )


@pytest.mark.parametrize(
    ("tag", "name"),
    [("postfix/smtp", None), ("postfix-out/smtp", "postfix-out"), ("postfix/amavis/smtp", "postfix/amavis"), ("postfix-170.55.103.23/smtp", "postfix-170.55.103.23"), ("smtp", "")],
)  # fmt: skip
def test_an_instances_name_is_kept_where_it_is_not_the_usual(tag: str, name: str | None) -> None:
    fact = only(f"Feb 25 00:05:18 mx1 {tag}[420]: {DELIVERY}")
    assert fact.get("syslog_name") == (name or None)


def test_a_line_without_a_tag_is_known_by_its_beginning() -> None:
    fact = only(DELIVERY)
    assert fact["event"] is Event.HANDED_OVER
    assert "daemon" not in fact


def test_the_id_of_ses_on_a_line_knows_its_year() -> None:
    line = f"Feb 25 00:05:18 mx1 postfix/smtp[420]: 4fXk2M1zQyz3Rb: to=<a@b>, relay=email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587, delay=1, dsn=2.0.0, status=sent (250 Ok {SES_ID})"
    assert only(line, Carrier(at="2031-07-01T00:00:00.000Z"))["at"] == "2026-02-25T00:05:18.000Z"


def test_the_same_line_gives_the_same_fact_however_it_came() -> None:
    line = f"2026-02-25T00:05:18Z mx1 postfix/smtp[420]: {DELIVERY}"
    shipped = json.dumps({"log": line + "\n", "container_id": "x"})
    assert only(line) == only(shipped, Carrier(at="2027-01-01T00:00:00.000Z", host="stream"))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Feb 25 00:05:18 mx1 postfix/smtp[420]: connect to mail.example.com[192.0.2.25]:25: Connection refused",
        "Feb 25 00:05:18 mx1 postfix/smtp[420]: 4fXk2M1zQyz3Rb: host mail.example.com[192.0.2.25] said: 450 4.2.1 busy (in reply to RCPT TO command)",
        "Feb 25 00:05:18 mx1 postfix/smtpd[420]: connect from unknown[203.0.113.5]",
        "Feb 25 00:05:18 mx1 postfix/postsuper[420]: Requeued: 1 message",
        "Feb 25 00:05:18 mx1 postfix/master[420]: 4fXk2M1zQyz3Rb: removed",
        "Feb 25 00:05:18 mx1 sshd[420]: to=<ann@example.com>, relay=x",
        "Feb 25 00:05:18 mx1 postfix/smtp[420]: warning: 4fXk2M1zQyz3Rb: defer service failure",
        "last message repeated 2 times",
    ],
)
def test_what_says_nothing_of_a_message_gives_nothing(line: str) -> None:
    assert postfix.facts(line, CARRIER) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Feb 25 00:05:18 mx1 postfix/smtp[420]: 4fXk2M1zQyz3Rb: to=<ann@exam", "cut or unknown form"),
        ("Feb 25 00:05:18 mx1 postfix/smtp[420]: to=<ann@example.com>, relay=x", "without a queue id"),
        (f"Feb 30 00:05:18 mx1 postfix/smtp[420]: {DELIVERY}", "no such time"),
        ("Feb 25 00:05:18 mx1 postfix/qmgr[420]: 4fXk2M1zQyz3Rb: from=<a", "cut or unknown form"),
        ("x" * (LONGEST + 1), "longer than"),
    ],
)
def test_what_was_begun_and_not_ended_is_refused_with_the_whole_line(line: str, reason: str) -> None:
    with pytest.raises(ParseError, match=reason) as error:
        postfix.facts(line, CARRIER)
    assert error.value.raw == line


def test_a_line_of_a_megabyte_is_refused_at_once() -> None:
    with pytest.raises(ParseError, match="longer than"):
        postfix.facts(f"Feb 25 00:05:18 mx1 postfix/smtp[420]: {DELIVERY}" + ")" * 1_000_000, CARRIER)


@pytest.mark.parametrize(
    "filling", [", relay=", ">, ", '"\\', " from ", "; from=<", ": ", "]: ", "[1", "(", "status=sent ("]
)
@pytest.mark.parametrize(
    "start",
    [
        "to=<",
        "to=<a@b>, orig_to=<",
        "client=",
        "info: header Subject: ",
        "reject: RCPT from x[1]: ",
        "from=<",
        "message-id=",
    ],
)
def test_the_longest_line_is_read_in_little_time_whatever_fills_it(start: str, filling: str) -> None:
    """A pattern that tries again for each part of a hostile text would take minutes here."""
    for daemon in ("smtp", "smtpd", "cleanup", "qmgr"):
        line = f"Feb 25 00:05:18 mx1 postfix/{daemon}[420]: 4fXk2M1zQyz3Rb: {start}"
        try:
            postfix.facts(line + filling * ((2000 - len(line)) // len(filling)), CARRIER)
        except ParseError:
            continue


def test_a_unified_line_is_not_the_relays_word() -> None:
    line = f"2026-02-25T00:05:21.512Z mx1 postfix/ses-events[1]: 4fXk2M1zQyz3Rb: to=<a@b>, relay=amazonses.com, ses_id={SES_ID}, delay=3.51, dsn=2.0.0, status=delivered (250 ok)"
    assert only(line)["source"] is Source.UNIFIED


def _corpus() -> list[dict[str, Any]]:
    if not CORPUS.exists():
        return []
    return [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


# Cut in the very place that decides, or without the queue id that a delivery has.
REFUSED = {198, 202, 230, 233, 246}


def test_the_corpus_is_read_without_a_crash_and_its_fields_are_right() -> None:
    """Real lines of public test suites, where they are at hand."""
    refused = set()
    for number, row in enumerate(_corpus(), 1):
        line = row["line"] if isinstance(row["line"], str) else json.dumps(row["line"])
        tagged = f"{row['prog']}[1]: {line}" if row["form"] == "message" and "prog" in row else line
        try:
            facts = postfix.facts(tagged, CARRIER)
        except ParseError:
            refused.add(number)
            continue
        for fact in facts:
            said: dict[str, Any] = dict(fact)
            wanted = {name: value for name, value in (row.get("canon") or {}).items() if name in said}
            wanted = {
                name: value for name, value in wanted.items() if name not in ("response", "timestamp", "prog")
            }
            assert {name: said[name] for name in wanted} == wanted, (number, line)
        if "ses_message_id" in row:
            assert [fact.get("ses_id") for fact in facts] == [row["ses_message_id"]], (number, line)
    assert refused == (REFUSED if _corpus() else set())


def test_the_corpus_is_read_without_its_tags_and_in_pieces_without_a_crash() -> None:
    for row in _corpus()[::3]:
        line = row["line"] if isinstance(row["line"], str) else json.dumps(row["line"])
        for end in range(0, len(line), 17):
            for piece in (line[:end], line[end:]):
                with suppress(ParseError):
                    postfix.facts(piece, CARRIER)


def test_half_an_ses_id_is_none() -> None:
    line = (
        "2026-02-25T00:05:18+00:00 mx1 postfix/smtp[1]: 4fXk2M1zQyz3Rb: to=<a@example.com>, "
        "relay=email-smtp.eu-west-1.amazonaws.com[192.0.2.1]:587, delay=1, dsn=2.0.0,"
    )
    (told,) = postfix.facts(
        f"{line} status=sent (250 Ok 0102019c921d4630-6a5d1f0e", Carrier("2026-02-26T00:00:00.000Z")
    )
    assert told["event"] is Event.RELAYED
    assert "ses_id" not in told
