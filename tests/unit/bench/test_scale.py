"""The simulation: capacity runs out and comes back as DynamoDB's does, feeds bring again what failed, and nothing is lost."""

from collections import Counter, deque
from collections.abc import Sequence

import pytest

from bench import scale, scale_limits, scale_table
from bench.deployment import Deployment, Function, Waiting
from bench.generate import START
from bench.path import GATHERED_S
from bench.scale_capacity import Capacity, Partitions
from bench.scale_execution import PAUSES_S, Execution, Quota
from bench.scale_feeds import LogFeed, SqsFeed, Thing
from bench.scale_play import Play, Played, Speeds
from bench.scale_table import CappedTable
from bench.scale_traffic import HOT_ADDRESS, OUTCOME, RELAY, SEND, Mail, Scenario
from postroad import unified
from postroad.codec import Key
from postroad.growth import Growth, grown
from postroad.places import SHARDS
from postroad.records import Record
from postroad.store import dynamodb_wire
from postroad.store.dynamodb import THREADS

FAST = Speeds(relay_logs=300.0, ses_events=300.0)
SMALL = Capacity(partition=10, burst_s=3, partitions=4, split_s=60)
FUNCTION = Function(memory_mb=512, timeout_s=30, concurrency=2, batch=3, window_s=2, factor=1)


def _play(scenario: Scenario, speeds: Speeds = FAST) -> Played:
    return Play(scenario, Deployment(), speeds).run()


def _passed(partitions: Partitions, key: str, seconds: float, *, each: int = 1, start: float = 0.0) -> int:
    """Units that a key gets through when it asks for far more, once a tenth of a second."""
    passed = 0
    for tick in range(int(seconds * 10)):
        now = start + tick / 10
        while partitions.has(key, each, now):
            partitions.take(key, each, now)
            passed += each
    return passed


class TestCapacity:
    def test_of_a_key_is_that_of_its_partition_after_what_was_saved_up(self) -> None:
        assert _passed(Partitions(SMALL, 0.0), "a", 20) == pytest.approx(3 * 10 + 20 * 10, abs=2)

    def test_unused_is_saved_up_and_no_further(self) -> None:
        partitions = Partitions(SMALL, 0.0)
        _passed(partitions, "a", 5)
        assert _passed(partitions, "a", 0.1, start=1_000.0) == pytest.approx(3 * 10, abs=2)

    def test_hot_partition_splits_but_its_one_key_gets_no_more(self) -> None:
        partitions = Partitions(SMALL, 0.0)
        passed = _passed(partitions, "a", 600)
        assert len(partitions) > SMALL.partitions
        assert passed <= 600 * 10 + 3 * 10

    def test_many_keys_get_more_once_their_partition_has_split(self) -> None:
        partitions = Partitions(SMALL._replace(partitions=1), 0.0)
        keys = [f"key {number}" for number in range(50)]
        early = sum(_passed(partitions, key, 0.1, start=30.0 + n / 10) for n, key in enumerate(keys))
        for n in range(3_000):
            _passed(partitions, keys[n % 50], 0.1, start=40.0 + n / 10)
        late = sum(_passed(partitions, key, 0.1, start=400.0 + n / 10) for n, key in enumerate(keys))
        assert late > early

    def test_hottest_key_is_told_in_units_a_second(self) -> None:
        partitions = Partitions(Capacity(), 0.0)
        for tick in range(200):
            for key, units in (("warm", 3), ("hot", 7)):
                partitions.take(key, units, tick / 10)
        partitions.settle()
        assert partitions.hottest == ("hot", 70.0)

    def test_share_of_the_traffic_heats_a_share_of_the_capacity(self) -> None:
        partitions = Partitions(Capacity().shared(10), 0.0)
        for tick in range(100):
            partitions.take("hot", 1, tick / 10)
        partitions.settle()
        assert partitions.hottest.units == pytest.approx(100.0)


class TestTable:
    def test_a_full_index_holds_the_table_back_and_costs_it_nothing(self) -> None:
        table = CappedTable(SMALL._replace(burst_s=1), 0.0)
        refused: Counter[str | None] = Counter()
        for number in range(30):
            growth = Growth({f"{number}"}, set(), "one@example.com", "2026-02-25T00:00:00.000Z")
            refused[table.write(Key(f"ses#{number}", "to#one@example.com"), growth, 0.0)[0]] += 1
        assert refused == {None: 10, "lookup": 20}
        assert table.partitions["table"].units == table.partitions["lookup"].units == 10

    def test_a_record_stops_at_what_an_item_may_hold(self) -> None:
        table = CappedTable(Capacity(), 0.0)
        key, refused = Key("noqueue#a", "b"), None
        for number in range(1_000):
            refused, _ = table.write(key, Growth({f"{number:0500d}"}), 0.0)
            if refused:
                break
        assert refused == "item too large"
        assert 399 * 1024 < table.largest <= 400 * 1024


def _thing(number: int = 1, at: float = 0.0) -> Thing:
    return Thing(at, at, 1, (number,), SEND)


class TestFeeds:
    def test_a_queue_hides_what_failed_and_buries_it_after_its_receives(self) -> None:
        feed = SqsFeed(FUNCTION, Waiting(visibility_s=240, receives=3, retention_s=0, delay_s=0))
        feed.bring(_thing())
        seen = []
        for now in range(2_000):
            for thing in feed.batch(now):
                seen.append(now)
                feed.failed([thing], now, now + 20)
        assert seen == [0, 240, 480]
        assert [thing.receives for thing in feed.aside] == [3]
        assert feed.waiting == 0

    def test_a_log_s_payload_comes_three_times(self) -> None:
        feed = LogFeed(FUNCTION._replace(batch=1), retries=2, oldest_s=21_600)
        feed.bring(_thing())
        seen = []
        for now in range(2_000):
            for thing in feed.batch(now):
                seen.append(now)
                feed.failed([thing], now, now)
        assert seen == [0, 60, 180]
        assert len(feed.aside) == 1

    def test_a_log_s_payload_that_nobody_took_for_hours_is_set_aside(self) -> None:
        feed = LogFeed(FUNCTION._replace(batch=1), retries=2, oldest_s=21_600)
        feed.bring(_thing(1, 0.0))
        feed.bring(_thing(2, 10_000.0))
        assert [thing.numbers for thing in feed.batch(21_601.0)] == [(2,)]
        assert [thing.numbers for thing in feed.aside] == [(1,)]

    def test_a_batch_is_no_larger_than_the_function_s(self) -> None:
        feed = SqsFeed(FUNCTION, Waiting(240, 3, 0, 0))
        for number in range(5):
            feed.bring(_thing(number))
        assert [len(feed.batch(1.0)) for _ in range(3)] == [3, 2, 0]


def _hot(many: int) -> list[str]:
    return [f"hot{number}" for number in range(many)]


def _cold(many: int) -> list[str]:
    return [f"cold{number}" for number in range(many)]


class _Batch:
    """An execution with writes of these names, and a table that refuses those that begin with "hot"."""

    def __init__(self, names: Sequence[str], quota: Quota | None = None) -> None:
        self.feed = LogFeed(FUNCTION, retries=2, oldest_s=21_600)
        writes = deque((Key(name, ""), Growth()) for name in names)
        self.execution = Execution(self.feed, [_thing()], writes, 0.0, quota or Quota())
        self.refuses, self.tried = "hot", Counter[str]()
        self.written: list[str] = []

    def work(self, now: float, speed: float = 100.0) -> None:
        self.execution.work(self._write, now, speed)

    def _write(self, key: Key, growth: Growth) -> str | None:
        del growth
        self.tried[key.pk] += 1
        if self.refuses and key.pk.startswith(self.refuses):
            return "lookup"
        self.written.append(key.pk)
        return None


class TestExecution:
    def test_writes_the_others_while_a_hot_key_waits(self) -> None:
        batch = _Batch([*_hot(1), *_cold(50)])
        batch.work(0.0)
        assert batch.written == _cold(50)
        assert not batch.execution.is_over(0.0)

    def test_comes_to_its_end_once_the_hot_key_passes(self) -> None:
        batch = _Batch([*_hot(1), *_cold(5)])
        batch.work(0.0)
        batch.refuses = ""
        batch.work(1.0)
        assert batch.written == [*_cold(5), *_hot(1)]
        assert batch.execution.is_over(1.0)

    def test_tries_a_key_as_often_as_the_store_and_after_its_pauses(self) -> None:
        batch = _Batch(_hot(1))
        tries = []
        for tick in range(200):
            before = batch.tried.total()
            batch.work(tick / 10)
            tries += [tick / 10] if batch.tried.total() > before else []
        assert tries == [0.0, *(sum(PAUSES_S[: number + 1]) for number in range(len(PAUSES_S)))]
        assert batch.execution.is_over(20.0)

    def test_begins_nothing_new_while_all_threads_sleep(self) -> None:
        batch = _Batch([*_hot(THREADS), *_cold(5)])
        for now in (0.0, PAUSES_S[0] / 2):
            batch.work(now)
            assert batch.written == []
        batch.refuses = "hot1"
        batch.work(PAUSES_S[0])
        assert sorted(batch.written) == sorted({*_hot(THREADS), *_cold(5)} - {"hot1"})

    def test_is_slower_by_the_threads_that_sleep(self) -> None:
        batch = _Batch([*_hot(THREADS // 2), *_cold(1_000)])
        batch.work(0.0)
        before = len(batch.written)
        batch.work(PAUSES_S[0] / 2)
        assert len(batch.written) - before == 100 / 2

    def test_ends_with_as_many_given_up_as_it_has_threads_and_its_feed_brings_it_again(self) -> None:
        batch = _Batch([*_hot(THREADS), *_cold(5)])
        now = 0.0
        while not batch.execution.is_over(now):
            batch.work(now)
            now += 0.5
        assert now == sum(PAUSES_S) + 0.5
        assert batch.written == []
        batch.execution.end(lambda number, kind: [], now)  # noqa: ARG005
        assert (batch.feed.again, batch.feed.waiting) == (1, 1)

    def test_with_one_fewer_given_up_writes_the_rest(self) -> None:
        batch = _Batch([*_hot(THREADS - 1), *_cold(5)])
        for tick in range(20):
            batch.work(tick / 2)
        assert batch.written == _cold(5)

    def test_ends_at_once_where_the_quota_is_used_up(self) -> None:
        quota = Quota()
        while quota.take():
            pass
        batch = _Batch([*_hot(THREADS), *_cold(5)], quota)
        batch.work(0.0)
        assert batch.execution.is_over(0.0)
        assert set(batch.tried.values()) == {1}
        assert batch.written == []

    def test_earns_a_retry_with_every_five_writes(self) -> None:
        quota = Quota()
        while quota.take():
            pass
        batch = _Batch([*_cold(Quota.COST), *_hot(2)], quota)
        for tick in range(20):
            batch.work(tick / 2)
        assert batch.tried["hot0"] == 2
        assert batch.tried["hot1"] == 1

    def test_quota_is_the_store_s_or_the_part_of_it_that_is_played(self) -> None:
        most = dynamodb_wire._Quota.MOST // dynamodb_wire._Quota.COST  # noqa: SLF001
        for part, retries in ((1.0, most), (0.1, most // 10), (0.000_1, 1)):
            quota = Quota(part)
            assert [quota.take() for _ in range(retries + 1)] == [True] * retries + [False]


class TestMail:
    def test_is_the_same_whenever_it_is_made(self) -> None:
        scenario = Scenario("a", "", 10, 10, hot=0.5)
        for kind in (RELAY, SEND, OUTCOME):
            assert Mail(scenario).facts(7, kind) == Mail(scenario).facts(7, kind)

    def test_its_halves_meet_under_one_record(self) -> None:
        mail = Mail(Scenario("a", "", 10, 10, deferred=0.0))
        keys = [{key.pk for key in grown(mail.facts(3, kind))} for kind in (RELAY, SEND, OUTCOME)]
        assert keys[1] == keys[2] < keys[0]

    def test_shows_its_lines_as_they_are(self) -> None:
        mail = Mail(Scenario("a", "", 10, 10, deferred=0.0, bounced=0.0))
        facts = [fact for kind in (RELAY, SEND, OUTCOME) for fact in mail.facts(3, kind)]
        [(key, growth)] = [(key, of) for key, of in grown(facts).items() if key.pk.startswith("ses#")]
        sent, delivered = unified.lines(Record(key, frozenset()), Record(key, frozenset(growth.texts)))
        assert "status=sent" in sent
        assert "status=delivered" in delivered


class TestPlay:
    def test_ordinary_mail_heats_no_key_and_waits_for_nothing(self) -> None:
        result = _play(Scenario("a", "", 20, 20))
        assert max(heat.units for heat in result.hottest.values()) < 10
        assert (result.throttles, result.again, result.aside, result.lost) == ({}, 0, {}, 0)
        assert result.sampled > 0

    def test_one_sender_of_nearly_all_heats_none_either(self) -> None:
        usual, one = (_play(Scenario("a", "", 20, 20, one_sender=share)) for share in (0.0, 0.9))
        assert one.hottest == usual.hottest

    def test_one_recipient_heats_its_key_of_the_lookup_index_by_a_unit_a_message(self) -> None:
        result = _play(Scenario("a", "", 200, 20, share=10, hot=1.0, deferred=0.0, bounced=0.0))
        assert result.hottest["lookup"].key == HOT_ADDRESS
        assert result.hottest["lookup"].units == pytest.approx(200, rel=0.15)
        assert result.hottest["table"].units < 200 / 2

    def test_failures_of_a_day_are_spread_over_its_shards(self) -> None:
        result = _play(Scenario("a", "", 400, 20, share=20, deferred=1.0))
        assert result.hottest["problem"].units < 2.5 * 400 / SHARDS

    def test_what_is_throttled_comes_again_and_is_stored(self) -> None:
        # Four times what the one key of the index takes, until what it has saved up is gone.
        scenario = Scenario("a", "", 4_000, 30, share=100, hot=1.0, deferred=0.0)
        play = Play(scenario, Deployment(), Speeds(relay_logs=1_000.0, ses_events=1_000.0))
        play.table = CappedTable(Capacity(burst_s=60).shared(scenario.share), START)
        result = play.run()
        assert result.throttles["lookup"] > 0
        assert result.again > 0
        assert result.backlog > 0
        assert result.lost == 0

    def test_quota_is_the_environment_s_and_no_batch_s(self) -> None:
        tight = Capacity(partition=0.01, burst_s=100)
        throttled = []
        for is_used_up in (False, True):
            play = Play(Scenario("a", "", 1, 20, hot=1.0), Deployment(), FAST)
            play.table = CappedTable(tight, START)
            for quota in (quota for free in play.free.values() for quota in free):
                while is_used_up and quota.take():
                    pass
            throttled.append(play.run().throttles["lookup"])
        assert throttled[1] < throttled[0] / 2

    def test_lines_are_sent_as_the_cost_model_has_them_or_when_a_payload_is_full(self) -> None:
        for rate, seconds, many in ((2, 20, 2 * GATHERED_S), (1_000, 1, 100)):
            play = Play(Scenario("a", "", rate, seconds), Deployment(), FAST)
            brought: list[int] = []
            play.log.bring = lambda thing, to=brought: to.append(len(thing.numbers))  # type: ignore[method-assign,misc]
            play.run()
            assert set(brought) == {many}

    def test_what_comes_again_too_often_is_set_aside_and_not_lost(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Records of the size that one minute's refusals have, and no larger.
        monkeypatch.setattr(scale_table, "LARGEST", 500)
        result = _play(Scenario("a", "", 40, 120, rejects=True))
        assert result.aside[RELAY] > 0
        assert result.lost == 0
        assert result.largest <= 500

    def test_one_client_turned_away_fills_no_record(self) -> None:
        result = _play(Scenario("a", "", 40, 120, rejects=True))
        assert (result.throttles, result.again, result.aside, result.lost) == ({}, 0, {}, 0)
        assert result.largest < 2 * 1024

    def test_a_loss_would_be_seen(self) -> None:
        play = Play(Scenario("a", "", 20, 20), Deployment(), FAST)
        play.table.kept = set()
        assert play._missing([])[0] > 0  # noqa: SLF001
        everything = [Thing(0, 0, 1, tuple(range(400)), kind) for kind in (RELAY, SEND, OUTCOME)]
        assert play._missing(everything)[0] == 0  # noqa: SLF001

    def test_what_ses_says_again_is_written_but_told_no_second_time(self) -> None:
        once = Scenario("a", "", 5, 20, replays=0)
        mail, told = Mail(once), 0
        for number in range(once.messages):
            facts = [fact for kind in (RELAY, OUTCOME) for fact in mail.facts(number, kind)]
            told += sum(
                len(unified.lines(Record(key, frozenset()), Record(key, frozenset(of.texts))))
                for key, of in grown(facts).items()
            )
        assert _play(once._replace(replays=1)).lines == told

    def test_begins_when_the_generated_mail_does(self) -> None:
        assert Mail(Scenario("a", "", 2, 10)).at(0) == START


class TestLimits:
    def test_page_shows_what_is_computed(self) -> None:
        page = scale.PAGE.read_text("utf-8")
        assert page == scale.renewed(page, "limits", scale_limits.table()), (
            "run: python -m bench.scale --write"
        )

    def test_page_shows_each_scenario_that_is_played(self) -> None:
        page = scale.PAGE.read_text("utf-8")
        assert [one.name for one in scale.SCENARIOS if f"**{one.name}**" not in page] == []

    def test_a_million_a_day_is_within_all_of_them(self) -> None:
        daily = scale_limits.VOLUMES["1 M a day"]
        assert scale_limits.used(scale_limits.first(daily), daily) < 1

    def test_limits_of_functions_are_the_template_s(self) -> None:
        found = {limit.name: limit.most for limit in scale_limits.limits(Deployment())}
        assert found["executions of `ses_events` at once"] == Deployment().function("SesEvents").concurrency

    def test_a_billion_a_day_takes_a_thousand_times_as_much_as_a_million(self) -> None:
        limit = scale_limits.first(1e9)
        assert scale_limits.used(limit, 1e9) == pytest.approx(1_000 * scale_limits.used(limit, 1e6))


def test_table_of_results_has_a_row_for_each() -> None:
    result = _play(Scenario("a name", "what it is", 5, 5))
    assert "| **a name**: what it is |" in scale.table([result])
