"""Frozen models to plain data and back: what snapshots print and what is kept between runs.

Only the shapes models are made of: dataclasses, tuples, string enums, aware times, None and plain values. Importing
a validation library for this would cost more than the first frame.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
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
    origin = typing.get_origin(kind)
    if origin is typing.Union or origin is types.UnionType:
        return _build_union(typing.get_args(kind), data)
    if origin is tuple:
        return tuple(_build(typing.get_args(kind)[0], item) for item in _want(data, list))
    if kind is Any:
        return data
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        values = _want(data, dict)
        hints = _hints(kind)
        return kind(**{name: _build(hints[name], values[name]) for name in _names(kind) if name in values})
    if kind is float:
        return float(_want(data, (int, float)))
    if kind is date:
        return date.fromisoformat(_want(data, str))
    if kind is Decimal:
        return Decimal(str(_want(data, (int, float))))
    if kind is datetime:
        return read_time(_want(data, str))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    return _want(data, kind)


def _build_union(kinds: tuple[Any, ...], data: Any) -> Any:
    if data is None and type(None) in kinds:
        return None
    inner = [kind for kind in kinds if kind is not type(None)]
    if len(inner) != 1:
        raise TypeError(f"ambiguous type {kinds}")
    return _build(inner[0], data)


def _want(data: Any, kind: Any) -> Any:
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise TypeError(f"{type(data).__name__} where {kind} is due")
    return data
