"""docs/diagnosis.md is written from the tables; POSTROAD_REWRITE_CASES=1 writes it anew."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from postroad.diagnosis import (
    BOUNCE_LABELS,
    DELAY_LABELS,
    EXPLAINED,
    MEANINGS,
    RULES,
    STATUSES,
    Reason,
    Rule,
    rules_from,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "diagnosis.md"
# The page holds each of these tables between two marks.
START, END = "<!-- {}: from the tables -->\n", "<!-- end -->\n"


def table(head: str, rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, "|" + "---|" * head.count(" | ") + "---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def reasons() -> str:
    return table(
        "| reason | meaning | what support reads | who acts | what to do |",
        (
            (
                f"`{reason}`",
                MEANINGS[reason],
                told(EXPLAINED[reason].summary),
                EXPLAINED[reason].by,
                EXPLAINED[reason].advice,
            )
            for reason in Reason
        ),
    )


def told(summary: str) -> str:
    said = summary.format(by="the recipient's server", to="the recipient's server")
    return said[0].upper() + said[1:] + "."


def rules() -> str:
    return table(
        "| no. | rule | reason | looks for | only where |",
        (
            (
                str(number),
                f"`{rule.name}`",
                f"`{rule.reason}`",
                ", ".join(f"`{one}`" for one in rule.phrases),
                narrowed(rule),
            )
            for number, rule in enumerate(RULES, 1)
        ),
    )


def narrowed(rule: Rule) -> str:
    said = [f"{' or '.join(rule.said_by)} said so"] if rule.said_by else []
    codes = [f"the code begins with {' or '.join(rule.codes)}"] if rule.codes else []
    return ", ".join(said + codes)


def statuses() -> str:
    return table(
        "| status code | reason |", ((f"`x.{code}`", f"`{reason}`") for code, reason in STATUSES.items())
    )


def labels() -> str:
    return table(
        "| label | reason |",
        [
            *((f"bounceSubType `{name}`", f"`{label.reason}`") for name, label in BOUNCE_LABELS.items()),
            *((f"delayType `{name}`", f"`{label.reason}`") for name, label in DELAY_LABELS.items()),
        ],
    )


def rewritten(page: str) -> str:
    for name, made in (
        ("reasons", reasons()),
        ("rules", rules()),
        ("statuses", statuses()),
        ("labels", labels()),
    ):
        before, start, rest = page.partition(START.format(name))
        assert start, f"no place for {name}"
        _, end, after = rest.partition(END)
        page = before + start + made + end + after
    return page


def test_page_is_what_the_tables_say() -> None:
    page = PAGE.read_text("utf-8")
    wanted = rewritten(page)
    if os.environ.get("POSTROAD_REWRITE_CASES"):
        PAGE.write_text(wanted, "utf-8")
    assert page == wanted


def test_example_of_an_operators_rule_is_one() -> None:
    page = PAGE.read_text("utf-8")
    example = page.partition("```json\n")[2].partition("```")[0]
    rule = rules_from(json.loads(example))[0]
    assert rule.name == "our-partner"
