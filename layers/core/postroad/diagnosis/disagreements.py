"""Where Amazon SES's label, the reply and the status code do not say the same."""

from collections.abc import Iterator

from postroad.diagnosis.heard import Heard
from postroad.diagnosis.labels import label_of
from postroad.diagnosis.reasons import OF_RECIPIENT, Reason
from postroad.diagnosis.verdict import Verdict
from postroad.facts import Event, Fact, Source

# Where label and reply differ in one of these, they mean different things; other labels are only coarse.
_DISTINCT = OF_RECIPIENT | {Reason.MESG_TOO_BIG}
_COARSE = (Reason.EXPIRED, Reason.SYSTEM_ERROR, Reason.SUPPRESSED)


def disagreements(fact: Fact, heard: Heard, verdict: Verdict) -> Iterator[str]:
    word, label = label_of(fact)
    codes = " ".join(filter(None, (heard.code, heard.status)))
    classes = {one[0] for one in (heard.code, heard.status) if one}
    named = _named_class(fact)
    if named == "4" and classes == {"5"}:
        yield f"Amazon SES calls it temporary ({word}), but the reply says that it is final ({codes})."
    if named == "5" and "4" in classes:
        yield f"Amazon SES calls it final ({word}), but the reply says that it may pass ({codes})."
    if label and _is_other(label.reason, verdict.reason):
        yield f"Amazon SES calls it {word}, but the reply says otherwise ({verdict.found})."
    # Postfix fits the status to what it does (smtp_sasl_auth_soft_bounce); an expired reply is a soft one.
    if fact["source"] is Source.SES and len(classes) > 1 and not heard.status.endswith(".4.7"):
        yield f"The reply contradicts itself: its code is {heard.code}, its status {heard.status}."


def _named_class(fact: Fact) -> str | None:
    """The class that SES's label stands for; a named soft bounce (MailboxFull) may well carry a final code."""
    if fact["event"] is Event.DELAYED:
        return "4" if fact["source"] is Source.SES else None
    if fact.get("bounce_type") == "Permanent":
        return "5"
    is_plain = (fact.get("bounce_type"), fact.get("bounce_sub_type")) == ("Transient", "General")
    return "4" if is_plain else None


def _is_other(named: Reason, found: Reason) -> bool:
    return (
        named is not found
        and named not in _COARSE
        and bool({named, found} & _DISTINCT)
        and found
        not in (
            Reason.EXPIRED,
            Reason.VACATION,
        )
    )
