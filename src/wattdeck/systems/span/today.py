"""Energy since local midnight, by wattdeck's own baseline: a panel's counters never start anew (span.md 8.3)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from wattdeck.core.codec import read_time
from wattdeck.core.units import local_midnight
from wattdeck.systems.span.models import Branch, Circuit

GAP_S = 120.0
"""Readings further apart than this around midnight mean the day did not start at midnight for us."""


class EnergyToday:
    """Baselines of one panel's circuits for the present local day, kept in a small file between runs.

    A counter below its baseline (the panel restarted, or dipped) gives None until it is back or the day ends: a
    wrong saving is worse than no number.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._since: datetime | None = None
        self._last: datetime | None = None
        self._baselines: dict[str, float] = {}
        self._loaded = False

    def apply(
        self, circuits: Sequence[Circuit], branches: Sequence[Branch], now: datetime
    ) -> tuple[tuple[Circuit, ...], datetime | None]:
        """The circuits with `energy_today_wh` filled, and when that count started.

        Counted from the raw meters of the circuit's spaces, which are live; circuit counters move every ten minutes.
        """
        meters = {branch.tab: branch for branch in branches}
        if not self._loaded:
            self._load()
        midnight = local_midnight(now)
        changed = False
        if self._since is None or self._since < midnight:
            watched = self._last is not None and (midnight - self._last).total_seconds() < GAP_S
            self._since = midnight if watched and (now - midnight).total_seconds() < GAP_S else now
            self._baselines = {}
            changed = True
        self._last = now
        out = []
        for circuit in circuits:
            net_wh = _net_wh(circuit, meters)
            if net_wh is None:
                out.append(circuit)
                continue
            key = _key(circuit)
            baseline_wh = self._baselines.get(key)
            if baseline_wh is None:
                baseline_wh = self._baselines[key] = net_wh
                changed = True
            out.append(replace(circuit, energy_today_wh=self._today_wh(circuit, net_wh, baseline_wh)))
        if changed:
            self._save()
        return tuple(out), self._since

    @staticmethod
    def _today_wh(circuit: Circuit, net_wh: float, baseline_wh: float) -> float | None:
        today_wh = net_wh - baseline_wh
        falls = today_wh < -1.0
        produces = circuit.virtual or (circuit.energy_produced_wh or 0) > 0.2 * (circuit.energy_consumed_wh or 0)
        return None if falls and not produces else today_wh

    def _load(self) -> None:
        self._loaded = True
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            document = json.loads(self._path.read_bytes())
            since = read_time(document["since"])
            self._baselines = {str(key): float(value) for key, value in document["baselines"].items()}
            self._since = since

    def _save(self) -> None:
        if self._since is None:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            document = {"since": self._since.isoformat(), "baselines": self._baselines}
            spare = self._path.with_suffix(".new")
            spare.write_text(json.dumps(document), encoding="utf-8")
            spare.replace(self._path)


def _key(circuit: Circuit) -> str:
    """The circuit on its spaces: moved to others it is measured by other meters, and its count starts anew."""
    return f"{circuit.circuit_id}@{','.join(map(str, circuit.tabs))}"


def _net_wh(circuit: Circuit, meters: Mapping[int, Branch]) -> float | None:
    total_wh = 0.0
    for tab in circuit.tabs:
        meter = meters.get(tab)
        if meter is None or meter.energy_consumed_wh is None or meter.energy_produced_wh is None:
            return None
        total_wh += meter.energy_consumed_wh - meter.energy_produced_wh
    return total_wh if circuit.tabs else None
