"""A v2 panel as one picture: from what a store holds to the model that v1 has too (span-v2.md 8, 9, 10)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from wattdeck.core.clock import Clock
from wattdeck.systems.span.ebus import circuits, flat, tree
from wattdeck.systems.span.ebus.firmware import firmware_build
from wattdeck.systems.span.ebus.parts import Part, Parts
from wattdeck.systems.span.ebus.store import EbusStore
from wattdeck.systems.span.models import (
    Battery,
    Charger,
    Circuit,
    DataModel,
    Door,
    Inverter,
    PanelSnapshot,
    PowerControl,
    Relay,
    ShedForecast,
)

SUB_PANEL_METER_BUILD = 202621
"""From this firmware on the downstream lugs measure what they should (span-v2.md 1)."""
DISCHARGE_POSITIVE_BUILD = 202639
"""From this firmware on a battery's own meter is positive when it discharges (span-v2.md 8.1)."""
REPORT_STEP_S = 10.0
"""When a circuit was last reported is kept this fine: values that do not change are then not built anew."""

_DOORS = {"open": Door.OPEN, "closed": Door.CLOSED}
_ISLANDED = {"off_grid": True, "on_grid": False}
_SOURCES = {"grid": False, "battery": True, "pv": True, "generator": True}


class PanelView:
    """Makes snapshots of a store, and builds anew only what was reported.

    Args:
        store: Filled meanwhile by whoever reads the stream.
        model: How the store is to be read.
        clock: For the time of the last report.
        spaces: Size of the panel where the schema says so.
    """

    def __init__(self, store: EbusStore, model: DataModel, clock: Clock, spaces: int | None = None) -> None:
        self.store = store
        self.model = model
        self._clock = clock
        self._spaces = spaces
        self._structure = -1
        self._parts: Parts | None = None
        self._feeds: dict[str, str] = {}
        self._carriers: dict[str, str] = {}
        """Device -> the circuit that names it as what hangs on it (tree)."""
        self._built: dict[str, tuple[float, Circuit]] = {}

    @property
    def parts(self) -> Parts:
        """What there is, found anew when a description or state changed."""
        if self._parts is None or self._structure != self.store.structure:
            self._structure = self.store.structure
            self._parts = (flat if self.model is DataModel.FLAT else tree).find(self.store)
            self._built.clear()
        return self._parts

    def circuit_part(self, circuit_id: str) -> Part | None:
        """The circuit of that id, or None."""
        return next((part for part in self.parts.circuits if part.id == circuit_id), None)

    def snapshot(self) -> PanelSnapshot:
        """Everything known now."""
        parts = self.parts
        made = self._circuits(parts)
        self._carriers = {part.text("feeds"): part.id for part in reversed(parts.circuits)}
        panel, feed, sub_panel = parts.panel, parts.feed, parts.sub_panel
        flows = Flows(parts.flows)
        build = firmware_build(panel.text("firmware"))
        spaces = self._spaces or _spaces(panel.text("model"), made)
        snapshot = PanelSnapshot(
            serial=self.store.serial,
            firmware=panel.text("firmware"),
            model=panel.text("model"),
            door=_DOORS.get(panel.word("door"), Door.UNKNOWN),
            main_relay=circuits.RELAYS.get(panel.word("main_relay"), Relay.UNKNOWN),
            grid_power_w=_grid_w(flows, feed),
            feedthrough_power_w=self._sub_panel_w(sub_panel, feed, made, build),
            house_load_w=flows.site_w,
            generation_w=_generation_w(made),
            battery_percent=_charge_percent(parts.batteries),
            main_consumed_wh=_number(feed, "imported"),
            main_produced_wh=_number(feed, "exported"),
            circuits=made,
            ethernet=panel.boolean("ethernet"),
            wifi=panel.boolean("wifi"),
            solar_w=_solar_w(flows, parts, made),
            data_model=self.model,
            hardware=panel.text("hardware"),
            spaces=spaces,
            main_rating_a=panel.number("main_rating"),
            feed_power_w=_number(feed, "power"),
            battery_power_w=_battery_w(flows, parts.batteries, build),
            leg_voltage_v=(panel.number("voltage_a"), panel.number("voltage_b")),
            leg_current_a=(_number(feed, "current_a"), _number(feed, "current_b")),
            islanded=self._islanded(parts),
            dominant_source=self._dominant(parts),
            cloud={"connected": True, "unconnected": False}.get(panel.word("cloud")),
            batteries=tuple(self._battery(part) for part in parts.batteries),
            inverters=tuple(self._inverter(part) for part in parts.inverters),
            chargers=tuple(self._charger(part) for part in parts.chargers),
            pcs=_pcs(parts.pcs),
            forecast=_forecast(parts.forecast),
        )
        for device in self.store.devices.values():
            device.dirty.clear()
        return snapshot

    def _circuits(self, parts: Parts) -> tuple[Circuit, ...]:
        """By space, then by id; those without a space last."""
        now_s = self._clock.monotonic()
        wall = circuits.wall_clock(self._clock.now(), now_s)
        feeds = _flat_feeds(parts) if self.model is DataModel.FLAT else {}
        if feeds != self._feeds:
            self._feeds = feeds
            self._built.clear()
        made = []
        for part in parts.circuits:
            kept = self._built.get(part.id)
            touched_s = part.touched_s or 0.0
            if kept is None or part.dirty:
                kept = touched_s, circuits.build(part, self.model, feeds.get(part.id, ""), wall)
                self._built[part.id] = kept
            elif touched_s - kept[0] >= REPORT_STEP_S:
                kept = touched_s, replace(kept[1], reported_at=wall(touched_s))
                self._built[part.id] = kept
            made.append(kept[1])
        made.sort(key=lambda circuit: (circuit.tabs or (10_000,), circuit.circuit_id))
        return tuple(made)

    def _sub_panel_w(
        self, sub_panel: Part | None, feed: Part | None, made: tuple[Circuit, ...], build: int
    ) -> float | None:
        """To the sub-panel, W: measured, or what the other meters leave where the measurement is known to be wrong."""
        if sub_panel is None:
            return None
        if self.model is DataModel.TREE or build >= SUB_PANEL_METER_BUILD:
            return sub_panel.number("power")
        feed_w = _number(feed, "power")
        powers = [circuit.power_w for circuit in counted_once(made)]
        if feed_w is None or None in powers:
            return None
        return feed_w - sum(power for power in powers if power is not None)

    def _islanded(self, parts: Parts) -> bool | None:
        """Whether the house carries itself (span-v2.md 8.4)."""
        if self.model is DataModel.TREE:
            said = [parts.panel.word("asserted"), *(part.word("islanding") for part in parts.islanding)]
            return next((_ISLANDED[word] for word in said if word in _ISLANDED), None)
        for part in parts.batteries:
            if part.word("grid_state") in _ISLANDED:
                return _ISLANDED[part.word("grid_state")]
        return _SOURCES.get(parts.panel.word("dominant"))

    def _dominant(self, parts: Parts) -> str:
        """What carries the house: said by the flat model, derived from the islanding switch in the tree."""
        if self.model is DataModel.FLAT:
            return parts.panel.word("dominant")
        islanded = self._islanded(parts)
        if islanded is None:
            return ""
        if not islanded:
            return "grid"
        formers = {part.text("former") for part in parts.islanding}
        if any(part.id in formers for part in parts.batteries):
            return "battery"
        return "pv" if any(part.id in formers for part in parts.inverters) else "unknown"

    def _linked(self, part: Part) -> str:
        """The circuit a part hangs on: it says so itself (flat), or the circuit names it (tree)."""
        if self.model is DataModel.FLAT:
            feed = part.text("feed")
            return feed if self.circuit_part(feed) is not None else ""
        return self._carriers.get(part.id, "")

    def _battery(self, part: Part) -> Battery:
        link = part.word("link")
        if self.model is DataModel.FLAT:
            connected = part.boolean("connected")
            link = "" if connected is None else "ok" if connected else "lost"
        return Battery(
            device_id=part.id,
            serial=part.text("serial"),
            vendor=part.text("vendor"),
            model=part.text("model"),
            soc_percent=part.number("soc"),
            energy_kwh=part.number("energy"),
            capacity_kwh=part.number("capacity"),
            link=link,
            circuit_id=self._linked(part),
            live=part.live,
        )

    def _inverter(self, part: Part) -> Inverter:
        return Inverter(
            device_id=part.id,
            serial=part.text("serial"),
            vendor=part.text("vendor"),
            model=part.text("model"),
            rated_w=part.number("rated"),
            position=part.word("position"),
            circuit_id=self._linked(part),
            live=part.live,
        )

    def _charger(self, part: Part) -> Charger:
        most_a, limit_a = part.number("most"), part.number("user_limit")
        return Charger(
            device_id=part.id,
            serial=part.text("serial"),
            vendor=part.text("vendor"),
            model=part.text("model") or part.text("part_number"),
            status=part.word("status"),
            lock=part.word("lock"),
            offered_a=part.number("offered"),
            # A ceiling as high as the charger goes is what a person who set none leaves behind (span-v2.md 6.4).
            user_limit_a=None if limit_a == most_a else limit_a,
            most_a=most_a,
            circuit_id=self._linked(part),
            live=part.live,
        )


class Flows:
    """The panel's own balance, W, in our signs; a member that is not reported is unknown (span-v2.md 8.2)."""

    def __init__(self, part: Part | None) -> None:
        self.import_w = _negated(_number(part, "grid"))
        self.solar_w = _negated(_number(part, "pv"))
        self.discharge_w = _negated(_number(part, "battery"))
        self.site_w = _number(part, "site")


def counted_once(made: Iterable[Circuit]) -> Iterator[Circuit]:
    """Circuits for sums: of those behind one meter only the first (span-v2.md 6.4)."""
    seen: set[str] = set()
    for circuit in made:
        if circuit.circuit_id not in seen:
            seen.update(circuit.shared_with)
            yield circuit


def _number(part: Part | None, name: str) -> float | None:
    return None if part is None else part.number(name)


def _negated(value: float | None) -> float | None:
    return None if value is None else 0.0 - value


def _grid_w(flows: Flows, feed: Part | None) -> float | None:
    """From the grid: the panel's balance, else what enters it, unless something else than the grid feeds it."""
    if flows.import_w is not None or feed is None or feed.text("fed_by"):
        return flows.import_w
    return feed.number("power")


def _generation_w(made: tuple[Circuit, ...]) -> float | None:
    powers = [circuit.power_w for circuit in counted_once(made)]
    if not powers or None in powers:
        return None
    return -sum(power for power in powers if power is not None and power < 0) + 0.0


def _solar_w(flows: Flows, parts: Parts, made: tuple[Circuit, ...]) -> float | None:
    """What the sun gives; None where there is no inverter to speak of."""
    if flows.solar_w is not None:
        return flows.solar_w if parts.inverters or flows.solar_w else None
    powers = [circuit.power_w for circuit in counted_once(made) if circuit.feeds == "pv"]
    if not powers or None in powers:
        return None
    return sum(max(-power, 0.0) for power in powers if power is not None)


def _battery_w(flows: Flows, batteries: list[Part], build: int) -> float | None:
    """Discharge: the panel's balance, else the battery's own meter, whose sign depends on the firmware."""
    if flows.discharge_w is not None:
        return flows.discharge_w if batteries or flows.discharge_w else None
    powers = [part.number("power") for part in batteries]
    if not powers or None in powers:
        return None
    total_w = sum(power for power in powers if power is not None)
    return total_w if build >= DISCHARGE_POSITIVE_BUILD else 0.0 - total_w


def _charge_percent(batteries: list[Part]) -> int | None:
    """Charge of all batteries together, weighed by what they hold."""
    known = [(part.number("soc"), part.number("capacity") or 0.0) for part in batteries]
    charges = [(soc, capacity) for soc, capacity in known if soc is not None]
    if not charges:
        return None
    if all(capacity > 0 for _, capacity in charges):
        percent = sum(soc * capacity for soc, capacity in charges) / sum(capacity for _, capacity in charges)
    else:
        percent = sum(soc for soc, _ in charges) / len(charges)
    return round(max(0.0, min(100.0, percent)))


def _flat_feeds(parts: Parts) -> dict[str, str]:
    """Circuit -> what hangs on it, as the flat model's other nodes say."""
    kinds = (("bess", parts.batteries), ("pv", parts.inverters), ("evse", parts.chargers))
    return {part.text("feed"): kind for kind, found in kinds for part in found if part.text("feed")}


def _pcs(part: Part | None) -> PowerControl | None:
    if part is None:
        return None
    constraint = part.word("constraint")
    found = PowerControl(part.boolean("enabled"), part.boolean("active"), part.number("limit"), constraint)
    return found if found != PowerControl() else None


def _forecast(part: Part | None) -> ShedForecast | None:
    if part is None:
        return None
    found = ShedForecast(part.integer("total"), part.integer("to_shed"), part.word("confidence"))
    return found if found != ShedForecast() else None


def _spaces(model: str, made: tuple[Circuit, ...]) -> int | None:
    """Size of the panel: the number in its model's name, else the highest space in use."""
    named = re.search(r"_(\d{1,3})$", model)
    if named is not None:
        return int(named.group(1))
    return max((tab for circuit in made for tab in circuit.tabs), default=None)
