"""Asking elsewhere: a deployed stack, or an API, tells the same as the store of this machine."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import boto3
import pytest

from postroad import ingest
from postroad.growth import grown
from postroad.instants import to_ms
from postroad.store.sqlite import SQLiteStore
from postroad.syslog import Carrier
from postroad_host import remote
from postroad_host.cli import main
from postroad_host.clock import now
from postroad_host.tokens import Gate
from postroad_host.web import Beside, Server, site
from tests.aws.parts import tables

TODAY = now()[:10]
SES_ID = f"0102{to_ms(TODAY + 'T00:00:00.000Z'):012x}-37bf9659-3ac9-481a-b264-f00d2b267662-000000"
RELAY = "email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587"
LOG = f"""\
{TODAY}T00:00:00.000Z mx1 postfix/cleanup[12]: 4jXH0q03gszLdBG: message-id=<m1@app.example.org>
{TODAY}T00:00:00.000Z mx1 postfix/qmgr[13]: 4jXH0q03gszLdBG: from=<app@example.org>, size=321, nrcpt=1 (queue active)
{TODAY}T00:00:00.000Z mx1 postfix/smtp[14]: 4jXH0q03gszLdBG: to=<ann@example.com>, relay={RELAY}, conn_use=2, delay=1.5, delays=0.1/0/1/0.4, dsn=2.0.0, status=sent (250 Ok {SES_ID})
{TODAY}T00:00:00.000Z mx1 postfix/smtp[14]: 4jXH0q03gszLdBH: to=<ann@example.com>, relay=none, delay=3, delays=1/1/1/0, dsn=4.4.1, status=deferred (connect to x: Connection timed out)
"""
BOUNCE = json.dumps(
    {
        "eventType": "Bounce",
        "mail": {
            "timestamp": f"{TODAY}T00:00:00.000Z",
            "messageId": SES_ID,
            "source": "app@example.org",
            "destination": ["ann@example.com"],
        },
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "timestamp": f"{TODAY}T00:00:01.000Z",
            "bouncedRecipients": [
                {"emailAddress": "ann@example.com", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
            ],
        },
    }
)
# Each of these tells the same wherever it is asked.
QUESTIONS = [
    "find ann@example.com",
    "find ann@example.com --json",
    "find ann@example.com --csv --since 2020-01-01",
    "find ann@example.com --state bounced --json",
    "find ann@example.com --until 2020-01-01",
    "find nobody@example.com --json",
    f"show {SES_ID}",
    f"show {SES_ID} --json",
    "show 4jXH0q03gszLdBG --json",
    "show <m1@app.example.org> --json",
    "show 4jXH0q03gszLdBZ",
    "problems",
    "problems --since 2d --json",
]


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Run:
    """Runs the command in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def __call__(self, *arguments: str) -> Done:
        self._capfd.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["postroad", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = self._capfd.readouterr()
        return Done(int(ended.value.code or 0), told.out, told.err)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("POSTROAD_DB", str(tmp_path / "postroad.db"))
    monkeypatch.delenv("POSTROAD_TOKEN", raising=False)
    return Run(monkeypatch, capfd)


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Iterator[SQLiteStore]:
    del run
    with SQLiteStore(str(tmp_path / "postroad.db")) as store:
        store.add(growths())
        yield store


def growths() -> Any:  # noqa: ANN401 - what a store takes
    relayed = ingest.relay([line.encode() for line in LOG.splitlines()], Carrier(now()), "")
    return grown(relayed.facts + ingest.ses([BOUNCE], "").facts)


# --- an API


@pytest.fixture
def api(filled: SQLiteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    gate = Gate()
    monkeypatch.setenv("POSTROAD_TOKEN", str(gate.session))
    app = site(filled, lambda: True, gate, Beside(tmp_path / "key", tmp_path / "audit.jsonl"))
    server = Server(app, "127.0.0.1", 0)
    server.start()
    yield server.url
    server.stop()


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_api_tells_the_same(run: Run, api: str, question: str) -> None:
    here, there = run(*question.split()), run(*question.split(), "--url", api)
    assert here.code == 0
    assert there == here


def test_an_apis_summary_is_the_same(run: Run, api: str) -> None:
    asked = ["summary", "--since", "2d", "--until", now(), "--json"]
    here, there = run(*asked), run(*asked, "--url", f"{api}/v1/")
    assert (here.code, there.code, there.err) == (0, 0, "")
    own, theirs = json.loads(here.out), json.loads(there.out)
    assert list(own) == list(theirs)
    assert {**theirs, "window": None} == {**own, "window": None}
    assert own["total"]["messages"] == 2


def test_a_token_that_the_api_does_not_know(run: Run, api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROAD_TOKEN", "not-the-one")
    told = run("find", "ann@example.com", "--url", api)
    assert (told.code, told.out) == (1, "")
    assert "put a valid token into POSTROAD_TOKEN" in told.err
    assert "not-the-one" not in told.err
    monkeypatch.delenv("POSTROAD_TOKEN")
    assert run("show", SES_ID, "--url", api).code == 1


def test_what_an_api_refuses_is_said_in_its_words(run: Run, api: str) -> None:
    told = run("summary", "--since", "2020-01-01", "--url", api)
    assert (told.code, told.out) == (1, "")
    assert "31 days at most" in told.err


def test_what_an_api_does_not_tell(run: Run, api: str) -> None:
    told = run("problems", "--bad-input", "--url", api)
    assert (told.code, told.out) == (2, "")
    assert "ask on its machine, with --db" in told.err
    assert "92 days can be asked for at most" in run("problems", "--since", "999d", "--url", api).err


# --- an API that is none, or not well


class Script(ThreadingHTTPServer):
    """Answers one request after the other as it was told to; the last answer stays."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.asked: list[tuple[str, str | None]] = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        script: Any = self.server
        script.asked.append((self.path, self.headers.get("Authorization")))
        status, headers, body = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def scripted(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[tuple[str, Script]]:
    script = Script(*answers)
    thread = Thread(target=script.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{script.server_address[1]}", script
    script.shutdown()
    thread.join()
    script.server_close()


EMPTY = b'{"journeys": [], "cursor": null}'
HOSTILE = "\x1b[31mred\x1b]0;title\x07 \x9b2J \u202e"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {}, b"<html>"), "does not answer as this version's API does"),
        ((200, {}, b'{"journeys": [{"recipient": 7}]}'), "(at journeys.0.recipient)"),
        ((200, {}, b"\xff\xfe"), "does not answer as this version's API does"),
        ((200, {"Content-Length": "99"}, b"{"), "does not answer as this version's API does"),
        ((404, {}, b"nothing"), "404 Not Found"),
        ((500, {}, b""), "refuses: 500"),
        ((403, {}, b'{"detail": "this token lacks the scope"}'), "the scope: the token in POSTROAD_TOKEN"),
        ((401, {}, json.dumps({"detail": HOSTILE}).encode()), "red?]0;title"),
        ((302, {"Location": "http://127.0.0.1:1/elsewhere"}, b""), "refuses: 302"),
    ],
)
def test_what_is_no_api(run: Run, answer: tuple[int, dict[str, str], bytes], said: str) -> None:
    with scripted(answer) as (url, _):
        told = run("find", "ann@example.com", "--url", url)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith(f"postroad: {url}")
    assert said in told.err
    assert told.err.removesuffix("\n").isprintable()


def test_nobody_answers(run: Run) -> None:
    told = run("find", "ann@example.com", "--url", "http://127.0.0.1:1")
    assert told == Done(
        1, "", "postroad: http://127.0.0.1:1 cannot be asked: [Errno 111] Connection refused\n"
    )


def test_an_id_is_not_known_only_where_there_is_an_api(run: Run) -> None:
    with scripted((404, {}, b'{"detail": "nothing is known of this id"}'), (404, {}, b"")) as (url, _):
        assert run("show", "4jXH0q03gszLdBG", "--url", url).code == 1


def test_a_token_goes_to_nobody_else(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROAD_TOKEN", " secret\n")
    with scripted((200, {}, EMPTY)) as (other, stolen):
        with scripted((302, {"Location": f"{other}/v1"}, b"")) as (url, script):
            assert run("find", "ann@example.com", "--url", url).code == 1
        assert [token for _, token in script.asked] == ["Bearer secret"]
        assert stolen.asked == []


def test_who_is_too_fast_waits(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    busy = (429, {"Retry-After": "3"}, b'{"detail": "too many requests"}')
    with scripted(busy, (429, {"Retry-After": "soon"}, b""), (200, {}, EMPTY)) as (url, script):
        assert run("find", "ann@example.com", "--url", url).code == 0
        assert len(script.asked) == 3
    with scripted(busy) as (url, script):
        assert "too many requests" in run("find", "ann@example.com", "--url", url).err
        assert len(script.asked) == 5
    assert waited == [3, 1, 3, 3, 3, 3]


def test_pages_are_followed_and_words_are_kept_as_words(run: Run) -> None:
    with scripted((200, {}, b'{"journeys": [], "cursor": "a&b"}'), (200, {}, EMPTY)) as (url, script):
        assert run("find", "a/b?c@example.com", "--since", "2026-02-25", "--url", url).code == 0
    first, second = (path for path, _ in script.asked)
    assert (
        first
        == "/v1/recipients/a%2Fb%3Fc%40example.com/journeys?since=2026-02-25T00%3A00%3A00.000Z&limit=200"
    )
    assert second == f"{first}&cursor=a%26b"


def test_a_list_that_never_ends_ends(run: Run) -> None:
    with scripted((200, {}, b'{"journeys": [], "cursor": "again"}')) as (url, script):
        assert run("find", "ann@example.com", "--url", url).code == 0
        assert len(script.asked) == 2


def test_an_answer_without_end_is_left(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_MOST_BYTES", 100)
    with scripted((200, {}, b" " * 1000)) as (url, _):
        assert "answers with more than" in run("find", "ann@example.com", "--url", url).err


def test_nothing_that_a_terminal_obeys_comes_from_an_api(run: Run, api: str) -> None:
    del api
    text, stage = (
        HOSTILE,
        {"question": HOSTILE, "state": HOSTILE, "text": HOSTILE, "at": HOSTILE, "line": HOSTILE},
    )
    journey = dict.fromkeys(
        (
            "recipient",
            "state",
            "sender",
            "subject",
            "message_id",
            "ses_id",
            "configuration_set",
            "first_seen",
            "last_seen",
        ),
        text,
    ) | {
        "complained": True,
        "auto_reply": False,
        "silent": False,
        "queue_ids": [text],
        "hosts": [text],
        "delay_s": 1,
        "timeline": [dict.fromkeys(("at", "source", "event", "text", "line"), text)],
        "stages": [stage],
        "overlays": [{"kind": text, "text": text, "at": text}],
        "diagnosis": dict.fromkeys(
            ("reason", "where", "summary", "by", "advice", "confidence", "disagreement"), text
        )
        | {"evidence": {"rule": text, "found": text, "said": text}},
    }
    group = {"messages": 1, "states": {text: 1}, "complained": 0, "latency_s": {text: 1.0}}
    told = {
        "window": {"since": text, "until": text},
        "counted": "all mail",
        "truncated": True,
        "total": group,
        "days": [{"day": text, **group}],
        "sender_domains": [{"domain": text, **group}],
        "providers": [{"provider": text, **group}],
    }
    said = json.dumps({"journeys": [journey], "truncated": True} | told).encode()
    with scripted((200, {}, said)) as (url, _):
        for question in (
            "find x",
            "find x --json",
            "find x --csv",
            "show x",
            "show x --json",
            "summary",
            "summary --json",
        ):
            out = run(*question.split(), "--url", url)
            assert "red" in out.out, question
            assert (out.out + out.err).replace("\n", "").isprintable(), question
        assert "no more than 1" in run("show", "x", "--url", url).err
        assert "the newest part of it" in run("summary", "--url", url).out


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://postroad.example.com", "https://postroad.example.com"),
        (" https://postroad.example.com/v1/ ", "https://postroad.example.com"),
        ("https://example.com:8443/postroad/", "https://example.com:8443/postroad"),
        ("http://localhost:8025", "http://localhost:8025"),
        ("http://[::1]:8025/", "http://[::1]:8025"),
    ],
)
def test_addresses_of_apis(text: str, address: str) -> None:
    assert remote.checked_url(text) == address


# --- a deployed stack


@pytest.fixture
def stack() -> Iterator[str]:
    template = {"Resources": {"Table": {"Type": "AWS::SNS::Topic"}}}
    with tables.in_moto() as store:
        store.add(growths())
        named = {**template, "Outputs": {"TableName": {"Value": tables.name_of(store)}}}
        client: Any = boto3.client("cloudformation")
        client.create_stack(StackName="postroad", TemplateBody=json.dumps(named))
        client.create_stack(StackName="other", TemplateBody=json.dumps(template))
        yield "postroad"


@pytest.mark.usefixtures("filled")
def test_a_stack_tells_the_same(run: Run, stack: str) -> None:
    # In one test, because a stack takes its time to be made.
    for question in QUESTIONS:
        here, there = run(*question.split()), run(*question.split(), "--stack", stack)
        assert here.code == 0
        assert there == here


def test_what_a_stack_cannot_tell_is_refused(run: Run, stack: str) -> None:
    for question, said in (
        ("summary", "finds mail by recipient"),
        ("problems --since 999d", "92 days can be asked for at most"),
        ("problems --bad-input", "dead-letter queues"),
    ):
        told = run(*question.split(), "--stack", stack)
        assert (told.code, told.out) == (2, "")
        assert said in told.err
        assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--stack other", "has no output TableName"),
        ("--stack missing", "does not exist"),
        ("--stack postroad --region ap-south-1", "does not exist"),
    ],
)
@pytest.mark.usefixtures("stack")
def test_no_stack_of_ours(run: Run, arguments: str, said: str) -> None:
    told = run("find", "ann@example.com", *arguments.split())
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("postroad: stack ")
    assert said in told.err
