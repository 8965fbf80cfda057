"""Cold starts: a fresh interpreter imports a handler from the built layer and makes its clients.

The layer is made by its own Makefile, for this interpreter; boto3 comes from this environment, as it comes from
Lambda's runtime there. The interpreter's own start is taken off both sides.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from bench import inputs
from bench.harness import ROOT, Asked, Contender, Cost, main, middle, program, rounds, table_of
from bench.tables import Goal, Measured, Table

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
    # As Lambda sets it: by this the store takes its address and keys from the environment.
    "AWS_LAMBDA_FUNCTION_NAME": "postroad",
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
_STRIPPED = ", without bytecode"
_IMPORTS = 40  # in a profile
_STARTS = 5  # of each handler in a round


def row(asked: Asked) -> Table:
    """Measure: the handlers from the layer as it was built, and from one without bytecode in it."""
    built, boto3 = layer(), str(runtime())
    places = {"": [str(built), boto3], _STRIPPED: [str(_stripped(built)), boto3]}
    if not asked.rounds:
        _imports(places[""])
        raise SystemExit
    contenders = [
        Contender(NOTHING, _start([boto3], "pass")),
        Contender(
            BARE,
            _start([boto3], "import boto3; boto3.client('dynamodb')"),
            note="with bytecode, as the runtime has it",
        ),
        *(
            Contender(f"functions/{name}{how}", _handler(name, of))
            for name in HANDLERS
            for how, of in places.items()
        ),
    ]
    found = table_of(contenders, rounds(contenders, asked.rounds * _STARTS), scale=1e3, unit="ms")
    return Table(
        "Cold start, from the built layer: import and first client",
        asked.command,
        found,
        [Goal(f"functions/{name}", _ratio(found, f"functions/{name}"), "≤", 1.6) for name in HANDLERS],
        [
            f"{name}: {_ratio(found, name):.2f}×."
            for name in (f"functions/{name}{_STRIPPED}" for name in HANDLERS)
        ],
    )


def _ratio(found: list[Measured], name: str) -> float:
    return (middle(found, name) - middle(found, NOTHING)) / (middle(found, BARE) - middle(found, NOTHING))


def _handler(name: str, places: list[str]) -> Callable[[], Cost]:
    return _start(
        [f"{places[0]}/functions/{name}", f"{places[0]}/python", places[1]], "import app; app.wired()"
    )


def _imports(places: list[str]) -> None:
    """Print which imports of the function that has most of them take longest."""
    paths = [f"{places[0]}/functions/ses_events", f"{places[0]}/python", places[1]]
    code = f"import sys; sys.path[:0] = {paths!r}; import app"
    command = [sys.executable, "-B", "-I", "-S", "-X", "importtime", "-c", code]
    said = subprocess.run(
        command, env=_ENVIRONMENT, check=True, capture_output=True, text=True
    ).stderr.splitlines()
    print(said[0], *sorted(said[1:], key=_cumulative)[-_IMPORTS:], sep="\n")


def _cumulative(line: str) -> int:
    return int(line.split("|")[1])


def _start(places: list[str], then: str) -> Callable[[], Cost]:
    """A fresh interpreter that leaves no bytecode behind, as Lambda's layers cannot be written to.

    -I and -S leave out its environment, the working directory and this environment's packages.
    """
    code = f"import sys; sys.path[:0] = {places!r}; {then}"
    return program([sys.executable, "-B", "-I", "-S", "-c", code], environment=_ENVIRONMENT)


def _stripped(built: Path) -> Path:
    """A copy without bytecode, as it is made where the target's Python is not at hand."""
    copy = built.with_name(f"{built.name}-stripped")
    if not copy.exists():
        making = copy.with_suffix(".part")
        shutil.rmtree(making, ignore_errors=True)
        shutil.copytree(built, making, ignore=shutil.ignore_patterns("__pycache__"))
        making.rename(copy)
    return copy


def layer() -> Path:
    """The layer in `python`, the handlers beside it; built anew when what goes into them has changed."""
    source = ROOT / "layers" / "core"
    parts = [source / "requirements.txt", *sorted((source / "postroad").rglob("*.py"))]
    parts += [ROOT / "functions" / name / "app.py" for name in HANDLERS]
    version = sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:8]
    built = inputs.cache() / f"layer-{version}"
    if not built.exists():
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        platform = f"manylinux2014_{sysconfig.get_platform().rpartition('-')[2]}"
        making = built.with_suffix(".part")
        shutil.rmtree(making, ignore_errors=True)
        target = (f"ARTIFACTS_DIR={making}", f"TARGET_PYTHON={python}", f"TARGET_PLATFORM={platform}")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(
            ["make", "--silent", "build-CoreLayer", *target],
            cwd=source,
            check=True,
            capture_output=True,
            env=os.environ | {"PATH": path},
        )
        for name in HANDLERS:
            (making / "functions" / name).mkdir(parents=True)
            shutil.copy(ROOT / "functions" / name / "app.py", making / "functions" / name)
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
