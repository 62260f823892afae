"""From a key to a command: the forms that are filled in, and what is handed to control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wattdeck.systems.ccee.intentions import Cancellation, Change, Creation, Intention
from wattdeck.systems.ccee.models import Migration, MigrationDraft, MigrationEdit

if TYPE_CHECKING:
    from wattdeck.systems.ccee.source import CceeSource
    from wattdeck.ui.app import DeckApp


class Changes:
    """What a person asks to be changed in one session. Sends nothing itself: control does, after its own question."""

    def __init__(self, app: DeckApp) -> None:
        self._app = app
        self._typed: dict[str, str] = {}
        """What stood in a form for a new migration that was left; offered again."""

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
            self._app.say("No migration is selected.")
        elif what == "edit":
            self._edit(agent, migration)
        else:
            self._command(agent, Cancellation(migration))

    def _new(self, agent: CceeSource) -> None:
        from wattdeck.systems.ccee.form import MigrationForm
        from wattdeck.systems.ccee.sheets import CreateSheet

        config = agent.config
        sheet = CreateSheet(
            config.api_version,
            agent_code=config.agent_code,
            profiles=config.profiles,
            today=agent.today,
            rules=agent.rules,
            calendar=agent.calendar,
            active_units=_active_units(agent),
        )
        form = MigrationForm(sheet, self._typed)

        def done(draft: MigrationDraft | None) -> None:
            self._typed = form.values
            if draft is not None:
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


def _active_units(agent: CceeSource) -> dict[str, str]:
    """Units that cannot have another migration now -> why, in words."""
    snapshot = agent.feed.reading.snapshot
    active = () if snapshot is None else (each for each in snapshot.migrations if each.active)
    return {each.consumer_unit_code: f"{each.status}, {each.reference_month}" for each in active}
