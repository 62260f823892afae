"""What a chronicle knows of one migration: its newest state as text, and the changes that led there.

States hold no whole CPF, CNPJ or e-mail address: those are masked, with a short fingerprint that tells two of them
apart.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any, Literal

from wattdeck.core.text import clean
from wattdeck.systems.ccee.documents import mask_document, mask_email
from wattdeck.systems.ccee.models import Migration

CHANGES_MAX = 50
"""Most changes kept of one migration: the first sight and the newest."""
MIGRATIONS_MAX = 20_000
TEXT_LENGTH_MAX = 200
ID_LENGTH_MAX = 200

FIELDS = tuple(each.name for each in fields(Migration) if each.name not in ("migration_id", "deadline"))
"""What is compared. The deadline is our own reckoning and moves with the settings."""
KEYS = {
    "consumer_unit_code": "uc",
    "utility_agent_code": "ut",
    "retailer_agent_code": "ra",
    "retailer_profile_code": "rp",
    "reference_month": "mo",
    "status": "st",
    "requested_at": "rq",
    "document_type": "dt",
    "document_number": "dn",
    "email": "em",
    "submarket": "sm",
    "dhc_value": "dh",
    "musd_value": "mu",
    "penalty_payment": "pp",
    "justification": "ju",
    "validated_at": "va",
    "comment": "co",
    "utility_consumer_unit_code": "uu",
    "denunciation_date": "dd",
    "siga_indicator": "si",
    "protocol_number": "pn",
    "intended_utility_month": "im",
    "formalization_date": "fd",
    "modality": "md",
    "tariff_subgroup": "ts",
    "utility_formalized": "uf",
    "supplier_agent_code": "sp",
    "connected_type": "ct",
    "cer_celebration_id": "ce",
}
"""What the fields are called in the file, where each migration has most of them. Never used for another field."""
_MASKS = {"document_number": mask_document, "email": mask_email}
_ONE_SHAPE = frozenset({"supplier_agent_code", "connected_type", "cer_celebration_id"})
"""Fields that a list has and a single record has not, or the reverse (ccee.md 3.3): there, empty means not told."""
values_of = attrgetter(*FIELDS)
"""All compared values of a migration; the cheapest way to see that nothing has changed."""

State = tuple[str, ...]
"""One text for each of `FIELDS`; empty for what is unknown or empty."""
Kind = Literal["seen", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to one migration."""

    migration_id: str
    at: datetime
    """When it was noticed, UTC; it may have happened earlier."""
    kind: Kind
    field: str
    """The model's name of the field; `status` if the migration was first seen or has gone."""
    old: str
    new: str


class Trace:
    """One migration's newest state and its changes, oldest first."""

    __slots__ = ("changes", "gone", "last", "migration", "state", "values")

    def __init__(self, state: State, at: datetime) -> None:
        self.state = state
        self.changes: list[Change] = []
        self.gone = False
        self.last = at
        """When it was last listed, as far as this process knows."""
        self.migration: Migration | None = None
        """The object that was compared last."""
        self.values: tuple[Any, ...] | None = None

    def take(self, changes: Sequence[Change]) -> None:
        """Add changes; when there are too many, the oldest after the first sight go."""
        self.changes.extend(changes)
        if (surplus := len(self.changes) - CHANGES_MAX) > 0:
            del self.changes[1 : 1 + surplus]


def state_of(values: Sequence[object], key: bytes) -> State:
    """A migration's values as text that may be kept and shown."""
    return tuple(
        ["" if value is None else _text(field, value, key) for field, value in zip(FIELDS, values, strict=True)]
    )


def differences(migration_id: str, at: datetime, old: State, new: State) -> Iterator[Change]:
    """The fields that changed."""
    for field, before, after in zip(FIELDS, old, new, strict=True):
        if before != after and (after or field not in _ONE_SHAPE):
            yield Change(migration_id, at, "changed", field, before, after)


def changed_state(state: State, changes: Sequence[Change]) -> State:
    """The state after changes."""
    new = {change.field: change.new for change in changes}
    return tuple(new.get(field, value) for field, value in zip(FIELDS, state, strict=True))


def status_of(state: State) -> str:
    """The status in a state."""
    return state[_STATUS]


def seen_line(migration_id: str, at: datetime, state: State) -> bytes:
    """First sight, with the whole state."""
    return _line({"i": migration_id, "t": at.isoformat(), "s": _sparse(state)})


def change_line(migration_id: str, at: datetime, changes: Sequence[Change]) -> bytes:
    """Some fields, changed at one moment."""
    return _line({"i": migration_id, "t": at.isoformat(), "c": [[each.field, each.old, each.new] for each in changes]})


def gone_line(migration_id: str, at: datetime) -> bytes:
    """It is listed no more."""
    return _line({"i": migration_id, "t": at.isoformat(), "g": 1})


def trace_line(migration_id: str, trace: Trace, changes_max: int = CHANGES_MAX) -> bytes:
    """Everything known of one migration, for a file that is written anew."""
    kept = trace.changes
    if len(kept) > changes_max:
        kept = [kept[0], *kept[len(kept) - changes_max + 1 :]]
    told = [[each.at.isoformat(), each.kind, each.field, each.old, each.new] for each in kept]
    body = {"i": migration_id, "t": trace.last.isoformat(), "s": _sparse(trace.state), "h": told}
    return _line(body | {"g": 1} if trace.gone else body)


def replay(traces: dict[str, Trace], raw: bytes) -> None:
    """Add what one line says; a line that is cut or is not ours says nothing.

    Sessions that watch the same agent note the same changes: what is known already is not added twice.
    """
    try:
        body = json.loads(raw)
        migration_id, at = body["i"], _moment(body["t"])
        if not isinstance(migration_id, str) or not 0 < len(migration_id) <= ID_LENGTH_MAX:
            return
        _replay(traces, migration_id, at, body)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return


def newest(traces: dict[str, Trace]) -> dict[str, Trace]:
    """At most `MIGRATIONS_MAX` of them: those that were listed last."""
    if len(traces) <= MIGRATIONS_MAX:
        return traces
    order = sorted(traces, key=lambda migration_id: traces[migration_id].last, reverse=True)
    kept = set(order[:MIGRATIONS_MAX])
    return {migration_id: trace for migration_id, trace in traces.items() if migration_id in kept}


_STATUS = FIELDS.index("status")


def _replay(traces: dict[str, Trace], migration_id: str, at: datetime, body: Mapping[str, Any]) -> None:
    trace = traces.get(migration_id)
    if "s" in body:
        state = _dense(body["s"])
        if trace is None or (trace.gone and "h" not in body):
            trace = trace or Trace(state, at)
            history = [_change(migration_id, each) for each in body["h"][: 2 * CHANGES_MAX]] if "h" in body else []
            trace.take(history or [Change(migration_id, at, "seen", "status", "", status_of(state))])
            trace.state, trace.gone = state, "h" in body and bool(body.get("g"))
            traces[migration_id] = trace
        else:
            trace.take([*differences(migration_id, at, trace.state, state)])
            trace.state = state
    elif trace is None:
        return
    elif "c" in body:
        told = [_change(migration_id, [body["t"], "changed", *each]) for each in body["c"]]
        known = dict(zip(FIELDS, trace.state, strict=True))
        new = [change for change in told if known[change.field] != change.new]
        trace.take(new)
        trace.state = changed_state(trace.state, new)
    elif not trace.gone:
        trace.take([Change(migration_id, at, "gone", "status", status_of(trace.state), "")])
        trace.gone = True
    trace.last = max(trace.last, at)


def _change(migration_id: str, raw: Sequence[Any]) -> Change:
    """A change as a line has it.

    Raises:
        ValueError, TypeError: it is none.
    """
    moment, kind, field, old, new = raw
    if kind not in ("seen", "changed", "gone") or field not in FIELDS:
        raise ValueError("not a change")
    return Change(migration_id, _moment(moment), kind, field, _kept(old), _kept(new))


def _moment(text: str) -> datetime:
    """A moment with its zone.

    Raises:
        ValueError, TypeError: it is none.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment.astimezone(UTC)


def _kept(text: object) -> str:
    """Text of a file that anybody may have changed.

    Raises:
        TypeError: it is no text.
    """
    if not isinstance(text, str):
        raise TypeError("not text")
    return clean(text, TEXT_LENGTH_MAX)


def _text(field: str, value: object, key: bytes) -> str:
    if isinstance(value, str):
        if value and (mask := _MASKS.get(field)) is not None:
            digest = hmac.new(key, value.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:6]
            return f"{clean(mask(value), TEXT_LENGTH_MAX - 20)} ({digest})"
        return clean(value, TEXT_LENGTH_MAX)
    if isinstance(value, date):
        return value.isoformat()
    return clean(str(value), TEXT_LENGTH_MAX)


def _sparse(state: State) -> dict[str, str]:
    return {KEYS[field]: value for field, value in zip(FIELDS, state, strict=True) if value}


def _dense(raw: Mapping[str, Any]) -> State:
    return tuple(_kept(raw.get(KEYS[field], "")) for field in FIELDS)


def _line(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
