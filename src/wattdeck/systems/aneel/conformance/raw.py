"""The bytes of a body, looked at before a JSON library can hide anything (rules T03 and T04)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NoReturn

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance import shown
from wattdeck.systems.aneel.wording import said

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MARKUP = ("<!doctype", "<html", "<?xml", "<head", "<body")


class Twice(dict[str, Any]):
    """An object that has a key more than once: which value counts, nobody can say."""


@dataclass(slots=True)
class Body:
    """What a body holds."""

    value: Any = None
    """None if it is no JSON."""
    readable: bool = False
    encoding: str = ""
    """What is wrong with the encoding; empty if nothing is."""
    problem: str = ""
    """Why it is no JSON."""
    markup: bool = False
    """A page of HTML or XML."""
    twice: list[str] = field(default_factory=list)
    """Keys that an object has more than once."""

    @property
    def envelope(self) -> dict[str, Any] | None:
        """The object that it should be; None if it is none, or has a key twice at its top."""
        return self.value if type(self.value) is dict else None


def read(body: bytes) -> Body:
    """Decode and parse; whatever the bytes are, nothing is raised."""
    found = Body()
    text = _decoded(body, found)
    found.markup = text.lstrip()[:9].lower().startswith(MARKUP)
    if not text.strip():
        found.problem = later("an empty body")
        return found
    if found.markup:
        found.problem = later("a page of HTML or XML")
        return found
    try:
        found.value = _parsed(text, found.twice)
    except _Constant as error:
        found.problem = said(later("{text}, which is no JSON"), text=str(error))
    except RecursionError:
        found.problem = later("arrays or objects within each other without end")
    except json.JSONDecodeError as error:
        found.problem = _where(text, error)
    except ValueError:
        found.problem = later("a number of more than 4,300 digits")
    else:
        found.readable = True
    return found


class _Constant(Exception):
    """NaN or an infinity."""


def _parsed(text: str, twice: list[str]) -> Any:
    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        names = [name for name, _ in pairs]
        if len(twice) < 100:
            twice.extend(
                sorted({name for name in names if names.count(name) > 1})[:5] if len(names) < 200 else names[:1]
            )
        return Twice(found)

    def constant(name: str) -> NoReturn:
        raise _Constant(name)

    return json.loads(text, object_pairs_hook=object_of, parse_constant=constant)


def _decoded(body: bytes, found: Body) -> str:
    """The text; where the bytes are not UTF-8, as near to it as can be, so that the rest can be looked at."""
    if body.startswith(BYTE_ORDER_MARK):
        found.encoding = later("a byte order mark at the start")
        body = body[3:]
    elif b"\0" in body[:4] and len(body) % 2 == 0:
        encoding = json.detect_encoding(body)
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            pass
        else:
            found.encoding = encoding.upper() if encoding != "utf-8" else ""
            return text
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        found.encoding = said(
            later("byte {byte} at {place}, which is not UTF-8"), byte=f"0x{body[error.start]:02X}", place=error.start
        )
        return body.decode("latin-1")


def _where(text: str, error: json.JSONDecodeError) -> str:
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
        return said(later("cut off after {count} characters"), count=len(text))
    if error.msg.startswith("Extra data"):
        return said(later("more after the end of the JSON, at character {place}"), place=error.pos)
    there = shown.text(text[error.pos : error.pos + 40], 42)
    return said(later("no JSON from character {place} on: {text}"), place=error.pos, text=there)
