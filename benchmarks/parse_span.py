"""Circuits and panel: CPU of wattdeck beside span-panel-api 1.1.3, on the same bytes, in one process.

    PYTHONPATH=src python benchmarks/parse_span.py

Needs Python 3.12 or later with `span-panel-api==1.1.3` for the comparison; without it only our side is measured.
`parse` is bytes to models, virtual circuits included; `call` is the client's whole call over an in-memory transport.
Medians of rounds in which the sides alternate.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

ROUNDS = 11
REPEATS = 200
SPACES = 32


def bodies() -> tuple[bytes, bytes]:
    """`/circuits` and `/panel` of a 32-space panel: 20 one-pole and 4 two-pole circuits, 4 unmapped spaces."""
    branches = [
        {
            "id": tab,
            "relayState": "CLOSED",
            "instantPowerW": -42.513671875 * tab,
            "importedActiveEnergyWh": 12.5 + tab,
            "exportedActiveEnergyWh": 150250.0390625 + tab,
            "measureStartTsMs": 912340080 + tab,
            "measureDurationMs": 22,
            "isMeasureValid": True,
        }
        for tab in range(1, SPACES + 1)
    ]
    tabs = [[tab] for tab in range(1, 21)] + [[21, 23], [22, 24], [25, 27], [26, 28]]
    circuits = {
        f"{index:032x}": {
            "id": f"{index:032x}",
            "name": f"Circuit of room {index}",
            "relayState": "CLOSED",
            "instantPowerW": -41.751953125 * index,
            "instantPowerUpdateTimeS": 1752431000,
            "producedEnergyWh": 12.5,
            "consumedEnergyWh": 150242.900390625,
            "energyAccumUpdateTimeS": 1752430400,
            "tabs": spaces,
            "priority": "NICE_TO_HAVE",
            "isUserControllable": True,
            "isSheddable": False,
            "isNeverBackup": False,
        }
        for index, spaces in enumerate(tabs, 1)
    }
    panel = {
        "mainRelayState": "CLOSED",
        "mainMeterEnergy": {"producedEnergyWh": 820500.5, "consumedEnergyWh": 1510000.0},
        "instantGridPowerW": -342.55,
        "feedthroughPowerW": 10.0,
        "feedthroughEnergy": {"producedEnergyWh": 1482813.5, "consumedEnergyWh": -111597.25},
        "gridSampleStartMs": 912340112,
        "gridSampleEndMs": 912340138,
        "dsmGridState": "DSM_GRID_UP",
        "dsmState": "DSM_ON_GRID",
        "currentRunConfig": "PANEL_ON_GRID",
        "branches": branches,
    }
    return json.dumps({"circuits": circuits}).encode(), json.dumps(panel).encode()


def cpu_us(work: Callable[[], object]) -> float:
    """CPU of one call, microseconds."""
    started_s = time.process_time()
    for _ in range(REPEATS):
        work()
    return (time.process_time() - started_s) / REPEATS * 1e6


def ours() -> Callable[[], object]:
    """Bytes to our frozen models, virtual circuits included."""
    from wattdeck.core.http import Answer
    from wattdeck.systems.span import wire

    circuits_body, panel_body = bodies()

    def work() -> object:
        circuits = wire.read_circuits(Answer(200, circuits_body, {}), "circuits")
        panel = wire.read_panel(Answer(200, panel_body, {}), "panel")
        return circuits + wire.virtual_circuits(circuits, panel.branches), panel

    return work


def theirs() -> Callable[[], object]:
    """Bytes to the models of span-panel-api, virtual circuits included, as its get_circuits does it."""
    import httpx
    from span_panel_api import SpanPanelClient
    from span_panel_api.generated_client.models.circuits_out import CircuitsOut
    from span_panel_api.generated_client.models.panel_state import PanelState

    client = SpanPanelClient("127.0.0.1")
    circuits_body, panel_body = bodies()

    def work() -> object:
        circuits = CircuitsOut.from_dict(httpx.Response(200, content=circuits_body).json())
        panel = PanelState.from_dict(httpx.Response(200, content=panel_body).json())
        mapped: set[int] = set()
        for circuit in circuits.circuits.additional_properties.values():
            mapped.update(circuit.tabs)
        for tab in set(range(1, len(panel.branches) + 1)) - mapped:
            virtual = client._create_unmapped_tab_circuit(panel.branches[tab - 1], tab)
            circuits.circuits.additional_properties[virtual.id] = virtual
        return circuits, panel

    return work


def json_only() -> Callable[[], object]:
    """The floor: the standard library's JSON parser alone."""
    circuits_body, panel_body = bodies()
    return lambda: (json.loads(circuits_body), json.loads(panel_body))


async def calls(with_theirs: bool) -> dict[str, Callable[[], Awaitable[Any]]]:
    """The whole `circuits` call of each client, its transport replaced by one in memory."""
    import httpx

    from wattdeck.systems.span.client import SpanClient

    circuits_body, panel_body = bodies()

    async def handle(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        body = circuits_body if request.url.path.endswith("circuits") else panel_body
        return httpx.Response(200, stream=httpx.ByteStream(body))

    httpx.AsyncHTTPTransport.handle_async_request = handle  # type: ignore[method-assign]
    found: dict[str, Callable[[], Awaitable[Any]]] = {
        "wattdeck": SpanClient("127.0.0.1", token="x", cache_window_s=0).circuits
    }
    if with_theirs:
        from span_panel_api import SpanPanelClient

        client = SpanPanelClient("127.0.0.1", cache_window=0)
        client.set_access_token("x")
        found["span-panel-api 1.1.3"] = client.get_circuits
    return found


async def call_us(call: Callable[[], Awaitable[Any]]) -> float:
    """CPU of one call, microseconds."""
    await call()
    started_s = time.process_time()
    for _ in range(REPEATS):
        await call()
    return (time.process_time() - started_s) / REPEATS * 1e6


def report(title: str, figures: dict[str, list[float]]) -> None:
    """One block of the table."""
    print(f"{title:40}{'CPU, us':>10}{'share':>8}")
    medians = {name: statistics.median(values) for name, values in figures.items()}
    for name, median in medians.items():
        theirs_us = medians.get("span-panel-api 1.1.3")
        print(f"  {name:38}{median:10.0f}" + (f"{median / theirs_us:8.2f}" if theirs_us else ""))


async def main() -> None:
    """Measure and print."""
    with_theirs = importlib.util.find_spec("span_panel_api") is not None
    works = {"wattdeck": ours(), "json.loads alone": json_only()}
    if with_theirs:
        works["span-panel-api 1.1.3"] = theirs()
    parsed: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(ROUNDS):
        for name, work in works.items():
            parsed[name].append(cpu_us(work))
    report("parse: circuits + panel to models", parsed)
    clients = await calls(with_theirs)
    called: dict[str, list[float]] = {name: [] for name in clients}
    for _ in range(ROUNDS):
        for name, call in clients.items():
            called[name].append(await call_us(call))
    report("call: circuits() with its two requests", called)


if __name__ == "__main__":
    asyncio.run(main())
