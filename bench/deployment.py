"""What template.yaml says of sizes, windows, limits and times: read, never repeated, so that a model follows it."""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from samtranslator.yaml_helper import yaml_parse

TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"


@cache
def _written() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml_parse(TEMPLATE.read_text("utf-8"))
    return parsed


class Function(NamedTuple):
    """A function: its memory, how long it may run, how many of it at once, and what feeds it."""

    memory_mb: int
    timeout_s: int
    concurrency: int | None
    batch: int
    window_s: float
    factor: int  # executions a shard, for a stream

    @property
    def gb(self) -> float:
        """Memory as Lambda bills it, in its gigabytes."""
        return self.memory_mb / 1024

    @property
    def processors(self) -> float:
        """Lambda gives processor time by memory: one whole at 1,769 MB (its guide, "Configure function memory")."""
        return self.memory_mb / 1769


class Waiting(NamedTuple):
    """A queue: how long a taken message hides, how often it may come, how long it is kept and first held back."""

    visibility_s: int
    receives: int
    retention_s: int
    delay_s: int


class Deployment:
    """The template with its default parameters, or with others."""

    def __init__(self, parameters: Mapping[str, str | int] | None = None) -> None:
        """Read the file; `parameters` stand for the defaults of the same names."""
        self._source = deepcopy(_written())
        defaults = {name: of.get("Default", "") for name, of in self._source["Parameters"].items()}
        self.parameters: dict[str, Any] = defaults | dict(parameters or {})

    def changed(self, resource: str, **properties: Any) -> "Deployment":  # noqa: ANN401
        """The same with some properties of a resource, or of what feeds a function, set to something else."""
        other = Deployment(self.parameters)
        of = other.properties(resource)
        feed = next((event["Properties"] for event in of.get("Events", {}).values()), of)
        for name, value in properties.items():
            (feed if name in feed else of)[name] = value
        return other

    def properties(self, name: str) -> dict[str, Any]:
        """A resource's properties, as they are written."""
        found: dict[str, Any] = self._source["Resources"][name].get("Properties", {})
        return found

    def _value(self, value: Any) -> Any:  # noqa: ANN401 - whatever a template holds
        """A number, or the parameter that it refers to."""
        return self.parameters[value["Ref"]] if isinstance(value, dict) and "Ref" in value else value

    def function(self, name: str) -> Function:
        """A function, by its name in the template."""
        of = self.properties(name)
        feed: dict[str, Any] = next((event["Properties"] for event in of.get("Events", {}).values()), {})
        reserved = of.get("ReservedConcurrentExecutions", {}).get("Fn::If", [None, None])[1]
        return Function(
            memory_mb=of["MemorySize"],
            timeout_s=of["Timeout"],
            concurrency=feed.get("ScalingConfig", {}).get("MaximumConcurrency", reserved),
            batch=feed.get("BatchSize", 1),
            window_s=feed.get("MaximumBatchingWindowInSeconds", 0),
            factor=feed.get("ParallelizationFactor", 1),
        )

    def queue(self, name: str) -> Waiting:
        """A queue, by its name in the template."""
        of = self.properties(name)
        return Waiting(
            visibility_s=of.get("VisibilityTimeout", 30),
            receives=of.get("RedrivePolicy", {}).get("maxReceiveCount", 0),
            retention_s=of.get("MessageRetentionPeriod", 345_600),
            delay_s=int(self._value(of.get("DelaySeconds", 0))),
        )

    def retention_days(self, log_group: str) -> int:
        """Days that a log group keeps what it holds."""
        return int(self._value(self.properties(log_group)["RetentionInDays"]))

    @property
    def record_days(self) -> int:
        """Days that a record is kept."""
        return int(self.parameters["RetentionDays"])

    @property
    def event_types(self) -> tuple[str, ...]:
        """The SES events that are subscribed to, in the template's words: `delivery`."""
        destination = self.properties("EventDestination")["EventDestination"]
        listed = [
            of if isinstance(of, str) else self._switched(of) for of in destination["MatchingEventTypes"]
        ]
        return tuple(of for of in listed if of)

    def _switched(self, value: Mapping[str, Any]) -> str | None:
        """What `!If [Condition, this, nothing]` comes to, where the condition is that a parameter says true."""
        condition, event, _ = value["Fn::If"]
        parameter, wanted = self._source["Conditions"][condition]["Fn::Equals"]
        return str(event) if str(self._value(parameter)) == wanted else None

    @property
    def delivers_raw(self) -> bool:
        """Whether SNS hands over the event itself, without its envelope."""
        return bool(self.properties("EventsSubscription").get("RawMessageDelivery", False))

    @property
    def is_on_demand(self) -> bool:
        """Whether the table is paid by the request."""
        return bool(self.properties("Table")["BillingMode"] == "PAY_PER_REQUEST")

    @property
    def has_recovery(self) -> bool:
        """Whether the table can be restored to any second of the last 35 days."""
        return bool(
            self.properties("Table")["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        )

    @property
    def is_arm(self) -> bool:
        """Whether functions run on arm64."""
        return bool(self._source["Globals"]["Function"]["Architectures"] == ["arm64"])

    def count(self, kind: str) -> int:
        """How many resources of a type there are."""
        return sum(of["Type"] == kind for of in self._source["Resources"].values())

    def alarm_metrics(self) -> int:
        """What alarms are billed by: each metric that one of them reads."""
        alarms = [
            of["Properties"]
            for of in self._source["Resources"].values()
            if of["Type"] == "AWS::CloudWatch::Alarm"
        ]
        return sum(
            sum("MetricStat" in one for one in of.get("Metrics", [{"MetricStat": 1}])) for of in alarms
        )
