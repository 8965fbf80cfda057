"""`postroad summary`: counts, rates and latencies.

What is counted lies on disk, as a window may hold more than memory does.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

from postroad.addresses import folded
from postroad.instants import Instant, day
from postroad.journey import Journey
from postroad.lifecycle import State
from postroad.providers import provider
from postroad_host.answers import Summary

# Of sender domains and of providers: those with the most mail.
MOST_GROUPS = 20
_PERCENTILES = (50, 90, 99)
# The columns that mail is told apart by, and what a row of each list is named by.
_LISTS = {"days": "day", "sender_domains": "domain", "providers": "provider"}


def counted(found: Iterable[Journey], since: Instant | None, until: Instant) -> Summary:
    """Count journeys."""
    with closing(sqlite3.connect("")) as sheet:
        sheet.execute(
            "CREATE TABLE mail (everything, day, domain, provider, state, complained INT, delay REAL)"
        )
        sheet.executemany("INSERT INTO mail VALUES ('', ?, ?, ?, ?, ?, ?)", map(_row, found))
        for column in ("everything", *_LISTS.values()):
            sheet.execute(f"CREATE INDEX by_{column} ON mail ({column}, delay)")
        return {
            "window": {"since": since, "until": until},
            "counted": "all mail",
            "truncated": False,
            "total": _group(sheet, "everything", ""),
            **{name: _groups(sheet, column) for name, column in _LISTS.items()},
        }


def _row(one: Journey) -> tuple[str | bool | float | None, ...]:
    delay = one.delay_s if one.state is State.DELIVERED else None
    domain = folded(one.sender or "").rpartition("@")[2] or "unknown"
    return day(one.first_seen), domain, _provider(one), one.state.word, one.complained, delay


def _provider(one: Journey) -> str:
    replies = [entry["text"] for entry in one.timeline if entry["source"] == "ses"]
    return provider(folded(one.recipient or ""), replies)


def _groups(sheet: sqlite3.Connection, column: str) -> list[dict[str, Any]]:
    ranked = f"SELECT {column} FROM mail GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {MOST_GROUPS}"  # noqa: S608 - our own column
    by_name = f"SELECT DISTINCT {column} FROM mail ORDER BY 1"  # noqa: S608 - our own column
    names = sheet.execute(by_name if column == "day" else ranked).fetchall()
    return [{column: name} | _group(sheet, column, name) for (name,) in names]


def _group(sheet: sqlite3.Connection, column: str, name: str) -> dict[str, Any]:
    question = f"SELECT state, count(*), sum(complained) FROM mail WHERE {column} = ? GROUP BY 1 ORDER BY 1"  # noqa: S608 - our own column
    rows = sheet.execute(question, (name,)).fetchall()
    states = {state: number for state, number, _ in rows}
    return group(states, sum(complained for *_, complained in rows), _latency(sheet, column, name))


def _latency(sheet: sqlite3.Connection, column: str, name: str) -> dict[str, float] | None:
    timed = f"FROM mail WHERE {column} = ? AND delay IS NOT NULL"
    (number,) = sheet.execute(f"SELECT count(*) {timed}", (name,)).fetchone()
    question = f"SELECT delay {timed} ORDER BY delay LIMIT 1 OFFSET ?"
    # The nearest rank: a delay that somebody's mail had, not one between two.
    ranks = {f"p{percent}": -(-number * percent // 100) - 1 for percent in _PERCENTILES}
    return (
        {p: sheet.execute(question, (name, at)).fetchone()[0] for p, at in ranks.items()} if number else None
    )


# --- what follows from counts -----------------------------------------------------------------------------------------


def completed(said: Summary) -> Summary:
    """An API's summary, with the rates that follow from its counts."""
    whole = said["counted"] == "all mail"
    found = said | {"total": _again(said["total"], is_whole=whole)}
    for name, column in _LISTS.items():
        found[name] = [{column: one[column]} | _again(one, is_whole=whole) for one in said[name]]
    return found


def _again(one: Mapping[str, Any], *, is_whole: bool) -> dict[str, Any]:
    return group(one["states"], one["complained"], one["latency_s"], is_whole=is_whole)


def group(
    states: Mapping[str, int], complained: int, latency: Mapping[str, float] | None, *, is_whole: bool = True
) -> dict[str, Any]:
    """Counts and rates of some mail; no rates where only the problems were counted."""
    return {
        "messages": sum(states.values()),
        "states": dict(sorted(states.items())),
        "complained": complained,
        "rates": rates(states, complained) if is_whole else None,
        "latency_s": latency,
    }


def rates(states: Mapping[str, int], complained: int) -> dict[str, float | None]:
    """What share of the mail came to what; None where there is nothing to take a share of.

    SES tried what was delivered or bounced: what a suppression list held back counts neither among the hard bounces
    nor among the mail. The naive rate takes each permanent bounce event for a hard bounce, those of the lists too.
    """
    delivered, bounced, soft, held = (
        states.get(one.word, 0)
        for one in (State.DELIVERED, State.BOUNCED, State.SOFT_BOUNCED, State.SUPPRESSED)
    )
    tried = delivered + bounced + soft
    return {
        "delivered": _share(delivered, tried),
        "hard_bounce": _share(bounced, tried),
        "hard_bounce_naive": _share(bounced + held, tried + held),
        "soft_bounce": _share(soft, tried),
        "complaint": _share(complained, delivered),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
