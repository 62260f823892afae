"""The settings screen by keys: sources come, change, are tried and go; nothing is written before it is right."""

from __future__ import annotations

import logging
import os
import stat
import tomllib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from deck_app import NORMAL, SMALL, HandClock, press, settle
from wattdeck.core.finding import Finding, Verdict
from wattdeck.core.settings import load_settings
from wattdeck.core.system import System
from wattdeck.core.units import ASCII
from wattdeck.discovery import discover
from wattdeck.systems.span.config import SpanConfig
from wattdeck.ui.dialogs import Words
from wattdeck.ui.form import FormLines
from wattdeck.ui.paint import Painted
from wattdeck.ui.settings import SettingsScreen
from wattdeck.ui.settings_app import SettingsApp
from wattdeck.ui.settings_form import SettingsForm
from wattdeck.ui.settings_keys import KeysScreen
from wattdeck.ui.table import DeckTable

pytestmark = pytest.mark.anyio

SYSTEMS = discover()
SECRET = "correct-horse-battery"
HOME = """\
# my house
[ui]
theme = "wattdeck-light"

[[span]]
name = "home"  # ours
host = "192.168.1.100"
token = "plain-old-token"

[[span]]
name = "shop"
host = "shop.local"
"""


@dataclass
class Seat:
    """A person before the settings."""

    app: SettingsApp
    pilot: Pilot[Any]
    path: Path
    clock: HandClock
    tried: list[Any] = field(default_factory=list)

    async def press(self, *keys: str) -> None:
        await press(self.pilot, *keys)

    async def write(self, text: str) -> None:
        await self.press(*("space" if character == " " else character for character in text))

    async def paste(self, text: str) -> None:
        assert self.app._driver is not None
        event = events.Paste(text)
        event.set_sender(self.app)
        self.app._driver.send_message(event)
        await settle(self.app)

    async def go_to(self, label: str) -> None:
        """Move to a line by its label, in one burst of keys."""
        screen = self.app.screen
        assert isinstance(screen, SettingsForm)
        ids = screen.entry._ids
        steps = next(at for at, each in enumerate(ids) if each.split(".")[-1].split("@")[0] == label)
        steps -= ids.index(screen.entry.focus)
        assert self.app._driver is not None
        for _ in range(abs(steps)):
            event = events.Key("down" if steps > 0 else "up", None)
            event.set_sender(self.app)
            self.app._driver.send_message(event)
        await settle(self.app)

    async def save(self) -> None:
        """Press Enter on the last line."""
        await self.go_to("save")
        await self.press("enter")

    async def yes(self) -> None:
        self.clock.advance(1)
        await self.press("y")

    @property
    def cursor_line(self) -> str:
        form = self.app.screen.query_one(FormLines)
        return next((line.strip() for line in form.text.split("\n") if "▸" in line), "")

    @property
    def text(self) -> str:
        with self.app._context():
            return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    @property
    def foot(self) -> str:
        return " ".join(self.app.screen.query_one("#foot", Painted).text.split("\n")[1:])

    @property
    def dialog(self) -> str:
        return " ".join(widget.text for widget in self.app.screen.query(Words))

    @property
    def data(self) -> dict[str, Any]:
        return tomllib.loads(self.path.read_text())


@asynccontextmanager
async def seated(
    folder: Path, text: str | None = HOME, *, size: tuple[int, int] = SMALL, findings: Sequence[Finding] = ()
) -> AsyncIterator[Seat]:
    path = folder / "config" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    if text is not None:
        path.write_text(text)
        path.chmod(0o600)
    clock = HandClock()
    tried: list[Any] = []

    async def look(system: System, config: Any, tell: Callable[[Finding], None]) -> list[Finding]:
        tried.append(config)
        for finding in findings:
            tell(finding)
        return list(findings)

    app = SettingsApp(path, SYSTEMS, clock=clock, picture=True, look=look)
    app._schedule_tick = lambda: None  # type: ignore[method-assign]
    async with app.run_test(size=size) as pilot:
        await settle(app)
        yield Seat(app, pilot, path, clock, tried)


async def test_a_first_source_is_added_by_keys(deck_home: Path) -> None:
    async with seated(deck_home, None) as seat:
        assert "What kind of source?" in seat.dialog
        await seat.press("enter")
        assert "A new source: SPAN" in seat.text
        await seat.write("home")
        await seat.press("tab")
        await seat.write("127.0.0.1")
        await seat.go_to("control")
        await seat.press("left")
        await seat.go_to("poll_s")
        await seat.write("30")
        await seat.go_to("motors")
        await seat.write('Pump, "Washer, old"')
        await seat.save()
        assert isinstance(seat.app.screen, SettingsScreen) and "Saved in" in seat.text
        assert any(line.startswith("▸span/home") for line in seat.text.split("\n")), "the cursor is on what is new"
    assert stat.S_IMODE(seat.path.stat().st_mode) == 0o600
    source = load_settings(seat.path, SYSTEMS).by_id["span/home"]
    assert isinstance(source, SpanConfig)
    assert (source.host, source.poll_s, source.control) == ("127.0.0.1", 30.0, False)
    assert source.safety.motors == ("Pump", "Washer, old")


async def test_a_key_saves_from_any_line_and_goes_to_what_is_wrong(deck_home: Path) -> None:
    async with seated(deck_home, None) as seat:
        await seat.press("enter", "ctrl+o")
        assert "(to fill in)" in seat.text and not seat.path.exists()
        await seat.write("home")
        await seat.press("tab")
        await seat.write("127.0.0.1")
        await seat.press("ctrl+o")
        assert "Saved in" in seat.text
    assert "span/home" in load_settings(seat.path, SYSTEMS).by_id


async def test_everything_that_is_wrong_is_shown_at_its_line_and_nothing_is_written(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("a", "enter")
        await seat.write("HOME")
        await seat.press("tab")
        await seat.write("http://panel")
        await seat.go_to("port")
        await seat.write("0")
        await seat.save()
        assert "▸ ✕   host" in seat.text and "expected a name or address, not a URL" in seat.foot
        assert "✕   port" in seat.text and seat.path.read_text() == HOME
        await seat.press("ctrl+u")
        await seat.write("panel")
        await seat.go_to("port")
        await seat.press("ctrl+u")
        await seat.save()
        assert "two sources of one name" in seat.foot and "▸ ✕   name" in seat.text
        assert seat.path.read_text() == HOME


async def test_a_change_keeps_comments_and_what_was_not_touched(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("enter")
        await seat.go_to("host")
        assert "192.168.1.100" in seat.cursor_line
        await seat.press("backspace", "1")
        await seat.save()
        assert "Saved in" in seat.text
    assert seat.path.read_text() == HOME.replace("192.168.1.100", "192.168.1.101")


async def test_a_secret_is_never_seen(deck_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen = []
    async with seated(deck_home) as seat:
        await seat.press("enter")
        await seat.go_to("token")
        await seat.press("down")
        seen.append(seat.text)
        assert "(kept as it is)" in seat.cursor_line and "never shown again" in seat.foot
        await seat.write("cor")
        await seat.paste("rect-horse-battery\n")
        seen.append(seat.text)
        assert "●" * len(SECRET) in seat.cursor_line
        await seat.go_to("port")
        await seat.write("x")
        await seat.save()
        seen += [seat.text, seat.foot]
        await seat.press("ctrl+u")
        await seat.save()
        seen.append(seat.text)
        await seat.press("enter")
        seen.append(seat.text)
    assert seat.data["span"][0]["token"] == SECRET
    for words in (*seen, caplog.text):
        assert SECRET not in words and "plain-old-token" not in words and "correct" not in words


async def test_a_secret_becomes_a_reference(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("enter")
        await seat.go_to("token")
        for _ in range(3):
            await seat.press("left")
        await seat.press("down")
        await seat.write("SPAN_TOKEN")
        await seat.save()
    assert seat.data["span"][0]["token"] == {"env": "SPAN_TOKEN"} and "# ours" in seat.path.read_text()


async def test_a_source_is_tried_before_and_after_it_is_saved(deck_home: Path) -> None:
    refused = Finding(
        "source", Verdict.PROBLEM, "refused: register first", "span/home panel", "Run `wattdeck span register`."
    )
    async with seated(
        deck_home, findings=[Finding("source", Verdict.OK, "takes connections", "span/home port"), refused]
    ) as seat:
        await seat.press("c")
        assert "ok port: takes connections" in " ".join(seat.dialog.split())
        assert "PROBLEM  panel: refused" in seat.dialog and "Run `wattdeck span register`." in seat.dialog
        assert "Something is in the way." in seat.dialog
        await seat.press("escape", "enter")
        await seat.go_to("poll_s")
        await seat.write("45")
        await seat.go_to("test")
        await seat.press("enter")
        assert [config.poll_s for config in seat.tried] == [15.0, 45.0] and seat.path.read_text() == HOME
        await seat.press("escape")
        assert isinstance(seat.app.screen, SettingsForm)


async def test_of_many_findings_the_last_are_seen_and_keys_bring_back_the_rest(deck_home: Path) -> None:
    found = [
        Finding("source", Verdict.PROBLEM, f"number {number} is wrong", "span/home api", f"Mend number {number}.")
        for number in range(15)
    ]
    async with seated(deck_home, findings=found) as seat:
        await seat.press("c")
        assert "Mend number 14." in seat.text and "number 0 is" not in seat.text
        assert "Something is in the way." in seat.text and "13 lines above, 0 below" in seat.text
        await seat.press(*["up"] * 20, "down", "k")
        assert "number 0 is wrong" in seat.text and "number 14" not in seat.text
        assert "Something is in the way." in seat.text and "0 lines above, 13 below" in seat.text
        await seat.press(*["j"] * 20)
        assert "Mend number 14." in seat.text
        await seat.press("escape")
        assert isinstance(seat.app.screen, SettingsScreen)


async def test_leaving_asks_while_something_is_not_saved(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("enter", "x", "escape")
        assert "Leave without saving?" in seat.dialog
        await seat.paste("y")
        await seat.press("escape")
        assert "homex" in seat.text
        await seat.press("escape")
        await seat.yes()
        assert "Settings" in seat.text and "homex" not in seat.text and seat.path.read_text() == HOME


async def test_removing_asks_and_says_what_stays(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("x")
        assert "Remove span/home?" in seat.dialog and "token, session, history" in " ".join(seat.dialog.split())
        await seat.paste("y")
        await seat.press("escape")
        assert seat.path.read_text() == HOME
        await seat.press("x")
        await seat.yes()
        assert [source["name"] for source in seat.data["span"]] == ["shop"] and "span/home is removed" in seat.text
        copies = list(seat.path.parent.glob("config.toml.bak-*"))
        assert len(copies) == 1 and copies[0].read_text() == HOME and stat.S_IMODE(copies[0].stat().st_mode) == 0o600


async def test_comments_that_cannot_be_kept_are_asked_about(deck_home: Path) -> None:
    text = 'span = [\n  { name = "a", host = "a" }, # the one\n]\n'
    async with seated(deck_home, text) as seat:
        await seat.press("a", "enter")
        await seat.write("b")
        await seat.press("tab")
        await seat.write("b")
        await seat.save()
        assert "Write without these comments?" in seat.dialog
        await seat.press("escape")
        assert seat.path.read_text() == text
        await seat.press("enter")
        await seat.yes()
        assert [source["name"] for source in seat.data["span"]] == ["a", "b"]
        assert next(seat.path.parent.glob("*.bak-*")).read_text() == text


async def test_a_file_changed_meanwhile_loses_nothing(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("down", "enter")
        await seat.go_to("host")
        await seat.write("x")
        newer = '[[span]]\nname = "new"\nhost = "n"\n'
        theirs = HOME.replace("[[span]]", f"# theirs\n{newer}[[span]]", 1)
        seat.path.write_text(theirs)
        await seat.save()
        assert "The file has changed" in seat.dialog and seat.path.read_text() == theirs
        await seat.yes()
        assert "was read again" in seat.foot
        await seat.press("enter")
        assert seat.path.read_text() == theirs.replace("shop.local", "shop.localx")


async def test_a_full_disk_and_a_place_that_cannot_be_are_said(
    deck_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    async with seated(deck_home) as seat:
        await seat.press("enter")
        await seat.write("2")
        await seat.go_to("save")
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            await seat.press("enter")
        assert "No space left on device" in seat.foot and seat.path.read_text() == HOME
        await seat.press("enter")
        assert seat.data["span"][0]["name"] == "home2"


async def test_a_theme_is_seen_while_it_is_chosen_and_the_old_one_comes_back(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        before = seat.app.theme
        await seat.press("down", "down", "enter")
        assert "The live app: [ui]" in seat.text and "wattdeck-light" in seat.cursor_line
        assert seat.app.theme == before
        await seat.press("left", "left")
        chosen = seat.app.theme
        assert chosen != before and chosen != "wattdeck-light"
        await seat.press("escape")
        await seat.yes()
        assert seat.app.theme == before
        await seat.press("enter", "left", "left")
        await seat.go_to("language")
        await seat.write("p")
        await seat.save()
        assert seat.data["ui"] == {"theme": chosen, "language": "pt_BR"} and "# my house" in seat.path.read_text()


async def test_keys_of_ones_own_are_taken_by_pressing_them_and_clashes_refused(deck_home: Path) -> None:
    async with seated(deck_home, size=NORMAL) as seat:
        await seat.press("G", "enter")
        assert isinstance(seat.app.screen, KeysScreen)
        table = seat.app.screen.query_one(DeckTable)
        while table.cursor_id != "deck.refresh":
            await seat.press("down")
        words = seat.app.screen.query_one("#words", Painted)
        await seat.press("enter", "e")
        assert "e already means" in words.text and "keys" not in seat.data["ui"]
        await seat.press("enter", "ctrl+s")
        assert "reserved" in words.text
        await seat.press("enter", "escape")
        await seat.press("enter", "ctrl+g")
        assert seat.data["ui"]["keys"] == {"deck.refresh": "ctrl+g"} and "ctrl+g now means" in words.text
        assert "ctrl+g *" in table.text
        await seat.press("backspace")
        assert "keys" not in seat.data["ui"] and "# my house" in seat.path.read_text()


async def test_hostile_text_stays_text(deck_home: Path) -> None:
    text = '[[span]]\nname = "home"\nhost = "[bold]\\u202eevil\\u001b[31m[/]"\n'
    async with seated(deck_home, text, size=NORMAL) as seat:
        assert "[bold]evil[31m[/]" in seat.text
        await seat.press("enter")
        assert "\x1b" not in seat.text and "\u202e" not in seat.text
        await seat.go_to("ca_file")
        await seat.paste('"q"\n\x1b]0;x\x07' + "z" * 1_000_000)
        assert len(seat.cursor_line) <= NORMAL[0] and "\x1b" not in seat.text
        await seat.press("ctrl+u")
        await seat.paste('a "b" [c]\u202e\n')
        assert 'a "b" [c]' in seat.cursor_line


async def test_without_colour_or_unicode_everything_is_still_there(
    deck_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with seated(deck_home) as seat:
        seat.app.glyphs = ASCII
        await seat.press("enter")
        text = seat.app.screen.query_one(FormLines).text
        assert text.isascii() and "> " in text
