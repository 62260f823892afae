"""The forms for a migration: keys go in, words and a draft come out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pytest
from textual import events
from textual.binding import Binding, BindingType
from textual.pilot import Pilot

from deck_app import NORMAL, SMALL, HandClock, press, settle
from wattdeck.core.lines import Line
from wattdeck.core.units import ASCII, UNICODE, Glyphs
from wattdeck.systems.ccee.form import EditForm, MigrationForm
from wattdeck.systems.ccee.models import Migration, MigrationDraft, MigrationEdit
from wattdeck.systems.ccee.rules import Rules
from wattdeck.systems.ccee.sheets import CreateSheet, EditSheet
from wattdeck.ui.dialogs import Words
from wattdeck.ui.form import FormLines
from wattdeck.ui.paint import Painted
from wattdeck.ui.themed import ThemedApp

pytestmark = pytest.mark.anyio

TODAY = date(2026, 10, 20)
UNIT, CNPJ = "000000123400159", "11222333000181"
OPEN = Migration("id-1", UNIT, 100000, 200000, 200100, "2027-01", "CRIADA", document_type="CNPJ",
                 document_number=CNPJ, email="uc@example.com")  # fmt: skip


class Host(ThemedApp):
    """An app with nothing in it but the deck's looks."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("z", "quit", "End", priority=True)]
    CSS_PATH = Path(__file__).parents[2] / "src/wattdeck/ui/base.tcss"

    def __init__(self, marks: Glyphs = UNICODE) -> None:
        super().__init__(HandClock(), low_bandwidth=False, theme=None, configured_theme=None, user_themes=None,
                         picture=True)  # fmt: skip
        self.glyphs = marks
        self._schedule_tick = lambda: None  # type: ignore[method-assign]


@dataclass
class Seat:
    """A person before an open form."""

    app: Host
    pilot: Pilot[Any]
    answers: list[MigrationDraft | MigrationEdit | None]

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

    async def fill(self, *texts: str) -> None:
        """Type one text into each line from here on."""
        for text in texts:
            await self.write(text)
            await self.press("tab")

    @property
    def form(self) -> list[str]:
        return self.app.screen.query_one(FormLines).text.split("\n")

    @property
    def foot(self) -> str:
        return " ".join(self.app.screen.query_one("#foot", Words).text.split())

    @property
    def lines(self) -> list[Line]:
        return list(self.app.screen.query_one(FormLines).lines)

    @property
    def text(self) -> str:
        """The whole terminal."""
        with self.app._context():
            return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    def line(self, label: str) -> str:
        """The line of one field."""
        return next(line for line in self.form if label in line[:24])

    @property
    def focused(self) -> str:
        """The line with the focus."""
        return next(line for line in self.form if line[:1] in ("▸", ">"))


def create_sheet(version: str = "v2", **options: Any) -> CreateSheet:
    return CreateSheet(version, 200000, (200100, 200101), TODAY, Rules(), **options)


@asynccontextmanager
async def seat(
    form: MigrationForm | EditForm | None = None, size: tuple[int, int] = SMALL, marks: Glyphs = UNICODE
) -> AsyncIterator[Seat]:
    app = Host(marks)
    async with app.run_test(size=size) as pilot:
        found = Seat(app, pilot, [])
        await found_open(found, form or MigrationForm(create_sheet()))
        yield found


async def found_open(found: Seat, form: MigrationForm | EditForm) -> None:
    await settle(found.app)
    with found.app._context():
        found.app.push_screen(form, found.answers.append)
    await settle(found.app)


async def test_filled_form_gives_the_draft_and_sends_nothing() -> None:
    async with seat() as at:
        await at.fill(UNIT, "100000")
        await at.press("tab")
        await at.fill(CNPJ)
        await at.press("tab", "tab")
        await at.fill("uc@example.com", "A4", "n", "r", "por favor")
        assert "Check and go on" in at.focused
        assert "Nothing is sent yet" in at.foot
        await at.press("enter")
        assert at.answers == [
            MigrationDraft(UNIT, 100000, "CNPJ", 200000, "2026-11", 200100, "uc@example.com", CNPJ, "A4", "NAO",
                           None, "REGULAR", "por favor")
        ]  # fmt: skip


async def test_every_key_is_judged_in_words_and_with_a_glyph() -> None:
    async with seat() as at:
        assert "◌" in at.line("Consumer unit")
        await at.write("12345")
        assert "✕" in at.line("Consumer unit")
        assert "15" in at.foot
        await at.press("ctrl+u")
        await at.write(UNIT)
        assert "✕" not in at.line("Consumer unit") and "◌" not in at.line("Consumer unit")
        assert at.foot.startswith("The unit's 15-digit code")


async def test_small_terminal_shows_every_line_of_the_form_and_its_keys() -> None:
    async with seat(size=SMALL, marks=ASCII) as at:
        for words in ("New migration of retailer 200000", "Consumer unit", "Comment", "[ Check and go on ]", "Escape"):
            assert words in at.text
        assert at.focused.startswith("> [?] Consumer unit")
        assert all(ord(character) < 128 for line in at.form for character in line)


async def test_lower_terminal_scrolls_to_the_line_with_the_focus() -> None:
    async with seat(size=(80, 13)) as at:
        assert "Check and go on" not in at.text
        assert at.form[-1].endswith("▼")
        for _ in range(20):
            await at.press("down")
        assert "Check and go on" in at.focused
        assert at.form[0].endswith("▲")
        assert "Consumer unit" not in at.text
        for _ in range(20):
            await at.press("up")
        assert "Consumer unit" in at.focused


async def test_going_on_with_problems_leads_to_the_first_one() -> None:
    async with seat() as at:
        for _ in range(20):
            await at.press("down")
        assert "6 to fill in" in at.foot
        await at.press("enter")
        assert at.answers == []
        assert "Consumer unit" in at.focused
        assert "Consumer unit is missing." in at.foot


async def test_choices_decide_which_lines_there_are() -> None:
    async with seat() as at:
        await at.press("tab", "tab")
        assert "CNPJ" in at.focused and any("CNPJ" in line[:24] for line in at.form)
        await at.press("right")
        assert "< CPF >" in at.focused
        assert not any(line[6:].startswith("CNPJ ") for line in at.form)
        await at.press(*["tab"] * 5)
        assert "Formalised" in at.focused
        await at.press("space")
        assert "SIM" in at.focused and "Formalised on" in "\n".join(at.form)
        await at.press("left")
        assert "NAO" in at.focused and "Modality" in "\n".join(at.form)
        assert "Formalised on" not in "\n".join(at.form)


async def test_pasted_forms_are_taken_and_control_characters_are_not() -> None:
    async with seat() as at:
        await at.paste("0.000.001.234.001-59\n")
        assert "0.000.001.234.001-59" in at.line("Consumer unit")
        assert "✕" not in at.line("Consumer unit")
        await at.press("down", "down", "down")
        await at.paste("\x1b[31m11.222.333/0001-81\x07")
        assert "\x1b" not in at.form[3] and "[31m11.222" in at.form[3]
        assert "✕" in at.line("CNPJ")
        await at.press("ctrl+u")
        await at.paste("11.222.333/0001-81")
        assert "✕" not in at.line("CNPJ")


async def test_letters_that_mean_something_elsewhere_are_typed() -> None:
    async with seat() as at:
        for _ in range(20):
            await at.press("down")
        await at.press("up")
        await at.write("quiz? [bold]r:p")
        assert "quiz? [bold]r:p" in at.focused
        assert "[bold]" in at.text
        assert at.answers == []


async def test_caret_moves_and_erases_where_it_stands() -> None:
    async with seat() as at:
        await at.press("tab")
        await at.write("10000")
        await at.press("home")
        await at.write("9")
        await at.press("right", "delete", "end", "backspace")
        assert at.line("Utility").split() == ["▸", "Utility", "9100"]
        await at.press("left", "x")
        assert at.line("Utility").split() == ["▸", "✕", "Utility", "910x0"]
        assert "digits alone" in at.foot


async def test_escape_leaves_without_asking_and_what_was_typed_is_offered_again() -> None:
    values: dict[str, str] = {}
    async with seat(MigrationForm(create_sheet(), values)) as at:
        await at.write("7766")
        await at.press("escape")
        assert at.answers == [None]
        assert values["consumer_unit_code"] == "7766"
        form = MigrationForm(create_sheet(), values)
        await found_open(at, form)
        assert "7766" in at.line("Consumer unit")
        assert form.values is values


async def test_ctrl_s_does_nothing() -> None:
    async with seat() as at:
        await at.press("ctrl+s")
        assert at.answers == [] and "Consumer unit" in at.focused


async def test_edit_form_shows_what_stands_there_and_gives_the_change() -> None:
    async with seat(EditForm(EditSheet(OPEN, (200100, 200101)))) as at:
        assert "2027-01" in at.line("Month") and CNPJ in at.line("CNPJ")
        for _ in range(10):
            await at.press("down")
        assert at.foot == "Nothing is different from what stands there now."
        await at.press("enter")
        assert at.answers == []
        await at.press(*["up"] * 10, "ctrl+u")
        await at.write("2/2027")
        await at.press("tab", "right", *["down"] * 10, "enter")
        assert at.answers == [MigrationEdit("2027-02", 200101, "CNPJ", CNPJ, "uc@example.com")]


async def test_advice_is_shown_before_going_on() -> None:
    values = {"consumer_unit_code": UNIT, "utility_agent_code": "100000", "document_number": CNPJ,
              "email": "uc@example.com", "tariff_subgroup": "A4", "utility_formalized": "NAO",
              "modality": "REGULAR"}  # fmt: skip
    sheet = create_sheet(active_units={UNIT: "CRIADA, 2026-12"})
    async with seat(MigrationForm(sheet, values), NORMAL) as at:
        for _ in range(20):
            await at.press("down")
        assert "has an active migration already (CRIADA, 2026-12)" in at.foot
        await at.press("enter")
        assert len(at.answers) == 1


@pytest.mark.parametrize("version", ["v1", "v1.1"])
async def test_older_rules_ask_for_the_notice_instead(version: str) -> None:
    async with seat(MigrationForm(create_sheet(version))) as at:
        assert "Notice given" in "\n".join(at.form)
        assert "Formalised" not in "\n".join(at.form)


def test_every_key_of_the_form_has_an_id_a_word_and_a_sentence() -> None:
    from wattdeck.ui.help import bindings_of

    for binding in bindings_of(FormLines, MigrationForm, EditForm):
        assert (binding.id or "").startswith("form.") and " " in binding.tooltip
        assert " " not in binding.description and "ctrl+s" not in binding.key


async def test_words_of_the_form_are_never_markup() -> None:
    hostile = Migration("id-2", "[red]x[/red]", 1, 2, 3, "2027-01", "CRIADA", email="[b]@x")
    async with seat(EditForm(EditSheet(hostile, (3,)))) as at:
        assert "[red]x[/red]" in at.text and "[b]@x" in at.text
        assert isinstance(at.app.screen.query_one(FormLines), Painted)
