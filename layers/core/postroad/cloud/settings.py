"""What the template tells a function by its environment; a mistake is named by its variable."""

import os
from datetime import timedelta, tzinfo
from zoneinfo import ZoneInfo


class SettingsError(ValueError):
    """A variable that the template should have set is missing or wrong."""


def text(name: str) -> str:
    """A variable that must say something. Raises SettingsError."""
    found = os.environ.get(name, "").strip()
    if not found:
        raise SettingsError(f"{name} is not set: the template sets it")
    return found


def number(name: str, least: int, most: int) -> int:
    """A whole number within bounds. Raises SettingsError."""
    found = text(name)
    if not found.isdecimal() or not least <= int(found) <= most:
        raise SettingsError(f"{name} is {found!r}: it must be a whole number from {least} to {most}")
    return int(found)


def days(name: str) -> timedelta:
    """A number of days. Raises SettingsError."""
    return timedelta(days=number(name, 1, 36_500))


def words(name: str) -> list[str]:
    """Words with commas between them, in lower case; there may be none."""
    return [word.strip().lower() for word in os.environ.get(name, "").split(",") if word.strip()]


def zone(name: str) -> tzinfo:
    """A time zone by its name. Raises SettingsError."""
    found = text(name)
    try:
        return ZoneInfo(found)
    except (KeyError, ValueError, OSError) as error:
        raise SettingsError(f"{name} is {found!r}: no such time zone, say Europe/Paris or UTC") from error
