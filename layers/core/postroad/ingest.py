"""Inputs to facts: what is refused is set aside with its reason, and the rest goes on."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from postroad.addresses import is_plain
from postroad.codec import Key
from postroad.envelopes import documents
from postroad.facts import Fact, ParseError
from postroad.growth import Growth, grown, join
from postroad.postfix import read
from postroad.ses_ordinary import facts as ordinary
from postroad.store.contract import BadInput, broken
from postroad.syslog import Carrier


class Batch(NamedTuple):
    """What a batch of inputs said, and which of them were refused."""

    facts: list[Fact]
    bad: list[BadInput]


# Reads some inputs: log lines as bytes, an SQS message's body as text.
Read: TypeAlias = Callable[[Sequence[Any]], Batch]


def into(
    growths: dict[Key, Growth], inputs: Sequence[bytes | str], read: Read, source: str, origin: str
) -> Batch:
    """Read inputs and fold what they say; where one of them breaks the reader or the fold, it alone is set aside."""
    try:
        batch = read(inputs)
        folded = grown(batch.facts)
    except Exception:  # noqa: BLE001 - whatever it is, it costs no other input
        batches = [_alone(one, read, source, origin) for one in inputs]
        batch = Batch(
            [fact for one in batches for fact in one.facts], [bad for one in batches for bad in one.bad]
        )
        folded = grown(batch.facts)
    join(growths, folded)
    return batch


def _alone(one: bytes | str, read: Read, source: str, origin: str) -> Batch:
    try:
        batch = read([one])
        grown(batch.facts)
    except Exception as error:  # noqa: BLE001 - as above
        return Batch([], [broken(source, origin, error, one)])
    return batch


def relay(lines: Iterable[bytes], carrier: Carrier, origin: str) -> Batch:
    """Read log lines, with or without their line ends."""
    facts, refused = read(_texts(list(lines)), carrier)
    return Batch(facts, [BadInput("relay", origin, str(error), error.raw) for error in refused])


def _texts(lines: Sequence[bytes]) -> Sequence[str]:
    """All lines as text at once, where all are ASCII and none needs a change: a tenth of the time (measured)."""
    return (
        [raw.decode("ascii") for raw in lines]
        if is_plain(b"".join(lines))
        else [text_of(raw) for raw in lines]
    )


def ses(bodies: Iterable[bytes | str], origin: str, relays: Sequence[str] = ()) -> Batch:
    """Read SES events in any of their envelopes, one document a body; `relays` as in `ses.facts`."""
    batch = Batch([], [])
    for body in bodies:
        found = ordinary(body, relays)
        if found is None:
            _judge(body, origin, relays, batch)
        else:
            batch.facts.extend(found)
    return batch


def _judge(raw: bytes | str, origin: str, relays: Sequence[str], batch: Batch) -> None:
    """What is no ordinary event: another envelope, a type or form not seen before, or none at all."""
    # With it comes pydantic, whose import takes longer than that of all the rest: most processes never need it.
    from postroad.ses import facts as facts_of_event  # noqa: PLC0415

    body = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    try:
        found = [fact for document in documents(body) for fact in facts_of_event(document, relays)]
    except ParseError as error:
        batch.bad.append(BadInput("ses", origin, str(error), body))
    else:
        batch.facts.extend(found)


def text_of(raw: bytes) -> str:
    """A line as text: what is not UTF-8, and every control character, becomes `?`, as Postfix writes it."""
    text = raw.rstrip(b"\r\n").strip(b"\0").decode("utf-8", "surrogateescape")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text.replace("\t", " "))
