import random
from collections import Counter
from typing import Any

import pytest

from postroad.codec import Key
from postroad.facts import Event, Fact, Source
from postroad.growth import grown
from postroad.metrics import UNKNOWN, Dimensions, counts, dimensions
from postroad.providers import OTHER
from postroad.records import Record
from postroad.ses_words import unclaimed
from tests.contract.mail import FACTS, LATER_ID, SES_ID, said, ses

ANN = "ann@example.com"
OUTBOUND = "relay=email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587, delay=0.4, delays=0.1/0/0.2/0.1"
RELAYED = said(
    f"Feb 25 00:05:18 mx1 postfix/smtp[420]: 4fXk2M1zQyz3Rb: to=<{ANN}>, {OUTBOUND}, dsn=2.0.0, status=sent (250 Ok {SES_ID})"
)
SUBMITTED = ses(
    Event.SUBMITTED,
    SES_ID,
    ANN,
    "2026-02-25T00:05:18.000Z",
    **{"from": "Shop@Example.org", "configuration_set": "postroad"},
)


def _event(event: Event, at: str = "2026-02-25T00:05:21.512Z", **more: Any) -> Fact:  # noqa: ANN401
    return ses(event, SES_ID, ANN, at, **more)


def _record(*facts: Fact) -> Record:
    [*found] = [(key, growth) for key, growth in grown(facts).items() if key.address is not None]
    assert len(found) == 1
    key, growth = found[0]
    return Record(key, frozenset(growth.texts))


def _counted(*facts: Fact) -> dict[str, int]:
    record = _record(*facts)
    return dict(counts(Record(record.key, frozenset()), record).counted)


ONCE = [
    (RELAYED, "Relayed"),
    ([SUBMITTED], "Accepted"),
    ([_event(Event.ACCEPTED)], "Accepted"),
    ([_event(Event.DELAYED, delay_type="MailboxFull")], "Delayed"),
    ([_event(Event.DELIVERED)], "Delivered"),
    ([_event(Event.BOUNCED, bounce_type="Permanent", bounce_sub_type="General")], "HardBounced"),
    ([_event(Event.BOUNCED, bounce_type="Transient", bounce_sub_type="General")], "SoftBounced"),
    (
        [_event(Event.BOUNCED, bounce_type="Permanent", bounce_sub_type="OnAccountSuppressionList")],
        "Suppressed",
    ),
    ([_event(Event.COMPLAINED, feedback_type="abuse")], "Complained"),
    ([_event(Event.REJECTED, reply="Bad content")], "Rejected"),
    (
        said(
            f"Feb 25 00:05:18 mx1 postfix/smtp[4]: 4fXk2M1zQyz3Rb: to=<{ANN}>, {OUTBOUND}, dsn=4.4.1, status=deferred (451 Timeout)"
        ),
        "Deferred",
    ),
    ([unclaimed(SES_ID, ANN)], "Unclaimed"),
]


class TestCounts:
    @pytest.mark.parametrize(("facts", "name"), ONCE, ids=[name for _, name in ONCE])
    def test_what_is_reached_counts_once(self, facts: list[Fact], name: str) -> None:
        assert _counted(*facts) == {name: 1}
        assert _counted(*facts, *facts) == {name: 1}
        record = _record(*facts)
        assert counts(record, record).counted == Counter()

    @pytest.mark.parametrize(
        "fact",
        [
            _event(Event.OPENED),
            _event(Event.COMPLAINED, feedback_type="not-spam"),
        ],
    )
    def test_what_brings_no_mail_on_its_way_counts_nothing(self, fact: Fact) -> None:
        assert _counted(fact) == {}

    def test_a_second_try_counts_no_second_time(self) -> None:
        lines = [
            f"Feb 25 00:0{minute}:18 mx1 postfix/smtp[4]: 4fXk2M1zQyz3Rb: to=<{ANN}>, {OUTBOUND}, dsn=4.4.1, status=deferred (451 Timeout)"
            for minute in range(5)
        ]
        before = _record(*said(lines[0]))

        assert counts(before, _record(*(fact for line in lines for fact in said(line)))).counted == Counter()

    def test_a_step_that_comes_late_counts_though_the_state_stays(self) -> None:
        delivered = _record(SUBMITTED, _event(Event.DELIVERED))
        relayed = _record(SUBMITTED, _event(Event.DELIVERED), *RELAYED)

        assert counts(delivered, relayed).counted == {"Relayed": 1}

    def test_in_any_order_the_sums_are_the_same(self) -> None:
        facts = [fact for fact in FACTS if fact["source"] is not Source.POSTROAD]
        sums = []
        for seed in range(20):
            order = random.Random(seed).sample(facts, len(facts)) + random.Random(seed).choices(facts, k=5)
            known: dict[Key, frozenset[str]] = {}
            total: Counter[str] = Counter()
            latencies = []
            for fact in order:
                for key, growth in grown([fact]).items():
                    before = known.get(key, frozenset())
                    known[key] = before | growth.texts
                    count = counts(Record(key, before), Record(key, known[key]))
                    total += count.counted
                    latencies += count.latencies
            sums.append((total, latencies))

        assert all(one == sums[0] for one in sums)
        assert sums[0] == (
            {
                "Accepted": 2,
                "Complained": 1,
                "Deferred": 1,
                "Delivered": 1,
                "HardBounced": 2,
                "Rejected": 1,
                "Relayed": 2,
            },
            [3512],
        )

    def test_a_bounce_after_the_delivery_counts_an_auto_reply_does_not(self) -> None:
        delivered = _record(_event(Event.DELIVERED))
        for kind, counted in (("Permanent", {"HardBounced": 1}), ("Transient", {})):
            bounced = _event(Event.BOUNCED, bounce_type=kind, bounce_sub_type="General")
            assert counts(delivered, _record(_event(Event.DELIVERED), bounced)).counted == counted

    def test_a_content_filter_is_no_recipient(self) -> None:
        to_filter = said(
            f"Feb 25 00:05:18 mx1 postfix/smtp[4]: 4fXk2M1zQyz3Rb: to=<{ANN}>, relay=127.0.0.1[127.0.0.1]:10024, delay=0.4, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4fXk2N0ABCz3Rb)"
        )

        [(key, growth)] = [found for found in grown(to_filter).items() if found[0].address]
        assert counts(Record(key, frozenset()), Record(key, frozenset(growth.texts))).counted == Counter()

    def test_what_is_claimed_is_not_unclaimed(self) -> None:
        assert _counted(unclaimed(SES_ID, ANN), *RELAYED) == {"Relayed": 1}

    def test_a_queue_record_counts_nothing(self) -> None:
        record = Record(
            Key("queue#4fXk2M1zQyz3Rb", "2026-02-25T00"),
            frozenset(grown(FACTS)[Key("queue#4fXk2M1zQyz3Rb", "2026-02-25T00")].texts),
        )

        assert counts(Record(record.key, frozenset()), record).counted == Counter()


class TestLatency:
    def _of(self, *facts: Fact) -> list[int]:
        record = _record(*facts)
        return counts(Record(record.key, frozenset()), record).latencies

    def test_is_from_the_time_in_the_id_to_the_delivery(self) -> None:
        assert self._of(_event(Event.DELIVERED)) == [3512]

    def test_is_told_with_the_delivery_only(self) -> None:
        assert self._of(SUBMITTED, *RELAYED) == []
        delivered = _record(_event(Event.DELIVERED))
        assert counts(delivered, _record(_event(Event.DELIVERED), *RELAYED)).latencies == []

    def test_is_never_negative(self) -> None:
        assert self._of(_event(Event.DELIVERED, at="2026-02-25T00:05:17.000Z")) == [0]

    def test_is_unknown_where_the_id_tells_no_time(self) -> None:
        assert self._of(ses(Event.DELIVERED, "EXAMPLE-1", ANN, "2026-02-25T00:05:21.512Z")) == []

    def test_is_none_of_a_relay_s_own_delivery(self) -> None:
        line = f"Feb 25 00:05:18 mx1 postfix/smtp[4]: 4fXk2M1zQyz3Rb: to=<{ANN}>, relay=mx.example.com[203.0.113.9]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 OK)"
        assert self._of(*said(line)) == []
        assert _counted(*said(line)) == {"Delivered": 1}


class TestDimensions:
    def test_tell_set_domain_and_provider(self) -> None:
        assert dimensions(_record(SUBMITTED), ["example.org"]) == Dimensions("postroad", "example.org", OTHER)

    def test_have_few_values_whoever_sends(self) -> None:
        assert dimensions(_record(SUBMITTED), ["example.net"]).sender_domain == OTHER

    def test_are_unknown_before_ses_speaks(self) -> None:
        assert dimensions(_record(*RELAYED), ["example.org"]) == Dimensions(UNKNOWN, UNKNOWN, OTHER)

    def test_a_message_without_a_sender_or_a_set(self) -> None:
        bare = ses(Event.SUBMITTED, SES_ID, ANN, "2026-02-25T00:05:18.000Z")
        assert dimensions(_record(bare), ["example.org"]) == Dimensions(UNKNOWN, OTHER, OTHER)

    def test_a_provider_is_known_by_its_domain_or_by_its_reply(self) -> None:
        gmail = ses(Event.DELIVERED, LATER_ID, "ann@GMail.com", "2026-02-25T01:05:21.512Z")
        hosted = _event(Event.DELIVERED, reply="250 2.0.0 OK  1772000721 a92af1059eb24-12.89 - gsmtp")

        assert dimensions(_record(gmail), []).provider == "google"
        assert dimensions(_record(hosted), []).provider == "google"

    def test_ses_s_own_reply_to_the_relay_tells_no_provider(self) -> None:
        refused = said(
            f"Feb 26 03:00:00 mx1 postfix/smtp[440]: 4fY0001zQyz3Rb: to=<{ANN}>, {OUTBOUND}, dsn=5.1.1, status=bounced (host amazonses.com said: 554 Message rejected)"
        )
        assert dimensions(_record(*refused), []).provider == OTHER
