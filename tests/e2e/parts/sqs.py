"""SQS, with SNS in front of it, from moto's server on the loopback address."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import boto3
from moto.server import ThreadedMotoServer

from tests.e2e.parts.ports import LOOPBACK, free_port
from tests.e2e.parts.ses_events import REGION, Doc
from tests.e2e.parts.ses_wrappers import SUBJECT, sqs_body

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


@dataclass(kw_only=True)
class Sqs:
    """A queue that takes SES events, directly or from a topic; a context manager."""

    raw: bool = False
    """Raw message delivery: the body is the event itself, with no SNS envelope."""
    attempts: int = 3
    """How often a message is received before it goes to the dead letters."""
    visibility: int = 30
    port: int = field(default_factory=free_port)
    sqs: "SQSClient" = field(init=False)
    sns: "SNSClient" = field(init=False)
    queue_url: str = field(init=False)
    dead_letter_url: str = field(init=False)
    topic_arn: str = field(init=False)
    _server: ThreadedMotoServer = field(init=False)

    def __enter__(self) -> Self:
        self._server = ThreadedMotoServer(ip_address=LOOPBACK, port=self.port, verbose=False)
        self._server.start()
        try:
            self._connect()
            self._create()
        except BaseException:
            self._server.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.sqs.close()
        self.sns.close()
        self._server.stop()

    @property
    def endpoint_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What another process needs to use this queue."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
        }

    def send(self, docs: Iterable[Doc]) -> None:
        """Put events on the queue, wrapped as SNS would."""
        self.send_bodies(sqs_body(doc, raw=self.raw) for doc in docs)

    def send_bodies(self, bodies: Iterable[str]) -> None:
        """Put anything on the queue."""
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body)

    def publish(self, docs: Iterable[Doc]) -> None:
        """Publish events to the topic, as SES does."""
        for doc in docs:
            self.sns.publish(TopicArn=self.topic_arn, Subject=SUBJECT, Message=json.dumps(doc) + "\n")

    def counts(self) -> tuple[int, int]:
        """Return how many messages wait, and how many are taken and not yet deleted."""
        return self._counts(self.queue_url)

    def dead_letters(self) -> int:
        return sum(self._counts(self.dead_letter_url))

    def _counts(self, queue_url: str) -> tuple[int, int]:
        told = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
        return int(told["ApproximateNumberOfMessages"]), int(told["ApproximateNumberOfMessagesNotVisible"])

    def _connect(self) -> None:
        session = boto3.Session("testing", "testing", region_name=REGION)
        self.sqs = session.client("sqs", endpoint_url=self.endpoint_url)
        self.sns = session.client("sns", endpoint_url=self.endpoint_url)

    def _create(self) -> None:
        # All servers of one process share moto's memory, so the names are this server's own.
        name = f"ses-events-{self.port}"
        self.dead_letter_url = self.sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        redrive = {
            "deadLetterTargetArn": self._arn(self.dead_letter_url),
            "maxReceiveCount": str(self.attempts),
        }
        queue = self.sqs.create_queue(
            QueueName=name,
            Attributes={"VisibilityTimeout": str(self.visibility), "RedrivePolicy": json.dumps(redrive)},
        )
        self.queue_url = queue["QueueUrl"]
        self.topic_arn = self.sns.create_topic(Name=name)["TopicArn"]
        self.sns.subscribe(
            TopicArn=self.topic_arn,
            Protocol="sqs",
            Endpoint=self._arn(self.queue_url),
            Attributes={"RawMessageDelivery": str(self.raw).lower()},
        )

    def _arn(self, queue_url: str) -> str:
        told = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        return told["Attributes"]["QueueArn"]
