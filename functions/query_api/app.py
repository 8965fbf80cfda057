"""What support staff ask over HTTP, and the console: the API's own routes, behind the JWT authoriser."""

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from pynamodb.exceptions import PynamoDBException

from postroad.api import Api, Parts
from postroad.api_sign_in import connect_to, sign_in
from postroad.api_suppressions import SesSuppressions
from postroad.cloud import settings
from postroad.instants import from_datetime
from postroad.store.dynamodb import DynamoDBStore

logger = Logger()
CONSOLE = Path(__file__).with_name("console")


@cache
def wired() -> Api:
    """Read the settings and make the clients, at the first event: importing this needs neither."""
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=settings.text("API_SECRET"))
    issuer = sign_in(os.environ)
    return Api(
        Parts(
            store=DynamoDBStore(settings.text("TABLE_NAME"), retention=settings.days("RETENTION_DAYS")),
            now=lambda: from_datetime(datetime.now(UTC)),
            key=secret["SecretString"].encode(),
            audit=lambda note: logger.info("look-up", extra={"look_up": dict(note)}),
            suppressions=SesSuppressions(boto3.client("sesv2")),
            console=CONSOLE,
            sign_in=issuer,
            connect_to=connect_to(issuer),
            unavailable=(PynamoDBException, TimeoutError),
            report=lambda error: logger.error(
                "the table does not answer", extra={"error": type(error).__name__}
            ),
            is_https=True,
        )
    )


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer one request; a token that no authoriser has checked is no token."""
    return wired().resolve(event)
