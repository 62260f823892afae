"""Frozen models to plain data and back: what snapshots print and what is kept between runs.

Only the shapes models are made of: dataclasses, tuples, string enums, aware times, None and plain values. Importing
a validation library for this would cost more than the first frame.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def encode(value: Any) -> Any:
    """Turn a model into what `json.dumps` takes. Times become ISO 8601 with offset, unknown stays None."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind: Any = type(value)
        return {name: encode(getattr(value, name)) for name in _names(kind)}
    raise TypeError(f"{type(value).__name__} has no place in a snapshot")


def decode(kind: type[T], data: Any) -> T:
    """Build a model from `encode`'s output.

    Raises:
        ValueError: the data does not fit; for instance it was written by another version.
    """
    try:
        return typing.cast("T", _build(kind, data))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error


def iso(moment: datetime) -> str:
    """ISO 8601 with offset, `Z` for UTC, no more than milliseconds."""
    text = moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text[:-6] + "Z" if moment.tzinfo is UTC or text.endswith("+00:00") else text


def read_time(text: str) -> datetime:
    """A time as `iso` writes it.

    Raises:
        ValueError: it is none, or does not say its offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} is a time without an offset")
    return moment


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(kind: Any, data: Any) -> Any:
    return _builder(kind)(data)


@cache
def _builder(kind: Any) -> Callable[[Any], Any]:
    """What builds values of a type: looked up once, because a replay builds thousands of models a second."""
    origin = typing.get_origin(kind)
    if origin is typing.Union or origin is types.UnionType:
        return _union_builder(typing.get_args(kind), kind)
    if origin is tuple:
        return _tuple_builder(typing.get_args(kind))
    if kind is Any:
        return lambda data: data
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _dataclass_builder(kind)
    if kind is float:
        return _finite
    if kind is date:
        return lambda data: date.fromisoformat(_want(data, str))
    if kind is Decimal:
        return lambda data: Decimal(str(_finite(data) if isinstance(data, float) else _want(data, int)))
    if kind is datetime:
        return lambda data: read_time(_want(data, str))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda data: kind(data)
    return lambda data: _want(data, kind)


def _tuple_builder(kinds: tuple[Any, ...]) -> Callable[[Any], Any]:
    """Of any length where the type says so, else of exactly the places it names."""
    items = [_builder(each) for each in kinds if each is not Ellipsis]
    if Ellipsis in kinds:
        item = items[0]
        return lambda data: tuple([item(each) for each in _want(data, list)])

    def build(data: Any) -> Any:
        if len(_want(data, list)) != len(items):
            raise TypeError(f"{len(data)} values where {len(items)} are due")
        return tuple([item(each) for item, each in zip(items, data, strict=True)])

    return build


def _dataclass_builder(kind: Any) -> Callable[[Any], Any]:
    fields: list[tuple[str, Callable[[Any], Any]]] = []

    def build(data: Any) -> Any:
        values = _want(data, dict)
        if not fields:
            # Now, not before: a model may hold models of its own kind.
            hints = _hints(kind)
            fields.extend([(name, _builder(hints[name])) for name in _names(kind)])
        return kind(**{name: item(values[name]) for name, item in fields if name in values})

    return build


def _union_builder(kinds: tuple[Any, ...], union: Any) -> Callable[[Any], Any]:
    inner = [_builder(kind) for kind in kinds if kind is not type(None)]
    optional = len(inner) < len(kinds)

    def build(data: Any) -> Any:
        if data is None and optional:
            return None
        if len(inner) != 1:
            raise TypeError(f"ambiguous type {union}")
        return inner[0](data)

    return build


def _finite(data: Any) -> float:
    """A number: no model holds another, though Python's JSON reads and writes `NaN` and `Infinity`."""
    number = float(_want(data, (int, float)))
    if not math.isfinite(number):
        raise ValueError(f"{number} where a finite number is due")
    return number


def _want(data: Any, kind: Any) -> Any:
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise TypeError(f"{type(data).__name__} where {kind} is due")
    return data
