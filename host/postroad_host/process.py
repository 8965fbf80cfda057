"""The service as a process: one for a database, and what signals do to it."""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from typing import Protocol

from postroad_host.trouble import reason


class StartError(Exception):
    """The service cannot start; the message is one sentence that names the fix."""


@contextmanager
def alone(database: Path) -> Iterator[None]:
    """Keep a second service from the same database: both would read the same logs and publish the same lines."""
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise StartError(
            f"database: {database}: {reason(error)}: name a place where this user may write"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartError(
            f"another `postroad run` uses {database}: stop it, or name another database"
        ) from None
    else:
        yield
    finally:
        os.close(lock)


class Endable(Protocol):
    """What signals act upon."""

    is_ending: bool

    def stop(self) -> None: ...
    def reopen(self) -> None: ...


@contextmanager
def signals(service: Endable) -> Iterator[None]:
    """Let signals end the service, or make it open its output anew; a thread that is not the main one gets none."""
    if current_thread() is not main_thread():
        yield
        return

    def end(*_: object) -> None:
        if service.is_ending:
            # Everything is made to stand a sudden end.
            os._exit(1)
        service.stop()

    handlers = {signal.SIGINT: end, signal.SIGTERM: end, signal.SIGHUP: lambda *_: service.reopen()}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
