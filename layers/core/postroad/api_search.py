"""`search?q=`: knows by its form what somebody typed, and finds what it leads to."""

import re
from datetime import timedelta
from typing import NamedTuple

from postroad.addresses import folded
from postroad.api_pages import Answer, Pages, ProblemStore, Window
from postroad.ids import is_queue_id, ses_time
from postroad.instants import day, from_datetime, to_datetime

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
    """Find what the words lead to; an address gives a page, an id all its mail."""
    kind = kind_of(words)
    limit, cursor = page
    if kind == "address" or cursor:
        found = pages.of_address(words, asked, limit, cursor)
        if found.read or cursor:
            return Found("address", found)
    by_id = Answer(pages.search().of_id(plain(words)), None, 0)
    if by_id.journeys:
        return Found("message_id" if kind == "address" else kind, by_id)
    if kind == "ses_id":
        return Found("feedback_id", _of_feedback(pages, store, plain(words)))
    if kind == "message_id" and "@" in words:
        found = pages.of_address(words, asked, limit, None)
        return Found("address" if found.read else kind, found)
    return Found(kind, by_id)


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
