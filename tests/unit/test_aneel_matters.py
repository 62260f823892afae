"""What the overview shows of a distributor, and that it is what one would want to know first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from test_aneel_present import AT, CANTA, CARACARAI, NOW, live, seen

from wattdeck.core.reading import Link, Reading
from wattdeck.systems.aneel import SYSTEM
from wattdeck.systems.aneel.models import SLOT, DemandsSnapshot, Finding, Level, Row

ERROR = Finding("I10", Level.ERROR, "interrupcaoFornecimento[3].ideMunicipio", "1400471", "…", "…")


def line(*readings: Reading[Any], now: datetime = NOW) -> str:
    return " · ".join(figure.short or figure.value for figure in SYSTEM.matters(readings, now).figures)


def test_a_line_says_how_many_what_share_and_where_it_is_worst() -> None:
    assert line(live(seen())) == "1 204 out · 0.9 % · Caracaraí 6.1 %"
    figures = SYSTEM.matters([live(seen())], NOW).figures
    assert [(figure.label, figure.value) for figure in figures] == [
        ("customers out", "1 204"), ("of all", "0.9 %"), ("Caracaraí", "6.1 %")]  # fmt: skip
    # Caracaraí is at alert; the state as a whole is not.
    assert [figure.meaning for figure in figures] == ["normal", "normal", "severity-medium"]


def test_the_trend_is_of_customers_out() -> None:
    key = SYSTEM.matters([live(seen())], NOW).trend_key
    assert SYSTEM.trend_values("outages", seen())[key] == 1204.0


@pytest.mark.parametrize(
    ("readings", "words"),
    [([live(seen(()))], "nothing out"), ([live(None, link=Link.DOWN)], ""), ([], "")],
    ids=["nothing is out", "nothing is known", "nothing is asked"],
)
def test_nothing_out_is_said_and_nothing_known_is_not_zero(readings: list[Reading[Any]], words: str) -> None:
    assert line(*readings) == words


def test_old_figures_say_of_when_they_are() -> None:
    assert line(live(seen()), now=NOW + timedelta(hours=2)).endswith(" · at 14:00")
    assert line(live(seen()), now=AT + 2 * SLOT) == line(live(seen()))


def test_without_denominators_the_municipality_with_most_out_is_named() -> None:
    rows = [Row(1, CARACARAI, None, 0, 310), Row(1, CANTA, None, 0, 5)]
    assert line(live(seen(rows, none=1))) == "315 out · ~100.0 % · Caracaraí 310"


def test_errors_of_the_check_are_counted_over_all_answers() -> None:
    outages = replace(seen(()), findings=(ERROR, replace(ERROR, level=Level.WARNING)))
    demands = DemandsSnapshot((), 0, 0, 0, (ERROR,))
    day = Reading("aneel/roraima", "demands", demands, Link.LIVE, NOW)
    assert line(live(outages), day) == "nothing out · 2 errors"
    assert line(live(outages)) == "nothing out · 1 error"
