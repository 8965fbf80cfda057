"""What `sam build` makes is complete: every handler imports from the built layer, with the runtime's AWS SDK and no more."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
# What Lambda's Python runtimes bring: boto3, and what it needs.
RUNTIME = ("boto3", "botocore", "jmespath", "dateutil", "s3transfer", "six.py", "urllib3")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The layer, built by its own Makefile but for this interpreter, and a stand-in for the runtime's packages."""
    layer, runtime = tmp_path_factory.mktemp("layer"), tmp_path_factory.mktemp("runtime")
    target = (f"TARGET_PYTHON={sys.version_info[0]}.{sys.version_info[1]}", f"TARGET_PLATFORM={_platform()}")
    made = ["make", "build-CoreLayer", f"ARTIFACTS_DIR={layer}", *target]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(made, cwd=ROOT / "layers" / "core", check=True, capture_output=True, env=environment)
    for name in RUNTIME:
        (runtime / name).symlink_to(Path(sysconfig.get_path("purelib")) / name)
    return [str(layer / "python"), str(runtime)]


def _platform() -> str:
    return f"manylinux2014_{sysconfig.get_platform().rpartition('-')[2]}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_imports_from_what_was_built(path: list[str], function: str) -> None:
    """-I and -S leave out the environment, the working directory and this environment's packages."""
    places = [str(ROOT / "functions" / function), *path]
    program = f"import sys; sys.path[:0] = {places!r}; import app; assert callable(app.handler)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False, env={}
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_layer_brings_no_second_sdk(path: list[str]) -> None:
    brought = {entry.name for entry in Path(path[0]).iterdir()}
    assert brought.isdisjoint(RUNTIME)
    assert "postroad" in brought
