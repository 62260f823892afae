"""How a session begins and ends, when it is stopped before its app is there."""

from __future__ import annotations

import asyncio
import gc
import selectors
import signal
from collections.abc import Callable
from typing import Any

import pytest

from wattdeck.core.deck import Deck
from wattdeck.shell.first_frame import FirstFrame
from wattdeck.shell.live import run_session
from wattdeck.shell.signals import NUMBERS

BEFORE_THE_SESSION = {
    "the first frame": (FirstFrame, "show"),
    "a loop half made": (selectors, "DefaultSelector"),
    "a loop just made": (asyncio.Runner, "run"),
}


def _never() -> Deck:
    raise AssertionError("the session must not begin")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("where", [*BEFORE_THE_SESSION, "the session"])
def test_a_signal_before_the_app_is_there_ends_it_without_a_complaint(
    where: str, number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {each: signal.getsignal(each) for each in NUMBERS}
    if where in BEFORE_THE_SESSION:
        owner, name = BEFORE_THE_SESSION[where]
        monkeypatch.setattr(owner, name, _with_a_signal(number, getattr(owner, name)))
    else:

        async def session(*_: object) -> None:
            signal.raise_signal(number)
            await asyncio.Event().wait()

        monkeypatch.setattr("wattdeck.shell.live._session", session)
    ended = run_session(FirstFrame({}), (), _never, _never, mouse=False)  # type: ignore[arg-type]
    assert ended.code == 128 + number
    gc.collect()
    written = capfd.readouterr().err
    assert "Traceback" not in written and "never awaited" not in written
    assert {each: signal.getsignal(each) for each in NUMBERS} == before


def _with_a_signal(number: signal.Signals, real: Callable[..., Any]) -> Callable[..., Any]:
    def come(*rest: Any, **named: Any) -> Any:
        signal.raise_signal(number)
        return real(*rest, **named)

    return come
