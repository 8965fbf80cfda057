"""The search over HTTP: the right answers, and refusals that name what to mend."""

import json
import logging
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from postroad.store.sqlite_schema import StoreError
from postroad_host.web import App, Server

ASKED: list[tuple[str, str | None, str | None, int]] = []


def journeys(recipient: str, since: str | None, until: str | None, limit: int) -> list[dict[str, Any]]:
    if recipient == "locked@example.com":
        raise StoreError("another process keeps writing")
    ASKED.append((recipient, since, until, limit))
    return [{"recipient": recipient, "subject": "ñ \ud800"}]


@pytest.fixture
def alive() -> list[bool]:
    return [True]


@pytest.fixture
def server(alive: list[bool]) -> Iterator[Server]:
    ASKED.clear()
    found = Server(App(journeys, lambda: alive[0]), "127.0.0.1", 0)
    found.start()
    yield found
    found.stop()


class Reply:
    """An HTTP answer."""

    def __init__(self, server: Server, path: str, method: str = "GET", host: str | None = None) -> None:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request(method, path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()
        connection.close()

    @property
    def json(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said


def test_journeys_are_found(server: Server) -> None:
    asked = "/v1/journeys?recipient=ann%2Bx@example.com&since=2026-02-25&until=2026-02-26T01:00:00%2B01:00&limit=7"
    answer = Reply(server, asked)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json == {"journeys": [{"recipient": "ann+x@example.com", "subject": "ñ ?"}]}
    assert ASKED == [("ann+x@example.com", "2026-02-25T00:00:00.000Z", "2026-02-26T00:00:00.000Z", 7)]


def test_only_the_recipient_is_needed(server: Server) -> None:
    assert Reply(server, "/v1/journeys?recipient=a@b.example").status == 200
    assert ASKED == [("a@b.example", None, None, 100)]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "recipient"),
        ("recipient=", "recipient"),
        ("recipient=a&recipient=b", "recipient"),
        ("recipient=a&since=yesterday", "since"),
        ("recipient=a&until=9999-99-99", "until"),
        ("recipient=a&limit=0", "limit"),
        ("recipient=a&limit=1001", "limit"),
        ("recipient=a&limit=" + "9" * 5000, "limit"),
        ("recipient=a&limit=%D9%A3", "limit"),
        ("recipient=a&sender=b", "sender"),
    ],
)
def test_a_refusal_names_the_parameter(query: str, parameter: str, server: Server) -> None:
    answer = Reply(server, f"/v1/journeys?{query}")
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json["parameter"] == parameter
    assert answer.json["detail"].startswith(f"{parameter}: ")
    assert (answer.json["status"], answer.json["title"]) == (400, "Bad Request")


def test_a_store_that_cannot_answer_is_no_fault_of_the_asker(server: Server) -> None:
    answer = Reply(server, "/v1/journeys?recipient=locked@example.com")
    assert (answer.status, answer.json["detail"]) == (503, "another process keeps writing")


def test_an_unknown_page_is_said(server: Server) -> None:
    assert Reply(server, "/v2").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_can_only_be_read(method: str, server: Server) -> None:
    answer = Reply(server, "/v1/journeys?recipient=a", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_head_gives_the_headers_alone(server: Server) -> None:
    whole, head = Reply(server, "/v1/journeys?recipient=a"), Reply(server, "/v1/journeys?recipient=a", "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"] == str(len(whole.body))


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/journeys", "/v1/journeys?recipient=a", "/none"])
def test_nothing_is_kept_or_guessed_by_a_browser(path: str, server: Server) -> None:
    headers = Reply(server, path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_the_root_says_how_to_ask(server: Server) -> None:
    answer = Reply(server, "/")
    assert b"/v1/journeys?recipient=" in answer.body
    assert answer.body.count(b"\n") == 1


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:1", 200), ("localhost", 200), ("[::1]:8025", 200), ("evil.example", 421), ("10.0.0.1", 421)],
)
def test_another_name_for_this_address_is_refused(host: str, status: int, server: Server) -> None:
    assert Reply(server, "/", host=host).status == status


def test_health_follows_the_service(server: Server, alive: list[bool]) -> None:
    assert Reply(server, "/healthz").json == {"status": "ok"}
    alive[0] = False
    assert Reply(server, "/healthz").status == 503


def test_a_taken_port_is_an_error(server: Server) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(App(journeys, lambda: True), "127.0.0.1", server.port)


def test_the_port_is_free_again_after_the_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    first = Server(App(journeys, lambda: True), "127.0.0.1", 0)
    first.start()
    Reply(first, "/")
    first.stop()
    second = Server(App(journeys, lambda: True), "127.0.0.1", first.port)
    second.stop()
    assert caplog.records == []
