"""What came back over HTTP, and what to make of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wattdeck.core.errors import (
    AuthError,
    BadAnswer,
    Busy,
    CutShort,
    ServerFailure,
    SourceError,
    StatusError,
    ValidationRefused,
)
from wattdeck.core.language import later, tr
from wattdeck.core.redact import redact
from wattdeck.core.text import clean

BUSY_STATUSES = frozenset({429, 502, 503, 504})
EXCERPT_CHARS = 80

# NaN and Infinity are not JSON but are sent; None is what they mean.
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer, whatever its status."""

    status_code: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """Names in any case."""


def json_body(answer: Answer, what: str) -> Any:
    """The answer's body as JSON; NaN and Infinity become None.

    Args:
        what: Who answered what, to begin the error's sentence: `panel.lan (GET /api/v1/panel)`.

    Raises:
        CutShort: it is the beginning of some JSON, or nothing at all.
        BadAnswer: it is something else, in words.
    """
    text = answer.body.decode("utf-8-sig", "replace")
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise BadAnswer(tr("{what} answered with JSON nested too deeply to be meant", what=what)) from None
    except ValueError as error:
        kind, found = _not_json(text, error)
        raise kind(tr("{what} answered with {found}", what=what, found=found)) from None


def _not_json(text: str, error: ValueError) -> tuple[type[BadAnswer], str]:
    body = text.strip()
    if not body:
        return CutShort, tr("an empty body where JSON was due")
    if body.startswith("<"):
        return BadAnswer, tr("a web page (HTML) where JSON was due: {excerpt}", excerpt=excerpt(body))
    if not isinstance(error, json.JSONDecodeError):
        return BadAnswer, tr("JSON that holds an impossible number")
    rest = text[error.pos :].strip()
    cut = len(rest) <= 1 or error.msg.startswith(("Unterminated string", "Invalid \\u")) or _begins_a_word(rest)
    if cut and body[0] in '{["':
        return CutShort, tr("JSON cut short after {count} characters", count=len(text))
    return BadAnswer, tr("something that is not JSON: {excerpt}", excerpt=excerpt(body))


def _begins_a_word(rest: str) -> bool:
    """Whether this is the beginning of one of JSON's own words and not the whole of it."""
    return any(word != rest and word.startswith(rest) for word in ("true", "false", "null"))


def excerpt(text: str) -> str:
    """The beginning of a stranger's text, safe to show, without secrets, in quotes."""
    return f"“{clean(redact(text[: 8 * EXCERPT_CHARS]), EXCERPT_CHARS)}”"


def detail_of(answer: Answer) -> str:
    """What an error answer says for itself: FastAPI's `detail`, text or list; empty if nothing readable."""
    try:
        body = _DECODER.decode(answer.body[:20_000].decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return ""
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, list):
        detail = "; ".join(_complaint(item) for item in detail[:5])
    return clean(redact(detail), 200).strip() if isinstance(detail, str) else ""


def _complaint(item: object) -> str:
    if not isinstance(item, dict):
        return str(item)[:100]
    place = item.get("loc")
    where = ".".join(str(part) for part in place[-3:]) if isinstance(place, list) else ""
    return f"{where}: {item.get('msg', '')}"[:200]


def status_error(answer: Answer, what: str, *, retry_after_s: float | None = None) -> SourceError:
    """The error an answer of another status than 200 stands for, in words.

    401 and 403 are AuthError, 422 ValidationRefused, 429 and 502 to 504 Busy, other 5xx ServerFailure, the
    rest StatusError.
    """
    status = answer.status_code
    detail = detail_of(answer)
    said = f": {detail}" if detail else ""
    match status:
        case 401:
            return AuthError(tr("{what}: our credentials are not accepted (401){said}", what=what, said=said), status)
        case 403:
            return AuthError(tr("{what}: our credentials do not allow this (403){said}", what=what, said=said), status)
        case 422:
            return ValidationRefused(
                tr("{what}: the request was refused as invalid (422){said}", what=what, said=said), status
            )
        case _ if status in BUSY_STATUSES:
            words = tr(_BUSY_WORDS[status])
            return Busy(
                tr("{what}: {words} ({status}){said}", what=what, words=words, status=status, said=said),
                status,
                retry_after_s=retry_after_s,
            )
        case _ if status >= 500:
            return ServerFailure(
                tr("{what}: the server failed ({status}){said}", what=what, status=status, said=said), status
            )
        case _ if 300 <= status < 400:
            return StatusError(
                tr("{what}: the answer points elsewhere ({status}); that is not followed", what=what, status=status),
                status,
            )
        case _:
            return StatusError(
                tr("{what}: unexpected status {status}{said}", what=what, status=status, said=said), status
            )


_BUSY_WORDS = {
    429: later("too many requests"),
    502: later("the server is there, what is behind it is not, often during a restart"),
    503: later("not ready"),
    504: later("the server waited in vain for what is behind it"),
}
