"""What changed in the table, handed on by its stream: unified lines and metrics."""

from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from postroad.cloud import settings
from postroad.cloud.queues import without_addresses
from postroad.cloud.telling import Teller
from postroad.publish import Publisher

logger = Logger()


@cache
def wired() -> Teller:
    """Read the settings and make the client, at the first event: importing this needs neither."""
    # Standard mode retries what is throttled, with jitter; the function's time allows for some 15 s of it.
    logs = boto3.client("logs", config=Config(retries={"mode": "standard", "total_max_attempts": 5}))
    return Teller(Publisher(logs, settings.text("UNIFIED_LOG_GROUP")), settings.words("SENDER_DOMAINS"))


def handler(event: dict[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """Tell a batch of changes in order; tell where to start again, as nothing may overtake the one that failed."""
    outcome = wired().tell(event["Records"])
    if outcome.start_again is None:
        return {"batchItemFailures": []}
    reason = without_addresses(outcome.reason or "")
    logger.error("lines owed", extra={"start_again": outcome.start_again, "reason": reason})
    return {"batchItemFailures": [{"itemIdentifier": outcome.start_again}]}
