"""The real screen as SVG or HTML, without a terminal."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from wattdeck.core.reading import Link
from wattdeck.ui import chart
from wattdeck.ui.app import AppOptions, DeckApp

if TYPE_CHECKING:
    from wattdeck.core.deck import Deck


async def draw(
    make: Callable[[], Deck], options: AppOptions, size: tuple[int, int], timeout_s: float
) -> tuple[str, int]:
    """Run the app headless at a fixed size until every feed has answered, and take its picture.

    Returns:
        The SVG, and the exit code that the readings deserve.
    """
    from wattdeck.core import snapshot
    from wattdeck.core.deck import made_running

    app = DeckApp(made_running(make), options)
    picture: list[str] = []
    code = 3
    async with app.run_test(size=size) as pilot:
        with anyio.move_on_after(timeout_s):
            while app.deck is None or any(feed.reading.link is Link.WAITING for feed in app.deck.hub.feeds):
                if not app.is_running or app.exit_message:
                    break
                await pilot.pause(0.02)
        await to_thread.run_sync(chart.load)
        await pilot.pause()
        app.paint()
        app.paint()
        await pilot.pause()
        picture.append(app.picture())
        if app.deck is not None:
            code = snapshot.exit_code(app.deck.hub, list(app.deck.hub.sources))
    if app.exit_message:
        from wattdeck.core.errors import ConfigError

        raise ConfigError(app.exit_message)
    return picture[0], code


def page(svg: str, title: str) -> str:
    """An HTML page around the picture."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title></head>\n"
        f'<body style="margin:0;background:#121416">\n{svg}\n</body></html>\n'
    )
