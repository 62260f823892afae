"""What a person asks the distributor beside its feeds: another half hour, or one demand; and what came back."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wattdeck.core.asked import Answers
from wattdeck.core.errors import WattdeckError
from wattdeck.core.language import later, tr
from wattdeck.core.lines import TEXT, Line, wrap
from wattdeck.core.text import clean
from wattdeck.systems.aneel import charts, demandwords
from wattdeck.systems.aneel.models import Demand, OutagesSnapshot
from wattdeck.systems.aneel.places import municipality_words

if TYPE_CHECKING:
    from wattdeck.core.clock import Clock
    from wattdeck.core.reading import SourceId
    from wattdeck.systems.aneel.source import AneelSource

log = logging.getLogger(__name__)

REST_S = 0.4
"""How long a half hour that is not kept is on show before the distributor is asked for it."""
INTERNAL = later("internal error; the log has the details.")


@dataclass(frozen=True, slots=True)
class Question:
    """One half hour of one distributor."""

    source: SourceId
    slot: datetime
    beside: datetime | None
    """Age of the readings it is asked beside."""


class HalfHour:
    """The half hour on show: the newest, or one that was walked to and is asked for once it stays on show."""

    def __init__(self) -> None:
        self.slot: datetime | None = None
        """None follows the newest."""
        self._answers: Answers[tuple[SourceId, datetime], OutagesSnapshot] = Answers()
        self._asking: tuple[SourceId, datetime] | None = None

    def leave(self) -> None:
        """Another distributor is on show: its newest half hour, and nothing is asked of the one before."""
        self.slot = self._asking = None

    def walk(self, steps: int, newest: datetime) -> None:
        """Show another half hour."""
        self.slot = charts.walked(self.slot, steps, newest)

    def snapshot(self, source: SourceId, newest: OutagesSnapshot | None) -> OutagesSnapshot | None:
        """What was out then; None if it is not known."""
        if self.slot is None or (newest is not None and newest.slot == self.slot):
            return newest
        return self._answers.value((source, self.slot))

    def words(self, source: SourceId) -> str:
        """Why it is not known what was out then."""
        problem = "" if self.slot is None else self._answers.problem((source, self.slot))
        return problem or tr("Asking the distributor what was out then.")

    def busy(self, source: SourceId) -> bool:
        """The half hour on show is being asked for."""
        return self._asking is not None and self._asking == (source, self.slot)

    def begin(self, distributor: AneelSource) -> Question | None:
        """What to ask now, with `answer`; None if that is known, or is being asked for."""
        if self.slot is None:
            return None
        key = (distributor.id, self.slot)
        beside = distributor.outages_feed.reading.taken_at
        known = self._answers.value(key)
        # Changes are known as soon as the half hour before is.
        settled = known is not None and known.totals.change_out is not None
        if key == self._asking or not self._answers.due(key, beside, settled):
            return None
        self._asking = key
        return Question(distributor.id, self.slot, beside)

    async def answer(self, question: Question, distributor: AneelSource, clock: Clock) -> None:
        """Reckon a half hour from what is kept, or ask the distributor for it. A failure is kept in words."""
        key, beside = (question.source, question.slot), question.beside
        try:
            if distributor.slots.get(question.slot) is None:
                await clock.sleep(REST_S)
            self._answers.put(key, await distributor.at(question.slot), beside)
        except WattdeckError as error:
            self._answers.fail(key, tr("That half hour could not be read: {reason}", reason=_reason(error)), beside)
        except Exception:
            log.exception("%s: a half hour could not be reckoned", question.source)
            self._answers.fail(key, tr("That half hour: {reason}", reason=tr(INTERNAL)), beside)
        finally:
            if self._asking == key:
                self._asking = None


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What is known of the protocol that was asked for."""

    protocol: str
    demand: Demand | None = None
    problem: str = ""
    """Why nothing could be read, or that it is being asked for."""


class LookUp:
    """One demand by its protocol: shown to whoever asks for it, and kept nowhere."""

    def __init__(self) -> None:
        self.found: Found | None = None
        """None: no demand is on show."""
        self.masked = True
        """Personal data is not shown whole."""

    def begin(self, protocol: str) -> Found:
        """What there is to show until the answer is here."""
        words = tr("Asking for {protocol}.", protocol=clean(protocol, 30))
        self.found = asking = Found(protocol, problem=words)
        return asking

    async def answer(self, asking: Found, distributor: AneelSource) -> None:
        """Read the demand, unless something else is on show by then."""
        demand, problem = None, ""
        try:
            demand = await distributor.demand(asking.protocol)
        except WattdeckError as error:
            problem = tr("The demand could not be read: {reason}", reason=_reason(error))
        except Exception:
            log.exception("%s: a demand could not be read", distributor.id)
            problem = tr("The demand could not be read: {reason}", reason=tr(INTERNAL))
        if self.found is asking:
            self.found = Found(asking.protocol, demand, problem)

    def lines(self, now: datetime, width: int) -> list[Line]:
        """The demand in full, or why there is none."""
        if self.found is None:
            return []
        protocol, demand, problem = self.found.protocol, self.found.demand, self.found.problem
        if demand is not None:
            return demandwords.demand_lines(demand, now, width, masked=self.masked, municipality=municipality_words)
        words, meaning = (problem, "severity-medium") if problem else (demandwords.no_demand_words(protocol), TEXT)
        return [((" ", TEXT), *line) for line in wrap(words, width - 2, meaning)]


def _reason(error: WattdeckError) -> str:
    """Why, as a sentence's end."""
    return f"{clean(str(error), 300).rstrip('.')}."
