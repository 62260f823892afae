"""Numbers of options that lie in a range. `nan` lies in none, though it compares with nothing and so passes click's."""

from __future__ import annotations

import math
from typing import Any

import click

from wattdeck.core.language import tr


class FiniteRange(click.FloatRange):
    """A number between two others, and a number indeed."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number.

        Raises:
            click.BadParameter: it is none, or outside of the range.
        """
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(tr("{value} is no number", value=value), param, ctx)
        return number
