"""Values of strangers in findings: short, plain, nobody's personal data whole."""

from __future__ import annotations

from wattdeck.core.text import clean
from wattdeck.systems.aneel.personal import mask_text

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
            return clean(str(found), limit) if found.bit_length() < 1000 else f"a number of {found.bit_length()} bits"
        case float():
            return repr(found)
        case str():
            return text(found, limit)
        case list():
            return f"an array of {len(found)}"
        case dict():
            return f"an object of {len(found)} keys"
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
    size = f"({len(found)} characters)"
    if not at:
        return f"{hidden(domain)} {size}".strip()
    return f"{clean(user[:1], 1)}***@{clean(domain, 50)} {size}"


def hidden(found: str) -> str:
    """Nothing but that there is something."""
    return "***" if found else '""'


def number(found: str) -> str:
    """A protocol or a customer's number: its length and last two characters."""
    if not found:
        return '""'
    tail = clean(found[-2:], 2) if len(found) > 6 else ""
    return f"***{tail} ({len(found)} characters)"
