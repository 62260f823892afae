"""Bell and desktop notices: only when asked, not too often, and never with what a stranger put into a name."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_alarms import House

from fakes import ManualClock
from wattdeck.ui.attention import Attention, notice


@pytest.mark.parametrize(("kind", "sent"), [("off", 0), ("bell", 1), ("osc9", 1)])
def test_it_calls_only_where_asked_and_not_again_at_once(tmp_path: Path, kind: str, sent: int) -> None:
    alarm = House(tmp_path / "a").gets_hot()
    clock, written = ManualClock(), list[str]()
    attention = Attention(kind, "medium", clock, written.append)  # type: ignore[arg-type]
    for _ in range(3):
        attention.call(alarm)
    assert len(written) == sent and (kind != "bell" or written == ["\a"])
    clock.advance(5)
    assert attention.call(alarm) is bool(sent)
    assert not Attention(kind, "high", clock, written.append).call(alarm)  # type: ignore[arg-type]


def test_a_notice_holds_no_order_to_the_terminal(tmp_path: Path) -> None:
    house = House(tmp_path / "a")
    text = notice(house.gets_hot("\x1b]9;4;1;50\x07\x9bdoor; rm\n"))
    assert text.startswith("\x1b]9;wattdeck: thermo/house: Too hot: ") and text.endswith("\a")
    inner = text[4:-1]
    assert inner.isprintable() and ";" not in inner and len(inner) <= 120
