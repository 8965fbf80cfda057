"""Follows logs by name, glob and folder: new files are picked up, rotated ones are left to their live log."""

import json
from collections.abc import Callable, Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from postroad_host.follow import Chunk, Follower
from postroad_host.logfile import OPENERS, marks
from postroad_host.trouble import Troubles

# Files that are kept open although they say nothing; a folder may hold more than a process may open.
MOST_OPEN = 200
# Written under another name, and renamed once they are complete; or not meant to be read as they are.
_NOT_YET = (".tmp", ".part", ".swp", "~", ".zst", ".Z", *OPENERS)


class Tail:
    """Reads all the logs that its paths name, a piece of each in turn."""

    def __init__(
        self,
        paths: Iterable[Path],
        position: Callable[[str], str | None],
        troubles: Troubles,
        *,
        is_whole: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        """Follow what `paths` name, each from where `position` says it was left."""
        self._paths = tuple(paths)
        self._position = position
        self._troubles = troubles
        self._is_whole = is_whole
        self._followers: dict[Path, Follower] = {}

    def read(self, limit: int) -> Iterator[Chunk]:
        """Give the next lines of each log that has any."""
        current = self._current()
        for path in current:
            if path not in self._followers:
                self._followers[path] = self._follower(path)
        for path, follower in list(self._followers.items()):
            is_gone = path not in current
            # A file that was read, closed and deleted is no trouble.
            chunk = None if is_gone and not follower.is_open else follower.read(limit)
            if chunk:
                yield chunk
            elif is_gone:
                self._followers.pop(path).close()
            elif len(self._followers) > MOST_OPEN:
                follower.rest()

    def close(self) -> None:
        for follower in self._followers.values():
            follower.close()

    def _follower(self, path: Path) -> Follower:
        return Follower(path, self._position(str(path)), self._troubles, is_whole=self._is_whole)

    def _current(self) -> dict[Path, None]:
        """The logs that there are, each once; one that was named itself even where there is none yet."""
        return {path: None for named in self._paths for path in self._named(named)}

    def _named(self, named: Path) -> list[Path]:
        if not has_magic(str(named)) and not named.is_dir():
            return [named]
        # An absolute pattern, such as Path.glob refuses.
        found = live(glob(str(named / "*" if named.is_dir() else named)))  # noqa: PTH207
        if found:
            self._troubles.ends(str(named))
        else:
            self._troubles.begins(str(named), "there is no such file yet; looking again")
        return found


def live(names: Iterable[str]) -> list[Path]:
    """Of what a glob found, the logs that are written to: no rotated or unfinished ones, no folders."""
    paths = sorted(path for name in names if not name.endswith(_NOT_YET) and (path := Path(name)).is_file())
    known = set(paths)
    return [path for path in paths if not any(path.with_name(name) in known for name, _ in marks(path.name))]


def is_document(text: bytes) -> bool:
    """Tell whether a text without its line end is a whole JSON object: what is cut off never is."""
    if not text.rstrip().endswith(b"}"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
