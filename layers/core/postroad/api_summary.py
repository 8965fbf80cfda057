"""`summary`: counts, rates and latencies, of a bounded number of records.

Where the store lists all its records by time, the newest are counted, up to a cap. Where it cannot (a table is indexed
by recipient, never by time, since one hot key throttles it), only the list of problems is counted, and said to be.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from postroad.api_pages import ProblemStore, Window, domain_of, provider_of
from postroad.instants import Instant, day, from_datetime, to_datetime
from postroad.journey import Journey
from postroad.lifecycle import State
from postroad.records import Record
from postroad.search import Search

DEFAULT_DAYS = 7
LONGEST_DAYS = 31
CAP = 5000
_PAGE = 500
# Of the groups of a kind: those with the most mail.
MOST_GROUPS = 20
_PERCENTILES = (50, 90, 99)
_RATES = (State.DELIVERED, State.BOUNCED, State.SOFT_BOUNCED, State.SUPPRESSED, State.REJECTED)

# Some records, and whether some of those that were asked for had to be left.
Batch = tuple[list[Record], bool]
# A store's whole records between two instants, the oldest first, and where they go on.
Listing = Callable[..., tuple[list[Record], str | None]]


@dataclass(slots=True)
class Group:
    """What is counted of some journeys."""

    states: Counter[str] = field(default_factory=Counter)
    complained: int = 0
    delays: list[float] = field(default_factory=list)

    def take(self, one: Journey) -> None:
        """Count a journey."""
        self.states[one.state.word] += 1
        self.complained += one.complained
        if one.state is State.DELIVERED and one.delay_s is not None:
            self.delays.append(one.delay_s)

    def as_json(self, *, is_whole: bool) -> dict[str, Any]:
        """The counts; rates and latencies only where all the mail was counted."""
        total = self.states.total()
        rates = {state.word: round(self.states[state.word] / total, 6) for state in _RATES} if total else {}
        if total:
            rates["complained"] = round(self.complained / total, 6)
        return {
            "messages": total,
            "states": dict(sorted(self.states.items())),
            "complained": self.complained,
            "rates": rates if is_whole and total else None,
            "latency_s": _percentiles(self.delays) if is_whole else None,
        }


def _percentiles(delays: list[float]) -> dict[str, float] | None:
    ranked = sorted(delays)
    # The nearest rank: a delay that somebody's mail had, not one between two.
    return {f"p{p}": ranked[max(-(-len(ranked) * p // 100) - 1, 0)] for p in _PERCENTILES} if ranked else None


class Read(NamedTuple):
    """Journeys as they were read: how many records so far, and whether some were left."""

    journeys: list[Journey]
    records: int
    truncated: bool


def summary(
    store: ProblemStore, whole: Listing | None, asked: Window, now: Instant, cap: int = CAP
) -> dict[str, Any]:
    """Count the journeys that began in a window, the newest first, until `cap` records are read."""
    until = asked.until or now
    days = _days(asked.since or until, until)
    search = Search(store, now)
    read = _all(search, whole, days, cap) if whole else _problems(search, store, days, cap)
    groups: Mapping[str, dict[str, Group]] = {"days": {}, "sender_domains": {}, "providers": {}}
    total = Group()
    for one in read.journeys:
        if not asked.holds(one):
            continue
        names = (day(one.first_seen), domain_of(one.sender) or "unknown", provider_of(one))
        for kind, name in zip(groups, names, strict=True):
            groups[kind].setdefault(name, Group()).take(one)
        total.take(one)
    return {
        "window": {"since": asked.since, "until": until},
        "counted": "all mail" if whole else "problems",
        "records_read": read.records,
        "truncated": read.truncated,
        "total": total.as_json(is_whole=bool(whole)),
        "days": [
            {"day": n} | groups["days"][n].as_json(is_whole=bool(whole)) for n in sorted(groups["days"])
        ],
        "sender_domains": _named("domain", groups["sender_domains"], is_whole=bool(whole)),
        "providers": _named("provider", groups["providers"], is_whole=bool(whole)),
    }


def _named(label: str, groups: Mapping[str, Group], *, is_whole: bool) -> list[dict[str, Any]]:
    ranked = sorted(groups.items(), key=lambda one: (-one[1].states.total(), one[0]))
    return [{label: name} | group.as_json(is_whole=is_whole) for name, group in ranked[:MOST_GROUPS]]


def _days(since: Instant, until: Instant) -> list[str]:
    """The days of a window, the newest first."""
    at = to_datetime(until)
    found: list[str] = []
    while len(found) <= LONGEST_DAYS and (one := day(from_datetime(at))) >= day(since):
        found.append(one)
        at -= timedelta(days=1)
    return found


def _all(search: Search, whole: Listing, days: Iterable[str], cap: int) -> Read:
    journeys: list[Journey] = []
    read = 0
    for records, more in _pages_of_all(whole, days, cap):
        read += len(records)
        journeys += search.anchored(records)
        if more:
            return Read(journeys, read, truncated=True)
    return Read(journeys, read, truncated=False)


def _pages_of_all(whole: Listing, days: Iterable[str], cap: int) -> Iterator[Batch]:
    left = cap
    for one in days:
        cursor: str | None = None
        while left > 0:
            records, cursor = whole(one, _next(one), limit=min(_PAGE, left), cursor=cursor)
            left -= len(records)
            yield records, left <= 0 and cursor is not None
            if cursor is None:
                break
        else:
            yield [], True
            return


def _problems(search: Search, store: ProblemStore, days: Iterable[str], cap: int) -> Read:
    journeys: list[Journey] = []
    read = 0
    for records, more in _pages_of_problems(store, days, cap):
        read += len(records)
        journeys += search.of_records(records)
        if more:
            return Read(journeys, read, truncated=True)
    return Read(journeys, read, truncated=False)


def _pages_of_problems(store: ProblemStore, days: Iterable[str], cap: int) -> Iterator[Batch]:
    left = cap
    for one in days:
        if left <= 0:
            yield [], True
            return
        page = store.problems(one, limit=left)
        left -= len(page.keys)
        yield store.get(page.keys), page.cursor is not None


def _next(one: str) -> str:
    return day(from_datetime(to_datetime(f"{one}T00:00:00.000Z") + timedelta(days=1)))
