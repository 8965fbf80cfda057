"""The account's suppression list, at SES: is an address on it, since when, why; and taking it off."""

from typing import Any, Protocol

from postroad.addresses import bare, folded
from postroad.api_problems import ProblemError, refused
from postroad.instants import from_datetime


class Suppressions(Protocol):
    """The list; both may raise ProblemError."""

    def find(self, address: str) -> dict[str, Any] | None:
        """What the list says of an address; None where it is not on it."""

    def remove(self, address: str) -> bool:
        """Take an address off the list; tells whether it was on it."""


class NoSuppressions:
    """Where there are no credentials to ask with."""

    def find(self, _: str) -> dict[str, Any] | None:
        raise _unknown()

    def remove(self, _: str) -> bool:
        raise _unknown()


def _unknown() -> ProblemError:
    return ProblemError(
        501,
        "the suppression list is SES's, and there are no AWS credentials here to ask with: "
        "set them as for AWS's own tools",
    )


class SesSuppressions:
    """The list by way of SES's API, version 2."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3's client of sesv2, which the core does not import
        """Ask with a client of `sesv2`."""
        self._client = client

    def find(self, address: str) -> dict[str, Any] | None:
        """What the list says of an address; None where it is not on it."""
        for spelling in _spellings(address):
            answer = self._ask("get_suppressed_destination", spelling)
            if answer is not None:
                return _told(answer["SuppressedDestination"])
        return None

    def remove(self, address: str) -> bool:
        """Take an address off the list; tells whether it was on it."""
        # SES answers alike whether it was on the list or not.
        was = self.find(address)
        if was is None:
            return False
        self._ask("delete_suppressed_destination", was["address"])
        return True

    def _ask(self, action: str, address: str) -> dict[str, Any] | None:
        known = self._client.exceptions
        try:
            answer: dict[str, Any] = getattr(self._client, action)(EmailAddress=address)
        except known.NotFoundException:
            return None
        except known.BadRequestException as error:
            raise refused(
                "address", "SES takes this for no address: write one such as ann@example.com"
            ) from error
        except known.TooManyRequestsException as error:
            raise ProblemError(
                503, "SES is asked too often: try again in a few seconds", headers={"Retry-After": "5"}
            ) from error
        except known.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "an error")
            raise ProblemError(
                502, f"SES refused to answer ({code}): see the permissions of this service"
            ) from error
        return answer


def _spellings(address: str) -> list[str]:
    """As it was said, and as it is looked up: SES keeps what the bounce named."""
    return list(dict.fromkeys((bare(address), folded(address))))


def _told(said: dict[str, Any]) -> dict[str, Any]:
    more = said.get("Attributes") or {}
    return {
        "address": said["EmailAddress"],
        "reason": said["Reason"].lower(),
        "since": from_datetime(said["LastUpdateTime"]),
        "ses_id": more.get("MessageId"),
        "feedback_id": more.get("FeedbackId"),
    }
