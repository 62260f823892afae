"""The demo's panels: one of each protocol, simulated in this process."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wattdeck.core.secrets import SecretRef
from wattdeck.core.system import Demo, SimulatorOptions
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.ebus.stream import MQTTS_PORT, WS_PORT, WSS_PORT
from wattdeck.systems.span.simulator import SpanSimulator

PANELS = (("home", "v1", "127.0.0.1"), ("shop", "flat", "127.0.0.2"), ("barn", "tree", "127.0.0.6"))
"""Household, which names the source, the protocol its panel speaks, and where it is: no other demo is there."""


def demo(options: SimulatorOptions, poll_s: float | None) -> Demo:
    """Sources, and what answers where they point."""
    sources = []
    apps: dict[str, Any] = {}
    for household, api, host in PANELS:
        simulator = SpanSimulator(replace(options, api=api), household=household)
        own = household == "home"
        sources.append(
            SpanConfig(
                name=household,
                host=host,
                token=SecretRef(plain=simulator.issue_token()) if api == "v1" else None,
                control=True,
                history=False,
                api="v1" if api == "v1" else "v2",
                poll_s=poll_s or 1.0,
                battery=own,
                solar_tabs=(30, 32) if own else (),
            )
        )
        apps[f"http://{host}"] = simulator.app
        if simulator.broker is not None:
            apps[f"mqtts://{host}:{MQTTS_PORT}"] = stand_in(simulator, host)
    return Demo(sources, apps)


def stand_in(simulator: SpanSimulator, host: str) -> object:
    """What a registration at this panel would have left, and its broker."""
    from wattdeck.systems.span.ebus.credentials import Credentials, Privilege
    from wattdeck.systems.span.ebus.local import StandIn

    assert simulator.broker is not None
    serial = simulator.house.household.serial
    credentials = Credentials(
        serial=serial,
        address=host,
        client_name="wattdeck demo",
        token=simulator.issue_token("wattdeck demo, v2"),
        issued_at_ms=0,
        privilege=Privilege.FULL,
        broker_user=serial,
        broker_password=simulator.broker.passwords.get(serial, ""),
        broker_host=host,
        hostname=f"span-{serial}.local",
        mqtts_port=MQTTS_PORT,
        ws_port=WS_PORT,
        wss_port=WSS_PORT,
        ca_pem="",
        ca_sha256="",
    )
    return StandIn(simulator.broker, credentials)
