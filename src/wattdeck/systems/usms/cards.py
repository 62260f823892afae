"""The meter cards of the Home page, by caption: the layout changes, the words do not (usms.md 2.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wattdeck.core.errors import BadAnswer
from wattdeck.core.language import tr
from wattdeck.systems.usms import markup
from wattdeck.systems.usms.models import AccountSnapshot, Kind, Meter
from wattdeck.systems.usms.values import moment, money_bnd, quantity

if TYPE_CHECKING:
    from bs4.element import Tag

METERS_MAX = 200
TEXTS_MAX = 64
WATER_DIGITS = 10
"""Length of a water meter's number in all samples; the last resort for its kind."""

CARD_CLASS = "dxcvCard"
CAPTION_CLASS = "dxflCaption"
VALUE_CLASS = "dxflNestedControlCell"

_CAPTIONS = {
    "meter no": "number",
    "full name": "name",
    "meter status": "status",
    "address": "address",
    "kampong": "kampong",
    "mukim": "mukim",
    "district": "district",
    "postcode": "postcode",
    "remaining unit": "unit",
    "remaining balance": "credit",
    "remaining credit": "credit",
    "last updated": "updated",
}
_CARD_ID = re.compile(r"_DXDataCard\d+$", re.ASCII)
_NUMBER = re.compile(r"\d{4,20}", re.ASCII)
_TOKEN = re.compile(r"<(/?)([a-z][a-z0-9]*|!)([^<>]*)>([^<]*)", re.ASCII)
_FIRST = re.compile(r"<(?:td|div)(?=\s)[^<>]*(?:dxcvCard|_DXDataCard)")
_CELLS = frozenset(("td", "th", "tr"))
_VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"))


@dataclass(slots=True)
class Card:
    """What one card shows."""

    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The pieces of text of each known field."""
    icons: list[str] = field(default_factory=list)
    """Sources of its images."""

    def text(self, name: str) -> str:
        """A field as one text; empty if it is not shown, or shown as `-`."""
        shown = markup.text(self.fields.get(name, ()))
        return "" if shown == "-" else shown

    def texts(self, name: str) -> tuple[str, ...]:
        """A field as a whole, then its first piece alone: other things may follow a value in its cell."""
        return markup.text(self.fields.get(name, ())), *self.fields.get(name, ())[:1]


def read_home(html: str, what: str) -> AccountSnapshot:
    """The account and its meters. A card without a meter number is left out, the rest is kept.

    Raises:
        BadAnswer: the page shows no meters, which a maintenance page does not either (usms.md 10).
    """
    cards = _ordinary_cards(html)
    if cards is None:
        cards = _cards(html)
    meters: dict[str, Meter] = {}
    for card in cards[:METERS_MAX]:
        meter = _meter(card)
        if meter is not None:
            meters.setdefault(meter.number, meter)
    if not meters:
        if cards:
            words = tr("{page}: the page shows meters without a number; is the portal under maintenance?", page=what)
        else:
            words = tr("{page}: the page shows no meters; is the portal under maintenance?", page=what)
        raise BadAnswer(words)
    return AccountSnapshot(next((name for card in cards if (name := card.text("name"))), ""), tuple(meters.values()))


def _meter(card: Card) -> Meter | None:
    number = "".join(card.text("number").split())
    if not _NUMBER.fullmatch(number):
        return None
    remaining, kind = quantity(*card.texts("unit"))
    if kind is None:
        kind = _kind(card.icons, number)
    updated_at, date_only = moment(card.text("updated"))
    return Meter(
        number=number,
        kind=kind,
        status=card.text("status"),
        remaining_unit=remaining,
        unit=kind.unit,
        credit_bnd=money_bnd(*card.texts("credit")),
        updated_at=updated_at,
        updated_date_only=date_only,
        address=card.text("address"),
        kampong=card.text("kampong"),
        mukim=card.text("mukim"),
        district=card.text("district"),
        postcode=card.text("postcode"),
    )


def _kind(icons: list[str], number: str) -> Kind:
    """What a meter counts, where its unit is not shown: by its icon, or else by the length of its number."""
    water = any("water" in icon.lower() for icon in icons) if icons else len(number) == WATER_DIGITS
    return Kind.WATER if water else Kind.ELECTRICITY


def _field(pieces: tuple[str, ...]) -> str:
    """The field that a caption names; empty if it is not a known one."""
    return _CAPTIONS.get(markup.text(pieces).rstrip(": ").lower(), "")


def _is_card(element: dict[str, str]) -> bool:
    return CARD_CLASS in element.get("class", "").split() or bool(_CARD_ID.search(element.get("id", "")))


def _cards(html: str) -> list[Card]:
    """The cards of any page."""
    found: list[Card] = []
    inside: set[int] = set()
    for element in markup.soup(html, "td", "div").find_all(["td", "div"]):
        if id(element) in inside or not _is_card(markup.attributes_of(element)):
            continue
        within = element.find_all(True)
        inside.update(map(id, within))
        found.append(_card(within))
        if len(found) >= METERS_MAX:
            break
    return found


def _card(elements: Iterable[Tag]) -> Card:
    card = Card()
    name = ""
    for element in elements:
        if element.name == "img":
            card.icons.append(markup.attribute(element, "src"))
        elif element.name == "span" and markup.has_class(element, CAPTION_CLASS):
            name = _field(markup.pieces(markup.strings(element)))
        elif name and element.name == "td" and markup.has_class(element, VALUE_CLASS):
            if name not in card.fields:
                card.fields[name] = markup.pieces(markup.own_strings(element))
            name = ""
    return card


def _ordinary_cards(html: str) -> list[Card] | None:
    """The cards of an ordinary page that closes every element in them; None leaves it to the tolerant way."""
    plain = markup.ordinary(html)
    first = None if plain is None else _FIRST.search(plain)
    if plain is None or first is None:
        return None
    found: list[Card] = []
    tokens = iter(_TOKEN.findall(plain, first.start()))
    try:
        for closing, name, inside, _ in tokens:
            if name in ("td", "div") and not closing and _is_card(_attributes(inside)):
                found.append(_Walk(name).to_the_end(tokens))
                if len(found) >= METERS_MAX:
                    break
    except ValueError:
        return None
    return found


class _Walk:
    """The way through one card of an ordinary page. Raises ValueError where the markup is not as documented."""

    def __init__(self, name: str) -> None:
        self._card = Card()
        self._open = [name]
        self._field = ""
        self._end = 0
        """How many elements are open while a caption or a value is read; 0: neither is."""
        self._texts: list[str] | None = None
        self._is_value = False

    def to_the_end(self, tokens: Iterator[tuple[str, str, str, str]]) -> Card:
        """The card: tokens are a slash if it closes, the element's name, the rest of the tag, the text after it."""
        for closing, name, inside, text in tokens:
            if closing:
                self._close(name)
                if not self._open:
                    return self._card
            elif name != "!":
                self._enter(name, inside)
            if self._texts is not None:
                self._texts.append(text)
        raise ValueError("a card that does not end")

    def _enter(self, name: str, inside: str) -> None:
        reading = self._texts is not None
        if reading and name in _CELLS and self._open[-1] in _CELLS:
            raise ValueError("a cell right inside another")
        if name == "img":
            self._card.icons.append(_attributes(inside).get("src", ""))
        elif name == "span" and CAPTION_CLASS in inside and CAPTION_CLASS in _classes(inside):
            if reading:
                raise ValueError("a caption inside another or inside a value")
            self._read(is_value=False)
        elif name == "td" and VALUE_CLASS in inside and VALUE_CLASS in _classes(inside):
            if reading and not self._is_value:
                raise ValueError("a value inside a caption")
            if self._field and not reading:
                self._read(is_value=True)
        if name not in _VOID:
            self._open.append(name)
            if inside.endswith("/"):
                self._close(name)

    def _read(self, *, is_value: bool) -> None:
        self._texts, self._is_value, self._end = [], is_value, len(self._open)

    def _close(self, name: str) -> None:
        if self._open.pop() != name:
            raise ValueError("elements overlap")
        if self._texts is None or len(self._open) > self._end:
            return
        if len(self._texts) > TEXTS_MAX:
            raise ValueError("a text of too many parts")
        pieces = markup.pieces(map(_resolved, self._texts))
        if self._is_value:
            self._card.fields.setdefault(self._field, pieces)
        self._field = "" if self._is_value else _field(pieces)
        self._texts = None


def _resolved(text: str) -> str:
    found = markup.unescaped(text)
    if found is None:
        raise ValueError("an unusual reference")
    return found


def _attributes(inside: str) -> dict[str, str]:
    found = markup.attributes(inside)
    if found is None:
        raise ValueError("an unusual reference")
    return found


def _classes(inside: str) -> list[str]:
    return _attributes(inside).get("class", "").split()
