"""The simulated distributor over HTTP, in process: routes, keys, limits, history, demands, and every fault by name."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import httpx
import pytest

from wattdeck.core.asgi import SimulatedTransport
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.aneel.exchange import PATHS, PAYLOADS, Route
from wattdeck.systems.aneel.faults import BOARD, FAULT_RULES
from wattdeck.systems.aneel.models import BRASILIA
from wattdeck.systems.aneel.simdemands import cpf
from wattdeck.systems.aneel.simulator import EMAIL, KEY, AneelSimulator
from wattdeck.systems.aneel.times import format_recovery

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 20, 14, 10, tzinfo=BRASILIA)
"""A Friday."""
OUTAGES, DEMANDS, DEMAND = (f"/{path}" for path in PATHS.values())
ROWS = PAYLOADS["outages"]


class Bench:
    """A simulator, a clock moved by hand, and a client without habits of its own."""

    def __init__(self, *, limit: bool = False, start: datetime = START, **faults_on: str | None) -> None:
        self.now_s = 1000.0
        self.slept_s: list[float] = []
        named = {name.replace("_", "-"): value for name, value in faults_on.items()}
        self.simulator = AneelSimulator(
            SimulatorOptions(start=start, faults=named if limit else named | {"no-limit": None}),
            monotonic=lambda: self.now_s,
            sleep=self._sleep,
        )
        transport = SimulatedTransport(self.simulator.app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://aneel", timeout=30)
        self.http.headers["x-api-key"] = KEY

    async def _sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)

    async def get(self, path: str = OUTAGES, **query: str) -> httpx.Response:
        return await self.http.get(path, params=query)

    async def answered(self, path: str = OUTAGES, **query: str) -> dict[str, Any]:
        answer = await self.get(path, **query)
        assert answer.status_code == 200, answer.text
        content = answer.json()
        assert isinstance(content, dict)
        return content

    async def rows(self, **query: str) -> list[dict[str, Any]]:
        content = await self.answered(**query)
        assert content["idcStatusRequisicao"] == 1, content["mensagem"]
        return list(content[ROWS])

    async def at(self, moment: datetime) -> dict[str, Any]:
        return await self.answered(dthRecuperacao=format_recovery(moment))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    async with made.http:
        yield made


def refused(content: dict[str, Any], route: Route = "outages") -> str:
    """The message of an answer that is wholly as an error has to be."""
    assert content["idcStatusRequisicao"] == 2
    assert content["emailIndisponibilidade"] == EMAIL
    assert content[PAYLOADS[route]] == ({} if route == "demand" else [])
    assert list(content) == ["idcStatusRequisicao", "emailIndisponibilidade", "mensagem", PAYLOADS[route]]
    assert content["mensagem"].strip()
    return str(content["mensagem"])


# routes


async def test_outages_answer_in_the_exact_form(bench: Bench) -> None:
    answer = await bench.get()
    assert answer.headers["content-type"] == "application/json"
    content = answer.json()
    assert list(content) == ["idcStatusRequisicao", "emailIndisponibilidade", "mensagem", ROWS]
    assert (content["idcStatusRequisicao"], content["emailIndisponibilidade"], content["mensagem"]) == (1, EMAIL, "")
    assert len(content[ROWS]) > 15
    assert len({row["ideMunicipio"] for row in content[ROWS]}) > 8
    for row in content[ROWS]:
        assert list(row) == [
            "ideConjuntoUnidadeConsumidora", "ideMunicipio", "qtdUCsAtendidas",
            "qtdOcorrenciaProgramada", "qtdOcorrenciaNaoProgramada",
        ]  # fmt: skip
        assert all(type(value) is int for value in row.values())


async def test_paths_are_exact(bench: Bench) -> None:
    for path in ("/QuantitativoInterrupcoesAtivas", "/radar" + OUTAGES, "/health", "/openapi.json", "/docs"):
        answer = await bench.get(path)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    slash = await bench.get(OUTAGES + "/")
    assert (slash.status_code, slash.headers["location"]) == (307, OUTAGES)
    for method in ("POST", "PUT", "DELETE", "HEAD"):
        answer = await bench.http.request(method, OUTAGES)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert (await bench.get("/")).status_code == 200


async def test_unknown_parameters_are_ignored_and_names_are_case_sensitive(bench: Bench) -> None:
    now = await bench.rows()
    assert await bench.rows(foo="1") == now
    assert await bench.rows(DthRecuperacao="nonsense") == now


@pytest.mark.parametrize("path", [OUTAGES, DEMANDS, DEMAND])
async def test_without_the_right_key_nothing_is_told(bench: Bench, path: str) -> None:
    route = next(name for name, route_path in PATHS.items() if path == f"/{route_path}")
    del bench.http.headers["x-api-key"]
    for headers in ({}, {"x-api-key": ""}, {"x-api-key": "wrong"}, {"x-api-key": KEY.upper()}, {"api-key": KEY}):
        answer = await bench.http.get(path, headers=headers)
        assert answer.status_code == 401
        assert KEY not in answer.text
        refused(answer.json(), route)
    assert (await bench.http.get(path, headers={"X-API-KEY": KEY})).status_code == 200
    assert (await bench.http.get(path, params={"api_key": KEY})).status_code == 401


async def test_the_eleventh_request_of_a_minute_is_refused() -> None:
    bench = Bench(limit=True)
    for _ in range(10):
        assert (await bench.get()).status_code == 200
    bench.now_s += 18
    answer = await bench.get(DEMANDS)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "42"
    assert (answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]) == ("10", "0")
    refused(answer.json(), "demands")
    bench.now_s += 42
    assert (await bench.get()).status_code == 200
    assert bench.simulator.state()["refused"] == 1


async def test_wrong_keys_do_not_use_up_the_limit() -> None:
    bench = Bench(limit=True)
    for _ in range(15):
        assert (await bench.http.get(OUTAGES, headers={"x-api-key": "wrong"})).status_code == 401
    assert (await bench.get()).status_code == 200


# history


async def test_history_answers_the_half_hour_at_or_before(bench: Bench) -> None:
    two = await bench.at(START.replace(hour=13, minute=30))
    assert two == await bench.at(START.replace(hour=13, minute=59))
    assert two != await bench.at(START.replace(hour=14, minute=0))
    assert two != await bench.answered()
    three_days_ago = await bench.at(START - timedelta(days=3))
    assert three_days_ago["idcStatusRequisicao"] == 1 and three_days_ago[ROWS]
    bench.simulator.advance_clock(7200)
    assert two == await bench.at(START.replace(hour=13, minute=30))


async def test_what_is_answered_on_the_half_hour_is_what_is_told_later(bench: Bench) -> None:
    bench.simulator.advance_clock(20 * 60)
    told = await bench.answered()
    bench.simulator.advance_clock(5 * 3600)
    assert await bench.at(START + timedelta(minutes=20)) == told


async def test_history_ends_after_seven_days_and_with_now(bench: Bench) -> None:
    assert (await bench.at(START))["idcStatusRequisicao"] == 1
    assert (await bench.at(START - timedelta(days=6, hours=23)))["idcStatusRequisicao"] == 1
    for moment in (START + timedelta(minutes=1), START + timedelta(days=1), START - timedelta(days=7, minutes=40)):
        refused(await bench.at(moment))


@pytest.mark.parametrize(
    "asked",
    [
        "2026-11-20T13:30", "31/02/2026 10:00", "9/1/2026 7:00", "20/11/2026", "20/11/2026 24:00", "",
        "20/11/2026 13:30:00", "۲۰/11/2026 13:30", " 20/11/2026 13:30",
    ],
)  # fmt: skip
async def test_a_badly_written_moment_is_refused(bench: Bench, asked: str) -> None:
    assert "dthRecuperacao" in refused(await bench.answered(dthRecuperacao=asked))


async def test_a_moment_may_be_escaped_in_any_way(bench: Bench) -> None:
    forms = ("20/11/2026%2013:00", "20/11/2026+13:00", "20%2F11%2F2026+13%3A00", "20%2f11%2f2026%2013%3a00")
    answers = [(await bench.http.get(f"{OUTAGES}?dthRecuperacao={form}")).text for form in forms]
    assert len(set(answers)) == 1
    assert json.loads(answers[0])["idcStatusRequisicao"] == 1


# demands


async def test_demands_answer_in_the_exact_form(bench: Bench) -> None:
    content = await bench.answered(DEMANDS)
    assert list(content) == ["idcStatusRequisicao", "mensagem", PAYLOADS["demands"]]
    top = max(content[PAYLOADS["demands"]], key=lambda row: int(row["qtdRegistradaNoDia"]))
    assert top["idcTipologia"] == "1020901"
    assert list(top) == [
        "idcNivelAtendimento", "idcCanalAtendimento", "idcTipologia", "qtdAndamentoNoMomento", "qtdRegistradaNoDia",
        "qtdImprocedenteNoDia", "qtdProcedenteNoDia", "qtdSemProcedenciaNoDia",
    ]  # fmt: skip


async def test_a_known_protocol_is_found_and_others_are_not(bench: Bench) -> None:
    protocols = (await bench.get("/_sim/protocols")).json()["protocols"]
    assert len(protocols) > 5
    for protocol in protocols:
        case = (await bench.answered(DEMAND, numProtocolo=protocol))["demanda"]
        assert case["numProtocolo"] == protocol
        assert len(case) == 12
        assert case["numCPFCNPJ"] == cpf(int(case["numCPFCNPJ"][:8]))
    nobody = await bench.answered(DEMAND, numProtocolo="RR20269999999")
    assert nobody == {"idcStatusRequisicao": 1, "mensagem": "", "demanda": {}}
    assert (await bench.answered(DEMAND, numProtocolo=protocols[0].lower()))["demanda"] == {}


@pytest.mark.parametrize("query", [{}, {"numProtocolo": ""}, {"numProtocolo": " "}, {"numProtocolo": "1" * 31}])
async def test_a_protocol_is_needed(bench: Bench, query: dict[str, str]) -> None:
    assert "numProtocolo" in refused(await bench.answered(DEMAND, **query), "demand")


@pytest.mark.parametrize(
    ("day", "hour", "demands", "demand"),
    [(20, 14, 1, 1), (20, 5, 2, 2), (20, 7, 1, 2), (20, 20, 1, 2), (21, 14, 2, 1), (22, 14, 2, 2)],
)
async def test_closed_hours_are_kept_only_where_a_fault_says_so(day: int, hour: int, demands: int, demand: int) -> None:
    start = START.replace(day=day, hour=hour)
    always, hours = Bench(start=start), Bench(start=start, closed_hours=None)
    for path, status in ((DEMANDS, demands), (DEMAND, demand)):
        assert (await always.answered(path, numProtocolo="1"))["idcStatusRequisicao"] == 1
        content = await hours.answered(path, numProtocolo="1")
        assert content["idcStatusRequisicao"] == status
    assert len(await hours.rows()) > 5


# scenarios and controls


async def test_the_same_options_give_the_same_answers() -> None:
    one, two = Bench(), Bench()
    for path in (OUTAGES, DEMANDS, "/_sim/protocols", "/_sim/state"):
        assert (await one.get(path)).content == (await two.get(path)).content


async def test_a_start_without_offset_is_brasilias_and_one_far_off_is_refused() -> None:
    assert Bench(start=START.replace(tzinfo=None)).simulator.now() == START
    with pytest.raises(ValueError, match="years 2024 to"):
        Bench(start=START.replace(year=1999))


def test_construction_is_quick() -> None:
    def once() -> float:
        begin_s = perf_counter()
        AneelSimulator(SimulatorOptions(start=START))
        return perf_counter() - begin_s

    assert min(once() for _ in range(5)) < 0.015


async def test_scenarios_are_chosen_at_the_start_or_later() -> None:
    calm, severe = Bench(scenario="calm"), Bench(scenario="severe")
    assert len(await calm.rows()) < len(await severe.rows())
    answer = await calm.http.post("/_sim/scenario", json={"name": "severe"})
    assert answer.json()["scenario"] == "severe"
    calm.simulator.advance_clock(4 * 3600)
    assert calm.simulator.state()["open_faults"] > 200
    calm.simulator.set_fault("scenario", "calm")
    assert calm.simulator.scenario == "calm"
    for body in ({"name": "hail"}, {}, {"name": None}):
        assert (await calm.http.post("/_sim/scenario", json=body)).status_code == 422
    with pytest.raises(ValueError, match="calm, storm, severe"):
        Bench(scenario="hail")


async def test_the_state_tells_figures_and_nothing_of_consumers(bench: Bench) -> None:
    await bench.get(DEMAND, numProtocolo=bench.simulator.protocols()[0])
    state = (await bench.get("/_sim/state")).json()
    assert state["time"] == "2026-11-20T14:10:00-03:00"
    assert (state["scenario"], state["faults"], state["requests"]) == ("storm", ["no-limit"], 1)
    out = sum(row["qtdOcorrenciaNaoProgramada"] for row in await bench.rows())
    assert state["unplanned_out"] == out > 5000
    assert KEY not in json.dumps(state) and "RR2026" not in json.dumps(state)


async def test_the_clock_can_be_pushed_and_faults_switched_over_http(bench: Bench) -> None:
    before = await bench.rows()
    await bench.http.post("/_sim/clock", json={"advance_s": 1800})
    assert await bench.rows() != before
    await bench.http.post("/_sim/fault", json={"name": "unavailable"})
    refused(await bench.answered())
    await bench.http.post("/_sim/clear", json={"name": "unavailable"})
    assert await bench.rows()
    assert (await bench.http.post("/_sim/fault", json={"name": "nonsense"})).status_code == 422


# faults


Probe = Callable[[Bench], Awaitable[httpx.Response]]


def asks(path: str = OUTAGES, method: str = "GET", key: str | None = KEY, **query: str) -> Probe:
    async def probe(bench: Bench) -> httpx.Response:
        headers = {} if key is None else {"x-api-key": key}
        del bench.http.headers["x-api-key"]
        answer = await bench.http.request(method, path, headers=headers, params=query)
        bench.http.headers["x-api-key"] = KEY
        return answer

    return probe


def asks_for(hours: float) -> Probe:
    return asks(dthRecuperacao=format_recovery(START - timedelta(hours=hours)))


def later(hours: float, probe: Probe) -> Probe:
    async def waited(bench: Bench) -> httpx.Response:
        bench.simulator.advance_clock(hours * 3600)
        return await probe(bench)

    return waited


def case(place: int) -> Probe:
    async def probe(bench: Bench) -> httpx.Response:
        return await bench.get(DEMAND, numProtocolo=bench.simulator.protocols()[place])

    return probe


def loosely(change: Callable[[str], str]) -> Probe:
    async def probe(bench: Bench) -> httpx.Response:
        return await bench.get(DEMAND, numProtocolo=change(bench.simulator.protocols()[0]))

    return probe


NOW = asks()
PROBES: dict[str, tuple[Probe, ...]] = {
    "scenario": (later(5, NOW),),
    "closed-hours": (later(12, asks(DEMANDS)),),
    "limit-early": (NOW,) * 3,
    "no-retry-after": (NOW,) * 3,
    "public-docs": (asks("/health"),),
    "strict-query": (asks(foo="1"),),
    "accepts-post": (asks(method="POST"),),
    "no-auth": (asks(key=None),),
    "any-key": (asks(key="wrong"),),
    "leaky-key": (asks(key="wrong"),),
    "text-401": (asks(key="wrong"),),
    "detail-wrapper": (asks(key=None),),
    "other-email": (asks(key="wrong"),),
    "denominators-jump": (NOW, NOW),
    "ignored-history": (asks_for(3),),
    "lenient-dates": (asks(dthRecuperacao="9/1/2026 7:00"),),
    "endless-history": (asks_for(-24),),
    "short-history": (asks_for(48),),
    "shifted-history": (asks_for(3),),
    "hour-wrong": (asks_for(0),),
    "plus-refused": (asks_for(3),),
    "wobbling-history": (asks_for(3), asks_for(3)),
    "missing-slots": (asks_for(1), asks_for(1.5), asks_for(2)),
    "frozen": (later(2, NOW),),
    "stale-as-success": (later(2, NOW),),
    "counters-fall": (asks(DEMANDS), asks(DEMANDS)),
    "unknown-404": (asks(DEMAND, numProtocolo="RR20269999999"),),
    "framework-422": (asks(DEMAND),),
    "loose-match": (loosely(str.lower), loosely(lambda protocol: protocol.zfill(30))),
}
"""What is asked to see a fault; else what is out now, today's demands, or a case that is open and one that is not."""
SILENT = {"no-limit", "slow", "hang", "drop"}
"""Tested by themselves below."""


def probes(name: str) -> tuple[Probe, ...]:
    rules = FAULT_RULES[name]
    if name in PROBES:
        return PROBES[name]
    if (rules and rules[0].startswith("D")) or name == "full-demands":
        return (asks(DEMANDS),)
    return (case(0), case(-1)) if rules and rules[0].startswith("P") else (NOW,)


def seen(answer: httpx.Response) -> tuple[object, ...]:
    headers = (answer.headers.get(name) for name in ("content-type", "location", "retry-after"))
    return (answer.status_code, answer.content, *headers)


@pytest.mark.parametrize("name", [name for name in FAULT_RULES if name not in SILENT])
async def test_every_fault_can_be_seen_and_cleared(name: str) -> None:
    bench, healthy = Bench(), Bench()
    if name in ("limit-early", "no-retry-after"):
        bench.simulator.clear_faults("no-limit")
    bench.simulator.set_fault(name, "calm" if name == "scenario" else None)
    asked = probes(name)
    with_fault = [seen(await probe(bench)) for probe in asked]
    without = [seen(await probe(healthy)) for probe in asked]
    assert with_fault != without
    if name != "scenario":
        bench.simulator.clear_faults(name)
        bench.now_s += 60
        healthy.now_s += 60
        assert seen(await NOW(bench)) == seen(await NOW(healthy))


async def test_slow_answers_wait_and_hung_ones_never_come(bench: Bench) -> None:
    bench.simulator.set_fault("slow")
    bench.simulator.set_fault("slow", "40*1")
    await bench.get()
    assert bench.slept_s == [40]
    bench.simulator.set_fault("slow*1")
    await bench.get()
    assert bench.slept_s == [40, 6]
    bench.simulator.set_fault("hang*1")
    bench.http.timeout = httpx.Timeout(0.05)
    with pytest.raises(httpx.ReadTimeout):
        await bench.get()
    bench.http.timeout = httpx.Timeout(30)
    bench.simulator.set_fault("drop*1")
    with pytest.raises(httpx.RemoteProtocolError):
        await bench.get()
    assert await bench.rows()


async def test_a_fault_may_strike_one_route_only(bench: Bench) -> None:
    bench.simulator.set_fault("unavailable@demands")
    assert await bench.rows()
    assert (await bench.answered(DEMANDS))["idcStatusRequisicao"] == 2


async def test_row_faults_change_what_they_are_named_for(bench: Bench) -> None:
    async def rows(fault: str) -> list[dict[str, Any]]:
        bench.simulator.set_fault(f"{fault}*1")
        return await bench.rows()

    healthy = await bench.rows()
    assert all(isinstance(row["ideMunicipio"], str) for row in await rows("string-municipality"))
    assert (await rows("bad-check-digit"))[0]["ideMunicipio"] not in (healthy[0]["ideMunicipio"], None)
    assert (await rows("negative"))[0]["qtdOcorrenciaNaoProgramada"] == -5
    first = (await rows("over-served"))[0]
    assert first["qtdOcorrenciaNaoProgramada"] > first["qtdUCsAtendidas"]
    first = (await rows("double-counted"))[0]
    assert max(first["qtdOcorrenciaNaoProgramada"], first["qtdOcorrenciaProgramada"]) <= first["qtdUCsAtendidas"]
    assert first["qtdOcorrenciaNaoProgramada"] + first["qtdOcorrenciaProgramada"] > first["qtdUCsAtendidas"]
    doubled = await rows("duplicate-row")
    assert doubled[-1] == doubled[0] and len(doubled) == len(healthy) + 1
    swapped = {row["ideConjuntoUnidadeConsumidora"]: row["ideMunicipio"] for row in await rows("swapped-capital")}
    assert swapped[16102] == 1400050
    repeated = await rows("repeated-denominators")
    by_set: dict[int, set[int]] = {}
    for row in repeated:
        by_set.setdefault(row["ideConjuntoUnidadeConsumidora"], set()).add(row["qtdUCsAtendidas"])
    assert all(len(values) == 1 for values in by_set.values())
    assert any(sum(row["ideConjuntoUnidadeConsumidora"] == code for row in repeated) > 1 for code in by_set)
    assert sum(row["qtdOcorrenciaNaoProgramada"] for row in await rows("all-planned")) == 0
    assert await rows("dropout") == []


async def test_shapes_and_bytes_break_as_their_names_say(bench: Bench) -> None:
    async def raw(fault: str) -> httpx.Response:
        bench.simulator.set_fault(f"{fault}*1")
        return await bench.get()

    assert (await raw("null-payload")).json()[ROWS] is None
    a, b = (await raw("dialect-a")).json(), (await raw("dialect-b")).json()
    assert {row["idcTipoInterrupcao"] for row in a["quantitativoInterrupcoesAtivas"]} <= {1, 2}
    assert b["listaInterrupcoes"] and b["desStatusRequisicao"] == "Sucesso"
    assert ROWS not in a and ROWS not in b
    assert "qtd_ucs_atendidas" in (await raw("snake-case")).json()["interrupcao_fornecimento"][0]
    assert (await raw("duplicate-key")).text.count('"idcStatusRequisicao"') == 2
    assert "NaN" in (await raw("not-a-number")).text
    assert len((await raw("huge")).content) > 5_000_000
    assert (await raw("long-email")).json()["emailIndisponibilidade"].count("") - 1 == 63
    assert "ORA-" in (await raw("technical-message")).json()["mensagem"]
    assert len((await raw("unbounded-message")).json()["mensagem"]) > 3000
    assert (await raw("rows-on-error")).json()[ROWS]
    cut = await raw("truncated")
    assert len(cut.content) == int(cut.headers["content-length"])
    with pytest.raises(ValueError, match="line 1"):
        cut.json()


async def test_a_shifted_history_is_an_hour_late(bench: Bench) -> None:
    bench.simulator.advance_clock(7200)
    right = await bench.at(START.replace(hour=14, minute=0))
    bench.simulator.set_fault("shifted-history")
    assert await bench.at(START.replace(hour=13, minute=0)) == right
    bench.simulator.clear_faults()
    bench.simulator.set_fault("hour-wrong")
    assert await bench.at(START.replace(hour=13, minute=0)) == right
    refused(await bench.at(START.replace(hour=15, minute=30)))


async def test_stale_figures_are_fresh_again_in_the_end(bench: Bench) -> None:
    before = await bench.rows()
    bench.simulator.set_fault("stale-as-success", "3")
    bench.simulator.advance_clock(2.9 * 3600)
    assert await bench.rows() == before
    bench.simulator.advance_clock(0.2 * 3600)
    assert await bench.rows() != before


def test_the_table_of_rules_knows_every_fault() -> None:
    names = [kind.name for kind in BOARD.kinds]
    assert len(names) == len(set(names)) and set(names) == set(FAULT_RULES)
    families = {"T": 15, "E": 12, "I": 19, "H": 7, "X": 3, "D": 8, "P": 12}
    every = {f"{letter}{number:02}" for letter, most in families.items() for number in range(1, most + 1)}
    named = {rule for rules in FAULT_RULES.values() for rule in rules}
    assert named <= every
    assert every - named == {"T01", "X03"}, "not on loopback, and only in a month"
    required = (
        "null-payload string-municipality swapped-capital bad-check-digit negative over-served zero-denominator "
        "duplicate-row extra-field dialect-a dialect-b technical-message long-email frozen ignored-history "
        "shifted-history slow html-502 detail-wrapper text-401 duplicate-key truncated"
    )
    assert set(required.split()) <= set(names)
