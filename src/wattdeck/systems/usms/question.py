"""What the screen asked an account for, and what came back: at most one question is open, and none blocks a key."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from wattdeck.core.asked import Answers
from wattdeck.core.errors import AuthError, WattdeckError
from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.systems.usms.models import Kind, Meter, Period, Point, TopUp, TopUpPage
from wattdeck.systems.usms.walk import Stretch

if TYPE_CHECKING:
    from wattdeck.core.reading import SourceId
    from wattdeck.systems.usms.present import Account
    from wattdeck.systems.usms.source import UsmsSource

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """One stretch of one meter."""

    source: SourceId
    meter: str
    stretch: Stretch

    @property
    def before(self) -> Question:
        """The stretch before, to compare with."""
        return replace(self, stretch=self.stretch.before)


@dataclass(slots=True, eq=False)
class Run:
    """What is being asked for the sake of one question: the stretch itself, and the one before it to compare with."""

    question: Question
    open: list[Question]
    """Not answered yet, in their order."""
    beside: datetime | None
    """Age of the readings it is asked beside."""


class Points:
    """Consumption of the stretches that were looked at. What is asked for is what is on show now."""

    def __init__(self) -> None:
        self._answers: Answers[Question, tuple[Point, ...]] = Answers()
        self._run: Run | None = None
        """What is being asked just now."""

    def of(self, question: Question) -> tuple[Point, ...] | None:
        """The last good answer."""
        return self._answers.value(question)

    def problem(self, question: Question) -> str:
        """Why the last try gave none; empty if it did."""
        return self._answers.problem(question)

    def asking(self, question: Question) -> bool:
        """The answer is on its way."""
        return self._run is not None and question in self._run.open

    def forget_failures(self) -> None:
        """Ask again for whatever failed: there is a new session."""
        self._answers.forget_failures()

    def begin(self, question: Question, meter: Meter, account: Account, now: datetime) -> Run | None:
        """What to ask now, with `answer`; None if that is known, or is being asked. An older question is given up."""
        stretch = question.stretch
        hourless = meter.kind is Kind.WATER and stretch.period is Period.HOUR
        if hourless or (self._run is not None and self._run.question == question):
            return None
        if account.refused and self.problem(question):
            return None
        if stretch.running(now) and account.awaits_consumption:
            # The feed is reading just this.
            return None
        beside = account.consumption.taken_at if account.consumption else None
        wanted = [
            each
            for each in (question, question.before)
            if self._answers.due(each, beside, settled=not each.stretch.running(now))
        ]
        if not wanted:
            return None
        self._run = Run(question, wanted, beside)
        return self._run

    async def answer(self, run: Run, source: UsmsSource, meter: Meter, tell: Callable[[], None]) -> None:
        """One stretch after the other: an account answers one question at a time. Each is told of."""
        for question in tuple(run.open):
            stretch = question.stretch
            points: tuple[Point, ...] = ()
            problem = ""
            try:
                points = tuple(await source.points(meter, stretch.period, stretch.first))
            except WattdeckError as error:
                problem = failure_words(error, stretch.words)
            except Exception as error:
                log.exception("%s: reading %s failed for a reason that is not the portal's", question.source, question)
                problem = tr("{what}: internal error ({name}); the log has the details.", what=stretch.words,
                             name=type(error).__name__)  # fmt: skip
            if self._run is not run:
                return
            if problem:
                self._answers.fail(question, problem, run.beside)
            else:
                self._answers.put(question, points, run.beside)
            run.open.remove(question)
            if not run.open:
                self._run = None
            tell()


@dataclass(frozen=True, slots=True)
class TopUps:
    """What the portal says of a meter's purchases, as far as it could be read."""

    page: TopUpPage | None = None
    rows: tuple[TopUp, ...] | None = None
    """None: not read yet."""
    problem: str = ""


class Purchases:
    """The top-ups of the meters that were asked for."""

    def __init__(self) -> None:
        self._answers: Answers[tuple[SourceId, str], TopUps] = Answers()
        self._asking: tuple[SourceId, str] | None = None

    def of(self, source: SourceId, meter: Meter) -> TopUps:
        """What is known of a meter's purchases."""
        return self._answers.value((source, meter.number)) or TopUps()

    def asking(self, source: SourceId, meter: Meter) -> bool:
        """The answer is on its way."""
        return self._asking == (source, meter.number)

    def begin(self, source: SourceId, meter: Meter) -> None:
        """They are asked for now, with `answer`."""
        self._asking = (source, meter.number)

    async def answer(self, source: UsmsSource, meter: Meter) -> None:
        """Read the page and the list; what of it fails is kept in words beside what was known."""
        key = (source.id, meter.number)
        before = self.of(source.id, meter)
        page, rows, problems = before.page, before.rows, []
        try:
            page = await source.top_up_page(meter)
        except WattdeckError as error:
            problems.append(failure_words(error, tr("The debt")))
        try:
            rows = await source.top_ups(meter)
        except WattdeckError as error:
            problems.append(failure_words(error, tr("The list of top-ups")))
        self._answers.put(key, TopUps(page, rows, " ".join(problems)), None)
        if self._asking == key:
            self._asking = None


def failure_words(error: Exception, what: str) -> str:
    """Why something could not be read, and what to do."""
    if isinstance(error, AuthError):
        return tr("{what} could not be read: the portal wants a login. Press l.", what=what)
    reason = clean(str(error), 200) or tr("no reason given")
    stop = "" if reason.endswith((".", "?", "…")) else "."
    return tr("{what} could not be read: {reason} r tries again.", what=what, reason=f"{reason}{stop}")
