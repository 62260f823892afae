"""An app that is made with its first request."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio
import httpx
import pytest

from wattdeck.core.asgi import AsgiApp, Message, Receive, Send, SimulatedTransport
from wattdeck.core.lateapp import LateApp
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.ccee import SYSTEM as CCEE

pytestmark = pytest.mark.anyio


class Maker:
    """Counts how often it makes an app that answers 200."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> AsgiApp:
        self.made += 1
        return self._answer

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})


async def test_many_first_requests_make_one_app() -> None:
    maker = Maker()
    transport = SimulatedTransport(LateApp(maker))
    assert maker.made == 0
    found: list[int] = []

    async def ask() -> None:
        response = await transport.handle_async_request(httpx.Request("GET", "http://late/"))
        found.append(response.status_code)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(ask)
    assert found == [200, 200, 200]
    assert maker.made == 1


async def test_what_cannot_be_made_is_said_to_each_who_asks() -> None:
    def make() -> AsgiApp:
        raise ValueError("no such year")

    transport = SimulatedTransport(LateApp(make))
    for _ in range(2):
        with pytest.raises(ValueError, match="no such year"):
            await transport.handle_async_request(httpx.Request("GET", "http://late/"))


def test_a_start_the_late_simulator_would_not_take_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="2024 to 2200"):
        CCEE.demo(SimulatorOptions(start=datetime(1990, 1, 1, tzinfo=UTC)), None)
