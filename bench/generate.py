"""Makes a relay's log and the SES events of the same messages: `python bench/generate.py --lines 1000000 --seed 7 ...`.

Four hosts, both stamps, both kinds of queue id; a third of the lines says nothing of a message. The same seed gives
the same bytes. The log's file gets the time of its last line, by which a reader knows the year of traditional stamps.
"""

import argparse
import heapq
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

# Run as a script, Python looks for modules beside it; the package begins a folder higher.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import messages, noise, ses_events
from bench.relays import Relay

START = 1_771_977_600.0  # 2026-02-25T00:00:00Z
NOISE = 0.34
_HOSTS, _TURNED_AWAY, _SESSIONS = 4, 0.02, 0.7
_PER_SECOND = 2.0  # messages: about a million log lines in a day


class Entry(NamedTuple):
    """A log line or an event, when it is written, and when SES took its message."""

    at: float
    serial: int
    text: str
    handed_over: float | None = None  # of events only


class Traffic:
    """Everything that the hosts and SES write, in order of time, without end."""

    def __init__(self, seed: int) -> None:
        """Begin at START; equal seeds say the same."""
        self._rng = Random(seed)
        self._relays = [Relay(number, self._rng) for number in range(_HOSTS)]
        self._waiting: list[Entry] = []
        self._serial = 0
        self._owed_noise = 0.0

    def __iter__(self) -> Iterator[Entry]:
        """All entries, forever."""
        at = START
        while True:
            at += self._rng.expovariate(_PER_SECOND)
            while self._waiting and self._waiting[0].at < at:
                yield heapq.heappop(self._waiting)
            self._session(self._rng.choice(self._relays), at)

    def rest(self, until: float) -> Iterator[Entry]:
        """The events that are still to come of messages SES took by then."""
        while self._waiting:
            entry = heapq.heappop(self._waiting)
            if entry.handed_over is not None and entry.handed_over <= until:
                yield entry

    def _session(self, relay: Relay, at: float) -> None:
        if self._rng.random() < _TURNED_AWAY:
            self._log(relay, at, "smtpd", messages.turned_away(self._rng))
        message = messages.drawn(relay, at, self._rng)
        if message.daemon != "pickup" and self._rng.random() < _SESSIONS:
            self._noise(at - 0.02, noise.connect(relay, at - 0.02, message.daemon, message.client))
            self._noise(at + 0.1, noise.disconnect(relay, at + 0.1, message.daemon, message.client))
        for said in messages.said(message, self._rng):
            self._log(relay, *said)
        self._events(message)
        while self._owed_noise >= 1:
            moment = at + self._rng.random()
            self._noise(moment, noise.line(relay, moment, self._rng))

    def _log(self, relay: Relay, at: float, daemon: str, text: str) -> None:
        self._owed_noise += NOISE / (1 - NOISE)
        self._push(at, relay.line(at, daemon, text))

    def _noise(self, at: float, line: str) -> None:
        self._owed_noise -= 1
        self._push(at, line)

    def _events(self, message: messages.Message) -> None:
        if message.handed_over is not None:
            # SES's line stands in the log a moment after SES took the message.
            logged = message.handed_over + 0.01
            for at, document in ses_events.of_message(message, message.handed_over, self._rng):
                self._push(at, document, logged)

    def _push(self, at: float, text: str, handed_over: float | None = None) -> None:
        self._serial += 1
        heapq.heappush(self._waiting, Entry(at, self._serial, text, handed_over))


def traffic(lines: int, seed: int) -> Iterator[Entry]:
    """`lines` log lines, each with its line end, and the events of the messages that SES took in them."""
    everything, left, at = Traffic(seed), lines, START
    for entry in everything if lines else ():
        yield entry
        if entry.handed_over is None:
            left, at = left - 1, entry.at
            if not left:
                break
    yield from everything.rest(at)


def written(lines: int, seed: int, log: Path, events: Path, *, in_sns: bool) -> None:
    """Write both files."""
    rng, last = Random(seed), START
    with log.open("w") as log_file, events.open("w") as events_file:
        for entry in traffic(lines, seed):
            if entry.handed_over is None:
                last = entry.at
                log_file.write(entry.text)
            else:
                body = ses_events.in_sns(entry.text, entry.at, rng) if in_sns else entry.text
                events_file.write(body + "\n")
    os.utime(log, (last + 1, last + 1))


def main(arguments: Sequence[str] | None = None) -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--lines", type=int, default=1_000_000, help="how many log lines")
    asked.add_argument("--seed", type=int, default=7)
    asked.add_argument("--log", type=Path, required=True, help="the file for the log")
    asked.add_argument(
        "--events", type=Path, required=True, help="the file for the events, one JSON document a line"
    )
    asked.add_argument(
        "--envelope",
        choices=("raw", "sns"),
        default="raw",
        help="events as SES writes them, or as SNS wraps them",
    )
    said = asked.parse_args(arguments)
    written(said.lines, said.seed, said.log, said.events, in_sns=said.envelope == "sns")


if __name__ == "__main__":
    main()
