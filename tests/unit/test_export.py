"""A snapshot document as JSON, CSV and text: what scripts, spreadsheets and people get."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import START, ManualClock
from wattdeck.core import export
from wattdeck.core.config import SourceConfig
from wattdeck.core.export import CSV_HEADER, safe_cell, to_csv, to_json, to_text
from wattdeck.core.hub import Hub
from wattdeck.core.snapshot import document
from wattdeck.core.sources import demo_sources
from wattdeck.core.system import SimulatorOptions, System
from wattdeck.systems.span import SYSTEM as SPAN

DATA = {
    "serial": "nt-1",
    "grid_power_w": -1.5,
    "battery_percent": None,
    "wifi": True,
    "circuits": [
        {"circuit_id": "c1", "name": "=HYPERLINK(1)", "tabs": [2, 4], "energy_consumed_wh": 12.0},
        {"circuit_id": "c2", "name": "Line\nbreak, comma", "tabs": [], "energy_consumed_wh": -1.0},
    ],
    "month": {"cost_bnd": 3.5, "tiers": [{"upto": 1, "price_bnd": 0.1}]},
}
DOCUMENT: dict[str, Any] = {
    "sources": [
        {
            "source": "span/home",
            "feeds": {
                "panel": {"link": "stale", "taken_at": "2026-11-20T17:00:00Z", "problem": "-502", "data": DATA},
                "other": {"link": "waiting", "taken_at": None, "problem": "", "data": None},
            },
        }
    ]
}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_is_long_with_one_row_for_each_value_and_its_unit() -> None:
    found = {(row["item"], row["field"]): (row["value"], row["unit"]) for row in rows(to_csv(DOCUMENT))}
    assert to_csv(DOCUMENT).splitlines()[0] == ",".join(CSV_HEADER)
    assert found["", "grid_power_w"] == ("-1.5", "W")
    assert found["", "battery_percent"] == ("", "%")
    assert found["", "wifi"] == ("true", "")
    assert found["", "serial"] == ("nt-1", "")
    assert found["c1", "tabs"] == ("2 4", "")
    assert found["c2", "energy_consumed_wh"] == ("-1.0", "Wh")
    assert found["month", "cost_bnd"] == ("3.5", "BND")
    assert found["month/1", "price_bnd"] == ("0.1", "BND")
    assert found["c2", "name"] == ("Line\nbreak, comma", "")


def test_csv_tells_link_and_problem_of_every_feed_also_of_one_without_data() -> None:
    found = [(row["feed"], row["field"], row["value"]) for row in rows(to_csv(DOCUMENT))]
    assert found[:2] == [("panel", "link", "stale"), ("panel", "problem", "'-502")]
    assert found[-1] == ("other", "link", "waiting")
    assert rows(to_csv(DOCUMENT))[-1]["taken_at"] == ""


def test_csv_without_a_header_goes_on_with_a_stream() -> None:
    assert to_csv(DOCUMENT, header=False) == to_csv(DOCUMENT).partition("\n")[2]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\tx", "\rx", "\n=1", "\N{NO-BREAK SPACE}=1"]
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert safe_cell(text) == f"'{text}".replace("\r", "\n")


def test_a_carriage_return_begins_no_row_of_its_own() -> None:
    data = {"items": [{"id": "x\r=1+1", "label": "a\r\nb"}]}
    feed = {"link": "live", "taken_at": None, "problem": "", "data": data}
    made = to_csv({"sources": [{"source": "span/home", "feeds": {"panel": feed}}]})
    assert "\r" not in made
    assert [row["value"] for row in rows(made)] == ["live", "x\n=1+1", "a\nb"]


@pytest.mark.parametrize("value", ["Oven", "", "1=1", "a-b", -1.5, 0, None, True])
def test_other_cells_are_left_alone_and_negative_numbers_stay_numbers(value: Any) -> None:
    assert safe_cell(value) == value


@given(st.text(max_size=20))
def test_no_cell_of_a_csv_begins_like_a_formula(text: str) -> None:
    data = {"name": text, "items": [{"id": text, "label": text}]}
    feed = {"link": "live", "taken_at": None, "problem": text, "data": data}
    made = to_csv({"sources": [{"source": "span/home", "feeds": {"panel": feed}}]})
    for row in csv.reader(io.StringIO(made, newline="")):
        assert not any(cell.lstrip()[:1] in tuple("=+-@") for cell in row)


def test_json_is_readable_or_one_line_and_keeps_every_name_as_it_is() -> None:
    assert json.loads(to_json(DOCUMENT)) == DOCUMENT
    line = to_json(DOCUMENT, one_line=True)
    assert "\n" not in line and ": " not in line and json.loads(line) == DOCUMENT
    assert "Über" in to_json({"name": "Über"})


def test_json_that_no_parser_takes_is_never_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"power_w": float("nan")})


def open_demo(state_dir: Path) -> Hub:
    pairs, apps = demo_sources({"span": SPAN}, SimulatorOptions(start=START), None)
    named: list[tuple[System, SourceConfig]] = pairs
    return Hub(named, state_dir=state_dir, clock=ManualClock(), demo_apps=apps)


@pytest.mark.anyio
async def test_text_has_a_head_a_section_for_each_source_and_its_age(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as hub:
        await hub.once()
        text = to_text(hub, ["span/home", "span/shop"], START)
    assert text.startswith("wattdeck demo  2026-11-20 ") and text.endswith("\n")
    sections = text.split("\n\n")
    assert [section.splitlines()[0] for section in sections[1:]] == ["span/home  ● live 0 s", "span/shop  ● live 0 s"]
    assert all(", 0 s ago" in section for section in sections[1:])


@pytest.mark.anyio
async def test_every_number_of_the_demo_has_a_unit_in_the_csv(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as hub:
        await hub.once()
        found = rows(to_csv(document(hub, list(hub.sources), START)))
    without = {row["field"] for row in found if row["unit"] == "" and _is_number(row["value"])}
    assert without <= {"tabs", "spaces", "model", "hardware", "data_model_version"}, (
        "numbers that need none: spaces, a part number, a version"
    )
    units = {row["unit"] for row in found}
    assert {"", "W", "Wh", "%", "A", "V"} <= units <= {"", "W", "Wh", "kWh", "%", "A", "V", "s", "min"}
    assert set(export.UNITS.values()) >= {"W", "Wh"}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("field", "unit"),
    [
        ("power_w", "W"),
        ("out", ""),
        ("planned_out", "customers"),
        ("percent_out", "%"),
        ("battery_percent", "%"),
        ("chi_customer_h", "customer-hours"),
        ("missing_h", "h"),
        ("set_code", ""),
    ],
)
def test_the_unit_comes_from_the_longest_known_end_of_a_name(field: str, unit: str) -> None:
    assert export._unit(field) == unit
