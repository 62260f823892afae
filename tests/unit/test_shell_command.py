"""What the shell says of a command's end."""

from __future__ import annotations

import pytest

from wattdeck.core.command import Outcome, State
from wattdeck.core.errors import Cause
from wattdeck.shell.command import _report

SILENT = "Oven did not report; it may be open"


@pytest.mark.parametrize(
    ("alarm", "told"),
    [
        ("", ["unknown: Oven did not report; it may be open"]),
        (SILENT, ["ALARM: unknown: Oven did not report; it may be open"]),
        ("look at the panel", ["unknown: Oven did not report; it may be open", "ALARM: look at the panel"]),
    ],
)
def test_an_outcome_is_told_once_and_its_alarm_stands_out(
    alarm: str, told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _report(Outcome(State.UNKNOWN, Cause.NONE, SILENT, alarm=alarm))
    assert capsys.readouterr().err.splitlines() == [f"wattdeck: {line}" for line in told]
