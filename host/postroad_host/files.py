"""Files to fill a store from: plain or compressed, by what they begin with, and standard input."""

import bz2
import gzip
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NamedTuple, cast

from postroad.instants import Instant, from_datetime

# What a decompressor raises where a file ends too early or is damaged.
DAMAGED = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, OSError)
LONGEST_LINE = 4 << 20
_BLOCK = 1 << 18
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
    if name == "-":
        piped = cast("BufferedIOBase", sys.stdin.buffer)
        return Source(piped, piped, None, None)
    raw = Path(name).open("rb")  # noqa: SIM115 - closed by the caller, with the stream
    begins = raw.peek(6)
    opener = next((opener for magic, opener in _MAGIC.items() if begins.startswith(magic)), None)
    return Source(opener(raw) if opener else raw, raw, os.fstat(raw.fileno()).st_size, dated(raw))


def dated(stream: BufferedIOBase) -> Instant | None:
    """When a file was last written; None for a pipe."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return None
    return from_datetime(datetime.fromtimestamp(status.st_mtime, UTC)) if status.st_size else None


def lines_in(stream: BufferedIOBase) -> Iterator[bytes]:
    """Lines without their ends, split at line feeds only; one longer than LONGEST_LINE comes in pieces."""
    rest = b""
    # read1, because read would throw away what a damaged file held before its damage.
    while block := stream.read1(_BLOCK):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
        if len(rest) > LONGEST_LINE:
            yield rest
            rest = b""
    if rest:
        yield rest
