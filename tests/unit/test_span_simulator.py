"""The simulated SPAN panel over HTTP, in process: statuses, writes, and every fault by name."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from wattdeck.core.asgi import SimulatedTransport
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span import faults
from wattdeck.systems.span.power_flow import CircuitState
from wattdeck.systems.span.simulator import SpanSimulator

pytestmark = pytest.mark.anyio

START = datetime(2026, 7, 1, 19, 0, tzinfo=UTC)
GETS = {"status": "status", "panel": "panel", "circuits": "circuits", "soe": "storage/soe"}


class Bench:
    """A simulator, a clock moved by hand, and a client."""

    def __init__(self, household: str = "home", **faults_on: str | None) -> None:
        self.now_s = 1000.0
        self.slept_s: list[float] = []
        self.simulator = SpanSimulator(
            SimulatorOptions(start=START, faults={name.replace("_", "-"): v for name, v in faults_on.items()}),
            household=household,
            monotonic=lambda: self.now_s,
            sleep=self._sleep,
        )
        self.http = httpx.AsyncClient(
            transport=SimulatedTransport(self.simulator.app),
            base_url="http://panel",
            headers={"Authorization": f"Bearer {self.simulator.issue_token()}"},
            timeout=httpx.Timeout(5.0, read=0.02),
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(f"/api/v1/{path}")

    async def read(self, path: str) -> Any:
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return await self.http.post(f"/api/v1/{path}", json=body, **options)

    async def control(self, action: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"/_sim/{action}", json=body)

    def circuit(self, name: str) -> CircuitState:
        return next(circuit for circuit in self.simulator.house.circuits.values() if circuit.name == name)

    async def switch(self, name: str, relay: str) -> httpx.Response:
        circuit_id = self.circuit(name).circuit_id
        return await self.post(f"circuits/{circuit_id}", {"relayStateIn": {"relayState": relay}})


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    async with made.http:
        yield made


# who may ask


@pytest.mark.parametrize("path", ["panel", "circuits", "storage/soe", "auth/clients", "circuits/nix", "wifi/scan"])
async def test_a_missing_token_is_answered_412_and_a_wrong_one_401(bench: Bench, path: str) -> None:
    del bench.http.headers["Authorization"]
    assert (await bench.get(path)).status_code == 412
    bench.http.headers["Authorization"] = "Basic abc"
    assert (await bench.get(path)).status_code == 412
    bench.http.headers["Authorization"] = "Bearer nonsense"
    answer = await bench.get(path)
    assert answer.status_code == 401 and isinstance(answer.json()["detail"], str)


async def test_status_needs_no_token_and_every_answer_says_that_it_is_simulated(bench: Bench) -> None:
    del bench.http.headers["Authorization"]
    for path in ("/api/v1/status", "/api/v1/panel", "/nothing", "/_sim/state"):
        assert (await bench.http.get(path)).headers["X-Wattdeck-Simulator"] == "span"
    status = await bench.read("status")
    assert status["system"]["serial"] == "nt-2143-demo1"
    assert status["system"]["proximityProven"] is False


async def test_registration_is_refused_until_the_door_was_pressed_three_times_within_ten_seconds(
    bench: Bench,
) -> None:
    body = {"name": "rec", "description": "Rec"}
    locked = await bench.post("auth/register", body)
    assert locked.status_code == 422 and isinstance(locked.json()["detail"], str)
    for _ in range(3):
        await bench.control("door", presses=1)
        bench.now_s += 6
    assert (await bench.post("auth/register", body)).status_code == 422
    await bench.control("door")
    assert (await bench.read("status"))["system"]["proximityProven"] is True
    granted = (await bench.post("auth/register", body)).json()
    assert set(granted) == {"accessToken", "tokenType", "iatMs"} and granted["tokenType"] == "bearer"
    bench.http.headers["Authorization"] = f"Bearer {granted['accessToken']}"
    await bench.read("panel")
    assert (await bench.post("auth/register", body)).status_code == 422, "the name is taken"
    await bench.control("clock", advance_s=901)
    assert (await bench.read("status"))["system"]["proximityProven"] is False
    assert (await bench.post("auth/register", {"name": "late"})).status_code == 422


@pytest.mark.parametrize("body", [{}, {"name": 7}, {"name": ""}, {"name": "a", "description": 1}, [], "x"])
async def test_a_malformed_registration_is_a_validation_error(bench: Bench, body: Any) -> None:
    await bench.control("door")
    answer = await bench.post("auth/register", body)
    assert answer.status_code == 422 and isinstance(answer.json()["detail"], list)


async def test_clients_are_listed_without_tokens_and_deleting_one_ends_its_token(bench: Bench) -> None:
    listed = await bench.get("auth/clients")
    token = bench.http.headers["Authorization"].removeprefix("Bearer ")
    assert token not in listed.text and list(listed.json()["clients"]) == ["wattdeck demo"]
    assert (await bench.get("auth/clients/nobody")).status_code == 404
    assert (await bench.http.delete("/api/v1/auth/clients/wattdeck demo")).status_code == 200
    assert (await bench.get("panel")).status_code == 401


# reads


async def test_every_get_of_the_sheet_answers_with_its_shape(bench: Bench) -> None:
    panel = await bench.read("panel")
    assert len(panel["branches"]) == 32
    assert set(await bench.read("panel/power")) == {"instantGridPowerW", "feedthroughPowerW"}
    meters = await bench.read("panel/meter")
    assert meters == {"mainMeter": panel["mainMeterEnergy"], "feedthrough": panel["feedthroughEnergy"]}
    assert await bench.read("panel/grid") == {"relayState": "CLOSED"}
    assert set(await bench.read("islanding-state")) == {"islanding_state"}
    percentage = (await bench.read("storage/soe"))["soe"]["percentage"]
    assert isinstance(percentage, int) and 0 <= percentage <= 100
    points = (await bench.read("wifi/scan"))["accessPoints"]
    assert all(isinstance(point["frequency"], str) for point in points)
    circuits = (await bench.read("circuits"))["circuits"]
    assert len(circuits) == 18
    for key, circuit in circuits.items():
        assert key == circuit["id"] and len(key) == 32 and int(key, 16)
        assert await bench.read(f"circuits/{key}") == circuit


async def test_json_is_compact(bench: Bench) -> None:
    answer = await bench.get("panel")
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == json.dumps(answer.json(), separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "nix", 404), ("PUT", "panel", 405), ("GET", "circuits/nix", 404)]
)
async def test_unknown_paths_and_methods_are_json_errors(bench: Bench, method: str, path: str, status: int) -> None:
    answer = await bench.http.request(method, f"/api/v1/{path}")
    assert answer.status_code == status and isinstance(answer.json()["detail"], str)


# writes


async def test_opening_a_relay_returns_the_full_circuit_at_zero_watts_and_opens_its_branches(
    bench: Bench,
) -> None:
    answer = await bench.switch("Heat Pump", "OPEN")
    circuit = answer.json()
    assert answer.status_code == 200
    assert (circuit["relayState"], circuit["instantPowerW"]) == ("OPEN", 0.0)
    assert (await bench.read("circuits"))["circuits"][circuit["id"]] == circuit
    branches = (await bench.read("panel"))["branches"]
    assert [branches[tab - 1]["relayState"] for tab in circuit["tabs"]] == ["OPEN", "OPEN"]
    assert (await bench.switch("Heat Pump", "CLOSED")).json()["relayState"] == "CLOSED"


async def test_a_write_to_an_always_on_circuit_is_403_and_to_an_unknown_one_404(bench: Bench) -> None:
    assert (await bench.switch("Router and Alarm", "OPEN")).status_code == 403
    assert not bench.circuit("Router and Alarm").is_open
    assert (await bench.post("circuits/unmapped_tab_30", {})).status_code == 404


async def test_any_subset_of_the_wrappers_is_accepted(bench: Bench) -> None:
    bench.simulator.clear_faults("priority-500")
    circuit_id = bench.circuit("Kitchen Lights").circuit_id
    changed = await bench.post(
        f"circuits/{circuit_id}",
        {
            "priorityIn": {"priority": "MUST_HAVE"},
            "circuitNameIn": {"name": "Shop"},
            "userControllableIn": {"value": False},
            "sheddableIn": {"value": True},
            "neverBackupIn": {"value": True},
            "relayStateIn": None,
            "somethingNew": {"x": 1},
        },
    )
    circuit = changed.json()
    assert (circuit["name"], circuit["priority"]) == ("Shop", "MUST_HAVE")
    assert (circuit["isUserControllable"], circuit["isSheddable"], circuit["isNeverBackup"]) == (
        False,
        True,
        True,
    )
    assert (await bench.post(f"circuits/{circuit_id}", {})).json() == circuit


@pytest.mark.parametrize(
    "body",
    [
        {"relayStateIn": {"relayState": "open"}},
        {"relayStateIn": {}},
        {"relayStateIn": "OPEN"},
        {"priorityIn": {"priority": "NOT_ESSENTIAL"}},
        {"circuitNameIn": {"name": 3}},
        {"sheddableIn": {"value": "yes"}},
        [],
    ],
)
async def test_an_invalid_circuit_write_is_422_in_either_shape_and_changes_nothing(bench: Bench, body: Any) -> None:
    circuit = bench.circuit("Kitchen Lights")
    before = await bench.read(f"circuits/{circuit.circuit_id}")
    older = await bench.post(f"circuits/{circuit.circuit_id}", body)
    assert older.status_code == 422 and set(older.json()["detail"][0]) == {"loc", "msg", "type"}
    bench.simulator.set_fault("string-422")
    newer = await bench.post(f"circuits/{circuit.circuit_id}", body)
    assert newer.status_code == 422 and isinstance(newer.json()["detail"], str)
    assert await bench.read(f"circuits/{circuit.circuit_id}") == before


async def test_a_body_that_is_no_json_is_422(bench: Bench) -> None:
    circuit_id = bench.circuit("Kitchen Lights").circuit_id
    answer = await bench.http.post(f"/api/v1/circuits/{circuit_id}", content=b"{")
    assert answer.status_code == 422


async def test_storage_thresholds_and_charge_can_be_written(bench: Bench) -> None:
    assert (await bench.post("storage/soe", {"soe": {"percentage": 87}})).json() == {"soe": {"percentage": 87}}
    low = {"nice_to_have_threshold_low_soe": {"percentage": 20}}
    assert (await bench.post("storage/nice-to-have-thresh", low)).json() == {
        "nice_to_have_threshold_low_soe": {"percentage": 20},
        "nice_to_have_threshold_high_soe": {"percentage": 50},
    }
    for wrong in ({}, {"soe": 5}, {"soe": {"percentage": 101}}, {"soe": {"percentage": True}}):
        assert (await bench.post("storage/soe", wrong)).status_code == 422


async def test_the_main_relay_can_be_opened_and_reconnected(bench: Bench) -> None:
    assert (await bench.post("panel/grid", {"relayState": "OPEN"})).json() == {"relayState": "OPEN"}
    assert (await bench.read("panel"))["mainRelayState"] == "OPEN"
    await bench.post("panel/emergency-reconnect", {})
    assert (await bench.read("panel"))["mainRelayState"] == "CLOSED"


# faults that show in one answer: name, value, path, what must be seen

Check = Callable[[httpx.Response, Bench], object]


def first(answer: httpx.Response) -> dict[str, Any]:
    document: dict[str, Any] = answer.json()
    if "circuits" in document:
        return dict(next(iter(document["circuits"].values())))
    return dict(document["branches"][0]) if "branches" in document else document


def powers(answer: httpx.Response) -> list[float]:
    return [part["instantPowerW"] for part in answer.json().get("branches", [])]


ANSWERS: Mapping[str, tuple[str | None, str, Check]] = {
    "latency": ("0.25", "panel", lambda _, bench: bench.slept_s == [0.25]),
    "connection-close": (None, "panel", lambda a, _: a.headers["connection"] == "close"),
    "drip": (
        "2",
        "storage/soe",
        lambda a, bench: bench.slept_s == [2.0] * len(a.content) and a.json()["soe"],
    ),
    "truncated": (None, "panel", lambda a, _: not a.text.endswith("}") and len(a.content) > 1000),
    "oversize": (None, "panel", lambda a, _: len(a.content) > 5_500_000 and a.json()["branches"]),
    "html-200": (None, "panel", lambda a, _: a.status_code == 200 and "<title>" in a.text),
    "html-502": (None, "status", lambda a, _: a.status_code == 502 and "nginx" in a.text),
    "status": ("418", "status", lambda a, _: a.status_code == 418 and a.json()["detail"]),
    "circuits-500": (None, "circuits", lambda a, _: a.status_code == 500),
    "sunset": (None, "status", lambda a, _: a.status_code == 404),
    "deprecation-headers": (
        None,
        "status",
        lambda a, _: (a.headers["deprecation"], a.headers["sunset"]) == ("true", "2026-12-31") and a.headers["link"],
    ),
    "revoke": (None, "panel", lambda a, _: a.status_code == 401),
    "empty-circuits": (None, "circuits", lambda a, _: a.json() == {"circuits": {}}),
    "main-relay-unknown": (
        None,
        "panel",
        lambda a, _: a.json()["mainRelayState"] == "UNKNOWN" and set(powers(a)) == {0.0},
    ),
    "door-unknown": (None, "status", lambda a, _: a.json()["system"]["doorState"] == "UNKNOWN"),
    "null-name": (None, "circuits", lambda a, _: first(a)["name"] is None),
    "null-power": (None, "circuits", lambda a, _: first(a)["instantPowerW"] is None),
    "null-energy": ("all", "panel", lambda a, _: a.json()["mainMeterEnergy"]["consumedEnergyWh"] is None),
    "negative-zero": (None, "panel", lambda a, _: math.copysign(1, first(a)["instantPowerW"]) == -1),
    "nan": ("all", "panel", lambda a, _: math.isnan(a.json()["instantGridPowerW"]) and "NaN" in a.text),
    "unknown-enum": ("all", "circuits", lambda a, _: first(a)["relayState"] == "TRIPPED"),
    "shuffled-branches": (
        None,
        "panel",
        lambda a, _: [b["id"] for b in a.json()["branches"]] != [*range(1, 33)],
    ),
    "no-measure": (None, "panel", lambda a, _: "isMeasureValid" not in first(a)),
    "invalid-measure": (
        None,
        "panel",
        lambda a, _: not any(b["isMeasureValid"] for b in a.json()["branches"]),
    ),
    "feedthrough-zero": (None, "panel", lambda a, _: set(a.json()["feedthroughEnergy"].values()) == {0.0}),
    "hostile-names": (None, "circuits", lambda a, _: "\\u001b" in a.text or "\x1b" in first_names(a)),
    "renamed": ("Tea Kitchen", "circuits", lambda a, _: first(a)["name"] == "Tea Kitchen"),
    "moved-tabs": ("25", "circuits", lambda a, _: first(a)["tabs"] == [25]),
    "door-open": (None, "status", lambda a, _: a.json()["system"]["doorState"] == "OPEN"),
    "load": ("2500", "circuits", lambda a, _: first(a)["instantPowerW"] == pytest.approx(-2500, abs=1)),
    "charge": ("12", "storage/soe", lambda a, _: a.json()["soe"]["percentage"] == 12),
    "main-relay-open": (
        None,
        "panel",
        lambda a, _: (a.json()["mainRelayState"], a.json()["instantGridPowerW"]) == ("OPEN", 0.0),
    ),
    "grid-down": (None, "panel", lambda a, _: a.json()["dsmGridState"] == "DSM_GRID_DOWN"),
    "clock-jump": (
        "-7200",
        "circuits",
        lambda a, _: first(a)["instantPowerUpdateTimeS"] == START.timestamp() - 7200,
    ),
    "counter-reset": (None, "panel", lambda a, _: a.json()["mainMeterEnergy"]["consumedEnergyWh"] == 0),
    "reboot": (None, "status", lambda a, _: a.status_code == 502),
}


def first_names(answer: httpx.Response) -> str:
    return "".join(circuit["name"] for circuit in answer.json()["circuits"].values())


@pytest.mark.parametrize("name", ANSWERS)
async def test_each_fault_shows_in_the_answer(bench: Bench, name: str) -> None:
    value, path, seen = ANSWERS[name]
    healthy = await bench.get(path)
    assert healthy.status_code == 200
    bench.slept_s.clear()
    assert (await bench.control("fault", name=name, value=value)).status_code == 200
    assert seen(await bench.get(path), bench)
    await bench.control("clear")
    if faults.BOARD.kind(name).strikes != "once":
        assert (await bench.get(path)).content == healthy.content


# faults of the connection

ERRORS: Mapping[str, tuple[str | None, type[httpx.TransportError]]] = {
    "hang": (None, httpx.ReadTimeout),
    "refuse": ("30", httpx.ConnectError),
    "close": (None, httpx.RemoteProtocolError),
    "cut-short": (None, httpx.RemoteProtocolError),
}


@pytest.mark.parametrize("name", ERRORS)
async def test_each_fault_of_the_connection_is_the_error_httpx_raises_for_it(bench: Bench, name: str) -> None:
    value, error = ERRORS[name]
    bench.simulator.set_fault(name, value)
    with pytest.raises(error):
        await bench.get("panel")
    bench.simulator.clear_faults()
    await bench.read("panel")


@pytest.mark.parametrize(("name", "error"), [("hang", httpx.ReadTimeout), ("close", httpx.RemoteProtocolError)])
async def test_an_answer_lost_after_the_deed_leaves_the_relay_moved(
    bench: Bench, name: str, error: type[httpx.TransportError]
) -> None:
    bench.simulator.set_fault(f"{name}@circuit*1", "after")
    with pytest.raises(error):
        await bench.switch("Heat Pump", "OPEN")
    assert bench.circuit("Heat Pump").is_open
    assert (await bench.switch("Heat Pump", "CLOSED")).status_code == 200


async def test_a_refusing_panel_comes_back_after_its_time(bench: Bench) -> None:
    await bench.control("fault", name="refuse", value=30)
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            await bench.get("panel")
    bench.now_s += 31
    await bench.read("panel")


# faults of writes and of time


async def test_priority_writes_fail_until_that_fault_is_off(bench: Bench) -> None:
    circuit = bench.circuit("Kitchen Lights")
    body = {"priorityIn": {"priority": "NON_ESSENTIAL"}}
    answer = await bench.post(f"circuits/{circuit.circuit_id}", body)
    assert (answer.status_code, circuit.priority) == (500, "NICE_TO_HAVE")
    await bench.control("fault", name="priority-500", value="off")
    answer = await bench.post(f"circuits/{circuit.circuit_id}", body)
    assert (answer.status_code, answer.json()["priority"]) == (200, "NON_ESSENTIAL")


@pytest.mark.parametrize(
    ("fault", "value", "circuit", "status"),
    [("relay-refuse", None, "Heat Pump", 500), ("always-on-status", "409", "Router and Alarm", 409)],
)
async def test_a_refused_relay_write_has_the_chosen_status_and_moves_nothing(
    bench: Bench, fault: str, value: str | None, circuit: str, status: int
) -> None:
    bench.simulator.set_fault(fault, value)
    assert (await bench.switch(circuit, "OPEN")).status_code == status
    assert not bench.circuit(circuit).is_open


async def test_the_status_of_a_locked_registration_can_be_chosen(bench: Bench) -> None:
    bench.simulator.set_fault("locked-status", "412")
    assert (await bench.post("auth/register", {"name": "x"})).status_code == 412


async def test_a_lagging_relay_moves_after_the_answer(bench: Bench) -> None:
    bench.simulator.set_fault("relay-lag", "5")
    circuit = (await bench.switch("Heat Pump", "OPEN")).json()
    assert circuit["relayState"] == "CLOSED"
    bench.now_s += 6
    assert (await bench.read("circuits"))["circuits"][circuit["id"]]["relayState"] == "OPEN"


async def test_a_bouncing_relay_goes_back(bench: Bench) -> None:
    bench.simulator.set_fault("relay-bounce", "2")
    circuit = (await bench.switch("Heat Pump", "OPEN")).json()
    assert circuit["relayState"] == "OPEN"
    bench.now_s += 3
    assert (await bench.read("circuits"))["circuits"][circuit["id"]]["relayState"] == "CLOSED"


async def test_a_dip_lowers_all_counters_for_some_answers_and_then_lets_them_return(bench: Bench) -> None:
    def counters(panel: Any) -> list[float]:
        return [branch["exportedActiveEnergyWh"] for branch in panel["branches"]]

    before = counters(await bench.read("panel"))
    bench.simulator.set_fault("counter-dip", "0.5:2")
    for _ in range(2):
        dipped = counters(await bench.read("panel"))
        assert all(new == pytest.approx(old / 2, abs=0.1) for new, old in zip(dipped, before, strict=True))
    assert counters(await bench.read("panel")) == before


async def test_a_reboot_answers_502_then_starts_the_clocks_anew(bench: Bench) -> None:
    await bench.control("door")
    await bench.control("fault", name="reboot", value="15")
    assert (await bench.get("status")).status_code == 502
    bench.now_s += 16
    system = (await bench.read("status"))["system"]
    assert (system["uptime"], system["doorState"], system["proximityProven"]) == (16, "UNKNOWN", False)
    await bench.control("door", open=True)
    assert (await bench.read("status"))["system"]["doorState"] == "OPEN"


async def test_moved_tabs_take_free_spaces_only_and_the_power_moves_along(bench: Bench) -> None:
    circuit = bench.circuit("Refrigerator")
    refused = await bench.control("fault", name="moved-tabs", value=f"{circuit.circuit_id}:30")
    assert refused.status_code == 422 and "free are" in refused.json()["detail"]
    await bench.control("fault", name="moved-tabs", value=f"{circuit.circuit_id}:25")
    document = await bench.read(f"circuits/{circuit.circuit_id}")
    branch = (await bench.read("panel"))["branches"][24]
    assert document["tabs"] == [25] and branch["instantPowerW"] == (
        document["instantPowerW"] or branch["instantPowerW"]
    )
    await bench.control("clear", name="moved-tabs")
    assert (await bench.read(f"circuits/{circuit.circuit_id}"))["tabs"] == [6]


async def test_hostile_names_hold_markup_escapes_bidi_marks_emoji_and_200_characters(bench: Bench) -> None:
    bench.simulator.set_fault("hostile-names")
    names = [circuit["name"] for circuit in (await bench.read("circuits"))["circuits"].values()]
    together = "".join(names)
    assert all(part in together for part in ("[bold red]", "\x1b[", "\u202e", "👩", "x" * 200, "\x00"))


def test_every_fault_has_a_test_here() -> None:
    elsewhere = {
        "locked-status",
        "always-on-status",
        "string-422",
        "priority-500",
        "relay-refuse",
        "relay-lag",
        "relay-bounce",
        "counter-dip",
    }
    assert {kind.name for kind in faults.KINDS} == set(ANSWERS) | set(ERRORS) | elsewhere


# the switches themselves


async def test_a_fault_can_be_kept_to_one_endpoint_and_a_number_of_answers(bench: Bench) -> None:
    bench.simulator.set_fault("status", "503@panel*2")
    bench.simulator.set_fault("status@soe", "500")
    seen = [(await bench.get(path)).status_code for path in ("circuits", "panel", "storage/soe", "panel", "panel")]
    assert seen == [200, 503, 500, 503, 200]
    bench.simulator.clear_faults("status@soe")
    assert (await bench.get("storage/soe")).status_code == 200


async def test_a_probability_is_drawn_by_seed() -> None:
    async def run() -> list[int]:
        bench = Bench(status="503%0.5")
        async with bench.http:
            return [(await bench.get("panel")).status_code for _ in range(40)]

    one, other = await run(), await run()
    assert one == other and set(one) == {200, 503}


@pytest.mark.parametrize("endpoint", [name for name in faults.ENDPOINTS if name != "other"])
async def test_every_endpoint_can_be_struck_alone(bench: Bench, endpoint: str) -> None:
    bench.simulator.set_fault(f"status@{endpoint}", "503")
    paths = GETS | {"circuit": f"circuits/{bench.circuit('Range').circuit_id}"}
    for name, path in paths.items():
        assert (await bench.get(path)).status_code == (503 if name == endpoint else 200)
    struck = (await bench.post("auth/register", {"name": "x"})).status_code == 503
    assert struck is (endpoint == "register")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("nonsense", None, "circuits-500"),
        ("latency", None, "SECONDS"),
        ("latency", "soon", "SECONDS"),
        ("latency", "-1", "0 or more"),
        ("latency", "nan", "0 or more"),
        ("status", "99", "200 and 599"),
        ("close", "never", "before, after"),
        ("nan", "some", "first, all"),
        ("no-measure", "3", "takes no value"),
        ("close@moon", None, "status, panel"),
        ("grid-down*2", None, "takes no"),
        ("moved-tabs", "99", "1 to 32"),
        ("moved-tabs", "nix:25", "no circuit"),
        ("counter-dip", "2", "between 0 and 1"),
        ("load", None, "CIRCUIT"),
        ("load", "nix:5", "no circuit"),
        ("load", "200000", "100000"),
        ("charge", "101", "0 and 100"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_in_words(
    bench: Bench, name: str, value: str | None, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        bench.simulator.set_fault(name, value)
    answer = await bench.control("fault", name=name, value=value)
    assert answer.status_code == 422 and words in answer.json()["detail"]


async def test_faults_can_be_on_from_the_start_and_a_wrong_one_stops_the_simulator() -> None:
    bench = Bench(html_502=None, priority_500="off")
    assert (await bench.get("status")).status_code == 502
    assert (await bench.http.get("/_sim/state")).json()["faults"] == ["html-502"]
    await bench.http.aclose()
    with pytest.raises(ValueError, match="known are"):
        Bench(nonsense=None)


def test_the_fault_table_documents_every_fault() -> None:
    rows = faults.BOARD.table()
    assert len(rows) == len(faults.BOARD.kinds) == len({row for row, _ in rows}) and all(meaning for _, meaning in rows)
    assert ("latency=SECONDS", "answer late") in rows


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("fault", {}),
        ("clock", {"advance_s": -1}),
        ("clock", {"advance_s": "x"}),
        ("clock", {"speed": 1e9}),
        ("clock", {"speed": None}),
        ("door", {"presses": "x"}),
        ("clear", {"name": "nonsense"}),
    ],
)
async def test_a_wrong_control_is_422_in_words(bench: Bench, action: str, body: dict[str, Any]) -> None:
    answer = await bench.control(action, **body)
    assert answer.status_code == 422 and answer.json()["detail"]
    assert (await bench.http.post("/_sim/fault", content=b"[")).status_code == 422


async def test_the_clock_can_be_advanced_and_sped_up(bench: Bench) -> None:
    uptime_s = (await bench.read("status"))["system"]["uptime"]
    await bench.control("clock", advance_s=100, speed=60)
    bench.now_s += 2
    assert (await bench.read("status"))["system"]["uptime"] == uptime_s + 220


async def test_the_state_shows_no_token(bench: Bench) -> None:
    state = await bench.http.get("/_sim/state")
    assert state.json()["clients"] == 1
    assert bench.http.headers["Authorization"].removeprefix("Bearer ") not in state.text


async def test_two_simulators_with_the_same_options_answer_the_same_bytes() -> None:
    one, other = Bench(), Bench()
    async with one.http, other.http:
        for _ in range(5):
            one.now_s += 33
            other.now_s += 33
            for path in GETS.values():
                assert (await one.get(path)).content == (await other.get(path)).content


async def test_a_token_of_one_panel_is_worth_nothing_on_another(bench: Bench) -> None:
    other = Bench("shop")
    async with other.http:
        other.http.headers["Authorization"] = bench.http.headers["Authorization"]
        assert (await other.get("panel")).status_code == 401


def test_an_unknown_household_is_refused() -> None:
    with pytest.raises(ValueError, match="home, shop"):
        SpanSimulator(SimulatorOptions(), household="castle")
