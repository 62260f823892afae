"""Single values of a draft: each function gives a sentence for a person, or the empty text if all is well.

Values are judged whatever their type: a draft may have been made from text that somebody typed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

from wattdeck.core.text import clean
from wattdeck.systems.ccee.documents import (
    EMAIL_LENGTH_MAX,
    bare_document,
    mask_document,
    mask_email,
    valid_cnpj,
    valid_cpf,
    valid_email,
    valid_unit_code,
)
from wattdeck.systems.ccee.models import CNPJ, CPF
from wattdeck.systems.ccee.months import parse_month

CODE_MAX = 99_999_999
UNIT_CODE_LENGTH_MAX = 40
FIRST_YEAR, LAST_YEAR = 2000, 2100
_DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_PHONE = re.compile(r"\+?[0-9()./ -]+")
_SHOWN = 40
_CONTROL_NAMES = {"\n": "a line break", "\r": "a line break", "\t": "a tab", "\x1b": "an escape character"}


def parse_date(text: str) -> date:
    """A day somebody wrote as year, month, day.

    Raises:
        ValueError: it is none, in a sentence.
    """
    match = _DATE.fullmatch(text.strip(" "))
    if match is None:
        raise ValueError(f"“{clean(text, _SHOWN)}” is not a date; write year, month and day, such as 2026-03-02")
    year, month, day = (int(part) for part in match.groups())
    if not 1 <= month <= 12:
        raise ValueError(f"{match[0]}: there is no month {match[2]}; months go from 01 to 12")
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"{match[0]}: that month has no day {match[3]}") from None


def text(what: str, value: str, length_max: int, *, needed: bool = False) -> str:
    """Free text: nothing that cannot be shown, and not too long."""
    if needed and not value.strip():
        return f"{what} is missing."
    if len(value) > length_max:
        return f"{what} has {len(value)} characters; at most {length_max} are taken."
    return _unshowable(what, value)


def unit_code(value: str, *, new: bool) -> str:
    """A consumer unit's code, 15 digits with check digits where only new ones are taken (ccee.md 5.4)."""
    what = "The consumer unit's code"
    if said := text(what, value, UNIT_CODE_LENGTH_MAX, needed=True):
        return said
    if not new or valid_unit_code(value):
        return ""
    bare = bare_document(value)
    if len(bare) == 15 and bare.isascii() and bare.isdecimal():
        return f"{what} {bare} has wrong check digits; compare it with the utility's bill."
    return (
        f'{what} "{clean(value, _SHOWN)}" has {len(bare)} characters; 15 digits are needed (ANEEL\'s new code, on the '
        "utility's bill)."
    )


def code(what: str, value: object) -> str:
    """A code of an agent or a profile."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= CODE_MAX:
        return ""
    if value is None or value == "":
        return f"{what} is missing."
    return f"{what} {_given(value)} is not a number from 1 to {CODE_MAX}."


def choice(what: str, value: str, choices: Sequence[str]) -> str:
    """One of several codes, letter by letter."""
    if value in choices:
        return ""
    expected = " or ".join(choices) if len(choices) == 2 else f"one of {', '.join(choices)}"
    return f"{what} {_given(value)} is not {expected}." if value else f"{what} is missing: {expected}."


def migration_document(kind: str, number: str) -> str:
    """A migration's document: a CNPJ has its number, a CPF must not have it (ccee.md 3.4, 3.6)."""
    if kind == CPF:
        return "A migration for a CPF is sent without its number: leave it empty." if number else ""
    return document(kind, number)


def document(kind: str, number: str) -> str:
    """A CPF's or a CNPJ's number. Of what was given only the mask is told."""
    if kind not in (CPF, CNPJ):
        return ""
    length, valid = (11, valid_cpf) if kind == CPF else (14, valid_cnpj)
    if not number:
        return f"The {kind} is missing: {length} {'digits' if kind == CPF else 'characters'}."
    if valid(number):
        return ""
    bare = bare_document(number)
    if any(not (each.isascii() and each.isalnum()) for each in bare):
        return (
            f"The {kind} holds characters that no {kind} has; only digits{'' if kind == CPF else ' and letters'} count."
        )
    given = f"The {kind} {mask_document(number)}"
    if len(bare) != length:
        return f"{given} has {len(bare)} characters; {length} are needed."
    if kind == CPF and not bare.isdecimal():
        return f"{given} has letters; a CPF has digits only."
    if not bare[-2:].isdecimal():
        return f"{given} ends in letters; its last two characters are check digits."
    if len(set(bare)) == 1:
        return f"{given} repeats one digit; that number belongs to nobody."
    return f"{given} has wrong check digits; compare it with the document."


def email(what: str, value: str) -> str:
    """An e-mail address. Of what was given only the mask is told."""
    if said := text(what, value, EMAIL_LENGTH_MAX, needed=True):
        return said
    return "" if valid_email(value) else f"{what} {mask_email(value)} is no address; write it like name@example.com."


def phone(value: str) -> str:
    """A telephone number, however it is grouped: 8 to 15 digits."""
    digits = sum(each.isdecimal() for each in value)
    if _PHONE.fullmatch(value) and 8 <= digits <= 15:
        return ""
    return f"The telephone number with {digits} digits is none; write it like (11) 98765-4321."


def month(value: str) -> str:
    """A reference month."""
    try:
        year = int(parse_month(value)[:4])
    except ValueError as error:
        return "The month is missing: write it like 2026-10." if not value else f"{_capital(str(error))}."
    return _year("The month", value, year)


def day(what: str, value: object) -> str:
    """A plain date."""
    if value is None or value == "":
        return f"{what} is missing: write it like 2026-03-02."
    if isinstance(value, datetime) or not isinstance(value, date):
        return f"{what} {_given(value)} is not a plain date."
    return _year(what, value.isoformat(), value.year)


def _year(what: str, value: str, year: int) -> str:
    if FIRST_YEAR <= year <= LAST_YEAR:
        return ""
    return f"{what} {clean(value, _SHOWN)} is not between {FIRST_YEAR} and {LAST_YEAR}."


def _unshowable(what: str, value: str) -> str:
    """Control characters, bidi controls and the like: they would deceive whoever reads it later."""
    if value.isprintable():
        return ""
    place, found = next((place, each) for place, each in enumerate(value, 1) if not each.isprintable())
    name = _CONTROL_NAMES.get(found, "a character that cannot be shown")
    return f"{what} holds {name} (U+{ord(found):04X}) at place {place}; remove it."


def _given(value: object) -> str:
    return f'"{clean(str(value), _SHOWN)}"'


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
