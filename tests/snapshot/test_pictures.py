"""Pictures of the screens as text, kept beside this file. Look at a change before accepting it.

`WATTDECK_UPDATE_PICTURES=1 pytest tests/snapshot` writes them anew.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from rich.style import Style
from textual.strip import Strip

from deck_app import LARGE, NORMAL, SMALL, Bench, Stage, make_bench, running
from span_panels import puppet, tree_panel
from wattdeck.ui import chart

pytestmark = pytest.mark.anyio
PICTURES = Path(__file__).parent / "pictures"
SIZES = {"80x24": SMALL, "120x36": NORMAL, "200x60": LARGE}
STATES = ("live", "waiting", "stale", "down", "refused", "panels", "relay", "help", "log")
THEMES = ("wattdeck-dark", "wattdeck-light", "wattdeck-ansi", "no-colour")
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@pytest.fixture(autouse=True)
def _plots_are_ready() -> None:
    """Whether a test before this one has loaded the plotting library must not show."""
    chart.load()


class HasStrips(Protocol):
    """An app on the stage, whichever."""

    @property
    def strips(self) -> list[Strip]: ...


def check(name: str, lines: Sequence[str]) -> None:
    """Compare with the kept picture, or keep this one when told to."""
    path = PICTURES / f"{name}.txt"
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    if os.environ.get("WATTDECK_UPDATE_PICTURES"):
        path.write_text(text, encoding="utf-8")
        return
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    if text != kept:
        diff = difflib.unified_diff(kept.splitlines(), text.splitlines(), "kept", "now", lineterm="", n=1)
        pytest.fail(f"{name} looks different:\n" + "\n".join(diff), pytrace=False)


class Resized(HasStrips, Protocol):
    """An app on the stage whose terminal can be made larger."""

    @property
    def lines(self) -> list[str]: ...

    async def resize(self, width: int, height: int) -> None: ...


async def check_sizes(
    deck: Resized, name: str, sizes: Iterable[str] = SIZES, seen: Callable[[list[str]], list[str]] = list
) -> None:
    """Compare what stands on the terminal at each size; a size it was given looks like one it began with."""
    for size in sizes:
        await deck.resize(*SIZES[size])
        if isinstance(deck, Stage):
            await deck.redraw()
        check(f"{name}-{size}", seen(deck.lines))


def prepare(state: str, folder: Path) -> Bench:
    """The panels of a state."""
    bench = make_bench(folder, households=("home", "shop"))
    bench.panels["home"].wire.held = state == "waiting"
    return bench


async def bring_about(deck: Stage, state: str) -> None:
    """What happens before the picture is taken."""
    home = deck.bench.panels["home"]
    if state in ("stale", "down"):
        home.wire.cut = True
        await deck.wait(4 if state == "stale" else 150)
    elif state == "refused":
        home.fault("revoke")
        await deck.wait(4)
    elif state == "panels":
        await deck.press("a")
        deck.bench.panels["shop"].wire.cut = True
        await deck.wait(12)
    elif state == "relay":
        await deck.go_to("Refrigerator")
        await deck.press("space")
        await deck.blink()
        await deck.press("y")
        await deck.wait(2)
    elif state == "help":
        await deck.press("?")
    elif state == "log":
        await deck.go_to("Refrigerator")
        await deck.press("space")
        await deck.blink()
        await deck.press("y")
        await deck.blink()
        await deck.press("y")
        await deck.wait(3)
        await deck.press("L")


def literal(lines: Sequence[str]) -> list[str]:
    """The lines without what differs between machines: who is at work."""
    from wattdeck.core.journal import who

    user = str(who("")["user"])
    return [line.replace(user, "operator"[: len(user)].ljust(len(user))) for line in lines]


@pytest.mark.parametrize("state", STATES)
async def test_picture(state: str, deck_home: Path) -> None:
    async with running(prepare(state, deck_home), size=SMALL, polls=60 if state == "live" else 5) as deck:
        await bring_about(deck, state)
        await check_sizes(deck, state, SIZES, literal if state == "log" else list)


@pytest.mark.parametrize("theme", THEMES)
async def test_styles(theme: str, deck_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each style is: a letter a cell, and under the picture what the letters look like."""
    if theme == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
    bench = prepare("live", deck_home)
    async with AsyncExitStack() as stack:
        options: dict[str, Any] = {} if theme == "no-colour" else {"theme": theme}
        deck = await stack.enter_async_context(running(bench, size=NORMAL, polls=5, **options))
        bench.panels["home"].simulator.house.switch(bench.panels["home"].circuit("Dryer").circuit_id, opened=True)
        await deck.wait(2)
        await deck.redraw()
        check(f"styles-{theme}", style_picture(deck))


def style_picture(deck: HasStrips) -> list[str]:
    letters: dict[str, str] = {}
    lines = []
    for strip in deck.strips:
        line = ""
        for segment in strip:
            words = style_words(segment.style)
            letter = letters.setdefault(words, LETTERS[len(letters)]) if words else "."
            line += letter * segment.cell_length
        lines.append(line)
    return [*lines, "", *(f"{letter}  {words}" for words, letter in letters.items())]


def style_words(style: Style | None) -> str:
    """A style without the links and meta data that Textual puts in."""
    if style is None:
        return ""
    weights = [name for name in ("bold", "dim", "italic", "underline", "reverse") if getattr(style, name)]
    colours = [colour.name if colour is not None else "-" for colour in (style.color, style.bgcolor)]
    return " ".join([*weights, *([] if colours == ["-", "-"] else [" on ".join(colours)])])


async def test_no_colour_is_no_colour(deck_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(prepare("live", deck_home), polls=3) as deck:
        for keys in ((), ("space",), ("escape", "?"), ("escape", "L")):
            await deck.press(*keys)
            for strip in deck.strips:
                assert not any(s.style and (s.style.color or s.style.bgcolor) for s in strip), strip.text


@pytest.mark.parametrize("state", ["circuits", "facts", "quiet"])
async def test_a_tree_of_devices(state: str, deck_home: Path) -> None:
    """A panel of data model 1.0 with everything that only some panels have."""
    bench = make_bench(deck_home)
    panel = puppet(bench, tree_panel())
    async with running(bench, size=SMALL, polls=60) as deck:
        if state == "facts":
            await deck.press("I")
        elif state == "quiet":
            panel.problem = "quiet: the broker answers, and nothing has come from the panel for 2 min"
            await deck.press("u")
            await deck.wait(4)
        for size in ("80x24", "120x36"):
            await deck.resize(*SIZES[size])
            # The list's end, whatever part of it was in view at the size before.
            await deck.press(*["g", "G", "k"] * (state == "quiet"))
            await check_sizes(deck, f"tree-{state}", [size])
