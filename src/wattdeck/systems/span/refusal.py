"""What a panel means by a status other than 200, in words (span.md 3)."""

from __future__ import annotations

from wattdeck.core.answers import Answer, detail_of, status_error
from wattdeck.core.errors import AuthError, SourceError, StatusError

DOOR_PROCEDURE = (
    "open the panel's door and press the switch at the top of the door frame 3 times, about 2 seconds apart, "
    "until the frame lights blink; then register within 15 minutes"
)


def refusal(answer: Answer, what: str) -> SourceError:
    """The error for an answer other than 200, in words for this panel (span.md 3)."""
    detail = detail_of(answer)
    said = f" (it says: {detail})" if detail else ""
    match answer.status_code:
        case 401:
            return AuthError(f"{what}: the panel does not know our token (401){said}; register again", 401)
        case 403:
            return AuthError(f"{what}: the panel does not allow this with our token (403){said}", 403)
        case 412:
            return AuthError(f"{what}: the panel asks for a token (412){said}; register first", 412)
        case 404:
            gone = "this id, or its v1 interface was removed from the firmware (announced for the end of 2026)"
            return StatusError(f"{what}: the panel does not know {gone}; 404{said}", 404)
        case _:
            return status_error(answer, what)


def not_registered(answer: Answer, what: str, name: str) -> AuthError:
    """The error for a registration the panel refuses, telling how to unlock it."""
    detail = detail_of(answer)
    said = f" and says: {detail}" if detail else ""
    return AuthError(
        f"{what}: the panel does not register us ({answer.status_code}){said}. "
        f"To unlock it, {DOOR_PROCEDURE}. "
        f"A name that is already registered, perhaps {name!r}, is refused too: then choose another.",
        answer.status_code,
    )
