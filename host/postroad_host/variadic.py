"""Options that take several values, `--relay-log mail.log mail.log.1`, as a shell's globs give them."""

from collections.abc import Iterator, Sequence
from typing import Any

import click


class VariadicCommand(click.Command):
    """A command some of whose options go on until the next option."""

    def __init__(self, *args: Any, variadic: Sequence[str], **kwargs: Any) -> None:  # noqa: ANN401 - click's signature
        """Name the options that are `multiple` and may be given several values at once."""
        super().__init__(*args, **kwargs)
        self._variadic = variadic

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before each of its further values, and leave the rest to click."""
        return super().parse_args(ctx, list(self._repeated(args)))

    def _repeated(self, args: list[str]) -> Iterator[str]:
        option, given = "", 0
        for arg in args:
            if arg.startswith("-") and arg != "-":
                option, given = (arg if arg in self._variadic else ""), 0
            elif option:
                if given:
                    yield option
                given += 1
            yield arg
