"""One demand: P01 to P09, and the municipality's rules in it (aneel.md 3.4). Nothing personal is shown whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from wattdeck.core.language import later
from wattdeck.systems.aneel.codes import CHANNELS, DEMAND_STATUS, LEVELS_OF_TREATMENT, TYPOLOGIES, VERDICTS
from wattdeck.systems.aneel.conformance import places, shown
from wattdeck.systems.aneel.conformance.demands import type_says
from wattdeck.systems.aneel.conformance.documents import digits_right
from wattdeck.systems.aneel.conformance.model import ERROR, WARNING
from wattdeck.systems.aneel.conformance.raw import Twice
from wattdeck.systems.aneel.conformance.spelling import lacking, misspelled
from wattdeck.systems.aneel.conformance.subject import Subject, folded, now_bounds
from wattdeck.systems.aneel.conformance.tally import Tally
from wattdeck.systems.aneel.times import parse_recovery
from wattdeck.systems.aneel.wording import said

OBJECT = "demanda"
NAME = "nomeTitularUC"
NAME_KEYS = frozenset({"nomTitularUC", "nomTitular", "nomeTitular"})
"""Other names of it that were met (conflict C08)."""
KEYS = frozenset(
    {
        "numProtocolo", "numUC", "numCPFCNPJ", NAME, "idcCanalAtendimento", "idcTipologia", "idcStatus",
        "idcProcedencia", "dthAbertura", "dthEncerramento", "ideMunicipio", "idcNivelTratamento",
    }
)  # fmt: skip
_BY_FOLD = {folded(name): name for name in KEYS} | {folded(name): NAME for name in NAME_KEYS}
_CODES: tuple[tuple[str, Mapping[int, str]], ...] = (
    ("idcCanalAtendimento", CHANNELS),
    ("idcStatus", DEMAND_STATUS),
    ("idcProcedencia", VERDICTS),
    ("idcNivelTratamento", LEVELS_OF_TREATMENT),
)
UNIT_CHARS, UNIT_CHARS_MAX, NAME_CHARS_MAX = 15, 30, 50
SLACK = timedelta(minutes=5)
OPEN, CLOSED, BEING_TREATED = 0, 1, 2


def check(subject: Subject) -> None:
    """Look at the demand, if there is one."""
    tally, found = subject.tally, subject.payload
    tally.looked.add("P01")
    if OBJECT not in subject.values:
        flat = sorted(name for name in subject.envelope or () if name in KEYS or name in NAME_KEYS)
        if flat:
            tally.add("P01", OBJECT, said(later("{keys} at the top level"), keys=", ".join(flat)[:50]))
        return
    if type(found) is not dict:
        if type(found) is not Twice:
            tally.value("P01", OBJECT, found)
        return
    if not found or _all_null(subject, found):
        return
    values = _values(tally, found)
    tally.looked.update(
        ("P02", "P03", "P04", "P05", "P06", "P07", "P08", "P09", "E12", "I03", *places.looked(subject.context))
    )
    _protocol(subject, values)
    _holder(tally, values)
    _codes(tally, values)
    _municipality(subject, values)
    _dates(subject, values)
    _states(tally, values)


def _all_null(subject: Subject, found: Mapping[str, Any]) -> bool:
    """An object of nulls is how some say that there is no such demand."""
    if any(value is not None for value in found.values()):
        return False
    subject.tally.value("P10", OBJECT, found, later("There is no such demand, and every field is null. Send {}."))
    return True


def _values(tally: Tally, found: Mapping[str, Any]) -> dict[str, Any]:
    """Right name -> value; tells of the keys that are not as they should be."""
    values = {name: found[name] for name in KEYS if name in found}
    for name, value in found.items():
        if name in KEYS:
            continue
        right = _BY_FOLD.get(folded(name))
        where = f"{OBJECT}.{shown.key(name)}"
        if right is None or right in values:
            tally.key("P01", where, name, later("This key does not belong here. Remove it."))
            continue
        values[right] = value
        misspelled(tally, where, name, right, "P05" if right == NAME else "P01")
    lacking(tally, OBJECT, values, KEYS, "P01")
    return values


def _protocol(subject: Subject, values: Mapping[str, Any]) -> None:
    if "numProtocolo" not in values:
        return
    tally, found, where = subject.tally, values["numProtocolo"], f"{OBJECT}.numProtocolo"
    asked = subject.exchange.asked.get("numProtocolo")
    if not isinstance(found, str):
        tally.add("P02", where, _kind(found), later("The protocol is not a text. Leading zeros count."))
    elif not re.fullmatch(r"[0-9A-Za-z]{1,30}", found):
        tally.add("P02", where, shown.number(found), expected=later("1 to 30 letters and digits"))
    elif asked is not None and asked.strip() and found != asked:
        tally.add("P02", where, said(later("another protocol, {number}"), number=shown.number(found)))


def _holder(tally: Tally, values: Mapping[str, Any]) -> None:
    """The three fields that say whose demand it is."""
    if "numUC" in values:
        unit, where = values["numUC"], f"{OBJECT}.numUC"
        if not isinstance(unit, str):
            tally.add("P03", where, _kind(unit))
        elif not 1 <= len(unit) <= UNIT_CHARS:
            wanted = said(later("1 to {count} characters"), count=UNIT_CHARS)
            level = WARNING if UNIT_CHARS < len(unit) <= UNIT_CHARS_MAX else None
            tally.add("P03", where, shown.characters(unit), expected=wanted, level=level)
    if "numCPFCNPJ" in values:
        _document(tally, values["numCPFCNPJ"])
    if NAME in values:
        name, where = values[NAME], f"{OBJECT}.{NAME}"
        if not isinstance(name, str):
            tally.add("P05", where, _kind(name))
        elif not 1 <= len(name) <= NAME_CHARS_MAX or not name.strip():
            tally.add("P05", where, shown.characters(name))


def _document(tally: Tally, found: Any) -> None:
    where = f"{OBJECT}.numCPFCNPJ"
    if not isinstance(found, str):
        tally.add("P04", where, _kind(found), later("The document is not a text. Leading zeros count."))
    elif "*" in found:
        words = said(later("a masked document of {count} characters"), count=len(found))
        tally.add("P04", where, words, later("Send it whole: ANEEL masks it."))
    elif not re.fullmatch(r"[0-9]{11}|[0-9A-Z]{12}[0-9]{2}", found):
        words = shown.characters(found)
        if not found.isalnum():
            words = said(later("{count} characters with punctuation"), count=len(found))
        tally.add("P04", where, words)
    elif not digits_right(found):
        says = later("The check digits of the holder's document are wrong. Look for a number that was cut or padded.")
        tally.add("P04", where, later("wrong check digits"), says, level=WARNING)


def _kind(found: Any) -> str:
    """What stands in the place of a text about a person, without showing it."""
    return later("a number") if type(found) in (int, float) else shown.value(found)


def _codes(tally: Tally, values: Mapping[str, Any]) -> None:
    for name, known in _CODES:
        if name in values and (type(values[name]) is not int or values[name] not in known):
            tally.value("P06", f"{OBJECT}.{name}", values[name])
    if "idcTipologia" in values:
        found = values["idcTipologia"]
        if not isinstance(found, str) or found not in TYPOLOGIES:
            says = type_says(found) if isinstance(found, str) else later("The type is not a text. Write it in quotes.")
            tally.value("P06", f"{OBJECT}.idcTipologia", found, says)


def _municipality(subject: Subject, values: Mapping[str, Any]) -> None:
    if "ideMunicipio" not in values:
        return
    found, where = values["ideMunicipio"], f"{OBJECT}.ideMunicipio"
    if type(found) is not int:
        subject.tally.value("I03", where, found)
    elif fault := places.fault(found, subject.context):
        subject.tally.value(fault, where, found)


def _dates(subject: Subject, values: Mapping[str, Any]) -> None:
    tally = subject.tally
    opened = _date(tally, values, "dthAbertura")
    closed = _date(tally, values, "dthEncerramento")
    latest = now_bounds(subject.exchange)[1] + SLACK
    for name, moment in (("dthAbertura", opened), ("dthEncerramento", closed)):
        if moment is not None and moment > latest:
            says = later("The date lies in the future. Check clock and zone.")
            tally.value("P07", f"{OBJECT}.{name}", values[name], says)
    if opened is not None and closed is not None and closed < opened:
        says = later("Closed before it was opened.")
        tally.value("P07", f"{OBJECT}.dthEncerramento", values["dthEncerramento"], says)


def _date(tally: Tally, values: Mapping[str, Any], name: str) -> datetime | None:
    found = values.get(name)
    if name not in values or (found is None and name == "dthEncerramento"):
        return None
    if isinstance(found, str):
        try:
            return parse_recovery(found)
        except ValueError:
            pass
    tally.value("P07", f"{OBJECT}.{name}", found)
    return None


def _states(tally: Tally, values: Mapping[str, Any]) -> None:
    """What status, closing date and verdict say together."""
    status = values.get("idcStatus")
    if type(status) is not int or status not in (OPEN, CLOSED):
        return
    if "dthEncerramento" in values and (values["dthEncerramento"] is None) != (status == OPEN):
        closing = later("no closing date") if values["dthEncerramento"] is None else later("a closing date")
        words = said(later("status {status} with {what}"), status=status, what=closing)
        tally.add("P08", f"{OBJECT}.dthEncerramento", words, level=ERROR)
    verdict = values.get("idcProcedencia")
    if type(verdict) is int and verdict in VERDICTS and (verdict == BEING_TREATED) != (status == OPEN):
        words = said(later("status {status} with verdict {verdict}"), status=status, verdict=verdict)
        tally.add("P09", f"{OBJECT}.idcProcedencia", words)
