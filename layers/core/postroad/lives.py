"""Lives of a queue id: a short id recurs within hours on one host, and is in use on several hosts at once.

All facts of one queue id stand in one partition; here they are told apart again, from arrival to removal.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from postroad.addresses import folded
from postroad.codec import Key
from postroad.facts import Event, Fact
from postroad.hosts import is_same_host
from postroad.instants import Instant, seconds_between
from postroad.places import LINKS
from postroad.records import Record

# Kept once an hour, dated by its beginning.
HOURLY = (Event.OPENED, Event.CLICKED)
_COURSE = {event: place for place, event in enumerate(Event)}
_ARRIVALS = (Event.CLIENT, Event.PICKUP)
# cleanup runs where the entry is made, so its lines begin a life as well (a notice or a forward has no client).
_ENTRIES = (*_ARRIVALS, Event.MESSAGE_ID, Event.SUBJECT)
_ATTEMPTS = (Event.DEFERRED, Event.RELAYED, Event.HANDED_OVER, Event.BOUNCED)
_ENDS = (Event.REMOVED, Event.DELETED, Event.CANCELED, Event.REQUEUED)
# maximal_queue_lifetime is five days unless it was raised.
_LONGEST_LIFE_S = 30 * 86_400
_CLOCK_SLACK_S = 5
_LONGEST_STEP_S = 120
_LEAP_DAY = "02-29"


@dataclass(slots=True)
class Life:
    """One message's stay under one queue id; `nexts` and `previous` are the facts that lead to other queue ids."""

    queue_id: str
    facts: list[Fact] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)  # of the record that each fact stands in
    hosts: list[str] = field(default_factory=list)
    nexts: list[Fact] = field(default_factory=list)
    previous: list[Fact] = field(default_factory=list)
    ended: Instant | None = None
    displaced: Instant | None = None  # when its host reused the id before a line told of its end
    _of_whom: dict[str, list[Fact]] = field(default_factory=dict)

    @property
    def began(self) -> Instant:
        """The time of its first fact."""
        return self.facts[0]["at"]

    def of(self, address: str | None) -> list[Fact]:
        """What was said of one (folded) recipient; of the whole message for None."""
        if not self._of_whom:
            for fact in self.facts:
                whose = folded(fact["to"]) if fact.get("to") and fact["event"] is not Event.SUBJECT else ""
                self._of_whom.setdefault(whose, []).append(fact)
        return self._of_whom.get(address or "", [])

    def recipients(self) -> list[str]:
        """The (folded) recipients of whom anything was said."""
        self.of(None)
        return [address for address in self._of_whom if address]

    def has(self, *events: Event) -> bool:
        """Tell whether any of these was said of it."""
        return any(fact["event"] in events for fact in self.facts)

    def knows(self, host: str | None) -> bool:
        """Tell whether a host has spoken of this life."""
        # Most often it is spelt as before.
        if host is None or not self.hosts or host in self.hosts:
            return True
        return any(is_same_host(host, known) for known in self.hosts)

    def take(self, fact: Fact, key: Key) -> None:
        """Add a fact, the next by time."""
        self.facts.append(fact)
        self.keys.append(key)
        if "host" in fact and not (self.hosts and self.knows(fact["host"])):
            self.hosts.append(fact["host"])
        if fact["event"] in _ENDS:
            self.ended = fact["at"]


def by_course(fact: Fact) -> tuple[str, int]:
    """Sort by time, and within one second of a log by the course that mail takes."""
    at = fact.get("at", "")
    # Of an open only the hour is kept, so it stands at that hour's end.
    return (f"{at[:13]}:59:59.999Z" if fact["event"] in HOURLY else at), _COURSE[fact["event"]]


def written_out(fact: Fact) -> str:
    """All of a fact as text: the same for the same facts, and an order of different ones."""
    return repr(sorted(fact.items()))


def split(queue_id: str, records: Iterable[Record]) -> list[Life]:
    """Tell the lives of one queue id apart, oldest first, from all records of its partition."""
    lives: list[Life] = []
    links: list[Fact] = []
    told = sorted(_aligned(records), key=lambda said: by_course(said[0]))
    for fact, key in told:
        if fact.get("queue_id") == queue_id:
            _life_of(queue_id, fact, lives).take(fact, key)
        else:
            links.append(fact)
    for fact in links:
        _link(fact, lives)
    return lives


def _aligned(records: Iterable[Record]) -> list[tuple[Fact, Key]]:
    """A log copied years later gives its stamps the wrong year; the SES id on one of its lines knows the right one."""
    said = [(fact, record.key) for record in records for fact in record.facts()]
    known = [fact["at"] for fact, _ in said if "ses_id" in fact]
    return [(_in_its_year(fact, known), key) for fact, key in said] if known else said


def _in_its_year(fact: Fact, known: list[Instant]) -> Fact:
    # Nearly all are of one day, which needs no reckoning.
    if any(at[:10] == fact["at"][:10] or _is_near(at, fact["at"]) for at in known):
        return fact
    years = (f"{int(at[:4]) + step:04d}" for at in known for step in (0, -1, 1))
    moved = (year + fact["at"][4:] for year in years if fact["at"][5:10] != _LEAP_DAY)
    found = next((at for at in moved if any(_is_near(one, at) for one in known)), None)
    return {**fact, "at": found} if found else fact


def _is_near(one: Instant, other: Instant) -> bool:
    return abs(seconds_between(one, other)) < _LONGEST_LIFE_S


def _life_of(queue_id: str, fact: Fact, lives: list[Life]) -> Life:
    own = next((life for life in reversed(lives) if life.knows(fact.get("host"))), None)
    found = _continued(fact, own, lives)
    if found is None:
        found = Life(queue_id)
        lives.append(found)
    return found


def _continued(fact: Fact, own: Life | None, lives: list[Life]) -> Life | None:
    if own and fact["event"] in _ENDS:
        return _ending(fact, own, lives)
    if own and own.ended is None:
        return None if _is_another_entry(fact, own) else own
    if fact["event"] in _ENTRIES:
        return _reopened(fact, own)
    if own and own.ended and seconds_between(own.ended, fact["at"]) <= _CLOCK_SLACK_S:
        # Two daemons stamp their lines, and the end may have the earlier stamp.
        return own
    # Shared or re-mounted queue storage: a host that never saw the arrival goes on where another left off.
    return next((life for life in reversed(lives) if life.ended is None and life.has(*_ENTRIES)), None)


def _reopened(fact: Fact, own: Life | None) -> Life | None:
    """A clock that was set back between arrival and delivery puts the end of a life before its beginning."""
    if own is None or own.has(*_ENTRIES) or seconds_between(own.began, fact["at"]) > _LONGEST_STEP_S:
        return None
    own.ended = None
    return own


def _is_another_entry(fact: Fact, own: Life) -> bool:
    """Tell whether a line of an entry begins a new life while its host's last one has not been seen to end."""
    arrived = fact["event"] in _ARRIVALS and own.has(*_ARRIVALS)
    if arrived:
        own.displaced = fact["at"]
    late = fact["event"] in (_ARRIVALS if not own.has(Event.ACTIVE, *_ATTEMPTS) else _ENTRIES)
    return arrived or (late and seconds_between(own.facts[-1]["at"], fact["at"]) > _CLOCK_SLACK_S)


def _ending(fact: Fact, own: Life, lives: list[Life]) -> Life:
    """A log of whole seconds may tell of the next arrival before it tells of the end."""
    displaced = (life for life in lives if life.ended is None and life.knows(fact.get("host")))
    return next((life for life in displaced if (life.displaced or "")[:19] == fact["at"][:19]), own)


def _link(fact: Fact, lives: list[Life]) -> None:
    life = at_time(lives, fact["at"], fact.get("host"))
    if life is None:
        return
    (life.previous if fact["event"] is Event.HANDED_OVER else life.nexts).append(fact)


def at_time(lives: list[Life], at: Instant, host: str | None) -> Life | None:
    """The life that was under way on a host at a time, or had ended last; None where there is none."""
    known = [life for life in lives if life.knows(host)] or lives
    begun = [life for life in known if life.began[:19] <= at[:19]]
    return begun[-1] if begun else (known[0] if known else None)


def leads_back(life: Life) -> list[tuple[str, Fact]]:
    """The queue ids this life came from, each with the fact that says so."""
    said = [(LINKS[fact["event"]](fact), fact) for fact in life.facts if fact["event"] in _ARRIVALS]
    return [(queue_id, fact) for queue_id, fact in said if queue_id] + [
        (fact["queue_id"], fact) for fact in life.previous
    ]


def leads_on(life: Life) -> list[tuple[str, Fact]]:
    """The queue ids under which this life's message went on, each with the fact that says so."""
    said = [(LINKS[fact["event"]](fact), fact) for fact in life.facts if fact["event"] is Event.HANDED_OVER]
    return [(queue_id, fact) for queue_id, fact in said if queue_id] + [
        (fact["queue_id"], fact) for fact in life.nexts
    ]
