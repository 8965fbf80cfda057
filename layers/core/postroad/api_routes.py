"""The routes under /v1, each a question to the store; whether its asker may ask it was decided before."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, TypeAlias
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from postroad import api_params as asked_by
from postroad.api_answers import Call, Reply, is_state, page, told, whole
from postroad.api_auth import PREFIX, Asker, Audit
from postroad.api_pages import Pages, ProblemStore, Wanted, Window, moment, shown, window
from postroad.api_problems import ProblemError, refused
from postroad.api_search import find, identity, kind_of, plain
from postroad.api_summary import DEFAULT_DAYS, LONGEST_DAYS, Listing, summary
from postroad.api_suppressions import Suppressions
from postroad.ids import is_queue_id
from postroad.instants import Instant, day, seconds_between
from postroad.lifecycle import BY_WORD

# One message may have had any number of recipients.
MOST_OF_ONE_ID = 200
_SUMMARY = ("day", "messages", *BY_WORD, "complained", "p50", "p90", "p99")

Address: TypeAlias = Annotated[str, Path(description="An address.", max_length=4000)]
Identifier: TypeAlias = Annotated[
    str, Path(description="An SES id, a queue id or a Message-ID.", max_length=4000)
]
QueueId: TypeAlias = Annotated[str, Path(description="A queue id of Postfix's.", max_length=4000)]
Told: TypeAlias = Response[str]


class Sources(NamedTuple):
    """What answers are made of."""

    store: ProblemStore
    pages: Pages
    suppressions: Suppressions
    audit: Audit
    now: Callable[[], Instant]
    listing: Listing | None


class Routes:
    """The questions. `call` says whose the present one is: one is answered at a time."""

    def __init__(self, sources: Sources) -> None:
        """Answer from `sources`."""
        self._from = sources
        self.call = Call(Asker("", frozenset()), wants_csv=False)

    def add_to(self, app: APIGatewayHttpResolver) -> None:
        """Register each route."""
        read: dict[str, Callable[..., Told]] = {
            "/v1/search": self.search,
            "/v1/recipients/<address>/journeys": self.of_recipient,
            "/v1/journeys": self.journeys,
            "/v1/messages/<identifier>": self.message,
            "/v1/queue/<queue_id>": self.queue,
            "/v1/problems": self.problems,
            "/v1/summary": self.summary,
            "/v1/suppressions/<address>": self.suppression,
            "/v1/me": self.me,
            "/v1/healthz": self.health,
        }
        for path, route in read.items():
            app.get(path, summary=_first_sentence(route), tags=["mail"])(route)
        app.delete("/v1/suppressions/<address>", summary=_first_sentence(self.unsuppress), tags=["mail"])(
            self.unsuppress
        )

    # --- mail ---

    def search(self, asked: Annotated[asked_by.SearchAsked, Query()]) -> Told:
        """Find whatever somebody has of a message: an address, or an id."""
        is_state(asked.state, BY_WORD)
        wanted = self._window(asked)
        self._note(f"search {kind_of(asked.q)}", identity(asked.q))
        found = find(self._from.pages, self._from.store, asked.q, wanted, (asked.limit, asked.cursor))
        return self._told(page(found.answer, wanted, asked.state, kind=found.kind))

    def of_recipient(self, address: Address, asked: Annotated[asked_by.JourneysAsked, Query()]) -> Told:
        """List a recipient's mail, the newest first."""
        is_state(asked.state, BY_WORD)
        wanted = self._window(asked)
        self._note("journeys", _plain(address))
        found = self._from.pages.of_address(_plain(address), wanted, asked.limit, asked.cursor)
        return self._told(page(found, wanted, asked.state))

    def journeys(self, asked: Annotated[asked_by.OneMachineAsked, Query()]) -> Told:
        """List a recipient's mail as the first version did: everything, and no cursor."""
        if not asked.recipient.strip():
            raise refused("recipient", asked_by.FIXES["recipient"])
        wanted = window(asked.since or "all", asked.until, self._from.now())
        self._note("journeys", asked.recipient)
        found = self._from.pages.of_address(asked.recipient, wanted, asked.limit, None)
        return self._told(Reply({"journeys": [shown(one) for one in found.journeys]}))

    def message(self, identifier: Identifier, asked: Annotated[asked_by.Asked, Query()]) -> Told:
        """Tell what became of the mail behind an id, with its timeline."""
        del asked
        text = plain(_plain(identifier))
        self._note("message", text)
        return self._told(whole(self._from.pages.search().of_id(text), MOST_OF_ONE_ID))

    def queue(self, queue_id: QueueId, asked: Annotated[asked_by.Asked, Query()]) -> Told:
        """Tell what became of all mail that had a queue id; a short one comes back within hours."""
        del asked
        text = _plain(queue_id).strip()
        if not is_queue_id(text):
            raise refused(
                "queue_id", "this is no queue id: write one such as 4fXk2M1zQyz3Rb, as the log has it"
            )
        self._note("queue", text)
        records = self._from.store.partition(f"queue#{text}")
        return self._told(whole(self._from.pages.search().of_records(records, whole=True), MOST_OF_ONE_ID))

    def problems(self, asked: Annotated[asked_by.ProblemsAsked, Query()]) -> Told:
        """List what failed, or may yet, of the mail of one day."""
        is_state(asked.state, BY_WORD)
        on = day(moment("day", asked.day)) if asked.day is not None else day(self._from.now())
        self._note(f"problems {on}", None)
        found = self._from.pages.problems(on, asked.limit, asked.cursor)
        wanted = Wanted(asked.state, asked.recipient_domain, asked.sender_domain, asked.provider)
        kept = found._replace(journeys=[one for one in found.journeys if wanted.holds(one)])
        return self._told(page(kept, Window(None, None), None, day=on))

    def summary(self, asked: Annotated[asked_by.SummaryAsked, Query()]) -> Told:
        """Count mail by day, sender domain and receiving provider."""
        now = self._from.now()
        wanted = window(asked.since, asked.until, now, days=DEFAULT_DAYS)
        if wanted.since is None or seconds_between(wanted.since, wanted.until or now) > LONGEST_DAYS * 86_400:
            raise refused("since", f"a summary covers {LONGEST_DAYS} days at most: name a later day")
        counted = summary(self._from.store, self._from.listing, wanted, now)
        return self._told(Reply(counted, map(_row, counted["days"]), _SUMMARY))

    # --- the suppression list ---

    def suppression(self, address: Address, asked: Annotated[asked_by.Nothing, Query()]) -> Told:
        """Tell whether an address is on the account's suppression list, since when and why."""
        del asked
        self._note("suppression", _plain(address))
        found = self._from.suppressions.find(_plain(address))
        return self._told(Reply({"address": _plain(address), "listed": found is not None, **(found or {})}))

    def unsuppress(self, address: Address, asked: Annotated[asked_by.Nothing, Query()]) -> Told:
        """Take an address off the account's suppression list."""
        del asked
        self._note("unsuppress", _plain(address))
        if not self._from.suppressions.remove(_plain(address)):
            raise ProblemError(404, "this address is not on the suppression list")
        return Response(204, body="")

    # --- the service itself ---

    def me(self, asked: Annotated[asked_by.Nothing, Query()]) -> Told:
        """Tell whose token this is, and what it may do."""
        del asked
        asker = self.call.asker
        scopes = [f"{PREFIX}{scope}" for scope in sorted(asker.scopes)]
        return self._told(Reply({"who": asker.who, "scopes": scopes, "masked": asker.is_masked}))

    def health(self, asked: Annotated[asked_by.Nothing, Query()]) -> Told:
        """Tell whether the store can be read."""
        del asked
        self._from.store.lookup("healthz", limit=1)
        return self._told(Reply({"status": "ok"}))

    # --- what they share ---

    def _told(self, reply: Reply) -> Told:
        return told(reply, self.call)

    def _note(self, action: str, address: str | None) -> None:
        self._from.audit.note(self.call.asker, action, address)

    def _window(self, asked: asked_by.WindowAsked) -> Window:
        return window(asked.since, asked.until, self._from.now())


def _plain(segment: str) -> str:
    """A part of the path as it was before it was made safe for the resolver's patterns."""
    return unquote(segment)


def _row(of_day: dict[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(BY_WORD, 0), **of_day["states"], **(of_day["latency_s"] or {}), **of_day}


def _first_sentence(route: Callable[..., Any]) -> str:
    return (route.__doc__ or "").strip().splitlines()[0].removesuffix(".")
