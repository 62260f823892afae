"""What CCEE answers when it does not do as asked, and what goes wrong on the way (ccee.md 2 and 7).

Every error is one of the core's too, so that feeds, retries and commands treat it as they treat all others. Where
there was an answer, its status, code, request id and the beginning of its body are kept, cleaned and masked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from wattdeck.core.answers import Answer
from wattdeck.core.errors import (
    AuthError,
    BadAnswer,
    Busy,
    ServerFailure,
    SourceError,
    StatusError,
    TimedOut,
    Unreachable,
    ValidationRefused,
)
from wattdeck.core.language import later, tr
from wattdeck.core.redact import redact
from wattdeck.core.text import clean

EXCERPT_CHARS = 300
MESSAGE_CHARS = 300
CODE_CHARS = 80
BAD_CREDENTIALS = "ERR_CREDENCIAL_INVALID"
"""Beginning of the code with which 403 says that the token is another agent's; how it ends is not known."""
NO_SUCH_REQUEST = "ERR_SOLICITACAO_NAO_EXISTE_BASE_DADOS"
"""An unknown change request answers 400 with this, not 404."""

ADVICE = {
    "ERR_VALIDACAO_CAMPOS": later("a field is missing or not as CCEE wants it"),
    "ERR_MES_REFERENCIA_INICIAL_DIFERENCA": later("the range is longer than the 12 months CCEE gives in one request"),
    "ERR_PERIODO_INVALIDO_MEDICOES": later("start and end of the measurements must lie in the same month"),
    "ERR_SISTEMA_MIGRACAO_IMPLATADO_MEDICOES": later(
        "there are no measurements before August 2024; ask for later ones"
    ),
    "ERR_MIGRACAO_CONCLUIDA_NAO_ENCONTRADA": later("the consumer unit has no completed migration (CONCLUIDA)"),
    NO_SUCH_REQUEST: later("there is no change request of that id"),
    "ERR_TIPO_SOLICITACAO_INVALIDO": later("only CCEE itself makes change requests of that kind"),
    "ERR_MIGRACAO_DUPLICADA": later("the consumer unit has an active migration already; change or cancel that one"),
}
"""What the known codes mean (ccee.md 2)."""


class CceeError(SourceError):
    """Root of what the CCEE client raises."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        code: str = "",
        request_id: str = "",
        excerpt: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        """Args:
        status_code: None if there was no answer.
        code: CCEE's own, `ERR_...`; empty if it named none.
        request_id: From the answer's headers, for asking CCEE about it.
        excerpt: Beginning of the body; documents, e-mail addresses and secrets are masked.
        """
        Exception.__init__(self, message)
        self.status_code = status_code
        self.code = code
        self.request_id = request_id
        self.excerpt = excerpt
        self.retry_after_s = retry_after_s

    def facts(self) -> dict[str, Any]:
        """Everything but the sentence, to make another error of it."""
        return {
            "status_code": self.status_code,
            "code": self.code,
            "request_id": self.request_id,
            "excerpt": self.excerpt,
            "retry_after_s": self.retry_after_s,
        }


class AuthenticationError(CceeError, AuthError):
    """401, or 403 in CCEE's own words: these credentials do not do, and asking again will not help."""


class RefusedError(CceeError, StatusError):
    """Another status than the protocol has: a redirect, 405, a gateway's 403."""

    status_code: int


class NotFoundError(CceeError, StatusError):
    """404, or 400 with the code for an unknown change request."""

    status_code: int


class ValidationError(CceeError, ValidationRefused):
    """400, 409, 422: what was sent is malformed or not allowed now."""

    status_code: int


class RateLimitError(CceeError, Busy):
    """429: too many requests."""

    status_code: int


class ServerError(CceeError, ServerFailure):
    """5xx: the server failed; whether a write was done is not known."""

    status_code: int


class UnavailableError(ServerError, Busy):
    """502, 503, 504: the server is not there now; reads may be repeated."""


class TransportError(CceeError):
    """No answer, or none that can be used."""


class UnreachableError(TransportError, Unreachable):
    """No connection; a write was not sent."""


class TimedOutError(TransportError, TimedOut):
    """No complete answer in time; whether a write was done is not known."""


class AnswerError(TransportError, BadAnswer):
    """The answer is not what the protocol promises: HTML, no JSON, nothing where an object was due."""


def status_error(answer: Answer, what: str, /, *, retry_after_s: float | None = None) -> CceeError:
    """The error that an answer of another status than 2xx stands for, in words.

    Args:
        what: Who answered what, to begin the sentence.
    """
    status, body = answer.status_code, _body(answer.body)
    code, said = _said(body)
    facts: dict[str, Any] = {**facts_of(answer), "code": code, "retry_after_s": retry_after_s}
    named = f"{status}, {code}" if code else str(status)
    tail = f": {said}" if said else ""
    match status:
        case 401:
            words = tr("our credentials are not accepted")
            return AuthenticationError(f"{what}: {words} ({named}){tail}", **facts)
        case 403 if code.startswith(BAD_CREDENTIALS):
            words = tr("the client id belongs to another agent; check agent_code and client_id")
            return AuthenticationError(f"{what}: {words} ({named}){tail}", **facts)
        case 403 if isinstance(body, dict):
            words = tr("this agent may not do that; check agent, profile and what CCEE has granted")
            return AuthenticationError(f"{what}: {words} ({named}){tail}", **facts)
        case 403:
            words = tr(
                "something in front of the API refuses us (403), not the API itself; ask whoever runs the network"
            )
            return RefusedError(f"{what}: {words}", **facts)
        case _ if status == 404 or code == NO_SUCH_REQUEST:
            words = tr(ADVICE[code]) if code in ADVICE else tr("there is no such thing")
            return NotFoundError(f"{what}: {words} ({named}){tail}", **facts)
        case 400 | 409 | 422:
            words = tr(ADVICE[code]) if code in ADVICE else tr("refused as invalid")
            return ValidationError(f"{what}: {words} ({named}){tail}", **facts)
        case 429:
            words = tr("too many requests ({status}); ask less often", status=named)
            return RateLimitError(f"{what}: {words}{tail}", **facts)
        case 502 | 503 | 504:
            words = tr("CCEE is not available now ({status}); try again later", status=named)
            return UnavailableError(f"{what}: {words}{tail}", **facts)
        case _ if status >= 500:
            words = tr("CCEE's server failed")
            return ServerError(f"{what}: {words} ({named}){tail}", **facts)
        case _ if 300 <= status < 400:
            words = tr(
                "the answer points elsewhere ({status}); that is never followed. Is the URL right?", status=status
            )
            return RefusedError(f"{what}: {words}", **facts)
        case _:
            words = tr("unexpected status")
            return RefusedError(f"{what}: {words} ({named}){tail}", **facts)


def bad_answer(answer: Answer, words: str) -> AnswerError:
    """An answer of a good status that cannot be used."""
    return AnswerError(words, **facts_of(answer))


def of_transport(error: SourceError, answer: Answer | None = None) -> CceeError:
    """A fault of the shared HTTP layer as one of ours, in the same words."""
    facts = {} if answer is None else facts_of(answer)
    match error:
        case CceeError():
            return error
        case Unreachable():
            return UnreachableError(str(error))
        case TimedOut():
            return TimedOutError(str(error))
        case BadAnswer():
            return AnswerError(str(error), **facts)
        case _:
            return TransportError(str(error), **facts)


def again(error: CceeError, more: str = "") -> CceeError:
    """The same error without its trace, for another who waited, or with one more clause at the end of its sentence."""
    return type(error)(f"{error}; {more}" if more else str(error), **error.facts())


def facts_of(answer: Answer) -> dict[str, Any]:
    """What an error keeps of its answer: status, request id and the beginning of the body."""
    return {
        "status_code": answer.status_code,
        "request_id": _request_id(answer.headers),
        "excerpt": masked(answer.body[: 8 * EXCERPT_CHARS].decode("utf-8", "replace"), EXCERPT_CHARS),
    }


_REQUEST_ID_HEADERS = (
    "x-request-id",
    "x-correlation-id",
    "request-id",
    "correlation-id",
    "x-amzn-requestid",
    "x-trace-id",
    "x-b3-traceid",
    "traceparent",
)


def _request_id(headers: Mapping[str, str]) -> str:
    for name in _REQUEST_ID_HEADERS:
        if value := headers.get(name):
            return masked(value, 100)
    return ""


_E_MAIL = re.compile(r"[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
_DOCUMENT = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-[0-9]{2}|[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}"
    r"|[0-9A-Z]{12}[0-9]{2}|[0-9]{11})(?![0-9A-Za-z])"
)


def masked(text: str, limit: int) -> str:
    """A stranger's text that is safe to show: short, plain, without documents, e-mail addresses and secrets."""
    text = redact(text[: 8 * limit])
    text = _E_MAIL.sub("***@***", _DOCUMENT.sub("***", text))
    return clean(text, limit).strip()


def _body(body: bytes) -> Any:
    try:
        return json.loads(body[:100_000].decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None


def _said(body: Any) -> tuple[str, str]:
    """CCEE's code and message; either may be missing, the message may be a list (ccee.md 2)."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return "", ""
    code, message = body.get("error"), body.get("message", body.get("error_description"))
    if isinstance(message, list):
        message = "; ".join(part[:MESSAGE_CHARS] for part in message[:5] if isinstance(part, str))
    return (
        masked(code, CODE_CHARS) if isinstance(code, str) else "",
        masked(message, MESSAGE_CHARS).rstrip(".") if isinstance(message, str) else "",
    )
