"""SES's events as `ses_ordinary` takes them off the wire: what is not named here is skipped unread.

Stricter than `ses_schema` in every field, so that what it takes means the same there; what it refuses is read there.
"""

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType, field
from msgspec.json import Decoder

ABSENT = Raw(b"null")
Detail = dict[str, Any] | UnsetType | None


class Header(Struct, gc=False):
    """One header of the original message, as it was."""

    name: str
    value: str


class CommonHeaders(Struct, rename="camel", gc=False):
    """The headers SES has decoded."""

    subject: str | None = None
    message_id: str | None = None


class Mail(Struct, rename="camel", gc=False):
    """The `mail` object; its headers and tags stay JSON, for they come again with the next event and sender."""

    message_id: str
    timestamp: str
    source: str | None = None
    destination: list[str] | None = None
    headers: Raw = ABSENT
    common_headers: CommonHeaders | None = None
    tags: Raw = ABSENT


class Body(Struct, rename="camel", gc=False):
    """An event, or an envelope of one: SNS's has it as text in `Message`, EventBridge's as an object in `detail`."""

    event_type: str | UnsetType | None = UNSET
    notification_type: str | UnsetType | None = UNSET
    mail: Mail | UnsetType = UNSET
    send: Detail = UNSET
    delivery: Detail = UNSET
    delivery_delay: Detail = UNSET
    bounce: Detail = UNSET
    complaint: Detail = UNSET
    reject: Detail = UNSET
    failure: Detail = UNSET
    open: Detail = UNSET
    click: Detail = UNSET
    subscription: Detail = UNSET
    type: Any = field(name="Type", default=None)
    message: str | UnsetType = field(name="Message", default=UNSET)
    detail: Raw = ABSENT
    # Envelopes that hold several, or that come before the others.
    records: Raw = field(name="Records", default=ABSENT)
    sns: Raw = field(name="Sns", default=ABSENT)
    lower_body: Raw = field(name="body", default=ABSENT)
    upper_body: Raw = field(name="Body", default=ABSENT)


body = Decoder(Body).decode
headers = Decoder(list[Header] | None).decode
tags = Decoder(dict[str, Any] | None).decode
