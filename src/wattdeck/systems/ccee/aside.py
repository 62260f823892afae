"""The pages of the pane beside the table: which there are, what each asks of CCEE, and its lines."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wattdeck.core.asked import Answers
from wattdeck.core.errors import AuthError
from wattdeck.core.language import later, tr
from wattdeck.core.lines import MUTED, Line, clip, wrap
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, Glyphs
from wattdeck.systems.ccee import curve, details
from wattdeck.systems.ccee.models import Migration
from wattdeck.systems.ccee.present import status_span, unit_words

if TYPE_CHECKING:
    from wattdeck.systems.ccee.source import CceeSource
    from wattdeck.systems.ccee.tableview import Basis, TableView

log = logging.getLogger(__name__)

FIELDS, HISTORY, CONTRACTS = later("Fields"), later("History"), later("Contracts")
ENERGY, REQUESTS = later("Energy"), later("Requests")
PAGES = (FIELDS, HISTORY, CONTRACTS, ENERGY, REQUESTS)
ASKED = (CONTRACTS, ENERGY, REQUESTS)
"""Pages that ask CCEE, each when it is shown and the cursor rests."""
REST_S = 0.3
"""How long the cursor rests on a row before anything is asked about it."""
LEAST_BARS = 8
"""Rows a chart of bars needs."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One page about one migration of one source."""

    source: str
    page: str
    migration_id: str


class Aside:
    """What was asked about migrations, and what came back. An answer is asked for again when the list is newer."""

    def __init__(self) -> None:
        self._answers: Answers[Topic, tuple[Any, ...]] = Answers(96)
        self.asking: Topic | None = None

    def due(self, topic: Topic, beside: object) -> bool:
        """Whether to ask now."""
        return (
            topic.page in ASKED and topic != self.asking and self._answers.due(topic, beside, settled=False)  # type: ignore[arg-type]
        )

    async def ask(self, topic: Topic, source: CceeSource, migration: Migration, beside: Any) -> None:
        """Ask, and keep what comes; a failure is kept in words."""
        from wattdeck.core.errors import SourceError

        self.asking = topic
        try:
            answer: tuple[Any, ...]
            match topic.page:
                case "Contracts":
                    answer = await source.contracts(migration)
                case "Energy":
                    answer = await source.measurements(migration)
                case _:
                    answer = await source.change_requests(migration)
            self._answers.put(topic, answer, beside)
        except SourceError as error:
            self._answers.fail(topic, failure_words(error, topic.page), beside)
        except Exception as error:
            log.exception("%s: reading %s failed for a reason that is not CCEE's", topic.source, topic.page.lower())
            words = tr("{what}: internal error ({error}); the log has the details.", what=tr(topic.page),
                       error=type(error).__name__)  # fmt: skip
            self._answers.fail(topic, words, beside)
        finally:
            if self.asking == topic:
                self.asking = None

    def lines(
        self,
        topic: Topic,
        migration: Migration,
        source: CceeSource,
        view: TableView,
        basis: Basis,
        size: tuple[int, int],
        marks: Glyphs = UNICODE,
    ) -> list[Line]:
        """The page for a width and height."""
        width, height = size
        masked = view.masked
        if topic.page == FIELDS:
            return details.details(
                migration, basis.today, basis.calendar, width, alerts=view.alerts(migration, basis),
                masked=masked, wire_names=width >= 60, marks=marks,
            )  # fmt: skip
        status = status_span(migration.status, marks)
        lines: list[Line] = [clip(((f"{unit_words(migration)}  ", "heading"), status), width)]
        if topic.page == HISTORY:
            return [
                *lines,
                *details.history_lines(
                    source.history(migration.migration_id), width, marks, nothing=source.why_no_history
                ),
            ]
        known = self._answers.value(topic)
        problem = self._answers.problem(topic)
        if problem:
            lines += wrap(problem, width, "severity-medium")
        if known is None and self.asking == topic:
            return [*lines, ((tr("Asking CCEE."), MUTED),)]
        match topic.page:
            case "Contracts":
                return [*lines, *details.contract_lines(known, width, masked=masked)]
            case "Requests":
                return [*lines, *details.request_lines(known, width, marks)]
        return [*lines, *_energy_lines(known, migration, width, height - len(lines), problem, marks)]


def _energy_lines(
    known: Sequence[Any] | None, migration: Migration, width: int, height: int, problem: str, marks: Glyphs
) -> list[Line]:
    """The newest month with values by days, and its newest day by hours: both in view, or one below the other."""
    from wattdeck.ui import bars

    months = curve.months_of(known or ())
    if not known or not months:
        words = curve.no_measurements_words(migration.consumer_unit_code, asking=known is None and not problem)
        return list(wrap(words, width, MUTED))
    lines: list[Line] = []
    day = curve.days_known(known)[-1]
    rows = height // 2 if height >= 2 * (LEAST_BARS + 4) else height
    for each in (curve.days_of(known, months[-1]), curve.hours_of(known, day)):
        notes = [line for sentence in each.sentences for line in wrap(sentence, width, "label")][:4]
        room = max(LEAST_BARS, rows - len(notes) - 2)
        drawn = bars.draw(bars.Bars(each.label, each.unit, each.values, each.names), width, min(room, 16), marks=marks)
        lines += [((each.label, "heading"),), *drawn, *notes, ()]
    return lines[:-1]


def failure_words(error: Exception, what: str) -> str:
    """Why something could not be read, and what to do."""
    if isinstance(error, AuthError):
        return tr("{what} could not be read: {reason}", what=tr(what), reason=clean(str(error), 200))
    reason = (clean(str(error), 240) or tr("no reason given")).rstrip(".")
    return tr("{what} could not be read: {reason}. r tries again.", what=tr(what), reason=reason)
