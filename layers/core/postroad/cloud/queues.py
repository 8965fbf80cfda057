"""What the functions put into queues: inputs that were refused, and deadlines."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.codec import Key
from postroad.store.contract import BadInput

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# The limits of one SendMessageBatch; a quarter of its bytes is left to attributes and to what JSON escapes.
_MOST, _MOST_BYTES = 10, 768 * 1024
_LONGEST_REASON = 500
# As many as one batch-get reads.
_KEYS_A_MESSAGE = 100
_ADDRESS = re.compile(r"[^\s<>\"'=]*@[^\s<>\"',]*")


def sqs() -> "SQSClient":
    """Make a client. boto3, and a service's description, are most of a cold start that has them (measured)."""
    import boto3  # noqa: PLC0415

    return boto3.client("sqs")


class NotSentError(Exception):
    """A queue took some messages of a batch, and not the others."""


class Message(NamedTuple):
    """A message, and the attributes that whoever looks into the queue sees beside it."""

    body: str
    attributes: dict[str, str]
    delay: int = 0


class Queue:
    """Sends to one SQS queue."""

    def __init__(self, client: "Callable[[], SQSClient]", url: str) -> None:
        """Send to the queue at `url`; `client` is called when there is something to send, which is seldom."""
        self._client = client
        self._url = url

    def send(self, messages: Iterable[Message]) -> None:
        """Send all of them. Raises NotSentError, or what the client raises; some may then have been sent."""
        for batch in _batched(messages):
            entries: Any = [_entry(number, message) for number, message in enumerate(batch)]
            failed = self._client().send_message_batch(QueueUrl=self._url, Entries=entries).get("Failed", [])
            if failed:
                raise NotSentError(f"{len(failed)} of {len(entries)} messages not sent: {failed[0]['Code']}")


def _entry(number: int, message: Message) -> dict[str, Any]:
    attributes = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in message.attributes.items()
        if value
    }
    return {
        "Id": str(number),
        "MessageBody": message.body,
        "DelaySeconds": message.delay,
        "MessageAttributes": attributes,
    }


def _batched(messages: Iterable[Message]) -> Iterator[list[Message]]:
    batch: list[Message] = []
    size = 0
    for message in messages:
        bytes_of = len(message.body.encode())
        if batch and (len(batch) == _MOST or size + bytes_of > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += bytes_of
    if batch:
        yield batch


def refused(bad: BadInput) -> Message:
    """An input that was refused: as it came, so that it can be sent again, with the reason beside it."""
    # SQS takes the characters of XML only; and no message of more than a megabyte, which no line or event comes near.
    body = "".join(char if char >= " " or char in "\t\n\r" else "?" for char in bad.raw)
    clean = body.encode("utf-8", "replace")[:_MOST_BYTES].decode("utf-8", "ignore")
    return Message(
        clean.replace("\ufffe", "?").replace("\uffff", "?") or "?",
        {
            "reason": without_addresses(bad.reason)[:_LONGEST_REASON],
            "source": bad.source,
            "origin": bad.origin,
        },
    )


def without_addresses(text: str) -> str:
    """A reason as our own log may tell it, and a queue's attribute."""
    return _ADDRESS.sub("<address>", "".join(char if char.isprintable() else "?" for char in text))


def deadlines(keys: Sequence[Key], delay: int) -> list[Message]:
    """Records that nobody has claimed, to be looked at again after `delay` seconds."""
    return [
        Message(json.dumps({"keys": keys[start : start + _KEYS_A_MESSAGE]}), {}, delay)
        for start in range(0, len(keys), _KEYS_A_MESSAGE)
    ]


def keys_of(body: str) -> list[Key]:
    """The records a deadline names. Raises ValueError."""
    try:
        return [Key(str(pk), str(sk)) for pk, sk in json.loads(body)["keys"]]
    except (KeyError, TypeError) as error:
        raise ValueError("not a deadline: it names no keys") from error
