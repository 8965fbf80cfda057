"""Ordinary messages, one by one: to one recipient, taken at the first try, delivered; as the generator draws them."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from bench import messages, ses_events
from bench.generate import START
from bench.relays import Relay

# Of the generator's hosts these log no Subject, which is a setting of few and costs two write units more.
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


def ordinary(count: int, rate: float, seed: int) -> Iterator[Message]:
    """So many messages at so many a second; equal seeds give equal messages."""
    rng = Random(seed)
    relays = [Relay(number, rng) for number in _HOSTS]
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
