"""Ordinary `/circuits` and `/panel` answers from bytes to models in one pass of pydantic's compiled parser.

What is in the least odd (null or text where a number is due, a new word, a bare tab, a broken id) is declined with
None and left to the tolerant functions of `wire`, which alone say what things mean; tests hold the two together.
"""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from math import isfinite
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from wattdeck.core.text import clean
from wattdeck.systems.span.models import PRIORITIES, Branch, Circuit, Relay

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator
    from pydantic_core.core_schema import CoreSchema, DataclassField

COUNT_MAX = 512
"""More circuits or branches than this are a mistake; the largest panel has 48 spaces."""
NUMBER_MAX = 1e15
"""No watt or watt-hour is beyond this; whatever is counts as unknown."""
PANEL_FIELDS = (
    "mainRelayState",
    "mainMeterEnergy",
    "instantGridPowerW",
    "feedthroughPowerW",
    "feedthroughEnergy",
    "dsmGridState",
    "dsmState",
    "currentRunConfig",
)


class _Words(dict[str, Any]):
    """Known words only; another one makes the parser decline."""

    def __missing__(self, word: str) -> Any:
        raise ValueError(word)


_RELAYS = _Words(OPEN=Relay.OPEN, CLOSED=Relay.CLOSED, UNKNOWN=Relay.UNKNOWN)
_PRIORITIES = _Words({word.upper(): word for word in (*PRIORITIES, "unknown")})


class _Parser(NamedTuple):
    circuits: SchemaValidator
    panel: SchemaValidator
    declined: type[Exception]


def circuits(body: bytes) -> tuple[Circuit, ...] | None:
    """The circuits of an ordinary answer, in its order; None if it is not one."""
    parser = _parser()
    try:
        by_id: dict[str, Circuit] = parser.circuits.validate_json(body)["circuits"]
    except parser.declined:
        return None
    found = tuple(by_id.values())
    return found if [circuit.circuit_id for circuit in found] == [*by_id] else None


def panel(body: bytes) -> tuple[dict[str, Any], tuple[Branch, ...]] | None:
    """The other fields of an ordinary panel answer, as sent, and its branches by space; None if it is not one."""
    parser = _parser()
    try:
        raw: dict[str, Any] = parser.panel.validate_json(body)
    except parser.declined:
        return None
    if any(isinstance(value, float) and not isfinite(value) for value in raw.values()):
        return None
    branches: list[Branch] = raw["branches"]
    tabs = [branch.tab for branch in branches]
    if len(set(tabs)) != len(tabs):
        return None
    if sorted(tabs) != tabs:
        branches.sort(key=attrgetter("tab"))
    return raw, tuple(branches)


@lru_cache(maxsize=1024)
def _name(text: str) -> str:
    name = clean(text).strip()
    if not name:
        raise ValueError("no name")
    return name


@lru_cache(maxsize=1024)
def _ascending(tabs: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(tabs)))


@lru_cache(maxsize=1)
def _parser() -> _Parser:
    from pydantic_core import SchemaValidator, ValidationError, core_schema

    from wattdeck.systems.span.wire import moment

    s = core_schema
    after = s.no_info_after_validator_function
    tab = s.int_schema(strict=True, gt=0, le=COUNT_MAX)
    finite = s.float_schema(strict=True, allow_inf_nan=False, gt=-NUMBER_MAX, lt=NUMBER_MAX)
    # Adding to 0.0 makes -0.0 a plain zero; subtracting from it turns the sign round as well.
    number, turned = after((0.0).__add__, finite), after((0.0).__sub__, finite)
    flag, relay = s.bool_schema(strict=True), after(_RELAYS.__getitem__, s.str_schema(strict=True))
    time = after(lru_cache(maxsize=64)(moment), s.int_schema(strict=True))
    circuit = _dataclass(
        Circuit,
        circuit_id=("id", s.str_schema(strict=True, pattern="^[0-9A-Za-z_-]{1,64}$")),
        name=("name", after(_name, s.str_schema(strict=True, max_length=400))),
        tabs=("tabs", after(_ascending, s.tuple_schema([tab], variadic_item_index=0, max_length=64))),
        power_w=("instantPowerW", turned),
        energy_consumed_wh=("consumedEnergyWh", number),
        energy_produced_wh=("producedEnergyWh", number),
        relay=("relayState", relay),
        priority=("priority", after(_PRIORITIES.__getitem__, s.str_schema(strict=True))),
        controllable=("isUserControllable", flag),
        sheddable=("isSheddable", s.with_default_schema(flag, default=None)),
        never_backup=("isNeverBackup", s.with_default_schema(flag, default=None)),
        power_at=("instantPowerUpdateTimeS", time),
        energy_at=("energyAccumUpdateTimeS", time),
    )
    branch = _dataclass(
        Branch,
        tab=("id", tab),
        power_w=("instantPowerW", turned),
        energy_consumed_wh=("exportedActiveEnergyWh", number),
        energy_produced_wh=("importedActiveEnergyWh", number),
        relay=("relayState", relay),
        measure_valid=("isMeasureValid", s.with_default_schema(flag, default=None)),
    )
    by_id = s.dict_schema(s.str_schema(strict=True), circuit, max_length=COUNT_MAX)
    rest = {name: s.typed_dict_field(s.any_schema(), required=False) for name in PANEL_FIELDS}
    branches = s.typed_dict_field(s.list_schema(branch, max_length=COUNT_MAX))
    return _Parser(
        SchemaValidator(s.typed_dict_schema({"circuits": s.typed_dict_field(by_id)})),
        SchemaValidator(s.typed_dict_schema({"branches": branches, **rest})),
        ValidationError,
    )


def _dataclass(model: type, **sent: tuple[str, CoreSchema]) -> CoreSchema:
    """A frozen slots dataclass made from an object: attribute = (name on the wire, schema); the rest is left as it is
    by default."""
    from pydantic_core import core_schema as s

    arguments: list[DataclassField] = [
        s.dataclass_field(name, schema, validation_alias=alias, kw_only=False) for name, (alias, schema) in sent.items()
    ]
    for field in fields(model):
        if field.name not in sent:
            # No wire has such a name, so that the default always stands.
            default = s.with_default_schema(s.any_schema(), default=field.default)
            arguments.append(s.dataclass_field(field.name, default, validation_alias=f"\0{field.name}", kw_only=False))
    names = [argument["name"] for argument in arguments]
    return s.dataclass_schema(model, s.dataclass_args_schema(model.__name__, arguments), names, slots=True)
