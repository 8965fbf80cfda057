"""The settings: every key documented, every mistake named by its key."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from postroad_host import config
from postroad_host.config import ConfigError, FileLines, Settings, StdoutLines, SyslogLines

EXAMPLE = Path(config.__file__).with_name("postroad.example.toml")
LEAST = 'database = "p.db"\nrelay_logs.paths = ["mail.log"]\n'


def load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "postroad.toml"
    path.write_text(text)
    return config.load(path)


def refused(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return str(caught.value).split("\n")


def keys_of(model: type[BaseModel]) -> dict[str, Any]:
    return {name: field.default for name, field in model.model_fields.items()}


def documented() -> dict[str, Any]:
    """The example as it reads with every key that it documents."""
    text = re.sub(r"^# (?=\w+ = )", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    return tomllib.loads(text)


def test_the_example_loads() -> None:
    settings = config.load(EXAMPLE)
    assert isinstance(settings.unified_lines, FileLines)
    assert settings.ses_events.sqs is not None


@pytest.mark.parametrize(
    ("section", "models"),
    [
        ((), [Settings]),
        (("relay_logs",), [config.RelayLogs]),
        (("ses_events",), [config.SesEvents]),
        (("ses_events", "sqs"), [config.Sqs]),
        (("unified_lines",), [StdoutLines, FileLines, SyslogLines]),
        (("search",), [config.SearchAddress]),
    ],
)
def test_the_example_documents_each_key_and_no_other(
    section: tuple[str, ...], models: list[type[BaseModel]]
) -> None:
    written = documented()
    for name in section:
        written = written[name]
    assert set(written) == {key for model in models for key in keys_of(model)}


def test_the_example_shows_the_defaults() -> None:
    text = EXAMPLE.read_text()
    shown = tomllib.loads("\n".join(re.findall(r"^# (\w+ = (?:\d+|true|false))$", text, re.MULTILINE)))
    least = Settings.model_validate({"database": "p", "relay_logs": {"paths": ["a"]}})
    sqs = keys_of(config.Sqs)
    for key, value in shown.items():
        assert (
            value == getattr(least, key, None) or sqs.get(key) == value or getattr(least.search, key) == value
        )


def test_little_is_needed(tmp_path: Path) -> None:
    settings = load(tmp_path, LEAST)
    assert settings.unified_lines == StdoutLines()
    assert (settings.search.host, settings.search.port) == ("127.0.0.1", 8025)
    assert (settings.unclaimed_after_seconds, settings.retention_days) == (120, 400)


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    settings = load(tmp_path, LEAST + '[unified_lines]\nto = "file"\npath = "out/lines.log"\n')
    assert settings.database == tmp_path / "p.db"
    assert settings.relay_logs.paths == (tmp_path / "mail.log",)
    assert isinstance(settings.unified_lines, FileLines)
    assert settings.unified_lines.path == tmp_path / "out/lines.log"


def test_stdout_needs_no_name(tmp_path: Path) -> None:
    assert load(tmp_path, LEAST + '[unified_lines]\ntimestamps = "traditional"').unified_lines == StdoutLines(
        timestamps="traditional"
    )


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ('relay_logs.paths = ["a"]', ["database: this key is needed: set it"]),
        (LEAST + "databse = 1", ["databse: there is no such key"]),
        ('database = "p"\nrelay_logs.paths = ["a", 3]', ["relay_logs.paths[1]: Input should be"]),
        (
            LEAST + 'relay_logs.time_zone = "Mars/Olympus"',
            ["relay_logs.time_zone: there is no such time zone"],
        ),
        (LEAST + 'batch_size = "7"', ["batch_size: Input should be a valid integer"]),
        (LEAST + "retention_days = 0", ["retention_days: Input should be greater than or equal to 1"]),
        (LEAST + 'unified_lines.to = "fiel"', ['unified_lines.to: choose "stdout", "file" or "syslog"']),
        (LEAST + 'unified_lines.to = "file"', ["unified_lines.path: this key is needed"]),
        (LEAST + 'unified_lines.path = "x"', ["unified_lines.path: there is no such key"]),
        (
            LEAST + 'unified_lines.to = "syslog"\nunified_lines.address = "loghost"',
            ["unified_lines.address: give a socket such as /dev/log, or host:port"],
        ),
        (
            LEAST + 'search.host = "0.0.0.0"',
            ["search: 0.0.0.0 can be reached from other machines: set search.token_file"],
        ),
        (LEAST + 'search.host = "mail.example.com"', ["search.host: mail.example.com is no IP address"]),
        (
            LEAST + 'ses_events.sqs.queue_url = "ses-events"',
            ["ses_events.sqs.queue_url: give a URL that begins with https://"],
        ),
        ('database = "p"', ["there is nothing to read: set relay_logs.paths"]),
        (
            'database = "p"\nrelay_logs.paths = ["log/*.log"]\n[unified_lines]\nto = "file"\npath = "log/u.log"',
            ["unified_lines.path is among the inputs"],
        ),
        (
            'databse = 1\nrelay_logs.paths = ["a"]',
            ["databse: there is no such key", "database: this key is needed"],
        ),
    ],
)
def test_mistakes_are_named_by_their_keys(text: str, mistakes: list[str], tmp_path: Path) -> None:
    said = refused(tmp_path, text)
    assert len(said) == len(mistakes)
    for one, expected in zip(said, mistakes, strict=True):
        assert one.startswith(f"postroad.toml: {expected}")


def test_what_is_no_toml_is_said(tmp_path: Path) -> None:
    assert "this is not TOML" in refused(tmp_path, "database =")[0]


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        config.load(tmp_path / "none.toml")


def test_localhost_is_this_machine(tmp_path: Path) -> None:
    assert load(tmp_path, LEAST + 'search.host = "localhost"').search.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("written", "is_open"),
    [
        ("", True),
        ("search.open_to_this_machine = true", True),
        ("search.open_to_this_machine = false", False),
        ('search.token_file = "tokens"', False),
        ('search.token_file = "tokens"\nsearch.open_to_this_machine = true', True),
        ('search.proxy_header = "X-Remote-User"', False),
        ('search.names = ["postroad.example.com"]', False),
    ],
)
def test_a_search_without_a_token_is_for_a_machine_by_itself(
    tmp_path: Path, written: str, is_open: bool
) -> None:
    assert load(tmp_path, LEAST + written).search.is_open is is_open


def test_behind_a_proxy_nobody_comes_from_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError, match="open_to_this_machine lets in whoever the proxy passes on"):
        load(tmp_path, LEAST + 'search.proxy_header = "X-User"\nsearch.open_to_this_machine = true')


def test_other_machines_may_ask_where_tokens_are_kept(tmp_path: Path) -> None:
    found = load(tmp_path, LEAST + 'search.host = "0.0.0.0"\nsearch.token_file = "tokens"\n').search
    assert found.token_file == tmp_path / "tokens"
