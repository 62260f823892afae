"""Numbers as people in the field read them: digits in groups of three, a real minus, one unit a column.

English groups with a space, so that no comma can be taken for a decimal one; other languages follow their custom.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from datetime import datetime

from wattdeck.core.dates import moment_text
from wattdeck.core.language import Manner, manner, tr

UNKNOWN = "–"
"""Shown where a value is not known. Never zero."""
MINUS = "−"
SPACE = Manner().group
"""Between groups of three digits in English."""


def number(value: float | None, decimals: int = 0, *, plus: bool = False) -> str:
    """`-1449.6` -> `−1 450`; None -> `–`. No negative zero. `plus` shows the sign of positive numbers too."""
    if value is None:
        return UNKNOWN
    text = in_manner(f"{abs(value):,.{decimals}f}")
    if not re.search("[1-9]", text):
        return text
    return (MINUS if value < 0 else "+" if plus else "") + text


def in_manner(text: str) -> str:
    """A number as Python writes it (`1,846.5`) with the marks of the language in use."""
    ours = manner()
    return text.translate({ord(","): ours.group, ord("."): ours.decimal})


def power(power_w: float | None, *, plus: bool = False) -> str:
    """Power with its unit: `1 846 W`."""
    return f"{number(power_w, plus=plus)} W" if power_w is not None else UNKNOWN


def energy(energy_wh: float | None, decimals: int = 2) -> str:
    """Energy in kWh without the unit: `12.41`."""
    return number(None if energy_wh is None else energy_wh / 1000, decimals)


def percent(share: float | None) -> str:
    """A share of 1 as whole percent: `48 %`."""
    return UNKNOWN if share is None else f"{number(share * 100)} %"


def age(age_s: float | None) -> str:
    """How old, in one unit: `2 s`, `4 min`, `2 h`, `3 d`. Rounded down."""
    if age_s is None:
        return tr("never")
    if age_s < 90:
        return f"{int(age_s)} s"
    if age_s < 5400:
        return f"{int(age_s // 60)} min"
    if age_s < 172800:
        return f"{int(age_s // 3600)} h"
    return f"{int(age_s // 86400)} d"


def clock_time(moment: datetime, *, seconds: bool = True) -> str:
    """Local time of day, `14:04:31`."""
    return moment.astimezone().strftime("%H:%M:%S" if seconds else "%H:%M")


def zone(moment: datetime) -> str:
    """Name or offset of the local zone: `-03`, `UTC`, `CET`."""
    return moment.astimezone().strftime("%Z") or moment.astimezone().strftime("%z")


def since(moment: datetime | None, now: datetime) -> str:
    """A past time as `09:12`, with the date if it was not today."""
    if moment is None:
        return UNKNOWN
    local = moment.astimezone()
    if now.astimezone().date() == local.date():
        return local.strftime("%H:%M")
    return moment_text(local)


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Characters with a meaning, in one place, so that a terminal without them has others."""

    closed: str = "●"
    open: str = "○"
    pending: str = "◌"
    live: str = "●"
    stale: str = "◐"
    waiting: str = "◌"
    down: str = "✕"
    cursor: str = "▸"
    arrow: str = "→"
    dot: str = "·"
    about: str = "≈"
    lock: str = "⚿"
    rule: str = "─"
    divider: str = "│"
    thumb: str = "┃"
    bar: str = " ▏▎▍▌▋▊▉█"
    spark: str = "▁▂▃▄▅▆▇█"
    up: str = "▲"
    down_sort: str = "▼"


UNICODE = Glyphs()
ASCII = Glyphs(
    closed="[=]",
    open="[/]",
    pending="[?]",
    live="*",
    stale="~",
    waiting="?",
    down="x",
    cursor=">",
    arrow="->",
    dot=".",
    about="~",
    lock="#",
    rule="-",
    divider="|",
    thumb="#",
    bar=" ----===#",
    spark="_.-=+*%#",
    up="^",
    down_sort="v",
)


def glyphs(ascii_only: bool | None = None) -> Glyphs:
    """Unicode glyphs unless told otherwise or the locale cannot show them."""
    if ascii_only is None:
        words = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        ascii_only = "utf" not in encoding.lower() and "utf" not in words.lower()
    return ASCII if ascii_only else UNICODE


def bar(share: float | None, width: int, marks: Glyphs = UNICODE) -> str:
    """A horizontal bar of at most `width` cells in eighths; a share that is not nothing shows at least a sliver."""
    if not share or width <= 0:
        return ""
    eighths = max(1, round(min(1.0, abs(share)) * width * 8))
    whole, part = divmod(eighths, 8)
    return marks.bar[8] * whole + (marks.bar[part] if part else "")


def spark(values: list[float | None], marks: Glyphs = UNICODE) -> str:
    """A trend of one cell per value, scaled from zero or its lowest value; a gap is a blank."""
    known = [value for value in values if value is not None]
    if not known:
        return " " * len(values)
    low, high = min(0.0, *known), max(0.0, *known)
    steps = len(marks.spark) - 1
    height = high - low or 1.0
    return "".join(" " if value is None else marks.spark[round((value - low) / height * steps)] for value in values)
