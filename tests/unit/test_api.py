"""The API's answers: each route, what it reads for them, and refusals that name what to mend."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest

from postroad import api_routes, api_summary
from postroad.api import Api, Parts
from postroad.api_answers import dumped
from postroad.api_auth import PREFIX, READ
from postroad.facts import Event, Fact
from postroad.growth import grown
from postroad.store.sqlite import SQLiteStore
from tests.contract.mail import FACTS, LATER_ID, LINES, SES_ID, said, ses

NOW = "2026-03-01T00:00:00.000Z"
KEY = b"k" * 32
QUEUE_ID = "4fXk2M1zQyz3Rb"


NOTHING: Mapping[str, str] = {}


class How(NamedTuple):
    """How somebody asks; `scopes=None` is a request that no authoriser has seen."""

    scopes: tuple[str, ...] | None = (READ,)
    method: str = "GET"
    accept: str = "*/*"
    tag: str = ""


PLAINLY = How()


def event(path: str, asked: Mapping[str, str] = NOTHING, how: How = PLAINLY) -> dict[str, Any]:
    """A request as the HTTP API hands it on."""
    context: dict[str, Any] = {"stage": "$default", "http": {"method": how.method, "path": path}}
    if how.scopes is not None:
        claims = {"sub": "joe", "scope": " ".join(f"{PREFIX}{scope}" for scope in how.scopes)}
        context["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": urlencode(asked),
        "headers": {"accept": how.accept, "if-none-match": how.tag},
        "requestContext": context,
        "isBase64Encoded": False,
    }


class Counting:
    """A store that counts what it is asked."""

    def __init__(self, store: object) -> None:
        self._store = store
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., object]:
        found: Callable[..., object] = getattr(self._store, name)

        def counted(*arguments: object, **named: object) -> object:
            self.asked[name] += 1
            return found(*arguments, **named)

        return counted


class Desk:
    """An API over a store, and somebody who asks it."""

    def __init__(self, store: object, **more: object) -> None:
        self.store = Counting(store)
        self.notes: list[Mapping[str, Any]] = []
        self.clock = NOW
        parts: Any = {"rate": 1e6, "burst": 1e6, "listing": getattr(store, "window", None), **more}
        kept: Any = self.store
        self.api = Api(Parts(store=kept, now=lambda: self.clock, key=KEY, audit=self.notes.append, **parts))

    def answer(self, path: str, asked: Mapping[str, str] = NOTHING, how: How = PLAINLY) -> dict[str, Any]:
        return self.api.resolve(event(path, asked, how))

    def ask(self, path: str, asked: Mapping[str, str] = NOTHING, how: How = PLAINLY) -> dict[str, Any]:
        """The document of an answer that must be good."""
        answer = self.answer(path, asked, how)
        assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "application/json"), answer
        found: dict[str, Any] = json.loads(answer["body"])
        return found

    def refusal(self, path: str, asked: Mapping[str, str] = NOTHING, how: How = PLAINLY) -> dict[str, Any]:
        """The document of an answer that must be a refusal."""
        answer = self.answer(path, asked, how)
        assert answer["headers"]["Content-Type"] == "application/problem+json", answer
        found: dict[str, Any] = json.loads(answer["body"])
        assert found["status"] == answer["statusCode"]
        return found


@pytest.fixture
def desk() -> Iterator[Desk]:
    with SQLiteStore.open(":memory:") as store:
        store.add(grown(FACTS))
        yield Desk(store)


def states(answer: Mapping[str, Any]) -> list[str]:
    return [one["state"] for one in answer["journeys"]]


@pytest.mark.parametrize(
    ("words", "kind", "found"),
    [
        ("ann@example.com", "address", ["bounced", "rejected", "delivered"]),
        ("  Ann <ANN@example.com>", "address", ["bounced", "rejected", "delivered"]),
        ("<ann@example.com>", "address", ["bounced", "rejected", "delivered"]),
        (SES_ID, "ses_id", ["delivered"]),
        (QUEUE_ID, "queue_id", ["bounced", "delivered"]),
        ("order-1@example.org", "message_id", ["bounced", "delivered"]),
        ("<order-1@example.org>", "message_id", ["bounced", "delivered"]),
        ("nobody@example.com", "address", []),
        ("0100019c92543898-00000000-0000-0000-0000-000000000000-000000", "feedback_id", []),
        ("something else", "message_id", []),
    ],
)
def test_a_search_knows_what_it_is_given_by_its_form(
    words: str, kind: str, found: list[str], desk: Desk
) -> None:
    answer = desk.ask("/v1/search", {"q": words})
    assert (answer["kind"], states(answer)) == (kind, found)


def test_a_feedback_id_leads_to_the_mail_of_its_day() -> None:
    feedback_id = "0100019c92560000-11111111-2222-3333-4444-555555555555-000000"
    bounce = ses(
        Event.BOUNCED, LATER_ID, "bob@example.net", "2026-02-25T01:07:00.000Z", feedback_id=feedback_id
    )
    with SQLiteStore.open(":memory:") as store:
        store.add(grown([*FACTS, bounce]))
        answer = Desk(store).ask("/v1/search", {"q": feedback_id})
    assert (answer["kind"], states(answer)) == ("feedback_id", ["bounced"])


def test_a_recipients_mail_comes_in_pages(desk: Desk) -> None:
    whole = desk.ask("/v1/recipients/ann@example.com/journeys")
    assert (whole["cursor"], whole["since"], whole["until"]) == (None, "2026-01-30T00:00:00.000Z", None)
    found: list[Any] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        answer = desk.answer("/v1/recipients/ann@example.com/journeys", {"limit": "1", **cursor})
        page = json.loads(answer["body"])
        found += page["journeys"]
        cursor = {"cursor": page["cursor"]}
        assert answer["headers"].get("X-Next-Cursor") == page["cursor"]
    assert found == whole["journeys"]


def test_what_was_retried_is_told_once_on_whatever_page() -> None:
    tries = [
        f"Feb 2{day} 0{day}:00:00 mx1 postfix/smtp[1]: 4fZZ001zQyz3Rb: to=<ann@example.com>, relay=none, delay=1, "
        "delays=0/0/1/0, dsn=4.4.1, status=deferred (Connection timed out)"
        for day in range(2, 6)
    ]
    with SQLiteStore.open(":memory:") as store:
        store.add(grown([*FACTS, *(fact for line in tries for fact in said(line))]))
        desk = Desk(store)
        path, asked, found = "/v1/recipients/ann@example.com/journeys", {"limit": "1"}, []
        while True:
            page = desk.ask(path, asked)
            found += [(one["queue_ids"], one["first_seen"]) for one in page["journeys"]]
            if page["cursor"] is None:
                break
            asked["cursor"] = page["cursor"]
        assert len(found) == len({str(one) for one in found}) == 4
        assert len(desk.ask(path)["journeys"]) == 4


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"since": "2026-02-26"}, ["bounced"]),
        ({"until": "2026-02-26"}, ["rejected", "delivered"]),
        ({"since": "2026-02-25T00:05:18Z", "until": "2026-02-25T02:00:01Z"}, ["rejected"]),
        ({"since": "2026-02-25T00:05:17Z", "until": "2026-02-25T00:05:18Z"}, ["delivered"]),
        ({"until": "0001-01-01"}, []),
        ({"until": "9999-12-31"}, []),
        ({"since": "all", "until": "9999-12-31"}, ["bounced", "rejected", "delivered"]),
        ({"state": "delivered"}, ["delivered"]),
    ],
)
def test_a_window_holds_what_began_in_it(asked: dict[str, str], found: list[str], desk: Desk) -> None:
    assert states(desk.ask("/v1/recipients/ann@example.com/journeys", asked)) == found


def test_mail_older_than_thirty_days_is_there_when_all_is_asked_for(desk: Desk) -> None:
    desk.clock = "2026-08-01T00:00:00.000Z"
    assert desk.ask("/v1/search", {"q": "ann@example.com"})["journeys"] == []
    assert len(desk.ask("/v1/search", {"q": "ann@example.com", "since": "all"})["journeys"]) == 3


def test_the_first_versions_route_answers_as_it_did(desk: Desk) -> None:
    desk.clock = "2036-08-01T00:00:00.000Z"
    answer = desk.ask("/v1/journeys", {"recipient": "Ann@Example.com"})
    assert list(answer) == ["journeys"]
    assert states(answer) == ["bounced", "rejected", "delivered"]
    assert (
        states(
            desk.ask("/v1/journeys", {"recipient": "ann@example.com", "until": "2026-02-25T01:00:00+01:00"})
        )
        == []
    )


def test_a_message_is_told_with_its_timeline(desk: Desk) -> None:
    for name in (SES_ID, f"<{SES_ID}>"):
        (one,) = desk.ask(f"/v1/messages/{name}")["journeys"]
        assert {"relayed", "delivered", "complained"} <= {entry["event"] for entry in one["timeline"]}
    assert states(desk.ask("/v1/messages/order-1@example.org")) == ["bounced", "delivered"]
    assert desk.refusal("/v1/messages/none")["status"] == 404


def test_a_journey_comes_with_its_three_stages_and_its_diagnosis(desk: Desk) -> None:
    bounced, _, delivered = desk.ask("/v1/search", {"q": "ann@example.com"})["journeys"]
    assert [stage["state"] for stage in delivered["stages"]] == ["yes", "yes", "yes"]
    assert [overlay["kind"] for overlay in delivered["overlays"]] == ["complained"]
    assert bounced["diagnosis"]["reason"]
    assert bounced["diagnosis"]["evidence"]["said"] == "554 Message rejected"
    assert "facts" not in bounced


def test_a_queue_id_tells_all_its_mail(desk: Desk) -> None:
    assert states(desk.ask(f"/v1/queue/{QUEUE_ID}")) == ["bounced", "delivered"]
    assert desk.refusal("/v1/queue/4fXk2M1zQyz3RX")["status"] == 404
    assert desk.refusal("/v1/queue/ann@example.com")["parameter"] == "queue_id"


@pytest.mark.parametrize(
    ("asked", "recipients"),
    [
        ({}, ["ann@example.com", "bob@example.net", "Ann@Example.com"]),
        ({"state": "rejected"}, ["ann@example.com"]),
        ({"recipient_domain": "Example.NET"}, ["bob@example.net"]),
        ({"sender_domain": "spam.example"}, ["ann@example.com"]),
        ({"provider": "google"}, []),
        ({"provider": "other", "state": "delivered"}, ["Ann@Example.com"]),
    ],
)
def test_problems_are_those_of_a_day(asked: dict[str, str], recipients: list[str], desk: Desk) -> None:
    answer = desk.ask("/v1/problems", {"day": "2026-02-25", **asked})
    assert [one["recipient"] for one in answer["journeys"]] == recipients
    assert answer["day"] == "2026-02-25"


def test_problems_are_todays_unless_a_day_is_named(desk: Desk) -> None:
    desk.clock = "2026-02-26T23:00:00.000Z"
    assert states(desk.ask("/v1/problems")) == ["bounced"]


def test_a_summary_counts_by_day_domain_and_provider(desk: Desk) -> None:
    found = desk.ask("/v1/summary", {"since": "2026-02-20"})
    assert (found["counted"], found["truncated"], found["total"]["messages"]) == ("all mail", False, 4)
    assert found["total"]["states"] == {"bounced": 2, "delivered": 1, "rejected": 1}
    assert found["total"]["rates"]["bounced"] == 0.5
    assert found["total"]["latency_s"] == {"p50": 3.51, "p90": 3.51, "p99": 3.51}
    assert [(one["day"], one["messages"]) for one in found["days"]] == [("2026-02-25", 3), ("2026-02-26", 1)]
    assert [one["domain"] for one in found["sender_domains"]] == ["example.org", "spam.example", "unknown"]
    assert [(one["provider"], one["messages"]) for one in found["providers"]] == [("other", 4)]


def test_a_summary_of_a_store_that_lists_problems_only_says_so() -> None:
    with SQLiteStore.open(":memory:") as store:
        store.add(grown(FACTS))
        found = Desk(store, listing=None).ask("/v1/summary", {"since": "2026-02-20"})
    assert (found["counted"], found["truncated"], found["total"]["messages"]) == ("problems", False, 4)
    assert found["total"]["rates"] is None
    assert found["total"]["latency_s"] is None


def test_a_summary_stops_at_its_cap_and_says_so(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    monkeypatch.setattr(api_routes, "summary", partial(api_summary.summary, cap=3))
    found = desk.ask("/v1/summary", {"since": "2026-02-20"})
    assert (found["records_read"], found["truncated"]) == (3, True)
    assert [one["day"] for one in found["days"]][-1] == "2026-02-26"


@pytest.mark.parametrize(
    ("path", "asked", "parameter"),
    [
        ("/v1/search", {}, "q"),
        ("/v1/search", {"q": ""}, "q"),
        ("/v1/search", {"q": "a" * 1001}, "q"),
        ("/v1/search", {"q": "a@b.example", "since": "yesterday"}, "since"),
        ("/v1/search", {"q": "a@b.example", "since": "2026-02-02", "until": "2026-02-01"}, "until"),
        ("/v1/search", {"q": "a@b.example", "until": "9999-99-99"}, "until"),
        ("/v1/search", {"q": "a@b.example", "until": "0001-01-01T00:00:00+14:00"}, "until"),
        ("/v1/search", {"q": "a@b.example", "limit": "0"}, "limit"),
        ("/v1/search", {"q": "a@b.example", "limit": "201"}, "limit"),
        ("/v1/search", {"q": "a@b.example", "limit": "9" * 5000}, "limit"),
        ("/v1/search", {"q": "a@b.example", "limit": "\u0663"}, "limit"),
        ("/v1/search", {"q": "a@b.example", "state": "sent"}, "state"),
        ("/v1/search", {"q": "a@b.example", "format": "xml"}, "format"),
        ("/v1/search", {"q": "a@b.example", "cursor": "AAAA"}, "cursor"),
        ("/v1/search", {"q": "a@b.example", "cursor": "\u00e4"}, "cursor"),
        ("/v1/search", {"q": "a@b.example", "sender": "b"}, "sender"),
        ("/v1/journeys", {}, "recipient"),
        ("/v1/journeys", {"recipient": " "}, "recipient"),
        ("/v1/journeys", {"recipient": "a", "limit": "1001"}, "limit"),
        ("/v1/recipients/a@b.example/journeys", {"recipient": "a"}, "recipient"),
        ("/v1/problems", {"day": "today"}, "day"),
        ("/v1/problems", {"state": "sent"}, "state"),
        ("/v1/summary", {"since": "all"}, "since"),
        ("/v1/summary", {"since": "2025-01-01"}, "since"),
        ("/v1/me", {"q": "a"}, "q"),
        ("/v1/openapi.json", {"q": "a"}, "q"),
    ],
)
def test_a_refusal_names_the_parameter_and_the_fix(
    path: str, asked: dict[str, str], parameter: str, desk: Desk
) -> None:
    found = desk.refusal(path, asked)
    assert (found["status"], found["title"], found["parameter"]) == (400, "Bad Request", parameter)
    assert found["detail"].startswith(f"{parameter}: ")
    assert "a@b.example" not in json.dumps(found)


def test_a_parameter_is_given_once(desk: Desk) -> None:
    request = event("/v1/search") | {"rawQueryString": "q=a&q=b"}
    answer = desk.api.resolve(request)
    assert (answer["statusCode"], json.loads(answer["body"])["parameter"]) == (400, "q")


@pytest.mark.parametrize(
    "address",
    [
        '"a b/c?d#e"@example.com',
        "ñ+%41@example.com",
        "a,b@example.com",
        "x/journeys@example.com",
        "`{|}~'&=;@example.com",
    ],
)
def test_an_address_may_hold_any_character(address: str) -> None:
    fact = ses(Event.DELIVERED, SES_ID, address, "2026-02-25T00:05:21.512Z", reply="250 OK")
    with SQLiteStore.open(":memory:") as store:
        store.add(grown([fact]))
        desk = Desk(store)
        for answer in (
            desk.ask(f"/v1/recipients/{address}/journeys"),
            desk.ask("/v1/search", {"q": address}),
            desk.ask("/v1/journeys", {"recipient": address}),
        ):
            assert [one["recipient"] for one in answer["journeys"]] == [address]


def test_unknown_pages_and_methods_are_said(desk: Desk) -> None:
    assert desk.refusal("/v1/nothing")["status"] == 404
    assert desk.refusal("/v2")["status"] == 404
    assert desk.refusal("/../../etc/passwd")["status"] == 404
    answer = desk.answer("/v1/search", {"q": "a@b.example"}, How(method="POST"))
    assert (answer["statusCode"], answer["headers"]["Allow"]) == (405, "GET, HEAD")
    answer = desk.answer("/v1/suppressions/a@b.example", how=How(method="PUT"))
    assert (answer["statusCode"], answer["headers"]["Allow"]) == (405, "DELETE, GET, HEAD")


def test_head_gives_the_headers_alone(desk: Desk) -> None:
    answer = desk.answer("/v1/search", {"q": "ann@example.com"}, How(method="HEAD"))
    assert (answer["statusCode"], answer["body"]) == (200, "")


def test_a_store_that_cannot_answer_is_no_fault_of_the_asker() -> None:
    class Locked:
        def lookup(self, *_: object, **__: object) -> None:
            raise TimeoutError("of ann@example.com")

    told: list[Exception] = []
    desk = Desk(Locked(), unavailable=(TimeoutError,), report=told.append)
    found = desk.refusal("/v1/search", {"q": "ann@example.com"})
    assert found["status"] == 503
    assert "ann@" not in found["detail"]
    assert len(told) == 1


def test_an_answer_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    monkeypatch.setattr("postroad.api_answers.MOST_BYTES", 100)
    found = desk.refusal("/v1/search", {"q": "ann@example.com"})
    assert (found["status"], found["parameter"]) == (413, "limit")


def test_half_a_surrogate_pair_leaves_as_a_question_mark() -> None:
    assert dumped({"a": "\ud800 ñ"}) == '{"a": "? ñ"}\n'


# --- how much is read ------------------------------------------------------------------------------------------------


def _many(count: int) -> Iterator[list[Fact]]:
    for start in range(0, count, 2000):
        yield [
            ses(
                Event.BOUNCED if number % 2 else Event.DELIVERED,
                f"0100019c{0x921D4630 + number * 7:08x}-6a5d1f0e-6f0b-4d7c-9b8e-0a1b2c3d4e5f-000000",
                "ann@example.com" if number % 3 else f"u{number}@example.net",
                "2026-02-25T03:00:00.000Z",
                reply="250 OK",
                bounce_type="Permanent",
            )
            for number in range(start, min(start + 2000, count))
        ]


@pytest.mark.parametrize("count", [100, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_page_costs_the_same_in_a_small_store_and_a_large_one(count: int, tmp_path: Path) -> None:
    with SQLiteStore.open(str(tmp_path / "postroad.db"), durable=False) as store:
        for facts in _many(count):
            store.add(grown(facts))
        desk = Desk(store)
        path = "/v1/recipients/ann@example.com/journeys"
        first = desk.ask(path, {"limit": "20", "since": "all"})
        assert (desk.store.asked, len(first["journeys"])) == (Counter(lookup=1, get=1), 20)
        desk.store.asked.clear()
        assert (
            len(desk.ask(path, {"limit": "20", "since": "all", "cursor": first["cursor"]})["journeys"]) == 20
        )
        assert desk.store.asked == Counter(lookup=1, get=1)
        desk.store.asked.clear()
        assert len(desk.ask("/v1/problems", {"day": "2026-02-25", "limit": "20"})["journeys"]) == 20
        assert desk.store.asked == Counter(problems=1, get=1)
        desk.store.asked.clear()
        found = desk.ask("/v1/summary", {"since": "2026-02-20"})
        assert found["records_read"] <= 5000
        assert desk.store.asked == Counter()


def test_a_page_of_relayed_mail_reads_its_queues_besides(desk: Desk) -> None:
    desk.ask("/v1/recipients/ann@example.com/journeys")
    assert desk.store.asked == Counter(lookup=1, get=2, partition=2)


# --- cursors ---------------------------------------------------------------------------------------------------------


def test_a_cursor_tells_nothing_and_fits_its_own_list_only(desk: Desk) -> None:
    path = "/v1/recipients/ann@example.com/journeys"
    cursor = desk.ask(path, {"limit": "1"})["cursor"]
    assert b"ann" not in base64.urlsafe_b64decode(cursor + "==")
    assert desk.ask(path, {"cursor": cursor})["journeys"]
    assert desk.ask("/v1/search", {"q": "ann@example.com", "cursor": cursor})["journeys"]
    for other, asked in (
        ("/v1/recipients/bob@example.net/journeys", {}),
        ("/v1/problems", {"day": "2026-02-25"}),
        ("/v1/search", {"q": "bob@example.net"}),
    ):
        assert desk.refusal(other, {"cursor": cursor, **asked})["parameter"] == "cursor"


def test_a_cursor_that_was_touched_is_refused(desk: Desk) -> None:
    path = "/v1/recipients/ann@example.com/journeys"
    cursor = desk.ask(path, {"limit": "1"})["cursor"]
    for place in range(0, len(cursor), 7):
        other = "A" if cursor[place] != "A" else "B"
        touched = f"{cursor[:place]}{other}{cursor[place + 1 :]}"
        assert desk.refusal(path, {"cursor": touched})["parameter"] == "cursor"
    assert desk.refusal(path, {"cursor": cursor[:-8]})["parameter"] == "cursor"
    plain = base64.urlsafe_b64encode(json.dumps(["9999", "", ""]).encode()).decode()
    assert desk.refusal(path, {"cursor": plain})["parameter"] == "cursor"


def test_a_cursor_of_another_key_is_refused(desk: Desk) -> None:
    path = "/v1/recipients/ann@example.com/journeys"
    cursor = desk.ask(path, {"limit": "1"})["cursor"]
    with SQLiteStore.open(":memory:") as store:
        other = Api(Parts(store=store, now=lambda: NOW, key=b"x" * 32, audit=lambda _: None))
        answer = other.resolve(event(path, {"cursor": cursor}))
    assert json.loads(answer["body"])["parameter"] == "cursor"


def test_what_follows_the_route_may_be_quoted_by_nobody(desk: Desk) -> None:
    # The HTTP API hands a path on decoded; a client that encodes twice asks for another address.
    assert desk.ask(f"/v1/recipients/{quote('ann@example.com', safe='')}/journeys")["journeys"] == []
    assert len(LINES) == 9
