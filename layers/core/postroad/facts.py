"""Facts: what one log line or one SES event said about one message.

A fact is a mapping whose keys are Postfix's own words (global/log_adhoc.c) and, for SES, the words of its event
publishing (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html). Values are text
as it was said. How a record keeps a fact is in `codec`.
"""

from enum import StrEnum
from typing import TypedDict

from postroad.instants import Instant


class ParseError(ValueError):
    """An input that should have given facts and did not; `raw` is the input as it came, the message is the reason."""

    def __init__(self, reason: str, raw: str) -> None:
        """Keep the reason as the error's text, and the raw input beside it."""
        super().__init__(reason)
        self.raw = raw


class Source(StrEnum):
    """Who said it."""

    # Enum's own is Python, runs for every look into a table, and differs from that of an equal text.
    __hash__ = str.__hash__

    RELAY = "relay"  # a Postfix log line
    SES = "ses"  # an SES event
    POSTROAD = "postroad"  # a deadline of our own
    UNIFIED = "unified"  # a unified line read back: told already, so never kept


class Event(StrEnum):
    """What was said, in the course that mail takes: a relay's words on a queue entry and its recipients, then SES's."""

    __hash__ = str.__hash__

    CLIENT = "client"  # smtpd or qmqpd opened a queue entry for a client
    PICKUP = "pickup"  # a local submission, or a requeued message (orig_id)
    MESSAGE_ID = "message-id"  # cleanup saw the Message-ID
    SUBJECT = "subject"  # a header_checks rule logged the Subject
    NOTED = "noted"  # a policy action that lets the mail go on
    ACTIVE = "active"  # qmgr moved it to the active queue
    HELD = "held"  # placed on hold
    RELEASED = "released"  # released from hold
    REJECTED = "rejected"  # reject or milter-reject; or an SES Reject
    DISCARDED = "discarded"  # a rule threw it away
    PROBED = "probed"  # an address probe (verify): no mail
    DEFERRED = "deferred"  # status=deferred or SOFTBOUNCE
    RELAYED = "relayed"  # status=sent: SES took it
    HANDED_OVER = "handed-over"  # status=sent: another host took it
    SUBMITTED = "submitted"  # the `mail` object of every SES event of a message
    ACCEPTED = "accepted"  # Send
    DELAYED = "delayed"  # DeliveryDelay
    DELIVERED = "delivered"  # Delivery
    BOUNCED = "bounced"  # status=bounced; or an SES Bounce
    RENDER_FAILED = "render-failed"  # Rendering Failure
    COMPLAINED = "complained"  # Complaint
    OPENED = "opened"  # Open
    CLICKED = "clicked"  # Click
    SUBSCRIPTION = "subscription"  # Subscription
    OTHER = "other"  # an event type that SES had not when this was written
    EXPIRED = "expired"  # maximal_queue_lifetime, or postsuper -e
    NOTIFIED = "notified"  # a bounce or delay notice was queued (child_queue_id)
    REQUEUED = "requeued"  # postsuper -r: it goes on under another queue id
    DELETED = "deleted"  # postsuper -d
    CANCELED = "canceled"  # the client never finished, or a rule discarded it
    REMOVED = "removed"  # done
    UNCLAIMED = "unclaimed"  # no relay claimed the message in time


Fact = TypedDict(
    "Fact",
    {
        "at": Instant,  # absent only from `unclaimed`, which must be the same whenever it is added
        "event": Event,
        "source": Source,
        "host": str,
        "daemon": str,
        "syslog_name": str,  # absent where it is `postfix`
        "pid": str,
        "queue_id": str,
        "to": str,
        "orig_to": str,
        "relay": str,
        "conn_use": str,
        "delay": str,
        "delays": str,
        "tls": str,
        "dsn": str,  # of a relay's line, or RFC 3464's Status in SES's words
        "status": str,
        "reply": str,  # the remote server's words: the text in parentheses, smtpResponse, diagnosticCode
        "ses_id": str,
        "from": str,
        "size": str,
        "nrcpt": str,
        "message_id": str,
        "resent_message_id": str,
        "subject": str,
        "client": str,
        "sasl_method": str,
        "sasl_username": str,
        "sasl_sender": str,
        "orig_queue_id": str,
        "orig_client": str,
        "uid": str,
        "orig_id": str,
        "child_queue_id": str,
        "notification": str,
        "action": str,
        "stage": str,
        "proto": str,
        "helo": str,
        "configuration_set": str,
        "tags": dict[str, list[str]],
        "recipients": int,  # how many recipients one complaint names
        "bounce_type": str,
        "bounce_sub_type": str,
        "feedback_id": str,
        "feedback_type": str,
        "complaint_sub_type": str,
        "delay_type": str,
        "expiration_time": Instant,
        "processing_time_millis": int,
        "reporting_mta": str,
        "fields": dict[str, str],  # what else SES said, by its own names; what is no text as JSON
        "type": str,  # an unknown SES event type, as SES wrote it
    },
    total=False,
)
