"""The `postroad` command: data on stdout, notes on stderr; exit 0, 1 where something failed, 2 for misuse.

Whatever is heavy is imported by the commands that need it: all of it together took 0.7 s of each start.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from postroad.api_auth import SCOPES
from postroad.instants import Instant
from postroad.lifecycle import State
from postroad_host import options, output, values
from postroad_host.answers import Desk, NotAnsweredError, RemoteError
from postroad_host.asking import asks, opened
from postroad_host.asking import database as _database
from postroad_host.clock import now
from postroad_host.files import DAMAGED, reason
from postroad_host.files import opened as opened_file
from postroad_host.variadic import VariadicCommand

T = TypeVar("T")


class _Command(click.Group):
    """The command as a whole: every error is one sentence."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        # 35 ms, without which `--help` and `--version` end.
        from postroad.store.sqlite_schema import StoreError  # noqa: PLC0415

        try:
            found = super().invoke(ctx)
            # A full disk may show only now.
            click.echo(nl=False)
        except (StoreError, RemoteError) as error:
            _end(ctx, str(error), 1)
        except NotAnsweredError as error:
            _end(ctx, str(error), 2)
        except BrokenPipeError:
            # The reader has had enough: `postroad export | head`.
            _drop_stdout()
            ctx.exit(0)
        except OSError as error:
            _drop_stdout()
            _end(ctx, f"{error.filename or 'standard output'}: {reason(error)}", 1)
        return found


def _end(ctx: click.Context, error: str, exit_code: int) -> NoReturn:
    click.echo(f"postroad: {error}", err=True)
    ctx.exit(exit_code)


def _drop_stdout() -> None:
    """Let nothing more be flushed to where nothing can be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=_Command, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="postroad")
def cli() -> None:
    """What happened to the mail for this person?

    Joins a Postfix relay's log with what Amazon SES says of the same messages.
    """


@cli.command(
    "import",
    cls=VariadicCommand,
    variadic=("--relay-log", "--ses-events"),
    epilog="Example: postroad import --relay-log /var/log/mail.log* --ses-events events.jsonl.gz",
)
@_database
@click.option(
    "--relay-log", "logs", multiple=True, metavar="FILE...", help="Postfix logs; plain, gz, bz2, xz, or -."
)
@click.option(
    "--ses-events", "events", multiple=True, metavar="FILE...", help="SES events, one JSON document a line."
)
@options.zone
@click.option(
    "--dated",
    type=options.Moment(),
    help="When the logs were written, for stamps without a year [default: the file's date].",
)
def import_(
    database: str, logs: Sequence[str], events: Sequence[str], zone: str, dated: Instant | None
) -> None:
    """Fill the store from files; doing it again changes nothing."""
    if not (logs or events):
        message = "nothing to import: name files with --relay-log or --ses-events"
        raise click.UsageError(message)
    if [*logs, *events].count("-") > 1:
        message = "standard input (-) can be read only once: name it once"
        raise click.UsageError(message)
    # 100 ms: the parsers and the store.
    from postroad.store.sqlite import SQLiteStore  # noqa: PLC0415
    from postroad_host.backfill import Backfill  # noqa: PLC0415

    with SQLiteStore(database, durable=False) as store:
        backfill = Backfill(store, zone=_zone(zone), dated=dated)
        backfill.run([("relay", name) for name in logs] + [("ses", name) for name in events])
    click.echo(backfill.summary(), err=True)
    sys.exit(backfill.exit_code)


def _zone(name: str) -> tzinfo:
    try:
        return values.zone(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--zone") from error


@cli.command(epilog="Example: postroad find anna@example.com --since 7d")
@click.argument("address")
@asks
@options.window
@options.state
@options.shape
def find(
    *,
    address: str,
    desk: Desk,
    since: Instant | None,
    until: Instant | None,
    state: State | None,
    shape: str | None,
) -> None:
    """What happened to the mail for this person, and why, the newest first."""
    found = desk.of_address(address, since, until)
    told = output.journeys((one for one in found if state is None or one["state"] == state.word), shape)
    _say_if_nothing(told, f"no mail for {address} is known here")


@cli.command(epilog="Example: postroad show 4jXH0q03gszLdBG")
@click.argument("identifier", metavar="ID")
@asks
@click.option("--json", "shape", flag_value="json", help="One JSON document a line.")
def show(identifier: str, desk: Desk, shape: str | None) -> None:
    """How far the mail behind an SES id, a queue id or a Message-ID came, why, and its timeline with the evidence."""
    told = output.timelines(desk.of_id(identifier), shape)
    _say_if_nothing(told, f"{identifier} is not known here: give an SES id, a queue id or a Message-ID")


@cli.command(epilog="Example: postroad export --since 2026-02-01 --until 2026-03-01 --csv > february.csv")
@_database
@options.window
@options.state
@options.shape
def export(
    database: str, since: Instant | None, until: Instant | None, state: State | None, shape: str | None
) -> None:
    """Every journey, the oldest first; JSON lines unless --csv."""
    # 50 ms.
    from postroad.search import Search  # noqa: PLC0415
    from postroad_host import questions  # noqa: PLC0415

    with opened(database) as store:
        found = questions.every(Search(store, now()), store, since, until)
        output.exported((one for one in found if state in (None, one.state)), shape or "json")


@cli.command(epilog="Example: postroad lines --since 24h | grep anna@example.com")
@_database
@options.window
@click.option(
    "--timestamps", type=click.Choice(["rfc3339", "traditional"]), default="rfc3339", show_default=True
)
def lines(database: str, since: Instant | None, until: Instant | None, timestamps: str) -> None:
    """Every unified line of the store, the oldest first."""
    # As in `export`.
    from postroad_host import questions  # noqa: PLC0415

    with opened(database) as store:
        for line in questions.lines(store, since, until, traditional=timestamps == "traditional"):
            click.echo(line)


@cli.command(epilog="Example: postroad problems --since 24h")
@asks
@click.option(
    "--bad-input", is_flag=True, help="List the inputs that were refused, with the reason, instead."
)
@options.since_a_week
@options.shape
def problems(desk: Desk, *, bad_input: bool, since: Instant, shape: str | None) -> None:
    """What bounced, waits, was refused or complained of, and why, the newest first."""
    if bad_input:
        _say_if_nothing(output.refused(desk.refused(since), shape), "none")
    else:
        _say_if_nothing(output.journeys(desk.problems(since), shape), "none")


@cli.command(epilog="Example: postroad summary --since 30d")
@asks
@options.since_a_week
@click.option(
    "--until", type=options.Moment(), help="Before this time; a day means its beginning [default: now]."
)
@click.option("--json", "shape", flag_value="json", help="One JSON document.")
def summary(desk: Desk, since: Instant, until: Instant | None, shape: str | None) -> None:
    """How much mail came to what: counts, rates and latency by day, sender domain and receiving provider."""
    output.summary(desk.summary(since, until), shape)


@cli.command(epilog="Example: postroad parse --json /var/log/mail.log")
@click.argument("file")
@click.option("--json", "shape", flag_value="json", help="One JSON document a line.")
@options.zone
def parse(file: str, shape: str | None, zone: str) -> None:
    """What each input line says, without a store. FILE may be compressed, and is - for standard input."""
    # 60 ms: the parsers.
    from postroad_host.parsing import parsed  # noqa: PLC0415

    try:
        source = opened_file(file)
    except OSError as error:
        message = f"{file}: {reason(error)}: name a file that can be read"
        raise click.UsageError(message) from error
    with source.raw:
        output.parsed(_undamaged(parsed(source, _zone(zone)), file), shape)


def _undamaged(found: Iterable[T], name: str) -> Iterator[T]:
    """All that was read before a file's damaged place."""
    try:
        yield from found
    except DAMAGED as error:
        raise click.ClickException(f"{name}: {reason(error)}: what came before is shown") from error


@cli.command(epilog="Example: postroad run --config /etc/postroad.toml")
@click.option("--config", "path", type=options.FILE, help="A TOML file [default: postroad.toml].")
@click.option(
    "--sample",
    type=options.FOLDER,
    help="Instead: feed the sample in this folder (events/), as if it happened now.",
)
@click.option(
    "--port",
    type=click.IntRange(0, values.HIGHEST_PORT),
    help="Where the sample's page answers; 0 takes any free port [default: 8025].",
)
def run(path: Path | None, sample: Path | None, port: int | None) -> None:
    """Run the service: follow logs and events, write unified lines, serve the page and the API."""
    # 575 ms: the API and the settings' models.
    from postroad_host import config, service  # noqa: PLC0415

    if sample is not None:
        _run_sample(sample, config.SearchAddress().port if port is None else port)
    if port is not None:
        message = "--port is for --sample: a config file has it as search.port"
        raise click.UsageError(message)
    try:
        settings = config.load(path or Path("postroad.toml"))
    except config.ConfigError as error:
        raise click.UsageError(str(error)) from error
    sys.exit(service.run(settings))


def _run_sample(shipped: Path, port: int) -> NoReturn:
    # As in `run`.
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from postroad_host import service  # noqa: PLC0415
    from postroad_host.sample import Sample  # noqa: PLC0415

    with TemporaryDirectory(prefix="postroad-") as folder:
        try:
            sample = Sample(shipped, Path(folder))
        except OSError as error:
            message = (
                f"{error.filename}: {error.strerror}: --sample takes the folder events/ of Postroad's source"
            )
            raise click.UsageError(message) from error
        sample.start()
        sys.exit(service.run(sample.settings(Path(folder) / "postroad.db", port)))


@cli.command(
    epilog='Example: postroad token "Ann, support" --file /etc/postroad/tokens --scope read --days 90'
)
@click.argument("name")
@click.option(
    "--file",
    "path",
    type=options.FILE,
    required=True,
    help="The service's search.token_file; made if missing.",
)
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    required=True,
    help="What it allows; may be given again. read.masked: addresses and subjects hidden.",
)
@click.option(
    "--days", type=click.IntRange(1, 36500), help="How long it lasts [default: until its line is removed]."
)
def token(name: str, path: Path, scopes: Sequence[str], days: int | None) -> None:
    """Make a token for somebody who asks the page or the API; it is shown once, the file keeps its hash."""
    # 10 ms.
    from postroad_host import tokens  # noqa: PLC0415

    try:
        made = tokens.make(path, name, frozenset(scopes), days)
    except (ValueError, tokens.TokensError) as error:
        raise click.UsageError(str(error)) from error
    click.echo(made)
    click.echo(f"postroad: this is shown once; to revoke it remove its line from {path}", err=True)


def _say_if_nothing(told: int, note: str) -> None:
    if not told:
        click.echo(f"postroad: {note}", err=True)


def main() -> None:
    """Run the command."""
    cli()
