"""The conformance check: what of ANEEL's format an answer, a server or a series of answers does not keep.

One answer: `check_answer`, or `examine` to know also what was looked at; a saved one: `check_bytes`. Several answers of
one server: `Series`. A live server: `probes.probe`. Reports: `report`, `junit`. Rules by id: `RULES`.
"""

from __future__ import annotations

from wattdeck.systems.aneel.conformance.examination import (
    Examination,
    check_answer,
    check_bytes,
    examine,
    examine_bytes,
    guess_route,
)
from wattdeck.systems.aneel.conformance.model import Context, Need, NotChecked, Passed, Rule
from wattdeck.systems.aneel.conformance.registry import RULES
from wattdeck.systems.aneel.conformance.series import Series

__all__ = [
    "RULES",
    "Context",
    "Examination",
    "Need",
    "NotChecked",
    "Passed",
    "Rule",
    "Series",
    "check_answer",
    "check_bytes",
    "examine",
    "examine_bytes",
    "guess_route",
]
