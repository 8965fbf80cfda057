"""What a journey says; `tests/cases/journeys` shows whole ones."""

from typing import Any

import pytest

from postroad.codec import encode
from postroad.facts import Event, Fact, Source
from postroad.growth import grown
from postroad.journey import Journey, assemble
from postroad.lifecycle import State
from postroad.lives import split
from postroad.places import ses_key
from postroad.postfix import facts as said_by
from postroad.records import Record
from postroad.ses_words import unclaimed
from postroad.syslog import Carrier

CARRIER = Carrier(at="2026-03-01T00:00:00.000Z")
NOW = "2026-02-25T00:30:00.000Z"
LATER = "2026-02-25T01:30:00.000Z"
SES_ID = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
KEY = ses_key(SES_ID, "ann@example.com")
QUEUE_ID = "4fXk2M1zQyz3Rb"
SENT = f"smtp[4]: {QUEUE_ID}: to=<Ann@Example.com>, relay=email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent (250 Ok {SES_ID})"
ARRIVED = (
    f"smtpd[1]: {QUEUE_ID}: client=app[192.0.2.1]",
    f"cleanup[2]: {QUEUE_ID}: message-id=<order-1@example.org>",
    f"cleanup[2]: {QUEUE_ID}: info: header Subject: From the relay from local; from=<s@x> to=<t@y>",
    f"qmgr[3]: {QUEUE_ID}: from=<shop@example.org>, size=1, nrcpt=1 (queue active)",
)
DEFERRED = f"smtp[4]: {QUEUE_ID}: to=<ann@example.com>, relay=none, delay=7, delays=1/0/0/0, dsn=4.4.1, status=deferred (x)"


def log(*texts: str, at: str = "Feb 25 00:05:18") -> list[Fact]:
    return [fact for text in texts for fact in said_by(f"{at} mx1 postfix/{text}", CARRIER)]


def ses(event: Event, at: str = "2026-02-25T00:05:21.512Z", **more: object) -> Fact:
    fact: Any = {"source": Source.SES, "event": event, "ses_id": SES_ID, "to": "ann@example.com", "at": at}
    return fact | more  # type: ignore[no-any-return]


def journey(*facts: Fact, now: str = NOW) -> Journey:
    growths = grown(facts)
    records = [Record(key, frozenset(growth.texts)) for key, growth in growths.items()]
    delivery = next((one for one in records if one.key == KEY), None)
    lives = split(QUEUE_ID, [one for one in records if one.key.pk == f"queue#{QUEUE_ID}"])
    return assemble("ann@example.com", delivery, lives, now)


def test_the_relays_half_and_sess_half_are_one_story() -> None:
    told = journey(
        *log(*ARRIVED, SENT),
        ses(Event.SUBMITTED, subject="From SES", configuration_set="postroad"),
        ses(Event.DELIVERED, reply="250 ok"),
    )
    assert told._replace(timeline=[], facts=[]) == Journey(
        recipient="Ann@Example.com",
        state=State.DELIVERED,
        complained=False,
        auto_reply=False,
        silent=False,
        sender="shop@example.org",
        subject="From SES",
        message_id="order-1@example.org",
        queue_ids=[QUEUE_ID],
        hosts=["mx1"],
        ses_id=SES_ID,
        configuration_set="postroad",
        first_seen="2026-02-25T00:05:18.000Z",
        last_seen="2026-02-25T00:05:21.512Z",
        delay_s=3.51,
        timeline=[],
        facts=[],
    )
    assert [entry["event"] for entry in told.timeline] == [
        "client",
        "message-id",
        "subject",
        "active",
        "relayed",
        "submitted",
        "delivered",
    ]
    assert all(entry["line"] for entry in told.timeline if entry["event"] != "submitted")


def test_as_json_names_the_state_by_its_word() -> None:
    told = journey(*log(DEFERRED)).as_json()
    assert told["state"] == "deferred"
    assert list(told) == [
        "recipient", "state", "complained", "auto_reply", "silent", "sender", "subject", "message_id", "queue_ids", "hosts", "ses_id",
        "configuration_set", "first_seen", "last_seen", "delay_s", "timeline",
    ]  # fmt: skip


def test_mail_sent_straight_through_ses_has_no_queue_ids_and_no_hosts() -> None:
    told = journey(ses(Event.SUBMITTED, **{"from": "shop@example.org"}), ses(Event.DELIVERED))
    assert (told.queue_ids, told.hosts, told.sender) == ([], [], "shop@example.org")
    assert [entry["line"] for entry in told.timeline] == [None, None]
    unclaimed_ = journey(ses(Event.SUBMITTED), ses(Event.DELIVERED), unclaimed(SES_ID, "ann@example.com"))
    assert (unclaimed_.queue_ids, unclaimed_.hosts) == ([], [])
    assert "]: NOQUEUE: " in (unclaimed_.timeline[-1]["line"] or "")


def test_a_received_header_names_the_queue_id_where_the_log_is_lost() -> None:
    told = journey(ses(Event.SUBMITTED, host="mx1.example.org", queue_id=QUEUE_ID), ses(Event.DELIVERED))
    assert (told.queue_ids, told.hosts) == ([QUEUE_ID], ["mx1.example.org"])


def test_one_host_is_named_once_however_it_is_spelt() -> None:
    told = journey(*log(SENT), ses(Event.SUBMITTED, host="mx1.example.org", queue_id=QUEUE_ID))
    assert told.hosts == ["mx1"]


@pytest.mark.parametrize(
    ("facts", "silent"),
    [
        ([], True),
        ([ses(Event.ACCEPTED)], True),
        ([ses(Event.DELIVERED)], False),
        ([ses(Event.DELAYED)], False),
    ],
)
def test_a_message_without_an_outcome_for_an_hour_is_silent(facts: list[Fact], *, silent: bool) -> None:
    assert journey(*log(SENT), *facts, now=LATER).silent is silent
    assert not journey(*log(SENT), *facts, now=NOW).silent


def test_overlays_are_no_states() -> None:
    told = journey(
        ses(Event.DELIVERED),
        ses(Event.BOUNCED, bounce_type="Transient", bounce_sub_type="General"),
        ses(Event.COMPLAINED, feedback_type="abuse"),
    )
    assert (told.state, told.auto_reply, told.complained) == (State.DELIVERED, True, True)


@pytest.mark.parametrize(
    "end",
    [
        f"qmgr[3]: {QUEUE_ID}: from=<s@x>, status=expired, returned to sender",
        f"postsuper[3]: {QUEUE_ID}: removed",
    ],
)
def test_a_deferred_message_that_was_given_up_is_soft_bounced(end: str) -> None:
    told = journey(*log(DEFERRED, end))
    assert (told.state, told.delay_s) == (State.SOFT_BOUNCED, None)
    assert journey(*log(SENT, end)).state is State.RELAYED


def test_a_filter_that_gave_the_message_back_was_no_destination() -> None:
    filtered = f"smtp[4]: {QUEUE_ID}: to=<ann@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 Ok: queued as 8862B3C35EC)"
    assert journey(*log(*ARRIVED, filtered)).state is State.DELIVERED
    lives = split(QUEUE_ID, _queue(log(*ARRIVED, filtered), QUEUE_ID))
    lives += split(
        "8862B3C35EC", _queue(log("smtpd[1]: 8862B3C35EC: client=localhost[127.0.0.1]"), "8862B3C35EC")
    )
    assert assemble("ann@example.com", None, lives, NOW).state is State.QUEUED


def _queue(facts: list[Fact], queue_id: str) -> list[Record]:
    return [
        Record(key, frozenset(growth.texts))
        for key, growth in grown(facts).items()
        if key.pk == f"queue#{queue_id}"
    ]


def test_other_recipients_and_other_ids_are_not_part_of_it() -> None:
    other = SENT.replace("Ann@Example.com", "bob@example.net")
    again = SENT.replace("0a1b2c3d4e5f", "999999999999")
    told = journey(*log(SENT, other, again), ses(Event.DELIVERED))
    assert [entry["event"] for entry in told.timeline] == ["relayed", "delivered"]


@pytest.mark.parametrize(
    ("subject", "read"),
    [
        ("plain", "plain"),
        ("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?Q?Gr=C3=BC?=? =?utf-8?Q?=C3=9Fe?=", "Grüße"),  # folded: Postfix logs the line's end as `?`
        ("=?utf-8?B?!!?=", "=?utf-8?B?!!?="),
        ("=?no-such-charset?Q?x?=", "=?no-such-charset?Q?x?="),
        ("=?utf-8?Q?=FF=FE?=", "=?utf-8?Q?=FF=FE?="),
        ("=?utf-8?Q?Gr=C3=BC?=??=?utf-8?Q?=C3=9Fe?=", "Grüße"),  # and a tab behind it too
    ],
)  # fmt: skip
def test_a_subject_is_shown_as_its_reader_saw_it(subject: str, read: str) -> None:
    assert journey(ses(Event.SUBMITTED, subject=subject)).subject == read


def test_the_sender_of_a_notice_is_the_empty_text_and_an_unknown_one_is_none() -> None:
    assert (
        journey(*log(f"qmgr[3]: {QUEUE_ID}: from=<>, size=1, nrcpt=1 (queue active)", DEFERRED)).sender == ""
    )
    assert journey(*log(DEFERRED)).sender is None
    assert journey(*log(f"pickup[3]: {QUEUE_ID}: uid=0 from=<root>", DEFERRED)).sender == "root"


def test_an_empty_message_id_is_not_known() -> None:
    assert journey(*log(f"cleanup[2]: {QUEUE_ID}: message-id=<>", DEFERRED)).message_id is None


def test_the_delay_is_that_of_what_decided_the_state() -> None:
    assert journey(*log(DEFERRED)).delay_s == 7.0
    assert journey(*log(SENT)).delay_s == 0.4
    assert journey(ses(Event.SUBMITTED)).delay_s is None
    refused = f"cleanup[2]: {QUEUE_ID}: milter-reject: END-OF-MESSAGE from a[1.2.3.4]: 5.7.1 no; from=<s@x> to=<ann@example.com> proto=ESMTP helo=<h>"
    assert journey(*log(refused)).delay_s is None


def test_a_fact_that_stands_in_two_records_is_told_once() -> None:
    assert len(journey(*log(SENT)).timeline) == 1


def test_a_recipient_that_nothing_names_is_the_address_asked_for_and_none_is_none() -> None:
    key = ses_key(SES_ID, "")
    fact = ses(Event.DELIVERED, to="")
    assert assemble("", Record(key, frozenset({encode(fact, key)})), [], NOW).recipient is None
