"""The `postroad` command as its users meet it: data on stdout, one sentence on stderr, and the exit code."""

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

from postroad.api_auth import Asker
from postroad.lifecycle import State
from postroad_host.cli import cli, main
from postroad_host.tokens import TokenFile

POSTROAD = Path(sys.executable).with_name("postroad")
SES_ID = "0102019c91ac1988-37bf9659-3ac9-481a-b264-f00d2b267662-000000"
OTHER_ID = "0102019c96d27588-37bf9659-3ac9-481a-b264-f00d2b267663-000000"
RELAY = "email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587"
LOG = f"""\
2026-02-24T22:01:40.000Z mx1 postfix/smtpd[11]: connect from app[192.0.2.9]
2026-02-24T22:01:40.000Z mx1 postfix/smtpd[11]: 4jXH0q03gszLdBG: client=app[192.0.2.9]
2026-02-24T22:01:40.000Z mx1 postfix/cleanup[12]: 4jXH0q03gszLdBG: message-id=<m1@app.example.org>
2026-02-24T22:01:40.000Z mx1 postfix/qmgr[13]: 4jXH0q03gszLdBG: from=<app@example.org>, size=321, nrcpt=1 (queue active)
2026-02-24T22:01:41.000Z mx1 postfix/smtp[14]: 4jXH0q03gszLdBG: to=<ann@example.com>, orig_to=<team@example.org>, relay={RELAY}, conn_use=2, delay=1.5, delays=0.1/0/1/0.4, dsn=2.0.0, status=sent (250 Ok {SES_ID})
2026-02-24T22:01:41.000Z mx1 postfix/qmgr[13]: 4jXH0q03gszLdBG: removed
2026-02-25T22:01:41.000Z mx1 postfix/smtp[14]: 4jXH0q03gszLdBH: to=<ann@example.com>, relay=none, delay=3, delays=1/1/1/0, dsn=4.4.1, status=deferred (connect to x: Connection timed out)
"""
HOSTILE = "=cmd|' /C calc'!A1 \x1b[31mred\x1b]0;title\x07 \x9b2J \u202e \r\n2026 forged"


def event(
    kind: str, detail: dict[str, Any], *, ses_id: str = SES_ID, to: str = "ann@example.com", **mail: object
) -> str:
    name = kind[0].lower() + kind[1:]
    said = {
        "timestamp": "2026-02-24T22:01:41.000Z",
        "messageId": ses_id,
        "source": "app@example.org",
        "destination": [to],
    }
    return json.dumps({"eventType": kind, "mail": {**said, **mail}, name: detail})


DELIVERY = event(
    "Delivery",
    {"timestamp": "2026-02-24T22:01:42.200Z", "recipients": ["ann@example.com"], "smtpResponse": "250 ok"},
)
BOUNCE = event(
    "Bounce",
    {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "timestamp": "2026-02-25T22:01:42.000Z",
        "bouncedRecipients": [{"emailAddress": "+bob@example.com", "diagnosticCode": f"smtp; 550 {HOSTILE}"}],
    },
    ses_id=OTHER_ID,
    to="+bob@example.com",
    timestamp="2026-02-25T22:01:41.500Z",
    commonHeaders={"subject": HOSTILE},
)


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Run:
    """Runs the command in this process, on a store of its own."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def __call__(self, *arguments: str | Path) -> Done:
        self._capfd.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["postroad", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = self._capfd.readouterr()
        return Done(int(ended.value.code or 0), told.out, told.err)

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("POSTROAD_DB", str(tmp_path / "postroad.db"))
    monkeypatch.chdir(tmp_path)
    return Run(tmp_path, monkeypatch, capfd)


@pytest.fixture
def filled(run: Run) -> Run:
    log, events = run.file("mail.log", LOG), run.file("events.jsonl", f"{DELIVERY}\n{BOUNCE}\n")
    assert run("import", "--relay-log", log, "--ses-events", events).code == 0
    return run


# Help


def test_the_group_names_its_commands(run: Run) -> None:
    told = run("--help")
    assert (told.code, told.err) == (0, "")
    assert all(
        name in told.out
        for name in (
            "import",
            "find",
            "show",
            "export",
            "lines",
            "problems",
            "summary",
            "parse",
            "run",
            "token",
        )
    )


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_help_with_an_example(run: Run, name: str, flag: str) -> None:
    told = run(name, flag)
    assert (told.code, told.err) == (0, "")
    assert f"Example: postroad {name}" in told.out


# Each of them takes longer to load than a question takes to answer.
HEAVY = (
    "aws_lambda_powertools boto3 postroad.api postroad_host.config postroad_host.remote postroad_host.service"
    " pydantic rich urllib.request waitress"
)
LOADED = """
import json, sys
from postroad_host.cli import cli
heavy, *commands = map(str.split, sys.argv[1:])
found = []
for words in commands:
    try:
        cli(words)
    except SystemExit as ended:
        found.append([words[0], ended.code, sorted(sys.modules.keys() & heavy)])
print(json.dumps(found), file=sys.stderr)
"""


def loaded(*commands: str, heavy: str = HEAVY) -> list[list[Any]]:
    """Run commands one after another in a new process: each with its exit code and what of `heavy` is loaded by then."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, heavy, *commands], capture_output=True, text=True, check=True
    )
    found: list[list[Any]] = json.loads(done.stderr.splitlines()[-1])
    return found


@pytest.mark.usefixtures("filled")
def test_commands_load_only_what_they_need() -> None:
    asked = [
        "--version",
        "--help",
        "run --help",
        "parse mail.log",
        "find ann@example.com",
        f"show {OTHER_ID}",
    ]
    asked += [
        "problems --since 2026-02-01",
        "summary",
        "export --csv",
        "lines",
        "import --relay-log mail.log",
    ]
    assert loaded(*asked) == [[one.split()[0], 0, []] for one in asked]
    store = "postroad.journey postroad.search postroad.store.sqlite"
    assert loaded("--version", "--help", heavy=store) == [["--version", 0, []], ["--help", 0, []]]


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_the_examples_are_understood(name: str) -> None:
    command = cli.commands[name]
    words = shlex.split((command.epilog or "").removeprefix("Example: postroad "))
    ends = [words.index(mark) for mark in ("|", ">") if mark in words]
    with (
        cli.make_context("postroad", [name]) as whole,
        command.make_context(name, words[1 : min(ends, default=len(words))], parent=whole) as context,
    ):
        assert context.params


# Misuse


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        ("nonsense", "No such command"),
        ("find", "Missing argument 'ADDRESS'"),
        ("export --nonsense", "No such option"),
        ("export --state gone", "there are queued, deferred, relayed, accepted, delayed, soft-bounced"),
        ("export --since yesterday", "write 2026-02-25, 2026-02-25T10:00, 24h or 7d"),
        ("export --since 999999w", "write 2026-02-25, 2026-02-25T10:00, 24h or 7d"),
        ("export --until 2026-13-01", "write 2026-02-25, 2026-02-25T10:00, 24h or 7d"),
        ("export --db missing.db", "fill it with `postroad import`"),
        ("find x@example.com --db missing.db", "fill it with `postroad import`"),
        ("find x@example.com --stack a --url https://b", "name one of --db, --stack and --url"),
        ("show x --db here.db --url https://b", "name one of --db, --stack and --url"),
        ("problems --region eu-west-1", "name it with --stack"),
        ("summary --url ftp://b", "write https://postroad.example.com"),
        ("summary --url https://[b", "write https://postroad.example.com"),
        ("summary --url https://b?token=c", "write https://postroad.example.com"),
        ("summary --url https://token@b", "put the token into POSTROAD_TOKEN"),
        ("summary --url http://postroad.example.com", "use https"),
        ("lines --timestamps mine", "rfc3339"),
        ("import", "name files with --relay-log or --ses-events"),
        ("import --relay-log - --ses-events -", "name it once"),
        ("import --zone Mars --relay-log x", "use a name such as UTC or Europe/Berlin"),
        ("parse missing.log", "name a file that can be read"),
        ("parse /", "name a file that can be read"),
        ("run --config missing.toml", "name a file that can be read with --config"),
        ("run --sample missing", "--sample takes the folder events/"),
        ("run --port 1", "a config file has it as search.port"),
        ("token joe --scope read", "Missing option '--file'"),
        ("token joe --file tokens --scope write", "'read', 'read.masked', 'suppressions.write'"),
        ("token joe --file tokens --scope read --days 0", "1<=x<=36500"),
    ],
)  # fmt: skip
def test_misuse_ends_with_2_and_names_the_fix(run: Run, arguments: str, fix: str) -> None:
    told = run(*arguments.split())
    assert (told.code, told.out) == (2, "")
    error = told.err.splitlines()[-1]
    assert error.startswith("Error: ")
    assert fix in error


def test_what_is_no_database_is_left_alone(run: Run) -> None:
    path = run.file("mail.log", LOG)
    for command in (["export"], ["find", "ann@example.com"], ["import", "--relay-log", path]):
        told = run(*command, "--db", path)
        assert (told.code, told.out) == (1, "")
        assert told.err == f"postroad: {path} is not a Postroad database: name another file\n"
    assert path.read_text("utf-8") == LOG


# Questions


def test_find(filled: Run) -> None:
    told = filled("find", "Ann@Example.com")
    assert (told.code, told.err) == (0, "")
    assert [line for line in told.out.splitlines() if not line.startswith(" ")] == [
        "2026-02-25 22:01:41  deferred      ann@example.com",
        "2026-02-24 22:01:40  delivered     ann@example.com",
    ]
    assert "queue id 4jXH0q03gszLdBG, on mx1, SES id " + SES_ID in told.out
    assert "\x1b" not in told.out


def test_a_journey_as_json(filled: Run) -> None:
    (found,) = filled("find", "ann@example.com", "--json", "--state", "delivered").documents
    # Programs know the keys in this order; what is new comes last.
    assert list(found)[-4:] == ["timeline", "diagnosis", "stages", "overlays"]
    timeline, why, steps, more = (found.pop(name) for name in list(found)[-4:])
    assert (why["reason"], why["where"], more) == ("delivered", "server", [])
    assert [step["state"] for step in steps] == ["yes", "yes", "yes"]
    assert found == {
        "recipient": "ann@example.com",
        "state": "delivered",
        "complained": False,
        "auto_reply": False,
        "silent": False,
        "sender": "app@example.org",
        "subject": None,
        "message_id": "m1@app.example.org",
        "queue_ids": ["4jXH0q03gszLdBG"],
        "hosts": ["mx1"],
        "ses_id": SES_ID,
        "configuration_set": None,
        "first_seen": "2026-02-24T22:01:40.000Z",
        "last_seen": "2026-02-24T22:01:42.200Z",
        "delay_s": pytest.approx(1.2, abs=1),
    }
    assert all(set(entry) == {"at", "source", "event", "text", "line"} for entry in timeline)
    assert [entry["at"] for entry in timeline] == sorted(entry["at"] for entry in timeline)


def test_export_tells_what_it_always_told(filled: Run) -> None:
    documents = filled("export").documents
    (found,) = filled("find", "+bob@example.com", "--json").documents
    same = next(one for one in documents if one["recipient"] == found["recipient"])
    assert list(found)[: len(same)] == list(same)
    assert {name: found[name] for name in same} == same
    assert "diagnosis" not in same


def test_why_is_told_in_a_sentence(filled: Run) -> None:
    told = filled("find", "ann@example.com").out
    assert "\n    There was no working connection to the recipient's server.\n" in told
    assert "\n    reason: networkerror (the recipient's server; high confidence)\n" in told
    assert "\n    what to do (the mail operators): If it lasts, check name look-up" in told
    assert "what to do (the mail operators): " in filled("problems", "--since", "2026-02-01").out


def test_a_disagreement_is_told(run: Run) -> None:
    soft = json.loads(BOUNCE)
    soft["bounce"]["bounceType"] = "Transient"
    soft["bounce"]["bouncedRecipients"][0]["diagnosticCode"] = "smtp; 550 5.1.1 user unknown"
    run("import", "--ses-events", run.file("events.jsonl", json.dumps(soft)))
    told = run("find", "+bob@example.com")
    assert "    but: Amazon SES calls it temporary (Transient/General), but the reply says" in told.out


def test_the_answer_stands_at_the_head(filled: Run) -> None:
    lines = filled("show", SES_ID).out.splitlines()
    questions = [line for line in lines if line.startswith(("    1. ", "    2. ", "    3. "))]
    assert questions == [
        "    1. Did it leave our application and our mail server? yes, 2026-02-24 22:01:41",
        "    2. Did Amazon SES take it, and is it still there? yes, 2026-02-24 22:01:41",
        "    3. What did the recipient's server say? yes, 2026-02-24 22:01:42",
    ]
    assert lines.index(questions[2]) < lines.index(
        "      2026-02-24 22:01:40  relay  Queued for delivery (321 bytes, recipients: 1)"
    )
    waiting = filled("show", "4jXH0q03gszLdBH").out
    assert (
        "  Put off once, and still tried. There was no working connection to the recipient's server."
        in waiting
    )


def test_csv_with_the_diagnosis(filled: Run) -> None:
    (row,) = csv.DictReader(io.StringIO(filled("find", "+bob@example.com", "--csv").out))
    assert list(row)[-4:] == ["reason", "where", "summary", "advice"]
    assert row["reason"] == "undetermined"


def test_a_problem_that_has_passed_is_none(filled: Run) -> None:
    later = LOG.splitlines()[-1].replace("2026-02-25T22:01:41", "2026-02-25T22:09:41")
    later = later.replace(
        "deferred (connect to x: Connection timed out)", f"sent (250 Ok {OTHER_ID[:-7]}-000001)"
    )
    later = later.replace("relay=none", f"relay={RELAY}")
    assert filled("import", "--relay-log", filled.file("later.log", f"{later}\n")).code == 0
    assert [one["state"] for one in filled("problems", "--since", "2026-02-01", "--json").documents] == [
        "bounced"
    ]


def test_summary(filled: Run) -> None:
    (told,) = filled("summary", "--since", "2026-02-01", "--json").documents
    assert told["window"]["since"] == "2026-02-01T00:00:00.000Z"
    assert told["total"]["states"] == {"bounced": 1, "deferred": 1, "delivered": 1}
    assert told["total"]["rates"]["hard_bounce"] == pytest.approx(0.5)
    assert [(one["day"], one["messages"]) for one in told["days"]] == [("2026-02-24", 1), ("2026-02-25", 2)]
    (one_day,) = filled("summary", "--since", "2026-02-01", "--until", "2026-02-25", "--json").documents
    assert one_day["total"]["messages"] == 1
    shown = filled("summary", "--since", "2026-02-01")
    assert (shown.code, shown.err) == (0, "")
    assert "3 messages" in shown.out
    assert "      50.00 %  hard bounces" in shown.out
    assert "By receiving provider" in shown.out


def test_summary_of_nothing(filled: Run) -> None:
    told = filled("summary", "--since", "2000-01-01", "--until", "2000-01-02")
    assert (told.code, told.err) == (0, "")
    assert "0 messages" in told.out
    assert "          - %  delivered" in told.out


def test_a_token_that_is_none_is_not_repeated(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROAD_TOKEN", "two words")
    told = run("summary", "--url", "https://postroad.example.com")
    assert (told.code, told.out) == (2, "")
    assert "POSTROAD_TOKEN holds no token" in told.err
    assert "two words" not in told.err


def test_who_is_not_known_is_said_on_stderr(filled: Run) -> None:
    told = filled("find", "nobody@example.com")
    assert told == Done(0, "", "postroad: no mail for nobody@example.com is known here\n")
    assert filled("find", "nobody@example.com", "--json") == told
    assert filled("show", "nothing").out == ""


@pytest.mark.parametrize(
    "identifier", [SES_ID, "4jXH0q03gszLdBG", "m1@app.example.org", "<m1@app.example.org>"]
)
def test_show_takes_any_id(filled: Run, identifier: str) -> None:
    told = filled("show", identifier)
    assert (told.code, told.err) == (0, "")
    assert "status=sent (250 Ok " in told.out
    assert "status=delivered (250 ok)" in told.out
    (found,) = filled("show", identifier, "--json").documents
    assert found["ses_id"] == SES_ID


@pytest.mark.parametrize(
    ("arguments", "states"),
    [
        ("", ["delivered", "deferred", "bounced"]),
        ("--since 2026-02-25", ["deferred", "bounced"]),
        ("--until 2026-02-25", ["delivered"]),
        ("--since 2026-02-24T22:01:40 --until 2026-02-24T22:01:41", ["delivered"]),
        ("--until 2026-02-24T22:01:40", []),
        ("--since 1d", []),
        ("--state bounced", ["bounced"]),
        ("--state bounced --until 2026-02-25", []),
    ],
)
def test_windows_and_states(filled: Run, arguments: str, states: list[str]) -> None:
    found = filled("export", *arguments.split()).documents
    assert sorted(one["state"] for one in found) == sorted(states)
    for_ann = filled("find", "ann@example.com", "--json", *arguments.split()).documents
    assert sorted(one["state"] for one in for_ann) == sorted(state for state in states if state != "bounced")


def test_every_state_can_be_asked_for(filled: Run) -> None:
    for state in State:
        assert filled("export", "--state", state.word).code == 0


def test_problems(filled: Run) -> None:
    told = filled("problems", "--since", "2026-02-01", "--json")
    assert [one["state"] for one in told.documents] == ["bounced", "deferred"]
    assert filled("problems", "--since", "1d") == Done(0, "", "postroad: none\n")


def test_lines(filled: Run) -> None:
    told = filled("lines")
    assert (told.code, told.err) == (0, "")
    assert [line.split(" ")[0] for line in told.out.splitlines()] == [
        "2026-02-24T22:01:41.000Z",
        "2026-02-24T22:01:42.200Z",
        "2026-02-25T22:01:41.000Z",
        "2026-02-25T22:01:42.000Z",
    ]
    assert filled("lines", "--timestamps", "traditional").out.startswith(
        "Feb 24 22:01:41 mx1 postfix/smtp[14]: "
    )
    assert len(filled("lines", "--since", "2026-02-25").out.splitlines()) == 2
    assert len(filled("lines", "--until", "2026-02-24T22:01:42").out.splitlines()) == 1


# What is shown


def test_csv(filled: Run) -> None:
    told = filled("export", "--csv")
    header, *rows = csv.reader(io.StringIO(told.out))
    assert header[:4] == ["recipient", "state", "complained", "auto_reply"]
    assert "timeline" not in header
    assert len(rows) == 3
    assert len(told.out.splitlines()) == 4
    (row,) = (dict(zip(header, row, strict=True)) for row in rows if "bob" in row[0])
    # A spreadsheet would run what begins with one of = + - @.
    assert row["recipient"] == "'+bob@example.com"
    assert row["subject"].startswith("'=cmd|")
    assert row["complained"] == "false"


@pytest.mark.parametrize(
    "arguments",
    [
        "find +bob@example.com",
        "find +bob@example.com --json",
        "find +bob@example.com --csv",
        f"show {OTHER_ID}",
        f"show {OTHER_ID} --json",
        "export",
        "export --csv",
        "lines",
        "lines --timestamps traditional",
        "problems --since 2026-02-01",
        "problems --since 2026-02-01 --csv",
        "parse {events}",
        "parse --json {events}",
    ],
)
def test_nothing_that_a_terminal_obeys(filled: Run, arguments: str) -> None:
    told = filled(*(word.format(events=filled.folder / "events.jsonl") for word in arguments.split()))
    assert (told.code, told.err) == (0, "")
    assert "bob@example.com" in told.out
    assert [char for char in told.out.replace("\n", "") if not char.isprintable()] == []
    assert not any(line.startswith("2026 forged") for line in told.out.splitlines())


def test_json_says_what_was_said(filled: Run) -> None:
    (found,) = filled("find", "+bob@example.com", "--json").documents
    assert found["subject"] == HOSTILE


# What input lines say


def test_parse_a_log(run: Run) -> None:
    found = run("parse", "--json", run.file("mail.log", LOG)).documents
    # `connect` says nothing of a message.
    assert [one["line"] for one in found] == [2, 3, 4, 5, 6, 7]
    said = {one["line"]: one["facts"][0] for one in found}
    assert said[2]["client"] == "app[192.0.2.9]"
    assert said[3]["message_id"] == "m1@app.example.org"
    assert (said[4]["from"], said[4]["daemon"]) == ("app@example.org", "qmgr")
    expected = {
        "host": "mx1",
        "daemon": "smtp",
        "queue_id": "4jXH0q03gszLdBG",
        "to": "ann@example.com",
        "orig_to": "team@example.org",
        "relay": RELAY,
        "delay": "1.5",
        "delays": "0.1/0/1/0.4",
        "dsn": "2.0.0",
        "status": "sent",
        "reply": f"250 Ok {SES_ID}",
        "ses_id": SES_ID,
    }
    assert said[5].items() >= expected.items()


def test_parse_events(run: Run) -> None:
    (found,) = run("parse", "--json", run.file("events.jsonl", f"{DELIVERY}\n")).documents
    assert [fact["event"] for fact in found["facts"]] == ["submitted", "delivered"]
    assert {fact["ses_id"] for fact in found["facts"]} == {SES_ID}


def test_parse_what_is_refused(run: Run) -> None:
    refused = 'Feb 31 00:00:01 mx1 postfix/smtp[1]: A1B2C3: to=<x@example.com>, relay=x, delay=1, dsn=2.0.0, status=sent (ok)\n{"eventType": "Send"}\n'
    path = run.file("mail.log", refused)
    told = run("parse", "--json", path)
    assert told.code == 0
    assert [one["line"] for one in told.documents] == [1, 2]
    assert told.documents[0]["error"].startswith("no such time")
    assert "mail" in told.documents[1]["error"]
    assert run("parse", path).out.startswith("1: refused: no such time")


def test_parse_what_is_irrelevant(run: Run) -> None:
    path = run.file("mail.log", "\n\nFeb 25 00:00:01 mx1 sshd[1]: Accepted publickey\nnonsense\n")
    assert run("parse", "--json", path) == Done(0, "", "")


# Whoever reads it


def test_a_reader_that_has_had_enough(filled: Run) -> None:
    many = "".join(
        f"{event('Delivery', {'recipients': [f'r{n}@example.com']}, to=f'r{n}@example.com')}\n"
        for n in range(600)
    )
    assert filled("import", "--ses-events", filled.file("many.jsonl", many)).code == 0
    for shape in ("--json", "--csv"):
        with subprocess.Popen(
            [POSTROAD, "export", shape], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout
            assert process.stderr
            assert process.stdout.readline()
            process.stdout.close()
            assert (process.stderr.read(), process.wait(20)) == (b"", 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("arguments", ["export", "export --csv", "lines", "find ann@example.com"])
def test_a_full_disk_under_the_output(arguments: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [POSTROAD, *arguments.split()], stdout=full, stderr=subprocess.PIPE, check=False, env=os.environ
        )
    assert done.returncode == 1
    assert done.stderr == b"postroad: standard output: No space left on device\n"


# Tokens


def test_a_token_is_shown_once(run: Run) -> None:
    told = run(
        "token", "Ann, support", "--file", "tokens", "--scope", "read", "--scope", "suppressions.write"
    )
    assert re.fullmatch(r"pr_[\w-]{43}\n", told.out)
    assert told.err == "postroad: this is shown once; to revoke it remove its line from tokens\n"
    assert told.out.strip() not in Path("tokens").read_text()
    asker = TokenFile(Path("tokens")).asker(told.out.strip())
    assert asker == Asker("Ann, support", frozenset(("read", "suppressions.write")))


def test_tokens_are_added_whatever_was_done_to_the_file(run: Run) -> None:
    first = run("token", "ann", "--file", "tokens", "--scope", "read", "--days", "1").out.strip()
    path = Path("tokens")
    path.write_text(path.read_text().rstrip("\n"))
    second = run("token", "bob", "--file", "tokens", "--scope", "read.masked").out.strip()
    assert [found and found.who for found in map(TokenFile(path).asker, (first, second))] == ["ann", "bob"]


def test_a_token_for_nobody_is_not_made(run: Run) -> None:
    told = run("token", " ", "--file", "tokens", "--scope", "read")
    assert (told.code, told.out) == (2, "")
    assert "name whose token it is" in told.err
    assert not Path("tokens").exists()


def test_a_file_of_something_else_is_left_alone(run: Run) -> None:
    path = run.file("mail.log", LOG)
    told = run("token", "ann", "--file", path, "--scope", "read")
    assert (told.code, told.out) == (2, "")
    assert "mail.log: line 1 is no token" in told.err
    assert path.read_text() == LOG


def test_a_token_that_can_be_kept_nowhere(run: Run) -> None:
    told = run("token", "ann", "--file", "missing/tokens", "--scope", "read")
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("postroad: missing/tokens: No such file or directory")


def test_the_version(run: Run) -> None:
    assert "postroad, version " in run("--version").out


def test_commands_are_documented() -> None:
    for command in cli.commands.values():
        assert command.help
        assert all(
            option.help
            for option in command.params
            if isinstance(option, click.Option) and option.name != "timestamps"
        )
