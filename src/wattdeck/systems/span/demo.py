"""The demo's panels: one of each protocol, simulated in this process."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from wattdeck.core.lateapp import LateApp
from wattdeck.core.secrets import SecretRef
from wattdeck.core.system import Demo, SimulatorOptions
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.ebus.stream import MQTTS_PORT, WS_PORT, WSS_PORT
from wattdeck.systems.span.simulator import SpanSimulator

if TYPE_CHECKING:
    from wattdeck.core.asgi import AsgiApp
    from wattdeck.systems.span.ebus.credentials import Credentials
    from wattdeck.systems.span.ebus.local import LocalBroker, StandIn

PANELS = (("home", "v1", "127.0.0.1"), ("shop", "flat", "127.0.0.2"), ("barn", "tree", "127.0.0.6"))
"""Household, which names the source, the protocol its panel speaks, and where it is: no other demo is there."""


class LatePanel:
    """A panel of v2 that is made when it is first asked something: what the demo shows first does not wait for it.

    Under `mqtts://host:port` it stands for its broker, like `StandIn`.
    """

    def __init__(self, options: SimulatorOptions, household: str, host: str) -> None:
        self._options = options
        self._household = household
        self._host = host
        self._made: tuple[SpanSimulator, StandIn] | None = None
        self._making = Lock()

    def app(self) -> AsgiApp:
        """Its REST interface."""
        return self._make()[0].app

    @property
    def broker(self) -> LocalBroker:
        return self._make()[1].broker

    @property
    def credentials(self) -> Credentials:
        return self._make()[1].credentials

    def _make(self) -> tuple[SpanSimulator, StandIn]:
        # Its broker is asked for on the event loop, its REST interface is made in a thread.
        with self._making:
            if self._made is None:
                simulator = SpanSimulator(self._options, household=self._household)
                self._made = simulator, stand_in(simulator, self._host)
            return self._made


def demo(options: SimulatorOptions, poll_s: float | None) -> Demo:
    """Sources, and what answers where they point."""
    sources = []
    apps: dict[str, Any] = {}
    for household, api, host in PANELS:
        own, token = household == "home", None
        if api == "v1":
            simulator = SpanSimulator(replace(options, api=api), household=household)
            token = SecretRef(plain=simulator.issue_token())
            apps[f"http://{host}"] = simulator.app
        else:
            late = LatePanel(replace(options, api=api), household, host)
            apps[f"http://{host}"] = LateApp(late.app)
            apps[f"mqtts://{host}:{MQTTS_PORT}"] = late
        sources.append(
            SpanConfig(
                name=household,
                host=host,
                token=token,
                control=True,
                history=False,
                api="v1" if api == "v1" else "v2",
                poll_s=poll_s or 1.0,
                battery=own,
                solar_tabs=(30, 32) if own else (),
            )
        )
    return Demo(sources, apps)


def stand_in(simulator: SpanSimulator, host: str) -> StandIn:
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
