"""The service's settings: one TOML file, read once, refused as a whole with every mistake named by its key.

`postroad.example.toml`, beside this file, documents each key.
"""

import json
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import reduce
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from postroad_host.values import HIGHEST_PORT

UTC = ZoneInfo("UTC")
# SQS waits no longer.
LONGEST_WAIT_S = 20


class ConfigError(Exception):
    """The settings cannot be used; the message has a line for each mistake, with its key and its fix."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _listening(host: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    try:
        ip_address(host)
    except ValueError as error:
        raise ValueError(f"{host} is no IP address: use 127.0.0.1, or an address of this machine") from error
    return host


def _syslog_address(address: str) -> str:
    host, colon, port = address.rpartition(":")
    if not (
        address.startswith("/") or (host and colon and port.isdecimal() and 0 < int(port) <= HIGHEST_PORT)
    ):
        raise ValueError("give a socket such as /dev/log, or host:port for UDP such as 127.0.0.1:514")
    return address


Text: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
Place: TypeAlias = Annotated[Path, AfterValidator(Path.expanduser)]
Seconds: TypeAlias = Annotated[int, Field(ge=0, le=7 * 24 * 3600)]


class RelayLogs(_Section):
    """The relay's logs."""

    paths: tuple[Place, ...] = ()
    time_zone: ZoneInfo = UTC


class Sqs(_Section):
    """A queue that a configuration set's events arrive in; credentials come from the usual places of AWS's tools."""

    queue_url: Annotated[str, StringConstraints(pattern=r"^https?://.+/.+")]
    region: Text | None = None
    endpoint_url: Annotated[str, StringConstraints(pattern=r"^https?://.+")] | None = None
    wait_seconds: Annotated[int, Field(ge=0, le=LONGEST_WAIT_S)] = LONGEST_WAIT_S
    max_batches: Annotated[int, Field(ge=1, le=100)] = 10


class SesEvents(_Section):
    """SES's events."""

    paths: tuple[Place, ...] = ()
    relay_hosts: tuple[Text, ...] = ()
    sqs: Sqs | None = None


class _Lines(_Section):
    timestamps: Literal["rfc3339", "traditional"] = "rfc3339"


class StdoutLines(_Lines):
    """Unified lines on the standard output."""

    to: Literal["stdout"] = "stdout"


class FileLines(_Lines):
    """Unified lines at the end of a file."""

    to: Literal["file"]
    path: Place


class SyslogLines(_Section):
    """Unified lines to the machine's log daemon, or to another one's; the format says what the stamps are."""

    to: Literal["syslog"]
    address: Annotated[str, AfterValidator(_syslog_address)] = "/dev/log"
    format: Literal["rfc3164", "rfc5424"] = "rfc3164"


UnifiedLines: TypeAlias = Annotated[StdoutLines | FileLines | SyslogLines, Field(discriminator="to")]


class SearchAddress(_Section):
    """Where the search answers, and whom."""

    host: Annotated[str, AfterValidator(_listening)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=HIGHEST_PORT)] = 8025
    names: tuple[Text, ...] = ()
    token_file: Place | None = None
    proxy_header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")] | None = None
    proxy_scopes: tuple[Literal["read", "read.masked", "suppressions.write"], ...] = ("read",)
    open_to_this_machine: bool = True

    @property
    def is_open(self) -> bool:
        """Tell whether programs on this machine may search without a token.

        Unless it was asked for, not where tokens are kept or a proxy is spoken of: what one passes on comes from here.
        """
        is_by_itself = self.token_file is None and self.proxy_header is None and not self.names
        return self.open_to_this_machine and (is_by_itself or "open_to_this_machine" in self.model_fields_set)

    @model_validator(mode="after")
    def _is_closed_behind_a_proxy(self) -> Self:
        if self.is_open and self.proxy_header is not None:
            raise ValueError(
                "open_to_this_machine lets in whoever the proxy passes on: remove it, or proxy_header"
            )
        return self

    @model_validator(mode="after")
    def _asks_for_a_token(self) -> Self:
        if self.token_file is None and not ip_address(self.host).is_loopback:
            raise ValueError(
                f"{self.host} can be reached from other machines: set search.token_file, or use 127.0.0.1"
            )
        return self


class Settings(_Section):
    """All of it."""

    database: Place
    relay_logs: RelayLogs = RelayLogs()
    ses_events: SesEvents = SesEvents()
    unified_lines: UnifiedLines = StdoutLines()
    search: SearchAddress = SearchAddress()
    unclaimed_after_seconds: Seconds = 120
    retention_days: Annotated[int, Field(ge=1, le=36500)] = 400
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 2000

    @model_validator(mode="after")
    def _reads_something(self) -> Self:
        if not (self.relay_logs.paths or self.ses_events.paths or self.ses_events.sqs):
            raise ValueError(
                "there is nothing to read: set relay_logs.paths, ses_events.paths or ses_events.sqs.queue_url"
            )
        return self

    @model_validator(mode="after")
    def _reads_not_what_it_writes(self) -> Self:
        written = self.unified_lines.path if isinstance(self.unified_lines, FileLines) else None
        read = (*self.relay_logs.paths, *self.ses_events.paths)
        if written is not None and any(_covers(path, written) for path in read):
            raise ValueError(
                "unified_lines.path is among the inputs, so that the service would read what it writes: write elsewhere"
            )
        return self


def _covers(pattern: Path, path: Path) -> bool:
    return fnmatch(str(path), str(pattern)) or pattern == path.parent


def load(path: Path) -> Settings:
    """Read the settings from a file; relative paths in it start at its directory. Raises ConfigError."""
    try:
        written = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}: name a file that can be read with --config") from error
    except ValueError as error:
        raise ConfigError(f"{path}: this is not TOML: {error}") from error
    try:
        return _at(path.parent, settings(written))
    except ValidationError as error:
        raise ConfigError(
            "\n".join(f"{path.name}: {mistake}" for mistake in _mistakes(error, written))
        ) from error


def settings(written: dict[str, Any]) -> Settings:
    """Check what a file says. Raises pydantic's ValidationError."""
    lines = written.get("unified_lines")
    if isinstance(lines, dict):
        lines.setdefault("to", StdoutLines().to)
    # By way of JSON, whose strict mode takes a text for a path, a list for a tuple, and else what was asked for.
    return Settings.model_validate_json(json.dumps(written, default=str), strict=True)


def _at(directory: Path, found: Settings) -> Settings:
    def placed(paths: tuple[Path, ...]) -> tuple[Path, ...]:
        return tuple(directory / path for path in paths)

    lines = found.unified_lines
    tokens = found.search.token_file
    return found.model_copy(
        update={
            "search": found.search.model_copy(update={"token_file": tokens and directory / tokens}),
            "database": directory / found.database,
            "relay_logs": found.relay_logs.model_copy(update={"paths": placed(found.relay_logs.paths)}),
            "ses_events": found.ses_events.model_copy(update={"paths": placed(found.ses_events.paths)}),
            "unified_lines": lines.model_copy(update={"path": directory / lines.path})
            if isinstance(lines, FileLines)
            else lines,
        }
    )


# What pydantic calls a mistake, and what to do about it, where its own words do not say that.
_FIXES = {
    "missing": "this key is needed: set it",
    "extra_forbidden": "there is no such key: see postroad.example.toml for those that there are",
    "union_tag_invalid": 'choose "stdout", "file" or "syslog"',
    "string_pattern_mismatch": "give a URL that begins with https://",
    "zoneinfo_str": 'there is no such time zone: use a name such as "UTC" or "Europe/Berlin"',
}


def _mistakes(error: ValidationError, written: dict[str, Any]) -> Iterator[str]:
    for one in error.errors(include_url=False, include_context=False):
        key = _key(one["loc"], written)
        if one["type"].startswith("union_tag"):
            key += ".to"
        said = _FIXES.get(one["type"]) or one["msg"].removeprefix("Value error, ")
        yield f"{key}: {said}" if key else said


def _key(places: tuple[int | str, ...], written: dict[str, Any]) -> str:
    """The key as the file has it: without the variant's name that pydantic puts in between, list places in brackets."""
    named = [place for number, place in enumerate(places) if place != _variant(places[:number], written)]
    return reduce(
        lambda path, place: f"{path}[{place}]" if isinstance(place, int) else f"{path}.{place}", named, ""
    )[1:]


def _variant(places: tuple[int | str, ...], written: dict[str, Any]) -> object:
    return written["unified_lines"].get("to", "stdout") if places == ("unified_lines",) else None
