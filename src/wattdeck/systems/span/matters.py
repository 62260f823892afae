"""A panel in the few numbers that matter, for the overview: what is abnormal first, then grid, house, battery, sun."""

from __future__ import annotations

from collections.abc import Iterator

from wattdeck.core.language import plural, tr, tr_as
from wattdeck.core.matters import Figure, Matters
from wattdeck.core.reading import Link, Reading
from wattdeck.core.units import number, power
from wattdeck.systems.span.models import Door, PanelSnapshot, Relay
from wattdeck.systems.span.parts import battery_percent

TREND_KEY = "grid"


def matters(reading: Reading[PanelSnapshot]) -> Matters:
    """The panel's numbers; none while it is down, because an old load is no load."""
    if reading.snapshot is None or reading.link in (Link.DOWN, Link.REFUSED):
        return Matters(trend_key=TREND_KEY)
    return Matters((*_abnormal(reading.snapshot), *_numbers(reading.snapshot)), TREND_KEY)


def _abnormal(snapshot: PanelSnapshot) -> Iterator[Figure]:
    """What should not stay so. Open relays of circuits are everyday and not among it."""
    if snapshot.main_relay is Relay.OPEN:
        yield Figure(tr("Main"), tr_as("relay", "open"), tr("main relay open"), "severity-high")
    elif snapshot.off_grid:
        yield Figure(tr("Grid"), tr("away"), tr("off grid"), "severity-high")
    faults = sum(circuit.requester == "fault" and circuit.relay is Relay.OPEN for circuit in snapshot.circuits)
    if faults:
        words = plural("{count} circuit opened on a fault", "{count} circuits opened on a fault", faults)
        yield Figure(tr("Fault"), str(faults), words, "severity-high")
    if snapshot.pcs is not None and snapshot.pcs.active:
        yield Figure(tr("PCS"), tr("sheds"), tr("PCS sheds"), "severity-medium")
    if any(battery.link == "lost" or not battery.live for battery in snapshot.batteries):
        yield Figure(tr("Battery"), tr_as("reach", "lost"), tr("battery out of reach"), "severity-medium")
    if snapshot.door is Door.OPEN:
        yield Figure(tr("Door"), tr_as("door", "open"), tr("door open"), "severity-medium")


def _numbers(snapshot: PanelSnapshot) -> Iterator[Figure]:
    house = power(snapshot.house_load_w)
    yield Figure(tr("Grid"), power(snapshot.grid_power_w, plus=True))
    yield Figure(tr("House"), house, tr("{power} house", power=house))
    if (charge := battery_percent(snapshot)) is not None:
        yield Figure(tr("Battery"), f"{number(charge)} %")
    if snapshot.solar_w is not None:
        made = power(snapshot.solar_w)
        yield Figure(tr("Solar"), made, tr("{power} solar", power=made))
    elif snapshot.generation_w is not None and round(snapshot.generation_w) > 0:
        made = power(snapshot.generation_w)
        yield Figure(tr("Generation"), made, tr("{power} fed in", power=made))
