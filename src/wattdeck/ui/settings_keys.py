"""Keys of one's own: every action with its key, a new one taken by pressing it, clashes refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from anyio import to_thread
from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget

from wattdeck.core.errors import ConfigError
from wattdeck.core.language import later, tr
from wattdeck.core.lines import Column, Line, Row, wrap
from wattdeck.ui.dialogs import Words, room_in
from wattdeck.ui.frame import key_name
from wattdeck.ui.help import keys_of
from wattdeck.ui.keys import checked_keymap
from wattdeck.ui.page import Page
from wattdeck.ui.paint import Painted
from wattdeck.ui.table import DeckTable

if TYPE_CHECKING:
    from wattdeck.ui.settings_form import SettingsPlace

WORDS_LINES = 3
UI = "ui"
"""The table keys are kept in."""


class KeysScreen(Page):
    """Every action there is, and the key it is on. Each change is written at once."""

    HELP = later(
        "**Enter** waits for the new key of the action under the cursor, **Backspace** gives its own key back."
    )
    KEYS: ClassVar[Sequence[tuple[str, str]]] = (
        ("enter", later("New key")), ("backspace", later("Own key back")), ("esc", later("Back")),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Back", id="dialog.back", tooltip="Go back"),
        Binding("backspace,delete", "give_back", "Own key back", id="settings.key_back",
                tooltip="Give the action its own key back"),
    ]  # fmt: skip

    def __init__(
        self,
        place: SettingsPlace,
        bindings: Sequence[Binding],
        use_keys: Callable[[Mapping[str, str]], None] | None,
    ) -> None:
        super().__init__()
        self._place = place
        self._known = list({binding.id: binding for binding in bindings if binding.id and binding.tooltip}.values())
        self._use_keys = use_keys
        self._said = ""
        self._trouble = False

    def body(self) -> Iterable[Widget]:
        yield Painted(id="words")
        columns = (Column("key", "Key", 16, keep=3), Column("does", "Does", 34, flex=True, keep=2),
                   Column("id", "Id", 24, keep=1))  # fmt: skip
        yield DeckTable(columns, id="keys")

    def on_mount(self) -> None:
        self.query_one("#words", Painted).styles.height = WORDS_LINES
        self.query_one("#keys").focus()
        self.call_after_refresh(self.show_now)

    def show_now(self) -> None:
        """Actions and their keys; keys of one's own stand out."""
        own = self._own
        width = max(20, self.size.width - 2)
        said = self._place.why_fixed or self._said or tr("A key of your own stands out. Each change is saved at once.")
        lines: list[Line] = [((tr("Keys"), "heading"),)]
        lines += wrap(said, width, "severity-medium" if self._trouble or self._place.why_fixed else "label")
        lines = lines[:WORDS_LINES]
        self.query_one("#words", Painted).paint([((" ", "normal"), *line) for line in lines])
        rows = []
        for binding in self._known:
            name = str(binding.id)
            mine = name in own
            key = f"{key_name(own[name])} *" if mine else keys_of(binding)
            meaning = "severity-medium" if mine else "key"
            rows.append(Row(name, ((key, meaning), (tr(binding.tooltip), "normal"), (name, "muted"))))
        self.query_one("#keys", DeckTable).show(rows)

    @property
    def _own(self) -> dict[str, str]:
        found = self._place.file.table(UI).get("keys")
        return dict(found) if isinstance(found, dict) else {}

    def _say(self, words: str, *, trouble: bool = False) -> None:
        self._said, self._trouble = words, trouble
        self.show_now()

    @work(exclusive=True, group="key")
    async def on_deck_table_opened(self, message: DeckTable.Opened) -> None:
        """Wait for the new key."""
        if self._place.why_fixed:
            return
        binding = next(each for each in self._known if each.id == message.row_id)
        key = await self.app.push_screen_wait(PressDialog(tr(binding.tooltip)))
        if key:
            await self._keep({**self._own, message.row_id: key}, message.row_id)

    @work(exclusive=True, group="key")
    async def action_give_back(self) -> None:
        """Take one's own key off the action under the cursor."""
        name = self.query_one("#keys", DeckTable).cursor_id
        own = self._own
        if name in own and not self._place.why_fixed:
            del own[name]
            await self._keep(own, name)

    async def _keep(self, own: dict[str, str], name: str) -> None:
        """Write the key map, if nothing is wrong with it."""
        file = self._place.file
        _, problems = checked_keymap(own, self._known)
        if problems:
            self._say(problems[0], trouble=True)
            return
        table = {**file.table(UI), "keys": own}
        if not own:
            del table["keys"]
        try:
            change = file.with_table(UI, table)
            if change.problems:
                self._say("; ".join(each.reason for each in change.problems), trouble=True)
                return
            await to_thread.run_sync(file.write, change, self.deck_app.clock)
        except ConfigError as error:
            self._say(str(error), trouble=True)
            return
        if self._use_keys is not None:
            self._use_keys(own)
        binding = next(each for each in self._known if each.id == name)
        key = key_name(own[name]) if name in own else keys_of(binding)
        self._say(tr("{key} now means: {action}", key=key, action=tr(binding.tooltip)))


class PressDialog(ModalScreen[str | None]):
    """Takes the next key that is pressed; escape takes none."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self._action = action

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(id="words")

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        width = room_in(self.app.size.width)
        lines: list[Line] = [((tr("Press the new key"), "heading"),), ()]
        lines += wrap(self._action, width)
        lines += [(), (("esc", "key"), (f"  {tr('Cancel')}", "label"))]
        self.query_one("#words", Words).show_lines(lines)

    def on_key(self, event: events.Key) -> None:
        """The key, whatever it means elsewhere."""
        event.stop()
        event.prevent_default()
        self.dismiss(None if event.key == "escape" else event.key)

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is no key."""
        event.stop()
