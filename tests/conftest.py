"""What every test may use: the real parts of the mail world, and how hard Hypothesis tries."""

import os
from collections.abc import Callable

import pytest
from hypothesis import settings

# In CI the same examples every time, and no deadline on a busy machine; at a desk new ones each run.
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    max_examples=int(os.environ.get("POSTROAD_MAX_EXAMPLES", "200")),
    print_blob=True,
)
settings.register_profile(
    "dev", deadline=None, max_examples=int(os.environ.get("POSTROAD_MAX_EXAMPLES", "50"))
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def require() -> Callable[[str, bool], None]:
    """Skip the test when a real part is not on this machine; fail it where all parts must be.

    Example: `require("postfix", shutil.which("postfix") is not None)`.
    """

    def _require(part: str, present: bool) -> None:
        if present:
            return
        if os.environ.get("POSTROAD_REQUIRE_REAL_PARTS"):
            pytest.fail(f"{part} is missing, and POSTROAD_REQUIRE_REAL_PARTS demands it")
        pytest.skip(f"{part} is not on this machine")

    return _require
