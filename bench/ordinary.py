"""Ordinary messages, one by one: to one recipient, taken at the first try, delivered; as the generator draws them."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from bench import messages, ses_events
from bench.generate import START
from bench.relays import Relay

# The generator's host 1 logs Subjects, which is a choice: a lever of docs/cost.md says what it costs where all do.
_HOSTS = (0, 2, 3)


class Said(NamedTuple):
    """A log line, with when and where it was written."""

    at: float
    host: str
    text: str


class Told(NamedTuple):
    """An event of SES."""

    at: float
    kind: str
    text: str


class Message(NamedTuple):
    """A message, with all that is said of it."""

    message: messages.Message
    lines: list[Said]
    events: list[Told]


def ordinary(count: int, rate: float, seed: int, *, subjects: bool = False) -> Iterator[Message]:
    """So many messages at so many a second; equal seeds give equal messages, whether Subjects are logged or not."""
    rng = Random(seed)
    relays = [Relay(number, rng) for number in _HOSTS]
    for relay in relays:
        relay.logs_subjects = subjects
    at = START
    for _ in range(count):
        at += rng.expovariate(rate)
        yield _drawn(rng.choice(relays), at, rng)


def _drawn(relay: Relay, at: float, rng: Random) -> Message:
    while True:
        message = messages.drawn(relay, at, rng)
        if message.handed_over is None or message.is_deferred or len(message.recipients) > 1:
            continue
        events = [
            Told(when, _kind(text), text)
            for when, text in ses_events.of_message(message, message.handed_over, rng)
        ]
        if {"Send", "Delivery"} <= {event.kind for event in events} <= {"Send", "Delivery", "Open"}:
            lines = [
                Said(when, relay.name, relay.line(when, daemon, text).rstrip("\n"))
                for when, daemon, text in messages.said(message, rng)
            ]
            return Message(message, lines, events)


def _kind(document: str) -> str:
    return document.removeprefix('{"eventType":"').partition('"')[0]
