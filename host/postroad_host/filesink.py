"""Unified lines at the end of a file, each once, whatever happens to the service.

What is paid is noted together with the file's size. After a crash, what stands behind that size is compared with what
is still owed, and only the rest is written, even from the middle of a line.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

from postroad_host.logfile import rotated
from postroad_host.sinks import Render, as_bytes

# More than this behind the noted size was not written by us.
_MOST_UNPAID = 16 * 1_048_576


class Note(NamedTuple):
    """A file, and its size up to which every line in it is paid."""

    device: int
    inode: int
    size: int


class File:
    """The end of a file. What stands there behind the noted size, if anything, is the beginning of what is owed."""

    def __init__(self, path: Path, render: Render) -> None:
        """Write to `path`, which is made when it is missing."""
        self._path = path
        self._render = render
        self._file: int | None = None
        self._unpaid = b""
        self._must_reopen = False

    def is_stale(self) -> bool:
        if self._file is None:
            return True
        # What was begun in a file is finished there, even if it was moved away meanwhile.
        return not self._unpaid and (self._must_reopen or not self._is_in_place(self._file))

    def _is_in_place(self, file: int) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(file))
        except FileNotFoundError:
            return False

    def open(self, note: str | None) -> str | None:
        self.close()
        self._must_reopen = False
        was = Note(*json.loads(note)) if note else None
        begun = next(filter(None, (_unpaid(path, was) for path in self._places(was))), None) if was else None
        if begun:
            self._file, self._unpaid = begun
            return note
        self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
        return self._note(self._file)

    def _places(self, was: Note) -> list[Path]:
        return [self._path, *(one.path for one in rotated(self._path) if one.identity == was[:2])]

    def _note(self, file: int) -> str:
        status = os.fstat(file)
        return json.dumps(Note(status.st_dev, status.st_ino, status.st_size - len(self._unpaid)))

    def write(self, lines: list[str]) -> str | None:
        if self._file is None:
            raise OSError(0, "not open")
        rest = self._unwritten(as_bytes(map(self._render, lines)))
        while rest:
            rest = rest[os.write(self._file, rest) :]
        return self._note(self._file)

    def _unwritten(self, owed: bytes) -> bytes:
        unpaid, self._unpaid = self._unpaid, b""
        if owed.startswith(unpaid):
            return owed[len(unpaid) :]
        if unpaid.startswith(owed):
            self._unpaid = unpaid[len(owed) :]
            return b""
        # Somebody else wrote there: better twice than not at all, and never in the middle of a line.
        return owed if unpaid.endswith(b"\n") else b"\n" + owed

    def reopen(self) -> None:
        self._must_reopen = True

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file, self._unpaid = None, b""


def _unpaid(path: Path, was: Note) -> tuple[int, bytes] | None:
    """Open the noted file, if this is it, and read what stands there that was not paid."""
    try:
        file = os.open(path, os.O_RDWR | os.O_APPEND)
    except FileNotFoundError:
        return None
    status = os.fstat(file)
    is_it = (status.st_dev, status.st_ino) == was[:2]
    if is_it and 0 < status.st_size - was.size <= _MOST_UNPAID:
        return file, os.pread(file, status.st_size - was.size, was.size)
    os.close(file)
    return None
