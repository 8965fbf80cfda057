"""WSGI before the API: makes of a request the event that the HTTP API makes on AWS, and has its token checked."""

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from postroad.api import Api
from postroad.api_answers import HEADERS, PROBLEM, dumped
from postroad.api_auth import PREFIX, Asker
from postroad.api_problems import TITLES, ProblemError

StartResponse: TypeAlias = Callable[[str, list[tuple[str, str]]], object]
# Who asks, by a request's headers (names in lower case) and the address it comes from; None for nobody known.
Gate: TypeAlias = Callable[[Mapping[str, str], str], Asker | None]
# Who may ask for a path without saying who they are, by the path, the headers and the address; None for nobody.
Guests: TypeAlias = Callable[[str, Mapping[str, str], str], Asker | None]
_REASONS = TITLES | {200: "OK", 204: "No Content", 304: "Not Modified"}


def nobody(path: str, headers: Mapping[str, str], source: str) -> None:
    """Let nobody in who does not say who they are."""
    del path, headers, source


class WsgiApi:
    """The WSGI application."""

    def __init__(
        self, api: Api, gate: Gate, is_own_name: Callable[[str], bool], guests: Guests = nobody
    ) -> None:
        """Let `gate` tell who asks, else `guests`; `is_own_name` tells whether a Host header means us."""
        self._api = api
        self._gate = gate
        self._is_own_name = is_own_name
        self._guests = guests

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            answer = self._api.resolve(self._event(environ))
        except ProblemError as problem:
            answer = _refused(problem)
        text = answer.get("body") or ""
        body = b64decode(text) if answer.get("isBase64Encoded") else text.encode("utf-8", "replace")
        headers = {**answer["headers"], "Content-Length": str(len(body))}
        if answer["statusCode"] in (204, 304):
            headers.pop("Content-Length")
        if environ["REQUEST_METHOD"] == "HEAD":
            body = b""
        start_response(f"{answer['statusCode']} {_REASONS[answer['statusCode']]}", _listed(headers))
        return [body] if body else []

    def _event(self, environ: Mapping[str, Any]) -> dict[str, Any]:
        if not self._is_own_name(environ.get("HTTP_HOST", "")):
            raise ProblemError(
                421, "this is not the name of this service: ask for it by one that it was given"
            )
        headers = _headers(environ)
        # WSGI has the path's bytes as Latin-1.
        path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace") or "/"
        source = environ.get("REMOTE_ADDR", "")
        # To be told how long the answer would be.
        method = "GET" if environ["REQUEST_METHOD"] == "HEAD" else environ["REQUEST_METHOD"]
        context: dict[str, Any] = {
            "stage": "$default",
            "http": {"method": method, "path": path, "sourceIp": source},
        }
        asker = self._gate(headers, source) or self._guests(path, headers, source)
        if asker:
            scopes = [f"{PREFIX}{scope}" for scope in sorted(asker.scopes)]
            context["authorizer"] = {"jwt": {"claims": {"sub": asker.who}, "scopes": scopes}}
        return {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": environ.get("QUERY_STRING", ""),
            "headers": headers,
            "requestContext": context,
            "isBase64Encoded": False,
        }


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    return {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }


def _listed(headers: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in headers.items()]


def _refused(problem: ProblemError) -> dict[str, Any]:
    headers = {"Content-Type": PROBLEM, "Cache-Control": "no-store", **HEADERS}
    return {"statusCode": problem.status, "headers": headers, "body": dumped(problem.document())}
