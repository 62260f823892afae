"""A v2 panel's own figures: its balance, its batteries, its limits, in our signs (span-v2.md 5.3, 8)."""

from __future__ import annotations

import re

from wattdeck.systems.span.ebus.parts import Part, Parts
from wattdeck.systems.span.models import Circuit, DataModel, PowerControl, ShedForecast, counted_once

SUB_PANEL_METER_BUILD = 202621
"""From this firmware on the downstream lugs measure what they should (span-v2.md 1)."""
DISCHARGE_POSITIVE_BUILD = 202639
"""From this firmware on a battery's own meter is positive when it discharges (span-v2.md 8.1)."""


class Flows:
    """The panel's own balance, W, in our signs; a member that is not reported is unknown (span-v2.md 8.2)."""

    def __init__(self, part: Part | None) -> None:
        self.import_w = _negated(number(part, "grid"))
        self.solar_w = _negated(number(part, "pv"))
        self.discharge_w = _negated(number(part, "battery"))
        self.site_w = number(part, "site")


def number(part: Part | None, name: str) -> float | None:
    """A number of a part that may not be there."""
    return None if part is None else part.number(name)


def _negated(value: float | None) -> float | None:
    return None if value is None else 0.0 - value


def sub_panel_w(
    model: DataModel, sub_panel: Part | None, feed: Part | None, made: tuple[Circuit, ...], build: int
) -> float | None:
    """To the sub-panel, positive = out: measured, or what the other meters leave where that is known to be wrong."""
    if sub_panel is None:
        return None
    if model is DataModel.TREE or build >= SUB_PANEL_METER_BUILD:
        return sub_panel.number("power")
    feed_w = number(feed, "power")
    powers = [circuit.power_w for circuit in counted_once(made)]
    if feed_w is None or None in powers:
        return None
    return feed_w - sum(power for power in powers if power is not None)


def grid_w(flows: Flows, feed: Part | None) -> float | None:
    """Positive = import: the panel's balance, else what enters it, unless something else than the grid feeds it."""
    if flows.import_w is not None or feed is None or feed.text("fed_by"):
        return flows.import_w
    return feed.number("power")


def generation_w(made: tuple[Circuit, ...]) -> float | None:
    """What circuits feed in, W, positive; None while the power of one is unknown."""
    powers = [circuit.power_w for circuit in counted_once(made)]
    if not powers or None in powers:
        return None
    return -sum(power for power in powers if power is not None and power < 0) + 0.0


def solar_w(flows: Flows, parts: Parts, made: tuple[Circuit, ...]) -> float | None:
    """What the sun gives, positive; None where there is no inverter to speak of."""
    if flows.solar_w is not None:
        return flows.solar_w if parts.inverters or flows.solar_w else None
    powers = [circuit.power_w for circuit in counted_once(made) if circuit.feeds == "pv"]
    if not powers or None in powers:
        return None
    return sum(max(-power, 0.0) for power in powers if power is not None)


def battery_w(flows: Flows, batteries: list[Part], build: int) -> float | None:
    """Positive = discharging: the panel's balance, else the battery's own meter, whose sign goes by the firmware."""
    if flows.discharge_w is not None:
        return flows.discharge_w if batteries or flows.discharge_w else None
    powers = [part.number("power") for part in batteries]
    if not powers or None in powers:
        return None
    total_w = sum(power for power in powers if power is not None)
    return total_w if build >= DISCHARGE_POSITIVE_BUILD else 0.0 - total_w


def charge_percent(batteries: list[Part]) -> int | None:
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


def flat_feeds(parts: Parts) -> dict[str, str]:
    """Circuit -> what hangs on it, as the flat model's other nodes say."""
    kinds = (("bess", parts.batteries), ("pv", parts.inverters), ("evse", parts.chargers))
    return {part.text("feed"): kind for kind, found in kinds for part in found if part.text("feed")}


def pcs(part: Part | None) -> PowerControl | None:
    """The power control system; None where nothing of it is told."""
    if part is None:
        return None
    constraint = part.word("constraint")
    found = PowerControl(part.boolean("enabled"), part.boolean("active"), part.number("limit"), constraint)
    return found if found != PowerControl() else None


def forecast(part: Part | None) -> ShedForecast | None:
    """How long the battery lasts; None where nothing of it is told."""
    if part is None:
        return None
    found = ShedForecast(part.integer("total"), part.integer("to_shed"), part.word("confidence"))
    return found if found != ShedForecast() else None


def spaces(model: str, made: tuple[Circuit, ...]) -> int | None:
    """Size of the panel: the number in its model's name, else the highest space in use."""
    named = re.search(r"_(\d{1,3})$", model)
    if named is not None:
        return int(named.group(1))
    return max((tab for circuit in made for tab in circuit.tabs), default=None)
