"""What a ledger knows of one panel, and the small private file it is kept in between two runs."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any, Self

from wattdeck.core.codec import read_time
from wattdeck.core.dates import local_midnight
from wattdeck.core.errors import ConfigError
from wattdeck.core.paths import private_dir, read_bounded
from wattdeck.systems.span.counters import Counter, net_wh
from wattdeck.systems.span.models import Circuit, DataModel

VERSION = 1
MAX_BYTES = 1_000_000


def account_key(circuit: Circuit) -> str:
    """The circuit on its spaces: moved to others it is measured by other meters, and its count starts anew."""
    tabs = circuit.tabs
    place = str(tabs[0]) if len(tabs) == 1 else ",".join(map(str, tabs))
    return f"{circuit.circuit_id}@{place}"


@dataclass(slots=True)
class Account:
    """The counters of one circuit, or of the mains, and where they stood."""

    consumed: Counter = field(default_factory=Counter)
    produced: Counter = field(default_factory=Counter)
    slow: tuple[Counter, Counter] | None = None
    """v1: the circuit's own counters, which are shown but lag behind those of its spaces."""
    day_wh: float | None = None
    """Net counter when the day began."""
    day_s: float = 0.0
    """When that was read, Unix seconds."""
    month_wh: float | None = None
    """Net counter when the month began; None: not known to differ from the day's."""
    booked: bool = False
    """The day is in the history."""
    seen_s: float = 0.0
    consumed_wh: float | None = None
    """As last read, with its offset; None: not told."""
    produced_wh: float | None = None
    net_wh: float | None = None
    shown_consumed_wh: float | None = None
    shown_produced_wh: float | None = None

    def read(self, consumed_wh: float | None, produced_wh: float | None, now_s: float, rating_a: float | None) -> None:
        """Read both counters."""
        self.consumed_wh = self.consumed.read(consumed_wh, now_s, rating_a)
        self.produced_wh = self.produced.read(produced_wh, now_s, rating_a)
        self.net_wh = net_wh(self.consumed_wh, self.produced_wh)

    def slow_counters(self) -> tuple[Counter, Counter]:
        if self.slow is None:
            self.slow = (Counter(), Counter())
        return self.slow

    @property
    def counters(self) -> tuple[Counter, ...]:
        return (self.consumed, self.produced, *(self.slow or ()))

    @property
    def turns(self) -> int:
        """Changes when an offset does."""
        turns = self.consumed.turns + self.produced.turns
        return turns if self.slow is None else turns + self.slow[0].turns + self.slow[1].turns

    @classmethod
    def of_sum(cls, parts: Sequence[Self]) -> Self:
        """The account that goes on where several ended."""

        def total(values: list[float | None]) -> float | None:
            known = [value for value in values if value is not None]
            return sum(known) if len(known) == len(values) else None

        month = [part.day_wh if part.month_wh is None else part.month_wh for part in parts]
        return cls(
            Counter.of_sum([part.consumed for part in parts]),
            Counter.of_sum([part.produced for part in parts]),
            day_wh=total([part.day_wh for part in parts]),
            day_s=max(part.day_s for part in parts),
            month_wh=total(month),
        )

    def kept(self) -> dict[str, Any]:
        counters = [counter.kept() for counter in self.counters]
        return {"counters": counters, "baselines": [self.day_wh, self.day_s, self.month_wh],
                "booked": self.booked, "seen": self.seen_s}  # fmt: skip

    @classmethod
    def again(cls, data: Any) -> Self:
        counters = [Counter.again(each) for each in data["counters"]]
        day_wh, day_s, month_wh = map(_number, data["baselines"])
        if len(counters) not in (2, 4) or day_s is None:
            raise ValueError("not an account")
        slow = (counters[2], counters[3]) if len(counters) == 4 else None
        seen_s = _number(data["seen"]) or 0.0
        return cls(counters[0], counters[1], slow, day_wh, day_s, month_wh, data["booked"] is True, seen_s)


@dataclass(slots=True)
class LedgerState:
    """Everything of one panel that has to be known again after a restart."""

    serial: str = ""
    """Of the panel it was counted from; empty: not known yet."""
    model: DataModel | None = None
    day: datetime | None = None
    """The local midnight that began the day."""
    day_since: datetime | None = None
    """Where today is counted from: that midnight, or later if nobody read the panel then."""
    month_since: datetime | None = None
    ours_from_s: float = 0.0
    """What the history holds from before is of another panel, Unix seconds."""
    merging: bool = False
    """The panel stepped from v1 to v2 today: a new circuit may go on where its spaces' accounts ended."""
    main: Account = field(default_factory=Account)
    accounts: dict[str, Account] = field(default_factory=dict)
    carried: dict[str, float] = field(default_factory=dict)
    """Baselines of today by key, as earlier versions kept them; taken over as each circuit appears."""

    @property
    def turns(self) -> int:
        """Changes when an offset does."""
        return self.main.turns + sum([account.turns for account in self.accounts.values()])

    def kept(self) -> dict[str, Any]:
        """Everything of it in plain data."""
        return {
            "version": VERSION,
            "serial": self.serial,
            "model": self.model,
            "day": _iso(self.day),
            "day_since": _iso(self.day_since),
            "month_since": _iso(self.month_since),
            "ours_from": self.ours_from_s,
            "merging": self.merging,
            "main": self.main.kept(),
            "accounts": {key: account.kept() for key, account in self.accounts.items()},
        }

    @classmethod
    def again(cls, data: Any) -> Self:
        """From what `kept` gave.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is not that.
        """
        if data["version"] != VERSION:
            raise ValueError("of another version")
        return cls(
            str(data["serial"]),
            None if data["model"] is None else DataModel(data["model"]),
            _time(data["day"]),
            _time(data["day_since"]),
            _time(data["month_since"]),
            _number(data["ours_from"]) or 0.0,
            data["merging"] is True,
            Account.again(data["main"]),
            {str(key): Account.again(account) for key, account in data["accounts"].items()},
        )


class LedgerFile:
    """The file of one panel. One that cannot be read or written costs what was in it, and nothing else."""

    def __init__(self, path: Path | None, older: Path | None = None) -> None:
        self._path = path
        self._older = older

    def load(self) -> LedgerState:
        """What was kept; what an earlier version kept of today; or nothing."""
        if self._path is None:
            return LedgerState()
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return LedgerState.again(_json(self._path))
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return _older_state(_json(self._older) if self._older is not None else None)
        return LedgerState()

    def save(self, state: LedgerState) -> None:
        """Keep it, whole or not at all. Not forced onto the disk: the event loop would wait for it."""
        if self._path is None:
            return
        import tempfile

        with contextlib.suppress(ConfigError, OSError):
            handle, name = tempfile.mkstemp(dir=private_dir(self._path.parent), prefix=f".{self._path.name}.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    # At once: written piece by piece it takes ten times as long.
                    stream.write(json.dumps(state.kept(), separators=(",", ":"), allow_nan=False))
                Path(name).replace(self._path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                return
            if self._older is not None:
                self._older.unlink(missing_ok=True)


def _older_state(data: Any) -> LedgerState:
    since = read_time(data["since"])
    carried = {str(key): _number(value) for key, value in data["baselines"].items()}
    known = {key: value for key, value in carried.items() if value is not None}
    return LedgerState(day=local_midnight(since), day_since=since, carried=known)


def _json(path: Path) -> Any:
    data, _ = read_bounded(path, MAX_BYTES)
    if len(data) > MAX_BYTES:
        raise ValueError("too large")
    return json.loads(data)


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else read_time(text)
