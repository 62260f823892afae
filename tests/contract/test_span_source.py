"""A panel as the hub sees it, against the simulator in process: signs, options, and every way a panel can fail."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes import START, ManualClock
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Link, Reading
from wattdeck.core.secrets import SecretRef, store_private
from wattdeck.core.snapshot import document, exit_code
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span import SYSTEM as SPAN
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.models import Circuit, Door, PanelSnapshot, Relay
from wattdeck.systems.span.simulator import SpanSimulator
from wattdeck.systems.span.source import SpanSource

pytestmark = pytest.mark.anyio


NOON = START.replace(hour=12)
"""The panel's own time, when the sun shines on it."""


class Bench:
    """One simulated panel, one hub with it as its only source, and a clock for both that is moved by hand."""

    def __init__(self, state_dir: Path, household: str = "home", **settings: Any) -> None:
        self.clock = ManualClock()
        self.simulator = SpanSimulator(
            SimulatorOptions(start=NOON), household=household, monotonic=self.clock.monotonic, sleep=self.clock.sleep
        )
        self.simulator.clear_faults()
        self.token = self.simulator.issue_token()
        self.state_dir = state_dir
        self.config = SpanConfig(
            **{
                "name": "home",
                "host": "127.0.0.1",
                "token": SecretRef(plain=self.token),
                "retries": 0,
                "poll_s": 1.0,
                "timeout_s": 5.0,
                **settings,
            }
        )
        self.hub = self._open()

    def _open(self) -> Hub:
        apps = {"http://127.0.0.1": self.simulator.app}
        return Hub([(SPAN, self.config)], state_dir=self.state_dir, clock=self.clock, demo_apps=apps)

    def restart(self) -> None:
        """The deck ends and is started again; the panel goes on."""
        self.hub = self._open()

    @property
    def source(self) -> SpanSource:
        source = self.hub.sources["span/home"]
        assert isinstance(source, SpanSource)
        return source

    async def poll(self, later_s: float = 1.0) -> Reading[PanelSnapshot]:
        self.clock.advance(later_s)
        await self.hub.once()
        return self.source.feed.reading

    async def panel(self, later_s: float = 1.0) -> PanelSnapshot:
        reading = await self.poll(later_s)
        assert reading.link is Link.LIVE, reading.problem
        assert reading.snapshot is not None
        return reading.snapshot

    def fault(self, name: str, value: str | None = None) -> None:
        self.simulator.set_fault(name, value)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def named(panel: PanelSnapshot, name: str) -> Circuit:
    return next(circuit for circuit in panel.circuits if circuit.name == name)


# what is read


async def test_consumption_is_positive_and_the_sums_agree(bench: Bench) -> None:
    panel = await bench.panel()
    real = [circuit for circuit in panel.circuits if not circuit.virtual]
    assert len(real) == 18
    assert named(panel, "Router and Alarm").power_w is not None
    assert all((circuit.power_w or 0) >= 0 for circuit in real if circuit.name != "Battery")
    assert panel.house_load_w is not None and panel.generation_w is not None and panel.grid_power_w is not None
    assert panel.grid_power_w == pytest.approx(panel.house_load_w - panel.generation_w, abs=2)
    taken = {tab for circuit in real for tab in circuit.tabs}
    virtual = {circuit.tabs[0] for circuit in panel.circuits if circuit.virtual}
    assert virtual == set(range(1, 33)) - taken


async def test_solar_is_shown_only_where_its_spaces_are_configured_and_positive(tmp_path: Path) -> None:
    without = await Bench(tmp_path).panel()
    assert without.solar_w is None
    bench = Bench(tmp_path, solar_tabs=(30, 32))
    panel = await bench.panel()
    producers = [circuit.power_w for circuit in panel.circuits if circuit.virtual and circuit.tabs[0] in (30, 32)]
    assert len(producers) == 2 and None not in producers
    assert panel.solar_w == pytest.approx(-sum(power for power in producers if power is not None))
    assert panel.solar_w is not None and panel.solar_w > 100


async def test_solar_is_unknown_while_one_of_its_meters_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path, solar_tabs=(30, 32))
    bench.fault("null-power", "all")
    panel = await bench.panel()
    assert (panel.solar_w, panel.house_load_w, panel.grid_power_w) == (None, None, None)


async def test_a_battery_is_shown_only_where_it_is_configured(tmp_path: Path) -> None:
    assert (await Bench(tmp_path).panel()).battery_percent is None
    percent = (await Bench(tmp_path, battery=True).panel()).battery_percent
    assert percent is not None and 0 <= percent <= 100


async def test_the_status_is_read_with_every_fourth_poll_only(bench: Bench) -> None:
    assert (await bench.panel()).door is Door.CLOSED
    bench.simulator.house.door = "OPEN"
    doors = [(await bench.panel()).door for _ in range(4)]
    assert doors == [Door.CLOSED, Door.CLOSED, Door.CLOSED, Door.OPEN]


async def test_energy_of_today_starts_at_zero_and_grows(bench: Bench) -> None:
    first = await bench.panel()
    later = await bench.panel(3600)
    assert first.today_since == later.today_since == START.replace(second=1)
    router = named(later, "Router and Alarm")
    assert named(first, "Router and Alarm").energy_today_wh == 0
    assert router.energy_today_wh is not None and 30 < router.energy_today_wh < 120


async def test_a_restart_of_the_deck_goes_on_with_the_day(bench: Bench) -> None:
    await bench.panel()
    before = await bench.panel(1800)
    bench.restart()
    after = await bench.panel()
    assert after.today_since == before.today_since
    today_before, today_after = (named(panel, "Router and Alarm").energy_today_wh for panel in (before, after))
    assert today_before is not None and today_after is not None and today_after >= today_before > 0


# what goes wrong and heals


@pytest.mark.parametrize("fault", ["empty-circuits", "main-relay-unknown"])
async def test_a_panel_that_answers_without_data_keeps_the_last_good_one(bench: Bench, fault: str) -> None:
    good = await bench.panel()
    bench.fault(fault)
    reading = await bench.poll()
    assert (reading.link, reading.snapshot) == (Link.STALE, good)
    assert reading.problem == "the panel answered without data; it does so for a while after a restart"
    bench.simulator.clear_faults()
    assert (await bench.poll()).link is Link.LIVE


async def test_an_empty_panel_at_the_start_is_down_and_nothing_is_shown_as_zero(bench: Bench) -> None:
    bench.fault("main-relay-unknown")
    reading = await bench.poll()
    assert (reading.link, reading.snapshot) == (Link.DOWN, None)
    assert exit_code(bench.hub, ["span/home"]) == 3


async def test_a_renamed_circuit_keeps_its_id_and_its_energy(bench: Bench) -> None:
    first = await bench.panel()
    old = named(first, "Kitchen Lights")
    bench.fault("renamed", f"{old.circuit_id}:Worktop")
    later = await bench.panel(600)
    new = named(later, "Worktop")
    assert new.circuit_id == old.circuit_id
    assert new.energy_today_wh is not None and new.energy_today_wh > 0
    assert [circuit.circuit_id for circuit in later.circuits] == [circuit.circuit_id for circuit in first.circuits]


async def test_a_circuit_that_is_gone_is_gone_and_its_space_is_unmapped(bench: Bench) -> None:
    old = named(await bench.panel(), "Kitchen Lights")
    del bench.simulator.house.circuits[old.circuit_id]
    panel = await bench.panel()
    assert panel.circuit(old.circuit_id) is None
    assert [circuit.virtual for circuit in panel.circuits if 1 in circuit.tabs] == [True]
    assert bench.source.operable.facts("relay", old.circuit_id) is None


async def test_a_circuit_moved_to_other_spaces_starts_its_day_anew(bench: Bench) -> None:
    old = named(await bench.panel(), "Kitchen Lights")
    bench.fault("moved-tabs", f"{old.circuit_id}:25")
    moved = (await bench.panel(60)).circuit(old.circuit_id)
    assert moved is not None and (moved.tabs, moved.energy_today_wh) == ((25,), 0)
    later = (await bench.panel(600)).circuit(old.circuit_id)
    assert later is not None and later.energy_today_wh is not None and 0 <= later.energy_today_wh < 50


async def test_a_reboot_is_survived_without_a_word_from_anyone(bench: Bench) -> None:
    good = await bench.panel()
    bench.fault("reboot", "20")
    away = await bench.poll()
    assert (away.link, away.snapshot) == (Link.STALE, good) and "502" in away.problem
    back = await bench.panel(25)
    assert back.door is Door.UNKNOWN and back.uptime_s is not None and back.uptime_s < 60
    assert back.proximity_proven is False


ENERGIES = ("energy_consumed_wh", "energy_produced_wh", "energy_today_wh", "energy_month_wh")


def energies(panel: PanelSnapshot, name: str = "Router and Alarm") -> list[float]:
    """Consumed, produced, today and this month of a circuit, which has them all; then consumed and produced in all."""
    circuit = named(panel, name)
    found = [*(getattr(circuit, field) for field in ENERGIES), panel.main_consumed_wh, panel.main_produced_wh]
    assert None not in found
    return found


async def test_counters_that_dip_show_no_fall_and_are_exact_again_after_it(bench: Bench) -> None:
    await bench.panel()
    before = await bench.panel(3600)
    assert before.main_consumed_wh is not None and before.main_offset_wh == 0
    bench.fault("counter-dip", "0.1")
    dipped = await bench.panel()
    assert energies(dipped) == pytest.approx(energies(before), abs=5), "shown where they were"
    assert dipped.main_offset_wh == pytest.approx(before.main_consumed_wh * 0.1, rel=0.01)
    bench.simulator.clear_faults("counter-dip")
    after = await bench.panel()
    assert after.main_offset_wh == 0
    assert all(now >= then for now, then in zip(energies(after), energies(before), strict=True))


async def test_counters_that_are_lost_for_good_are_counted_on_from_where_they_were(bench: Bench) -> None:
    await bench.panel()
    before = await bench.panel(3600)
    bench.fault("counter-reset", "0.5")
    lost = await bench.panel()
    assert energies(lost) == pytest.approx(energies(before), abs=5)
    for _ in range(4):
        later = await bench.panel(900)
    today, month = energies(later)[2:4]
    assert 40 < today - energies(before)[2] < 120 and month == today, "an hour of 60 W more"
    bench.restart()
    again = await bench.panel()
    assert energies(again) == pytest.approx(energies(later), abs=5), "the offsets are known after a restart"
    assert again.main_offset_wh == later.main_offset_wh > 0


async def test_an_absent_counter_is_unknown_and_costs_nothing(bench: Bench) -> None:
    await bench.panel()
    before = await bench.panel(3600)
    bench.fault("null-energy", "all")
    gap = await bench.panel()
    router = named(gap, "Router and Alarm")
    assert [getattr(router, field) for field in ENERGIES[:2]] == [None, None] and gap.main_consumed_wh is None
    bench.simulator.clear_faults("null-energy")
    after = await bench.panel()
    assert energies(after) == pytest.approx(energies(before), abs=5) and after.main_offset_wh == 0


@pytest.mark.parametrize("fault", ["html-502", "revoke"])
async def test_energies_of_a_panel_that_is_away_are_shown_for_a_while_and_then_unknown(
    tmp_path: Path, fault: str
) -> None:
    bench = Bench(tmp_path, energy_grace_min=15)
    good = await bench.panel()
    bench.fault(fault)
    for _ in range(2):
        kept = (await bench.poll(449)).snapshot
        assert kept == good
    faded = (await bench.poll(3)).snapshot
    assert faded is not None and faded.main_consumed_wh is None and faded.feedthrough_net_wh is None
    assert {getattr(circuit, field) for circuit in faded.circuits for field in ENERGIES} == {None}
    assert faded.grid_power_w == good.grid_power_w, "the power is labelled old, as ever"
    told = document(bench.hub, ["span/home"], START)["sources"][0]["feeds"]["panel"]["data"]
    assert {circuit["energy_today_wh"] for circuit in told["circuits"]} == {None}


async def test_without_grace_energies_are_unknown_with_the_first_failure(tmp_path: Path) -> None:
    bench = Bench(tmp_path, energy_grace_min=0)
    await bench.panel()
    bench.fault("html-502")
    faded = (await bench.poll()).snapshot
    assert faded is not None and faded.circuits[0].energy_consumed_wh is None


async def test_what_went_to_the_sub_panel_is_the_balance_of_the_counters(bench: Bench) -> None:
    first, later = await bench.panel(), await bench.panel(3600)
    assert first.feedthrough_net_wh is not None and later.feedthrough_net_wh is not None
    assert later.feedthrough_power_w is not None
    delivered_wh = later.feedthrough_net_wh - first.feedthrough_net_wh
    assert delivered_wh == pytest.approx(later.feedthrough_power_w, abs=2), "over one hour"


async def test_two_panels_keep_their_books_apart(tmp_path: Path) -> None:
    home, shop = Bench(tmp_path), Bench(tmp_path, "shop", name="shop")
    await home.panel()
    await home.hub.aclose()
    shop.clock.advance(1)
    await shop.hub.once()
    await shop.hub.aclose()
    assert sorted(path.name for path in (tmp_path / "ledger").iterdir()) == ["span.home.json", "span.shop.json"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "ledger").iterdir())


async def test_without_history_nothing_of_it_is_on_the_disk(tmp_path: Path) -> None:
    bench = Bench(tmp_path, history=False)
    assert named(await bench.panel(), "Router and Alarm").energy_month_wh == 0
    await bench.hub.aclose()
    assert not (tmp_path / "ledger").exists()


async def test_values_nobody_documented_are_kept_out_of_the_numbers(bench: Bench) -> None:
    for name, value in (("nan", "all"), ("null-name", "all"), ("unknown-enum", "first"), ("door-unknown", None)):
        bench.fault(name, value)
    panel = await bench.panel()
    real = [circuit for circuit in panel.circuits if not circuit.virtual]
    assert {circuit.power_w for circuit in real} == {None}
    assert real[0].relay is Relay.UNKNOWN and real[1].relay is Relay.CLOSED
    assert all(circuit.name for circuit in real)
    json.dumps(document(bench.hub, ["span/home"], START), allow_nan=False)


@pytest.mark.parametrize(
    ("fault", "value", "words"),
    [
        ("html-200", None, "a web page (HTML) where JSON was due"),
        ("truncated", None, "JSON cut short"),
        ("cut-short", None, "/api/v1/"),
        ("oversize", None, "larger than 5 MB"),
        ("html-502", None, "502"),
        ("status", "503", "503"),
        ("circuits-500", None, "500"),
        ("close", None, "closed without an answer"),
        ("refuse", "5", "connect"),
        ("sunset", None, "404"),
    ],
)
async def test_a_broken_answer_is_a_failure_in_words_and_heals(
    bench: Bench, fault: str, value: str | None, words: str
) -> None:
    good = await bench.panel()
    bench.fault(fault, value)
    reading = await bench.poll()
    assert (reading.link, reading.snapshot) == (Link.STALE, good)
    assert words in reading.problem and "internal error" not in reading.problem
    assert bench.token not in reading.problem
    bench.simulator.clear_faults()
    assert (await bench.poll(30)).link is Link.LIVE


@pytest.mark.parametrize(("fault", "value"), [("hang", None), ("drip", "1")])
async def test_an_answer_slower_than_the_deadline_is_a_time_out(tmp_path: Path, fault: str, value: str | None) -> None:
    bench = Bench(tmp_path, timeout_s=0.05)
    if fault == "drip":
        # Real pauses: the deadline runs on the event loop's clock.
        bench.simulator._disturbance._sleep = _short_sleep
    bench.fault(fault, value)
    reading = await bench.poll()
    assert reading.link is Link.DOWN and "no complete answer in time" in reading.problem


async def _short_sleep(seconds: float) -> None:
    import anyio

    await anyio.sleep(min(seconds, 0.02))


# who may read


async def test_a_wrong_token_is_refused_and_says_what_to_do(bench: Bench) -> None:
    bench.source.config = bench.config.model_copy(update={"token": SecretRef(plain="not-the-token")})
    reading = await bench.poll()
    assert reading.link is Link.REFUSED
    assert "the panel does not know our token (401)" in reading.problem and "register again" in reading.problem
    assert "not-the-token" not in reading.problem


async def test_no_token_is_refused_before_anything_private_is_asked(tmp_path: Path) -> None:
    reading = await Bench(tmp_path, token=None).poll()
    assert reading.link is Link.REFUSED and "register first" in reading.problem


async def test_a_token_registered_meanwhile_is_taken_at_the_next_poll(tmp_path: Path) -> None:
    bench = Bench(tmp_path, token=None)
    await bench.poll()
    store_private(tmp_path / "tokens" / "span" / "home", bench.token + "\n")
    assert (await bench.poll()).link is Link.LIVE


@pytest.mark.parametrize("content", [b"two words", b"\xff\xfe", b"line\nbreak"])
async def test_a_spoilt_token_file_is_named_in_words(tmp_path: Path, content: bytes) -> None:
    bench = Bench(tmp_path, token=None)
    path = tmp_path / "tokens" / "span" / "home"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    reading = await bench.poll()
    assert reading.link is not Link.LIVE and "internal error" not in reading.problem
    assert "token" in reading.problem and str(path) in reading.problem
    assert "two words" not in reading.problem


async def test_a_secret_that_points_to_nothing_is_named_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_TOKEN", raising=False)
    reading = await Bench(tmp_path, token={"env": "NO_SUCH_TOKEN"}).poll()
    assert reading.link is not Link.LIVE and "NO_SUCH_TOKEN" in reading.problem


async def test_credentials_taken_away_keep_the_last_data_and_say_refused(bench: Bench) -> None:
    good = await bench.panel()
    bench.fault("revoke")
    reading = await bench.poll()
    assert (reading.link, reading.snapshot) == (Link.REFUSED, good)
    assert exit_code(bench.hub, ["span/home"]) == 3


# the network, on loopback


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def read_from(state_dir: Path, **settings: Any) -> Reading[PanelSnapshot]:
    config = SpanConfig(**{"name": "home", "token": SecretRef(plain="t"), "retries": 0, "timeout_s": 5.0, **settings})
    async with Hub([(SPAN, config)], state_dir=state_dir, keep_last=False) as hub:
        await hub.once()
        return hub.readings("span/home")[0]


async def test_a_host_where_nothing_listens_is_down_in_words(tmp_path: Path) -> None:
    reading = await read_from(tmp_path, host="127.0.0.1", port=closed_port())
    assert reading.link is Link.DOWN and "refused" in reading.problem and "is the port right" in reading.problem


async def test_a_name_that_cannot_be_found_is_down_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    reading = await read_from(tmp_path, host="panel.example")
    assert reading.link is Link.DOWN and "panel.example" in reading.problem
    assert "name" in reading.problem and "internal error" not in reading.problem


async def test_the_demo_opens_no_connection_to_anything_else(tmp_path: Path) -> None:
    config = SpanConfig(name="home", host="192.0.2.1", token=SecretRef(plain="t"), retries=0)
    async with Hub([(SPAN, config)], state_dir=tmp_path, demo_apps={}) as hub:
        await hub.once()
    assert "the demo opens no network connection" in hub.readings("span/home")[0].problem


# what control sees


async def test_facts_name_the_equipment_and_its_limits(bench: Bench) -> None:
    panel = await bench.panel()
    operable, lights = bench.source.operable, named(panel, "Kitchen Lights")
    facts = operable.facts("relay", lights.circuit_id)
    assert facts is not None
    assert (facts.source, facts.name, facts.place, facts.state) == ("span/home", "Kitchen Lights", "space 1", "closed")
    assert facts.identity == "nt-2143-demo1 spanos2/r202525/05" and facts.demo and facts.controllable
    priority = operable.facts("priority", lights.circuit_id)
    assert priority is not None and priority.state == "nice_to_have"
    always = operable.facts("relay", named(panel, "Router and Alarm").circuit_id)
    assert always is not None and not always.controllable and always.why_not.startswith("Always on")
    main = operable.facts("relay", "main")
    assert main is not None and not main.controllable and "never switched from here" in main.why_not
    virtual = next(circuit for circuit in panel.circuits if circuit.virtual)
    unmapped = operable.facts("relay", virtual.circuit_id)
    assert unmapped is not None and not unmapped.controllable and "no relay" in unmapped.why_not
    assert operable.facts("relay", "nobody") is None


async def test_a_read_back_is_fresh_and_remembers_what_the_circuit_drew(bench: Bench) -> None:
    lights = named(await bench.panel(), "Kitchen Lights")
    await bench.source.operable.send("relay", lights.circuit_id, "open")
    facts = await bench.source.operable.read_back("relay", lights.circuit_id)
    assert facts is not None and (facts.state, facts.power_w) == ("open", 0)
    before = bench.source.operable.facts("relay", lights.circuit_id)
    assert before is not None and before.state == "open"


async def test_no_facts_are_known_before_the_first_answer(bench: Bench) -> None:
    assert bench.source.operable.facts("relay", "main") is None


async def test_equal_readings_are_equal_so_that_nothing_is_drawn_twice(bench: Bench) -> None:
    panel = await bench.panel()
    newer = replace(panel.circuits[0], power_at=START)
    assert newer == panel.circuits[0] and replace(panel, uptime_s=7) == panel
