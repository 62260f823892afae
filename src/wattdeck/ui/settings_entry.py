"""A table of settings as a form: a line for each key, what stands there, what is wrong with it.

Knows no widget: keys arrive as calls, the picture leaves as lines. A secret is never shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wattdeck.core.caret import CARET, with_caret
from wattdeck.core.language import later, tr
from wattdeck.core.lines import MUTED, TEXT, Line, Span, cell_width, clip, cut, fit, wrap
from wattdeck.core.settings_fields import Kind, SettingField
from wattdeck.core.text import REPLACEMENT, clean
from wattdeck.core.units import UNICODE, Glyphs
from wattdeck.ui.settings_texts import HERE, SAVE, TEST, WHOLE, SettingsTexts, Slot, shown_choice

END_WORDS = {SAVE: later("Check and save"), TEST: later("Try it now, without saving")}
SECRET_HELP = {
    "": later("Where the secret is kept: left and right choose."),
    "env": later("Name of the environment variable that holds it, without $: SPAN_TOKEN."),
    "file": later("Path of a file that holds nothing else, best with mode 0600."),
    "keyring": later("SERVICE/USER in the desktop's keyring."),
    HERE: later("Typed hidden, kept in the configuration, never shown again. A reference is safer."),
}
MARK_CELLS = 3
LABEL_CELLS_MAX = 32
FOOT_LINES = 4


class SettingsEntry(SettingsTexts):
    """The texts with their looks."""

    _top = 0

    def lines(self, width: int, height: int, marks: Glyphs = UNICODE) -> list[Line]:
        """The form in so many lines, scrolled to where the focus is."""
        height = max(1, height)
        order, label_cells = self._order, self._label_cells
        at = next(index for index, (slot_id, _) in enumerate(order) if slot_id == self.focus)
        # A heading goes with the first line below it.
        upper = at - 1 if at and not order[at - 1][0] else at
        self._top = max(0, min(self._top, upper, len(order) - height))
        self._top = max(self._top, at - height + 1)
        window = order[self._top : self._top + height]
        shown = [self._line(slot_id, heading, label_cells, width - 2, marks) for slot_id, heading in window]
        if len(order) > height:
            shown[0] = _marked(shown[0], marks.up if self._top else " ", width)
            more = self._top + height < len(order)
            shown[-1] = _marked(shown[-1], marks.down_sort if more else " ", width)
        return shown

    def foot(self, width: int) -> list[Line]:
        """What to know of the line that has the focus: what is wrong, what it means, what it may be."""
        problem = self._problem_words()
        lines: list[Line] = wrap(clean(problem, 600), width, "severity-medium") if problem else []
        slot = self._slot(self.focus)
        if slot is not None:
            lines += wrap(self._help(slot), width, "label")
        elif not problem:
            lines += wrap(self._end_help(), width, "label")
        lines = lines[:FOOT_LINES]
        return lines + [()] * (FOOT_LINES - len(lines))

    def point_at(self, y: int) -> None:
        """To the line that is shown so many lines below the first."""
        order = [each for each, _ in self._order]
        if 0 <= self._top + y < len(order) and order[self._top + y]:
            self._go_to(order[self._top + y])

    @property
    def _label_cells(self) -> int:
        return min(LABEL_CELLS_MAX, max(len(slot.label) for slot in self._slots))

    @property
    def _order(self) -> list[tuple[str, str]]:
        """What stands below what: (id, "") of a line, ("", words) of a heading."""
        order: list[tuple[str, str]] = []
        section = ""
        for slot in self._slots:
            if slot.section != section and slot.section:
                order.append(("", slot.section))
            section = slot.section
            order.append((slot.id, ""))
        return [*order, *((each, "") for each in self._ends)]

    def _line(self, slot_id: str, heading: str, label_cells: int, width: int, marks: Glyphs) -> Line:
        if heading:
            return clip(((" " * (MARK_CELLS + 3), TEXT), (heading, "heading")), width)
        focused = slot_id == self.focus
        cursor: Span = (f"{marks.cursor if focused else ' '} ", "key")
        slot = self._slot(slot_id)
        if slot is None:
            words = f"[ {tr(END_WORDS[slot_id])} ]"
            return clip((cursor, (" " * (MARK_CELLS + 1), TEXT), (words, CARET if focused else "label")), width)
        mark, meaning = self._mark(slot, marks)
        label = fit(slot.label, label_cells)
        head: Line = (cursor, (fit(mark, MARK_CELLS) + " ", meaning), (f"{label} ", "key" if focused else "label"))
        room = max(8, width - 2 - MARK_CELLS - 1 - label_cells - 1)
        return (*head, *self._shown(slot, room, focused, marks))

    def _mark(self, slot: Slot, marks: Glyphs) -> Span:
        """Whether a line is right, wrong or still empty."""
        if slot.id not in self.problems:
            return "", TEXT
        if self.text(slot.id):
            return marks.down, "severity-medium"
        return marks.pending, "severity-medium" if self.tried else "label"

    def _shown(self, slot: Slot, room: int, focused: bool, marks: Glyphs) -> Line:
        # One cell for one character, so that the caret stands where it is.
        text = "".join(each if each.isprintable() else REPLACEMENT for each in self.text(slot.id))
        if slot.part == "more":
            words = tr("{count} entries; Enter adds one", count=self._rows[slot.field.key])
            return (("  ", TEXT), (cut(words, room - 2), CARET if focused else MUTED))
        if slot.choices:
            words, meaning = (shown_choice(slot, text), TEXT) if text else (self._empty(slot), MUTED)
            words = cut(words, room - 4)
            if focused:
                return (("< ", "key"), (words, CARET), (" >", "key"))
            return (("  ", TEXT), (words, meaning))
        if self.hidden(slot):
            text = marks.live * len(text) if text else ""
        if focused:
            after: Line = ((f" {cut(self._empty(slot), room - 4)}", MUTED),) if not text else ()
            return (("  ", TEXT), *with_caret(text, self.caret, room - 2 if text else 2), *after)
        if not text:
            return (("  ", TEXT), (cut(self._empty(slot), room - 2), MUTED))
        return (("  ", TEXT), (cut(text, room - 2), TEXT))

    def _empty(self, slot: Slot) -> str:
        """What an empty line stands for."""
        if slot.part == "value":
            kept = self.hidden(slot) and self._first[f"{slot.field.key}@kind"] == HERE
            return tr("(kept as it is)") if kept else ""
        if slot.field.needed:
            return tr("(to fill in)")
        default = slot.field.default_text if slot.kind is not Kind.TABLES and slot.part != "kind" else ""
        if not default or default == "[]":
            return tr("(not set)")
        shown = shown_choice(slot, default) if slot.kind in (Kind.BOOL, Kind.CHOICE) else default
        return tr("({value} unless set)", value=shown)

    def _help(self, slot: Slot) -> str:
        if slot.part == "value":
            return tr(SECRET_HELP[self.text(f"{slot.field.key}@kind")])
        said = [tr(slot.field.help)] if slot.field.help else []
        if slot.part == "kind":
            said.append(tr(SECRET_HELP[""]))
        if slot.kind is Kind.LIST:
            said.append(tr("Several are separated by commas; [] is none."))
        elif slot.kind is Kind.MAP:
            said.append(tr("Written `name = value`, several separated by commas."))
        if slot.kind in (Kind.LIST, Kind.MAP) and slot.field.choices:
            said.append(tr("Possible: {choices}.", choices=", ".join(slot.field.choices)))
        bounds = bounds_words(slot.field)
        return " ".join([*said, *([bounds] if bounds else [])])

    def _problem_words(self) -> str:
        slot = self._slot(self.focus)
        problem = self.problems.get(self.focus, "")
        if slot is not None:
            return problem if self.text(self.focus) or self.tried else ""
        if not self.problems:
            return ""
        count = len([each for each in self.problems if each])
        said = [tr("Still wrong or to fill in: {count}.", count=count)] if count else []
        return " ".join([*said, self.problems.get(WHOLE, "")]).strip()

    def _end_help(self) -> str:
        if self.fixed:
            return tr("These settings cannot be changed here.")
        if self.focus == TEST:
            return tr("Looks whether the source can be reached and lets us in. No command is sent, nothing is stored.")
        return tr("Writes the configuration, readable by you alone. What is not set keeps its default.")


def bounds_words(field: SettingField) -> str:
    """`5 to 30.`, `Above 0, at most 300.`; empty without bounds."""
    bounds = dict(field.bounds)
    if not bounds:
        return ""
    if {"ge", "le"} <= bounds.keys():
        return tr("{low} to {high}.", low=f"{bounds['ge']:.15g}", high=f"{bounds['le']:.15g}")
    said = [
        words.format(value=f"{bounds[name]:.15g}")
        for name, words in (
            ("ge", tr("at least {value}")), ("gt", tr("above {value}")),
            ("le", tr("at most {value}")), ("lt", tr("below {value}")),
        )
        if name in bounds
    ]  # fmt: skip
    text = ", ".join(said)
    return f"{text[:1].upper()}{text[1:]}."


def chosen_from(field: SettingField, choices: Sequence[str]) -> SettingField:
    """A text that is picked from a list."""
    return replace(field, kind=Kind.CHOICE, choices=tuple(choices))


def _marked(line: Line, mark: str, width: int) -> Line:
    """The line with a mark in its last cell: there is more that way."""
    used = sum(cell_width(text) for text, _ in line)
    return (*clip(line, width - 1), (" " * max(0, width - 1 - used), TEXT), (mark, "rule"))
