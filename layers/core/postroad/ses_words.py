"""The words of SES's events: their types, their fields and our names for them, and what is bounded of what they say.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html (`eventType`)
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html (`notificationType`, the older form)
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from postroad.facts import Event, Fact, Source

# A remote server's words are bounded as Postfix bounds its lines; a record must stay one.
LONGEST = 2000
MOST_TAGS = 20
LONGEST_FIELD, MOST_FIELDS = 500, 12


class Kind(NamedTuple):
    """An event type: what it says, under which key its details stand, and which of them lists its recipients."""

    event: Event
    detail: str
    recipients: str | None = None


KINDS = {
    "Send": Kind(Event.ACCEPTED, "send"),
    "Delivery": Kind(Event.DELIVERED, "delivery", "recipients"),
    "DeliveryDelay": Kind(Event.DELAYED, "deliveryDelay", "delayedRecipients"),
    "Bounce": Kind(Event.BOUNCED, "bounce", "bouncedRecipients"),
    "Complaint": Kind(Event.COMPLAINED, "complaint", "complainedRecipients"),
    "Reject": Kind(Event.REJECTED, "reject"),
    "Rendering Failure": Kind(Event.RENDER_FAILED, "failure"),
    "Open": Kind(Event.OPENED, "open"),
    "Click": Kind(Event.CLICKED, "click"),
    "Subscription": Kind(Event.SUBSCRIPTION, "subscription"),
}
WORDS = {
    "bounceType": "bounce_type",
    "bounceSubType": "bounce_sub_type",
    "complaintFeedbackType": "feedback_type",
    "complaintSubType": "complaint_sub_type",
    "delayType": "delay_type",
    "feedbackId": "feedback_id",
    "processingTimeMillis": "processing_time_millis",
    "reportingMTA": "reporting_mta",
    "smtpResponse": "reply",
    "reason": "reply",
    "errorMessage": "reply",
    # of a recipient
    "action": "action",
    "status": "dsn",
    "diagnosticCode": "reply",
}
# Repeated for as long as somebody reads: kept once an hour, without what differs from one to the next.
HOURLY = (Event.OPENED, Event.CLICKED)

# Every field that `ses_schema.Detail` names. Only one of the two forms of an event has remoteMtaIp, and both must give
# one fact.
READ = frozenset(
    "bounceSubType bounceType bouncedRecipients complainedRecipients complaintFeedbackType complaintSubType "
    "delayType delayedRecipients errorMessage expirationTime feedbackId fields processingTimeMillis reason "
    "recipients remoteMtaIp reportingMTA smtpResponse timestamp".split()
)
# Postfix's own: `by <host> (Postfix) with ESMTP id <queue id>`, or `by <host> (Postfix, from userid 0) id ...`.
_RECEIVED = re.compile(
    r"\bby\s+(?P<host>[^\s()]+)\s+\(Postfix[^()]*\)(?:\s+with\s+\w+)?(?:\s+\([^()]*\))*\s+id\s+(?P<queue_id>\w+)",
    re.IGNORECASE,
)


def rest_of(detail: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The fields that have no word of their own: SES adds some now and then, and each may matter to somebody."""
    unread = detail.get("fields")
    named = detail if unread is None else unread
    read = READ if unread is None else {"timestamp"}
    rest = sorted((name, value) for name, value in named.items() if name not in read and value is not None)
    fields = {
        name[:64]: (value if isinstance(value, str) else json.dumps(value, sort_keys=True))[:LONGEST_FIELD]
        for name, value in rest[:MOST_FIELDS]
    }
    return {"fields": fields} if fields else {}


def own_tags(tags: Mapping[str, Any]) -> dict[str, list[str]]:
    """The sender's tags; SES's own differ from one event of a message to the next."""
    own = sorted((name, tag_values(values)) for name, values in tags.items() if not name.startswith("ses:"))
    return {name[:256]: values for name, values in own[:MOST_TAGS] if values}


def tag_values(said: object) -> list[str]:
    """A tag's values; SES writes a list of texts, and nothing else may harm the rest of the event."""
    values = said if isinstance(said, list) else [said]
    return [value[:256] for value in values[:4] if isinstance(value, str)]


def by_clause(received: str) -> re.Match[str] | None:
    """The clause that Postfix wrote itself: outside the comments, which quote what the client called itself."""
    return next(
        (found for found in _RECEIVED.finditer(received) if _is_outside(received[: found.start()])), None
    )


def _is_outside(before: str) -> bool:
    pairs = ((before.count("("), before.count(")")), (before.count("<"), before.count(">")))
    return all(opened == closed for opened, closed in pairs) and before.count('"') % 2 == 0


def unclaimed(ses_id: str, to: str) -> Fact:
    """The fact that no relay claimed a message in time; it carries no time, so adding it again changes nothing."""
    return {"source": Source.POSTROAD, "event": Event.UNCLAIMED, "ses_id": ses_id, "to": to}
