"""Histories read and stored: what the laws compare."""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random

from hypothesis import strategies as st

from postroad import ingest
from postroad.codec import Key
from postroad.facts import Fact
from postroad.growth import grown
from postroad.search import Search
from postroad.store.contract import Change
from postroad.store.sqlite import SQLiteStore
from tests.properties.histories import CARRIER, NOW, History


def read(history: History) -> list[Fact]:
    """All facts of a history; every line and event of one is understood."""
    relay = ingest.relay((line.encode() for line in history.lines), CARRIER, "log")
    ses = ingest.ses(history.events, "events")
    assert not relay.bad
    assert not ses.bad
    return relay.facts + ses.facts


def stored(
    batches: Iterable[Sequence[Fact]],
) -> tuple[dict[Key, tuple[object, ...]], list[str], list[Change]]:
    """What a store holds after these batches, what it exports, and every change on the way."""
    with SQLiteStore(":memory:") as store:
        changes = [change for batch in batches for change in store.add(grown(batch))]
        rows = store.run("SELECT pk, sk, lookup, at, problem, facts FROM record ORDER BY pk, sk")
        export = [
            json.dumps(journey.as_json()) for journey in Search(store, NOW).anchored(store.deliveries())
        ]
    return {Key(*row[:2]): row[2:] for row in rows}, export, changes


@st.composite
def disorder(draw: st.DrawFn, facts: Sequence[Fact]) -> list[list[Fact]]:
    """The same facts in another order, some of them again, in other batches."""
    random = draw(st.randoms(use_true_random=False))
    shuffled = list(facts) + random.choices(facts, k=random.randrange(len(facts)))
    random.shuffle(shuffled)
    return batches(shuffled, random)


def batches(facts: Sequence[Fact], random: Random) -> list[list[Fact]]:
    cuts = sorted({0, len(facts), *(random.randrange(len(facts)) for _ in range(random.randrange(6)))})
    return [list(facts[start:end]) for start, end in pairwise(cuts)]
