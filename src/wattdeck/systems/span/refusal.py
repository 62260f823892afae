"""What a panel means by a status other than 200, in words (span.md 3)."""

from __future__ import annotations

from wattdeck.core.answers import Answer, detail_of, status_error
from wattdeck.core.errors import AuthError, SourceError, StatusError
from wattdeck.core.language import later, tr

DOOR_PROCEDURE = later(
    "open the panel's door and press the switch at the top of the door frame 3 times, about 2 seconds apart, "
    "until the frame lights blink; then register within 15 minutes"
)


def refusal(answer: Answer, what: str) -> SourceError:
    """The error for an answer other than 200, in words for this panel (span.md 3)."""
    detail = detail_of(answer)
    said = tr(" (it says: {detail})", detail=detail) if detail else ""
    words = {"what": what, "said": said}
    match answer.status_code:
        case 401:
            return AuthError(tr("{what}: the panel does not know our token (401){said}; register again", **words), 401)
        case 403:
            return AuthError(tr("{what}: the panel does not allow this with our token (403){said}", **words), 403)
        case 412:
            return AuthError(tr("{what}: the panel asks for a token (412){said}; register first", **words), 412)
        case 404:
            sentence = tr(
                "{what}: the panel does not know this id, or its v1 interface was removed from the firmware "
                "(announced for the end of 2026); 404{said}",
                **words,
            )
            return StatusError(sentence, 404)
        case _:
            return status_error(answer, what)


def not_registered(answer: Answer, what: str, name: str) -> AuthError:
    """The error for a registration the panel refuses, telling how to unlock it."""
    detail = detail_of(answer)
    said = tr(" and says: {detail}", detail=detail) if detail else ""
    sentence = tr(
        "{what}: the panel does not register us ({status}){said}. To unlock it, {procedure}. "
        "A name that is already registered, perhaps {name}, is refused too: then choose another.",
        what=what, status=answer.status_code, said=said, procedure=tr(DOOR_PROCEDURE), name=repr(name),
    )  # fmt: skip
    return AuthError(sentence, answer.status_code)
