"""What a reply means: by a rule, else by its status code, else by Amazon SES's label."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from postroad.diagnosis.explained import Explained
from postroad.diagnosis.heard import Heard, apart, taken_in
from postroad.diagnosis.labels import STATUSES, label_of
from postroad.diagnosis.reasons import WORTH_MORE_THAN_EXPIRED, Confidence, Reason, Where
from postroad.diagnosis.rule import Rule
from postroad.facts import Fact

# SES's note of expiry ends with the server's last reply: `Message expired: ...<452 4.2.2 ...>`.
_LAST_REPLY = re.compile(r"<(?=[245]\d\d[ -])")


class Verdict(NamedTuple):
    """What a reply was found to mean, by which rule, and what it found."""

    reason: Reason
    rule: str
    found: str
    confidence: Confidence = Confidence.HIGH
    where: Where | None = None
    explained: Explained | None = None


_UNCLEAR = Verdict(Reason.UNDETERMINED, "none", "", Confidence.LOW)
_GAVE_UP = Verdict(Reason.EXPIRED, "gave-up", "expired")


def judged(fact: Fact, heard: Heard, rules: Sequence[Rule], *, gave_up: bool) -> Verdict:
    word, label = label_of(fact)
    by_label = (
        Verdict(label.reason, "label", word, Confidence.MEDIUM, label.where, label.explained)
        if label
        else None
    )
    if label and by_label and label.is_final:
        return by_label._replace(confidence=Confidence.HIGH)
    found = _by_rules(heard, rules) or _by_status(heard) or by_label or _UNCLEAR
    if found.reason is Reason.EXPIRED:
        return _last_reply(fact, rules) or found
    if found.reason not in WORTH_MORE_THAN_EXPIRED:
        if gave_up:
            return _GAVE_UP
        if by_label and by_label.reason is Reason.EXPIRED:
            return by_label
    return found


def _by_rules(heard: Heard, rules: Sequence[Rule]) -> Verdict | None:
    for rule in rules:
        found = _found(rule, heard)
        if found is not None:
            return Verdict(rule.reason, rule.name, found, rule.confidence, rule.where, rule.explained)
    return None


def _found(rule: Rule, heard: Heard) -> str | None:
    narrowed = (
        (not rule.said_by or heard.by in rule.said_by)
        and (not rule.codes or heard.code.startswith(rule.codes))
        and (not rule.statuses or _is_one_of(heard.status, rule.statuses))
    )
    if not narrowed:
        return None
    if not rule.phrases:
        return f"{heard.code} {heard.status}".strip()
    return next((one for one in rule.phrases if _occurs(one, heard.text)), None)


def _is_one_of(status: str, patterns: Iterable[str]) -> bool:
    return any(one in (status, f"x{status[1:]}") for one in patterns)


def _occurs(words: str, text: str) -> bool:
    """Look for the parts between the stars one after the other: one pass over the text."""
    start = 0
    for part in words.split("*"):
        at = text.find(part, start)
        if at < 0:
            return False
        start = at + len(part)
    return True


def _by_status(heard: Heard) -> Verdict | None:
    reason = STATUSES.get(heard.status[2:])
    if reason is None:
        return None
    if reason is Reason.HOST_UNKNOWN and heard.status.startswith("4"):
        reason = Reason.NETWORK_ERROR
    return Verdict(reason, "status", heard.status, Confidence.MEDIUM)


def _last_reply(fact: Fact, rules: Sequence[Rule]) -> Verdict | None:
    """What the server said last of mail that was given up, if it tells more than that time was over."""
    words = apart(fact)[1]
    start = _LAST_REPLY.search(words)
    if start is None:
        return None
    heard = taken_in(Where.SERVER, words[start.end() :], "")
    found = _by_rules(heard, rules) or _by_status(heard)
    return found if found and found.reason in WORTH_MORE_THAN_EXPIRED else None
