"""The API against its own OpenAPI document: what schemathesis asks by it, as the document allows and as it does not."""

import os
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from postroad.api import Api, Parts
from postroad.api_auth import READ, SUPPRESS, Asker
from postroad.api_wsgi import WsgiApi
from postroad.growth import grown
from postroad.store.sqlite import SQLiteStore
from tests.contract.mail import FACTS

TOKEN = {"Authorization": "Bearer t"}
ANN = Asker("ann", frozenset((READ, SUPPRESS)))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
OPERATIONS = [
    ("GET", "/v1/search"),
    ("GET", "/v1/recipients/{address}/journeys"),
    ("GET", "/v1/journeys"),
    ("GET", "/v1/messages/{identifier}"),
    ("GET", "/v1/queue/{queue_id}"),
    ("GET", "/v1/problems"),
    ("GET", "/v1/summary"),
    ("GET", "/v1/suppressions/{address}"),
    ("DELETE", "/v1/suppressions/{address}"),
    ("GET", "/v1/me"),
    ("GET", "/v1/healthz"),
]


class Listed:
    """A suppression list that every other address is on."""

    def find(self, address: str) -> dict[str, Any] | None:
        known = {"reason": "bounce", "since": "2026-02-01T10:00:00.000Z"}
        return known if self.remove(address) else None

    def remove(self, address: str) -> bool:
        return len(address) % 2 == 1


def gate(headers: Mapping[str, str], _: str) -> Asker | None:
    return ANN if headers.get("authorization") == TOKEN["Authorization"] else None


@pytest.fixture(scope="module")
def described() -> Iterator[OpenApiSchema]:
    with SQLiteStore.open(":memory:") as store:
        store.add(grown(FACTS))
        api = Api(
            Parts(
                store=store,
                now=lambda: "2026-03-01T00:00:00.000Z",
                key=b"k" * 32,
                audit=lambda _: None,
                suppressions=Listed(),
                listing=store.window,
                rate=1e6,
                burst=1e6,
            )
        )
        app = WsgiApi(api, gate, lambda _: True)
        yield schemathesis.openapi.from_wsgi("/v1/openapi.json", app, headers=TOKEN)


def test_every_operation_of_the_document_is_tried(described: OpenApiSchema) -> None:
    paths = cast("dict[str, dict[str, object]]", described.raw_schema["paths"])
    found = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    assert found - {("GET", "/v1/openapi.json")} == set(OPERATIONS)


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_answers_are_as_the_document_says(
    method: str, path: str, mode: GenerationMode, described: OpenApiSchema
) -> None:
    # A checked time, state or id is text to the document, so text that is none may be refused.
    @settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=min(30, int(os.environ.get("POSTROAD_MAX_EXAMPLES", "30"))),
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        case.call_and_validate(headers=TOKEN, checks=CHECKS)

    ask()


# No random text is an id that the store knows; these are.
@pytest.mark.parametrize("answer_format", ["json", "csv"])
@pytest.mark.parametrize(
    ("path", "parts", "asked"),
    [
        ("/v1/search", {}, {"q": "ann@example.com", "since": "all"}),
        ("/v1/recipients/{address}/journeys", {"address": "ann@example.com"}, {"since": "2026-02-25"}),
        ("/v1/messages/{identifier}", {"identifier": "order-1@example.org"}, {}),
        ("/v1/queue/{queue_id}", {"queue_id": "4fXk2M1zQyz3Rb"}, {}),
        ("/v1/problems", {}, {"day": "2026-02-25"}),
        ("/v1/summary", {}, {"since": "2026-02-20"}),
    ],
)
def test_found_mail_is_as_the_document_says(
    path: str, parts: dict[str, str], asked: dict[str, str], answer_format: str, described: OpenApiSchema
) -> None:
    case = described[path]["GET"].Case(path_parameters=parts, query=asked | {"format": answer_format})
    answer = case.call_and_validate(headers=TOKEN, checks=CHECKS[:4])
    assert answer.status_code == 200
    assert ("text/csv" in answer.headers["content-type"][0]) == (answer_format == "csv")
