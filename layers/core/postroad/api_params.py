"""What may be asked: a model's field is a parameter, and its description stands in the OpenAPI document."""

from typing import Any, Literal

from pydantic import BaseModel, Field, JsonValue

from postroad.lifecycle import BY_WORD

DEFAULT_LIMIT, HIGHEST_LIMIT = 50, 200
HIGHEST_LIMIT_OF_JOURNEYS = 1000
_STATES: list[JsonValue] = list(BY_WORD)
_TIME = "2026-02-25, or 2026-02-25T10:00:00Z"

# What to do about a value that does not fit.
FIXES = {
    "q": "write an address, a queue id, an SES id, a Message-ID or a feedback id, of 1000 characters at most",
    "recipient": "name an address, such as recipient=ann@example.com",
    "limit": "give a number from 1 to {most}",
    "state": f"choose one of {', '.join(BY_WORD)}",
    "day": "write a UTC day such as 2026-02-25",
    "format": "choose json or csv",
    "cursor": "give the cursor of the page before, as it was",
    "address": "write an address such as ann@example.com, of 1000 characters at most",
}


class Asked(BaseModel):
    """What every list takes."""

    format: Literal["json", "csv"] | None = Field(
        None, description="`csv` for a spreadsheet; `Accept: text/csv` says the same."
    )


class Nothing(BaseModel):
    """A route without parameters."""


class PageAsked(Asked):
    """What a list that goes on takes."""

    limit: int = Field(
        DEFAULT_LIMIT,
        ge=1,
        le=HIGHEST_LIMIT,
        description="How many records a page is made of; it may show fewer.",
    )
    cursor: str | None = Field(None, max_length=8000, description="Where the page before ended.")


class WindowAsked(BaseModel):
    """When journeys began."""

    since: str | None = Field(
        None,
        max_length=100,
        description=f"From this time on: {_TIME}; `all` for everything. Without it: the last 30 days.",
    )
    until: str | None = Field(None, max_length=100, description=f"Before this time: {_TIME}.")


class JourneysAsked(PageAsked, WindowAsked):
    """A recipient's mail."""

    state: str | None = Field(
        None, json_schema_extra={"enum": _STATES}, description="Only what stands here, of this page."
    )


class SearchAsked(JourneysAsked):
    """Whatever somebody has of a message."""

    q: str = Field(
        min_length=1,
        max_length=1000,
        description="An address, a queue id, an SES id, a Message-ID or a feedback id, known by its form.",
    )


class OneMachineAsked(BaseModel):
    """A recipient's mail, as the one-machine service was first asked."""

    recipient: str = Field(min_length=1, max_length=1000, description="An address.")
    since: str | None = Field(None, max_length=100, description=f"From this time on: {_TIME}.")
    until: str | None = Field(None, max_length=100, description=f"Before this time: {_TIME}.")
    limit: int = Field(100, ge=1, le=HIGHEST_LIMIT_OF_JOURNEYS, description="How many records at most.")


class ProblemsAsked(PageAsked):
    """What failed, or may yet."""

    day: str | None = Field(
        None, max_length=100, description="The UTC day of the mail: 2026-02-25. Without it: today."
    )
    state: str | None = Field(
        None,
        json_schema_extra={"enum": _STATES},
        description="Only what stands here, of this page. Without it: what is a problem still.",
    )
    recipient_domain: str | None = Field(
        None, max_length=300, description="Only mail to this domain, of this page."
    )
    sender_domain: str | None = Field(
        None, max_length=300, description="Only mail from this domain, of this page."
    )
    provider: str | None = Field(
        None,
        max_length=100,
        description="Only mail received by this provider (`google`, `microsoft`), of this page.",
    )


class SummaryAsked(Asked, BaseModel):
    """Counts of a window."""

    since: str | None = Field(
        None,
        max_length=100,
        description=f"From this time on: {_TIME}, 31 days back at most. Without it: 7 days.",
    )
    until: str | None = Field(
        None, max_length=100, description=f"Before this time: {_TIME}. Without it: now."
    )


def fix(parameter: str, error: dict[str, Any]) -> str:
    """What to do about a parameter that pydantic refused."""
    most = (error.get("ctx") or {}).get("le", HIGHEST_LIMIT)
    return FIXES.get(parameter, "this is too long, or no text at all").format(most=most)
