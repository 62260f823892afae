"""What v2 knows of a household beyond its circuits: the panel's size, battery, inverter, charger, odd wiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Storage:
    """A battery's name plate."""

    serial: str
    circuit: str = ""
    """Name of the circuit it hangs on; empty: upstream of the panel."""
    vendor: str = "Tesla"
    product: str = "Powerwall 2 AC"
    part_number: str = "1232100-00-E"
    firmware: str = "26.26.4"


@dataclass(frozen=True, slots=True)
class Solar:
    """An inverter's name plate. It hangs on `Household.solar_tabs`."""

    serial: str
    vendor: str = "Enphase Energy"
    product: str = "IQ7PLUS-72-x-US"
    rated_w: int = 4640


@dataclass(frozen=True, slots=True)
class Charger:
    """A car charger's name plate."""

    serial: str
    circuit: str
    """Name of the circuit it hangs on."""
    vendor: str = "SPAN"
    product: str = "SPAN Drive"
    part_number: str = "1-09001"
    firmware: str = "001.001.011"
    most_a: int = 48


@dataclass(frozen=True, slots=True)
class Sibling:
    """A second circuit behind the meter and the relay of another one (span-v2.md 6.4)."""

    name: str
    spaces: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a commissioned panel knows about the house."""

    model: str = "MAIN_32"
    main_rating_a: int | None = 200
    """None: a main-lug panel, which has no main breaker."""
    hardware: str = "1.2"
    storage: Storage | None = None
    solar: Solar | None = None
    charger: Charger | None = None
    siblings: Mapping[str, Sibling] = field(default_factory=dict)
    """By the name of the circuit whose meter and relay they share."""
    remote_share: float = 0.0
    """Part of the sub-panel's power that a remote current transformer measures; 0: there is none."""
    extras: bool = False
    """It publishes what no document mentions, as hardware 3.0 does (span-v2.md 6.4)."""
    managed: Sequence[str] = ()
    """Names of circuits under the power control system, highest rank first."""
