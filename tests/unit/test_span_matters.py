"""A panel in the few numbers that matter, as a tile of the overview shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fakes import START
from wattdeck.core.matters import Matters
from wattdeck.core.reading import Link, Reading
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.models import Door, PanelSnapshot, Relay

PANEL = PanelSnapshot(
    serial="nt-1",
    firmware="spanos2/r202342/04",
    model="00200",
    door=Door.CLOSED,
    main_relay=Relay.CLOSED,
    grid_power_w=2412.0,
    feedthrough_power_w=0.0,
    house_load_w=3861.0,
    generation_w=1449.0,
    battery_percent=74,
    main_consumed_wh=12_000.0,
    main_produced_wh=1_000.0,
    circuits=(),
    grid_state="DSM_GRID_UP",
    dsm_state="DSM_ON_GRID",
)


def seen(link: Link = Link.LIVE, **fields: Any) -> Matters:
    return SYSTEM.matters([Reading("span/home", "panel", replace(PANEL, **fields), link, START)], START)


def line(found: Matters) -> str:
    return " · ".join(figure.short or figure.value for figure in found.figures)


def test_a_panel_reads_as_grid_house_battery_and_sun() -> None:
    found = seen(solar_w=1449.0)
    assert line(found) == "+2 412 W · 3 861 W house · 74 % · 1 449 W solar"
    assert found.trend_key == "grid" and {figure.meaning for figure in found.figures} == {"normal"}
    assert [figure.label for figure in found.figures] == ["Grid", "House", "Battery", "Solar"]


def test_export_has_a_minus_and_what_is_not_there_is_left_out() -> None:
    assert line(seen(grid_power_w=-300.0, battery_percent=None, generation_w=0.0, house_load_w=90.0)) == (
        "−300 W · 90 W house"
    )


def test_what_is_not_known_is_a_dash_and_never_a_zero() -> None:
    found = seen(grid_power_w=None, house_load_w=None, battery_percent=None, generation_w=None)
    assert line(found) == "– · – house"


@pytest.mark.parametrize(
    ("fields", "said", "meaning"),
    [
        ({"door": Door.OPEN}, "door open", "severity-medium"),
        ({"main_relay": Relay.OPEN, "dsm_state": "DSM_OFF_GRID"}, "main relay open", "severity-high"),
        ({"grid_state": "DSM_GRID_DOWN"}, "off grid", "severity-high"),
    ],
)
def test_what_is_abnormal_comes_first_and_carries_weight(fields: dict[str, Any], said: str, meaning: str) -> None:
    first, *others = seen(**fields).figures
    assert (first.short, first.meaning) == (said, meaning)
    assert {figure.meaning for figure in others} == {"normal"}


@pytest.mark.parametrize("fields", [{"door": Door.UNKNOWN}, {"main_relay": Relay.UNKNOWN, "grid_state": ""}])
def test_what_the_panel_does_not_say_is_not_called_abnormal(fields: dict[str, Any]) -> None:
    assert {figure.meaning for figure in seen(**fields).figures} == {"normal"}


@pytest.mark.parametrize("link", [Link.DOWN, Link.REFUSED])
def test_a_panel_that_is_gone_has_no_numbers(link: Link) -> None:
    assert list(seen(link).figures) == []
    assert list(SYSTEM.matters([Reading("span/home", "panel")], START).figures) == []
    assert list(SYSTEM.matters([], START).figures) == []
