"""A write over a bad line: nothing is lost, nothing counts twice, nobody waits in vain, and no key is told."""

import json
import logging
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, repeat
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import CredentialRetrievalError, NoCredentialsError
from botocore.session import get_session
from urllib3.exceptions import HTTPError

from bench.deployment import Deployment
from postroad.codec import Key
from postroad.growth import Growth
from postroad.store import aws_place, dynamodb_wire
from postroad.store.aws_place import Place
from postroad.store.dynamodb import THREADS, DynamoDBStore, NotStoredError
from postroad.store.dynamodb_wire import (
    CONNECT_S,
    LAST_TRY_S,
    READ_S,
    RETRIES,
    RefusedError,
    Wire,
    WriteError,
)
from tests.aws.parts import dynamodb_local, hindrance, tables
from tests.aws.parts.hindrance import PASSES, RESET, TOLD_BY_HALF, UNTOLD, Hindrance, answer, refusal
from tests.aws.parts.tables import client_of, name_of

KEY = Key("ses#1", "to#ann@example.com")
REQUEST = {"TableName": "table", "Key": {}}


class Keys(NamedTuple):
    """A role's keys at some moment."""

    access_key: str = "AKIDEXAMPLE"
    secret_key: str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    token: str | None = "the session's token"


@pytest.fixture(params=["moto", "DynamoDB Local"])
def store(request: pytest.FixtureRequest, require: Callable[[str, bool], None]) -> Iterator[DynamoDBStore]:
    if request.param == "moto":
        with tables.in_moto() as opened:
            yield opened
    else:
        require("DynamoDB Local", dynamodb_local.is_present())
        with tables.in_dynamodb_local() as opened:
            yield opened


@pytest.fixture(autouse=True)
def pauses() -> Iterator[list[float]]:
    """The pauses that were asked for; nobody waits for their end."""
    asked: list[float] = []
    with patch("time.sleep", asked.append):
        yield asked


def _place(url: str, keys: Any = Keys) -> Place:  # noqa: ANN401 - what has the three parts of keys
    return Place(url, "eu-west-1", keys)


def _growth(number: int, day: int = 25) -> Growth:
    return Growth({f'{{"e":"{number}"}}'}, {f"{number:02d} state"}, "ann@example.com", f"2026-02-{day}")


# What may happen to a try of which another one may become more.
TROUBLES = {
    "throttled": refusal("ProvisionedThroughputExceededException"),
    "throttled by its newer name": refusal("ThrottlingException"),
    "a fault of the service": refusal("InternalServerError", 500),
    "no JSON from a balancer": answer(503, b"<html>Service Unavailable</html>"),
    "an empty answer": answer(200, b""),
    "somebody else's answer": answer(200, b"<html>Sign in to this network</html>"),
    "JSON that is no object": answer(200, b"[]"),
    "an error cut short": answer(400, b'{"__type":"com.amazonaws.dynamodb.v20120810#Vali'),
    "nested beyond measure": answer(400, b"[" * 60_000),
    "reset": RESET,
    "stored, and nobody told": UNTOLD,
    "stored, and told by half": TOLD_BY_HALF,
    "no HTTP": Hindrance(reaches=False, sent=b"220 smtp.example.org ESMTP\r\n\r\n", cut=99),
    "an endless header": Hindrance(reaches=False, sent=b"HTTP/1.1 200 OK\r\nx: " + b"x" * 70_000, cut=80_000),
    "a length that is none": Hindrance(
        reaches=False, sent=b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n{", cut=99
    ),
}


class TestOnABadLine:
    @pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
    def test_a_write_is_tried_until_it_is_told_of(
        self, store: DynamoDBStore, trouble: Hindrance, pauses: list[float]
    ) -> None:
        with (
            hindrance.line(client_of(store).meta.endpoint_url, [trouble, trouble]) as line,
            DynamoDBStore(name_of(store), retention=tables.FOR_GOOD, host=line.url) as hindered,
        ):
            hindered.add({KEY: _growth(1)})
            hindered.add({KEY: _growth(2)})

        [record] = store.get([KEY])
        assert record.texts == _growth(1).texts | _growth(2).texts
        assert store.lookup("ann@example.com").keys == [KEY]
        assert (len(line.asked), len(pauses)) == (4, 2)

    def test_what_is_stored_more_than_once_is_stored_once(self, store: DynamoDBStore) -> None:
        """Also where two sources differ, and where the answer to each request on the way is lost."""
        with (
            hindrance.line(client_of(store).meta.endpoint_url, cycle([UNTOLD, PASSES])) as line,
            DynamoDBStore(name_of(store), retention=tables.FOR_GOOD, host=line.url) as hindered,
        ):
            for number in (3, 1, 2):
                hindered.add({KEY: _growth(number, 20 + number)})

        item = client_of(store).get_item(
            TableName=name_of(store), Key={"pk": {"S": KEY.pk}, "sk": {"S": KEY.sk}}
        )["Item"]
        assert sorted(item["facts"]["SS"]) == ['{"e":"1"}', '{"e":"2"}', '{"e":"3"}']
        assert sorted(item["states"]["SS"]) == ["01 state", "02 state", "03 state"]
        assert item["at"] == {"S": "2026-02-21"}

    def test_a_batch_on_a_line_that_breaks_now_and_then_is_stored(self, store: DynamoDBStore) -> None:
        keys = [Key("ses#1", f"to#{number}@example.com") for number in range(60)]
        with (
            hindrance.line(
                client_of(store).meta.endpoint_url, cycle([PASSES, RESET, PASSES, UNTOLD, TOLD_BY_HALF])
            ) as line,
            DynamoDBStore(name_of(store), retention=tables.FOR_GOOD, host=line.url) as hindered,
        ):
            _until_stored(hindered, dict.fromkeys(keys, _growth(1)))

        assert [record.texts for record in store.get(keys)] == [frozenset(_growth(1).texts)] * 60


def _until_stored(store: DynamoDBStore, growths: dict[Key, Growth]) -> None:
    """As a source does: what was not stored comes again."""
    try:
        store.add(growths)
    except NotStoredError as error:
        _until_stored(store, {key: growths[key] for key in error.failed})


@pytest.fixture
def wire() -> Callable[[str], Wire]:
    return lambda url: Wire(_place(url), THREADS)


NOWHERE, TABLE = "http://192.0.2.1", "https://dynamodb.eu-west-1.amazonaws.com"


class TestWhatItTells:
    @pytest.mark.parametrize(
        ("told", "code"),
        [
            (refusal("ValidationException"), "ValidationException"),
            (refusal("ExpiredTokenException"), "ExpiredTokenException"),
            (answer(400, b'{"__type":"AccessDeniedException"}'), "AccessDeniedException"),
            (answer(400, b'{"__type":["ann@example.com"]}'), "HTTP400"),
            (answer(403, b'{"message":"ann@example.com"}'), "HTTP403"),
            (answer(400, b'{"__type":"x#ann@example.com\\n"}'), "HTTP400"),
            (answer(301, b"{}", "Location: http://192.0.2.1/\r\n"), "HTTP301"),
        ],
    )
    def test_of_what_does_not_pass_at_once(
        self, told: Hindrance, code: str, wire: Callable[[str], Wire], pauses: list[float]
    ) -> None:
        with hindrance.line(NOWHERE, [told]) as line, pytest.raises(WriteError) as error:
            wire(line.url).update_item(REQUEST)

        assert (error.value.code, str(error.value)) == (code, code)
        assert not isinstance(error.value, RefusedError)
        assert pauses == []

    def test_of_a_condition_that_does_not_hold(self, wire: Callable[[str], Wire]) -> None:
        told = refusal("ConditionalCheckFailedException")
        with hindrance.line(NOWHERE, [told]) as line, pytest.raises(RefusedError):
            wire(line.url).update_item(REQUEST)

    @pytest.mark.parametrize(
        ("told", "code"),
        [
            (refusal("ThrottlingException"), "ThrottlingException"),
            (refusal("InternalServerError", 500), "InternalServerError"),
            (answer(500, b"{}"), "HTTP500"),
            (answer(503, b"busy"), "HTTP503"),
            (RESET, "ProtocolError"),
        ],
    )
    def test_of_what_does_not_pass_in_the_end(
        self, told: Hindrance, code: str, wire: Callable[[str], Wire], pauses: list[float]
    ) -> None:
        with hindrance.line(NOWHERE, repeat(told)) as line, pytest.raises(WriteError) as error:
            wire(line.url).update_item(REQUEST)

        assert error.value.code == code
        assert len(line.asked) == RETRIES + 1
        assert len(pauses) == RETRIES
        assert all(0 <= pause <= 2**number for number, pause in enumerate(pauses))

    def test_nobody_waits_for_who_does_not_answer(self, wire: Callable[[str], Wire]) -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as silent,
            patch.object(dynamodb_wire, "READ_S", 0.01),
            pytest.raises(WriteError) as error,
        ):
            wire(f"http://127.0.0.1:{silent.getsockname()[1]}").update_item(REQUEST)

        assert error.value.code == "ReadTimeoutError"

    @pytest.mark.parametrize(("takes_s", "tries"), [(0.01, RETRIES + 1), (CONNECT_S + READ_S, 3)])
    def test_a_call_ends_within_the_time_of_the_functions_that_make_it(
        self, takes_s: float, tries: int
    ) -> None:
        clock = _Clock()

        def slow(_wire: Wire, _body: bytes) -> tuple[int, bytes]:
            assert clock.now <= LAST_TRY_S
            clock.tries += 1
            clock.pass_by(takes_s)
            raise HTTPError

        with (
            patch("time.sleep", clock.pass_by),
            patch.object(dynamodb_wire, "uniform", lambda _least, most: most),
            patch.object(Wire, "_answer", slow),
            pytest.raises(WriteError, match="HTTPError"),
        ):
            Wire(_place(NOWHERE), 1, lambda: clock.now).update_item(REQUEST)

        deployed = Deployment()
        assert clock.tries == tries
        assert LAST_TRY_S + CONNECT_S + READ_S <= 25
        assert clock.now <= 25 < min(deployed.function(name).timeout_s for name in _WRITERS)

    def test_a_table_that_refuses_hundreds_is_not_asked_five_times_for_each(
        self, wire: Callable[[str], Wire]
    ) -> None:
        with hindrance.line(NOWHERE, repeat(refusal("ThrottlingException"))) as line:
            wired = wire(line.url)
            for _ in range(100):
                with pytest.raises(WriteError):
                    wired.update_item(REQUEST)

        assert len(line.asked) == 100 + 500 / 5

    def test_what_is_stored_earns_tries_again(self, wire: Callable[[str], Wire]) -> None:
        refused, stored = refusal("ThrottlingException"), answer(200, b"{}")
        told = [*[refused] * 126, *[stored] * 10, refused, refused, stored]
        with hindrance.line(NOWHERE, told) as line:
            wired = wire(line.url)
            for _ in range(26):
                with pytest.raises(WriteError):
                    wired.update_item(REQUEST)
            for _ in range(11):
                wired.update_item(REQUEST)

        assert len(line.asked) == len(told)


_WRITERS = ("RelayLogs", "SesEvents", "LinkDeadline")


class _Clock:
    """Time that passes where it is said to."""

    def __init__(self) -> None:
        self.now, self.tries = 0.0, 0

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


class TestSigning:
    def test_is_botocores_own(self, wire: Callable[[str], Wire]) -> None:
        with hindrance.line(NOWHERE, [answer(200, b"{}")]) as line:
            wire(line.url).update_item(REQUEST)

        [asked] = line.asked
        signed = asked["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert {"host", "x-amz-date", "x-amz-security-token", "x-amz-target"} <= set(signed)
        body = json.dumps(REQUEST, separators=(",", ":")).encode()
        again = AWSRequest("POST", f"{line.url}/", {name: asked[name] for name in _NAMED}, body)
        again.context["timestamp"] = asked["X-Amz-Date"]
        signer = SigV4Auth(Keys(), "dynamodb", "eu-west-1")  # type: ignore[arg-type]
        again.headers["X-Amz-Date"] = asked["X-Amz-Date"]
        again.headers["X-Amz-Security-Token"] = asked["X-Amz-Security-Token"]
        signature = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
        assert asked["Authorization"].endswith(f"Signature={signature}")

    def test_is_anew_for_each_try_with_the_keys_of_the_moment(self) -> None:
        moments = iter([Keys(token="first"), Keys(token="second"), Keys(token=None)])
        with hindrance.line(NOWHERE, [RESET, refusal("ThrottlingException"), answer(200, b"{}")]) as line:
            Wire(_place(line.url, lambda: next(moments)), 1).update_item(REQUEST)

        assert [asked.get("X-Amz-Security-Token") for asked in line.asked] == ["first", "second", None]

    def test_without_keys_a_write_fails_by_itself(self) -> None:
        def none() -> Any:  # noqa: ANN401
            raise CredentialRetrievalError(provider="x", error_msg="no")

        with pytest.raises(WriteError, match="CredentialRetrievalError"):
            Wire(_place(NOWHERE, none), 1).update_item(REQUEST)

    def test_keys_and_tokens_are_in_no_log(
        self, wire: Callable[[str], Wire], caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG), hindrance.line(NOWHERE, [RESET, answer(200, b"{}")]) as line:
            wire(line.url).update_item(REQUEST)

        assert "POST" in caplog.text
        for secret in (*Keys(), line.asked[0]["Authorization"].rpartition("=")[2]):
            assert str(secret) not in caplog.text

    def test_the_trace_goes_on(self, wire: Callable[[str], Wire]) -> None:
        trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=25:a:1"
        with hindrance.line(NOWHERE, [answer(200, b"{}")] * 2) as line:
            wire(line.url).update_item(REQUEST)
            with patch.dict(os.environ, {"_X_AMZN_TRACE_ID": trace}):
                wire(line.url).update_item(REQUEST)

        assert [asked.get("X-Amzn-Trace-Id") for asked in line.asked] == [None, trace]
        assert "trace" not in line.asked[1]["Authorization"]


_NAMED = ("Content-Type", "User-Agent", "X-Amz-Target", "X-Amz-Content-SHA256")
FUNCTION = {
    "AWS_LAMBDA_FUNCTION_NAME": "ses_events",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
}


class TestPlace:
    @pytest.mark.parametrize(
        "said",
        [
            {},
            *(
                {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
                for region in (
                    "us-east-1",
                    "cn-north-1",
                    "us-gov-west-1",
                    "us-iso-east-1",
                    "mx-central-1",
                    "eu-west-99",
                )
            ),
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:8000"},
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:8000"},
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            {"AWS_USE_FIPS_ENDPOINT": "true"},
            {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
            {"AWS_SESSION_TOKEN": ""},
        ],
    )
    @pytest.mark.parametrize("host", [None, "http://127.0.0.1:9000"])
    def test_of_a_function_is_what_botocore_would_find(self, said: dict[str, str], host: str | None) -> None:
        with patch.dict(os.environ, FUNCTION | said, clear=True):
            ours = aws_place.found(host)
            client = get_session().create_client("dynamodb", endpoint_url=host)
            theirs = get_session().get_credentials()

        assert theirs
        assert (ours.url, ours.region) == (client.meta.endpoint_url, client.meta.region_name)
        assert tuple(ours.keys())[:3] == tuple(theirs.get_frozen_credentials())[:3]

    def test_elsewhere_is_asked_for(self) -> None:
        with patch.dict(os.environ, tables.ENVIRONMENT, clear=True):
            place = aws_place.found()

        assert (place.url, place.region) == ("https://dynamodb.eu-west-1.amazonaws.com", "eu-west-1")
        assert place.keys().access_key == "testing"

    def test_without_keys_is_nowhere(self) -> None:
        bare = {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true"}
        with patch.dict(os.environ, bare, clear=True), pytest.raises(NoCredentialsError):
            aws_place.found()

    def test_does_not_show_its_keys(self) -> None:
        place = aws_place.found(environment=FUNCTION)

        assert "secret" not in repr(place.keys())


class TestConnections:
    def test_are_trusted_by_botocores_certificates_or_by_those_that_are_named(self) -> None:
        with (
            patch.dict(os.environ, {"AWS_CA_BUNDLE": "/nowhere.pem"}),
            pytest.raises(OSError, match="No such"),
        ):
            Wire(_place(TABLE), 1)

    def test_go_through_the_proxy_that_the_environment_names(self) -> None:
        place = _place(TABLE)
        said = {"HTTPS_PROXY": "http://192.0.2.9:3128", "NO_PROXY": "example.org"}
        with patch.dict(os.environ, said):
            through = Wire(place, 1)
        with patch.dict(os.environ, said | {"NO_PROXY": "amazonaws.com"}):
            past = Wire(place, 1)

        assert str(through._pool.proxy) == "http://192.0.2.9:3128"  # noqa: SLF001
        assert past._pool.proxy is None  # noqa: SLF001

    def test_an_unknown_certificate_is_no_table(self, wire: Callable[[str], Wire]) -> None:
        """What answers without TLS on a TLS address is refused as well."""
        with hindrance.line(NOWHERE) as line, pytest.raises(WriteError) as error:
            wire(line.url.replace("http:", "https:")).update_item(REQUEST)

        assert issubclass(getattr(__import__("urllib3").exceptions, error.value.code), HTTPError)
        assert line.asked == []

    def test_serve_all_threads(self) -> None:
        with hindrance.line(NOWHERE, repeat(answer(200, b"{}"))) as line:
            wired = Wire(_place(line.url), THREADS)
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(wired.update_item, [REQUEST] * 200))
            wired.close()

        assert len(line.asked) == 200
