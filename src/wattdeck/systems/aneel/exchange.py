"""One request to a distributor's server and its whole answer, not yet read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Route = Literal["outages", "demands", "demand"]

PATHS: Mapping[Route, str] = {
    "outages": "quantitativointerrupcoesativas",
    "demands": "quantitativodemandasdiversas",
    "demand": "dadosdemanda",
}
PAYLOADS: Mapping[Route, str] = {
    "outages": "interrupcaoFornecimento",
    "demands": "demandasDiversas",
    "demand": "demanda",
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its whole answer, as the reader and the conformance check look at it."""

    route: Route
    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    """Of the answer; names in lower case."""
    body: bytes = field(repr=False)
    """May hold personal data."""
    elapsed_s: float
    """From asking to the last byte."""
    at: datetime
    """When the last byte was there, UTC."""
    asked: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The query, decoded."""
    url: str = field(default="", repr=False)
    """With the query; the key is in no URL."""
