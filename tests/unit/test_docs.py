"""The docs say what the code does."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from postroad import ingest
from postroad.growth import grown
from postroad.lifecycle import State
from postroad.records import Record
from postroad.syslog import Carrier
from postroad.unified import lines
from postroad_host.cli import cli

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_states_page_is_what_the_table_says() -> None:
    assert (
        subprocess.run([sys.executable, "tools/states_page.py", "--check"], cwd=ROOT, check=False).returncode
        == 0
    )


def test_every_state_is_explained() -> None:
    page = (ROOT / "docs" / "states.md").read_text("utf-8")
    assert all(f"`{state.word}`" in page for state in State)


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_is_in_the_readme_and_has_an_example(command: str) -> None:
    help_text = CliRunner().invoke(cli, [command, "--help"]).output
    assert f"postroad {command}" in README
    assert "Example: postroad" in help_text


def test_readme_example_is_what_the_code_writes() -> None:
    log_line, told = re.findall(r"^(?:Feb 25|2026-02-25T).*$", README, re.MULTILINE)
    ses_id = re.search(r"250 Ok (\S+)\)", log_line)
    assert ses_id is not None
    mail = {
        "timestamp": "2026-02-25T00:05:18.412Z",
        "messageId": ses_id[1],
        "destination": ["anna@example.com"],
    }
    delivery = {
        "timestamp": "2026-02-25T00:05:20.112Z",
        "recipients": ["anna@example.com"],
        "smtpResponse": "250 2.0.0 OK 1771977920 gsmtp",
    }
    event = json.dumps({"eventType": "Delivery", "mail": mail, "delivery": delivery})
    carrier = Carrier("2026-02-26T00:00:00.000Z")
    facts = ingest.relay([log_line.encode()], carrier, "").facts + ingest.ses([event], "").facts
    shown = [
        line
        for key, growth in grown(facts).items()
        for line in lines(Record(key, frozenset()), Record(key, frozenset(growth.texts)))
    ]
    assert told in shown


def test_links_in_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_alarm_is_explained() -> None:
    template = (ROOT / "template.yaml").read_text("utf-8")
    names = re.findall(r"AlarmName: !Sub \"\$\{AWS::StackName\}-([a-z-]+)\"", template)
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert names
    assert [name for name in names if f"`{name}`" not in page] == []
