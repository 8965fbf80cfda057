"""The page of a running `postroad run` in a real Chromium: fed by the sample, and by a real Postfix."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.conftest import Service, until
from tests.e2e.parts.ports import LOOPBACK, free_port
from tests.e2e.parts.postfix import Postfix, available
from tests.e2e.parts.ses_endpoint import SesEndpoint
from tests.e2e.parts.ses_fates import fates
from tests.e2e.test_console import SCREENSHOTS, look_up, signed_in, watched

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SENDER = "app@example.org"
RECIPIENTS = {
    "ok1@example.com": "delivered",
    "hardbounce1@example.com": "bounced",
    "throttle1@example.com": "delivered",
}


@pytest.fixture(scope="module")
def browser(require: Callable[[str, bool], None]) -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    require("chromium", chromium is not None)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


def photographed(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"service-{name}.png", full_page=True)


def answered(page: Page, words: str, state: str, sentence: str) -> None:
    """Search, and read the answer."""
    look_up(page, words)
    answer = page.get_by_role("region", name="The answer")
    expect(answer.locator(".chip")).to_have_attribute("data-state", state)
    expect(answer.locator(".sentence")).to_contain_text(sentence)
    expect(page.locator(".stage")).to_have_count(3)


def test_the_sample_is_found_by_an_address_it_printed(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    arguments = ("--sample", str(ROOT / "events"), "--port", str(port))
    with Service(root=tmp_path, arguments=arguments) as service:
        url = service.url()
        assert url == f"http://{LOOPBACK}:{port}"
        line = until(
            lambda: re.search(
                r"to=<(ok\d+@example\.com)>.* status=delivered", service.stdout.read_text("utf-8")
            ),
            "a line of a delivery",
        )
        with watched(browser, url) as page:
            signed_in(page, url, service.token())
            answered(page, line[1], "delivered", "inbox or in the spam folder cannot be seen")
            photographed(page, "sample")
        assert service.end() == 0
        assert "Traceback" not in service.stderr


@pytest.fixture(scope="module")
def relay(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, require: Callable[[str, bool], None]
) -> Iterator[Service]:
    """A service that has read what a real Postfix and the stand-in for SES told of each recipient's mail."""
    assert browser.is_connected()
    require("postfix", available())
    root = tmp_path_factory.mktemp("console-service")
    events = root / "events.jsonl"
    events.touch()
    with ExitStack() as stack:
        endpoint = stack.enter_context(SesEndpoint())
        postfix = stack.enter_context(Postfix(relay_port=endpoint.port))
        settings = {
            "relay_logs": {"paths": [str(postfix.log_path)]},
            "ses_events": {"paths": [str(events)]},
        }
        service = stack.enter_context(Service(root=root, settings=settings))
        for to in RECIPIENTS:
            postfix.send(SENDER, [to], subject=f"For {to}")
        postfix.wait_until_empty(timeout=30)
        told = [event for accepted in endpoint.accepted for event in fates(accepted)]
        with events.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(event)}\n" for event in told)
        for to, state in RECIPIENTS.items():
            until(
                lambda to=to, state=state: [one["state"] for one in service.search(to)] == [state],  # type: ignore[misc]
                f"{to} to be {state}",
            )
        yield service
        assert service.end() == 0, service.stderr


@pytest.mark.parametrize(
    ("words", "sentence", "evidence"),
    [
        ("ok1@example.com", "inbox or in the spam folder cannot be seen", ["status=sent (250 Ok "]),
        ("hardbounce1@example.com", "this address does not exist", ["status=sent (250 Ok ", "5.1.1"]),
        (
            "throttle1@example.com",
            "inbox or in the spam folder cannot be seen",
            ["will try again", "454 Throttling"],
        ),
    ],
)
def test_mail_of_a_real_postfix_is_found_and_explained(
    browser: Browser, relay: Service, words: str, sentence: str, evidence: list[str]
) -> None:
    url = relay.url()
    with watched(browser, url) as page:
        signed_in(page, url, relay.token())
        answered(page, words, RECIPIENTS[words], sentence)
        page.get_by_role("button", name="Show all evidence lines").click()
        for line in evidence:
            expect(page.locator(".timeline")).to_contain_text(line)
        photographed(page, words.partition("@")[0])
