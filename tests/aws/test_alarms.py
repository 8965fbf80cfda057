"""Each alarm of the template does its own arithmetic over made mail: who fires, who is silent, who calms down again."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import pytest

from tests.aws.metric_math import Alarm, Math, Metric, Series, State, Traffic
from tests.aws.sam import stack

DAY = 24 * 60
# A count or a level at each minute; None where nothing is written.
Flow = Callable[[int], float | None]


class Ways(NamedTuple):
    """What is not known of CloudWatch, or not promised by who writes the metrics: an alarm must not depend on it."""

    fills_empty: bool
    writes_zeros: bool


WAYS = [Ways(fills, zeros) for fills in (True, False) for zeros in (True, False)]


# --- made mail -------------------------------------------------------------------------------------------------------


def per_minute(rate: float, start: int = 0, end: int = 10 * DAY) -> Flow:
    """So many on average, in whole numbers, between two minutes."""
    return lambda at: float(int((at + 1) * rate + 1e-9) - int(at * rate + 1e-9)) if start <= at < end else 0.0


def together(*flows: Flow) -> Flow:
    return lambda at: sum(flow(at) or 0 for flow in flows)


def level(value: float, start: int = 0, end: int = 10 * DAY, otherwise: float | None = None) -> Flow:
    return lambda at: value if start <= at < end else otherwise


def own(name: str) -> Metric:
    return Metric("Postroad", name, "service=postroad")


def function(metric: str, name: str) -> Metric:
    return Metric("AWS/Lambda", metric, f"FunctionName={name}")


def queue(metric: str, name: str) -> Metric:
    return Metric("AWS/SQS", metric, f"QueueName={name}.QueueName")


LETTERS, AGE = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
FUNCTIONS = ("RelayLogs", "SesEvents", "UnifiedLog", "LinkDeadline", "QueryApi")


def mail(
    minute: float, *, hard: float = 0.005, complained: float = 0.0002, unclaimed: float = 0.01
) -> dict[Metric, Flow]:
    """So many messages a minute, and the share of them that had each fate."""
    return {
        own("Relayed"): per_minute(minute * (1 - unclaimed)),
        own("LinesParsed"): per_minute(minute * 8),
        own("Accepted"): per_minute(minute),
        own("Delivered"): per_minute(minute * (0.97 - hard)),
        own("HardBounced"): per_minute(minute * hard),
        own("SoftBounced"): per_minute(minute * 0.02),
        own("Delayed"): per_minute(minute * 0.03),
        own("Complained"): per_minute(minute * complained),
        own("Unclaimed"): per_minute(minute * unclaimed),
    }


MACHINERY: dict[Metric, Flow] = {
    **{function("Errors", name): level(0) for name in FUNCTIONS},
    **{function("Throttles", name): level(0) for name in FUNCTIONS},
    function("IteratorAge", "UnifiedLog"): level(800),
    queue(AGE, "EventsQueue"): level(3),
    queue(LETTERS, "EventsDeadLetters"): level(0),
    Metric("AWS/SES", "Reputation.BounceRate", ""): lambda at: 0.004 if at % 60 == 0 else None,
    Metric("AWS/SES", "Reputation.ComplaintRate", ""): lambda at: 0.0002 if at % 60 == 0 else None,
}
HEALTHY = MACHINERY | mail(20)


def none_of(*names: str) -> dict[Metric, Flow]:
    return {own(name): level(0) for name in names}


SES_SAYS = ("Accepted", "Delivered", "HardBounced", "SoftBounced", "Delayed", "Complained", "Unclaimed")
RELAY_SAYS = ("Relayed", "LinesParsed")


def until(minute: int, flows: Mapping[Metric, Flow]) -> dict[Metric, Flow]:
    def stopped(flow: Flow) -> Flow:
        return lambda at: flow(at) if at < minute else None

    return {metric: stopped(flow) for metric, flow in flows.items()}


def since(minute: int, flows: Mapping[Metric, Flow]) -> dict[Metric, Flow]:
    def started(flow: Flow, usual: Flow) -> Flow:
        return lambda at: (flow if at >= minute else usual)(at)

    return {metric: started(flow, HEALTHY[metric]) for metric, flow in flows.items()}


# --- who fires -------------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """What happens in a day and a half, who must have fired by its end, and who must still stand then."""

    flows: Mapping[Metric, Flow]
    fired: set[str] = set()  # noqa: RUF012 - never changed
    standing: set[str] = set()  # noqa: RUF012


def always(*names: str) -> tuple[set[str], set[str]]:
    return set(names), set(names)


def once(*names: str) -> tuple[set[str], set[str]]:
    return set(names), set()


LENGTH = 3 * DAY // 2
BOTH_RATES = ("BounceRateWarning", "BounceRateAlarm")
BURST = {
    own("Relayed"): level(700, 600, 601),
    own("LinesParsed"): level(5600, 600, 601),
    own("Accepted"): level(32, 603, 625),
    own("Delivered"): level(32, 603, 625),
}

CASES: dict[str, Case] = {
    "healthy": Case(HEALTHY),
    "no data at all": Case({}),
    "no mail": Case(MACHINERY),
    # bounces
    "one and a half in a hundred bounce": Case(HEALTHY | mail(20, hard=0.015)),
    "three in a hundred bounce": Case(HEALTHY | mail(20, hard=0.03), *always("BounceRateWarning")),
    "eight in a hundred bounce": Case(HEALTHY | mail(20, hard=0.08), *always(*BOTH_RATES)),
    "everything bounces, nothing was ever delivered": Case(
        MACHINERY
        | {
            own("Accepted"): per_minute(20),
            own("Relayed"): per_minute(20),
            own("LinesParsed"): per_minute(20),
        }
        | {own("HardBounced"): per_minute(20)},
        *always(*BOTH_RATES),
    ),
    "a short spike of bounces, then calm": Case(
        HEALTHY | {own("HardBounced"): together(per_minute(0.1), per_minute(4, 600, 603))}
    ),
    "a long spike of bounces, then calm": Case(
        HEALTHY | {own("HardBounced"): together(per_minute(0.1), per_minute(4, 600, 720))}, *once(*BOTH_RATES)
    ),
    "a spike of bounces, then no mail": Case(
        MACHINERY | until(720, mail(20) | {own("HardBounced"): per_minute(4, 600)}), *once(*BOTH_RATES)
    ),
    "low volume, half of which bounces": Case(HEALTHY | mail(0.02, hard=0.5)),
    "what SES gave up on is no hard bounce": Case(HEALTHY | {own("SoftBounced"): per_minute(3)}),
    # complaints
    "one in two thousand complains": Case(HEALTHY | mail(20, complained=0.0005)),
    "two in a thousand complain": Case(HEALTHY | mail(20, complained=0.002), *always("ComplaintRateWarning")),
    "seven in a thousand complain": Case(
        HEALTHY | mail(20, complained=0.007), *always("ComplaintRateWarning", "ComplaintRateAlarm")
    ),
    "low volume, and one complaint": Case(HEALTHY | mail(1) | {own("Complained"): level(1, 600, 601)}),
    "a bad hour of complaints, then calm": Case(
        HEALTHY | {own("Complained"): level(1, 500, 560)}, *once("ComplaintRateWarning")
    ),
    # silence
    "SES falls silent": Case(HEALTHY | since(900, none_of(*SES_SAYS)), *always("SesSilent")),
    "SES was never heard": Case(
        MACHINERY | {own("Relayed"): per_minute(20), own("LinesParsed"): per_minute(160)},
        *always("SesSilent"),
    ),
    "SES is silent for two hours": Case(
        HEALTHY
        | {own(name): together(per_minute(9, 0, 900), per_minute(9, 1020)) for name in SES_SAYS[:2]}
        | none_of(*SES_SAYS[2:]),
        *once("SesSilent"),
    ),
    "a burst is answered over the next 25 minutes": Case(MACHINERY | none_of(*SES_SAYS, *RELAY_SAYS) | BURST),
    "a few messages wait for their answer": Case(MACHINERY | {own("Relayed"): per_minute(0.1)}),
    "the relay falls silent": Case(
        HEALTHY | since(900, none_of(*RELAY_SAYS) | {own("Unclaimed"): per_minute(20)}),
        *always("RelayLogSilent", "UnclaimedShare"),
    ),
    "the relay was never heard": Case(
        HEALTHY | none_of(*RELAY_SAYS) | {own("Unclaimed"): per_minute(20)},
        *always("RelayLogSilent", "UnclaimedShare"),
    ),
    "one host of six has no log agent": Case(HEALTHY | mail(20, unclaimed=0.17), *always("UnclaimedShare")),
    "three in a hundred are unclaimed": Case(HEALTHY | mail(20, unclaimed=0.03)),
    "low volume, none of it claimed": Case(HEALTHY | mail(0.1, unclaimed=1)),
    # what could not be dealt with
    "an event dies": Case(
        HEALTHY | {queue(LETTERS, "EventsDeadLetters"): level(1, 900)}, *always("EventsDead")
    ),
    "an event dies and is redriven": Case(
        HEALTHY | {queue(LETTERS, "EventsDeadLetters"): level(1, 900, 960)}, *once("EventsDead")
    ),
    "a deadline dies": Case(
        HEALTHY | {queue(LETTERS, "DeadlineDeadLetters"): level(1, 900)}, *always("DeadlinesDead")
    ),
    "a line cannot be read": Case(
        HEALTHY | {queue(LETTERS, "RelayFailures"): level(1, 900)}, *always("RelaysFailed")
    ),
    "a change is never told": Case(
        HEALTHY | {queue(LETTERS, "StreamFailures"): level(1, 900)}, *always("StreamFailed")
    ),
    # lateness and failure
    "events wait": Case(HEALTHY | {queue(AGE, "EventsQueue"): level(1200, 900)}, *always("EventsLate")),
    "one event waits for a moment": Case(HEALTHY | {queue(AGE, "EventsQueue"): level(1200, 900, 904, 3)}),
    "the stream is behind": Case(
        HEALTHY | {function("IteratorAge", "UnifiedLog"): level(1_200_000, 900)}, *always("StreamLate")
    ),
    "the stream was behind": Case(
        HEALTHY | {function("IteratorAge", "UnifiedLog"): level(1_200_000, 900, 960, 800)},
        *once("StreamLate"),
    ),
    "one failure": Case(HEALTHY | {function("Errors", "SesEvents"): level(1, 900, 901, 0)}),
    **{
        f"{name} fails again and again": Case(
            HEALTHY | {function("Errors", name): level(1, 900)}, *always("FunctionErrors")
        )
        for name in FUNCTIONS
    },
    "a burst runs into the limit": Case(
        HEALTHY | {function("Throttles", "RelayLogs"): level(50, 900, 908, 0)}
    ),
    **{
        f"{name} is held back for long": Case(
            HEALTHY | {function("Throttles", name): level(1, 900, 1200, 0)}, *once("FunctionThrottles")
        )
        for name in FUNCTIONS
    },
    # what AWS says itself
    "AWS counts six bounces in a hundred": Case(
        HEALTHY | {Metric("AWS/SES", "Reputation.BounceRate", ""): lambda at: 0.06 if at % 60 == 0 else None},
        *always("AccountBounceRate"),
    ),
    "AWS counts six bounces in a hundred, and then says nothing": Case(
        HEALTHY | {Metric("AWS/SES", "Reputation.BounceRate", ""): level(0.06, 600, 700)},
        *always("AccountBounceRate"),
    ),
    "AWS counts two complaints in a thousand, and later none": Case(
        HEALTHY | {Metric("AWS/SES", "Reputation.ComplaintRate", ""): level(0.002, 600, 900, 0.0)},
        *once("AccountComplaintRate"),
    ),
}


@cache
def alarms() -> dict[str, Alarm]:
    return {name: Alarm(properties) for name, properties in stack().of_type("AWS::CloudWatch::Alarm").items()}


def traffic(flows: Mapping[Metric, Flow], ways: Ways, minutes: int = LENGTH) -> Traffic:
    """Points by the minute; of our own counts a zero may never be written."""

    def point(metric: Metric, value: float | None) -> float | None:
        return None if metric.namespace == "Postroad" and not ways.writes_zeros and not value else value

    return {metric: [point(metric, flow(at)) for at in range(minutes)] for metric, flow in flows.items()}


@pytest.mark.parametrize("ways", WAYS, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_who_fires(name: str, ways: Ways) -> None:
    case = CASES[name]
    said = traffic(case.flows, ways)
    told = {
        alarm: of.history(said, LENGTH, fills_empty=ways.fills_empty, every=max(5, of.period // 240))
        for alarm, of in alarms().items()
    }
    assert {alarm for alarm, states in told.items() if State.ALARM in states} == case.fired
    assert {alarm for alarm, states in told.items() if states[-1] is State.ALARM} == case.standing


def test_every_alarm_fires_somewhere_and_keeps_silent_somewhere() -> None:
    assert set().union(*(case.fired for case in CASES.values())) == set(alarms())
    assert not CASES["healthy"].fired


def test_without_any_data_only_what_aws_counts_is_unknown() -> None:
    unknown = {
        name
        for name, alarm in alarms().items()
        if alarm.verdict([None] * 9, State.INSUFFICIENT_DATA) is not State.OK
    }
    assert unknown == {"AccountBounceRate", "AccountComplaintRate"}


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({}, False),
        ({"BouncePeriodSeconds": "21600"}, True),
        ({"MinimumVolume": "10"}, True),
        ({"BouncePeriodSeconds": "21600", "BounceWarnPercent": "7"}, False),
    ],
)
def test_a_small_sender_can_be_watched(parameters: dict[str, str], fires: bool) -> None:
    """Half a message a minute, six in a hundred of which bounce."""
    alarm = Alarm(stack(**parameters).resources["BounceRateWarning"]["Properties"])
    said = traffic(HEALTHY | mail(0.5, hard=0.06), WAYS[0])
    assert (State.ALARM in alarm.history(said, LENGTH, fills_empty=True)) is fires


@pytest.mark.parametrize("parameters", [{}, {"BouncePeriodSeconds": "900"}, {"BouncePeriodSeconds": "21600"}])
def test_cloudwatch_looks_every_minute_and_takes_the_arithmetic(parameters: dict[str, str]) -> None:
    for properties in stack(**parameters).of_type("AWS::CloudWatch::Alarm").values():
        alarm = Alarm(properties)
        assert alarm.period * alarm.n <= 86400  # beyond a day it looks once an hour
        assert len(alarm.metrics()) <= 10
        assert 1 <= alarm.m <= alarm.n
        assert properties["AlarmActions"] == properties["OKActions"] == ["AlarmTopic"]


def test_warnings_come_before_alarms() -> None:
    assert alarms()["BounceRateWarning"].threshold < alarms()["BounceRateAlarm"].threshold
    assert alarms()["ComplaintRateWarning"].threshold < alarms()["ComplaintRateAlarm"].threshold


def test_the_dashboard_shows_every_alarm_and_knows_every_metric() -> None:
    made = stack()
    widgets = json.loads(made.resources["Dashboard"]["Properties"]["DashboardBody"])["widgets"]
    shown = [
        alarm for widget in widgets if widget["type"] == "alarm" for alarm in widget["properties"]["alarms"]
    ]
    assert shown == [f"{name}.Arn" for name in alarms()]
    for widget in (widget for widget in widgets if widget["type"] == "metric"):
        rows = [row for row in widget["properties"]["metrics"] if isinstance(row[0], str)]
        assert all(row[2:4] == ["service", "postroad"] for row in rows if row[0] == "Postroad")
        ids: dict[str, Series] = {
            row[-1]["id"]: [1.0] for row in rows if isinstance(row[-1], dict) and "id" in row[-1]
        }
        for [row] in (row for row in widget["properties"]["metrics"] if not isinstance(row[0], str)):
            assert Math(row["expression"], ids, fills_empty=True).result() != []


# --- the evaluator itself --------------------------------------------------------------------------------------------

_: None = None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", [1, _, 3]),
        ("100 * a / b", [50, _, _]),  # what is missing stays missing; no point where it would divide by zero
        ("1 + 2 * a", [3, _, 7]),
        ("(1 + 2) * a - 1", [2, _, 8]),
        ("FILL(a, 0)", [1, 0, 3]),
        ("SUM([a, b])", [3, 5, 3]),  # a sum leaves out what is missing
        ("IF(a >= 2, 10, b)", [2, _, 10]),
        ("IF(FILL(a, 0) == 0 OR a > 2 AND b < 1, 1, 0)", [0, _, 1]),
        ("FILL(IF(a != 3 && b <= 2, 1, 0), 7)", [1, 7, 0]),
        ("FILL(none, 0) + 1", [1, 1, 1]),
    ],
)
def test_metric_math(text: str, expected: Series) -> None:
    series: dict[str, Series] = {"a": [1, _, 3], "b": [2, 5, 0], "none": [_, _, _]}
    assert Math(text, series, fills_empty=True).result() == expected


def test_a_series_without_any_point_may_not_be_filled() -> None:
    assert Math("FILL(none, 0)", {"none": [_, _]}, fills_empty=False).result() == [_, _]


@pytest.mark.parametrize("text", ["a +", "a b", "(a", "a ? b", "AVG(a)", "c", "FILL(a)"])
def test_what_is_not_known_is_an_error(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Math(text, {"a": [1.0], "b": [1.0]}, fills_empty=True).result()


# The examples of AWS's user guide, 0 good and X bad: what each way to treat the missing makes of them; `=` leaves the
# state as it was.
@pytest.mark.parametrize(
    ("points", "m", "treated"),
    [
        ("0-X-X", 3, "missing OK, ignore OK, breaching OK, notBreaching OK"),
        ("----0", 3, "missing OK, ignore OK, breaching OK, notBreaching OK"),
        ("-----", 3, "missing INSUFFICIENT_DATA, ignore =, breaching ALARM, notBreaching OK"),
        ("0XX-X", 3, "missing ALARM, ignore ALARM, breaching ALARM, notBreaching ALARM"),
        ("--X--", 3, "missing ALARM, ignore =, breaching ALARM, notBreaching OK"),
        ("0-X-X", 2, "missing ALARM, ignore ALARM, breaching ALARM, notBreaching ALARM"),
        ("00X0X", 2, "missing ALARM, ignore ALARM, breaching ALARM, notBreaching ALARM"),
        ("0-X--", 2, "missing OK, ignore OK, breaching ALARM, notBreaching OK"),
        ("----0", 2, "missing OK, ignore OK, breaching ALARM, notBreaching OK"),
        ("---X-", 2, "missing ALARM, ignore =, breaching ALARM, notBreaching OK"),
    ],
)
@pytest.mark.parametrize("before", [State.OK, State.ALARM])
def test_missing_data(points: str, m: int, treated: str, before: State) -> None:
    series: Series = [{"0": 0.0, "X": 1.0, "-": None}[point] for point in points]
    for way, expected in (of.split() for of in treated.split(", ")):
        properties = {
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": m,
            "TreatMissingData": way,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Metrics": [{"Id": "m"}],
        }
        assert Alarm(properties).verdict(series, before) == (before if expected == "=" else expected), way
