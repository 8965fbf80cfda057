"""The texts of a relay's ordinary facts, written piece by piece; each equals what `codec.encode` would write.

Nine in ten of a log's facts are of these shapes, and a general JSON encoder takes ten times as long for one of them
(16 us for a Message-ID's, here 1.5).
"""

from collections.abc import Callable
from json.encoder import encode_basestring as quoted
from typing import TypeAlias

from postroad.facts import Event, Fact
from postroad.remembered import Remembered

# From a fact, and `,"sn":"..."` or nothing. Raises KeyError for a fact without its words; one with others never comes.
_Writer: TypeAlias = Callable[[Fact, str], str]

# A log names few hosts, daemons, processes and relays.
_word = Remembered(quoted)


def text_in_queue(fact: Fact) -> str | None:
    """The text of a relay's fact in a queue record; None for a shape that is not ordinary."""
    return _written(_IN_QUEUE, fact)


def text_of_delivery(fact: Fact) -> str | None:
    """The text, less the recipient, of a relay's fact in a delivery's record; None for a shape that is not ordinary."""
    return _written(_OF_DELIVERY, fact)


def _written(writers: dict[tuple[Event, int], _Writer], fact: Fact) -> str | None:
    size, name = len(fact), fact.get("syslog_name")
    writer = writers.get((fact["event"], size if name is None else size - 1))
    if writer is None:
        return None
    try:
        return writer(fact, "" if name is None else f',"sn":{_word[name]}')
    except KeyError:
        return None


def _client(fact: Fact, named: str) -> str:
    return (
        f'{{"a":"{fact["at"]}","c":{quoted(fact["client"])},"d":{_word[fact["daemon"]]},"e":"client"'
        f',"h":{_word[fact["host"]]},"p":{_word[fact["pid"]]},"q":{quoted(fact["queue_id"])}{named}}}'
    )


def _logged_in(fact: Fact, named: str) -> str:
    login = f',"sm":{_word[fact["sasl_method"]]}{named},"us":{quoted(fact["sasl_username"])}'
    return _client(fact, login)


def _pickup(fact: Fact, named: str) -> str:
    return (
        f'{{"a":"{fact["at"]}","d":{_word[fact["daemon"]]},"e":"pickup","f":{quoted(fact["from"])}'
        f',"h":{_word[fact["host"]]},"p":{_word[fact["pid"]]},"q":{quoted(fact["queue_id"])}{named}'
        f',"u":{_word[fact["uid"]]}}}'
    )


def _message_id(fact: Fact, named: str) -> str:
    return (
        f'{{"a":"{fact["at"]}","d":{_word[fact["daemon"]]},"e":"message-id","h":{_word[fact["host"]]}'
        f',"m":{quoted(fact["message_id"])},"p":{_word[fact["pid"]]},"q":{quoted(fact["queue_id"])}{named}}}'
    )


def _active(fact: Fact, named: str) -> str:
    return (
        f'{{"a":"{fact["at"]}","d":{_word[fact["daemon"]]},"e":"active","f":{quoted(fact["from"])}'
        f',"h":{_word[fact["host"]]},"nr":{_word[fact["nrcpt"]]},"p":{_word[fact["pid"]]}'
        f',"q":{quoted(fact["queue_id"])}{named},"z":{quoted(fact["size"])}}}'
    )


def _removed(fact: Fact, named: str) -> str:
    return (
        f'{{"a":"{fact["at"]}","d":{_word[fact["daemon"]]},"e":"removed","h":{_word[fact["host"]]}'
        f',"p":{_word[fact["pid"]]},"q":{quoted(fact["queue_id"])}{named}}}'
    )


def _subject(fact: Fact, named: str) -> str:
    return _of_subject(fact, f'{named},"su":{quoted(fact["subject"])},"t":{quoted(fact["to"])}')


def _subject_of_delivery(fact: Fact, named: str) -> str:
    return _of_subject(fact, f'{named},"su":{quoted(fact["subject"])}')


def _of_subject(fact: Fact, rest: str) -> str:
    return (
        f'{{"a":"{fact["at"]}","ac":{_word[fact["action"]]},"c":{quoted(fact["client"])},"d":{_word[fact["daemon"]]}'
        f',"e":"subject","f":{quoted(fact["from"])},"h":{_word[fact["host"]]},"he":{quoted(fact["helo"])}'
        f',"p":{_word[fact["pid"]]},"pr":{_word[fact["proto"]]},"q":{quoted(fact["queue_id"])}'
        f',"sg":{_word[fact["stage"]]}{rest}}}'
    )


def _taken(fact: Fact, named: str) -> str:
    return _tried(fact, "", f',"i":{quoted(fact["ses_id"])}', f'{named},"t":{quoted(fact["to"])}')


def _taken_again(fact: Fact, named: str) -> str:
    return _tried(fact, _reused(fact), f',"i":{quoted(fact["ses_id"])}', f'{named},"t":{quoted(fact["to"])}')


def _taken_of_delivery(fact: Fact, named: str) -> str:
    return _tried(fact, "", "", named)


def _taken_again_of_delivery(fact: Fact, named: str) -> str:
    return _tried(fact, _reused(fact), "", named)


def _deferred(fact: Fact, named: str) -> str:
    return _tried(fact, "", "", f',"r":{quoted(fact["reply"])}{named}')


def _deferred_again(fact: Fact, named: str) -> str:
    return _tried(fact, _reused(fact), "", f',"r":{quoted(fact["reply"])}{named}')


def _reused(fact: Fact) -> str:
    return f',"cu":{_word[fact["conn_use"]]}'


def _tried(fact: Fact, reused: str, taken: str, rest: str) -> str:
    return (
        f'{{"a":"{fact["at"]}"{reused},"d":{_word[fact["daemon"]]},"dl":{_word[fact["delay"]]}'
        f',"ds":{quoted(fact["delays"])},"e":"{fact["event"]}","h":{_word[fact["host"]]}{taken}'
        f',"n":{_word[fact["dsn"]]},"p":{_word[fact["pid"]]},"q":{quoted(fact["queue_id"])}{rest}'
        f',"y":{_word[fact["relay"]]}}}'
    )


# By the event, and by how many words such a fact has.
_IN_QUEUE: dict[tuple[Event, int], _Writer] = {
    (Event.CLIENT, 8): _client,
    (Event.CLIENT, 10): _logged_in,
    (Event.PICKUP, 9): _pickup,
    (Event.MESSAGE_ID, 8): _message_id,
    (Event.SUBJECT, 15): _subject,
    (Event.ACTIVE, 10): _active,
    (Event.REMOVED, 7): _removed,
    (Event.RELAYED, 15): _taken,
    (Event.RELAYED, 16): _taken_again,
}
_OF_DELIVERY: dict[tuple[Event, int], _Writer] = {
    (Event.SUBJECT, 15): _subject_of_delivery,
    (Event.RELAYED, 15): _taken_of_delivery,
    (Event.RELAYED, 16): _taken_again_of_delivery,
    (Event.DEFERRED, 14): _deferred,
    (Event.DEFERRED, 15): _deferred_again,
}
