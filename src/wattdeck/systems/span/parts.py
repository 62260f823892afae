"""The panel itself and what hangs on it, as facts in words: for the panel's pane and for text. Knows no widget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wattdeck.core.language import tr, tr_as
from wattdeck.core.lines import Line, cell_width, cut, fit, wrap
from wattdeck.core.units import energy, number, percent, power
from wattdeck.systems.span.models import (
    Battery,
    Charger,
    DataModel,
    Inverter,
    PanelSnapshot,
    PowerControl,
    ShedForecast,
)
from wattdeck.systems.span.partwords import (
    charger_words,
    constraint_words,
    flow_words,
    model_words,
    reach_words,
    source_words,
)
from wattdeck.systems.span.spaces import free_words
from wattdeck.systems.span.words import door_words, name_words, relay_words

NAME_CELLS = 60
"""The longest name of a device that is shown."""
FEED_SKEW_W, FEED_SKEW_SHARE = 50.0, 0.05
"""By how much two meters of the same power may differ; the larger counts (span-v2.md 8.3)."""


@dataclass(frozen=True, slots=True)
class Section:
    """Facts that belong together: a title, and a label and a value each."""

    title: str
    facts: tuple[tuple[str, str], ...]


def sections(snapshot: PanelSnapshot) -> list[Section]:
    """Everything known of a panel but its circuits. Facts that the panel does not report are left out."""
    found = [
        Section(tr("Panel {serial}", serial=cut(snapshot.serial, NAME_CELLS)), tuple(_panel(snapshot))),
        Section(tr("Service entrance"), tuple(_entrance(snapshot))),
    ]
    found += [Section(_titled(tr("Battery"), each), tuple(_battery(snapshot, each))) for each in snapshot.batteries]
    found += [Section(_titled(tr("Charger"), each), tuple(_charger(snapshot, each))) for each in snapshot.chargers]
    found += [Section(_titled(tr("Inverter"), each), tuple(_inverter(snapshot, each))) for each in snapshot.inverters]
    if snapshot.pcs is not None:
        found.append(Section(tr("Power control (PCS)"), tuple(_pcs(snapshot.pcs))))
    if snapshot.forecast is not None:
        found.append(Section(tr("Without the grid"), tuple(_forecast(snapshot.forecast))))
    return [section for section in found if section.facts]


def section_lines(found: Sequence[Section], width: int) -> list[Line]:
    """The facts in lines of at most `width` cells."""
    labels = [cell_width(label) for section in found for label, _ in section.facts]
    at = min(max(labels, default=0) + 1, width // 2)
    lines: list[Line] = []
    for section in found:
        lines += (
            [(), ((cut(section.title, width), "heading"),)] if lines else [((cut(section.title, width), "heading"),)]
        )
        for label, value in section.facts:
            first, *more = wrap(value, width - at)
            lines += [((fit(label, at), "label"), *first), *(((" " * at, "label"), *line) for line in more)]
    return lines


def battery_percent(snapshot: PanelSnapshot) -> float | None:
    """How full the batteries are together, %; those of unknown size count alike. None: not known of all."""
    if snapshot.battery_percent is not None:
        return snapshot.battery_percent
    charges = [battery.soc_percent for battery in snapshot.batteries]
    sizes = [battery.capacity_kwh for battery in snapshot.batteries]
    known = [charge for charge in charges if charge is not None]
    if not known or len(known) < len(charges):
        return None
    weights = [size for size in sizes if size]
    if len(weights) < len(known):
        return sum(known) / len(known)
    return sum(charge * weight for charge, weight in zip(known, weights, strict=True)) / sum(weights)


def _panel(snapshot: PanelSnapshot) -> Iterator[tuple[str, str]]:
    model = [snapshot.model]
    if snapshot.hardware:
        model.append(tr("hardware {version}", version=snapshot.hardware))
    yield tr("model"), ", ".join(filter(None, model)) or "–"
    yield tr("firmware"), snapshot.firmware or "–"
    yield tr("protocol"), model_words(snapshot)
    if snapshot.spaces:
        free = free_words(snapshot) if snapshot.data_model is not DataModel.V1 else ""
        yield tr("spaces"), ", ".join(filter(None, [number(snapshot.spaces), free]))
    yield tr("door"), door_words(snapshot.door)
    links = {
        tr("Ethernet"): snapshot.ethernet,
        tr("Wi-Fi"): snapshot.wifi,
        tr("cellular"): snapshot.cellular,
        tr("cloud"): snapshot.cloud,
    }
    told = [f"{name} {_yes(link)}" for name, link in links.items() if link is not None]
    if told:
        yield tr("links"), ", ".join(told)


def _entrance(snapshot: PanelSnapshot) -> Iterator[tuple[str, str]]:
    yield tr("main relay"), relay_words(snapshot.main_relay)
    used_a = max((amps for amps in snapshot.leg_current_a if amps is not None), default=None)
    if snapshot.main_rating_a:
        share = tr("{percent} in use", percent=percent(used_a / snapshot.main_rating_a)) if used_a is not None else ""
        yield tr("rating"), ", ".join(filter(None, [f"{number(snapshot.main_rating_a)} A", share]))
    for name, volts, amps in zip(("L1", "L2"), snapshot.leg_voltage_v, snapshot.leg_current_a, strict=False):
        parts = [
            f"{number(volts, 1)} V" if volts is not None else "",
            f"{number(amps, 1)} A" if amps is not None else "",
        ]
        if any(parts):
            yield name, ", ".join(filter(None, parts))
    if snapshot.islanded is not None:
        yield tr("supply"), tr("cut off from the grid") if snapshot.islanded else tr("on the grid")
    as_usual = snapshot.islanded is False and snapshot.dominant_source == "grid"
    if (source := source_words(snapshot.dominant_source)) and not as_usual:
        yield tr("carried by"), source
    yield tr("grid"), _flow(snapshot.grid_power_w)
    feed_w = snapshot.feed_power_w
    if feed_w is not None and not _is_grid(feed_w, snapshot.grid_power_w):
        yield tr("panel feed"), _flow(feed_w)
    if snapshot.feedthrough_power_w is not None:
        yield tr("sub-panel"), power(snapshot.feedthrough_power_w)
    yield tr("consumed"), f"{energy(snapshot.main_consumed_wh)} kWh"
    yield tr("produced"), f"{energy(snapshot.main_produced_wh)} kWh"
    if snapshot.main_offset_wh:
        added = tr("{energy} kWh, because the panel's counter fell", energy=energy(snapshot.main_offset_wh))
        yield tr("added"), added


def _is_grid(feed_w: float, grid_w: float | None) -> bool:
    """Whether nothing lies between the grid and the panel, as far as two meters read one after the other tell."""
    return grid_w is not None and abs(feed_w - grid_w) <= max(FEED_SKEW_W, FEED_SKEW_SHARE * abs(grid_w))


def _battery(snapshot: PanelSnapshot, battery: Battery) -> Iterator[tuple[str, str]]:
    yield from _device(battery)
    held = f"{number(battery.energy_kwh, 1)} kWh" if battery.energy_kwh is not None else ""
    if battery.capacity_kwh is not None:
        size = number(battery.capacity_kwh, 1)
        held = tr("{held} of {size} kWh", held=number(battery.energy_kwh, 1), size=size)
    charge = f"{number(battery.soc_percent)} %" if battery.soc_percent is not None else ""
    yield tr("charge"), ", ".join(filter(None, [charge, held])) or "–"
    if snapshot.battery_power_w is not None:
        flow = f"{power(abs(snapshot.battery_power_w))} {flow_words(snapshot.battery_power_w)}"
        yield tr("power"), tr("{power}, all batteries", power=flow) if len(snapshot.batteries) > 1 else flow
    if battery.live and (link := reach_words(battery.link)):
        yield tr("link"), link
    if (circuit := snapshot.circuit(battery.circuit_id)) is not None:
        yield tr("circuit"), name_words(circuit)


def _charger(snapshot: PanelSnapshot, charger: Charger) -> Iterator[tuple[str, str]]:
    yield from _device(charger)
    yield tr("state"), charger_words(charger) or "–"
    if charger.offered_a is not None:
        yield tr("offered"), f"{number(charger.offered_a, 1)} A"
    if charger.user_limit_a is not None:
        yield tr("ceiling"), tr("{set} of {most} A", set=number(charger.user_limit_a), most=number(charger.most_a))
    elif charger.most_a is not None:
        yield tr("ceiling"), f"{number(charger.most_a)} A"
    if charger.lock:
        words = {"locked": tr_as("charger", "locked"), "unlocked": tr_as("charger", "unlocked")}
        yield tr("plug"), words.get(charger.lock, charger.lock)
    yield from _circuit(snapshot, charger.circuit_id)


def _inverter(snapshot: PanelSnapshot, inverter: Inverter) -> Iterator[tuple[str, str]]:
    yield from _device(inverter)
    if inverter.rated_w is not None:
        yield tr("rated"), power(inverter.rated_w)
    if inverter.circuit_id:
        yield from _circuit(snapshot, inverter.circuit_id)
    elif inverter.position == "upstream":
        yield tr("circuit"), tr("none: it feeds in before the panel")


def _pcs(pcs: PowerControl) -> Iterator[tuple[str, str]]:
    if pcs.enabled is not None:
        yield tr("enabled"), _yes(pcs.enabled)
    if pcs.active is not None:
        yield tr("shedding"), _yes(pcs.active)
    if pcs.import_limit_a is not None:
        set_by = constraint_words(pcs.constraint)
        limit = f"{number(pcs.import_limit_a)} A"
        yield tr("limit"), tr("{limit}, set by: {cause}", limit=limit, cause=set_by) if set_by else limit


def _forecast(forecast: ShedForecast) -> Iterator[tuple[str, str]]:
    if forecast.total_min is not None:
        yield tr("battery lasts"), _hours(forecast.total_min)
    if forecast.to_shed_min is not None:
        yield tr("sheds in"), _hours(forecast.to_shed_min)
    if forecast.confidence:
        known = {"low": tr_as("sure", "low"), "medium": tr_as("sure", "medium"), "high": tr_as("sure", "high")}
        yield tr("certainty"), known.get(forecast.confidence, forecast.confidence)


def _titled(kind: str, device: Battery | Charger | Inverter) -> str:
    """`Battery  Tesla Powerwall 2 AC`; its serial where it has no name."""
    name = cut(" ".join(filter(None, [device.vendor, device.model])), NAME_CELLS)
    return f"{kind}  {name or device.serial}".rstrip()


def _device(device: Battery | Charger | Inverter) -> Iterator[tuple[str, str]]:
    if not device.live:
        yield tr("link"), tr("not heard from; what stands here is the last known")
    if device.serial:
        yield tr("serial"), device.serial


def _circuit(snapshot: PanelSnapshot, circuit_id: str) -> Iterator[tuple[str, str]]:
    """The circuit a device hangs on, whose power is its own."""
    if (circuit := snapshot.circuit(circuit_id)) is not None:
        yield tr("circuit"), name_words(circuit)
        yield tr("power"), power(circuit.power_w)


def _flow(power_w: float | None) -> str:
    """Power with its direction in a word; positive = in."""
    words = power(power_w, plus=True)
    if power_w is None or round(power_w) == 0:
        return words
    return f"{words} {tr_as('flow', 'import') if power_w > 0 else tr_as('flow', 'export')}"


def _yes(value: bool | None) -> str:
    return "–" if value is None else tr("yes") if value else tr("no")


def _hours(minutes: int) -> str:
    """`50 h 37 min`."""
    hours, rest = divmod(max(0, minutes), 60)
    return f"{number(hours)} h {rest} min" if hours else f"{rest} min"
