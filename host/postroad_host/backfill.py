"""Fills a store from files: what cannot be read is said and counted, and the rest goes on."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from functools import partial
from itertools import chain
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from postroad import ingest
from postroad.facts import Fact
from postroad.instants import Instant
from postroad.records import grown
from postroad.store.contract import BadInput
from postroad.store.sqlite import SQLiteStore
from postroad.syslog import Carrier
from postroad_host.claims import give_up, watch
from postroad_host.clock import now
from postroad_host.files import reason
from postroad_host.lanes import Chunk, Lane, Watcher, side_by_side

# Log lines and events that one transaction folds and writes: the more, the more of a message's facts meet in memory;
# this many take some 60 MB.
_AT_ONCE = 50_000
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
        with _progress() as progress:
            watcher = Watcher(partial(_bar, progress), self._failed)
            lanes = [
                Lane(kind, [name for one, name in files if one == kind], watcher) for kind in self._inputs
            ]
            chunks = side_by_side(lanes)
            for first in chunks:
                self._write(chain([first], chunks))
        for _ in give_up(self._store, now()):
            pass

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
        bad: list[BadInput] = []
        # What was said is let go once it is folded: memory holds folded records only.
        growths = grown(chain.from_iterable(self._read(chunks, bad)))
        with self._store.transaction():
            watch(self._store, growths, self._store.grow(growths), now())
            self._store.set_aside(bad, now())
        self._bad += len(bad)
        if bad:
            self.exit_code = max(self.exit_code, _SET_ASIDE)

    def _read(self, chunks: Iterable[Chunk], bad: list[BadInput]) -> Iterator[list[Fact]]:
        left = _AT_ONCE
        for chunk in chunks:
            batch = self._said(chunk)
            self._inputs[chunk.kind] += len(chunk.inputs)
            self._facts += len(batch.facts)
            bad += batch.bad
            yield batch.facts
            left -= len(chunk.inputs)
            if left <= 0:
                return

    def _said(self, chunk: Chunk) -> ingest.Batch:
        if chunk.kind == "ses":
            return ingest.ses(chunk.inputs, chunk.origin)
        at = self._dated or chunk.dated or self._began
        return ingest.relay(chunk.inputs, Carrier(at, self._zone), chunk.origin)


def _bar(progress: Progress, name: str, size: int | None) -> Callable[[int], None]:
    task = progress.add_task(Path(name).name, total=size)
    return lambda completed: progress.update(task, completed=completed)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    # Not Console.is_terminal, which FORCE_COLOR makes true of a file as well.
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
