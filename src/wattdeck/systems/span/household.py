"""Who lives behind a simulated panel: the households, and what an electrician built for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from wattdeck.systems.span.loads import (
    ALWAYS_ON,
    COFFEE_MACHINE,
    DISHWASHER,
    DISPLAY_FRIDGE,
    DRYER,
    EV,
    HVAC,
    INVERTER,
    LIGHTING,
    MUST_HAVE,
    NICE_TO_HAVE,
    OUTDOOR_LIGHTING,
    OUTLETS,
    OVEN,
    POOL_PUMP,
    RANGE,
    REFRIGERATOR,
    SHOP_HVAC,
    SHOP_LIGHTING,
    SHOP_OUTLETS,
    SUB_PANEL,
    WALK_IN_COOLER,
    WASHER,
    WATER_HEATER,
    Load,
    Template,
)
from wattdeck.systems.span.simulated.equipment import Charger, Equipment, Sibling, Solar, Storage


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery behind a two-space breaker. Positive power = discharging, as the panel sees it."""

    tabs: tuple[int, ...]
    """Empty: it hangs upstream of the panel, between the service entrance and the lugs."""
    capacity_wh: float = 13500.0
    max_power_w: float = 5000.0
    surge_power_w: float = 10000.0
    """What the inverter carries for a while when it feeds the house alone."""
    reserve: float = 0.2
    """Share of the charge kept for an outage."""
    efficiency: float = 0.95


@dataclass(frozen=True, slots=True)
class Household:
    """What hangs on one panel."""

    serial: str
    loads: Sequence[Load]
    solar_tabs: tuple[int, ...] = ()
    """Spaces of the inverter; no circuit owns them (span.md 7.3)."""
    solar_peak_w: float = 5200.0
    battery: Battery | None = None
    sub_panel: Template | None = None
    """What hangs on the feedthrough lugs."""
    firmware: str = "spanos2/r202525/05"
    wifi: Sequence[str] = field(default=("demo-network", "demo-guests"))
    spaces: int = 32
    """The highest space of the panel."""
    first_space: int = 1
    tandems: Mapping[int, int] = field(default_factory=dict)
    """Tabs past the last space, which stand for a second breaker in a space: tab -> space."""
    equipment: Equipment = field(default_factory=Equipment)

    @property
    def tabs(self) -> int:
        """Metering points: a space each, and one for each second breaker in a space."""
        return self.spaces + len(self.tandems)

    def spaces_of(self, tabs: Sequence[int]) -> tuple[int, ...]:
        """Where these tabs are in the panel."""
        return tuple(self.tandems.get(tab, tab) for tab in tabs)


HOME = Household(
    serial="nt-2143-demo1",
    loads=(
        Load("Kitchen Lights", (1,), LIGHTING, NICE_TO_HAVE),
        Load("Heat Pump", (2, 4), HVAC),
        Load("Living Room Outlets", (3,), OUTLETS, NICE_TO_HAVE),
        Load("Router and Alarm", (5,), ALWAYS_ON, MUST_HAVE, controllable=False),
        Load("Refrigerator", (6,), REFRIGERATOR, MUST_HAVE),
        Load("Bedroom Outlets", (7,), OUTLETS, NICE_TO_HAVE),
        Load("Washing Machine", (8,), WASHER),
        Load("Dryer", (9, 11), DRYER),
        Load("Water Heater", (10, 12), WATER_HEATER),
        Load("Range", (13, 15), RANGE, NICE_TO_HAVE),
        Load("Dishwasher", (14,), DISHWASHER),
        Load("Hallway Lights", (16,), LIGHTING, MUST_HAVE),
        Load("Office Outlets", (17,), OUTLETS, MUST_HAVE),
        Load("EV Charger", (18, 20), EV),
        Load("Bathroom Outlets", (19,), OUTLETS),
        Load("Garden Lights", (21,), OUTDOOR_LIGHTING),
        Load("Pool Pump", (22, 24), POOL_PUMP),
        Load("Battery", (29, 31), INVERTER, MUST_HAVE, controllable=False),
    ),
    solar_tabs=(30, 32),
    battery=Battery((29, 31)),
    equipment=Equipment(
        storage=Storage("tg12", circuit="Battery"),
        solar=Solar("st-0430"),
        charger=Charger("dt-01", circuit="EV Charger"),
        managed=("Heat Pump", "EV Charger"),
    ),
)

SHOP = Household(
    serial="nt-2247-demo2",
    loads=(
        Load("Shop Lights", (1,), SHOP_LIGHTING, NICE_TO_HAVE),
        Load("Display Fridge", (2,), DISPLAY_FRIDGE, MUST_HAVE),
        Load("Storeroom Lights", (3,), LIGHTING, NICE_TO_HAVE),
        Load("Counter Outlets", (4,), SHOP_OUTLETS, NICE_TO_HAVE),
        Load("Coffee Machine", (5, 7), COFFEE_MACHINE),
        Load("Walk-in Cooler", (6, 8), WALK_IN_COOLER, MUST_HAVE),
        Load("Till and Router", (9,), ALWAYS_ON, MUST_HAVE, controllable=False),
        Load("Air Conditioning", (10, 12), SHOP_HVAC),
        Load("Street Sign", (11,), OUTDOOR_LIGHTING),
        Load("Oven", (13, 15), OVEN),
        Load("Dishwasher", (14, 16), DISHWASHER),
        Load("Office Outlets", (17,), SHOP_OUTLETS, NICE_TO_HAVE),
        Load("Security Lights", (18,), OUTDOOR_LIGHTING, MUST_HAVE),
        Load("Water Heater", (19, 21), WATER_HEATER),
    ),
    sub_panel=SUB_PANEL,
)

BARN = Household(
    serial="nt-2609-demo3",
    loads=(
        Load("Barn Lights", (1,), SHOP_LIGHTING, NICE_TO_HAVE),
        Load("Well Pump", (2, 4), POOL_PUMP, MUST_HAVE),
        Load("Router and Cameras", (3,), ALWAYS_ON, MUST_HAVE, controllable=False),
        Load("Milk Cooler", (5, 7), WALK_IN_COOLER, MUST_HAVE),
        Load("Workshop Outlets", (9,), OUTLETS, NICE_TO_HAVE),
        Load("Feed Mill", (10, 12), OVEN),
        Load("Tack Room", (11,), LIGHTING, NICE_TO_HAVE),
        Load("EV Charger", (13, 15), EV),
        Load("Egg Fridge", (14,), REFRIGERATOR, MUST_HAVE),
        Load("Vaccine Fridge", (33,), REFRIGERATOR, MUST_HAVE),
        Load("Stable Lights", (16,), OUTDOOR_LIGHTING, NICE_TO_HAVE),
        Load("Sauna", (17, 19), RANGE, never_backup=True),
        Load("Farmhouse Heat", (20, 22), HVAC),
        Load("Washing Machine", (21,), WASHER),
    ),
    solar_tabs=(6, 8),
    solar_peak_w=9200.0,
    battery=Battery(()),
    sub_panel=SUB_PANEL,
    tandems={33: 14},
    equipment=Equipment(
        storage=Storage("tg27"),
        solar=Solar("st-0977"),
        charger=Charger("dt-09", circuit="EV Charger"),
        siblings={"Stable Lights": Sibling("Stable Fans", (18,))},
        remote_share=0.4,
        managed=("EV Charger", "Farmhouse Heat"),
    ),
)


def sized(serial: str, model: str, spaces: range, equipment: Equipment) -> Household:
    """A panel of some size with every space in use: every ninth circuit takes two.

    Args:
        spaces: The numbers of its spaces.
    """
    kinds = (OUTLETS, LIGHTING, ALWAYS_ON, SHOP_OUTLETS)
    loads: list[Load] = []
    free = list(spaces)
    while free:
        first = free.pop(0)
        double = len(loads) % 9 == 3 and first + 2 in free
        tabs = (first, first + 2) if double else (first,)
        if double:
            free.remove(first + 2)
        kind = WATER_HEATER if double else kinds[len(loads) % len(kinds)]
        loads.append(Load(f"Circuit {len(loads) + 1:02}", tabs, kind, NICE_TO_HAVE))
    return Household(serial, loads, spaces=spaces[-1], first_space=spaces[0], equipment=replace(equipment, model=model))


SMALL = sized("nt-2610-small", "MAIN_16", range(9, 25), Equipment(main_rating_a=125))
LARGE = sized("nt-2611-large", "MLO_48", range(1, 49), Equipment(main_rating_a=None, hardware="3.0", extras=True))

HOUSEHOLDS = {"home": HOME, "shop": SHOP, "barn": BARN, "small": SMALL, "large": LARGE}
