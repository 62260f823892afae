"""From a key to a command: the forms that are filled in, and what is handed to control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wattdeck.core.command import Pending, State
from wattdeck.core.language import later, tr
from wattdeck.core.lines import TEXT, Line, wrap
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, Glyphs
from wattdeck.systems.ccee.documents import format_unit_code
from wattdeck.systems.ccee.intentions import Cancellation, Change, Creation, Intention, state_words
from wattdeck.systems.ccee.models import Migration, MigrationDraft, MigrationEdit

if TYPE_CHECKING:
    from wattdeck.systems.ccee.source import CceeSource
    from wattdeck.systems.ccee.tableview import TableView
    from wattdeck.ui.app import DeckApp

PENDING_WORDS = {
    State.SENT: later("sent, no answer yet"),
    State.ACKED: later("answered, not yet read back"),
    State.UNKNOWN: later("nobody knows whether CCEE took it; r reads the list again"),
}


class Changes:
    """What a person asks to be changed in one session. Sends nothing itself: control does, after its own question."""

    def __init__(self, app: DeckApp) -> None:
        self._app = app
        self._typed: dict[str, str] = {}
        """What stood in a form for a new migration that was left or refused; offered again."""
        self._asked: MigrationDraft | None = None
        """The new migration asked for last, of a unit that had none."""

    def ask(self, agent: CceeSource, what: str, migration: Migration | None) -> None:
        """Begin with `new`, `edit` or `cancel`; what cannot be done is refused with a reason before a form opens."""
        desk = self._app.desk
        if desk is None:
            return
        words = desk.control.read_only_words(agent.id)
        if words:
            self._app.say(words, trouble=True)
        elif what == "new":
            self._new(agent)
        elif migration is None:
            self._app.say(tr("No migration is selected."))
        elif what == "edit":
            self._edit(agent, migration)
        else:
            self._command(agent, Cancellation(migration))

    def _new(self, agent: CceeSource) -> None:
        from wattdeck.systems.ccee.form import MigrationForm
        from wattdeck.systems.ccee.sheets import CreateSheet

        config, active = agent.config, _active_units(agent)
        if self._asked is not None and self._asked.consumer_unit_code in active:
            # It came to be, so that there is nothing to correct in it.
            self._typed, self._asked = {}, None
        sheet = CreateSheet(
            config.api_version,
            agent_code=config.agent_code,
            profiles=config.profiles,
            today=agent.today,
            rules=agent.rules,
            calendar=agent.calendar,
            active_units=active,
        )
        form = MigrationForm(sheet, self._typed)

        def done(draft: MigrationDraft | None) -> None:
            self._typed = form.values
            if draft is not None:
                self._asked = None if draft.consumer_unit_code in active else draft
                self._command(agent, Creation(draft))

        self._app.push_screen(form, done)

    def _edit(self, agent: CceeSource, migration: Migration) -> None:
        from wattdeck.systems.ccee.form import EditForm
        from wattdeck.systems.ccee.sheets import EditSheet

        if not migration.editable:
            # Control says why; there is no use in filling a form first.
            self._command(agent, Change(migration, MigrationEdit.of(migration)))
            return

        def done(edit: MigrationEdit | None) -> None:
            if edit is not None:
                self._command(agent, Change(migration, edit))

        self._app.push_screen(EditForm(EditSheet(migration, agent.config.profiles)), done)

    def _command(self, agent: CceeSource, intention: Intention) -> None:
        desk = self._app.desk
        if desk is not None:
            agent.operable.stage(intention)
            desk.command(agent.id, intention.kind, intention.object_id, intention.wanted)


def pending_lines(pending: Mapping[str, Pending], view: TableView, width: int, marks: Glyphs = UNICODE) -> list[Line]:
    """What was sent and has not been read back: of which unit, what was wanted, how far it is."""
    lines: list[Line] = []
    for object_id, each in pending.items():
        words = PENDING_WORDS.get(each.state)
        if words is not None:
            migration = view.migration(object_id)
            unit = format_unit_code(clean(object_id if migration is None else migration.consumer_unit_code, 60))
            sentence = f"{marks.pending} UC {unit} {marks.arrow} {clean(state_words(each.wanted), 120)}: {tr(words)}"
            meaning = "severity-medium" if each.state is State.UNKNOWN else TEXT
            lines += [((" ", TEXT), *line) for line in wrap(sentence, width - 1, meaning)[:2]]
    return lines[:4]


def _active_units(agent: CceeSource) -> dict[str, str]:
    """Units that cannot have another migration now -> why, in words."""
    snapshot = agent.feed.reading.snapshot
    active = () if snapshot is None else (each for each in snapshot.migrations if each.active)
    return {each.consumer_unit_code: f"{each.status}, {each.reference_month}" for each in active}
