"""The CCEE screen in Portuguese and Malay at 80x24: nothing English is left, and nothing cut that English has whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from ccee_seat import CNPJ, UNIT, Script, Seat, energy, seated
from messages import translations
from wattdeck.core import language
from wattdeck.core.lines import cell_width
from wattdeck.systems.ccee.details import FACTS
from wattdeck.systems.ccee.lifecycle import JUSTIFICATIONS
from wattdeck.systems.ccee.models import BRASILIA, ChangeRequest, RequestType, Status
from wattdeck.systems.ccee.seeds import FIRST_NAMES, LAST_NAMES, NAMES, TRADES, plain

pytestmark = pytest.mark.anyio

SMALL = (80, 24)
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{1,27}")
REQUEST = ChangeRequest(
    "cr", UNIT, 100000, "ALTERACAO_ALFA_VAREJISTA_RESILICAO", "CRIADA", datetime(2026, 10, 13, 11, 20, tzinfo=BRASILIA),
    "2027-01", new_retailer_agent_code=200005, new_retailer_profile_code=200500, notification_date=date(2026, 10, 12),
)  # fmt: skip


DATA = (
    "wattdeck varejo demo example ltda status:xyz alert:yes month:this assinado",
    "codigoUnidadeConsumidora energia home end",
)
"""What else is no word of a language: names, what was typed, what commands take, keys."""


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    language.use("en")


async def walk(code: str, folder: Path) -> dict[str, list[str]]:
    """What a person sees at each step of a look round."""
    language.use(code)
    seen: dict[str, list[str]] = {}
    script = Script(measurements=energy(), requests=[REQUEST])
    async with seated(folder, script=script, size=SMALL) as seat:
        await look_round(seat, seen)
        await look_at_questions(seat, seen)
    return seen


async def look_round(seat: Seat, seen: dict[str, list[str]]) -> None:
    seen["live"] = seat.lines
    await seat.press("slash")
    seen["prompt"] = seat.lines
    await seat.write("status:xyz")
    seen["problem"] = seat.lines
    await seat.press("ctrl+u", "enter")
    await seat.filter("status:conc month:2026-08")
    seen["filtered"] = seat.lines
    await seat.press("enter")
    for page in ("fields", "history", "contracts", "energy", "requests"):
        await seat.rest()
        await seat.rest()
        seen[page] = seat.lines
        await seat.press("right_square_bracket")
    await seat.press("escape", "escape", "b")
    seen["summary"] = seat.lines
    await seat.press("escape", "v")
    seen["views"] = seat.lines
    await seat.press("escape", "question_mark")
    seen["help"] = seat.lines
    await seat.press("escape")


async def look_at_questions(seat: Seat, seen: dict[str, list[str]]) -> None:
    await seat.press("n")
    seen["new"] = seat.lines
    await seat.fill(UNIT, "100000", "", CNPJ)
    seen["typed"] = seat.lines
    await seat.press("escape", "E")
    seen["edit"] = seat.lines
    await seat.press("escape", "x")
    seen["arm"] = seat.lines
    await seat.wait(0.5)
    await seat.press("y")
    seen["cancel"] = seat.lines
    await seat.press("escape")


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{3,}", re.sub(r"\{\w*\}", "", text).lower()))


def known_words(code: str) -> set[str]:
    """Words that may stand on a screen in a language: of its messages, CCEE's own, and what is in the data."""
    said = [text if isinstance(text, str) else " ".join(text) for text in translations(code).values()]
    wire = [fact.wire for fact in FACTS] + [status.value for status in Status] + [kind.value for kind in RequestType]
    data = [plain(name) for name in (*TRADES, *NAMES, *FIRST_NAMES, *LAST_NAMES)]
    return set().union(*map(words_of, [*said, *wire, *data, *TRADES, *NAMES, *JUSTIFICATIONS, *DATA]))


def cuts(lines: list[str]) -> int:
    return sum(line.count("…") for line in lines)


@pytest.mark.parametrize("code", ["pt_BR", "ms"])
async def test_everything_is_said_in_the_language_and_fits(code: str, deck_home: Path) -> None:
    english, seen = await walk("en", deck_home / "en"), await walk(code, deck_home / code)
    known = known_words(code)
    # The header is the frame's, and says the same on every screen.
    left = {
        word: (step, line)
        for step, lines in seen.items()
        for line in lines[1:]
        for word in (words_of(ID.sub("", line)) & words_of(" ".join(english[step]))) - known
    }
    assert left == {}
    assert {step: lines for step, lines in seen.items() if cuts(lines) > cuts(english[step])} == {}
    assert all(cell_width(line) <= SMALL[0] for lines in seen.values() for line in lines)
