"""Log lines as a log group's subscription hands them on."""

import base64
import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any


def subscription(
    lines: Sequence[str],
    *,
    at: datetime | None = None,
    kind: str = "DATA_MESSAGE",
    stream: str = "i-0123456789",
) -> dict[str, Any]:
    """The event of a function that is subscribed to the group; each line came at `at`."""
    stamp = int((at or datetime.now(UTC)).timestamp() * 1000)
    payload = {
        "messageType": kind,
        "owner": "123456789012",
        "logGroup": "/mail/relay",
        "logStream": stream,
        "subscriptionFilters": ["postroad"],
        "logEvents": [
            {"id": f"{number:056d}", "timestamp": stamp, "message": line} for number, line in enumerate(lines)
        ],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(payload).encode())).decode()}}
