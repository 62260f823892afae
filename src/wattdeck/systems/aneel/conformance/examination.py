"""One answer against all rules that one answer can break (aneel.md 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from wattdeck.systems.aneel.conformance import asking, demand, demands, envelope, outages, transport
from wattdeck.systems.aneel.conformance.model import Context
from wattdeck.systems.aneel.conformance.raw import read
from wattdeck.systems.aneel.conformance.subject import DIALECTS, EMAIL, folded, subject_of
from wattdeck.systems.aneel.exchange import PAYLOADS, Exchange, Route
from wattdeck.systems.aneel.models import Finding


@dataclass(frozen=True, slots=True)
class Examination:
    """What one answer shows."""

    exchange: Exchange
    findings: tuple[Finding, ...]
    """Worst first, at most twenty of a rule and one that counts the rest."""
    looked: frozenset[str]
    """Rules whose subject was there, kept or not."""
    status: int | None = None
    """1 or 2; None if the answer does not say."""
    email: str | None = field(default=None, repr=False)
    outages: tuple[outages.Good, ...] | None = field(default=None, repr=False)
    """Rows that can be reckoned with; None if this is no good answer about outages."""
    demands: tuple[demands.Good, ...] | None = field(default=None, repr=False)
    payload: object = field(default=None, repr=False)
    """As it came."""
    envelope: bool = False
    """Whether there was one."""

    @property
    def passed(self) -> frozenset[str]:
        """Rules that were looked at and are kept."""
        return self.looked - {finding.rule for finding in self.findings}


def examine(exchange: Exchange, context: Context) -> Examination:
    """Check one answer and tell what was looked at. Whatever came, nothing is raised."""
    subject = subject_of(exchange, context)
    rows: tuple[outages.Good, ...] | None = None
    counts: tuple[demands.Good, ...] | None = None
    if transport.check(subject) and envelope.check(subject):
        if exchange.route == "outages" and isinstance(subject.payload, list):
            rows = outages.check(subject)
        elif exchange.route == "demands" and isinstance(subject.payload, list):
            counts = demands.check(subject)
        elif exchange.route == "demand":
            demand.check(subject)
    asking.check(subject)
    email = subject.values.get(EMAIL)
    return Examination(
        exchange,
        subject.tally.findings(),
        frozenset(subject.tally.looked),
        subject.status,
        email if isinstance(email, str) else None,
        rows,
        counts,
        subject.payload,
        subject.envelope is not None and not subject.wrapped,
    )


def check_answer(exchange: Exchange, context: Context) -> tuple[Finding, ...]:
    """What of the rules one answer does not keep, worst first."""
    return examine(exchange, context).findings


def examine_bytes(route: Route, body: bytes, context: Context, *, at: datetime | None = None) -> Examination:
    """A saved body: without headers, time and question, whose rules are not looked at."""
    nothing: Mapping[str, str] = MappingProxyType({})
    return examine(Exchange(route, 200, nothing, body, 0.0, at or datetime.now(UTC), nothing), context)


def check_bytes(route: Route, body: bytes, context: Context, *, at: datetime | None = None) -> tuple[Finding, ...]:
    """What of the rules a saved body does not keep, worst first."""
    return examine_bytes(route, body, context, at=at).findings


def guess_route(body: bytes) -> Route | None:
    """Which of the three answers a saved body is, by its payload; None if it does not tell."""
    found = read(body).value
    if not isinstance(found, dict):
        return None
    inner = found.get("detail")
    names = {folded(name) for name in [*found, *(inner if isinstance(inner, dict) else ())][:100]}
    if any(folded(name) in names for name in DIALECTS):
        return "outages"
    if "quantitativodemandasdiversas" in names:
        return "demands"
    for route, payload in PAYLOADS.items():
        if folded(payload) in names:
            return route
    return "demand" if "numprotocolo" in names else None
