"""The table of template.yaml, empty: in moto, or in DynamoDB Local."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from uuid import uuid4

import boto3
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from postroad.store.dynamodb import DynamoDBStore
from tests.aws import sam
from tests.aws.parts import dynamodb_local, moto_http

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Whoever runs the tests may be signed in to a real account.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": sam.PSEUDO["AWS::Region"],
    # moto knows no stream under the address that botocore makes of an account's id.
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
}
# No test's mail is ever too old.
FOR_GOOD = timedelta(days=36_500)


@contextmanager
def in_moto() -> Iterator[DynamoDBStore]:
    """A store in moto's memory."""
    with moto(), DynamoDBStore(created(boto3.client("dynamodb")), retention=FOR_GOOD) as store:
        yield store


@contextmanager
def in_dynamodb_local() -> Iterator[DynamoDBStore]:
    """A store in DynamoDB Local, which must be present."""
    url = dynamodb_local.url()
    with patch.dict(os.environ, ENVIRONMENT):
        client = boto3.client("dynamodb", endpoint_url=url)
        name = created(client)
        with DynamoDBStore(name, retention=FOR_GOOD, host=url) as store:
            yield store
        client.delete_table(TableName=name)
        client.close()


@contextmanager
def moto() -> Iterator[None]:
    """AWS as moto plays it, one request at a time: it loses updates of threads else.

    The table answers over HTTP, to whoever asks it; everything else within botocore's clients.
    """
    lock, process = threading.RLock(), BotocoreStubber.process_request

    def locked(stubber: BotocoreStubber, request: Any) -> Any:  # noqa: ANN401
        with lock:
            return process(stubber, request)

    with (
        patch.object(BotocoreStubber, "process_request", locked),
        mock_aws(config={"lambda": {"use_docker": False}}),
        patch.dict(os.environ, ENVIRONMENT | {"AWS_ENDPOINT_URL_DYNAMODB": moto_http.url()}),
    ):
        yield


def name_of(store: DynamoDBStore) -> str:
    """The table that a store is of."""
    return store._updates._table  # noqa: SLF001 - every test has a table of its own


def client_of(store: DynamoDBStore) -> Any:  # noqa: ANN401 - pynamodb's own client
    """A client of the table that a store is of."""
    return store._reads().client  # noqa: SLF001


def created(client: "DynamoDBClient") -> str:
    """Create the template's table under a name of its own; gives the name."""
    made: dict[str, Any] = sam.source()["Resources"]["Table"]["Properties"]
    name = f"table-{uuid4()}"
    client.create_table(
        TableName=name,
        StreamSpecification={"StreamEnabled": True} | made["StreamSpecification"],
        **{
            part: made[part]
            for part in ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")
        },
    )
    return name
