"""Feeds the shipped sample to the service as if it happened now: its log lines and SES events, moved to the present.

Everything that tells a time moves alike: the stamps of log lines, the times in events, and the time inside SES ids.
"""

import re
import time
from collections.abc import Iterator
from datetime import UTC, timedelta
from itertools import groupby
from pathlib import Path
from threading import Thread

from postroad import ingest
from postroad.instants import Instant, from_datetime, from_ms, to_datetime, to_ms
from postroad.syslog import Carrier
from postroad_host.clock import now
from postroad_host.config import RelayLogs, SearchAddress, SesEvents, Settings

# Nobody wants to wait for the minutes in which a real relay tries again.
LONGEST_PAUSE_S = 1.5
_STAMP_LENGTH = len("Feb 25 00:05:18")
_SES_ID_TIME = re.compile(r"(?<=\b0102)[0-9a-f]{12}(?=-[0-9a-f]{8}-)")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Sample:
    """The sample of a directory (`relay.log`, `ses-events.jsonl`), to be fed into another one."""

    def __init__(self, shipped: Path, into: Path) -> None:
        """Take the files of `shipped`; `into` is made by the caller and empty. Raises OSError."""
        log = (shipped / "relay.log").read_text("utf-8").splitlines()
        events = (shipped / "ses-events.jsonl").read_text("utf-8").splitlines()
        self._log, self._events = into / "mail.log", into / "ses-events.jsonl"
        self._said = sorted((*self._timed(log, shipped / "relay.log"), *self._happened(events)))
        self._shift = to_datetime(now()) - to_datetime(self._said[0][0])
        self._log.touch()
        self._events.touch()

    def settings(self, database: Path, port: int) -> Settings:
        """Settings of a service that reads it."""
        return Settings(
            database=database,
            relay_logs=RelayLogs(paths=(self._log,)),
            ses_events=SesEvents(paths=(self._events,)),
            search=SearchAddress(port=port),
            unclaimed_after_seconds=5,
        )

    def start(self) -> None:
        """Feed it in the background."""
        Thread(target=self.feed, daemon=True).start()

    def _timed(self, lines: list[str], shipped: Path) -> Iterator[tuple[Instant, int, Path, str]]:
        """Stamps without a year take the year of the first SES id."""
        year = next(found for found in map(_SES_ID_TIME.search, lines) if found)
        carrier = Carrier(from_ms(int(year[0], 16)), UTC)
        facts = [ingest.relay([line.encode()], carrier, shipped.name).facts for line in lines]
        # A line that says nothing of a message stays with the one before it.
        at = next(said[0]["at"] for said in facts if said)
        for number, (line, said) in enumerate(zip(lines, facts, strict=True)):
            at = said[0]["at"] if said else at
            yield at, number, self._log, line

    def _happened(self, lines: list[str]) -> Iterator[tuple[Instant, int, Path, str]]:
        for number, line in enumerate(lines):
            yield max(_TIME.findall(line)), number, self._events, line

    def feed(self) -> None:
        """Feed all of it, with the pauses that there were."""
        before = self._said[0][0]
        for at, said in groupby(self._said, key=lambda one: one[0]):
            time.sleep(min((to_ms(at) - to_ms(before)) / 1000, LONGEST_PAUSE_S))
            before = at
            for _, _, path, line in said:
                with path.open("a", encoding="utf-8") as stream:
                    stream.write(self._moved(line, at) + "\n")

    def _moved(self, line: str, at: Instant) -> str:
        if not line.startswith("{"):
            moment = to_datetime(at) + self._shift
            line = moment.strftime("%b %d %H:%M:%S") + line[_STAMP_LENGTH:]
        line = _SES_ID_TIME.sub(lambda found: f"{int(found[0], 16) + self._shift // _MILLISECOND:012x}", line)
        return _TIME.sub(lambda found: from_datetime(to_datetime(found[0]) + self._shift), line)


_MILLISECOND = timedelta(milliseconds=1)
