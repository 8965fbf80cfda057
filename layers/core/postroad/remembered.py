"""What was worked out once and will be asked for again."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

# More than a busy second's writers, few enough to be no burden; no word that comes again is longer.
_MOST, _LONGEST = 4096, 256


class Remembered(dict[str, T], Generic[T]):
    """What a function made of a text; a lookup costs half of lru_cache's."""

    def __init__(self, work: Callable[[str], T]) -> None:
        super().__init__()
        self._work = work

    def __missing__(self, text: str) -> T:
        found = self._work(text)
        if len(text) <= _LONGEST:
            if len(self) >= _MOST:
                self.clear()
            self[text] = found
        return found
