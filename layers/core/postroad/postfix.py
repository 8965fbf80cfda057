"""Postfix log lines to facts.

A line gives facts, or none where it is recognised and says nothing of a message, or a ParseError that carries it.
"""

from typing import Any

from postroad import postfix_forms as forms
from postroad import syslog
from postroad.facts import Fact, ParseError, Source
from postroad.ids import NOQUEUE, is_queue_id, ses_time
from postroad.postfix_forms import Reader, Said
from postroad.shippers import unwrapped
from postroad.syslog import Carrier, Line

_DELIVERY: tuple[tuple[str, Reader], ...] = (("to=", forms.delivery),)
_QUEUE_MANAGER: tuple[tuple[str, Reader], ...] = (
    ("from=", forms.queue_manager),
    ("removed", forms.removed),
    *_DELIVERY,
)
# What each daemon says of a message, by how it begins; the daemons that are not here never say anything of one.
FORMS: dict[str, tuple[tuple[str, Reader], ...]] = {
    "smtp": _DELIVERY,
    "lmtp": _DELIVERY,
    "error": _DELIVERY,
    "retry": _DELIVERY,
    "local": _DELIVERY,
    "virtual": _DELIVERY,
    "pipe": _DELIVERY,
    "discard": (("to=", forms.discarded),),
    "verify": _DELIVERY,
    "qmgr": _QUEUE_MANAGER,
    "oqmgr": _QUEUE_MANAGER,
    "nqmgr": _QUEUE_MANAGER,
    "smtpd": (("client=", forms.client), *_DELIVERY, ("", forms.action)),
    "qmqpd": (("client=", forms.client),),
    "postscreen": (*_DELIVERY, ("", forms.action)),
    "pickup": (("uid=", forms.pickup),),
    "cleanup": (
        ("message-id=", forms.message_id),
        ("resent-message-id=", forms.message_id),
        ("removed", forms.removed),
        *_DELIVERY,
        ("", forms.action),
    ),
    "bounce": (("sender ", forms.notification), ("postmaster ", forms.notification), *_DELIVERY),
    "defer": (("sender ", forms.notification), ("postmaster ", forms.notification), *_DELIVERY),
    "trace": (("sender ", forms.notification), *_DELIVERY),
    "postsuper": (("", forms.operator),),
    "ses-events": (("to=", forms.unified),),
}
# A line without a tag is known by its beginning alone.
_UNTAGGED: tuple[tuple[str, Reader], ...] = (
    *_QUEUE_MANAGER,
    *FORMS["qmqpd"],
    *FORMS["pickup"],
    *FORMS["bounce"][:2],
    *FORMS["cleanup"],
)
# Said of no queue entry: the before-queue proxy's verdicts.
_PROXY = ("proxy-reject: ", "proxy-accept: ")
# Words that say something even when they are empty: the null sender, no Message-ID.
_MAY_BE_EMPTY = ("from", "to", "message_id", "subject", "reply")


def facts(line: str, carrier: Carrier) -> list[Fact]:
    """Read one log line, without its line end.

    Raises ParseError for a line in which a daemon of Postfix began to speak of a message and did not end.
    """
    line, written = unwrapped(line)
    line = line.rstrip()
    carrier = carrier._replace(at=written) if written else carrier
    if len(line) > syslog.LONGEST:
        reason = f"line longer than {syslog.LONGEST} characters"
        raise ParseError(reason, line)
    apart = syslog.take_apart(line)
    daemon = _daemon(apart)
    try:
        said = _said(apart.text, daemon)
        return [_fact(said, apart, daemon, carrier)] if said else []
    except ParseError as error:
        raise ParseError(str(error), line) from error


def _daemon(line: Line) -> str | None:
    return None if line.program is None else line.program.rpartition("/")[2]


def _said(text: str, daemon: str | None) -> Said | None:
    queue_id, _, rest = text.partition(": ")
    if queue_id == NOQUEUE or is_queue_id(queue_id):
        return _read(rest, daemon, {"queue_id": queue_id})
    if daemon == "smtpd" and text.startswith(_PROXY):
        return forms.action(text)
    if daemon in FORMS and text.startswith("to=<"):
        reason = "a delivery without a queue id"
        raise ParseError(reason, text)
    return None


def _read(rest: str, daemon: str | None, frame: Said) -> Said | None:
    for start, reader in _UNTAGGED if daemon is None else FORMS.get(daemon, ()):
        if rest.startswith(start):
            said = reader(rest)
            return frame | said if said else None
    return None


def _fact(said: Said, line: Line, daemon: str | None, carrier: Carrier) -> Fact:
    ses_at = ses_time(said["ses_id"]) if said.get("ses_id") else None
    instance = (line.program or "postfix/").rpartition("/")[0]
    frame = {
        "source": Source.RELAY,
        # The id on the line knows the year better than what carried the line here.
        "at": syslog.at(line, carrier._replace(at=ses_at) if ses_at else carrier),
        "host": syslog.host(line, carrier),
        "daemon": daemon,
        "pid": line.pid,
        "syslog_name": instance if instance != "postfix" else None,
    }
    fact: Any = {
        name: value
        for name, value in (frame | said).items()
        if value or (value == "" and name in _MAY_BE_EMPTY)
    }
    typed: Fact = fact
    return typed
