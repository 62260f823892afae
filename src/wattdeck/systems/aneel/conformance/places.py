"""What is wrong with a municipality's code: I08 to I11 (aneel.md 8)."""

from __future__ import annotations

from wattdeck.systems.aneel.conformance.model import Context
from wattdeck.systems.aneel.places import check_digit_ok, state_of


def fault(code: int, context: Context) -> str:
    """The first rule that the code does not keep; empty if it keeps them all.

    A code with a wrong digit cannot be looked up any further, so that only one rule is ever named.
    """
    if not 1_000_000 <= code <= 9_999_999:
        return "I08"
    if state_of(code) is None:
        return "I09"
    if not check_digit_ok(code):
        return "I10"
    # Codes that end in 9999 stand for "not known" in ANEEL's own tables: nobody's area.
    if code % 10_000 == 9999 or (context.municipalities is not None and code not in context.municipalities):
        return "I11"
    return ""


def looked(context: Context) -> tuple[str, ...]:
    """Which rules `fault` looks at."""
    return ("I08", "I09", "I10", "I11") if context.municipalities is not None else ("I08", "I09", "I10")
