"""Diagnosis: why a message did not arrive, where the trouble lies, and who can do what; and the three-stage answer.

Everything here is a function of facts. What others need of it stands in this list, and is imported from here:

- `diagnose`, `diagnose_reply`: facts to a `Diagnosis` (`deciding`, which asks `heard`, `verdict`, `told`);
- `stages`: a journey to an `Answer` (`answer`, from the tables in `courses`);
- the tables: `RULES` (`rules_of_*`), `STATUSES` and the labels of Amazon SES's (`labels`), `MEANINGS` (`reasons`),
  `EXPLAINED` (`explained`); `rules_from` reads an operator's own rules.
"""

from postroad.diagnosis.answer import QUESTIONS, Answer, Stage, stages
from postroad.diagnosis.courses import Progress
from postroad.diagnosis.deciding import diagnose, diagnose_reply
from postroad.diagnosis.explained import EXPLAINED, Explained
from postroad.diagnosis.labels import BOUNCE_LABELS, DELAY_LABELS, STATUSES, Label
from postroad.diagnosis.overlays import QUEUE_LIFETIME_S, Overlay
from postroad.diagnosis.reasons import MEANINGS, Confidence, Reason, Where, Whom
from postroad.diagnosis.rule import Rule
from postroad.diagnosis.rules import RULES, rules_from
from postroad.diagnosis.told import Diagnosis, Evidence

__all__ = [
    "BOUNCE_LABELS",
    "DELAY_LABELS",
    "EXPLAINED",
    "MEANINGS",
    "QUESTIONS",
    "QUEUE_LIFETIME_S",
    "RULES",
    "STATUSES",
    "Answer",
    "Confidence",
    "Diagnosis",
    "Evidence",
    "Explained",
    "Label",
    "Overlay",
    "Progress",
    "Reason",
    "Rule",
    "Stage",
    "Where",
    "Whom",
    "diagnose",
    "diagnose_reply",
    "rules_from",
    "stages",
]
