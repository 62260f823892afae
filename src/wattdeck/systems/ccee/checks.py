"""Single values of a draft: each function gives a sentence for a person, or the empty text if all is well.

Values are judged whatever their type: a draft may have been made from text that somebody typed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

from wattdeck.core.language import later, tr
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
_CONTROL_NAMES = {
    "\n": later("a line break"),
    "\r": later("a line break"),
    "\t": later("a tab"),
    "\x1b": later("an escape character"),
}


def parse_date(text: str) -> date:
    """A day somebody wrote as year, month, day.

    Raises:
        ValueError: it is none, in a sentence.
    """
    match = _DATE.fullmatch(text.strip(" "))
    if match is None:
        words = tr("“{text}” is not a date; write year, month and day, such as 2026-03-02", text=clean(text, _SHOWN))
        raise ValueError(words)
    year, month, day = (int(part) for part in match.groups())
    if not 1 <= month <= 12:
        words = tr("{text}: there is no month {month}; months go from 01 to 12", text=match[0], month=match[2])
        raise ValueError(words)
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(tr("{text}: that month has no day {day}", text=match[0], day=match[3])) from None


def text(what: str, value: str, length_max: int, *, needed: bool = False) -> str:
    """Free text: nothing that cannot be shown, and not too long."""
    if needed and not value.strip():
        return tr("{what} is missing.", what=what)
    if len(value) > length_max:
        return tr("{what} has {count} characters; at most {most} are taken.", what=what, count=len(value),
                  most=length_max)  # fmt: skip
    return _unshowable(what, value)


def unit_code(value: str, *, new: bool) -> str:
    """A consumer unit's code, 15 digits with check digits where only new ones are taken (ccee.md 5.4)."""
    what = tr("The consumer unit's code")
    if said := text(what, value, UNIT_CODE_LENGTH_MAX, needed=True):
        return said
    if not new or valid_unit_code(value):
        return ""
    bare = bare_document(value)
    if len(bare) == 15 and bare.isascii() and bare.isdecimal():
        return tr("{what} {code} has wrong check digits; compare it with the utility's bill.", what=what, code=bare)
    return tr(
        '{what} "{text}" has {count} characters; 15 digits are needed (ANEEL\'s new code, on the utility\'s bill).',
        what=what, text=clean(value, _SHOWN), count=len(bare),
    )  # fmt: skip


def code(what: str, value: object) -> str:
    """A code of an agent or a profile."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= CODE_MAX:
        return ""
    if value is None or value == "":
        return tr("{what} is missing.", what=what)
    return tr("{what} {given} is not a number from 1 to {most}.", what=what, given=_given(value), most=CODE_MAX)


def choice(what: str, value: str, choices: Sequence[str]) -> str:
    """One of several codes, letter by letter."""
    if value in choices:
        return ""
    expected = tr(" or ").join(choices) if len(choices) == 2 else tr("one of {choices}", choices=", ".join(choices))
    if not value:
        return tr("{what} is missing: {expected}.", what=what, expected=expected)
    return tr("{what} {given} is not {expected}.", what=what, given=_given(value), expected=expected)


def migration_document(kind: str, number: str) -> str:
    """A migration's document: a CNPJ has its number, a CPF must not have it (ccee.md 3.4, 3.6)."""
    if kind == CPF:
        return tr("A migration for a CPF is sent without its number: leave it empty.") if number else ""
    return document(kind, number)


def document(kind: str, number: str) -> str:
    """A CPF's or a CNPJ's number. Of what was given only the mask is told."""
    if kind not in (CPF, CNPJ):
        return ""
    length, valid = (11, valid_cpf) if kind == CPF else (14, valid_cnpj)
    if not number:
        if kind == CPF:
            return tr("The CPF is missing: {count} digits.", count=length)
        return tr("The CNPJ is missing: {count} characters.", count=length)
    if valid(number):
        return ""
    bare = bare_document(number)
    if any(not (each.isascii() and each.isalnum()) for each in bare):
        if kind == CPF:
            return tr("The CPF holds characters that no CPF has; only digits count.")
        return tr("The CNPJ holds characters that no CNPJ has; only digits and letters count.")
    given = tr("The {kind} {number}", kind=kind, number=mask_document(number))
    if len(bare) != length:
        return tr("{what} has {count} characters; {needed} are needed.", what=given, count=len(bare), needed=length)
    if kind == CPF and not bare.isdecimal():
        return tr("{what} has letters; a CPF has digits only.", what=given)
    if not bare[-2:].isdecimal():
        return tr("{what} ends in letters; its last two characters are check digits.", what=given)
    if len(set(bare)) == 1:
        return tr("{what} repeats one digit; that number belongs to nobody.", what=given)
    return tr("{what} has wrong check digits; compare it with the document.", what=given)


def email(what: str, value: str) -> str:
    """An e-mail address. Of what was given only the mask is told."""
    if said := text(what, value, EMAIL_LENGTH_MAX, needed=True):
        return said
    if valid_email(value):
        return ""
    return tr("{what} {given} is no address; write it like name@example.com.", what=what, given=mask_email(value))


def phone(value: str) -> str:
    """A telephone number, however it is grouped: 8 to 15 digits."""
    digits = sum(each.isdecimal() for each in value)
    if _PHONE.fullmatch(value) and 8 <= digits <= 15:
        return ""
    return tr("The telephone number with {count} digits is none; write it like (11) 98765-4321.", count=digits)


def month(value: str) -> str:
    """A reference month."""
    try:
        year = int(parse_month(value)[:4])
    except ValueError as error:
        return tr("The month is missing: write it like 2026-10.") if not value else f"{_capital(str(error))}."
    return _year(tr("The month"), value, year)


def day(what: str, value: object) -> str:
    """A plain date."""
    if value is None or value == "":
        return tr("{what} is missing: write it like 2026-03-02.", what=what)
    if isinstance(value, datetime) or not isinstance(value, date):
        return tr("{what} {given} is not a plain date.", what=what, given=_given(value))
    return _year(what, value.isoformat(), value.year)


def _year(what: str, value: str, year: int) -> str:
    if FIRST_YEAR <= year <= LAST_YEAR:
        return ""
    return tr("{what} {given} is not between {first} and {last}.", what=what, given=clean(value, _SHOWN),
              first=FIRST_YEAR, last=LAST_YEAR)  # fmt: skip


def _unshowable(what: str, value: str) -> str:
    """Control characters, bidi controls and the like: they would deceive whoever reads it later."""
    if value.isprintable():
        return ""
    place, found = next((place, each) for place, each in enumerate(value, 1) if not each.isprintable())
    name = tr(_CONTROL_NAMES[found]) if found in _CONTROL_NAMES else tr("a character that cannot be shown")
    return tr("{what} holds {character} ({code}) at place {place}; remove it.", what=what, character=name,
              code=f"U+{ord(found):04X}", place=place)  # fmt: skip


def _given(value: object) -> str:
    return f'"{clean(str(value), _SHOWN)}"'


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
