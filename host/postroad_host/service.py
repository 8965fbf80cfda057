"""`postroad run`: reads what comes in, keeps it, tells it, answers searches, until it is told to end.

One loop does all the writing, so that there is one order of things: take inputs, keep them in one transaction, publish
what that made us owe. Only the wait for SQS and the search's answers have threads of their own.
"""

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from postroad import ingest
from postroad.api_wsgi import WsgiApi, nobody
from postroad.store.sqlite import SQLiteStore
from postroad.store.sqlite_schema import StoreError
from postroad.syslog import Carrier
from postroad_host.config import SearchAddress, Settings, Sqs
from postroad_host.outbox import Outbox, sink
from postroad_host.process import StartError, alone, signals
from postroad_host.sinks import GoneError
from postroad_host.tail import Tail, is_document
from postroad_host.tokens import Gate, TokenFile, TokensError, this_machine
from postroad_host.trouble import Echo, Troubles, reason
from postroad_host.web import Beside, Server, console, site
from postroad_host.writer import Delivery, Writer

if TYPE_CHECKING:
    from postroad_host.sqs import Receiver

# How long an idle service sleeps between two looks at its inputs.
IDLE_S = 0.25
# The pause after the store failed.
PAUSE_S = 2.0
# How often it looks for what is overdue, and for what is too old.
CLAIMS_S, RETENTION_S = 1.0, 3600.0
# A round takes milliseconds; one that takes longer than this is stuck.
STUCK_S = 60.0


def run(settings: Settings, echo: Echo | None = None) -> int:
    """Run the service until SIGINT or SIGTERM; returns the exit code."""
    tell = echo or _to_stderr
    try:
        with alone(settings.database), SQLiteStore.open(str(settings.database)) as store:
            service = Service(settings, store, tell)
            with signals(service):
                service.run()
    except (GoneError, StoreError, StartError) as error:
        tell(str(error))
        return 1
    return 0


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"postroad: {text}\n")
    sys.stderr.flush()


class Service:
    """Inputs, writer, outbox and search, and the round that they make."""

    def __init__(self, settings: Settings, store: SQLiteStore, echo: Echo) -> None:
        """Put it together; nothing is read or written before `run`."""
        self._settings = settings
        self._store = store
        self._echo = echo
        self._troubles = Troubles(echo)
        self._writer = Writer(
            store,
            unclaimed_after_seconds=settings.unclaimed_after_seconds,
            retention_days=settings.retention_days,
        )
        self._outbox = Outbox(store, sink(settings), self._troubles)
        self._logs = Tail(settings.relay_logs.paths, self._position, self._troubles)
        self._events = Tail(settings.ses_events.paths, self._position, self._troubles, is_whole=is_document)
        self._queue = _receiver(settings.ses_events.sqs, self._troubles)
        self._next_claims = self._next_retention = 0.0
        self._last_round = time.monotonic()
        self.is_ending = False

    def stop(self) -> None:
        """End after what is being kept."""
        self.is_ending = True

    def reopen(self) -> None:
        """Open the output anew."""
        self._outbox.reopen()

    def run(self) -> None:
        """Do rounds until `stop`. Raises StoreError where no retry will help, and GoneError."""
        with ExitStack() as stack:
            stack.callback(self._close)
            self._serve(stack)
            if self._queue:
                stack.callback(self._queue.stop)
                self._queue.start()
            while not self.is_ending:
                if not self._patiently(self._round):
                    time.sleep(IDLE_S)
                self._last_round = time.monotonic()
            self._patiently(self._publish_rest)

    def _serve(self, stack: ExitStack) -> None:
        where = self._settings.search
        gate = _gate(where)
        app = _site(self._store, self._is_alive, gate, self._settings)
        try:
            server = Server(app, where.host, where.port)
        except OSError as error:
            raise StartError(
                f"search.port: {where.host}:{where.port}: {reason(error)}: choose another port"
            ) from error
        stack.callback(server.stop)
        server.start()
        # What follows the # is sent to no server and stands in no log of one.
        self._echo(f"search at {server.url}/" + (f"#token={gate.session}" if gate.session else ""))

    def _is_alive(self) -> bool:
        return time.monotonic() - self._last_round < STUCK_S

    def _close(self) -> None:
        self._logs.close()
        self._events.close()
        self._outbox.close()

    # --- a round ---

    def _round(self) -> bool:
        """Look after everything once; tells whether there was anything to do."""
        took = [self._keep(delivery, stored) for delivery, stored in self._deliveries()]
        more = self._patiently(self._housekeep)
        return any(took) or more

    def _deliveries(self) -> Iterator[tuple[Delivery, Callable[[], None]]]:
        limit = self._settings.batch_size
        for chunk in self._logs.read(limit):
            carrier = Carrier(chunk.at, self._settings.relay_logs.time_zone)
            read = partial(ingest.relay, carrier=carrier, origin=chunk.origin)
            yield Delivery("relay", chunk.origin, chunk.lines, read, chunk.position), _nothing
        for chunk in self._events.read(limit):
            read = partial(ingest.ses, relays=self._settings.ses_events.relay_hosts, origin=chunk.origin)
            yield Delivery("ses", chunk.origin, chunk.lines, read, chunk.position), _nothing
        received = self._queue.take() if self._queue else None
        if received:
            read = partial(ingest.ses, relays=self._settings.ses_events.relay_hosts, origin=received.origin)
            yield Delivery("ses", received.origin, received.bodies, read), received.stored

    def _keep(self, delivery: Delivery, stored: Callable[[], None]) -> bool:
        def keep() -> bool:
            self._writer.keep(delivery)
            return True

        kept = not self.is_ending and self._patiently(keep)
        if kept:
            stored()
        return kept

    def _housekeep(self) -> bool:
        clock = time.monotonic()
        if clock >= self._next_claims:
            self._writer.give_up_waiting()
            self._next_claims = clock + CLAIMS_S
        if clock >= self._next_retention and not self._writer.forget():
            self._next_retention = clock + RETENTION_S
        return self._outbox.publish()

    def _publish_rest(self) -> bool:
        while self._outbox.publish():
            pass
        return False

    def _position(self, origin: str) -> str | None:
        return self._store.position(origin)

    # --- patience ---

    def _patiently(self, action: Callable[[], bool]) -> bool:
        """Do it, and again until the store takes it; False where the end came first. Nothing is lost meanwhile."""
        while True:
            try:
                done = action()
            except StoreError as error:
                if not _may_pass(error):
                    raise
                self._troubles.begins("database", f"{error}; waiting")
                if not self._pause():
                    return False
            else:
                self._troubles.ends("database")
                return done

    def _pause(self) -> bool:
        until = time.monotonic() + PAUSE_S
        while not self.is_ending and time.monotonic() < until:
            time.sleep(IDLE_S)
        return not self.is_ending


def _receiver(settings: Sqs | None, troubles: Troubles) -> "Receiver | None":
    if settings is None:
        return None
    # Half of the time that a start takes, for those who need it.
    from postroad_host.sqs import Receiver  # noqa: PLC0415

    return Receiver(settings, troubles)


def _may_pass(error: StoreError) -> bool:
    # A full disk, a lock and their kind; a damaged database stays damaged.
    return isinstance(error.__cause__, sqlite3.OperationalError)


def _nothing() -> None:
    pass


def _gate(where: SearchAddress) -> Gate:
    try:
        tokens = TokenFile(where.token_file) if where.token_file else None
    except TokensError as error:
        raise StartError(f"search.token_file: {error}") from error
    return Gate(tokens, proxy_header=where.proxy_header, proxy_scopes=frozenset(where.proxy_scopes))


def _site(store: SQLiteStore, is_alive: Callable[[], bool], gate: Gate, settings: Settings) -> WsgiApi:
    stem = settings.database.with_suffix("")
    beside = Beside(
        key=stem.with_name(f"{stem.name}-key"),
        audit=stem.with_name(f"{stem.name}-audit.jsonl"),
        console=console(),
    )
    names = tuple(name.lower() for name in settings.search.names)
    guests = this_machine if settings.search.is_open else nobody
    try:
        return site(store, is_alive, gate, beside, names, guests=guests)
    except OSError as error:
        raise StartError(f"{error.filename}: {reason(error)}: the search keeps its key there") from error
