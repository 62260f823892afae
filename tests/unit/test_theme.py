"""Theme files."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.style import Style
from textual.color import Color

from wattdeck.ui.theme import (
    DEFAULT_THEME,
    LIGHT_ON_THE_LINE,
    Palette,
    all_themes,
    find_theme,
    meaning_defaults,
    read_theme,
    theme_folders,
)

SHIPPED = sorted(theme_folders()[0].glob("*.toml"))
MEANINGS = set(meaning_defaults(read_theme(SHIPPED[0]))) - {"ansi-background", "ansi-foreground"}


def test_five_themes_are_shipped() -> None:
    names = {read_theme(path).name for path in SHIPPED}
    assert len(names) == 5 and {DEFAULT_THEME, LIGHT_ON_THE_LINE} <= names
    assert all(path.stem == read_theme(path).name for path in SHIPPED)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_theme_names_every_meaning_with_a_colour(path: Path) -> None:
    theme = read_theme(path)
    assert set(theme.variables) >= MEANINGS
    for value in theme.variables.values():
        Color.parse(value)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_matters_differs_from_plain_text(path: Path) -> None:
    theme = read_theme(path)
    palette = Palette({**meaning_defaults(theme), **theme.variables}, theme.background or "#000000")
    for meaning in ("relay-open", "severity-high", "link-stale", "link-down", "mode-control"):
        assert palette.style(meaning) != palette.style("normal"), meaning
    assert palette.style("normal", cursor=True) != palette.style("normal")
    assert palette.style("no such meaning") == palette.style("normal")


def test_what_matters_differs_without_colour() -> None:
    palette = Palette(meaning_defaults(read_theme(SHIPPED[0])), "#000000")

    def weight(meaning: str) -> tuple[bool | None, bool | None]:
        style: Style = palette.style(meaning)
        return style.bold, style.reverse

    for meaning in ("relay-open", "severity-high", "link-stale", "link-down", "mode-control", "mode-read-only"):
        assert weight(meaning) != weight("normal"), meaning


def test_missing_meanings_come_from_the_basic_colours(tmp_path: Path) -> None:
    path = tmp_path / "bare.toml"
    path.write_text('primary = "#ff0000"\n', encoding="utf-8")
    defaults = meaning_defaults(read_theme(path))
    assert set(defaults) >= MEANINGS and all(defaults.values())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("primary = ", "bad.toml"),
        ("", "primary"),
        ('primary = "no colour"', "no colour"),
        ('primary = "#fff"\nunheard = 1', "unknown key 'unheard'"),
        ("primary = 5", "bad.toml"),
        ('primary = "#fff"\n[variables]\nmuted = "grue"', "grue"),
    ],
)
def test_broken_theme_says_what_and_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.toml") as caught:
        read_theme(path)
    assert words in str(caught.value)
    themes, problems = all_themes([tmp_path])
    assert themes == [] and len(problems) == 1 and "theme left out" in problems[0]


def test_own_theme_wins_over_a_shipped_one_of_that_name(tmp_path: Path) -> None:
    (tmp_path / f"{DEFAULT_THEME}.toml").write_text('primary = "#010203"\n', encoding="utf-8")
    found = find_theme(DEFAULT_THEME, theme_folders(tmp_path))
    assert found is not None and found.primary == "#010203"
    assert find_theme("nowhere", theme_folders(tmp_path)) is None
