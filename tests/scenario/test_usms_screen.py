"""The USMS screen through its keys, on an account that answers as it is told."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from deck_app import LARGE, NORMAL, SMALL, settle
from usms_seat import (
    ACCOUNT,
    ELECTRICITY,
    FakeAccount,
    household,
    seated,
)
from wattdeck.core.errors import AuthError, SourceError, Unreachable
from wattdeck.core.lines import cell_width
from wattdeck.systems.usms import widgets
from wattdeck.systems.usms.models import (
    BRUNEI,
    AccountSnapshot,
    Meter,
    Period,
    Point,
    TopUp,
    TopUpPage,
)
from wattdeck.systems.usms.widgets import Solver
from wattdeck.ui.dialogs import Words

pytestmark = pytest.mark.anyio


def png(width: int = 200, height: int = 80, ink: bool = True) -> bytes:
    """An image as the portal sends it: black, drawn in the alpha channel alone."""
    rows = b"".join(
        b"\0" + b"".join(b"\0\0\0" + (b"\xff" if ink and 20 < y < 60 and x % 40 < 24 else b"\0") for x in range(width))
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


# What is shown


@pytest.mark.parametrize("size", [SMALL, NORMAL, LARGE])
async def test_meters_chart_costs_and_the_sentence_are_there_at_every_size(
    deck_home: Path, size: tuple[int, int]
) -> None:
    async with seated(deck_home, size=size) as seat:
        text = " ".join(seat.text.split())
        for words in (
            *(
                "12345678",
                "1 971.3 kWh",
                "174.10",
                "40 d",
                "2402007817",
                "228.6 m³",
                "Electricity 12345678, October 2026",
            ),
            *("October to yesterday 688.50 kWh B$13.08", "tier 2 88.50 kWh at B$0.08 B$7.08"),
            *("October expected 1 484 kWh B$76.72", "At this pace the credit lasts until 24 November."),
        ):
            assert words in text, words
        assert "over the 13 days known in both 3 % less than September (615.24 kWh)." in " ".join(seat.chart.split())
        assert all(sum(map(cell_width, line)) <= size[0] for line in seat.lines)
        assert seat.chart.count("█") > 40


async def test_terminal_without_block_characters_gets_ascii(deck_home: Path) -> None:
    async with seated(deck_home, ascii=True) as seat:
        assert seat.chart.isascii() and "#" in seat.chart
        assert "m3" in seat.meters.text


async def test_address_and_status_are_beside_the_meters_and_behind_a_key_where_it_is_narrow(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        assert "NO 1 SPG 2, KG CONTOH" in seat.text
    async with seated(deck_home, size=SMALL) as seat:
        assert "NO 1 SPG 2" not in seat.text
        await seat.press("d")
        assert "NO 1 SPG 2" in seat.text and "AWANG CONTOH" in seat.text
        await seat.press("escape")
        assert "NO 1 SPG 2" not in seat.text and "October 2026" in seat.text
        await seat.press("c")
        assert "October expected" not in seat.text
        await seat.press("c")
        assert "October expected" in seat.text


async def test_back_fill_shows_how_far_it_is(deck_home: Path) -> None:
    async with seated(deck_home, lambda account: setattr(account, "progress", (146, 730))) as seat:
        assert "Reading history" in seat.text and "146 of 730 days" in seat.text and "20 %" in seat.text
    async with seated(deck_home, lambda account: setattr(account, "progress", (146, 730)), size=SMALL) as seat:
        assert "Reading history: 146 of 730 days, 20 %." in seat.meters.text and "2402007817" in seat.meters.text


# Walking


async def test_arrows_walk_through_time_and_brackets_zoom(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("left")
        assert "September 2026" in seat.chart and "1 500" not in seat.chart
        await seat.press("left")
        assert "August 2026" in seat.chart and "in all" in seat.chart
        assert "▲ 13 August: past 600 kWh, then B$0.08 a kWh." in seat.chart
        await seat.press("right", "right", "right", "right")
        assert "October 2026" in seat.chart
        await seat.press("right_square_bracket")
        assert "Electricity 12345678, 2026" in seat.chart and "╌" in seat.chart
        assert "Tier 2 begins at 600 kWh a month." in seat.chart
        await seat.press("left_square_bracket", "left_square_bracket")
        assert "Wednesday 14 October 2026" in seat.chart and "23" in seat.chart.splitlines()[-3] + seat.chart
        await seat.press("left", "escape")
        assert "October 2026" in seat.chart and "Wednesday" not in seat.chart


async def test_other_meter_keeps_the_place_in_time(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("left", "down")
        assert "Water 2402007817, September 2026" in seat.chart
        assert ("2402007817", Period.DAY, date(2026, 9, 1)) in seat.account.asked
        assert "m³" in seat.chart


async def test_water_has_no_hours_and_is_not_asked_for_them(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("down", "left_square_bracket")
        assert "Water has no hours: the portal counts it once a day." in seat.chart
        assert not [asked for asked in seat.account.asked if asked[1] is Period.HOUR]


async def test_walking_does_not_wait_and_says_what_it_reads(deck_home: Path) -> None:
    held = asyncio.Event()
    async with seated(deck_home, lambda account: account.held.update({date(2026, 8, 1): held})) as seat:
        await seat.press("left", "left")
        assert "August 2026" in seat.chart and "Reading August 2026 ..." in seat.chart
        await seat.press("up", "left_square_bracket")
        assert "1 August 2026" in seat.chart
        await seat.press("right_square_bracket")
        held.set()
        await settle(seat.app)
        assert "in all" in seat.chart and "Reading" not in seat.chart


async def test_late_answer_to_an_older_question_is_dropped(deck_home: Path) -> None:
    def prepare(account: FakeAccount) -> None:
        account.deaf = True
        account.held[date(2026, 6, 1)] = asyncio.Event()

    async with seated(deck_home, prepare) as seat:
        await seat.press("left", "left", "left", "left")
        assert "Reading June 2026 ..." in seat.chart
        await seat.press("left")
        shown = seat.chart
        assert "May 2026" in shown and "in all" in shown
        seat.account.held.pop(date(2026, 6, 1)).set()
        await settle(seat.app)
        assert seat.chart == shown


async def test_what_is_known_is_not_asked_again(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("left", "left", "right", "right")
        asked = list(seat.account.asked)
        assert len(asked) == len(set(asked))
        await seat.press("left", "left")
        for _ in range(3):
            await seat.tick()
        assert seat.account.asked == asked


async def test_newer_readings_ask_again_for_the_month_that_runs_and_for_no_other(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        seat.account.asked.clear()
        await seat.wait(900)
        await seat.tick()
        assert seat.account.asked == [("12345678", Period.DAY, date(2026, 10, 1))]


async def test_what_the_feed_holds_is_shown_while_the_rest_is_read(deck_home: Path) -> None:
    held = asyncio.Event()
    async with seated(deck_home, lambda account: account.held.update({date(2026, 10, 1): held})) as seat:
        assert "599.10 kWh so far" in seat.chart and "reading ..." in seat.chart
        held.set()
        await settle(seat.app)
        assert "reading ..." not in seat.chart


# Gaps and failures


async def test_missing_day_is_a_hole_and_said(deck_home: Path) -> None:
    def prepare(account: FakeAccount) -> None:
        account.answer = lambda meter, period, day: [
            point for point in household(period, day) if point.start.day not in (3, 4)
        ]

    async with seated(deck_home, prepare) as seat:
        assert "No value for 3 October and 4 October." in seat.chart
        axis = next(line for line in seat.chart.splitlines() if "└" in line)
        assert axis.split("└")[1].startswith("────    ────")


async def test_month_without_values_says_so_and_where_to_go(deck_home: Path) -> None:
    async with seated(deck_home, lambda account: setattr(account, "answer", lambda meter, period, day: ())) as seat:
        await seat.press("left")
        assert "The portal has no values for September 2026. Left shows" in seat.chart


async def test_failed_question_says_why_and_a_refresh_asks_again(deck_home: Path) -> None:
    def fail(meter: Meter, period: Period, day: date) -> Iterable[Point]:
        raise Unreachable("no route to host")

    async with seated(deck_home) as seat:
        seat.account.answer = fail
        await seat.press("left", "left")
        said = " ".join(seat.chart.split())
        assert "August 2026 could not be read: no route to host. r tries again." in said
        asked = len(seat.account.asked)
        await seat.tick()
        assert len(seat.account.asked) == asked
        seat.account.answer = lambda meter, period, day: household(period, day)
        seat.clock.advance(1)
        await seat.press("r")
        await seat.tick()
        assert "in all" in seat.chart and "could not be read" not in seat.chart


async def test_fault_in_an_answer_is_not_the_end_of_the_screen(
    deck_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(meter: Meter, period: Period, day: date) -> Iterable[Point]:
        raise KeyError("unexpected")

    async with seated(deck_home) as seat:
        seat.account.answer = fail
        await seat.press("left", "left")
        assert "internal error (KeyError)" in seat.chart
        assert "reading" in caplog.text


async def test_refused_says_what_to_press_and_keeps_asking_nothing(deck_home: Path) -> None:
    def prepare(account: FakeAccount) -> None:
        account.account = account.consumption = AuthError("the stored session has ended")

        def refuse(meter: Meter, period: Period, day: date) -> Iterable[Point]:
            raise AuthError("the stored session has ended")

        account.answer = refuse

    async with seated(deck_home, prepare) as seat:
        assert "The portal wants a login: press l." in seat.notice and "stored session has ended" in seat.notice
        assert "No data: the portal wants a login. Press l." in seat.chart
        assert "refused" in seat.text.splitlines()[0]


async def test_stale_keeps_the_meters_and_says_why(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        seat.account.account = Unreachable("no route to host")
        await seat.press("r")
        await seat.tick()
        assert "stale" in seat.text.splitlines()[0] and "no route to host" in seat.notice
        assert "1 971.3 kWh" in seat.meters.text and "next try" in seat.notice


async def test_down_from_the_start_is_a_state_with_words(deck_home: Path) -> None:
    def prepare(account: FakeAccount) -> None:
        account.account = account.consumption = Unreachable("no route to host")

    async with seated(deck_home, prepare) as seat:
        assert "No data: the portal does not answer. wattdeck keeps trying." in seat.chart
        assert "no route to host" in seat.notice


async def test_account_without_meters_says_so(deck_home: Path) -> None:
    async with seated(deck_home, lambda account: setattr(account, "account", AccountSnapshot("X", ()))) as seat:
        assert "The portal shows no meter for this account." in seat.chart and "No meter." in seat.meters.text
        await seat.press("T", "left", "left_square_bracket", "d")
        assert "no top-ups to show" in seat.notices[-1]


async def test_meter_that_disappears_leaves_the_cursor_on_another(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("down")
        seat.account.account = replace(ACCOUNT, meters=(ELECTRICITY,))
        await seat.press("r")
        await seat.tick()
        assert seat.meters.cursor_id == "12345678" and "Electricity 12345678" in seat.chart


# Top-ups


async def test_top_ups_are_on_a_key_with_debt_and_customer(deck_home: Path) -> None:
    def prepare(account: FakeAccount) -> None:
        at = datetime(2026, 10, 1, 10, 5, tzinfo=BRUNEI)
        account.top_up_answer = (TopUp(at, "TX1", "12345678", 50.0, 10.0, 40.0, 2000.0, "Cash", "Kedai Contoh"),)
        account.page = TopUpPage("Residential", 1234.56, 720.16)

    async with seated(deck_home, prepare, size=SMALL) as seat:
        await seat.press("T")
        for words in ("Top-ups of 12345678", "2026-10-01 10:05", "50.00", "2 000.00", "Customer: Residential.",
                      "Debt B$1 234.56, of which B$720.16 remain."):  # fmt: skip
            assert words in " ".join(seat.text.split())
        await seat.press("escape")
        assert "Top-ups of" not in seat.text and "October 2026" in seat.text
        assert seat.app.focused is seat.meters


async def test_top_ups_that_cannot_be_read_say_why(deck_home: Path) -> None:
    def prepare(account: FakeAccount) -> None:
        account.top_up_answer = Unreachable("no route to host")

    async with seated(deck_home, prepare) as seat:
        await seat.press("T")
        text = " ".join(seat.text_of("#topup_words").split())
        assert "The list of top-ups could not be read: no route to host." in text
        assert "Customer: Residential." in text and "Not read." in seat.text


# Logging in


class Portal:
    """A login that wants one answer: `ab1c2`. Every image asked for is counted."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.answers: list[str | None] = []
        self.logins = 0

    async def __call__(self, solver: Solver) -> None:
        self.logins += 1
        while True:
            answer = await solver(png())
            self.answers.append(answer)
            if self.error is not None:
                raise self.error
            if answer is None:
                raise SourceError("given up")
            if answer == "ab1c2":
                return


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images are drawn as a field of blocks."""
    monkeypatch.setattr(widgets, "draw_image", lambda png, width, height, ascii_only: ["▀" * width] * height)


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("size", [SMALL, NORMAL])
async def test_login_shows_the_image_takes_the_code_and_refreshes(deck_home: Path, size: tuple[int, int]) -> None:
    portal = Portal()
    async with seated(deck_home, lambda account: setattr(account, "logging_in", portal), size=size) as seat:
        await seat.press("l")
        assert "Log in to usms/contoh" in seat.dialog and "What does the image say?" in seat.dialog
        shown = [line for line in seat.lines if "▀" * 60 in line]
        assert len(shown) >= 13
        assert "Capital and small letters are the same." in seat.text
        assert "the characters of the image" in seat.text and "ctrl+r" in seat.text and "Escape" in seat.text
        await seat.press(*"ab1c2", "enter")
        assert seat.dialog == "" and portal.answers == ["ab1c2"]
        assert seat.notices[-1] == "Logged in to usms/contoh."


@pytest.mark.usefixtures("drawn")
async def test_wrong_code_brings_another_image_and_says_so(deck_home: Path) -> None:
    portal = Portal()
    async with seated(deck_home, lambda account: setattr(account, "logging_in", portal)) as seat:
        await seat.press("l", *"xxxxx", "enter")
        assert "The portal did not take that. Here is another image." in seat.dialog
        await seat.press("ctrl+r")
        assert portal.answers == ["xxxxx", ""]
        assert "did not take" not in seat.dialog
        await seat.press(*"ab1c2", "enter")
        assert seat.dialog == ""


@pytest.mark.usefixtures("drawn")
async def test_escape_gives_up_and_leaves_the_screen_as_it_was(deck_home: Path) -> None:
    portal = Portal()
    async with seated(deck_home, lambda account: setattr(account, "logging_in", portal)) as seat:
        await seat.press("l", "a", "escape")
        assert seat.dialog == "" and "ab1c2" not in portal.answers
        assert not seat.notices
        await seat.press("l")
        assert portal.logins == 2 and "What does the image say?" in seat.dialog


@pytest.mark.usefixtures("drawn")
async def test_rejected_password_is_said_and_never_sent_again(deck_home: Path) -> None:
    portal = Portal(AuthError("the portal does not accept the user name and password"))
    async with seated(deck_home, lambda account: setattr(account, "logging_in", portal)) as seat:
        await seat.press("l", *"ab1c2", "enter")
        assert "The portal does not accept the user name and password." in " ".join(seat.dialog.split())
        await seat.press("ctrl+r", "enter", *"ab1c2", "enter")
        assert portal.logins == 1 and len(portal.answers) == 1
        await seat.press("escape")
        assert seat.dialog == ""


@pytest.mark.usefixtures("drawn")
async def test_portal_that_fails_during_login_can_be_tried_again(deck_home: Path) -> None:
    portal = Portal(Unreachable("no route to host"))
    async with seated(deck_home, lambda account: setattr(account, "logging_in", portal)) as seat:
        await seat.press("l", *"ab1c2", "enter")
        assert "No route to host. ctrl+r begins anew" in " ".join(seat.dialog.split())
        portal.error = None
        await seat.press("ctrl+r", *"ab1c2", "enter")
        assert seat.dialog == "" and portal.logins == 2


@pytest.mark.usefixtures("drawn")
async def test_pasted_text_is_cut_and_cleaned_and_a_strange_length_is_asked_about(deck_home: Path) -> None:
    portal = Portal()
    async with seated(deck_home, lambda account: setattr(account, "logging_in", portal)) as seat:
        await seat.press("l")
        await seat.paste("ab\x1b[31m-1 c\n" + "z" * 100_000)
        await seat.press("enter")
        assert portal.answers == []
        assert "have had 5 characters so far, this has 12" in " ".join(seat.dialog.split())
        await seat.press("enter")
        assert portal.answers == ["ab31m1czzzzz"]


async def test_image_that_cannot_be_drawn_can_be_saved(deck_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(png: bytes, width: int, height: int, ascii_only: bool) -> list[str]:
        raise SourceError("interlaced")

    monkeypatch.setattr(widgets, "draw_image", fail)
    portal = Portal()
    async with seated(deck_home, lambda account: setattr(account, "logging_in", portal)) as seat:
        await seat.press("l")
        assert "The image cannot be drawn here (interlaced). ctrl+o saves it" in " ".join(seat.dialog.split())
        await seat.press("ctrl+o")
        path = deck_home / "captcha.png"
        assert "captcha.png" in seat.dialog and path.read_bytes() == png()
        assert path.stat().st_mode & 0o777 == 0o600
        await seat.press(*"ab1c2", "enter")
        assert seat.dialog == ""


def test_saved_image_does_not_follow_a_link_laid_out_for_it(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "captcha.png").symlink_to(victim)
    path = widgets.save_image(b"png", tmp_path)
    assert victim.read_text() == "precious" and path.read_bytes() == b"png" and not path.is_symlink()


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_image_of_the_portal_is_drawn_within_the_smallest_terminal(deck_home: Path, ascii_only: bool) -> None:
    portal = Portal()
    async with seated(
        deck_home, lambda account: setattr(account, "logging_in", portal), size=SMALL, ascii=ascii_only
    ) as seat:
        await seat.press("l")
        picture = seat.app.screen.query_one("#image", Words).text.splitlines()
        assert 5 <= len(picture) <= 15 and len(set(picture)) > 1
        assert max(map(cell_width, picture)) > 50
        assert "the characters of the image" in seat.text and "Escape" in seat.text
        assert "cannot be drawn" not in seat.dialog


async def test_blank_image_says_so_and_how_to_get_another(deck_home: Path) -> None:
    async def logging_in(solver: Solver) -> None:
        await solver(png(ink=False))

    async with seated(deck_home, lambda account: setattr(account, "logging_in", logging_in), size=SMALL) as seat:
        await seat.press("l")
        assert "The image is blank: ctrl+r asks for another." in seat.dialog


async def test_bytes_that_are_no_image_are_offered_as_a_file(deck_home: Path) -> None:
    async def logging_in(solver: Solver) -> None:
        await solver(b"<html>maintenance</html>")

    async with seated(deck_home, lambda account: setattr(account, "logging_in", logging_in), size=SMALL) as seat:
        await seat.press("l")
        assert "The image cannot be drawn here" in seat.dialog and "ctrl+o saves it" in " ".join(seat.dialog.split())
