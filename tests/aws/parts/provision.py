"""The stack of template.yaml in moto: what mail flows through, made by plain calls, as moto's CloudFormation skips half of it."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from typing import Any
from unittest.mock import patch

import boto3

from tests.aws import sam
from tests.aws.parts import tables
from tests.aws.parts.streams import TableStream

FUNCTIONS = {
    "relay_logs": "RelayLogs",
    "ses_events": "SesEvents",
    "unified_log": "UnifiedLog",
    "link_deadline": "LinkDeadline",
}
# Mail of any age is kept, and a deadline passes at once.
PARAMETERS = {"RetentionDays": "36500", "DeadlineSeconds": "0"}


@contextmanager
def deployed(**parameters: str) -> Iterator["Stack"]:
    """Make the stack in an AWS of its own."""
    with tables.moto():
        stack = Stack(sam.stack(**PARAMETERS | parameters))
        stack.create()
        try:
            yield stack
        finally:
            stack.forget()


class Stack:
    """What was made: `physical` tells what each reference of the template became."""

    def __init__(self, template: sam.Stack) -> None:
        self.template = template
        self.physical: dict[str, str] = {}
        self.sqs = boto3.client("sqs")
        self.sns = boto3.client("sns")
        self.logs = boto3.client("logs")
        self.dynamodb = boto3.client("dynamodb")

    def create(self) -> None:
        self._create_table()
        self._create_queues()
        self._create_topics()
        for name, of in self.template.of_type("AWS::Logs::LogGroup").items():
            self.logs.create_log_group(logGroupName=of["LogGroupName"])
            self.physical[name] = of["LogGroupName"]

    def _create_table(self) -> None:
        self.physical["Table"] = tables.created(self.dynamodb)
        ttl = self.template.resources["Table"]["Properties"]["TimeToLiveSpecification"]
        self.dynamodb.update_time_to_live(TableName=self.physical["Table"], TimeToLiveSpecification=ttl)

    def _create_queues(self) -> None:
        queues = self.template.of_type("AWS::SQS::Queue")
        for name, of in queues.items():
            plain = {key: str(value) for key, value in of.items() if not isinstance(value, dict | bool)}
            url = self.sqs.create_queue(QueueName=name, Attributes=plain)["QueueUrl"]  # type: ignore[arg-type]
            self.physical[name] = url
            told = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
            self.physical[f"{name}.Arn"] = told["Attributes"]["QueueArn"]
        for name, of in queues.items():
            if "RedrivePolicy" in of:
                policy = json.dumps(self.resolved(of["RedrivePolicy"]))
                self.sqs.set_queue_attributes(
                    QueueUrl=self.physical[name], Attributes={"RedrivePolicy": policy}
                )

    def _create_topics(self) -> None:
        for name, of in self.template.of_type("AWS::SNS::Topic").items():
            self.physical[name] = self.sns.create_topic(Name=of["TopicName"])["TopicArn"]
        for of in self.template.of_type("AWS::SNS::Subscription").values():
            self.sns.subscribe(
                TopicArn=self.resolved(of["TopicArn"]),
                Protocol=of["Protocol"],
                Endpoint=self.resolved(of["Endpoint"]),
                Attributes={"RawMessageDelivery": str(of.get("RawMessageDelivery", False)).lower()},
            )

    def resolved(self, value: Any) -> Any:  # noqa: ANN401 - whatever a template holds
        """A value of the template, its references replaced by what they became."""
        if isinstance(value, dict):
            return {key: self.resolved(of) for key, of in value.items()}
        return self.physical.get(value, value) if isinstance(value, str) else value

    def environment(self, function: str) -> dict[str, str]:
        """What Lambda would tell a function by its environment."""
        said = self.template.resources[FUNCTIONS[function]]["Properties"]["Environment"]["Variables"]
        return {name: str(self.resolved(value)) for name, value in said.items()}

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Run a handler as Lambda would, in its own environment."""
        with patch.dict(os.environ, self.environment(function)):
            handler: Callable[[Mapping[str, Any], None], Any] = import_module(
                f"functions.{function}.app"
            ).handler
            return handler(event, None)

    def forget(self) -> None:
        """Close what the handlers keep from one event to the next."""
        for function in FUNCTIONS:
            import_module(f"functions.{function}.app").wired.cache_clear()

    # --- what moves mail on ---

    @cached_property
    def stream(self) -> TableStream:
        return TableStream(self.physical["Table"])

    def publish(self, document: Mapping[str, Any]) -> None:
        """Publish an event to the topic, as SES does."""
        self.sns.publish(
            TopicArn=self.physical["EventsTopic"],
            Subject="Amazon SES Email Event Notification",
            Message=json.dumps(document) + "\n",
        )

    def run(self) -> None:
        """Let everything go its way until nothing moves any more."""
        while any(
            (
                self.drain("EventsQueue", "ses_events"),
                self.drain("DeadlineQueue", "link_deadline"),
                self.tell(),
            )
        ):
            pass

    def drain(self, queue: str, function: str) -> int:
        """Hand a queue's messages to a function, as Lambda does; gives how many were taken, the others wait no longer."""
        messages = self.received(queue)
        if not messages:
            return 0
        failed = {
            failure["itemIdentifier"]
            for failure in self.invoke(function, sqs_event(messages))["batchItemFailures"]
        }
        for message in messages:
            handle: Any = {"QueueUrl": self.physical[queue], "ReceiptHandle": message["ReceiptHandle"]}
            if message["MessageId"] in failed:
                self.sqs.change_message_visibility(**handle, VisibilityTimeout=0)
            else:
                self.sqs.delete_message(**handle)
        return len(messages) - len(failed)

    def received(self, queue: str, most: int = 100) -> list[Any]:
        """Take messages from a queue, up to a batch."""
        messages: list[Any] = []
        while len(messages) < most:
            came = self.sqs.receive_message(
                QueueUrl=self.physical[queue],
                MaxNumberOfMessages=10,
                WaitTimeSeconds=0,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            ).get("Messages", [])
            if not came:
                break
            messages += came
        return messages

    def tell(self) -> int:
        """Hand what the stream brings to `unified_log`; gives how many changes that were."""
        records = self.stream.records()
        for start in range(0, len(records), 100):
            answer = self.invoke("unified_log", {"Records": records[start : start + 100]})
            assert answer == {"batchItemFailures": []}
        return len(records)

    def lines(self) -> list[str]:
        """All lines of the unified log."""
        group = self.physical["UnifiedLogGroup"]
        return [
            event["message"]
            for page in self.logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            for event in page["events"]
        ]

    def items(self) -> list[dict[str, Any]]:
        """All that stands in the table."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.physical["Table"])
        return [item for page in pages for item in page["Items"]]


def sqs_event(messages: list[Any]) -> dict[str, Any]:
    """Messages as Lambda hands them to a function."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:queue",
                "awsRegion": "eu-west-1",
            }
            for message in messages
        ]
    }
