"""Answers from elsewhere: the store of a deployed stack, or an API."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPException
from ipaddress import ip_address
from typing import Any, NoReturn, TypeVar
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from pydantic import BaseModel, ValidationError

from postroad.addresses import printable
from postroad.instants import Instant
from postroad.store.sqlite_ledger import SetAside
from postroad_host import questions, summary
from postroad_host.answers import Document, NotAnsweredError, RemoteError, Summary
from postroad_host.api_documents import Counted, Page
from postroad_host.clock import now
from postroad_host.desks import Shelf

_TIMEOUT_S = 30
# The API's own answers stay below 6 MB.
_MOST_BYTES = 16_000_000
_LIMIT = 200
# An asker who is too fast for the API is told how long to wait.
_TRIES, _LONGEST_WAIT_S = 5, 30
_NOT_FOUND, _TOO_MANY = 404, 429
_SHOWN = 500
# Records know when they end; an older one than this there is none.
_FOR_GOOD = timedelta(days=36_500)

Answer = TypeVar("Answer", bound=BaseModel)


# --- a deployed stack -------------------------------------------------------------------------------------------------


@contextmanager
def stack(name: str, region: str | None) -> Iterator[Shelf]:
    """The desk of a stack, by the AWS credentials of whoever asks. Raises RemoteError, in the context's body too."""
    try:
        # Half of the time that a start takes, for those who need it; and a machine without AWS has none of it.
        import boto3  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        from pynamodb.exceptions import PynamoDBException  # noqa: PLC0415

        from postroad.store.dynamodb import DynamoDBStore  # noqa: PLC0415
    except ImportError as error:
        raise RemoteError(f"--stack needs the package {error.name}: install postroad[aws,host]") from error
    if region:
        # The one place that both libraries look at.
        os.environ["AWS_DEFAULT_REGION"] = region
    try:
        client: Any = boto3.client("cloudformation")
        found = client.describe_stacks(StackName=name)["Stacks"]
        with DynamoDBStore(_table(name, found), retention=_FOR_GOOD) as store:
            yield Shelf(store)
    except (BotoCoreError, ClientError, PynamoDBException, TimeoutError) as error:
        raise RemoteError(f"stack {printable(name)}: {printable(str(error))[:_SHOWN]}") from error


def _table(name: str, found: Iterable[Mapping[str, Any]]) -> str:
    outputs = (output for one in found for output in one.get("Outputs", ()))
    table = next((output["OutputValue"] for output in outputs if output["OutputKey"] == "TableName"), None)
    if table is None:
        raise RemoteError(
            f"stack {printable(name)} has no output TableName: it is no stack of Postroad's, or not ready yet"
        )
    return str(table)


# --- an API -----------------------------------------------------------------------------------------------------------


def checked_url(text: str) -> str:
    """The address of an API, as far as its paths. Raises ValueError for one that would give the token away."""
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(_FORM) from error
    if parts.scheme not in ("https", "http") or not host or parts.query or parts.fragment:
        raise ValueError(_FORM)
    if "@" in parts.netloc:
        raise ValueError("a user or a password does not belong there: put the token into POSTROAD_TOKEN")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("http would show the token and the mail to everybody on the way: use https")
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{path}"


_FORM = "this is no address of an API: write https://postroad.example.com"


def checked_token(text: str) -> str:
    """A token that a header can hold. Raises ValueError, whose text does not repeat it."""
    token = text.strip()
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise ValueError("POSTROAD_TOKEN holds no token: it is one word of letters, digits and signs")
    return token


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class _Stay(HTTPRedirectHandler):
    """Follows nobody elsewhere: the token is for this API alone."""

    def redirect_request(self, *_: object) -> None:
        """Leave the answer as the refusal that it is then taken for."""


def _opener(url: str) -> OpenerDirector:
    # A proxy has no way to this machine.
    return build_opener(_Stay, *([ProxyHandler({})] if url.startswith("http:") else []))


class Api:
    """The desk of an API."""

    def __init__(self, url: str, token: str | None) -> None:
        """Ask the API at `url`, as `checked_url` gives it; without a token it may be asked nothing but what is open."""
        self._url = url
        self._headers = {"Accept": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        self._opener = _opener(url)

    def of_address(self, address: str, since: Instant | None, until: Instant | None) -> Iterator[Document]:
        asked = {"since": since or "all"} | ({"until": until} if until else {})
        return self._pages(f"/v1/recipients/{quote(address, safe='')}/journeys", asked)

    def of_id(self, identifier: str) -> Iterator[Document]:
        word = identifier.strip().removeprefix("<").removesuffix(">")
        try:
            page = self._ask(Page, f"/v1/messages/{quote(word, safe='')}", {})
        except _NotFoundError:
            # Either the id is not known, or this is no API at all.
            self._ask(_Me, "/v1/me", {})
            return
        yield from (one.model_dump() for one in page.journeys)
        if page.truncated:
            raise RemoteError(
                f"the API tells no more than {len(page.journeys)} of its recipients: find the others by address"
            )

    def problems(self, since: Instant) -> Iterator[Document]:
        until = now()
        questions.check_span(since, until)
        return (
            one for day in questions.days(since, until) for one in self._pages("/v1/problems", {"day": day})
        )

    def summary(self, since: Instant, until: Instant | None) -> Summary:
        asked = {"since": since} | ({"until": until} if until else {})
        return summary.completed(self._ask(Counted, "/v1/summary", asked).model_dump())

    def refused(self, since: Instant) -> Iterator[SetAside]:
        raise NotAnsweredError(
            f"an API does not tell what was refused since {since[:10]}: ask on its machine, with --db"
        )

    def _pages(self, path: str, asked: Mapping[str, str]) -> Iterator[Document]:
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = self._ask(Page, path, {**asked, "limit": str(_LIMIT), **more})
            yield from (one.model_dump() for one in page.journeys)
            if page.cursor is None or page.cursor == cursor:
                return
            cursor = page.cursor

    def _ask(self, kind: type[Answer], path: str, asked: Mapping[str, str]) -> Answer:
        question = f"?{urlencode(asked)}" if asked else ""
        body = self._body(Request(f"{self._url}{path}{question}", headers=self._headers))  # noqa: S310 - see checked_url
        try:
            return kind.model_validate_json(body)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "its beginning"
            raise RemoteError(
                f"{self._url} does not answer as this version's API does (at {printable(where)[:_SHOWN]}):"
                " is it Postroad's, and as new as this command?"
            ) from error

    def _body(self, request: Request) -> bytes:
        for tries_left in reversed(range(_TRIES)):
            try:
                with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                    body: bytes = answer.read(_MOST_BYTES + 1)
                    return self._whole(body)
            except HTTPError as error:
                with error:
                    if not (error.code == _TOO_MANY and tries_left):
                        self._refused(error)
                    time.sleep(_wait(error))
            except (OSError, HTTPException) as error:
                raise RemoteError(f"{self._url} cannot be asked: {_why(error)}") from error
        raise AssertionError

    def _whole(self, body: bytes) -> bytes:
        if len(body) > _MOST_BYTES:
            raise RemoteError(f"{self._url} answers with more than {_MOST_BYTES // 1_000_000} MB")
        return body

    def _refused(self, error: HTTPError) -> NoReturn:
        told = _Refusal.of(error)
        if error.code == _NOT_FOUND:
            raise _NotFoundError(f"{self._url}: {told}") from error
        hint = _HINTS.get(error.code, "")
        raise RemoteError(f"{self._url} refuses: {told}{hint}") from error


class _Me(BaseModel):
    """Whose token it is; only an API says so."""

    who: str


class _NotFoundError(RemoteError):
    """What was asked for is not there."""


class _Refusal(BaseModel):
    """What an API says of a refusal (RFC 9457)."""

    detail: str

    @classmethod
    def of(cls, error: HTTPError) -> str:
        """Its own words, or the status alone."""
        try:
            said = cls.model_validate_json(error.read(_MOST_BYTES)).detail
        except (ValidationError, OSError, HTTPException):
            said = f"{error.code} {error.reason}"
        return printable(said)[:_SHOWN]


_HINTS = {
    401: ": put a valid token into POSTROAD_TOKEN",
    403: ": the token in POSTROAD_TOKEN may not ask this",
}


def _wait(error: HTTPError) -> float:
    said = error.headers.get("Retry-After", "")
    return min(int(said[:6]) if said.isascii() and said.isdecimal() else 1, _LONGEST_WAIT_S)


def _why(error: Exception) -> str:
    return printable(str(getattr(error, "reason", error)) or type(error).__name__)[:_SHOWN]
