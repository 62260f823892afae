"""Widgets of the ANEEL screen that are more than the shared ones: the two tables."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from wattdeck.core.language import later
from wattdeck.systems.aneel import findingwords, present
from wattdeck.ui.table import DeckTable


class PlaceTable(DeckTable):
    """Municipalities with customers out, or the sets of one of them."""

    HELP = later(
        "Municípios with customers (unidades consumidoras) out, worst first. **Enter** shows the conjuntos of one, "
        "**s** walks through the orders, **/** filters, **< >** walk through the half hours of the last week, **[ ]** "
        "turn the page beside the table: map, day, week, figures, demandas. **c** shows what the answers do "
        "against ANEEL's format, **f** looks a demanda up by its protocolo. CHI: customer-hours interrupted."
    )

    def __init__(self) -> None:
        super().__init__(present.COLUMNS, empty=later("Waiting for the distributor's first answer."), id="places")

    def go_to(self, row_id: str) -> None:
        """Put the cursor on a row and bring it into view; on the first one if there is none of that id."""
        self._go(self._index.get(row_id, 0))


class FindingTable(DeckTable):
    """What the conformance check has found in the newest answers."""

    HELP = later(
        "Findings of the conformance check, worst first; the pane shows one in full. `wattdeck aneel check` also asks "
        "the server what answers alone cannot tell, and `wattdeck aneel rules` lists all rules."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="aneel.finding", show=False, tooltip="Show the finding in full"),
    ]

    def __init__(self) -> None:
        super().__init__(findingwords.COLUMNS, empty=findingwords.NOTHING_WORDS, id="findings")
