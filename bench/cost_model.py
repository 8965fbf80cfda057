"""What a million messages cost on AWS: counted on the real code, read out of template.yaml, at list prices.

Each row is an amount times a price. Amounts are counted by sending ordinary messages through the real handlers
(`path`), sizes and windows are the template's (`deployment`), processor time is measured (`cost_measure`); what nobody
can know beforehand is in `ASSUMED`.
"""

from collections.abc import Iterable
from functools import cache

from bench import cost_measure, path, prices
from bench.cost_parts import AS_IT_IS, ASSUMED, Choice, Row
from bench.deployment import Deployment, Function
from bench.path import Counted, Setting
from bench.prices import MILLION, Price
from postroad import metrics, providers
from postroad.store.dynamodb import THREADS

DAYS_A_MONTH, SECONDS_A_DAY = 30, 86_400
GOAL = 6.0  # dollars a million messages, for the path
# Messages a day, as the tables name them. Above the last rate that a run can play, batches are as good as full.
VOLUMES = {
    "50 thousand a month": 50_000 / DAYS_A_MONTH,
    "50 thousand a day": 50_000.0,
    "1 million a day": 1e6,
    "1 billion a day": 1e9,
}
USUAL = "1 million a day"
_FASTEST = 200.0


def million(
    deployment: Deployment, volume: float, setting: Setting = path.USUAL, choice: Choice = AS_IT_IS
) -> list[Row]:
    """What each million messages costs at so many a day: on the path, at the relay, and while it is kept."""
    counted = path.run(deployment, min(volume / SECONDS_A_DAY, _FASTEST), setting)
    return [
        *_stored(counted, choice),
        *_handed_on(counted),
        *_computed(counted, deployment, choice),
        *_logged(counted, volume, choice),
        *_relay(counted),
        *_kept(counted, deployment, choice),
    ]


def _row(group: str, name: str, amount: float, price: Price) -> Row:
    return Row(group, name, amount, price.of(amount * MILLION), str(price))


def _stored(counted: Counted, choice: Choice) -> list[Row]:
    table, indexes = counted.units["table"], sum(counted.units.values()) - counted.units["table"]
    return [
        _row("path", "write units of the table", counted.each(table), choice.write),
        _row("path", "write units of its indexes", counted.each(indexes), choice.write),
    ]


def _handed_on(counted: Counted) -> list[Row]:
    events = counted.each(counted.events)
    return [
        _row("path", "events that SES publishes to SNS", events, prices.SNS_PUBLISH),
        _row(
            "path",
            "requests to SQS: sent, received, deleted",
            counted.each(counted.requests),
            prices.SQS_REQUEST,
        ),
    ]


def _computed(counted: Counted, deployment: Deployment, choice: Choice) -> list[Row]:
    second = prices.ARM_SECOND if choice.arm else prices.X86_SECOND
    invocations = sum(counted.invocations.values())
    return [
        _row("path", "invocations", counted.each(invocations), prices.INVOCATION),
        _row(
            "path",
            "GB-seconds of the functions",
            counted.each(gb_seconds(counted, deployment, choice)),
            second,
        ),
    ]


_NAMES = {"relay_logs": "RelayLogs", "ses_events": "SesEvents", "unified_log": "UnifiedLog"}


def gb_seconds(counted: Counted, deployment: Deployment, choice: Choice = AS_IT_IS) -> float:
    """What the functions are billed for: their processor time, of which memory gives a share, and their waiting."""
    return sum(
        deployment.function(_NAMES[name]).gb * of for name, of in seconds(counted, deployment, choice).items()
    )


def seconds(counted: Counted, deployment: Deployment, choice: Choice = AS_IT_IS) -> dict[str, float]:
    """Seconds that each function runs, in all of a run."""
    waits = {
        "relay_logs": ASSUMED.write_ms * counted.function_writes["relay_logs"] / THREADS,
        "ses_events": ASSUMED.write_ms * counted.function_writes["ses_events"] / THREADS,
        "unified_log": ASSUMED.put_ms * counted.puts,
    }
    return {
        name: _processing(name, counted, deployment.function(_NAMES[name]), choice) + waits[name] / 1_000
        for name in _NAMES
    }


def _processing(name: str, counted: Counted, function: Function, choice: Choice) -> float:
    measured = cost_measure.read()[
        f"{name} in envelopes" if choice.envelopes and name == "ses_events" else name
    ]
    # Measured with one event a message.
    messages = counted.events if name == "ses_events" else counted.messages
    micros = measured.call_us * counted.invocations[name] + measured.message_us * messages
    return micros / MILLION / min(function.processors, 1)


def _logged(counted: Counted, volume: float, choice: Choice) -> list[Row]:
    lines, functions = counted.each(counted.line_bytes), counted.each(counted.function_bytes)
    monthly = functions * volume * DAYS_A_MONTH
    tiered = prices.function_logs(monthly) / (volume * DAYS_A_MONTH) * MILLION
    return [
        _row("path", "bytes of the unified log", lines, choice.unified_ingest),
        Row(
            "path",
            "bytes of the functions' logs, metrics in them",
            functions,
            tiered,
            "$0.5 a GB and less, by the tier",
        ),
        _row("path", "questions: the API and what it reads", ASSUMED.looked_up, _LOOK_UP),
    ]


# A page of 25: an index's 25 entries and a batch-get of as many, a tenth of a second of the function.
_LOOK_UP = Price(
    prices.API_REQUEST.of(1)
    + prices.INVOCATION.of(1)
    + prices.READ_UNIT.of(13.5)
    + prices.ARM_SECOND.of(0.1),
    1,
    "a page of 25 messages",
    "2026-09",
    prices.API_REQUEST.page,
)


def _relay(counted: Counted) -> list[Row]:
    size = counted.each(counted.relay_bytes) / (1 - ASSUMED.noise)
    return [_row("relay", "bytes of the relay's own log into CloudWatch Logs", size, prices.LOG_INGEST)]


def _kept(counted: Counted, deployment: Deployment, choice: Choice) -> list[Row]:
    months = deployment.record_days / DAYS_A_MONTH
    stored = counted.each(counted.stored) * months
    lines = counted.each(counted.line_bytes) * deployment.retention_days("UnifiedLogGroup") / DAYS_A_MONTH
    functions = (
        counted.each(counted.function_bytes) * deployment.retention_days("SesEventsLogGroup") / DAYS_A_MONTH
    )
    rows = [
        _row("kept", "byte-months of records and their index entries", stored, choice.storage),
        _row(
            "kept",
            "byte-months of logs, compressed",
            (lines + functions) * ASSUMED.compressed,
            prices.LOG_STORAGE,
        ),
    ]
    if deployment.has_recovery and choice.recovery:
        rows.insert(1, _row("kept", "byte-months under point-in-time recovery", stored, prices.POINT_IN_TIME))
    return rows


def fixed(deployment: Deployment, choice: Choice = AS_IT_IS) -> list[Row]:
    """What a month costs whether mail flows or not; of metrics, the most that there can be."""
    polls = 2 * 5 * DAYS_A_MONTH * SECONDS_A_DAY / ASSUMED.poll_s
    rows = (
        ("custom metrics, at most", custom_metrics(choice), prices.METRIC),
        ("metrics in alarms", deployment.alarm_metrics(), prices.ALARM_METRIC),
        ("the dashboard", deployment.count("AWS::CloudWatch::Dashboard"), prices.DASHBOARD),
        ("the topics' key", deployment.count("AWS::KMS::Key"), prices.KEY),
        ("the API's secret", deployment.count("AWS::SecretsManager::Secret"), prices.SECRET),
        ("requests of idle pollers to two queues", polls, prices.SQS_REQUEST),
    )
    return [Row("fixed", name, amount, price.of(amount), str(price)) for name, amount, price in rows]


def custom_metrics(choice: Choice = AS_IT_IS) -> int:
    """Names times the values of each dimension: the service, one configuration set, other senders, each provider."""
    names = len({*metrics.NAMES.values(), "Complained", "Unclaimed", metrics.LATENCY})
    known = {*providers.BY_DOMAIN.values(), *providers.BY_REPLY.values(), providers.OTHER}
    return names * (3 + (len(known) if choice.providers else 0)) + len(_READ_AND_REFUSED)


_READ_AND_REFUSED = ("LinesParsed", "LinesRefused", "EventsParsed", "EventsRefused")


def total(rows: Iterable[Row], *groups: str) -> float:
    """Dollars of these groups."""
    return sum(row.usd for row in rows if row.group in groups)


@cache
def usual() -> tuple[Row, ...]:
    """The template as it is, at a million a day."""
    return tuple(million(Deployment(), VOLUMES[USUAL]))


def monthly(name: str) -> dict[str, float]:
    """A month at one of the volumes: messages, each group's dollars, and all of it."""
    volume = VOLUMES[name]
    rows = million(Deployment(), volume)
    times = volume * DAYS_A_MONTH / MILLION
    parts = {group: total(rows, group) * times for group in ("path", "relay", "kept")}
    parts["fixed"] = total(fixed(Deployment()), "fixed")
    return (
        {"messages": volume * DAYS_A_MONTH, "path each million": total(rows, "path")}
        | parts
        | {"total": sum(parts.values())}
    )
