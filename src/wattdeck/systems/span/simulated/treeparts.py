"""What the devices of the parent/child model declare (span-v2.md 6.2), in a compact notation."""

from __future__ import annotations

from collections.abc import Mapping

from wattdeck.systems.span.simulated.spelling import CAPABILITY, NodeKind, declared

LIMITS = ("feed", "operator", "off-grid", "requested")
_ENABLEMENT = "format=UNSPECIFIED,UNCONFIGURED,DISABLED,ENABLED"
_LINK = "format=OK,LOST,DEGRADED"
_METERED = ("active-power float unit=W", "imported-energy float unit=Wh", "exported-energy float unit=Wh")
_FEEDS = ("feeds-device-id string", "feeds-device-type string", f"feeds-device-status enum {_LINK}", "count integer")


def _node(capability: str, *lines: str) -> NodeKind:
    return NodeKind(f"{CAPABILITY}.{capability}", declared(*lines))


Nodes = Mapping[str, NodeKind]

PANEL: Nodes = {
    "info": _node(
        "info",
        "vendor-name string",
        "model enum format=MAIN_16,MLO_24,MAIN_32,MAIN_40,MLO_48",
        "serial-number string",
        "hardware-version string",
        "firmware-version string",
        "data-model-version string",
    ),
    "door": _node("door", "state enum format=UNKNOWN,OPEN,CLOSED"),
    "status": _node(
        "status",
        "relay enum format=UNKNOWN,OPEN,CLOSED",
        "ethernet boolean",
        "wifi boolean",
        "wifi-ssid string",
        "cloud-connection enum format=UNKNOWN,UNCONNECTED,CONNECTED",
        "postal-code string",
        "time-zone string",
    ),
    "meter": _node("meter", "voltage-a float unit=V", "voltage-b float unit=V"),
    "breaker": _node("breaker", "rating integer unit=A"),
    "power-flows": _node(
        "power-flows", "pv float unit=W", "battery float unit=W", "grid float unit=W", "site float unit=W"
    ),
    "pcs": _node(
        "pcs",
        "enabled boolean",
        "active boolean",
        "import-limit float unit=A",
        "binding-constraint enum format=FSR,DOE,VOLTAGE,OFF_GRID,REQUESTED,OPERATOR,NONE,UNKNOWN",
        *(
            line
            for limit in LIMITS
            for line in (
                f"{limit}-import-limit float unit=A",
                f"{limit}-import-limit-enablement enum {_ENABLEMENT}",
                f"{limit}-import-limit-active boolean",
            )
        ),
    ),
    "shed-forecast": _node(
        "shed-forecast",
        "total-time-remaining integer unit=min",
        "time-to-priority-shed integer unit=min",
        "full-charge-total-time-remaining integer unit=min",
        "full-charge-time-to-priority-shed integer unit=min",
        "confidence enum format=LOW,MEDIUM,HIGH",
    ),
    "shed": _node(
        "shed",
        "asserted-islanding-state enum format=NONE,ON_GRID,OFF_GRID settable",
        'policy json format={"$id":"soc-priority.v1","type":"object"}',
    ),
}
LUGS: Nodes = {
    "info": _node("info", "direction enum format=UPSTREAM,DOWNSTREAM"),
    "meter": _node("meter", "current-a float unit=A", "current-b float unit=A", *_METERED),
    "connection": _node(
        "connection",
        "fed-by-device-id string",
        "fed-by-device-type string",
        f"fed-by-device-status enum {_LINK}",
        *_FEEDS,
    ),
}
CIRCUIT: Nodes = {
    "info": _node("info", "name string", "spaces string"),
    "switch": _node(
        "switch",
        "relay enum format=UNKNOWN,OPEN,CLOSED settable",
        "relay-requester enum format=UNKNOWN,NONE,LOAD_SHED,USER,PCS,CONFIGURATION,FAULT",
        "relay-controllable boolean",
    ),
    "breaker": _node("breaker", "rating integer unit=A", "poles integer format=1:4:1"),
    "meter": _node("meter", "current float unit=A", *_METERED),
    "load-shed": _node("load-shed", "priority enum format=UNKNOWN,OFF_GRID,SOC_THRESHOLD,NEVER settable"),
    "pcs": _node("pcs", "managed boolean", "priority integer"),
    "connection": _node("connection", *_FEEDS),
}
SHARED = declared("shared-with-device-ids string")
EXTRAS: Nodes = {
    "info": _node("info", "dedicated boolean", "locations string", "feeds-role string", "backed-up boolean"),
    "meter": _node("meter", "frequency float unit=Hz"),
    "breaker": _node("breaker", "nominal-voltage integer unit=V", "overcurrent-protection string"),
}
"""What circuits of hardware 3.0 publish and no document mentions."""
BESS: Nodes = {
    "info": _node(
        "info",
        "vendor-name string",
        "model string",
        "part-number string",
        "serial-number string",
        "firmware-version string",
        "nameplate-capacity float unit=kWh",
    ),
    "soc": _node("soc", "soc float unit=%", "soe float unit=kWh"),
    "meter": _node("meter", "active-power float unit=W"),
    "status": _node("status", "communication-state enum format=OK,DEGRADED,LOST,UNKNOWN"),
}
MID: Nodes = {
    "info": _node(
        "info", "vendor-name string", "serial-number string", "model string", "firmware-version string",
        "hardware-version string",
    ),
    "grid": _node(
        "grid",
        "islanding-state enum format=ON_GRID,OFF_GRID,UNKNOWN",
        "grid-state enum format=UP,DOWN,DEGRADED,UNKNOWN",
        "grid-forming-entity string",
    ),
}  # fmt: skip
PV: Nodes = {
    "info": _node(
        "info", "vendor-name string", "model string", "serial-number string", "firmware-version string",
        "nominal-power float unit=W",
    )
}  # fmt: skip
EVSE: Nodes = {
    "info": _node(
        "info", "vendor-name string", "model string", "part-number string", "serial-number string",
        "firmware-version string",
    ),
    "switch": _node("switch", "lock-state enum format=UNLOCKED,LOCKED"),
    "status": _node("status", "status enum format=AVAILABLE,PREPARING,CHARGING,UNAVAILABLE"),
    "meter": _node("meter", "advertised-current float unit=A"),
    "config": _node(
        "config",
        "user-max-charge-current integer unit=A format=6:48 settable",
        "max-charge-current integer unit=A",
    ),
}  # fmt: skip
CLASSES: Mapping[str, Nodes] = {
    "distribution-enclosure": PANEL,
    "lugs": LUGS,
    "circuit": CIRCUIT,
    "bess": BESS,
    "mid": MID,
    "pv": PV,
    "evse": EVSE,
}
