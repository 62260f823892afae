"""How a session begins and ends, when it is stopped before its app is there."""

from __future__ import annotations

import asyncio
import gc

import pytest

from wattdeck.shell.first_frame import FirstFrame
from wattdeck.shell.live import run_session


@pytest.mark.parametrize("where", ["the first frame", "the event loop"])
def test_an_interrupt_before_the_session_begins_leaves_no_complaint(
    where: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if where == "the first frame":
        monkeypatch.setattr(FirstFrame, "show", interrupt)
    else:
        monkeypatch.setattr(asyncio.events, "new_event_loop", interrupt)

    def never() -> None:
        raise AssertionError("the session must not begin")

    with pytest.raises(KeyboardInterrupt):
        run_session(FirstFrame({}), (), never, never, mouse=False)  # type: ignore[arg-type]
    gc.collect()
    assert "Traceback" not in capfd.readouterr().err
