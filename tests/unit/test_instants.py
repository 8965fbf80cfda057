from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from postroad import instants


def test_an_instant_is_utc_with_milliseconds_and_of_fixed_width() -> None:
    moment = datetime(2026, 2, 25, 1, 5, 18, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert instants.from_datetime(moment) == "2026-02-25T00:05:18.999Z"


def test_instants_sort_as_text_as_they_do_as_times() -> None:
    texts = [instants.from_ms(ms) for ms in (-1, 0, 1, 999, 1000, 1_772_000_000_000)]
    assert texts == sorted(texts)


def test_an_instant_is_read_back() -> None:
    assert (
        instants.from_datetime(instants.to_datetime("2026-02-25T00:05:18.123Z")) == "2026-02-25T00:05:18.123Z"
    )
    assert instants.from_ms(instants.to_ms("2026-02-25T00:05:18.123Z")) == "2026-02-25T00:05:18.123Z"


@pytest.mark.parametrize("ms", [10**15, -(10**15), 10**30])
def test_milliseconds_out_of_range_are_a_value_error(ms: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        instants.from_ms(ms)


def test_a_moment_that_leaves_the_calendar_in_utc_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="out of range"):
        instants.from_datetime(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-10-08T14:05:45.123Z", "2018-10-08T14:05:45.123Z"),
        ("2018-10-08T14:05:45 +0000", "2018-10-08T14:05:45.000Z"),
        ("2018-10-08T14:05:45 -0130", "2018-10-08T15:35:45.000Z"),
        ("2009-12-03T04:24:21.000-05:00", "2009-12-03T09:24:21.000Z"),
        (" 2018-10-08T14:05:45 ", "2018-10-08T14:05:45.000Z"),
        ("2023-03-14T00:00:31.185246+01:00", "2023-03-13T23:00:31.185Z"),
    ],
)
def test_iso_times_are_read_in_every_spelling_of_ses_and_syslog(text: str, expected: str) -> None:
    assert instants.parse(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2018-13-01T00:00:00Z", "0001-01-01T00:00:00+01:00"])
def test_what_is_no_time_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        instants.parse(text)


@pytest.mark.parametrize(
    ("stamp", "day", "expected"),
    [
        ("Feb  5 04:07:36", "2026-02-05", "2026-02-05T04:07:36.000Z"),
        ("Feb 05 04:07:36", "2026-02-05", "2026-02-05T04:07:36.000Z"),
        # around New Year
        ("Dec 31 23:59:59", "2026-01-01", "2025-12-31T23:59:59.000Z"),
        ("Dec 31 23:59:59", "2025-12-31", "2025-12-31T23:59:59.000Z"),
        ("Jan  1 00:00:01", "2026-01-01", "2026-01-01T00:00:01.000Z"),
        (
            "Jan  1 00:00:01",
            "2025-12-31",
            "2026-01-01T00:00:01.000Z",
        ),  # its clock runs ahead of the carrier's
        ("Jan  3 00:00:00", "2025-12-31", "2025-01-03T00:00:00.000Z"),  # but not by that much
        # leap days
        ("Feb 29 12:00:00", "2024-02-29", "2024-02-29T12:00:00.000Z"),
        ("Feb 29 12:00:00", "2026-03-01", "2024-02-29T12:00:00.000Z"),
        ("Feb 29 12:00:00", "2024-02-27", "2020-02-29T12:00:00.000Z"),
        ("Feb 29 12:00:00", "1903-03-01", "1896-02-29T12:00:00.000Z"),  # 1900 was none: the farthest there is
        # a leap second
        ("Jun 30 23:59:60", "2015-07-01", "2015-06-30T23:59:59.000Z"),
    ],
)
def test_a_stamp_without_a_year_is_of_the_last_year_in_which_it_is_not_ahead(
    stamp: str, day: str, expected: str
) -> None:
    assert instants.traditional(stamp, day, UTC) == expected


def test_a_stamp_without_a_year_is_read_in_the_zone_of_its_host() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert instants.traditional("Jan  1 00:30:00", "2026-01-01", zone) == "2025-12-31T23:30:00.000Z"
    assert instants.traditional("Jul  1 00:30:00", "2026-07-01", zone) == "2026-06-30T22:30:00.000Z"


@pytest.mark.parametrize(
    "stamp", ["Feb 30 00:00:00", "Feb 25 24:00:00", "Feb 25 00:60:00", "Apr 31 00:00:00"]
)
def test_a_stamp_that_no_clock_shows_is_a_value_error(stamp: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        instants.traditional(stamp, "2026-03-01", UTC)


def test_a_leap_day_before_the_first_there_was_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="no such day"):
        instants.traditional("Feb 29 00:00:00", "0003-01-01", UTC)


def test_prefixes_are_days_and_hours() -> None:
    at = "2026-02-25T07:05:18.123Z"
    assert (instants.day(at), instants.hour(at)) == ("2026-02-25", "2026-02-25T07")
    assert instants.start_of_hour(at) == "2026-02-25T07:00:00.000Z"


def test_seconds_between_are_signed_and_exact_to_the_millisecond() -> None:
    assert instants.seconds_between("2026-02-25T00:05:18.000Z", "2026-02-25T00:05:21.512Z") == 3.512
    assert instants.seconds_between("2026-02-25T00:05:18.000Z", "2026-02-25T00:05:17.999Z") == -0.001
