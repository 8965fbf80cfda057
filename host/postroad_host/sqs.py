"""SES events from an SQS queue: a message is deleted once what it says is stored, and else comes again."""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from postroad_host.config import Sqs
from postroad_host.trouble import Troubles

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# What one request may bring or delete.
AT_ONCE = 10
# The pause after a failure doubles up to this.
LONGEST_PAUSE_S = 30.0
# How long an end waits for what is stored to be deleted; what is not comes again, and changes nothing.
PATIENCE_S = 5.0


class Received(NamedTuple):
    """The bodies of some messages; call `stored` once what they say is stored."""

    origin: str
    bodies: list[str]
    stored: Callable[[], None]


class Receiver:
    """Receives in a thread of its own: the next batch is asked for when the last one is stored and deleted."""

    def __init__(self, settings: Sqs, troubles: Troubles) -> None:
        """Prepare; nothing is asked of AWS before `start`."""
        self._settings = settings
        self._troubles = troubles
        self._ready: Queue[Received] = Queue(maxsize=1)
        self._undeleted: list[str] = []
        self._ending = Event()
        self._idle = Event()
        self._pause = 1.0
        self._client: SQSClient | None = None
        # A request that waits for messages must not keep the process from its end.
        self._thread = Thread(target=self._run, name="sqs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def take(self) -> Received | None:
        """The next batch, if there is one."""
        try:
            return self._ready.get_nowait()
        except Empty:
            return None

    def stop(self) -> None:
        """Ask for no more, and let what is stored be deleted."""
        self._ending.set()
        if self._thread.is_alive():
            self._idle.wait(PATIENCE_S)

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._turn(self._connected())
                self._troubles.ends(self._settings.queue_url)
                self._pause = 1.0
            except (BotoCoreError, ClientError) as error:
                self._troubles.begins(self._settings.queue_url, f"{error}; trying again")
                self._idle.set()
                self._ending.wait(self._pause)
                self._pause = min(self._pause * 2, LONGEST_PAUSE_S)
        self._idle.set()

    def _connected(self) -> "SQSClient":
        if self._client is None:
            session = boto3.Session(region_name=self._settings.region)
            config = Config(read_timeout=self._settings.wait_seconds + 10, retries={"total_max_attempts": 2})
            self._client = session.client("sqs", endpoint_url=self._settings.endpoint_url, config=config)
        return self._client

    def _turn(self, client: "SQSClient") -> None:
        if self._undeleted:
            self._delete(client)
        messages = self._receive(client)
        if messages and self._hand_over([message["Body"] for message in messages]):
            self._undeleted += [message["ReceiptHandle"] for message in messages]
            self._delete(client)

    def _receive(self, client: "SQSClient") -> list["MessageTypeDef"]:
        """Wait for messages, then take at once what else is there."""
        self._idle.set()
        messages = self._ask(client, self._settings.wait_seconds)
        self._idle.clear()
        if messages:
            # What was received must not be lost from sight because the next request failed.
            with suppress(BotoCoreError, ClientError):
                self._receive_more(client, messages)
        return messages

    def _receive_more(self, client: "SQSClient", messages: list["MessageTypeDef"]) -> None:
        for _ in range(self._settings.max_batches - 1):
            more = self._ask(client, 0)
            messages += more
            if not more:
                break

    def _ask(self, client: "SQSClient", wait_seconds: int) -> list["MessageTypeDef"]:
        answer = client.receive_message(
            QueueUrl=self._settings.queue_url, MaxNumberOfMessages=AT_ONCE, WaitTimeSeconds=wait_seconds
        )
        return answer.get("Messages", [])

    def _hand_over(self, bodies: list[str]) -> bool:
        """Tell whether the batch was stored; at the service's end it may not be, and then comes again."""
        stored = Event()
        self._ready.put(Received(self._settings.queue_url, bodies, stored.set))
        while not stored.wait(0.2):
            if self._ending.is_set() and not self._ready.empty():
                return False
        return True

    def _delete(self, client: "SQSClient") -> None:
        """Delete what is stored; what SQS could not delete is tried again, what it refuses to delete is forgotten."""
        while self._undeleted and not self._delete_some(client, self._undeleted[:AT_ONCE]):
            pass

    def _delete_some(self, client: "SQSClient", handles: list[str]) -> bool:
        """Delete up to ten; tells whether some of them must be tried again."""
        entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
        answer = client.delete_message_batch(QueueUrl=self._settings.queue_url, Entries=entries)  # type: ignore[arg-type]
        failed = [handles[int(one["Id"])] for one in answer.get("Failed", []) if not one["SenderFault"]]
        self._undeleted = self._undeleted[len(handles) :] + failed
        return bool(failed)
