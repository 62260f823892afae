"""Pages of the USMS portal: CPU of wattdeck beside usms 1.3.1, on the same bytes, in one process.

    PYTHONPATH=src python benchmarks/parse_usms.py

With `usms==1.3.1` importable both sides are measured, else ours alone. Everything that each side does with a page that
has come is counted, bytes to values: is the session over, the hidden state, the complaint, the rows or cards. The
pages are the documented markup with 4 kB of hidden state; `tolerant` is our way for pages in any other markup.
Medians of rounds in which the sides alternate. Two sides that read different values end the run.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from unittest import mock

ROUNDS = 11
REPEATS = 40
DAY = date(2026, 10, 12)
THEIRS = "usms 1.3.1"
STATE = "".join(
    f'<input type="hidden" name="{name}" id="{name}" value="{value}" />\n'
    for name, value in (
        ("__VIEWSTATE", "wEPDwUKMTY1NDU2MTA1Mg" * 190),
        ("__VIEWSTATEGENERATOR", "0A0B0C0D"),
        ("__EVENTVALIDATION", "EdAAbF8" * 40),
        ("__EVENTTARGET", ""),
        ("__EVENTARGUMENT", ""),
        ("cboType_VI", "3"),
        ("cboDateFrom$State", "{&quot;rawValue&quot;:&quot;1791763200000&quot;}"),
        ("cboDateTo$State", "{&quot;rawValue&quot;:&quot;1791763200000&quot;}"),
    )
)
SCRIPT = '<script type="text/javascript">\n//<![CDATA[\nvar theForm = document.forms["form1"];\n//]]>\n</script>\n'
MENU = "".join(f'<div class="dxm-item"><a class="dx" href="Page{n}">Item {n}</a></div>\n' for n in range(30))
PAGE = f'<!DOCTYPE html>\n<html><head><title>Smart Meter</title></head><body><form method="post">{STATE}{SCRIPT}{MENU}'
FIELDS = ("Meter No", "Full Name", "Meter Status", "Address", "Kampong", "Mukim", "District", "Postcode")
CAPTIONS = (*FIELDS, "Remaining Unit", "Remaining Balance", "Last Updated")
PLACE = ("AWANG CONTOH", "ACTIVE", "NO 1 SPG 2", "KG A", "MUKIM B", "BRUNEI MUARA", "BA1111")
ELECTRICITY = ("12345678", *PLACE, "1,971.317 kWh", "$174.10", "13/10/2026 17:30:00")
WATER = ("2402007817", *PLACE, "228.625 m³", "$25.14", "13/10/2026")


def report(labels: list[str]) -> bytes:
    """A UsageHistory page."""
    rows = "".join(
        f'<tr id="ASPxPageControl1_grid_DXDataRow{row}" class="dxgvDataRow"><td class="dxgv">{label}</td>'
        f'<td class="dxgv">{5 + row / 7:.3f}</td></tr>\n'
        for row, label in enumerate(labels)
    )
    head = '<tr id="ASPxPageControl1_grid_DXHeadersRow0"><td>Hour</td><td>Unit</td></tr>\n'
    table = f'<table id="ASPxPageControl1_grid_DXMainTable">{head}{rows}</table>'
    return f'{PAGE}<span id="pcErr_lblErrMsg">\n</span>{table}</form></body></html>'.encode()


def home(*meters: tuple[str, ...]) -> bytes:
    """A Home page."""
    cards = "".join(
        f'<td class="dxcvCard" id="ASPxCardView1_DXDataCard{index}"><table>'
        + "".join(
            f'<tr><td id="ASPxCardView1_DXCardLayout{index}_{row}"><table><tr><td class="dxflCaptionCell">'
            f'<span class="dxDefaultCursor dxflCaption">{caption}:</span></td>'
            f'<td class="dxflNestedControlCell">{value}</td></tr></table></td></tr>\n'
            for row, (caption, value) in enumerate(zip(CAPTIONS, values, strict=True), 2)
        )
        + "</table></td>"
        for index, values in enumerate(meters)
    )
    return f"{PAGE}<table><tr>{cards}</tr></table></form></body></html>".encode()


PAGES = {
    "24-row report": report([str(hour) for hour in range(1, 25)]),
    "31-row report": report([f"{day:02}/10/2026" for day in range(1, 32)]),
    "Home, 2 meters": home(ELECTRICITY, WATER),
}


def cpu_us(work: Callable[[str], object], title: str) -> float:
    """CPU of one call, microseconds."""
    started_s = time.process_time()
    for _ in range(REPEATS):
        work(title)
    return (time.process_time() - started_s) / REPEATS * 1e6


def ours(title: str) -> list[float | None]:
    """What our client does with the page."""
    from wattdeck.systems.usms import pages
    from wattdeck.systems.usms.models import Period

    html = pages.decode(PAGES[title], "text/html; charset=utf-8")
    if pages.is_expired(html, "/SmartMeter/Report/UsageHistory?p=MTIzNDU2Nzg=") or not pages.hidden_fields(html):
        raise SystemExit("our side misreads the page")
    if title.startswith("Home"):
        meters = pages.read_home(html, "Home").meters
        return [value for meter in meters for value in (meter.remaining_unit, meter.credit_bnd)]
    period = Period.HOUR if title.startswith("24") else Period.DAY
    return [point.value for point in pages.read_report(html, period, DAY, "report").points]


def tolerant(title: str) -> list[float | None]:
    """The same without the quick way for ordinary pages."""
    with mock.patch("wattdeck.systems.usms.markup.ordinary", return_value=None):
        return ours(title)


def their_side() -> Callable[[str], list[float | None]]:
    """What usms does with the page: its checks, the hidden state, the parser and the objects it fills."""
    from usms.config.constants import BRUNEI_TZ
    from usms.core.client import USMSClient
    from usms.models.meter import USMSMeter as Plain
    from usms.parsers.account_info_parser import AccountInfoParser
    from usms.services.sync.meter import USMSMeter

    client: Any = USMSClient("user", "password", mock.Mock())
    reader: Any = USMSMeter.__new__(USMSMeter)
    reader.no = "12345678"
    day = datetime(DAY.year, DAY.month, DAY.day, tzinfo=BRUNEI_TZ)

    def work(title: str) -> list[float | None]:
        body = PAGES[title]
        if client._is_expired_response(200, body.decode("utf-8")):
            raise SystemExit("their side misreads the page")
        client._extract_asp_state(body)
        if title.startswith("24"):
            return list(reader._parse_hourly_consumptions_response(body, day).values())
        if title.startswith("31"):
            return list(reader._parse_daily_consumptions_response(body, day).values())
        found: list[float | None] = []
        for data in AccountInfoParser.parse(body)["meters"]:
            meter: Any = Plain.__new__(Plain)
            meter.update_from_json(data)
            found += [meter.remaining_unit, meter.remaining_credit]
        return found

    return work


def main() -> None:
    """Measure and print."""
    works: dict[str, Callable[[str], list[float | None]]] = {"wattdeck": ours, "wattdeck, tolerant": tolerant}
    if importlib.util.find_spec("usms") is not None:
        works[THEIRS] = their_side()
    for title, body in PAGES.items():
        if len({tuple(work(title)) for work in works.values()}) != 1:
            raise SystemExit(f"{title}: the sides read different values")
        figures: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(ROUNDS):
            for name, work in works.items():
                figures[name].append(cpu_us(work, title))
        print(f"{f'{title}, {len(body) / 1000:.1f} kB':40}{'CPU, us':>10}{'share':>8}")
        medians = {name: statistics.median(values) for name, values in figures.items()}
        for name, median in medians.items():
            print(f"  {name:38}{median:10.0f}" + (f"{median / medians[THEIRS]:8.2f}" if THEIRS in medians else ""))


if __name__ == "__main__":
    main()
