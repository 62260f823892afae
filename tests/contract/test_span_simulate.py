"""`wattdeck simulate span` with v2: one panel behind HTTP, HTTPS and a real broker, as a newcomer meets it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import anyio
import httpx
import pytest

from broker import require_mosquitto
from wattdeck.cli import run
from wattdeck.core.errors import SourceError, Unreachable, UsageError
from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span.ebus.mqtt import MqttStream
from wattdeck.systems.span.ebus.stream import CertificateRefused, Endpoint
from wattdeck.systems.span.ebus.tls import context, fingerprint
from wattdeck.systems.span.simulated import wire
from wattdeck.systems.span.simulator import SpanSimulator

pytestmark = pytest.mark.anyio

FLAT, TREE = "core/software-version", "info/data-model-version"
"""What only a panel of the one model says, and only one of the other."""


async def registered(http: str, https: str) -> tuple[Endpoint, str]:
    """How to get to the broker, and the fingerprint of what vouches for it: what registering tells."""
    async with httpx.AsyncClient(trust_env=False) as plain:
        ca_pem = (await plain.get(f"{http}/api/v2/certificate/ca")).raise_for_status().text
    async with httpx.AsyncClient(trust_env=False, verify=context(ca_pem)) as secure:
        body = {"name": "wattdeck-test", "hopPassphrase": "demo-passphrase"}
        told = (await secure.post(f"{https}/api/v2/auth/register", json=body)).raise_for_status().json()
    user, password = told["ebusBrokerUsername"], told["ebusBrokerPassword"]
    names = (told["hostname"], told["ebusBrokerHost"])
    endpoint = Endpoint("127.0.0.1", told["ebusBrokerMqttsPort"], user, password, ca_pem, names)
    return endpoint, fingerprint(ca_pem)


async def values(stream: MqttStream, wanted: Callable[[dict[str, bytes]], object]) -> dict[str, bytes]:
    """What was said, as soon as it is as wanted."""
    found: dict[str, bytes] = {}
    with anyio.fail_after(15):
        async for message in stream:
            found[message.topic] = message.payload
            if wanted(found):
                break
    return found


def ready(found: dict[str, bytes], serial: str, model: str) -> bool:
    """The panel is ready, of this model, and has circuits."""
    root = f"ebus/5/{serial}"
    return found.get(f"{root}/$state") == b"ready" and f"{root}/{model}" in found and len(closed(found)) >= 5


def closed(found: dict[str, bytes]) -> list[str]:
    """Relays of circuits that are closed."""
    circuit = re.compile(r"ebus/5/([^/]+/)?[0-9a-f]{32}(/switch)?/relay")
    return [topic for topic, value in found.items() if circuit.fullmatch(topic) and value == b"CLOSED"]


async def test_a_broker_that_takes_nothing_at_the_start_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    require_mosquitto()
    monkeypatch.setattr(wire, "UP_WITHIN_S", 0.1)
    simulator = SpanSimulator(SimulatorOptions(seed=1, api="flat", faults={"broker-frozen": None}))
    with pytest.raises(UsageError, match="took nothing from the simulated panel"):
        async with simulator.beside("127.0.0.1", {}):
            raise AssertionError("it is not there")


@pytest.mark.parametrize(("api", "model"), [("flat", FLAT), ("tree", TREE)])
async def test_a_panel_is_met_registered_with_commanded_and_gone(api: str, model: str, tmp_path: Path) -> None:
    require_mosquitto()
    command = [sys.executable, "-m", "wattdeck", "simulate", "span", "--api", api, "--speed", "10"]
    started = subprocess.Popen(  # noqa: ASYNC220
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    with started as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            line = await anyio.to_thread.run_sync(process.stdout.readline)
            http = re.fullmatch(r"wattdeck: span simulator on (http://\S+)\n", line)
            said = [await anyio.to_thread.run_sync(process.stderr.readline) for _ in range(4)]
            https = re.search(r"https://\S+", said[0])
            assert http is not None and https is not None, (line, said)
            endpoint, shown = await registered(http[1], https[0])
            assert "(MQTT over TLS)" in said[1] and f"port {endpoint.port} " in said[1]
            assert "passphrase demo-passphrase" in said[1] and f"SHA-256: {shown}\n" in said[2]
            async with aclosing(MqttStream(endpoint)) as stream:
                await stream.connect()
                await stream.subscribe(["ebus/5/#"])
                relays = closed(await values(stream, lambda found: ready(found, endpoint.user, model)))
                for relay in relays:
                    await stream.publish(f"{relay}/set", "OPEN")
                await values(stream, lambda found: any(found.get(relay) == b"OPEN" for relay in relays))
        finally:
            process.send_signal(signal.SIGTERM)
            rest = await anyio.to_thread.run_sync(process.stdout.read)
        assert rest == "", "one line on stdout"
    assert process.returncode == 0
    with socket.socket() as late:
        assert late.connect_ex(("127.0.0.1", endpoint.port)) != 0, "the broker ends with the command"
    assert os.listdir(tmp_path) == [], "nothing is left on the disk"


@asynccontextmanager
async def served(api: str = "flat") -> AsyncIterator[tuple[SpanSimulator, str, str]]:
    """A simulated panel on ports, in this process: itself, HTTP and HTTPS."""
    require_mosquitto()
    simulator = SpanSimulator(SimulatorOptions(api=api))
    up = anyio.Event()
    urls: list[str] = []

    def ready(*found: str) -> None:
        urls.extend(found)
        up.set()

    async with simulator.beside("127.0.0.1", {}) as more, anyio.create_task_group() as group:
        assert more.tls is not None
        tls = more.tls

        async def listen() -> None:
            await serve(simulator.app, "127.0.0.1", 0, ready, https=(tls, 0))

        group.start_soon(listen)
        with anyio.fail_after(10):
            await up.wait()
        yield simulator, urls[0], urls[1]
        group.cancel_scope.cancel()


async def test_a_new_authority_is_on_https_and_on_the_broker_and_the_old_one_on_neither() -> None:
    async with served() as (simulator, http, https):
        endpoint, shown = await registered(http, https)
        simulator.set_fault("new-ca")
        other: SourceError = Unreachable("")
        with anyio.fail_after(10):
            while not isinstance(other, CertificateRefused):
                async with aclosing(MqttStream(endpoint)) as stream:
                    try:
                        await stream.connect()
                    except SourceError as error:
                        other = error
        async with httpx.AsyncClient(trust_env=False, verify=context(endpoint.ca_pem)) as secure:
            with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                await secure.get(f"{https}/api/v2/status")
        async with httpx.AsyncClient(trust_env=False) as plain:
            ca_pem = (await plain.get(f"{http}/api/v2/certificate/ca")).text
        assert fingerprint(ca_pem) != shown
        async with httpx.AsyncClient(trust_env=False, verify=context(ca_pem)) as secure:
            assert (await secure.get(f"{https}/api/v2/status")).status_code == 200


async def test_an_upgrade_takes_the_broker_away_and_brings_it_back_with_the_other_model() -> None:
    async with served() as (simulator, http, https):
        endpoint, _ = await registered(http, https)
        async with aclosing(MqttStream(endpoint)) as stream:
            await stream.connect()
            await stream.subscribe(["ebus/5/#"])
            await values(stream, lambda found: ready(found, endpoint.user, FLAT))
            simulator.set_fault("upgrade", "0.2")
            with pytest.raises(Unreachable), anyio.fail_after(10):
                async for _ in stream:
                    pass
        found: dict[str, bytes] = {}
        with anyio.fail_after(15):
            while not found:
                with suppress(Unreachable):
                    async with aclosing(MqttStream(endpoint)) as again:
                        await again.connect()
                        await again.subscribe(["ebus/5/#"])
                        found = await values(again, lambda found: ready(found, endpoint.user, TREE))
        assert not any("/core/" in topic for topic in found)


async def test_a_refused_port_of_http_is_one_of_https_too() -> None:
    async with served() as (_, http, https), httpx.AsyncClient(verify=False, trust_env=False) as client:
        await client.post(f"{http}/_sim/fault", json={"name": "refuse", "value": 60})
        with pytest.raises(httpx.HTTPError):
            await client.get(f"{http}/api/v2/status")
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{https}/api/v2/status")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("usms", "--serial", "nt-1"), "has no serial to choose"),
        (("span", "--serial", "NT 1/+"), "cannot be a panel's serial"),
        (("usms", "--api", "flat"), "does not speak 'flat'; it speaks: one protocol"),
        (("span", "--api", "v3"), "does not speak 'v3'; it speaks: v1, flat, tree"),
        (("span", "--mqtt-port", "8883"), "a panel of v1 has no broker"),
        (("usms", "--mqtt-port", "8883"), "no use for a port for mqtt"),
    ],
)
def test_what_a_simulator_cannot_do_is_said(
    arguments: tuple[str, ...], words: str, deck_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["simulate", *arguments]) == 2
    assert words in capsys.readouterr().err


async def test_a_taken_port_of_the_broker_is_said() -> None:
    require_mosquitto()
    simulator = SpanSimulator(SimulatorOptions(api="flat"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"does not start on 127.0.0.1 port {port}"):
            async with simulator.beside("127.0.0.1", {"mqtt": port}):
                pass
    with pytest.raises(UsageError, match="no use for a port for amqp"):
        async with simulator.beside("127.0.0.1", {"amqp": 0}):
            pass
