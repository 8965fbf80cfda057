"""The console's files, and nothing but them."""

import base64
from pathlib import Path

import pytest

from postroad.store.sqlite import SQLiteStore
from tests.unit.test_api import PLAINLY, Desk, How

NOBODY = How(scopes=None)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "secret.html").write_text("no")
    folder = tmp_path / "console"
    (folder / "parts").mkdir(parents=True)
    (folder / ".git").mkdir()
    for name in (
        "index.html",
        "main.js",
        "base.css",
        "icon.svg",
        "parts/more.js",
        ".git/config.json",
        "run.sh",
        ".env.txt",
    ):
        (folder / name).write_text(f"content of {name} ñ", "utf-8")
    return Desk(
        SQLiteStore.open(":memory:"), console=folder, connect_to=("https://issuer.example",), is_https=True
    )


@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/index.html", "index.html", "text/html; charset=utf-8"),
        ("/main.js", "main.js", "text/javascript; charset=utf-8"),
        ("/base.css", "base.css", "text/css; charset=utf-8"),
        ("/icon.svg", "icon.svg", "image/svg+xml"),
        ("/parts/more.js", "parts/more.js", "text/javascript; charset=utf-8"),
    ],
)
def test_a_file_comes_as_what_it_is(path: str, name: str, kind: str, desk: Desk) -> None:
    answer = desk.answer(path, how=NOBODY)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, kind)
    assert answer["isBase64Encoded"]
    assert base64.b64decode(answer["body"]).decode() == f"content of {name} ñ"


def test_a_file_that_is_known_is_not_sent_again(desk: Desk) -> None:
    tag = desk.answer("/main.js", how=NOBODY)["headers"]["ETag"]
    answer = desk.answer("/main.js", how=NOBODY._replace(tag=f'"x", {tag}'))
    assert (answer["statusCode"], answer["body"], answer["headers"]["ETag"]) == (304, "", tag)
    assert answer["headers"]["Cache-Control"] == "no-cache"
    assert desk.answer("/", how=NOBODY)["headers"]["ETag"] != tag


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.html",
        "/parts/../../secret.html",
        "/..%2fsecret.html",
        "//secret.html",
        "/parts/../main.js",
        "/parts",
        "/parts/",
        "/run.sh",
        "/.env.txt",
        "/.git/config.json",
        "/main.js/",
        "/main.js\0",
        "/C:/secret.html",
    ],
)
def test_nothing_else_is_served(path: str, desk: Desk) -> None:
    assert desk.answer(path, how=NOBODY)["statusCode"] == 404


def test_a_file_is_only_read(desk: Desk) -> None:
    answer = desk.answer("/main.js", how=NOBODY._replace(method="POST"))
    assert (answer["statusCode"], answer["headers"]["Allow"]) == (405, "GET, HEAD")
    assert desk.answer("/main.js", how=NOBODY._replace(method="HEAD"))["body"] == ""


@pytest.mark.parametrize(
    "path", ["/", "/main.js", "/healthz", "/config.json", "/none", "/v1/me", "/v1/search", "/v1/none"]
)
@pytest.mark.parametrize("how", [PLAINLY, NOBODY])
def test_every_answer_binds_the_browser(path: str, how: How, desk: Desk) -> None:
    headers = desk.answer(path, how=how)["headers"]
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' https://issuer.example"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert headers["Cache-Control"] == ("no-cache" if path in ("/", "/main.js") else "no-store")


def test_without_a_console_the_page_says_where_the_api_is() -> None:
    answer = Desk(SQLiteStore.open(":memory:")).answer("/", how=NOBODY)
    assert answer["headers"]["Content-Type"] == "text/plain; charset=utf-8"
    assert b"/v1/openapi.json" in base64.b64decode(answer["body"])
    assert "Strict-Transport-Security" not in answer["headers"]


def test_the_shipped_console_has_no_inline_script_or_style() -> None:
    pages = list((Path(__file__).parents[2] / "functions" / "query_api" / "console").glob("*.html"))
    for page in pages:
        text = page.read_text("utf-8").lower()
        assert "<style" not in text
        assert " style=" not in text
        assert " on" + "click=" not in text
        assert all("src=" in one.partition(">")[0] for one in text.split("<script")[1:])
