"""Fills a store from files: what cannot be read is said and counted, and the rest goes on."""

import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from itertools import islice
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from postroad import ingest
from postroad.ingest import Batch
from postroad.instants import Instant
from postroad.records import grown
from postroad.store.sqlite import SQLiteStore
from postroad.syslog import Carrier
from postroad_host.claims import give_up, watch
from postroad_host.clock import now
from postroad_host.files import DAMAGED, Source, lines_in, opened, reason

_AT_ONCE = 10_000
_MISUSE, _SET_ASIDE = 2, 1


class Backfill:
    """One run of `postroad import`, and its sums."""

    def __init__(self, store: SQLiteStore, *, zone: tzinfo, dated: Instant | None) -> None:
        """Fill `store`; `zone` and `dated` stand in for what the log's stamps do not say."""
        self._store = store
        self._zone = zone
        self._dated = dated
        self._inputs = {"relay": 0, "ses": 0}
        self._facts = 0
        self._bad = 0
        self.exit_code = 0

    def run(self, files: Sequence[tuple[str, str]]) -> None:
        """Import files, each `relay` or `ses` with its name; then settle what no relay claimed."""
        with _progress() as progress:
            for kind, name in files:
                self._file(kind, name, progress)
        give_up(self._store, now())

    def summary(self) -> str:
        """The sums, in one line."""
        return (
            f"postroad: {self._inputs['relay']:,} log lines and {self._inputs['ses']:,} SES events "
            f"gave {self._facts:,} facts; {self._bad:,} set aside"
            + (" (see `postroad problems --bad-input`)" if self._bad else "")
        )

    def _file(self, kind: str, name: str, progress: Progress) -> None:
        try:
            source = opened(name)
        except OSError as error:
            self._failed(name, error, "name a file that can be read")
            return
        task = progress.add_task(Path(name).name, total=source.size)
        try:
            self._read(kind, name, source, lambda: progress.update(task, completed=_position(source)))
        except DAMAGED as error:
            self._failed(name, error, "what came before is imported")

    def _failed(self, name: str, error: Exception, rest: str) -> None:
        click.echo(f"postroad: {name}: {reason(error)}: {rest}", err=True)
        self.exit_code = max(self.exit_code, _MISUSE if isinstance(error, FileNotFoundError) else _SET_ASIDE)

    def _read(self, kind: str, name: str, source: Source, moved: Callable[[], None]) -> None:
        carrier = Carrier(self._dated or source.dated or now(), self._zone)
        with source.raw:
            for lines in _batches(lines_in(source.stream)):
                self._inputs[kind] += len(lines)
                self._keep(ingest.relay(lines, carrier, name) if kind == "relay" else ingest.ses(lines, name))
                moved()

    def _keep(self, batch: Batch) -> None:
        with self._store.transaction():
            watch(self._store, self._store.add(grown(batch.facts)), now())
            self._store.set_aside(batch.bad, now())
        self._facts += len(batch.facts)
        self._bad += len(batch.bad)
        if batch.bad:
            self.exit_code = max(self.exit_code, _SET_ASIDE)


def _batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Lines by the batch; what was read before a file's damaged place is a batch as well."""
    while True:
        batch: list[bytes] = []
        try:
            batch.extend(islice(lines, _AT_ONCE))
        except DAMAGED:
            yield [line for line in batch if line.strip()]
            raise
        if not batch:
            return
        yield [line for line in batch if line.strip()]


def _position(source: Source) -> int:
    return source.raw.tell() if source.size is not None else 0


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    # Not Console.is_terminal, which FORCE_COLOR makes true of a file as well.
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
