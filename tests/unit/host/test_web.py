"""The one-machine server: the names it answers to, its port, and what it says of itself."""

import json
import logging
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from postroad.store.sqlite import SQLiteStore
from postroad_host.tokens import Gate, this_machine
from postroad_host.web import Beside, Server, console, site


class Place:
    """A server and what it is made of."""

    def __init__(self, folder: Path) -> None:
        self.store = SQLiteStore.open(str(folder / "postroad.db"))
        self.gate = Gate()
        self.is_alive = True
        beside = Beside(folder / "key", folder / "audit.jsonl")
        self.audit = beside.audit
        self.app = site(self.store, lambda: self.is_alive, self.gate, beside, guests=this_machine)
        self.server = Server(self.app, "127.0.0.1", 0)
        self.server.start()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    yield found
    found.server.stop()
    found.store.close()


class Reply:
    """An HTTP answer."""

    def __init__(self, place: Place, path: str, method: str = "GET", **headers: str) -> None:
        connection = HTTPConnection("127.0.0.1", place.server.port, timeout=10)
        named = {"Authorization": f"Bearer {place.gate.session}"} | headers
        named = {name.replace("_", "-"): value for name, value in named.items() if value}
        connection.request(method, path, headers=named)
        answer = connection.getresponse()
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()
        connection.close()

    @property
    def json(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said


def test_the_first_versions_route_answers_as_it_did(place: Place) -> None:
    answer = Reply(place, "/v1/journeys?recipient=ann%2Bx@example.com&since=2026-02-25&limit=7")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json == {"journeys": []}


def test_this_machine_searches_without_a_token_and_is_noted(place: Place) -> None:
    answer = Reply(place, "/v1/journeys?recipient=ann@example.com", Authorization="")
    assert (answer.status, answer.json) == (200, {"journeys": []})
    (note,) = map(json.loads, place.audit.read_text().splitlines())
    assert (note["who"], note["action"], note["masked"]) == ("this machine", "journeys", False)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/search?q=a@b.example", {}),
        ("/v1/recipients/a@b.example/journeys", {}),
        ("/v1/journeys/?recipient=a@b.example", {}),
        ("/v1/%6Aourneys/x?recipient=a@b.example", {}),
        ("/v1/me", {}),
        ("/v1/openapi.json", {}),
        ("/v1/summary", {}),
        ("/v1/journeys?recipient=a@b.example", {"Authorization": "Bearer wrong"}),
        ("/v1/journeys?recipient=a@b.example", {"Authorization": "Basic YTpi"}),
        ("/v1/journeys?recipient=a@b.example", {"X_Forwarded_For": "192.0.2.9"}),
        ("/v1/journeys?recipient=a@b.example", {"Forwarded": "for=192.0.2.9"}),
        ("/v1/journeys?recipient=a@b.example", {"Sec_Fetch_Site": "cross-site"}),
    ],
)
def test_nothing_else_is_told_without_a_token(path: str, headers: dict[str, str], place: Place) -> None:
    assert Reply(place, path, **({"Authorization": ""} | headers)).status == 401


@pytest.mark.parametrize(
    ("source", "is_let_in"), [("127.0.0.1", True), ("::1", True), ("192.0.2.9", False), ("", False)]
)
def test_another_machine_is_not_this_one(source: str, is_let_in: bool) -> None:
    assert (this_machine("/v1/journeys", {}, source) is not None) is is_let_in


def test_a_hundred_addresses_may_be_searched_at_once(place: Place) -> None:
    asked = [
        Reply(place, f"/v1/journeys?recipient=a{n}@b.example", Authorization="").status for n in range(100)
    ]
    assert set(asked) == {200}


def test_head_gives_the_headers_alone(place: Place) -> None:
    head = Reply(place, "/v1/journeys?recipient=a", "HEAD")
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:1", 200), ("localhost", 200), ("[::1]:8025", 200), ("evil.example", 421), ("10.0.0.1", 421)],
)
def test_another_name_for_this_address_is_refused(host: str, status: int, place: Place) -> None:
    answer = Reply(place, "/", Host=host)
    assert answer.status == status
    assert "default-src 'none'" in (answer.headers["Content-Security-Policy"] or "default-src 'none'")


def test_health_follows_the_service(place: Place) -> None:
    assert Reply(place, "/healthz").json == {"status": "ok"}
    place.is_alive = False
    assert Reply(place, "/healthz").status == 503


def test_a_source_tree_has_a_console() -> None:
    found = console()
    assert found is None or (found / "index.html").exists()


def test_a_taken_port_is_an_error(place: Place) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(place.app, "127.0.0.1", place.server.port)


def test_the_port_is_free_again_after_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    first = Place(tmp_path)
    Reply(first, "/healthz")
    first.server.stop()
    second = Server(first.app, "127.0.0.1", first.server.port)
    second.stop()
    first.store.close()
    assert caplog.records == []
