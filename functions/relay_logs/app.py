"""The relays' log lines, handed on by CloudWatch Logs: into the table."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from postroad.cloud import settings
from postroad.cloud.intake import RelayLogs, unpacked
from postroad.cloud.measures import document
from postroad.cloud.queues import Queue, sqs, without_addresses
from postroad.store.dynamodb import DynamoDBStore

logger = Logger()


@cache
def wired() -> RelayLogs:
    """Read the settings and make the client, at the first event: importing this needs neither."""
    return RelayLogs(
        DynamoDBStore(
            settings.text("TABLE_NAME"), retention=settings.days("RETENTION_DAYS")
        ).ready_to_write(),
        Queue(cache(sqs), settings.text("ON_FAILURE_QUEUE_URL")),
        settings.zone("LOG_ZONE"),
    )


def handler(event: dict[str, Any], context: object) -> None:
    """Take a subscription's payload. What raises makes Lambda bring it again, twice, and then set it aside whole."""
    tally = wired().take(unpacked(event))
    if tally.refused:
        logger.warning("lines refused", extra={"reasons": sorted(set(map(without_addresses, tally.reasons)))})
    if tally.parsed or tally.refused:
        document({"LinesParsed": tally.parsed, "LinesRefused": tally.refused})
