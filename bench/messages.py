"""One message's life in the log of a relay, and what SES will say of it."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from bench import words
from bench.relays import Relay

SEVERAL, DEFERRED, REFUSED, LOCAL = 0.05, 0.05, 0.005, 0.04
_LONGEST_QUEUE = 40  # recipients; SES takes 50 in one transaction


class Message(NamedTuple):
    """A message as the relay took it; `handed_over` is when SES took it, None where it never did."""

    relay: Relay
    at: float
    queue_id: str
    sender: str
    recipients: list[str]
    message_id: str
    subject: tuple[str, str, str]
    client: str
    daemon: str
    size: int
    is_deferred: bool
    handed_over: float | None
    ses_id: str


Said = tuple[float, str, str]  # when, which daemon, the text


def drawn(relay: Relay, at: float, rng: Random) -> Message:
    """A message of ordinary traffic."""
    sender = rng.choice(words.SENDERS)
    deferred, refused = rng.random() < DEFERRED, rng.random() < REFUSED
    taken = at + 0.05 + rng.random() * 0.6 + (300 + rng.random() * 900 if deferred else 0)
    number = rng.randrange(1, 40)
    return Message(
        relay=relay,
        at=at,
        queue_id=relay.queue_id(at),
        sender=sender,
        recipients=_recipients(rng),
        message_id=f"{rng.getrandbits(96):024x}.{int(at)}@{sender.partition('@')[2]}",
        subject=rng.choice(words.SUBJECTS),
        client=f"app{number}.example.org[192.0.2.{number}]",
        daemon="pickup" if rng.random() < LOCAL else "submission/smtpd" if number > 25 else "smtpd",
        size=int(1_500 + rng.expovariate(1 / 20_000)),
        is_deferred=deferred,
        handed_over=None if refused else taken,
        ses_id=_ses_id(taken, rng),
    )


def _recipients(rng: Random) -> list[str]:
    count = rng.randrange(2, 9) if rng.random() < SEVERAL else 1
    return list(dict.fromkeys(_address(rng) for _ in range(count)))


def _address(rng: Random) -> str:
    person = f"{rng.choice(words.FIRST_NAMES)}.{rng.choice(words.LAST_NAMES)}{int(rng.expovariate(0.01))}"
    return f"{person}@{rng.choice(words.DOMAINS)}"


def _ses_id(at: float, rng: Random) -> str:
    rest = f"{rng.getrandbits(128):032x}"
    return (
        f"0102{int(at * 1_000):012x}-{rest[:8]}-{rest[8:12]}-4{rest[13:16]}-{rest[16:20]}-{rest[20:]}-000000"
    )


def said(message: Message, rng: Random) -> Iterator[Said]:
    """What the relay logs of a message, in order of time."""
    yield from _taken_in(message)
    at = message.at + 0.03
    if message.is_deferred:
        yield from _tries(message, at + 0.2, "deferred", rng.choice(words.TEMPORARY), rng)
        at = (message.handed_over or message.at + 600) - 0.2
        yield at, "qmgr", _active(message)
    if message.handed_over is None:
        yield from _refused(message, at + 0.3, rng)
        at += 0.31
    else:
        at = message.handed_over + 0.01
        yield from _tries(message, at, "sent", (words.SES_RELAY, "2.0.0", f"250 Ok {message.ses_id}"), rng)
    yield at + 0.001, "qmgr", f"{message.queue_id}: removed"


def _taken_in(message: Message) -> Iterator[Said]:
    at, queue_id = message.at, message.queue_id
    login = ", sasl_method=PLAIN, sasl_username=app" if message.daemon == "submission/smtpd" else ""
    if message.daemon == "pickup":
        yield at, "pickup", f"{queue_id}: uid=33 from=<{message.sender}>"
    else:
        yield at, message.daemon, f"{queue_id}: client={message.client}{login}"
    if message.relay.logs_subjects:
        yield at + 0.009, "cleanup", _subject(message)
    yield at + 0.01, "cleanup", f"{queue_id}: message-id=<{message.message_id}>"
    yield at + 0.012, "qmgr", _active(message)


def _subject(message: Message) -> str:
    return (
        f"{message.queue_id}: info: header Subject: {message.subject[0]} from {message.client};"
        f" from=<{message.sender}> to=<{message.recipients[0]}> proto=ESMTP helo=<{message.client.partition('[')[0]}>"
    )


def _active(message: Message) -> str:
    return (
        f"{message.queue_id}: from=<{message.sender}>, size={message.size},"
        f" nrcpt={len(message.recipients)} (queue active)"
    )


def _tries(
    message: Message, at: float, status: str, how: tuple[str, str, str], rng: Random
) -> Iterator[Said]:
    last = rng.randrange(2, 250)
    relay, dsn, reply = (text.format(last=last, sender=message.sender) for text in how)
    waited, connecting, sending = at - message.at, rng.random() * 0.1, rng.random() * 0.2
    delays = (waited + connecting + sending, waited, 0.01, connecting, sending)
    times = "delay={}, delays={}/{}/{}/{}".format(
        *(round(delay, 2 if delay < 100 else None) for delay in delays)
    )
    for recipient in message.recipients:
        yield (
            at,
            "smtp",
            f"{message.queue_id}: to=<{recipient}>, relay={relay}, {times}, dsn={dsn}, status={status} ({reply})",
        )


def _refused(message: Message, at: float, rng: Random) -> Iterator[Said]:
    yield from _tries(message, at, "bounced", words.PERMANENT, rng)
    notice = message.relay.queue_id(at + 0.005)
    yield at + 0.005, "cleanup", f"{notice}: message-id=<{notice}@{message.relay.fqdn}>"
    yield at + 0.006, "bounce", f"{message.queue_id}: sender non-delivery notification: {notice}"
    yield at + 0.007, "qmgr", f"{notice}: from=<>, size={message.size + 2_300}, nrcpt=1 (queue active)"
    how = "relay=mail.example.org[192.0.2.200]:25, delay=0.1, delays=0.01/0/0.04/0.05, dsn=2.0.0, status=sent"
    yield at + 0.1, "smtp", f"{notice}: to=<{message.sender}>, {how} (250 2.0.0 Ok: queued as 9A1C57F3)"
    yield at + 0.101, "qmgr", f"{notice}: removed"


def turned_away(rng: Random) -> str:
    """Say in smtpd's words that a client was refused before there was a message."""
    last, to = rng.randrange(1, 255), _address(rng)
    return (
        f"NOQUEUE: reject: RCPT from unknown[203.0.113.{last}]: 554 5.7.1 <{to}>: Relay access denied;"
        f" from=<spam{last}@example.net> to=<{to}> proto=ESMTP helo=<host-{last}.example.net>"
    )
