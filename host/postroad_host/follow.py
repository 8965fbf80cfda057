"""Follows one log through its rotations, line by line, from the spot where it was left."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from postroad.instants import Instant, from_ms
from postroad_host.logfile import LogFile, Spot, newer, rotated
from postroad_host.trouble import Troubles, reason

# The longest line that is kept in memory; what is longer is handed on cut, and is refused as a line.
LONGEST_LINE = 1_048_576


class Chunk(NamedTuple):
    """Whole lines of one log, and the position to start from after them."""

    origin: str
    position: str
    at: Instant  # when the file was last written to: the date of stamps without a year
    lines: list[bytes]


class Follower:
    """Reads one log to its end, over and over.

    A log that was renamed is read on until its successor holds something, because its writer goes on with it until it
    is told; then come those rotated in between, and the live one last. Of one that was cut and written anew, the rest
    is looked for in a copy.
    """

    def __init__(
        self,
        path: Path,
        saved: str | None,
        troubles: Troubles,
        *,
        is_whole: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        """Follow `path` from a saved position; `is_whole` tells whether a last line without its end is complete."""
        self.path = path
        self.origin = str(path)
        self._troubles = troubles
        self._is_whole = is_whole
        self._file: LogFile | None = None
        self._spot = Spot.of(saved) if saved else None
        self._at_rest: tuple[int, ...] = ()

    def read(self, limit: int) -> Chunk | None:
        """Read the next lines, at most `limit` of them; None where there are none at the moment."""
        try:
            return self._read(limit)
        except OSError as error:
            self._troubles.begins(self.origin, f"cannot be read: {reason(error)}; trying again")
            return None

    @property
    def is_open(self) -> bool:
        return self._file is not None

    def rest(self) -> None:
        """Close the file until it changes, where too many are open."""
        if self._file:
            self._at_rest = _signature(self._file)
            self.close()

    def close(self) -> None:
        """Close the file; the next read opens it again where it was left."""
        if self._file:
            self._file.close()
        self._file = None

    def _read(self, limit: int) -> Chunk | None:
        while opened := self._opened():
            file, spot = opened
            # Looked up before reading: once the successor holds something, nothing more comes to this one.
            successor = self._successor(file)
            chunk = self._next(file, spot, limit, is_last=successor is not None)
            if chunk or successor is None:
                return chunk
            self._turn_to(LogFile(successor))
        return None

    # --- which file ---

    def _opened(self) -> tuple[LogFile, Spot] | None:
        if self._file is None and self._is_at_rest():
            return None
        if self._file is None or self._spot is None or not self._file.is_still(self._spot):
            self._open()
        return (self._file, self._spot) if self._file and self._spot else None

    def _is_at_rest(self) -> bool:
        live = self.path.stat() if self._at_rest else None
        return (
            live is not None and (live.st_dev, live.st_ino, live.st_size, live.st_mtime_ns) == self._at_rest
        )

    def _open(self) -> None:
        """Open the file of the spot, else the live one from its start."""
        spot = self._spot
        found = self._find(spot) if spot else None
        if spot and found:
            self._turn_to(found, spot)
        else:
            self._turn_to(LogFile(self.path))
        self._troubles.ends(self.origin)
        if spot and spot.offset and not found:
            self._troubles.begins(f"{self.origin}, byte {spot.offset}", _LOST)

    def _find(self, spot: Spot) -> LogFile | None:
        """Open the spot's file under the name it has now: that of the same inode first, the live one before copies."""
        siblings = [(one.identity, one.path) for one in reversed(rotated(self.path))]
        same_first = sorted(siblings, key=lambda one: one[0] != (spot.device, spot.inode))
        return next(_holding([self.path, *(path for _, path in same_first)], spot), None)

    def _turn_to(self, file: LogFile, spot: Spot | None = None) -> None:
        self.close()
        self._file = file
        self._spot = file.moved(spot, 0, skipping=spot.skipping) if spot else file.spot(0)

    def _successor(self, file: LogFile) -> Path | None:
        """Where the log goes on after this file, if it went on already."""
        try:
            live = self.path.stat()
        except OSError:
            return None
        if (live.st_dev, live.st_ino) == file.identity:
            return None
        between = newer(rotated(self.path), file)
        return between[0].path if between else self.path if live.st_size else None

    # --- which lines ---

    def _next(self, file: LogFile, spot: Spot, limit: int, *, is_last: bool) -> Chunk | None:
        block = file.read(spot.offset, LONGEST_LINE)
        taken, lines, skipping = _taken(block, limit, skipping=spot.skipping)
        if not taken and block and (is_last or self._is_whole(block)):
            taken, lines = len(block), [block]
        # A file that was written anew meanwhile may have given a bit of both: it is looked at again.
        if not taken or not file.is_still(spot, taken):
            return None
        self._spot = file.moved(spot, taken, skipping=skipping)
        at = from_ms(file.status().st_mtime_ns // 1_000_000)
        return Chunk(self.origin, self._spot.text(), at, [line for line in lines if line])


_LOST = (
    "what was written after it, if anything, is not to be found, neither here nor in a rotated log beside it:"
    " if it is elsewhere, `postroad import` takes it in"
)


def _signature(file: LogFile) -> tuple[int, ...]:
    status = file.status()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _holding(paths: Iterable[Path], spot: Spot) -> Iterator[LogFile]:
    for path in paths:
        try:
            file = LogFile(path)
        except OSError:
            continue
        if file.holds(spot):
            yield file
        else:
            file.close()


def _taken(block: bytes, limit: int, *, skipping: bool) -> tuple[int, list[bytes], bool]:
    """How much of a block is taken, the lines in it, and whether a line goes on of which no more is wanted."""
    end = block.rfind(b"\n") + 1
    if skipping:
        start = block.find(b"\n") + 1
        return (start, [], False) if start else (len(block), [], True)
    if end:
        lines = block[:end].split(b"\n", limit)[:limit]
        return min(sum(map(len, lines)) + len(lines), end), lines, False
    # A writer that does not append leaves a hole where its log was cut.
    hole = len(block) - len(block.lstrip(b"\0"))
    if len(block) < LONGEST_LINE or hole:
        return (hole if len(block) == LONGEST_LINE else 0), [], False
    return len(block), [block], True
