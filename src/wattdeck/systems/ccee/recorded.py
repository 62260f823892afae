"""An agent in a replay: the list as recorded, and nobody who could be asked for what lies beside it."""

from __future__ import annotations

from datetime import date

from wattdeck.core.errors import SourceError
from wattdeck.core.language import tr
from wattdeck.core.recordedsource import not_asked_words
from wattdeck.systems.ccee.models import ChangeRequest, Contract, Measurement, Migration
from wattdeck.systems.ccee.source import CceeSource


class RecordedCcee(CceeSource):
    """Knows the migrations of its recorded readings."""

    @property
    def why_no_history(self) -> str:
        """The chronicle is kept from every reading there was, and only some of them are in a recording."""
        return tr("No history here: {reason}.", reason=not_asked_words())

    async def contracts(self, migration: Migration) -> tuple[Contract, ...]:
        """Raises:
        SourceError: always; contracts are in no recording.
        """
        del migration
        raise SourceError(not_asked_words())

    async def measurements(
        self, migration: Migration, first: date | None = None, last: date | None = None
    ) -> tuple[Measurement, ...]:
        """Raises:
        SourceError: always; measured energy is in no recording.
        """
        del migration, first, last
        raise SourceError(not_asked_words())

    async def change_requests(self, migration: Migration) -> tuple[ChangeRequest, ...]:
        """Raises:
        SourceError: always; change requests are in no recording.
        """
        del migration
        raise SourceError(not_asked_words())
