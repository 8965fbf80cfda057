"""The console's files: read once, so that no request ever names a path."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
INDEX = "index.html"
# Where there is no console.
HINT = b"Postroad: what happened to the mail for this person? The API is described at /v1/openapi.json.\n"


class File(NamedTuple):
    """A file with its type and its tag."""

    body: bytes
    kind: str
    tag: str


def read(folder: Path | None) -> Mapping[str, File]:
    """The files of a folder by the paths that they are asked for; those that have no business there are left out."""
    found = dict(_found(folder)) if folder else {}
    found["/"] = found.get(f"/{INDEX}") or _file(HINT, ".txt")
    return found


def _found(folder: Path) -> list[tuple[str, File]]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix in TYPES and path.is_file())
    named = [(path.relative_to(folder), path) for path in paths]
    return [
        (f"/{name.as_posix()}", _file(path.read_bytes(), path.suffix))
        for name, path in named
        if not any(part.startswith(".") for part in name.parts)
    ]


def _file(body: bytes, suffix: str) -> File:
    return File(body, TYPES[suffix], f'"{sha256(body).hexdigest()[:20]}"')
