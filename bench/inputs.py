"""The inputs of the rows: generated once for each size, and kept in .cache/bench until the generator changes."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from bench import generate
from bench.harness import ROOT
from postroad.instants import from_ms
from postroad.syslog import Carrier

CACHE = ROOT / ".cache" / "bench"
SEED = 7
# What `postroad import` reads at once.
BATCH = 25_000
_GENERATOR = ("generate", "messages", "noise", "relays", "ses_events", "clock", "words")


def cache() -> Path:
    """The folder of what can be made anew; git does not see it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE.parent / ".gitignore").write_text("*\n")
    return CACHE


def traffic(lines: int, *, in_sns: bool = False) -> tuple[Path, Path]:
    """The log and the events of so many lines."""
    name = f"{lines}-{SEED}-{'sns' if in_sns else 'raw'}-{_version()}"
    log, events = cache() / f"{name}.log", cache() / f"{name}.jsonl"
    if not events.exists():
        unfinished = events.with_suffix(".part")
        generate.written(lines, SEED, log, unfinished, in_sns=in_sns)
        unfinished.rename(events)
    return log, events


def _version() -> str:
    sources = b"".join((ROOT / "bench" / f"{name}.py").read_bytes() for name in _GENERATOR)
    return sha256(sources).hexdigest()[:8]


def lines_of(path: Path) -> list[str]:
    """The lines of a file, without their ends."""
    return path.read_text().splitlines()


def carrier_of(log: Path) -> Carrier:
    """What brought the lines of a file: its date."""
    return Carrier(from_ms(int(log.stat().st_mtime * 1000)))


def batches(items: Sequence[str], size: int = BATCH) -> Iterator[Sequence[str]]:
    """Items by the batch."""
    return (items[start : start + size] for start in range(0, len(items), size))
