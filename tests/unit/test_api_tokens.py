"""Who may ask on one machine, as a request over a real socket meets it."""

import json
import os
import stat
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from postroad.api_auth import MASKED, READ, SCOPES, SUPPRESS, Asker
from postroad.api_suppressions import NoSuppressions
from postroad.growth import grown
from postroad.store.sqlite import SQLiteStore
from postroad_host import tokens, web
from postroad_host.tokens import Gate, TokenFile, TokensError
from postroad_host.web import Beside, Server, site
from tests.contract.mail import FACTS

ADDRESS = "/v1/journeys?recipient=ann@example.com"


class Reply:
    """An HTTP answer."""

    def __init__(self, server: Server, path: str, method: str = "GET", **headers: str) -> None:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        answer = connection.getresponse()
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()
        connection.close()

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(autouse=True)
def without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may be signed in to a real account."""
    monkeypatch.setattr(web, "_suppressions", NoSuppressions)


class Place:
    """A running server's files."""

    def __init__(self, folder: Path) -> None:
        self.tokens = folder / "tokens"
        self.beside = Beside(folder / "key", folder / "audit.jsonl")
        self.store = SQLiteStore.open(str(folder / "postroad.db"))
        self.store.add(grown(FACTS))

    def serve(self, gate: Gate, *names: str) -> Server:
        found = Server(site(self.store, lambda: True, gate, self.beside, names), "127.0.0.1", 0)
        found.start()
        return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    yield found
    found.store.close()


def test_the_sessions_token_opens_the_page_of_a_service_without_a_file(place: Place) -> None:
    gate = Gate()
    server = place.serve(gate)
    assert gate.session is not None
    try:
        assert Reply(server, ADDRESS).status == 401
        assert Reply(server, ADDRESS, **bearer("wrong")).status == 401
        assert Reply(server, ADDRESS, Authorization=gate.session).status == 401
        assert len(Reply(server, ADDRESS, **bearer(gate.session)).json["journeys"]) == 3
        assert Reply(server, "/v1/me", **bearer(gate.session)).json == {
            "who": "session",
            "scopes": ["postroad/read", "postroad/suppressions.write"],
            "masked": False,
        }
        assert Reply(server, "/healthz").json == {"status": "ok"}
        assert Reply(server, "/config.json").json == {"auth": "token"}
        assert Reply(server, "/").status == 200
    finally:
        server.stop()
    assert Gate().session != gate.session


@pytest.mark.parametrize(
    ("scopes", "path", "method", "status"),
    [
        ((READ,), ADDRESS, "GET", 200),
        ((MASKED,), ADDRESS, "GET", 200),
        ((SUPPRESS,), ADDRESS, "GET", 403),
        ((READ, MASKED), "/v1/suppressions/ann@example.com", "DELETE", 403),
        (SCOPES, "/v1/suppressions/ann@example.com", "DELETE", 501),
        (SCOPES, "/v1/suppressions/ann@example.com", "GET", 501),
    ],
)
def test_a_token_of_the_file_opens_what_its_scopes_say(
    scopes: tuple[str, ...],
    path: str,
    method: str,
    status: int,
    place: Place,
) -> None:
    token = tokens.make(place.tokens, "Joe", frozenset(scopes))
    server = place.serve(Gate(TokenFile(place.tokens)))
    try:
        assert Reply(server, path, method, **bearer(token)).status == status
        assert Reply(server, path, method).status == 401
        assert Reply(server, path, method, **bearer(token[:-1])).status == 401
    finally:
        server.stop()


def test_a_token_ends_when_it_expires_or_its_line_goes(place: Place) -> None:
    old = tokens.make(place.tokens, "Old", frozenset((READ,)), days=-1)
    new = tokens.make(place.tokens, "New One", frozenset((READ,)), days=1)
    found = TokenFile(place.tokens)
    assert found.asker(old) is None
    assert (found.asker(new) or ("nobody",))[0] == "New One"
    lines = place.tokens.read_text().splitlines(keepends=True)
    place.tokens.write_text("".join(line for line in lines if "New" not in line))
    assert found.asker(new) is None
    added = tokens.make(place.tokens, "Third", frozenset((MASKED,)))
    assert found.asker(added) is not None


def test_the_file_holds_no_token_and_only_its_owner_reads_it(place: Place) -> None:
    token = tokens.make(place.tokens, "Joe", frozenset((READ,)))
    assert token not in place.tokens.read_text()
    assert token.removeprefix("pr_") not in place.tokens.read_text()
    assert stat.S_IMODE(place.tokens.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("who", "scopes"),
    [("", {READ}), ("a\nb", {READ}), ("Joe", set()), ("Joe", {"read", "write"}), ("\x1b", {READ})],
)
def test_a_token_that_cannot_be_is_not_made(who: str, scopes: set[str], place: Place) -> None:
    with pytest.raises(ValueError, match="name"):
        tokens.make(place.tokens, who, frozenset(scopes))
    assert not place.tokens.exists()


@pytest.mark.parametrize(
    "line",
    [
        "abc read never Joe",
        f"{'a' * 64} write never Joe",
        f"{'a' * 64} read sometimes Joe",
        f"{'a' * 64} read never",
        "\xff",
    ],
)
def test_a_file_that_cannot_be_read_is_named(line: str, place: Place) -> None:
    place.tokens.write_bytes(line.encode("latin-1"))
    with pytest.raises(TokensError, match="tokens: "):
        TokenFile(place.tokens)


def test_a_file_that_others_can_write_is_refused(place: Place) -> None:
    tokens.make(place.tokens, "Joe", frozenset((READ,)))
    place.tokens.chmod(0o666)
    with pytest.raises(TokensError, match="chmod go-w"):
        TokenFile(place.tokens)


def test_a_file_that_is_lost_lets_nobody_in(place: Place) -> None:
    token = tokens.make(place.tokens, "Joe", frozenset((READ,)))
    server = place.serve(Gate(TokenFile(place.tokens)))
    place.tokens.unlink()
    try:
        answer = Reply(server, ADDRESS, **bearer(token))
        assert (answer.status, answer.headers["Content-Type"]) == (503, "application/problem+json")
        assert str(place.tokens) not in answer.json["detail"]
    finally:
        server.stop()


def test_a_proxys_word_counts_from_this_machine_only(place: Place) -> None:
    gate = Gate(proxy_header="X-Remote-User", proxy_scopes=frozenset((MASKED,)))
    assert gate.session is None
    assert gate({"x-remote-user": "joe"}, "127.0.0.1") == Asker("joe", frozenset((MASKED,)))
    assert gate({"x-remote-user": "joe"}, "::1") == Asker("joe", frozenset((MASKED,)))
    assert gate({"x-remote-user": "joe"}, "192.0.2.1") is None
    assert gate({"x-remote-user": "joe"}, "") is None
    assert gate({"x-remote-user": " "}, "127.0.0.1") is None
    assert gate({"x-remote-user": "joe", "authorization": "Bearer wrong"}, "127.0.0.1") is None
    assert gate({"x-other": "joe"}, "127.0.0.1") is None
    server = place.serve(gate, "mail.example.org")
    try:
        answer = Reply(server, ADDRESS, X_Remote_User="joe", Host="mail.example.org")
        assert (answer.status, answer.json["journeys"][0]["recipient"]) == (200, "***@example.com")
        assert Reply(server, ADDRESS, X_Remote_User="joe", Host="evil.example").status == 421
        assert Reply(server, "/config.json").json == {"auth": "none"}
    finally:
        server.stop()


def test_look_ups_are_noted_in_a_file_without_addresses(place: Place) -> None:
    gate = Gate()
    server = place.serve(gate)
    try:
        Reply(server, ADDRESS, **bearer(gate.session or ""))
        Reply(server, ADDRESS)
    finally:
        server.stop()
    (note,) = (json.loads(line) for line in place.beside.audit.read_text().splitlines())
    assert (note["who"], note["action"]) == ("session", "journeys")
    assert "ann" not in place.beside.audit.read_text()
    assert (
        stat.S_IMODE(place.beside.audit.stat().st_mode)
        == stat.S_IMODE(place.beside.key.stat().st_mode)
        == 0o600
    )


def test_the_key_stays_the_same_and_is_never_empty(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = tokens.secret(path)
    assert len(key) == 64
    assert tokens.secret(path) == key
    os.truncate(path, 0)
    assert tokens.secret(path) not in (b"", key)


def test_an_address_beyond_ascii_arrives_as_it_was_typed(place: Place) -> None:
    gate = Gate()
    server = place.serve(gate)
    try:
        token = bearer(gate.session or "")
        assert (
            Reply(server, "/v1/recipients/%C3%B1%2Fb%3F@example.com/journeys", **token).json["journeys"] == []
        )
        assert (
            len(
                Reply(server, "/v1/recipients/ann%40example.com/journeys?since=all", **token).json["journeys"]
            )
            == 3
        )
        head = Reply(server, ADDRESS, "HEAD", **token)
        whole = Reply(server, ADDRESS, **token)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Length"] == whole.headers["Content-Length"] == str(len(whole.body))
        csv = Reply(server, "/v1/search?q=ann@example.com&format=csv", **token)
        assert csv.body.startswith(b'"recipient",')
    finally:
        server.stop()
