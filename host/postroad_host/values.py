"""Values that the settings and the command's options check alike."""

from zoneinfo import ZoneInfo

HIGHEST_PORT = 65535


def zone(name: str) -> ZoneInfo:
    """Find a time zone by its name. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"there is no time zone {name!r}: use a name such as UTC or Europe/Berlin"
        ) from error
