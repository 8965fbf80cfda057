"""Pays what the store owes: unified lines go to the sink, and are struck off when they have gone."""

from time import monotonic

from postroad.store.sqlite import SQLiteStore
from postroad.store.sqlite_ledger import OUTBOX
from postroad_host.config import FileLines, Settings, SyslogLines
from postroad_host.filesink import File
from postroad_host.sinks import Render, Sink, Stdout, Syslog, traditional
from postroad_host.trouble import Troubles, reason

AT_ONCE = 1000
# The pause after a sink failed.
PAUSE_S = 2.0


class Outbox:
    """Goes between the store and the sink; a sink that fails keeps nothing else waiting."""

    def __init__(self, store: SQLiteStore, sink: Sink, troubles: Troubles) -> None:
        """Carry lines from `store` to `sink`."""
        self._store = store
        self._sink = sink
        self._troubles = troubles
        self._written: tuple[int, str | None] | None = None
        self._not_before = 0.0

    def publish(self) -> bool:
        """Write some of what is owed; tells whether there may be more. Raises StoreError and GoneError."""
        if monotonic() < self._not_before:
            return False
        try:
            more = self._publish()
        except OSError as error:
            self._fail(error)
            return False
        self._troubles.ends("unified lines")
        return more

    def _publish(self) -> bool:
        # Written, and the store then failed to say so: to say so again is all there is to do.
        if self._written:
            self._pay(*self._written)
        if self._sink.is_stale():
            self._store.paid(0, self._sink.open(self._store.position(OUTBOX)))
        owed = self._store.owed(AT_ONCE)
        if owed:
            self._written = owed[-1][0], self._sink.write([line for _, line in owed])
            self._pay(*self._written)
        return len(owed) == AT_ONCE

    def _pay(self, up_to: int, note: str | None) -> None:
        self._store.paid(up_to, note)
        self._written = None

    def _fail(self, error: OSError) -> None:
        self._sink.close()
        self._troubles.begins(
            "unified lines", f"cannot be written: {reason(error)}; they are kept, trying again"
        )
        self._not_before = monotonic() + PAUSE_S

    def reopen(self) -> None:
        self._sink.reopen()

    def close(self) -> None:
        self._sink.close()


def sink(settings: Settings) -> Sink:
    """Make the sink that the settings name."""
    lines, zone = settings.unified_lines, settings.relay_logs.time_zone
    if isinstance(lines, SyslogLines):
        return Syslog(lines.address, lines.format, zone)
    render: Render = (lambda line: traditional(line, zone)) if lines.timestamps == "traditional" else str
    return File(lines.path, render) if isinstance(lines, FileLines) else Stdout(render)
