"""Where a function's requests to AWS go, and with whose keys they are signed: what botocore's client would find.

In a Lambda function the environment says all of it. To ask botocore's session and client for the same costs a cold
start a third of what `boto3.client` takes (measured), so there it is read directly, and anywhere else asked for.
"""

import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.loaders import create_loader

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

SERVICE = "dynamodb"
# All of them are set in every function; but for the keys of one that SnapStart restored, which come from an address.
_NEEDED = ("AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# With one of these the address is another, by rules that botocore knows.
_UNUSUAL = ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_CONFIG_FILE", "AWS_PROFILE")
_ENDPOINTS = ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL")


class Place(NamedTuple):
    """An address, its region, and how to get the keys of the moment: those of a role change every few hours."""

    url: str
    region: str
    keys: "Callable[[], ReadOnlyCredentials]"


class _Fixed(NamedTuple):
    """`ReadOnlyCredentials`, whose module takes 20 ms to import (measured)."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


def found(host: str | None = None, environment: Mapping[str, str] = os.environ) -> Place:
    """Find the place of DynamoDB; `host` is the address of a local one. Raises what botocore raises."""
    if all(environment.get(name) for name in _NEEDED) and not any(map(environment.get, _UNUSUAL)):
        return _of_function(host, environment)
    return _of_botocore(host)


def _of_function(host: str | None, said: Mapping[str, str]) -> Place:
    region = said["AWS_REGION"]
    keys: Any = _Fixed(
        said["AWS_ACCESS_KEY_ID"], said["AWS_SECRET_ACCESS_KEY"], said.get("AWS_SESSION_TOKEN") or None
    )
    return Place(
        host or _configured(said) or f"https://{SERVICE}.{region}.{_suffix(region)}", region, lambda: keys
    )


def _configured(said: Mapping[str, str]) -> str | None:
    if said.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    return next((said[name] for name in _ENDPOINTS if said.get(name)), None)


def _suffix(region: str) -> str:
    """The domain of a region's partition: China's, for one, has its own."""
    partitions = create_loader().load_data("partitions")["partitions"]
    named = (
        part for part in partitions if region in part["regions"] or re.match(part["regionRegex"], region)
    )
    suffix: str = next(named, partitions[0])["outputs"]["dnsSuffix"]
    return suffix


def _of_botocore(host: str | None) -> Place:
    # Costs what it is there to save.
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415
    from botocore.session import get_session  # noqa: PLC0415

    session = get_session()
    client = session.create_client(
        SERVICE, endpoint_url=host, config=Config(account_id_endpoint_mode="disabled")
    )
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    return Place(client.meta.endpoint_url, client.meta.region_name, credentials.get_frozen_credentials)
