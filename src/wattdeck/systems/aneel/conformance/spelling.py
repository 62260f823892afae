"""Keys of rows and objects that are not as they should be, told apart by what went wrong (E12, I01, I02, D01, P01)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance.raw import Twice
from wattdeck.systems.aneel.conformance.subject import folded
from wattdeck.systems.aneel.conformance.tally import Tally, Where
from wattdeck.systems.aneel.wording import said

SERVED = "qtdUCsAtendidas"


class Missing:
    """No value at all, which is not null."""


MISSING = Missing()


def is_other_convention(name: str) -> bool:
    """snake_case or PascalCase."""
    return "_" in name or "-" in name or name[:1].isupper()


def values_of(
    tally: Tally, where: tuple[str, int], row: Any, keys: Mapping[str, str], rule_id: str
) -> list[Any] | None:
    """The values of a row with other keys than the right ones, in their order; MISSING where there is none.

    Args:
        keys: Folded -> right name.
        rule_id: The rule that wants exactly these keys.

    Returns:
        None if there is nothing in it that can be looked at.
    """
    if type(row) is not dict:
        if type(row) is not Twice:  # told of already
            tally.value(
                rule_id, (*where, ""), row, later("A row is not an object. Send one with exactly the keys defined.")
            )
        return None
    found: dict[str, Any] = {name: row[name] for name in keys.values() if name in row}
    names = set(keys.values())
    for name in row:
        if name in names:
            continue
        right = keys.get(folded(name))
        if right is None or right in found:
            tally.key(rule_id, (*where, name), name, later("This key does not belong here. Remove it."))
            continue
        found[right] = row[name]
        misspelled(tally, (*where, name), name, right, rule_id)
    lacking(tally, (*where, ""), found, names, rule_id)
    return [found.get(name, MISSING) for name in keys.values()]


def misspelled(tally: Tally, where: Where, name: str, right: str, rule_id: str) -> None:
    """A key that means `right` and is written otherwise."""
    says = said(later("The key is {key}. Names are case-sensitive, and automatic conversion breaks some."), key=right)
    if is_other_convention(name):
        tally.value("E12", where, name, says)
    elif right == SERVED:
        tally.value("I02", where, name)
    else:
        tally.value(rule_id, where, name, says)


def lacking(tally: Tally, where: Where, found: Collection[str], names: Collection[str], rule_id: str) -> None:
    """Keys that are not there under any spelling."""
    lost = sorted(name for name in names if name not in found)
    if lost:
        found = said(later("no {keys}"), keys=", ".join(lost)[:77])
        tally.add(rule_id, where, found, later("A key is missing. Send it in every row."))
