"""What comes between a client and a table: answers that are refusals, cut off, or nobody's, in the order that a test says."""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.e2e.parts.ports import LOOPBACK


class Hindrance(NamedTuple):
    """What happens to one request: whether it reaches the table, and what is sent back.

    `sent` is instead of the table's own answer; of either only `cut` bytes go out, and then the line is cut.
    """

    reaches: bool = True
    sent: bytes | None = None
    cut: int | None = None


PASSES = Hindrance()
# The table has stored what was asked, and nobody learns of it.
UNTOLD = Hindrance(cut=0)
TOLD_BY_HALF = Hindrance(cut=-1)
RESET = Hindrance(reaches=False, sent=b"", cut=0)


def answer(status: int, body: bytes, headers: str = "") -> Hindrance:
    """An answer that the table never gave."""
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return Hindrance(reaches=False, sent=head.encode() + body)


def refusal(code: str, status: int = 400) -> Hindrance:
    """An error in the form that DynamoDB gives it."""
    said = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "ann@example.com is refused"}
    return answer(status, json.dumps(said).encode())


class Line:
    """A line to a table: `url` is where it begins, `asked` holds the headers of every request that came."""

    def __init__(self, url: str, hindrances: Iterator[Hindrance]) -> None:
        self.url = url
        self.asked: list[dict[str, str]] = []
        self.hindrances = hindrances
        self.lock = threading.Lock()

    def next(self, headers: dict[str, str]) -> Hindrance:
        with self.lock:
            self.asked.append(headers)
            return next(self.hindrances, PASSES)


@contextmanager
def line(table: str, hindrances: Iterable[Hindrance] = ()) -> Iterator[Line]:
    """Open a line to the table at this address; each request meets the next hindrance, later ones meet none."""
    server = ThreadingHTTPServer((LOOPBACK, 0), _Handler)
    server.daemon_threads = True
    server.table = urlsplit(table).netloc  # type: ignore[attr-defined]
    made = Line(f"http://{LOOPBACK}:{server.server_port}", iter(hindrances))
    server.line = made  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        met: Hindrance = self.server.line.next(dict(self.headers))  # type: ignore[attr-defined]
        told = self._asked(body) if met.reaches else b""
        self.wfile.write((told if met.sent is None else met.sent)[: met.cut])
        self.close_connection = met.cut is not None

    def _asked(self, body: bytes) -> bytes:
        table = HTTPConnection(self.server.table)  # type: ignore[attr-defined]
        try:
            table.request("POST", "/", body, dict(self.headers))
            came = table.getresponse()
            text = came.read()
        finally:
            table.close()
        head = f"HTTP/1.1 {came.status} {came.reason}\r\nContent-Length: {len(text)}\r\n\r\n"
        return head.encode() + text

    def log_message(self, *_: object) -> None:
        """Keep it out of the tests' output."""
