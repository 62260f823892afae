"""One distributor, opened: its client, its feeds, the half hours it has told of, and what is wrong with its answers."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread

from wattdeck.core.errors import SourceError, UsageError
from wattdeck.core.feed import Feed
from wattdeck.core.language import later, tr
from wattdeck.core.reading import Link
from wattdeck.core.system import Context
from wattdeck.systems.aneel import places
from wattdeck.systems.aneel.aggregate import snapshot as aggregated
from wattdeck.systems.aneel.backfill import Backfill
from wattdeck.systems.aneel.client import AneelClient
from wattdeck.systems.aneel.config import SLOT_S, AneelConfig
from wattdeck.systems.aneel.models import (
    BRASILIA,
    SLOT,
    BackfillSnapshot,
    Demand,
    DemandCount,
    DemandsSnapshot,
    Finding,
    OutagesSnapshot,
    Row,
)
from wattdeck.systems.aneel.slots import Slots
from wattdeck.systems.aneel.times import next_poll, slot_of
from wattdeck.systems.aneel.universe import Universe
from wattdeck.systems.aneel.wire import Exchange, read_demand, read_demands, read_outages

if TYPE_CHECKING:
    from wattdeck.systems.aneel.conformance import Context as Expectations
    from wattdeck.systems.aneel.conformance import Series

log = logging.getLogger(__name__)

JITTER_S = 120.0
"""ANEEL and everybody else ask at the same minute; each waits a little of its own."""
FIRST_RETRY_S, SECOND_RETRY_S = 30.0, 120.0
"""After a failure, before the next half hour (aneel.md 11)."""
BACKFILL_S = 12.0
"""Time between two half hours asked for later: five a minute, and the polls besides."""
DEMO_BACKFILL_S, DEMO_STEP = 0.3, 12
"""The demo's simulator is in this process and has the week at hand."""


class AneelSource:
    """A distributor as the hub knows it. One request in flight, ten a minute at most."""

    operable = None
    """There is nothing to command: ANEEL reads, and so does this."""

    def __init__(self, config: AneelConfig, context: Context) -> None:
        self.config = config
        self.id = f"aneel/{config.name}"
        self.clock = context.clock
        self._demo = context.demo
        self.client = AneelClient(
            config.url,
            config.key.reveal,
            timeout_s=config.timeout_s,
            requests_per_minute=config.requests_per_minute,
            clients=context.http,
            clock=context.clock,
        )
        self.customers = _customers(config)
        """IBGE code -> customers served, as configured or estimated."""
        self.universe = Universe(self.customers)
        kept = None if context.demo else context.state_dir / "aneel" / f"{config.name}.slots"
        self.slots = Slots(kept)
        self.past = Backfill(self.slots, self.universe, self.client.outages, context.clock)
        self._jitter_s = Random(self.id).uniform(0.0, JITTER_S)  # noqa: S311  not secrecy
        self._series: Series | None = None
        self._expectations: Expectations | None = None
        self.findings: Mapping[str, tuple[Finding, ...]] = {}
        """Route -> what is wrong with its newest answer, also with one that could not be read."""
        self._loaded = False
        self._asking: anyio.Event | None = None
        """Set when what is out now has been answered or not; None while nobody asks."""
        schedule = self._next_poll if config.poll_s == SLOT_S else None
        self.outages_feed: Feed[OutagesSnapshot] = Feed(
            self.id, "outages", self.fetch_outages, interval_s=config.poll_s, clock=context.clock, schedule=schedule
        )
        self.demands_feed: Feed[DemandsSnapshot] = Feed(
            self.id, "demands", self.fetch_demands, interval_s=config.poll_s, clock=context.clock, schedule=schedule
        )
        self.backfill_feed: Feed[BackfillSnapshot] = Feed(
            self.id,
            "backfill",
            self.read_back,
            interval_s=DEMO_BACKFILL_S if context.demo else BACKFILL_S,
            clock=context.clock,
            keep_last=False,
        )

    @property
    def feeds(self) -> Sequence[Feed[Any]]:
        feeds: list[Feed[Any]] = [self.outages_feed]
        if self.config.demands:
            feeds.append(self.demands_feed)
        if self.config.backfill:
            feeds.append(self.backfill_feed)
        return feeds

    async def aclose(self) -> None:
        await self._save()
        await self.client.aclose()

    # What is out

    async def fetch_outages(self) -> OutagesSnapshot:
        """Read what is out now.

        Raises:
            SourceError: there is no answer, or none that says what is out.
        """
        self._asking = asking = anyio.Event()
        try:
            return await self._fetch_outages()
        finally:
            self._asking = None
            asking.set()

    async def _fetch_outages(self) -> OutagesSnapshot:
        await self._load()
        try:
            exchange = await self.client.outages()
        except SourceError:
            if rarely_there := self.series.failed(self.clock.now()):
                self.findings = {**self.findings, "availability": rarely_there}
            raise
        findings = await self._judge(exchange)
        answer = read_outages(exchange)
        slot = slot_of(exchange.at)
        self.universe.learn(answer.rows, slot)
        # What lies ahead was put there by a clock that was wrong.
        self.slots.forget_after(slot)
        if not answer.unreadable:
            # What could not be read is not restored: half of an answer must not become the past.
            self.slots.put(slot, answer.rows)
        await self._save()
        return self._reckoned(slot, answer.rows, answer.email, findings, answer.unreadable)

    async def at(self, moment: datetime) -> OutagesSnapshot:
        """What was out in a half hour: as kept, else as the distributor says.

        Raises:
            UsageError: it has not begun yet.
            SourceError: it is not kept and could not be read.
        """
        slot = slot_of(moment)
        if slot > self.clock.now():
            message = later("{moment} in Brasília is still to come; nobody knows what will be out")
            raise UsageError(tr(message, moment=f"{slot:%d/%m/%Y %H:%M}"))
        await self._load()
        rows = self.slots.get(slot)
        if rows is None:
            rows = await self.past.ask(slot)
        return self._reckoned(slot, rows, "", ())

    async def read_back(self) -> BackfillSnapshot:
        """Read a half hour that was missed, the newest first. The first look only counts.

        Raises:
            SourceError: it could not be read; at the first look, what is out now could not.
        """
        if self.backfill_feed.reading.snapshot is not None:
            live = self.outages_feed.reading.link is Link.LIVE
            if live and await self.past.fill(DEMO_STEP if self._demo else 1):
                await self._save()
                self._reckon_again()
            self._judge_past()
        elif self._asking is not None:
            await self._asking.wait()
            if self.slots.newest is None:
                raise SourceError(tr("missed half hours are asked for once the distributor tells what is out now"))
        return self.past.counted()

    def _reckon_again(self) -> None:
        """Show what is out now with what has been learnt of the hours before it."""
        now = self.outages_feed.reading.snapshot
        rows = None if now is None or now.slot is None else self.slots.get(now.slot)
        if now is not None and now.slot is not None and rows is not None:
            self.outages_feed.show_arriving(self._reckoned(now.slot, rows, now.email, now.findings))

    def _reckoned(
        self, slot: datetime, rows: Sequence[Row], email: str, findings: tuple[Finding, ...], unreadable: int = 0
    ) -> OutagesSnapshot:
        snapshot = aggregated(
            rows,
            slot=slot,
            email=email,
            universe=self.universe,
            names=places.municipality_words,
            before=None if unreadable else self.slots.get(slot - SLOT),
            since=self.slots.since(slot),
            at_least=self.slots.at_least(slot),
            chi_customer_h=self.slots.chi_customer_h(slot),
            chi_missing_h=self.slots.chi(slot).missing_h,
            findings=findings,
        )
        return replace(snapshot, unreadable_rows=unreadable) if unreadable else snapshot

    # Demands

    async def fetch_demands(self) -> DemandsSnapshot:
        """Read today's demands.

        Raises:
            SourceError: there is no answer; also outside the hours in which servers answer.
        """
        exchange = await self.client.demands()
        findings = await self._judge(exchange)
        counts = read_demands(exchange)
        return DemandsSnapshot(
            counts,
            sum(each.ongoing for each in counts),
            sum(each.opened_today for each in counts),
            sum(closed(each) for each in counts),
            findings,
        )

    async def demand(self, protocol: str) -> Demand | None:
        """One consumer's demand; None if the distributor knows none of that protocol.

        Raises:
            SourceError: there is no answer.
            UsageError: the protocol cannot be one.
        """
        return read_demand(await self.client.demand(protocol))

    # Conformance

    @property
    def expectations(self) -> Expectations:
        """What the check holds answers against: this distributor's municipalities, and the profile."""
        if self._expectations is None:
            from wattdeck.systems.aneel.conformance import Context as Expected

            self._expectations = Expected.of(
                state=self.config.state,
                municipalities=self.config.municipalities,
                customers=self.customers,
                profile=self.config.profile,
            )
        return self._expectations

    @property
    def series(self) -> Series:
        """What the answers of this session show together."""
        if self._series is None:
            from wattdeck.systems.aneel.conformance import Series

            self._series = Series(self.expectations)
        return self._series

    async def _judge(self, exchange: Exchange) -> tuple[Finding, ...]:
        """Check an answer by itself and as the newest of a series. A defect of the check never stops the data."""
        from wattdeck.systems.aneel.conformance import examine

        findings: tuple[Finding, ...] = ()
        try:
            # 5 MB of rows take a second.
            seen = await to_thread.run_sync(examine, exchange, self.expectations)
            findings = (*seen.findings, *self.series.add_examined(seen))
        except Exception:
            log.exception("%s: the conformance check failed for a reason that is not the distributor's", self.id)
        self.findings = {**self.findings, exchange.route: findings}
        return findings

    def _judge_past(self) -> None:
        """Tell of a server that ignores which half hour it is asked for (rule H01)."""
        known = self.findings.get("past", ())
        if self.past.has_no_past is bool(known):
            return
        from wattdeck.systems.aneel.conformance.judging import finding

        found = finding(
            self.expectations, "H01", "dthRecuperacao", later("the same rows for half hours that are days apart")
        )
        told = tuple(each for each in found if isinstance(each, Finding))
        self.findings = {**self.findings, "past": told if self.past.has_no_past else ()}

    def _next_poll(self, now: datetime, failures: int) -> datetime:
        """The next half hour, or a little later than now after a first and a second failure (aneel.md 11)."""
        regular = next_poll(now, self._jitter_s)
        if failures in (1, 2):
            soon = now + timedelta(seconds=FIRST_RETRY_S if failures == 1 else SECOND_RETRY_S)
            return min(soon, regular)
        return regular

    async def _load(self) -> None:
        """Take up what earlier sessions have kept; the names of the municipalities come along."""
        if self._loaded:
            return

        def work() -> None:
            self.slots.load()
            places.municipalities_of(self.config.state)

        await to_thread.run_sync(work)
        self.slots.teach(self.universe)
        self._loaded = True

    async def _save(self) -> None:
        problem = await to_thread.run_sync(self.slots.save)
        if problem:
            log.warning("%s: %s", self.id, problem)


def closed(count: DemandCount) -> int:
    """Demands closed today, whatever the verdict."""
    return count.unfounded_today + count.founded_today + count.no_verdict_today


def brasilia(moment: datetime) -> datetime:
    """The same moment by Brasília's clock."""
    return moment.astimezone(BRASILIA)


def _customers(config: AneelConfig) -> dict[int, int]:
    """Customers by municipality as configured, over the estimates that are known (aneel.md 8)."""
    known = places.RORAIMA_CUSTOMERS if config.state == "RR" and not config.municipalities else {}
    return {**known, **{int(code): count for code, count in config.customers.items()}}
