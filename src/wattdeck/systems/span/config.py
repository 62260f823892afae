"""Settings of one SPAN panel: a `[[span]]` table."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from wattdeck.core.config import AlarmSettings, ConfigFile, HistoryPlace, SafetyConfig, SourceConfig, Text
from wattdeck.core.language import tr
from wattdeck.core.secrets import SecretRef
from wattdeck.systems.span.models import SPACES, leg

HTTP_PORT = 80
HTTPS_PORT = 443
POLL_ADVISED_S = 5.0
"""Real panels get unsteady when read more often (span.md 8.4)."""

Tab = Annotated[int, Field(ge=1, le=SPACES)]


Ratings = Annotated[dict[Text, Annotated[float, Field(gt=0, le=400)]], Field(max_length=200)]
Limits = Annotated[dict[Text, Annotated[float, Field(gt=0, le=100_000)]], Field(max_length=200)]


class SpanAlarms(AlarmSettings):
    """When a panel is worth an alarm. A v1 panel reports no breaker's rating, so they are said here or assumed."""

    breaker_a: Ratings = Field(default_factory=dict)
    """Ratings of breakers, A, by the circuit's id or name. Those not named here are assumed from their spaces."""
    one_space_breaker_a: float = Field(default=20.0, ge=0, le=400)
    """Assumed rating of a circuit on one space, A: the larger of the two usual ones, to err towards quiet. 0: none."""
    two_space_breaker_a: float = Field(default=50.0, ge=0, le=400)
    """Assumed rating of a circuit on two spaces, A: the largest that homes usually have. 0: none."""
    limits_w: Limits = Field(default_factory=dict)
    """Power above which a circuit is too high for a time, W, by id or name, instead of a share of its breaker."""
    over_limit_percent: float = Field(default=80.0, gt=0, le=200)
    """Share of the rating that a breaker carries for hours, percent."""
    over_limit_s: float = Field(default=900.0, ge=0, le=86_400)
    """How long a circuit is above its limit before it counts, s."""
    spike_percent: float = Field(default=100.0, gt=0, le=1000)
    """Share of the rating that counts at once, percent."""
    dead_band_percent: float = Field(default=5.0, ge=0, le=50)
    """How far below its limit a circuit has to fall to be well again, in percent of the rating (of `limits_w`)."""
    door_open_s: float = Field(default=600.0, ge=0, le=86_400)
    """How long the door stays open before it counts as forgotten, s."""
    battery_low_percent: float = Field(default=20.0, ge=0, le=100)
    """A battery below this is low, percent. 0 turns it off."""
    battery_back_percent: float = Field(default=5.0, ge=0, le=50)
    """How far above that it has to be charged to be well again, percent of the whole."""
    grid_lost_s: float = Field(default=10.0, ge=0, le=3600)
    """How long the panel is off grid before it counts, s."""


class SpanConfig(SourceConfig):
    """One panel."""

    IN_REPLAY: ClassVar[Mapping[str, Any]] = {"host": "recording.invalid"}

    host: str = Field(min_length=1, max_length=253)
    """Name or address of the panel, IPv4 or IPv6. The port has a key of its own."""
    port: int = Field(default=HTTP_PORT, ge=1, le=65_535)
    """TCP port; 80, or 443 with `use_ssl`."""
    use_ssl: bool = False
    """Speak HTTPS. Off: older firmware refuses it."""
    ca_file: ConfigFile | None = None
    """PEM file to check the panel's certificate with. Not set: the public authorities, which sign no panel."""
    timeout_s: float = Field(default=30.0, gt=0, le=300)
    """v1: how long one read may take, s. Generous, because a panel on weak Wi-Fi is slow and not gone."""
    retries: int = Field(default=3, ge=0, le=10)
    """v1: how often a read is repeated after 502, 503, 504 or a lost connection. Commands are never repeated."""
    retry_timeout_s: float = Field(default=0.5, ge=0, le=60)
    """Wait before the first repetition, s."""
    retry_backoff_multiplier: float = Field(default=2.0, ge=1, le=10)
    """By how much each further wait is longer."""
    cache_window_s: float | None = Field(default=None, ge=0, le=60)
    """Obsolete and without effect: all screens share one poll, and each poll asks the panel. Old files load with it."""
    poll_s: float = Field(default=15.0, ge=1, le=86_400)
    """v1: time between two polls, s. Panels are small computers; below 5 real ones become unsteady."""
    api: Literal["auto", "v1", "v2"] = "auto"
    """Protocol: v1 (REST, gone after 2026), v2 (MQTT), or auto: v2 once registered for it, else v1."""
    push_s: float = Field(default=1.0, ge=0.25, le=15)
    """v2 reports by itself: least time between two pictures of it, s. Relays, door and state show at once."""
    https_port: int = Field(default=HTTPS_PORT, ge=1, le=65_535)
    """v2: TCP port of HTTPS, over which a registration goes once the panel's authority is known."""
    mqtt_port: int | None = Field(default=None, ge=1, le=65_535)
    """v2: TCP port of the broker. Not set: as the panel said at registration, usually 8883."""
    websocket: bool = False
    """v2: reach the broker by WebSocket over TLS, for networks that let nothing else through."""
    show_unmapped: bool = False
    """Show breaker spaces that no circuit owns from the start."""
    solar_tabs: Annotated[tuple[Tab, ...], Field(strict=False, max_length=2)] = ()
    """v1: the spaces a solar inverter is wired to: one, or two on opposite legs. Empty: no solar shown."""
    battery: bool = False
    """v1: there is a battery. Off, because panels without one report a plausible charge."""
    token: SecretRef | None = None
    """v1: access token. Not set: the one that `wattdeck span register` stored."""
    main_rating_a: float | None = Field(default=None, gt=0, le=1000)
    """Rating of the main breaker, A, for its utilisation. Not set: as v2 reports it; v1 does not."""
    history: HistoryPlace = True
    """Where each circuit's counter at the start of each day is kept: true is an SQLite file beside the other state, a
    text another file (`.csv`: a folder of them) or a database's URL. false keeps nothing for the next start."""
    energy_grace_min: float = Field(default=15.0, ge=0, le=60)
    """How long energies are shown after the panel was last heard, minutes. Then they are unknown."""

    safety: SafetyConfig = Field(default_factory=SafetyConfig.defaults)
    """The rules a command to a circuit has to pass."""
    alarms: SpanAlarms = Field(default_factory=SpanAlarms.defaults)
    """When to raise an alarm."""

    @model_validator(mode="before")
    @classmethod
    def _default_port(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("use_ssl") is True:
            return {"port": HTTPS_PORT, **data}
        return data

    @field_validator("host")
    @classmethod
    def _check_host(cls, host: str) -> str:
        return _host(host)

    @field_validator("solar_tabs")
    @classmethod
    def _check_solar_tabs(cls, tabs: tuple[int, ...]) -> tuple[int, ...]:
        if len(tabs) == 2 and leg(tabs[0]) == leg(tabs[1]):
            raise ValueError(
                tr(
                    "spaces {first} and {second} are on the same leg, {leg}; "
                    "an inverter needs two on opposite legs, such as 30 and 32",
                    first=tabs[0], second=tabs[1], leg=leg(tabs[0]),
                )
            )  # fmt: skip
        return tabs

    @property
    def origin(self) -> str:
        """`http://host:port`, with an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.use_ssl else 'http'}://{host}:{self.port}"

    @property
    def endpoint(self) -> str:
        return self.origin

    def for_test(self) -> Self:
        return self.model_copy(update={"history": False})

    def warnings(self) -> tuple[str, ...]:
        found = []
        if self.poll_s < POLL_ADVISED_S:
            words = {"set": f"{self.poll_s:g}", "advised": f"{POLL_ADVISED_S:g}"}
            found.append(tr("poll_s = {set}: real panels want {advised} s or more", **words))
        if self.ca_file is not None and not self.use_ssl:
            found.append(tr("ca_file does nothing without use_ssl = true"))
        if self.cache_window_s is not None:
            found.append(tr("cache_window_s is obsolete and does nothing; the line can be taken out"))
        return tuple(found)


def _host(text: str) -> str:
    """A host name or an address, without brackets.

    Raises:
        ValueError: it is neither, with what to write instead.
    """
    if "://" in text or "/" in text:
        raise ValueError(tr('expected a name or address, not a URL; give host = "192.168.1.100" and port = 80'))
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        if re.fullmatch(r"[^:]+:\d+|\[.*\]:\d+", text):
            raise ValueError(tr("expected a name or address alone; give the port as port = ...")) from None
    else:
        return bare
    labels = bare.removesuffix(".").split(".")
    if not all(re.fullmatch(r"\w([\w-]{0,61}\w)?", label) for label in labels) or labels[-1].isdigit():
        raise ValueError(tr("is neither a host name nor an IPv4 or IPv6 address"))
    return bare
