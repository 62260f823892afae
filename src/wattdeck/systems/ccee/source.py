"""One CCEE agent, opened: its client, its feed of migrations, what is known of each since it was first seen."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from wattdeck.core.feed import Feed
from wattdeck.core.system import Context
from wattdeck.systems.ccee.client import CceeClient
from wattdeck.systems.ccee.config import CceeConfig
from wattdeck.systems.ccee.models import (
    BRASILIA,
    ChangeRequest,
    Contract,
    Measurement,
    Migration,
    MigrationsSnapshot,
    RequestType,
    counted,
)
from wattdeck.systems.ccee.months import add_months, month_of
from wattdeck.systems.ccee.rules import Calendar, Rules, answer_deadline

if TYPE_CHECKING:
    from wattdeck.systems.ccee.chronicle import Change, Chronicle
    from wattdeck.systems.ccee.client import Page
    from wattdeck.systems.ccee.commands import CceeOperable

log = logging.getLogger(__name__)

ARRIVING_S = 0.25
"""A list that is arriving is handed on four times a second at most."""
MEASURED_DAYS = 31
"""How much energy is asked for at once: a month, or 8,928 values."""
SYSTEM_MADE = frozenset({RequestType.SUSPENSION_DISCONNECTION.value})


class CceeSource:
    """An agent as the hub knows it: the migrations of its profiles in a window of months around this one."""

    def __init__(self, config: CceeConfig, context: Context) -> None:
        self.config = config
        self.id = f"ccee/{config.name}"
        self.clock = context.clock
        self.identity = f"agent {config.agent_code}, profile {', '.join(map(str, config.profiles))}"
        self.rules = Rules(
            answer_business_days=config.answer_business_days,
            notice_days=config.notice_days,
            cut_off_day=config.cut_off_day,
            extra_holidays=frozenset(config.extra_holidays),
        )
        self.calendar = Calendar(config.extra_holidays)
        self.client = CceeClient(
            config.client_id,
            config.client_secret.reveal,
            agent_code=config.agent_code,
            url=config.url,
            api_version=config.api_version,
            timeout_s=config.timeout_s,
            clients=context.http,
            clock=context.clock,
        )
        self.feed: Feed[MigrationsSnapshot] = Feed(
            self.id, "migrations", self.fetch, interval_s=config.poll_s, clock=context.clock, keep_last=False
        )
        self.progress: Progress | None = None
        """How far the list that is arriving has come; None when none is."""
        self._demo = context.demo
        self._chronicle_path = None if context.demo else context.state_dir / "ccee" / f"{config.name}.history.jsonl"
        self._chronicle: Chronicle | None = None
        self._operable: CceeOperable | None = None
        self._taken: dict[str, Migration] = {}
        self._prepared = False
        self.newly_rejected: frozenset[str] = frozenset()
        """Migrations that were found refused in this session and had not been so before."""

    @property
    def feeds(self) -> Sequence[Feed[Any]]:
        return (self.feed,)

    @property
    def operable(self) -> CceeOperable:
        """The agent's side of commands."""
        if self._operable is None:
            from wattdeck.systems.ccee.commands import CceeOperable

            self._operable = CceeOperable(self, demo=self._demo)
        return self._operable

    @property
    def today(self) -> date:
        """The day in Brasília, by which every deadline is reckoned."""
        return self.clock.now().astimezone(BRASILIA).date()

    @property
    def window(self) -> tuple[str, str]:
        """First and last month of the list."""
        this = month_of(self.today)
        return add_months(this, -self.config.months_back), add_months(this, self.config.months_ahead)

    async def aclose(self) -> None:
        await self.client.aclose()

    async def fetch(self) -> MigrationsSnapshot:
        """Read all pages of all profiles. The first list is handed on while it arrives.

        Raises:
            SourceError: a page could not be read.
        """
        await self._prepare()
        first, last = self.window
        before = self.feed.reading.snapshot
        streams = before is None or not before.complete
        known = {} if before is None else {each.migration_id: each for each in before.migrations}
        arrived: dict[str, Migration] = {}
        self._taken.clear()
        progress = self.progress = Progress(len(self.config.profiles), 0 if streams else len(known))
        shown_s = float("-inf")
        left_out = False
        try:
            for profile in self.config.profiles:
                async for page in self.client.migration_pages(first, last, profile):
                    left_out = self._take_page(page, known, arrived)
                    progress.page(page, len(arrived))
                    if streams and self.clock.monotonic() - shown_s >= ARRIVING_S:
                        shown_s = self.clock.monotonic()
                        self.feed.show_arriving(_snapshot(first, last, arrived, complete=False))
                    if left_out:
                        break
                progress.profile_done()
        finally:
            self.progress = None
        arrived.update({key: each for key, each in self._taken.items() if key in arrived})
        snapshot = _snapshot(first, last, arrived, complete=not left_out)
        await self._remember(snapshot)
        return snapshot

    async def _prepare(self) -> None:
        """Load the holidays in a thread: a fifth of a second that no key waits for."""
        if not self._prepared:
            from anyio import to_thread

            year = self.today.year
            await to_thread.run_sync(self.calendar.prepare, range(year - 1, year + 2))
            self._prepared = True

    def _take_page(self, page: Page[Migration], known: dict[str, Migration], arrived: dict[str, Migration]) -> bool:
        """Take what a page brings; True if that is more than is kept. What did not change stays the same object."""
        for each in page.items:
            if len(arrived) >= self.config.max_migrations:
                return True
            migration = self.dated(each)
            old = known.get(migration.migration_id)
            arrived[migration.migration_id] = old if old == migration and old is not None else migration
        return False

    def dated(self, migration: Migration) -> Migration:
        """The record with the last day for the utility's answer, if it waits for one."""
        if not migration.editable:
            return migration
        return replace(migration, deadline=answer_deadline(migration.requested_at, self.rules, self.calendar))

    def take(self, migration: Migration) -> None:
        """Show a record that was read by itself, at once; the next list has the last word."""
        migration = self.dated(migration)
        self._taken[migration.migration_id] = migration
        before = self.feed.reading.snapshot
        if before is None or not before.first_month <= migration.reference_month <= before.last_month:
            return
        old = before.migration(migration.migration_id)
        if old == migration:
            return
        if old is not None:
            # A single record says less of itself than the list does, and more in other places.
            migration = merged(old, migration)
        rest = {each.migration_id: each for each in before.migrations}
        rest[migration.migration_id] = migration
        snapshot = _snapshot(before.first_month, before.last_month, rest, complete=before.complete)
        self.feed.show_arriving(snapshot)

    # What is known beside the list

    @property
    def chronicle(self) -> Chronicle:
        """What is known of each migration since it was first seen."""
        if self._chronicle is None:
            from wattdeck.systems.ccee.chronicle import Chronicle

            self._chronicle = Chronicle(self._chronicle_path)
        return self._chronicle

    def history(self, migration_id: str) -> tuple[Change, ...]:
        """Every change of a migration since it was first seen, oldest first."""
        return self.chronicle.history(migration_id)

    async def _remember(self, snapshot: MigrationsSnapshot) -> None:
        from anyio import to_thread

        from wattdeck.systems.ccee.chronicle import newly_rejected

        chronicle, now = self.chronicle, self.clock.now()

        def work() -> frozenset[str]:
            changes = chronicle.note(snapshot.migrations, now)
            problem = chronicle.save()
            if problem:
                log.warning("%s: %s", self.id, problem)
            return newly_rejected(changes)

        self.newly_rejected |= await to_thread.run_sync(work)

    async def contracts(self, migration: Migration) -> tuple[Contract, ...]:
        """The contracts of a migration's unit.

        Raises:
            SourceError: they could not be read.
        """
        first, last = self._around(migration)
        found = self.client.list_contracts(
            first, last, self._profile(migration), utility_agent_code=migration.utility_agent_code,
            consumer_unit_code=migration.consumer_unit_code,
        )  # fmt: skip
        return tuple([each async for each in found])

    async def measurements(
        self, migration: Migration, first: date | None = None, last: date | None = None
    ) -> tuple[Measurement, ...]:
        """The energy of a migration's unit, by default of the last 31 days.

        Raises:
            SourceError: it could not be read.
        """
        last = last or self.today
        first = first or last - timedelta(days=MEASURED_DAYS - 1)
        start = datetime(first.year, first.month, first.day, tzinfo=BRASILIA)
        end = datetime(last.year, last.month, last.day, 23, 59, 59, tzinfo=BRASILIA)
        found = self.client.list_measurements(
            migration.consumer_unit_code, migration.utility_agent_code or 0, start, end, self._profile(migration)
        )
        return tuple([each async for each in found])

    async def change_requests(self, migration: Migration) -> tuple[ChangeRequest, ...]:
        """The change requests of a migration's unit in the last year, of every kind, newest first.

        Raises:
            SourceError: one of the lists could not be read.
        """
        from anyio import create_task_group

        found: list[ChangeRequest] = []
        dates = (self.today - timedelta(days=330), self.today + timedelta(days=1))

        async def ask(kind: str) -> None:
            requests = self.client.list_change_requests(
                self._profile(migration), kind, dates=dates, consumer_unit_code=migration.consumer_unit_code
            )
            found.extend([each async for each in requests])

        try:
            async with create_task_group() as group:
                for kind in RequestType:
                    group.start_soon(ask, kind.value)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        oldest = datetime.min.replace(tzinfo=BRASILIA)
        return tuple(sorted(found, key=lambda each: each.requested_at or oldest, reverse=True))

    def _profile(self, migration: Migration) -> int:
        return migration.retailer_profile_code or self.config.profiles[0]

    def _around(self, migration: Migration) -> tuple[str, str]:
        """The twelve months in which a migration's contracts are looked for."""
        month = migration.reference_month or month_of(self.today)
        return add_months(month, -6), add_months(month, 5)


class Progress:
    """How far a list has come."""

    def __init__(self, profiles: int, expected: int) -> None:
        self.expected = expected
        """How many rows there were last time; 0 = not known."""
        self.rows = 0
        self.pages = 0
        self._profiles = profiles
        self._profiles_done = 0
        self._windows_done = 0.0

    def page(self, page: Page[Any], rows: int) -> None:
        """A page has come."""
        self.pages += 1
        self.rows = rows
        # How many pages follow is not known: each one halves what may be left of its window.
        inside = 1.0 if page.last else (page.page + 1) / (page.page + 2)
        self._windows_done = (page.window + inside) / page.windows

    def profile_done(self) -> None:
        """All pages of one profile have come."""
        self._profiles_done += 1
        self._windows_done = 0.0

    @property
    def share(self) -> float:
        """From 0 to 1: by the rows of last time where they are known, else by months and profiles that are through."""
        if self.expected:
            return min(1.0, self.rows / self.expected)
        return min(1.0, (self._profiles_done + self._windows_done) / self._profiles)

    @property
    def words(self) -> str:
        """For people: `reading page 4, 150 of about 420 rows`."""
        about = f" of about {self.expected}" if self.expected else ""
        return f"reading page {self.pages + 1}, {self.rows}{about} rows"


def merged(old: Migration, new: Migration) -> Migration:
    """The newer record, with what only the list says taken from the older one."""
    return replace(
        new,
        supplier_agent_code=new.supplier_agent_code if new.supplier_agent_code is not None else old.supplier_agent_code,
        cer_celebration_id=new.cer_celebration_id or old.cer_celebration_id,
        connected_type=new.connected_type or old.connected_type,
    )


def _snapshot(first: str, last: str, migrations: dict[str, Migration], *, complete: bool) -> MigrationsSnapshot:
    rows = tuple(migrations.values())
    return MigrationsSnapshot(first, last, rows, counted(rows), complete)
