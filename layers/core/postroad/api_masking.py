"""Answers for those who may not see whom mail is for: addresses and subjects are masked in every text there is.

A journey names its people, so their addresses, local parts and subject are hidden wherever a remote server repeats
them; what else looks like an address is hidden by its form. A domain stays: it tells which server, not which person.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from postroad.addresses import folded, printable

MASK = "***"
_SUBJECT, _SUBJECT_LINE = "Subject: ", "header Subject: "
# Words of our own vocabulary, times and ids: nobody else writes them, and a local part may well be `bounced`.
_OWN = frozenset(
    "state source event at first_seen last_seen queue_ids ses_id kind where by reason confidence rule stage".split()
)
_ADDRESSES = ("recipient", "sender", "address")
_DOMAIN = re.compile(r"[\w.-]+|\[[\w.:]+\]")
_BRACKETS = re.compile(r"<([^<>]*)@([^<>@]*)>")
# A run up to its last at sign; it starts where a run starts and gives nothing back, so that no text takes long.
_RUN = re.compile(
    r"(?:\"(?:[^\"\\@]|\\.)*+\"@|(?<![^\s<>(),;:\[\]\"@])(?:[^\s<>(),;:\[\]\"@]++@)+)(?P<domain>[\w.-]*+|\[[\w.:]++\])"
)
_ENCODED = re.compile(r"[\w.+\-=%]{1,128}(?:%40|=40|\(at\)|\[at\])(?P<domain>[\w.-]+)", re.IGNORECASE)
_LOG_FIELD = re.compile(
    r"(?:to|orig_to|from|helo|sasl_username|sasl_sender|(?:resent-)?message-id|client|orig_client)="
)
_LOGIN = re.compile(r"\b(sasl_username|sasl_sender)=[^,]*")
_SAID = re.compile(r"\b(?:to|orig_to|from)=<(.*?)>(?=[,;\s]|$)")
# A Message-ID that a machine made: digits enough to be unique, and nothing that could be a second address.
_MACHINE_MADE = re.compile(r"(?=(?:[^\d]*\d){4})[\w.$+-]{8,}")


def masked(said: Any) -> Any:  # noqa: ANN401 - any JSON
    """An answer without people's addresses and subjects."""
    if isinstance(said, Mapping):
        if "timeline" in said:
            return _Journey(said).masked()
        return {name: _field(name, value) for name, value in said.items()}
    if isinstance(said, list):
        return [masked(one) for one in said]
    return masked_text(said) if isinstance(said, str) else said


def _field(name: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    return masked_address(value) if name in _ADDRESSES and isinstance(value, str) else masked(value)


def masked_address(address: str) -> str:
    """An address of which only the domain is left; the null sender stays what it is."""
    _, at, domain = address.rpartition("@")
    if not address:
        return address
    return f"{MASK}@{domain}" if at and _DOMAIN.fullmatch(domain) else MASK


def masked_text(text: str) -> str:
    """A text in which nothing looks like an address any more."""
    if "@" in text:
        text = _BRACKETS.sub(lambda found: f"<{masked_address(found[1] + '@' + found[2])}>", text)
        text = _RUN.sub(_run, text)
    return _ENCODED.sub(lambda found: f"{MASK}@{found['domain']}", text)


def _run(found: re.Match[str]) -> str:
    field = _LOG_FIELD.match(found[0])
    return f"{field[0] if field else ''}{MASK}@{found['domain']}"


class _Journey:
    """A journey, and what its people are called."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self._said = said
        addresses = {address for address in self._named() if address}
        self._locals = {part for address in addresses for part in _locals(address)}
        subjects = {said.get("subject") or "", *self._subjects()} - {""}
        whole = _spelt(addresses | subjects)
        parts = [rf"(?<!\w){re.escape(part)}(?!\w)" for part in _longest_first(_spelt(self._locals))]
        self._known = re.compile(
            "|".join([*map(re.escape, _longest_first(whole)), *parts]) or "(?!)", re.IGNORECASE
        )
        self._message_id = self._kept(said.get("message_id"))

    def _named(self) -> Iterable[str]:
        yield from (self._said.get(name) or "" for name in _ADDRESSES)
        for entry in self._said["timeline"]:
            yield from _SAID.findall(entry.get("line") or "")

    def _subjects(self) -> Iterable[str]:
        texts = (entry["text"] for entry in self._said["timeline"] if entry["event"] == "subject")
        return [text.removeprefix(_SUBJECT) for text in texts]

    def _kept(self, message_id: str | None) -> str | None:
        left, at, right = (message_id or "").rpartition("@")
        is_plain = at and _MACHINE_MADE.fullmatch(left) and _DOMAIN.fullmatch(right)
        tells = any(part.casefold() in left.casefold() for part in self._locals)
        return message_id if is_plain and not tells and not _ENCODED.search(left) else None

    def masked(self) -> dict[str, Any]:
        return {name: self._field(name, value) for name, value in self._said.items()}

    def _field(self, name: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
        if name in _ADDRESSES and isinstance(value, str):
            return masked_address(value)
        if name == "subject":
            return MASK if value else value
        if name == "message_id" and value:
            return self._message_id or masked_address(value)
        if name == "timeline":
            return [self._entry(entry) for entry in value]
        return self._any(value, is_own=name in _OWN)

    def _entry(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        if entry["event"] == "subject":
            before, mark, _ = (entry.get("line") or "").partition(_SUBJECT_LINE)
            line = f"{self._text(before)}{mark}{MASK}" if mark else None
            entry = {**entry, "text": f"{_SUBJECT}{MASK}", "line": line}
        return {name: self._any(value, is_own=name in _OWN) for name, value in entry.items()}

    def _any(self, value: Any, *, is_own: bool) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, str):
            return masked_text(value) if is_own else self._text(value)
        if isinstance(value, Mapping):
            return {name: self._any(one, is_own=name in _OWN) for name, one in value.items()}
        return [self._any(one, is_own=is_own) for one in value] if isinstance(value, list) else value

    def _text(self, text: str) -> str:
        if self._message_id is None:
            return self._hidden(text)
        kept = rf"((?<![^\s<]){re.escape(self._message_id)}(?![^\s>,)]))"
        parts = re.split(kept, text)
        return "".join(part if part == self._message_id else self._hidden(part) for part in parts)

    def _hidden(self, text: str) -> str:
        return masked_text(_LOGIN.sub(rf"\1={MASK}", self._known.sub(self._known_as, text)))

    def _known_as(self, found: re.Match[str]) -> str:
        _, at, domain = found[0].rpartition("@")
        return f"{MASK}@{domain}" if at and _DOMAIN.fullmatch(domain) else MASK


def _locals(address: str) -> set[str]:
    """The local part as a server may repeat it: without its quotes, without what follows the plus sign."""
    local = (address.rpartition("@")[0] or address).strip()
    plain = folded(f"{local}@").removesuffix("@")
    return {local, plain, plain.partition("+")[0]} - {""}


def _spelt(words: Iterable[str]) -> set[str]:
    return {spelt for word in words for spelt in (word, printable(word), word.strip()) if spelt}


def _longest_first(words: Iterable[str]) -> list[str]:
    return sorted(words, key=lambda word: (-len(word), word))
