"""The rows of demand counts, in one walk: D01 to D05 and D07 (aneel.md 3.3)."""

from __future__ import annotations

from typing import Any

from wattdeck.core.language import later
from wattdeck.systems.aneel.codes import CHANNELS, LEVELS_OF_SERVICE, TYPOLOGIES, TYPOLOGY_GROUPS
from wattdeck.systems.aneel.conformance.model import COUNT_MAX
from wattdeck.systems.aneel.conformance.spelling import MISSING, values_of
from wattdeck.systems.aneel.conformance.subject import Subject, folded
from wattdeck.systems.aneel.conformance.tally import Tally
from wattdeck.systems.aneel.wording import said

ROWS = "demandasDiversas"
LEVEL, CHANNEL, TYPE = _KEY = ("idcNivelAtendimento", "idcCanalAtendimento", "idcTipologia")
OF_THE_DAY = ("qtdRegistradaNoDia", "qtdImprocedenteNoDia", "qtdProcedenteNoDia", "qtdSemProcedenciaNoDia")
COUNTS = ("qtdAndamentoNoMomento", *OF_THE_DAY)
NAMES = (*_KEY, *COUNTS)
_KEYS = frozenset(NAMES)
_BY_FOLD = {folded(name): name for name in NAMES}
ROWS_MAX = len(LEVELS_OF_SERVICE) * len(CHANNELS) * len(TYPOLOGIES)

Good = tuple[int, int, str, tuple[int, ...]]
"""Level, channel, type and the five counts of a row that can be reckoned with."""


def check(subject: Subject) -> tuple[Good, ...]:
    """Look at every row once. The rows whose values are of the right kind and possible."""
    rows, tally = subject.rows, subject.tally
    if not rows:
        return ()
    tally.looked.update(("D01", "D02", "D03", "D04", "D05", "D07", "E12"))
    seen: dict[tuple[object, ...], int] = {}
    good: list[Good] = []
    for index, row in enumerate(rows):
        if type(row) is dict and row.keys() == _KEYS:
            values: list[Any] | None = [row[name] for name in NAMES]
        else:
            values = values_of(tally, (ROWS, index), row, _BY_FOLD, "D01")
        if values is None:
            continue
        level, channel, typology = values[:3]
        right = (
            _code(tally, index, LEVEL, level) & _code(tally, index, CHANNEL, channel) & _type(tally, index, typology)
        )
        if not any(value is MISSING or isinstance(value, (list, dict)) for value in values[:3]):
            first = seen.setdefault((level, channel, typology), index)
            if first != index:
                tally.add(
                    "D04", (ROWS, index, ""), said(later("the same level, channel and type as in row {row}"), row=first)
                )
        if _counts(tally, index, values[3:]) and right:
            good.append((level, channel, typology, tuple(values[3:])))
    if len(rows) > ROWS_MAX:
        says = said(later("There are only {count} levels, channels and types."), count=f"{ROWS_MAX:,}")
        tally.add("D04", ROWS, said(later("{count} rows"), count=len(rows)), says)
    return tuple(good)


def _code(tally: Tally, index: int, name: str, value: object) -> bool:
    if value is MISSING:
        return False
    known = LEVELS_OF_SERVICE if name == LEVEL else CHANNELS
    if type(value) is int and value in known:
        return True
    tally.value("D02", (ROWS, index, name), value)
    return False


def _type(tally: Tally, index: int, value: object) -> bool:
    if value is MISSING:
        return False
    if not isinstance(value, str):
        says = later("The type is not a text. Write it in quotes: its length tells what it is.")
        tally.value("D01", (ROWS, index, TYPE), value, says)
        return False
    if value in TYPOLOGIES:
        return True
    tally.value("D03", (ROWS, index, TYPE), value, type_says(value))
    return False


def type_says(value: str) -> str | None:
    """What is wrong with a type, where more can be said than the rule does."""
    if value in TYPOLOGY_GROUPS:
        return later("This is a group of types. Send the leaf below it.")
    return None


def _counts(tally: Tally, index: int, counts: list[Any]) -> bool:
    whole = True
    for name, value in zip(COUNTS, counts, strict=True):
        if type(value) is int and 0 <= value <= COUNT_MAX:
            continue
        whole = False
        if value is not MISSING:
            tally.value("D05", (ROWS, index, name), value)
    if whole and not any(counts):
        tally.add("D07", (ROWS, index, ""), later("five zeros"))
    return whole
