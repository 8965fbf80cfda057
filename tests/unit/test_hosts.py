import pytest

from postroad.hosts import is_same_host


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("mx1", "mx1", True),
        ("mx1", "MX1.example.org", True),
        ("mx1.example.org", "mx1", True),
        ("mx1", "mx10", False),
        ("mx1.example.org", "mx1.example.com", False),
        ("example.org", "mx1.example.org", False),
    ],
)
def test_a_host_is_the_same_under_its_short_and_its_full_name(
    one: str, other: str, *, expected: bool
) -> None:
    assert is_same_host(one, other) is expected
