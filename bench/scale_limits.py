"""Limits on paper: what each volume needs of what is limited, by the counts and times of the cost model.

Each limit has the page that says it; those of the template are read from it. `usual` ones are an account's quota,
which AWS raises when asked; the others are as they are.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from bench import cost_model, path
from bench.cost_model import SECONDS_A_DAY
from bench.deployment import Deployment
from bench.scale_capacity import PARTITION
from bench.scale_play import Speeds
from postroad.places import SHARDS

BILLION = 1e9
VOLUMES = {"1 M a day": 1e6, "100 M a day": 1e8, "1 B a day": 1e9}
_GUIDE = "https://docs.aws.amazon.com"
_DYNAMODB = f"{_GUIDE}/amazondynamodb/latest/developerguide/"
# A burst is taken to be this many times the day's mean: mail is sent by day, and campaigns at the full hour.
PEAK = 3.0
DEFERRED, PROBLEMS = 1.0, 0.065  # of all mail: on a day when nothing is taken; on an ordinary one


class Limit(NamedTuple):
    """What is limited, how much of it a message a second needs, how much there is, and what one does about it."""

    name: str
    each: float
    most: float
    remedy: str
    said_by: str
    unless: bool = False  # it takes an unusual day, or an unusual recipient


class _Counted(NamedTuple):
    """A message, as the cost model counts it at a rate where batches are full."""

    table: float
    indexes: float
    events: float
    puts: float
    seconds: dict[str, float]
    writes: dict[str, float]


@cache
def _message() -> _Counted:
    deployment = Deployment()
    # Batches as full as they get.
    counted = path.run(deployment, 200.0)
    seconds = cost_model.seconds(counted, deployment)
    return _Counted(
        table=counted.each(counted.units["table"]),
        indexes=counted.each(counted.units["lookup"]),
        events=counted.each(counted.events),
        puts=counted.each(counted.puts),
        seconds={name: counted.each(of) for name, of in seconds.items()},
        writes={name: counted.each(of) for name, of in counted.function_writes.items()},
    )


def speeds(deployment: Deployment) -> Speeds:
    """Writes a second of one execution, as the cost model has them."""
    del deployment
    message = _message()
    return Speeds(*(message.writes[name] / message.seconds[name] for name in Speeds._fields))


def limits(deployment: Deployment) -> tuple[Limit, ...]:
    """All of them, those of the template first."""
    return (*_of_the_template(deployment), *_of_the_account(), *_of_the_services())


def _of_the_template(deployment: Deployment) -> Iterator[Limit]:
    seconds = _message().seconds
    for name, resource, remedy in (
        ("ses_events", "SesEvents", "`MaximumConcurrency`, `ReservedConcurrentExecutions`"),
        ("relay_logs", "RelayLogs", "`ReservedConcurrentExecutions`"),
    ):
        most = deployment.function(resource).concurrency or 1
        yield Limit(f"executions of `{name}` at once", seconds[name], most, remedy, "template.yaml")


def _of_the_account() -> Iterator[Limit]:
    message = _message()
    executions = sum(message.seconds.values())
    for name, each, most, remedy, said_by in (
        ("executions of all functions at once", executions, 1_000, "the account's concurrency", _LAMBDA),
        (
            "write units a second of the table",
            message.table,
            40_000,
            _TABLE_QUOTA,
            _DYNAMODB + "ServiceQuotas.html",
        ),
        (
            "write units a second of the `lookup` index",
            message.indexes,
            40_000,
            _TABLE_QUOTA,
            _DYNAMODB + "ServiceQuotas.html",
        ),
        ("publishes to SNS a second, us-east-1", message.events, 30_000, "the region's quota", _SNS),
        ("publishes to SNS a second, eu-west-1", message.events, 9_000, "the region's quota", _SNS),
        ("PutLogEvents a second", message.puts, 5_000, "the quota, or the window of UnifiedLog", _LOGS),
    ):
        yield Limit(f"{name} (usual quota)", each, most, remedy, said_by)


_TABLE_QUOTA = "the quota of a table's throughput"
_LAMBDA = f"{_GUIDE}/lambda/latest/dg/gettingstarted-limits.html"
_SNS = f"{_GUIDE}/general/latest/gr/sns.html"
_LOGS = f"{_GUIDE}/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"


def _of_the_services() -> Iterator[Limit]:
    shards = "`SHARDS` of places.py"
    copies = "send copies past Postroad's log and configuration set"
    for name, each, remedy in (
        ("of one `problem` key, on an ordinary day", PROBLEMS / SHARDS, shards),
        ("of one `problem` key, when all mail is deferred", DEFERRED / SHARDS, shards),
        ("of one `lookup` key, if one recipient gets a copy of everything", 1.0, copies),
    ):
        page = _DYNAMODB + "bp-partition-key-design.html"
        yield Limit(
            f"write units a second {name}", each, PARTITION, remedy, page, unless="ordinary" not in name
        )


def used(limit: Limit, daily: float) -> float:
    """The share of a limit that a volume takes at its peak."""
    return limit.each * daily / SECONDS_A_DAY * PEAK / limit.most


def first(daily: float) -> Limit:
    """The limit that ordinary mail of a volume comes nearest to, or exceeds most."""
    usual = (limit for limit in limits(Deployment()) if not limit.unless)
    return max(usual, key=lambda limit: used(limit, daily))


def table() -> str:
    """All limits by volume, in Markdown; what is exceeded is bold."""
    head = f"| limited | there is | {' | '.join(VOLUMES)} | it lies at | raise or change | said by |"
    rows = [head, "|---|---:" + "|---:" * len(VOLUMES) + "|---:|---|---|"]
    for limit in limits(Deployment()):
        shares = " | ".join(_share(used(limit, daily)) for daily in VOLUMES.values())
        cells = (limit.name, f"{limit.most:,.0f}", shares, _daily(limit), limit.remedy, _page(limit.said_by))
        rows.append(f"| {' | '.join(cells)} |")
    nearest = (
        f"At {name} the nearest is: {first(daily).name}, at {_share(used(first(daily), daily))}."
        for name, daily in VOLUMES.items()
    )
    return "\n".join([*rows, "", *(f"- {line}" for line in (*nearest, _stream()))])


def _stream() -> str:
    """The stream has a shard for each partition, so what tells it grows with the table: a full shard is its limit."""
    message, factor = _message(), Deployment().function("UnifiedLog").factor
    rate = PARTITION / message.table
    busy = rate * message.seconds["unified_log"]
    return (
        f"A full shard of the stream carries {rate:,.0f} messages a second, which keep {busy:.1f} executions of"
        f" `unified_log` busy, of {factor} that a shard has."
    )


def _share(share: float) -> str:
    text = f"{share:.0%}" if share >= 0.005 else "< 1 %"
    return f"**{text}**" if share > 1 else text


def _daily(limit: Limit) -> str:
    daily = limit.most / limit.each / PEAK * SECONDS_A_DAY
    return f"{daily / 1e6:,.0f} M a day" if daily < BILLION else f"{daily / BILLION:,.1f} B a day"


def _page(said_by: str) -> str:
    return f"[page]({said_by})" if said_by.startswith("http") else f"`{said_by}`"
