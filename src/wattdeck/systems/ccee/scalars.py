"""Single values of CCEE's JSON: ids, texts, codes and numbers, whatever type they come in (ccee.md 5.1, 11)."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from wattdeck.core.text import clean

ID_CHARS_MAX = 200
TEXT_CHARS_MAX = 1000
CODE_CHARS_MAX = 100
WHOLE_MAX = 10**15
"""No code and no measure is beyond this; whatever is counts as unknown."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,3})?")


def identifier(value: object) -> str:
    """An id exactly as it came, a number as its digits; empty if it cannot be one."""
    if type(value) is int:
        value = str(value) if abs(value) <= WHOLE_MAX else ""
    if type(value) is not str or len(value) > ID_CHARS_MAX or not value.isprintable() or not value.strip():
        return ""
    return value


def text(value: object, limit: int = TEXT_CHARS_MAX) -> str:
    """Text safe to show; a number as its digits, everything else empty."""
    if value is None or value == "":
        return ""
    if type(value) is str:
        return value if len(value) <= limit and value.isprintable() else clean(value, limit).strip()
    if type(value) is int:
        return str(value) if abs(value) <= WHOLE_MAX else ""
    return repr(value) if type(value) is float and math.isfinite(value) else ""


def code(value: object) -> str:
    """Short text that many items share: one object for all of them."""
    if value is None:
        return ""
    return _shared(value) if type(value) is str and len(value) <= CODE_CHARS_MAX else text(value, CODE_CHARS_MAX)


@lru_cache(maxsize=4096)
def _shared(value: str) -> str:
    return text(value, CODE_CHARS_MAX)


def whole(value: object) -> int | None:
    """A code: a number or one as text (`"0100000"`); None if it is neither."""
    if type(value) is int:
        return value if -WHOLE_MAX <= value <= WHOLE_MAX else None
    if type(value) is float:
        return int(value) if value.is_integer() and abs(value) <= WHOLE_MAX else None
    if type(value) is str and len(value) <= 20 and (digits := value.strip()).isascii() and digits.isdecimal():
        return int(digits)
    return None


def number(value: object) -> float | None:
    """A measure: a number or one as text (`"1.5"`). A comma could mean two things, so it is unknown."""
    if value is None:
        return None
    if type(value) is str:
        value = value.strip() if len(value) <= 60 else ""
        value = float(value) if _NUMBER.fullmatch(value) else None
    if type(value) is int:
        return float(value) if abs(value) <= WHOLE_MAX else None
    return value if type(value) is float and abs(value) <= WHOLE_MAX else None
