"""Deadlines, handed on by SQS: what no relay has claimed by then is shown without a queue id."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from postroad.cloud import settings
from postroad.cloud.deadlines import LinkDeadline
from postroad.store.dynamodb import DynamoDBStore

logger = Logger()


@cache
def wired() -> LinkDeadline:
    """Read the settings and make the client, at the first event: importing this needs neither."""
    store = DynamoDBStore(settings.text("TABLE_NAME"), retention=settings.days("RETENTION_DAYS"))
    return LinkDeadline(store.ready_to_read())


def handler(event: dict[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """Take a batch of messages; tell which of them must come again."""
    tally = wired().take({record["messageId"]: record["body"] for record in event["Records"]})
    if tally.refused:
        logger.warning("deadlines refused", extra={"reasons": sorted(set(tally.reasons))})
    return {"batchItemFailures": [{"itemIdentifier": name} for name in tally.failed]}
