"""Personal data, masked for screens, logs and errors (aneel.md 3.4). Masking twice changes nothing."""

from __future__ import annotations

import re

from wattdeck.core.redact import redact
from wattdeck.core.text import clean

HIDDEN = "***"
MASKED_CPF = re.compile(r"\*{3}\.[0-9]{3}\.[0-9]{3}-\*{2}")
MASKED_CNPJ = re.compile(r"\*{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/\*{4}-\*{2}")

_PARTICLES = frozenset({"da", "de", "do", "das", "dos", "e"})
_MASKED_UNIT = re.compile(r"\*{3}[0-9A-Za-z]{3}")
_INITIAL = re.compile(r"\w\.")
_E_MAIL = re.compile(r"[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
_DOCUMENT = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"[0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}/?[0-9A-Z]{4}-?[0-9]{2}"
    r"|[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}"
    r")(?![0-9A-Za-z])"
)


def mask_document(number: str) -> str:
    """A CPF or CNPJ with its middle only: `***.456.789-**`, `**.345.678/****-**`; what is neither shows nothing."""
    if MASKED_CPF.fullmatch(number) or MASKED_CNPJ.fullmatch(number):
        return number
    bare = re.sub(r"[.\-/ ]", "", number[:40])
    if re.fullmatch(r"[0-9]{11}", bare):
        return f"***.{bare[3:6]}.{bare[6:9]}-**"
    if re.fullmatch(r"[0-9A-Z]{12}[0-9]{2}", bare):
        return f"**.{bare[2:5]}.{bare[5:8]}/****-**"
    return HIDDEN if number.strip() else ""


def mask_name(name: str) -> str:
    """The first name and the initials of the others: `Maria A. S.`; at most five of them."""
    words = [word for word in clean(name, 100).split() if word.lower() not in _PARTICLES]
    if not words:
        return ""
    initials = [word if _INITIAL.fullmatch(word) else f"{word[0].upper()[0]}." for word in words[1:6]]
    return " ".join([words[0][:30], *initials])


def mask_unit(number: str) -> str:
    """A consumer unit's number with its last three digits only: `***345`."""
    bare = clean(number, 40).strip()
    if _MASKED_UNIT.fullmatch(bare):
        return bare
    return HIDDEN + bare[-3:] if len(bare) > 5 and bare[-3:].isalnum() and bare.isascii() else HIDDEN if bare else ""


def mask_text(text: str, limit: int) -> str:
    """A stranger's text that is safe to show: short, plain, without documents, e-mail addresses and secrets."""
    text = redact(text[: 8 * limit])
    text = _E_MAIL.sub("***@***", _DOCUMENT.sub(HIDDEN, text))
    return clean(text, limit).strip()
