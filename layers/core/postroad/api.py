"""The HTTP API: a payload of version 2 in, an answer out; the same on Lambda and on one machine.

Whoever calls it has checked the token, and puts its claims where the HTTP API's authoriser does; without them nothing
under /v1 is answered. Powertools' resolver keeps the present event in a class attribute, so one is answered at a time.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, TypeAlias
from urllib.parse import parse_qsl, quote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Query

from postroad import api_files, api_openapi, api_params
from postroad.api_answers import (
    CONTENT_SECURITY_POLICY,
    HEADERS,
    JSON,
    Call,
    dumped,
    refusal,
    wants_csv,
)
from postroad.api_auth import Asker, Audit, Buckets, asker_of, check
from postroad.api_cursors import Cursors
from postroad.api_pages import Pages, ProblemStore
from postroad.api_problems import ProblemError, refused
from postroad.api_routes import Routes, Sources
from postroad.api_summary import Listing
from postroad.api_suppressions import NoSuppressions, Suppressions
from postroad.instants import Instant, to_ms

Event: TypeAlias = Mapping[str, Any]
# An address or an id may hold any character, and arrives decoded.
_OPEN_ENDED = re.compile(
    r"(/v1/(?:recipients|messages|queue|suppressions)/)(.+?)((?:(?<=.)/journeys)?)", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the API is put together from; `key` seals cursors and hashes what the audit log notes."""

    store: ProblemStore
    now: Callable[[], Instant]
    key: bytes
    audit: Callable[[Mapping[str, Any]], None]
    suppressions: Suppressions = field(default_factory=NoSuppressions)
    listing: Listing | None = None
    console: Path | None = None
    sign_in: Mapping[str, Any] = field(default_factory=lambda: {"auth": "token"})
    connect_to: tuple[str, ...] = ()
    is_alive: Callable[[], bool] = lambda: True
    unavailable: tuple[type[Exception], ...] = ()
    report: Callable[[Exception], None] = lambda _: None
    is_https: bool = False
    rate: float = 10
    burst: float = 60


class Api:
    """The API and the console's files."""

    def __init__(self, parts: Parts) -> None:
        """Put it together."""
        self._parts = parts
        self._files = api_files.read(parts.console)
        self._buckets = Buckets(parts.rate, parts.burst)
        pages = Pages(parts.store, Cursors(parts.key), parts.now)
        audit = Audit(parts.audit, parts.key, parts.now)
        self._routes = Routes(
            Sources(parts.store, pages, parts.suppressions, audit, parts.now, parts.listing)
        )
        self._headers = HEADERS | {
            "Content-Security-Policy": CONTENT_SECURITY_POLICY.format(
                connect=" ".join(("'self'", *parts.connect_to))
            )
        }
        if parts.is_https:
            self._headers["Strict-Transport-Security"] = "max-age=63072000"
        self._lock = Lock()
        self.app = self._resolver()
        self.description: str = dumped(self._described())

    def _resolver(self) -> APIGatewayHttpResolver:
        app = APIGatewayHttpResolver(enable_validation=True)
        self._routes.add_to(app)
        app.get("/v1/openapi.json", summary="Describe this API", tags=["service"])(self._openapi)
        app.get("/healthz", include_in_schema=False)(self._health)
        app.get("/config.json", include_in_schema=False)(self._config)
        app.use([_refuse_unknown])
        app.not_found(self._file)
        app.exception_handler(ProblemError)(refusal)
        app.exception_handler(RequestValidationError)(_invalid)
        for error in self._parts.unavailable:
            app.exception_handler(error)(self._unavailable)
        return app

    def resolve(self, event: Event) -> dict[str, Any]:
        """Answer one request."""
        method = event["requestContext"]["http"]["method"].upper()
        with self._lock:
            answer = self._answer(event, method)
        headers = {"Cache-Control": "no-store"} | answer.get("headers", {}) | self._headers
        body = "" if method == "HEAD" else answer.get("body") or ""
        return answer | {"headers": headers, "body": body}

    def _answer(self, event: Event, method: str) -> dict[str, Any]:
        path = str(event.get("rawPath") or "/")
        try:
            asked = _asked(str(event.get("rawQueryString") or ""))
            accept = next((v for k, v in (event.get("headers") or {}).items() if k.lower() == "accept"), "")
            asker = self._admitted(event, method) if path.startswith("/v1/") or path == "/v1" else _NOBODY
            self._routes.call = Call(asker, wants_csv(asked, accept))
        except ProblemError as problem:
            return _plainly(refusal(problem))
        return self.app.resolve(_resolvable(event, path, asked, method), _NO_CONTEXT)

    def _admitted(self, event: Event, method: str) -> Asker:
        asker = asker_of(event)
        self._buckets.take(asker.who, to_ms(self._parts.now()) / 1000)
        check(asker, method)
        return asker

    # --- what is no question to the store ---

    def _openapi(self, asked: Annotated[api_params.Nothing, Query()]) -> Response[str]:
        del asked
        return Response(200, JSON, self.description)

    def _registered(self) -> list[Any]:
        return self.app._static_routes + self.app._dynamic_routes  # noqa: SLF001 - it has no other list of them

    def _described(self) -> dict[str, Any]:
        schema = self.app.get_openapi_schema(
            title="Postroad", version="1", description="What happened to the mail for this person?"
        )
        models = {
            f"{route.method.lower()} {route.openapi_path}": model
            for route in self._registered()
            if (model := _model(route)) is not None
        }
        return api_openapi.completed(schema.model_dump(by_alias=True, exclude_none=True, mode="json"), models)

    def _health(self) -> Response[str]:
        if not self._parts.is_alive():
            raise ProblemError(503, "the service makes no progress: see what it says on stderr")
        return Response(200, JSON, dumped({"status": "ok"}))

    def _config(self) -> Response[str]:
        return Response(200, JSON, dumped(dict(self._parts.sign_in)))

    def _unavailable(self, error: Exception) -> Response[str]:
        self._parts.report(error)
        return refusal(
            ProblemError(
                503, "the store cannot answer now: try again in a minute", headers={"Retry-After": "30"}
            )
        )

    def _file(self, _: NotFoundError) -> Response[Any]:
        event = self.app.current_event
        found = self._files.get(event.path)
        known = [route for route in self._registered() if route.rule.match(event.path)]
        if found is None and not known:
            return refusal(
                ProblemError(404, "there is no such page: the API is described at /v1/openapi.json")
            )
        if found is None or event.http_method != "GET":
            allowed = ", ".join(sorted({"GET", "HEAD", *(route.method for route in known)}))
            return refusal(
                ProblemError(405, f"this can only be asked with {allowed}", headers={"Allow": allowed})
            )
        headers: dict[str, str | list[str]] = {"Cache-Control": "no-cache", "ETag": found.tag}
        if found.tag in (event.headers.get("if-none-match") or ""):
            return Response(304, found.kind, "", headers)
        return Response(200, found.kind, found.body, headers)


_NOBODY = Asker("", frozenset())
# What Lambda says of the call; no route asks.
_NO_CONTEXT: Any = None


def _plainly(said: Response[str]) -> dict[str, Any]:
    headers = {**said.headers, "Content-Type": said.content_type}
    return {"statusCode": said.status_code, "headers": headers, "body": said.body, "isBase64Encoded": False}


def _asked(query: str) -> dict[str, str]:
    """The parameters, each once; the HTTP API's own reading of them joins repeated ones by commas."""
    asked: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=50):
        if name in asked:
            raise refused(name[:50], "give it once")
        asked[name] = value
    return asked


def _resolvable(event: Event, path: str, asked: Mapping[str, str], method: str) -> dict[str, Any]:
    """The event as the resolver's patterns can read it."""
    found = _OPEN_ENDED.fullmatch(path)
    if found:
        path = f"{found[1]}{quote(found[2], safe='', errors='surrogatepass')}{found[3]}"
    context = event["requestContext"]
    http = context["http"] | {"method": "GET" if method == "HEAD" else method, "path": path}
    return {
        **event,
        "rawPath": path,
        "queryStringParameters": dict(asked),
        "requestContext": {**context, "stage": "$default", "http": http},
    }


def _model(route: Any) -> Any:  # noqa: ANN401 - Powertools' Route
    return next((one.field_info.annotation for one in route.dependant.query_params), None)


def _refuse_unknown(app: Any, following: Callable[[Any], Response[Any]]) -> Response[Any]:  # noqa: ANN401 - Powertools' types
    model = _model(app.context["_route"])
    known = list(model.model_fields) if model else []
    for name in app.current_event.query_string_parameters:
        if model and name not in known:
            there_are = f"there are {', '.join(known)}" if known else "this takes none"
            raise refused(name[:50], f"there is no such parameter: {there_are}")
    return following(app)


def _invalid(error: RequestValidationError) -> Response[str]:
    first = error.errors()[0]
    parameter = str(first["loc"][-1])
    return refusal(refused(parameter, api_params.fix(parameter, first)))
