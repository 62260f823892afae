"""One tree of errors. Every message is a sentence a technician can act on; none holds a secret."""

from __future__ import annotations

from enum import StrEnum


class WattdeckError(Exception):
    """Root of everything wattdeck raises on purpose."""


class UsageError(WattdeckError):
    """The command line or an argument is wrong; nothing was done."""


class ConfigError(WattdeckError):
    """The configuration cannot be used. Holds every problem found, not only the first."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SourceError(WattdeckError):
    """A source could not be read or written."""


class Unreachable(SourceError):
    """No connection: name not found, refused, no route, TLS failed, closed without an answer."""


class TimedOut(SourceError):
    """No complete answer before the deadline. For a write the outcome is unknown."""


class BadAnswer(SourceError):
    """An answer arrived that is not what the protocol promises (not JSON, cut short, too large, wrong shape)."""


class CutShort(BadAnswer):
    """An answer began as it should and ended too early: what a server gives that is restarting."""


class Stale(SourceError):
    """The source is there, and its data are not of now: it says so, or shows it. Not down, however long that lasts."""


class AuthError(SourceError):
    """The source refuses our credentials; asking again with the same ones will not help."""

    def __init__(self, message: str, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code


class StatusError(SourceError):
    """The source answered with an error status."""

    def __init__(self, message: str, status_code: int, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.retry_after_s = retry_after_s


class ValidationRefused(StatusError):
    """422: the source says our request is malformed or not allowed."""


class ServerFailure(StatusError):
    """500 and other server faults that repeating does not mend."""


class Busy(StatusError):
    """429, 502, 503, 504: the source is there but not now; reads may be repeated."""


class Cause(StrEnum):
    """Why a command was refused or how it ended, in the words of IEC 61850's AddCause where they fit."""

    BLOCKED_BY_MODE = "blocked-by-mode"
    BLOCKED_BY_INTERLOCKING = "blocked-by-interlocking"
    OBJECT_NOT_SELECTED = "object-not-selected"
    TIME_LIMIT_OVER = "time-limit-over"
    POSITION_REACHED = "position-reached"
    ONE_OF_N_CONTROL = "1-of-n-control"
    COMMAND_ALREADY_IN_EXECUTION = "command-already-in-execution"
    NO_ACCESS_AUTHORITY = "no-access-authority"
    LOCKED_BY_OTHER_CLIENT = "locked-by-other-client"
    ABORTION_BY_COMMUNICATION_LOSS = "abortion-by-communication-loss"
    ABORTION_BY_CANCEL = "abortion-by-cancel"
    INVALID_POSITION = "invalid-position"
    SWITCH_RETURNED = "switch-returned-to-initial-position"
    NOT_EXPECTED_FINAL_POSITION = "not-expected-final-position"
    NONE = "none"


class CommandRefused(WattdeckError):
    """A command was stopped before anything was sent."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause
