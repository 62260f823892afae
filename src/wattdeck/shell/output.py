"""Rows on stdout as JSON, CSV or lines, a few at a time as they come."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from wattdeck.core.codec import encode
from wattdeck.core.export import safe_cell

Row = Mapping[str, Any]


def put(rows: Sequence[Row], form: str, lines: Iterable[str]) -> None:
    """Print rows as a JSON list or as CSV with a header, or the lines."""
    with Output(form) as output:
        output.add(rows, lines)


class Output:
    """A list that is printed while it grows. What was printed is whole whenever the list ends well.

    Args:
        form: `json` (one list), `csv` (a header, then a row each; what is no plain value is left out) or `text`.
    """

    def __init__(self, form: str) -> None:
        self._form = form
        self.rows = 0
        """How many have been printed."""
        self.skipped = 0
        """How many could not be read, and are not among them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._form == "json" and (kind is None or self.rows):
            sys.stdout.write("\n]\n" if self.rows else "[]\n")

    def add(self, rows: Sequence[Row], lines: Iterable[str] = ()) -> None:
        """Print some more."""
        if self._form == "json":
            for row in rows:
                text = json.dumps(encode(row), ensure_ascii=False, indent=2, allow_nan=False).replace("\n", "\n  ")
                sys.stdout.write(("[\n  " if not self.rows else ",\n  ") + text)
                self.rows += 1
            return
        if self._form == "csv":
            self._add_csv(rows)
        else:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
        self.rows += len(rows)

    def _add_csv(self, rows: Sequence[Row]) -> None:
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        flat = [
            {key: value for key, value in row.items() if not isinstance(value, (list, tuple, dict))} for row in rows
        ]
        if flat and not self.rows:
            writer.writerow(flat[0])
        for row in flat:
            writer.writerow(["" if value is None else safe_cell(encode(value)) for value in row.values()])
