"""Whether the answer fits what was asked for: H02 to H04, P10 and P11, as far as one answer tells (aneel.md 2.3)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance import shown
from wattdeck.systems.aneel.conformance.model import ERROR, WARNING
from wattdeck.systems.aneel.conformance.subject import Subject, now_bounds
from wattdeck.systems.aneel.exchange import PAYLOADS
from wattdeck.systems.aneel.models import BRASILIA, KEPT, SLOT
from wattdeck.systems.aneel.times import parse_recovery
from wattdeck.systems.aneel.wording import said

SLACK = timedelta(minutes=5)
RECENT = timedelta(hours=2)
"""What is refused so near to now is a matter of clocks (H05), not of what is kept."""
BEFORE_THERE_WAS_ANY = datetime(2015, 1, 1, tzinfo=BRASILIA)
"""Nobody has kept snapshots that long: there was no RADAR."""
_UNKNOWN = re.compile(r"n[ãa]o\s+(?:foi\s+)?(?:encontrad|localizad|exist)|inexistente|not found", re.IGNORECASE)
ASIDE = (401, 403, 429)
"""The question itself was not looked at."""


def check(subject: Subject) -> None:
    """Compare answer and question. Runs also where there is no envelope, which can be the fault itself."""
    exchange = subject.exchange
    if exchange.status_code in ASIDE or 300 <= exchange.status_code < 400 or not exchange.url:
        return
    if exchange.route == "outages" and "dthRecuperacao" in exchange.asked:
        _moment(subject, exchange.asked["dthRecuperacao"])
    if exchange.route == "demand":
        _protocol(subject, exchange.asked.get("numProtocolo", ""))


def answer_words(subject: Subject) -> str:
    """Status code, status and size of the payload, for people."""
    code, status, payload = subject.exchange.status_code, subject.status, subject.payload
    if subject.envelope is None:
        return said(later("HTTP {code} without an envelope"), code=code)
    many = isinstance(payload, list)
    size = said(later("{count} rows"), count=len(payload)) if many else shown.value(payload)
    return said(later("HTTP {code}, status {status}, {size}"), code=code, status=status, size=size)


def _moment(subject: Subject, text: str) -> None:
    tally, where = subject.tally, f"dthRecuperacao={shown.key(text)}"
    try:
        asked = parse_recovery(text)
    except ValueError:
        tally.looked.add("H02")
        refused(subject, "H02", where)
        return
    early, late = now_bounds(subject.exchange)
    if asked > late + SLACK or asked < BEFORE_THERE_WAS_ANY:
        tally.looked.add("H03")
        if subject.status == 1:
            tally.add("H03", where, answer_words(subject))
        return
    if late - KEPT + SLOT <= asked <= early - RECENT and subject.exchange.status_code in (200, 400, 422):
        tally.looked.add("H04")
        if subject.status != 1 and (subject.envelope is not None or subject.exchange.status_code != 200):
            tally.add("H04", where, answer_words(subject))


def _protocol(subject: Subject, asked: str) -> None:
    tally, exchange = subject.tally, subject.exchange
    if not asked.strip():
        tally.looked.add("P11")
        missing = "numProtocolo" not in exchange.asked
        refused(subject, "P11", later("numProtocolo missing") if missing else later("numProtocolo blank"))
        return
    message = subject.values.get("mensagem")
    if subject.envelope is not None and (
        exchange.status_code == 404
        or (subject.status == 2 and isinstance(message, str) and _UNKNOWN.search(message[:500]))
    ):
        tally.add("P10", later("answer to a protocol that is not known"), answer_words(subject))


def refused(subject: Subject, rule_id: str, where: str) -> None:
    """A bad parameter has to get status 2 with 200; 400 with status 2 is only odd."""
    exchange, tally = subject.exchange, subject.tally
    code = exchange.status_code
    if code == 404 and subject.envelope is None:
        return  # the route is not there at all
    if code >= 500 or (code == 200 and subject.envelope is None):
        return  # told of by others: nothing is known of how the parameter was taken
    if subject.status == 2 and code == 200:
        return
    if subject.status == 2 and code == 400 and PAYLOADS[subject.route] in subject.values:
        says = later("Refused as HTTP 400. Answer 200 with status 2.")
        tally.add(rule_id, where, answer_words(subject), says, level=WARNING)
    else:
        tally.add(rule_id, where, answer_words(subject), level=ERROR)
