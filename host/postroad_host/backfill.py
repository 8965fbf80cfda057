"""Fills a store from files: what cannot be read is said and counted, and the rest goes on."""

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import tzinfo
from functools import partial
from itertools import chain
from pathlib import Path

import click

from postroad import ingest
from postroad.codec import Key
from postroad.growth import Growth
from postroad.instants import Instant
from postroad.store.contract import BadInput
from postroad.store.sqlite import SQLiteStore
from postroad.syslog import Carrier
from postroad_host.claims import give_up, watch
from postroad_host.clock import now
from postroad_host.files import reason
from postroad_host.lanes import Chunk, Lane, Watcher, side_by_side

# Log lines and events that one transaction folds and writes. The more, the more of a message's facts meet in memory
# (of 10,000 inputs one row in eight is met again later, of 25,000 one in twelve); this many take some 50 MB.
_AT_ONCE = 25_000
# A batch leaves hardly a cycle, and takes a fiftieth of its time again to be looked through.
_COLLECTED = 8
# Refused inputs are kept whole until they are written, and may have megabytes each.
_MOST_REFUSED = 16 << 20
_MISUSE, _SET_ASIDE = 2, 1


class Backfill:
    """One run of `postroad import`, and its sums."""

    def __init__(self, store: SQLiteStore, *, zone: tzinfo, dated: Instant | None) -> None:
        """Fill `store`; `zone` and `dated` stand in for what the log's stamps do not say."""
        self._store = store
        self._zone = zone
        self._dated = dated
        self._began = now()
        self._inputs = {"relay": 0, "ses": 0}
        self._facts = 0
        self._bad = 0
        self.exit_code = 0

    def run(self, files: Sequence[tuple[str, str]]) -> None:
        """Import files, each `relay` or `ses` with its name; then settle what no relay claimed."""
        with _bars() as begun, _collected_by_hand() as collect, ThreadPoolExecutor(1) as settling:
            watcher = Watcher(begun, self._failed)
            lanes = [
                Lane(kind, [name for one, name in files if one == kind], watcher) for kind in self._inputs
            ]
            chunks = side_by_side(lanes)
            settled = settling.submit(self._store.settle)
            for number, first in enumerate(chunks, 1):
                self._write(chain([first], chunks))
                if number % _COLLECTED == 0:
                    collect()
                # A disk that failed the last batch ends the import.
                settled.result()
                # While the next batch is read: a seventh of what writing takes is waiting for the disk.
                settled = settling.submit(self._store.settle)
            settled.result()
        for _ in give_up(self._store, now()):
            pass
        self._store.settle()

    def summary(self) -> str:
        """The sums, in one line."""
        return (
            f"postroad: {self._inputs['relay']:,} log lines and {self._inputs['ses']:,} SES events "
            f"gave {self._facts:,} facts; {self._bad:,} set aside"
            + (" (see `postroad problems --bad-input`)" if self._bad else "")
        )

    def _failed(self, name: str, error: Exception, rest: str) -> None:
        click.echo(f"postroad: {name}: {reason(error)}: {rest}", err=True)
        self.exit_code = max(self.exit_code, _MISUSE if isinstance(error, FileNotFoundError) else _SET_ASIDE)

    def _write(self, chunks: Iterable[Chunk]) -> None:
        """Fold and write as many chunks as one transaction takes."""
        growths: dict[Key, Growth] = {}
        bad: list[BadInput] = []
        for batch in self._read(chunks, growths):
            self._facts += len(batch.facts)
            bad += batch.bad
        with self._store.transaction():
            watch(self._store, growths, self._store.grow(growths), now())
            self._store.set_aside(bad, now())
        self._bad += len(bad)
        if bad:
            self.exit_code = max(self.exit_code, _SET_ASIDE)

    def _read(self, chunks: Iterable[Chunk], growths: dict[Key, Growth]) -> Iterator[ingest.Batch]:
        """Read and fold; what was said is let go then, so that memory holds folded records only."""
        left, refused = _AT_ONCE, 0
        for chunk in chunks:
            batch = ingest.into(growths, chunk.inputs, self._reader(chunk), chunk.kind, chunk.origin)
            self._inputs[chunk.kind] += len(chunk.inputs)
            yield batch
            left -= len(chunk.inputs)
            refused += sum(len(one.raw) for one in batch.bad)
            if left <= 0 or refused > _MOST_REFUSED:
                return

    def _reader(self, chunk: Chunk) -> ingest.Read:
        if chunk.kind == "ses":
            return partial(ingest.ses, origin=chunk.origin)
        carrier = Carrier(self._dated or chunk.dated or self._began, self._zone)
        return partial(ingest.relay, carrier=carrier, origin=chunk.origin)


@contextmanager
def _collected_by_hand() -> Iterator[Callable[[], object]]:
    """Leave cycles to the caller to collect: a batch makes a million objects and hardly a cycle.

    The collector took a twentieth of an import's time to find that out, 240 times in 75,000 inputs.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    # What the program itself is made of needs no looking through.
    gc.freeze()
    try:
        yield gc.collect
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


@contextmanager
def _bars() -> Iterator[Callable[[str, int | None], Callable[[int], object]]]:
    """What is told of each file that is begun, and gives what is told how far it is read."""
    # Not Console.is_terminal, which FORCE_COLOR makes true of a file as well.
    if not sys.stderr.isatty():
        yield lambda _name, _size: lambda _completed: None
        return
    # A sixth of the command's start, for nothing where nobody looks.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def begun(name: str, size: int | None) -> Callable[[int], object]:
            task = progress.add_task(Path(name).name, total=size)
            return lambda completed: progress.update(task, completed=completed)

        yield begun
