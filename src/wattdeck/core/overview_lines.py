"""The overview as lines: a list where room is scarce, a grid of tiles where there is more. Loads no Textual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wattdeck.core.alarm_view import PRIORITY_MARKS, Alarm
from wattdeck.core.language import plural, tr
from wattdeck.core.lines import (
    CURSOR,
    MUTED,
    TEXT,
    Column,
    Line,
    Place,
    Span,
    arrange,
    cell_width,
    clip,
    cut,
    fit,
    joined,
    padded,
    titles,
    wrap,
)
from wattdeck.core.link import link_lines, link_span, link_word, next_step
from wattdeck.core.matters import Figure
from wattdeck.core.overview import Entry, Fold, Tile, is_fresh
from wattdeck.core.reading import Link, Reading
from wattdeck.core.units import UNICODE, Glyphs, spark

CARD_WIDTH, CARD_WIDTH_MOST, CARD_HEIGHT = 38, 48, 8
"""Least and largest width of a tile of the grid, and its lines with the empty one below it."""
GRID_WIDTH, GRID_HEIGHT = 100, 26
"""A screen smaller than this shows a list."""
CARD_FIGURES = 4
INDENT = 5
"""Columns for the cursor and the mark of an alarm."""
SPAN_NAMES = {60.0: "1 min", 300.0: "5 min", 900.0: "15 min", 3600.0: "1 h", 14400.0: "4 h", 43200.0: "12 h"}


def span_name(span_s: float) -> str:
    """What a sparkline spans: `15 min`, `24 h`."""
    return SPAN_NAMES.get(span_s, "24 h")


@dataclass(frozen=True, slots=True)
class Look:
    """How the overview is drawn."""

    now: datetime
    marks: Glyphs = UNICODE
    span: str = "24 h"
    """What the sparklines span, in words."""
    cursor_id: str = ""
    top: int = 0
    """First row of entries in view."""
    blink: bool = True
    """This second, what is unacknowledged stands out; where nothing may blink, always."""
    trends: bool = True


@dataclass(frozen=True, slots=True)
class Shape:
    """How entries are laid out in a space."""

    width: int
    height: int
    across: int = 1
    """Entries side by side."""
    grid: bool = False

    @property
    def rows(self) -> int:
        """Rows of entries in view."""
        return max(1, (self.height + 1) // CARD_HEIGHT if self.grid else self.height - 1)

    @property
    def cell(self) -> int:
        """Columns of one entry."""
        return min(CARD_WIDTH_MOST, self.width // self.across) if self.grid else self.width


def shape_of(count: int, width: int, height: int, *, screen: tuple[int, int], grid: bool | None = None) -> Shape:
    """A grid if the screen is large enough and all entries fit, unless a person wants it otherwise."""
    tiles = Shape(width, height, max(1, width // CARD_WIDTH), grid=True)
    roomy = screen[0] >= GRID_WIDTH and screen[1] >= GRID_HEIGHT
    wanted = roomy and count <= tiles.across * tiles.rows if grid is None else grid and roomy
    return tiles if wanted else Shape(width, height)


def wish(entries: Sequence[Entry], grid: bool | None) -> bool | None:
    """What to ask of `shape_of`: a fold is a row, so that a list with one stays a list unless a person says else."""
    return False if grid is None and any(isinstance(entry, Fold) for entry in entries) else grid


def board_height(count: int, screen: tuple[int, int], grid: bool | None = None) -> int:
    """Lines for so many entries on a screen; what is left is for the news below them, some of it always."""
    width, height = screen
    least = 5 if height < GRID_HEIGHT else 8
    room = height - 2 - (least if count <= height - least - 3 else 3)
    shape = shape_of(count, width, room, screen=screen, grid=grid)
    needed = -(-count // shape.across) * CARD_HEIGHT - 1 if shape.grid else count + 1
    return max(2, min(room, needed))


def body_lines(entries: Sequence[Entry], shape: Shape, look: Look) -> list[Line]:
    """The overview in a space, without the frame around it."""
    if not entries:
        empty = wrap(tr("No source says these words; escape clears the filter."), shape.width - 2, MUTED)
        return [((" ", TEXT), *line) for line in empty]
    return _grid_lines(entries, shape, look) if shape.grid else _list_lines(entries, shape, look)


# The list


def columns(span: str, *, trends: bool = True) -> tuple[Column, ...]:
    """The list's columns."""
    trend = (Column("trend", span, 8, keep=3),) if trends else ()
    return (
        Column("alarm", "", 3, keep=9),
        Column("source", "Source", 17, keep=10),
        Column("link", "Link", 14, keep=8),
        Column("matters", "What matters", 24, flex=True, keep=7),
        Column("alarms", "Alarm", 32, keep=1),
        *trend,
    )


def _list_lines(entries: Sequence[Entry], shape: Shape, look: Look) -> list[Line]:
    places = arrange(columns(look.span, trends=look.trends), shape.width)
    lines: list[Line] = [((fit(titles(places), shape.width), "label"),)]
    shown = entries[look.top : look.top + shape.rows]
    lines += [_on_cursor(_list_line(entry, places, look), shape.width, entry, look) for entry in shown]
    return lines


def _list_line(entry: Entry, places: Sequence[Place], look: Look) -> Line:
    spans: list[Span] = []
    used = 1
    for _, column, x, width in places:
        cell = _fold_cell(entry, column.key, look) if isinstance(entry, Fold) else _cell(entry, column.key, width, look)
        spans += [(" " * (x - used), TEXT), *padded(cell, width)]
        used = x + width
    return tuple(spans)


def _cell(tile: Tile, key: str, width: int, look: Look) -> Line:
    reading = tile.reading
    match key:
        case "alarm":
            return (alarm_mark(tile.alarms[0], look),) if tile.alarms else ()
        case "source":
            return ((tile.source, "heading" if tile.alarms else TEXT),)
        case "link":
            return (link_span(reading, look.now, look.marks),)
        case "alarms":
            return _first_alarm(tile, width)
        case "trend":
            return ((spark(tile.spark(width), look.marks), MUTED),)
        case _:
            return _says(tile, width, look)


def _fold_cell(fold: Fold, key: str, look: Look) -> Line:
    match key:
        case "source":
            return ((f"{fold.title}", "heading"),)
        case "link":
            words = tr("{count} live", count=fold.count)
            return ((f"{look.marks.live} {words}", "link-live"),)
        case "matters":
            return ((tr("Enter folds them again") if fold.opened else tr("all well; Enter shows them"), MUTED),)
        case _:
            return ()


def alarm_mark(alarm: Alarm, look: Look) -> Span:
    """`!!!`, `!!` or `!`; reversed while nobody has acknowledged it, in the seconds of the blink."""
    meaning = f"alarm-{alarm.rule.priority}"
    return PRIORITY_MARKS[alarm.rule.priority], f"{meaning}-new" if is_fresh(alarm) and look.blink else meaning


def _first_alarm(tile: Tile, width: int) -> Line:
    if not tile.alarms:
        return ()
    more = f" +{len(tile.alarms) - 1}" if len(tile.alarms) > 1 else ""
    return ((cut(tile.alarms[0].words, width - len(more)), TEXT), (more, MUTED))


def _says(tile: Tile, width: int, look: Look) -> Line:
    """What matters of a source in a line: its numbers, or why there are none and what happens next."""
    reading = tile.reading
    if reading.link in (Link.DOWN, Link.REFUSED):
        return _why(reading, width, look)
    if tile.matters.figures:
        return figures_line(tile.matters.figures, width, look.marks, old=_old(tile))
    if reading.problem:
        return ((reading.problem, TEXT),)
    if reading.snapshot is None:
        return ((tr("asking for the first time"), MUTED),)
    return ((tr("Enter shows it"), MUTED),)


def _why(reading: Reading[Any], width: int, look: Look) -> Line:
    """Why a source is lost and, if there is room, what happens next."""
    step = ""
    if reading.link is Link.REFUSED:
        step = tr("r tries again")
    elif reading.next_poll_at is not None:
        step = tr("again in {seconds} s", seconds=max(0, round((reading.next_poll_at - look.now).total_seconds())))
    room = width - cell_width(step) - 3
    too_long = cell_width(reading.problem) > room
    if not step or (too_long and (room < width // 2 or cell_width(reading.problem) <= width)):
        return ((reading.problem, TEXT),)
    return ((cut(reading.problem, room), TEXT), (f" {look.marks.dot} {step}", MUTED))


def _old(tile: Tile) -> bool:
    return tile.reading.link is not Link.LIVE


def figures_line(figures: Sequence[Figure], width: int, marks: Glyphs, *, old: bool = False) -> Line:
    """The figures in a line, as many as fit whole."""
    spans: list[Span] = []
    used = 0
    between = f" {marks.dot} "
    for figure in figures:
        text = figure.short or figure.value
        room = width - used - (len(between) if spans else 0)
        if cell_width(text) > room:
            if not spans:
                spans.append((cut(text, room), MUTED if old else figure.meaning))
            break
        if spans:
            spans.append((between, MUTED))
            used += len(between)
        spans.append((text, MUTED if old else figure.meaning))
        used += cell_width(text)
    return tuple(spans)


# The grid


def _grid_lines(entries: Sequence[Entry], shape: Shape, look: Look) -> list[Line]:
    lines: list[Line] = []
    for row in range(look.top, look.top + shape.rows):
        cells = entries[row * shape.across : (row + 1) * shape.across]
        cards = [_card(entry, shape.cell, look) for entry in cells]
        lines += [
            joined([span for card in cards for span in padded(card[y], shape.cell)])
            for y in range(CARD_HEIGHT)
            if cards
        ]
    return lines[: shape.height]


def _card(entry: Entry, width: int, look: Look) -> list[Line]:
    """The lines of one tile, always as many; the last column and the last line stay free."""
    inner = width - INDENT - 1
    head, rest = (_fold_card(entry, look), []) if isinstance(entry, Fold) else _tile_card(entry, inner, look)
    first = _on_cursor(padded(head, INDENT + inner - 1), INDENT + inner, entry, look)
    body = [((" " * INDENT, TEXT), *clip(line, inner)) if line else () for line in rest[: CARD_HEIGHT - 2]]
    return [first, *body, *[()] * (CARD_HEIGHT - 1 - len(body))]


def _fold_card(fold: Fold, look: Look) -> Line:
    return tuple(span for key in ("source", "link", "matters") for span in (*_fold_cell(fold, key, look), ("  ", TEXT)))


def _tile_card(tile: Tile, width: int, look: Look) -> tuple[Line, list[Line]]:
    """The tile's head, and what stands below it."""
    reading = tile.reading
    mark, meaning = alarm_mark(tile.alarms[0], look) if tile.alarms else ("", TEXT)
    link = link_span(reading, look.now, look.marks)
    name = fit(tile.source, max(4, width - cell_width(link[0]) - 1))
    head: Line = ((mark, meaning), (" " * (INDENT - 1 - len(mark)), TEXT), (name, "heading"), (" ", TEXT), link)
    if reading.link in (Link.DOWN, Link.REFUSED):
        body = [*wrap(reading.problem, width)[:2], *wrap(next_step(reading, look.now), width, MUTED)[:2]]
    elif tile.matters.figures:
        body = [_figure_line(figure, width, old=_old(tile)) for figure in tile.matters.figures[:CARD_FIGURES]]
    else:
        body = [_says(tile, width, look)]
    body = [*body, *[()] * (CARD_FIGURES - len(body))]
    trend = spark(tile.spark(width - 8), look.marks) if look.trends else ""
    body.append(((trend, MUTED), (f"{look.span:>8}", MUTED)) if trend.strip() else ())
    return head, [*body, _first_alarm(tile, width)]


def _figure_line(figure: Figure, width: int, *, old: bool) -> Line:
    """A label and, at the right, its value."""
    room = max(1, width - cell_width(figure.value) - 1)
    label = fit(figure.label, room)
    meaning = MUTED if old else figure.meaning
    return ((label, MUTED), (" ", TEXT), (cut(figure.value, width), meaning))


# What both need


def _on_cursor(line: Line, width: int, entry: Entry, look: Look) -> Line:
    """A line with the cursor's mark before it, and on its background where the cursor is."""
    here = entry.id == look.cursor_id
    mark = look.marks.cursor if here else " "
    whole = ((mark, "key"), *padded(line, width - 1))
    return tuple((text, CURSOR + meaning) for text, meaning in whole) if here else joined(whole)


# Below the tiles


def shows_alarms(width: int) -> bool:
    """Whether a list of this width has room for the words of an alarm."""
    return any(column.key == "alarms" for _, column, _, _ in arrange(columns("24 h"), width))


def counts_words(links: Mapping[Link, int]) -> str:
    """How many sources stand how: `5 sources: 1 down, 4 live`."""
    total = sum(links.values())
    parts = ", ".join(f"{count} {link_word(link)}" for link, count in links.items())
    return plural("{count} source: {parts}", "{count} sources: {parts}", total, parts=parts)


def cursor_lines(tile: Tile | None, width: int, look: Look, most: int) -> list[Line]:
    """The open alarms of the source under the cursor, one a line, in words; without one, why it is not well."""
    if tile is None or most < 1:
        return []
    if not tile.alarms and tile.reading.problem:
        return link_lines(tile.reading, look.now, width, look.marks, most)[:most]
    lines: list[Line] = []
    for alarm in tile.alarms[:most]:
        mark, meaning = alarm_mark(alarm, look)
        lines.append(((" ", TEXT), (mark, meaning), (f" {cut(alarm.words, width - len(mark) - 3)}", TEXT)))
    if len(tile.alarms) > most:
        more = tr(" and {count} more", count=len(tile.alarms) - most)
        lines[-1] = (*clip(lines[-1], width - cell_width(more)), (more, MUTED))
    return lines
