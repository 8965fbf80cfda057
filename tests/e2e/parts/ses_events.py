"""What SES says about mail that it accepted: the documents of event publishing, one function for each event type.

Built again, a document is the same to the byte. Sources: docs.aws.amazon.com/ses/latest/dg/,
event-publishing-retrieving-sns-contents.html and …-sns-examples.html.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.header import decode_header, make_header
from email.utils import getaddresses
from typing import Any

from tests.e2e.parts.ses_endpoint import REGION_CODE, Accepted

Doc = dict[str, Any]

ACCOUNT = "123456789012"
REGION = "eu-west-1"
CONFIGURATION_SET = "postroad"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:ses-events"
REPORTING_MTA = f"a7-11.smtp-out.{REGION}.amazonses.com"
RELAY_IP = "203.0.113.10"
OUTGOING_IP = "198.51.100.24"
REMOTE_IP = "192.0.2.25"
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0"
HEADER_LIMIT = 10 * 1024
NAMESPACE = uuid.UUID("9d2f7f0e-5a53-4c6f-9a0b-2f3e7a1d6c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why mail bounced; without a status there was no delivery status notification."""

    type: str
    subtype: str
    status: str | None = None
    diagnostic: str | None = None


USER_UNKNOWN = Cause(
    type="Permanent",
    subtype="General",
    status="5.1.1",
    diagnostic="smtp; 550 5.1.1 user unknown",
)
REFUSED_LATE = Cause(
    type="Permanent",
    subtype="General",
    status="5.7.1",
    diagnostic="smtp; 550 5.7.1 message refused by policy (after acceptance)",
)
SUPPRESSED = Cause(
    type="Permanent",
    subtype="OnAccountSuppressionList",
    status="5.1.1",
    diagnostic=(
        "Amazon SES did not send the message to this address because it is on the suppression list for your account."
    ),
)
MAILBOX_FULL = Cause(
    type="Transient",
    subtype="MailboxFull",
    status="4.2.2",
    diagnostic="smtp; 452 4.2.2 The email account that you tried to reach is over quota",
)
OUT_OF_OFFICE = Cause(type="Transient", subtype="General")


# The `mail` object


def mail(acc: Accepted) -> Doc:
    """Build the object that every event of a message carries."""
    headers, truncated = _headers(acc)
    return {
        "timestamp": stamp(acc.at),
        "source": acc.mail_from,
        "sourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{_domain(acc.mail_from)}",
        "sendingAccountId": ACCOUNT,
        "messageId": acc.ses_id,
        "destination": list(acc.recipients),
        "headersTruncated": truncated,
        "headers": headers,
        "commonHeaders": _common_headers(acc),
        "tags": _tags(acc),
    }


def _headers(acc: Accepted) -> tuple[list[Doc], bool]:
    room = HEADER_LIMIT
    kept: list[Doc] = []
    for name, value in acc.headers:
        room -= len(name) + len(value)
        if room < 0:
            return kept, True
        kept.append({"name": name, "value": value})
    return kept, False


def _common_headers(acc: Accepted) -> Doc:
    common: Doc = {"returnPath": acc.mail_from}
    for key, name in {"from": "From", "to": "To", "cc": "Cc", "replyTo": "Reply-To"}.items():
        if value := header(acc, name):
            common[key] = [_shown(*pair) for pair in getaddresses([value])]
    if date := header(acc, "Date"):
        common["date"] = date
    # In event publishing this is the SES id; the original one is only among the headers.
    common["messageId"] = acc.ses_id
    if (subject := header(acc, "Subject")) is not None:
        common["subject"] = str(make_header(decode_header(subject)))
    return common


def _tags(acc: Accepted) -> dict[str, list[str]]:
    asked = (header(acc, "X-SES-MESSAGE-TAGS") or "").split(",")
    own = dict(pair.strip().split("=", 1) for pair in asked if "=" in pair)
    return {
        "ses:source-tls-version": ["TLSv1.3"],
        "ses:operation": ["SendSmtpEmail"],
        "ses:configuration-set": [header(acc, "X-SES-CONFIGURATION-SET") or CONFIGURATION_SET],
        "ses:source-ip": [RELAY_IP],
        "ses:from-domain": [_domain(acc.mail_from)],
        "ses:caller-identity": ["relay-smtp-user"],
        **{name: [value] for name, value in own.items()},
    }


def header(acc: Accepted, name: str) -> str | None:
    """Return the first header of that name."""
    return next((value for key, value in acc.headers if key.lower() == name.lower()), None)


# The ten event types


def send(acc: Accepted) -> Doc:
    return _event(acc, "Send", "send", {})


def delivery(
    acc: Accepted, recipient: str, *, after: float = 1.2, response: str = "250 2.0.0 OK accepted"
) -> Doc:
    detail = {
        "timestamp": _later(acc, after),
        "processingTimeMillis": round(after * 1000),
        "recipients": [recipient],
        "smtpResponse": response,
        "remoteMtaIp": REMOTE_IP,
        "reportingMTA": REPORTING_MTA,
    }
    event = _event(acc, "Delivery", "delivery", detail)
    event["mail"]["tags"]["ses:outgoing-ip"] = [OUTGOING_IP]
    return event


def bounce(
    acc: Accepted, recipients: Sequence[str], cause: Cause = USER_UNKNOWN, *, after: float = 2.0
) -> Doc:
    detail: Doc = {
        "feedbackId": _feedback_id(acc, f"bounce {cause.subtype}", after),
        "bounceType": cause.type,
        "bounceSubType": cause.subtype,
        "bouncedRecipients": [_bounced(recipient, cause) for recipient in recipients],
        "timestamp": _later(acc, after),
    }
    if cause.status:
        detail["reportingMTA"] = f"dns; {REPORTING_MTA}"
    return _event(acc, "Bounce", "bounce", detail)


def _bounced(recipient: str, cause: Cause) -> Doc:
    if not cause.status:
        return {"emailAddress": recipient}
    return {
        "emailAddress": recipient,
        "action": "failed",
        "status": cause.status,
        "diagnosticCode": cause.diagnostic,
    }


def complaint(acc: Accepted, recipients: Sequence[str], *, kind: str = "abuse", after: float = 60.0) -> Doc:
    detail = {
        "feedbackId": _feedback_id(acc, f"complaint {kind}", after),
        "complaintSubType": None,
        "complainedRecipients": [{"emailAddress": recipient} for recipient in recipients],
        "timestamp": _later(acc, after),
        "userAgent": "ExampleCorp Feedback Loop (V0.01)",
        "complaintFeedbackType": kind,
        "arrivalDate": _later(acc, after),
    }
    return _event(acc, "Complaint", "complaint", detail)


def delay(
    acc: Accepted, recipients: Sequence[str], cause: Cause = MAILBOX_FULL, *, after: float = 10.0
) -> Doc:
    detail = {
        "delayType": cause.subtype,
        "expirationTime": _later(acc, after + 14 * 3600),
        "delayedRecipients": [
            {"emailAddress": recipient, "status": cause.status, "diagnosticCode": cause.diagnostic}
            for recipient in recipients
        ],
        "timestamp": _later(acc, after),
    }
    return _event(acc, "DeliveryDelay", "deliveryDelay", detail)


def reject(acc: Accepted) -> Doc:
    return _event(acc, "Reject", "reject", {"reason": "Bad content"})


def rendering_failure(acc: Accepted, *, template: str = "welcome") -> Doc:
    detail = {
        "templateName": template,
        "errorMessage": "Attribute 'attributeName' is not present in the rendering data.",
    }
    event = _event(acc, "Rendering Failure", "failure", detail)
    # Nothing was rendered, so there is nothing to quote.
    for absent in ("headersTruncated", "headers", "commonHeaders"):
        del event["mail"][absent]
    return event


def open_(acc: Accepted, *, after: float = 90.0) -> Doc:
    return _event(acc, "Open", "open", _engaged(acc, after))


def click(acc: Accepted, *, after: float = 95.0, link: str = "https://example.org/offer") -> Doc:
    detail = {**_engaged(acc, after), "link": link, "linkTags": {"campaign": ["spring"]}}
    return _event(acc, "Click", "click", detail)


def _engaged(acc: Accepted, after: float) -> Doc:
    return {
        "ipAddress": "198.51.100.77",
        "timestamp": _later(acc, after),
        "userAgent": USER_AGENT,
        "isBotEvent": "Unlikely",
    }


def subscription(acc: Accepted, *, after: float = 120.0, contact_list: str = "newsletter") -> Doc:
    detail = {
        "contactList": contact_list,
        "timestamp": _later(acc, after),
        "source": acc.recipients[0],
        "newTopicPreferences": {
            "unsubscribeAll": True,
            "topicSubscriptionStatus": [{"topicName": "news", "subscriptionStatus": "OptOut"}],
        },
        "oldTopicPreferences": {
            "unsubscribeAll": False,
            "topicSubscriptionStatus": [{"topicName": "news", "subscriptionStatus": "OptIn"}],
        },
    }
    return _event(acc, "Subscription", "subscription", detail)


# Small parts


def happened(event: Doc) -> str:
    """Return the time of an event, which is its detail's where that has one."""
    details = (part for name, part in event.items() if name not in {"mail", "eventType"})
    at: str = next(details).get("timestamp", event["mail"]["timestamp"])
    return at


def stamp(at: datetime) -> str:
    """Write a time as SES does."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _event(acc: Accepted, event_type: str, key: str, detail: Doc) -> Doc:
    return {"eventType": event_type, "mail": mail(acc), key: detail}


def _later(acc: Accepted, seconds: float) -> str:
    return stamp(acc.at + timedelta(seconds=seconds))


def _feedback_id(acc: Accepted, what: str, after: float) -> str:
    """Make an id that is the same whenever the same event is built again."""
    milliseconds = round(acc.at.timestamp() * 1000 + after * 1000)
    return f"{REGION_CODE}{milliseconds:012x}-{uuid.uuid5(NAMESPACE, acc.ses_id + what)}-000000"


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _shown(name: str, address: str) -> str:
    return f"{name} <{address}>" if name else address
