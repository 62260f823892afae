"""What the table of places shows: all municipalities, some of them, or the sets of one; in which order."""

from __future__ import annotations

from collections.abc import Sequence

from wattdeck.core.language import current, tr
from wattdeck.core.lines import MUTED, Column, Line, Row, justify
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, Glyphs
from wattdeck.systems.aneel import present
from wattdeck.systems.aneel.models import OutagesSnapshot, PlaceOutage
from wattdeck.systems.aneel.places import municipality_words
from wattdeck.systems.aneel.present import Order


class TableView:
    """How the places are looked at."""

    def __init__(self) -> None:
        self.order = Order.PERCENT
        self.filter = ""
        self.municipality: int | None = None
        """The municipality whose sets are shown; None shows municipalities."""
        self._made: tuple[object, Sequence[Row]] = (None, ())

    def leave(self) -> None:
        """Another distributor's places are shown."""
        self.filter, self.municipality = "", None

    def columns(self, snapshot: OutagesSnapshot | None, marks: Glyphs = UNICODE) -> tuple[Column, ...]:
        """The columns; sets are shown only where they are known."""
        sets = snapshot is not None and self.municipality is not None
        return present.set_columns(self.order, marks) if sets else present.columns(self.order, marks)

    def rows(self, snapshot: OutagesSnapshot | None, marks: Glyphs = UNICODE) -> Sequence[Row]:
        """The rows, kept until something else is to be shown."""
        asked = (current(), snapshot, self.municipality, self.filter, self.order, marks)
        if self._made[0] != asked:
            self._made = asked, self._rows(snapshot, marks)
        return self._made[1]

    def _rows(self, snapshot: OutagesSnapshot | None, marks: Glyphs) -> Sequence[Row]:
        if snapshot is None:
            return ()
        if self.municipality is not None:
            return present.set_rows(snapshot, self.municipality, self.order, marks)
        found = present.ordered(present.filtered(snapshot.municipalities, self.filter), self.order)
        return present.rows(found, snapshot.slot, marks)

    def heading(self, snapshot: OutagesSnapshot, width: int, marks: Glyphs = UNICODE) -> Line:
        """What is shown, in words."""
        if self.municipality is None:
            shown = len(self.rows(snapshot, marks))
            return present.table_line(snapshot, shown, self.order, self.filter, width, marks)
        name = clean(municipality_words(self.municipality), 40)
        title = ((tr(" Sets (conjuntos) of {name}", name=name), "heading"), (f", {self.order.words}", "label"))
        return justify(title, ((tr("  esc goes back "), MUTED),), width)

    def place(self, snapshot: OutagesSnapshot | None, row_id: str | None) -> PlaceOutage | None:
        """The municipality of a row, or the one whose sets are shown."""
        if snapshot is None:
            return None
        wanted = self.municipality if self.municipality is not None else row_id
        return next((each for each in snapshot.municipalities if str(each.code) == str(wanted)), None)
