"""The fault switches of the USMS simulator: what they are called and what they take.

Written `NAME` or `NAME=VALUE`. Faults of answers take `*N` behind either part: the next N answers only. The value
`off` clears. Where each comes from: usms.md 2-5 and 10.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from wattdeck.core import faultboard
from wattdeck.core.faultboard import Catalogue, Kind, choice, count, one_of, seconds


def _after(text: str) -> int:
    return count(text.removeprefix("after:"))


def _decimal(text: str, most: int, what: str) -> Decimal:
    if re.fullmatch(r"\d{1,4}(\.\d{1,3})?", text, re.ASCII) and (found := Decimal(text)) <= most:
        return found
    raise ValueError(f"expected {what} from 0 to {most}")


def _dollars(text: str) -> Decimal:
    return _decimal(text, 1000, "dollars")


def _times(text: str) -> Decimal:
    return _decimal(text, 100, "a number")


def _word(text: str) -> str:
    if not re.fullmatch(r"[A-Z ]{1,20}", text):
        raise ValueError("expected a word in capital letters")
    return text


def _standing(
    name: str, meaning: str, syntax: str = "", default: str = "", parse: Callable[[str], object] = str
) -> Kind:
    return Kind(name, meaning, syntax, default, parse, "standing")


def _choice(name: str, meaning: str, *words: str) -> Kind:
    return choice(name, meaning, *words, strikes="standing")


KINDS: tuple[Kind, ...] = (
    # the portal as a whole
    Kind("slow", "answer late", "SECONDS", parse=seconds),
    Kind("maintenance", "a maintenance page with status 200 instead of every page"),
    Kind("status-503", "503 instead of every page"),
    Kind("login-503", "503 on the login pages only"),
    Kind("truncated", "well-framed answer that holds half of the page"),
    Kind("huge", "a 6 MB page"),
    Kind(
        "latin1",
        "pages in Latin-1: nothing says so, or the header does",
        "silent|header",
        "silent",
        one_of("silent", "header"),
    ),
    # logging in
    _standing("captcha-off", "no captcha, as before October 2026"),
    _standing("captcha-missing", "login pages without the image"),
    _standing("captcha-wrong", "the first N captcha answers are rejected, right or wrong", "N", "1", count),
    _standing("session-stolen", "another login ends the session now, or N pages later", "[after:]N", "after:0", _after),
    _standing("expire-sentence", "an expired session shows the sentence where the page was asked, with no redirect"),
    _standing("expire-url", "an expired session is redirected to a page without the sentence"),
    _standing("expire-inline", "an expired session shows the login form, status 200, no redirect"),
    _standing("strict-viewstate", "only the newest __VIEWSTATE of the session is accepted: 500"),
    # meter cards
    _choice("layout", "numbers of the card's cells: old = before October 2026, date and time", "old", "new"),
    Kind("no-cards", "Home without a card"),
    _standing("dashes", "unit and credit `-`, as while the portal is updating"),
    _choice("negative-credit", "5 dollars owed, the sign in three places", "inside", "before", "brackets"),
    _choice("odd-dates", "Last Updated in forms nobody promised", "empty", "bare", "dash", "twelve-hour", "iso"),
    _standing("water-no-date", "the water card shows no Last Updated, as on a new meter"),
    _standing("meter-added", "a second electricity meter on the account"),
    _standing("meter-removed", "the water meter is gone"),
    _standing("markup", "names with markup, escapes, bidi marks and 200 characters"),
    _standing("low-credit", "the electricity meter has that many dollars left", "DOLLARS", "0.50", _dollars),
    _standing("not-active", "the electricity meter has another status than ACTIVE", "WORD", "INACTIVE", _word),
    _standing("silent", "the portal has not heard of any meter for some hours", "HOURS", "72", count),
    # reports
    _standing("gaps", "hours and days are missing inside the grids"),
    _standing("late", "nothing came in yet of today and yesterday"),
    _standing("empty-history", "every report is empty"),
    _standing("comma-values", "values with commas for thousands: 0,006.514"),
    _standing("dash-values", "the newest value of a grid is `-`"),
    _standing("unusual-day", "yesterday took the electricity meter so many times its use", "TIMES", "3", _times),
    _standing("stray-error", "the words `consumption history not found.` over a full grid"),
)
BOARD = Catalogue(KINDS)


class FaultBoard(faultboard.FaultBoard):
    """The faults of the portal that are on."""

    def __init__(self) -> None:
        super().__init__(BOARD)
