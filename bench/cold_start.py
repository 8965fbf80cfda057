"""Cold starts: a fresh interpreter imports a handler from the built layer and makes its clients.

The layer is made by its own Makefile, for this interpreter; boto3 comes from this environment, as it comes from
Lambda's runtime there. The interpreter's own start is taken off both sides.
"""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from bench import inputs
from bench.harness import ROOT, Asked, Contender, Cost, Goal, Table, main, middle, program, rounds, table_of

BARE, NOTHING = 'boto3.client("dynamodb")', "the interpreter alone"
HANDLERS = ("relay_logs", "ses_events", "link_deadline", "unified_log")
# What Lambda's Python runtimes bring: boto3, and what it needs.
_RUNTIME = ("boto3", "botocore", "jmespath", "dateutil", "s3transfer", "six.py", "urllib3")
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "postroad",
    "POWERTOOLS_METRICS_NAMESPACE": "Postroad",
    "TABLE_NAME": "table",
    "RETENTION_DAYS": "90",
    "LOG_ZONE": "UTC",
    "RELAY_HOSTS": "mx1.example.org",
    "SENDER_DOMAINS": "example.org",
    "DEADLINE_SECONDS": "120",
    "UNIFIED_LOG_GROUP": "/postroad/unified",
    **dict.fromkeys(
        ("ON_FAILURE_QUEUE_URL", "DEADLINE_QUEUE_URL", "EVENTS_DEAD_LETTERS_URL"),
        "https://sqs.eu-west-1.amazonaws.com/123456789012/queue",
    ),
}
_STARTS = 5  # of each handler in a round


def row(asked: Asked) -> Table:
    """Measure."""
    places = [str(layer() / "python"), str(runtime())]
    contenders = [
        Contender(NOTHING, _start(places, "pass")),
        Contender(BARE, _start(places, "import boto3; boto3.client('dynamodb')")),
        *(Contender(f"functions/{name}", _handler(name, places)) for name in HANDLERS),
    ]
    found = table_of(contenders, rounds(contenders, asked.rounds * _STARTS), scale=1e3, unit="ms")
    bare = middle(found, BARE) - middle(found, NOTHING)
    goals = [
        Goal(
            f"functions/{name}",
            (middle(found, f"functions/{name}") - middle(found, NOTHING)) / bare,
            "≤",
            1.6,
        )
        for name in HANDLERS
    ]
    return Table("Cold start, from the built layer: import and first client", asked.command, found, goals, [])


def _handler(name: str, places: list[str]) -> Callable[[], Cost]:
    return _start([str(ROOT / "functions" / name), *places], "import app; app.wired()")


def _start(places: list[str], then: str) -> Callable[[], Cost]:
    """A fresh interpreter; -I and -S leave out its environment, the working directory and this one's packages."""
    code = f"import sys; sys.path[:0] = {places!r}; {then}"
    return program([sys.executable, "-I", "-S", "-c", code], environment=_ENVIRONMENT)


def layer() -> Path:
    """The layer, built anew when what goes into it has changed."""
    source = ROOT / "layers" / "core"
    parts = [source / "requirements.txt", *sorted((source / "postroad").rglob("*.py"))]
    version = sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:8]
    built = inputs.cache() / f"layer-{version}"
    if not built.exists():
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        platform = f"manylinux2014_{sysconfig.get_platform().rpartition('-')[2]}"
        making = built.with_suffix(".part")
        target = (f"ARTIFACTS_DIR={making}", f"TARGET_PYTHON={python}", f"TARGET_PLATFORM={platform}")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(
            ["make", "--silent", "build-CoreLayer", *target],
            cwd=source,
            check=True,
            env=os.environ | {"PATH": path},
        )
        making.rename(built)
    return built


def runtime() -> Path:
    """A stand-in for the packages of Lambda's runtime."""
    folder = inputs.cache() / "runtime"
    folder.mkdir(exist_ok=True)
    for name in _RUNTIME:
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(Path(sysconfig.get_path("purelib")) / name)
    return folder


if __name__ == "__main__":
    main("cold_start", row)
