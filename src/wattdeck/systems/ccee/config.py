"""Settings of one CCEE agent: a `[[ccee]]` table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from wattdeck.core.config import AlarmSettings, CommandSafety, SourceConfig, Text
from wattdeck.core.language import tr
from wattdeck.core.origin import normal_origin
from wattdeck.core.secrets import SecretRef
from wattdeck.systems.ccee.hosts import PRODUCTION

POLL_ADVISED_S = 60.0
"""Nothing is known of CCEE's limits (ccee.md 2); migrations move by the day."""
LONGEST_WINDOW_MONTHS = 120


def _base_url(text: str) -> str:
    """An origin, with a path before the API's own if a gateway stands in front (ccee.md 0)."""
    match = re.fullmatch(r"(https?://[^/?#]+)((?:/[A-Za-z0-9._~-]+)*)/*", text.strip())
    if match is None:
        raise ValueError(tr('expected a URL such as "{url}"', url=PRODUCTION))
    return normal_origin(match[1]) + match[2]


Code = Annotated[int, Field(ge=1, le=99_999_999)]


class RecordSafety(CommandSafety):
    """What stands between a key press and a change of a record."""

    select_timeout_s: float = Field(default=30.0, ge=5, le=30)
    """How long a command waits for its confirmation, s. The longest allowed: there is more to read than of a relay."""


class CceeAlarms(AlarmSettings):
    """When an agent's migrations need a person."""

    due_business_days: int = Field(default=1, ge=0, le=30)
    """An answer that is due within so many business days is an alarm; 0: on its last day alone."""
    refused_days: int = Field(default=7, ge=1, le=90)
    """A refusal is an alarm for so many days, unless its unit is asked for again before."""


class CceeConfig(SourceConfig):
    """One agent's profile, or several of its profiles together."""

    RECORDED: ClassVar[Sequence[str]] = (
        "alarms", "agent_code", "profiles", "answer_business_days", "notice_days", "cut_off_day", "extra_holidays",
    )  # fmt: skip
    IN_REPLAY: ClassVar[Mapping[str, Any]] = {
        "agent_code": 1, "profiles": [1], "client_id": "recording", "client_secret": "recording",
        "url": "http://recording.invalid",
    }  # fmt: skip

    agent_code: Code
    """The retailer's code at CCEE (`codigoAgente`)."""
    profiles: Annotated[tuple[Code, ...], Field(strict=False, min_length=1, max_length=24)]
    """Profile codes (`codigoPerfil`) to watch. CCEE lists one profile at a time; an agent has 24 at most."""
    client_id: Text
    """Who CCEE knows you as; on the sandbox `VAREJISTA_` and the agent code."""
    client_secret: SecretRef
    """The secret that goes with it."""
    url: Annotated[str, AfterValidator(_base_url)] = PRODUCTION
    """Where the API is. The sandbox is https://sandbox-api-abm.ccee.org.br."""
    api_version: Literal["v1", "v1.1", "v2"] = "v2"
    """Which rules migrations are created by; v2 is CCEE's newest."""
    timeout_s: float = Field(default=30.0, gt=0, le=300)
    """How long one answer may take, s."""
    poll_s: float = Field(default=300.0, ge=1, le=86_400)
    """Time between two readings of the whole list, s."""
    months_back: int = Field(default=2, ge=0, le=LONGEST_WINDOW_MONTHS)
    """How many months before this one are listed."""
    months_ahead: int = Field(default=9, ge=0, le=LONGEST_WINDOW_MONTHS)
    """How many months after this one are listed. CCEE gives twelve in one request, this month among them."""
    max_migrations: int = Field(default=20_000, ge=100, le=1_000_000)
    """Most migrations kept of one list; what comes after is left out, and said to be."""
    answer_business_days: int = Field(default=5, ge=1, le=60)
    """Business days the utility has for its answer (PdC submodule 1.8)."""
    notice_days: int = Field(default=180, ge=0, le=400)
    """Days between the consumer's notice and the first free month (REN 1.000/2021). Whether 90 days of CP 7/2025 are
    in force is not known."""
    cut_off_day: int | None = Field(default=None, ge=1, le=28)
    """Day of the month after which a migration no longer makes the next month. CCEE publishes it month by month.
    Not set: not reckoned with."""
    extra_holidays: Annotated[tuple[date, ...], Field(strict=False, max_length=400)] = ()
    """Days that are no business days for your utilities beside the national holidays."""

    safety: RecordSafety = Field(default_factory=RecordSafety.defaults)
    """The rules commands have to pass."""
    alarms: CceeAlarms = Field(default_factory=CceeAlarms.defaults)
    """When to raise an alarm."""

    @model_validator(mode="after")
    def _profiles_differ(self) -> CceeConfig:
        if len(set(self.profiles)) != len(self.profiles):
            raise ValueError(tr("profiles names one twice"))
        return self

    @property
    def endpoint(self) -> str:
        return self.url

    def warnings(self) -> tuple[str, ...]:
        if self.poll_s < POLL_ADVISED_S:
            words = tr("poll_s = {poll}: migrations move by the day; {advised} s or more is enough",
                       poll=f"{self.poll_s:g}", advised=f"{POLL_ADVISED_S:g}")  # fmt: skip
            return (words,)
        return ()
