"""One request to the simulated CCEE, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
FIELDS, FORBIDDEN = "ERR_VALIDACAO_CAMPOS", "ERR_ACESSO_NEGADO"


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose token and codes are in order."""

    version: str
    """`v1`, `v1.1` or `v2`."""
    agent: int
    profile: int
    is_utility: bool
    query: Mapping[str, str]
    body: Any = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list."""

    key: str
    rows: list[Row]
    cursor: str | int | None


@dataclass(frozen=True, slots=True)
class Single:
    """One object."""

    row: Row
    status: int = 200


@dataclass(frozen=True, slots=True)
class File:
    """A contract's file, as it goes out."""

    content: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """Done, and nothing to say: 204."""


Outcome = Listing | Single | File | Nothing


@dataclass(slots=True)
class Refusal(Exception):
    """An answer that says no (ccee.md 2)."""

    status: int
    code: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)


def wrong(name: str, words: str, code: str = FIELDS) -> Refusal:
    """400: a field is missing or not as it must be."""
    return Refusal(400, code, f"{name}: {words}")


def missing(what: str) -> Refusal:
    """404."""
    return Refusal(404, "ERR_REGISTRO_NAO_ENCONTRADO", f"{what} nao encontrada")
