"""The levers: what each would change of the cost of a million messages, computed by pulling it in the model."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from bench import cost_model as cost
from bench import path, prices
from bench.cost_model import DAYS_A_MONTH, SECONDS_A_DAY, USUAL, VOLUMES
from bench.cost_parts import AS_IT_IS, ASSUMED, Choice, Row
from bench.deployment import Deployment
from bench.path import Setting
from bench.prices import MILLION, Price


class Lever(NamedTuple):
    """What one would do, what it changes a million messages at a million a day, and what one would lose."""

    name: str
    usd: float
    price: str  # not in dollars: what is given up for it

    @property
    def change(self) -> str:
        """As the page shows it: `-1.75`."""
        return f"{round(self.usd, 2) + 0.0:+.2f}".replace("-", "−")  # no minus before nothing


def _of(
    setting: Setting = path.USUAL, choice: Choice = AS_IT_IS, deployment: Deployment | None = None
) -> float:
    """Dollars more than the template as it is, each million, fixed costs included."""
    other = cost.million(deployment or Deployment(), VOLUMES[USUAL], setting, choice)
    return _each(other, choice) - _each(cost.usual(), AS_IT_IS)


def _each(rows: list[Row] | tuple[Row, ...], choice: Choice) -> float:
    millions = VOLUMES[USUAL] * DAYS_A_MONTH / MILLION
    return sum(row.usd for row in rows) + cost.total(cost.fixed(Deployment(), choice), "fixed") / millions


@cache
def levers() -> tuple[Lever, ...]:
    """All of them, as groups of the page have them."""
    return (*_what_is_read(), *_how_it_comes(), *_what_is_kept(), *_what_it_runs_on())


def _what_is_read() -> Iterator[Lever]:
    yield Lever(
        "`TrackSends`",
        _of(deployment=Deployment({"TrackSends": "true"})),
        "gained, not lost: mail that goes to SES past the relays is known before SES says what became of it",
    )
    yield Lever(
        "`TrackOpensAndClicks`, with 30 opens in a hundred messages",
        0.3 * _event(),
        "gained, not lost: opens, which name no recipient",
    )
    yield Lever(
        '`RelayFilterPattern` `?"status=" ?"message-id="`',
        _of(Setting(lines="status=|message-id=")),
        "client, sender, size and the queue's own end",
    )
    yield Lever(
        '`RelayFilterPattern` `?"status="`',
        _of(Setting(lines="status=")),
        "the Message-ID too, and finding by it",
    )
    yield Lever(
        f"`/^Subject:/ INFO` in the relays' `header_checks`: {_units_more():.0f} write units more a message",
        _of(Setting(subjects=True)),
        "gained: mail that SES never took has its subject, and what still waits for its first try is found by"
        " recipient; of all other mail SES tells the subject anyway",
    )


def _units_more() -> float:
    """What logged Subjects add: a record for the recipient with its entry, and the queue's own outgrows a unit."""
    rate = VOLUMES[USUAL] / SECONDS_A_DAY
    runs = (path.run(Deployment(), rate, Setting(subjects=logged)) for logged in (False, True))
    without, with_them = (each.each(sum(each.units.values())) for each in runs)
    return with_them - without


def _event() -> float:
    """An event more of a message: published, queued, written; its facts repeat the hour's."""
    return (prices.SNS_PUBLISH.of(1) + prices.SQS_REQUEST.of(1 + 2 / 10) + prices.WRITE_UNIT.of(1)) * MILLION


def _how_it_comes() -> Iterator[Lever]:
    slow = Deployment().changed("SesEvents", MaximumBatchingWindowInSeconds=20)
    yield Lever(
        "window of `SesEvents` 20 s, not 2",
        _of(deployment=slow),
        "the page lags by as much",
    )
    yield Lever(
        "lines of the log sent once a second, not in five (`force_flush_interval`)",
        _of(Setting(gathered_s=1.0)),
        "gained: four seconds; more messages are cut in two",
    )
    yield Lever(
        "window of `UnifiedLog` 10 s, not 1",
        _of(deployment=Deployment().changed("UnifiedLog", MaximumBatchingWindowInSeconds=10)),
        "`aws logs tail --follow` lags by as much",
    )
    yield Lever(
        "`RawMessageDelivery` off",
        _of(choice=Choice(envelopes=True)),
        "nothing gained: the envelope costs time only, as both forms are one 64 KB request",
    )


def _what_is_kept() -> Iterator[Lever]:
    for days in (30, 365):
        yield Lever(
            f"`RetentionDays` {days}, not 90",
            _of(deployment=Deployment({"RetentionDays": days})),
            "what is older is gone" if days < 90 else "gained: a year of answers",
        )
    yield Lever(
        "no point-in-time recovery", _of(choice=Choice(recovery=False)), "a table deleted or spoilt stays so"
    )
    yield Lever(
        "table class Standard-IA",
        _of(choice=Choice(write=prices.WRITE_UNIT_IA, storage=prices.TABLE_STORAGE_IA)),
        "writes are a quarter dearer, storage is not half as dear: it pays the more, the longer is kept",
    )
    yield Lever(
        "unified log of class Infrequent Access",
        _of(choice=Choice(unified_ingest=prices.LOG_INGEST_IA)),
        "`aws logs tail` and subscriptions: such a group is read by Logs Insights only",
    )
    yield Lever(
        "no metrics by receiving provider",
        _of(choice=Choice(providers=False)),
        "which provider refuses or delays",
    )


def _what_it_runs_on() -> Iterator[Lever]:
    yield Lever("x86_64, not arm64", _of(choice=Choice(arm=False)), "nothing gained")
    for utilised in (0.3, ASSUMED.utilised, 0.8):
        price = Price(
            prices.WRITE_CAPACITY.usd / (DAYS_A_MONTH * SECONDS_A_DAY * utilised),
            1,
            f"a write unit of provisioned capacity, {utilised:.0%} used",
            prices.WRITE_CAPACITY.read,
            prices.WRITE_CAPACITY.page,
        )
        yield Lever(
            f"provisioned capacity, {utilised:.0%} of it used, not on demand",
            _of(choice=Choice(write=price)),
            "bursts wait for auto scaling, minutes at a time",
        )
