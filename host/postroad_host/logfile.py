"""A log file as it is found again: by its inode, and by its first bytes where the inode is another one.

A rotated log keeps its inode until it is compressed; a copied (copytruncate) or compressed one keeps its beginning.
"""

import bz2
import gzip
import json
import lzma
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterator
from hashlib import blake2b
from math import inf
from pathlib import Path
from typing import IO, NamedTuple, Self

OPENERS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}  # type: ignore[dict-item]
# What the decompressors raise for a file that is damaged, or not yet written to its end.
_DAMAGED = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)
# A log that begins with the same stamps, hosts and ids this far is the same log.
HEAD = 1024
# What rotation puts behind the name (`mail.log.1.gz`), or before its suffix (`mail-20260225.log`).
_COMPRESSED = r"(?:\.(?:gz|bz2|xz))?"
_ROTATED = (
    re.compile(rf"(?P<name>.+?)[.-](?P<mark>\d[\dT:._-]*|old)(?P<suffix>){_COMPRESSED}"),
    re.compile(rf"(?P<name>.+?)[.-](?P<mark>\d[\dT:._-]*)(?P<suffix>\.[A-Za-z]\w*){_COMPRESSED}"),
)
_LONGEST_COUNT = 4


class Spot(NamedTuple):
    """A place in a file that may have another name, or other contents, when it is looked for again."""

    device: int
    inode: int
    offset: int
    head: str = ""  # a digest of what the file begins with, up to HEAD or the offset
    skipping: bool = False  # in the middle of a line of which no more is wanted

    def text(self) -> str:
        return json.dumps(self, separators=(",", ":"))

    @classmethod
    def of(cls, text: str) -> Self:
        return cls(*json.loads(text))


class LogFile:
    """An open file; a compressed one reads as what it holds."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises OSError, also for what is no regular file (opening a pipe would wait for its writer)."""
        self.path = path
        raw = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0)
        self._status = os.fstat(raw.fileno())
        if not stat.S_ISREG(self._status.st_mode):
            raw.close()
            raise OSError(0, "not a regular file")
        self.compressed = path.suffix in OPENERS
        self._raw: IO[bytes] = raw
        self._content = OPENERS[path.suffix](self._raw) if self.compressed else self._raw

    @property
    def identity(self) -> tuple[int, int]:
        return self._status.st_dev, self._status.st_ino

    def status(self) -> os.stat_result:
        return os.fstat(self._raw.fileno())

    def read(self, offset: int, size: int) -> bytes:
        """Read up to `size` bytes; what is damaged or cut ends there."""
        try:
            self._content.seek(offset)
            return self._content.read(size)
        except _DAMAGED:
            return b""

    def spot(self, offset: int, *, skipping: bool = False) -> Spot:
        return Spot(*self.identity, offset, self.head(offset), skipping)

    def moved(self, spot: Spot, taken: int, *, skipping: bool = False) -> Spot:
        """The spot that many bytes further on; the head is read again only while it grows."""
        offset = spot.offset + taken
        head = spot.head if spot.offset >= HEAD else self.head(offset)
        return Spot(*self.identity, offset, head, skipping)

    def head(self, offset: int) -> str:
        return blake2b(self.read(0, min(offset, HEAD)), digest_size=12).hexdigest() if offset else ""

    def holds(self, spot: Spot) -> bool:
        """Tell whether this file, whatever it is called by now, is the one in which the spot was noted."""
        if not spot.offset:
            return self.identity == (spot.device, spot.inode)
        return self.head(spot.offset) == spot.head and len(self.read(spot.offset - 1, 1)) == 1

    def is_still(self, spot: Spot, read: int = 0) -> bool:
        """Tell whether the file was not cut and written anew, before or while that much was read behind the spot."""
        return self.compressed or (
            self.status().st_size >= spot.offset + read and self.head(spot.offset) == spot.head
        )

    def close(self) -> None:
        self._content.close()
        self._raw.close()


class Rotated(NamedTuple):
    """A log under the name that rotation gave it; sorts by age, the oldest first."""

    mtime: int
    rank: float
    path: Path
    identity: tuple[int, int]


def rotated(live: Path) -> list[Rotated]:
    """Find the rotated logs beside the live one, the oldest first."""
    return sorted(_rotated(live))


def _rotated(live: Path) -> Iterator[Rotated]:
    try:
        beside = list(os.scandir(live.parent))
    except OSError:
        return
    for entry in beside:
        rank = dict(marks(entry.name)).get(live.name)
        if rank is not None and entry.is_file():
            status = entry.stat()
            yield Rotated(status.st_mtime_ns, rank, live.parent / entry.name, (status.st_dev, status.st_ino))


def marks(name: str) -> Iterator[tuple[str, int]]:
    """If this is a rotated log: the names that the live one may have, and its order among those of one time."""
    for found in filter(None, (pattern.fullmatch(name) for pattern in _ROTATED)):
        yield found["name"] + found["suffix"], _rank(re.sub(r"\D", "", found["mark"]))


def _rank(digits: str) -> int:
    """Make `.2` come before `.1`, and an earlier date before a later one."""
    return int(digits) if len(digits) > _LONGEST_COUNT else -int(digits or "1")


def newer(siblings: list[Rotated], file: LogFile) -> list[Rotated]:
    """Those that were written to after this file was, the oldest first."""
    rank = next((one.rank for one in siblings if one.identity == file.identity), inf)
    bound = (file.status().st_mtime_ns, rank)
    return [one for one in siblings if (one.mtime, one.rank) > bound and one.identity != file.identity]
