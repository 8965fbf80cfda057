"""`search?q=`: knows by its form what somebody typed, and finds what it leads to."""

import re
from datetime import timedelta
from typing import NamedTuple

from postroad.addresses import folded
from postroad.api_pages import Answer, Pages, ProblemStore, Window
from postroad.ids import is_queue_id, ses_time
from postroad.instants import day, from_datetime, to_datetime
from postroad.places import lookup_of_message_id

# An id of SES's, of a message or of a feedback: they look alike.
_SES_ID = re.compile(r"[0-9a-f]{16}(?:-[0-9a-z]+)+", re.IGNORECASE)
# How many records are read in search of a feedback id, which no index knows.
FEEDBACK_CAP = 500


class Found(NamedTuple):
    """What was found, and what the words were taken for."""

    kind: str
    answer: Answer


def kind_of(words: str) -> str:
    """What somebody typed: `address`, `ses_id`, `queue_id` or `message_id`."""
    text = plain(words)
    if "@" in text:
        return "message_id" if words.strip().startswith("<") and " " not in words.strip() else "address"
    if _SES_ID.fullmatch(text):
        return "ses_id"
    return "queue_id" if is_queue_id(text) else "message_id"


def find(pages: Pages, store: ProblemStore, words: str, asked: Window, page: tuple[int, str | None]) -> Found:
    """Find what the words lead to; an address gives a page (`page`: how many, and where from), an id all its mail."""
    text, kind = plain(words), kind_of(words)
    if "@" in words:
        found = pages.of_address(words, asked, *page)
        if found.deliveries or page[1]:
            return Found("address", found)
        named = _of_message_id(pages, store, text)
        return Found("message_id", named) if named.journeys else Found(kind, found)
    by_id = Answer(pages.search().of_id(text), None, 0)
    if kind == "ses_id" and not by_id.journeys:
        return Found("feedback_id", _of_feedback(pages, store, text))
    return Found(kind, by_id)


def _of_message_id(pages: Pages, store: ProblemStore, message_id: str) -> Answer:
    """A Message-ID looks like an address, and the index holds both: only its own records count."""
    keys = store.lookup(lookup_of_message_id(message_id), limit=1).keys
    if all(key.address is not None for key in keys):
        return Answer([], None, 0)
    journeys = [one for one in pages.search().of_id(message_id) if one.message_id == message_id]
    return Answer(journeys, None, len(keys))


def _of_feedback(pages: Pages, store: ProblemStore, feedback_id: str) -> Answer:
    """The bounce or complaint with this id, among the problems of the mail of its day and of the day before."""
    at = ses_time(feedback_id)
    if at is None:
        return Answer([], None, 0)
    days = [day(at), day(from_datetime(to_datetime(at) - timedelta(days=1)))]
    read = 0
    for one in days:
        records = store.get(store.problems(one, limit=FEEDBACK_CAP // len(days)).keys)
        read += len(records)
        named = [
            record
            for record in records
            if any(fact.get("feedback_id") == feedback_id for fact in record.facts())
        ]
        if named:
            return Answer(pages.search().of_records(named), None, read)
    return Answer([], None, read)


def plain(words: str) -> str:
    return words.strip().removeprefix("<").removesuffix(">").strip()


def identity(words: str) -> str:
    """What is noted of a look-up: the address, or the id."""
    return folded(words) if kind_of(words) == "address" else plain(words)
