"""The events of SES, handed on by SQS: into the table."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from postroad.cloud import settings
from postroad.cloud.events import SesEvents
from postroad.cloud.measures import document
from postroad.cloud.queues import Queue, sqs, without_addresses
from postroad.store.dynamodb import DynamoDBStore

logger = Logger()


@cache
def wired() -> SesEvents:
    """Read the settings and make the client, at the first event: importing this needs neither."""
    client = cache(sqs)
    dead_letters = os.environ.get("EVENTS_DEAD_LETTERS_URL")
    return SesEvents(
        DynamoDBStore(
            settings.text("TABLE_NAME"), retention=settings.days("RETENTION_DAYS")
        ).ready_to_write(),
        Queue(client, settings.text("DEADLINE_QUEUE_URL")),
        Queue(client, dead_letters) if dead_letters else None,
        delay=settings.number("DEADLINE_SECONDS", 0, 900),
        relays=settings.words("RELAY_HOSTS"),
    )


def handler(event: dict[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """Take a batch of messages; tell which of them must come again."""
    tally = wired().take({record["messageId"]: record["body"] for record in event["Records"]})
    if tally.refused:
        logger.warning(
            "events refused", extra={"reasons": sorted(set(map(without_addresses, tally.reasons)))}
        )
    document({"EventsParsed": tally.parsed, "EventsRefused": tally.refused})
    return {"batchItemFailures": [{"itemIdentifier": name} for name in tally.failed]}
