"""Check digits as the simulator reckons them: CPF, CNPJ and the 15-digit consumer unit code (ccee.md 5.2-5.4).

The client has rules of its own; a mistake in one is found by the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import mul

_CNPJ = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
_CPF = (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)
_UNIT_FIRST = (10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 10, 9, 8)
_UNIT_SECOND = (11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 10, 9, 8)


def cnpj(base: str) -> str:
    """12 digits or capital letters, with their two check digits behind."""
    return _closed(base, _CNPJ[1:], _CNPJ)


def cpf(base: str) -> str:
    """9 digits, with their two check digits behind."""
    return _closed(base, _CPF[1:], _CPF)


def unit_code(base: str) -> str:
    """13 digits, with their two check digits behind."""
    return _closed(base, _UNIT_FIRST, _UNIT_SECOND)


def is_cnpj(text: str) -> bool:
    """A CNPJ, old or alphanumeric, without punctuation."""
    return re.fullmatch(r"[0-9A-Z]{12}[0-9]{2}", text) is not None and len(set(text)) > 1 and cnpj(text[:12]) == text


def is_cpf(text: str) -> bool:
    """A CPF without punctuation."""
    return re.fullmatch(r"[0-9]{11}", text) is not None and len(set(text)) > 1 and cpf(text[:9]) == text


def is_unit_code(text: str) -> bool:
    """15 digits of which the last two are right."""
    return re.fullmatch(r"[0-9]{15}", text) is not None and unit_code(text[:13]) == text


def _closed(base: str, first: Sequence[int], second: Sequence[int]) -> str:
    """A sign counts as its ASCII code less 48."""
    for weights in (first, second):
        rest = (sum(map(mul, base.encode("ascii"), weights)) - 48 * sum(weights)) % 11
        base += str(0 if rest < 2 else 11 - rest)
    return base
