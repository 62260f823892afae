"""Which API a panel speaks (span-v2.md 2.2).

A closed port or a panel that is starting is never taken for v1, and neither is what just has no v2: v1 has to answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wattdeck.core.errors import AuthError, BadAnswer, Busy, SourceError, StatusError
from wattdeck.core.language import tr
from wattdeck.systems.span.ebus.answers import V2Status

if TYPE_CHECKING:
    from wattdeck.systems.span.ebus.bootstrap import Bootstrap


class Api(StrEnum):
    """What was found out."""

    V1 = "v1"
    V2 = "v2"
    BOOTING = "booting"
    """The panel is there and not ready to say; ask again."""
    UNKNOWN = "unknown"
    """Nobody answered, or something that is no panel; what was known before still holds."""


@dataclass(frozen=True, slots=True)
class Detected:
    """Which API, and why we think so."""

    api: Api
    reason: str
    status: V2Status | None = None
    """With v2 alone."""
    error: SourceError | None = None
    """What the panel's status ended with, if not with v2."""


async def detect(bootstrap: Bootstrap) -> Detected:
    """Ask the panel for its v2 status, and without one for v1's. Uses nothing up, needs no token, raises nothing."""
    try:
        status = await bootstrap.status()
    except SourceError as error:
        found = judge(error)
        return await _confirmed(found, bootstrap) if found.api is Api.V1 else found
    return judge(status)


async def _confirmed(found: Detected, bootstrap: Bootstrap) -> Detected:
    """v1, if v1 answers as a panel does; anything on the network has no v2."""
    try:
        await bootstrap.v1_status()
    except Busy as error:
        return Detected(Api.BOOTING, str(error), error=error)
    except SourceError as error:
        words = {"reason": found.reason, "problem": error}
        reason = tr("{reason}, and v1 does not answer as a panel either ({problem}); is it one?", **words)
        return Detected(Api.UNKNOWN, reason, error=BadAnswer(reason))
    return found


def judge(outcome: V2Status | SourceError) -> Detected:
    """What an answer to the v2 status, or the want of one, says about the API; that it is v1 is still a guess."""
    match outcome:
        case V2Status():
            words = {"serial": outcome.serial, "firmware": outcome.firmware or "?"}
            return Detected(Api.V2, tr("panel {serial}, firmware {firmware}, speaks v2", **words), outcome)
        case Busy():
            return Detected(Api.BOOTING, str(outcome), error=outcome)
        case StatusError(status_code=404):
            return Detected(Api.V1, tr("the panel has no v2 interface (404)"), error=outcome)
        case StatusError(status_code=int(status)) | AuthError(status_code=int(status)):
            reason = tr("the panel answers {status} where a v2 panel tells its status", status=status)
            return Detected(Api.V1, reason, error=outcome)
        case _:
            return Detected(Api.UNKNOWN, str(outcome), error=outcome)
