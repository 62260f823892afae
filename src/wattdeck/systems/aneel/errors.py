"""What goes wrong between us and a distributor's server, in words.

Every error is one of the core's too, so that feeds treat it as they treat all others. None holds a key, a document's
number or an e-mail address.
"""

from __future__ import annotations

from wattdeck.core.errors import (
    AuthError,
    BadAnswer,
    Busy,
    ServerFailure,
    SourceError,
    StatusError,
    TimedOut,
    Unreachable,
)
from wattdeck.core.language import later, tr


class AneelError(SourceError):
    """Root of what the ANEEL client and reader raise."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        said: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        """Args:
        status_code: Of the answer; None if there was none.
        said: The server's own words, cleaned, cut and masked.
        """
        Exception.__init__(self, message)
        self.status_code = status_code
        self.said = said
        self.retry_after_s = retry_after_s


class NoData(AneelError):
    """The server says that it has nothing to tell (status 2): never that nothing is out."""


class AuthRefused(AneelError, AuthError):
    """The key or the address we come from is not accepted; asking again will not help."""


class RateLimited(AneelError, Busy):
    """Asked too often; `retry_after_s` if the server says how long to wait."""

    status_code: int


class Unavailable(AneelError, Busy):
    """502, 503, 504 without an answer of the server's own: usually a proxy in front of it."""

    status_code: int


class ServerFailed(AneelError, ServerFailure):
    """500 and other faults of the server, without an answer of its own."""

    status_code: int


class UnexpectedStatus(AneelError, StatusError):
    """A redirect, a missing route, another status that says nothing about outages."""

    status_code: int


class NotConformant(AneelError, BadAnswer):
    """An answer that cannot be read as the V4 format, nor as anything else that is clear."""


class NotReached(AneelError, Unreachable):
    """No connection."""


class NoAnswer(AneelError, TimedOut):
    """No complete answer in time."""


class Broken(AneelError, BadAnswer):
    """The answer was cut short, too large, or no HTTP."""


_DENIED = later(
    "{problem}; a firewall that lets only ANEEL in looks just like this; is the address we come from on the "
    "distributor's list?"
)


def of_transport(error: SourceError) -> SourceError:
    """A fault of the shared HTTP layer as one of ours; silence is said to be what a firewall's denial looks like."""
    silent = type(error.__cause__).__name__ == "ConnectTimeout"
    match error:
        case AneelError():
            return error
        case TimedOut():
            return NoAnswer(tr(_DENIED, problem=error))
        case Unreachable():
            return NotReached(tr(_DENIED, problem=error) if silent else str(error))
        case BadAnswer():
            return Broken(str(error))
        case _:
            return error
