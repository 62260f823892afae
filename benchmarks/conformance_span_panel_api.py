"""Does span-panel-api 1.1.3 take the simulator for a panel? The acceptance test of span.md section 10.

Run it with a Python 3.12 that has span-panel-api 1.1.3, and name the Python that has wattdeck:

    python3.12 -m venv .conformance && .conformance/bin/pip install span-panel-api==1.1.3
    .conformance/bin/python benchmarks/conformance_span_panel_api.py --wattdeck-python .venv/bin/python

Prints one line a check; the exit code is the number of checks that failed.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from span_panel_api import (
    SpanPanelAPIError,
    SpanPanelAuthError,
    SpanPanelClient,
    SpanPanelConnectionError,
    SpanPanelRetriableError,
    SpanPanelServerError,
    SpanPanelTimeoutError,
)

SERVE = """
import asyncio
from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span.simulator import SpanSimulator
simulator = SpanSimulator(SimulatorOptions(seed=7))
asyncio.run(serve(simulator.app, "127.0.0.1", 0, lambda url: print(url, flush=True)))
"""


class Checks:
    """Prints and counts."""

    def __init__(self) -> None:
        self.failed = 0
        self.made = 0

    def that(self, words: str, holds: object, seen: object = "") -> None:
        """One check."""
        self.made += 1
        self.failed += not holds
        print(f"{'ok  ' if holds else 'FAIL'} {words}{f': {seen}' if seen != '' and not holds else ''}")

    async def raises(self, words: str, call: Awaitable[Any], error: type[Exception], status: int | None) -> None:
        """The call must raise exactly this class, with this `status_code` where the class has one."""
        try:
            result: object = await call
        except Exception as caught:
            same = type(caught) is error and getattr(caught, "status_code", None) == status
            self.that(words, same, f"{type(caught).__name__} {getattr(caught, 'status_code', None)} {caught}")
        else:
            self.that(words, False, f"returned {type(result).__name__}")


async def main(url: str) -> int:
    """The sequence of section 10."""
    checks = Checks()
    host, port = httpx.URL(url).host, httpx.URL(url).port
    with httpx.Client(base_url=url) as control:

        def fault(name: str, value: str | None = None) -> None:
            control.post("/_sim/fault", json={"name": name, "value": value}).raise_for_status()

        def clear(name: str | None = None) -> None:
            control.post("/_sim/clear", json={"name": name} if name else {}).raise_for_status()

        def press_door() -> None:
            control.post("/_sim/door").raise_for_status()

        def advance(seconds: float) -> None:
            control.post("/_sim/clock", json={"advance_s": seconds}).raise_for_status()

        async with SpanPanelClient(host=host, port=port, timeout=2.0, cache_window=0.0) as client:
            await enter(checks, client, press_door)
            await read(checks, client)
            await write(checks, client, clear)
            await fail(checks, client, fault, clear)
            await balance(checks, client, advance)
            fault("revoke")
            await checks.raises("revoked token: get_status still works", status_fails(client), RuntimeError, None)
            await checks.raises("revoked token: get_panel_state", client.get_panel_state(), SpanPanelAuthError, None)
        async with SpanPanelClient(host=host, port=port, timeout=2.0) as client:
            await no_token(checks, client)
        fault("refuse", "2")
        async with SpanPanelClient(host=host, port=port, timeout=2.0, cache_window=0.0) as client:
            await checks.raises("refuse", client.get_status(), SpanPanelConnectionError, None)
    print(f"{checks.made - checks.failed} of {checks.made} checks hold")
    return checks.failed


async def status_fails(client: SpanPanelClient) -> None:
    """Status needs no token, so that this raises only to say so."""
    await client.get_status()
    raise RuntimeError("answered")


async def enter(checks: Checks, client: SpanPanelClient, press_door: Callable[[], None]) -> None:
    """Status, the door, registration."""
    status = await client.get_status()
    checks.that("status names the panel", status.system.serial.startswith("nt-"), status.system.serial)
    checks.that(
        "status: model 00200, not proven", (status.system.model, status.system.proximity_proven) == ("00200", False)
    )
    await checks.raises(
        "register while locked (422, string)", client.authenticate("rec", "Rec"), SpanPanelAPIError, None
    )
    press_door()
    checks.that("three presses of the door prove proximity", (await client.get_status()).system.proximity_proven)
    granted = await client.authenticate("rec", "Rec")
    checks.that("register grants a token", granted.access_token and granted.token_type == "bearer" and granted.iat_ms)
    await checks.raises("register the same name again", client.authenticate("rec", "Rec"), SpanPanelAPIError, None)
    client.set_access_token(granted.access_token)


async def read(checks: Checks, client: SpanPanelClient) -> None:
    """Panel, circuits with virtual ones, storage."""
    panel = await client.get_panel_state()
    checks.that("panel has 32 branches", len(panel.branches) == 32)
    circuits = (await client.get_circuits()).circuits.additional_properties
    real = {key: value for key, value in circuits.items() if not key.startswith("unmapped_tab_")}
    mapped = {tab for circuit in real.values() for tab in circuit.tabs}
    checks.that("circuits: real plus one for each unmapped space", len(circuits) == len(real) + 32 - len(mapped))
    branch = (await client.get_panel_state()).branches[29]
    virtual = circuits["unmapped_tab_30"]
    near = abs(virtual.produced_energy_wh - branch.imported_active_energy_wh) < 10
    checks.that("unmapped space 30: produced is the branch's imported", near)
    near = abs(virtual.consumed_energy_wh - branch.exported_active_energy_wh) < 10
    checks.that("unmapped space 30: consumed is the branch's exported", near)
    checks.that("map key is the id", all(key == circuit.id for key, circuit in circuits.items()))
    storage = await client.get_storage_soe()
    checks.that("storage answers a percentage", 0 <= storage.soe.percentage <= 100, storage)


async def write(checks: Checks, client: SpanPanelClient, clear: Callable[[str], None]) -> None:
    """Relay and priority."""
    circuits = (await client.get_circuits()).circuits.additional_properties
    target = next(circuit for circuit in circuits.values() if circuit.is_user_controllable)
    returned = await client.set_circuit_relay(target.id, "open")
    checks.that("relay write returns the circuit, OPEN", returned.relay_state == "OPEN", returned)
    await asyncio.sleep(1.1)
    seen = (await client.get_circuits()).circuits.additional_properties[target.id]
    checks.that("a second later it is OPEN at 0.0 W", (seen.relay_state, seen.instant_power_w) == ("OPEN", 0.0))
    returned = await client.set_circuit_relay(target.id, "CLOSED")
    checks.that("and CLOSED again", returned.relay_state == "CLOSED")
    always_on = next(c for c in circuits.values() if not c.is_user_controllable and c.name == "Router and Alarm")
    await checks.raises(
        "relay of an always-on circuit (403)", client.set_circuit_relay(always_on.id, "OPEN"), SpanPanelAuthError, None
    )
    await checks.raises(
        "relay of an unknown circuit (404)", client.set_circuit_relay("nix", "OPEN"), SpanPanelAPIError, 404
    )
    await checks.raises(
        "priority write, as delivered (500)",
        client.set_circuit_priority(target.id, "MUST_HAVE"),
        SpanPanelServerError,
        500,
    )
    clear("priority-500")
    returned = await client.set_circuit_priority(target.id, "nice_to_have")
    checks.that("priority write with that fault off", returned.priority == "NICE_TO_HAVE", returned)


async def fail(
    checks: Checks,
    client: SpanPanelClient,
    fault: Callable[..., None],
    clear: Callable[..., None],
) -> None:
    """The error classes of section 5."""
    expected: tuple[tuple[str, str | None, type[Exception], int | None], ...] = (
        ("status", "401", SpanPanelAuthError, None),
        ("status", "403", SpanPanelAuthError, None),
        ("status", "404", SpanPanelAPIError, 404),
        ("status", "412", SpanPanelAPIError, 412),
        ("status", "429", SpanPanelAPIError, 429),
        ("status", "500", SpanPanelServerError, 500),
        ("status", "502", SpanPanelRetriableError, 502),
        ("status", "503", SpanPanelRetriableError, 503),
        ("status", "504", SpanPanelRetriableError, 504),
        ("html-502", None, SpanPanelRetriableError, 502),
        ("sunset", None, SpanPanelAPIError, 404),
        ("hang", None, SpanPanelTimeoutError, None),
        ("close", None, SpanPanelAPIError, None),
        ("cut-short", None, SpanPanelAPIError, None),
        ("truncated", None, SpanPanelAPIError, None),
        ("html-200", None, SpanPanelAPIError, None),
        ("no-measure", None, SpanPanelAPIError, None),
        ("unknown-enum", "all", SpanPanelAPIError, None),
    )
    for name, value, error, status in expected:
        fault(name, value)
        await checks.raises(f"{name}={value or ''}: get_panel_state", client.get_panel_state(), error, status)
        clear()
    for status_code in (401, 500, 503):
        fault("status@panel", str(status_code))
        await checks.raises(f"panel half of get_circuits {status_code}", client.get_circuits(), SpanPanelAPIError, None)
        clear()
    fault("circuits-500")
    await checks.raises("circuits-500: get_circuits", client.get_circuits(), SpanPanelServerError, 500)
    clear()
    client.retries, client.retry_timeout = 2, 0.05
    fault("status", "503*2")
    checks.that("two 503 and two retries end well", await client.get_panel_state())
    client.retries = 0
    for name in ("null-power", "null-energy", "nan", "negative-zero", "null-name", "empty-circuits"):
        fault(name)
        checks.that(f"{name} passes through", await client.get_circuits())
        clear()
    fault("connection-close")
    checks.that("Connection: close is accepted", await client.get_panel_state() and await client.get_panel_state())
    clear()


async def balance(checks: Checks, client: SpanPanelClient, advance: Callable[[float], None]) -> None:
    """The identities of 4.2 on 100 panel reads, some minutes apart."""
    off = 0
    for _ in range(100):
        advance(321)
        panel = await client.get_panel_state()
        power_w = sum(branch.instant_power_w for branch in panel.branches)
        imported_wh = sum(branch.imported_active_energy_wh for branch in panel.branches)
        exported_wh = sum(branch.exported_active_energy_wh for branch in panel.branches)
        main_meter, feedthrough = panel.main_meter_energy, panel.feedthrough_energy
        off += panel.feedthrough_power_w != panel.instant_grid_power_w + power_w
        off += feedthrough.consumed_energy_wh != main_meter.consumed_energy_wh - imported_wh
        off += feedthrough.produced_energy_wh != exported_wh - main_meter.produced_energy_wh
    checks.that("the three identities hold on 100 consecutive panel reads", off == 0, f"{off} do not")


async def no_token(checks: Checks, client: SpanPanelClient) -> None:
    """What 1.1.3 does by itself without a token."""
    await checks.raises("no token: get_panel_state", client.get_panel_state(), SpanPanelAuthError, None)
    await checks.raises("no token: get_circuits", client.get_circuits(), SpanPanelAPIError, None)
    client.set_access_token("wrong")
    await checks.raises("wrong token: get_storage_soe", client.get_storage_soe(), SpanPanelAuthError, None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wattdeck-python", default=sys.executable, help="the Python that has wattdeck")
    chosen = parser.parse_args()
    with subprocess.Popen([chosen.wattdeck_python, "-c", SERVE], stdout=subprocess.PIPE, text=True) as simulator:
        try:
            assert simulator.stdout is not None
            failures = asyncio.run(main(simulator.stdout.readline().strip()))
        finally:
            simulator.terminate()
    sys.exit(failures)
