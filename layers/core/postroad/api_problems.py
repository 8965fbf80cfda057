"""Refusals, told as RFC 9457 has it: each says what is wrong, which parameter to mend, and how."""

from collections.abc import Mapping
from typing import Any

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    421: "Misdirected Request",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


class ProblemError(Exception):
    """A request that is refused; its text never repeats what was asked for, which may be somebody's address."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        parameter: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Say what is wrong in one sentence; `parameter` is the one to mend."""
        super().__init__(detail if parameter is None else f"{parameter}: {detail}")
        self.status = status
        self.parameter = parameter
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """The refusal as its reader gets it."""
        said = {
            "type": "about:blank",
            "title": TITLES[self.status],
            "status": self.status,
            "detail": str(self),
        }
        return said if self.parameter is None else {**said, "parameter": self.parameter}


def refused(parameter: str, detail: str) -> ProblemError:
    """A parameter that has to be mended."""
    return ProblemError(400, detail, parameter=parameter)
