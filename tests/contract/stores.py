"""The stores that the contract is kept by: a new one is one line here."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from postroad.store.contract import Store
from postroad.store.sqlite import SQLiteStore
from tests.aws.parts import dynamodb_local, tables


class Kind(NamedTuple):
    """How to open an empty store (the folder is its own), and whether its `add` tells what changed.

    One that takes milliseconds for a write is tried with fewer examples; one that is another program may be missing.
    """

    open: Callable[[Path], AbstractContextManager[Store]]
    tells_changes: bool
    most_examples: int = 1_000_000
    is_present: Callable[[], bool] = lambda: True


STORES = {
    "sqlite-file": Kind(lambda folder: SQLiteStore.open(str(folder / "postroad.db")), tells_changes=True),
    "sqlite-memory": Kind(lambda _: SQLiteStore.open(":memory:"), tells_changes=True),
    "moto": Kind(lambda _: tables.in_moto(), tells_changes=False, most_examples=10),
    "DynamoDB Local": Kind(
        lambda _: tables.in_dynamodb_local(),
        tells_changes=False,
        most_examples=10,
        is_present=dynamodb_local.is_present,
    ),
}
