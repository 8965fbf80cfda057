"""SES's events as `ses_ordinary` takes them off the wire: what is not named here is skipped unread.

Stricter than `ses_schema` in every field, so that what it takes means the same there; what it refuses is read there.
Fields stand in the order in which SES writes them, for that is how msgspec looks for them.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field
from msgspec.json import Decoder

ABSENT = Raw(b"null")
_Detail = dict[str, Any] | UnsetType | None
# SES's ids have 60 characters; one that would have to be cut is not ordinary.
_Id = Annotated[str, Meta(min_length=1, max_length=200)]
# No value is of this type, so that what has one is refused.
_Refused = Annotated[int, Meta(ge=1, le=0)]


class Header(Struct, gc=False):
    """One header of the original message, as it was."""

    name: str
    value: str


class CommonHeaders(Struct, rename="camel", gc=False):
    """The headers SES has decoded."""

    message_id: str | None = None
    subject: str | None = None


class Mail(Struct, rename="camel", kw_only=True, gc=False):
    """The `mail` object; its tags stay JSON, for they come again with the next message of a sender."""

    timestamp: str
    source: str | None = None
    message_id: _Id
    destination: list[str] | None = None
    headers: list[Header] | None = None
    common_headers: CommonHeaders | None = None
    tags: Raw = ABSENT


class Body(Struct, rename="camel", gc=False):
    """An event, or an envelope of one: SNS's has it as text in `Message`, EventBridge's as an object in `detail`."""

    event_type: str | UnsetType | None = UNSET
    mail: Mail | UnsetType = UNSET
    send: _Detail = UNSET
    delivery: _Detail = UNSET
    delivery_delay: _Detail = UNSET
    bounce: _Detail = UNSET
    complaint: _Detail = UNSET
    reject: _Detail = UNSET
    failure: _Detail = UNSET
    open: _Detail = UNSET
    click: _Detail = UNSET
    subscription: _Detail = UNSET
    notification_type: str | UnsetType | None = UNSET
    type: Any = field(name="Type", default=None)
    message: str | UnsetType = field(name="Message", default=UNSET)
    detail: Raw = ABSENT
    # Envelopes of other makes, some of which hold several.
    records: _Refused = field(name="Records", default=0)
    sns: _Refused = field(name="Sns", default=0)
    lower_body: _Refused = field(name="body", default=0)
    upper_body: _Refused = field(name="Body", default=0)


body = Decoder(Body).decode
tags = Decoder(dict[str, Any] | None).decode
