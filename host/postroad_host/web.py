"""The API and the console on one machine, over HTTP."""

import re
import socket
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

from waitress import wasyncore
from waitress.server import create_server

from postroad.api import Api, Parts
from postroad.api_suppressions import NoSuppressions, SesSuppressions, Suppressions
from postroad.api_wsgi import Guests, WsgiApi, nobody
from postroad.store.sqlite import SQLiteStore
from postroad.store.sqlite_schema import StoreError
from postroad_host.clock import now
from postroad_host.tokens import Gate, audit_log, secret

_PORT = re.compile(r":\d+$")
# How often each may ask, at once and a second: programs on this machine share one name.
_BURST, _RATE = 300, 50


def _is_this_machine(host: str) -> bool:
    """Refuse other names for this address: a page of another site may have its own name lead here (DNS rebinding)."""
    name = _PORT.sub("", host).strip("[]")
    try:
        return name.lower() in ("localhost", "") or ip_address(name).is_loopback
    except ValueError:
        return False


class Beside(NamedTuple):
    """Files beside the database: the key that seals cursors, and the log of look-ups; and the console's folder."""

    key: Path
    audit: Path
    console: Path | None = None


def site(
    store: SQLiteStore,
    is_alive: Callable[[], bool],
    gate: Gate,
    beside: Beside,
    names: tuple[str, ...] = (),
    *,
    guests: Guests = nobody,
) -> WsgiApi:
    """The API and the console, for whom `gate` or `guests` let in; `names` are those that a proxy may ask for us by.

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
        rate=_RATE,
        burst=_BURST,
    )
    return WsgiApi(
        Api(parts), gate, lambda host: _is_this_machine(host) or _PORT.sub("", host).lower() in names, guests
    )


def console() -> Path | None:
    """The console's folder: in the package, or where a source tree has it."""
    here = Path(__file__)
    places = (here.with_name("console"), here.parents[2] / "functions" / "query_api" / "console")
    return next((place for place in places if place.is_dir()), None)


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

    def __init__(self, app: WsgiApi, host: str, port: int) -> None:
        """Take the port. Raises OSError."""
        self._sockets: dict[int, Any] = {}
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
        self._server = create_server(
            app,
            map=self._sockets,
            sockets=[listening],
            threads=4,
            ident="postroad",
            # They tell that a request comes from elsewhere; nothing else is believed of them.
            clear_untrusted_proxy_headers=False,
        )
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
