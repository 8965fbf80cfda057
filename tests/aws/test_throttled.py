"""A table that has no capacity, for a while or for one key: everything comes again and lands, or is set aside whole; nothing is lost."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from postroad.store.dynamodb import NotStoredError
from postroad.store.dynamodb_wire import RETRIES, Wire
from tests.aws.parts import provision
from tests.aws.parts.payloads import subscription

EVENTS = Path(__file__).parents[2] / "events"
# A part of the sample: moto takes its time for each write.
LINES = (EVENTS / "relay.log").read_text().splitlines()[:80]
BAD_LINE = "Feb 31 00:05:18 mx1 postfix/smtp[420]: 4fXk2M1zQyz3Rb: to=<ann@example.com>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (timeout)"
BODIES = (EVENTS / "ses-events.jsonl").read_text().splitlines()[::4]
# The log was read on the day after it was written.
PAYLOAD = subscription([*LINES, BAD_LINE], at=datetime(2026, 11, 25, 12, tzinfo=UTC))
# As the template has it, and as Lambda has it for what it invokes without waiting.
RECEIVES, TRIES = 10, 3
Item = Mapping[str, Any]
Refuses = Callable[[Item], bool]


@pytest.fixture
def stack() -> Iterator[provision.Stack]:
    with provision.deployed() as made:
        yield made


@pytest.fixture(scope="module")
def whole() -> tuple[list[Item], list[str]]:
    """What stands in the table, and in the unified log, where nothing is ever refused."""
    with provision.deployed() as made:
        made.invoke("relay_logs", PAYLOAD)
        _send(made, BODIES)
        made.run()
        return _items(made), sorted(made.lines())


@contextmanager
def _refusing(refuses: Refuses) -> Iterator[Counter[str]]:
    """Let the table refuse some tries of some writes; the store's pauses between them take no time."""
    answer, tries = Wire._answer, Counter[str]()  # noqa: SLF001 - the store's boundary
    refusal = {"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}

    def answered(wire: Wire, body: bytes) -> tuple[int, bytes]:
        refused = refuses(json.loads(body))
        tries["refused" if refused else "taken"] += 1
        return (400, json.dumps(refusal).encode()) if refused else answer(wire, body)

    with patch.object(Wire, "_answer", answered), patch("time.sleep"):
        yield tries


def _now_and_then(share: float) -> Refuses:
    rng = Random(7)
    return lambda _: rng.random() < share


def _send(stack: provision.Stack, bodies: list[str]) -> None:
    for body in bodies:
        stack.sqs.send_message(QueueUrl=stack.physical["EventsQueue"], MessageBody=body)


def _drain(stack: provision.Stack, rounds: int) -> None:
    for _ in range(rounds):
        stack.drain("EventsQueue", "ses_events")


def _items(stack: provision.Stack) -> list[Item]:
    """All that stands in the table; a set has no order."""
    return sorted(
        (
            {
                name: {kind: sorted(of) if kind == "SS" else of for kind, of in value.items()}
                for name, value in item.items()
            }
            for item in stack.items()
        ),
        key=lambda item: (item["pk"]["S"], item["sk"]["S"]),
    )


def _waiting(stack: provision.Stack, queue: str) -> list[str]:
    return sorted(message["Body"] for message in stack.received(queue))


class TestEvents:
    @pytest.mark.parametrize("share", [0.2, 0.6])
    def test_come_again_until_all_are_stored_and_told_once(
        self, stack: provision.Stack, whole: tuple[list[Item], list[str]], share: float
    ) -> None:
        stack.invoke("relay_logs", PAYLOAD)
        _send(stack, BODIES)
        with _refusing(_now_and_then(share)) as tries:
            _drain(stack, RECEIVES)
        stack.run()

        assert tries["refused"] > 0
        assert _waiting(stack, "EventsDeadLetters") == []
        assert (_items(stack), sorted(stack.lines())) == whole

    def test_of_others_wait_for_one_recipient_s_full_index_and_then_land(
        self, stack: provision.Stack, whole: tuple[list[Item], list[str]]
    ) -> None:
        stack.invoke("relay_logs", PAYLOAD)
        _send(stack, BODIES)
        hot = next(item["lookup"]["S"] for item in whole[0] if item["pk"]["S"].startswith("ses#"))
        with _refusing(lambda request: hot in json.dumps(request)):
            _drain(stack, 3)
            behind = _items(stack)
        stack.run()

        assert behind != whole[0]
        assert (_items(stack), sorted(stack.lines())) == whole

    def test_end_in_the_dead_letters_as_they_came_and_can_be_sent_again(
        self, stack: provision.Stack, whole: tuple[list[Item], list[str]]
    ) -> None:
        stack.invoke("relay_logs", PAYLOAD)
        before = _items(stack)
        _send(stack, BODIES)
        with _refusing(lambda _: True) as tries:
            _drain(stack, RECEIVES + 3)
        dead = [message["Body"] for message in stack.received("EventsDeadLetters", most=1_000)]

        assert tries["taken"] == 0
        assert sorted(dead) == sorted(BODIES)
        assert _items(stack) == before
        _send(stack, dead)
        stack.run()
        assert (_items(stack), sorted(stack.lines())) == whole


class TestLog:
    def test_comes_again_and_is_stored_and_its_bad_line_is_set_aside_once(
        self, stack: provision.Stack, whole: tuple[list[Item], list[str]]
    ) -> None:
        """The first two tries get only so far; Lambda makes three."""
        for taken in (3, 20):
            left = iter([*repeat(False, taken), *repeat(True, 10_000)])
            with _refusing(lambda _, left=left: next(left)), pytest.raises(NotStoredError):  # type: ignore[misc]
                stack.invoke("relay_logs", PAYLOAD)
            assert 0 < len(_items(stack)) < len(whole[0])
            assert _waiting(stack, "RelayFailures") == []
        stack.invoke("relay_logs", PAYLOAD)
        _send(stack, BODIES)
        stack.run()

        assert _waiting(stack, "RelayFailures") == [BAD_LINE]
        assert (_items(stack), sorted(stack.lines())) == whole

    def test_that_is_never_taken_raises_each_time_so_that_lambda_sets_it_aside_whole(
        self, stack: provision.Stack, whole: tuple[list[Item], list[str]]
    ) -> None:
        told = []
        with _refusing(lambda _: True):
            for _ in range(TRIES):
                with pytest.raises(NotStoredError, match="ProvisionedThroughputExceeded") as error:
                    stack.invoke("relay_logs", PAYLOAD)
                told.append(str(error.value))
        assert not any("@" in text for text in told)
        assert stack.items() == []

        # What Lambda sets aside is the event itself: handed in again, by an operator, it says all it would have said.
        stack.invoke("relay_logs", json.loads(json.dumps(PAYLOAD)))
        _send(stack, BODIES)
        stack.run()
        assert (_items(stack), sorted(stack.lines())) == whole

    def test_is_asked_for_a_few_times_only_where_the_table_takes_nothing(
        self, stack: provision.Stack
    ) -> None:
        with _refusing(lambda _: True) as tries, pytest.raises(NotStoredError):
            stack.invoke("relay_logs", PAYLOAD)

        # Eight writers at once, and each tries as often as it may.
        assert tries["refused"] <= 2 * 8 * (RETRIES + 1)


def test_deadlines_come_again_until_their_records_are_given_up(stack: provision.Stack) -> None:
    bare = [body.replace('"Received"', '"X-Received"') for body in BODIES]
    _send(stack, bare)
    _drain(stack, 1)
    with _refusing(_now_and_then(0.5)) as tries:
        for _ in range(RECEIVES):
            stack.drain("DeadlineQueue", "link_deadline")
    stack.run()

    assert tries["refused"] > 0
    assert _waiting(stack, "DeadlineDeadLetters") == []
    deliveries = [item for item in _items(stack) if item["sk"]["S"].startswith("to#")]
    assert deliveries
    assert all(any('"unclaimed"' in text for text in item["facts"]["SS"]) for item in deliveries)
