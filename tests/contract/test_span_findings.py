"""What the doctor says of a panel's v2 side, and that looking stores nothing and sends no secret."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from fakes import ManualClock
from span_panel import FIRMWARE, SERIAL, ScriptedPanel, authority, pem
from wattdeck.core.finding import Finding, Verdict
from wattdeck.core.http import HttpClients
from wattdeck.core.system import Context
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.ebus import credentials as kept
from wattdeck.systems.span.ebus import findings, tls
from wattdeck.systems.span.ebus.credentials import Credentials, Privilege

pytestmark = pytest.mark.anyio
AUTHORITY = authority()
CA_PEM = pem(AUTHORITY)
MINE = Credentials(
    SERIAL, "127.0.0.1", "wattdeck-1", "tok-3f9a", 0, Privilege.FULL, SERIAL, "brk-3f9a", "", "", 1, 1, 1, CA_PEM,
    tls.fingerprint(CA_PEM),
)  # fmt: skip


class Doctor:
    """Asks for findings about a scripted panel."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.panel = ScriptedPanel(CA_PEM)
        self.clock = ManualClock()

    async def look(self, **settings: object) -> Mapping[str, Finding]:
        config = SpanConfig.model_validate({"name": "home", "host": "127.0.0.1", **settings})
        clients = HttpClients(mounts={"http://127.0.0.1": httpx.MockTransport(self.panel.handle)}, only_mounted=True)
        found = await SYSTEM.findings(config, Context(clients, self.state_dir, self.clock))
        await clients.aclose()
        told = " ".join(each.words + each.advice for each in found)
        assert "tok-3f9a" not in told and "brk-3f9a" not in told
        assert not [call for call in self.panel.calls if "auth" in call]
        return {each.subject: each for each in found}


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    return Doctor(tmp_path)


@pytest.fixture
async def broker_port() -> AsyncIterator[int]:
    """Something that shakes hands over TLS as the panel's broker would."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionResetError):
            await reader.read()
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def test_a_registered_panel_is_well(doctor: Doctor, broker_port: int) -> None:
    kept.save(doctor.state_dir, MINE)
    found = await doctor.look(mqtt_port=broker_port)
    assert list(found) == ["api", "registered", "authority", "broker"]
    assert {each.verdict for each in found.values()} == {Verdict.OK}
    assert FIRMWARE in found["api"].words and "wattdeck-1, with a full token" in found["registered"].words
    assert MINE.ca_sha256 in found["authority"].words and f"127.0.0.1:{broker_port}" in found["broker"].words


async def test_a_reduced_token_says_what_it_cannot_do(doctor: Doctor, broker_port: int) -> None:
    kept.save(doctor.state_dir, replace(MINE, privilege=Privilege.REDUCED))
    found = (await doctor.look(mqtt_port=broker_port))["registered"]
    assert "a reduced token" in found.words and "cannot list" in found.advice


async def test_a_panel_nobody_registered_at_names_the_way_in(doctor: Doctor) -> None:
    found = await doctor.look()
    assert list(found) == ["api", "registered"] and found["registered"].verdict is Verdict.NOTE
    assert "wattdeck span register --source home" in found["registered"].advice
    assert (await doctor.look(api="v2"))["registered"].verdict is Verdict.PROBLEM


async def test_a_changed_authority_is_a_problem_with_both_shown(doctor: Doctor, broker_port: int) -> None:
    kept.save(doctor.state_dir, MINE)
    doctor.panel.ca_pem = pem(authority("other"))
    found = (await doctor.look(mqtt_port=broker_port))["authority"]
    assert found.verdict is Verdict.PROBLEM and "wattdeck span trust --source home" in found.advice
    assert MINE.ca_sha256 in found.words and tls.fingerprint(doctor.panel.ca_pem) in found.words
    stored = kept.load(doctor.state_dir, SERIAL)
    assert stored == MINE


async def test_a_panel_that_asks_for_patience_costs_nothing_but_its_authority(
    doctor: Doctor, broker_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def for_ever(_: float) -> None:
        await asyncio.Event().wait()

    kept.save(doctor.state_dir, MINE)
    monkeypatch.setattr(findings, "AUTHORITY_S", 0.05)
    monkeypatch.setattr(doctor.clock, "sleep", for_ever)
    doctor.panel.scripts["certificate/ca"] = [httpx.Response(429, headers={"Retry-After": "60"})]
    found = await doctor.look(mqtt_port=broker_port)
    assert list(found) == ["api", "registered", "authority", "broker"]
    assert found["authority"].verdict is Verdict.NOTE and found["broker"].verdict is Verdict.OK


async def test_a_broker_with_a_certificate_of_somebody_else_is_a_problem(doctor: Doctor, broker_port: int) -> None:
    other = pem(authority("other"))
    kept.save(doctor.state_dir, replace(MINE, ca_pem=other, ca_sha256=tls.fingerprint(other)))
    found = (await doctor.look(mqtt_port=broker_port))["broker"]
    assert found.verdict is Verdict.PROBLEM and "not of the trusted authority" in found.words
    assert "wattdeck span trust" in found.advice


async def test_a_broker_whose_port_is_closed_is_a_problem(doctor: Doctor) -> None:
    kept.save(doctor.state_dir, MINE)
    found = (await doctor.look())["broker"]
    assert found.verdict is Verdict.PROBLEM and "127.0.0.1:1: the connection was refused" in found.words


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        (httpx.Response(404), Verdict.PROBLEM, "is it one?"),
        (httpx.Response(200, text="<html>a router</html>"), Verdict.PROBLEM, "unknown"),
        (httpx.Response(502), Verdict.NOTE, "starting or being updated"),
        (httpx.ConnectError("refused"), Verdict.NOTE, "unknown"),
    ],
)
async def test_what_is_said_of_the_api(
    doctor: Doctor, answer: httpx.Response | Exception, verdict: Verdict, words: str
) -> None:
    doctor.panel.scripts["status"] = [answer]
    found = await doctor.look()
    assert list(found) == ["api"] and found["api"].verdict is verdict and words in found["api"].words


async def test_v1_is_said_where_v1_answers_and_is_a_problem_where_v2_is_wanted(doctor: Doctor) -> None:
    doctor.panel.becomes_v1()
    found = (await doctor.look())["api"]
    assert found.verdict is Verdict.OK and "end of 2026" in found.words
    found = (await doctor.look(api="v2"))["api"]
    assert found.verdict is Verdict.PROBLEM and 'api = "auto" or "v1"' in found.advice


async def test_v1_wanted_asks_for_no_registration(doctor: Doctor) -> None:
    assert list(await doctor.look(api="v1")) == ["api"]


async def test_damaged_credentials_are_named(doctor: Doctor) -> None:
    path = kept.save(doctor.state_dir, MINE)
    path.write_text("{")
    found = (await doctor.look())["registered"]
    assert found.verdict is Verdict.PROBLEM and str(path) in found.words


async def test_credentials_that_others_can_read_are_a_problem(doctor: Doctor) -> None:
    kept.save(doctor.state_dir, MINE).chmod(0o644)
    found = (await doctor.look())["registered"]
    assert found.verdict is Verdict.PROBLEM and "chmod 600" in found.words
