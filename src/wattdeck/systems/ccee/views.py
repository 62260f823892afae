"""Views of the table that a person has given a name: a filter, an order, and whether numbers are masked.

They are kept in a small file that only its owner can read, because a filter may hold a name or an address.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattdeck.core.language import later, tr
from wattdeck.core.paths import private_dir, read_bounded
from wattdeck.core.text import clean
from wattdeck.systems.ccee.query import QUERY_CHARACTERS

MOST_VIEWS = 30
NAME_CHARACTERS = 24
MOST_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class View:
    """What the table shows under a name."""

    name: str
    filter_text: str = ""
    """As typed: `month:this` means another month each month."""
    sort_text: str = "deadline"
    masked: bool | None = None
    """None leaves it as it is."""
    built_in: bool = False

    @property
    def title(self) -> str:
        """The name as it is shown: a person's own as it was given."""
        return tr(self.name) if self.built_in else self.name


BUILT_IN = (
    View(later("all"), built_in=True),
    View(later("due"), "status:criada", built_in=True),
    View(later("refused"), "status:reprovada", "-requested", built_in=True),
    View(later("this month"), "month:this", "status", built_in=True),
    View(later("alerts"), "alert:yes", built_in=True),
)


def views_path(state_dir: Path) -> Path:
    """Where views are kept, for all sources together."""
    return state_dir / "ccee" / "views.json"


def all_views(own: Sequence[View]) -> tuple[View, ...]:
    """The built-in views, then the person's own."""
    return (*BUILT_IN, *own)


def find_view(views: Iterable[View], name: str) -> View | None:
    """The view of that name, however it is written."""
    wanted = clean_name(name).casefold()
    return next((view for view in views if view.name.casefold() == wanted), None)


def title_of(name: str) -> str:
    """A view's name as it is shown."""
    view = find_view(BUILT_IN, name) if name else None
    return name if view is None else view.title


def clean_name(name: str) -> str:
    """A name as it is kept: one line, no more than a few words."""
    return " ".join(clean(name, 200).split())[:NAME_CHARACTERS].strip()


def with_view(own: Sequence[View], view: View) -> tuple[View, ...]:
    """The person's views with one more, or with another one of that name.

    Raises:
        ValueError: it cannot be kept; says why.
    """
    name = clean_name(view.name)
    if not name:
        raise ValueError(tr("A view needs a name, such as padarias."))
    if find_view(BUILT_IN, name) is not None:
        raise ValueError(tr('"{name}" is built in; choose another name.', name=name))
    kept = View(name, clean(view.filter_text, QUERY_CHARACTERS), clean(view.sort_text, 40), view.masked)
    at = next((index for index, each in enumerate(own) if each.name.casefold() == name.casefold()), None)
    if at is not None:
        return (*own[:at], kept, *own[at + 1 :])
    if len(own) >= MOST_VIEWS:
        raise ValueError(tr("There are {count} views already; remove one first.", count=MOST_VIEWS))
    return (*own, kept)


def without_view(own: Sequence[View], name: str) -> tuple[View, ...]:
    """The person's views without one.

    Raises:
        ValueError: there is no such view of the person's own.
    """
    found = find_view(own, name)
    if found is None:
        raise ValueError(tr('There is no view "{name}" of your own.', name=clean_name(name)))
    return tuple(view for view in own if view is not found)


def read_views(path: Path) -> tuple[View, ...]:
    """The person's views; what cannot be read of them is left out."""
    try:
        data, _ = read_bounded(path, MOST_BYTES)
        entries: Any = json.loads(data)["views"] if len(data) <= MOST_BYTES else []
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()
    own: tuple[View, ...] = ()
    for entry in entries if isinstance(entries, list) else ():
        with contextlib.suppress(ValueError):
            own = with_view(own, _view(entry))
    return own


def write_views(path: Path, own: Sequence[View]) -> None:
    """Keep the views, whole or not at all.

    Raises:
        OSError: they cannot be written.
        ConfigError: their folder cannot be made.
    """
    entries = [
        {"name": view.name, "filter": view.filter_text, "sort": view.sort_text, "masked": view.masked} for view in own
    ]
    private_dir(path.parent)
    # The temporary file is 0600 from the start.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".views-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump({"views": entries}, stream, indent=1)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _view(entry: Any) -> View:
    """One entry of the file.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(entry, dict):
        raise ValueError("not a view")
    name, text, sort = entry.get("name"), entry.get("filter", ""), entry.get("sort", "deadline")
    masked = entry.get("masked")
    if not (isinstance(name, str) and isinstance(text, str) and isinstance(sort, str)):
        raise ValueError("not a view")
    return View(name, text, sort, masked if isinstance(masked, bool) else None)


class SavedViews:
    """The person's views in one session, read on first use.

    Args:
        path: Where they are kept; None keeps them in memory alone.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._own: tuple[View, ...] | None = None

    @property
    def own(self) -> tuple[View, ...]:
        """The person's own views."""
        if self._own is None:
            self._own = read_views(self._path) if self._path is not None else ()
        return self._own

    def save(self, view: View) -> str:
        """Keep a view; one without a filter removes its namesake. Returns what was done.

        Raises:
            ValueError, OSError, ConfigError: it was not kept; says why.
        """
        removes = not view.filter_text and find_view(self.own, view.name) is not None
        own = without_view(self.own, view.name) if removes else with_view(self.own, view)
        if self._path is not None:
            write_views(self._path, own)
        self._own = own
        name = clean_name(view.name)
        return (
            tr('The view "{name}" was removed.', name=name)
            if removes
            else tr('The view "{name}" was saved.', name=name)
        )
