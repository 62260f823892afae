"""A form while somebody types into it: which line has the focus, where the caret is, what it looks like.

Knows no widget: keys arrive as calls, the picture leaves as lines.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from wattdeck.core.caret import CARET, with_caret
from wattdeck.core.language import later, tr
from wattdeck.core.lines import MUTED, TEXT, Line, Span, cell_width, clip, cut, fit, wrap
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, Glyphs, number
from wattdeck.systems.ccee.fields import Field, Kind, begins_choice, choice_of, tidy, turned_choice
from wattdeck.systems.ccee.sheets import WHOLE, Read, Sheet

D = TypeVar("D")
GO = "go"
"""The last line, which is no field."""
GO_WORDS = later("Check and go on")
MARK_CELLS = 3
LABEL_CELLS = 16
FOOT_LINES = 3


REPLACED = (Kind.MONTH, Kind.DATE)


class Entry(Generic[D]):
    """The texts of one form, and the line that has the focus."""

    def __init__(self, sheet: Sheet[D], values: dict[str, str] | None = None) -> None:
        """`values` are changed in place: whoever keeps them can open the form again as it was left."""
        self.sheet = sheet
        self.values = values if values is not None else {}
        for key, value in sheet.first_values().items():
            self.values.setdefault(key, value)
        self.focus = self._shown[0].key
        self.caret = 0
        self.tried = False
        """Somebody wanted to go on."""
        given = sheet.first_values()
        self._given = {
            each.key
            for each in sheet.fields
            if each.kind in REPLACED and given.get(each.key) and self.values.get(each.key) == given[each.key]
        }
        """Months and days that stand as they were given: the first character typed replaces them."""
        self._typed = ""
        """What was typed into a choice since it has the focus."""
        self._top = 0
        self._read: Read[D] | None = None
        self._go_to(self.focus)

    @property
    def read(self) -> Read[D]:
        """What the texts mean now."""
        if self._read is None:
            self._read = self.sheet.read(self.values)
        return self._read

    @property
    def field(self) -> Field | None:
        """The field that has the focus; None on the last line."""
        return next((each for each in self._shown if each.key == self.focus), None)

    @property
    def at_end(self) -> bool:
        """The focus is on the last line."""
        return self.focus == GO

    # What keys do

    def move(self, step: int) -> None:
        """To the line below (+1) or above (-1); at either end it stays."""
        keys = self._keys
        at = keys.index(self.focus) if self.focus in keys else 0
        self._go_to(keys[max(0, min(len(keys) - 1, at + step))])

    def turn(self, step: int) -> None:
        """Another choice, or the caret one character on."""
        of = self.field
        if of is None:
            return
        if of.kind is Kind.CHOICE:
            self._typed = ""
            self._put(of, turned_choice(of, self.text(of), step))
        else:
            self.caret = max(0, min(len(self.text(of)), self.caret + step))

    def edge(self, end: int) -> None:
        """The caret to the start (-1) or the end (+1) of the text."""
        of = self.field
        if of is not None:
            self.caret = 0 if end < 0 else len(self.text(of))

    def insert(self, text: str) -> None:
        """Type or paste text; into a choice, its first letter or all of it."""
        of = self.field
        if of is None:
            return
        if of.kind is Kind.CHOICE:
            self._choose(of, text)
            return
        if of.key in self._given and self.caret == len(self.text(of)):
            self._put(of, "")
            self.caret = 0
        before, after = self.text(of)[: self.caret], self.text(of)[self.caret :]
        # What does not fit is not taken at all from the middle: the end of the text must not fall off.
        new = clean(text, 10 * of.most)[: max(0, of.most - len(before) - len(after))]
        kept = tidy(of, before + new)
        self._put(of, tidy(of, kept + after))
        self.caret = min(len(kept), len(self.text(of)))

    def delete(self, step: int) -> None:
        """Take away the character before (-1) or under (+1) the caret."""
        of = self.field
        if of is None or of.kind is Kind.CHOICE:
            return
        at = self.caret - 1 if step < 0 else self.caret
        text = self.text(of)
        if 0 <= at < len(text):
            self._put(of, text[:at] + text[at + 1 :])
            self.caret = at

    def point_at(self, y: int) -> None:
        """To the line that is shown so many lines below the first."""
        keys = self._keys
        if 0 <= self._top + y < len(keys):
            self._go_to(keys[self._top + y])

    def clear(self) -> None:
        """Empty the field."""
        of = self.field
        if of is not None:
            self._put(of, "")
            self.caret = 0

    def finish(self) -> D | None:
        """The draft; if anything is wrong None, and the focus goes there."""
        self.tried = True
        read = self.read
        if read.draft is not None:
            return read.draft
        first = next((key for key in self._keys if key in read.problems), None)
        if first is not None:
            self._go_to(first)
        return None

    def text(self, of: Field) -> str:
        """What stands in a field."""
        return self.values.get(of.key, "")

    # What it looks like

    def lines(self, width: int, height: int, marks: Glyphs = UNICODE) -> list[Line]:
        """The form in so many lines, scrolled to where the focus is."""
        keys = self._keys
        at = keys.index(self.focus) if self.focus in keys else 0
        height = max(1, height)
        self._top = max(0, min(self._top, at, len(keys) - height))
        self._top = max(self._top, at - height + 1)
        lines = [self._line(key, width - 2, marks) for key in keys]
        shown = lines[self._top : self._top + height]
        if len(lines) > height:
            above, below = self._top > 0, self._top + height < len(lines)
            shown[0] = self._scrolled(shown[0], marks.up if above else " ", width)
            shown[-1] = self._scrolled(shown[-1], marks.down_sort if below else marks.up if len(shown) == 1 and above
                                       else " ", width)  # fmt: skip
        return shown

    def height(self) -> int:
        """Lines it would like."""
        return len(self._keys)

    def foot(self, width: int) -> list[Line]:
        """What to know of the line that has the focus: what is wrong, else what is wanted. Always as many lines."""
        lines = self._foot(width)[:FOOT_LINES]
        return lines + [()] * (FOOT_LINES - len(lines))

    def _foot(self, width: int) -> list[Line]:
        of, read = self.field, self.read
        if of is not None:
            problem = read.problems.get(of.key)
            if problem and self.text(of):
                return wrap(clean(problem, 400), width, "severity-medium")
            return wrap(clean(problem or tr(of.help), 400), width, "label")
        if WHOLE in read.problems:
            return wrap(read.problems[WHOLE], width, "severity-medium")
        if read.problems:
            # A problem of something that is not asked for here can only be said.
            hidden = [words for key, words in read.problems.items() if key not in self._keys]
            return wrap(" ".join([self.state_words, *hidden]), width, "severity-medium")
        said = " ".join(self.sheet.advice(self.values))
        if said:
            return wrap(tr("Note: {words}", words=said), width, "severity-low")
        words = tr("Nothing is sent yet: what will be sent is shown first, and you are asked.")
        return wrap(words, width, "label")

    @property
    def state_words(self) -> str:
        """How much is left to do: `2 to fill in, 1 wrong`."""
        read = self.read
        wrong = [each for each in self._shown if each.key in read.problems]
        empty = sum(not self.text(each) for each in wrong)
        parts = [tr("{count} to fill in", count=number(empty))] if empty else []
        if len(wrong) > empty:
            parts.append(tr("{count} wrong", count=number(len(wrong) - empty)))
        return f"{', '.join(parts)}." if parts else ""

    @property
    def _shown(self) -> list[Field]:
        return self.sheet.shown(self.values)

    @property
    def _keys(self) -> list[str]:
        return [*(each.key for each in self._shown), GO]

    def _choose(self, of: Field, text: str) -> None:
        """Take the choice that begins with what was typed so far, so that `A4` is not `A2`."""
        now = self.text(of)
        if text == " ":
            self._typed = ""
            self._put(of, turned_choice(of, now, 1))
            return
        for typed in (self._typed + text, text):
            if begins_choice(of, typed):
                self._typed = typed
                self._put(of, choice_of(of, now, typed))
                return

    def _go_to(self, key: str) -> None:
        self.focus = key
        self._typed = ""
        of = self.field
        self.caret = len(self.text(of)) if of is not None else 0

    def _put(self, of: Field, text: str) -> None:
        self.values[of.key] = text
        self._given.discard(of.key)
        self.caret = min(self.caret, len(text))
        self._read = None

    def _line(self, key: str, width: int, marks: Glyphs) -> Line:
        focused = key == self.focus
        cursor: Span = (f"{marks.cursor if focused else ' '} ", "key")
        if key == GO:
            words = f"[ {tr(GO_WORDS)} ]"
            state = f"  {tr('ready')}" if self.read.draft is not None else f"  {self.state_words}"
            indent: Span = (" " * (MARK_CELLS + 1), TEXT)
            return clip((cursor, indent, (words, CARET if focused else "label"), (state, MUTED)), width)
        of = next(each for each in self._shown if each.key == key)
        mark, meaning = self._mark(of, marks)
        head: Line = (cursor, (fit(mark, MARK_CELLS) + " ", meaning),
                      (fit(tr(of.label), LABEL_CELLS) + " ", "key" if focused else "label"))  # fmt: skip
        room = max(4, width - 2 - MARK_CELLS - 1 - LABEL_CELLS - 1)
        return (*head, *self._value(of, room, focused))

    def _mark(self, of: Field, marks: Glyphs) -> Span:
        """Whether a field is right, wrong or still empty."""
        if of.key not in self.read.problems:
            return "", TEXT
        if self.text(of):
            return marks.down, "severity-medium"
        return marks.pending, "severity-medium" if self.tried else "label"

    def _value(self, of: Field, room: int, focused: bool) -> Line:
        text = self.text(of)
        if of.kind is Kind.CHOICE:
            few = len(of.choices) < 4
            offer = tr(" or ").join(of.choices) if few else f"{of.choices[0]} ... {of.choices[-1]}"
            words = cut(text or tr("choose {offer}", offer=offer), room - 4)
            if focused:
                return (("< ", "key"), (words, CARET if text else MUTED), (" >", "key"))
            return (("  ", TEXT), (words, TEXT if text else MUTED))
        if not focused:
            return (("  ", TEXT), (cut(text, room - 2), TEXT))
        return (("  ", TEXT), *with_caret(text, self.caret, room - 2))

    @staticmethod
    def _scrolled(line: Line, mark: str, width: int) -> Line:
        used = sum(cell_width(text) for text, _ in line)
        return (*line, (" " * max(0, width - 1 - used), TEXT), (mark, "rule"))
