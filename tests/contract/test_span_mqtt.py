"""The wire itself: how each failure of a real broker is told, and what must never happen on it (span-v2.md 3)."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from broker import PASSWORD, SERIAL, PanelBroker, new_device, require_mosquitto
from wattdeck.core.errors import SourceError, TimedOut, Unreachable, UsageError
from wattdeck.systems.span.ebus.homie import DESCRIPTION_BYTES_MAX, VALUE_BYTES_MAX
from wattdeck.systems.span.ebus.mqtt import MqttStream, connector
from wattdeck.systems.span.ebus.stream import CertificateRefused, Endpoint, Message
from wattdeck.systems.span.simulated.authority import Authority
from wattdeck.systems.span.simulated.mosquitto import Mosquitto

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def connected(endpoint: Endpoint, *filters: str, keep_alive_s: int = 20) -> AsyncIterator[MqttStream]:
    async with aclosing(MqttStream(endpoint, keep_alive_s=keep_alive_s)) as stream:
        with anyio.fail_after(10):
            await stream.connect()
            await stream.subscribe(filters)
        yield stream


async def next_of(stream: MqttStream) -> Message:
    with anyio.fail_after(10):
        async for message in stream:
            return message
    raise AssertionError("the stream ended without an error")


async def why_not(endpoint: Endpoint, connect_s: float = 10.0) -> SourceError:
    """The error that connecting ends with."""
    stream = MqttStream(endpoint, connect_s=connect_s)
    with anyio.fail_after(10), pytest.raises(SourceError) as refused:
        await stream.connect()
    await stream.aclose()
    return refused.value


@pytest.fixture
def own_broker() -> Iterator[Mosquitto]:
    """A broker for one test, not started."""
    require_mosquitto()
    with closing(Mosquitto(Authority(SERIAL).issue(("127.0.0.1",)), {SERIAL: PASSWORD})) as made:
        yield made


async def test_the_broker_sees_a_clean_session_of_3_1_1_with_a_keep_alive_of_20_s(own_broker: Mosquitto) -> None:
    authority = Authority(SERIAL)
    own_broker.present(authority.issue(("127.0.0.1",)))
    own_broker.start()
    async with connected(Endpoint("127.0.0.1", own_broker.port, SERIAL, PASSWORD, authority.pem), "ebus/#"):
        pass
    own_broker.stop()
    greeting = next((line for line in own_broker.log.splitlines() if "New client connected" in line), "")
    assert " as wattdeck-" in greeting and f"(p2, c1, k20, u'{SERIAL}')" in greeting


async def test_each_connection_has_a_name_of_its_own(panel_broker: PanelBroker) -> None:
    device = new_device()
    async with connected(panel_broker.endpoint) as first, connected(panel_broker.endpoint) as second:
        for stream in (first, second):
            with anyio.fail_after(10):
                await stream.publish(f"ebus/5/{device}/a/b/set", "1")


async def test_web_sockets_carry_the_same(panel_broker: PanelBroker) -> None:
    device = new_device()
    async with panel_broker.panel() as panel, connected(panel_broker.web_endpoint, f"ebus/5/{device}/#") as stream:
        await panel.publish(f"ebus/5/{device}/$state", "ready")
        assert (await next_of(stream)).payload == b"ready"
        await stream.publish(f"ebus/5/{device}/a/b/set", "1")
        assert await panel.until_heard(1) == [(f"ebus/5/{device}/a/b/set", b"1")]


async def test_web_sockets_check_the_certificate_too(panel_broker: PanelBroker) -> None:
    other = replace(panel_broker.web_endpoint, ca_pem=Authority(SERIAL).pem)
    assert isinstance(await why_not(other), CertificateRefused)


async def test_a_typed_name_is_resolved_and_checked(panel_broker: PanelBroker) -> None:
    async with connected(replace(panel_broker.endpoint, host="localhost")):
        pass
    refused = await why_not(replace(panel_broker.endpoint, host="localhost", names=()))
    assert isinstance(refused, CertificateRefused) and "names neither this address nor the panel" in str(refused)


async def test_the_wrong_authority_is_no_matter_of_trying_again(panel_broker: PanelBroker) -> None:
    refused = await why_not(replace(panel_broker.endpoint, ca_pem=Authority(SERIAL).pem))
    assert isinstance(refused, CertificateRefused) and "pinned authority" in str(refused)
    nonsense = await why_not(replace(panel_broker.endpoint, ca_pem="<html>"))
    assert isinstance(nonsense, CertificateRefused)


async def test_certificates_that_only_lack_key_identifiers_pass_and_expired_ones_do_not(own_broker: Mosquitto) -> None:
    authority = Authority(SERIAL, key_identifiers=False)
    own_broker.present(authority.issue((authority.host_name,)))
    own_broker.start()
    endpoint = Endpoint("127.0.0.1", own_broker.port, SERIAL, PASSWORD, authority.pem, (authority.host_name,))
    async with connected(endpoint):
        pass
    own_broker.present(authority.issue(("127.0.0.1",), expired=True))
    own_broker.restart()
    refused = await why_not(endpoint)
    assert isinstance(refused, CertificateRefused) and "expired" in str(refused)


async def test_a_password_changed_at_the_panel_is_refused_from_then_on(own_broker: Mosquitto) -> None:
    authority = Authority(SERIAL)
    own_broker.present(authority.issue(("127.0.0.1",)))
    own_broker.admit({SERIAL: "rotated"})
    own_broker.start()
    endpoint = Endpoint("127.0.0.1", own_broker.port, SERIAL, "rotated", authority.pem)
    async with connected(endpoint):
        pass
    assert "does not accept user and password" in str(await why_not(replace(endpoint, password=PASSWORD)))


def silent_server() -> socket.socket:
    """A port that takes connections and says nothing."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    return server


async def test_nothing_listening_is_told(panel_broker: PanelBroker) -> None:
    with silent_server() as server:
        port = server.getsockname()[1]
    refused = await why_not(replace(panel_broker.endpoint, port=port))
    assert type(refused) is Unreachable
    assert str(refused) == (
        f"the panel's broker at 127.0.0.1 port {port}: the connection was refused; is the port right, "
        "and the service running?"
    )


async def test_an_unknown_name_is_told(panel_broker: PanelBroker) -> None:
    refused = await why_not(replace(panel_broker.endpoint, host="no-such-panel.invalid"))
    assert type(refused) is Unreachable and "no-such-panel.invalid" in str(refused)
    assert isinstance(await why_not(replace(panel_broker.endpoint, host="")), Unreachable)


@pytest.mark.parametrize("websocket", [False, True])
async def test_a_server_that_says_nothing_is_given_up_and_its_thread_ends(
    panel_broker: PanelBroker, websocket: bool
) -> None:
    with silent_server() as server:
        silent = replace(panel_broker.endpoint, port=server.getsockname()[1], websocket=websocket)
        refused = await why_not(silent, connect_s=0.1)
        assert type(refused) is TimedOut and "does not answer; is the panel on" in str(refused)
        # Connecting happens in a thread of the loop's pool; were it still at it, this would come after 5 s.
        with anyio.fail_after(2):
            await asyncio.get_running_loop().shutdown_default_executor()


async def test_a_broker_that_hangs_up_before_it_answers_is_noticed_at_once(
    panel_broker: PanelBroker, tmp_path: Path
) -> None:
    served = panel_broker.authority.issue(("127.0.0.1",))
    (tmp_path / "server.pem").write_text(served.certificate_pem + served.key_pem)
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(tmp_path / "server.pem")
    with silent_server() as server:

        def serve() -> None:
            connection, _ = server.accept()
            with secure.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.recv(4096)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        # Unnoticed it would be a time-out, and a long one.
        refused = await why_not(replace(panel_broker.endpoint, port=server.getsockname()[1]), connect_s=30.0)
        thread.join()
    assert type(refused) is Unreachable and "reset while it was being made" in str(refused)


async def test_cancelling_while_connecting_leaves_nothing_behind(panel_broker: PanelBroker) -> None:
    with silent_server() as server:
        stream = MqttStream(replace(panel_broker.endpoint, port=server.getsockname()[1]))
        with anyio.move_on_after(0.05) as scope:
            await stream.connect()
        assert scope.cancelled_caught
        await stream.aclose()
        with anyio.fail_after(2):
            await asyncio.get_running_loop().shutdown_default_executor()


def answering(server: socket.socket, answer: bytes) -> threading.Thread:
    """Answer the first bytes of one connection with these, and close."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_a_port_without_tls_is_told(panel_broker: PanelBroker, answer: bytes) -> None:
    with silent_server() as server:
        thread = answering(server, answer)
        refused = await why_not(replace(panel_broker.endpoint, port=server.getsockname()[1]))
        thread.join()
    assert type(refused) is Unreachable and "127.0.0.1 port" in str(refused)
    assert "does that port speak TLS?" in str(refused) or "was reset" in str(refused)


async def test_a_frozen_broker_is_noticed_within_two_keep_alives(panel_broker: PanelBroker) -> None:
    async with connected(panel_broker.endpoint, "ebus/5/none/#", keep_alive_s=1) as stream:
        panel_broker.mosquitto.freeze()
        began_s = time.monotonic()
        with pytest.raises(Unreachable, match="lost"):
            await next_of(stream)
        # paho looks at its clock once a second.
        assert time.monotonic() - began_s < 2 * 1 + 2


async def test_a_frozen_broker_does_not_hold_up_the_end(panel_broker: PanelBroker) -> None:
    async with connected(panel_broker.endpoint, "ebus/5/none/#") as stream:
        panel_broker.mosquitto.freeze()
        with anyio.fail_after(5):
            await stream.aclose()


async def test_connecting_to_a_frozen_broker_is_given_up(panel_broker: PanelBroker) -> None:
    panel_broker.mosquitto.freeze()
    assert isinstance(await why_not(panel_broker.endpoint, connect_s=0.2), TimedOut)


async def test_a_command_cut_off_by_a_restart_is_unknown_and_never_sent_again(panel_broker: PanelBroker) -> None:
    command = f"ebus/5/{new_device()}/circuit/relay/set"
    async with connected(panel_broker.endpoint) as stream, anyio.create_task_group() as group:
        panel_broker.mosquitto.freeze()

        async def open_relay() -> None:
            with pytest.raises(TimedOut, match="lost before it confirmed"):
                await stream.publish(command, "OPEN")

        group.start_soon(open_relay)
        with pytest.raises(TimeoutError), anyio.fail_after(0.05):
            await next_of(stream)
        panel_broker.mosquitto.kill()
    panel_broker.mosquitto.start()
    async with panel_broker.panel() as panel:
        with pytest.raises(Unreachable):
            await stream.publish(command, "OPEN")
        async with connected(panel_broker.endpoint) as again:
            await again.publish(command, "CLOSED")
            assert await panel.until_heard(1) == [(command, b"CLOSED")]


async def test_far_too_long_values_come_cut_and_longer_messages_end_the_connection(panel_broker: PanelBroker) -> None:
    device = new_device()
    async with panel_broker.panel() as panel, connected(panel_broker.endpoint, f"ebus/5/{device}/#") as stream:
        await panel.publish(f"ebus/5/{device}/a/b", b"1" * 1_000_000, retain=False)
        assert len((await next_of(stream)).payload) == VALUE_BYTES_MAX + 1
        await panel.publish(f"ebus/5/{device}/$description", b"1" * DESCRIPTION_BYTES_MAX, retain=False)
        assert len((await next_of(stream)).payload) == DESCRIPTION_BYTES_MAX
        await panel.publish(f"ebus/5/{device}/$description", b"1" * 5_000_000, retain=False)
        with pytest.raises(Unreachable):
            await next_of(stream)


async def test_a_burst_does_not_keep_others_from_their_turn(panel_broker: PanelBroker) -> None:
    device = new_device()
    async with panel_broker.panel() as panel, connected(panel_broker.endpoint, f"ebus/5/{device}/#") as stream:
        for number in range(600):
            await panel.publish(f"ebus/5/{device}/a/b{number}", "1", retain=False)
        turns, seen = 0, 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with anyio.create_task_group() as group:
            group.start_soon(others)
            async for _ in stream:
                seen += 1
                if seen == 600:
                    break
            group.cancel_scope.cancel()
        assert turns >= 2


async def test_the_password_is_in_no_log_and_no_representation(
    panel_broker: PanelBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with connected(panel_broker.endpoint, "ebus/5/none/#") as stream:
        await stream.publish("ebus/5/none/a/b/set", "1")
        assert PASSWORD not in repr(stream) + str(vars(stream))
    await why_not(replace(panel_broker.endpoint, password="guessed-secret"))
    assert PASSWORD not in caplog.text and "guessed-secret" not in caplog.text and SERIAL not in caplog.text


def test_a_connector_opens_nothing(panel_broker: PanelBroker) -> None:
    assert isinstance(connector(panel_broker.endpoint), MqttStream)


def test_mosquitto_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    require_mosquitto()
    code = (
        "import sys\n"
        "from wattdeck.systems.span.simulated.authority import Authority\n"
        "from wattdeck.systems.span.simulated.mosquitto import Mosquitto\n"
        "made = Mosquitto(Authority('x').issue(('127.0.0.1',)), {})\n"
        "made.start()\n"
        "print(made.port, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            parent.kill()
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b"", "closed by the end of the process"
    # Its end closes one thing after the other.
    refused = False
    for _ in range(1000):
        with socket.socket() as late:
            refused = late.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
        if refused:
            break
    assert refused
    (left,) = tmp_path.iterdir()
    assert (left / "server.key").exists()
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    sweeping = "from wattdeck.systems.span.simulated.folder import sweep; sweep()"
    subprocess.run([sys.executable, "-c", sweeping], env=env, check=True)
    assert not list(tmp_path.iterdir())


def test_a_taken_port_and_a_missing_mosquitto_are_told(
    panel_broker: PanelBroker, own_broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = panel_broker.mosquitto
    certificate = panel_broker.authority.issue(("127.0.0.1",))
    with closing(Mosquitto(certificate, {}, port=taken.port)) as second:
        with pytest.raises(UsageError, match=f"does not start on 127.0.0.1 port {taken.port}: .*in use"):
            second.start()
        assert not second.running
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("wattdeck.systems.span.simulated.mosquitto._FOLDERS", ())
    with pytest.raises(UsageError, match="apt install mosquitto"):
        Mosquitto(certificate, {})


async def test_a_command_that_is_not_confirmed_breaks_the_connection_and_what_is_on_its_way(
    panel_broker: PanelBroker, tmp_path: Path
) -> None:
    certificate = panel_broker.authority.issue(("127.0.0.1",))
    for name, pem in (("server.pem", certificate.certificate_pem), ("server.key", certificate.key_pem)):
        (tmp_path / name).write_text(pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    ended: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def accept_and_fall_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"\x20\x02\x00\x00")
        try:
            while await reader.read(1000):
                pass
        except OSError as error:
            ended.set_result(error)
        else:
            ended.set_result("in order")
        writer.close()

    async with await asyncio.start_server(accept_and_fall_silent, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        async with aclosing(MqttStream(replace(panel_broker.endpoint, port=port), publish_s=0.1)) as stream:
            await stream.connect()
            with pytest.raises(TimedOut, match="did not confirm"):
                await stream.publish(f"ebus/5/{new_device()}/circuit/relay/set", "OPEN")
            with pytest.raises(Unreachable):
                await next_of(stream)
            with pytest.raises(Unreachable):
                await stream.publish(f"ebus/5/{new_device()}/circuit/relay/set", "OPEN")
        with anyio.fail_after(10):
            assert isinstance(await ended, OSError), "broken, not ended in order"
