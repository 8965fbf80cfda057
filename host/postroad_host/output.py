"""How the command line shows things: tables for people, JSON lines and CSV for programs."""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

import click

from postroad.addresses import printable
from postroad.journey import Journey
from postroad.lifecycle import MEANINGS
from postroad.store.sqlite_ledger import SetAside

# A spreadsheet runs what begins like this.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BAD_FIELDS = ("seen_at", "source", "origin", "reason", "raw")
_CSV_FIELDS = tuple(name for name in Journey._fields if name not in ("timeline", "facts"))


def journeys(found: Iterable[Journey], shape: str | None) -> int:
    """Show journeys; returns how many."""
    return _SHAPES[shape](found)


def timelines(found: Iterable[Journey], shape: str | None) -> int:
    """Show journeys with their timelines and evidence; returns how many."""
    return _json(found) if shape == "json" else _each(found, _timeline)


def refused(found: Iterable[SetAside], shape: str | None) -> int:
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


def _json(found: Iterable[Journey]) -> int:
    return _each(found, lambda one: _dump(one.as_json()))


def _csv(found: Iterable[Journey]) -> int:
    return _csv_rows((one.as_json() for one in found), _CSV_FIELDS)


def _csv_rows(rows: Iterable[dict[str, Any]], fields: Iterable[str]) -> int:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(fields)
    return _each(rows, lambda row: writer.writerow([_cell(row[name]) for name in fields]))


def _cell(value: object) -> str:
    text = printable(" ".join(value) if isinstance(value, list) else _plain(value))
    return f"'{text}" if text.startswith(_FORMULA) and isinstance(value, str) else text


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _table(found: Iterable[Journey]) -> int:
    return _each(found, _summary)


def _summary(one: Journey) -> None:
    marks = [name for name in ("complained", "auto_reply", "silent") if getattr(one, name)]
    shown = MEANINGS[one.state].shown + "".join(f"; {mark.replace('_', ' ')}" for mark in marks)
    word = click.style(f"{one.state.word:<12}", bold=True)
    click.echo(f"{one.first_seen[:19].replace('T', ' ')}  {word}  {_safe(one.recipient)}")
    click.echo(f"    {shown}")
    click.echo(f"    from {_safe(one.sender) or '<>'}, subject {_safe(one.subject)}")
    click.echo(f"    {_names(one)}")


def _names(one: Journey) -> str:
    said = {"queue id": ", ".join(one.queue_ids), "on": ", ".join(one.hosts), "SES id": one.ses_id}
    return ", ".join(f"{name} {_safe(value)}" for name, value in said.items() if value)


def _timeline(one: Journey) -> None:
    _summary(one)
    for entry in one.timeline:
        click.echo(f"      {entry['at'][:19].replace('T', ' ')}  {entry['source']:<6} {entry['text']}")
        if entry["line"]:
            click.secho(f"        {entry['line']}", dim=True)


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


_SHAPES: dict[str | None, Callable[[Iterable[Journey]], int]] = {"json": _json, "csv": _csv, None: _table}
