"""What can be set in a table of settings, from its model: a field for each key, and what typed text means there.

Text is what a person types: empty means that the key is not written, so that the default holds.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from wattdeck.core.secrets import SecretRef
from wattdeck.core.toml_edit import value_text

EMPTY_LIST = "[]"
YES, NO = "true", "false"


class Kind(StrEnum):
    """What is typed into a field."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    BOOL = "yes or no"
    CHOICE = "choice"
    DATE = "date"
    LIST = "list"
    MAP = "map"
    TABLES = "tables"
    """A list of tables, each with fields of its own."""
    SECRET = "secret"  # noqa: S105
    TOML = "toml"
    """Anything else, as TOML writes it."""


@dataclass(frozen=True, slots=True)
class SettingField:
    """One key of a table, or of a table inside it."""

    path: tuple[str, ...]
    """Keys from the table down: `("safety", "motors")`."""
    kind: Kind
    help: str
    """The docstring of the field, in English."""
    needed: bool = False
    default: Any = None
    """What holds if nothing is written; None: nothing does."""
    bounds: tuple[tuple[str, float], ...] = ()
    """(`ge`, 5), (`lt`, 10)... of a number."""
    choices: tuple[str, ...] = ()
    items: Kind = Kind.TEXT
    """What the entries of a list or the values of a map are; `BOOL` of a choice whose `true` is no word."""
    model: type[BaseModel] | None = None
    """Of a list of tables."""

    @property
    def key(self) -> str:
        """`safety.motors`"""
        return ".".join(self.path)

    @property
    def default_text(self) -> str:
        """The default as it would be typed; empty if there is none."""
        return "" if self.default is None else typed(self, plain_value(self.default))


def fields_of(model: type[BaseModel], above: tuple[str, ...] = ()) -> list[SettingField]:
    """The fields of a model in its order; tables inside it become fields with a longer path."""
    docs = docstrings(model)
    found: list[SettingField] = []
    for key, info in model.model_fields.items():
        path = (*above, info.alias or key)
        inner = _bare(info.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += fields_of(inner, path)
        else:
            found.append(_field(path, inner, info, docs.get(key, "")))
    if above:
        return found
    # What has to be filled in comes first, then secrets; the tables inside come last.
    return sorted(found, key=lambda each: (len(each.path) > 1, not each.needed, each.kind is not Kind.SECRET))


def _field(path: tuple[str, ...], inner: Any, info: FieldInfo, help_text: str) -> SettingField:
    kind, choices, items, model = _kind(inner)
    default = info.get_default(call_default_factory=True, validated_data={})
    needed = info.is_required()
    return SettingField(
        path, kind, help_text, needed, None if needed or default is PydanticUndefined else default,
        _bounds(info.metadata), choices, items, model,
    )  # fmt: skip


def _bare(annotation: Any) -> Any:
    """A type without `Annotated` and without `None` beside it."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        rest = [each for each in get_args(annotation) if each is not NoneType]
        if len(rest) == 1:
            return _bare(rest[0])
    return annotation


def _kind(inner: Any) -> tuple[Kind, tuple[str, ...], Kind, type[BaseModel] | None]:
    """How a type is typed: kind, choices, kind of its entries, model of its entries."""
    origin, arguments = get_origin(inner), get_args(inner)
    if inner is SecretRef:
        return Kind.SECRET, (), Kind.TEXT, None
    if origin is Literal and all(isinstance(each, str) for each in arguments):
        return Kind.CHOICE, arguments, Kind.TEXT, None
    if origin in (Union, UnionType):
        return _union(arguments)
    if origin in (tuple, list, set, frozenset) and arguments and (origin is not tuple or arguments[-1] is Ellipsis):
        entry = _bare(arguments[0])
        if isinstance(entry, type) and issubclass(entry, BaseModel):
            return Kind.TABLES, (), Kind.TEXT, entry
        below = _kind(entry)
        return (Kind.LIST if below[0] in _SCALARS else Kind.TOML), below[1], below[0], None
    if origin is dict and len(arguments) == 2:
        below = _kind(_bare(arguments[1]))
        return (Kind.MAP if below[0] in _SCALARS else Kind.TOML), below[1], below[0], None
    if isinstance(inner, type) and issubclass(inner, Enum):
        return Kind.CHOICE, tuple(str(each.value) for each in inner), Kind.TEXT, None
    return _PLAIN.get(inner, Kind.TOML), (), Kind.TEXT, None


def _union(arguments: Sequence[Any]) -> tuple[Kind, tuple[str, ...], Kind, type[BaseModel] | None]:
    """`bool | Literal["auto"]` is a choice; `bool | str | Path` is text that may be true or false."""
    words: list[str] = []
    for each in arguments:
        if get_origin(each) is Literal:
            words += [str(word) for word in get_args(each)]
        elif each is bool:
            words += [YES, NO]
        elif each in (str, Path):
            return Kind.TEXT, (YES, NO) if bool in arguments else (), Kind.TEXT, None
        else:
            return Kind.TOML, (), Kind.TEXT, None
    return Kind.CHOICE, tuple(sorted(words, key=lambda word: word in (YES, NO))), Kind.BOOL, None


_PLAIN = {
    str: Kind.TEXT,
    Path: Kind.TEXT,
    int: Kind.WHOLE,
    float: Kind.NUMBER,
    bool: Kind.BOOL,
    date: Kind.DATE,
}
_SCALARS = (Kind.TEXT, Kind.WHOLE, Kind.NUMBER, Kind.BOOL, Kind.DATE, Kind.CHOICE)


def _bounds(metadata: Sequence[Any]) -> tuple[tuple[str, float], ...]:
    found = []
    for each in metadata:
        for name in ("ge", "gt", "le", "lt"):
            value = getattr(each, name, None)
            if isinstance(value, (int, float)):
                found.append((name, float(value)))
    return tuple(found)


# Text and values


def plain_value(value: Any) -> Any:
    """A value of a model in TOML's own types."""
    if isinstance(value, SecretRef):
        return value.shown()
    if isinstance(value, BaseModel):
        found = {key: plain_value(getattr(value, key)) for key in type(value).model_fields}
        return {key: item for key, item in found.items() if item is not None}
    if isinstance(value, Mapping):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return [plain_value(item) for item in value]
    if isinstance(value, Enum):
        return plain_value(value.value)
    return str(value) if isinstance(value, Path) else value


def typed(field: SettingField, value: Any) -> str:
    """A value of the file as it would be typed into a field that is no secret and no list of tables."""
    match field.kind:
        case Kind.LIST if isinstance(value, list):
            return ", ".join(_item_text(item) for item in value) if value else EMPTY_LIST
        case Kind.MAP if isinstance(value, dict):
            pairs = [f"{_item_text(key)} = {_item_text(item)}" for key, item in value.items()]
            return ", ".join(pairs) if pairs else EMPTY_LIST
        case Kind.TOML | Kind.LIST | Kind.MAP | Kind.TABLES:
            return value_text(value)
    return _scalar_text(value) if not isinstance(value, (dict, list)) else value_text(value)


def meant(field: SettingField, text: str) -> Any:
    """What typed text means, in TOML's own types. What cannot be read stays text: the check at load says why.

    Not for an empty text: that means nothing is written.
    """
    match field.kind:
        case Kind.LIST:
            return [] if text.strip() == EMPTY_LIST else [_scalar(field.items, item) for item in _items(text)]
        case Kind.MAP:
            return _map(field, text)
        case Kind.TOML | Kind.TABLES:
            try:
                return tomllib.loads(f"x = {text}")["x"]
            except (ValueError, KeyError, RecursionError):
                return text
        case Kind.TEXT if field.choices and text in (YES, NO):
            return text == YES
        case Kind.CHOICE if field.items is Kind.BOOL and text in (YES, NO):
            return text == YES
    return _scalar(field.kind, text)


def _map(field: SettingField, text: str) -> Any:
    if text.strip() == EMPTY_LIST:
        return {}
    found: dict[str, Any] = {}
    for item in _pieces(text, ","):
        pair = list(_pieces(item, "="))
        if len(pair) != 2:
            return text
        found[_unquoted(pair[0])] = _scalar(field.items, _unquoted(pair[1]))
    return found


def _scalar_text(value: Any) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, float) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _item_text(value: Any) -> str:
    """An entry of a list: in quotes if it holds what separates entries."""
    text = _scalar_text(value)
    bare = text and text == text.strip() and not re.search(r'[,="\\]', text) and text != EMPTY_LIST
    return text if bare else json.dumps(text, ensure_ascii=False)


def _scalar(kind: Kind, text: str) -> Any:
    text = text if kind is Kind.TEXT else text.strip()
    try:
        match kind:
            case Kind.WHOLE:
                return int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else text
            case Kind.NUMBER:
                return _number(text)
            case Kind.BOOL:
                return {YES: True, NO: False}.get(text, text)
            case Kind.DATE:
                return date.fromisoformat(text)
    except ValueError:
        pass
    return text


def _number(text: str) -> float | str:
    """A number; TOML keeps `30` and `30.0` apart, and a setting that is a number takes both."""
    return float(text) if re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?", text) else text


def _items(text: str) -> Iterator[str]:
    return (_unquoted(piece) for piece in _pieces(text, ","))


def _pieces(text: str, mark: str) -> Iterator[str]:
    """The pieces between marks that stand outside quotes, trimmed; an empty last one does not count."""
    found = [each.strip() for each in re.findall(rf'((?:"(?:[^"\\]|\\.)*"|[^{mark}])*){mark}?', text)][:-1]
    if found and not found[-1]:
        found.pop()
    yield from found


def _unquoted(piece: str) -> str:
    if len(piece) >= 2 and piece.startswith('"') and piece.endswith('"'):
        try:
            return str(json.loads(piece))
        except ValueError:
            return piece
    return piece


# What the source says of a field


@cache
def docstrings(model: type[BaseModel]) -> Mapping[str, str]:
    """Key -> the string below it in the source of the model or of one it derives from, on one line."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if issubclass(kind, BaseModel) and kind is not BaseModel:
            found.update(own_docstrings(kind))
    return found


def inner_models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The models whose fields a table of this one shows: itself, those it derives from, those inside it."""
    for kind in model.__mro__:
        if issubclass(kind, BaseModel) and kind is not BaseModel:
            yield kind
    for info in model.model_fields.values():
        inner = _bare(info.annotation)
        entry = inner if isinstance(inner, type) else _kind(inner)[3]
        if isinstance(entry, type) and issubclass(entry, BaseModel):
            yield from inner_models(entry)


def own_docstrings(kind: type[BaseModel]) -> dict[str, str]:
    """The same for the fields a model declares itself."""
    import ast
    import inspect
    import textwrap

    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except (OSError, TypeError, SyntaxError):
        return {}
    return field_docstrings(tree.body[0])


def field_docstrings(node: Any) -> dict[str, str]:
    """The same from a parsed class: a string that follows an annotated name."""
    import ast

    found: dict[str, str] = {}
    for before, after in zip(node.body, node.body[1:], strict=False):
        said = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else None
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and isinstance(said, str):
            found[before.target.id] = " ".join(said.split())
    return found
