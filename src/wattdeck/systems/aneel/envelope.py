"""The envelope round every answer: found first, whatever the status code, and only then the code (aneel.md 2.5, 3.1).

Tolerated: Latin-1 bytes, a byte order mark, duplicate keys (the last counts), NaN (nothing), FastAPI's wrapper
`{"detail": {...}}`, text for the status number, other capitals or underscores in names.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from wattdeck.core.language import later, tr
from wattdeck.core.text import clean
from wattdeck.systems.aneel.errors import (
    AneelError,
    AuthRefused,
    NoData,
    NotConformant,
    RateLimited,
    ServerFailed,
    Unavailable,
    UnexpectedStatus,
)
from wattdeck.systems.aneel.exchange import PATHS, Exchange
from wattdeck.systems.aneel.personal import mask_text

BODY_BYTES_MAX = 5_000_000
COUNT_MAX = 2_147_483_647
SAID_CHARS = 200
RETRY_AFTER_S_MAX = 86_400.0
NAMES_MAX = 40
"""Among more names than these none is looked for in another spelling: the format has twelve."""

_WHOLE = re.compile(r" {0,9}[0-9]{1,10} {0,9}")
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer of status 1: there is something in it, or nothing to tell."""

    what: str
    """Who answered what, to begin a sentence."""
    fields: Mapping[str, Any]

    def get(self, name: str) -> Any:
        """A field of the envelope; None if it is not there."""
        return field(self.fields, name)


def open_envelope(exchange: Exchange) -> Envelope:
    """The envelope of an answer of status 1.

    Raises:
        NoData: status 2; the message says what the server says.
        AuthRefused: 401 or 403, or an envelope of another code that says so.
        RateLimited: the same for 429.
        Unavailable, ServerFailed, UnexpectedStatus: no envelope, and a status that says why.
        NotConformant: no envelope where one was due.
    """
    what = what_of(exchange)
    decoded, problem = decode(exchange.body)
    fields = unwrapped(decoded)
    if fields is None:
        raise _without_envelope(exchange, what, decoded, problem)
    match whole(field(fields, "idcStatusRequisicao")):
        case 1:
            return Envelope(what, fields)
        case 2:
            message = field(fields, "mensagem")
            raise _refusal(exchange, what, said(message) if isinstance(message, str) else "")
        case _:
            raise NotConformant(
                tr(
                    "{what}: idcStatusRequisicao is neither 1 (success) nor 2 (error), so the answer means nothing",
                    what=what,
                ),
                status_code=exchange.status_code,
            )


def what_of(exchange: Exchange) -> str:
    """How errors name an exchange: host and path, without the query."""
    try:
        parts = urlsplit(exchange.url[:2000])
        host, path = parts.netloc.rpartition("@")[2], parts.path
    except ValueError:
        host = path = ""
    path = clean(path, 200) or PATHS[exchange.route]
    return f"{clean(host, 100)} (GET {path})" if host else tr("The answer of {path}", path=path)


def decode(body: bytes) -> tuple[Any, str]:
    """A body as JSON, and in words what is wrong with it if it is none: the first is None then."""
    if len(body) > BODY_BYTES_MAX:
        return None, tr("the answer is larger than {size} MB", size=f"{BODY_BYTES_MAX / 1e6:g}")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    try:
        return _DECODER.decode(text.strip()), ""
    except RecursionError:
        return None, tr("the answer is JSON nested too deeply to be meant")
    except ValueError as error:
        return None, _not_json(text[:BODY_BYTES_MAX].strip(), error)


def unwrapped(decoded: Any) -> Mapping[str, Any] | None:
    """The envelope in a decoded body, also from FastAPI's `detail`; None if there is none."""
    if not isinstance(decoded, dict):
        return None
    detail = decoded.get("detail")
    if not has(decoded, "idcStatusRequisicao") and isinstance(detail, dict):
        decoded = detail
    return decoded if has(decoded, "idcStatusRequisicao") else None


def field(fields: Mapping[str, Any], name: str) -> Any:
    """A field by its name, else by the same name with other capitals or underscores; None if there is none."""
    if name in fields:
        return fields[name]
    other = _other_name(fields, name)
    return None if other is None else fields[other]


def has(fields: Mapping[str, Any], name: str) -> bool:
    """Whether `field` finds one."""
    return name in fields or _other_name(fields, name) is not None


def _other_name(fields: Mapping[str, Any], name: str) -> str | None:
    wanted = _folded(name)
    for other in islice(fields, NAMES_MAX):
        if len(other) <= 80 and _folded(other) == wanted:
            return other
    return None


@lru_cache(maxsize=256)
def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def whole(value: Any) -> int | None:
    """A whole number of the wire's range, also from text or 3.0; None for everything else, true included."""
    if type(value) is not int:
        as_text = isinstance(value, str) and _WHOLE.fullmatch(value)
        if not as_text and not (isinstance(value, float) and value.is_integer()):
            return None
        value = int(value)
    return value if 0 <= value <= COUNT_MAX else None


def said(text: str) -> str:
    """A server's own words, safe to show: cleaned, cut, without personal data."""
    return mask_text(text, SAID_CHARS).rstrip(".")


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """What `Retry-After` asks for, s, at most a day; None if it says nothing usable."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(float(value), RETRY_AFTER_S_MAX)
    try:
        later = (parsedate_to_datetime(value[:60]) - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(0.0, later), RETRY_AFTER_S_MAX)


_KEY_WORDS = re.compile(r"\bx-api-key\b|\bapi[ _-]?key\b|\bchave (?:de|da) (?:api|acesso)\b")
_ADDRESS_WORDS = re.compile(r"\bip (?:de origem )?nao autorizado\b|\bnao autorizado para este ip\b")
_RATE_WORDS = re.compile(r"\brate limit\b|\blimite de requisicoes\b|\btoo many requests\b")


def _refusal(exchange: Exchange, what: str, words: str) -> AneelError:
    """The error of an envelope with status 2: the code says most, a few well-known words say the rest."""
    code = exchange.status_code
    plain = _without_accents(words)
    if code == 429 or _RATE_WORDS.search(plain):
        return _rate_limited(exchange, what, words)
    if code == 403 or _ADDRESS_WORDS.search(plain):
        return _auth_refused(403, code, what, words)
    if code == 401 or _KEY_WORDS.search(plain):
        return _auth_refused(401, code, what, words)
    return NoData(_no_data(exchange, what, words), status_code=code, said=words)


def _no_data(exchange: Exchange, what: str, words: str) -> str:
    """Status 2 in words. Every language has to keep `(status 2)` and the quotes: `present` looks for them."""
    reason = _quoted(words) if words else tr(" and does not say why")
    if exchange.route == "outages":
        message = later(
            "{what}: the server has no data to give (status 2){reason}; that does not mean that nothing is out"
        )
    else:
        message = later(
            "{what}: the server has no data to give (status 2){reason}; that does not mean that there is none"
        )
    return tr(message, what=what, reason=reason)


def _rate_limited(exchange: Exchange, what: str, words: str) -> RateLimited:
    after_s = retry_after_s(exchange.headers, exchange.at)
    advice = tr("ask less often")
    if after_s is not None:
        advice = tr("it wants to be left alone for {seconds} s", seconds=f"{after_s:.0f}")
    code = exchange.status_code
    return RateLimited(
        tr("{what}: too many requests ({code}); {advice}", what=what, code=code, advice=advice) + _quoted(words),
        status_code=exchange.status_code,
        said=words,
        retry_after_s=after_s,
    )


def _auth_refused(kind: int, code: int, what: str, words: str) -> AuthRefused:
    if kind == 401:
        why = tr("the key is not accepted; is it the one this distributor gave out, and not an older one")
    else:
        why = tr("the address we come from may not ask; distributors let ANEEL's network in and others by arrangement")
    return AuthRefused(f"{what}: {why} ({code}){_quoted(words)}", status_code=code, said=words)


def _without_envelope(exchange: Exchange, what: str, decoded: Any, problem: str) -> AneelError:
    code, words = exchange.status_code, _own_words(exchange, decoded)
    names = {"what": what, "code": code}
    match code:
        case 401 | 403:
            return _auth_refused(code, code, what, words)
        case 429:
            return _rate_limited(exchange, what, words)
        case 502 | 503 | 504:
            return Unavailable(
                tr("{what}: what stands in front of the server answers that it is not there now ({code})", **names),
                status_code=code,
                said=words,
                retry_after_s=retry_after_s(exchange.headers, exchange.at),
            )
        case _ if code >= 500:
            failed = tr("{what}: the server failed ({code})", **names)
            return ServerFailed(failed + _quoted(words), status_code=code, said=words)
        case 404:
            message = later(
                "{what}: there is no such route ({code}); is the base URL right? Some distributors serve "
                "only one of the three routes"
            )
            return UnexpectedStatus(tr(message, **names), status_code=code, said=words)
        case _ if 300 <= code < 400:
            message = later(
                "{what}: the answer points elsewhere ({code}); that is not followed; give the URL it "
                "points to, if it is the distributor's"
            )
            return UnexpectedStatus(tr(message, **names), status_code=code)
        case _ if code >= 400 or code < 200:
            refused = tr("{what}: the server refuses the request ({code})", **names)
            return UnexpectedStatus(refused + _quoted(words), status_code=code, said=words)
    problem = problem or tr("the answer has no envelope (no idcStatusRequisicao)")
    sentence = tr("{what}: {problem}; expected ANEEL's envelope as JSON", what=what, problem=problem)
    return NotConformant(sentence, status_code=code, said=words)


def _own_words(exchange: Exchange, decoded: Any) -> str:
    """What an answer without an envelope says for itself: a short text, or one of the usual fields."""
    if isinstance(decoded, dict):
        for name in ("detail", "message", "mensagem", "error"):
            if isinstance(found := decoded.get(name), str):
                return said(found)
        return ""
    text = exchange.body[: 8 * SAID_CHARS].decode("utf-8", "replace").strip()
    return "" if text[:1] in ("<", "{", "[") else said(text)


def _quoted(words: str) -> str:
    return f": “{words}”" if words else ""


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.lower())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _not_json(text: str, error: ValueError) -> str:
    if not text:
        return tr("the answer is empty")
    if text[0] == "<":
        return tr("the answer is a web page (HTML), as firewalls and proxies put in the way of whom they do not know")
    if isinstance(error, json.JSONDecodeError) and text[0] in "{[":
        if error.pos >= len(text) - 1 or error.msg.startswith("Unterminated string"):
            return tr("the answer is JSON cut short after {count} characters", count=len(text))
        return tr("the answer is broken JSON, from character {place} on", place=error.pos)
    return tr("the answer is not JSON")
