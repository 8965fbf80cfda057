"""How the command line shows things: tables for people, JSON lines and CSV for programs."""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from postroad.addresses import printable
from postroad.lifecycle import BY_WORD, MEANINGS
from postroad_host.answers import Document, Summary

if TYPE_CHECKING:
    from postroad.journey import Journey
    from postroad.store.sqlite_ledger import SetAside

# A spreadsheet runs what begins like this.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BAD_FIELDS = ("seen_at", "source", "origin", "reason", "raw")
_DIAGNOSIS_FIELDS = ("reason", "where", "summary", "advice")


def exported(found: Iterable["Journey"], shape: str) -> int:
    """Show journeys to a program, without what was made of them; returns how many."""
    rows = (one.as_json() for one in found)
    return _csv_rows(rows, _journey_fields()) if shape == "csv" else _each(rows, _dump)


def journeys(found: Iterable[Document], shape: str | None) -> int:
    """Show journeys with their diagnosis; returns how many."""
    if shape == "csv":
        rows = (dict.fromkeys(_DIAGNOSIS_FIELDS) | (one["diagnosis"] or {}) | one for one in found)
        return _csv_rows(rows, _journey_fields() + _DIAGNOSIS_FIELDS)
    return _each(found, _dump if shape == "json" else _journey)


def timelines(found: Iterable[Document], shape: str | None) -> int:
    """Show journeys with their stages, timelines and evidence; returns how many."""
    return _each(found, _dump if shape == "json" else _timeline)


def summary(found: Summary, shape: str | None) -> None:
    """Show a summary."""
    if shape == "json":
        _dump(found)
    else:
        for line in _counted(found):
            click.echo(line)


def refused(found: Iterable["SetAside"], shape: str | None) -> int:
    """Show refused inputs; returns how many."""
    rows = ({"seen_at": one.at} | one.input._asdict() for one in found)
    if shape == "csv":
        return _csv_rows(rows, _BAD_FIELDS)
    return _each(rows, _dump if shape == "json" else _bad_line)


def parsed(found: Iterable[dict[str, Any]], shape: str | None) -> None:
    """Show what input lines say."""
    _each(found, _dump if shape == "json" else _parsed_line)


def _each(found: Iterable[Any], tell: Callable[[Any], None]) -> int:
    count = 0
    for one in found:
        tell(one)
        count += 1
    return count


def _dump(document: dict[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False)
    click.echo(text if text.isprintable() else "".join(map(_escaped, text)))


def _escaped(char: str) -> str:
    """Escape what JSON would leave as it is and a terminal would obey (DEL, C1 controls, changes of direction)."""
    if char.isprintable():
        return char
    return re.sub("(....)", r"\\u\1", char.encode("utf-16-be", "surrogatepass").hex())


def _csv_rows(rows: Iterable[dict[str, Any]], fields: Iterable[str]) -> int:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(fields)
    return _each(rows, lambda row: writer.writerow([_cell(row[name]) for name in fields]))


def _journey_fields() -> tuple[str, ...]:
    # 30 ms, which neither the help nor `import` needs.
    from postroad.journey import Journey  # noqa: PLC0415

    return tuple(name for name in Journey._fields if name not in ("timeline", "facts"))


def _cell(value: object) -> str:
    text = printable(" ".join(value) if isinstance(value, list) else _plain(value))
    return f"'{text}" if text.startswith(_FORMULA) and isinstance(value, str) else text


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _journey(one: Document) -> None:
    _headline(one)
    for line in _why(one["diagnosis"]):
        click.echo(f"    {line}")
    _identity(one)


def _headline(one: Document) -> None:
    marks = [name for name in ("complained", "auto_reply", "silent") if one[name]]
    known = BY_WORD.get(one["state"])
    shown = MEANINGS[known].shown if known else _safe(one["state"])
    word = click.style(f"{_safe(one['state']):<12}", bold=True)
    click.echo(f"{_time(one['first_seen'])}  {word}  {_safe(one['recipient'])}")
    click.echo(f"    {shown}" + "".join(f"; {mark.replace('_', ' ')}" for mark in marks))


def _why(diagnosis: Mapping[str, Any] | None) -> Iterator[str]:
    """The sentence, what it rests on, what to do, and where what was said contradicts itself."""
    if diagnosis:
        said = {name: _safe(value) for name, value in diagnosis.items() if isinstance(value, str)}
        yield said["summary"]
        yield f"reason: {said['reason']} ({_PLACES.get(said['where'], said['where'])}; {said['confidence']} confidence)"
        yield f"what to do ({said['by']}): {said['advice']}"
        if "disagreement" in said:
            yield f"but: {said['disagreement']}"


_PLACES = {"relay": "our mail server", "ses": "Amazon SES", "server": "the recipient's server"} | {
    "recipient": "the recipient"
}


def _identity(one: Document) -> None:
    click.echo(f"    from {_safe(one['sender']) or '<>'}, subject {_safe(one['subject'])}")
    said = {
        "queue id": ", ".join(one["queue_ids"]),
        "on": ", ".join(one["hosts"]),
        "SES id": one["ses_id"],
    }
    click.echo(f"    {', '.join(f'{name} {_safe(value)}' for name, value in said.items() if value)}")


def _timeline(one: Document) -> None:
    _headline(one)
    for line in _why(one["diagnosis"]):
        click.echo(f"    {line}")
    for number, stage in enumerate(one["stages"], 1):
        at = f", {_time(stage['at'])}" if stage["at"] else ""
        click.echo(f"    {number}. {_safe(stage['question'])} {_safe(stage['state'])}{at}")
        click.echo(f"       {_safe(stage['text'])}")
        _evidence(stage["line"])
    for overlay in one["overlays"]:
        click.echo(f"    {_time(overlay['at'])}  {_safe(overlay['text'])}")
    _identity(one)
    for entry in one["timeline"]:
        click.echo(f"      {_time(entry['at'])}  {_safe(entry['source']):<6} {_safe(entry['text'])}")
        _evidence(entry["line"])


def _evidence(line: str | None) -> None:
    if line:
        click.secho(f"        {printable(line)}", dim=True)


def _time(at: str) -> str:
    return printable(at[:19].replace("T", " "))


# --- a summary -------------------------------------------------------------------------------------------------------

_RATES = {
    "delivered": "delivered",
    "hard_bounce": "hard bounces; as in Amazon SES's own rate, what a suppression list held back does not count",
    "hard_bounce_naive": "hard bounces, if it did",
    "soft_bounce": "soft bounces",
    "complaint": "complaints, of what was delivered",
}
_COLUMNS = (
    "messages",
    "delivered",
    "bounced",
    "suppressed",
    "hard %",
    "compl. %",
    "p50 s",
    "p90 s",
    "p99 s",
)
_TITLES = {
    "days": ("day", "By day"),
    "sender_domains": ("domain", "By sender domain"),
    "providers": ("provider", "By receiving provider"),
}
_WIDTH, _COLUMN = 24, 11


def _counted(found: Summary) -> Iterator[str]:
    since, until = (_safe(found["window"][name])[:16].replace("T", " ") for name in ("since", "until"))
    total = found["total"]
    yield f"{since} to {until} UTC: {total['messages']} messages"
    if found["counted"] != "all mail":
        yield "Only what failed or may yet could be counted, so there are no rates."
    if found["truncated"]:
        yield "There was more than could be counted: this is the newest part of it."
    yield from (f"  {_safe(state):<14}{number:>9}" for state, number in total["states"].items())
    yield f"  {'complained':<14}{total['complained']:>9}"
    for name, words in _RATES.items() if total["rates"] else ():
        yield f"  {_percent(total['rates'][name]):>9} %  {words}"
    if total["latency_s"]:
        said = ", ".join(
            f"{_safe(name)[1:]} % within {seconds:g} s" for name, seconds in total["latency_s"].items()
        )
        yield f"  of the delivered {said}"
    for name, (column, title) in _TITLES.items():
        yield from _listed(found[name], column, title)


def _listed(rows: Iterable[Mapping[str, Any]], column: str, title: str) -> Iterator[str]:
    yield ""
    yield f"{title:<{_WIDTH}}" + "".join(f"{name:>{_COLUMN}}" for name in _COLUMNS)
    for row in rows:
        yield f"{_safe(row[column])[:_WIDTH]:<{_WIDTH}}" + "".join(
            f"{cell:>{_COLUMN}}" for cell in _cells(row)
        )


def _cells(row: Mapping[str, Any]) -> Iterator[str]:
    yield str(row["messages"])
    yield from (str(row["states"].get(name, 0)) for name in ("delivered", "bounced", "suppressed"))
    yield from (_percent((row["rates"] or {}).get(name)) for name in ("hard_bounce", "complaint"))
    latency = row["latency_s"] or {}
    yield from (f"{latency[name]:g}" if name in latency else "-" for name in ("p50", "p90", "p99"))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"


# --- what was said, and what was refused ------------------------------------------------------------------------------


def _safe(text: str | None) -> str:
    return "unknown" if text is None else printable(text)


def _bad_line(row: dict[str, Any]) -> None:
    click.echo(f"{row['seen_at']}  {row['source']}  {printable(row['origin'])}: {printable(row['reason'])}")
    click.echo(f"    {printable(row['raw'][:400])}")


def _parsed_line(document: dict[str, Any]) -> None:
    if "error" in document:
        click.echo(f"{document['line']}: refused: {printable(document['error'])}")
    for fact in document.get("facts", ()):
        words = " ".join(f"{name}={value}" for name, value in fact.items() if name != "event")
        click.echo(f"{document['line']}: {fact['event']}: {printable(words)}")
