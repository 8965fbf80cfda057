"""Where unified lines go: standard output, a file, a log daemon.

The store owes the lines until they are paid, so that none is lost. Standard output and syslog cannot tell what they
got, so that after a crash they may get the last lines again; a file (see `filesink`) gets each line once.
"""

import socket
import sys
from collections.abc import Callable, Iterable
from datetime import tzinfo
from typing import BinaryIO, Protocol, TypeAlias

from postroad.instants import MONTHS, to_datetime

Render: TypeAlias = Callable[[str], str]

# RFC 5424, tables 1 and 2: facility mail, severity informational.
MAIL_INFO = 2 * 8 + 6
# The relay's own lines are in syslog already, and would come in again from there.
_OURS = "postfix/ses-events["
# How long a log daemon may make us wait.
PATIENCE_S = 5.0
_MONTH_NAMES = tuple(MONTHS)


class GoneError(Exception):
    """Nobody reads the lines any more, and nobody will."""


class Sink(Protocol):
    """Takes lines. Each method may raise OSError; after `close` it is stale."""

    def is_stale(self) -> bool:
        """Tell whether it must be opened before more is written."""

    def open(self, note: str | None) -> str | None:
        """Get ready, given what was noted last; gives what to note before anything is written."""

    def write(self, lines: list[str]) -> str | None:
        """Write lines; gives what to note when they are paid."""

    def reopen(self) -> None:
        """Become stale; a signal's handler may call it."""

    def close(self) -> None:
        """End."""


def traditional(line: str, zone: tzinfo) -> str:
    """Write a line's time as `Feb  5 04:07:36`."""
    at, _, rest = line.partition(" ")
    moment = to_datetime(at).astimezone(zone)
    return f"{_MONTH_NAMES[moment.month - 1]} {moment.day:2d} {moment:%H:%M:%S} {rest}"


def as_bytes(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


class Stdout:
    """Standard output."""

    def __init__(self, render: Render, stream: BinaryIO | None = None) -> None:
        """Write to `stream`, or to what is the standard output when it is written to."""
        self._render = render
        self._stream = stream

    def is_stale(self) -> bool:
        return False

    def open(self, note: str | None) -> str | None:
        return note

    def write(self, lines: list[str]) -> str | None:
        stream = self._stream or sys.stdout.buffer
        try:
            stream.write(as_bytes(map(self._render, lines)))
            stream.flush()
        except BrokenPipeError as error:
            raise GoneError("nobody reads the standard output any more") from error
        return None

    def reopen(self) -> None:
        pass

    def close(self) -> None:
        pass


class Syslog:
    """A log daemon, at its local socket or over UDP."""

    def __init__(self, address: str, form: str, zone: tzinfo) -> None:
        """Speak `rfc3164` or `rfc5424` to a socket's path or to `host:port`."""
        self._address = address
        self._zone = zone
        self._render = self._rfc5424 if form == "rfc5424" else self._rfc3164
        self._socket: socket.socket | None = None

    def is_stale(self) -> bool:
        return self._socket is None

    def open(self, note: str | None) -> str | None:
        self.close()
        connected = _connected(self._address)
        connected.settimeout(PATIENCE_S)
        self._socket = connected
        return note

    def write(self, lines: list[str]) -> str | None:
        if self._socket is None:
            raise OSError(0, "not open")
        for line in lines:
            at, host, tag, text = line.split(" ", 3)
            if tag.startswith(_OURS):
                self._socket.send(self._render(at, host, tag, text).encode("utf-8", "replace"))
        return None

    def _rfc3164(self, at: str, host: str, tag: str, text: str) -> str:
        # A local socket's protocol has no host: the daemon knows where it is.
        said = f"{at} {tag} {text}" if self._address.startswith("/") else f"{at} {host} {tag} {text}"
        return f"<{MAIL_INFO}>{traditional(said, self._zone)}"

    @staticmethod
    def _rfc5424(at: str, host: str, tag: str, text: str) -> str:
        name, _, process = tag.removesuffix("]:").partition("[")
        return f"<{MAIL_INFO}>1 {at} {host} {name} {process} - - {text}"

    def reopen(self) -> None:
        pass

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def _connected(address: str) -> socket.socket:
    if address.startswith("/"):
        family, place = socket.AF_UNIX, address
    else:
        host, _, port = address.rpartition(":")
        family, _, _, _, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]  # type: ignore[assignment]
    found = socket.socket(family, socket.SOCK_DGRAM)
    try:
        found.connect(place)
    except OSError:
        found.close()
        raise
    return found
