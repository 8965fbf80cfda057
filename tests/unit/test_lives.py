import pytest

from postroad import lives
from postroad.facts import Event, Fact
from postroad.growth import grown
from postroad.lives import Life, split
from postroad.postfix import facts as said_by
from postroad.records import Record
from postroad.syslog import Carrier

CARRIER = Carrier(at="2026-03-01T00:00:00.000Z")
SES = "relay=email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587, delay=0.4, delays=0.1/0/0.2/0.1"
ID = "7862B3C35EC"
CLIENT = "smtpd[1]: {}: client=app[192.0.2.1]"
MESSAGE_ID = "cleanup[2]: {}: message-id=<m@x>"
ACTIVE = "qmgr[3]: {}: from=<s@x>, size=1, nrcpt=1 (queue active)"
DEFERRED = (
    "smtp[4]: {}: to=<ann@example.com>, relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (x)"
)
BOUNCED = (
    "smtp[4]: {}: to=<ann@example.com>, relay=none, delay=1, delays=1/0/0/0, dsn=5.4.1, status=bounced (x)"
)
REMOVED = "qmgr[3]: {}: removed"
REQUEUED = "postsuper[5]: {}: requeued"
WHOLE = (CLIENT, MESSAGE_ID, ACTIVE, BOUNCED, REMOVED)


def at(stamp: str, host: str, *texts: str, queue_id: str = ID) -> list[str]:
    return [f"{stamp} {host} postfix/{text.format(queue_id)}" for text in texts]


def records(log: list[str], queue_id: str = ID) -> list[Record]:
    facts = [fact for line in log for fact in said_by(line, CARRIER)]
    growths = grown(facts)
    return [
        Record(key, frozenset(growths[key].texts)) for key in sorted(growths) if key.pk == f"queue#{queue_id}"
    ]


def lived(log: list[str]) -> list[Life]:
    return split(ID, records(log))


def events(life: Life) -> list[Event]:
    return [fact["event"] for fact in life.facts]


def test_one_message_is_one_life_from_arrival_to_removal() -> None:
    (life,) = lived(at("Feb 25 00:05:18", "mx1", *WHOLE))
    assert events(life) == [Event.CLIENT, Event.MESSAGE_ID, Event.ACTIVE, Event.BOUNCED, Event.REMOVED]
    assert (life.began, life.ended, life.hosts) == (
        "2026-02-25T00:05:18.000Z",
        "2026-02-25T00:05:18.000Z",
        ["mx1"],
    )
    assert life.has(Event.ACTIVE, Event.HELD)
    assert not life.has(Event.HELD)
    assert {key.pk for key in life.keys} == {f"queue#{ID}"}


def test_an_id_that_comes_again_on_its_host_begins_a_second_life() -> None:
    one, other = lived(at("Feb 25 00:05:18", "mx1", *WHOLE) + at("Feb 25 00:05:19", "mx1", *WHOLE))
    assert events(one) == events(other)
    assert one.ended < other.began  # type: ignore[operator]


def test_one_id_on_two_hosts_at_once_is_two_lives() -> None:
    one, other = lived(at("Feb 25 00:05:18", "mx1", *WHOLE) + at("Feb 25 00:05:18", "mx2", *WHOLE))
    assert sorted((one.hosts, other.hosts)) == [["mx1"], ["mx2"]]
    assert events(one) == events(other)


def test_a_host_that_never_saw_the_arrival_goes_on_where_another_left_off() -> None:
    (life,) = lived(
        at("Feb 25 00:05:18", "mx1", CLIENT, MESSAGE_ID, ACTIVE, DEFERRED)
        + at("Feb 25 00:15:18", "mx2", ACTIVE, BOUNCED, REMOVED)
    )
    assert life.hosts == ["mx1", "mx2"]
    assert life.ended == "2026-02-25T00:15:18.000Z"


def test_a_host_that_goes_on_alone_has_a_life_of_its_own() -> None:
    done, alone = lived(at("Feb 25 00:05:18", "mx1", *WHOLE) + at("Feb 25 00:15:18", "mx2", ACTIVE, DEFERRED))
    assert (done.hosts, alone.hosts) == (["mx1"], ["mx2"])


def test_a_host_is_known_by_its_short_and_its_full_name() -> None:
    (life,) = lived(
        at("Feb 25 00:05:18", "mx1", CLIENT) + at("Feb 25 00:05:19", "MX1.example.org", ACTIVE, REMOVED)
    )
    assert life.hosts == ["mx1"]


def test_lines_without_a_host_belong_to_whichever_life_is_open() -> None:
    texts = [text.partition("]: ")[2] for text in (CLIENT, ACTIVE)]
    (life,) = lived([text.format(ID) for text in texts])
    assert life.hosts == []
    assert life.knows("mx1")
    assert life.knows(None)


def test_an_arrival_whose_predecessor_was_never_seen_to_end_begins_a_life_and_the_late_end_finds_its_own() -> (
    None
):
    """In a log of whole seconds the next arrival may stand before the end of the former life."""
    log = at("Feb 25 00:05:10", "mx1", CLIENT, ACTIVE, BOUNCED) + at("Feb 25 00:05:18", "mx1", CLIENT, REMOVED, ACTIVE) + at("Feb 25 00:05:20", "mx1", BOUNCED, REMOVED)  # fmt: skip
    one, other = lived(log)
    assert (one.ended, other.ended) == ("2026-02-25T00:05:18.000Z", "2026-02-25T00:05:20.000Z")
    assert Event.REMOVED in events(one)
    assert one.displaced == other.began


def test_a_message_of_our_own_without_a_client_begins_with_its_message_id() -> None:
    one, other = lived(
        at("Feb 25 00:05:10", "mx1", MESSAGE_ID, ACTIVE, BOUNCED)
        + at("Feb 25 00:06:10", "mx1", MESSAGE_ID, ACTIVE)
    )
    assert events(one)[0] is events(other)[0] is Event.MESSAGE_ID
    (life,) = lived(at("Feb 25 00:05:10", "mx1", CLIENT) + at("Feb 25 00:06:10", "mx1", MESSAGE_ID, ACTIVE))
    assert events(life) == [Event.CLIENT, Event.MESSAGE_ID, Event.ACTIVE]


def test_a_late_arrival_after_lines_whose_own_arrival_is_lost_begins_a_new_life() -> None:
    one, other = lived(
        at("Feb 25 00:05:10", "mx1", DEFERRED) + at("Feb 25 01:05:10", "mx1", CLIENT, MESSAGE_ID)
    )
    assert (events(one), events(other)) == ([Event.DEFERRED], [Event.CLIENT, Event.MESSAGE_ID])


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_records_does_not_matter(order: int) -> None:
    found = records(at("Feb 25 00:05:18", "mx1", *WHOLE) + at("Feb 26 00:05:18", "mx1", CLIENT, DEFERRED))
    assert [events(life) for life in split(ID, found[::order])] == [events(life) for life in split(ID, found)]


def test_a_log_copied_years_later_takes_the_year_of_the_ses_id_on_one_of_its_lines() -> None:
    ses_id = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
    later = Carrier(at="2029-07-01T00:00:00.000Z")
    log = at("Feb 25 00:05:17", "mx1", CLIENT) + at("Feb 25 00:05:18", "mx1", f"smtp[4]: {{}}: to=<a@b>, {SES}, dsn=2.0.0, status=sent (250 Ok {ses_id})", REMOVED)  # fmt: skip
    growths = grown([fact for line in log for fact in said_by(line, later)])
    (life,) = split(
        ID,
        [Record(key, frozenset(growth.texts)) for key, growth in growths.items() if key.pk == f"queue#{ID}"],
    )
    assert {fact["at"][:10] for fact in life.facts} == {"2026-02-25"}


def test_what_is_nowhere_near_an_ses_ids_day_keeps_its_year() -> None:
    ses_id = "0100019c921d4630-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000"
    log = at("Feb 25 00:05:18", "mx1", CLIENT, f"smtp[4]: {{}}: to=<a@b>, {SES}, dsn=2.0.0, status=sent (250 Ok {ses_id})", REMOVED) + at("Oct 25 00:05:17", "mx1", CLIENT)  # fmt: skip
    assert [life.began for life in lived(log)] == ["2025-10-25T00:05:17.000Z", "2026-02-25T00:05:18.000Z"]


def test_a_requeued_message_leads_on_and_back() -> None:
    log = at("Feb 25 00:05:18", "mx1", CLIENT, DEFERRED) + at("Feb 25 00:06:00", "mx1", REQUEUED) + [f"Feb 25 00:06:10 mx1 postfix/pickup[1]: 8862B3C35EC: uid=102 from=<s@x> orig_id={ID}"]  # fmt: skip
    (old,) = split(ID, records(log))
    assert [queue_id for queue_id, _ in lives.leads_on(old)] == ["8862B3C35EC"]
    assert lives.leads_back(old) == []
    (new,) = split("8862B3C35EC", records(log, "8862B3C35EC"))
    assert [queue_id for queue_id, _ in lives.leads_back(new)] == [ID]
    assert lives.leads_on(new) == []
    assert old.ended == "2026-02-25T00:06:00.000Z"


def test_mail_through_a_content_filter_leads_on_and_back() -> None:
    log = at("Feb 25 00:05:18", "mx1", CLIENT, "smtp[4]: {}: to=<a@b>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 Ok: queued as 8862B3C35EC)", REMOVED) + at("Feb 25 00:05:17", "mx1", CLIENT, queue_id="8862B3C35EC")  # fmt: skip
    (first,) = split(ID, records(log))
    (second,) = split("8862B3C35EC", records(log, "8862B3C35EC"))
    assert [queue_id for queue_id, _ in lives.leads_on(first)] == ["8862B3C35EC"]
    assert [queue_id for queue_id, _ in lives.leads_back(second)] == [ID]


def test_a_link_to_an_id_of_which_nothing_else_is_known_leads_nowhere() -> None:
    log = [f"Feb 25 00:06:10 mx1 postfix/pickup[1]: 8862B3C35EC: uid=102 from=<s@x> orig_id={ID}"]
    assert split(ID, records(log)) == []


def test_the_life_under_way_is_that_of_the_host_and_the_time() -> None:
    found = lived(
        at("Feb 25 00:05:18", "mx1", *WHOLE)
        + at("Feb 25 00:25:18", "mx1", *WHOLE)
        + at("Feb 25 00:15:18", "mx2", *WHOLE)
    )
    first, second, third = (
        lives.at_time(found, f"2026-02-25T00:{minute}:00.000Z", "mx1") for minute in ("10", "30", "01")
    )
    assert first is third is found[0]
    assert second is next(life for life in found if life.began > "2026-02-25T00:20")
    elsewhere = lives.at_time(found, "2026-02-25T00:20:00.000Z", "mx3")
    assert elsewhere is not None
    assert elsewhere.hosts == ["mx2"]
    assert lives.at_time([], "2026-02-25T00:20:00.000Z", "mx1") is None


def test_facts_within_a_second_come_in_the_course_that_mail_takes() -> None:
    same: list[Fact] = [
        fact for text in reversed(WHOLE) for fact in said_by(at("Feb 25 00:05:18", "mx1", text)[0], CARRIER)
    ]
    assert [fact["event"] for fact in sorted(same, key=lives.by_course)] == [
        Event.CLIENT,
        Event.MESSAGE_ID,
        Event.ACTIVE,
        Event.BOUNCED,
        Event.REMOVED,
    ]


def test_a_clock_set_back_between_arrival_and_delivery_leaves_one_life() -> None:
    log = at("Feb 25 00:05:18", "mx1", BOUNCED, REMOVED) + at(
        "Feb 25 00:05:20", "mx1", CLIENT, MESSAGE_ID, ACTIVE
    )
    (life,) = lived(log)
    assert sorted(events(life)) == sorted(
        [Event.CLIENT, Event.MESSAGE_ID, Event.ACTIVE, Event.BOUNCED, Event.REMOVED]
    )


def test_a_line_stamped_just_behind_the_end_is_of_the_life_that_ended() -> None:
    arrived = at("2026-02-25T00:05:18.000+00:00", "mx1", CLIENT, MESSAGE_ID, ACTIVE)
    ended = at("2026-02-25T00:05:19.000+00:00", "mx1", REMOVED)
    (life,) = lived(arrived + ended + at("2026-02-25T00:05:19.001+00:00", "mx1", BOUNCED))
    assert life.has(Event.BOUNCED)
