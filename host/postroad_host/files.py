"""Files to fill a store from: plain or compressed, by what they begin with, and standard input."""

import bz2
import gzip
import lzma
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BufferedIOBase, BufferedReader, FileIO
from itertools import chain
from typing import Any, NamedTuple

from postroad.instants import Instant, from_datetime

# What a decompressor raises where a file ends too early or is damaged.
DAMAGED = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, OSError)
LONGEST_LINE = 4 << 20
_BLOCK = 1 << 18
_STDIN = 0
_MAGIC: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}


class Source(NamedTuple):
    """An open file: `raw` is where a progress bar reads how far it is, `size` is None for a pipe."""

    stream: BufferedIOBase
    raw: BufferedIOBase
    size: int | None
    dated: Instant | None


def opened(name: str) -> Source:
    """Open a file, or standard input for `-`. Raises OSError."""
    raw = BufferedReader(FileIO(_STDIN, closefd=False) if name == "-" else FileIO(name))
    begins = raw.peek(6)
    opener = next((opener for magic, opener in _MAGIC.items() if begins.startswith(magic)), None)
    stream = opener(raw) if opener else raw
    status = os.fstat(raw.fileno())
    if not stat.S_ISREG(status.st_mode):
        return Source(stream, raw, None, None)
    return Source(stream, raw, status.st_size, from_datetime(datetime.fromtimestamp(status.st_mtime, UTC)))


def lines_in(stream: BufferedIOBase) -> Iterator[bytes]:
    """The lines of `blocks_in`, one by one."""
    return chain.from_iterable(blocks_in(stream))


def blocks_in(stream: BufferedIOBase) -> Iterator[list[bytes]]:
    """Lines without their ends by the block, split at line feeds only; of one longer than LONGEST_LINE, its beginning.

    What follows in such a line must not be taken for a line of its own.
    """
    rest, is_cut = b"", False
    # read1, because read would throw away what a damaged file held before its damage.
    while block := stream.read1(_BLOCK):
        *whole, rest = (rest + block).split(b"\n")
        yield whole[is_cut:]
        is_cut = is_cut and not whole
        if is_cut:
            rest = b""
        elif len(rest) > LONGEST_LINE:
            yield [rest]
            rest, is_cut = b"", True
    if rest:
        yield [rest]


def reason(error: Exception) -> str:
    """What went wrong with a file, without the number and the name."""
    return getattr(error, "strerror", None) or str(error)
