"""What was worked out once and will be asked for again."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

# More than a busy second's writers, few enough to be no burden.
_MOST = 4096


class Remembered(dict[str, T], Generic[T]):
    """What a function made of a text; a lookup costs half of lru_cache's."""

    def __init__(self, work: Callable[[str], T]) -> None:
        super().__init__()
        self._work = work

    def __missing__(self, text: str) -> T:
        if len(self) >= _MOST:
            self.clear()
        self[text] = found = self._work(text)
        return found
