"""Every way in which the simulated distributor breaks the rules, and whether the check names the right one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from fakes import ManualClock
from wattdeck.core.asgi import SimulatedTransport
from wattdeck.core.errors import SourceError
from wattdeck.core.http import HttpClients
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.aneel.client import AneelClient
from wattdeck.systems.aneel.conformance import RULES, Context, Passed, Series, check_answer, check_bytes
from wattdeck.systems.aneel.conformance.probes import Options, probe
from wattdeck.systems.aneel.exchange import Exchange
from wattdeck.systems.aneel.faults import FAULT_RULES
from wattdeck.systems.aneel.models import BRASILIA, Finding, Level
from wattdeck.systems.aneel.scenarios import SCENARIOS
from wattdeck.systems.aneel.simulator import KEY, AneelSimulator

pytestmark = pytest.mark.anyio

ORIGIN = "http://127.0.0.5"
START = datetime(2026, 11, 20, 14, 0, tzinfo=BRASILIA)
"""A Friday."""
RORAIMA = Context.of(state="RR")
HALF_HOUR_S = 1800.0

PROBED = (
    "public-docs", "strict-query", "accepts-post", "no-auth", "any-key", "leaky-key", "key-in-query", "text-401",
    "detail-wrapper", "busy", "limit-early", "other-email", "ignored-history", "lenient-dates", "endless-history",
    "short-history", "shifted-history", "hour-wrong", "plus-refused", "wobbling-history", "framework-422",
    "loose-match",
)  # fmt: skip
"""Shown only by questions that are asked on purpose."""
WATCHED = {
    "frozen": 5,
    "stale-as-success": 5,
    "denominators-jump": 2,
    "all-planned": 13,
    "counters-fall": 2,
    "one-channel": 17,
    "dropout": 2,
}
"""Shown only by several answers -> half hours until it must be named."""
ANSWERED = tuple(name for name, rules in FAULT_RULES.items() if rules and name not in (*PROBED, *WATCHED))
"""Shown by one answer, wherever that came from."""
BESIDES = {
    "snake-case": {"E03"},
    "null-payload": {"P01"},
    "ignored-history": {"H02", "H03"},
    "wobbling-history": {"I17"},
}
"""What else is true of a few of them: null is no demand, and a server that ignores a moment ignores all of it."""


ASKED = {"T09", "P02", "P10"}
"""Rules that take the status, or what was asked for."""


class Server:
    """A simulated distributor, a client that asks it, and a clock for both that is moved by hand."""

    def __init__(
        self,
        faults: Mapping[str, str | None] | None = None,
        *,
        weather: str = "storm",
        start: datetime = START,
        timeout_s: float = 45.0,
    ) -> None:
        self.clock = ManualClock(start)
        self.simulator = AneelSimulator(
            SimulatorOptions(start=start, faults={"scenario": weather, **(faults or {})}),
            monotonic=self.clock.monotonic,
            sleep=self.clock.sleep,
        )
        self.http = HttpClients(
            mounts={ORIGIN: SimulatedTransport(self.simulator.app)}, only_mounted=True, clock=self.clock
        )
        self.client = AneelClient(ORIGIN, lambda: KEY, timeout_s=timeout_s, clients=self.http, clock=self.clock)

    async def answers(self, family: str = "") -> list[Exchange]:
        """The three answers, and that there is no such demand; or those that a family of rules is about."""
        found = []
        if family not in ("D", "P"):
            found.append(await self.client.outages())
        if family not in ("I", "P"):
            found.append(await self.client.demands())
        if family not in ("I", "D"):
            found += [await self.client.demand(each) for each in (self.protocol, "NAOEXISTE0000")]
        return found

    @property
    def protocol(self) -> str:
        """One that is known, with letters in it."""
        return next(each for each in self.simulator.protocols() if not each.isdigit())


@pytest.fixture
async def server() -> Server:
    return Server()


def wrong(exchanges: list[Exchange]) -> set[Finding]:
    """What single answers show, but for the one question the sources leave open."""
    return {each for exchange in exchanges for each in check_answer(exchange, RORAIMA) if not allowed(each)}


def allowed(finding: Finding) -> bool:
    """Whether this is the hint that answers about demands may need the address too (aneel.md 6, C03)."""
    return (finding.rule, finding.level, finding.where) == ("E02", Level.INFO, "emailIndisponibilidade")


def rules(findings: set[Finding]) -> set[str]:
    return {finding.rule for finding in findings}


async def probed(server: Server) -> tuple[set[Finding], set[str]]:
    """What probes find, and the rules they see kept."""
    context = Context.of(state="RR", protocol=server.protocol)
    told = [each async for each in probe(server.client, context, Options(key=lambda: KEY), clock=server.clock)]
    found = {each for each in told if isinstance(each, Finding) and not allowed(each)}
    return found, {each.rule for each in told if isinstance(each, Passed)}


async def watched(server: Server, half_hours: int, series: Series | None = None) -> set[Finding]:
    """What a series of answers shows, asked for every half hour."""
    series = series or Series(RORAIMA)
    found: set[Finding] = set()
    for _ in range(half_hours):
        for ask in (server.client.outages, server.client.demands):
            found |= set(series.add(await ask()))
        server.clock.advance(HALF_HOUR_S)
    return found


def test_every_fault_that_breaks_a_rule_is_looked_for_and_every_rule_is_broken() -> None:
    assert {*PROBED, *WATCHED, *ANSWERED} == {name for name, broken in FAULT_RULES.items() if broken}
    assert len(PROBED) + len(WATCHED) + len(ANSWERED) == len({*PROBED, *WATCHED, *ANSWERED})
    # Loopback needs no TLS, and availability takes a month.
    assert set(RULES) - {rule for broken in FAULT_RULES.values() for rule in broken} == {"T01", "X03"}


# no fault


@pytest.mark.parametrize("weather", SCENARIOS)
async def test_a_server_without_faults_breaks_no_rule(weather: str) -> None:
    server = Server(weather=weather)
    assert wrong(await server.answers()) == set()
    found, kept = await probed(server)
    assert found == set()
    # E02 has its hint; the others take hours of answers, another address, or TLS.
    assert set(RULES) - kept <= {"E02", "T01", "T10", "D06", "D08", "I18", "X01", "X02", "X03", "H07"}


async def test_a_day_and_a_night_without_faults_break_no_rule(server: Server) -> None:
    series = Series(RORAIMA)
    assert await watched(server, 50, series) == set()
    assert {"D06", "D08", "I18", "X01", "X02"} <= series.looked


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("no-limit", START),
        ("unavailable", START),
        ("missing-slots", START),
        ("full-demands", START),
        ("closed-hours", START.replace(hour=3)),
        ("closed-hours", START + timedelta(days=2)),
    ],
)
async def test_what_a_server_may_do_is_not_held_against_it(name: str, start: datetime) -> None:
    server = Server({name: None}, start=start)
    assert wrong(await server.answers()) == set()
    assert (await probed(server))[0] == set()


@pytest.mark.parametrize("name", ["hang", "drop", "huge"])
async def test_no_answer_is_no_finding_but_an_error_in_words(name: str) -> None:
    server = Server({name: None}, timeout_s=0.02)
    with pytest.raises(SourceError, match=r"127\.0\.0\.5"):
        await server.client.outages()
    with pytest.raises(SourceError, match=r"127\.0\.0\.5"):
        await probed(server)


# faults


async def test_one_answer_is_enough_for_most_faults(server: Server) -> None:
    for name in ANSWERED:
        if name == "no-retry-after":
            continue
        server.simulator.set_fault(name)
        broken = set(FAULT_RULES[name])
        found = rules(wrong(await server.answers(FAULT_RULES[name][0][0])))
        assert broken <= found <= broken | BESIDES.get(name, set()), name
        server.simulator.clear_faults(name)
        assert name not in server.simulator.faults
    assert wrong(await server.answers()) == set(), "and it is well again"


async def test_a_saved_answer_shows_what_the_live_one_did(server: Server) -> None:
    for name in ANSWERED:
        if FAULT_RULES[name][0][0] == "T":
            continue
        server.simulator.set_fault(name)
        for exchange in await server.answers(FAULT_RULES[name][0][0]):
            live = {each for each in check_answer(exchange, RORAIMA) if each.rule not in ASKED}
            assert live <= set(check_bytes(exchange.route, exchange.body, RORAIMA, at=exchange.at)), name
        server.simulator.clear_faults(name)


async def test_a_refusal_without_the_time_to_wait_is_named() -> None:
    server = Server({"no-retry-after": None})
    answers = [await server.client.outages() for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [rules(wrong([each])) for each in answers] == [set(), set(), {"T10"}]


@pytest.mark.parametrize(("seconds", "level"), [("4", None), ("6", Level.WARNING), ("31", Level.ERROR)])
async def test_slow_answers_are_judged_by_how_slow_they_are(server: Server, seconds: str, level: Level | None) -> None:
    server.simulator.set_fault("slow", seconds)
    found = wrong([await server.client.outages()])
    assert {(each.rule, each.level) for each in found} == ({("T11", level)} if level else set())


@pytest.mark.parametrize("name", PROBED)
async def test_probes_name_what_only_shows_when_asked_on_purpose(name: str) -> None:
    server = Server({name: None})
    found = rules((await probed(server))[0])
    broken = set(FAULT_RULES[name])
    assert broken <= found <= broken | BESIDES.get(name, set())


@pytest.mark.parametrize("name", ["leaky-key", "key-in-query", "no-auth"])
async def test_no_finding_tells_the_key_or_whose_demand_was_asked_for(name: str) -> None:
    server = Server({name: None})
    context = Context.of(state="RR", protocol=server.protocol)
    told = [each async for each in probe(server.client, context, Options(key=lambda: KEY), clock=server.clock)]
    case = json.loads((await Server().client.demand(server.protocol)).body)["demanda"]
    for secret in (KEY, case["numCPFCNPJ"], case["nomeTitularUC"], case["numUC"]):
        assert secret not in repr(told)


@pytest.mark.parametrize(("name", "half_hours"), WATCHED.items())
async def test_a_series_names_what_only_time_shows(server: Server, name: str, half_hours: int) -> None:
    series = Series(RORAIMA)
    first = 1 if name == "dropout" else 0
    before = await watched(server, first, series)
    server.simulator.set_fault(name, "*1" if name == "dropout" else None)
    found = await watched(server, half_hours - first, series)
    assert rules(found) == set(FAULT_RULES[name])
    assert {each for each in found if each.level is Level.ERROR} == before == set()


async def test_stale_answers_are_no_longer_held_against_a_server_that_has_recovered(server: Server) -> None:
    server.simulator.set_fault("stale-as-success", "3")
    series = Series(RORAIMA)
    assert rules(await watched(server, 6, series)) == {"X01"}
    assert await watched(server, 6, series) == set()


# exact figures


async def test_a_finding_says_where_what_and_what_was_expected(server: Server) -> None:
    async def one(name: str) -> Finding:
        server.simulator.set_fault(name)
        (found,) = wrong([await server.client.outages()])
        server.simulator.clear_faults(name)
        return found

    digit = await one("bad-check-digit")
    assert (digit.rule, digit.where) == ("I10", "interrupcaoFornecimento[0].ideMunicipio")
    assert len(digit.found) == 7 and digit.found.isdigit() and digit.expected and digit.message.endswith(".")
    twice = await one("duplicate-row")
    assert twice.where.startswith("interrupcaoFornecimento[") and "16" in twice.found
    leak = await one("technical-message")
    assert leak.where == "mensagem" and "ORA-12541" in leak.found


async def test_full_demands_are_all_there_can_be(server: Server) -> None:
    server.simulator.set_fault("full-demands")
    exchange = await server.client.demands()
    rows: list[Any] = json.loads(exchange.body)["demandasDiversas"]
    assert len(rows) == 2808 and wrong([exchange]) == set()
