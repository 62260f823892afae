"""The envelope of one answer: E01 to E10, and E12 at its top (aneel.md 3.1)."""

from __future__ import annotations

import re
from typing import Any

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance import shown
from wattdeck.systems.aneel.conformance.model import ERROR, INFO, WARNING
from wattdeck.systems.aneel.conformance.subject import (
    DIALECTS,
    EMAIL,
    ENVELOPE_KEYS,
    MESSAGE,
    STATUS,
    Subject,
)
from wattdeck.systems.aneel.conformance.transport import what_is_there
from wattdeck.systems.aneel.exchange import PAYLOADS
from wattdeck.systems.aneel.wording import said

EMAIL_CHARS_MAX, MESSAGE_CHARS_MAX = 50, 500
SEARCHED_CHARS = 4000
"""Of a message, for technical detail; a longer one is reported for its length anyway."""

_EMAIL = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]",
    re.ASCII,
)
_TECHNICAL = re.compile(
    r"traceback|exception|nullreference|ORA-\d{5}|TNS:|SQLSTATE|select\s.{1,300}?\sfrom\s|"
    r'File ".{1,300}?", line \d|\bat \S{1,200}?\(.{0,300}?\)|\b\d{1,3}(?:\.\d{1,3}){3}\b|host[:=]|user=|password|'
    r"(?<![\w/.])/(?:[\w.-]+/)+[\w.-]+|\b[a-z]:\\|database instance",
    re.IGNORECASE | re.DOTALL,
)
_LINE_ENDS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def check(subject: Subject) -> bool:
    """Look at the envelope. Whether the payload is worth looking at."""
    tally, found = subject.tally, subject.envelope
    if found is None:
        tally.add(
            "E02", later("body"), what_is_there(subject), later("There is no envelope. Send it with every answer.")
        )
        return False
    if subject.wrapped:
        says = later('Send the envelope itself, without "detail".')
        tally.add("E01", "detail", later('the envelope within "detail"'), says)
    if subject.route == "outages" and _dialect(subject, found):
        return False
    tally.looked.update(("E01", "E02", "E03", "E12"))
    _keys(subject, found)
    _missing(subject)
    _status(subject)
    _email(subject)
    _message(subject)
    _payload(subject)
    return subject.status == 1


def _dialect(subject: Subject, found: dict[str, Any]) -> bool:
    subject.tally.looked.add("I19")
    for name, words in DIALECTS.items():
        if name in found and PAYLOADS[subject.route] not in found:
            subject.tally.add("I19", name, words)
            return True
    return False


def _keys(subject: Subject, found: dict[str, Any]) -> None:
    """Keys that do not belong there (E01) and those that are spelled otherwise (E03)."""
    tally = subject.tally
    spelled = set(subject.misspelled.values())
    for right, name in subject.misspelled.items():
        says = said(later("The key of the envelope is {key}. Names are case-sensitive."), key=right)
        tally.value("E03", shown.key(name), name, says)
    for name in found:
        if name in ENVELOPE_KEYS[subject.route] or name in spelled or _is_flat_demand(subject, name):
            continue
        tally.key("E01", shown.key(name), name)
    if subject.route != "outages" and EMAIL in subject.values and subject.context.email_in_demands == "forbidden":
        says = later("Answers about demands do not carry the address here. Leave it out.")
        tally.add("E01", EMAIL, said(later("key {name}"), name=EMAIL), says)


def _is_flat_demand(subject: Subject, name: str) -> bool:
    """A field of the demand at the top level is told of by P01."""
    from wattdeck.systems.aneel.conformance.demand import KEYS, NAME_KEYS

    return subject.route == "demand" and (name in KEYS or name in NAME_KEYS)


def _missing(subject: Subject) -> None:
    tally, values = subject.tally, subject.values
    if STATUS not in values:
        tally.add("E02", STATUS, later("no such key"))
    if EMAIL not in values:
        if subject.route == "outages" or subject.context.email_in_demands == "required":
            tally.add("E02", EMAIL, later("no such key"))
        elif subject.context.email_in_demands == "allowed":
            says = later(
                "Answers about demands may need the address too: the sources disagree. Sending it does no harm."
            )
            tally.add("E02", EMAIL, later("no such key"), says, level=INFO)
    if MESSAGE not in values:
        tally.add("E02", MESSAGE, later("no such key"), level=WARNING if subject.status == 1 else ERROR)


def _status(subject: Subject) -> None:
    if STATUS not in subject.values:
        return
    subject.tally.looked.add("E04")
    found = subject.values[STATUS]
    if type(found) is not int or found not in (1, 2):
        subject.tally.value("E04", STATUS, found)


def _email(subject: Subject) -> None:
    if EMAIL not in subject.values:
        return
    tally, found = subject.tally, subject.values[EMAIL]
    tally.looked.add("E05")
    if not isinstance(found, str):
        tally.value("E05", EMAIL, found)
    elif len(found) > EMAIL_CHARS_MAX:
        says = said(later("The address is longer than {count} characters."), count=EMAIL_CHARS_MAX)
        tally.add("E05", EMAIL, shown.email(found), says)
    elif not _EMAIL.fullmatch(found):
        tally.add("E05", EMAIL, shown.email(found))


def _message(subject: Subject) -> None:
    if MESSAGE not in subject.values:
        return
    tally, found, status = subject.tally, subject.values[MESSAGE], subject.status
    tally.looked.add("E06")
    if not isinstance(found, str):
        tally.value("E06", MESSAGE, found, later("The message is not a text."))
        return
    tally.looked.update(("E07", "E08"))
    if status is not None and (found != "" if status == 1 else not found.strip()):
        words = said(later("status {status} with {what}"), status=status, what=shown.value(found, 60))
        tally.add("E06", MESSAGE, words)
    if (match := _TECHNICAL.search(found[:SEARCHED_CHARS])) is not None:
        # What stands around it helps to find the place; the detail itself may be long.
        start = max(0, match.start() - 20)
        tally.value("E07", MESSAGE, found[start : start + 160])
    lines = len(_LINE_ENDS.findall(found)) + 1
    if len(found) > MESSAGE_CHARS_MAX or lines > 1:
        words = later("{count} characters in {lines} lines") if lines > 1 else later("{count} characters in 1 line")
        tally.add("E08", MESSAGE, said(words, count=len(found), lines=lines))


def _payload(subject: Subject) -> None:
    """E09 and E10; what is wrong with the form of a demand itself is P01's."""
    tally, name = subject.tally, PAYLOADS[subject.route]
    found = subject.payload
    tally.looked.add("E09")
    if name not in subject.values:
        if not _is_flat(subject):
            tally.add("E09", name, later("no such key"))
        return
    wanted: type = dict if subject.route == "demand" else list
    if not isinstance(found, wanted):
        if wanted is list or subject.status == 2:
            tally.value("E09", name, found)
        return
    if subject.status == 2:
        tally.looked.add("E10")
        if found:
            tally.value("E10", name, found)


def _is_flat(subject: Subject) -> bool:
    return any(_is_flat_demand(subject, name) for name in subject.envelope or ())
