"""The simulated panel's REST interface of v2: who may come in, and what it says of itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ebus_bench import HOME, Bench
from wattdeck.core.asgi import SimulatedTransport
from wattdeck.systems.span.simulated.identity import BrokerAddress

pytestmark = pytest.mark.anyio

PASSPHRASE = {"hopPassphrase": "demo-passphrase"}


class Web(Bench):
    """The bench with somebody who asks over HTTP."""

    def __init__(self, api: str, household: str = "home", **faults_on: str | None) -> None:
        super().__init__(api, household, faults={name.replace("_", "-"): v for name, v in faults_on.items()})
        self.http = httpx.AsyncClient(transport=SimulatedTransport(self.simulator.app), base_url="http://panel")

    async def get(self, path: str, token: str = "") -> httpx.Response:
        return await self.http.get(f"/api/v2/{path}", headers=_bearer(token))

    async def register(self, name: str, **proof: Any) -> httpx.Response:
        return await self.http.post("/api/v2/auth/register", json={"name": name, **proof})

    async def token(self, name: str, **proof: Any) -> str:
        answer = await self.register(name, **proof)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["accessToken"])


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


@pytest.fixture
async def flat() -> AsyncIterator[Web]:
    web = Web("flat")
    yield web
    await web.http.aclose()


@pytest.fixture
async def tree() -> AsyncIterator[Web]:
    web = Web("tree")
    yield web
    await web.http.aclose()


async def test_status_says_what_its_release_says(flat: Web, tree: Web) -> None:
    assert (await flat.get("status")).json() == {
        "serialNumber": HOME,
        "firmwareVersion": "spanos2/r202627/06",
        "proximityProven": False,
    }
    assert (await tree.get("status")).json()["hardwareVersion"] == "1.2"
    flat.simulator.set_fault("firmware", "r202603")
    assert set((await flat.get("status")).json()) == {"serialNumber", "firmwareVersion"}


async def test_a_panel_of_v1_has_no_v2(flat: Web) -> None:
    old = httpx.AsyncClient(transport=SimulatedTransport(type(flat.simulator)(_options()).app), base_url="http://panel")
    async with old:
        assert (await old.get("/api/v2/status")).status_code == 404
        assert (await old.get("/api/v1/status")).status_code == 200


def _options() -> Any:
    from wattdeck.core.system import SimulatorOptions

    return SimulatorOptions()


async def test_v1_goes_on_beside_v2_until_its_sunset(flat: Web, tree: Web) -> None:
    for web in (flat, tree):
        status = await web.http.get("/api/v1/status")
        assert status.json()["software"]["firmwareVersion"].startswith("spanos")
        web.simulator.set_fault("sunset")
        assert (await web.http.get("/api/v1/status")).status_code == 404
        assert (await web.get("status")).status_code == 200


async def test_the_schema_tells_the_models_apart(flat: Web, tree: Web) -> None:
    old, new = (await flat.get("homie/schema")).json(), (await tree.get("homie/schema")).json()
    assert old["types"]["energy.ebus.device.circuit"]["space"]["format"] == "1:32:1"
    assert "dataModelVersion" not in old and new["dataModelVersion"] == "1.0"
    assert set(new["deviceClasses"]) == {"distribution-enclosure", "lugs", "circuit", "bess", "mid", "pv", "evse"}
    assert new["deviceClasses"]["circuit"]["switch"]["relay"]["settable"] is True


async def test_the_authority_is_there_once_there_is_a_broker(flat: Web) -> None:
    refused = await flat.get("certificate/ca")
    assert refused.status_code == 500 and set(refused.json()) == {"error"}
    assert flat.simulator.panel is not None
    flat.simulator.panel.address = BrokerAddress("127.0.0.1", 18883, 19001, 19002, "PEM")
    found = await flat.get("certificate/ca")
    assert found.text == "PEM" and found.headers["content-type"].startswith("application/x-pem-file")
    body = (await flat.register("deck", **PASSPHRASE)).json()
    assert (body["ebusBrokerMqttsPort"], body["ebusBrokerWssPort"]) == (18883, 19002)


async def test_the_passphrase_gives_everything(flat: Web) -> None:
    body = (await flat.register("deck", **PASSPHRASE)).json()
    assert body["serialNumber"] == body["ebusBrokerUsername"] == HOME
    assert body["ebusBrokerPassword"] == flat.broker.passwords[HOME] == "demo-broker-password"
    assert body["hopPassphrase"] == "demo-passphrase"
    clients = (await flat.get("auth/clients", body["accessToken"])).json()["clients"]
    assert set(clients) == {"deck"} and "patch" in clients["deck"]["allowed_endpoint_groups"]


async def test_a_name_is_taken_for_ever_and_dashboard_is_not(flat: Web) -> None:
    await flat.token("deck", **PASSPHRASE)
    again = await flat.register("deck", **PASSPHRASE)
    assert (again.status_code, again.json()["detail"]) == (422, "Name already exists")
    await flat.token("dashboard", **PASSPHRASE)
    await flat.token("dashboard", **PASSPHRASE)


@pytest.mark.parametrize(
    ("proof", "status", "detail"),
    [
        ({"hopPassphrase": "guess"}, 422, "Invalid proof"),
        ({"otp": "123456"}, 422, "Invalid proof"),
        ({"dashboardPassword": "x"}, 422, "Dashboard password is not available"),
        ({"hopPassphrase": "demo-passphrase", "otp": "1"}, 422, "exactly one proof is expected"),
        ({"hopPassphrase": 7}, 422, "exactly one proof is expected"),
        ({}, 401, "Proximity not proven"),
    ],
)
async def test_a_wrong_proof_lets_nobody_in(flat: Web, proof: Any, status: int, detail: str) -> None:
    refused = await flat.register("deck", **proof)
    assert (refused.status_code, refused.json()) == (status, {"detail": detail})
    assert flat.simulator.registry.clients == {}


async def test_the_door_counts_once_and_gives_a_reduced_token(flat: Web) -> None:
    for _ in range(3):
        flat.simulator.press_door()
    assert (await flat.get("status")).json()["proximityProven"] is True
    token = await flat.token("deck")
    assert (await flat.get("status")).json()["proximityProven"] is False
    assert (await flat.register("other")).status_code == 401
    assert (await flat.get("auth/clients", token)).status_code == 403
    assert (await flat.get("dns/fqdn", token)).status_code == 200


async def test_an_attempt_at_the_door_that_fails_uses_it_up(flat: Web) -> None:
    await flat.token("deck", **PASSPHRASE)
    for _ in range(3):
        flat.simulator.press_door()
    assert (await flat.register("other", hopPassphrase="guess")).status_code == 422
    assert (await flat.register("deck")).status_code == 422
    assert (await flat.register("other")).status_code == 401


@pytest.mark.parametrize("path", ["auth/clients", "auth/clients/deck", "dns/fqdn"])
async def test_without_a_token_nothing_is_shown(flat: Web, path: str) -> None:
    assert (await flat.get(path)).status_code == (await flat.get(path, "guess")).status_code == 401


async def test_clients_can_be_looked_up_and_dropped(flat: Web) -> None:
    token = await flat.token("deck", **PASSPHRASE)
    gone = await flat.token("gone", **PASSPHRASE)
    assert (await flat.http.delete("/api/v2/auth/clients/gone", headers=_bearer(token))).status_code == 200
    assert (await flat.get("auth/clients/gone", token)).status_code == 404
    assert (await flat.get("auth/clients", gone)).status_code == 401


async def test_rotation_changes_both_words_and_keeps_tokens(flat: Web) -> None:
    token = await flat.token("deck", **PASSPHRASE)
    changed = (await flat.http.put("/api/v2/auth/passphrase", headers=_bearer(token))).json()
    assert flat.broker.passwords[HOME] == changed["ebusBrokerPassword"] != "demo-broker-password"
    assert (await flat.register("late", **PASSPHRASE)).status_code == 422
    await flat.token("later", hopPassphrase=changed["hopPassphrase"])
    assert (await flat.get("auth/clients", token)).status_code == 200


async def test_a_name_for_the_certificate_comes_and_goes(flat: Web) -> None:
    token = await flat.token("deck", **PASSPHRASE)
    set_to = await flat.http.post("/api/v2/dns/fqdn", json={"ebusTlsFqdn": "p.example"}, headers=_bearer(token))
    assert set_to.json() == (await flat.get("dns/fqdn", token)).json() == {"ebusTlsFqdn": "p.example"}
    assert (await flat.http.delete("/api/v2/dns/fqdn", headers=_bearer(token))).json() == {"ebusTlsFqdn": ""}
    flat.simulator.set_fault("firmware", "r202609")
    refused = await flat.http.post("/api/v2/dns/fqdn", json={"ebusTlsFqdn": "p.example"}, headers=_bearer(token))
    assert refused.status_code == 403


@pytest.mark.parametrize("body", ["", "[]", "nonsense", '{"name":""}', '{"name":7}', "[" * 5000])
async def test_a_body_that_is_none_is_refused(flat: Web, body: str) -> None:
    assert (await flat.http.post("/api/v2/auth/register", content=body)).status_code == 422


async def test_registration_faults() -> None:
    web = Web("tree", null_passwords=None)
    body = (await web.register("deck", **PASSPHRASE)).json()
    assert body["ebusBrokerPassword"] is None and body["hopPassphrase"] is None
    web.simulator.set_fault("status", "503@register")
    assert (await web.register("late", **PASSPHRASE)).status_code == 503
    assert (await web.get("status")).status_code == 200
    web.simulator.set_fault("status", "429@ca")
    assert (await web.get("certificate/ca")).status_code == 429
    web.simulator.set_fault("cut-short", "@schema")
    with pytest.raises(httpx.TransportError):
        await web.get("homie/schema")
    await web.http.aclose()


async def test_an_upgrade_answers_502_for_its_time_and_then_the_new_schema(flat: Web) -> None:
    flat.simulator.set_fault("upgrade", "30")
    assert (await flat.get("status")).status_code == (await flat.get("homie/schema")).status_code == 502
    flat.now_s += 31
    assert (await flat.get("status")).json()["firmwareVersion"] == "spanos3/r202639/03"
    assert (await flat.get("homie/schema")).json()["dataModelVersion"] == "1.0"
