"""Whom a command asks: this machine's store, a deployed stack, or an API."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from postroad_host.answers import Desk

if TYPE_CHECKING:
    from postroad.store.sqlite import SQLiteStore
    from postroad_host.remote import Api

DATABASE = "postroad.db"
TOKEN = "POSTROAD_TOKEN"  # noqa: S105 - where it is to be found
Command = Callable[..., Any]

database = click.option(
    "--db",
    "database",
    default=DATABASE,
    envvar="POSTROAD_DB",
    show_default=True,
    show_envvar=True,
    help="The store's file.",
)
_elsewhere = (
    click.option("--stack", metavar="NAME", help="Ask a deployed stack instead, with your AWS credentials."),
    click.option("--region", help="The stack's region [default: as the AWS tools have it]."),
    click.option(
        "--url", help=f"Ask an API instead: https://postroad.example.com, with the token in {TOKEN}."
    ),
)


def asks(command: Command) -> Command:
    """Give a command the `desk` that answers it, and close that afterwards."""

    @wraps(command)
    def asking(
        *, database: str, stack: str | None, region: str | None, url: str | None, **rest: object
    ) -> object:
        _is_one(stack, region, url)
        with _desk(database, stack, region, url) as desk:
            return command(desk=desk, **rest)

    decorated: Command = asking
    for option in (*reversed(_elsewhere), database):
        decorated = option(decorated)
    return decorated


def _is_one(stack: str | None, region: str | None, url: str | None) -> None:
    source = click.get_current_context().get_parameter_source("database")
    named = [source is ParameterSource.COMMANDLINE, stack is not None, url is not None]
    if sum(named) > 1:
        raise click.UsageError("only one can be asked: name one of --db, --stack and --url")
    if region is not None and stack is None:
        raise click.UsageError("--region is a stack's: name it with --stack")


@contextmanager
def _desk(database: str, stack: str | None, region: str | None, url: str | None) -> Iterator[Desk]:
    if stack is not None:
        # As in `_api`.
        from postroad_host import remote  # noqa: PLC0415

        with remote.stack(stack, region) as desk:
            yield desk
    elif url is not None:
        yield _api(url)
    else:
        # 85 ms, which the help does without.
        from postroad_host.desks import Machine  # noqa: PLC0415

        with opened(database) as store:
            yield Machine(store)


def _api(url: str) -> "Api":
    # 300 ms: the network and the models of its answers.
    from postroad_host import remote  # noqa: PLC0415

    try:
        address = remote.checked_url(url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from error
    try:
        token = remote.checked_token(os.environ.get(TOKEN, ""))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return remote.Api(address, token or None)


def opened(database: str) -> "SQLiteStore":
    """A store that must exist already."""
    if not Path(database).exists():
        message = f"{database} does not exist: name the store with --db, or fill it with `postroad import`"
        raise click.UsageError(message)
    # Of those 85 ms, 50.
    from postroad.store.sqlite import SQLiteStore  # noqa: PLC0415

    return SQLiteStore(database)
