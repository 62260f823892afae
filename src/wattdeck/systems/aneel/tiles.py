"""A state as tiles in plain characters: each municipality a short name and a letter, about where it lies.

Letters say how bad it is, colours only repeat it. Positions are approximate by intent: neighbours stay near, nothing
overlaps, and the same places always give the same picture. Knows no widget.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wattdeck.core.language import tr, tr_as
from wattdeck.core.lines import MUTED, TEXT, Line, Span, clip, joined, line_width
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, Glyphs, number
from wattdeck.systems.aneel.models import OutagesSnapshot, PlaceOutage, Severity
from wattdeck.systems.aneel.outagetable import SEVERITY_MEANINGS, fold, severity_word

NARROW, WIDE = 8, 13
"""Cells of a tile with and without its percent, the gap to the next one included."""
TALL = 12
"""From so many lines on the legend may take a second one."""
AIRY = 1.5
"""A map needs so many cells for each tile, or it is no map any more: then the percent gives way."""
LETTERS = {
    Severity.NORMAL: "N",
    Severity.ATTENTION: "A",
    Severity.ALERT: "L",
    Severity.CRITICAL: "C",
    Severity.UNKNOWN: "?",
}
FROM = {Severity.ATTENTION: "1 %", Severity.ALERT: "5 %", Severity.CRITICAL: "10 %"}
"""Where a severity begins."""
_SMALL_WORDS = frozenset({"da", "de", "do", "das", "dos", "e", "d"})

Spot = tuple[int, int]
"""Column and row of a tile on the grid, from the top left."""


@dataclass(frozen=True, slots=True)
class TileMap:
    """A picture of the state."""

    lines: tuple[Line, ...]
    spots: Mapping[int, tuple[int, int, int]]
    """IBGE code -> first cell, line, cells: to find what was clicked."""
    left_out: int
    """Municipalities there is no room for, and those of other states."""

    def at(self, x: int, y: int) -> int | None:
        """The municipality at a cell."""
        return next((code for code, (left, top, cells) in self.spots.items() if y == top and left <= x < left + cells),
                    None)  # fmt: skip


def draw(
    names: Mapping[int, str],
    positions: Mapping[int, tuple[float, float]],
    snapshot: OutagesSnapshot | None,
    width: int,
    height: int,
    *,
    selected: int | None = None,
    marks: Glyphs = UNICODE,
) -> TileMap:
    """The state as at most `height` lines of at most `width` cells, the legend last.

    Args:
        names: IBGE code -> name of all municipalities to show.
        positions: Latitude and longitude where known; without any the tiles stand in order of name.
        snapshot: What is out; None if nothing is known. A municipality that it does not name has nobody out.
    """
    if width < NARROW or height < 2:
        return TileMap((), {}, len(names))
    outages = {} if snapshot is None else {place.code: place for place in snapshot.municipalities}
    grid_rows = height - (2 if height >= TALL and line_width(_legend_line(legend(), " ", ())) > width else 1)
    wide = (width // WIDE) * grid_rows >= AIRY * len(names) and width // WIDE > 1
    cells = WIDE if wide else NARROW
    room = width // cells * grid_rows
    shown = _worst(names, outages, room, selected)
    spots = arranged(shown, positions, width // cells, grid_rows)
    shorts = short_names(names)
    made: dict[int, list[tuple[int, int]]] = {}
    for code, (column, row) in spots.items():
        made.setdefault(row, []).append((column, code))
    lines: list[Line] = []
    for row in range(max(made, default=-1) + 1):
        spans: list[Span] = []
        used = 0
        for column, code in sorted(made.get(row, ())):
            spans.append((" " * (column * cells - used), TEXT))
            spans += _tile(shorts[code], outages.get(code), snapshot is not None, wide, code == selected)
            used = column * cells + cells - 1
        lines.append(joined([span for span in spans if span[0]]))
    left_out = len(names) - len(shown) + sum(place.out > 0 for code, place in outages.items() if code not in names)
    lines += _legend(width, height - grid_rows, left_out, marks)
    places = {code: (column * cells, row, cells - 1) for code, (column, row) in spots.items()}
    return TileMap(tuple(lines), places, left_out)


def arranged(
    names: Mapping[int, str], positions: Mapping[int, tuple[float, float]], columns: int, rows: int
) -> dict[int, Spot]:
    """Where each tile stands: near where its place lies, north at the top, no two on one spot.

    Whoever lies nearest to the middle of a spot gets it first; the others take the nearest free one. Needs
    `columns * rows` spots for all names; those beyond that get none.
    """
    free = [(column, row) for row in range(rows) for column in range(columns)]
    known = {code: positions[code] for code in names if code in positions}
    if not known or len(names) > len(free):
        by_name = sorted(names, key=lambda code: (fold(names[code]), code))
        return dict(zip(by_name, free, strict=False))
    wanted = _wanted(known, columns, rows)
    taken: dict[int, Spot] = {}
    for code in sorted(wanted, key=lambda code: (_distance(wanted[code], _nearest(wanted[code], columns, rows)), code)):
        spot = min(free, key=lambda spot: (_distance(wanted[code], spot), spot))
        free.remove(spot)
        taken[code] = spot
    # Nobody knows where these lie: they stand below and at the left, out of the way.
    rest = sorted((code for code in names if code not in known), key=lambda code: (fold(names[code]), code))
    corner = sorted(free, key=lambda spot: (-spot[1], spot[0]))
    return taken | dict(zip(rest, corner, strict=False))


def _wanted(positions: Mapping[int, tuple[float, float]], columns: int, rows: int) -> dict[int, tuple[float, float]]:
    """The place of each on the grid, in spots and parts of spots."""
    latitudes = [latitude for latitude, _ in positions.values()]
    longitudes = [longitude for _, longitude in positions.values()]
    north, west = max(latitudes), min(longitudes)
    tall, broad = north - min(latitudes) or 1.0, max(longitudes) - west or 1.0
    return {
        code: ((longitude - west) / broad * (columns - 1), (north - latitude) / tall * (rows - 1))
        for code, (latitude, longitude) in positions.items()
    }


def _nearest(wanted: tuple[float, float], columns: int, rows: int) -> Spot:
    return min(columns - 1, round(wanted[0])), min(rows - 1, round(wanted[1]))


def _distance(wanted: tuple[float, float], spot: Spot) -> float:
    """As the eye sees it: a tile is about four times as wide as high."""
    return (4 * (wanted[0] - spot[0])) ** 2 + (wanted[1] - spot[1]) ** 2


def _worst(
    names: Mapping[int, str], outages: Mapping[int, PlaceOutage], room: int, selected: int | None
) -> dict[int, str]:
    """As many as there is room for: the selected one, then where most is out."""
    if len(names) <= room:
        return dict(names)

    def key(code: int) -> tuple[bool, float, int, int]:
        place = outages.get(code)
        if place is None:
            return code != selected, 0.0, 0, code
        return code != selected, -(place.percent_out or 0.0), -place.out, code

    return {code: names[code] for code in sorted(names, key=key)[:room]}


def _tile(short: str, place: PlaceOutage | None, known: bool, wide: bool, selected: bool) -> list[Span]:
    """`BVI N  0.5`, in brackets if it is the selected one."""
    severity = place.severity if place is not None else Severity.NORMAL if known else Severity.UNKNOWN
    left, right = ("[", "]") if selected else (" ", " ")
    share = ""
    if wide:
        percent = place.percent_out if place is not None else 0.0 if known else None
        share = f" {_share(percent, place is not None and place.estimated):>4}"
    body = f"{short} {LETTERS[severity]}{share}"
    return [(left, "key"), (body, SEVERITY_MEANINGS[severity]), (right, "key")]


def _share(percent: float | None, estimated: bool) -> str:
    """A percent in at most four cells."""
    if percent is None:
        return "?"
    if estimated:
        return f"~{percent:.0f}"
    if 0 < percent < 0.05:
        return f"<{number(0.1, 1)}"
    return number(percent, 1) if percent < 99.95 else "100"


def _legend_line(legend: Sequence[tuple[Severity, str]], gap: str, head: Sequence[Span]) -> Line:
    spans = list(head)
    for severity, words in legend:
        spans += [(f" {LETTERS[severity]}", SEVERITY_MEANINGS[severity]), (f" {words}{gap}", MUTED)]
    return tuple(spans)


def legend() -> list[tuple[Severity, str]]:
    """What each letter means, and from how many percent on."""
    known = [(severity, f"{severity_word(severity)} {FROM.get(severity, '')}".strip()) for severity in LETTERS]
    return [*known[:-1], (Severity.UNKNOWN, tr_as("outages", "not known"))]


def _legend(width: int, rows: int, left_out: int, marks: Glyphs) -> list[Line]:
    """What the letters mean: whole on one line or two, else as much as there is room for."""
    missing = tr(" {count} not shown {dot}", count=number(left_out), dot=marks.dot)
    head: list[Span] = [(missing, "severity-low")] if left_out else []
    whole = legend()
    if rows > 1:
        lines = [_legend_line(whole[:3], " ", ()), _legend_line(whole[3:], " ", head)]
        if max(map(line_width, lines)) <= width:
            return lines
    brief = [(severity, severity_word(severity)) for severity, _ in whole[:-1]]
    briefest = list(FROM.items())
    for letters, gap in ((whole, " "), (brief, ""), (briefest, "")):
        line = _legend_line(letters, gap, head)
        if line_width(line) <= width:
            break
    return [clip(line, width)]


# Short names


def short_names(names: Mapping[int, str]) -> dict[int, str]:
    """Three characters for each, all different: `BVI` Boa Vista, `SJB` São João da Baliza, `CAR` Caracaraí.

    Where two would be the same, the one with the lower code keeps it.
    """
    taken: set[str] = set()
    shorts = {}
    for code in sorted(names):
        shorts[code] = short = next(each for each in _candidates(names[code], code) if each not in taken)
        taken.add(short)
    return shorts


def _candidates(name: str, code: int) -> Iterable[str]:
    plain = unicodedata.normalize("NFKD", clean(name, 80)).encode("ascii", "ignore").decode().upper()
    words = ["".join(filter(str.isalnum, word)) for word in plain.replace("'", " ").replace("-", " ").split()]
    words = [word for word in words if word and word.lower() not in _SMALL_WORDS]
    letters = "".join(words)
    if len(words) > 2:
        yield words[0][0] + words[1][0] + words[2][0]
    if len(words) == 2:
        yield (words[0][0] + words[1][:2]).ljust(3, "_")
    if len(letters) >= 3:
        yield letters[:3]
        yield from (letters[:2] + letter for letter in letters[3:])
        yield from (letters[0] + one + other for at, one in enumerate(letters[2:], 3) for other in letters[at:])
    first = letters[:1] or "X"
    yield from (f"{first}{count:02}" for count in range(100))
    yield from _numbered(code)


def _numbered(code: int) -> Iterable[str]:
    """More than there are municipalities, so that it always ends."""
    digits: Sequence[str] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for step in range(36**3):
        rest = (code + step) % 36**3
        yield digits[rest // 1296] + digits[rest // 36 % 36] + digits[rest % 36]
