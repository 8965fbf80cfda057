"""What an API answers, checked before it is believed: the journeys of `documents`, and the counts of `summary`."""

from pydantic import BaseModel, ConfigDict


class _Strict(BaseModel):
    """What an API said must be what it is taken for; what else it says is left out."""

    model_config = ConfigDict(strict=True, extra="ignore")


class _Entry(_Strict):
    at: str
    source: str
    event: str
    text: str
    line: str | None


class _Evidence(_Strict):
    rule: str
    found: str
    said: str


class _Diagnosis(_Strict):
    reason: str
    where: str
    summary: str
    by: str
    advice: str
    confidence: str
    evidence: _Evidence
    disagreement: str | None


class _Stage(_Strict):
    question: str
    state: str
    text: str
    at: str | None
    line: str | None


class _Overlay(_Strict):
    kind: str
    text: str
    at: str


class Told(_Strict):
    """A journey of an API's; its fields stand in the order of `documents.told`."""

    recipient: str | None
    state: str
    complained: bool
    auto_reply: bool
    silent: bool
    sender: str | None
    subject: str | None
    message_id: str | None
    queue_ids: list[str]
    hosts: list[str]
    ses_id: str | None
    configuration_set: str | None
    first_seen: str
    last_seen: str
    delay_s: float | None
    timeline: list[_Entry]
    diagnosis: _Diagnosis | None
    stages: list[_Stage]
    overlays: list[_Overlay]


class Page(_Strict):
    """A list of journeys, or a part of one."""

    journeys: list[Told]
    cursor: str | None = None
    truncated: bool = False


class _Group(_Strict):
    messages: int
    states: dict[str, int]
    complained: int
    latency_s: dict[str, float] | None


class _Day(_Group):
    day: str


class _Domain(_Group):
    domain: str


class _Provider(_Group):
    provider: str


class _Window(_Strict):
    since: str | None
    until: str | None


class Counted(_Strict):
    """A summary of an API's; its rates are left out, since they follow from the counts."""

    window: _Window
    counted: str
    truncated: bool
    total: _Group
    days: list[_Day]
    sender_domains: list[_Domain]
    providers: list[_Provider]
