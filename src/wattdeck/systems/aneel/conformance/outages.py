"""The rows of outages, in one walk: I01 to I17 (aneel.md 3.2)."""

from __future__ import annotations

from typing import Any

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance import places, served
from wattdeck.systems.aneel.conformance.model import COUNT_MAX, SET_CODE_MAX, SET_CODE_MIN
from wattdeck.systems.aneel.conformance.spelling import MISSING, values_of
from wattdeck.systems.aneel.conformance.subject import Subject, folded
from wattdeck.systems.aneel.conformance.tally import Tally
from wattdeck.systems.aneel.wording import said

ROWS = "interrupcaoFornecimento"
SET, MUNICIPALITY, SERVED, PLANNED, UNPLANNED = NAMES = (
    "ideConjuntoUnidadeConsumidora",
    "ideMunicipio",
    "qtdUCsAtendidas",
    "qtdOcorrenciaProgramada",
    "qtdOcorrenciaNaoProgramada",
)
_COUNTS = (SERVED, PLANNED, UNPLANNED)
_KEYS = frozenset(NAMES)
_BY_FOLD = {folded(name): name for name in NAMES}
_LOOKED = ["I01", "I02", "I03", "I04", "I05", "I06", "I07", "I12", "I13", "I14", "I15", "I16", "I17", "E12"]

Good = tuple[int, int, int, int, int]
"""Set, municipality, served, planned and unplanned of a row that can be reckoned with."""


def check(subject: Subject) -> tuple[Good, ...]:
    """Look at every row once. The rows whose five values are integers of 0 or more."""
    rows, tally, context = subject.rows, subject.tally, subject.context
    if not rows:
        return ()
    tally.looked.update(_LOOKED, places.looked(context))
    faults: dict[int, str] = {}
    seen: dict[tuple[int, int], int] = {}
    good: list[Good] = []
    for index, row in enumerate(rows):
        if type(row) is dict and row.keys() == _KEYS:
            values: list[Any] | None = [row[SET], row[MUNICIPALITY], row[SERVED], row[PLANNED], row[UNPLANNED]]
        else:
            values = values_of(tally, (ROWS, index), row, _BY_FOLD, "I01")
        if values is None:
            continue
        whole = True
        for place, value in enumerate(values):
            if type(value) is not int:
                whole = False
                if value is not MISSING:
                    _not_an_integer(tally, index, place, value)
                values[place] = None
        set_code, municipality = values[0], values[1]
        if municipality is not None:
            fault = faults.get(municipality)
            if fault is None:
                fault = faults[municipality] = places.fault(municipality, context)
            if fault:
                tally.value(fault, (ROWS, index, MUNICIPALITY), municipality)
        if set_code is not None:
            if set_code < 1:
                tally.value("I06", (ROWS, index, SET), set_code)
            elif not SET_CODE_MIN <= set_code <= SET_CODE_MAX and set_code not in context.known_sets:
                tally.value("I07", (ROWS, index, SET), set_code)
            if municipality is not None:
                first = seen.setdefault((set_code, municipality), index)
                if first != index:
                    words = later("set {code} in {municipality} as in row {row}")
                    found = said(words, code=set_code, municipality=municipality, row=first)
                    tally.add("I12", (ROWS, index, ""), found)
        if _counts(tally, index, values[2], values[3], values[4]) and whole:
            good.append((set_code, municipality, values[2], values[3], values[4]))
    served.check(tally, good)
    return tuple(good)


def _not_an_integer(tally: Tally, index: int, place: int, value: object) -> None:
    says = None
    if isinstance(value, str):
        says = later("The value is a text. Write the number without quotes.")
    elif isinstance(value, float):
        says = later("The value has decimals. Write it as a whole number without a point.")
    tally.value("I03", (ROWS, index, NAMES[place]), value, says)


def _counts(tally: Tally, index: int, served_n: int | None, planned: int | None, unplanned: int | None) -> bool:
    """Look at the counts of a row; None is one that is no integer. Whether all are there and possible."""
    possible = True
    for place, count in enumerate((served_n, planned, unplanned)):
        if count is None:
            possible = False
        elif not 0 <= count <= COUNT_MAX:
            tally.value("I04" if count < 0 else "I05", (ROWS, index, _COUNTS[place]), count)
            possible = False
    if not possible or served_n is None or planned is None or unplanned is None:
        return False
    out = planned + unplanned
    if not out:
        tally.add("I17", (ROWS, index, ""), said(later("{planned} and {unplanned}"), planned=0, unplanned=0))
    elif not served_n:
        tally.add("I15", (ROWS, index, SERVED), said(later("{count} of {served}"), count=out, served=0))
    elif planned > served_n or unplanned > served_n:
        name, count = (PLANNED, planned) if planned > served_n else (UNPLANNED, unplanned)
        tally.add("I13", (ROWS, index, name), said(later("{count} of {served}"), count=count, served=served_n))
    elif out > served_n:
        tally.add(
            "I14",
            (ROWS, index, ""),
            said(later("{count} of {served}"), count=f"{planned} + {unplanned}", served=served_n),
        )
    return True
