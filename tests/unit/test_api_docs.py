"""The description is true: of the routes there are, of what they take, and of what they answer to anything else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroad.api_auth import PREFIX, SCOPES
from postroad.api_params import FIXES
from postroad.growth import grown
from postroad.store.sqlite import SQLiteStore
from tests.contract.mail import FACTS, SES_ID
from tests.unit.test_api import Desk, How
from tests.unit.test_api_masking import List

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text("utf-8")
EVERYTHING = How(scopes=SCOPES)
DESCRIBED: dict[str, Any] = json.loads(Desk(SQLiteStore.open(":memory:")).api.description)["paths"]
OPERATIONS = [(method.upper(), path, of) for path, found in DESCRIBED.items() for method, of in found.items()]


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with SQLiteStore.open(":memory:") as store:
        store.add(grown(FACTS))
        yield Desk(store, suppressions=List())


def test_the_page_names_every_route_and_no_other() -> None:
    named = set(re.findall(r"^\| `([A-Z]+) (/v1/[^`]+)` \|", PAGE, re.MULTILINE))
    assert named == {(method, path) for method, path, _ in OPERATIONS}


def test_the_page_names_every_parameter_and_scope() -> None:
    taken = {
        one["name"] for _, _, of in OPERATIONS for one in of.get("parameters", ()) if one["in"] == "query"
    }
    assert all(f"`{name}`" in PAGE for name in taken)
    assert all(f"`{PREFIX}{scope}`" in PAGE for scope in SCOPES)
    assert taken - {"since", "until", "recipient_domain", "sender_domain", "provider"} <= FIXES.keys()


def test_the_pages_examples_are_what_is_answered(desk: Desk) -> None:
    examples = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    page, summary, listed, refusal, note = examples
    assert list(desk.ask("/v1/search", {"q": "nobody@example.com"})) == list(page)
    answer = desk.ask("/v1/summary", {"since": "2026-02-20"})
    assert {**answer, "days": [], "sender_domains": [], "providers": []} == summary
    assert set(desk.ask("/v1/suppressions/ann@example.com")) <= set(listed)
    assert desk.refusal("/v1/search", {"q": "a", "limit": "0"}) == refusal
    desk.notes.clear()
    desk.ask("/v1/search", {"q": "ann@example.com"})
    assert desk.notes == [note]


def test_the_page_names_every_field_of_a_journey(desk: Desk) -> None:
    (one,) = desk.ask(f"/v1/messages/{SES_ID}")["journeys"]
    assert all(f"`{name}`" in PAGE for name in one)
    assert all(f"`{name}`" in PAGE for name in (*one["stages"][0], *one["diagnosis"], *one["timeline"][0]))


def test_the_description_tells_limits_refusals_and_the_token() -> None:
    described = DESCRIBED["/v1/search"]["get"]
    limit = next(one for one in described["parameters"] if one["name"] == "limit")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    q = next(one for one in described["parameters"] if one["name"] == "q")
    assert (q["required"], q["schema"]) == (True, {"type": "string", "minLength": 1, "maxLength": 1000})
    assert {"200", "400", "401", "403", "429"} <= described["responses"].keys()
    assert "422" not in json.dumps(DESCRIBED)


def _value(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "enum" in schema:
        return st.sampled_from([str(one) for one in schema["enum"]])
    if schema["type"] == "integer":
        return st.integers(schema["minimum"], schema["maximum"]).map(str)
    times = st.datetimes().map(lambda at: at.isoformat())
    text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
    return st.one_of(
        times, st.just("all"), st.sampled_from(["ann@example.com", SES_ID, "4fXk2M1zQyz3Rb"]), text
    )


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, str]]:
    """A request as the description allows it, or with some of its parameters as it does not."""
    method, path, of = draw(st.sampled_from(OPERATIONS))
    asked: dict[str, str] = {}
    for one in of.get("parameters", ()):
        if one["in"] == "path":
            segment = draw(_value({"type": "string"}))
            path = path.replace(f"{{{one['name']}}}", segment)
        elif one["required"] or draw(st.booleans()):
            is_odd = draw(st.integers(0, 9)) == 0
            asked[one["name"]] = (
                draw(st.text(st.characters(codec="utf-8"), max_size=10))
                if is_odd
                else draw(_value(one["schema"]))
            )
    if draw(st.integers(0, 9)) == 0:
        asked[draw(st.text(st.characters(codec="utf-8"), max_size=5))] = "x"
    return method, path, asked


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(request=requests())
def test_whatever_is_asked_is_answered_or_refused_by_name(
    request: tuple[str, str, dict[str, str]], desk: Desk
) -> None:
    method, path, asked = request
    answer = desk.answer(path, asked, EVERYTHING._replace(method=method))
    kind, status = answer["headers"].get("Content-Type"), answer["statusCode"]
    if status in (200, 204):
        assert status == 204 or kind in ("application/json", "text/csv; charset=utf-8")
        if kind == "application/json":
            json.loads(answer["body"])
        return
    found = json.loads(answer["body"])
    assert (kind, found["status"]) == ("application/problem+json", status)
    assert status in (400, 404)
    if status == 400:
        assert found["detail"].startswith(f"{found['parameter']}: ")
