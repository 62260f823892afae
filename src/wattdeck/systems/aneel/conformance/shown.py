"""Values of strangers in findings: short, plain, nobody's personal data whole."""

from __future__ import annotations

from wattdeck.core.language import later
from wattdeck.core.text import clean
from wattdeck.systems.aneel.personal import mask_text
from wattdeck.systems.aneel.wording import said

SHOWN_CHARS = 80


def value(found: object, limit: int = SHOWN_CHARS) -> str:
    """A JSON value as it would be written, at most `limit` characters; arrays and objects only by their size."""
    match found:
        case None:
            return "null"
        case bool():
            return "true" if found else "false"
        case int():
            # Beyond 4,300 digits Python refuses to write a number out.
            return (
                clean(str(found), limit)
                if found.bit_length() < 1000
                else said(later("a number of {count} bits"), count=found.bit_length())
            )
        case float():
            return repr(found)
        case str():
            return text(found, limit)
        case list():
            return said(later("an array of {count}"), count=len(found))
        case dict():
            return said(later("an object of {count} keys"), count=len(found))
        case _:
            return type(found).__name__


def text(found: str, limit: int = SHOWN_CHARS) -> str:
    """A text in quotes, documents and addresses in it masked."""
    return f'"{mask_text(found, limit - 2)}"'


def key(name: str) -> str:
    """A key as part of a path."""
    return mask_text(name, 40) or '""'


def email(found: str) -> str:
    """An address by its first letter, domain and length: enough to recognise one's own."""
    user, at, domain = found[:400].rpartition("@")
    name = f"{clean(user[:1], 1)}***@{clean(domain, 50)}" if at else hidden(domain)
    return said(later("{text} ({count} characters)"), text=name, count=len(found))


def hidden(found: str) -> str:
    """Nothing but that there is something."""
    return "***" if found else '""'


def number(found: str) -> str:
    """A protocol or a customer's number: its length and last two characters."""
    if not found:
        return '""'
    tail = clean(found[-2:], 2) if len(found) > 6 else ""
    return said(later("{text} ({count} characters)"), text=f"***{tail}", count=len(found))


def characters(found: str) -> str:
    """How long a text is, and nothing else of it."""
    return said(later("{count} characters"), count=len(found))
