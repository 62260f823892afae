"""Words that are English where they are kept and in the language in use where they are drawn.

A finding of the conformance check is made once and told in many places: on the screen and in the shell for people, in
JSON and JUnit for programs. It is kept in English, as programs read it, and remembers how to say the same elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from wattdeck.core.language import tr, tr_as
from wattdeck.systems.aneel.models import Level


class Said(str):
    """English words, and the message and values they were made of."""

    __slots__ = ("message", "values")

    message: str
    values: Mapping[str, object]


def said(message: str, /, **values: object) -> str:
    """The message in English with its `{places}` filled. It is noted for the catalogues with `language.later`."""
    text = Said(message.format(**values))
    text.message, text.values = message, values
    return text


def drawn(text: str) -> str:
    """The words in the language in use; a text nobody knows a translation of is itself."""
    if isinstance(text, Said):
        return tr(text.message, **{name: drawn(value) if isinstance(value, str) else value
                                   for name, value in text.values.items()})  # fmt: skip
    return tr(text) if text else ""


def level_word(level: Level) -> str:
    """A level for people."""
    match level:
        case Level.ERROR:
            return tr_as("level", "error")
        case Level.WARNING:
            return tr_as("level", "warning")
        case Level.INFO:
            return tr_as("level", "info")
