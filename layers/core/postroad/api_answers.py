"""Answers as they leave: masked where they must be, as JSON or CSV, and with headers that bind a browser."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from aws_lambda_powertools.event_handler import Response

from postroad import api_csv
from postroad.api_auth import Asker
from postroad.api_masking import masked
from postroad.api_pages import Answer, Window, shown
from postroad.api_problems import ProblemError, refused
from postroad.journey import Journey

JSON, CSV, PROBLEM = "application/json", "text/csv; charset=utf-8", "application/problem+json"
# Lambda answers with 6 MB at most, and counts what JSON makes of a text: six bytes of each `ñ`.
MOST_BYTES = 5_800_000
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; manifest-src 'self'; "
    "connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Call(NamedTuple):
    """Who asks, and whether for CSV."""

    asker: Asker
    wants_csv: bool


class Reply(NamedTuple):
    """What a route answers: a document, and the rows that it is as CSV."""

    document: dict[str, Any]
    rows: Iterable[Mapping[str, Any]] | None = None
    fields: tuple[str, ...] = ()


def told(reply: Reply, call: Call) -> Response[str]:
    """A reply as the asker wants it, and may have it."""
    hide = masked if call.asker.is_masked else _nothing_hidden
    cursor = reply.document.get("cursor")
    headers: dict[str, str | list[str]] = {"X-Next-Cursor": cursor} if cursor else {}
    if call.wants_csv and reply.rows is not None:
        body = api_csv.written(map(api_csv.flat, hide([*reply.rows])), reply.fields)
        headers["Content-Disposition"] = 'attachment; filename="postroad.csv"'
        kind = CSV
    else:
        body, kind = dumped(hide(reply.document)), JSON
    if len(json.dumps(body)) > MOST_BYTES:
        raise ProblemError(413, "this is too much for one answer: ask for a lower limit", parameter="limit")
    return Response(200, kind, body, headers)


def _nothing_hidden(said: Any) -> Any:  # noqa: ANN401 - any JSON
    return said


def refusal(problem: ProblemError) -> Response[str]:
    """A refusal."""
    return Response(problem.status, PROBLEM, dumped(problem.document()), {**problem.headers})


def dumped(said: object) -> str:
    """JSON; a lone surrogate, which a hostile event may hold, has no UTF-8."""
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"


def page(found: Answer, wanted: Window, state: str | None, **more: str | None) -> Reply:
    """A page of journeys."""
    rows = [shown(one) for one in found.journeys if state in (None, one.state.word)]
    head = {**more, "since": wanted.since, "until": wanted.until}
    return Reply(
        {**head, "journeys": rows, "cursor": found.cursor, "records_read": found.read}, rows, api_csv.JOURNEY
    )


def whole(found: list[Journey], most: int, **more: str | None) -> Reply:
    """All the mail of one id, as far as one answer goes."""
    if not found:
        raise ProblemError(404, "nothing is known of this id: it may be mistyped, or older than what is kept")
    rows = [shown(one) for one in found[:most]]
    return Reply({**more, "journeys": rows, "truncated": len(found) > most}, rows, api_csv.JOURNEY)


def wants_csv(asked: Mapping[str, str], accept: str) -> bool:
    """Tell whether CSV is asked for: the parameter decides, then the header."""
    if "format" in asked:
        return asked["format"] == "csv"
    return "text/csv" in accept.lower() and "application/json" not in accept.lower()


def is_state(word: str | None, known: Iterable[str]) -> None:
    """Refuse a state that there is none of."""
    if word is not None and word not in known:
        raise refused("state", f"there is no such state: choose one of {', '.join(known)}")
