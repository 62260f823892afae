"""One simulated portal and an account of it, both on one clock, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fakes import ManualClock
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Link
from wattdeck.core.secrets import SecretRef
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.usms import SYSTEM as USMS
from wattdeck.systems.usms.config import UsmsConfig
from wattdeck.systems.usms.models import AccountSnapshot, ConsumptionSnapshot
from wattdeck.systems.usms.simulator import PASSWORD, USERNAME, UsmsSimulator
from wattdeck.systems.usms.source import UsmsSource

ORIGIN = "http://127.0.0.3"
START = datetime(2026, 10, 14, 7, 0, tzinfo=UTC)
"""15:00 on 14 October in Brunei."""


class Bench:
    """One simulated portal, one hub with an account of it, and a clock for both that is moved by hand."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock = ManualClock(START)
        self.simulator = UsmsSimulator(
            SimulatorOptions(start=START), monotonic=self.clock.monotonic, sleep=self.clock.sleep
        )
        self.requests = 0
        self.folder = folder
        self.config = UsmsConfig(
            **{
                "name": "contoh",
                "username": USERNAME,
                "password": SecretRef(plain=PASSWORD),
                "url": ORIGIN,
                **settings,
            }
        )
        self.hub = self._open()

    def _open(self) -> Hub:
        return Hub([(USMS, self.config)], state_dir=self.folder, clock=self.clock, demo_apps={ORIGIN: self._count})

    async def _count(self, scope: Any, receive: Any, send: Any) -> None:
        self.requests += not scope["path"].startswith("/_sim")
        await self.simulator.app(scope, receive, send)

    async def restart(self) -> None:
        """The deck ends and is started again; the portal goes on."""
        await self.hub.aclose()
        self.hub = self._open()

    @property
    def source(self) -> UsmsSource:
        source = self.hub.sources["usms/contoh"]
        assert isinstance(source, UsmsSource)
        return source

    async def poll(self, later_s: float = 0.0) -> tuple[AccountSnapshot, ConsumptionSnapshot]:
        self.clock.advance(later_s)
        for feed in self.source.feeds:
            await feed.poll()
            assert feed.reading.link is Link.LIVE, feed.reading.problem
        account, consumption = (feed.reading.snapshot for feed in self.source.feeds[:2])
        assert isinstance(account, AccountSnapshot) and isinstance(consumption, ConsumptionSnapshot)
        return account, consumption
