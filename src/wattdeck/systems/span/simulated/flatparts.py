"""What the nodes of the flat model declare (span-v2.md 5.1), in a compact notation."""

from __future__ import annotations

from wattdeck.systems.span.simulated.spelling import DEVICE, NodeKind, declared

_ENABLEMENT = "format=UNSPECIFIED,UNCONFIGURED,DISABLED,ENABLED"
_POSITIONS = "format=UPSTREAM,DOWNSTREAM,IN_PANEL"
LIMITS = ("feed", "grid", "off-grid", "requested")

CORE = NodeKind(
    f"{DEVICE}.distribution-enclosure.core",
    declared(
        "vendor-name string",
        "model enum format=MAIN_16,MLO_24,MAIN_32,MAIN_40,MLO_48",
        "serial-number string",
        "hardware-version string",
        "software-version string",
        "door enum format=UNKNOWN,OPEN,CLOSED",
        "grid-islandable boolean",
        "dominant-power-source enum format=GRID,BATTERY,PV,GENERATOR,NONE,UNKNOWN settable",
        "relay enum format=UNKNOWN,OPEN,CLOSED",
        "l1-voltage float unit=V",
        "l2-voltage float unit=V",
        "breaker-rating integer unit=A",
        "ethernet boolean",
        "wifi boolean",
        "wifi-ssid string",
        "vendor-cloud enum format=UNKNOWN,UNCONNECTED,CONNECTED",
        "postal-code string",
        "time-zone string",
    ),
)
LUGS = NodeKind(
    f"{DEVICE}.lugs",
    declared(
        "direction enum format=UPSTREAM,DOWNSTREAM",
        "feed string",
        "l1-current float unit=A",
        "l2-current float unit=A",
        "active-power float unit=W",
        "imported-energy float unit=Wh",
        "exported-energy float unit=Wh",
    ),
)
CIRCUIT = NodeKind(
    f"{DEVICE}.circuit",
    declared(
        "name string",
        "relay enum format=UNKNOWN,OPEN,CLOSED settable",
        "relay-requester enum format=UNKNOWN,NONE,BACKUP,USER,PCS,PCS_FAIL_SAFE,ALWAYS_ON,NEVER_BACKUP,INVERTER,FAULT",
        "breaker-rating integer unit=A",
        "current float unit=A",
        "active-power float unit=W",
        "imported-energy float unit=Wh",
        "exported-energy float unit=Wh",
        "space integer format=1:32:1",
        "dipole boolean",
        "shed-priority enum format=UNKNOWN,OFF_GRID,SOC_THRESHOLD,NEVER settable",
        "pcs-managed boolean",
        "pcs-priority integer",
        "sheddable boolean",
        "never-backup boolean",
        "always-on boolean",
    ),
)
BESS = NodeKind(
    f"{DEVICE}.bess",
    declared(
        "vendor-name string",
        "product-name string",
        "model string",
        "serial-number string",
        "software-version string",
        "nameplate-capacity float unit=kWh",
        f"relative-position enum {_POSITIONS}",
        "feed enum",
        "soc float unit=%",
        "soe float unit=kWh",
        "connected boolean",
        "grid-state enum format=UNKNOWN,ON_GRID,OFF_GRID",
    ),
)
PV = NodeKind(
    f"{DEVICE}.pv",
    declared(
        "vendor-name string",
        "product-name string",
        "serial-number string",
        "software-version string",
        "nameplate-capacity float unit=W",
        f"relative-position enum {_POSITIONS}",
        "feed enum",
    ),
)
EVSE = NodeKind(
    f"{DEVICE}.evse",
    declared(
        "vendor-name string",
        "product-name string",
        "part-number string",
        "serial-number string",
        "software-version string",
        "feed enum",
        "lock-state enum format=UNLOCKED,LOCKED",
        "status enum format=AVAILABLE,PREPARING,CHARGING,UNAVAILABLE",
        "advertised-current float unit=A",
        "user-max-charge-current integer unit=A settable",
        "max-charge-current integer unit=A",
    ),
)
PCS = NodeKind(
    f"{DEVICE}.pcs",
    declared(
        "enabled boolean",
        "active boolean",
        "import-limit float unit=A",
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
)
FLOWS = NodeKind(
    f"{DEVICE}.power-flows",
    declared("pv float unit=W", "battery float unit=W", "grid float unit=W", "site float unit=W"),
)
KINDS = (CORE, LUGS, CIRCUIT, BESS, PV, EVSE, PCS, FLOWS)
