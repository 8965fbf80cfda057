"""What SES says later about a transaction that the stand-in endpoint accepted, by the recipients' local parts.

hardbounce*  Send, Bounce Permanent/General 5.1.1
lateb*       Send, Delivery, Bounce Permanent/General
ooo*         Send, Delivery, Bounce Transient/General (an out-of-office reply)
complain*    Send, Delivery, Complaint abuse
suppressed*  Send, Bounce Permanent/OnAccountSuppressionList
softbounce*  Send, DeliveryDelay, Bounce Transient/MailboxFull 4.2.2
slow*        Send, DeliveryDelay, Delivery
open*        Send, Delivery, Open
click*       Send, Delivery, Open, Click
virus*       Send, Reject, and nothing else for the whole transaction
silent*      nothing; a transaction with other recipients still has its Send
others       Send, Delivery
"""

from collections.abc import Callable

from tests.e2e.parts.ses_endpoint import Accepted
from tests.e2e.parts.ses_events import (
    MAILBOX_FULL,
    OUT_OF_OFFICE,
    REFUSED_LATE,
    SUPPRESSED,
    Doc,
    bounce,
    click,
    complaint,
    delay,
    delivery,
    happened,
    open_,
    reject,
    send,
)


def _bounces_late(acc: Accepted, to: str) -> list[Doc]:
    return [delivery(acc, to), bounce(acc, [to], REFUSED_LATE, after=45)]


def _answers(acc: Accepted, to: str) -> list[Doc]:
    return [delivery(acc, to), bounce(acc, [to], OUT_OF_OFFICE, after=5)]


def _complains(acc: Accepted, to: str) -> list[Doc]:
    return [delivery(acc, to), complaint(acc, [to])]


def _gives_up(acc: Accepted, to: str) -> list[Doc]:
    return [delay(acc, [to]), bounce(acc, [to], MAILBOX_FULL, after=100)]


def _is_slow(acc: Accepted, to: str) -> list[Doc]:
    return [delay(acc, [to]), delivery(acc, to, after=70)]


FATES: dict[str, Callable[[Accepted, str], list[Doc]]] = {
    "hardbounce": lambda acc, to: [bounce(acc, [to])],
    "lateb": _bounces_late,
    "ooo": _answers,
    "complain": _complains,
    "suppressed": lambda acc, to: [bounce(acc, [to], SUPPRESSED, after=0.4)],
    "softbounce": _gives_up,
    "slow": _is_slow,
    "open": lambda acc, to: [delivery(acc, to), open_(acc)],
    "click": lambda acc, to: [delivery(acc, to), open_(acc), click(acc)],
    "silent": lambda _acc, _to: [],
}


def fates(acc: Accepted) -> list[Doc]:
    """Tell everything SES says about a transaction, oldest first."""
    if any(to.startswith("virus") for to in acc.recipients):
        return [send(acc), reject(acc)]
    if all(to.startswith("silent") for to in acc.recipients):
        return []
    later = [event for to in acc.recipients for event in _fate(to)(acc, to)]
    return [send(acc), *sorted(later, key=happened)]


def _fate(recipient: str) -> Callable[[Accepted, str], list[Doc]]:
    known = (fate for prefix, fate in FATES.items() if recipient.startswith(prefix))
    return next(known, lambda acc, to: [delivery(acc, to)])
