"""The programs that Postroad is compared with: how each is had, and one run of it.

A peer that cannot be had on this machine gives the reason, which the table shows.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from bench.harness import ROOT, Contender, here, program
from bench.inputs import cache

DRIVERS = ROOT / "bench" / "drivers"
PFLOGSUMM, COUNTS = "pflogsumm", "pflogsumm without its lists"
LIGHTMETER, POSTFIX_PARSER = "Lightmeter's parser (Go)", "postfix-parser (Node)"
NAIVE = "naive regexes (Python)"
# Where Lightmeter's parser cannot be had, pflogsumm's time stands for it: 1.28 and 0.16 million lines a second were
# measured for the two side by side.
LIGHTMETER_TO_PFLOGSUMM = 1.28 / 0.16
_MINUTES_S = 180


class NotHadError(Exception):
    """A peer cannot be had here; the text says why."""


def pflogsumm(log: Path, lines: int) -> list[Contender]:
    """Debian's pflogsumm on a file: as it comes, and asked for its counts without the lists that it makes of them.

    Raises NotHadError.
    """
    if not shutil.which("pflogsumm"):
        _debian("pflogsumm")
    counts = ["pflogsumm", "-h", "0", "-u", "0", "--detail", "0", str(log)]
    return [
        Contender(PFLOGSUMM, program(["pflogsumm", str(log)]), lines, "`pflogsumm FILE`"),
        Contender(COUNTS, program(counts), lines, "`pflogsumm -h 0 -u 0 --detail 0 FILE`"),
    ]


def _debian(name: str) -> None:
    if os.getuid() or not shutil.which("apt-get"):
        raise NotHadError(f"not installed: apt install {name}")
    _told(["apt-get", "update"], ROOT)
    _told(["apt-get", "install", "--yes", "--no-install-recommends", name], ROOT)


def postfix_parser(log: Path, lines: int) -> Contender:
    """The npm package of that name. Raises NotHadError."""
    folder = cache() / "node"
    if not (folder / "node_modules" / "postfix-parser").exists():
        folder.mkdir(exist_ok=True)
        _told(
            [
                "npm",
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--prefix",
                ".",
                "postfix-parser@1.1.2",
            ],
            folder,
        )
    command = ["node", str(DRIVERS / "postfix_parser.js"), str(folder), str(log)]
    return Contender(POSTFIX_PARSER, program(command), lines, "reads no RFC 3339 stamps: half of the lines")


def lightmeter(log: Path, lines: int) -> Contender:
    """Lightmeter's Go package, built here. Raises NotHadError."""
    folder = cache() / "go"
    built = folder / "lightmeter"
    if not built.exists():
        folder.mkdir(exist_ok=True)
        shutil.copy(DRIVERS / "lightmeter" / "main.go", folder)
        (folder / "go.mod").write_text("module bench\n")
        _told(["go", "get", "gitlab.com/lightmeter/postfix-log-parser@master"], folder)
        _told(["go", "build", "-o", built.name, "."], folder)
    return Contender(LIGHTMETER, program([str(built), str(log)]), lines)


def _told(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=_MINUTES_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotHadError(f"`{' '.join(command)}` failed") from error


_HEADER = re.compile(
    r"^(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}|\S+) (\S+) postfix/([\w/-]+)\[(\d+)\]: (\w+): (.*)$"
)
_FIELD = re.compile(r"([\w-]+)=<?([^,>]*)>?")


def naive(lines: Iterable[str]) -> Contender:
    """What a first script looks like: one pattern for the header, one for `name=value`."""

    def parsed() -> None:
        for line in lines:
            found = _HEADER.match(line)
            if found:
                host, daemon, pid, queue_id, rest = found.groups()
                {"host": host, "daemon": daemon, "pid": pid, "queue_id": queue_id} | dict(
                    _FIELD.findall(rest)
                )

    return Contender(NAIVE, here(parsed))
