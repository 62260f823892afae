"""Finding what is wrong with a configuration, and saying it: file, line, table, key, what was expected.

Values are never repeated when they are text: one of them may be a secret in the wrong place.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from wattdeck.core.errors import ConfigError
from wattdeck.core.language import later, tr
from wattdeck.core.text import clean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from wattdeck.core.config import SourceConfig
    from wattdeck.core.toml_lines import Place, TomlLines

M = TypeVar("M", bound=BaseModel)
S = TypeVar("S", bound="SourceConfig")

_EXPECTED = {
    "string_type": later("text in quotes"),
    "int_type": later("a whole number"),
    "int_from_float": later("a whole number"),
    "float_type": later("a number"),
    "bool_type": later("true or false"),
    "tuple_type": later("a list"),
    "list_type": later("a list"),
    "dict_type": later("a table"),
    "model_type": later("a table"),
    "model_attributes_type": later("a table"),
    "date_type": later("a date, such as 2026-01-31"),
    "is_instance_of": later("the path of a file"),
}
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, later("true or false")),
    (str, later("text")),
    (int, later("a whole number")),
    (float, later("a number")),
    (datetime, later("a date and time")),
    (date, later("a date")),
    (time, later("a time")),
    ((list, tuple), later("a list")),
    (Mapping, later("a table")),
)
"""In this order: a bool is an int, and a datetime is a date."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where."""

    place: Place
    """Table and key: `("span", 0, "port")`; the table alone if no single key is to blame."""
    line: int
    """In the text; 0 if it was not found there."""
    title: str
    """The table in words: `[[span]] "home": `; may be empty."""
    words: str
    """What is wrong, with the key first where one is to blame."""

    @property
    def reason(self) -> str:
        """`words` without the key in front, for those who see it at the key."""
        return re.sub(r'^"[^"]*": ', "", self.words)


class Checker:
    """Goes through one configuration and collects every problem."""

    def __init__(self, text: str, path: Path) -> None:
        self.found: list[Problem] = []
        self._text = text
        self._path = path

    @cached_property
    def _lines(self) -> TomlLines:
        """Where things are in the text: looked for once something is wrong."""
        from wattdeck.core.toml_lines import TomlLines

        return TomlLines(self._text)

    @property
    def problems(self) -> list[str]:
        """What was found so far, in the order of the file."""
        return [
            f"{self._path}{_line_words(found.line)}: {found.title}{found.words}"
            for found in sorted(self.found, key=lambda found: found.line)
        ]

    def document(self) -> dict[str, Any]:
        """The parsed file.

        Raises:
            ConfigError: it is not TOML, so that nothing else can be said of it.
        """
        try:
            return tomllib.loads(self._text)
        except RecursionError:
            raise ConfigError(tr("{path}: not TOML: nested too deeply", path=self._path)) from None
        except ValueError as error:
            raise ConfigError(f"{self._path}: {_broken(str(error), self._text)}") from None

    def tables(
        self, data: Mapping[str, Any], single: Iterable[str], listed: Iterable[str], ui_keys: Container[str]
    ) -> None:
        """Look for tables that nothing reads.

        Args:
            single: Tables there is one of.
            listed: Tables there is one of for each source.
        """
        written = {**{name: f"[{name}]" for name in single}, **{name: f"[[{name}]]" for name in listed}}
        for name, value in data.items():
            if name in written:
                continue
            if not isinstance(value, (dict, list)):
                where = tr("it belongs in [ui]") if name in ui_keys else tr("keys belong in a table")
                self._add((name,), tr('unknown key "{key}"; {where}', key=clean(name), where=where))
                continue
            meant = _closest(name, written)
            hint = f"{tr('did you mean {name}?', name=written[meant])} " if meant else ""
            known = tr("known: {names}", names=", ".join(written.values()))
            self._add((name,), f"{tr('unknown table [{name}]', name=clean(name))}; {hint}{known}")

    def table(self, name: str, raw: object, model: type[M]) -> M | None:
        """Check one `[table]`. One that is not written has its defaults, which need no check."""
        if raw is None:
            return model.model_construct()
        if isinstance(raw, dict):
            return self.model((name,), f"[{name}]", raw, model)
        self._add((name,), tr("expected one table, written with single brackets"), f"[{name}]: ")
        return None

    def sources(self, system: str, raw: object, model: type[S]) -> tuple[S, ...]:
        """Check every `[[system]]`."""
        if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
            words = tr("write [[{system}]], in double brackets, once for each source", system=system)
            self._add((system,), words, f"[{system}]: ")
            return ()
        self._clashes(system, raw)
        found = (
            self.model((system, index), f"[[{system}]] {_label(item, index)}", item, model)
            for index, item in enumerate(raw)
        )
        return tuple(source for source in found if source is not None)

    def _clashes(self, system: str, raw: Sequence[Mapping[str, Any]]) -> None:
        """Report a name that was given twice. Case does not count: names become file names."""
        first: dict[str, int] = {}
        for index, item in enumerate(raw):
            name = item.get("name")
            if not isinstance(name, str):
                continue
            before = first.setdefault(name.casefold(), index)
            if before != index:
                line = self._lines.find((system, before, "name"))
                where = tr("on line {line}", line=line) if line else tr("above")
                self._add(
                    (system, index, "name"),
                    tr("two sources of one name, the other {where}; rename one", where=where),
                    f'[[{system}]] "{clean(name)}": ',
                )

    def model(self, place: Place, title: str, raw: Mapping[str, Any], model: type[M]) -> M | None:
        """Check one table against its model; `title` names it in messages."""
        try:
            return model.model_validate(raw, context={"base": self._path.absolute().parent})
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self._add((*place, *detail["loc"]), _sentence(detail, model), f"{title}: ")
        return None

    def _add(self, place: Place, words: str, title: str = "") -> None:
        self.found.append(Problem(place, self._lines.find(place) or 0, title, words))


def _line_words(line: int) -> str:
    return f": {tr('line {line}', line=line)}" if line else ""


def _label(item: Mapping[str, Any], index: int) -> str:
    name = item.get("name")
    return f'"{clean(name, 64)}"' if isinstance(name, str) and name else tr("number {count}", count=index + 1)


def _broken(message: str, text: str) -> str:
    """Say where the text stops being TOML, place first."""
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL)
    if found:
        place = tr("line {line}, column {column}", line=found[2], column=found[3])
        return f"{place}: {clean(_lower(found[1]))}"
    what = message.removesuffix(" (at end of document)")
    if what != message:
        place = tr("line {line}", line=len(text.splitlines()))
        return f"{place}: {clean(_lower(what))} ({tr('the file ends here')})"
    if "integer string" in message:
        return tr("a number in it is too long")
    return tr("not TOML: {reason}", reason=clean(message))


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """One validation error in words."""
    loc = detail["loc"]
    key = clean(_dotted(loc))
    match detail["type"]:
        case "extra_forbidden":
            return tr('unknown key "{key}"', key=key) + _hint(loc, model)
        case "missing":
            return tr('the key "{key}" is missing', key=key)
        case kind if kind in _EXPECTED:
            expected = tr(
                "expected {wanted}, not {given}", wanted=tr(_EXPECTED[kind]), given=tr(_kind(detail["input"]))
            )
            return f'"{key}": {expected}'
        case _:
            return f'"{key}": {_reason(detail)}' if key else _reason(detail)


def _reason(detail: ErrorDetails) -> str:
    """What a value has to be, for values of the right type."""
    context: Mapping[str, Any] = detail.get("ctx", {})
    given = clean(str(detail["input"]), 40)
    match detail["type"]:
        case "value_error":
            return clean(str(context["error"]), 400)
        case "greater_than_equal":
            return tr("must be at least {limit}, not {given}", limit=f"{context['ge']:g}", given=given)
        case "greater_than":
            return tr("must be above {limit}, not {given}", limit=f"{context['gt']:g}", given=given)
        case "less_than_equal":
            return tr("must be at most {limit}, not {given}", limit=f"{context['le']:g}", given=given)
        case "finite_number":
            return tr("must be a finite number")
        case "string_too_short":
            return tr("must not be empty")
        case "string_too_long":
            return tr("must be at most {limit} characters long", limit=context["max_length"])
        case "string_pattern_mismatch":
            return tr("expected at most 64 letters, digits, - _ . with a letter or digit first")
        case "too_long":
            return tr("must hold at most {limit} entries", limit=context["max_length"])
        case _:
            return clean(_lower(detail["msg"]))


def _hint(loc: Place, model: type[BaseModel]) -> str:
    """Where an unknown key may have been meant to go."""
    key = str(loc[-1])
    here = _model_at(model, loc[:-1])
    if len(loc) > 1 and key in model.model_fields:
        words = tr('it belongs one level up: move it above the table "{table}"', table=_dotted(loc[:-1]))
        return f"; {words}"
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and key in inner.model_fields:
            return "; " + tr('it belongs in the table "{table}"', table=name)
    close = _closest(key, here.model_fields) if here else None
    return "; " + tr('did you mean "{name}"?', name=close) if close else ""


def _model_at(model: type[BaseModel], loc: Place) -> type[BaseModel] | None:
    """The model of a nested table; None for an entry of a list."""
    for part in loc:
        info = model.model_fields.get(str(part))
        if info is None or not (isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)):
            return None
        model = info.annotation
    return model


def _closest(word: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), n=1)), None)


def _dotted(loc: Place) -> str:
    """`safety.lockouts[0].reason`"""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def _kind(value: object) -> str:
    return next((name for types, name in _KINDS if isinstance(value, types)), later("this"))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
