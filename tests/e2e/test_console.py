"""The console in a real Chromium: what support staff see, do with the keyboard alone, and cannot be attacked through."""

import json
import re
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, FloatRect, Page, expect, sync_playwright

from postroad.api import Api, Parts
from postroad.api_auth import MASKED, READ, SUPPRESS, Asker
from postroad.api_wsgi import WsgiApi
from postroad.store.sqlite import SQLiteStore
from postroad_host.clock import now
from postroad_host.tokens import Gate
from postroad_host.web import Beside, Server, site
from tests.e2e.conftest import documents, postroad

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "functions/query_api/console"
SCREENSHOTS = ROOT / "build/screenshots"
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
TOKEN, MASKED_TOKEN = "a-token-of-this-test", "a-token-that-sees-less"
# What a remote server or a sender may write; each would tell if it ran.
MARKUP = "<img/src=x/onerror=window.pwned=1><script>window.pwned=1</script><svg/onload=window.pwned=1>"
VIEWS = {
    "home": "#/",
    "list": "#/search?q=app%40example.org",
    "answer": "#/search?q=hardbounce1%40example.com",
    "overlay": "#/search?q=slow1%40example.com",
    "nothing": "#/search?q=nobody%40example.com",
    "problems": "#/problems?day={day}",
    "summary": "#/summary",
    "suppression": "#/suppression?address=suppressed1%40example.com",
    "help": "#/help",
    "no-page": "#/nowhere",
}


# --- what is looked at ------------------------------------------------------------------------------------------------


@dataclass
class Suppressions:
    """SES's list, of one address."""

    listed: set[str] = field(default_factory=lambda: {"suppressed1@example.com"})

    def find(self, address: str) -> dict[str, Any] | None:
        known = address in self.listed
        return (
            {"address": address, "reason": "bounce", "since": "2026-11-01T10:00:00.000Z"} if known else None
        )

    def remove(self, address: str) -> bool:
        was = address in self.listed
        self.listed.discard(address)
        return was


@contextmanager
def served(database: Path, tokens: dict[str, Asker] | None = None, **parts: Any) -> Iterator[str]:  # noqa: ANN401 - Parts knows their types
    """The API and the console, as one machine serves them, for these tokens."""
    known = tokens or {
        TOKEN: Asker("ann", frozenset((READ, SUPPRESS))),
        MASKED_TOKEN: Asker("bob", frozenset((MASKED,))),
    }
    store = SQLiteStore.open(str(database))
    api = Api(
        Parts(
            store=store,
            now=now,
            key=b"k" * 32,
            audit=lambda _: None,
            listing=store.window,
            console=CONSOLE,
            burst=1000,
            **parts,
        )
    )

    def gate(headers: Mapping[str, str], _: str) -> Asker | None:
        return known.get(headers.get("authorization", "").removeprefix("Bearer "))

    server = Server(WsgiApi(api, gate, lambda _: True), "127.0.0.1", 0)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
        store.close()


def moved(text: str, by: timedelta) -> str:
    """The sample's text at another time: its stamps, its events' times and the times inside SES ids."""

    def iso(found: re.Match[str]) -> str:
        return f"{(datetime.fromisoformat(found[0]) + by).isoformat(timespec='milliseconds')[:-6]}Z"

    def stamp(found: re.Match[str]) -> str:
        return f"{datetime.strptime(f'2026 {found[0]}', '%Y %b %d %H:%M:%S').replace(tzinfo=UTC) + by:%b %d %H:%M:%S}"

    def inside(found: re.Match[str]) -> str:
        return f"{int(found[0], 16) + by // timedelta(milliseconds=1):012x}"

    text = re.sub(r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d", stamp, text, flags=re.MULTILINE)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z", iso, text)
    return re.sub(r"(?<=\b0102)[0-9a-f]{12}(?=-[0-9a-f]{8}-)", inside, text)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample of events/, as if it had happened two hours ago."""
    folder = tmp_path_factory.mktemp("console")
    by = datetime.now(UTC) - timedelta(hours=2) - datetime(2026, 11, 24, 17, 18, 40, tzinfo=UTC)
    for name in ("relay.log", "ses-events.jsonl"):
        text = (ROOT / "events" / name).read_text("utf-8")
        (folder / name).write_text(moved(text, by), "utf-8")
    database = folder / "postroad.db"
    log, events = folder / "relay.log", folder / "ses-events.jsonl"
    postroad("import", "--db", database, "--relay-log", log, "--ses-events", events)
    return database


@pytest.fixture(scope="module")
def url(sample: Path) -> Iterator[str]:
    with served(sample, suppressions=Suppressions()) as found:
        yield found


@pytest.fixture(scope="module")
def day(sample: Path) -> str:
    found: str = documents("find", "slow1@example.com", "--db", sample, "--json")[0]["first_seen"][:10]
    return found


@pytest.fixture(scope="module")
def browser(require: Callable[[str, bool], None]) -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    require("chromium", chromium is not None)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@dataclass
class Watched:
    """A page, and what it must not do: break its CSP, throw, or ask anybody but us."""

    context: BrowserContext
    allowed: tuple[str, ...]
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.told.append(f"thrown: {error}"))
        self.page.on("console", lambda one: self._said(one.type, one.text))
        self.page.on("request", lambda one: self._asked(one.url))

    def _said(self, kind: str, text: str) -> None:
        # A refused question is told by the view; the browser says it as well.
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            self.told.append(f"{kind}: {text}")

    def _asked(self, address: str) -> None:
        if not address.startswith((*self.allowed, "blob:")):
            self.told.append(f"request: {address}")


@contextmanager
def watched(browser: Browser, *allowed: str, width: int = 1180, dark: bool = False) -> Iterator[Page]:
    context = browser.new_context(
        timezone_id="Europe/Berlin",
        locale="en-GB",
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        # A chip that is still fading in has another contrast.
        reduced_motion="reduce",
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    watch = Watched(context, allowed)
    watch.page.set_default_timeout(10_000)
    yield watch.page
    assert watch.page.evaluate("window.pwned") is None
    context.close()
    assert watch.told == []


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A page that is signed in."""
    with watched(browser, url) as found:
        signed_in(found, url)
        yield found


def signed_in(page: Page, url: str, token: str = TOKEN) -> None:
    page.goto(f"{url}/#token={token}")
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")


def open_view(page: Page, url: str, view: str) -> None:
    page.goto(f"{url}/{view}")
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")
    expect(page.locator("main h1")).to_have_count(1)


def look_up(page: Page, words: str) -> None:
    page.get_by_role("searchbox").fill(words)
    page.get_by_role("button", name="Find").click()
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")
    expect(page).to_have_url(re.compile(r"#/search\?q="))


# --- the answer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "state", "overlay", "sentence"),
    [
        ("quarantined@example.net", "queued", None, "has not passed it on"),
        ("ok-held@example.com", "deferred", "held", "no working connection"),
        ("silent1@example.com", "relayed", "silent", "has not reported back"),
        ("silent-s@example.com", "accepted", "silent", "has taken this message"),
        ("slow1@example.com", "delayed", "retrying", "mailbox is full"),
        ("softbounce1@example.com", "soft-bounced", None, "."),
        ("ok1@example.com", "delivered", None, "inbox or in the spam folder cannot be seen"),
        ("hardbounce1@example.com", "bounced", None, "this address does not exist"),
        ("suppressed1@example.com", "suppressed", None, "on a suppression list"),
        ("blocked@example.net", "rejected", None, "refused"),
        ("virus1@example.com", "rejected", None, "virus"),
        ("complain1@example.com", "delivered", "complained", "reported as unwanted"),
        ("lateb1@example.com", "bounced", "late-bounce", "refused"),
        ("ooo1@example.com", "delivered", "auto-reply", "automatic reply"),
    ],
)
def test_an_address_alone_gives_the_answer(
    page: Page, words: str, state: str, overlay: str | None, sentence: str
) -> None:
    look_up(page, words)
    answer = page.get_by_role("region", name="The answer")
    expect(answer.locator(".chip")).to_have_attribute("data-state", state)
    expect(answer.locator(".sentence")).to_contain_text(sentence)
    expect(page.locator(".stage")).to_have_count(3)
    if overlay:
        expect(answer.locator(f"[data-overlay={overlay}]")).to_be_visible()
    shown = answer.locator(".sentence").inner_text()
    assert not re.search(
        r"\b(?:[45]\.\d\.\d|smtp|dsn|NOQUEUE|status=|MTA|relay|hard.?bounce\w*)\b", shown, re.IGNORECASE
    )


@pytest.mark.parametrize("kind", ["queue_ids", "ses_id", "message_id"])
def test_any_id_gives_the_same_answer(page: Page, sample: Path, kind: str) -> None:
    (known,) = documents("find", "ok1@example.com", "--db", sample, "--json")
    words = known[kind][0] if kind == "queue_ids" else known[kind]
    look_up(page, f"<{words}>" if kind == "message_id" else words)
    expect(page.locator("h1")).to_have_text("one recipient: ok")


def test_a_list_leads_to_each_message_by_a_link_of_its_own(page: Page) -> None:
    look_up(page, "app@example.org")
    expect(page.locator("h1")).to_contain_text("3 messages")
    page.locator(".mail-link").first.click()
    expect(page.locator(".stage")).to_have_count(3)
    kept = page.url
    assert "#/mail?id=" in kept
    page.go_back()
    expect(page.locator(".mail")).to_have_count(3)
    page.goto("about:blank")
    page.goto(kept)
    expect(page.locator(".stage")).to_have_count(3)


def test_times_are_the_viewers_with_utc_at_hand(page: Page) -> None:
    look_up(page, "ok1@example.com")
    at = page.locator("main .sub time")
    told = datetime.fromisoformat(at.get_attribute("datetime") or "")
    assert at.get_attribute("title") == f"{told:%Y-%m-%d %H:%M:%S} UTC"
    local = at.inner_text()
    page.get_by_role("button", name="Show UTC").click()
    expect(at).not_to_have_text(local)
    expect(at).to_contain_text(f"{told:%H:%M:%S}")


def test_evidence_and_the_text_for_a_ticket(page: Page, sample: Path) -> None:
    (known,) = documents("find", "hardbounce1@example.com", "--db", sample, "--json")
    look_up(page, "hardbounce1@example.com")
    line = page.locator(".timeline details pre").last
    expect(line).to_be_hidden()
    page.get_by_role("button", name="Show all evidence lines").click()
    expect(line).to_have_text(known["timeline"][-1]["line"])
    page.get_by_role("button", name="Copy as text for a ticket").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    lines = [entry["line"] for entry in known["timeline"] if entry["line"]]
    for words in (
        "Refused: ",
        "What to do (",
        "To: hardbounce1@example.com",
        known["ses_id"],
        "#/mail?id=",
        *lines,
    ):
        assert words in copied


# --- around it --------------------------------------------------------------------------------------------------------


def test_nothing_found_says_where_to_look_next(page: Page) -> None:
    look_up(page, "nobody@example.com")
    expect(page.locator("h1")).to_have_text("Nothing found")
    expect(page.get_by_role("status")).to_have_text("Nothing found. Here is where to look next.")
    page.get_by_role("link", name="Search all time").click()
    expect(page.locator("main")).to_contain_text("in all the time that is kept")
    # An id is looked for in all that is kept anyway.
    look_up(page, "4jYqJy4ZZZZJZZZ")
    expect(page.locator("main")).to_contain_text("Copy the id whole")
    expect(page.get_by_role("link", name="Search all time")).to_have_count(0)


def test_trouble_is_told_and_can_be_tried_again(page: Page) -> None:
    page.route("**/v1/search*", lambda route: route.abort())
    look_up(page, "ok1@example.com")
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer")
    page.unroute("**/v1/search*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("h1")).to_have_text("one recipient: ok")
    refusal = json.dumps({"title": "Bad Request", "status": 400, "detail": "q: write an address"})
    page.route(
        "**/v1/search*",
        lambda route: route.fulfill(status=400, content_type="application/problem+json", body=refusal),
    )
    look_up(page, "x")
    expect(page.get_by_role("alert")).to_contain_text("q: write an address")


def test_problems_are_narrowed(page: Page, url: str, day: str) -> None:
    open_view(page, url, f"#/problems?day={day}")
    everything = page.locator(".mail").count()
    page.get_by_label("What happened").select_option("suppressed")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".mail").first).to_contain_text("suppression list")
    expect(page.locator('.chip:not([data-state="suppressed"])')).to_have_count(0)
    assert 0 < page.locator(".mail").count() < everything
    page.get_by_label("Recipient's domain").fill("example.org")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="No problems found")).to_be_visible()


def test_the_summary_draws_what_its_tables_say(page: Page, url: str) -> None:
    open_view(page, url, "#/summary")
    for title in ("Messages by state", "Rates over time", "Delivery time by provider"):
        plot = page.get_by_role("img", name=title)
        expect(plot).to_be_visible()
        assert plot.locator("desc").text_content()
    for summary in page.get_by_text("As a table").all():
        summary.click()
    bars = page.locator("rect.bar[x]")
    assert bars.count() >= 3
    cells = page.locator("figure").first.locator("tbody td").all_inner_texts()
    drawn = [int((one or "").rpartition(": ")[2]) for one in bars.locator("title").all_text_contents()]
    assert sorted(drawn) == sorted(int(one) for one in cells if one != "0")


@pytest.mark.parametrize("view", ["list", "problems", "summary"])
def test_what_is_seen_can_be_saved_as_csv(page: Page, url: str, day: str, view: str) -> None:
    open_view(page, url, VIEWS[view].format(day=day))
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as CSV").click()
    header, *rows = download.value.path().read_text("utf-8").splitlines()
    assert header.startswith('"day"' if view == "summary" else '"recipient","state"')
    assert len(rows) >= 1
    assert download.value.suggested_filename.endswith(".csv")


def test_an_address_comes_off_the_suppression_list_in_two_steps(browser: Browser, sample: Path) -> None:
    kept = Suppressions()
    with served(sample, suppressions=kept) as url, watched(browser, url) as page:
        signed_in(page, url)
        open_view(page, url, VIEWS["suppression"])
        page.get_by_role("button", name="Take this address off the list").click()
        assert kept.listed
        page.get_by_role("button", name="Yes, take it off").click()
        expect(page.locator("main")).to_contain_text("It is off the list.")
        assert not kept.listed


def test_one_machine_serves_it_and_lets_its_own_token_in(
    browser: Browser, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    gate = Gate()
    store = SQLiteStore.open(str(sample))
    beside = Beside(tmp_path / "key", tmp_path / "audit.log", CONSOLE)
    server = Server(site(store, lambda: True, gate, beside), "127.0.0.1", 0)
    server.start()
    try:
        with watched(browser, server.url) as page:
            signed_in(page, server.url, gate.session or "")
            look_up(page, "lateb1@example.com")
            expect(page.locator("[data-overlay=late-bounce]")).to_be_visible()
            # Without AWS credentials there is no list to ask.
            open_view(page, server.url, VIEWS["suppression"])
            expect(page.get_by_role("alert")).to_contain_text("Not set up here")
    finally:
        server.stop()
        store.close()
    assert '"action": "search address"' in (tmp_path / "audit.log").read_text("utf-8")
    assert "lateb1" not in (tmp_path / "audit.log").read_text("utf-8")


# --- who may see it ---------------------------------------------------------------------------------------------------


def test_the_token_leaves_the_address_bar_and_the_history(page: Page, url: str) -> None:
    assert TOKEN not in page.url
    assert page.url == f"{url}/#/"
    assert page.evaluate("history.length") <= 2
    page.reload()
    look_up(page, "ok1@example.com")
    expect(page.locator("h1")).to_have_text("one recipient: ok")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()


def test_a_token_can_be_pasted_and_a_wrong_one_is_refused(browser: Browser, url: str) -> None:
    with watched(browser, url) as page:
        open_view(page, url, VIEWS["answer"])
        expect(page.locator("#finder")).to_be_hidden()
        for token, heading in (("wrong", "Sign in"), (TOKEN, "one recipient: hardbounce")):
            page.get_by_label("Token").fill(token)
            page.get_by_role("button", name="Sign in").click()
            expect(page.locator("h1")).to_have_text(heading)
            expect(page.locator("main")).to_have_attribute("aria-busy", "false")


def test_who_sees_less_is_told_so(browser: Browser, url: str, day: str, sample: Path) -> None:
    with watched(browser, url) as page:
        signed_in(page, url, MASKED_TOKEN)
        expect(page.locator("#foot")).to_contain_text("Addresses are masked for you")
        open_view(page, url, VIEWS["problems"].format(day=day))
        assert "hardbounce1@" not in page.locator("main").inner_text()
        look_up(page, "blocked@example.net")
        expect(page.locator(".stage")).to_have_count(3)
        (known,) = documents("find", "ok-s@example.com", "--db", sample, "--json")
        look_up(page, known["ses_id"])
        for number in range(4):
            chip = page.locator(".mail .chip").nth(number).get_attribute("data-state")
            page.locator(".mail-link").nth(number).click()
            expect(page.locator(".verdict .chip")).to_have_attribute("data-state", chip or "")
            page.go_back()
            expect(page.locator(".mail")).to_have_count(4)
        open_view(page, url, f"#/mail?id={known['ses_id']}&to=ok-s%40example.com")
        expect(page.locator("main")).to_contain_text("3 recipients at this domain")
        open_view(page, url, VIEWS["suppression"])
        expect(page.locator("main")).to_contain_text("Your sign-in does not allow this")


class Issuer(BaseHTTPRequestHandler):
    """An OIDC provider that lets everybody in: its authorize and token endpoints."""

    asked: dict[str, str]
    nonce: str | None = None
    token = "issued-token"

    def do_GET(self) -> None:
        type(self).asked = asked = dict(parse_qsl(urlsplit(self.path).query))
        self.send_response(302)
        answer = urlencode({"code": "c0de", "state": asked["state"]})
        self.send_header("Location", f"{asked['redirect_uri']}?{answer}")
        self.end_headers()

    def do_POST(self) -> None:
        sent = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        digest = sha256(sent["code_verifier"].encode()).digest()
        fits = _base64(digest) == self.asked["code_challenge"] and sent["code"] == "c0de"
        claims = {
            "iss": f"http://{self.headers['Host']}",
            "aud": sent["client_id"],
            "nonce": self.nonce or self.asked["nonce"],
            "exp": datetime.now(UTC).timestamp() + 600,
        }
        told = {"access_token": self.token, "id_token": f"e30.{_base64(json.dumps(claims).encode())}.s"}
        body = json.dumps(told if fits else {"error": "invalid_grant"}).encode()
        self.send_response(200 if fits else 400)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.fixture
def issuer() -> Iterator[str]:
    Issuer.nonce = None
    server = ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def with_oidc(sample: Path, issuer: str) -> Iterator[str]:
    settings = {
        "auth": "oidc",
        "issuer": issuer,
        "client_id": "console",
        "authorize_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "scope": "openid postroad/read",
    }
    tokens = {Issuer.token: Asker("carol", frozenset((READ,)))}
    with served(sample, tokens, sign_in=settings, connect_to=(issuer,)) as url:
        yield url


def test_sign_in_by_oidc_comes_back_to_the_view(browser: Browser, sample: Path, issuer: str) -> None:
    with with_oidc(sample, issuer) as url, watched(browser, url, issuer) as page:
        page.goto(f"{url}/{VIEWS['answer']}")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("h1")).to_have_text("one recipient: hardbounce")
        assert page.url == f"{url}/{VIEWS['answer']}"
        asked = Issuer.asked
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert asked["scope"] == "openid postroad/read"
        assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
        expect(page.locator("#foot")).to_contain_text("carol")


def test_an_answer_to_another_sign_in_is_refused(browser: Browser, sample: Path, issuer: str) -> None:
    with with_oidc(sample, issuer) as url, watched(browser, url, issuer) as page:
        page.goto(f"{url}/?code=c0de&state=forged")
        expect(page.get_by_role("alert")).to_contain_text("belongs to another sign-in")
        Issuer.nonce = "another"
        page.get_by_role("button", name="Try again").click()
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("belongs to another sign-in")
        assert page.evaluate("sessionStorage.getItem('postroad.token')") is None


# --- for everybody ----------------------------------------------------------------------------------------------------


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("app@example.org")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("3 messages found.")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".mail-link").nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator(".stage")).to_have_count(3)
    page.keyboard.press("e")
    expect(page.locator(".timeline details[open]").first).to_be_visible()
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("?j/")
    expect(page.get_by_role("searchbox")).to_have_value("?j/")


def test_the_skip_link_comes_first_and_keys_can_be_switched_off(page: Page, url: str) -> None:
    open_view(page, url, VIEWS["help"])
    page.reload()
    expect(page.locator("main h1")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the answer")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert page.url.endswith("#/help")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Use these keys")).to_be_focused()
    page.keyboard.press("Space")
    page.locator("main").focus()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).not_to_be_focused()


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_to_blame(browser: Browser, url: str, day: str, dark: bool) -> None:
    found = []
    with watched(browser, url, dark=dark) as page:
        open_view(page, url, "#/")
        found += blamed(page, "sign-in")
        signed_in(page, url)
        for name, view in VIEWS.items():
            open_view(page, url, view.format(day=day))
            for details in page.locator("main details").all():
                details.evaluate("one => { one.open = true }")
            found += blamed(page, name)
    assert found == []


def blamed(page: Page, name: str) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")["violations"]
    return [f"{name}: {one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("width", [320, 1180])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone_and_is_photographed(
    browser: Browser, url: str, day: str, dark: bool, width: int
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with watched(browser, url, dark=dark, width=width) as page:
        signed_in(page, url)
        for name, view in VIEWS.items():
            open_view(page, url, view.format(day=day))
            photo = f"{name}-{'dark' if dark else 'light'}-{width}.png"
            page.screenshot(path=SCREENSHOTS / photo, full_page=True)
            if name == "answer":
                # What docs/images/console.png was taken from.
                clip: FloatRect = {"x": 0, "y": 0, "width": width, "height": 930}
                page.screenshot(path=SCREENSHOTS / f"top-{photo}", full_page=True, clip=clip)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name


# --- what strangers write ---------------------------------------------------------------------------------------------


def hostile(folder: Path) -> Path:
    """A store in which every field that a stranger can fill holds markup."""
    at = datetime.now(UTC) - timedelta(hours=2)
    ses_id = f"0102{round(at.timestamp() * 1000):012x}-503dd89c-5b81-48f9-9ba1-5927064835c3-000000"
    stamp, spaceless = f"{at:%b %d %H:%M:%S}", MARKUP.replace(" ", "")
    queue_id, to = "4jYqJy4G0JzJBDn", "victim@example.com"
    envelope = f"from=<{spaceless}@evil.example> to=<{to}> proto=ESMTP helo=<{spaceless}>"
    log = [
        f"smtpd[1]: {queue_id}: client={spaceless}[192.0.2.9]",
        f"cleanup[1]: {queue_id}: info: header Subject: {MARKUP} from {spaceless}[192.0.2.9]; {envelope}",
        f"cleanup[1]: {queue_id}: message-id=<{spaceless}@evil.example>",
        f"qmgr[1]: {queue_id}: from=<{spaceless}@evil.example>, size=321, nrcpt=1 (queue active)",
        f"smtp[1]: {queue_id}: to=<{to}>, relay={spaceless}[198.51.100.7]:25, delay=1, delays=0/0/0/1, dsn=4.0.0, status=deferred (host {spaceless} said: 451 {MARKUP})",
        f"smtp[1]: {queue_id}: to=<{to}>, relay=email-smtp.eu-west-1.amazonaws.com[198.51.100.7]:587, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok {ses_id})",
        f"smtpd[1]: NOQUEUE: reject: RCPT from {spaceless}[192.0.2.9]: 554 5.7.1 <{to}>: {MARKUP}; {envelope}",
    ]
    moment = f"{at.isoformat(timespec='milliseconds')[:-6]}Z"
    mail = {
        "timestamp": moment,
        "messageId": ses_id,
        "source": f'"{MARKUP}"@evil.example',
        "destination": [to],
        "headers": [{"name": "Subject", "value": MARKUP}, {"name": "Message-ID", "value": f"<{MARKUP}>"}],
        "commonHeaders": {"from": [MARKUP], "subject": MARKUP},
        "tags": {"ses:configuration-set": [MARKUP], MARKUP: [MARKUP]},
    }
    refused = {
        "emailAddress": to,
        "action": MARKUP,
        "status": "5.1.1",
        "diagnosticCode": f"smtp; 550 {MARKUP}",
    }
    bounce = {
        "bounceType": "Permanent",
        "bounceSubType": MARKUP,
        "bouncedRecipients": [refused],
        "timestamp": moment,
        "feedbackId": MARKUP,
        "reportingMTA": MARKUP,
    }
    complaint = {
        "complainedRecipients": [{"emailAddress": to}],
        "timestamp": moment,
        "feedbackId": MARKUP,
        "userAgent": MARKUP,
        "complaintFeedbackType": MARKUP,
    }
    events: list[dict[str, Any]] = [
        {"eventType": "Bounce", "mail": mail, "bounce": bounce},
        {"eventType": "Complaint", "mail": mail, "complaint": complaint},
        {"eventType": MARKUP, "mail": mail},
    ]
    (folder / "mail.log").write_text("".join(f"{stamp} mx1 postfix/{line}\n" for line in log), "utf-8")
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in events), "utf-8")
    database = folder / "postroad.db"
    postroad(
        "import",
        "--db",
        database,
        "--relay-log",
        folder / "mail.log",
        "--ses-events",
        folder / "events.jsonl",
    )
    return database


def test_markup_from_strangers_stays_text(browser: Browser, tmp_path: Path) -> None:
    database = hostile(tmp_path)
    day = f"{datetime.now(UTC) - timedelta(hours=2):%Y-%m-%d}"
    with served(database) as url, watched(browser, url) as page:
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (one) => { window.pwned = one.violatedDirective })"
        )
        signed_in(page, url)
        for view in ("#/search?q=victim%40example.com", f"#/problems?day={day}", "#/summary"):
            open_view(page, url, view)
            # The texts came through, as texts.
            if "summary" not in view:
                expect(page.locator("main")).to_contain_text("onerror=window.pwned=1")
            inert(page)
        links = page.locator(".mail-link")
        open_view(page, url, "#/search?q=victim%40example.com")
        expect(links).to_have_count(2)
        for number in range(2):
            links.nth(number).click()
            expect(page.locator(".stage")).to_have_count(3)
            page.get_by_role("button", name="Show all evidence lines").click()
            expect(page.locator("main")).to_contain_text("window.pwned=1")
            inert(page)
            page.go_back()
        # What somebody is sent as a link may hold anything as well.
        open_view(page, url, f"#/search?{urlencode({'q': MARKUP + '@x'})}")
        expect(page.locator("main")).to_contain_text("window.pwned=1")
        inert(page)


def inert(page: Page) -> None:
    assert page.evaluate("window.pwned") is None
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == 1
    assert page.locator("[onerror], [onload], [style]").count() == 0
    for link in page.locator("main a[href]").all():
        assert (link.get_attribute("href") or "").startswith("#/")
