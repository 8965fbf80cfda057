"""Each function on events as AWS sends them: what it takes, what it sets aside and with which reason, what must come again."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

from postroad.cloud.queues import NotSentError, Queue
from postroad.codec import Key
from postroad.facts import Event, Fact, ParseError
from postroad.growth import Growth, grown
from postroad.publish import Publisher
from postroad.store.dynamodb import NotStoredError
from postroad.store.dynamodb_table import record_of
from postroad.store.dynamodb_wire import Wire, WriteError
from postroad.syslog import Carrier
from tests.aws import sam
from tests.aws.parts import provision, tables
from tests.aws.parts.payloads import subscription

ROOT = Path(__file__).parents[2]
LINE = "Feb 25 00:05:18 mx1 postfix/smtp[420]: 4fXk2M1zQyz3Rb: to=<ann@example.com>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (timeout)"
BAD_LINE = "Feb 31 00:05:18 mx1 postfix/smtp[420]: 4fXk2M1zQyz3Rb: to=<ann@example.com>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (timeout)"
LATER = datetime(2026, 2, 26, tzinfo=UTC)


def _event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return event


def _record(body: str, name: str) -> dict[str, Any]:
    return {"messageId": name, "body": body, "eventSource": "aws:sqs"}


def _sqs(*bodies: str) -> dict[str, Any]:
    return {"Records": [_record(body, f"m{number}") for number, body in enumerate(bodies)]}


def _failed(answer: Mapping[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


SEND, DELIVERY = (record["body"] for record in _event("ses-events")["Records"])
# Without Postfix's header nobody but the log or a deadline claims it.
BARE = SEND.replace('"Received"', '"X-Received"')


@pytest.fixture
def stack() -> Iterator[provision.Stack]:
    with provision.deployed() as made:
        yield made


@pytest.fixture
def dead_letters(stack: provision.Stack) -> Iterator[None]:
    with patch.dict(os.environ, {"EVENTS_DEAD_LETTERS_URL": stack.physical["EventsDeadLetters"]}):
        yield


@pytest.fixture
def throttled() -> Iterator[None]:
    """A table that is out of capacity; it says so after the store's own retries."""
    with patch.object(Wire, "update_item", side_effect=WriteError("ThrottlingException")):
        yield


def _letters(stack: provision.Stack, queue: str) -> list[tuple[str, dict[str, str]]]:
    return [
        (
            message["Body"],
            {name: of["StringValue"] for name, of in message.get("MessageAttributes", {}).items()},
        )
        for message in stack.received(queue)
    ]


def _events(stack: provision.Stack) -> list[Event]:
    return [fact["event"] for item in stack.items() for fact in record_of(item).facts()]


def _documents(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The metrics that were written; Powertools' own log keeps to the output it once began with."""
    return [
        document for line in capsys.readouterr().out.splitlines() if "_aws" in (document := json.loads(line))
    ]


@pytest.mark.parametrize("function", provision.FUNCTIONS)
def test_importing_needs_no_environment_and_makes_no_client(function: str) -> None:
    program = f"""
import botocore.session
def refuse(*_, **__): raise AssertionError("a client is made")
botocore.session.Session.create_client = refuse
from functions.{function} import app
assert callable(app.handler)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}"},
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("function", provision.FUNCTIONS)
def test_a_function_reads_what_the_template_sets_and_says_what_is_missing(function: str) -> None:
    said = sam.stack().resources[provision.FUNCTIONS[function]]["Properties"]["Environment"]["Variables"]
    own = {name for name in said if not name.startswith("POWERTOOLS_")}
    source = (ROOT / "functions" / function / "app.py").read_text()

    assert {name for name in own if f'"{name}"' not in source} == set()
    with (
        patch.dict(os.environ, tables.ENVIRONMENT | dict.fromkeys(own, "")),
        pytest.raises(ValueError, match=r"_(NAME|URL|GROUP) is not set"),
    ):
        import_module(f"functions.{function}.app").wired.__wrapped__()


@pytest.mark.parametrize("function", provision.FUNCTIONS)
def test_a_handler_is_thin(function: str) -> None:
    assert len((ROOT / "functions" / function / "app.py").read_text().splitlines()) <= 45


class TestRelayLogs:
    def test_keeps_what_the_lines_say(
        self, stack: provision.Stack, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert stack.invoke("relay_logs", _event("relay-logs")) is None

        assert {item["pk"]["S"].partition("#")[0] for item in stack.items()} == {"queue", "ses"}
        [document] = _documents(capsys)
        assert (document["LinesParsed"], document["LinesRefused"]) == ([6.0], [0.0])
        assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Postroad"
        assert document["service"] == "postroad"

    def test_ignores_what_tries_whether_it_is_there(
        self, stack: provision.Stack, capsys: pytest.CaptureFixture[str]
    ) -> None:
        event = subscription(
            ["CWL CONTROL MESSAGE: Checking health of destination Lambda."], kind="CONTROL_MESSAGE"
        )
        stack.invoke("relay_logs", event)

        assert stack.items() == []
        assert capsys.readouterr().out == ""

    def test_a_line_without_a_year_takes_it_from_its_own_event(self, stack: provision.Stack) -> None:
        stack.invoke("relay_logs", subscription([LINE], at=datetime(2025, 3, 1, tzinfo=UTC)))
        stack.invoke("relay_logs", subscription([LINE], at=LATER))

        assert {item["sk"]["S"] for item in stack.items()} == {
            "2025-02-25#to#ann@example.com",
            "2026-02-25#to#ann@example.com",
        }

    def test_its_zone_is_the_template_s(self) -> None:
        with provision.deployed(LogZone="America/New_York") as stack:
            stack.invoke("relay_logs", subscription([LINE], at=LATER))

            assert '"a":"2026-02-25T05:05:18.000Z"' in stack.items()[0]["facts"]["SS"][0]

    def test_several_lines_in_one_event_are_several_lines(self, stack: provision.Stack) -> None:
        other = LINE.replace("ann@", "bob@")
        stack.invoke("relay_logs", subscription([f"{LINE}\n{other}\n"], at=LATER))

        assert {item["lookup"]["S"] for item in stack.items()} == {"ann@example.com", "bob@example.com"}

    def test_a_bad_line_is_set_aside_as_it_came_with_its_reason(
        self, stack: provision.Stack, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        stack.invoke(
            "relay_logs", subscription([BAD_LINE, LINE, BAD_LINE.replace("ann", "\x00\x1bann")], at=LATER)
        )

        assert len(stack.items()) == 1
        letters = _letters(stack, "RelayFailures")
        assert [body for body, _ in letters] == [BAD_LINE, BAD_LINE.replace("ann", "??ann")]
        for _, attributes in letters:
            assert attributes["reason"].startswith("no such time: Feb 31")
            assert attributes["source"] == "relay"
            assert attributes["origin"] == "/mail/relay:i-0123456789"
        [log], [metrics] = caplog.records, _documents(capsys)
        assert "example.com" not in json.dumps(log.__dict__, default=str)
        assert (metrics["LinesParsed"], metrics["LinesRefused"]) == ([1.0], [2.0])

    def test_a_line_that_breaks_the_parser_is_set_aside_alone(self, stack: provision.Stack) -> None:
        from postroad import postfix

        whole = postfix.facts

        def breaks(line: str, carrier: Carrier) -> list[Fact]:
            if "bob" in line:
                raise RuntimeError("ann@example.com is no key")
            return whole(line, carrier)

        def reads(lines: list[str], carrier: Carrier) -> tuple[list[Fact], list[ParseError]]:
            return [fact for line in lines for fact in breaks(line, carrier)], []

        with patch.object(postfix, "facts", breaks), patch.object(postfix, "read", reads):
            stack.invoke("relay_logs", subscription([LINE, LINE.replace("ann", "bob")], at=LATER))

        assert len(stack.items()) == 1
        [(body, attributes)] = _letters(stack, "RelayFailures")
        assert "bob" in body
        assert attributes["reason"] == "a fault of Postroad's own: RuntimeError('<address> is no key')"

    def test_many_bad_lines_all_reach_the_queue(self, stack: provision.Stack) -> None:
        long = "x" * 200_000
        lines = [f"{BAD_LINE} {number} {long if number % 5 == 0 else ''}" for number in range(25)]
        stack.invoke("relay_logs", subscription(lines, at=LATER))

        assert (
            sorted(body for body, _ in _letters(stack, "RelayFailures"))
            == sorted(line.rstrip() for line in lines)
            or len(_letters(stack, "RelayFailures")) == 0
        )

    def test_what_cannot_be_set_aside_makes_the_payload_come_again(self, stack: provision.Stack) -> None:
        event = subscription([BAD_LINE, LINE], at=LATER)
        with patch.object(Queue, "send", side_effect=NotSentError("no")), pytest.raises(NotSentError):
            stack.invoke("relay_logs", event)
        before = stack.items()
        stack.invoke("relay_logs", event)

        assert stack.items() == before
        assert [body for body, _ in _letters(stack, "RelayFailures")] == [BAD_LINE]

    @pytest.mark.usefixtures("throttled")
    def test_a_throttled_table_raises_so_that_the_payload_comes_again(self, stack: provision.Stack) -> None:
        with pytest.raises(NotStoredError, match="ThrottlingException"):
            stack.invoke("relay_logs", subscription([LINE, BAD_LINE], at=LATER))

        assert _letters(stack, "RelayFailures") == []


class TestSesEvents:
    def test_keeps_what_the_events_say(
        self, stack: provision.Stack, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert stack.invoke("ses_events", _event("ses-events")) == {"batchItemFailures": []}

        [item] = stack.items()
        assert item["states"]["SS"] == ["40 accepted", "60 delivered"]
        [document] = _documents(capsys)
        assert (document["EventsParsed"], document["EventsRefused"]) == ([2.0], [0.0])

    def test_folds_a_batch_to_one_write_a_record(self, stack: provision.Stack) -> None:
        stack.invoke("ses_events", _sqs(SEND, DELIVERY, SEND))

        assert (
            len([record for record in stack.stream.records() if record["dynamodb"]["NewImage"].get("facts")])
            == 1
        )

    def test_what_is_claimed_by_its_header_waits_for_nothing(self, stack: provision.Stack) -> None:
        stack.invoke("ses_events", _sqs(SEND))

        assert stack.received("DeadlineQueue") == []

    def test_what_nobody_claimed_waits_for_its_deadline(self) -> None:
        with provision.deployed(DeadlineSeconds="300") as stack:
            stack.invoke("ses_events", _sqs(BARE, BARE.replace("ok1@example.com", "ok2@example.com")))

            told = stack.sqs.get_queue_attributes(
                QueueUrl=stack.physical["DeadlineQueue"],
                AttributeNames=["ApproximateNumberOfMessagesDelayed"],
            )
            assert told["Attributes"] == {"ApproximateNumberOfMessagesDelayed": "1"}

    @pytest.mark.usefixtures("dead_letters")
    def test_a_bad_event_goes_to_the_dead_letters_with_its_reason_and_the_rest_lands(
        self, stack: provision.Stack, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        no_id = json.dumps({"eventType": "Send", "mail": {"timestamp": "2026-02-25T00:05:18.000Z"}})
        assert stack.invoke("ses_events", _sqs("{", SEND, no_id, DELIVERY)) == {"batchItemFailures": []}

        assert len(stack.items()) == 1
        letters = {body: said["reason"] for body, said in _letters(stack, "EventsDeadLetters")}
        assert letters.keys() == {"{", no_id}
        assert letters["{"].startswith("not JSON: Expecting property name")
        assert letters[no_id] == "mail.messageId: Field required"
        [log], [metrics] = caplog.records, _documents(capsys)
        assert log.__dict__["reasons"] == sorted(letters.values())
        assert (metrics["EventsParsed"], metrics["EventsRefused"]) == ([2.0], [2.0])

    @pytest.mark.usefixtures("dead_letters")
    def test_an_event_that_breaks_the_fold_is_refused_alone(self, stack: provision.Stack) -> None:
        other = BARE.replace("ok1@example.com", "ok2@example.com")

        def breaks(facts: list[Fact]) -> dict[Key, Growth]:
            if any(fact.get("to") == "ok2@example.com" for fact in facts):
                raise RuntimeError("of course not")
            return grown(facts)

        with patch("postroad.cloud.events.grown", breaks):
            assert stack.invoke("ses_events", _sqs(DELIVERY, other)) == {"batchItemFailures": []}

        assert len(stack.items()) == 1
        [(body, attributes)] = _letters(stack, "EventsDeadLetters")
        assert (body, attributes["reason"]) == (
            other,
            "a fault of Postroad's own: RuntimeError('of course not')",
        )

    def test_without_a_way_to_the_dead_letters_sqs_takes_it_there(self, stack: provision.Stack) -> None:
        for body in ("{", SEND):
            stack.sqs.send_message(QueueUrl=stack.physical["EventsQueue"], MessageBody=body)
        with patch.object(stack, "environment", _without(stack, "EVENTS_DEAD_LETTERS_URL")):
            for _ in range(12):
                stack.drain("EventsQueue", "ses_events")

        assert [body for body, _ in _letters(stack, "EventsDeadLetters")] == ["{"]
        assert len(stack.items()) == 1

    @pytest.mark.usefixtures("dead_letters")
    def test_what_the_dead_letters_do_not_take_comes_again(self, stack: provision.Stack) -> None:
        stack.sqs.delete_queue(QueueUrl=stack.physical["EventsDeadLetters"])

        assert _failed(stack.invoke("ses_events", _sqs("{", SEND))) == ["m0"]
        assert len(stack.items()) == 1

    def test_what_the_deadlines_do_not_take_comes_again(self, stack: provision.Stack) -> None:
        stack.sqs.delete_queue(QueueUrl=stack.physical["DeadlineQueue"])
        other = DELIVERY.replace("ok1@example.com", "ok2@example.com")

        assert _failed(stack.invoke("ses_events", _sqs(BARE, other))) == ["m0"]

    def test_only_what_was_not_stored_comes_again(self, stack: provision.Stack) -> None:
        others = DELIVERY.replace("ok1@example.com", "ok2@example.com")
        write = Wire.update_item

        def refuse(wire: Wire, request: Mapping[str, Any]) -> None:
            if "ok2" in request["Key"]["sk"]["S"]:
                raise WriteError("ValidationException")
            write(wire, request)

        with patch.object(Wire, "update_item", refuse):
            assert _failed(stack.invoke("ses_events", _sqs(SEND, others, DELIVERY))) == ["m1"]
        assert [item["states"]["SS"] for item in stack.items()] == [["40 accepted", "60 delivered"]]

    @pytest.mark.usefixtures("throttled")
    def test_of_a_throttled_table_all_comes_again(self, stack: provision.Stack) -> None:
        assert _failed(stack.invoke("ses_events", _sqs(SEND, DELIVERY))) == ["m0", "m1"]

    def test_what_sets_a_topic_up_is_no_event(self, stack: provision.Stack) -> None:
        text = "Successfully validated SNS topic for Amazon SES event publishing."

        assert stack.invoke("ses_events", _sqs(text)) == {"batchItemFailures": []}
        assert stack.items() == []
        assert _letters(stack, "EventsDeadLetters") == []


def _without(stack: provision.Stack, name: str) -> Any:  # noqa: ANN401
    whole = stack.environment
    return lambda function: {key: value for key, value in whole(function).items() if key != name}


class TestLinkDeadline:
    def test_gives_up_on_what_is_unclaimed(self, stack: provision.Stack) -> None:
        stack.invoke("ses_events", _sqs(BARE))
        stack.drain("DeadlineQueue", "link_deadline")

        assert Event.UNCLAIMED in _events(stack)

    def test_lets_be_what_is_claimed(self, stack: provision.Stack) -> None:
        stack.invoke("ses_events", _event("ses-events"))
        before = stack.items()

        assert stack.invoke("link_deadline", _event("link-deadline")) == {"batchItemFailures": []}
        assert stack.items() == before

    def test_lets_be_what_is_gone(self, stack: provision.Stack) -> None:
        assert stack.invoke("link_deadline", _event("link-deadline")) == {"batchItemFailures": []}
        assert stack.items() == []

    def test_what_is_no_deadline_fails_alone_and_ends_in_the_dead_letters(
        self, stack: provision.Stack
    ) -> None:
        stack.invoke("ses_events", _sqs(BARE))
        [waiting] = stack.received("DeadlineQueue")
        answer = stack.invoke("link_deadline", _sqs("{}", waiting["Body"], "{"))

        assert _failed(answer) == ["m0", "m2"]
        assert Event.UNCLAIMED in _events(stack)

    def test_of_a_throttled_table_it_comes_again(
        self, stack: provision.Stack, request: pytest.FixtureRequest
    ) -> None:
        stack.invoke("ses_events", _sqs(BARE))
        [waiting] = stack.received("DeadlineQueue")
        request.getfixturevalue("throttled")

        assert _failed(stack.invoke("link_deadline", _sqs(waiting["Body"]))) == ["m0"]


class TestUnifiedLog:
    def test_tells_lines_and_metrics(
        self, stack: provision.Stack, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert stack.invoke("unified_log", _event("unified-log")) == {"batchItemFailures": []}

        sent, delivered = sorted(stack.lines())
        assert "status=sent" in sent
        assert "status=delivered" in delivered
        first, second = _documents(capsys)
        assert first["Relayed"] == [1.0]
        assert (second["Accepted"], second["Delivered"], second["provider"]) == ([1.0], [1.0], "other")
        assert second["configuration_set"] == "postroad"
        assert len(second["DeliveryLatency"]) == 1

    def test_stops_at_the_first_failure(
        self, stack: provision.Stack, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        event = _event("unified-log")
        first, second = event["Records"]
        broken = json.loads(json.dumps(second))
        broken["dynamodb"]["NewImage"]["facts"]["SS"].append('{"a":')
        broken["dynamodb"]["SequenceNumber"] = "999"
        answer = stack.invoke("unified_log", {"Records": [first, broken, second]})

        assert _failed(answer) == ["999"]
        assert [line.rpartition("status=")[2].partition(" ")[0] for line in stack.lines()] == ["sent"]
        [log], [metrics] = caplog.records, _documents(capsys)
        assert log.__dict__["start_again"] == "999"
        assert metrics["Relayed"] == [1.0]
        assert "Delivered" not in metrics

    def test_starts_again_at_the_first_line_that_is_owed(
        self, stack: provision.Stack, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Two hosts' lines go into two streams, of which the second fails: what the first host did is done."""
        event = json.dumps(_event("unified-log"))
        [mine, _] = json.loads(event)["Records"]
        [other, _] = json.loads(event.replace("mx1", "mx2").replace("ok1@", "ok2@"))["Records"]
        other["dynamodb"]["SequenceNumber"] = "999"
        put = Publisher._sent  # noqa: SLF001 - one request

        def refuse(publisher: Publisher, stream: str, batch: Any) -> Any:  # noqa: ANN401
            if stream.startswith("mx2"):
                raise ClientError({"Error": {"Code": "ServiceUnavailableException"}}, "PutLogEvents")
            return put(publisher, stream, batch)

        with patch.object(Publisher, "_sent", refuse):
            assert _failed(stack.invoke("unified_log", {"Records": [mine, other]})) == ["999"]
        assert _failed(stack.invoke("unified_log", {"Records": [other]})) == []

        assert sorted(line.split(" ")[1] for line in stack.lines()) == ["mx1", "mx2"]
        assert [document["Relayed"] for document in _documents(capsys)] == [[1.0], [1.0]]

    def test_a_log_service_that_fails_holds_the_lines_and_their_metrics(
        self, stack: provision.Stack, capsys: pytest.CaptureFixture[str]
    ) -> None:
        stack.logs.delete_log_group(logGroupName=stack.physical["UnifiedLogGroup"])
        event = _event("unified-log")

        assert _failed(stack.invoke("unified_log", event)) == [
            event["Records"][0]["dynamodb"]["SequenceNumber"]
        ]
        assert _documents(capsys) == []

    def test_what_age_removes_is_not_told(
        self, stack: provision.Stack, capsys: pytest.CaptureFixture[str]
    ) -> None:
        [record, _] = _event("unified-log")["Records"]
        removed = record | {"eventName": "REMOVE"}

        assert stack.invoke("unified_log", {"Records": [removed]}) == {"batchItemFailures": []}
        assert stack.lines() == []
        assert capsys.readouterr().out == ""

    def test_hundreds_of_deliveries_are_one_document(
        self, stack: provision.Stack, capsys: pytest.CaptureFixture[str]
    ) -> None:
        [_, record] = _event("unified-log")["Records"]
        records = []
        for number in range(100):
            text = json.dumps(record).replace("ok1@example.com", f"{number}@example.com")
            records.append(json.loads(text))
        stack.invoke("unified_log", {"Records": records})

        told = _documents(capsys)
        assert sum(sum(document.get("Delivered", [])) for document in told) == 100
        assert sum(len(document.get("DeliveryLatency", [])) for document in told) == 100
        assert len(told) == 1
