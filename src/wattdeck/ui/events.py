"""The events: alarms and the command journal in one timeline, with what each alarm asks of a person."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from anyio import to_thread
from textual import work
from textual.binding import Binding, BindingType
from textual.widget import Widget

from wattdeck.core.alarm_view import Alarm, AlarmChanged, AlarmState
from wattdeck.core.errors import WattdeckError
from wattdeck.core.language import later, plural, tr
from wattdeck.core.lines import LazyRows, Row
from wattdeck.core.timeline import MOST, Happening, Kind, documents, matching, merged, of_alarms, of_command
from wattdeck.core.timeline_lines import COLUMNS, detail_lines, row_of, title_of
from wattdeck.ui.deck_screen import DeckScreen
from wattdeck.ui.dialogs import AskDialog, ChoiceDialog
from wattdeck.ui.region import Region
from wattdeck.ui.table import DeckTable

if TYPE_CHECKING:
    from textual.widgets import Input

    from wattdeck.core.journal import Journal

TEXT_LENGTH = 120
KINDS: tuple[Kind | None, ...] = (None, Kind.ALARM, Kind.COMMAND)
SHELVE_TIMES = (
    ("30", later("30 minutes")),
    ("60", later("1 hour")),
    ("240", later("4 hours")),
    ("720", later("12 hours")),
    ("1440", later("1 day")),
    ("10000", later("almost a week")),
)
"""Minutes, and how people say it."""


class EventsScreen(DeckScreen):
    """What happened, newest first: what came, who was told, what was done about it."""

    OFFERS: ClassVar[tuple[type[Widget], ...]] = ()
    DEFAULT_CSS = """
    EventsScreen #events { height: 1fr; }
    EventsScreen #detail { height: 8; }
    """
    HELP = later("Alarms and commands, newest first. **a** acknowledges the alarm under the cursor, **z** shelves it.")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="events.filter",
                tooltip="Show only events that say these words: a source, a priority, a name, alarm or command"),
        Binding("f", "kind", "Kind", id="events.kind", tooltip="Show everything, alarms alone, or commands alone"),
        Binding("a", "acknowledge", "Acknowledge", id="events.acknowledge",
                tooltip="Acknowledge the alarm under the cursor"),
        Binding("A", "acknowledge_shown", "All", id="events.acknowledge_shown", show=False,
                tooltip="Acknowledge every alarm that is shown"),
        Binding("z", "shelve", "Shelve", id="events.shelve",
                tooltip="Take the alarm under the cursor off the list for a while, or put it back"),
        Binding("e", "export_shown", "Export", id="events.export", tooltip="Save the events that are shown as files"),
        Binding("escape", "back", "Back", id="events.back", show=False,
                tooltip="Clear the filter, or go back to where you were"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._alarms: list[Happening] = []
        self._commands: deque[Happening] = deque(maxlen=MOST)
        self._journal_end = 0
        self._reading = False
        self._stale = True
        """Something happened to alarms since the timeline was put together."""
        self._all: list[Happening] = []
        self._shown: dict[str, Happening] = {}
        self._key: object = None
        """What the rows on show were made for."""
        self._rows: LazyRows | None = None
        self._words = ""
        self._kind: Kind | None = None
        self._asked: tuple[str, int] | None = None
        """Alarm and minutes of a shelving whose reason is being typed."""
        self._stop: Callable[[], None] | None = None

    def body(self) -> Iterable[Widget]:
        yield DeckTable(COLUMNS, empty=tr("Nothing happened that fits."), id="events")
        yield Region(id="detail")

    def on_unmount(self) -> None:
        if self._stop is not None:
            self._stop()

    # Data

    def _hear(self, change: AlarmChanged) -> None:
        del change
        self._stale = True

    def _look_at_journal(self, journal: Journal) -> None:
        """Read what was added since, beside the screen: the journal may be long."""
        if not self._reading and journal.size() != self._journal_end:
            self._reading = True
            self.run_worker(self._read_journal(journal), group="journal", exit_on_error=True)

    async def _read_journal(self, journal: Journal) -> None:
        start = self._journal_end if journal.size() > self._journal_end else 0

        def read() -> tuple[list[Happening], int]:
            records = deque(journal.records(offset=start), MOST)
            return [of_command(record) for record in records], journal.size()

        try:
            found, end = await to_thread.run_sync(read)
        except WattdeckError as error:
            self.deck_app.say(str(error), trouble=True)
            found, end = [], journal.size()
        if not start:
            self._commands.clear()
        self._commands.extend(found)
        # A record that is being written is read again with the next one: known ids are not shown twice.
        self._journal_end = end
        self._reading, self._stale = False, True
        self.paint()

    # Paint

    def paint_body(self, now: datetime) -> None:
        deck = self.deck_app.deck
        table = self.query_one("#events", DeckTable)
        if deck is None:
            return
        if self._stop is None:
            self._stop = deck.alarms.subscribe(self._hear)
        self._look_at_journal(deck.journal)
        if self._stale:
            self._stale = False
            self._alarms = of_alarms(deck.alarms.events())
            self._all = merged(self._alarms, self._commands)
            self._key = None
        known = {alarm.id: alarm for alarm in (*deck.alarms.open, *deck.alarms.shelved)}
        fresh = any(alarm.state is not AlarmState.ACKNOWLEDGED for alarm in deck.alarms.open)
        blink = self.deck_app.blink(now)
        key = (
            self._words,
            self._kind,
            blink if fresh else None,
            table.size.width,
            tuple((each.id, each.state) for each in known.values()),
        )
        if key != self._key:
            self._key = key
            self._show(table, known, blink=blink)
        self._paint_detail(now)

    def _show(self, table: DeckTable, known: dict[str, Alarm], *, blink: bool) -> None:
        found = matching(self._all, self._words, self._kind)
        self._shown = {each.id: each for each in found}
        made: dict[int, Row] = {}
        objects = "object" in table.shown_columns

        def make(index: int) -> Row:
            if index not in made:
                alarm = known.get(found[index].alarm)
                made[index] = row_of(found[index], alarm, blink=blink, objects=objects)
            return made[index]

        self._rows = LazyRows(list(self._shown), make)
        table.show(self._rows)
        table.note(self._note(len(found)))

    def _note(self, count: int) -> str:
        """What narrows the list, in words."""
        parts = []
        if self._kind is Kind.ALARM:
            parts.append(tr("alarms alone"))
        elif self._kind is Kind.COMMAND:
            parts.append(tr("commands alone"))
        if self._words:
            parts.append(tr("filter: {words} (escape clears)", words=self._words))
        return f"{plural('{count} event', '{count} events', count)}: {', '.join(parts)}" if parts else ""

    def _paint_detail(self, now: datetime) -> None:
        region = self.query_one("#detail", Region)
        self._set_height(region, 8 if self.size.height < 30 else 10)
        here, alarm = self._here()
        if here is None:
            region.paint_titled(tr("Nothing selected"), "", [])
            return
        deck = self.deck_app.deck
        rules = {rule.name: rule for rule in deck.alarms.rules()} if deck is not None else {}
        lines = detail_lines(here, alarm, rules, now, max(20, region.size.width - 2))
        region.paint_titled(title_of(here), "", [((" ", "normal"), *line) for line in lines])

    def _here(self) -> tuple[Happening | None, Alarm | None]:
        """The entry under the cursor, and its alarm if that is not normal or is shelved."""
        here = self._shown.get(self.query_one("#events", DeckTable).cursor_id)
        deck = self.deck_app.deck
        alarm = deck.alarms.find(here.alarm) if here is not None and here.alarm and deck is not None else None
        return here, alarm

    # Keys

    def on_deck_table_cursor_moved(self) -> None:
        self._paint_detail(self.deck_app.now())

    def action_kind(self) -> None:
        """Everything, alarms alone, commands alone."""
        self._kind = KINDS[(KINDS.index(self._kind) + 1) % len(KINDS)]
        self.paint()

    def action_back(self) -> None:
        """Clear the filter; without one, go back to where one was."""
        if not (self._words or self._kind):
            self.deck_app.navigation.leave_events()
            return
        self._words, self._kind = "", None
        self.paint()

    def action_acknowledge(self) -> None:
        """Acknowledge the alarm under the cursor."""
        _, alarm = self._here()
        if alarm is None or not self._acknowledge([alarm.id]):
            self.deck_app.say(tr("There is nothing to acknowledge here."))

    @work(exclusive=True, group="acknowledge")
    async def action_acknowledge_shown(self) -> None:
        """Acknowledge every alarm that is shown, if the person means it."""
        deck = self.deck_app.deck
        if deck is None:
            return
        shown = {each.alarm for each in self._shown.values() if each.alarm}
        ids = [each.id for each in deck.alarms.open if each.id in shown and each.state is not AlarmState.ACKNOWLEDGED]
        if not ids:
            self.deck_app.say(tr("There is nothing to acknowledge here."))
            return
        words = [plural("{count} alarm is acknowledged.", "{count} alarms are acknowledged.", len(ids)),
                 tr("Whoever looks later sees that somebody has read them.")]  # fmt: skip
        if await self.app.push_screen_wait(AskDialog(tr("Acknowledge?"), words, yes=tr("Acknowledge"))):
            self._acknowledge(ids)

    def _acknowledge(self, ids: Sequence[str]) -> bool:
        deck = self.deck_app.deck
        done = deck.alarms.acknowledge(ids) if deck is not None else []
        self.paint()
        return bool(done)

    @work(exclusive=True, group="shelve")
    async def action_shelve(self) -> None:
        """Shelve the alarm under the cursor for a while and a reason; put one back that is shelved."""
        deck = self.deck_app.deck
        _, alarm = self._here()
        if alarm is None or deck is None:
            self.deck_app.say(tr("There is no alarm here that could be shelved."))
            return
        if alarm.shelved_until is not None:
            deck.alarms.unshelve(alarm.id)
            self.paint()
            return
        choices = [(minutes, tr(words)) for minutes, words in SHELVE_TIMES]
        minutes = await self.app.push_screen_wait(ChoiceDialog(tr("Shelve for how long?"), choices, ""))
        if minutes is not None:
            from wattdeck.ui.prompt import open_prompt

            self._asked = (alarm.id, int(minutes))
            open_prompt(self, tr("why it is shelved"), "", most=TEXT_LENGTH)

    def _shelve(self, reason: str) -> None:
        deck, asked = self.deck_app.deck, self._asked
        self._asked = None
        if deck is None or asked is None:
            return
        alarm, minutes = asked
        try:
            deck.alarms.shelve(alarm, self.deck_app.now() + timedelta(minutes=minutes), reason)
        except WattdeckError as error:
            self.deck_app.say(str(error), trouble=True)
        self.paint()

    def action_filter(self) -> None:
        """Type words to filter by; every key narrows the list."""
        from wattdeck.ui.prompt import open_prompt

        self._asked = None
        open_prompt(self, tr("filter"), self._words, most=TEXT_LENGTH)

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "prompt" and self._asked is None:
            self._words = event.value[:TEXT_LENGTH]
            self.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        from wattdeck.ui.prompt import close_prompt

        if event.input.id == "prompt":
            close_prompt(self)
            if self._asked is not None:
                self._shelve(event.value)

    @work(exclusive=True, group="export")
    async def action_export_shown(self) -> None:
        """Save the events that are shown as JSON, CSV and text, for their owner alone."""
        from wattdeck.ui.saving import save_texts

        shown = list(self._shown.values())
        stem = Path.cwd() / f"wattdeck-events-{self.deck_app.now().astimezone():%Y%m%d-%H%M%S}"
        try:
            await to_thread.run_sync(lambda: save_texts(stem, documents(shown)))
        except OSError as error:
            reason = error.strerror or str(error)
            self.deck_app.say(tr("Nothing was saved: {reason}. Start wattdeck in a folder you can write to.",
                                 reason=reason), trouble=True)  # fmt: skip
        else:
            self.deck_app.say(tr("Saved in {files}", files=f"{stem}.json .csv .txt"))
