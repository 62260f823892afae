"""The eBus client before a real broker: 100 messages a second for a time, the first picture of 981 topics, ten panels.

    python benchmarks/ebus.py [--minutes 10] [--rate 100] [--panels 10] [--rounds 5] [--only load|first|many]

Needs mosquitto (Debian's package). Broker and panels are processes of their own; what is measured is this one: a hub
with its sources over TLS on loopback, no screen. CPU is user and system time of all threads, in percent of one core.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

SERIAL = "nt-2611-large"


def topics_of(serial: str) -> dict[str, bytes]:
    """Every retained topic of a 48-space panel of the tree."""
    from wattdeck.core.system import SimulatorOptions
    from wattdeck.systems.span.simulator import SpanSimulator

    simulator = SpanSimulator(SimulatorOptions(api="tree"), household="large")
    assert simulator.broker is not None
    simulator.broker.move_on()
    return {
        topic.replace(SERIAL, serial): payload.replace(SERIAL.encode(), serial.encode())
        for topic, payload in simulator.broker.retained.items()
    }


def serve(panels: int, rate: float) -> None:
    """The other side: a broker with panels, each sending `rate` values a second, until stdin ends."""
    import paho.mqtt.client as paho

    from wattdeck.systems.span.simulated.authority import Authority
    from wattdeck.systems.span.simulated.mosquitto import Mosquitto

    serials = [f"{SERIAL}{index:02}" for index in range(panels)]
    authority = Authority(serials[0])
    with Mosquitto(authority.issue(["127.0.0.1"]), dict.fromkeys(serials, "password")) as broker:
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        inner = broker.publisher
        client.username_pw_set(inner.user, inner.password)
        client.tls_set_context(_context(inner.ca_pem))
        client.max_queued_messages_set(0)
        client.connect(inner.host, inner.port)
        client.loop_start()
        powers: list[str] = []
        count = 0
        for index, serial in enumerate(serials):
            # Circuit ids must differ from panel to panel, as they do in life.
            for topic, payload in topics_of(serial).items():
                told, said = _own(topic, index), _own(payload.decode(), index)
                client.publish(told, said, retain=True).wait_for_publish(10)
                count += 1
                if told.endswith("meter/active-power"):
                    powers.append(told)
        ready = {"port": broker.port, "ca": authority.pem, "serials": serials, "topics": count}
        print(json.dumps(ready), flush=True)
        luck, began_s, sent = Random(1), time.monotonic(), 0
        while not _stdin_ended():
            due = int((time.monotonic() - began_s) * rate * panels)
            for _ in range(due - sent):
                client.publish(powers[sent % len(powers)], f"{-2000 * luck.random():.1f}", retain=True)
                sent += 1
            time.sleep(0.01)
        client.disconnect()


def _own(text: str, index: int) -> str:
    """Ids of a panel's circuits, made its own; the first panel keeps those it has."""
    if index == 0:
        return text
    import re

    return re.sub(r"\b[0-9a-f]{32}\b", lambda found: f"{index:02x}{found[0][2:]}", text)


def _stdin_ended() -> bool:
    import select

    return bool(select.select([sys.stdin], [], [], 0)[0])


def _context(ca_pem: str) -> Any:
    from wattdeck.systems.span.ebus.tls import context

    return context(ca_pem)


@contextmanager
def served(panels: int, rate: float) -> Iterator[dict[str, Any]]:
    """The other side in a process of its own."""
    command = [sys.executable, __file__, "--serve", "--panels", str(panels), "--rate", str(rate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(20)


class Hubbed:
    """A hub with the panels of a server, and counts of what it published."""

    def __init__(self, server: dict[str, Any], folder: Path) -> None:
        from wattdeck.core.hub import Hub
        from wattdeck.systems.span import SYSTEM
        from wattdeck.systems.span.config import SpanConfig
        from wattdeck.systems.span.ebus.credentials import Credentials, Privilege, save
        from wattdeck.systems.span.ebus.tls import fingerprint

        known = Credentials(
            "", "", "benchmark", "token", 0, Privilege.FULL, "", "password", "127.0.0.1", "",
            server["port"], 9001, 9002, server["ca"], fingerprint(server["ca"]), data_model="tree",
        )  # fmt: skip
        pairs = []
        for index, serial in enumerate(server["serials"]):
            host = f"127.0.0.{index + 1}" if index == 0 else "127.0.0.1"
            # Nothing listens on these ports: the REST side is away, and the broker is not.
            config = SpanConfig(name=f"panel-{index:02}", host=host, port=9 + index, api="v2", https_port=9)
            address = f"{host}:{9 + index}"
            save(folder, replace(known, serial=serial, broker_user=serial, address=address))
            pairs.append((SYSTEM, config))
        self.hub = Hub(pairs, state_dir=folder, keep_last=False)
        self.live: dict[str, float] = {}
        self.all_live = asyncio.Event()
        self.readings = self.changed = 0
        self._last: dict[str, Any] = {}
        self.hub.subscribe(self._note)

    def _note(self, reading: Any) -> None:
        self.readings += 1
        if reading.snapshot is not None and reading.snapshot != self._last.get(reading.source):
            self._last[reading.source] = reading.snapshot
            self.changed += 1
        if reading.link == "live":
            self.live.setdefault(reading.source, time.monotonic())
            if len(self.live) == len(self.hub.sources):
                self.all_live.set()


async def wait_live(hubbed: Hubbed) -> None:
    """Until every panel has been live once."""
    async with asyncio.timeout(60):
        await hubbed.all_live.wait()


def cpu_s() -> float:
    """User and system time of this process, s."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rss_mb() -> float:
    """Memory of this process now, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


async def load(server: dict[str, Any], seconds: float, rate: float) -> dict[str, Any]:
    """CPU, pictures a second and memory while values come."""
    with tempfile.TemporaryDirectory() as folder:
        hubbed = Hubbed(server, Path(folder))
        hubbed.hub.show(list(hubbed.hub.sources))
        async with hubbed.hub:
            running = asyncio.ensure_future(hubbed.hub.run())
            await wait_live(hubbed)
            await asyncio.sleep(min(10.0, seconds / 4))
            began_s, began_cpu_s, readings, changed = time.monotonic(), cpu_s(), hubbed.readings, hubbed.changed
            memory = [rss_mb()]
            for _ in range(6):
                await asyncio.sleep(seconds / 6)
                memory.append(rss_mb())
            took_s = time.monotonic() - began_s
            running.cancel()
            panels = len(server["serials"])
            return {
                "panels": panels,
                "messages_per_s": rate * panels,
                "seconds": round(took_s),
                "cpu_percent": round(100 * (cpu_s() - began_cpu_s) / took_s, 2),
                "pictures_per_s_and_panel": round((hubbed.readings - readings) / took_s / panels, 2),
                "changed_per_s_and_panel": round((hubbed.changed - changed) / took_s / panels, 2),
                "rss_mb": [round(each, 1) for each in memory],
            }


async def first(server: dict[str, Any]) -> tuple[float, float]:
    """Seconds, and CPU seconds, from nothing to the first complete picture; what is loaded once is loaded before."""
    import aiomqtt  # noqa: F401

    from wattdeck.systems.span.ebus import bootstrap, client  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        hubbed = Hubbed(server, Path(folder))
        async with hubbed.hub:
            began_s, began_cpu_s = time.monotonic(), cpu_s()
            running = asyncio.ensure_future(hubbed.hub.run())
            await wait_live(hubbed)
            took = min(hubbed.live.values()) - began_s, cpu_s() - began_cpu_s
            reading = hubbed.hub.feeds[0].reading
            assert reading.snapshot is not None
            assert all(circuit.power_w is not None for circuit in reading.snapshot.circuits)
            running.cancel()
            return took


def main() -> None:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--panels", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["load", "first", "many"])
    parser.add_argument("--serve", action="store_true")
    asked = parser.parse_args()
    if asked.serve:
        return serve(asked.panels, asked.rate)
    if asked.only in (None, "first"):
        with served(1, 0) as server:
            found = [asyncio.run(first(server)) for _ in range(asked.rounds)]
        wall, cpu = [each[0] for each in found], [each[1] for each in found]
        print(json.dumps({
            "topics": server["topics"],
            "first_picture_s": [round(each, 3) for each in wall],
            "median_s": round(statistics.median(wall), 3),
            "median_cpu_s": round(statistics.median(cpu), 3),
        }))  # fmt: skip
    if asked.only in (None, "load"):
        with served(1, asked.rate) as server:
            print(json.dumps(asyncio.run(load(server, 60 * asked.minutes, asked.rate))))
    if asked.only in (None, "many"):
        with served(asked.panels, asked.rate) as server:
            print(json.dumps(asyncio.run(load(server, 60, asked.rate))))
    return None


if __name__ == "__main__":
    main()
