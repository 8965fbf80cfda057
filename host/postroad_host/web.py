"""The search of one machine: JSON over HTTP, for this machine alone."""

import json
import re
import socket
from collections.abc import Callable, Iterable
from functools import cache
from http import HTTPStatus
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple, Protocol, TypeAlias
from urllib.parse import parse_qsl

from waitress import wasyncore
from waitress.server import create_server

from postroad.api import Api, Parts
from postroad.api_suppressions import NoSuppressions, SesSuppressions, Suppressions
from postroad.api_wsgi import WsgiApi
from postroad.instants import Instant, parse
from postroad.store.sqlite import SQLiteStore
from postroad.store.sqlite_schema import StoreError
from postroad_host.clock import now
from postroad_host.tokens import Gate, audit_log, secret

DEFAULT_LIMIT, HIGHEST_LIMIT = 100, 1000
HINT = "Postroad: what happened to the mail for this person? Ask /v1/journeys?recipient=ADDRESS&since=&until=&limit=\n"
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
_PORT = re.compile(r":\d+$")


class Journeys(Protocol):
    """Finds the journeys of a recipient, the newest first."""

    def __call__(
        self, recipient: str, since: Instant | None, until: Instant | None, limit: int
    ) -> list[dict[str, Any]]: ...


class Answer(NamedTuple):
    """What a request gets."""

    status: HTTPStatus
    kind: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class ProblemError(Exception):
    """A request that is refused, as RFC 9457 tells it; `parameter` is the one to mend."""

    def __init__(self, status: HTTPStatus, detail: str, **more: str) -> None:
        """Say what is wrong in one sentence."""
        super().__init__(detail)
        self.status = status
        self.more = more

    def answer(self) -> Answer:
        said = {"title": self.status.phrase, "status": self.status, "detail": str(self), **self.more}
        headers = (("Allow", "GET, HEAD"),) if self.status is HTTPStatus.METHOD_NOT_ALLOWED else ()
        return Answer(self.status, "application/problem+json", _json(said), headers)


StartResponse: TypeAlias = Callable[[str, list[tuple[str, str]]], object]


class App:
    """The WSGI application."""

    def __init__(self, journeys: Journeys, is_alive: Callable[[], bool]) -> None:
        """Answer from `journeys`; `is_alive` tells whether the service still does its rounds."""
        self._journeys = journeys
        self._is_alive = is_alive
        self._routes: dict[str, Callable[[str], Answer]] = {
            "/": lambda _: Answer(HTTPStatus.OK, "text/plain; charset=utf-8", HINT.encode()),
            "/healthz": self._health,
            "/v1/journeys": self._search,
        }

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(environ)
        length = ("Content-Length", str(len(answer.body)))
        headers = [("Content-Type", answer.kind), length, *answer.headers, *_HEADERS]
        start_response(f"{answer.status.value} {answer.status.phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: dict[str, Any]) -> Answer:
        try:
            return self._route(environ)(environ.get("QUERY_STRING", ""))
        except ProblemError as problem:
            return problem.answer()
        except StoreError as error:
            return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, str(error)).answer()

    def _route(self, environ: dict[str, Any]) -> Callable[[str], Answer]:
        if not _is_this_machine(environ.get("HTTP_HOST", "")):
            raise ProblemError(HTTPStatus.MISDIRECTED_REQUEST, "ask for 127.0.0.1 or localhost by that name")
        path = environ.get("PATH_INFO") or "/"
        if path not in self._routes:
            raise ProblemError(
                HTTPStatus.NOT_FOUND, "there is no such page: try /v1/journeys?recipient=ADDRESS"
            )
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            raise ProblemError(HTTPStatus.METHOD_NOT_ALLOWED, "this can only be read: use GET")
        return self._routes[path]

    def _health(self, _: str) -> Answer:
        if not self._is_alive():
            raise ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE, "the service makes no progress: see what it says on stderr"
            )
        return Answer(HTTPStatus.OK, "application/json", _json({"status": "ok"}))

    def _search(self, query: str) -> Answer:
        asked = _parameters(query)
        found = self._journeys(_recipient(asked), _time(asked, "since"), _time(asked, "until"), _limit(asked))
        return Answer(HTTPStatus.OK, "application/json", _json({"journeys": found}))


def _json(said: object) -> bytes:
    # A lone surrogate, which a hostile event may hold, has no UTF-8.
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _is_this_machine(host: str) -> bool:
    """Refuse other names for this address: a page of another site may have its own name lead here (DNS rebinding)."""
    name = _PORT.sub("", host).strip("[]")
    try:
        return name.lower() in ("localhost", "") or ip_address(name).is_loopback
    except ValueError:
        return False


def _refused(parameter: str, detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.BAD_REQUEST, f"{parameter}: {detail}", parameter=parameter)


def _parameters(query: str) -> dict[str, str]:
    asked: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in ("recipient", "since", "until", "limit"):
            raise _refused(name, "there is no such parameter: there are recipient, since, until and limit")
        if name in asked:
            raise _refused(name, "give it once")
        asked[name] = value
    return asked


def _recipient(asked: dict[str, str]) -> str:
    recipient = asked.get("recipient", "").strip()
    if not recipient:
        raise _refused("recipient", "name an address, such as recipient=ann@example.com")
    return recipient


def _time(asked: dict[str, str], name: str) -> Instant | None:
    if name not in asked:
        return None
    try:
        # A plus sign that was not encoded arrives as a space.
        return parse(asked[name])
    except ValueError:
        raise _refused(name, "this is no time: write 2026-02-25 or 2026-02-25T10:00:00Z") from None


def _limit(asked: dict[str, str]) -> int:
    written = asked.get("limit", str(DEFAULT_LIMIT))
    if not (written.isascii() and written.isdecimal() and 1 <= int(written[:9]) <= HIGHEST_LIMIT):
        raise _refused("limit", f"give a number from 1 to {HIGHEST_LIMIT}")
    return int(written)


class Beside(NamedTuple):
    """Files beside the database: the key that seals cursors, and the log of look-ups; and the console's folder."""

    key: Path
    audit: Path
    console: Path | None = None


def site(
    store: SQLiteStore, is_alive: Callable[[], bool], gate: Gate, beside: Beside, names: tuple[str, ...] = ()
) -> WsgiApi:
    """The API and the console, for whom `gate` lets in; `names` are those that a proxy may ask for us by.

    Raises OSError where the files beside the database cannot be made.
    """
    parts = Parts(
        store=store,
        now=now,
        key=secret(beside.key),
        audit=audit_log(beside.audit),
        suppressions=_OnDemand(),
        listing=store.window,
        console=beside.console,
        sign_in={"auth": "token" if gate.takes_tokens else "none"},
        is_alive=is_alive,
        unavailable=(StoreError,),
    )
    return WsgiApi(
        Api(parts), gate, lambda host: _is_this_machine(host) or _PORT.sub("", host).lower() in names
    )


class _OnDemand:
    """The suppression list where there are AWS credentials; looking for them may take seconds, so not at the start."""

    def find(self, address: str) -> dict[str, Any] | None:
        return _suppressions().find(address)

    def remove(self, address: str) -> bool:
        return _suppressions().remove(address)


@cache
def _suppressions() -> Suppressions:
    if find_spec("boto3") is None:
        return NoSuppressions()
    # Half of the time that a start takes, for those who need it.
    import boto3  # noqa: PLC0415

    session = boto3.Session()
    if session.get_credentials() is None or session.region_name is None:
        return NoSuppressions()
    return SesSuppressions(session.client("sesv2"))


class Server:
    """Serves the application in a thread of its own."""

    def __init__(self, app: App | WsgiApi, host: str, port: int) -> None:
        """Take the port. Raises OSError."""
        self._sockets: dict[int, Any] = {}
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
        self._server = create_server(app, map=self._sockets, sockets=[listening], threads=4, ident="postroad")
        self._ending = Event()
        self._thread = Thread(target=self._serve, name="web", daemon=True)
        self.port = int(listening.getsockname()[1])
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def _serve(self) -> None:
        while not self._ending.is_set():
            wasyncore.loop(timeout=0.2, map=self._sockets, count=1)

    def stop(self) -> None:
        """End what is being answered, and give the port back."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._sockets)
