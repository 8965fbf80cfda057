"""Real replies, and what they must be read as: one case a line in tests/cases/diagnosis/*.jsonl."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postroad.diagnosis import BOUNCE_LABELS, DELAY_LABELS, RULES, Confidence, Reason, Where, diagnose
from postroad.facts import Event, Fact, Source

CASES = Path(__file__).resolve().parents[1] / "cases" / "diagnosis"
# Decided without a rule: by an event, a status code or a label of SES's.
WITHOUT_A_RULE = {
    "delivered",
    "complaint",
    "auto-reply",
    "ses-reject",
    "ses-rendering-failure",
    "status",
    "label",
    "none",
}


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(CASES.glob("*.jsonl")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            yield f"{path.stem}:{number}", json.loads(line)


def facts_of(said: dict[str, str] | list[dict[str, str]]) -> list[Fact]:
    found: list[Any] = [
        {"at": "2026-02-25T00:05:18.000Z"}
        | {name: word for name, word in one.items() if name != "by"}
        | {"source": Source(one["by"]), "event": Event(one["event"])}
        for one in (said if isinstance(said, list) else [said])
    ]
    return found


ALL = dict(cases())


@pytest.mark.parametrize("name", ALL)
def test_reply_is_read_as_its_case_says(name: str) -> None:
    case = ALL[name]
    found = diagnose(facts_of(case["said"]))
    assert found is not None
    assert (found.reason, found.where) == (case["reason"], case["where"]), found
    assert bool(found.disagreement) == case.get("disagrees", False), found.disagreement


def test_cases_are_many_and_each_tells_its_source() -> None:
    assert len(ALL) >= 150
    assert all(case["source"].strip() for case in ALL.values())
    replies = [json.dumps(case["said"]) for case in ALL.values()]
    assert len(set(replies)) == len(replies)


def test_no_rule_without_a_case() -> None:
    deciding = {found.evidence.rule for case in ALL.values() if (found := diagnose(facts_of(case["said"])))}
    assert deciding - WITHOUT_A_RULE == {rule.name for rule in RULES}
    assert deciding >= WITHOUT_A_RULE


def test_no_reason_and_no_place_without_a_case() -> None:
    assert {case["reason"] for case in ALL.values()} == set(Reason)
    assert {case["where"] for case in ALL.values()} == set(Where)


def test_no_label_without_a_case() -> None:
    said = [
        one for case in ALL.values() for one in ([case["said"]] if isinstance(case["said"], dict) else [])
    ]
    assert {one.get("bounce_sub_type") for one in said} >= set(BOUNCE_LABELS)
    assert {one.get("delay_type") for one in said} >= set(DELAY_LABELS)


def test_what_is_not_understood_is_shown_and_not_trusted() -> None:
    unclear = [case for case in ALL.values() if case["reason"] == "undetermined"]
    assert unclear
    for case in unclear:
        found = diagnose(facts_of(case["said"]))
        assert found is not None
        assert found.confidence is Confidence.LOW
        assert found.evidence.said == case["said"].get("reply", found.evidence.said)
