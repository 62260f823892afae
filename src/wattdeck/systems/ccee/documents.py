"""CPF, CNPJ and consumer unit codes: whether they can be right, how they are written, how they are masked.

What is typed is upper-cased and freed of `. / -` and blanks, nothing else (ccee.md 5.3): a tab, a full-width digit
or a letter of another script stays where it is and makes the number wrong, instead of being guessed into another.

What the check digits see (ccee.md 5.2-5.4). Both are sums modulo 11, so one changed digit changes both remainders,
unless its weight is 11; but the remainders 0 and 1 give the same check digit, 0. A changed digit is therefore always
found, except at these places (from the left), by these differences, and in numbers that end in 00:

- CPF: place 6 by 2 or 9; place 1 (second weight 11) by 1, as soon as the first check digit is 0.
- CNPJ: places 1 and 9 by 2 or 9, place 5 by 5 or 6.
- Consumer unit: place 6 by 2 or 9, place 11 by 1; place 1 as in a CPF.

In an alphanumeric CNPJ differences count modulo 11, so that characters 11, 22 or 33 apart are never told from each
other, whatever the number ends in: `6` from `A`, `A` from `L`, `L` from `W`.
A changed check digit is always found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wattdeck.core.text import clean

_BARE = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "./- ")
_CPF = re.compile(r"[0-9]{11}")
_CNPJ = re.compile(r"[0-9A-Z]{12}[0-9]{2}")
_UNIT = re.compile(r"[0-9]{15}")
_VALUED = re.compile(r"[0-9A-Z]+")
_MASKED_CPF = re.compile(r"[0-9*]{9}[0-9]{2}")
_MASKED_CNPJ = re.compile(r"[0-9A-Z*]{8}[0-9A-Z]{4}[0-9]{2}")
_EMAIL = re.compile(r"[^\s@]{1,64}@(?:[^\s@.]{1,63}\.)+[^\s@.]{2,63}")
EMAIL_LENGTH_MAX = 254
MASK = "*"
_MASK_LENGTH_MAX = 12
_SHOWN_DOMAIN_MAX = 60

_CPF_WEIGHTS = ((10, 9, 8, 7, 6, 5, 4, 3, 2), (11, 10, 9, 8, 7, 6, 5, 4, 3, 2))
_CNPJ_WEIGHTS = ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2))
_UNIT_WEIGHTS = ((10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 10, 9, 8), (11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 10, 9, 8))


def bare_document(text: str) -> str:
    """A number as it is sent: upper case, without `. / -` and blanks. Not checked."""
    return text.translate(_BARE)


def valid_cpf(text: str) -> bool:
    """It has 11 digits, not all the same, and the right check digits (ccee.md 5.2)."""
    bare = bare_document(text)
    return _CPF.fullmatch(bare) is not None and len(set(bare)) > 1 and bare == complete_cpf(bare[:9])


def valid_cnpj(text: str) -> bool:
    """It has 14 characters, the last two digits, with the right check digits; letters are allowed (ccee.md 5.3)."""
    bare = bare_document(text)
    return _CNPJ.fullmatch(bare) is not None and len(set(bare)) > 1 and bare == complete_cnpj(bare[:12])


def valid_unit_code(text: str) -> bool:
    """It has 15 digits with the right check digits (ccee.md 5.4). Older codes are not, and still exist."""
    bare = bare_document(text)
    return _UNIT.fullmatch(bare) is not None and len(set(bare)) > 1 and bare == complete_unit_code(bare[:13])


def valid_email(text: str) -> bool:
    """It has the shape of an e-mail address: something, `@`, a domain with a dot, no blanks."""
    return len(text) <= EMAIL_LENGTH_MAX and text.isprintable() and _EMAIL.fullmatch(text) is not None


def complete_cpf(base: str) -> str:
    """The nine first digits of a CPF with its two check digits."""
    return _complete(base, _CPF_WEIGHTS)


def complete_cnpj(base: str) -> str:
    """The twelve first characters of a CNPJ, digits or capital letters, with its two check digits."""
    return _complete(base, _CNPJ_WEIGHTS)


def complete_unit_code(base: str) -> str:
    """The thirteen first digits of a unit code (ten of the unit, three of the utility) with its check digits."""
    return _complete(base, _UNIT_WEIGHTS)


def format_cpf(text: str) -> str:
    """`529.982.247-25`; text that has not the length of a CPF stays as it is."""
    bare = bare_document(text)
    return f"{bare[:3]}.{bare[3:6]}.{bare[6:9]}-{bare[9:]}" if _CPF.fullmatch(bare) else text


def format_cnpj(text: str) -> str:
    """`11.222.333/0001-81`; text that has not the shape of a CNPJ stays as it is."""
    bare = bare_document(text)
    return _spaced_cnpj(bare) if _CNPJ.fullmatch(bare) else text


def format_document(text: str) -> str:
    """A CPF or a CNPJ as it is written, by its length; other text stays as it is."""
    return format_cpf(text) if len(bare_document(text)) == 11 else format_cnpj(text)


def format_unit_code(text: str) -> str:
    """`0.013.479.258.028-10`; a code that has not 15 digits stays as it is."""
    bare = bare_document(text)
    if _UNIT.fullmatch(bare) is None:
        return text
    return f"{bare[0]}.{bare[1:4]}.{bare[4:7]}.{bare[7:10]}.{bare[10:13]}-{bare[13:]}"


def mask_document(text: str) -> str:
    """A number for the screen: the end of a CNPJ (`**.***.***/0001-81`), the check digits of a CPF (`***.***.***-25`).

    Of any other text only the last two characters are shown, and of one that short none. Masking twice changes nothing.
    """
    bare = bare_document(text)
    if _MASKED_CNPJ.fullmatch(bare):
        return _spaced_cnpj(MASK * 8 + bare[8:])
    if _MASKED_CPF.fullmatch(bare):
        return f"***.***.***-{bare[9:]}"
    shown = bare_document(clean(text, 100))
    return MASK * min(len(shown) - 2, _MASK_LENGTH_MAX) + shown[-2:] if len(shown) > 2 else MASK * len(shown)


def mask_email(text: str) -> str:
    """`u***@example.com`: the first letter and the domain; nothing of text that is no address."""
    local, at, domain = clean(text, EMAIL_LENGTH_MAX).rpartition("@")
    if not at or not local or not domain:
        return MASK * 3 if text else ""
    return f"{local[0]}***@{clean(domain, _SHOWN_DOMAIN_MAX)}"


def _spaced_cnpj(bare: str) -> str:
    return f"{bare[:2]}.{bare[2:5]}.{bare[5:8]}/{bare[8:12]}-{bare[12:]}"


def _complete(base: str, weights: tuple[Sequence[int], Sequence[int]]) -> str:
    """Append both check digits; the second counts the first.

    Raises:
        ValueError: the base is not as long as the rule is for, or holds what the rule has no value for.
    """
    if len(base) != len(weights[0]) or not _VALUED.fullmatch(base):
        raise ValueError(f"expected {len(weights[0])} digits (or, in a CNPJ, capital letters) before the check digits")
    for row in weights:
        # The value of a character is its ASCII code less 48: 0-9 are themselves, A is 17 (ccee.md 5.3).
        remainder = sum((ord(character) - 48) * weight for character, weight in zip(base, row, strict=True)) % 11
        base += str(0 if remainder < 2 else 11 - remainder)
    return base
