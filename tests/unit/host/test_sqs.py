"""A queue of SES events: deleted once stored, and not before. The queue is moto's server, over HTTP."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from postroad_host import sqs
from postroad_host.config import Sqs
from postroad_host.sqs import Received, Receiver
from postroad_host.trouble import Troubles
from tests.e2e.parts import sqs as parts
from tests.e2e.parts.ports import free_port


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[parts.Sqs]:
    with parts.Sqs(visibility=1) as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def told() -> list[str]:
    return []


def settings(queue: parts.Sqs, **more: object) -> Sqs:
    return Sqs.model_validate({"queue_url": queue.queue_url, "wait_seconds": 1, **more})


@pytest.fixture
def receiver(queue: parts.Sqs, told: list[str]) -> Iterator[Receiver]:
    found = Receiver(settings(queue), Troubles(told.append))
    found.start()
    yield found
    found.stop()


def until(what: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()


def taken(receiver: Receiver) -> Received:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        batch = receiver.take()
        if batch:
            return batch
        time.sleep(0.02)
    pytest.fail("nothing came")


def test_a_message_is_deleted_once_it_is_stored(queue: parts.Sqs, receiver: Receiver) -> None:
    queue.send_bodies(["one"])
    batch = taken(receiver)
    assert (batch.origin, batch.bodies) == (queue.queue_url, ["one"])
    assert queue.counts() == (0, 1)
    batch.stored()
    assert until(lambda: queue.counts() == (0, 0))


def test_what_is_not_stored_comes_again(queue: parts.Sqs, told: list[str]) -> None:
    queue.send_bodies(["one"])
    first = Receiver(settings(queue), Troubles(told.append))
    first.start()
    assert until(lambda: not first._ready.empty())  # noqa: SLF001
    first.stop()
    second = Receiver(settings(queue), Troubles(told.append))
    second.start()
    batch = taken(second)
    assert batch.bodies == ["one"]
    batch.stored()
    second.stop()
    assert queue.counts() == (0, 0)


def test_many_messages_come_in_few_batches(queue: parts.Sqs, receiver: Receiver) -> None:
    bodies = {str(number) for number in range(45)}
    queue.send_bodies(sorted(bodies))
    found, batches = set[str](), 0
    while found != bodies:
        batch = taken(receiver)
        found |= set(batch.bodies)
        batches += 1
        batch.stored()
    assert batches < 10
    assert until(lambda: queue.counts() == (0, 0))


def test_the_end_waits_for_what_is_stored_to_be_deleted(queue: parts.Sqs, receiver: Receiver) -> None:
    queue.send_bodies(["one"])
    taken(receiver).stored()
    receiver.stop()
    assert queue.counts() == (0, 0)


def test_a_queue_out_of_reach_is_told_once_and_tried_again(
    queue: parts.Sqs, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqs, "LONGEST_PAUSE_S", 0.1)
    asked = settings(queue, endpoint_url=f"http://127.0.0.1:{free_port()}")
    receiver = Receiver(asked, Troubles(told.append))
    receiver._pause = 0.1  # noqa: SLF001
    receiver.start()
    assert until(lambda: bool(told))
    time.sleep(0.5)
    receiver.stop()
    assert len(told) == 1
    assert told[0].startswith(f"{queue.queue_url}: Could not connect to the endpoint URL")


def test_a_queue_that_is_not_there_is_told(queue: parts.Sqs, told: list[str]) -> None:
    receiver = Receiver(settings(queue, queue_url=queue.queue_url + "-none"), Troubles(told.append))
    receiver.start()
    assert until(lambda: bool(told))
    receiver.stop()
    assert "does not exist" in told[0]


def test_a_delete_that_failed_is_tried_again(
    queue: parts.Sqs, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = Receiver(settings(queue), Troubles(told.append))
    receiver._pause = 0.1  # noqa: SLF001
    client = receiver._connected()  # noqa: SLF001
    real, failures = client.delete_message_batch, [1, 2]

    def delete(**asked: Any) -> object:  # noqa: ANN401 - whatever boto3 takes
        if failures:
            entries = asked["Entries"]
            failures.pop()
            return {
                "Failed": [
                    {"Id": one["Id"], "SenderFault": False, "Code": "InternalError"} for one in entries
                ]
            }
        return real(**asked)

    monkeypatch.setattr(client, "delete_message_batch", delete)
    queue.send_bodies(["one"])
    receiver.start()
    taken(receiver).stored()
    assert until(lambda: queue.counts() == (0, 0) and not failures)
    receiver.stop()


def test_making_it_asks_nothing_of_aws(monkeypatch: pytest.MonkeyPatch, queue: parts.Sqs) -> None:
    for name in queue.environment:
        monkeypatch.delenv(name)
    Receiver(settings(queue), Troubles(print))
