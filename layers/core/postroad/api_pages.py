"""Pages of journeys: one query of an index and one batch-get each, plus what `Search` completes."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, NamedTuple, Protocol

from postroad.addresses import folded
from postroad.api_cursors import Cursors
from postroad.api_problems import refused
from postroad.codec import Key
from postroad.diagnosis import stages
from postroad.facts import Source
from postroad.ids import ses_time
from postroad.instants import Instant, day, from_datetime, parse, to_datetime
from postroad.journey import Journey
from postroad.lifecycle import PROBLEMS, is_problem
from postroad.places import ses_key
from postroad.providers import provider
from postroad.search import Search
from postroad.store.contract import Page, Store

DEFAULT_DAYS = 30
ALL = "all"
# A record stands under the time that SES took the message, or under the day of a try: a little later than it began.
_LATER = timedelta(days=1)


class ProblemStore(Store, Protocol):
    """A store that also lists what failed."""

    def problems(self, day: str, *, limit: int = 100, cursor: str | None = None) -> Page:
        """Keys of what failed, or may yet, on a UTC day, the newest `at` first."""


class Window(NamedTuple):
    """When journeys began: `since <= first_seen < until`."""

    since: Instant | None
    until: Instant | None

    def holds(self, one: Journey) -> bool:
        """Tell whether a journey began in it."""
        return (self.since or "") <= one.first_seen < (self.until or "9999")


class Answer(NamedTuple):
    """A page of journeys; `read` records, of which so many were deliveries, made it, and `cursor` leads on."""

    journeys: list[Journey]
    cursor: str | None
    read: int
    deliveries: int = 0


def moment(parameter: str, text: str) -> Instant:
    """Read a time that somebody wrote. Raises ProblemError."""
    try:
        return parse(text)
    except ValueError:
        raise refused(parameter, "this is no time: write 2026-02-25 or 2026-02-25T10:00:00Z") from None


def window(since: str | None, until: str | None, now: Instant, *, days: int = DEFAULT_DAYS) -> Window:
    """The window that was asked for: the last days unless told, everything for `since=all`. Raises ProblemError."""
    before = moment("until", until) if until is not None else None
    if since is None:
        start = to_datetime(before or now)
        # The year 1 has no day before it.
        began = from_datetime(start - timedelta(days=days)) if start.year > 1 else None
    else:
        began = None if since == ALL else moment("since", since)
    if began and before and began >= before:
        raise refused("until", "this is before since: there is nothing between them")
    return Window(began, before)


class Pages:
    """Lists of a store's journeys."""

    def __init__(self, store: ProblemStore, cursors: Cursors, now: Callable[[], Instant]) -> None:
        """List what `store` holds; `cursors` seals where a list goes on."""
        self._store = store
        self._cursors = cursors
        self._now = now

    def search(self) -> Search:
        """A search as of now."""
        return Search(self._store, self._now())

    def of_address(self, address: str, asked: Window, limit: int, cursor: str | None) -> Answer:
        """A recipient's mail, the newest first."""
        about = f"recipient {folded(address)}"
        began, until = asked.since and day(asked.since), _later(asked.until)
        found = self._page(
            lambda place: self._store.lookup(
                folded(address), since=began, until=until, limit=limit, cursor=place
            ),
            self._cursors.open(cursor, about),
        )
        told = [
            one
            for one in self.search().of_records(self._store.get(found.keys))
            if asked.holds(one) and not (cursor and _was_told(one, found.keys, until))
        ]
        deliveries = sum(key.address is not None for key in found.keys)
        return Answer(told, self._cursors.seal(found.cursor, about), len(found.keys), deliveries)

    def problems(self, on: str, limit: int, cursor: str | None) -> Answer:
        """What failed or may yet, of the mail of a day."""
        about = f"problems {on}"
        found = self._page(
            lambda place: self._store.problems(on, limit=limit, cursor=place),
            self._cursors.open(cursor, about),
        )
        told = [
            one
            for one in self.search().of_records(self._store.get(found.keys))
            if not (cursor and _stood_before(one, found.keys, on))
        ]
        return Answer(told, self._cursors.seal(found.cursor, about), len(found.keys))

    def _page(self, ask: Callable[[str | None], Page], place: str | None) -> Page:
        try:
            return ask(place)
        except ValueError as error:
            # Sealed by us, but before the store's lists changed their form.
            raise refused("cursor", "this cursor is of no use any more: start again without one") from error


def _later(until: Instant | None) -> Instant | None:
    try:
        return until and from_datetime(to_datetime(until) + _LATER)
    except OverflowError:
        return None


def _was_told(one: Journey, keys: Iterable[Key], until: Instant | None) -> bool:
    """Tell whether the record that the list has this journey's newest place for stood on an earlier page."""
    address = folded(one.recipient or "")
    if one.ses_id:
        newest, at = {ses_key(one.ses_id, address)}, ses_time(one.ses_id)
    else:
        tried = [day(entry["at"]) for entry in one.timeline if entry["event"] in _TRIES]
        at = max(tried, default=None)
        newest = {Key(f"queue#{queue_id}", f"{at}#to#{address}") for queue_id in one.queue_ids}
    return bool(newest) and newest.isdisjoint(keys) and at is not None and at < (until or "9999")


def _stood_before(one: Journey, keys: Iterable[Key], on: str) -> bool:
    """Tell whether a journey's delivery by SES is a problem of this day too: then it stood on an earlier page."""
    ses_id = one.ses_id or ""
    is_listed = day(ses_time(ses_id) or "") == on and any(
        is_problem(fact) for fact in one.facts if fact.get("ses_id") == ses_id
    )
    return is_listed and ses_key(ses_id, one.recipient or "") not in keys


_TRIES = ("deferred", "bounced", "handed-over", "rejected", "discarded", "relayed")


# --- what a page is narrowed to ---------------------------------------------------------------------------------------


class Wanted(NamedTuple):
    """What a list of problems is narrowed to; None lets everything pass."""

    state: str | None = None
    recipient_domain: str | None = None
    sender_domain: str | None = None
    provider: str | None = None

    def holds(self, one: Journey) -> bool:
        """Tell whether a journey is wanted. Without a state: what is a problem still."""
        stands = one.state.word == self.state if self.state else (one.state in PROBLEMS or one.complained)
        asked = (
            (self.recipient_domain, domain_of(one.recipient)),
            (self.sender_domain, domain_of(one.sender)),
            (self.provider, provider_of(one)),
        )
        return stands and all(wanted is None or wanted.casefold() == found for wanted, found in asked)


def domain_of(address: str | None) -> str:
    """The domain of an address, folded."""
    return folded(address or "").rpartition("@")[2]


def provider_of(one: Journey) -> str:
    """Who received a journey's mail, or should have."""
    # A relay's reply is SES's own.
    replies = [fact["reply"] for fact in one.facts if fact["source"] is Source.SES and "reply" in fact]
    return provider(folded(one.recipient or ""), replies)


def shown(one: Journey) -> dict[str, Any]:
    """A journey as the API shows it: with its provider, its three stages, and why it went as it did."""
    return {**one.as_json(), "provider": provider_of(one), **stages(one).as_json()}
