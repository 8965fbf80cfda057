"""What CloudWatch makes of an alarm: metric math, then M out of N with what is missing, over made series.

After "Using math expressions with CloudWatch metrics" and "Configuring how CloudWatch alarms treat missing data" of its
user guide. Only what the template uses is known; anything else is an error, not a guess.
"""

import functools
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

Series = list[float | None]
# A scalar, a series, or an array of series.
Value = float | Series | list[Series]


# --- metric math -----------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(>=|<=|==|!=|&&|\|\||[-+*/<>(),\[\]]))")
_WORDS = {"AND": "&&", "OR": "||"}
# Loosest first.
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", ">", "<=", ">="), ("+", "-"), ("*", "/"))


def _divided(left: float, right: float) -> float | None:
    return left / right if right else None  # CloudWatch has no point where it would divide by zero


_OPERATORS: dict[str, Callable[[float, float], float | None]] = {
    "||": lambda left, right: float(bool(left) or bool(right)),
    "&&": lambda left, right: float(bool(left) and bool(right)),
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
}


class Math:
    """One expression, over the series it names.

    What FILL makes of a series without any point is not documented: zeros or nothing, as `fills_empty` says.
    """

    def __init__(self, text: str, series: Mapping[str, Series], *, fills_empty: bool) -> None:
        self.series = series
        self.fills_empty = fills_empty
        self.tokens = _tokens(text)
        self.at = 0
        self.functions: dict[str, Callable[..., Series]] = {
            "IF": self._if,
            "FILL": self._fill,
            "SUM": self._sum,
        }

    def result(self) -> Series:
        """The series that the expression gives."""
        value = self._level(0)
        if self._peek() != "":
            raise ValueError(f"left over: {self.tokens[self.at :]}")
        return self._as_series(value)

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self, wanted: str | None = None) -> str:
        token = self._peek()
        if token == "" or (wanted is not None and token != wanted):
            raise ValueError(f"expected {wanted or 'more'}, not {token!r}")
        self.at += 1
        return token

    def _level(self, level: int) -> Value:
        if level == len(_LEVELS):
            return self._operand()
        left = self._level(level + 1)
        while self._peek() in _LEVELS[level]:
            sign = _OPERATORS[self._take()]
            left = self._applied(sign, left, self._level(level + 1))
        return left

    def _operand(self) -> Value:
        token = self._take()
        if token == "(":
            value = self._level(0)
            self._take(")")
            return value
        if token == "[":
            return [self._as_series(value) for value in self._list("]")]
        if token[0].isdigit():
            return float(token)
        if self._peek() == "(":
            self._take()
            return self.functions[token](*self._list(")"))
        return self.series[token]

    def _list(self, end: str) -> list[Value]:
        values = [self._level(0)]
        while self._peek() == ",":
            self._take()
            values.append(self._level(0))
        self._take(end)
        return values

    def _applied(self, sign: Callable[[float, float], float | None], left: Value, right: Value) -> Value:
        pairs = zip(self._as_series(left), self._as_series(right), strict=True)
        return [None if a is None or b is None else _number(sign(a, b)) for a, b in pairs]

    def _as_series(self, value: Value) -> Series:
        if isinstance(value, float):
            return [value] * max(map(len, self.series.values()))
        assert not any(isinstance(item, list) for item in value), "an array where a series belongs"
        return value  # type: ignore[return-value]

    def _if(self, condition: Value, then: Value, otherwise: Value) -> Series:
        choices = zip(*map(self._as_series, (condition, then, otherwise)), strict=True)
        return [None if told is None else yes if told else no for told, yes, no in choices]

    def _fill(self, value: Value, filling: Value) -> Series:
        points = self._as_series(value)
        if not self.fills_empty and all(point is None for point in points):
            return points
        return [
            fill if point is None else point
            for point, fill in zip(points, self._as_series(filling), strict=True)
        ]

    def _sum(self, array: Value) -> Series:
        assert isinstance(array, list)
        columns = zip(*array, strict=True)
        known: Iterator[list[float]] = (
            [point for point in column if point is not None] for column in columns
        )
        return [sum(points) if points else None for points in known]


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


@functools.cache
def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if not found:
            raise ValueError(f"no metric math: {text[at:]!r}")
        tokens.append(_WORDS.get(found[0].strip(), found[0].strip()))
        at = found.end()
    return tokens


# --- alarms ----------------------------------------------------------------------------------------------------------


class State(StrEnum):
    """What an alarm can be in."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Metric(NamedTuple):
    """A metric as an alarm names it; dimensions as `name=value`, sorted, with commas."""

    namespace: str
    name: str
    dimensions: str


# Points by the minute, None where none was written.
Traffic = Mapping[Metric, Sequence[float | None]]

_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Average": lambda points: sum(points) / len(points),
    "Maximum": max,
    "Sum": sum,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {"GreaterThanOrEqualToThreshold": operator.ge}
# CloudWatch looks further back than N for points that are there; its own examples show two more.
_FURTHER = 2


class Alarm:
    """An alarm of the template, its references read."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self.n = int(properties["EvaluationPeriods"])
        self.m = int(properties["DatapointsToAlarm"])
        self.missing = properties["TreatMissingData"]
        self.threshold = float(properties["Threshold"])
        self.breaches = _COMPARISONS[properties["ComparisonOperator"]]
        self.queries = properties.get("Metrics") or [_plain(properties)]

    @property
    def period(self) -> int:
        """Seconds of one point."""
        [period] = {int(query["MetricStat"]["Period"]) for query in self.queries if "MetricStat" in query}
        return period

    def metrics(self) -> list[Metric]:
        """Every metric that the alarm reads."""
        return [_metric(query["MetricStat"]["Metric"]) for query in self.queries if "MetricStat" in query]

    def history(self, traffic: Traffic, minutes: int, *, fills_empty: bool, every: int = 5) -> list[State]:
        """Its state every few minutes: CloudWatch looks each minute, and counts its periods back from then."""
        state, states = State.INSUFFICIENT_DATA, []
        for now in range(every, minutes + 1, every):
            state = self.verdict(self.points(traffic, now, fills_empty=fills_empty), state)
            states.append(state)
        return states

    def points(self, traffic: Traffic, now: int, *, fills_empty: bool) -> Series:
        """What the alarm looks at: the last periods up to now, the oldest first."""
        series: dict[str, Series] = {}
        waiting = dict[str, str]()
        for query in self.queries:
            if "MetricStat" in query:
                series[query["Id"]] = self._buckets(query["MetricStat"], traffic, now)
            else:
                waiting[query["Id"]] = query["Expression"]
        # An expression may read another; the template writes the one that is returned first.
        for name, text in reversed(waiting.items()):
            series[name] = Math(text, series, fills_empty=fills_empty).result()
        [returned] = [query["Id"] for query in self.queries if query.get("ReturnData", True)]
        return series[returned]

    def _buckets(self, stat: Mapping[str, Any], traffic: Traffic, now: int) -> Series:
        said, length = traffic.get(_metric(stat["Metric"]), ()), int(stat["Period"]) // 60
        ends = range(now - (self.n + _FURTHER - 1) * length, now + 1, length)
        spans = (said[max(end - length, 0) : max(end, 0)] for end in ends)
        known = ([point for point in span if point is not None] for span in spans)
        return [_STATISTICS[stat["Stat"]](points) if points else None for points in known]

    def verdict(self, points: Series, before: State) -> State:
        """The state after these points: the newest N that are there, else what is missing is made up as told."""
        there = [self.breaches(point, self.threshold) for point in points if point is not None][-self.n :]
        lacking, bad = self.n - len(there), sum(there)
        if bad >= self.m:
            return State.ALARM
        if not lacking or self.missing == "notBreaching":
            return State.OK
        if self.missing == "breaching":
            return State.ALARM if bad + lacking >= self.m else State.OK
        if not there:
            return before if self.missing == "ignore" else State.INSUFFICIENT_DATA
        if bad < len(there):
            return State.OK
        return before if self.missing == "ignore" else State.ALARM


def _plain(properties: Mapping[str, Any]) -> dict[str, Any]:
    metric = {key: properties[key] for key in ("Namespace", "MetricName", "Dimensions") if key in properties}
    stat = {"Metric": metric, "Period": properties["Period"], "Stat": properties["Statistic"]}
    return {"Id": "plain", "MetricStat": stat}


def _metric(said: Mapping[str, Any]) -> Metric:
    dimensions = sorted(f"{of['Name']}={of['Value']}" for of in said.get("Dimensions", ()))
    return Metric(said["Namespace"], said["MetricName"], ",".join(dimensions))
