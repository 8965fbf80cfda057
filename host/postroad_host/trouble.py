"""What goes wrong while the service runs: told once when it begins, and once when it is over."""

import os
from collections.abc import Callable
from typing import TypeAlias

Echo: TypeAlias = Callable[[str], None]


class Troubles:
    """Remembers what was told of each subject, so that a trouble that lasts is one line and not a flood."""

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._told: dict[str, str] = {}

    def begins(self, subject: str, trouble: str) -> None:
        """Tell a trouble, unless it was told last."""
        if self._told.get(subject) != trouble:
            self._told[subject] = trouble
            self._echo(f"{subject}: {trouble}")

    def ends(self, subject: str) -> None:
        """Tell that a trouble is over, if there was one."""
        if self._told.pop(subject, None) is not None:
            self._echo(f"{subject}: works again")


def reason(error: OSError) -> str:
    """An operating system's error in its own words, without the number."""
    # A library may have added to the text, and a resolver has numbers of its own, below zero.
    number = error.errno or 0
    return os.strerror(number) if number > 0 else error.strerror or str(error)
