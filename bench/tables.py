"""What a row of the results says: measurements, goals, and how both are shown."""

import json
from pathlib import Path
from typing import NamedTuple


class Measured(NamedTuple):
    """A line of a table."""

    name: str
    low: float
    middle: float
    high: float
    unit: str
    note: str = ""


class Goal(NamedTuple):
    """A goal of the project: what was reached, and what must be."""

    what: str
    reached: float
    sense: str  # ≥ or ≤
    bound: float
    unit: str = "×"

    @property
    def is_met(self) -> bool:
        """Tell whether it was reached."""
        return self.reached >= self.bound if self.sense == "≥" else self.reached <= self.bound


class Table(NamedTuple):
    """A row of the issue: its measurements, goals and what has to be said about them."""

    title: str
    command: str
    measured: list[Measured]
    goals: list[Goal]
    notes: list[str]


def read(path: Path) -> Table:
    """A table as `main` wrote it."""
    title, command, lines, goals, notes = json.loads(path.read_text())
    return Table(title, command, [Measured(*one) for one in lines], [Goal(*one) for one in goals], notes)


def shown(table: Table) -> str:
    """A table as Markdown."""
    head = ["", f"## {table.title}", "", f"`{table.command}`", ""]
    lines = ["| | min | median | max | |", "|---|--:|--:|--:|---|", *map(_line, table.measured)]
    goals = ["", *(f"- {_verdict(goal)}" for goal in table.goals)] if table.goals else []
    notes = ["", *(f"- {note}" for note in table.notes)] if table.notes else []
    return "\n".join([*head, *lines, *goals, *notes])


def _line(line: Measured) -> str:
    numbers = (f"{number(value)} {line.unit}" for value in (line.low, line.middle, line.high))
    return f"| {line.name} | {' | '.join(numbers)} | {line.note} |"


def _verdict(goal: Goal) -> str:
    met = "met" if goal.is_met else "**not met**"
    return f"{goal.what}: {number(goal.reached)}{goal.unit} (goal {goal.sense} {number(goal.bound)}{goal.unit}): {met}"


def number(value: float) -> str:
    """Three figures."""
    if value and abs(value) < 0.01:
        return f"{value:.2g}"
    if abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}"
