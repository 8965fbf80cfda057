"""The fields of SES's events that Postroad has words for; SES reserves the right to add others."""

from typing import Any, Required

from pydantic import ConfigDict
from typing_extensions import TypedDict


class Header(TypedDict):
    """One header of the original message, as it was."""

    name: str
    value: str


class CommonHeaders(TypedDict, total=False):
    """The headers SES has decoded."""

    subject: str | None
    messageId: str | None


class Mail(TypedDict, total=False):
    """The `mail` object, identical in every event of a message but for the tags SES adds."""

    messageId: Required[str]
    timestamp: Required[str]
    source: str | None
    destination: list[str] | None
    headers: list[Header] | None
    commonHeaders: CommonHeaders | None
    tags: dict[str, Any] | None


class Recipient(TypedDict, total=False):
    """One recipient of a bounce, a complaint or a delay."""

    emailAddress: str | None
    action: str | None
    status: str | None
    diagnosticCode: str | None


class Detail(TypedDict, total=False):
    """The object beside `mail`, whichever the event's type makes it; what is not named here is kept as it came."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    fields: dict[str, Any]  # not SES's: all of it, where none of it can be read by name
    timestamp: str | None
    recipients: list[str] | None
    bouncedRecipients: list[Recipient] | None
    complainedRecipients: list[Recipient] | None
    delayedRecipients: list[Recipient] | None
    bounceType: str | None
    bounceSubType: str | None
    complaintFeedbackType: str | None
    complaintSubType: str | None
    delayType: str | None
    errorMessage: str | None
    expirationTime: str | None
    feedbackId: str | None
    processingTimeMillis: float | None
    reason: str | None
    reportingMTA: str | None
    smtpResponse: str | None


class Envelope(TypedDict, total=False):
    """The event itself; its type stands under one of two names."""

    eventType: str | None
    notificationType: str | None
    mail: Required[Mail]
