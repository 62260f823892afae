"""Theme files, and what each meaning looks like under the theme in force.

A theme file holds the fields of Textual's `Theme` and a `[variables]` table of meanings. Any theme works: a meaning
it does not name is derived from its basic colours.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import Theme

from wattdeck.core.language import tr

DEFAULT_THEME = "wattdeck-dark"
LIGHT_ON_THE_LINE = "wattdeck-ansi"
"""Used where colours are few or bytes are dear."""

_BASIC = {
    "normal": "foreground",
    "muted": "secondary",
    "label": "foreground",
    "heading": "foreground",
    "rule": "secondary",
    "key": "foreground",
    "cursor-background": "primary",
    "relay-closed": "foreground",
    "relay-open": "warning",
    "relay-pending": "accent",
    "link-live": "success",
    "link-waiting": "secondary",
    "link-stale": "warning",
    "link-down": "error",
    "link-refused": "error",
    "severity-low": "accent",
    "severity-medium": "warning",
    "severity-high": "error",
    "alarm-low": "accent",
    "alarm-medium": "warning",
    "alarm-high": "error",
    "bar-load": "primary",
    "bar-generation": "success",
    "mode-control": "warning",
    "mode-read-only": "foreground",
    "mode-demo": "accent",
    "series-1": "accent",
    "series-2": "success",
    "series-3": "warning",
    "series-4": "primary",
}
"""Meaning -> the basic colour it falls back on."""

_WEIGHT = {
    "heading": Style(bold=True),
    "key": Style(bold=True),
    "relay-open": Style(bold=True),
    "relay-pending": Style(bold=True),
    "link-stale": Style(bold=True),
    "link-down": Style(bold=True, reverse=True),
    "link-refused": Style(bold=True, reverse=True),
    "severity-medium": Style(bold=True),
    "severity-high": Style(bold=True, reverse=True),
    "alarm-low": Style(bold=True),
    "alarm-medium": Style(bold=True),
    "alarm-high": Style(bold=True),
    "mode-control": Style(bold=True, reverse=True),
    "mode-read-only": Style(reverse=True),
    "mode-demo": Style(bold=True),
}
"""What tells a meaning apart without colour."""


NEW = "-new"
"""Behind the meaning of an alarm: nobody has acknowledged it. It is reversed then."""


def theme_folders(user: Path | None = None) -> list[Path]:
    """Where theme files are: shipped ones, then the user's own."""
    package = Path(__file__).resolve().parents[1] / "themes"
    shipped = package if package.is_dir() else package.parents[2] / "themes"
    return [shipped] + ([user] if user is not None else [])


def read_theme(path: Path) -> Theme:
    """Read one theme file.

    Raises:
        ValueError: it is no theme; says what is wrong and where.
    """
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    known = {field.name for field in fields(Theme)}
    unknown = set(data) - known
    if unknown:
        raise ValueError(
            tr(
                "{path}: unknown key {key!r}; a theme has {known}",
                path=path,
                key=min(unknown),
                known=", ".join(sorted(known)),
            )
        )
    data.setdefault("name", path.stem)
    try:
        theme = Theme(**data)
        for key in ("primary", "foreground", "background", "warning", "error", "success", "accent", "secondary"):
            value = getattr(theme, key)
            if value is not None:
                Color.parse(value)
        for name, value in theme.variables.items():
            if name in _BASIC:
                Color.parse(str(value))
    except (TypeError, ColorParseError, AttributeError) as error:
        raise ValueError(f"{path}: {error}") from error
    return theme


def find_theme(name: str, folders: Iterable[Path]) -> Theme | None:
    """The theme of that name from the folders, the last one winning; None if there is none.

    Raises:
        ValueError: there is a file of that name that is no theme.
    """
    found = None
    for folder in folders:
        path = folder / f"{name}.toml"
        if path.is_file():
            found = read_theme(path)
    return found


def all_themes(folders: Iterable[Path]) -> tuple[list[Theme], list[str]]:
    """Every theme that can be read, and a sentence for each that cannot."""
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else []:
            try:
                theme = read_theme(path)
            except ValueError as error:
                problems.append(tr("theme left out: {reason}", reason=error))
            else:
                themes[theme.name] = theme
    return list(themes.values()), problems


def meaning_defaults(theme: Theme) -> dict[str, str]:
    """A value for every meaning, from the theme's basic colours."""
    basic = {
        "foreground": theme.foreground or ("#e0e0e0" if theme.dark else "#202020"),
        "secondary": theme.secondary or theme.primary,
        "warning": theme.warning or theme.primary,
        "error": theme.error or theme.primary,
        "success": theme.success or theme.primary,
        "accent": theme.accent or theme.primary,
        "primary": theme.primary,
    }
    # Textual's own style sheets name these and leave them to each ANSI theme.
    terminal = {"ansi-background": "ansi_default", "ansi-foreground": "ansi_default"}
    return terminal | {meaning: basic[name] for meaning, name in _BASIC.items()}


class Palette:
    """Rich styles by meaning, for the line widgets. Made once per theme."""

    def __init__(self, variables: Mapping[str, str], background: str) -> None:
        self._background = _rich_colour(background)
        self._cursor_background = _rich_colour(variables.get("cursor-background", background))
        self._variables = variables
        self._styles: dict[tuple[str, bool], Style] = {}

    def style(self, meaning: str, cursor: bool = False) -> Style:
        """The style of a meaning, on the cursor's background if asked. Unknown meanings look normal."""
        key = (meaning, cursor)
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = self._make(meaning, cursor)
        return style

    def _make(self, meaning: str, cursor: bool) -> Style:
        if meaning.endswith(NEW):
            return self._make(meaning.removesuffix(NEW), cursor) + Style(reverse=True)
        colour = self._variables.get(meaning if meaning in _BASIC else "normal", "#c0c0c0")
        background = self._cursor_background if cursor else self._background
        style = Style(color=_rich_colour(colour), bgcolor=background) + _WEIGHT.get(meaning, Style.null())
        return style + Style(bold=True) if cursor else style


def _rich_colour(value: str) -> Any:
    try:
        return Color.parse(value).rich_color
    except ColorParseError:
        return Color.parse("ansi_default").rich_color
