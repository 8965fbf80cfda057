"""The options that several commands have, and the types of their values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from postroad.instants import Instant
from postroad.lifecycle import BY_WORD, State
from postroad_host.clock import moment


class Moment(click.ParamType[Instant]):
    """A time, as `clock.moment` reads it."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Instant:  # noqa: ANN401 - click's signature
        try:
            return moment(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class StateWord(click.ParamType[State]):
    """A state by its word."""

    name = "state"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> State:  # noqa: ANN401 - click's signature
        try:
            return value if isinstance(value, State) else BY_WORD[value]
        except KeyError:
            self.fail(f"{value!r} is no state; there are {', '.join(BY_WORD)}", param, ctx)


FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _together(*decorators: Decorator) -> Decorator:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


window = _together(
    click.option(
        "--since",
        type=Moment(),
        help="From this time on (UTC): 2026-02-25, 2026-02-25T10:00, 24h, 7d.",
    ),
    click.option("--until", type=Moment(), help="Before this time; a day means its beginning."),
)
since_a_week = click.option(
    "--since", type=Moment(), default="7d", show_default=True, help="From this time on."
)
state = click.option("--state", type=StateWord(), help=f"Only those that stand here: {', '.join(BY_WORD)}.")
shape = _together(
    click.option("--json", "shape", flag_value="json", help="One JSON document a line."),
    click.option("--csv", "shape", flag_value="csv", help="Comma-separated values, with a header."),
)
zone = click.option(
    "--zone", default="UTC", show_default=True, help="Time zone of log stamps that name none."
)
