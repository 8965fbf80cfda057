from itertools import permutations
from typing import Any

import pytest

from postroad.facts import Event, Fact, Source
from postroad.lifecycle import (
    BY_WORD,
    MEANINGS,
    PROBLEMS,
    State,
    filtered_as,
    is_auto_reply,
    is_complaint,
    is_problem,
    is_suppressed,
    state,
    state_of,
)


def relay(event: Event, **more: str) -> Fact:
    return {"source": Source.RELAY, "event": event, **more}  # type: ignore[typeddict-item]


def ses(event: Event, **more: str) -> Fact:
    return {"source": Source.SES, "event": event, **more}  # type: ignore[typeddict-item]


def bounce(kind: str, sub_type: str = "General") -> Fact:
    return ses(Event.BOUNCED, bounce_type=kind, bounce_sub_type=sub_type)


REACHED = [
    (relay(Event.CLIENT), State.QUEUED),
    (relay(Event.PICKUP), State.QUEUED),
    (relay(Event.MESSAGE_ID), State.QUEUED),
    (relay(Event.SUBJECT), State.QUEUED),
    (relay(Event.ACTIVE), State.QUEUED),
    (relay(Event.HELD), State.QUEUED),
    (relay(Event.RELEASED), State.QUEUED),
    (relay(Event.DEFERRED), State.DEFERRED),
    (relay(Event.RELAYED), State.RELAYED),
    (relay(Event.HANDED_OVER), State.DELIVERED),
    (relay(Event.BOUNCED), State.BOUNCED),
    (relay(Event.REJECTED), State.REJECTED),
    (relay(Event.DISCARDED), State.REJECTED),
    (relay(Event.REMOVED), None),
    (relay(Event.EXPIRED), None),
    (ses(Event.SUBMITTED), State.ACCEPTED),
    (ses(Event.ACCEPTED), State.ACCEPTED),
    (ses(Event.DELAYED), State.DELAYED),
    (ses(Event.DELIVERED), State.DELIVERED),
    (ses(Event.REJECTED), State.REJECTED),
    (ses(Event.RENDER_FAILED), State.REJECTED),
    (ses(Event.OPENED), None),
    (ses(Event.CLICKED), None),
    (ses(Event.SUBSCRIPTION), None),
    (ses(Event.OTHER), None),
    (ses(Event.COMPLAINED), None),
    (ses(Event.COMPLAINED, complaint_sub_type="OnAccountSuppressionList"), State.SUPPRESSED),
    (bounce("Permanent"), State.BOUNCED),
    (bounce("Transient"), State.SOFT_BOUNCED),
    (bounce("Undetermined"), State.SOFT_BOUNCED),
    (bounce("Quantum"), State.SOFT_BOUNCED),
    (ses(Event.BOUNCED), State.SOFT_BOUNCED),
    (bounce("Permanent", "Suppressed"), State.SUPPRESSED),
    (bounce("Permanent", "OnAccountSuppressionList"), State.SUPPRESSED),
    (bounce("Permanent", "OnTenantSuppressionList"), State.SUPPRESSED),
    (bounce("Permanent", "EmailValidationSuppressed"), State.SUPPRESSED),
    (bounce("Permanent", "UnsubscribedRecipient"), State.SUPPRESSED),
    ({"source": Source.POSTROAD, "event": Event.UNCLAIMED}, None),
    ({"source": Source.UNIFIED, "event": Event.DELIVERED}, None),
]


@pytest.mark.parametrize(("fact", "reached"), REACHED)
def test_each_fact_brings_its_delivery_to_a_state_or_says_nothing_of_it(
    fact: Fact, reached: State | None
) -> None:
    assert state_of(fact) is reached


def test_the_state_is_the_highest_and_the_order_does_not_matter() -> None:
    facts: list[Any] = [ses(Event.DELIVERED), bounce("Transient"), relay(Event.RELAYED), ses(Event.DELAYED)]
    assert {state(order) for order in permutations(facts)} == {State.DELIVERED}


def test_a_soft_bounce_never_demotes_a_delivery_and_a_permanent_one_does() -> None:
    assert state([ses(Event.DELIVERED), bounce("Transient")]) is State.DELIVERED
    assert state([ses(Event.DELIVERED), bounce("Permanent")]) is State.BOUNCED


def test_nothing_known_but_the_queue_is_queued() -> None:
    assert state([]) is State.QUEUED
    assert state([ses(Event.OPENED)]) is State.QUEUED


def test_every_state_has_its_meaning_and_its_word() -> None:
    assert set(MEANINGS) == set(State)
    assert {word: found.word for word, found in BY_WORD.items()} == {word: word for word in BY_WORD}
    assert State.SOFT_BOUNCED.word == "soft-bounced"


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (ses(Event.COMPLAINED), True),
        (ses(Event.COMPLAINED, feedback_type="abuse"), True),
        (ses(Event.COMPLAINED, feedback_type="brand-new"), True),
        (ses(Event.COMPLAINED, feedback_type="not-spam"), False),
        (ses(Event.COMPLAINED, feedback_type="auth-failure"), False),
        (ses(Event.COMPLAINED, complaint_sub_type="OnAccountSuppressionList"), False),
        (ses(Event.DELIVERED), False),
    ],
)
def test_a_complaint_is_a_persons(fact: Fact, *, expected: bool) -> None:
    assert is_complaint(fact) is expected


def test_suppression_is_known_by_the_ending_of_its_name() -> None:
    assert is_suppressed(bounce("Permanent", "OnSomeNewSuppressionList"))
    assert not is_suppressed(bounce("Permanent", "General"))


def test_an_auto_reply_is_suspected_only_of_a_delivered_message() -> None:
    assert is_auto_reply([ses(Event.DELIVERED), bounce("Transient")])
    assert not is_auto_reply([bounce("Transient")])
    assert not is_auto_reply([ses(Event.DELIVERED), bounce("Transient", "MailboxFull")])
    assert not is_auto_reply([ses(Event.DELIVERED), bounce("Permanent")])


def test_problems_are_what_failed_or_may_yet_and_what_was_complained_of() -> None:
    assert {
        State.DEFERRED,
        State.DELAYED,
        State.SOFT_BOUNCED,
        State.BOUNCED,
        State.SUPPRESSED,
        State.REJECTED,
    } == PROBLEMS
    assert is_problem(relay(Event.DEFERRED))
    assert is_problem(ses(Event.COMPLAINED))
    assert not is_problem(ses(Event.DELIVERED))
    assert not is_problem(ses(Event.OPENED))


@pytest.mark.parametrize(
    ("relay_", "reply", "queue_id"),
    [
        ("127.0.0.1[127.0.0.1]:10024", "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4fXk2M2zQyz3Rb", "4fXk2M2zQyz3Rb"),
        ("localhost[::1]:10024", "250 2.0.0 Ok: queued as 7862B3C35EC", "7862B3C35EC"),
        ("127.0.0.1[127.0.0.1]:10024", "250 2.0.0 Ok", None),
        ("mail.example.com[192.0.2.25]:25", "250 2.0.0 Ok: queued as 7862B3C35EC", None),
        ("evil[127.0.0.1].example.com[192.0.2.25]:25", "250 Ok: queued as 7862B3C35EC", "7862B3C35EC"),
        ("local", "forwarded as 7862B3C35EC", None),
    ],
)  # fmt: skip
def test_a_content_filter_on_loopback_names_the_id_under_which_mail_comes_back(
    relay_: str, reply: str, queue_id: str | None
) -> None:
    assert filtered_as(relay(Event.HANDED_OVER, relay=relay_, reply=reply)) == queue_id


def test_other_facts_are_no_hand_over_to_a_filter() -> None:
    assert (
        filtered_as(relay(Event.DEFERRED, relay="127.0.0.1[127.0.0.1]:10024", reply="queued as 7862B3C35EC"))
        is None
    )
