"""What a rule is, and what a check needs to know before it looks at an answer (aneel.md 6, 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from wattdeck.core.language import later, tr
from wattdeck.systems.aneel.exchange import Route
from wattdeck.systems.aneel.models import Finding, Level

SET_CODE_MIN, SET_CODE_MAX = 1000, 99_999
"""Sets have four or five digits."""
COUNT_MAX = 2_147_483_647
FROZEN_AFTER_S = 6900.0
"""Two hours less the jitter of the polls (rule X01)."""

ERROR, WARNING, INFO = Level.ERROR, Level.WARNING, Level.INFO
RANK: Mapping[Level, int] = MappingProxyType({Level.ERROR: 0, Level.WARNING: 1, Level.INFO: 2})
"""Worst first."""


class Need(StrEnum):
    """What it takes to look at a rule at all."""

    ANSWER = "answer"
    """One answer, also a saved one."""
    SERIES = "series"
    """Several answers of one server."""
    SERVER = "server"
    """A live server that can be asked on purpose."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the sheet."""

    id: str
    level: Level
    """Usual level; a rule that goes by measure can also find at another one."""
    title: str
    """In English, as all its words; drawn by `wording.drawn`."""
    looks_at: str
    """What of the answer, the server or the series."""
    expected: str
    says: str
    """What is wrong if it is not kept, and what to do. A finding may say it more exactly."""
    need: Need = Need.ANSWER
    family: str = ""
    """In words: `Transport`."""
    routes: frozenset[Route] = frozenset({"outages", "demands", "demand"})

    @property
    def text(self) -> str:
        """The rule in one sentence, for people."""
        return f"{self.title}. Looks at {self.looks_at}; expected: {self.expected}."


def family(name: str, need: Need, routes: Iterable[Route], *rules: Rule) -> tuple[Rule, ...]:
    """Rules that belong together. What a rule needs by itself stays if it is more than one answer."""
    from dataclasses import replace

    kept = frozenset(routes)
    return tuple(
        replace(rule, family=name, routes=kept, need=need if rule.need is Need.ANSWER else rule.need) for rule in rules
    )


@dataclass(frozen=True, slots=True)
class Passed:
    """A rule that was looked at and is kept."""

    rule: str
    evidence: str
    """What was seen, in words."""


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A rule that could not be looked at."""

    rule: str
    why: str


Outcome = Finding | Passed | NotChecked
EMail = Literal["allowed", "required", "forbidden"]


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the distributor whose answers are checked. Nothing known: nothing held against it."""

    state: str | None = None
    """`RR`."""
    municipalities: frozenset[int] | None = None
    """IBGE codes of the concession; None: not looked at (I11)."""
    known_sets: frozenset[int] = frozenset()
    """Sets that are right whatever their number looks like (I07)."""
    customers: Mapping[int, int] = field(default_factory=dict)
    """Municipality -> customers served, where known (I16)."""
    capital_is_largest: bool = True
    """Whether the state's capital has to have most customers (I16). Not so in Espírito Santo and Santa Catarina."""
    email_in_demands: EMail = "allowed"
    """Whether answers about demands carry `emailIndisponibilidade`; the sources disagree (conflict C03)."""
    profile: Mapping[str, Level | None] = field(default_factory=dict)
    """Rule -> its level here; None: off."""
    protocol: str | None = None
    """A demand that exists. Without one no real protocol is ever asked for (P12)."""
    frozen_after_s: float = FROZEN_AFTER_S
    """How long the same outages may be told before they count as frozen (X01)."""

    @classmethod
    def of(
        cls,
        *,
        state: str | None = None,
        municipalities: Iterable[int] = (),
        known_sets: Iterable[int] = (),
        customers: Mapping[int, int] | None = None,
        profile: Mapping[str, str] | None = None,
        email_in_demands: EMail = "allowed",
        protocol: str | None = None,
        frozen_after_s: float = FROZEN_AFTER_S,
    ) -> Context:
        """From settings as they are written down.

        Args:
            municipalities: The concession; empty: the whole state, if there is one.
            profile: Rule -> `error`, `warning`, `info` or `off`.

        Raises:
            ValueError: the profile names a rule or a level that there is not.
        """
        concession = frozenset(municipalities)
        if not concession and state:
            from wattdeck.systems.aneel.places import municipalities_of

            concession = frozenset(municipalities_of(state))
        if not customers and state == "RR":
            from wattdeck.systems.aneel.places import RORAIMA_CUSTOMERS as customers  # noqa: N811  the same, by default
        return cls(
            state=state,
            municipalities=concession or None,
            known_sets=frozenset(known_sets),
            customers=dict(customers or {}),
            capital_is_largest=state not in ("ES", "SC"),
            email_in_demands=email_in_demands,
            profile=read_profile(profile or {}),
            protocol=protocol,
            frozen_after_s=frozen_after_s,
        )

    def level_of(self, rule: Rule, level: Level | None = None) -> Level | None:
        """The level of a finding: the profile's, else the measured one, else the rule's; None if it is off."""
        return self.profile.get(rule.id, level or rule.level)


def read_profile(words: Mapping[str, str]) -> Mapping[str, Level | None]:
    """Levels by rule.

    Raises:
        ValueError: there is no such rule, or no such level.
    """
    from wattdeck.systems.aneel.conformance.registry import RULES

    found: dict[str, Level | None] = {}
    for rule, word in words.items():
        if rule not in RULES:
            message = later("profile: there is no rule {rule}; rules are T01 to P12, see wattdeck aneel rules")
            raise ValueError(tr(message, rule=repr(rule[:20])))
        if word not in ("off", *Level):
            message = later("profile: {rule} is {word}; expected error, warning, info or off")
            raise ValueError(tr(message, rule=rule, word=repr(word[:20])))
        found[rule] = None if word == "off" else Level(word)
    return MappingProxyType(found)
