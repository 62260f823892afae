"""Does span-panel-api take the simulated panel of v2 for one? The acceptance test of span-v2.md section 13 (h).

Run it with a Python 3.12 that has span-panel-api 2.6.4 (flat model), or 3.0.0b13 with both schemas (either one),
and name the Python that has wattdeck:

    python3.12 -m venv .conformance && .conformance/bin/pip install 'span-panel-api[schema-0,schema-1]==3.0.0b13'
    .conformance/bin/python benchmarks/conformance_span_v2.py --api tree --wattdeck-python .venv/bin/python

Prints one line a check; the exit code is the number of checks that failed.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

from span_panel_api import create_span_client

WAIT_S = 15.0
_look_up = socket.getaddrinfo


def look_up(host: Any, *arguments: Any, **more: Any) -> Any:
    """What mDNS would answer: every `.local` name is the simulated panel."""
    return _look_up("127.0.0.1" if str(host).endswith(".local") else host, *arguments, **more)


async def examine(port: int) -> dict[str, bool]:
    """What it says of a panel on this port: check -> whether it holds."""
    client = await create_span_client("127.0.0.1", passphrase="demo-passphrase", port=port)
    try:
        await client.start_streaming()
        snapshot = await client.get_snapshot()
        named = {key: each for key, each in snapshot.circuits.items() if not key.startswith("unmapped")}
        found = {
            "connects and answers ping": await client.ping(),
            "has a firmware": snapshot.firmware_version.startswith("spanos"),
            "has circuits with names": len(named) >= 5 and all(each.name for each in named.values()),
            "measures at the grid": snapshot.instant_grid_power_w != 0.0,
        }
        circuit = next(each for each in named.values() if each.is_user_controllable and each.relay_state == "CLOSED")
        await client.set_circuit_relay(circuit.circuit_id, "OPEN")
        found["opens a relay"] = await _until(client, circuit.circuit_id, "OPEN")
        return found
    finally:
        await client.close()


async def _until(client: Any, circuit_id: str, relay: str) -> bool:
    """Whether a relay comes to be so."""
    async with asyncio.timeout(WAIT_S):
        while (await client.get_snapshot()).circuits[circuit_id].relay_state != relay:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return True


def main() -> int:
    socket.getaddrinfo = look_up
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wattdeck-python", default=sys.executable)
    parser.add_argument("--api", choices=("flat", "tree"), default="flat")
    options = parser.parse_args()
    command = [options.wattdeck_python, "-m", "wattdeck", "simulate", "span", "--api", options.api]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdout is not None
        try:
            url = simulator.stdout.readline().split()[-1]
            found = asyncio.run(examine(urlsplit(url).port or 0))
        finally:
            simulator.send_signal(signal.SIGTERM)
    for check, held in found.items():
        print(f"{'ok  ' if held else 'FAIL'} {check}")
    return sum(not held for held in found.values())


if __name__ == "__main__":
    sys.exit(main())
