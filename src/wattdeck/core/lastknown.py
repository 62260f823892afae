"""The last good snapshot of each source, kept between runs so that the first frame is not empty."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattdeck.core.codec import decode, encode, read_time
from wattdeck.core.reading import Reading, SourceId

if TYPE_CHECKING:
    from wattdeck.core.system import System

MAX_BYTES = 2_000_000


def _path(state_dir: Path, source: SourceId, feed: str) -> Path:
    return state_dir / "last" / f"{source.replace('/', '.')}.{feed}.json"


def save(state_dir: Path, reading: Reading[Any]) -> None:
    """Keep a reading's snapshot. A disk that cannot take it is no reason to stop showing data."""
    if reading.snapshot is None or reading.taken_at is None:
        return
    path = _path(state_dir, reading.source, reading.feed)
    document = {"source": reading.source, "taken_at": encode(reading.taken_at), "data": encode(reading.snapshot)}
    import tempfile

    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                # At once: written piece by piece it takes ten times as long.
                stream.write(json.dumps(document, separators=(",", ":")))
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)


def load(state_dir: Path, source: SourceId, feed: str, kind: type[Any]) -> Reading[Any] | None:
    """What was last known, or None if there is nothing, or nothing this version can read."""
    path = _path(state_dir, source, feed)
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        document = json.loads(path.read_bytes())
        return Reading(
            source,
            feed,
            decode(kind, document["data"]),
            taken_at=read_time(document["taken_at"]),
            restored=True,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def load_all(state_dir: Path, systems: Mapping[str, System]) -> list[Reading[Any]]:
    """Everything that was last known, without the configuration: what the first frame shows."""
    found = []
    for path in sorted((state_dir / "last").glob("*.json"))[:200]:
        system, _, rest = path.stem.partition(".")
        name, _, feed = rest.rpartition(".")
        if system in systems and name and feed in systems[system].snapshot_types():
            reading = load(state_dir, f"{system}/{name}", feed, systems[system].snapshot_types()[feed])
            if reading is not None:
                found.append(reading)
    return found
