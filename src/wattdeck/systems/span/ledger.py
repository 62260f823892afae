"""A panel's energy over time: counters that do not fall, today, this month, and what went to the sub-panel.

A panel's counters never start anew (span.md 8.3), so the ledger keeps where each stood when the local day and month
began: in memory and in a small private file for the next start, and a value for each day in the history.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import anyio

from wattdeck.core.dates import local_midnight
from wattdeck.systems.span.books import Books
from wattdeck.systems.span.counters import most_wh
from wattdeck.systems.span.ledger_file import Account, LedgerFile, LedgerState, account_key
from wattdeck.systems.span.models import Branch, Circuit, DataModel, PanelSnapshot, counted_once

log = logging.getLogger(__name__)

GAP_S = 120.0
"""Readings further apart than this around midnight mean the day did not start at midnight for us."""
SAVE_S = 600.0
"""Time between two saves while nothing but the counters moved: what a fall across a restart is measured against."""
BOOKS_PATIENCE_S = 2.0
"""How long a reading waits for the history. A database that another session keeps locked is written later."""
BOOKS_RETRY_S = 600.0

_CIRCUIT_FIELDS = tuple(field.name for field in fields(Circuit))
_circuit_values = attrgetter(*_CIRCUIT_FIELDS)
_CIRCUIT_ENERGIES = ("energy_consumed_wh", "energy_produced_wh", "energy_today_wh", "energy_month_wh")
_CONSUMED, _PRODUCED, _TODAY, _MONTH = map(_CIRCUIT_FIELDS.index, _CIRCUIT_ENERGIES)
_PANEL_ENERGIES = (
    "main_consumed_wh",
    "main_produced_wh",
    "feedthrough_consumed_wh",
    "feedthrough_produced_wh",
    "feedthrough_net_wh",
)


class Ledger:
    """The energies of one panel. Survives restarts, and the panel's step from v1 to v2."""

    def __init__(
        self,
        source: str,
        path: Path | None,
        where: Path | str,
        *,
        older: Path | None = None,
        main_rating_a: float | None = None,
    ) -> None:
        """Args:
        source: `span/home`; its series are `span/home/<circuit>@<spaces>/net`, one value a local day.
        path: The file between two runs; None: none.
        where: The history, as `open_history` takes it; opened when a day or a circuit begins.
        older: The file of today's energy that earlier versions kept, taken over once.
        main_rating_a: Of the main breaker, where the settings say it.
        """
        self._source = source
        self._file = LedgerFile(path, older)
        self._books = Books(source, where)
        self._main_rating_a = main_rating_a
        self._state: LedgerState | None = None
        self._last: datetime | None = None
        self._retry_s = 0.0
        self._saved_s = 0.0
        self._turns = 0
        self._made: dict[str, tuple[Circuit, Circuit]] = {}

    async def apply(self, snapshot: PanelSnapshot, now: datetime, branches: Sequence[Branch] = ()) -> PanelSnapshot:
        """The snapshot with its energies as wattdeck knows them.

        Circuits of v1 move every ten minutes, so that today and the month are counted from `branches`, the raw
        meters of their spaces. In v2 a circuit's own counters are live, and `branches` is not looked at.
        """
        if self._state is None:
            self._state = self._file.load()
            self._saved_s, self._turns = now.timestamp(), self._state.turns
        state = self._state
        if state.serial and state.serial != snapshot.serial:
            # Another panel answers under this name: nothing that was counted is its own.
            self._state = state = LedgerState(ours_from_s=float(int(now.timestamp())))
            self._last = None
            self._made.clear()
        state.serial = snapshot.serial
        self._begin_day(state, now)
        if state.model is DataModel.V1 and snapshot.data_model is not DataModel.V1:
            state.merging = True
        state.model = snapshot.data_model
        accounts = self._read(state, snapshot, now.timestamp(), branches)
        await self._keep_books(state, accounts, snapshot, now)
        self._save_if_due(state, now.timestamp())
        return self._filled(state, accounts, snapshot)

    async def aclose(self) -> None:
        """Write what is known, and close the history."""
        if self._state is not None:
            self._file.save(self._state)
        await self._books.aclose()

    def _begin_day(self, state: LedgerState, now: datetime) -> None:
        """Start the day anew where midnight has passed, and the month with it."""
        midnight = local_midnight(now)
        before, since, last = state.day, state.day_since, self._last
        self._last = now
        if before == midnight:
            return
        watched = last is not None and 0 <= (midnight - last).total_seconds() < GAP_S
        state.day = midnight
        state.day_since = midnight if watched and (now - midnight).total_seconds() < GAP_S else now
        same_month = before is not None and (before.year, before.month) == (midnight.year, midnight.month)
        state.month_since = (state.month_since or since) if same_month else None
        if before is not None:
            state.accounts = {k: v for k, v in state.accounts.items() if v.seen_s >= before.timestamp()}
            state.merging = False
            state.carried.clear()
        for account in state.accounts.values():
            begun_wh = account.day_wh if account.month_wh is None else account.month_wh
            account.month_wh = begun_wh if same_month else None
            account.day_wh, account.day_s, account.booked = None, 0.0, False
        self._made.clear()

    def _read(
        self, state: LedgerState, snapshot: PanelSnapshot, now_s: float, branches: Sequence[Branch]
    ) -> list[Account]:
        """Read every counter; the account of each circuit, in order."""
        meters = {branch.tab: branch for branch in branches} if snapshot.data_model is DataModel.V1 else None
        accounts = []
        for circuit in snapshot.circuits:
            key = account_key(circuit)
            account = state.accounts.get(key)
            if account is None:
                account = state.accounts[key] = self._opened(state, snapshot, circuit)
            account.seen_s = now_s
            _read_circuit(account, circuit, meters, now_s)
            accounts.append(account)
        rating_a = self._main_rating_a or snapshot.main_rating_a
        state.main.read(snapshot.main_consumed_wh, snapshot.main_produced_wh, now_s, rating_a)
        return accounts

    @staticmethod
    def _opened(state: LedgerState, snapshot: PanelSnapshot, circuit: Circuit) -> Account:
        """An account for a circuit that had none: after the step to v2, what v1 knew of its very spaces."""
        if not state.merging or not circuit.tabs:
            return Account()
        tabs = set(circuit.tabs)
        if any(tabs & set(other.tabs) for other in snapshot.circuits if other is not circuit):
            return Account()
        parts = [(key, {int(tab) for tab in key.rpartition("@")[2].split(",") if tab}) for key in state.accounts]
        parts = [(key, covered) for key, covered in parts if covered and covered <= tabs]
        known = {account_key(other) for other in snapshot.circuits}
        if sum(len(covered) for _, covered in parts) != len(tabs) or any(key in known for key, _ in parts):
            return Account()
        return Account.of_sum([state.accounts.pop(key) for key, _ in parts])

    async def _keep_books(
        self, state: LedgerState, accounts: Iterable[Account], snapshot: PanelSnapshot, now: datetime
    ) -> None:
        """Give every account its baselines, and the history a value for each day."""
        now_s = now.timestamp()
        wanted: dict[str, Account] = {}
        rating_a: dict[str, float | None] = {}
        for account, circuit in zip(accounts, snapshot.circuits, strict=True):
            if account.booked or account.net_wh is None:
                continue
            key = account_key(circuit)
            if account.day_wh is None:
                _begin_account(state, account, key, now_s)
                self._retry_s = 0.0
            wanted[key] = account
            rating_a[key] = circuit.rating_a
        if not wanted or now_s < self._retry_s or state.day is None:
            return
        values = None
        entries = [(key, account.day_wh or 0.0, account.day_s) for key, account in wanted.items()]
        with anyio.move_on_after(BOOKS_PATIENCE_S):
            values = await self._books.exchange(entries, state.day, state.ours_from_s)
        if values is None:
            self._retry_s = now_s + BOOKS_RETRY_S
            return
        for key, account in wanted.items():
            self._take_in(state, account, values[key], rating_a[key], now_s)
            account.booked = True
        self._made.clear()
        self._saved_s = 0.0

    @staticmethod
    def _take_in(
        state: LedgerState,
        account: Account,
        values: Sequence[tuple[float, float, float]],
        rating_a: float | None,
        now_s: float,
    ) -> None:
        """Baselines from the history: each of the day's start, when it was read, and the counter then."""
        if account.month_wh is not None or account.net_wh is None or state.day is None:
            return
        day_s = state.day.timestamp()
        for start_s, read_s, value_wh in values:
            if not _plausible(account, account.net_wh - value_wh, rating_a, now_s - read_s):
                continue
            since = datetime.fromtimestamp(read_s, state.day.tzinfo)
            if account.month_wh is None:
                account.month_wh = value_wh
                state.month_since = min(state.month_since or since, since)
            if start_s == day_s:
                account.day_wh, account.day_s = value_wh, read_s
                state.day_since = min(state.day_since or since, since)

    def _filled(self, state: LedgerState, accounts: Sequence[Account], snapshot: PanelSnapshot) -> PanelSnapshot:
        circuits = []
        for circuit, account in zip(snapshot.circuits, accounts, strict=True):
            made = self._made.get(circuit.circuit_id)
            # In v1 the same circuit may have counted on: its spaces' meters are not in it.
            if made is None or made[0] is not circuit or snapshot.data_model is DataModel.V1:
                made = (circuit, _filled_circuit(circuit, account))
                self._made[circuit.circuit_id] = made
            circuits.append(made[1])
        if len(self._made) > 2 * len(circuits):
            self._made.clear()
        main = state.main
        return replace(
            snapshot,
            circuits=tuple(circuits),
            today_since=state.day_since,
            month_since=state.month_since or state.day_since,
            main_consumed_wh=main.consumed_wh,
            main_produced_wh=main.produced_wh,
            main_offset_wh=main.consumed.added_wh,
            feedthrough_net_wh=_delivered_wh(main, snapshot, accounts),
        )

    def _save_if_due(self, state: LedgerState, now_s: float) -> None:
        turns = state.turns
        if turns == self._turns and 0 <= now_s - self._saved_s < SAVE_S:
            return
        self._turns, self._saved_s = turns, now_s
        self._file.save(state)


def _read_circuit(account: Account, circuit: Circuit, meters: Mapping[int, Branch] | None, now_s: float) -> None:
    if meters is None or circuit.virtual:
        account.read(circuit.energy_consumed_wh, circuit.energy_produced_wh, now_s, circuit.rating_a)
        account.shown_consumed_wh, account.shown_produced_wh = account.consumed_wh, account.produced_wh
        return
    own = account.slow_counters()
    account.shown_consumed_wh = own[0].read(circuit.energy_consumed_wh, now_s, circuit.rating_a)
    account.shown_produced_wh = own[1].read(circuit.energy_produced_wh, now_s, circuit.rating_a)
    consumed_wh: float | None = 0.0
    produced_wh: float | None = 0.0
    for tab in circuit.tabs:
        meter = meters.get(tab)
        consumed_wh = _sum(consumed_wh, None if meter is None else meter.energy_consumed_wh)
        produced_wh = _sum(produced_wh, None if meter is None else meter.energy_produced_wh)
    if not circuit.tabs:
        consumed_wh = produced_wh = None
    account.read(consumed_wh, produced_wh, now_s, circuit.rating_a)


def _filled_circuit(circuit: Circuit, account: Account) -> Circuit:
    # `dataclasses.replace` takes twice as long, which tells at 48 circuits a second.
    values = list(_circuit_values(circuit))
    values[_CONSUMED], values[_PRODUCED] = account.shown_consumed_wh, account.shown_produced_wh
    net, day_wh = account.net_wh, account.day_wh
    if net is not None and day_wh is not None:
        values[_TODAY] = net - day_wh
        values[_MONTH] = net - (day_wh if account.month_wh is None else account.month_wh)
    return Circuit(*values)


def _begin_account(state: LedgerState, account: Account, key: str, now_s: float) -> None:
    """Where the day of a circuit starts that has no baseline yet: here, or where an earlier version had it."""
    day_s = 0.0 if state.day is None else state.day.timestamp()
    since_s = now_s if state.day_since is None else state.day_since.timestamp()
    account.day_wh = account.net_wh
    account.day_s = since_s if since_s == day_s and now_s - day_s < GAP_S else now_s
    carried_wh = state.carried.pop(key, None)
    if carried_wh is None or account.net_wh is None:
        return
    if _plausible(account, account.net_wh - carried_wh, None, now_s - since_s):
        account.day_wh, account.day_s = carried_wh, since_s


def _delivered_wh(main: Account, snapshot: PanelSnapshot, accounts: Sequence[Account]) -> float | None:
    """What went to the sub-panel, by balance: in at the upstream lugs, less what the circuits took (span-v2.md 8.3).

    Circuits behind one meter count once, remote meters not at all: they are not on this panel's bus. None without
    lugs for a sub-panel.
    """
    if snapshot.feedthrough_power_w is None and snapshot.feedthrough_consumed_wh is None:
        return None
    delivered_wh = main.net_wh
    on_bus = (circuit for circuit in snapshot.circuits if not circuit.meter_only)
    counted = {circuit.circuit_id for circuit in counted_once(on_bus)}
    for circuit, account in zip(snapshot.circuits, accounts, strict=True):
        if delivered_wh is None:
            return None
        if circuit.circuit_id not in counted:
            continue
        delivered_wh = None if account.net_wh is None else delivered_wh - account.net_wh
    return delivered_wh


def _plausible(account: Account, since_wh: float, rating_a: float | None, seconds: float) -> bool:
    """Whether a count since a baseline can be: not more than the breaker carries, and no load below nothing.

    Without the file the offsets are lost, and a baseline of the history may stand above the counter.
    """
    if abs(since_wh) > most_wh(rating_a, seconds):
        return False
    produces = (account.produced_wh or 0.0) > 0.2 * (account.consumed_wh or 0.0)
    return since_wh > -1.0 or produces


def _sum(total: float | None, value: float | None) -> float | None:
    return None if total is None or value is None else total + value


def without_energies(snapshot: PanelSnapshot) -> PanelSnapshot:
    """A snapshot so old that its energies say nothing any more (span.md 8.4): they are unknown, the rest stays."""
    of_circuits: dict[str, Any] = dict.fromkeys(_CIRCUIT_ENERGIES)
    of_panel: dict[str, Any] = dict.fromkeys(_PANEL_ENERGIES)
    circuits = tuple(replace(circuit, **of_circuits) for circuit in snapshot.circuits)
    return replace(snapshot, circuits=circuits, **of_panel)
