"""Settings of one distributor: an `[[aneel]]` table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, field_validator

from wattdeck.core.config import AlarmSettings, SourceConfig, Text
from wattdeck.core.language import later, tr
from wattdeck.core.origin import normal_origin
from wattdeck.core.secrets import SecretRef

SLOT_S = 1800.0
POLL_ADVISED_S = 60.0
ADVISED_PER_MINUTE = 10
STATES = (
    "RO", "AC", "AM", "RR", "PA", "AP", "TO", "MA", "PI", "CE", "RN", "PB", "PE", "AL", "SE", "BA", "MG", "ES", "RJ",
    "SP", "PR", "SC", "RS", "MS", "MT", "GO", "DF",
)  # fmt: skip


def _base_url(text: str) -> str:
    """An origin with the path the three routes hang below (aneel.md 2.1: it differs by distributor)."""
    match = re.fullmatch(r"(https?://[^/?#]+)((?:/[A-Za-z0-9._~-]+)*)/*", text.strip())
    if match is None:
        raise ValueError(tr('expected a URL such as "https://api.roraimaenergia.com.br/radar"'))
    return normal_origin(match[1]) + match[2]


Count = Annotated[int, Field(ge=1, le=100_000_000)]


class AneelAlarms(AlarmSettings):
    """The alarms of one distributor."""

    municipality_percent: float = Field(default=5.0, gt=0, le=100)
    """A municipality with more than this share of its customers out is an alarm, %."""
    municipality_dead_band_percent: float = Field(default=1.0, ge=0, le=50)
    """How far below that it has to fall to be well again, percentage points."""
    municipality_customers_min: int = Field(default=1000, ge=1, le=100_000_000)
    """Customers a municipality must have to be watched: a single line is half of a small one."""
    zero_after_out: int = Field(default=1000, ge=1, le=100_000_000)
    """Nobody out is not believed right after a half hour in which so many customers were."""


class AneelConfig(SourceConfig):
    """One distributor's RADAR server."""

    RECORDED: ClassVar[Sequence[str]] = ("alarms", "state", "municipalities", "customers", "demands", "backfill")
    IN_REPLAY: ClassVar[Mapping[str, Any]] = {"url": "http://recording.invalid", "key": "recording"}

    url: Annotated[str, AfterValidator(_base_url)]
    """Where the three routes are, without their names."""
    key: SecretRef
    """What stands in `x-api-key`: the distributor gives it out."""
    state: Literal[STATES] = "RR"  # type: ignore[valid-type]
    """The state whose municipalities are expected and drawn."""
    municipalities: Annotated[tuple[int, ...], Field(strict=False, max_length=6000)] = ()
    """IBGE codes of the concession where it is not the whole state. Empty: the whole state."""
    customers: dict[Text, Count] = Field(default_factory=dict)
    """IBGE code -> customers served, where known: percentages are of these until the answers tell better."""
    agent_code: int | None = Field(default=None, ge=1, le=99_999)
    """ANEEL's code of the distributor; for reports."""
    poll_s: float = Field(default=SLOT_S, ge=1, le=86_400)
    """Time between two looks, s. 1800 keeps to the half hours as ANEEL does; servers allow ten requests a minute."""
    demands: bool = True
    """Ask for the day's demands as well. Servers answer them on working days only."""
    backfill: bool = True
    """Ask for half hours that were missed, back to seven days, slowly (dthRecuperacao)."""
    timeout_s: float = Field(default=45.0, gt=0, le=300)
    """How long one answer may take, s."""
    requests_per_minute: int = Field(default=10, ge=1, le=6000)
    """Most requests a minute, repetitions included. ANEEL suggests ten (aneel.md 2.4)."""
    profile: dict[Text, Literal["error", "warning", "info", "off"]] = Field(default_factory=dict)
    """Conformance rule -> how much it matters here, over the usual: `E11 = "off"`."""
    alarms: AneelAlarms = Field(default_factory=AneelAlarms.defaults)
    """When to raise an alarm."""

    @field_validator("municipalities")
    @classmethod
    def _places(cls, municipalities: tuple[int, ...]) -> tuple[int, ...]:
        for code in municipalities:
            if not 1_000_000 <= code <= 9_999_999:
                raise ValueError(tr("{code} is no IBGE code; it has seven digits, such as 1400100", code=code))
        return municipalities

    @field_validator("profile")
    @classmethod
    def _rules(cls, profile: dict[str, str]) -> dict[str, str]:
        if profile:
            # Loaded only for those who have one: a rule that there is not would stop the whole check.
            from wattdeck.systems.aneel.conformance.model import read_profile

            read_profile(profile)
        return profile

    @field_validator("customers")
    @classmethod
    def _codes(cls, customers: dict[str, int]) -> dict[str, int]:
        for code in customers:
            if not re.fullmatch(r"\d{7}", code):
                message = later('"{code}" is no IBGE code; it has seven digits, such as 1400100')
                raise ValueError(tr(message, code=code))
        return customers

    @property
    def endpoint(self) -> str:
        return self.url

    def warnings(self) -> tuple[str, ...]:
        found = []
        if self.poll_s < POLL_ADVISED_S:
            message = later("poll_s = {value}: figures move half-hourly, and servers allow ten requests a minute")
            found.append(tr(message, value=f"{self.poll_s:g}"))
        if self.requests_per_minute > ADVISED_PER_MINUTE:
            message = later("requests_per_minute = {value}: servers allow {most}")
            found.append(tr(message, value=self.requests_per_minute, most=ADVISED_PER_MINUTE))
        return tuple(found)
