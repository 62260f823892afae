"""One CCEE agent, opened: its client, its feed of migrations, what is known of each since it was first seen."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wattdeck.core.errors import SourceError
from wattdeck.core.feed import Feed
from wattdeck.core.language import tr
from wattdeck.core.system import Context
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
from wattdeck.systems.ccee.progress import Progress
from wattdeck.systems.ccee.rules import Calendar, Rules, answer_deadline

if TYPE_CHECKING:
    from wattdeck.systems.ccee.chronicle import Change, Chronicle
    from wattdeck.systems.ccee.client import CceeClient, Page
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
        profiles = ", ".join(map(str, config.profiles))
        self.identity = tr("agent {agent}, profile {profiles}", agent=config.agent_code, profiles=profiles)
        self.rules = Rules(
            answer_business_days=config.answer_business_days,
            notice_days=config.notice_days,
            cut_off_day=config.cut_off_day,
            extra_holidays=frozenset(config.extra_holidays),
        )
        self.calendar = Calendar(config.extra_holidays)
        self._http = context.http
        self.feed: Feed[MigrationsSnapshot] = Feed(
            self.id, "migrations", self.fetch, interval_s=config.poll_s, clock=context.clock, keep_last=False
        )
        self.progress: Progress | None = None
        """How far the list that is arriving has come; None when none is."""
        self._demo = context.demo
        self._chronicle_path = None if context.demo else context.state_dir / "ccee" / f"{config.name}.history.jsonl"
        self._chronicle: Chronicle | None = None
        self._operable: CceeOperable | None = None
        self._taken: dict[str, Migration | None] = {}
        """What was read by itself since the list in flight began; None for what is gone."""
        self._unreadable = 0
        """Entries of the list that is being read that make no sense."""
        self._listed = False
        """A whole list has been read."""
        self._prepared = False
        self.newly_rejected: frozenset[str] = frozenset()
        """Migrations that were found refused in this session and had not been so before."""

    @property
    def feeds(self) -> Sequence[Feed[Any]]:
        return (self.feed,)

    @cached_property
    def client(self) -> CceeClient:
        """Made when it is first needed: loading it is a good part of opening a source."""
        from wattdeck.systems.ccee.client import CceeClient

        config = self.config
        return CceeClient(
            config.client_id,
            config.client_secret.reveal,
            agent_code=config.agent_code,
            url=config.url,
            api_version=config.api_version,
            timeout_s=config.timeout_s,
            clients=self._http,
            clock=self.clock,
        )

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
        """Nothing to do: the connections are the hub's."""

    async def fetch(self) -> MigrationsSnapshot:
        """Read all pages of all profiles. The first list is handed on while it arrives.

        Raises:
            SourceError: a page could not be read. What came before it of a first list is handed on.
        """
        await self._prepare()
        first, last = self.window
        before = self.feed.reading.snapshot
        known = {} if before is None else {each.migration_id: each for each in before.migrations}
        arrived: dict[str, Migration] = {}
        self._taken.clear()
        self._unreadable = 0
        self.progress = Progress(len(self.config.profiles), len(known) if self._listed else 0)
        try:
            whole = await self._read_pages(self.progress, first, last, known, arrived)
        except SourceError:
            if arrived and not self._listed:
                self._show_arriving(first, last, known, arrived)
            raise
        finally:
            self.progress = None
        self._listed = True
        for migration_id, migration in self._taken.items():
            _put(arrived, migration_id, migration if self._belongs(migration, first, last) else None)
        snapshot = replace(_snapshot(first, last, arrived, complete=whole), unreadable=self._unreadable)
        await self._remember(snapshot)
        return snapshot

    async def _read_pages(
        self, progress: Progress, first: str, last: str, known: dict[str, Migration], arrived: dict[str, Migration]
    ) -> bool:
        """Read page after page; False if there is more than is kept."""
        shown_s = float("-inf")
        for profile in self.config.profiles:
            async with aclosing(self.client.migration_pages(first, last, profile)) as pages:
                async for page in pages:
                    self._unreadable += page.skipped
                    left_out = self._take_page(page, known, arrived)
                    progress.page(page, len(arrived))
                    if not self._listed and self.clock.monotonic() - shown_s >= ARRIVING_S:
                        shown_s = self.clock.monotonic()
                        self._show_arriving(first, last, known, arrived)
                    if left_out:
                        return False
            progress.profile_done()
        return True

    def _show_arriving(self, first: str, last: str, known: dict[str, Migration], arrived: dict[str, Migration]) -> None:
        """Hand on what there is of a first list; what an attempt before this one brought stays until it ends."""
        self.feed.show_arriving(_snapshot(first, last, known | arrived, complete=False))

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
            if len(arrived) >= self.config.max_migrations and each.migration_id not in arrived:
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
        before = self.feed.reading.snapshot
        old = None if before is None else before.migration(migration.migration_id)
        if old is not None:
            # A single record says less of itself than the list does, and more in other places.
            migration = merged(old, migration)
        self._taken[migration.migration_id] = migration
        if before is None or old == migration:
            return
        belongs = self._belongs(migration, before.first_month, before.last_month)
        if belongs or old is not None:
            self._show_one(before, migration.migration_id, migration if belongs else None)

    def drop(self, migration_id: str) -> None:
        """Show a migration no more that was found to be gone, at once; the next list has the last word."""
        self._taken[migration_id] = None
        if self._chronicle is not None:
            self._chronicle.gone([migration_id], self.clock.now())
        before = self.feed.reading.snapshot
        if before is not None and before.migration(migration_id) is not None:
            self._show_one(before, migration_id, None)

    def _show_one(self, before: MigrationsSnapshot, migration_id: str, migration: Migration | None) -> None:
        rows = {each.migration_id: each for each in before.migrations}
        _put(rows, migration_id, migration)
        self.feed.show_arriving(_snapshot(before.first_month, before.last_month, rows, complete=before.complete))

    def _belongs(self, migration: Migration | None, first: str, last: str) -> bool:
        """Whether the list of those months holds the migration."""
        if migration is None or not first <= migration.reference_month <= last:
            return False
        return migration.retailer_profile_code in self.config.profiles

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

    @property
    def why_no_history(self) -> str:
        """Why no history is kept here, in words; empty: one is kept."""
        return ""

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


def merged(old: Migration, new: Migration) -> Migration:
    """The newer record, with what only the list says taken from the older one."""
    return replace(
        new,
        supplier_agent_code=new.supplier_agent_code if new.supplier_agent_code is not None else old.supplier_agent_code,
        cer_celebration_id=new.cer_celebration_id or old.cer_celebration_id,
        connected_type=new.connected_type or old.connected_type,
    )


def _put(rows: dict[str, Migration], migration_id: str, migration: Migration | None) -> None:
    """Set a row, or take it away."""
    if migration is None:
        rows.pop(migration_id, None)
    else:
        rows[migration_id] = merged(rows[migration_id], migration) if migration_id in rows else migration


def _snapshot(first: str, last: str, migrations: dict[str, Migration], *, complete: bool) -> MigrationsSnapshot:
    rows = tuple(migrations.values())
    return MigrationsSnapshot(first, last, rows, counted(rows), complete)
