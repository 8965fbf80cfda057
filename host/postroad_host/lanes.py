"""Files of two kinds, read side by side.

Logs and events cover the same days, so that what the one says of a message is read near what the other says of it.
"""

import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from postroad.instants import Instant
from postroad_host.files import DAMAGED, Source, blocks_in, opened

# Of the inputs read before the other kind has its turn.
_LINES, _BYTES = 5_000, 4 << 20


class Chunk(NamedTuple):
    """Some inputs of one file."""

    kind: str  # `relay` or `ses`
    origin: str
    dated: Instant | None
    inputs: list[bytes]


class Watcher(NamedTuple):
    """Who is told of files: how far each is read, and what is wrong with one, with what comes of the rest of it."""

    begun: Callable[[str, int | None], Callable[[int], object]]
    failed: Callable[[str, Exception, str], None]


class Lane:
    """The files of one kind, one after the other."""

    def __init__(self, kind: str, names: Sequence[str], watcher: Watcher) -> None:
        """Read `names`; nothing is opened before its turn."""
        self.kind = kind
        self.taken = 0
        self._names = names
        self._watcher = watcher
        self._before = self._at = 0
        sizes = [_size(name) for name in names]
        self._total = None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def share(self) -> float | None:
        """How much of it is read, of 1; None where a pipe does not tell its size."""
        return None if self._total is None else (self._before + self._at) / (self._total or 1)

    def chunks(self) -> Iterator[Chunk]:
        """Read; a file that cannot be read to its end is told of, and the next one begun."""
        for name in self._names:
            try:
                source = opened(name)
            except OSError as error:
                self._watcher.failed(name, error, "name a file that can be read")
                continue
            with source.raw:
                yield from self._of_file(name, source)
            self._before, self._at = self._before + self._at, 0

    def _of_file(self, name: str, source: Source) -> Iterator[Chunk]:
        moved = self._watcher.begun(name, source.size)
        try:
            for inputs in _gathered(blocks_in(source.stream)):
                self._at = source.raw.tell() if source.size is not None else 0
                self.taken += 1
                moved(self._at)
                yield Chunk(self.kind, name, source.dated, inputs)
        except DAMAGED as error:
            self._watcher.failed(name, error, "what came before is imported")


def side_by_side(lanes: Sequence[Lane]) -> Iterator[Chunk]:
    """The chunks of all lanes, each time of the one that is least advanced."""
    open_lanes = {lane: lane.chunks() for lane in lanes}
    while open_lanes:
        shares = {lane: lane.share for lane in open_lanes}
        behind = min(
            open_lanes, key=lambda lane: lane.taken if None in shares.values() else shares[lane] or 0
        )
        chunk = next(open_lanes[behind], None)
        if chunk is None:
            del open_lanes[behind]
        else:
            yield chunk


def _gathered(blocks: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
    """Blocks put together; what was read before a file's damaged place is given as well. Blank lines are left out."""
    lines: list[bytes] = []
    size = 0
    try:
        for block in blocks:
            lines += filter(bytes.strip, block)
            size += sum(map(len, block))
            if len(lines) >= _LINES or size >= _BYTES:
                yield lines
                lines, size = [], 0
    except DAMAGED:
        yield lines
        raise
    yield lines


def _size(name: str) -> int | None:
    """A file's size; None for standard input and pipes, 0 for what is not there."""
    try:
        status = Path(name).stat() if name != "-" else None
    except OSError:
        return 0
    return status.st_size if status and stat.S_ISREG(status.st_mode) else None
