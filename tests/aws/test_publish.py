"""Unified lines in CloudWatch Logs: where they stand, when, and what becomes of those that it does not take."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import ANY, Stubber

from postroad.instants import from_datetime, to_ms
from postroad.publish import MOST_BYTES, MOST_EVENTS, NotPublishedError, Publisher, Told, batched, stream_name
from tests.aws.parts import tables

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

GROUP = "/postroad/postroad/unified"
# Some minutes into an hour, so that no test runs over midnight.
NOW = datetime.now(UTC).replace(minute=10) - timedelta(hours=1)


def _line(at: datetime, host: str = "mx1", text: str = "status=sent (ok)") -> str:
    return f"{from_datetime(at)} {host} postfix/smtp[1]: 4fXk2M1zQyz3Rb: {text}"


@pytest.fixture
def client() -> Iterator["CloudWatchLogsClient"]:
    with tables.moto():
        made = boto3.client("logs", config=Config(retries={"mode": "standard", "total_max_attempts": 5}))
        made.create_log_group(logGroupName=GROUP)
        yield made


def _streams(client: "CloudWatchLogsClient") -> dict[str, list[tuple[int, str]]]:
    return {
        stream["logStreamName"]: [
            (event["timestamp"], event["message"])
            for event in client.get_log_events(
                logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]
        for stream in client.describe_log_streams(logGroupName=GROUP)["logStreams"]
    }


def _publisher(client: "CloudWatchLogsClient") -> Publisher:
    return Publisher(client, GROUP, lambda: NOW)


def test_a_line_stands_at_its_own_time_in_the_stream_of_its_host_and_day(
    client: "CloudWatchLogsClient",
) -> None:
    day_before = NOW - timedelta(days=1)
    lines = [_line(NOW), _line(NOW - timedelta(minutes=1)), _line(NOW, "mx2.example.org"), _line(day_before)]
    _publisher(client).publish(lines)

    assert _streams(client) == {
        f"mx1/{NOW:%Y-%m-%d}": [(_ms(NOW - timedelta(minutes=1)), lines[1]), (_ms(NOW), lines[0])],
        f"mx1/{day_before:%Y-%m-%d}": [(_ms(day_before), lines[3])],
        f"mx2.example.org/{NOW:%Y-%m-%d}": [(_ms(NOW), lines[2])],
    }


def _ms(at: datetime) -> int:
    return to_ms(from_datetime(at))


def test_a_stream_is_made_once(client: "CloudWatchLogsClient") -> None:
    publisher = _publisher(client)
    publisher.publish([_line(NOW)])
    client.create_log_stream(logGroupName=GROUP, logStreamName="else")
    publisher.publish([_line(NOW, text="again")])

    assert len(_streams(client)[f"mx1/{NOW:%Y-%m-%d}"]) == 2


@pytest.mark.parametrize(
    "off", [timedelta(days=-14), timedelta(days=-400), timedelta(hours=2), timedelta(days=300)]
)
def test_a_line_of_a_time_that_is_not_taken_is_told_as_of_now(
    client: "CloudWatchLogsClient", off: timedelta
) -> None:
    line = _line(NOW + off)
    _publisher(client).publish([line, _line(NOW)])

    assert sorted(_streams(client)[f"mx1/{NOW:%Y-%m-%d}"]) == sorted(
        [(_ms(NOW), line), (_ms(NOW), _line(NOW))]
    )


@pytest.mark.parametrize(
    ("info", "late"),
    [
        ({"expiredLogEventEndIndex": 2}, [0, 1]),
        ({"tooOldLogEventEndIndex": 1}, [0]),
        ({"tooNewLogEventStartIndex": 2}, [2]),
        ({"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}, [0, 2]),
    ],
)
def test_what_is_rejected_all_the_same_is_told_as_of_now(
    client: "CloudWatchLogsClient", info: dict[str, int], late: list[int]
) -> None:
    """The group's retention may be shorter than two weeks."""
    times = [NOW - timedelta(minutes=minutes) for minutes in (9, 5, 1)]
    lines = [_line(at, text=str(number)) for number, at in enumerate(times)]
    of_day = {"logGroupName": GROUP, "logStreamName": f"mx1/{NOW:%Y-%m-%d}"}

    def events(numbers: list[int], at: datetime | None = None) -> list[dict[str, Any]]:
        return [{"timestamp": _ms(at or times[number]), "message": lines[number]} for number in numbers]

    with Stubber(client) as stub:
        stub.add_response(
            "put_log_events", {"rejectedLogEventsInfo": info}, of_day | {"logEvents": events([0, 1, 2])}
        )
        stub.add_response("put_log_events", {}, of_day | {"logEvents": events(late, NOW)})
        _publisher(client).publish(lines)
        stub.assert_no_pending_responses()


def test_what_is_rejected_twice_is_not_lost(client: "CloudWatchLogsClient") -> None:
    with Stubber(client) as stub:
        for _ in range(2):
            stub.add_response("put_log_events", {"rejectedLogEventsInfo": {"tooNewLogEventStartIndex": 0}})
        with pytest.raises(NotPublishedError, match="1 line"):
            _publisher(client).publish([_line(NOW)])


def test_what_fails_is_named(client: "CloudWatchLogsClient") -> None:
    lines = [_line(NOW), _line(NOW, "mx2"), _line(NOW), _line(NOW, "mx3")]
    with Stubber(client) as stub:
        stub.add_response(
            "put_log_events", {}, {"logGroupName": GROUP, "logStreamName": ANY, "logEvents": ANY}
        )
        stub.add_client_error("put_log_events", "ServiceUnavailableException")
        with pytest.raises(NotPublishedError, match="2 lines") as told:
            _publisher(client).publish(lines)

    assert told.value.numbers == [1, 3]


def test_what_is_throttled_is_tried_again(
    client: "CloudWatchLogsClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.awsrequest import AWSResponse
    from botocore.compat import HTTPHeaders

    class Raw:
        def stream(self, **_: object) -> Iterator[bytes]:
            yield json.dumps({"__type": "ThrottlingException", "message": "slow down"}).encode()

    refusals = [AWSResponse("https://logs", 400, HTTPHeaders(), Raw()) for _ in range(3)]
    monkeypatch.setattr("time.sleep", lambda _: None)
    client.meta.events.register_first(
        "before-send.cloudwatch-logs.PutLogEvents",
        lambda **_: refusals.pop() if refusals else None,  # type: ignore[arg-type]
    )
    _publisher(client).publish([_line(NOW)])

    assert refusals == []
    assert len(_streams(client)) == 1


def test_nothing_asks_for_nothing(client: "CloudWatchLogsClient") -> None:
    with Stubber(client):
        _publisher(client).publish([])


class TestBatches:
    def test_hold_no_more_events_than_one_call_takes(self) -> None:
        told = [Told("2026-02-25T00:00:00.000Z", number, "x") for number in range(MOST_EVENTS + 1)]

        assert [len(batch) for batch in batched(told)] == [MOST_EVENTS, 1]

    def test_hold_no_more_bytes_than_one_call_takes(self) -> None:
        told = [Told("2026-02-25T00:00:00.000Z", number, "é" * 2_000) for number in range(1_000)]
        batches = list(batched(told))

        assert [one for batch in batches for one in batch] == told
        sizes = [sum(4_000 + 26 for _ in batch) for batch in batches]
        assert max(sizes) <= MOST_BYTES < max(sizes) + 4_026


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("mx1.example.org", "mx1.example.org/2026-02-25"),
        ("a:b*c/d", "a_b_c_d/2026-02-25"),
        ("-", "-/2026-02-25"),
        ("ü", "_/2026-02-25"),
    ],
)
def test_a_stream_has_a_name_that_is_taken(host: str, name: str) -> None:
    assert stream_name(host, "2026-02-25T00:05:18.000Z") == name
    assert len(stream_name("x" * 2_000, "2026-02-25T00:05:18.000Z")) <= 512
