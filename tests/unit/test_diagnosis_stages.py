"""The three-stage answer: each state and overlay, told in a sentence, with its time and its line."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.codec import Key
from postroad.diagnosis import QUESTIONS, QUEUE_LIFETIME_S, RULES, Answer, Progress, Rule, rules_from, stages
from postroad.diagnosis.deciding import own_facts
from postroad.facts import Event, Fact, Source
from postroad.growth import grown
from postroad.journey import Journey, assemble
from postroad.lifecycle import State, filtered_as
from postroad.lives import by_course, split
from postroad.records import Record

TO = "anna@example.com"
SES_ID = "0100019c1a2b3c4d-11111111-2222-4333-8444-555555555555-000000"
RELAY = "email-smtp.us-east-1.amazonaws.com[54.243.69.182]:587"
NOW = "2026-02-25T12:00:00.000Z"

YES, NO, WAITING, UNKNOWN = Progress.YES, Progress.NO, Progress.WAITING, Progress.UNKNOWN


def at(minute: int) -> str:
    return f"2026-02-25T{minute // 60:02}:{minute % 60:02}:00.000Z"


def relay(event: Event, minute: int, **said: object) -> Fact:
    base = {
        "source": Source.RELAY,
        "event": event,
        "at": at(minute),
        "host": "mx1",
        "queue_id": "4F9D195432C",
    }
    made: Any = base | {"daemon": "smtp", "pid": "1"} | said
    typed: Fact = made
    return typed


def tried(event: Event, minute: int, reply: str, **said: object) -> Fact:
    status = {Event.DEFERRED: "deferred", Event.BOUNCED: "bounced"}.get(event, "sent")
    words = {"to": TO, "relay": RELAY, "delay": "1", "dsn": "4.0.0", "status": status, "reply": reply}
    return relay(event, minute, **(words | said))


def ses(event: Event, minute: int, **said: object) -> Fact:
    made: Any = {"source": Source.SES, "event": event, "at": at(minute), "ses_id": SES_ID, "to": TO} | said
    typed: Fact = made
    return typed


ARRIVED = (
    relay(Event.CLIENT, 0, client="app[192.0.2.1]"),
    relay(Event.ACTIVE, 0, **{"from": "app@example.org", "size": "900", "nrcpt": "1"}),
)
RELAYED = tried(Event.RELAYED, 1, f"250 Ok {SES_ID}", ses_id=SES_ID, dsn="2.0.0")
TAKEN = (ses(Event.SUBMITTED, 1, **{"from": "app@example.org"}), ses(Event.ACCEPTED, 1))
PASSED = (*ARRIVED, RELAYED, *TAKEN)
DIRECT = {"relay": "mx.example.com[192.0.2.7]:25"}
UNKNOWN_USER = "smtp; 550 5.1.1 user unknown"


def journey_of(facts: tuple[Fact, ...], now: str = NOW) -> Journey:
    records = [Record(key, frozenset(growth.texts)) for key, growth in grown(facts).items()]
    queue = [record for record in records if record.key.pk.startswith("queue#")]
    delivery = next((one for one in records if one.key == Key(f"ses#{SES_ID}", f"to#{TO}")), None)
    refused = next((one for one in records if one.key.pk.startswith("noqueue#")), None)
    return assemble(TO, delivery or refused, split("4F9D195432C", queue), now)


def answered(
    *facts: Fact,
    now: str = NOW,
    rules: tuple[Rule, ...] = RULES,
    queue_lifetime_s: int = QUEUE_LIFETIME_S,
) -> Answer:
    return stages(journey_of(facts, now), rules, queue_lifetime_s=queue_lifetime_s)


def states(answer: Answer) -> tuple[Progress, ...]:
    return tuple(stage.state for stage in answer.stages)


def kinds(answer: Answer) -> list[str]:
    return [overlay.kind for overlay in answer.overlays]


COURSES = {
    "queued": (ARRIVED, State.QUEUED, (WAITING, WAITING, WAITING)),
    "deferred": (
        (*ARRIVED, tried(Event.DEFERRED, 1, f"connect to {RELAY}: Connection refused")),
        State.DEFERRED,
        (WAITING, WAITING, WAITING),
    ),
    "deferred by the recipient's server": (
        (
            *ARRIVED,
            tried(Event.DEFERRED, 1, "host mx.example.com[192.0.2.7] said: 450 4.2.0 Greylisted", **DIRECT),
        ),
        State.DEFERRED,
        (WAITING, NO, WAITING),
    ),
    "relayed": ((*ARRIVED, RELAYED), State.RELAYED, (YES, WAITING, UNKNOWN)),
    "accepted": (PASSED, State.ACCEPTED, (YES, WAITING, UNKNOWN)),
    "delayed": (
        (*PASSED, ses(Event.DELAYED, 2, delay_type="MailboxFull", reply="smtp; 452 4.2.2 over quota")),
        State.DELAYED,
        (YES, WAITING, WAITING),
    ),
    "soft-bounced": (
        (*PASSED, ses(Event.BOUNCED, 2, bounce_type="Transient", bounce_sub_type="MailboxFull")),
        State.SOFT_BOUNCED,
        (YES, YES, NO),
    ),
    "expired here": (
        (
            *ARRIVED,
            tried(Event.DEFERRED, 1, f"connect to {RELAY}: Connection refused"),
            relay(Event.EXPIRED, 2, status="expired", **{"from": "app@example.org"}),
        ),
        State.SOFT_BOUNCED,
        (NO, NO, UNKNOWN),
    ),
    "expired at the recipient's server": (
        (
            *ARRIVED,
            tried(
                Event.DEFERRED, 1, "connect to mx.example.com[192.0.2.7]:25: Connection refused", relay="none"
            ),
            relay(Event.EXPIRED, 2, status="expired", **{"from": "app@example.org"}),
        ),
        State.SOFT_BOUNCED,
        (NO, NO, NO),
    ),
    "deleted here": ((*ARRIVED, relay(Event.DELETED, 2)), State.SOFT_BOUNCED, (NO, NO, UNKNOWN)),
    "delivered": (
        (*PASSED, ses(Event.DELIVERED, 2, reply="250 2.0.0 OK")),
        State.DELIVERED,
        (YES, YES, YES),
    ),
    "delivered without Amazon": (
        (*ARRIVED, tried(Event.HANDED_OVER, 1, "250 2.0.0 OK", **DIRECT)),
        State.DELIVERED,
        (YES, NO, YES),
    ),
    "refused by Amazon": (
        (
            *ARRIVED,
            tried(
                Event.BOUNCED, 1, f"host {RELAY} said: 554 Message rejected: Email address is not verified."
            ),
        ),
        State.BOUNCED,
        (NO, NO, UNKNOWN),
    ),
    "refused without Amazon": (
        (
            *ARRIVED,
            tried(Event.BOUNCED, 1, "host mx.example.com[192.0.2.7] said: 550 user unknown", **DIRECT),
        ),
        State.BOUNCED,
        (NO, NO, NO),
    ),
    "bounced": (
        (
            *PASSED,
            ses(Event.BOUNCED, 2, bounce_type="Permanent", bounce_sub_type="General", reply=UNKNOWN_USER),
        ),
        State.BOUNCED,
        (YES, YES, NO),
    ),
    "suppressed": (
        (*PASSED, ses(Event.BOUNCED, 2, bounce_type="Permanent", bounce_sub_type="OnAccountSuppressionList")),
        State.SUPPRESSED,
        (YES, NO, UNKNOWN),
    ),
    "rejected here": (
        (
            relay(
                Event.REJECTED,
                0,
                queue_id="NOQUEUE",
                daemon="smtpd",
                to=TO,
                action="reject",
                stage="RCPT",
                client="app[192.0.2.1]",
                reply="554 5.7.1 <anna@example.com>: Relay access denied",
                **{"from": "app@example.org"},
            ),
        ),
        State.REJECTED,
        (NO, NO, UNKNOWN),
    ),
    "rejected by Amazon": (
        (*PASSED, ses(Event.REJECTED, 2, reply="Bad content")),
        State.REJECTED,
        (YES, NO, UNKNOWN),
    ),
}


@pytest.mark.parametrize("name", COURSES)
def test_every_state_answers_the_three_questions(name: str) -> None:
    facts, state, expected = COURSES[name]
    answer = answered(*facts)
    assert journey_of(facts).state is state
    assert states(answer) == expected
    assert tuple(stage.question for stage in answer.stages) == QUESTIONS
    assert all(stage.text.endswith(".") and "{" not in stage.text for stage in answer.stages)


@pytest.mark.parametrize("name", COURSES)
def test_what_is_answered_with_yes_or_no_has_its_time(name: str) -> None:
    facts, _, _ = COURSES[name]
    stated = [stage for stage in answered(*facts).stages if stage.state is YES]
    assert all(stage.at for stage in stated)


def test_every_state_is_tried() -> None:
    assert {state for _, state, _ in COURSES.values()} == set(State)


def test_stage_shows_the_line_that_proves_it() -> None:
    facts, _, _ = COURSES["bounced"]
    left, taken, said = answered(*facts).stages
    assert (left.at, left.line) == (at(1), journey_of(facts).timeline[2]["line"])
    assert "status=sent (250 Ok" in (left.line or "")
    assert taken.at == at(1)
    assert "status=accepted" in (taken.line or "")
    assert said.at == at(2)
    assert "status=bounced (Permanent/General: smtp; 550 5.1.1 user unknown)" in (said.line or "")
    assert said.text == "The recipient's server says that this address does not exist."


def test_fact_that_the_journey_does_not_show_has_no_line() -> None:
    facts, _, _ = COURSES["bounced"]
    journey = journey_of(facts)._replace(timeline=[])
    assert [stage.line for stage in stages(journey).stages] == [None, None, None]


def test_accepted_is_not_in_the_inbox() -> None:
    facts, _, _ = COURSES["delivered"]
    assert "cannot be seen from here" in answered(*facts).stages[2].text


def test_mail_without_a_log_of_ours_says_so() -> None:
    answer = answered(*TAKEN, ses(Event.DELIVERED, 2, reply="250 OK"))
    assert answer.stages[0].text == "It reached Amazon SES; no log of a mail server of ours tells how."
    assert answer.stages[0].at == at(1)


def test_operator_who_deleted_it_is_named() -> None:
    facts, _, _ = COURSES["deleted here"]
    answer = answered(*facts)
    assert answer.stages[0].text.endswith("An operator deleted it from our queue.")
    assert answer.diagnosis is None


def test_operators_rule_that_misplaces_the_trouble_still_gets_an_answer() -> None:
    facts, _, _ = COURSES["rejected here"]
    own = rules_from(
        [{"name": "odd", "reason": "norelaying", "phrases": ["relay access"], "where": "server"}]
    )
    assert states(answered(*facts, rules=(*own, *RULES))) == (NO, NO, UNKNOWN)


EVERYTHING = list({repr(fact): fact for facts, _, _ in COURSES.values() for fact in facts}.values())


@given(st.lists(st.sampled_from(EVERYTHING), min_size=1, unique_by=repr), st.randoms())
def test_any_facts_in_any_order_get_the_same_answer(facts: list[Fact], random: Random) -> None:
    journey = journey_of(tuple(facts))
    shuffled = journey._replace(facts=random.sample(journey.facts, len(journey.facts)))
    assert len(stages(journey).stages) == len(QUESTIONS)
    assert stages(shuffled) == stages(journey)


@given(st.lists(st.sampled_from(EVERYTHING)))
def test_facts_of_one_moment_stand_in_the_order_of_all_their_words(facts: list[Fact]) -> None:
    plainly = sorted(facts, key=lambda fact: (by_course(fact), repr(sorted(fact.items()))))
    queue_ids = {fact.get("queue_id") for fact in plainly}
    assert own_facts(facts) == [fact for fact in plainly if (filtered_as(fact) or "-") not in queue_ids]


# --- overlays


def test_complaint_is_told_as_possibly_one_of_many() -> None:
    delivered = ses(Event.DELIVERED, 2, reply="250 OK")
    one = answered(*PASSED, delivered, ses(Event.COMPLAINED, 3, feedback_type="abuse"))
    assert [overlay.text for overlay in one.overlays] == ["The recipient reported it as unwanted."]
    of_many = answered(*PASSED, delivered, ses(Event.COMPLAINED, 3, feedback_type="abuse", recipients=3))
    assert of_many.overlays[0].text == (
        "The recipient, possibly one of 3 recipients, reported it as unwanted."
    )
    assert of_many.diagnosis is not None
    assert of_many.diagnosis.reason == "feedback"
    assert states(of_many) == (YES, YES, YES)


def test_mail_that_came_back_after_it_was_accepted() -> None:
    delivered = ses(Event.DELIVERED, 2, reply="250 OK")
    answer = answered(*COURSES["bounced"][0], delivered)
    assert kinds(answer) == ["late-bounce"]
    assert UNKNOWN_USER in answer.overlays[0].text
    full = ses(Event.BOUNCED, 3, bounce_type="Transient", bounce_sub_type="MailboxFull")
    assert kinds(answered(*PASSED, delivered, full)) == ["late-bounce"]


def test_automatic_reply_is_suspected() -> None:
    delivered = ses(Event.DELIVERED, 2, reply="250 OK")
    away = ses(Event.BOUNCED, 3, bounce_type="Transient", bounce_sub_type="General")
    answer = answered(*PASSED, delivered, away)
    assert kinds(answer) == ["auto-reply"]
    assert states(answer) == (YES, YES, YES)
    assert answer.diagnosis is not None
    assert answer.diagnosis.reason == "vacation"


def test_silence_of_more_than_an_hour() -> None:
    assert kinds(answered(*PASSED, now=at(30))) == []
    assert kinds(answered(*PASSED)) == ["silent"]


def test_mail_on_hold() -> None:
    held, released = relay(Event.HELD, 2, daemon="postsuper"), relay(Event.RELEASED, 3, daemon="postsuper")
    answer = answered(*ARRIVED, held)
    assert kinds(answer) == ["held"]
    assert answer.stages[0].text == "It is on hold in our mail queue until an operator releases it."
    refused = tried(Event.DEFERRED, 1, f"connect to {RELAY}: Connection refused")
    assert kinds(answered(*ARRIVED, refused, held)) == ["held"]
    assert kinds(answered(*ARRIVED, held, released)) == []
    assert kinds(answered(*ARRIVED, held, released, RELAYED, now=at(30))) == []


def test_mail_that_never_became_active_may_be_on_hold() -> None:
    assert (
        "may be on hold" in answered(ARRIVED[0], relay(Event.MESSAGE_ID, 0, message_id="a@b")).stages[0].text
    )
    assert answered(*ARRIVED).stages[0].text == "It is in our mail queue."


def test_retries_of_our_server_are_counted_and_end_with_the_queue_lifetime() -> None:
    refused = f"connect to {RELAY}: Connection refused"
    first, second = tried(Event.DEFERRED, 1, refused), tried(Event.DEFERRED, 20, refused)
    assert answered(*ARRIVED, first).overlays[0].text == (
        "Put off once, and still tried. There was no working connection to Amazon SES."
        " It is given up on 2026-03-02 at 00:00 UTC."
    )
    told = answered(*ARRIVED, first, second, queue_lifetime_s=86_400).overlays[0]
    assert told.text.startswith("Put off 2 times")
    assert told.text.endswith("given up on 2026-02-26 at 00:00 UTC.")
    assert told.at == at(20)


def test_retries_of_amazon_end_when_amazon_says() -> None:
    delayed = ses(Event.DELAYED, 2, delay_type="General", reply="smtp; 450 4.2.0 Greylisted")
    assert "given up" not in answered(*PASSED, delayed).overlays[0].text
    later = ses(Event.DELAYED, 9, delay_type="General", expiration_time="2026-02-25T14:01:00.000Z")
    assert answered(*PASSED, delayed, later).overlays[0].text.endswith("on 2026-02-25 at 14:01 UTC.")


def test_answer_is_plain_data() -> None:
    facts, _, _ = COURSES["delayed"]
    found = answered(*facts).as_json()
    assert [stage["state"] for stage in found["stages"]] == ["yes", "waiting", "waiting"]
    assert found["overlays"][0]["kind"] == "retrying"
    assert found["diagnosis"]["reason"] == "mailboxfull"
    assert answered(*ARRIVED).as_json()["diagnosis"] is None
