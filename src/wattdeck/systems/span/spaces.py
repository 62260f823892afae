"""The breaker spaces of a panel: which no circuit owns, which two share, and who follows on whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from wattdeck.core.language import plural, tr
from wattdeck.core.units import power
from wattdeck.systems.span.models import Circuit, DataModel, PanelSnapshot, Relay

VIRTUAL_ID = "unmapped_tab_"
"""How the id of a space without a circuit begins; the space's number follows (span.md 7.1)."""
FIRST_SPACE: Mapping[str, int] = {"MAIN_16": 9, "MAIN_32": 1, "00200": 1}
"""The lowest space number of a model, where it is known (span-v2.md 6.4)."""
RAISED = 8
"""By how much the space numbers of some panels are raised: 16 spaces from 9 to 24."""

MOST_SPACES = 100
"""No panel has more; a number beyond is no number of spaces."""


def virtual_id(tab: int) -> str:
    """The id of a space that no circuit owns."""
    return f"{VIRTUAL_ID}{tab}"


def occupied(snapshot: PanelSnapshot) -> set[int]:
    """Spaces that belong to a circuit."""
    return {tab for circuit in snapshot.circuits if not circuit.virtual for tab in circuit.tabs}


def first_space(snapshot: PanelSnapshot) -> int | None:
    """The lowest space number; None where the circuits do not tell it."""
    if (known := FIRST_SPACE.get(snapshot.model)) is not None:
        return known
    tabs, spaces = occupied(snapshot), snapshot.spaces or 0
    if not tabs:
        return None
    from_one = max(tabs) <= spaces
    raised = min(tabs) > RAISED and max(tabs) <= spaces + RAISED
    return None if from_one == raised else 1 if from_one else 1 + RAISED


def free_count(snapshot: PanelSnapshot) -> int:
    """How many spaces no circuit owns; 0 where the panel does not say how many it has."""
    return max(0, (snapshot.spaces or 0) - len(occupied(snapshot)))


def empty_spaces(snapshot: PanelSnapshot) -> tuple[Circuit, ...]:
    """The spaces without a circuit of a panel that has no meters for them (v2): their power is not known."""
    first = first_space(snapshot)
    if snapshot.data_model is DataModel.V1 or first is None or not 0 < (snapshot.spaces or 0) <= MOST_SPACES:
        return ()
    taken = {tab for circuit in snapshot.circuits for tab in circuit.tabs}
    return tuple(
        Circuit(virtual_id(tab), "", (tab,), None, None, None, Relay.UNKNOWN, "unknown", False, virtual=True)
        for tab in range(first, first + (snapshot.spaces or 0))
        if tab not in taken
    )


def tandem_spaces(snapshot: PanelSnapshot) -> frozenset[int]:
    """Spaces that two circuits share."""
    owners = Counter(tab for circuit in snapshot.circuits if not circuit.virtual for tab in set(circuit.tabs))
    return frozenset(tab for tab, count in owners.items() if count > 1)


def unmapped_line(snapshot: PanelSnapshot, shown: bool) -> str:
    """What is not in the table, in words: `Not mapped: 9 spaces, 3 W (u shows them)`."""
    virtual = [circuit for circuit in snapshot.circuits if circuit.virtual]
    powers = [circuit.power_w for circuit in virtual if circuit.power_w is not None]
    if snapshot.data_model is not DataModel.V1 and not powers:
        return _free_line(snapshot, shown)
    if not virtual:
        return ""
    sum_w = None if len(powers) < len(virtual) else sum(powers)
    spaces = plural("{count} space", "{count} spaces", len(virtual))
    if shown:
        return tr("Not mapped: {spaces}, {power} (u hides them)", spaces=spaces, power=power(sum_w))
    return tr("Not mapped: {spaces}, {power} (u shows them)", spaces=spaces, power=power(sum_w))


def free_words(snapshot: PanelSnapshot) -> str:
    """`12 spaces without a circuit`; empty if there are none."""
    free = free_count(snapshot)
    return plural("{count} space without a circuit", "{count} spaces without a circuit", free) if free else ""


def _free_line(snapshot: PanelSnapshot, shown: bool) -> str:
    words = free_words(snapshot)
    if not words or not empty_spaces(snapshot):
        return words
    if shown:
        return tr("{spaces} (u hides them)", spaces=words)
    return tr("{spaces} (u shows them)", spaces=words)


def heir(snapshot: PanelSnapshot, circuit_id: str) -> str:
    """The circuit that now owns the space a virtual one stood for; empty if there is none.

    An inverter on two spaces is two virtual circuits in v1 and one named circuit in v2 (span-v2.md 10).
    """
    if not circuit_id.startswith(VIRTUAL_ID):
        return ""
    for circuit in snapshot.circuits:
        if not circuit.virtual and circuit_id in map(virtual_id, circuit.tabs):
            return circuit.circuit_id
    return ""


def earlier_ids(snapshot: PanelSnapshot, circuit_id: str) -> Sequence[str]:
    """The virtual circuits whose spaces this circuit owns: what it was before the panel had a name for it."""
    circuit = snapshot.circuit(circuit_id)
    return () if circuit is None or circuit.virtual else tuple(virtual_id(tab) for tab in circuit.tabs)
