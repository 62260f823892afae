"""Keys of the user's own: checked against the bindings there are, because a clash would hide an action silently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.binding import Binding

from wattdeck.core.language import tr


def checked_keymap(wanted: Mapping[str, str], bindings: Iterable[Binding]) -> tuple[dict[str, str], list[str]]:
    """The part of a key map that can be used, and a sentence for each entry that cannot."""
    known = {binding.id: binding for binding in bindings if binding.id}
    keys = {name: set(binding.key.split(",")) for name, binding in known.items()}
    problems = []
    usable: dict[str, str] = {}
    for name, key in wanted.items():
        if name not in known:
            problems.append(tr("[ui.keys] {name}: there is no such action; the help page lists them", name=name))
            continue
        others = (each for each, taken in keys.items() if key in taken and each != name and each not in wanted)
        other = next(others, None)
        if other is not None:
            problems.append(
                tr(
                    "[ui.keys] {name}: {key} already means {other!r}; give that another key first",
                    name=name,
                    key=key,
                    other=other,
                )
            )
            continue
        usable[name] = key
    return usable, problems
