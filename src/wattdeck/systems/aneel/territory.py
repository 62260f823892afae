"""The Roraima of the simulator: its municipalities and the sets of consumer units that serve them.

Eleven of the 27 sets (40 %) serve more than one municipality, and customers of a municipality add up to the estimate
of aneel.md 8. Set codes are made up.
"""

from __future__ import annotations

from dataclasses import dataclass

CAPITAL = 1400100
ALTO_ALEGRE = 1400050
CARACARAI = 1400209

LATITUDES: dict[int, float] = {
    1400100: 2.824,
    1400050: 2.989,
    1400027: 3.646,
    1400159: 3.362,
    1400175: 2.610,
    1400209: 1.828,
    1400233: 0.884,
    1400282: 2.183,
    1400308: 2.440,
    1400407: 3.885,
    1400456: 4.480,
    1400472: 0.940,
    1400506: 0.952,
    1400605: 1.010,
    1400704: 4.603,
}
"""IBGE code -> degrees north, all fifteen."""

SETS: dict[int, dict[int, int]] = {
    16101: {1400100: 18400, 1400175: 900},
    16102: {1400100: 16250},
    16103: {1400100: 15100},
    16104: {1400100: 13800},
    16105: {1400100: 12640},
    16106: {1400100: 11300},
    16107: {1400100: 10150},
    16108: {1400100: 8920},
    16109: {1400100: 6700, 1400050: 420},
    16110: {1400100: 4300, 1400159: 350, 1400175: 380},
    16111: {1400100: 1640, 1400027: 300},
    16112: {1400100: 800},
    16113: {1400175: 1220},
    16114: {1400050: 2580},
    16115: {1400027: 1180, 1400456: 340},
    16116: {1400456: 2160, 1400027: 520},
    16117: {1400704: 1500, 1400407: 260},
    16118: {1400407: 1740, 1400159: 310},
    16119: {1400159: 2340},
    16120: {1400308: 3000, 1400282: 240},
    16121: {1400282: 1260},
    16122: {1400209: 4120},
    16123: {1400209: 880, 1400472: 610},
    16124: {1400472: 3390},
    16125: {1400605: 1500, 1400506: 420},
    16126: {1400506: 1080},
    16127: {1400233: 1500},
}
"""Set -> municipality -> customers the set serves there."""


@dataclass(frozen=True, slots=True)
class Place:
    """The part of a set that lies within one municipality: what one row is about."""

    set_code: int
    municipality_code: int
    customers: int


PLACES: tuple[Place, ...] = tuple(
    Place(set_code, municipality, customers)
    for set_code, served in SETS.items()
    for municipality, customers in served.items()
)
