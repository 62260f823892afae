"""The USMS screen and the shell's words in Portuguese and Malay: nothing left in English, nothing cut that is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding

from deck_app import SMALL
from messages import catalogues, translations
from usms_seat import ACCOUNT, CONSUMPTION, ELECTRICITY, MONTH, NOW, WATER, Seat, household, seated
from wattdeck.core import language
from wattdeck.core.errors import SourceError, Unreachable, UsageError
from wattdeck.core.lines import cell_width, line_width, wrap
from wattdeck.core.reading import Link, Reading
from wattdeck.systems.usms import SYSTEM, costs, drawing, present, report, tables, widgets
from wattdeck.systems.usms.alarms import UsmsWatch
from wattdeck.systems.usms.choice import find_meter
from wattdeck.systems.usms.config import UsmsAlarms
from wattdeck.systems.usms.models import (
    BRUNEI,
    AccountSnapshot,
    Kind,
    Meter,
    Period,
    Projection,
    Series,
    TopUp,
    TopUpPage,
)
from wattdeck.systems.usms.screen import UsmsScreen
from wattdeck.systems.usms.tariff import tariff_for
from wattdeck.systems.usms.walk import Stretch
from wattdeck.ui.frame import Footer

pytestmark = pytest.mark.anyio

AHEAD = MONTH.projection or Projection(0, 0, 0, None)
HOURS = Series("12345678", Period.HOUR, household(Period.HOUR, NOW.date()))
FAR_OFF = NOW + timedelta(days=5000)
NAMES = re.compile(
    r"usms|contoh|kwh|wattdeck|awang|spg|kg|no|ctrl|enter|escape|residential|gadong|cash|min",
    re.IGNORECASE,
)
"""Words that are the same in every language: names, units, keys, what the portal itself says."""


@dataclass
class Stop:
    """What is on the terminal at one place of the tour."""

    lines: list[str]
    wrapped: list[str]
    """Sentences that were to be shown."""
    widths: list[int]
    """Cells of the lines about costs."""
    footer: str = ""

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.lines).split())

    def footed(self, *, english: bool = False) -> set[str]:
        """The keys the footer names, in the language in use."""
        named = [str(binding.description) for binding in UsmsScreen.BINDINGS if isinstance(binding, Binding)]
        words = named if english else map(language.tr, named)
        return {word for word in words if re.search(rf" {re.escape(word)}(  |$)", self.footer)}

    @property
    def lost(self) -> set[int]:
        """Which sentences do not stand there to their end."""
        return {index for index, words in enumerate(self.wrapped) if " ".join(words.split()) not in self.text}


@dataclass
class Tour:
    """Every state of the screen, one after the other."""

    seat: Seat
    wrapped: list[str]
    widths: list[int]
    stops: dict[str, Stop] = field(default_factory=dict)

    async def stop(self, name: str, *keys: str) -> None:
        await self.seat.press(*keys)
        await self.seat.wait(1)
        self.wrapped.clear()
        self.widths.clear()
        await self.seat.tick()
        footer = self.seat.app.screen_stack[0].query_one(Footer).text
        self.stops[name] = Stop(self.seat.lines, [*self.wrapped], [*self.widths], footer)

    async def go(self) -> None:
        await self.stop("month")
        await self.stop("hours", "left_square_bracket", "left")
        await self.stop("year", "right_square_bracket", "right_square_bracket")
        await self.stop("water", "left_square_bracket", "escape", "down")
        await self.stop("water by the hour", "left_square_bracket")
        await self.stop("detail", "right_square_bracket", "up", "d")
        await self.stop("top-ups", "escape", "T")
        await self.stop("login", "escape", "l")
        await self.stop("wrong image", *"ab1c3", "enter")
        await self.stop("odd length", *"123", "enter")
        await self.stop("given up", "escape")
        account = self.seat.account
        account.answer = lambda meter, period, day: household(period, day)[:4]
        await self.stop("gaps", "left", "left")
        account.answer = lambda meter, period, day: ()
        await self.stop("nothing", "left", "left")
        account.progress = (146, 730)
        await self.stop("history", "escape", "escape")
        account.consumption = Unreachable("portal.test: (x)")
        await self.seat.wait(900)
        await self.stop("stale")
        account.account = AccountSnapshot("AWANG CONTOH", ())
        await self.seat.wait(900)
        await self.stop("no meter")


async def _login(solver: Callable[[bytes], Any]) -> None:
    while await solver(b"png") is not None:
        pass
    raise SourceError("(x)")


async def tour(home: Path) -> dict[str, Stop]:
    """What the screen shows at 80x24, in the language in use."""
    wrapped: list[str] = []
    widths: list[int] = []
    cost_lines = costs.cost_lines

    def spy_wrap(text: str, *rest: Any) -> Any:
        wrapped.append(text)
        return wrap(text, *rest)

    def spy_costs(*given: Any, **named: Any) -> Any:
        lines = cost_lines(*given, **named)
        widths.extend(map(line_width, lines))
        return lines

    def prepare(account: Any) -> None:
        at = datetime(2026, 10, 3, 9, 12, tzinfo=BRUNEI)
        top_up = TopUp(at, "261003000123", "12345678", 50.0, 0.0, 50.0, 625.0, "CASH", "GADONG", "CASH")
        torn = replace(MONTH, days_known=12)
        account.consumption = replace(CONSUMPTION, month=torn, months=(torn,))
        account.top_up_answer, account.logging_in = (top_up,), _login
        account.page = TopUpPage("Residential", 120.0, 80.0, "24", 5.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs, "wrap", spy_wrap)
        patch.setattr(costs, "cost_lines", spy_costs)
        patch.setattr(widgets, "draw_image", lambda png, width, height, ascii_only: ["▀" * width] * height)
        async with seated(home, prepare, size=SMALL) as seat:
            found = Tour(seat, wrapped, widths)
            await found.go()
    return found.stops


class Foreign:
    """A language of one letter: what is not said in it never went through the catalogues."""

    def gettext(self, message: str) -> str:
        parts = re.split(r"(\{[^}]*\})", message)
        return "".join(part if index % 2 else re.sub("[A-Za-z]", "ñ", part) for index, part in enumerate(parts))

    def pgettext(self, context: str, message: str) -> str:
        return self.gettext(message)

    def ngettext(self, one: str, many: str, count: int) -> str:
        return self.gettext(one if count == 1 else many)


def english_words(lines: list[str]) -> set[str]:
    """Words that no catalogue gave, but for the header and the line about the link, which every screen has."""
    ours = " ".join(line for line in lines[1:] if not line.startswith((" ◐", " ✕")))
    return {word for word in re.findall(r"[A-Za-z]{2,}", ours) if not NAMES.fullmatch(word)}


async def test_every_word_on_the_screen_goes_through_the_catalogues(
    deck_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "_catalogue", Foreign())
    stops = await tour(deck_home)
    assert {name: found for name, stop in stops.items() if (found := english_words(stop.lines))} == {}
    assert "Ñññññññññññ 12345678, ñññññññ 2026" in stops["month"].text


async def test_nothing_is_cut_at_80x24_that_english_shows_whole(deck_home: Path) -> None:
    english = await tour(deck_home / "en")
    for code in ("pt_BR", "ms"):
        language.use(code)
        for name, stop in (await tour(deck_home / code)).items():
            plain, where = english[name], f"{code}, {name}:\n" + "\n".join(stop.lines)
            assert stop.lost <= plain.lost, f"{[stop.wrapped[index] for index in stop.lost]}\n{where}"
            assert len(stop.wrapped) == len(plain.wrapped), where
            assert stop.text.count("…") <= plain.text.count("…") and "##" not in stop.text, where
            assert len(stop.widths) == len(plain.widths), where
            for width, ours in zip(stop.widths, plain.widths, strict=True):
                assert width <= max(80, ours), where
            assert {language.tr(words) for words in plain.footed(english=True)} == stop.footed(), where
        language.use("en")


@pytest.mark.parametrize("code", ["pt_BR", "ms"])
def test_titles_and_words_of_a_cell_fit_their_column(code: str) -> None:
    language.use(code)
    for column in (*present.COLUMNS, *present.TOP_UP_COLUMNS):
        assert cell_width(language.tr(column.title)) <= column.width, column.title
    widths = {column.key: column.width for column in present.COLUMNS}
    for meter in (ELECTRICITY, replace(WATER, updated_at=NOW)):
        row = present.meter_rows(present.Account.of(readings(meter)), NOW)[0]
        for key, (text, _) in zip(widths, row.cells, strict=True):
            assert cell_width(text) <= widths[key], text
    assert cell_width(costs.left_span(ELECTRICITY, replace(AHEAD, runs_out_at=FAR_OFF), NOW)[0]) <= widths["left"]


@pytest.mark.parametrize("code", ["en", "pt_BR", "ms"])
def test_the_heading_of_every_day_fits_beside_the_meters_and_at_80_cells(code: str) -> None:
    language.use(code)
    for days in range(366):
        stretch = Stretch(Period.HOUR, NOW.date() - timedelta(days=days))
        for meter in (ELECTRICITY, WATER):
            compared = f"   ╴ {stretch.before.short}"
            assert stretch.words in drawing.title(stretch, meter, compared, 80)
            assert cell_width(drawing.title(stretch, meter, compared, 70)) <= 68


@pytest.mark.parametrize("code", ["pt_BR", "ms"])
def test_the_overviews_line_fits_as_it_does_in_english(code: str) -> None:
    language.use(code)
    figures = SYSTEM.matters(readings(ELECTRICITY), NOW).figures[:3]
    assert cell_width(" · ".join(figure.short or figure.value for figure in figures)) <= 40
    assert all(cell_width(language.tr(rule.title)) <= 24 for rule in SYSTEM.alarm_rules())


@pytest.mark.parametrize("code", ["pt_BR", "ms"])
def test_every_message_of_usms_is_translated_with_its_places(code: str) -> None:
    said = translations(code)
    for message in catalogues(code)["usms"]:
        if not message.id:
            continue
        one, many = (message.id, message.id) if isinstance(message.id, str) else message.id
        found = said.get((message.context, message.id if isinstance(message.id, str) else (one, many)))
        assert found, f"not translated: {one}"
        forms = (found,) if isinstance(found, str) else found
        assert places(forms[-1]) == places(many), forms
        for text in forms:
            assert places(text) <= places(many), text
            assert (text[:1].isspace(), text[-1:].isspace()) == (one[:1].isspace(), one[-1:].isspace()), text


def places(text: str) -> set[str]:
    return set(re.findall(r"\{[^}]*\}", text))


def test_the_log_and_mail_speak_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_catalogue", Foreign())
    found = UsmsWatch(UsmsAlarms()).look(readings(ELECTRICITY), NOW)
    figures = SYSTEM.matters(readings(ELECTRICITY), NOW).figures
    lines = [
        *report.text_lines(readings(ELECTRICITY), NOW)[1:],
        *(f"{one.name}: {one.words}" for one in found),
        *(f"{figure.label} {figure.value} {figure.short}" for figure in figures),
    ]
    kept = [line for line in lines if not re.match(r"usms/contoh  ", line)]
    assert english_words(["", *kept]) == set()


def test_the_shell_speaks_portuguese_and_data_stays_english(deck_home: Path) -> None:
    language.use("pt_BR")
    rows = [tables.cost_row(tariff_for(Kind.ELECTRICITY, NOW.date()), "1735.5", "0")]
    assert tables.cost_lines(rows, "kWh")[1].split() == ["faixa", "1", "600", "kWh", "a", "B$", "0,01", "B$", "6,00"]
    assert "1.735,5 kWh" in tables.cost_lines(rows, "kWh")[0]
    month = tables.month_lines(ELECTRICITY, MONTH, NOW)
    assert month[0] == "outubro de 2026  688,500 kWh  B$ 13,08  (13 dias conhecidos)"
    assert rows[0]["quantity"] == 1735.5 and tables.meter_row(ELECTRICITY)["kind"] == "electricity"
    with pytest.raises(UsageError, match="não é um medidor"):
        find_meter(ACCOUNT, "99999999")


def readings(meter: Meter) -> list[Reading[Any]]:
    return [
        Reading("usms/contoh", "meters", AccountSnapshot("AWANG CONTOH", (meter,)), Link.LIVE, NOW),
        Reading(
            "usms/contoh", "consumption", replace(CONSUMPTION, series=(*CONSUMPTION.series, HOURS)), Link.LIVE, NOW
        ),
    ]
