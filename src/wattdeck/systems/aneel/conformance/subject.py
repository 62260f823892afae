"""One answer as the rules see it: its envelope found and its keys recognised, also where they are misspelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance.model import Context
from wattdeck.systems.aneel.conformance.raw import Body, read
from wattdeck.systems.aneel.conformance.tally import Tally
from wattdeck.systems.aneel.exchange import PAYLOADS, Exchange, Route

STATUS, EMAIL, MESSAGE = "idcStatusRequisicao", "emailIndisponibilidade", "mensagem"
ENVELOPE_KEYS: Mapping[Route, frozenset[str]] = {
    route: frozenset((STATUS, EMAIL, MESSAGE, payload)) for route, payload in PAYLOADS.items()
}
DIALECTS: Mapping[str, str] = {
    "quantitativoInterrupcoesAtivas": later("dialect A, an older draft"),
    "listaInterrupcoes": later("dialect B, an older draft"),
}
"""Payloads of formats before version 4 (conflict C01)."""
_ALSO = {
    "email": EMAIL,
    "message": MESSAGE,
    "quantitativodemandasdiversas": "demandasDiversas",
    "interrupcoes": "interrupcaoFornecimento",
    "interrupcaofornecimentos": "interrupcaoFornecimento",
}
"""Other names for the same thing, folded."""


def folded(name: str) -> str:
    """A key without what spelling can differ in."""
    return name[:80].replace("_", "").replace("-", "").lower()


@dataclass(slots=True)
class Subject:
    """An answer taken apart."""

    exchange: Exchange
    context: Context
    tally: Tally
    body: Body
    envelope: dict[str, Any] | None = None
    """As it came, taken out of a `detail` around it."""
    wrapped: bool = False
    """The envelope came within `detail`."""
    values: dict[str, Any] = field(default_factory=dict)
    """Right name -> value, also of misspelled keys."""
    misspelled: dict[str, str] = field(default_factory=dict)
    """Right name -> as it came."""

    @property
    def route(self) -> Route:
        return self.exchange.route

    @property
    def status(self) -> int | None:
        """1 or 2, also where it is written `"1"` or 1.0; None if it is neither."""
        match self.values.get(STATUS):
            case bool():
                return None
            case 1 | "1":
                return 1
            case 2 | "2":
                return 2
        return None

    @property
    def payload(self) -> Any:
        """The payload as it came; None also if there is none."""
        return self.values.get(PAYLOADS[self.route])

    @property
    def rows(self) -> list[Any]:
        """The rows of an answer with status 1, empty if there are none."""
        payload = self.payload
        return payload if isinstance(payload, list) and self.status == 1 else []


def subject_of(exchange: Exchange, context: Context) -> Subject:
    """Take an answer apart; whatever came, nothing is raised."""
    subject = Subject(exchange, context, Tally(context), read(exchange.body))
    found = subject.body.envelope
    if found is None:
        return subject
    inner = found.get("detail")
    if isinstance(inner, dict) and not _is_envelope(found, exchange.route) and _is_envelope(inner, exchange.route):
        found, subject.wrapped = inner, True
    if not (_is_envelope(found, exchange.route) or any(name in found for name in DIALECTS)):
        return subject
    subject.envelope = found
    known = ENVELOPE_KEYS[exchange.route]
    by_fold = {folded(name): name for name in known} | {
        also: name for also, name in _ALSO.items() if name in known and name not in found
    }
    for name, value in found.items():
        right = name if name in known else by_fold.get(folded(name))
        if right is None or (right != name and (right in found or right in subject.values)):
            continue
        subject.values[right] = value
        if right != name:
            subject.misspelled[right] = name
    return subject


def _is_envelope(found: Mapping[str, Any], route: Route) -> bool:
    """Whether any of the envelope's own keys is there, however spelled."""
    names = {folded(name) for name in list(found)[:100]}
    return any(folded(name) in names for name in (STATUS, PAYLOADS[route])) or (
        folded(MESSAGE) in names and folded(EMAIL) in names
    )


def now_bounds(exchange: Exchange) -> tuple[datetime, datetime]:
    """The earliest and the latest it can have been: our clock and the server's `Date` may differ."""
    ours = exchange.at
    theirs = _date(exchange.headers.get("date", "")) or ours
    return min(ours, theirs), max(ours, theirs)


def _date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime

    try:
        found = parsedate_to_datetime(text[:60])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
