"""Settings of one USMS account: a `[[usms]]` table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field

from wattdeck.core.config import AlarmSettings, HistoryPlace, SourceConfig
from wattdeck.core.language import tr
from wattdeck.core.origin import normal_origin
from wattdeck.core.secrets import SecretRef

PORTAL = "https://www.usms.com.bn"
POLL_ADVISED_S = 900.0
"""The portal's figures move hourly; asking more often than every 15 minutes shows nothing new (usms.md 5)."""


def _ic_number(text: str) -> str:
    """The IC number as the portal takes it: without dashes and blanks (usms.md 1)."""
    bare = re.sub(r"[-\s]", "", text)
    if not re.fullmatch(r"[0-9A-Za-z]{4,20}", bare):
        raise ValueError(tr("expected the IC number you log in with, such as 01-234567"))
    return bare


class UsmsAlarms(AlarmSettings):
    """The alarms of one account."""

    credit_days: float = Field(default=3.0, ge=0, le=365)
    """Credit that lasts for fewer days than this at the present pace, for each meter. It clears a day above."""
    no_update_h: float = Field(default=24.0, ge=1, le=2400)
    """The portal has not heard of a meter for longer than this, h. A bare date counts from the end of that day."""
    unusual_percent: float = Field(default=60.0, ge=10, le=1000)
    """The last whole day was this far from the usual, %: the median of the same weekday in the four weeks before, or
    of all their days. At least three times as far as days usually are; 100 and more: days of too much use alone."""


class UsmsConfig(SourceConfig):
    """One account of the residential portal."""

    RECORDED: ClassVar[Sequence[str]] = ("alarms", "backfill")
    IN_REPLAY: ClassVar[Mapping[str, Any]] = {"username": "recording", "url": "http://recording.invalid"}

    username: Annotated[str, AfterValidator(_ic_number)]
    """The IC number you log in with; dashes and blanks do not matter."""
    password: SecretRef | None = None
    """Portal password. Not set: `wattdeck usms login` asks for it each time."""
    url: Annotated[str, AfterValidator(normal_origin)] = PORTAL
    """Where the portal is: scheme, host and port. Change it only for a simulator."""
    timeout_s: float = Field(default=60.0, gt=0, le=300)
    """How long one page may take, s. The portal is slow when it is busy."""
    poll_s: float = Field(default=900.0, ge=1, le=86_400)
    """Time between two looks at the meters, s. The portal hears of a meter about once an hour."""
    history: HistoryPlace = True
    """Where hourly and daily values are kept, so that nothing is asked for twice: true is an SQLite file beside the
    other state, a text another file (a name ending in `.csv`: a folder of CSV files) or a database's URL. false keeps
    them in memory alone."""
    backfill: bool = False
    """Read everything the portal has, back to the earliest day, a page at a time in the background."""
    alarms: UsmsAlarms = Field(default_factory=UsmsAlarms.defaults)
    """When to raise an alarm."""

    @property
    def endpoint(self) -> str:
        return self.url

    def for_test(self) -> Self:
        return self.model_copy(update={"history": False, "backfill": False})

    def warnings(self) -> tuple[str, ...]:
        if self.poll_s < POLL_ADVISED_S:
            words = tr("poll_s = {seconds}: the portal's figures move hourly; 900 s or more is enough",
                       seconds=f"{self.poll_s:g}")  # fmt: skip
            return (words,)
        return ()
