"""A verdict told to people."""

from typing import Any, NamedTuple

from postroad.addresses import printable
from postroad.diagnosis.disagreements import disagreements
from postroad.diagnosis.explained import EXPLAINED
from postroad.diagnosis.heard import Heard
from postroad.diagnosis.labels import label_of
from postroad.diagnosis.reasons import OF_RECIPIENT, Confidence, Reason, Where, Whom
from postroad.diagnosis.verdict import Verdict
from postroad.facts import Event, Fact
from postroad.ids import is_ses_relay

# How much is shown of a reply.
_SHOWN = 1_000
_NAMES = {
    Where.RELAY: "our mail server",
    Where.SES: "Amazon SES",
    Where.SERVER: "the recipient's server",
    Where.RECIPIENT: "the recipient's server",
}
_LESS = {
    Confidence.HIGH: Confidence.MEDIUM,
    Confidence.MEDIUM: Confidence.LOW,
    Confidence.LOW: Confidence.LOW,
}


class Evidence(NamedTuple):
    """What decided: the rule, what it found, and the words it found it in."""

    rule: str
    found: str
    said: str


class Diagnosis(NamedTuple):
    """Why, where, and what to do by whom."""

    reason: Reason
    where: Where
    summary: str
    by: Whom
    advice: str
    confidence: Confidence
    evidence: Evidence
    disagreement: str | None

    def as_json(self) -> dict[str, Any]:
        """The diagnosis as the API and `--json` show it."""
        return self._asdict() | {"evidence": self.evidence._asdict()}


_CLEAR_THE_ADDRESS = " The address itself may be right: see that it does not stay on a suppression list."
_TELLS_OF_ADDRESS = OF_RECIPIENT | {Reason.SUPPRESSED, Reason.NOT_ACCEPT, Reason.UNDETERMINED}


def diagnosis_of(fact: Fact, heard: Heard, verdict: Verdict) -> Diagnosis:
    where = verdict.where or _where(verdict.reason, heard.by)
    disagreement = next(disagreements(fact, heard, verdict), None)
    told = verdict.explained or EXPLAINED[verdict.reason]
    summary = told.summary.format(by=_NAMES[where], to=_peer(fact, where))
    return Diagnosis(
        reason=verdict.reason,
        where=where,
        summary=f"{summary[0].upper()}{summary[1:]}.",
        by=told.by,
        advice=told.advice + (_CLEAR_THE_ADDRESS if _may_be_right(fact, verdict.reason) else ""),
        confidence=_LESS[verdict.confidence] if disagreement else verdict.confidence,
        evidence=Evidence(verdict.rule, printable(verdict.found), printable(_said(fact))[:_SHOWN]),
        disagreement=disagreement,
    )


def _where(reason: Reason, by: Where) -> Where:
    return Where.RECIPIENT if by is Where.SERVER and reason in OF_RECIPIENT else by


def _peer(fact: Fact, where: Where) -> str:
    """The server at the other end of a connection that failed."""
    if where is not Where.RELAY or fact["event"] is Event.REJECTED:
        return _NAMES[where]
    said = fact.get("relay", "") + fact.get("reply", "")
    return _NAMES[Where.SES] if is_ses_relay(said) else "the next server"


def _said(fact: Fact) -> str:
    return fact.get("reply") or label_of(fact)[0].removesuffix("DeliveryDelay/") or "no text given"


def _may_be_right(fact: Fact, reason: Reason) -> bool:
    """SES puts an address on its list after a permanent bounce, whatever the bounce was for."""
    return fact.get("bounce_type") == "Permanent" and reason not in _TELLS_OF_ADDRESS
