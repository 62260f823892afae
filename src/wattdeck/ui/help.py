"""The help page and the README's key table, both made from the bindings and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from wattdeck.core.language import later, tr
from wattdeck.core.lines import Column, Row, wrap
from wattdeck.ui.frame import key_name
from wattdeck.ui.page import Page
from wattdeck.ui.paint import Painted
from wattdeck.ui.table import DeckTable

SCREEN_IDS = "deck.screen_{}"
AREAS = {
    "deck": later("Everywhere"),
    "table": later("In tables"),
    "dialog": later("In dialogs"),
    "replay": later("In a replay"),
    "overview": later("Overview"),
    "events": later("Events"),
}
"""Other areas are systems, known by their short names."""


def bindings_of(*classes: type[object]) -> list[Binding]:
    """The documented bindings of widgets, screens or apps, each once, in the order written."""
    found: dict[str, Binding] = {}
    for kind in classes:
        for base in kind.__mro__:
            own = base.__dict__.get("BINDINGS", ()) if base.__module__.startswith("wattdeck") else ()
            for binding in own:
                if isinstance(binding, Binding) and binding.id and binding.tooltip:
                    found.setdefault(binding.id, binding)
    return list(found.values())


def screen_widgets(screen: type[Screen[Any]]) -> Sequence[type[object]]:
    """The widget classes whose bindings a screen offers, as it names them in `OFFERS`."""
    return tuple(getattr(screen, "OFFERS", ()))


def keys_of(binding: Binding) -> str:
    """All keys of a binding as printed on a keyboard."""
    return " ".join(key_name(key.strip()) for key in binding.key.split(","))


def key_table(bindings: Iterable[Binding]) -> str:
    """A Markdown table of keys, for the README."""
    lines = ["| Key | Does | Id |", "| --- | --- | --- |"]
    for binding in bindings:
        if binding.id == SCREEN_IDS.format(0):
            lines.append(f"| `0` … `9` | Show a screen by its number: 0 is the overview | `{binding.id}` … |")
        if (binding.id or "").startswith(SCREEN_IDS.format("")):
            continue
        keys = " ".join(f"`{key}`" for key in keys_of(binding).split(" "))
        lines.append(f"| {keys} | {binding.tooltip} | `{binding.id}` |")
    return "\n".join(lines)


class HelpScreen(Page):
    """Every key that works on the screen below, and what is in front there."""

    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("esc", later("Back")), ("↑↓", later("Scroll")))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "Back", id="dialog.back", tooltip="Go back"),
    ]

    def __init__(self, about: Screen[object]) -> None:
        super().__init__()
        self._about = about

    def body(self) -> Iterable[Widget]:
        yield Painted(id="words")
        columns = (Column("key", "Key", 10, keep=2), Column("does", "Does", 44, flex=True, keep=3),
                   Column("area", "Where", 12, keep=1), Column("id", "Id", 24, keep=0))  # fmt: skip
        yield DeckTable(columns, id="keys")

    def on_painted_resized(self) -> None:
        super().on_painted_resized()
        words = self.query_one("#words", Painted)
        text = str(getattr(self._about.focused, "HELP", None) or getattr(self._about, "HELP", None) or "")
        lines = wrap((text and tr(text)).replace("**", ""), max(20, self.app.size.width - 4))
        words.styles.height = len(lines) + 1
        words.paint([((f" {tr('Help')}", "heading"),), *[((" ", "normal"), *line) for line in lines]])

    def on_mount(self) -> None:
        rows: list[Row] = []
        keymap = self.app._keymap if hasattr(self.app, "_keymap") else {}
        for active in self._about.active_bindings.values():
            binding = active.binding
            if binding.id and binding.tooltip and binding.id not in {row.id for row in rows}:
                area = binding.id.partition(".")[0]
                key = keymap.get(binding.id, "") or _all_keys(self._about, binding)
                rows.append(
                    Row(binding.id, ((key, "key"), (tr(binding.tooltip), "normal"),
                                     (tr(AREAS.get(area, area.upper())), "label"), (binding.id, "muted")))
                )  # fmt: skip
        self.query_one("#keys", DeckTable).show(rows)
        self.query_one("#keys").focus()


def _all_keys(screen: Screen[object], binding: Binding) -> str:
    keys = [active.binding.key for active in screen.active_bindings.values() if active.binding.id == binding.id]
    return " ".join(dict.fromkeys(key_name(key) for key in keys))
