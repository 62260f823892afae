"""One USMS account, opened: its client, its two feeds, and what it has kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from wattdeck.core.feed import Feed
from wattdeck.core.history import place_of
from wattdeck.core.paths import token_path
from wattdeck.core.system import Context
from wattdeck.systems.usms.archive import Archive, month_of
from wattdeck.systems.usms.backfill import Backfill
from wattdeck.systems.usms.client import UsmsClient
from wattdeck.systems.usms.config import UsmsConfig
from wattdeck.systems.usms.models import (
    BRUNEI,
    AccountSnapshot,
    BackfillSnapshot,
    ConsumptionSnapshot,
    Kind,
    Meter,
    MonthCost,
    Period,
    Point,
    Series,
    TopUp,
    TopUpPage,
)
from wattdeck.systems.usms.session import Session, Solver

TRAILING_DAYS = 7
"""The projection looks this far back (usms.md 6): early in a month, into the one before."""
BACKFILL_S = 5.0
"""Time between two old reports, s: three or four pages each, and the portal belongs to others as well."""
TOP_UP_DAYS = 365
"""How far back top-ups are asked for."""


class UsmsSource:
    """An account as the hub knows it. One request in flight, whatever is asked."""

    operable = None
    """There is nothing to command: buying credit leads to a bank."""

    def __init__(self, config: UsmsConfig, context: Context) -> None:
        self.config = config
        self.id = f"usms/{config.name}"
        self._clock = context.clock
        kept = None if context.demo else token_path(context.state_dir, "usms", config.name)
        self.client = UsmsClient(
            config.username,
            lambda: None if config.password is None else config.password.reveal(),
            origin=config.url,
            timeout_s=config.timeout_s,
            session=Session(config.username, kept),
            clients=context.http,
            clock=context.clock,
        )
        if context.demo:
            self.client.solver = self._ask_simulator
        self.archive = Archive(self.client, self.id, place_of(config.history, context.state_dir), context.clock)
        self._account: AccountSnapshot | None = None
        self.meters_feed: Feed[AccountSnapshot] = self._feed("meters", self.fetch_meters)
        self.consumption_feed: Feed[ConsumptionSnapshot] = self._feed("consumption", self.fetch_consumption)
        self._backfill = Backfill(self.archive, lambda: self.client.today)
        self.backfill_feed: Feed[BackfillSnapshot] | None = None
        if config.backfill and config.history:
            self.backfill_feed = Feed(self.id, "backfill", self.read_back, interval_s=BACKFILL_S, clock=self._clock)

    def _feed(self, name: str, fetch: Any) -> Feed[Any]:
        return Feed(self.id, name, fetch, interval_s=self.config.poll_s, clock=self._clock)

    async def read_back(self) -> BackfillSnapshot:
        """Read one more old report, if any is missing.

        Raises:
            SourceError: the portal could not be read.
        """
        account = self._account or await self.fetch_meters()
        return await self._backfill.step(account.meters)

    @property
    def feeds(self) -> Sequence[Feed[Any]]:
        feeds: tuple[Feed[Any], ...] = (self.meters_feed, self.consumption_feed)
        return feeds if self.backfill_feed is None else (*feeds, self.backfill_feed)

    @property
    def progress(self) -> tuple[int, int] | None:
        """Days read and days in all of a back-fill that runs; None when none does."""
        snapshot = None if self.backfill_feed is None else self.backfill_feed.reading.snapshot
        return None if snapshot is None else snapshot.progress

    async def aclose(self) -> None:
        await self.client.aclose()
        await self.archive.aclose()

    async def login(self, solver: Solver) -> None:
        """Log in with a person reading the captcha, and go on polling.

        Raises:
            AuthError, SourceError: as `UsmsClient.login`.
        """
        await self.client.login(solver)
        self._account = None
        for feed in self.feeds:
            feed.wake()

    async def fetch_meters(self) -> AccountSnapshot:
        """Read the meters. How long the credit lasts is reckoned anew when there is more or less of it.

        Raises:
            SourceError: the page could not be read.
        """
        before, self._account = self._account, await self.client.account()
        if before is not None and _left(before) != _left(self._account):
            self.consumption_feed.wake()
        return self._account

    async def fetch_consumption(self) -> ConsumptionSnapshot:
        """Read what is due of the last hours and days of every meter, and reckon the month.

        Raises:
            SourceError: a report could not be read.
        """
        account = self._account or await self.fetch_meters()
        now = self._clock.now()
        today = now.astimezone(BRUNEI).date()
        series: list[Series] = []
        months: list[MonthCost] = []
        for meter in account.meters:
            if meter.kind is Kind.ELECTRICITY:
                hours = (
                    *await self.archive.points(meter, Period.HOUR, today - timedelta(days=1)),
                    *await self.archive.points(meter, Period.HOUR, today),
                )
                series.append(Series(meter.number, Period.HOUR, hours, meter.unit))
            days = await self._days(meter, today)
            series.append(Series(meter.number, Period.DAY, days, meter.unit))
            months.append(self._month(meter, days, now))
        first = next((month for meter, month in zip(account.meters, months, strict=True)
                      if meter.kind is Kind.ELECTRICITY), months[0] if months else None)  # fmt: skip
        return ConsumptionSnapshot(tuple(series), first, tuple(months))

    async def _days(self, meter: Meter, today: date) -> tuple[Point, ...]:
        """The days of this month, and of the one before where the projection needs them."""
        days = await self.archive.points(meter, Period.DAY, today)
        if today.day <= TRAILING_DAYS:
            before = await self.archive.points(meter, Period.DAY, month_of(today) - timedelta(days=1))
            days = (*before, *days)
        return days

    def _month(self, meter: Meter, days: Sequence[Point], now: datetime) -> MonthCost:
        from wattdeck.systems.usms.projection import month_cost

        return month_cost(meter.number, meter.kind, _known(days), now, meter.remaining_unit)

    async def month(self, meter: Meter, first: date | None, now: datetime) -> MonthCost:
        """What a month costs (None: this one, with where it is going).

        Raises:
            SourceError: the portal could not be read.
        """
        today = now.astimezone(BRUNEI).date()
        if first is None or month_of(first) == month_of(today):
            return self._month(meter, await self._days(meter, today), now)
        from wattdeck.systems.usms.projection import past_month

        days = await self.archive.points(meter, Period.DAY, first)
        return past_month(meter.number, meter.kind, month_of(first), _known(days))

    async def points(self, meter: Meter, period: Period, day: date) -> tuple[Point, ...]:
        """HOUR: the hours of that day; DAY: the days of its month; MONTH: the months of its year.

        From what is kept where that is settled, else from the portal. Days to come have no points.

        Raises:
            SourceError: the portal could not be read.
        """
        return await self.archive.points(meter, period, day)

    async def top_ups(self, meter: Meter) -> tuple[TopUp, ...]:
        """Purchases of credit in the last year, newest first.

        Raises:
            SourceError: the page could not be read.
        """
        today = self.client.today
        found = await self.client.top_ups(meter, today - timedelta(days=TOP_UP_DAYS), today)
        oldest = datetime.min.replace(tzinfo=BRUNEI)
        return tuple(sorted(found, key=lambda one: one.at or oldest, reverse=True))

    async def top_up_page(self, meter: Meter) -> TopUpPage:
        """Debt and customer type of a meter.

        Raises:
            SourceError: the page could not be read.
        """
        return await self.client.top_up_page(meter)

    async def _ask_simulator(self, image: bytes) -> str | None:
        """The demo's captchas are read by asking who drew them."""
        del image
        return await self.client.ask_simulator()


def _left(account: AccountSnapshot) -> dict[str, float | None]:
    """What each meter has left."""
    return {meter.number: meter.remaining_unit for meter in account.meters}


def _known(days: Sequence[Point]) -> dict[date, float]:
    return {point.start.date(): point.value for point in days if point.value is not None}
