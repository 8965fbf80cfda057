from typing import Any

import pytest

from postroad.facts import Event, Source
from postroad.phrases import _RELAY, _SES, phrase

WORDS: dict[str, Any] = {"client": "app[192.0.2.1]", "subject": "Hi\n", "size": "1", "nrcpt": "2", "notification": "sender non-delivery notification", "child_queue_id": "Q2", "relay": "mx", "reply": "a reply", "type": "Novel", "action": "canceled"}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "event"), [(Source.RELAY, event) for event in _RELAY] + [(Source.SES, event) for event in _SES]
)
def test_every_fact_is_one_printable_sentence(source: Source, event: Event) -> None:
    said = phrase(WORDS | {"source": source, "event": event})  # type: ignore[arg-type]
    assert said
    assert said.isprintable()
    assert said[0].isupper() or said.startswith("mx took it")


def say(source: Source, event: Event, **words: object) -> str:
    fact: Any = {"source": source, "event": event, **words}
    return phrase(fact)


def test_a_requeued_message_names_its_former_id() -> None:
    assert say(Source.RELAY, Event.PICKUP, orig_id="Q1") == "Queued again; its queue id was Q1"
    assert say(Source.RELAY, Event.PICKUP) == "Submitted on our mail server"


def test_a_message_that_a_rule_discarded_was_not_left_by_its_sender() -> None:
    assert say(Source.RELAY, Event.CANCELED, action="discarded") == "A rule on our server threw it away"
    assert (
        say(Source.RELAY, Event.CANCELED, action="canceled")
        == "The sender's program never finished sending it"
    )


def test_what_ses_did_not_say_is_said_to_be_unsaid() -> None:
    assert say(Source.SES, Event.BOUNCED) == "Bounced (no reason given): no text given"
    assert (
        say(Source.SES, Event.BOUNCED, bounce_type="Permanent", bounce_sub_type="General", reply="550 no")
        == "Bounced (Permanent/General): 550 no"
    )
    assert say(Source.SES, Event.DELAYED, delay_type="MailboxFull").endswith(
        "wait (MailboxFull): no text given"
    )


def test_a_complaint_of_several_is_possibly_anothers() -> None:
    assert (
        say(Source.SES, Event.COMPLAINED, feedback_type="abuse", recipients=3)
        == "Reported as unwanted (abuse), possibly one of 3 recipients"
    )
    assert (
        say(Source.SES, Event.COMPLAINED, complaint_sub_type="OnAccountSuppressionList")
        == "Not attempted: on a suppression list (OnAccountSuppressionList)"
    )
