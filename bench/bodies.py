"""Bodies of SQS messages with SES events in SNS envelopes to facts."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aws_lambda_powertools.utilities.parser.envelopes import SnsSqsEnvelope
from pydantic import BaseModel

from bench import inputs
from bench.harness import Asked, Contender, here, main, middle, rounds, table_of
from bench.tables import Goal, Table
from postroad import ingest

OURS, TWICE = "Postroad", "json.loads twice, and dict access"
POWERTOOLS, MODELS = "Powertools' SnsSqsEnvelope", "pydantic models, twice"
_BODIES, _AT_ONCE = 5_000, 100
_FIELDS = ("timestamp", "source", "messageId", "destination", "headers", "commonHeaders", "tags")


class Header(BaseModel):
    """A header of the message."""

    name: str
    value: str


class Mail(BaseModel):
    """The `mail` object."""

    timestamp: datetime
    source: str
    sourceArn: str
    sendingAccountId: str
    messageId: str
    destination: list[str]
    headersTruncated: bool
    headers: list[Header]
    commonHeaders: dict[str, str | list[str]]
    tags: dict[str, list[str]]


class Recipient(BaseModel):
    """A recipient that mail did not reach, or not yet."""

    emailAddress: str
    action: str | None = None
    status: str | None = None
    diagnosticCode: str | None = None


class Detail(BaseModel):
    """What stands beside `mail`."""

    timestamp: datetime | None = None
    processingTimeMillis: int | None = None
    recipients: list[str] | None = None
    smtpResponse: str | None = None
    remoteMtaIp: str | None = None
    reportingMTA: str | None = None
    bounceType: str | None = None
    bounceSubType: str | None = None
    bouncedRecipients: list[Recipient] | None = None
    complainedRecipients: list[Recipient] | None = None
    delayType: str | None = None
    delayedRecipients: list[Recipient] | None = None


class Event(BaseModel):
    """An event, as a user of models would write it down."""

    eventType: str
    mail: Mail
    send: Detail | None = None
    delivery: Detail | None = None
    deliveryDelay: Detail | None = None
    bounce: Detail | None = None
    complaint: Detail | None = None
    open: Detail | None = None


class Envelope(BaseModel):
    """What SNS writes around it."""

    Type: str
    Message: str


def row(asked: Asked) -> Table:
    """Measure."""
    _, path = inputs.traffic(20_000 if asked.is_quick else 50_000, in_sns=True)
    bodies = inputs.lines_of(path)[:_BODIES]
    batches = list(inputs.batches(bodies, _AT_ONCE))
    events = [_sqs(batch) for batch in batches]
    contenders = [
        Contender(
            OURS, here(lambda: [ingest.ses(batch, "sqs") for batch in batches]), len(bodies), "to facts"
        ),
        Contender(TWICE, here(lambda: [_twice(body) for body in bodies]), len(bodies)),
        Contender(MODELS, here(lambda: [_models(body) for body in bodies]), len(bodies)),
        Contender(POWERTOOLS, here(lambda: [_powertools(event) for event in events]), len(bodies)),
    ]
    found = table_of(contenders, rounds(contenders, asked.rounds), scale=1e6, unit="µs/body")
    size = sum(map(len, bodies)) / len(bodies)
    return Table(
        f"An SES event in an SNS envelope ({size / 1000:.1f} kB) to facts",
        asked.command,
        found,
        [
            Goal("Against json.loads twice", middle(found, TWICE) / middle(found, OURS), "≥", 1.5),
            Goal("Against Powertools", middle(found, POWERTOOLS) / middle(found, OURS), "≥", 3.0),
        ],
        [],
    )


def _twice(body: str) -> list[Any]:
    event = json.loads(json.loads(body)["Message"])
    return [event["eventType"], *(event["mail"][name] for name in _FIELDS)]


def _models(body: str) -> Event:
    return Event.model_validate_json(Envelope.model_validate_json(body).Message)


def _powertools(event: dict[str, Any]) -> object:
    return SnsSqsEnvelope().parse(event, Event)


def _sqs(bodies: Sequence[str]) -> dict[str, Any]:
    return {"Records": [_record(f"{number:036d}", body) for number, body in enumerate(bodies)]}


def _record(number: str, body: str) -> dict[str, Any]:
    return {
        "messageId": number,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1771977600000",
            "SenderId": "AIDAIT2UOQQY3AUEKVGXU",
            "ApproximateFirstReceiveTimestamp": "1771977600010",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:events",
        "awsRegion": "eu-west-1",
    }


if __name__ == "__main__":
    main("bodies", row)
