"""The words of the cost model: what is billed, what a lever changes, and what is only assumed."""

from typing import NamedTuple

from bench import prices
from bench.prices import Price


class Assumed(NamedTuple):
    """What neither the code nor the template can tell; each with where it comes from."""

    noise: float = (
        0.34  # of a relay's lines, those that say nothing of a message (the shipped generator's share)
    )
    write_ms: float = (
        5.0  # an UpdateItem as the function sees it: DynamoDB speaks of single-digit milliseconds
    )
    put_ms: float = 20.0  # a PutLogEvents likewise
    compressed: float = 0.2  # what logs are kept at (the example on CloudWatch's price page: 30 GB become 6)
    looked_up: float = 0.001  # of the messages, those that somebody asks for
    poll_s: float = 20.0  # a quiet poller asks its queue so often
    utilised: float = 0.5  # of provisioned capacity, where that is compared


ASSUMED = Assumed()


class Row(NamedTuple):
    """One thing that is billed: how much of it a message, or a month for what is fixed, and what that costs."""

    group: str  # path, relay, kept, or fixed
    name: str
    amount: float
    usd: float  # a million messages, or a month
    price: str


class Choice(NamedTuple):
    """What a lever changes beside the template and the messages."""

    write: Price = prices.WRITE_UNIT
    storage: Price = prices.TABLE_STORAGE
    recovery: bool = True
    unified_ingest: Price = prices.LOG_INGEST
    arm: bool = True
    providers: bool = True
    envelopes: bool = False


AS_IT_IS = Choice()
