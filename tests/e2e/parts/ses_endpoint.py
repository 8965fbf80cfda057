"""A stand-in for the SMTP endpoint of Amazon SES, on the loopback address.

What it does with a message follows from the recipients' local parts:

    throttle*    454 at the end of DATA, the first `throttled` times, then accepted
    unverified*  554 at the end of DATA
    badrcpt*     501 at RCPT
    lostconn*    the first time the message is accepted, and the connection drops before the reply
    others       accepted, with an id of its own for each transaction

`MAIL FROM:<>` gets 501, as from SES, so that bounce notices of a relay die here.
What SES says later about accepted mail is in `ses_events`.
"""

import asyncio
import logging
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.e2e.parts.ports import LOOPBACK, free_port

REGION_CODE = "0102"
THROTTLED = "454 Throttling failure: Maximum sending rate exceeded."
UNVERIFIED = (
    "554 Message rejected: Email address is not verified. "
    "The following identities failed the check in region EU-WEST-1: {recipient}"
)
EXTENSIONS = ("SIZE", "8BITMIME", "AUTH")
MOST_RECIPIENTS = 50

# aiosmtpd warns of a deprecation of its own at each login.
logging.getLogger("mail.log").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One transaction that SES took: the id it gave, and the message as it received it."""

    ses_id: str
    at: datetime
    mail_from: str
    recipients: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    size: int
    reply_lost: bool = False
    """The client never saw the id, because the connection dropped."""


@dataclass(kw_only=True)
class SesEndpoint:
    """The endpoint; a context manager. It can be stopped and started again on its port."""

    login: str | None = "AKIAEXAMPLE:secret"
    throttled: int = 1
    port: int = field(default_factory=free_port)
    _accepted: list[Accepted] = field(default_factory=list)
    _attempts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _controller: Controller | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def accepted(self) -> list[Accepted]:
        """What was accepted so far, in order: a copy."""
        with self._lock:
            return list(self._accepted)

    def start(self) -> None:
        controller = Controller(
            _Dialogue(self),
            hostname=LOOPBACK,
            port=self.port,
            server_hostname="email-smtp.amazonaws.com",
            ident="ESMTP SimpleEmailService-d-EXAMPLE",
            authenticator=self._authenticate,
            auth_require_tls=False,
        )
        controller.start()
        self._controller = controller

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def attempt(self, recipient: str) -> int:
        """Count one attempt at a recipient, and say which one it is."""
        with self._lock:
            self._attempts[recipient] += 1
            return self._attempts[recipient]

    def accept(self, envelope: Envelope, *, reply_lost: bool = False) -> Accepted:
        """Give the message an id and note it."""
        ses_id, at = new_id(time.time_ns() // 1_000_000)
        content = envelope.original_content or b""
        accepted = Accepted(
            ses_id=ses_id,
            at=at,
            mail_from=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            headers=_headers(content),
            size=len(content),
            reply_lost=reply_lost,
        )
        with self._lock:
            self._accepted.append(accepted)
        return accepted

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        if (
            isinstance(data, LoginPassword)
            and f"{data.login.decode()}:{data.password.decode()}" == self.login
        ):
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False, message="535 Authentication Credentials Invalid")


class _Dialogue:
    """The answers, as aiosmtpd asks for them."""

    def __init__(self, endpoint: SesEndpoint) -> None:
        self._endpoint = endpoint

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        session.host_name = hostname
        offered = [reply for reply in replies[1:] if reply[4:].startswith(EXTENSIONS)]
        return [replies[0], *offered, "250 Ok"]

    async def handle_MAIL(
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._endpoint.login and not session.authenticated:
            return "530 Authentication required"
        if address in {"", "<>"}:
            return "501 Invalid MAIL FROM address provided"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 Ok"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("badrcpt"):
            return "501 Invalid RCPT TO address provided"
        envelope.rcpt_tos.append(address)
        return "250 Ok"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        if len(envelope.rcpt_tos) > MOST_RECIPIENTS:
            return "554 Transaction failed: Recipient count exceeds 50."
        if refusal := self._refusal(envelope.rcpt_tos):
            return refusal
        lost = self._first(envelope.rcpt_tos, "lostconn", times=1)
        accepted = self._endpoint.accept(envelope, reply_lost=lost is not None)
        if lost and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return f"250 Ok {accepted.ses_id}"

    def _refusal(self, recipients: list[str]) -> str | None:
        for recipient in recipients:
            if recipient.startswith("unverified"):
                return UNVERIFIED.format(recipient=recipient)
        return THROTTLED if self._first(recipients, "throttle", times=self._endpoint.throttled) else None

    def _first(self, recipients: list[str], prefix: str, times: int) -> str | None:
        """Return a recipient of this kind that has not been tried `times` times before."""
        kind = [recipient for recipient in recipients if recipient.startswith(prefix)]
        return next((recipient for recipient in kind if self._endpoint.attempt(recipient) <= times), None)


def new_id(milliseconds: int) -> tuple[str, datetime]:
    """Make an id as SES does: region code, time of acceptance in milliseconds, noise."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{REGION_CODE}{milliseconds:012x}-{uuid.uuid4()}-000000", at


def _headers(content: bytes) -> tuple[tuple[str, str], ...]:
    parsed = BytesHeaderParser(policy=compat32).parsebytes(content)
    return tuple((name, _text(value)) for name, value in parsed.raw_items())


def _text(value: str) -> str:
    """Unfold a header, and read its bytes as UTF-8."""
    unfolded = value.replace("\r\n", "").replace("\n", "")
    return unfolded.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
