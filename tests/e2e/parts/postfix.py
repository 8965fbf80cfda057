"""A private Postfix relay on the loopback address, for tests that want the real thing.

It needs root and the `postfix` package (and `libsasl2-modules`, unless `login` is None);
`available()` says whether the first two are there. The system's own Postfix is never started, stopped or read.
"""

import contextlib
import gzip
import json
import os
import re
import shutil
import signal
import smtplib
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.e2e.parts.ports import LOOPBACK, free_port

BLOCKED = "blocked@example.net"
QUARANTINED = "quarantined@example.net"
TEAM = "team@example.org"
TEAM_MEMBERS = ("x1@example.com", "x2@example.com")
PATIENCE = 20.0

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {root}/spool
data_directory = {root}/data
maillog_file = {root}/mail.log
maillog_file_prefixes = {root}
myhostname = {host}
myorigin = {host}
mydestination =
local_transport = error:local
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
enable_long_queue_ids = {long_ids}
relayhost = [127.0.0.1]:{relay_port}
smtp_host_lookup = native
transport_maps = inline:{{{routes}}}
smtp_sasl_auth_enable = {sasl}
smtp_sasl_password_maps = inline:{{{{[127.0.0.1]:{relay_port} = {login}}}}}
smtp_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access inline:{{{access}}}, permit_mynetworks, reject
header_checks = regexp:{{{{/^Subject:/ INFO}}}}
virtual_alias_domains =
virtual_alias_maps = inline:{{{{{team} = {members}}}}}
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
"""

# pickup looks every 2 s rather than every 60: that is how long a requeued message waits.
MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 2 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

Reply = tuple[int, str]
T = TypeVar("T")


def available() -> bool:
    """Tell whether a private Postfix can be run here."""
    return shutil.which("postfix", path=_path()) is not None and os.geteuid() == 0


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the client saw: the reply to each command, and the queue id in the last one."""

    mail: Reply
    recipients: dict[str, Reply]
    data: Reply | None
    message_id: str

    @property
    def queue_id(self) -> str | None:
        found = re.search(r"queued as (\w+)", self.data[1]) if self.data else None
        return found[1] if found else None

    @property
    def refused(self) -> dict[str, Reply]:
        return {to: reply for to, reply in self.recipients.items() if reply[0] >= 400}


@dataclass(kw_only=True)
class Postfix:
    """One instance in a directory of its own; a context manager that leaves nothing behind."""

    relay_port: int
    login: str | None = "AKIAEXAMPLE:secret"
    long_ids: bool = True
    host: str = "mx1.example.org"
    routes: dict[str, int] = field(default_factory=dict)
    """Domains that do not go to SES: domain -> port of the server that takes them."""
    settings: dict[str, str] = field(default_factory=dict)
    """Further lines of main.cf; they win over the ones above."""
    port: int = field(default_factory=free_port)
    root: Path = field(init=False)

    def __enter__(self) -> Self:
        self.root = Path(tempfile.mkdtemp(prefix="postfix-"))
        try:
            self._configure()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.root, ignore_errors=True)

    @property
    def log_path(self) -> Path:
        return self.root / "mail.log"

    # The daemon itself

    def start(self) -> None:
        self._run("postfix", "start")
        _until(self._listening, "Postfix to listen")

    def stop(self) -> None:
        """Stop the master this instance started, by force where asking did not help."""
        master = self._master()
        if master is None:
            return
        self._run("postfix", "stop", check=False)
        with contextlib.suppress(TimeoutError):
            _until(lambda: self._master() is None, "Postfix to stop", timeout=5)
        if self._master() == master:
            # The master leads a session of its own, so its group is all of this instance and nothing else.
            os.killpg(master, signal.SIGKILL)

    def reload(self) -> None:
        self._run("postfix", "reload")

    def configure(self, **settings: str) -> None:
        """Change lines of main.cf while it runs."""
        self._run("postconf", "-e", *(f"{name}={value}" for name, value in settings.items()))
        self.reload()

    def rotate_log(self) -> Path:
        """Have Postfix rename and compress its log; return that file. There is no log again until the next line."""
        before = set(self.root.glob("mail.log.*"))
        self._run("postfix", "logrotate")
        (rotated,) = set(self.root.glob("mail.log.*")) - before
        return rotated

    # Mail in

    def send(
        self,
        sender: str,
        recipients: Sequence[str],
        subject: str = "Hello",
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: str = "Hello there.\r\n",
    ) -> Sent:
        """Submit one message by SMTP; refusals are returned, never raised."""
        given = _headers(sender, recipients, subject, headers)
        text = "".join(f"{name}: {value}\r\n" for name, value in given) + "\r\n" + body
        message_id = next((value for name, value in given if name.lower() == "message-id"), "")
        with smtplib.SMTP(LOOPBACK, self.port, local_hostname="app.example.org", timeout=PATIENCE) as client:
            client.ehlo()
            mail = _reply(client.mail(sender))
            seen = {to: _reply(client.rcpt(to)) for to in recipients}
            taken = any(code < 400 for code, _ in seen.values())
            data = _reply(client.data(text.encode("utf-8", "surrogateescape"))) if taken else None
        return Sent(mail=mail, recipients=seen, data=data, message_id=message_id)

    # The queue

    def queue(self) -> list[dict[str, Any]]:
        """List the queue as `postqueue -j` gives it."""
        return [json.loads(line) for line in self._run("postqueue", "-j").splitlines()]

    def flush(self) -> None:
        self._run("postqueue", "-f")

    def requeue(self, queue_id: str) -> None:
        self._super("-r", queue_id)

    def hold(self, queue_id: str) -> None:
        self._super("-h", queue_id)

    def release(self, queue_id: str) -> None:
        self._super("-H", queue_id)

    def delete(self, queue_id: str) -> None:
        self._super("-d", queue_id)

    def expire(self, queue_id: str, *, at_once: bool = True) -> None:
        """Force a message to expire, now or at its next turn in the queue."""
        self._super("-f" if at_once else "-e", queue_id)

    # The log

    def log(self) -> str:
        """Read the whole log, the rotated files first."""
        rotated = sorted(self.root.glob("mail.log.*.gz"))
        parts = [gzip.decompress(path.read_bytes()) for path in rotated]
        if self.log_path.exists():
            parts.append(self.log_path.read_bytes())
        return b"".join(parts).decode("utf-8", "surrogateescape")

    def wait_for(self, pattern: str, *, after: int = 0, timeout: float = PATIENCE) -> re.Match[str]:
        """Wait until the log, past its first `after` characters, matches; return the first match."""
        sought = re.compile(pattern, re.MULTILINE)
        return _until(lambda: sought.search(self.log(), after), f"{pattern!r} in the log", timeout=timeout)

    def wait_until_empty(self, timeout: float = PATIENCE) -> None:
        _until(lambda: not self.queue(), "an empty queue", timeout=timeout)

    # Inside

    def _configure(self) -> None:
        # Daemons run as another user, and mkdtemp lets nobody else in.
        self.root.chmod(0o755)
        for name in ("etc", "spool", "data"):
            (self.root / name).mkdir()
        shutil.chown(self.root / "data", "postfix")
        (self.root / "etc/master.cf").write_text(MASTER_CF.format(port=self.port))
        (self.root / "etc/main.cf").write_text(self._main_cf())

    def _main_cf(self) -> str:
        routes = [f"{{{domain} = smtp:[127.0.0.1]:{port}}}" for domain, port in self.routes.items()]
        text = MAIN_CF.format(
            root=self.root,
            host=self.host,
            long_ids="yes" if self.long_ids else "no",
            relay_port=self.relay_port,
            routes=", ".join(routes) or "{routes.invalid = :}",
            sasl="yes" if self.login else "no",
            login=self.login or "nobody:nothing",
            access=f"{{{BLOCKED} = REJECT policy says no}}, {{{QUARANTINED} = HOLD looked at by hand}}",
            team=TEAM,
            members=",".join(TEAM_MEMBERS),
        )
        return text + "".join(f"{name} = {value}\n" for name, value in self.settings.items())

    def _super(self, flag: str, queue_id: str) -> None:
        self._run("postsuper", flag, queue_id)

    def _run(self, tool: str, *arguments: str, check: bool = True) -> str:
        # The log has the daemon's local time and no zone: UTC makes every run alike.
        environment = {"PATH": _path(), "TZ": "UTC", "LANG": "C"}
        command = [tool, "-c", f"{self.root}/etc", *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stderr}\n{self.log()}")
        return done.stdout

    def _master(self) -> int | None:
        """Return the pid of the running master. The file with it outlives it, so the process must work in our spool."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.root / "spool/pid/master.pid").read_text())
            return pid if Path(f"/proc/{pid}/cwd").readlink() == self.root / "spool" else None
        return None

    def _listening(self) -> bool:
        with contextlib.suppress(OSError), smtplib.SMTP(LOOPBACK, self.port, timeout=5) as client:
            return client.noop()[0] == 250
        return False


def _reply(reply: tuple[int, bytes]) -> Reply:
    return reply[0], reply[1].decode("utf-8", "replace")


def _headers(
    sender: str, recipients: Sequence[str], subject: str, given: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Complete the given headers with the usual ones they do not name."""
    usual = {
        "From": sender,
        "To": ",\r\n ".join(recipients),
        "Subject": subject,
        "Date": formatdate(),
        "Message-ID": f"<{uuid.uuid4()}@app.example.org>",
    }
    named = {name.lower() for name, _ in given}
    return [*((name, value) for name, value in usual.items() if name.lower() not in named), *given]


def _until(probe: Callable[[], T | None], what: str, timeout: float = PATIENCE) -> T:
    """Ask until the answer is true."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if answer := probe():
            return answer
        time.sleep(0.05)
    raise TimeoutError(f"waited {timeout} s for {what}")
