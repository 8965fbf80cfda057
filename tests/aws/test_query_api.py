"""The API on DynamoDB, in moto and in Amazon's own engine, and the function that serves it behind the authoriser."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
import pytest
from botocore.stub import Stubber

from functions.query_api import app
from postroad.api_auth import SCOPES
from postroad.api_problems import ProblemError
from postroad.api_sign_in import connect_to, sign_in
from postroad.api_suppressions import SesSuppressions
from postroad.growth import grown
from postroad.store.contract import Store
from tests.aws.parts import tables
from tests.contract.mail import FACTS, SES_ID
from tests.contract.stores import STORES
from tests.unit.test_api import Desk, How, event, states

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

SAMPLE = json.loads((Path(__file__).parents[2] / "events" / "query-api.json").read_text("utf-8"))


@pytest.fixture(params=["moto", "DynamoDB Local"])
def store(
    request: pytest.FixtureRequest, require: Callable[[str, bool], None], tmp_path: Path
) -> Iterator[Store]:
    kind = STORES[request.param]
    require(request.param, kind.is_present())
    with kind.open(tmp_path) as found:
        found.add(grown(FACTS))
        yield found


def test_a_table_answers_as_a_file_does(store: Store) -> None:
    desk = Desk(store)
    assert states(desk.ask("/v1/search", {"q": "Ann@Example.com"})) == ["bounced", "rejected", "delivered"]
    assert states(desk.ask(f"/v1/messages/{SES_ID}")) == ["delivered"]
    assert states(desk.ask("/v1/queue/4fXk2M1zQyz3Rb")) == ["bounced", "delivered"]
    assert states(desk.ask("/v1/messages/order-1@example.org")) == ["bounced", "delivered"]
    path = "/v1/recipients/ann@example.com/journeys"
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while cursor != {"cursor": None}:
        page = desk.ask(path, {"limit": "1", **cursor})
        found += states(page)
        cursor = {"cursor": page["cursor"]}
    assert found == ["bounced", "rejected", "delivered"]
    first = desk.ask("/v1/problems", {"day": "2026-02-25", "limit": "2"})
    rest = desk.ask("/v1/problems", {"day": "2026-02-25", "cursor": first["cursor"]})
    assert sorted(states(first) + states(rest)) == ["bounced", "delivered", "rejected"]
    assert desk.refusal(path, {"cursor": first["cursor"]})["parameter"] == "cursor"


def test_a_table_has_problems_only_to_count(store: Store) -> None:
    found = Desk(store).ask("/v1/summary", {"since": "2026-02-20"})
    assert (found["counted"], found["total"]["messages"], found["total"]["rates"]) == ("problems", 4, None)


def test_a_page_of_a_table_is_one_query_and_one_batch_get(store: Store) -> None:
    desk = Desk(store)
    desk.ask("/v1/recipients/ann@example.com/journeys")
    assert (desk.store.asked["lookup"], desk.store.asked["partition"]) == (1, 2)


# --- the function ----------------------------------------------------------------------------------------------------


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, Any]], dict[str, Any]]]:
    with tables.in_moto() as table:
        table.add(grown(FACTS))
        secrets = boto3.client("secretsmanager")
        secrets.create_secret(Name="api", SecretString="k" * 64)
        named = tables.client_of(table).list_tables()["TableNames"][0]
        said = {"TABLE_NAME": named, "RETENTION_DAYS": "36500", "API_SECRET": "api"}
        with patch.dict(os.environ, said):
            app.wired.cache_clear()
            yield lambda request: app.handler(request, None)
            app.wired.cache_clear()
    monkeypatch.undo()


def test_the_sample_event_is_answered(function: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    answer = function(SAMPLE)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "application/json")
    assert states(json.loads(answer["body"])) == ["bounced", "rejected", "delivered"]
    assert answer["headers"]["Strict-Transport-Security"] == "max-age=63072000"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/search",
        "/v1/recipients/a@b.example/journeys",
        f"/v1/messages/{SES_ID}",
        "/v1/problems",
        "/v1/summary",
    ],
)
def test_nothing_is_read_without_the_authoriser(
    path: str, function: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    request = event(path, {}, How(scopes=None))
    request["headers"]["authorization"] = "Bearer anything"
    assert function(request)["statusCode"] == 401
    for authorizer in ({}, {"jwt": {"claims": {"sub": "joe", "scope": "openid"}, "scopes": None}}):
        request["requestContext"]["authorizer"] = authorizer
        assert function(request)["statusCode"] in (401, 403)


def test_the_page_says_how_to_sign_in(function: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    answer = function(event("/config.json", {}, How(scopes=None)))
    assert json.loads(answer["body"]) == {"auth": "token"}


def test_signing_in_is_by_oidc_where_all_of_it_is_known() -> None:
    said = {
        "SIGN_IN_ISSUER": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x",
        "SIGN_IN_CLIENT_ID": "client",
        "SIGN_IN_AUTHORIZE_ENDPOINT": "https://postroad.auth.eu-west-1.amazoncognito.com/oauth2/authorize",
        "SIGN_IN_TOKEN_ENDPOINT": "https://postroad.auth.eu-west-1.amazoncognito.com/oauth2/token",
    }
    found = sign_in(said)
    assert (found["auth"], found["client_id"]) == ("oidc", "client")
    assert all(f"postroad/{scope}" in found["scope"].split() for scope in SCOPES)
    assert connect_to(found) == ("https://postroad.auth.eu-west-1.amazoncognito.com",)
    assert sign_in({**said, "SIGN_IN_TOKEN_ENDPOINT": " "}) == {"auth": "token"}
    assert connect_to({"token_endpoint": "http://issuer.example/token"}) == ()
    assert (
        sign_in({**said, "SIGN_IN_LOGOUT_ENDPOINT": "https://x.example"})["logout_endpoint"]
        == "https://x.example"
    )


# --- the suppression list ---------------------------------------------------------------------------------------------


@pytest.fixture
def client() -> "SESV2Client":
    return boto3.client(
        "sesv2", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


LISTED = {
    "SuppressedDestination": {
        "EmailAddress": "ann@example.com",
        "Reason": "BOUNCE",
        "LastUpdateTime": datetime(2026, 2, 25, 0, 5, 18, tzinfo=UTC),
        "Attributes": {"MessageId": SES_ID, "FeedbackId": "f-1"},
    }
}


def test_an_address_on_the_list_is_told_and_taken_off(client: "SESV2Client") -> None:
    with Stubber(client) as stub:
        stub.add_client_error("get_suppressed_destination", "NotFoundException", http_status_code=404)
        stub.add_response("get_suppressed_destination", LISTED, {"EmailAddress": "ann@example.com"})
        assert SesSuppressions(client).find("Ann@Example.com") == {
            "address": "ann@example.com",
            "reason": "bounce",
            "since": "2026-02-25T00:05:18.000Z",
            "ses_id": SES_ID,
            "feedback_id": "f-1",
        }
        stub.add_response("get_suppressed_destination", LISTED, {"EmailAddress": "ann@example.com"})
        stub.add_response("delete_suppressed_destination", {}, {"EmailAddress": "ann@example.com"})
        assert SesSuppressions(client).remove("ann@example.com")
        stub.add_client_error("get_suppressed_destination", "NotFoundException", http_status_code=404)
        assert not SesSuppressions(client).remove("ann@example.com")
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "status"),
    [("BadRequestException", 400), ("TooManyRequestsException", 503), ("AccessDeniedException", 502)],
)
def test_what_ses_refuses_is_told_without_the_address(code: str, status: int, client: "SESV2Client") -> None:
    with Stubber(client) as stub:
        stub.add_client_error("get_suppressed_destination", code, "of ann@example.com", http_status_code=400)
        with pytest.raises(ProblemError) as caught:
            SesSuppressions(client).find("ann@example.com")
    assert caught.value.status == status
    assert "ann@example.com" not in str(caught.value).replace("such as ann@example.com", "")


def test_the_route_answers_for_the_list(client: "SESV2Client") -> None:
    with Stubber(client) as stub:
        desk = Desk(object(), suppressions=SesSuppressions(client))
        stub.add_response("get_suppressed_destination", LISTED)
        assert desk.ask("/v1/suppressions/ann@example.com")["listed"] is True
        stub.add_client_error("get_suppressed_destination", "NotFoundException", http_status_code=404)
        assert desk.ask("/v1/suppressions/bob@example.com") == {"address": "bob@example.com", "listed": False}
        stub.add_response("get_suppressed_destination", LISTED)
        stub.add_response("delete_suppressed_destination", {})
        gone = desk.answer("/v1/suppressions/ann@example.com", {}, How(scopes=SCOPES, method="DELETE"))
        assert (gone["statusCode"], gone["body"]) == (204, "")
        stub.add_client_error("get_suppressed_destination", "NotFoundException", http_status_code=404)
        assert desk.refusal("/v1/suppressions/bob@example.com", {}, How(SCOPES, "DELETE"))["status"] == 404
