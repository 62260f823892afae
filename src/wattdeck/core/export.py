"""A snapshot document as JSON, CSV or text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from wattdeck.core.hub import Hub
from wattdeck.core.language import tr
from wattdeck.core.reading import SourceId

UNITS = {
    "w": "W",
    "wh": "Wh",
    "kwh": "kWh",
    "a": "A",
    "v": "V",
    "s": "s",
    "min": "min",
    "percent": "%",
    "bnd": "BND",
    "kw": "kW",
    "h": "h",
    "customer_h": "customer-hours",
    "m3": "m3",
    "out": "customers",
}
"""End of a field's name -> unit in the CSV; the longest end that is known counts."""

CSV_HEADER = ("taken_at", "source", "feed", "item", "field", "value", "unit")


def to_json(document: Mapping[str, Any], *, one_line: bool = False) -> str:
    """JSON text; on one line for streams."""
    if one_line:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)


def to_csv(document: Mapping[str, Any], *, header: bool = True) -> str:
    """Long form: one row per value, whatever the system."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if header:
        writer.writerow(CSV_HEADER)
    for source in document["sources"]:
        for name, feed in source["feeds"].items():
            head = (feed["taken_at"] or "", source["source"], name)
            writer.writerow([*head, "", "link", feed["link"], ""])
            if feed["problem"]:
                writer.writerow([*head, "", "problem", safe_cell(feed["problem"]), ""])
            for item, field, value, unit in _flat(feed["data"] or {}):
                writer.writerow([*head, safe_cell(item), field, safe_cell(_cell(value)), unit])
    return out.getvalue()


def _flat(data: Mapping[str, Any], item: str = "", unit: str = "") -> Iterator[tuple[str, str, Any, str]]:
    """Item, field, value and unit of everything in it.

    An entry of a list is known by its first field, by its first two where that is not enough. A number whose name
    does not end in its unit has the one its entry names.
    """
    unit = data["unit"] if isinstance(data.get("unit"), str) else unit
    for field, value in data.items():
        if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
            for entry, identity in zip(value, _identities(value), strict=True):
                yield from _flat(entry, f"{item}/{identity}" if item else identity, unit)
        elif isinstance(value, dict):
            yield from _flat(value, f"{item}/{field}" if item else field, unit)
        else:
            yield item, field, value, _unit(field) or (unit if isinstance(value, float) else "")


def _identities(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    parts = [[str(value) for value in entry.values()] for entry in entries]
    first = [part[0] if part else "" for part in parts]
    return first if len(set(first)) == len(first) else ["/".join(part[:2]) for part in parts]


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        # Of a pair one may be known: the other is no gap that nobody sees, and no zero.
        return (
            " ".join("?" if each is None else str(each) for each in value)
            if any(each is not None for each in value)
            else ""
        )
    return value


def _unit(field: str) -> str:
    parts = field.split("_")
    if parts[0] == "percent":
        return UNITS["percent"]
    ends = ("_".join(parts[at:]) for at in range(1, len(parts)))
    return next((UNITS[end] for end in ends if end in UNITS), "")


def safe_cell(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe; numbers are left alone.

    A bare carriage return becomes a line feed: the writer does not quote it, and readers begin a new row there.
    """
    if not isinstance(value, str):
        return value
    formula = value.lstrip()[:1] in ("=", "+", "-", "@") or value[:1] in ("\t", "\r")
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if formula else text


def to_text(hub: Hub, sources: Sequence[SourceId], now: datetime) -> str:
    """What a person reads in a log: every number with its unit, every section with its age."""
    from wattdeck.core.units import age

    head = f"wattdeck{tr(' demo') if hub.demo else ''}  {now.astimezone():%Y-%m-%d %H:%M:%S %Z}"
    lines = [head]
    for source in sources:
        readings = hub.readings(source)
        lines += ["", *hub.system_of(source).text_lines(readings, now)]
        for reading in readings:
            if reading.taken_at is not None:
                time, old = f"{reading.taken_at.astimezone():%H:%M:%S}", age(reading.age_s(now))
                lines.append("  " + tr("taken {time}, {age} ago", time=time, age=old))
    return "\n".join(lines) + "\n"
