"""The relays' log lines, handed on by CloudWatch Logs: into the table."""

from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import CloudWatchLogsEvent

from postroad.cloud import settings
from postroad.cloud.intake import RelayLogs
from postroad.cloud.queues import Queue, without_addresses
from postroad.cloud.telling import document
from postroad.store.dynamodb import DynamoDBStore

logger = Logger()


@cache
def wired() -> RelayLogs:
    """Read the settings and make the clients, at the first event: importing this needs neither."""
    return RelayLogs(
        DynamoDBStore(settings.text("TABLE_NAME"), retention=settings.days("RETENTION_DAYS")),
        Queue(boto3.client("sqs"), settings.text("ON_FAILURE_QUEUE_URL")),
        settings.zone("LOG_ZONE"),
    )


def handler(event: dict[str, Any], context: object) -> None:
    """Take a subscription's payload. What raises makes Lambda bring it again, twice, and then set it aside whole."""
    payload = CloudWatchLogsEvent(event).parse_logs_data().raw_event
    tally = wired().take(payload)
    if tally.refused:
        logger.warning("lines refused", extra={"reasons": sorted(set(map(without_addresses, tally.reasons)))})
    if tally.parsed or tally.refused:
        document({"LinesParsed": tally.parsed, "LinesRefused": tally.refused})
