"""The wrappers in which an SES event travels, and the older form that says the same.

Sources: docs.aws.amazon.com/ses/latest/dg/notification-contents.html and …/monitoring-eventbridge.html.
"""

import json
import uuid

from tests.e2e.parts.ses_events import ACCOUNT, CONFIGURATION_SET, REGION, RELAY_IP, TOPIC_ARN, Doc, happened

SUBJECT = "Amazon SES Email Event Notification"
DETAIL_TYPES = {
    "Send": "Email Sent",
    "Delivery": "Email Delivered",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
    "Reject": "Email Rejected",
    "Open": "Email Opened",
    "Click": "Email Clicked",
    "Rendering Failure": "Email Rendering Failed",
    "DeliveryDelay": "Email Delivery Delayed",
    "Subscription": "Email Subscribed",
}


def sns_envelope(doc: Doc) -> Doc:
    """Wrap an event as SNS delivers it; each call is a new notification."""
    return {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": TOPIC_ARN,
        "Subject": SUBJECT,
        "Message": json.dumps(doc) + "\n",
        "Timestamp": happened(doc),
        "SignatureVersion": "1",
        "Signature": "RVhBTVBMRQ==",
        "SigningCertURL": f"https://sns.{REGION}.amazonaws.com/SimpleNotificationService-EXAMPLE.pem",
        "UnsubscribeURL": f"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={TOPIC_ARN}:EXAMPLE",
    }


def sqs_body(doc: Doc, *, raw: bool = False) -> str:
    """Return the body of the SQS message that carries an event."""
    return json.dumps(doc) + "\n" if raw else json.dumps(sns_envelope(doc))


def eventbridge(doc: Doc) -> Doc:
    """Wrap an event as EventBridge does."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": DETAIL_TYPES[doc["eventType"]],
        "source": "aws.ses",
        "account": ACCOUNT,
        "time": f"{happened(doc)[:19]}Z",
        "region": REGION,
        "resources": [f"arn:aws:ses:{REGION}:{ACCOUNT}:configuration-set/{CONFIGURATION_SET}"],
        "detail": doc,
    }


def identity_notification(doc: Doc, *, original_headers: bool = True) -> Doc:
    """Say the same in the older form, which exists for bounces, complaints and deliveries only."""
    kind = doc["eventType"]
    if kind not in {"Bounce", "Complaint", "Delivery"}:
        raise ValueError(f"no identity notification for {kind}")
    told = {name: part for name, part in doc.items() if name not in {"eventType", "mail"}}
    return {"notificationType": kind, "mail": _identity_mail(doc["mail"], original_headers), **told}


def _identity_mail(event_mail: Doc, original_headers: bool) -> Doc:
    told = {name: value for name, value in event_mail.items() if name != "tags"}
    told |= {"sourceIp": RELAY_IP, "callerIdentity": "relay-smtp-user"}
    if not original_headers:
        return {name: value for name, value in told.items() if "eaders" not in name}
    original = (item["value"] for item in told["headers"] if item["name"].lower() == "message-id")
    # Unlike in event publishing, this is the Message-ID that the sender wrote.
    told["commonHeaders"] = {**told["commonHeaders"], "messageId": next(original, "")}
    return told
