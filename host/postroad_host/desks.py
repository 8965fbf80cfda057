"""Desks with a store: they answer the questions of the command line."""

from collections.abc import Iterable, Iterator

from postroad.instants import Instant, day
from postroad.search import Search
from postroad.store.sqlite import SQLiteStore
from postroad.store.sqlite_ledger import SetAside
from postroad_host import questions, summary
from postroad_host.answers import Document, NotAnsweredError, Summary
from postroad_host.clock import now
from postroad_host.documents import told


class Shelf:
    """A desk with a store on AWS."""

    def __init__(self, store: questions.ProblemStore) -> None:
        """Answer from `store`."""
        self._store = store

    def of_address(self, address: str, since: Instant | None, until: Instant | None) -> Iterator[Document]:
        return map(told, questions.of_address(Search(self._store, now()), address, since, until))

    def of_id(self, identifier: str) -> Iterable[Document]:
        return map(told, Search(self._store, now()).of_id(identifier))

    def problems(self, since: Instant) -> Iterator[Document]:
        until = now()
        questions.check_span(since, until)
        return map(told, questions.problems(self._store, since, until))

    def summary(self, since: Instant, until: Instant | None) -> Summary:
        raise NotAnsweredError(
            f"the mail from {day(since)} to {day(until or now())} cannot be counted here: a deployed stack finds"
            " mail by recipient, and lists by time only what failed; its rates are on its dashboard in CloudWatch,"
            " and `postroad problems --stack` lists what failed"
        )

    def refused(self, since: Instant) -> Iterator[SetAside]:
        raise NotAnsweredError(
            f"what was refused since {day(since)} is not kept in a deployed stack's table: see its log groups and"
            " dead-letter queues"
        )


class Machine(Shelf):
    """A desk with the store of this machine, which lists all its mail by time."""

    def __init__(self, store: SQLiteStore) -> None:
        """Answer from `store`."""
        super().__init__(store)
        self._file = store

    def problems(self, since: Instant) -> Iterator[Document]:
        return map(told, questions.problems(self._file, since, now()))

    def summary(self, since: Instant, until: Instant | None) -> Summary:
        end = until or now()
        return summary.counted(questions.every(Search(self._file, now()), self._file, since, end), since, end)

    def refused(self, since: Instant) -> Iterator[SetAside]:
        return questions.refused(self._file, since)
