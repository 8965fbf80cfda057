from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from postroad import syslog
from postroad.facts import ParseError
from postroad.shippers import unwrapped
from postroad.syslog import Carrier

CARRIER = Carrier(at="2026-03-01T12:00:00.000Z")
TEXT = "4fXk2M1zQyz3Rb: removed"


@pytest.mark.parametrize(
    ("line", "program", "host", "at"),
    [
        ("Feb  5 04:07:36 mx1 postfix/qmgr[99]: ", "postfix/qmgr", "mx1", "2026-02-05T04:07:36.000Z"),
        ("Feb 05 04:07:36 mx1 postfix/qmgr[99]: ", "postfix/qmgr", "mx1", "2026-02-05T04:07:36.000Z"),
        ("2026-02-05T04:07:36.185246+01:00 mx1 postfix/qmgr[99]: ", "postfix/qmgr", "mx1", "2026-02-05T03:07:36.185Z"),
        ("<22>1 2026-02-05T04:07:36Z mx1 postfix/qmgr[99]: ", "postfix/qmgr", "mx1", "2026-02-05T04:07:36.000Z"),
        ("<22>Feb  5 04:07:36 mx1 postfix/qmgr[99]: ", "postfix/qmgr", "mx1", "2026-02-05T04:07:36.000Z"),
        ("2026-02-05T04:07:38+00:00 outer smtp-out[985]: Feb 05 04:07:36 mx1 postfix/qmgr[105]: ", "postfix/qmgr", "mx1", "2026-02-05T04:07:38.000Z"),
        ("2026-02-05T04:07:38.371608026Z Feb 05 04:07:36 mx1 postfix/qmgr[105]: ", "postfix/qmgr", "mx1", "2026-02-05T04:07:38.371Z"),
        ("postfix-mailcow_1    | Feb  5 04:07:36 mx1 postfix/qmgr[105]: ", "postfix/qmgr", "mx1", "2026-02-05T04:07:36.000Z"),
        ("postfix-mailcow_1    | postfix/qmgr[105]: ", "postfix/qmgr", None, CARRIER.at),
        ("Feb  5 04:07:36 postfix/qmgr[105]: ", "postfix/qmgr", None, "2026-02-05T04:07:36.000Z"),
        ("2026-02-05T04:07:36Z postfix/qmgr[105]: ", "postfix/qmgr", None, "2026-02-05T04:07:36.000Z"),
        ("mx1 postfix/submission/smtpd[1]: ", "postfix/submission/smtpd", "mx1", CARRIER.at),
        ("postfix/qmgr[1]: ", "postfix/qmgr", None, CARRIER.at),
        ("", None, None, CARRIER.at),
    ],
)  # fmt: skip
def test_every_wrapping_gives_the_tag_the_host_the_time_and_the_text(
    line: str, program: str | None, host: str | None, at: str
) -> None:
    apart = syslog.take_apart(line + TEXT)
    assert (apart.program, apart.text) == (program, TEXT)
    assert syslog.host(apart, CARRIER) == host
    assert syslog.at(apart, CARRIER) == at


def test_a_line_without_a_host_or_a_stamp_is_its_carriers() -> None:
    apart = syslog.take_apart(f"postfix/qmgr[1]: {TEXT}")
    carrier = CARRIER._replace(host="stream-1")
    assert (syslog.host(apart, carrier), syslog.at(apart, carrier)) == ("stream-1", carrier.at)


def test_a_stamp_without_a_zone_is_read_in_the_carriers_and_one_with_a_zone_is_not() -> None:
    carrier = CARRIER._replace(zone=ZoneInfo("Europe/Berlin"))
    assert (
        syslog.at(syslog.take_apart(f"Feb  5 04:07:36 mx1 a/b[1]: {TEXT}"), carrier)
        == "2026-02-05T03:07:36.000Z"
    )
    assert (
        syslog.at(syslog.take_apart(f"2026-02-05T04:07:36Z mx1 a/b[1]: {TEXT}"), carrier)
        == "2026-02-05T04:07:36.000Z"
    )


def test_a_tag_in_the_text_is_not_the_lines_own() -> None:
    apart = syslog.take_apart(
        "Feb  5 04:07:36 mx1 postfix/cleanup[1]: 4fXk: info: x postfix/smtp[2]: 4fXk: removed"
    )
    assert apart.program == "postfix/cleanup"


def test_a_first_tag_that_no_header_follows_is_the_lines_own() -> None:
    assert (
        syslog.take_apart("Feb  5 04:07:36 mx1 sendmail[1]: u31: to=<a>, x postfix/smtp[2]: y").program
        == "sendmail"
    )


@pytest.mark.parametrize("line", ["no tag at all", "a [x]: b", "]: x", "mx1 [12]: x", "a]: b[1]: c", "1]: x"])
def test_what_looks_like_a_tag_and_is_none_is_text(line: str) -> None:
    apart = syslog.take_apart(line)
    assert apart.program in (None, "")
    assert apart.text.endswith(line[-1])


def test_rsyslogs_repetition_and_solariss_message_id_are_taken_off() -> None:
    assert syslog.take_apart(f"mx1 postfix/qmgr[1]: message repeated 2 times: [ {TEXT}]").text == TEXT
    assert syslog.take_apart("mx1 postfix/qmgr[1]: message repeated oddly").text == "message repeated oddly"
    assert syslog.take_apart(f"mx1 postfix/qmgr[1]: [ID 801593 mail.info] {TEXT}").text == TEXT


@pytest.mark.parametrize(
    "stamp",
    ["Feb 30 04:07:36", "Foo  5 04:07:36", "Feb  5 25:07:36", "2026-13-05T04:07:36Z", "2026-02-05T04:07:99"],
)
def test_a_time_that_no_clock_shows_is_refused(stamp: str) -> None:
    with pytest.raises(ParseError, match="no such time") as error:
        syslog.at(syslog.take_apart(f"{stamp} mx1 postfix/qmgr[1]: {TEXT}"), CARRIER)
    assert error.value.raw == TEXT


@pytest.mark.parametrize("name", ["log", "MESSAGE", "message"])
def test_a_log_shippers_record_is_unwrapped(name: str) -> None:
    assert unwrapped(f'{{"{name}": "the line", "other": 1}}') == ("the line", None)


@pytest.mark.parametrize(
    "line", ["plain", "{not json", "{}", '{"log": 1}', "[" * 100_000, '{"log":' * 100_000]
)
def test_what_is_no_shippers_record_stays_as_it_is(line: str) -> None:
    assert unwrapped(line) == (line, None)


def test_journalds_export_becomes_a_line_with_its_own_stamp_host_and_tag() -> None:
    record = '{"__REALTIME_TIMESTAMP":"1770264456123456","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"postfix/qmgr","_PID":"105","MESSAGE":"a"}'
    assert unwrapped(record)[0] == "2026-02-05T04:07:36.123Z mx1 postfix/qmgr[105]: a"


@pytest.mark.parametrize("stamp", ['"x"', "null", "[]", "1e999", '"99999999999999999999999"'])
def test_a_journal_record_without_a_readable_time_has_its_carriers(stamp: str) -> None:
    record = f'{{"__REALTIME_TIMESTAMP":{stamp},"SYSLOG_IDENTIFIER":"postfix/qmgr","MESSAGE":"a"}}'
    assert unwrapped(record)[0] == "postfix/qmgr[0]: a"


def test_a_journal_record_without_a_time_or_a_host_has_its_carriers() -> None:
    assert (
        unwrapped('{"SYSLOG_IDENTIFIER":"postfix/qmgr","_PID":"7","MESSAGE":"a"}')[0] == "postfix/qmgr[7]: a"
    )


def test_the_zone_is_utc_unless_told() -> None:
    assert Carrier(at="2026-01-01T00:00:00.000Z").zone is UTC


def test_journalds_octets_are_a_text() -> None:
    record = '{"MESSAGE":[97,255],"SYSLOG_IDENTIFIER":"postfix/qmgr","_PID":"7"}'
    assert unwrapped(record)[0] == "postfix/qmgr[7]: a?"


@pytest.mark.parametrize(
    ("written", "at"),
    [("1708819518.5", "2024-02-25T00:05:18.500Z"), ("1e999", None), ('"x"', None), ("null", None)],
)
def test_a_records_own_time_counts_where_it_can_be_read(written: str, at: str | None) -> None:
    assert unwrapped(f'{{"log":"a","date":{written}}}') == ("a", at)
