"""UpdateItem over signed HTTP: botocore's signer and a pool of urllib3, without botocore's client around them.

What that client does for a write is done here too: each try is signed anew and has its time, what may pass is tried
again after the pauses of botocore's standard mode, and out of one quota. A try that was cut off may have been stored
all the same, so only what changes nothing the second time may be sent here.
"""

import json
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from hashlib import sha256
from random import uniform
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import get_cert_path
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from postroad.store.aws_place import SERVICE, Place

CONNECT_S, READ_S = 2.0, 5.0
# After the first try. The pause before each is a random part of 1, 2, 4 and 8 s: enough for an on-demand table that
# doubles its capacity.
RETRIES = 4
# Tries that time out take 7 s each, five of them longer than a function has (30 s). None begins later than this after
# the call: refusals, which are quick, have all their pauses, and the last try ends after 25 s.
LAST_TRY_S = 18.0
_REFUSED = "ConditionalCheckFailedException"
# Faults of the one item, and of no other beside it.
_OF_THE_ITEM = ("ValidationException", "SerializationException", "ItemCollectionSizeLimitExceededException")
# What passes by itself, beside every status from 500 on.
_PASSING = frozenset(
    "BandwidthLimitExceeded LimitExceededException PriorRequestNotComplete ProvisionedThroughputExceededException"
    " RequestLimitExceeded RequestThrottled RequestThrottledException RequestTimeout RequestTimeoutException SlowDown"
    " Throttling ThrottledException ThrottlingException TooManyRequestsException TransactionInProgressException".split()
)
_SERVER_ERROR = 500
_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "User-Agent": "postroad",
    "X-Amz-Target": "DynamoDB_20120810.UpdateItem",
}
# An answer is `{}`, or an error of some hundred bytes.
_LONGEST_ANSWER = 64 * 1024
# `com.amazonaws.dynamodb.v20120810#ValidationException`
_CODE = re.compile(r"(?:[\w.]*#)?(\w{1,100})", re.ASCII)

# At DEBUG it would log what it signs, and the session's token with it.
logging.getLogger("botocore.auth").setLevel(logging.INFO)


class WriteError(Exception):
    """A write that was not stored; `code` is the table's word for it, or the kind of trouble on the way there."""

    def __init__(self, code: str) -> None:
        """Keep the code only: what else the table says quotes keys, and they hold addresses."""
        super().__init__(code)
        self.code = code

    @property
    def is_the_items(self) -> bool:
        """Tell whether the item is at fault, so that others may well be stored."""
        return self.code in _OF_THE_ITEM


class RefusedError(WriteError):
    """The request's condition does not hold."""


class Wire:
    """Sends UpdateItem requests, for all threads at once."""

    def __init__(self, place: Place, connections: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep up to so many connections open; `clock` tells seconds."""
        self._place = place
        self._clock = clock
        self._url = place.url.rstrip("/") + "/"
        self._path = urlsplit(self._url).path
        self._pool = _pool(self._url, connections)
        self._quota = _Quota()

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def update_item(self, request: Mapping[str, object]) -> None:
        """Send a request, and again while what holds it up may pass. Raises WriteError."""
        body = json.dumps(request, separators=(",", ":")).encode()
        last = self._clock() + LAST_TRY_S
        for number in range(RETRIES + 1):
            trouble = self._tried(body)
            if trouble is None:
                self._quota.give()
                return
            pause = uniform(0, 2**number)  # noqa: S311 - it only has to differ
            if number == RETRIES or self._clock() + pause > last or not self._quota.take():
                raise WriteError(trouble)
            time.sleep(pause)

    def _tried(self, body: bytes) -> str | None:
        """Try once: None when it is stored, the trouble if that may pass. Raises WriteError for any other."""
        try:
            status, text = self._answer(body)
        except HTTPError as error:
            return type(error).__name__
        except BotoCoreError as error:
            # No keys: they come from an address too.
            raise WriteError(type(error).__name__) from error
        answer = _object(text)
        if answer is None:
            return f"HTTP{status}"
        if status == 200:  # noqa: PLR2004
            return None
        code = _code(answer) or f"HTTP{status}"
        if status >= _SERVER_ERROR or code in _PASSING:
            return code
        raise RefusedError(code) if code == _REFUSED else WriteError(code)

    def _answer(self, body: bytes) -> tuple[int, bytes]:
        # Closed, because whoever sends more than that gets no second request on the same connection.
        with closing(
            self._pool.urlopen(
                "POST",
                self._path,
                body=body,
                headers=self._signed(body),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        ) as answer:
            return answer.status, answer.read(_LONGEST_ANSWER)

    def _signed(self, body: bytes) -> dict[str, str]:
        # With its hash said, the signer need not make a second request of this one to get at the body.
        headers = _HEADERS | _trace() | {"X-Amz-Content-SHA256": sha256(body).hexdigest()}
        request = AWSRequest("POST", self._url, headers)
        SigV4Auth(self._place.keys(), SERVICE, self._place.region).add_auth(request)
        return dict(request.headers.items())


class _Quota:
    """How often tries may be repeated: a table that refuses hundreds of writes is not asked five times for each."""

    MOST, COST = 500, 5

    def __init__(self) -> None:
        self._left = self.MOST
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            enough = self._left >= self.COST
            self._left -= self.COST if enough else 0
            return enough

    def give(self) -> None:
        if self._left < self.MOST:
            with self._lock:
                self._left = min(self._left + 1, self.MOST)


def _object(text: bytes) -> dict[str, object] | None:
    """The answer as JSON; None where it is none, because it was cut, or is somebody else's."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _code(answer: Mapping[str, object]) -> str | None:
    said = answer.get("__type")
    named = _CODE.fullmatch(said) if isinstance(said, str) else None
    return named[1] if named else None


def _trace() -> dict[str, str]:
    """What X-Ray follows a request by, and Lambda a function that calls itself in a circle; not signed."""
    trace = os.environ.get("_X_AMZN_TRACE_ID")
    return {"X-Amzn-Trace-Id": quote(trace, safe="-=;:+&[]{}\"',")} if trace else {}


def _pool(url: str, connections: int) -> urllib3.HTTPConnectionPool:
    """Connections to one address, through the proxy that the environment names for it, as botocore's."""
    timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
    parts = urlsplit(url)
    if parts.scheme != "https":
        return urllib3.connection_from_url(url, maxsize=connections, timeout=timeout)
    # One context for all connections: each would else read the whole bundle of certificates again.
    trust = create_urllib3_context()
    trust.load_verify_locations(_certificates())
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get("https")
    manager = urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
    return manager.connection_from_host(
        parts.hostname,
        parts.port,
        "https",
        {"maxsize": connections, "timeout": timeout, "ssl_context": trust, "cert_reqs": "CERT_REQUIRED"},
    )


def _certificates() -> str:
    named = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE")
    return named or str(get_cert_path(verify=True))
