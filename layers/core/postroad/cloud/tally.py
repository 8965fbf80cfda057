"""What a function made of its inputs: how many it read, which it refused, and which must come again."""

from collections.abc import Mapping
from typing import NamedTuple

from postroad.codec import Key
from postroad.growth import Growth
from postroad.store.dynamodb import DynamoDBStore, NotStoredError


class Tally(NamedTuple):
    """How many inputs were read and how many refused, and the ids of those that must come again."""

    parsed: int
    refused: int
    failed: list[str]
    reasons: list[str]


def not_stored(store: DynamoDBStore, growths: Mapping[Key, Growth]) -> set[Key]:
    """Store what a batch adds; gives the keys of what was not stored."""
    try:
        store.add(growths)
    except NotStoredError as error:
        return set(error.failed)
    return set()
