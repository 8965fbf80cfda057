"""A rule reads a reply: what it looks for, and what that means.

Rules are tried in the order in which they stand, an operator's own before the built-in ones, and the first that fits
decides; so what is specific stands above what is general. A phrase is plain text that is looked for in the folded
reply, and `*` in it stands for any text: no regular expressions, so no reply, however long, can make one slow.
"""

from typing import NamedTuple

from postroad.diagnosis.explained import Explained
from postroad.diagnosis.reasons import Confidence, Reason, Where, Whom


class Rule(NamedTuple):
    """Fits a reply that has any of the phrases; codes, statuses and said_by narrow it.

    A code is a beginning (`5`, `421`); the status `x.1.1` stands for both `4.1.1` and `5.1.1`.
    """

    name: str
    reason: Reason
    phrases: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    said_by: tuple[Where, ...] = ()
    where: Where | None = None
    confidence: Confidence = Confidence.HIGH
    explained: Explained | None = None


def any_of(phrases: str) -> tuple[str, ...]:
    """Phrases as a table shows them: parted by ` | `."""
    return tuple(phrases.split(" | "))


CIRCLES = Explained(
    "The message went round in circles between servers",
    Whom.OPERATORS,
    "Look at forwarding, MX records and routes: two servers each take the other for the recipient's.",
)
