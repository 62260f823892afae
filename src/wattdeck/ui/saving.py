"""Save what is shown: data files and a picture, side by side."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import to_thread

from wattdeck.core import export, snapshot
from wattdeck.core.language import tr

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
    await to_thread.run_sync(save_texts, stem, texts)
    return tr(
        "{stem}.json .csv .txt .svg, readable by you alone: data files hold documents and addresses whole", stem=stem
    )


def save_texts(stem: Path, texts: Mapping[str, str]) -> None:
    """Write one file a suffix, for their owner alone. Blocks.

    Raises:
        OSError: the folder does not take them.
    """
    for suffix, text in texts.items():
        _write_private(stem.with_suffix(suffix), text)


def _write_private(path: Path, text: str) -> None:
    """A file that only its owner can read; one that is there already is replaced."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
