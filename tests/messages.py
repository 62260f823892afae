"""The message catalogues: finds every message in the source and keeps `src/wattdeck/locale/*/*.po` up to it.

`python tests/messages.py` adds what is new (untranslated), drops what is gone, keeps what is translated, compiles the
catalogues, and says how much is left to translate. One file for each language and area of the house; a message that
two areas say stands in the first of them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from inspect import cleandoc
from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "wattdeck"
LOCALE = SOURCE / "locale"
AREAS = ("core", "ui", "shell", "span", "usms", "ccee", "aneel")
LANGUAGES = ("pt_BR", "ms")

Key = tuple[str | None, str | tuple[str, str]]
"""Context, and the message or its two numbers."""


@dataclass
class Message:
    """One message and where it is said."""

    key: Key
    area: str
    places: list[str] = field(default_factory=list)


def area_of(path: Path) -> str:
    """The area a module belongs to."""
    parts = path.relative_to(SOURCE).parts
    if parts[0] == "systems" and len(parts) > 2:
        return parts[1]
    return parts[0] if parts[0] in AREAS else "shell"


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value else None


def _messages_of_call(call: ast.Call) -> Iterator[Key]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    texts = [_text(argument) for argument in call.args]
    named = {keyword.arg: _text(keyword.value) for keyword in call.keywords}
    if named.get("empty"):
        yield None, str(named["empty"])
    match name:
        case "tr" | "later":
            if not texts or texts[0] is None:
                return
            yield None, texts[0]
        case "tr_as":
            if len(texts) > 1 and texts[0] and texts[1]:
                yield texts[0], texts[1]
        case "plural":
            if len(texts) > 1 and texts[0] and texts[1]:
                yield None, (texts[0], texts[1])
        case "Binding":
            for each in (named.get("tooltip"), named.get("description"), texts[2] if len(texts) > 2 else None):
                if each:
                    yield None, each
        case "Column":
            title = named.get("title") or (texts[1] if len(texts) > 1 else None)
            if title:
                yield None, title


SPEAKS = re.compile(r"\b(tr|later|tr_as|plural|Binding|Column|empty)\b")
"""What a module has that has a message, as `_messages_of_call` knows them."""


@dataclass
class Spoken:
    """What the modules say to people."""

    messages: list[tuple[Key, str, str]] = field(default_factory=list)
    """Each message with the area and the place that say it."""
    columns: list[tuple[str, str, int]] = field(default_factory=list)
    """Each table column whose title and width stand in the source: file name, title, cells."""


@cache
def spoken() -> Spoken:
    """What the source says, read once: to parse it all takes seconds."""
    found = Spoken()
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if SPEAKS.search(text) else ():
            if isinstance(node, ast.Call):
                found.messages.extend((key, area_of(path), place) for key in _messages_of_call(node))
                found.columns.extend((path.name, *column) for column in _column_of_call(node))
    return found


def _column_of_call(call: ast.Call) -> Iterator[tuple[str, int]]:
    if getattr(call.func, "id", "") == "Column" and len(call.args) > 2:
        title, width = (getattr(part, "value", None) for part in call.args[1:3])
        if isinstance(title, str) and isinstance(width, int):
            yield title, width


def _in_commands() -> Iterator[tuple[Key, str, str]]:
    """What `--help` says, from the commands themselves."""
    from wattdeck.cli import main
    from wattdeck.discovery import discover

    def walk(command: click.Command, path: str, area: str) -> Iterator[tuple[Key, str, str]]:
        if command.help:
            yield (None, cleandoc(command.help)), area, path
        for parameter in command.params:
            words = getattr(parameter, "help", None)
            if words:
                yield (None, words), area, path
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=path)
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                if below is not None:
                    yield from walk(below, f"{path} {name}", name if name in AREAS else area)

    for name, system in discover().items():
        if name in AREAS:
            yield (None, system.summary), name, f"wattdeck {name}"
    yield from walk(main, "wattdeck", "shell")


def _in_parser() -> Iterator[tuple[Key, str, str]]:
    """What the command-line library itself says, by the process's gettext, which we give our catalogue to."""
    for path in sorted(Path(click.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", "")
            texts = [_text(argument) for argument in node.args]
            if name == "_" and texts and texts[0]:
                yield (None, texts[0]), "shell", "click"
            elif name == "ngettext" and len(texts) > 1 and texts[0] and texts[1]:
                yield (None, (texts[0], texts[1])), "shell", "click"


def _in_settings() -> Iterator[tuple[Key, str, str]]:
    """What the settings screen says of each key: the strings below the fields of the settings models."""
    from wattdeck.core.config import SINGLE_TABLES
    from wattdeck.core.settings_fields import inner_models, own_docstrings
    from wattdeck.discovery import discover

    # What stands here is what is installed with us; a plug-in brings words of its own.
    own = [system.config_model() for system in discover().values() if type(system).__module__.startswith("wattdeck.")]
    seen = {kind for model in (*SINGLE_TABLES.values(), *own) for kind in inner_models(model)}
    for kind in sorted(seen, key=lambda each: (each.__module__, each.__qualname__)):
        path = SOURCE.parent / Path(*kind.__module__.split(".")).with_suffix(".py")
        for words in own_docstrings(kind).values():
            yield (None, words), area_of(path), path.relative_to(ROOT).as_posix()


@cache
def messages() -> dict[Key, Message]:
    """Every message, in the order of the areas."""
    found: dict[Key, Message] = {}
    every = [*spoken().messages, *_in_commands(), *_in_parser(), *_in_settings()]
    for key, area, place in sorted(every, key=lambda each: (AREAS.index(each[1]), each[2])):
        message = found.setdefault(key, Message(key, area))
        if place not in message.places:
            message.places.append(place)
    return found


def catalogues(language: str) -> dict[str, Catalog]:
    """The catalogues of one language by area, as they stand."""
    out = {}
    for area in AREAS:
        path = LOCALE / language / f"{area}.po"
        if path.exists():
            with path.open("rb") as stream:
                out[area] = read_po(stream, locale=language)
    return out


def translations(language: str) -> dict[Key, str | tuple[str, ...]]:
    """What is translated, wherever it stands."""
    found: dict[Key, str | tuple[str, ...]] = {}
    for catalogue in catalogues(language).values():
        for message in catalogue:
            text = message.string
            said = text if isinstance(text, str) else tuple(text or ())
            if message.id and said and all(said):
                found[(message.context, _plain(message.id))] = said
    return found


def _plain(message: object) -> str | tuple[str, str]:
    return (message[0], message[1]) if isinstance(message, (tuple, list)) else str(message)


def update(language: str) -> int:
    """Write the catalogues of one language anew and return how many messages are not translated."""
    known = translations(language)
    fresh = {area: Catalog(locale=language, project="wattdeck", fuzzy=False) for area in AREAS}
    missing = 0
    for key, message in messages().items():
        context, text = key
        said = known.get(key, "")
        missing += not said
        fresh[message.area].add(
            text, said or ("" if isinstance(text, str) else ("", "")), context=context,
            locations=[(place, 0) for place in message.places if place.endswith(".py")][:3],
            auto_comments=[] if any(place.endswith(".py") for place in message.places) else message.places[:3],
        )  # fmt: skip
    for area, catalogue in fresh.items():
        path = LOCALE / language / f"{area}.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            write_po(stream, catalogue, width=100, omit_header=False, include_lineno=False)
        # Times of making say nothing and make every change look like one.
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith(('"POT-Creation', '"PO-Revision',
                        '"Last-Translator', '"Generated-By', '"Language-Team', '"Report-Msgid', '"Project-Id',
                        '# FIRST AUTHOR', '# Copyright', '# This file', '#\n'))), encoding="utf-8")  # fmt: skip
    return missing


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from hatch_build import compile_catalogues

    for each in LANGUAGES:
        print(f"{each}: {update(each)} of {len(messages())} not translated")  # noqa: T201
    compile_catalogues(LOCALE)
