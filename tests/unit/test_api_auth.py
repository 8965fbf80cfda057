"""Who may ask what: each route with each scope, what is noted of it, and how often one may ask."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from postroad.api_auth import MASKED, PREFIX, READ, SCOPES, SUPPRESS, Asker, Audit, Buckets, asker_of
from postroad.api_problems import ProblemError
from postroad.growth import grown
from postroad.store.sqlite import SQLiteStore
from tests.contract.mail import FACTS, SES_ID
from tests.unit.test_api import KEY, NOW, PLAINLY, Desk, How, event
from tests.unit.test_api_masking import List

Route = tuple[str, str, dict[str, str]]
READING: list[Route] = [
    ("GET", "/v1/search", {"q": "ann@example.com"}),
    ("GET", "/v1/recipients/ann@example.com/journeys", {}),
    ("GET", "/v1/journeys", {"recipient": "ann@example.com"}),
    ("GET", f"/v1/messages/{SES_ID}", {}),
    ("GET", "/v1/queue/4fXk2M1zQyz3Rb", {}),
    ("GET", "/v1/problems", {"day": "2026-02-25"}),
    ("GET", "/v1/summary", {}),
    ("GET", "/v1/suppressions/ann@example.com", {}),
    ("GET", "/v1/me", {}),
    ("GET", "/v1/healthz", {}),
    ("GET", "/v1/openapi.json", {}),
]
WRITING: list[Route] = [("DELETE", "/v1/suppressions/ann@example.com", {})]
OPEN: list[Route] = [("GET", "/", {}), ("GET", "/healthz", {}), ("GET", "/config.json", {})]


@pytest.fixture
def desk() -> Iterator[Desk]:
    with SQLiteStore.open(":memory:") as store:
        store.add(grown(FACTS))
        yield Desk(store, suppressions=List())


def _methods_and_paths(desk: Desk) -> set[tuple[str, str]]:
    described = json.loads(desk.api.description)["paths"]
    return {(method.upper(), path) for path, operations in described.items() for method in operations}


def test_the_matrix_names_every_route(desk: Desk) -> None:
    named = {(method, path.split("/")[2]) for method, path, _ in READING + WRITING}
    assert named == {(method, path.split("/")[2]) for method, path in _methods_and_paths(desk)}


@pytest.mark.parametrize("scopes", [None, (), (READ,), (MASKED,), (SUPPRESS,), SCOPES], ids=str)
@pytest.mark.parametrize(("method", "path", "asked"), READING + WRITING)
def test_each_route_wants_its_scope(
    method: str, path: str, asked: dict[str, str], scopes: tuple[str, ...] | None, desk: Desk
) -> None:
    answer = desk.answer(path, asked, How(scopes=scopes, method=method))
    needed = {SUPPRESS} if method == "DELETE" else {READ, MASKED}
    if scopes is None:
        assert answer["statusCode"] == 401
        assert answer["headers"]["WWW-Authenticate"].startswith("Bearer ")
    elif needed.isdisjoint(scopes):
        assert answer["statusCode"] == 403
        assert 'error="insufficient_scope"' in answer["headers"]["WWW-Authenticate"]
    else:
        assert answer["statusCode"] in (200, 204)
    if answer["statusCode"] in (401, 403):
        assert (desk.store.asked, desk.notes) == ({}, [])
        assert json.loads(answer["body"])["status"] == answer["statusCode"]


@pytest.mark.parametrize(
    "authorizer",
    [
        {},
        {"jwt": {}},
        {"jwt": None},
        {"jwt": {"claims": {}, "scopes": ["postroad/read"]}},
        {"jwt": {"claims": {"scope": "postroad/read"}, "scopes": None}},
        {"lambda": {"sub": "joe", "scope": "postroad/read"}},
        {"iam": {"userArn": "arn:aws:iam::123456789012:user/joe"}},
    ],
)
@pytest.mark.parametrize(("method", "path", "asked"), READING + WRITING)
def test_what_no_authoriser_vouches_for_is_refused(
    method: str, path: str, asked: dict[str, str], authorizer: Mapping[str, Any], desk: Desk
) -> None:
    request = event(path, asked, How(method=method))
    request["requestContext"]["authorizer"] = authorizer
    # A token in the header alone proves nothing here.
    request["headers"]["authorization"] = (
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2UiLCJzY29wZSI6InBvc3Ryb2FkL3JlYWQifQ."
    )
    answer = desk.api.resolve(request)
    assert (answer["statusCode"], desk.store.asked) == (401, {})


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v1/nothing", "/v1/search/", "/v1//search", "/v1/../healthz"]
)
def test_without_a_token_nothing_tells_what_there_is(path: str, desk: Desk) -> None:
    assert desk.answer(path, how=How(scopes=None))["statusCode"] in (401, 404)
    assert desk.store.asked == {}


@pytest.mark.parametrize(("method", "path", "asked"), OPEN)
def test_the_page_itself_needs_no_token(method: str, path: str, asked: dict[str, str], desk: Desk) -> None:
    assert desk.answer(path, asked, How(scopes=None, method=method))["statusCode"] == 200


@pytest.mark.parametrize(
    ("token", "found"),
    [
        ({"claims": {"sub": "joe", "scope": "openid postroad/read"}}, {READ}),
        ({"claims": {"sub": "joe", "scp": "[postroad/read postroad/suppressions.write]"}}, {READ, SUPPRESS}),
        ({"claims": {"sub": "joe", "permissions": '["postroad/read.masked"]'}}, {MASKED}),
        ({"claims": {"sub": "joe", "scope": ["postroad/read"]}}, {READ}),
        ({"claims": {"sub": "joe"}, "scopes": ["postroad/read.masked"]}, {MASKED}),
        ({"claims": {"client_id": "machine", "scope": "postroad/read"}}, {READ}),
        (
            {"claims": {"sub": "joe", "scope": "read other/postroad/read postroad/readers xpostroad/read"}},
            set(),
        ),
        ({"claims": {"sub": "joe", "scope": 7}}, set()),
    ],
)
def test_scopes_are_read_where_issuers_put_them(token: dict[str, Any], found: set[str]) -> None:
    assert asker_of({"requestContext": {"authorizer": {"jwt": token}}}).scopes == found


def test_reading_in_full_includes_reading_masked() -> None:
    assert Asker("joe", frozenset((MASKED,))).is_masked
    assert not Asker("joe", frozenset((MASKED, READ))).is_masked


# --- the audit log ---------------------------------------------------------------------------------------------------

LOOK_UPS = [
    one
    for one in READING + WRITING
    if one[1] not in ("/v1/summary", "/v1/me", "/v1/healthz", "/v1/openapi.json")
]


@pytest.mark.parametrize(("method", "path", "asked"), LOOK_UPS)
def test_each_look_up_is_noted_without_the_address(
    method: str, path: str, asked: dict[str, str], desk: Desk
) -> None:
    desk.answer(path, asked, How(scopes=SCOPES, method=method))
    (note,) = desk.notes
    assert (note["at"], note["who"], note["masked"]) == (NOW, "joe", False)
    assert "example.com" not in json.dumps(note)
    assert note["action"].split()[0] in (
        "search",
        "journeys",
        "message",
        "queue",
        "problems",
        "suppression",
        "unsuppress",
    )


def test_the_hash_finds_a_persons_look_ups_however_they_were_asked(desk: Desk) -> None:
    audit = Audit(desk.notes.append, KEY, lambda: NOW)
    desk.ask("/v1/search", {"q": "Ann <ANN@Example.com>"})
    desk.ask("/v1/recipients/ann@example.com/journeys")
    desk.ask("/v1/journeys", {"recipient": " ann@EXAMPLE.com"})
    desk.ask("/v1/suppressions/ann@example.com")
    assert {note["hash"] for note in desk.notes} == {audit.hashed("ann@example.com")}
    assert Audit(desk.notes.append, b"x" * 32, lambda: NOW).hashed("ann@example.com") != desk.notes[0]["hash"]


def test_what_cannot_be_noted_is_not_looked_up() -> None:
    def full(_: Mapping[str, Any]) -> None:
        raise OSError("disk full")

    with SQLiteStore.open(":memory:") as store:
        desk = Desk(store)
        desk.api._routes._from.audit._write = full  # noqa: SLF001 - the disk is not at hand
        assert desk.refusal("/v1/search", {"q": "ann@example.com"})["status"] == 503
        assert desk.store.asked == {}


# --- how often -------------------------------------------------------------------------------------------------------


def test_who_asks_too_often_waits_and_nobody_else() -> None:
    with SQLiteStore.open(":memory:") as store:
        desk = Desk(store, rate=1, burst=3)
        answers = [desk.answer("/v1/me")["statusCode"] for _ in range(5)]
        assert answers == [200, 200, 200, 429, 429]
        assert desk.answer("/v1/me")["headers"]["Retry-After"] == "1"
        other = event("/v1/me")
        other["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = "kim"
        assert desk.api.resolve(other)["statusCode"] == 200
        desk.clock = "2026-03-01T00:00:02.000Z"
        assert [desk.answer("/v1/me")["statusCode"] for _ in range(3)] == [200, 200, 429]


def test_buckets_are_bounded_and_no_clock_empties_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad.api_auth._MOST_BUCKETS", 2)
    buckets = Buckets(rate=1, burst=1)
    for who in ("a", "b", "c"):
        buckets.take(who, 100)
    buckets.take("a", 100)
    with pytest.raises(ProblemError, match="too many requests"):
        buckets.take("a", 0)


def test_the_prefix_is_the_resource_servers_name() -> None:
    assert PREFIX == "postroad/"
    assert PLAINLY.scopes == (READ,)
