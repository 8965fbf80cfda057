"""The `postroad` command and service as other processes, and histories of mail for them to read."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Self, TypeVar
from urllib.parse import quote
from uuid import UUID

from tests.e2e.parts.ses_endpoint import REGION_CODE, Accepted
from tests.e2e.parts.ses_events import Doc
from tests.e2e.parts.ses_fates import FATES, fates

POSTROAD = Path(sys.executable).with_name("postroad")
PATIENCE = 30.0
APP = "app[192.0.2.9]"
THROTTLED = (
    "dsn=4.0.0, status=deferred (host ses said: 454 Throttling failure: Maximum sending rate exceeded.)"
)
# Where what `ses_fates` tells leaves a recipient.
OUTCOMES = {
    "ok": "delivered",
    "hardbounce": "bounced",
    "lateb": "bounced",
    "ooo": "delivered",
    "complain": "delivered",
    "suppressed": "suppressed",
    "softbounce": "soft-bounced",
    "slow": "delivered",
    "open": "delivered",
    "click": "delivered",
    "silent": "accepted",
}
T = TypeVar("T")
Journey = dict[str, Any]


def until(probe: Callable[[], T | None], what: str, timeout: float = PATIENCE) -> T:
    """Ask until the answer is true."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if answer := probe():
            return answer
        time.sleep(0.05)
    raise TimeoutError(f"waited {timeout} s for {what}")


def postroad(
    *arguments: str | Path, stdin: bytes | None = None, exit_code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run the command, and see that it ends as it should."""
    done = subprocess.run(
        [POSTROAD, *arguments], input=stdin, capture_output=True, check=False, timeout=PATIENCE * 2
    )
    told = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert told.returncode == exit_code, f"{arguments} ended with {told.returncode}: {told.stderr}"
    return told


def documents(*arguments: str | Path) -> list[dict[str, Any]]:
    """What the command tells as JSON lines."""
    return [json.loads(line) for line in postroad(*arguments).stdout.splitlines()]


@dataclass(kw_only=True)
class Service:
    """A `postroad run` in a process of its own; a context manager that ends it with SIGTERM."""

    root: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Its config file: keys, and sections of keys."""
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    """Further than `run`; none means: with a config file made of `settings`."""
    process: "subprocess.Popen[bytes]" = field(init=False)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()

    @property
    def database(self) -> Path:
        return self.root / "postroad.db"

    @property
    def unified(self) -> Path:
        return self.root / "unified.log"

    @property
    def stdout(self) -> Path:
        return self.root / "stdout"

    @property
    def stderr(self) -> str:
        return (self.root / "stderr").read_text("utf-8")

    def start(self) -> None:
        """Start it; it is not waited for."""
        self.root.mkdir(exist_ok=True)
        arguments = self.arguments or ("--config", str(self._config()))
        with self.stdout.open("ab") as stdout, (self.root / "stderr").open("wb") as stderr:
            self.process = subprocess.Popen(
                [POSTROAD, "run", *arguments],
                env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true", **self.environment},
                stdout=stdout,
                stderr=stderr,
            )

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def url(self) -> str:
        """Where its search answers, once it does."""
        return self._told()[1]

    def token(self) -> str:
        """The token of its session."""
        return self._told()[2]

    def _told(self) -> re.Match[str]:
        def told() -> re.Match[str] | None:
            assert self.process.poll() is None, self.stderr
            return re.search(r"search at (http://[^/\s]+)/#token=(\S+)", self.stderr)

        return until(told, "the search's address")

    def search(self, recipient: str) -> list[Journey]:
        """Search as a program on this machine may: without a token."""
        asked = f"{self.url()}/v1/journeys?recipient={quote(recipient)}"
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
            found: list[Journey] = json.load(answer)["journeys"]
            return found

    def find(self, recipient: str, *arguments: str) -> list[Journey]:
        return documents("find", recipient, "--db", self.database, "--json", *arguments)

    def _config(self) -> Path:
        written: dict[str, Any] = {
            "database": str(self.database),
            "unified_lines": {"to": "file", "path": str(self.unified)},
            "search": {"port": 0},
            **self.settings,
        }
        path = self.root / "postroad.toml"
        path.write_text("".join(f"{line}\n" for line in _toml(written)), "utf-8")
        return path


def _toml(written: Mapping[str, Any]) -> Iterable[str]:
    """What JSON writes of texts, numbers and lists of texts is TOML as well."""
    sections = {name: value for name, value in written.items() if isinstance(value, Mapping)}
    yield from (f"{name} = {json.dumps(value)}" for name, value in written.items() if name not in sections)
    for name, keys in sections.items():
        yield f"[{name}]"
        yield from _toml(keys)


@dataclass(kw_only=True)
class History:
    """The log and the events of a relay's day, told by a small simulation: the same for the same seed."""

    seed: int
    messages: int
    domain: str = ".example.org"
    """What Received has behind the host's name, and the log has not."""
    start: datetime = datetime(2026, 2, 24, 22, 0, tzinfo=UTC)
    log: list[str] = field(default_factory=list)
    events: list[Doc] = field(default_factory=list)
    truth: dict[tuple[str, str], str] = field(default_factory=dict)
    """The state of each message, by its Message-ID, for each recipient."""
    _stamped: list[tuple[datetime, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Tell it all."""
        self._random = Random(self.seed)
        self._id = 0x1000
        for number in range(self.messages):
            # It passes midnight, and so the day that records of a queue stand under.
            self._message(number, self.start + timedelta(seconds=number * 10_000 / self.messages))
        self.log = [line for _, _, line in sorted(self._stamped)]

    def _message(self, number: int, at: datetime) -> None:
        kinds = self._random.choices(("ok", *FATES, "virus"), weights=(12, *[1] * len(FATES), 1), k=3)
        mail = _Mail(
            host=self._random.choice(("mx1", "mx2")),
            number=number,
            recipients=[
                f"{kind}{self._random.randrange(40)}@example.com"
                for kind in dict.fromkeys(kinds[: 1 + number % 3])
            ],
        )
        courses = {
            self._relayed: 10,
            self._retried: 2,
            self._requeued: 1,
            self._bounced: 1,
            self._refused: 1,
        }
        (course,) = self._random.choices(list(courses), list(courses.values()))
        course(at, mail)

    # The courses that mail takes

    def _relayed(self, at: datetime, mail: "_Mail") -> None:
        self._hand_over(at, mail, self._arrival(at, mail))

    def _retried(self, at: datetime, mail: "_Mail") -> None:
        queue_id = self._arrival(at, mail)
        self._attempts(at, mail, queue_id, THROTTLED)
        self._hand_over(at + timedelta(seconds=self._random.randrange(60, 2000)), mail, queue_id)

    def _requeued(self, at: datetime, mail: "_Mail") -> None:
        old, new = self._arrival(at, mail), self._next_id()
        self._attempts(at, mail, old, THROTTLED)
        self._say(at + timedelta(seconds=10), mail, "postsuper", f"{old}: requeued")
        at += timedelta(seconds=12)
        self._say(at, mail, "pickup", f"{new}: uid=0 from=<app@example.org> orig_id={old}")
        self._entry(at, mail, new)
        self._hand_over(at, mail, new)

    def _bounced(self, at: datetime, mail: "_Mail") -> None:
        queue_id = self._arrival(at, mail)
        self._attempts(at, mail, queue_id, "dsn=5.0.0, status=bounced (host ses said: 554 Message rejected)")
        self.truth |= {(self._message_id(mail), to): "bounced" for to in mail.recipients}
        self._say(at + timedelta(seconds=3), mail, "qmgr", f"{queue_id}: removed")

    def _refused(self, at: datetime, mail: "_Mail") -> None:
        said = "554 5.7.1 <blocked@example.net>: Recipient address rejected: policy says no"
        envelope = "from=<app@example.org> to=<blocked@example.net> proto=ESMTP helo=<app>"
        self._say(at, mail, "smtpd", f"NOQUEUE: reject: RCPT from {APP}: {said}; {envelope}")

    # Their parts

    def _arrival(self, at: datetime, mail: "_Mail") -> str:
        queue_id = self._next_id()
        self._say(at, mail, "smtpd", f"{queue_id}: client={APP}")
        self._entry(at, mail, queue_id)
        return queue_id

    def _entry(self, at: datetime, mail: "_Mail", queue_id: str) -> None:
        envelope = f"from=<app@example.org> to=<{mail.recipients[0]}> proto=ESMTP helo=<app>"
        size = f"size=321, nrcpt={len(mail.recipients)}"
        self._say(
            at, mail, "cleanup", f"{queue_id}: info: header Subject: {mail.subject} from {APP}; {envelope}"
        )
        self._say(at, mail, "cleanup", f"{queue_id}: message-id=<{self._message_id(mail)}>")
        self._say(at, mail, "qmgr", f"{queue_id}: from=<app@example.org>, {size} (queue active)")

    def _attempts(self, at: datetime, mail: "_Mail", queue_id: str, outcome: str) -> None:
        how = "relay=ses[198.51.100.7]:587, delay=1.5, delays=0.1/0/1/0.4"
        for to in mail.recipients:
            self._say(at + timedelta(seconds=2), mail, "smtp", f"{queue_id}: to=<{to}>, {how}, {outcome}")

    def _hand_over(self, at: datetime, mail: "_Mail", queue_id: str) -> None:
        self.truth |= {(self._message_id(mail), to): _outcome(to, mail) for to in mail.recipients}
        taken = at + timedelta(seconds=1)
        noise = UUID(int=self._random.getrandbits(128), version=4)
        ses_id = f"{REGION_CODE}{round(taken.timestamp() * 1000):012x}-{noise}-000000"
        self._attempts(at, mail, queue_id, f"dsn=2.0.0, status=sent (250 Ok {ses_id})")
        self._say(at + timedelta(seconds=3), mail, "qmgr", f"{queue_id}: removed")
        received = (
            f"from app (app [192.0.2.9]) by {mail.host}{self.domain} (Postfix) with ESMTP id {queue_id}; now"
        )
        headers = (
            ("Received", received),
            ("Subject", mail.subject),
            ("Message-ID", f"<{self._message_id(mail)}>"),
        )
        # Some relays strip Received; then the log alone joins the two.
        kept = headers if self._random.random() < 0.8 else headers[1:]
        self.events += fates(
            Accepted(
                ses_id=ses_id,
                at=taken,
                mail_from="app@example.org",
                recipients=tuple(mail.recipients),
                headers=kept,
                size=321,
            )
        )

    def _message_id(self, mail: "_Mail") -> str:
        return f"{mail.number}.{self.seed}@app.example.org"

    def _say(self, at: datetime, mail: "_Mail", daemon: str, text: str) -> None:
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}+00:00"
        self._stamped.append((at, len(self._stamped), f"{stamp} {mail.host} postfix/{daemon}[4711]: {text}"))

    def _next_id(self) -> str:
        """Short ids, which come again on the same host and on the other one."""
        self._id += self._random.randrange(1, 5)
        return f"{self._id % 0x180 + 0xA00000:X}"


@dataclass(kw_only=True)
class _Mail:
    host: str
    number: int
    recipients: list[str]

    @property
    def subject(self) -> str:
        return f"Order {self.number}"


def _outcome(recipient: str, mail: _Mail) -> str:
    if any(to.startswith("virus") for to in mail.recipients):
        return "rejected"
    if all(to.startswith("silent") for to in mail.recipients):
        return "relayed"
    return next(state for kind, state in OUTCOMES.items() if recipient.startswith(kind))
