"""The one store behind `/v1`, `/v1.1` and `/v2` of the simulated CCEE, and what becomes due in it."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import overload

from wattdeck.systems.ccee import lifecycle
from wattdeck.systems.ccee.bodies import Edit, Wanted
from wattdeck.systems.ccee.crowd import Crowd, place_of
from wattdeck.systems.ccee.exchange import Call, Refusal
from wattdeck.systems.ccee.faults import FaultBoard
from wattdeck.systems.ccee.listing import Pageable
from wattdeck.systems.ccee.records import ContractRecord, MigrationRecord, RequestRecord
from wattdeck.systems.ccee.registry import RETAILERS, UTILITIES, profiles_of
from wattdeck.systems.ccee.seeds import contract_of, holder_of, stock, uuid

UNIT_CHARS = 15
"""Codes from before 2025 are shorter, and do not tell whose they may be."""
Happening = Callable[[datetime], None]
"""Something that happens at a time it is told."""


class Store:
    """Migrations, contracts and change requests of all agents.

    Args:
        seed: Same seed and start, same contents.
        start: Simulated time at the start.
        now: Simulated time.
        faults: What is wrong.
    """

    def __init__(self, seed: int, start: datetime, now: Callable[[], datetime], faults: FaultBoard) -> None:
        self.seed, self.now = seed, now
        self._start, self._faults = start, faults
        self._luck = random.Random(f"{seed}/{start.date()}/new")  # noqa: S311
        self._made: set[int] = set()
        self._migrations: dict[str, MigrationRecord] = {}
        self._of_unit: dict[str, list[MigrationRecord]] = {}
        self._altered: dict[str, MigrationRecord] = {}
        self._uncontracted: list[tuple[MigrationRecord, str]] = []
        """Migrations of the start whose contract nobody has asked for, and their status then."""
        self._contracts: dict[str, ContractRecord] = {}
        self.requests: dict[str, RequestRecord] = {}
        self.awaited: Callable[[RequestRecord], None] = lambda _: None
        """Told of each change request that is there at the start."""
        self._agenda: list[tuple[datetime, int, Happening]] = []
        self._entries = 0

    # time

    def at(self, when: datetime, happening: Happening) -> None:
        """Let something happen at a time."""
        self._entries += 1
        heapq.heappush(self._agenda, (when, self._entries, happening))

    def settle(self) -> None:
        """Let everything happen that is due by now, in order."""
        now = self.now()
        while self._agenda and self._agenda[0][0] <= now:
            when, _, happening = heapq.heappop(self._agenda)
            happening(when)

    def new_id(self) -> str:
        """An id nothing has yet."""
        return uuid(self._luck)

    # what there is

    def make(self, agent: int) -> None:
        """Make what an agent can see, if it is not there yet: of a utility's sight, everything."""
        missing = [each for each in (RETAILERS if agent in UTILITIES else (agent,)) if each not in self._made]
        for retailer in missing:
            self._made.add(retailer)
            made = stock(self.seed, self._start, retailer)
            for record in made.migrations:
                self.add(record)
                if record.status == "CRIADA":
                    self._plan(record, lifecycle.plan(record, self.seed, self._start.date()))
            self._uncontracted += [(record, record.status) for record in made.migrations]
            for request in made.requests:
                self.requests[request.id] = request
                self.awaited(request)
        if missing:
            self.settle()

    def contracts(self, agent: int) -> dict[str, ContractRecord]:
        """The contracts there are by id; those an agent can see are among them."""
        self.make(agent)
        for record, status in self._uncontracted:
            contract = contract_of(record, status, self.seed)
            self._contracts[contract.id] = contract
        self._uncontracted.clear()
        return self._contracts

    def add(self, record: MigrationRecord) -> None:
        """Take a migration in."""
        self._migrations[record.id] = record
        self._of_unit.setdefault(record.unit, []).append(record)

    def seen_by(self, agent: int) -> Iterator[MigrationRecord]:
        """The migrations of a retailer or of a utility, a crowd left out."""
        self.make(agent)
        if agent in UTILITIES:
            return (each for each in self._migrations.values() if each.utility == agent)
        return (each for each in self._migrations.values() if each.retailer == agent)

    def of_unit(self, unit: str) -> list[MigrationRecord]:
        """The migrations of a consumer unit, whosever they are."""
        holder = holder_of(unit)
        if holder is not None:
            self.make(holder)
        elif len(unit) < UNIT_CHARS:
            self.make(UTILITIES[0])
        return self._of_unit.get(unit, [])

    def window(self, call: Call, first: str, last: str, unit: str, status: str) -> Pageable[MigrationRecord]:
        """What a list of migrations shows to its caller."""
        many = self._faults.value("many")
        crowded = isinstance(many, int) and not call.is_utility
        rows = [
            each
            for each in self.seen_by(call.agent)
            if first <= each.month <= last
            and (call.is_utility or each.profile == call.profile)
            and unit in ("", each.unit)
            and status in ("", each.status)
            and not (crowded and each.seeded)
        ]
        if not crowded or not isinstance(many, int):
            return rows
        crowd = self._crowd(many, call.agent, call.profile).window(first, last, unit, status)
        return _Joined(rows, crowd) if rows else crowd

    def migration(self, migration_id: str, agent: int) -> MigrationRecord | None:
        """A migration, if that agent may see it."""
        self.make(agent)
        record = self._migrations.get(migration_id) or self._altered.get(migration_id) or self._of_crowd(migration_id)
        return record if record is not None and agent in (record.retailer, record.utility) else None

    def _of_crowd(self, migration_id: str) -> MigrationRecord | None:
        place, many = place_of(migration_id), self._faults.value("many")
        if place is None or not isinstance(many, int) or place[0] >= many:
            return None
        owner = next((agent for agent in RETAILERS if place[1] in profiles_of(agent)), None)
        return None if owner is None else self._crowd(many, owner, place[1]).migration(place[0])

    def _crowd(self, count: int, retailer: int, profile: int) -> Crowd:
        return Crowd(self.seed, self._start.date(), count, retailer, profile, self._altered)

    def counts(self) -> dict[str, int]:
        """How many migrations have been made so far, by status."""
        return dict(Counter(each.status for each in self._migrations.values()))

    # what clients do

    def create(self, wanted: Wanted, call: Call) -> MigrationRecord:
        """A new migration, waiting for its utility.

        Raises:
            Refusal: the unit has an active one.
        """
        if any(each.active for each in self.of_unit(wanted.unit)):
            words = f"codigoUnidadeConsumidora: ja existe migracao ativa para {wanted.unit}"
            raise Refusal(400, "ERR_MIGRACAO_DUPLICADA", words)
        record = MigrationRecord(
            self.new_id(),
            wanted.unit,
            wanted.utility,
            wanted.document_type,
            wanted.document_number,
            call.agent,
            wanted.profile,
            wanted.month,
            self.now().date(),
            wanted.email,
            version=call.version,
            comment=wanted.comment,
            denounced_on=wanted.denounced_on,
            subgroup=wanted.subgroup,
            formalized=wanted.formalized,
            formalized_on=wanted.formalized_on,
            modality=wanted.modality,
        )
        self.add(record)
        self._plan(record, lifecycle.plan(record, self.seed, record.requested_on))
        return record

    def edit(self, record: MigrationRecord, edit: Edit) -> None:
        """Replace the five fields."""
        self._keep(record)
        record.month, record.profile, record.email = edit.month, edit.profile, edit.email
        record.document_type, record.document_number = edit.document_type, edit.document_number

    def cancel(self, record: MigrationRecord) -> None:
        """Withdraw a migration."""
        self._keep(record)
        record.status = "CANCELADA"
        if "delete-removes" in self._faults and record.id in self._migrations:
            del self._migrations[record.id]
            self._of_unit[record.unit].remove(record)

    def _keep(self, record: MigrationRecord) -> None:
        """Keep one of a crowd, now that it differs from its number."""
        if record.id not in self._migrations:
            self._altered[record.id] = record

    # what utilities and time do

    def carry_out(self, migration_id: str, action: str, justification: str = "") -> None:
        """Let a utility approve or reject a migration, or its silence end, now.

        Raises:
            ValueError: no such migration or action, or the migration does not wait.
        """
        if migration_id not in self._migrations:
            self.make(UTILITIES[0])
        record = self._migrations.get(migration_id) or self._altered.get(migration_id) or self._of_crowd(migration_id)
        if record is None:
            raise ValueError(f"no migration has the id {migration_id[:60]!r}")
        lifecycle.carry_out(record, action, self.now().date(), self.seed, justification)
        self._keep(record)

    def _plan(self, record: MigrationRecord, plan: lifecycle.Plan) -> None:
        def happen(when: datetime) -> None:
            if record.status != "CRIADA":
                return
            if plan.action != lifecycle.LAPSE and "silent-utility" in self._faults:
                self._plan(record, lifecycle.lapse_plan(record, when.date()))
                return
            lifecycle.carry_out(record, plan.action, when.date(), self.seed)

        self.at(plan.at, happen)


class _Joined(Sequence[MigrationRecord]):
    """Two lists, one behind the other."""

    def __init__(self, first: Sequence[MigrationRecord], second: Sequence[MigrationRecord]) -> None:
        self._first, self._second = first, second

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    @overload
    def __getitem__(self, place: int) -> MigrationRecord: ...
    @overload
    def __getitem__(self, place: slice) -> list[MigrationRecord]: ...
    def __getitem__(self, place: int | slice) -> MigrationRecord | list[MigrationRecord]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        own = len(self._first)
        return self._first[place] if place < own else self._second[place - own]
