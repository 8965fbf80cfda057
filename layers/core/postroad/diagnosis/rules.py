"""All rules in their order, and an operator's own."""

from collections.abc import Iterable, Mapping
from typing import Any

from postroad.diagnosis.explained import EXPLAINED, Explained
from postroad.diagnosis.reasons import Reason, Where, Whom
from postroad.diagnosis.rule import Rule
from postroad.diagnosis.rules_of_relay import RELAY_RULES
from postroad.diagnosis.rules_of_servers import GENERAL_RULES, PROVIDER_RULES
from postroad.diagnosis.rules_of_ses import SES_RULES

RULES: tuple[Rule, ...] = (*SES_RULES, *RELAY_RULES, *PROVIDER_RULES, *GENERAL_RULES)
_NAMES = frozenset({"name", "reason", "phrases", "codes", "statuses", "where", "summary", "by", "advice"})


def rules_from(tables: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """An operator's own rules, as a file holds them, to stand before these: `(*rules_from(own), *RULES)`.

    Each table has `name`, `reason` and `phrases`, and may have `codes`, `where`, `summary`, `by` and `advice`.
    Raises ValueError with the rule's name and what is wrong with it.
    """
    return tuple(_rule_from(table) for table in tables)


def _rule_from(table: Mapping[str, Any]) -> Rule:
    name = table.get("name", "?")
    try:
        return _checked(table)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"rule {name}: {'missing ' if isinstance(error, KeyError) else ''}{error}"
        raise ValueError(reason) from error


def _checked(table: Mapping[str, Any]) -> Rule:
    unknown = sorted(set(table) - _NAMES)
    if unknown:
        reason = f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_NAMES))}"
        raise ValueError(reason)
    rule = Rule(
        str(table["name"]),
        Reason(table["reason"]),
        phrases=tuple(phrase.casefold() for phrase in _words(table, "phrases")),
        codes=_words(table, "codes"),
        statuses=_words(table, "statuses"),
        where=Where(table["where"]) if "where" in table else None,
        explained=_explained(table),
    )
    if not (rule.phrases or rule.codes or rule.statuses):
        reason = "needs phrases, codes or statuses"
        raise ValueError(reason)
    return rule


def _words(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    words = table.get(name, ())
    if isinstance(words, str) or not all(isinstance(word, str) and word.strip("* ") for word in words):
        reason = f"{name} must be a list of texts that are not empty"
        raise ValueError(reason)
    return tuple(words)


def _explained(table: Mapping[str, Any]) -> Explained | None:
    if not {"summary", "by", "advice"} & set(table):
        return None
    usual = EXPLAINED[Reason(table["reason"])]
    # An operator's sentence may hold braces of its own.
    summary = (
        str(table["summary"]).replace("{", "{{").replace("}", "}}") if "summary" in table else usual.summary
    )
    return Explained(
        summary, Whom(table["by"]) if "by" in table else usual.by, str(table.get("advice", usual.advice))
    )
