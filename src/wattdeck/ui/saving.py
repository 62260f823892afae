"""Save what is shown: data files and a picture, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from wattdeck.core import export, snapshot

if TYPE_CHECKING:
    from wattdeck.core.deck import Deck
    from wattdeck.ui.app import DeckApp


async def save_all(app: DeckApp, deck: Deck, folder: Path) -> str:
    """Write `wattdeck-TIME.json`, `.csv`, `.txt` and `.svg` into a folder and return their common name.

    Raises:
        OSError: the folder does not take them.
    """
    now = deck.hub.clock.now()
    sources = list(deck.hub.sources)
    document = snapshot.document(deck.hub, sources, now)
    stem = folder / f"wattdeck-{now.astimezone():%Y%m%d-%H%M%S}"
    texts = {
        ".json": export.to_json(document) + "\n",
        ".csv": export.to_csv(document),
        ".txt": export.to_text(deck.hub, sources, now),
        ".svg": app.picture(),
    }
    for suffix, text in texts.items():
        await anyio.Path(stem.with_suffix(suffix)).write_text(text, encoding="utf-8")
    return f"{stem}.json .csv .txt .svg"
