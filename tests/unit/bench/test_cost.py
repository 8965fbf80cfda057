"""The cost model: what it counts is what the code does, what it reads is what the template says, and the page shows both."""

import json
from collections import Counter
from math import inf
from random import Random
from statistics import fmean

import pytest

from bench import cost_levers, cost_measure, cost_page, cost_peers, path, prices
from bench import cost_model as cost
from bench.cost import PAGE
from bench.deployment import Deployment
from bench.metered import MeteredTable
from bench.ordinary import ordinary
from postroad import ingest
from postroad.growth import grown
from postroad.syslog import Carrier

CARRIER = Carrier("2026-02-25T12:00:00.000Z")
MILLION_A_DAY, FASTEST = 1e6 / 86_400, 200.0


@pytest.fixture(scope="module")
def counted() -> path.Counted:
    return path.run(Deployment(), MILLION_A_DAY)


def _folded() -> Counter[str]:
    """Write units of a message whose lines come in one payload and whose events come in one batch."""
    table, units = MeteredTable(), Counter[str]()
    messages = list(ordinary(50, 1.0, 7))
    for message in messages:
        table.add(grown(ingest.relay([said.text.encode() for said in message.lines], CARRIER, "").facts))
        events = [event.text for event in message.events if event.kind == "Delivery"]
        table.add(grown(ingest.ses(events, "").facts))
    for write in table.writes:
        units["table"] += write.units
        units.update({name: of for name, (_, of) in write.indexes.items()})
    return Counter({name: round(of / len(messages), 2) for name, of in units.items()})


def test_page_shows_what_is_computed() -> None:
    page = PAGE.read_text("utf-8")
    assert page == cost_page.renewed(page), "run: python -m bench.cost --write"


def test_everything_is_data_too() -> None:
    data = json.loads(json.dumps(cost_page.everything()))
    assert data["million"][0]["amount"] > 0
    assert {row["group"] for row in data["million"]} == {"path", "relay", "kept"}
    assert data["months"].keys() == cost.VOLUMES.keys()


def test_same_messages_count_the_same() -> None:
    first, second = (path._Path(Deployment(), 5.0, path.USUAL, Random(1)) for _ in range(2))  # noqa: SLF001
    for one in (first, second):
        one.send(list(ordinary(20, 5.0, 1)))
    assert first.counted == second.counted


class TestCounts:
    def test_every_event_is_published_sent_received_and_deleted(self, counted: path.Counted) -> None:
        batches = counted.invocations["ses_events"]
        assert counted.events == counted.messages
        assert (
            counted.events + 2 * batches
            <= counted.requests
            <= counted.events + 2 * (counted.events / 10 + batches)
        )

    def test_every_message_shows_its_two_lines(self, counted: path.Counted) -> None:
        assert counted.lines == 2 * counted.messages

    def test_indexes_are_written_once_a_record(self, counted: path.Counted) -> None:
        assert counted.units["lookup"] == 2 * counted.messages
        assert counted.units["problem"] == 0

    def test_messages_cost_at_least_what_they_cost_when_all_of_it_folds(self, counted: path.Counted) -> None:
        folded = _folded()
        assert folded["lookup"] == 2
        assert 3 <= folded["table"] <= counted.each(counted.units["table"])

    def test_bytes_of_an_event_are_one_request(self, counted: path.Counted) -> None:
        assert counted.event_bytes / counted.events < 64 * 1024


class TestWindowsOfAnAgent:
    @pytest.mark.parametrize("rate", [MILLION_A_DAY, FASTEST])
    def test_cut_as_many_messages_in_two_as_their_lines_are_long(self, rate: float) -> None:
        counted = path.run(Deployment(), rate)
        lines = [message.lines for message in ordinary(counted.messages, rate, path.SEED)]
        expected = fmean(said[-1].at - said[0].at for said in lines) / path.GATHERED_S
        assert counted.each(counted.units["table"]) == pytest.approx(3 + expected, abs=0.025)

    def test_are_several_in_the_fastest_run(self) -> None:
        hosts = {said.host for message in ordinary(50, 1.0, 7) for said in message.lines}
        assert path.run(Deployment(), FASTEST).invocations["relay_logs"] >= 3 * len(hosts)

    @pytest.mark.parametrize("rate", [MILLION_A_DAY, FASTEST])
    def test_cut_none_where_a_payload_holds_all(self, rate: float) -> None:
        whole = path._Path(Deployment(), rate, path.Setting(gathered_s=inf), Random(1))  # noqa: SLF001
        whole.send(list(ordinary(100, rate, 1)))
        assert whole.counted.each(sum(whole.counted.units.values())) == 5


def test_measured_times_are_of_what_the_handlers_are_given() -> None:
    assert cost_measure.read().keys() == cost_measure.inputs(1).keys()
    assert all(of.message_us > 0 for of in cost_measure.read().values())


class TestTemplate:
    def test_memory_windows_and_retention_are_read_from_it(self) -> None:
        written = Deployment()
        events, stream = written.function("SesEvents"), written.function("UnifiedLog")
        assert events.memory_mb == written.properties("SesEvents")["MemorySize"]
        assert (events.batch, events.window_s, events.concurrency) == (100, 2, 10)
        assert stream.factor == 4
        assert written.function("RelayLogs").concurrency == 20
        assert written.retention_days("UnifiedLogGroup") == written.record_days == 90
        assert Deployment({"RetentionDays": 30}).retention_days("UnifiedLogGroup") == 30

    def test_model_prices_what_the_template_has(self) -> None:
        written = Deployment()
        assert written.is_on_demand
        assert written.is_arm
        assert written.delivers_raw
        assert written.has_recovery

    def test_events_are_those_that_the_parameters_subscribe_to(self) -> None:
        assert {"delivery", "bounce", "complaint"} <= set(Deployment().event_types)
        assert not {"send", "open"} & set(Deployment().event_types)
        assert "send" in Deployment({"TrackSends": "true"}).event_types
        assert {"open", "click"} <= set(Deployment({"TrackOpensAndClicks": "true"}).event_types)
        both = path.run(Deployment({"TrackSends": "true"}), MILLION_A_DAY)
        assert both.events == 2 * both.messages

    def test_change_of_a_window_leaves_the_file_s_own(self) -> None:
        written = Deployment()
        changed = written.changed("SesEvents", MaximumBatchingWindowInSeconds=20)
        assert changed.function("SesEvents").window_s == 20
        assert written.function("SesEvents").window_s == Deployment().function("SesEvents").window_s == 2

    def test_alarms_are_billed_by_their_metrics(self) -> None:
        written = Deployment()
        assert written.alarm_metrics() > written.count("AWS::CloudWatch::Alarm")


class TestCost:
    def test_rows_add_up(self) -> None:
        rows = cost.usual()
        assert cost.total(rows, "path", "relay", "kept") == pytest.approx(sum(row.usd for row in rows))
        assert all(row.usd >= 0 for row in rows)

    def test_page_says_whether_the_goal_is_met(self) -> None:
        met = cost.total(cost.usual(), "path") <= cost.GOAL
        assert ("6.00: met" in cost_page.tables()) is met

    def test_goal_is_met(self) -> None:
        assert cost.total(cost.usual(), "path") <= cost.GOAL

    def test_postroad_is_cheaper_than_its_peers(self) -> None:
        mine = cost.total(cost.usual(), "path")
        assert mine < cost_peers.with_sends().usd < cost_peers.naive().usd
        assert cost_peers.with_sends().usd < cost_peers.wraps().usd < cost_peers.deliverability_manager().usd

    def test_larger_volumes_cost_less_a_message(self) -> None:
        each = [cost.monthly(name)["path each million"] for name in cost.VOLUMES]
        assert each == sorted(each, reverse=True)

    def test_retention_costs_by_the_day(self) -> None:
        def kept(days: int) -> float:
            rows = cost.million(Deployment({"RetentionDays": days}), cost.VOLUMES[cost.USUAL])
            return next(row.usd for row in rows if row.name.startswith("byte-months of records"))

        assert kept(365) == pytest.approx(kept(7) * 365 / 7)

    def test_levers_that_take_something_save_something(self) -> None:
        levers = {lever.name: lever for lever in cost_levers.levers()}
        assert levers["`TrackSends`"].usd > 1
        assert levers["no point-in-time recovery"].usd < 0 < levers["x86_64, not arm64"].usd
        assert levers["x86_64, not arm64"].change.startswith("+")

    def test_logged_subjects_cost_what_their_write_units_do_and_more(self) -> None:
        lever = next(lever for lever in cost_levers.levers() if "Subject" in lever.name)
        assert "3 write units more" in lever.name
        assert lever.usd > 3 * prices.WRITE_UNIT.of(prices.MILLION)


class TestPrices:
    def test_each_says_when_and_where_it_stood(self) -> None:
        for price in prices.listed():
            assert price.page.startswith("https://aws.amazon.com/")
            assert len(price.read) == len("2026-01")
            assert price.unit in str(price)

    @pytest.mark.parametrize(("size", "usd"), [(0, 0), (1, 0.5), (10_000, 5_000), (60_000, 12_500)])
    def test_function_logs_come_by_the_tier(self, size: int, usd: float) -> None:
        assert prices.function_logs(size * prices.GB) == pytest.approx(usd)
