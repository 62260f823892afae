"""The language a person reads. English is in the source; other languages are gettext catalogues beside the package.

Words are looked up when they are made or drawn, never at import. What machines read (JSON, CSV, names of events and
causes in the journal, the log) is never translated: a command that prints it calls `use("en")` first.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gettext import GNUTranslations

LANGUAGES = {"en": "English", "pt_BR": "Português (Brasil)", "ms": "Bahasa Melayu"}
"""Code -> the language's own name."""
FOLDER = Path(__file__).parents[1] / "locale"
DOMAIN = "wattdeck"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a language writes numbers and dates."""

    decimal: str = "."
    group: str = " "
    """Between three digits and three."""
    date: str = "%Y-%m-%d"
    """A whole date, as `strftime` takes it."""
    day: str = "%m-%d"
    """A date whose year goes without saying."""


_MANNERS = {
    "en": Manner(),
    "pt_BR": Manner(",", ".", "%d/%m/%Y", "%d/%m"),
    "ms": Manner(".", ",", "%d/%m/%Y", "%d/%m"),
}

_code = "en"
_catalogue: GNUTranslations | None = None


def use(code: str) -> None:
    """Speak this language from now on; one there is no catalogue of falls back to English words."""
    global _code, _catalogue
    _code = code if code in LANGUAGES else "en"
    _catalogue = None if _code == "en" else _load(_code)


def current() -> str:
    """The code of the language in use."""
    return _code


def manner() -> Manner:
    """How the language in use writes numbers and dates."""
    return _MANNERS[_code]


def wanted(setting: str = "auto", environment: Mapping[str, str] = os.environ) -> str:
    """The language to use: the setting, else the first one we know in LANGUAGE, LC_ALL, LC_MESSAGES or LANG."""
    if setting != "auto":
        return setting
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        said = environment.get(name, "")
        if said and said.partition(".")[0] in ("C", "POSIX"):
            return "en"
        for each in said.split(":"):
            code = each.partition(".")[0].partition("@")[0].replace("-", "_")
            known = _known(code)
            if known:
                return known
        if said and name != "LANGUAGE":
            break
    return "en"


def tr(message: str, /, **values: object) -> str:
    """The message in the language in use, with its `{places}` filled. The message is written out where it is said."""
    text = message if _catalogue is None else _catalogue.gettext(message)
    return text.format(**values) if values else text


def tr_as(context: str, message: str, /, **values: object) -> str:
    """`tr` for words that mean several things: the context tells translators which (`relay`, `link`)."""
    text = message if _catalogue is None else _catalogue.pgettext(context, message)
    return text.format(**values) if values else text


def plural(one: str, many: str, count: int, /, **values: object) -> str:
    """The message for so many; `{count}` is the number, formatted by the caller if it is given among the values."""
    lookup = _english if _catalogue is None else _catalogue.ngettext
    text = lookup(one, many, count)
    return text.format(**{"count": count, **values})


def later(message: str, /) -> str:
    """The message itself, noted for the catalogues: for constants, which are translated where they are drawn."""
    return message


def _english(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


@cache
def _load(code: str) -> GNUTranslations | None:
    from gettext import GNUTranslations

    try:
        with (FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as stream:
            return GNUTranslations(stream)
    except (OSError, ValueError, LookupError, struct.error):
        # A damaged one can fail in any of these ways; English words are better than none.
        return None


def _known(code: str) -> str:
    """The language of ours that a locale's code means, or empty: `pt`, `pt_PT` -> `pt_BR`; `ms_BN` -> `ms`."""
    tongue = code.partition("_")[0]
    return next((ours for ours in LANGUAGES if ours == code or ours.partition("_")[0] == tongue), "")
