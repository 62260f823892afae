"""The asking itself: requests, their answers examined, and what is known so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from wattdeck.core.clock import Clock
from wattdeck.core.errors import SourceError
from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance.examination import Examination, examine
from wattdeck.systems.aneel.conformance.model import Context, NotChecked, Outcome, Passed
from wattdeck.systems.aneel.conformance.probes import FAILURES_MAX, Options, Prober
from wattdeck.systems.aneel.conformance.series import REQUESTS_ALLOWED, Series
from wattdeck.systems.aneel.conformance.tally import Tally
from wattdeck.systems.aneel.exchange import PATHS, Exchange, Route
from wattdeck.systems.aneel.models import Finding
from wattdeck.systems.aneel.wording import said


class Gone(Exception):
    """There is no sense in asking on."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
        """In English, as `wording` has it."""


class TooManyError(SourceError):
    """429, whatever was asked."""

    why = later("the server answered 429, too many requests")


class Asker:
    """One run of probes."""

    def __init__(self, client: Prober, context: Context, options: Options, clock: Clock) -> None:
        self.client, self.context, self.options, self.clock = client, context, options, clock
        self.series = Series(context)
        self.now: Examination | None = None
        """What is out at present, if the server says."""
        self._tally = Tally(context)
        self._told: set[Finding] = set()
        self._passed: dict[str, str] = {}
        self._left: dict[str, str] = {}
        self._new: list[Outcome] = []
        self._began_s = clock.monotonic()
        self._sent_s: list[float] = []
        self._failures = 0
        self.most_in_a_minute = 0
        self.answers = 0

    async def get(
        self,
        route: Route,
        query: Mapping[str, str] | str = "",
        *,
        headers: Mapping[str, str] | None = None,
        with_key: bool = True,
        asked: Mapping[str, str] | None = None,
        aside: Iterable[str] = (),
    ) -> Examination:
        """Ask one of the three routes and examine the answer; it also goes into the series.

        Args:
            asked: The query as the rules shall see it, where `query` is text.
            aside: Rules that this question breaks on purpose.

        Raises:
            TooManyError: the answer is a 429 and tells nothing more.
            SourceError: there is no answer.
            Gone: there was none several times, or time is up.
        """
        exchange = await self.raw(PATHS[route], query, headers=headers, with_key=with_key, route=route)
        if asked is not None or not isinstance(query, str):
            exchange = replace(
                exchange, asked=dict(query if asked is None and not isinstance(query, str) else asked or {})
            )
        seen = examine(exchange, self.context)
        skip = frozenset(aside)
        self.found(finding for finding in seen.findings if finding.rule not in skip)
        self.found(self.series.add_examined(seen))
        self._tally.looked |= seen.looked - skip
        if exchange.status_code == 429:
            raise TooManyError(TooManyError.why)
        return seen

    async def raw(
        self,
        path: str,
        query: Mapping[str, str] | str = "",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        with_key: bool = True,
        route: Route = "outages",
    ) -> Exchange:
        """Send one request; nothing of the answer is looked at.

        Raises:
            SourceError: there is no answer.
            Gone: there was none several times, or time is up.
        """
        if self.clock.monotonic() - self._began_s > self.options.deadline_s:
            words = later("the time for all probes together, {seconds} s, is over")
            raise Gone(said(words, seconds=f"{self.options.deadline_s:g}"))
        try:
            exchange = await self.client.raw(
                path, query, method=method, headers=headers, with_key=with_key, route=route
            )
        except SourceError as error:
            self._failures += 1
            if self._failures >= FAILURES_MAX:
                raise Gone(said(later("the server stopped answering: {reason}"), reason=str(error))) from error
            raise
        self._failures = 0
        self.answers += 1
        now_s = self.clock.monotonic()
        self._sent_s = [sent_s for sent_s in self._sent_s[-REQUESTS_ALLOWED:] if now_s - sent_s < 60.0] + [now_s]
        self.most_in_a_minute = max(self.most_in_a_minute, len(self._sent_s))
        return exchange

    def local_now(self) -> datetime:
        """Our clock."""
        return self.clock.now()

    def found(self, findings: Iterable[Outcome]) -> None:
        """Note what was found; a rule that was found kept in one respect can still be broken in another."""
        for outcome in findings:
            if isinstance(outcome, Passed):
                self._passed.setdefault(outcome.rule, outcome.evidence)
            elif isinstance(outcome, Finding):
                self._tally.take((outcome,))

    def leave(self, *rules: str, why: str) -> None:
        """These could not be looked at."""
        for rule in rules:
            self._left.setdefault(rule, why)

    def looked_at(self, rule: str, evidence: str) -> None:
        """A rule is kept as far as was seen."""
        self._passed.setdefault(rule, evidence)

    def broken(self, rule: str) -> bool:
        """Whether a rule was found not to be kept."""
        return self._tally.has(rule)

    def taken(self) -> list[Outcome]:
        """Findings since the last time."""
        fresh = [finding for finding in self._tally.findings() if finding not in self._told]
        self._told.update(fresh)
        return list(fresh)

    def kept(self) -> list[Outcome]:
        """At the end: rules that are kept, and those that stay open with the reason."""
        broken = {finding.rule for finding in self._told}
        general = f"seen in {self.answers} answers"
        looked = dict.fromkeys(sorted((self._tally.looked | self.series.looked) - self._left.keys()), general)
        passed = {rule: why for rule, why in (looked | self._passed).items() if rule not in broken}
        return [
            *(Passed(rule, evidence) for rule, evidence in passed.items()),
            *(NotChecked(rule, why) for rule, why in self._left.items() if rule not in broken and rule not in passed),
        ]
