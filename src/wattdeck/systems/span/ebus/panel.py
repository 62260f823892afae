"""A v2 panel as one picture: from what a store holds to the model that v1 has too (span-v2.md 8, 9, 10)."""

from __future__ import annotations

from dataclasses import replace

from wattdeck.core.clock import Clock
from wattdeck.core.text import clean
from wattdeck.systems.span.ebus import circuits, figures, flat, tree
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
    Relay,
)

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
        flows = figures.Flows(parts.flows)
        build = firmware_build(panel.text("firmware"))
        spaces = self._spaces or figures.spaces(panel.text("model"), made)
        snapshot = PanelSnapshot(
            serial=self.store.serial,
            firmware=panel.text("firmware"),
            model=panel.text("model"),
            door=_DOORS.get(panel.word("door"), Door.UNKNOWN),
            main_relay=circuits.RELAYS.get(panel.word("main_relay"), Relay.UNKNOWN),
            grid_power_w=figures.grid_w(flows, feed),
            feedthrough_power_w=figures.sub_panel_w(self.model, sub_panel, feed, made, build),
            house_load_w=flows.site_w,
            generation_w=figures.generation_w(made),
            battery_percent=figures.charge_percent(parts.batteries),
            main_consumed_wh=figures.number(feed, "imported"),
            main_produced_wh=figures.number(feed, "exported"),
            circuits=made,
            ethernet=panel.boolean("ethernet"),
            wifi=panel.boolean("wifi"),
            solar_w=figures.solar_w(flows, parts, made),
            data_model=self.model,
            data_model_version=clean(panel.text("model_version"), 20) if self.model is DataModel.TREE else "",
            hardware=panel.text("hardware"),
            spaces=spaces,
            main_rating_a=panel.number("main_rating"),
            feed_power_w=figures.number(feed, "power"),
            battery_power_w=figures.battery_w(flows, parts.batteries, build),
            leg_voltage_v=(panel.number("voltage_a"), panel.number("voltage_b")),
            leg_current_a=(figures.number(feed, "current_a"), figures.number(feed, "current_b")),
            islanded=self._islanded(parts),
            dominant_source=self._dominant(parts),
            cloud={"connected": True, "unconnected": False}.get(panel.word("cloud")),
            batteries=tuple(self._battery(part) for part in parts.batteries),
            inverters=tuple(self._inverter(part) for part in parts.inverters),
            chargers=tuple(self._charger(part) for part in parts.chargers),
            pcs=figures.pcs(parts.pcs),
            forecast=figures.forecast(parts.forecast),
        )
        for device in self.store.devices.values():
            device.dirty.clear()
        return snapshot

    def _circuits(self, parts: Parts) -> tuple[Circuit, ...]:
        """By space, then by id; those without a space last."""
        now_s = self._clock.monotonic()
        wall = circuits.wall_clock(self._clock.now(), now_s)
        feeds = figures.flat_feeds(parts) if self.model is DataModel.FLAT else {}
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
