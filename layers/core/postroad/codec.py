"""How a record keeps a fact: canonical JSON under short names, less what the record's key says already.

The same fact under the same key is the same text, whatever brought it, so a set of texts grows without doubles.
"""

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from postroad.facts import Event, Fact, Source
from postroad.ids import ses_time


class Key(NamedTuple):
    """A record's key: the partition, and the place in it."""

    pk: str
    sk: str

    @property
    def address(self) -> str | None:
        """The folded address a delivery record stands for; None for a queue record."""
        _, mark, address = self.sk.partition("to#")
        return address if mark else None


# Each field with the short name it is stored under: a write costs the whole item, so names are paid for.
SHORT_NAMES = {
    "at": "a",
    "event": "e",
    "source": "s",
    "host": "h",
    "daemon": "d",
    "syslog_name": "sn",
    "pid": "p",
    "queue_id": "q",
    "to": "t",
    "orig_to": "ot",
    "relay": "y",
    "conn_use": "cu",
    "delay": "dl",
    "delays": "ds",
    "tls": "tl",
    "dsn": "n",
    "status": "st",
    "reply": "r",
    "ses_id": "i",
    "from": "f",
    "size": "z",
    "nrcpt": "nr",
    "message_id": "m",
    "resent_message_id": "rm",
    "subject": "su",
    "client": "c",
    "sasl_method": "sm",
    "sasl_username": "us",
    "sasl_sender": "ss",
    "orig_queue_id": "oq",
    "orig_client": "oc",
    "uid": "u",
    "orig_id": "oi",
    "child_queue_id": "k",
    "notification": "nk",
    "action": "ac",
    "stage": "sg",
    "proto": "pr",
    "helo": "he",
    "configuration_set": "cs",
    "tags": "tg",
    "recipients": "rc",
    "bounce_type": "bt",
    "bounce_sub_type": "bs",
    "feedback_id": "fi",
    "feedback_type": "ft",
    "complaint_sub_type": "ct",
    "delay_type": "dt",
    "expiration_time": "x",
    "processing_time_millis": "ms",
    "reporting_mta": "rp",
    "fields": "xf",
    "type": "ty",
}
_LONG_NAMES = {short: name for name, short in SHORT_NAMES.items()}


# What Postfix writes for these goes without saying.
USUAL_STATUS = {
    Event.RELAYED: "sent",
    Event.HANDED_OVER: "sent",
    Event.DEFERRED: "deferred",
    Event.BOUNCED: "bounced",
}
_IMPLIED: dict[str, Callable[[Fact, Key], bool]] = {
    "queue_id": lambda fact, key: key.pk == f"queue#{fact['queue_id']}",
    "ses_id": lambda fact, key: key.pk == f"ses#{fact['ses_id']}",
    "to": lambda fact, key: bool(fact["to"]) and fact["to"] == key.address,
    "reply": lambda fact, _: (
        fact["event"] is Event.RELAYED and fact["reply"] == f"250 Ok {fact.get('ses_id')}"
    ),
    "source": lambda fact, key: fact["source"] is _source(fact["event"], key),
    # SES dates its `mail` object by the time inside the id.
    "at": lambda fact, key: fact["at"] == ses_time(key.pk[4:]),
    "status": lambda fact, _: fact["status"] == USUAL_STATUS.get(fact["event"]),
}


# A tenth of the time of the standard library's, whose text it equals; that one knows numbers of any size.
_write = msgspec.json.Encoder(order="deterministic").encode
_write_any = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def encode(fact: Fact, key: Key) -> str:
    """Write a fact as the record under `key` keeps it."""
    return text_without(
        fact, frozenset(name for name in fact if name in _IMPLIED and _IMPLIED[name](fact, key))
    )


def text_without(fact: Fact, unsaid: frozenset[str]) -> str:
    """Write a fact without those of its words that its record's key says."""
    values, said = _form(unsaid, *fact)
    try:
        return _write(said(*values(fact))).decode()
    except (OverflowError, UnicodeEncodeError):
        return _write_any({SHORT_NAMES[name]: value for name, value in fact.items() if name not in unsaid})


# Facts have few sets of words. Two thirds of the time of making a dictionary of short names and sorting that.
@lru_cache(maxsize=512)
def _form(
    unsaid: frozenset[str], *names: str
) -> tuple[Callable[[Fact], Iterable[Any]], type[msgspec.Struct]]:
    """What gets the values that are said, by their short names' order, and what is written with them in it."""
    said = {SHORT_NAMES[name]: name for name in names if name not in unsaid}
    # Of a single name it would give the value itself, of none it cannot be made.
    values = (
        itemgetter(*map(said.get, sorted(said)))
        if len(said) > 1
        else lambda fact: [fact[name] for name in said.values()]
    )
    return values, msgspec.defstruct("Said", [(short, Any) for short in sorted(said)], gc=False)


_EVENTS = {event.value: event for event in Event}
_NAMED = {"ses": "ses_id", "queue": "queue_id"}
# A quarter of the time of the standard library's, and the same values; that one reads half characters as well.
_read = msgspec.json.Decoder().decode


def decode(text: str, key: Key) -> Fact:
    """Read what `encode` wrote under the same key."""
    fact: Any = {_LONG_NAMES[short]: value for short, value in _loaded(text).items()}
    event = fact["event"] = _EVENTS[fact["event"]]
    source = fact["source"] = Source(fact["source"]) if "source" in fact else _source(event, key)
    said: Any = _unsaid(key) | fact
    if event is Event.UNCLAIMED and "at" not in fact:
        said.pop("at", None)
    if source is Source.RELAY and event in USUAL_STATUS:
        said.setdefault("status", USUAL_STATUS[event])
    if event is Event.RELAYED:
        said.setdefault("reply", f"250 Ok {said.get('ses_id', key.pk[4:])}")
    found: Fact = said
    return found


def _loaded(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = _read(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        found = json.loads(text)
    return found


def _source(event: Event, key: Key) -> Source:
    """Who says such a thing of such a record: of what SES knows the relay says only that SES took it."""
    if event is Event.UNCLAIMED:
        return Source.POSTROAD
    return Source.SES if key.pk.startswith("ses#") and event is not Event.RELAYED else Source.RELAY


# A record's facts are read one after the other: its key is taken apart for the first of them.
@lru_cache(maxsize=64)
def _unsaid(key: Key) -> dict[str, str]:
    """What a record's key says of each of its facts; the time, only of those that have one."""
    kind, _, name = key.pk.partition("#")
    at = ses_time(name) if kind == "ses" else None
    said = {_NAMED.get(kind): name, "at": at, "to": key.address or None}
    return {word: value for word, value in said.items() if word is not None and value is not None}
