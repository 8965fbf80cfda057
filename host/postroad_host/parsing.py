"""What each line of a file says, without a store."""

import json
from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

from postroad import ingest
from postroad.facts import Fact
from postroad.syslog import Carrier
from postroad_host.clock import now
from postroad_host.files import Source, lines_in


def parsed(source: Source, zone: tzinfo) -> Iterator[dict[str, Any]]:
    """What each line says: `{"line": n, "facts": [...]}` or `{"line": n, "error": ...}`; nothing if irrelevant."""
    carrier = Carrier(source.dated or now(), zone)
    for number, raw in enumerate(lines_in(source.stream), 1):
        batch = ingest.ses([raw], "") if _is_event(raw) else ingest.relay([raw], carrier, "")
        yield from ({"line": number, "error": bad.reason, "raw": bad.raw} for bad in batch.bad)
        if batch.facts:
            yield {"line": number, "facts": [_plain(fact) for fact in batch.facts]}


def _is_event(raw: bytes) -> bool:
    if not raw.startswith(b"{"):
        return False
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and not _EVENT_KEYS.isdisjoint(document)


_EVENT_KEYS = frozenset(("eventType", "notificationType", "Type", "detail-type", "Records", "body", "Body"))


def _plain(fact: Fact) -> dict[str, Any]:
    return {name: value for name, value in fact.items() if value is not None}
