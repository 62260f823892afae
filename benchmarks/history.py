"""Five years of hours of two meters, put into the history and read back: each store in turn.

    python benchmarks/history.py [YEARS]

Prints one line of JSON per store: rows, seconds to open (with the library's import), to insert everything, to write
the newest day again, to read everything, to read one day, to find the span; and the size on the disk in MB.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from wattdeck.core.history import Value, open_history

HOURS_A_YEAR = 8766
HOUR_S = 3600
METERS = ("usms/contoh/12345678", "usms/contoh/2402007817")
STORES = ("history.sqlite3", "history.csv", "sqlite://")

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Wall seconds, and what came of it."""
    start = time.perf_counter()
    result = work()
    return round(time.perf_counter() - start, 4), result


def measure(name: str, folder: Path, years: float) -> dict[str, object]:
    """All figures of one store."""
    hours = int(years * HOURS_A_YEAR)
    rows = [Value(number * HOUR_S, number % 977 / 250, number * HOUR_S + 86_400) for number in range(hours)]
    end_s = hours * HOUR_S
    newest = [Value(one.start_s, one.value, one.checked_s + 900) for one in rows[-24:]]
    open_s, store = timed(lambda: open_history(name if "://" in name else folder / name))
    insert_s, written = timed(lambda: [store.write(meter, "hour", rows) for meter in METERS])
    again_s, _ = timed(lambda: store.write(METERS[0], "hour", newest))
    read_s, read = timed(lambda: [store.read(meter, "hour", 0, end_s) for meter in METERS])
    day_s, _ = timed(lambda: store.read(METERS[0], "hour", end_s - 24 * HOUR_S, end_s))
    span_s, _ = timed(lambda: store.span(METERS[0], "hour"))
    store.close()
    if written != [hours, hours] or read != [rows[:-24] + newest, rows]:
        raise SystemExit(f"{name}: what was read is not what was written")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and name in str(path))
    return {
        "store": name,
        "rows": 2 * hours,
        "open_s": open_s,
        "insert_s": insert_s,
        "write_day_s": again_s,
        "read_s": read_s,
        "read_day_s": day_s,
        "span_s": span_s,
        "disk_mb": round(size / 1e6, 2),
    }


if __name__ == "__main__":
    for each in STORES:
        with tempfile.TemporaryDirectory() as temporary:
            print(json.dumps(measure(each, Path(temporary), float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)))
