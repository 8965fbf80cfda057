"""Counts: which states a record reached that it had not reached before, so that nothing counts twice in any order."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from postroad.addresses import bare
from postroad.facts import Event, Fact, Source
from postroad.ids import ses_time
from postroad.instants import to_ms
from postroad.lifecycle import State, filtered_as, is_complaint, state_of
from postroad.providers import OTHER, provider
from postroad.records import Record
from postroad.unified import claim

UNKNOWN = "unknown"
LATENCY = "DeliveryLatency"
# A state is counted once for each record that reaches it, under these names.
NAMES = {
    State.DEFERRED: "Deferred",
    State.RELAYED: "Relayed",
    State.ACCEPTED: "Accepted",
    State.DELAYED: "Delayed",
    State.SOFT_BOUNCED: "SoftBounced",
    State.DELIVERED: "Delivered",
    State.BOUNCED: "HardBounced",
    State.SUPPRESSED: "Suppressed",
    State.REJECTED: "Rejected",
}


class Dimensions(NamedTuple):
    """What counts are told apart by: each has few values, none of them a person's or a message's."""

    configuration_set: str = UNKNOWN
    sender_domain: str = UNKNOWN
    provider: str = OTHER


class Count(NamedTuple):
    """What one change counts: names with how often, and how long delivery took (ms), where it ended."""

    counted: Counter[str]
    latencies: list[int]


def counts(before: Record, after: Record) -> Count:
    """What `after` adds to the counters: nothing where it only repeats what `before` knew."""
    old, new = _milestones(before), _milestones(after)
    reached = new.keys() - old.keys()
    if "Delivered" in new:
        # What comes back from a mailbox that took the message is an auto-reply, not a failure.
        reached.discard("SoftBounced")
    latency = new["Delivered"] if "Delivered" in reached else None
    return Count(Counter(sorted(reached)), [] if latency is None else [latency])


def _milestones(record: Record) -> dict[str, int | None]:
    """The counters that a record has a share in; of a delivery by SES, how long it took."""
    if record.key.address is None:
        return {}
    facts = [fact for fact in record.facts() if filtered_as(fact) is None]
    found: dict[str, int | None] = {}
    for fact in facts:
        name = NAMES.get(state_of(fact) or State.QUEUED)
        if name and found.get(name) is None:
            found[name] = _latency(fact)
    if any(map(is_complaint, facts)):
        found["Complained"] = None
    if _is_unclaimed(facts):
        found["Unclaimed"] = None
    return found


def _latency(fact: Fact) -> int | None:
    """Milliseconds from SES's acceptance, which its id tells, to the delivery."""
    began = ses_time(fact["ses_id"]) if fact["source"] is Source.SES else None
    if began is None or fact["event"] is not Event.DELIVERED:
        return None
    return max(to_ms(fact["at"]) - to_ms(began), 0)


def _is_unclaimed(facts: list[Fact]) -> bool:
    claimed = claim(facts)
    given_up = any(fact["event"] is Event.UNCLAIMED for fact in facts)
    return given_up and claimed is not None and claimed.queue_id == "NOQUEUE"


def dimensions(record: Record, sender_domains: Collection[str]) -> Dimensions:
    """What a record's counts are told apart by; of the senders only the domains in the list, as there may be any."""
    facts = record.facts()
    submitted = next((fact for fact in facts if fact["event"] is Event.SUBMITTED), None)
    return Dimensions(
        configuration_set=(submitted or {}).get("configuration_set") or UNKNOWN,
        sender_domain=_sender_domain(submitted, sender_domains),
        provider=provider(record.key.address or "", _replies(facts)),
    )


def _sender_domain(submitted: Fact | None, sender_domains: Collection[str]) -> str:
    if submitted is None:
        return UNKNOWN
    domain = bare(submitted.get("from", "")).rpartition("@")[2].lower()
    return domain if domain in sender_domains else OTHER


def _replies(facts: Iterable[Fact]) -> list[str]:
    # A relay's reply is SES's own.
    return [fact["reply"] for fact in facts if fact["source"] is Source.SES and "reply" in fact]
