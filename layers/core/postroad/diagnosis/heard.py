"""A reply taken apart: who spoke, its code and status, and its words folded for comparing."""

import re
from typing import NamedTuple

from postroad.diagnosis.reasons import Where
from postroad.facts import Event, Fact, Source
from postroad.ids import is_ses_relay

# How much is compared of a reply, which anybody may write.
_COMPARED = 4_000
_SUSPENDED = "delivery temporarily suspended: "
_FRAMES = (" said: ", " refused to talk to me: ")
_HERE = ("local", "virtual")
_CODE = re.compile(r"(?:smtp;)?\s?([245]\d\d)(?![\d.])")
# Not a part of an IP address or a version.
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
# Each line of a reply begins with its code; `?` is the line break as Postfix logs it.
_LINE_START = re.compile(r"\??(?<!\d)[245]\d\d(?:-| (?=[245]\.))(?:[245]\.\d{1,3}\.\d{1,3} )?")


class Heard(NamedTuple):
    """A reply taken apart: who spoke, code and status, and the words folded for comparing."""

    by: Where
    code: str
    status: str
    text: str


def heard_of(fact: Fact) -> Heard:
    frame, words = apart(fact)
    return taken_in(_speaker(fact, frame, words), words, fact.get("dsn", ""))


def taken_in(by: Where, words: str, status: str) -> Heard:
    code = _CODE.match(words)
    statuses = [status, *_STATUS.findall(words[:_COMPARED])]
    # `5.0.0` is what Postfix and SES make up for a server that gave none.
    telling = (one for one in statuses if one and not one.endswith(".0.0"))
    return Heard(by, code[1] if code else "", next(telling, status), _folded(words))


def apart(fact: Fact) -> tuple[str, str]:
    """The frame that Postfix puts before a server's words, and the words."""
    reply = fact.get("reply", "").removeprefix(_SUSPENDED)
    if fact["source"] is Source.RELAY:
        for mark in _FRAMES:
            frame, found, words = reply.partition(mark)
            if found:
                return frame, words
    return "", reply


def _speaker(fact: Fact, frame: str, words: str) -> Where:
    if fact["source"] is Source.SES:
        return Where.SERVER
    if fact["event"] in (Event.REJECTED, Event.DISCARDED):
        return Where.RELAY
    relay = fact.get("relay", "")
    # Postfix's own words name the server that it tried; a server's words may name anybody.
    is_ses = is_ses_relay(relay) or is_ses_relay(frame or words)
    if frame:
        return Where.SES if is_ses else Where.SERVER
    return Where.RELAY if is_ses or relay.startswith(_HERE) else Where.SERVER


def _folded(words: str) -> str:
    text = words[:_COMPARED].casefold().replace("<crlf>", " ").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return " ".join(_LINE_START.sub(" ", text).split())
