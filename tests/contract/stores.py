"""The stores that the contract is kept by: a new one is one line here."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from postroad.store.contract import Store
from postroad.store.sqlite import SQLiteStore


class Kind(NamedTuple):
    """How to open an empty store (the folder is its own), and whether its `add` tells what changed."""

    open: Callable[[Path], AbstractContextManager[Store]]
    tells_changes: bool


STORES = {
    "sqlite-file": Kind(lambda folder: SQLiteStore.open(str(folder / "postroad.db")), tells_changes=True),
    "sqlite-memory": Kind(lambda _: SQLiteStore.open(":memory:"), tells_changes=True),
}
