"""Fields made of settings models: every key is there, and what is typed means what was typed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from wattdeck.core.config import Lockout, UiConfig
from wattdeck.core.settings_fields import Kind, SettingField, docstrings, fields_of, meant, plain_value, typed
from wattdeck.discovery import discover

SYSTEMS = discover()
MODELS: dict[str, type[BaseModel]] = {
    "ui": UiConfig,
    **{name: system.config_model() for name, system in SYSTEMS.items()},
}
ALL = [(name, field) for name, model in MODELS.items() for field in fields_of(model)]


def leaves(model: type[BaseModel], above: str = "") -> set[str]:
    """Every key of a model, tables inside it written out."""
    found: set[str] = set()
    for key, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= leaves(inner, f"{above}{key}.")
        else:
            found.add(above + key)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_every_key_has_a_field_with_words_of_help(name: str) -> None:
    fields = fields_of(MODELS[name])
    assert {field.key for field in fields} == leaves(MODELS[name]) and len(fields) == len({each.key for each in fields})
    assert all(len(field.help) > 10 for field in fields), [field.key for field in fields if not field.help]
    assert not [field.key for field in fields if field.kind is Kind.TOML]


def test_a_field_knows_its_kind_its_bounds_and_its_default() -> None:
    span = {field.key: field for field in fields_of(MODELS["span"])}
    assert (span["host"].kind, span["host"].needed) == (Kind.TEXT, True)
    assert (span["port"].kind, span["port"].bounds, span["port"].default_text) == (
        Kind.WHOLE, (("ge", 1.0), ("le", 65535.0)), "80",
    )  # fmt: skip
    assert (span["poll_s"].kind, span["poll_s"].default_text) == (Kind.NUMBER, "15")
    assert (span["token"].kind, span["token"].default_text) == (Kind.SECRET, "")
    assert span["solar_tabs"].items is Kind.WHOLE and span["safety.lockouts"].model is Lockout
    assert span["safety.type_name_patterns"].default_text.startswith("router, alarm")
    assert span["safety.open_above_a"].help.startswith(
        "Opening a circuit that carries more than this asks for its name"
    )
    ui = {field.key: field for field in fields_of(UiConfig)}
    assert ui["mouse"].choices == ("auto", "true", "false") and meant(ui["mouse"], "true") is True
    assert meant(ui["language"], "pt_BR") == "pt_BR"


def test_a_help_of_a_derived_model_wins() -> None:
    assert docstrings(MODELS["usms"])["poll_s"].startswith("Time between two looks at the meters")
    assert docstrings(MODELS["usms"])["name"].startswith("Second half of the source's id")


WORDS = st.text(st.characters(codec="utf-8"), max_size=30)
VALUES = {
    Kind.TEXT: WORDS.filter(bool),
    Kind.WHOLE: st.integers(-(10**12), 10**12),
    Kind.NUMBER: st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 6)),
    Kind.BOOL: st.booleans(),
    Kind.DATE: st.dates(),
}


def of(kind: Kind, items: Kind = Kind.TEXT) -> SettingField:
    return SettingField(("x",), kind, "", items=items)


@given(st.data())
def test_what_is_shown_means_what_it_was(data: Any) -> None:
    items = data.draw(st.sampled_from(list(VALUES)))
    value = data.draw(VALUES[items])
    assert meant(of(items), typed(of(items), value)) == value
    entries = data.draw(st.lists(VALUES[items], max_size=5))
    assert meant(of(Kind.LIST, items), typed(of(Kind.LIST, items), entries)) == entries
    table = data.draw(st.dictionaries(WORDS, VALUES[items], max_size=4))
    assert meant(of(Kind.MAP, items), typed(of(Kind.MAP, items), table)) == table


@pytest.mark.parametrize(("name", "field"), ALL, ids=[f"{name}-{field.key}" for name, field in ALL])
def test_a_default_typed_in_is_the_default(name: str, field: SettingField) -> None:
    if field.default is None or field.kind is Kind.TABLES:
        return
    assert meant(field, field.default_text) == plain_value(field.default)


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Kind.WHOLE, "8 0"), (Kind.WHOLE, "1.5"), (Kind.WHOLE, "9" * 40), (Kind.NUMBER, "2,5"), (Kind.NUMBER, "inf"),
     (Kind.NUMBER, "1e999"), (Kind.BOOL, "yes"), (Kind.DATE, "31/12/2026"), (Kind.TOML, "[1,"), (Kind.MAP, "a")],
)  # fmt: skip
def test_what_cannot_be_read_stays_text_for_the_check_to_name(kind: Kind, text: str) -> None:
    assert meant(of(kind), text) == text


def test_other_types_are_typed_as_toml() -> None:
    class Odd(BaseModel):
        pairs: tuple[int, str] = (1, "a")
        """A pair."""
        days: tuple[date, ...] = ()
        """Days."""
        where: Path | None = None
        """A file."""

    fields = {field.key: field for field in fields_of(Odd)}
    assert fields["pairs"].kind is Kind.TOML and meant(fields["pairs"], '[1, "b"]') == [1, "b"]
    assert meant(fields["days"], "2026-01-31, 2026-02-01") == [date(2026, 1, 31), date(2026, 2, 1)]
    assert fields["where"].kind is Kind.TEXT
