"""What settings and options check alike."""

import pytest

from postroad_host.values import zone


def test_a_time_zone_is_found_or_refused() -> None:
    assert str(zone("Europe/Berlin")) == "Europe/Berlin"
    for name in ("Mars/Olympus", "", "../etc/passwd"):
        with pytest.raises(ValueError, match="there is no time zone"):
            zone(name)
