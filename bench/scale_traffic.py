"""Mail of a scenario, made from its number whenever it is needed, so that a backlog of millions is only numbers."""

from typing import NamedTuple, cast
from zlib import crc32

from bench.generate import START
from postroad.facts import Event, Fact, Source
from postroad.instants import Instant, from_ms

HOT_ADDRESS = "archive@example.org"
HOST = "mx1"
RELAY, SEND, OUTCOME = "relay", "Send", "outcome"


_TRIED = {
    "daemon": "smtp",
    "relay": "email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587",
    "delay": "0.4",
    "delays": "0.1/0.01/0.1/0.2",
}
_LATE = {"dsn": "4.4.1", "status": "deferred", "reply": "connect to email-smtp: Connection timed out"}
_GONE = {
    "bounce_type": "Permanent",
    "bounce_sub_type": "General",
    "dsn": "5.1.1",
    "reply": "550 5.1.1 no such user",
}


class Scenario(NamedTuple):
    """What is sent: real numbers, of which one in `share` is played, against capacity divided by the same number."""

    name: str
    what: str
    rate: float  # messages a second
    seconds: int
    share: float = 1.0
    partitions: int = 4  # of the table and of each index, at the start
    hot: float = 0.0  # of the mail, what goes to one recipient
    one_sender: float = 0.0  # of the mail, what comes from one sender
    deferred: float = 0.05
    bounced: float = 0.015
    replays: int = 0  # how often all events come again, when all is said
    raised: int = 1  # concurrency, as often as the template's
    rejects: bool = False  # not mail: one client, turned away again and again for one recipient

    @property
    def messages(self) -> int:
        """Messages that are played."""
        return int(self.rate * self.seconds / self.share)


class Mail:
    """The messages of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        """Nothing is made yet."""
        self.scenario = scenario
        self._gap = scenario.share / scenario.rate

    def at(self, number: int) -> float:
        """When a message comes in, in seconds since 1970."""
        return START + number * self._gap

    def facts(self, number: int, kind: str) -> list[Fact]:
        """What the relay's log, the Send event or the last event says of a message."""
        draw = crc32(f"{self.scenario.name} {number}".encode())
        if self.scenario.rejects:
            return [_rejected(self._when(number, 0.0))]
        if kind == RELAY:
            return self._log(number, draw)
        outcome = self._bounced if draw % 1_000 < self.scenario.bounced * 1_000 else self._delivered
        said = [
            self._of_ses(number, draw, Event.SUBMITTED, 0.0, message_id=f"{draw:08x}.{number}@example.org")
        ]
        return [
            *said,
            self._of_ses(number, draw, Event.ACCEPTED, 0.6) if kind == SEND else outcome(number, draw),
        ]

    def _when(self, number: int, later: float) -> Instant:
        return from_ms(int((self.at(number) + later) * 1_000))

    def _address(self, draw: int) -> str:
        scenario = self.scenario
        return (
            HOT_ADDRESS
            if draw % 10_007 < scenario.hot * 10_007
            else f"user{draw % 5_000_000}@mail.example.com"
        )

    def _ses_id(self, number: int, draw: int) -> str:
        taken = int(self.at(number) * 1_000) + 400
        return f"0102{taken:012x}-{draw:08x}-4d7c-4b8e-9a1b-{number:012x}-000000"

    def _log(self, number: int, draw: int) -> list[Fact]:
        """Five lines, or six where SES's answer is late at first."""
        message_id = f"{draw:08x}.{number}@example.org"
        said = [
            self._of_relay(number, Event.CLIENT, 0.0, daemon="smtpd", client="app7.example.org[192.0.2.7]"),
            self._of_relay(number, Event.MESSAGE_ID, 0.01, daemon="cleanup", message_id=message_id),
            self._of_relay(number, Event.ACTIVE, 0.02, daemon="qmgr", size="18250", nrcpt="1"),
        ]
        tried = _TRIED | {"to": self._address(draw)}
        if draw // 7 % 1_000 < self.scenario.deferred * 1_000:
            said.append(self._of_relay(number, Event.DEFERRED, 0.3, **tried, **_LATE))
        ses_id = self._ses_id(number, draw)
        taken = {"dsn": "2.0.0", "status": "sent", "ses_id": ses_id, "reply": f"250 Ok {ses_id}"}
        said.append(self._of_relay(number, Event.RELAYED, 0.4, **tried, **taken))
        said[2]["from"] = self._sender(draw)
        return [*said, self._of_relay(number, Event.REMOVED, 0.41, daemon="qmgr")]

    def _sender(self, draw: int) -> str:
        one = draw // 11 % 1_000 < self.scenario.one_sender * 1_000
        return "news@shop.example.org" if one else f"sender{draw % 5_003}@example.net"

    def _of_relay(self, number: int, event: Event, later: float, **more: str) -> Fact:
        said = {"at": self._when(number, later), "event": event, "source": Source.RELAY, "host": HOST}
        return cast("Fact", said | {"pid": "4711", "queue_id": _queue_id(number)} | more)

    def _of_ses(self, number: int, draw: int, event: Event, later: float, **more: str) -> Fact:
        said = {"at": self._when(number, 0.4 + later), "event": event, "source": Source.SES}
        said |= {"ses_id": self._ses_id(number, draw), "to": self._address(draw)}
        if event is Event.SUBMITTED:
            said |= {
                "queue_id": _queue_id(number),
                "host": HOST,
                "from": self._sender(draw),
                "subject": "Order",
            }
        return cast("Fact", said | more)

    def _delivered(self, number: int, draw: int) -> Fact:
        return self._of_ses(number, draw, Event.DELIVERED, 2.0, reply="250 2.0.0 OK 1771977920 - gsmtp")

    def _bounced(self, number: int, draw: int) -> Fact:
        return self._of_ses(number, draw, Event.BOUNCED, 2.0, **_GONE)


def _queue_id(number: int) -> str:
    return f"4f{number:011X}z1"


def _rejected(at: Instant) -> Fact:
    return {
        "at": at,
        "event": Event.REJECTED,
        "source": Source.RELAY,
        "host": HOST,
        "daemon": "smtpd",
        "pid": "4711",
        "queue_id": "NOQUEUE",
        "client": "unknown[203.0.113.7]",
        "stage": "reject: RCPT",
        "from": "x@spam.example",
        "to": "ann@example.com",
        "proto": "ESMTP",
        "helo": "spam.example",
        "dsn": "5.7.1",
        "reply": "554 5.7.1 <ann@example.com>: Relay access denied",
    }
