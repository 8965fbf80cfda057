"""What SES events travel in: SNS envelopes, raw delivery, SQS records, EventBridge; and who else writes there.

https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html
https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html
"""

import json
import re
from typing import Any

from postroad.facts import ParseError

Document = dict[str, Any]

# What SES sends once to a new topic, in plain text (event destinations) or as JSON (identities), and inbound mail.
_SET_UP_TEXT = "Successfully validated SNS topic"
SET_UP_TYPES = ("AmazonSnsSubscriptionSucceeded", "Received")
SNS_SET_UP = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
# What holds the event, outermost first: a Lambda event, an SNS record, an SQS record in either API's spelling, an SNS
# envelope, an EventBridge event.
_WRAPPINGS = ("Records", "Sns", "body", "Body", "Message", "detail")
# Of a surrogate pair, and perhaps of a whole one.
_HALF = re.compile(r"\\u[dD]|[\ud800-\udfff]")
# Each wrapping and each JSON text counts: an SNS envelope in a Lambda event of SQS has 8.
_DEEPEST = 12


def documents(body: str) -> list[Document]:
    """Take the SES events out of one message body; a set-up message holds none. Raises ParseError."""
    try:
        return _unwrapped(body, _DEEPEST)
    except ParseError as error:
        raise ParseError(str(error), body) from error
    except RecursionError as error:
        reason = "nested too deeply"
        raise ParseError(reason, body) from error


def _unwrapped(found: object, depth: int) -> list[Document]:
    if isinstance(found, str):
        return [] if found.startswith(_SET_UP_TEXT) else _unwrapped(_decoded(found), depth - 1)
    if isinstance(found, list):
        return [document for part in found for document in _unwrapped(part, depth - 1)]
    if not isinstance(found, dict) or depth < 0:
        reason = "nested too deeply" if depth < 0 else "not a JSON object"
        raise ParseError(reason, "")
    if "eventType" in found or "notificationType" in found:
        return [] if found.get("notificationType") in SET_UP_TYPES else [found]
    return [] if found.get("Type") in SNS_SET_UP else _unwrapped(_content(found), depth - 1)


def _content(document: Document) -> object:
    for wrapping in _WRAPPINGS:
        if wrapping in document:
            return document[wrapping]
    reason = "neither an SES event (eventType, notificationType) nor an envelope of one"
    raise ParseError(reason, "")


def _decoded(text: str) -> object:
    try:
        found = json.loads(text)
    except ValueError as error:
        reason = f"not JSON: {error}"
        raise ParseError(reason, text) from error
    # Half a surrogate pair is no character, and no store takes it.
    return _whole(found) if _HALF.search(text) else found


def _whole(found: object) -> object:
    if isinstance(found, str):
        return found.encode("utf-8", "replace").decode()
    if isinstance(found, list):
        return [_whole(part) for part in found]
    return (
        {_whole(name): _whole(value) for name, value in found.items()} if isinstance(found, dict) else found
    )
