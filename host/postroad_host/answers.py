"""Who answers the questions of the command line, with what, and why not."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from postroad.instants import Instant

# 50 ms, which the help does without.
if TYPE_CHECKING:
    from postroad.store.sqlite_ledger import SetAside

Document: TypeAlias = dict[str, Any]
Summary: TypeAlias = dict[str, Any]


class NotAnsweredError(Exception):
    """A question that cannot be answered here; its text says why, and what to ask instead."""


class RemoteError(Exception):
    """Whoever was asked did not answer; the text says why, and what to do."""


class Desk(Protocol):
    """Whoever answers the questions of the command line."""

    def of_address(self, address: str, since: Instant | None, until: Instant | None) -> Iterator[Document]:
        """A recipient's journeys that began in a window, the newest first."""

    def of_id(self, identifier: str) -> Iterable[Document]:
        """What an SES id, a queue id or a Message-ID names."""

    def problems(self, since: Instant) -> Iterator[Document]:
        """What failed or may yet, of the mail since then, the newest first."""

    def summary(self, since: Instant, until: Instant | None) -> Summary:
        """Counts of the journeys that began in a window."""

    def refused(self, since: Instant) -> Iterator["SetAside"]:
        """The inputs that were set aside since then, the newest first."""
