"""The line a person types to filter migrations.

`status:criada,reprovada month:2026-10..2027-03 utility:100000 profile:200100 alert:yes`, and words to be found in the
texts of a migration. A status may be cut short or said in English. What cannot be read is left out and said in a
sentence, so that a line half typed filters by the half that can be read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.systems.ccee.filters import Filter, in_order, status_key
from wattdeck.systems.ccee.models import Status
from wattdeck.systems.ccee.months import add_months, month_of, parse_month

QUERY_CHARACTERS = 400
"""Most that one line may hold; the rest is not read."""
ENGLISH = {
    "CREATED": Status.CREATED,
    "OPEN": Status.CREATED,
    "COMPLETED": Status.COMPLETED,
    "REJECTED": Status.REJECTED,
    "REFUSED": Status.REJECTED,
    "CLOSED": Status.CLOSED,
    "CANCELLED": Status.CANCELLED,
    "CANCELED": Status.CANCELLED,
    "EXPIRED": Status.EXPIRED,
}
"""What people call the states; the last letter or more may be left out."""
KEYS = {
    "status": "status", "situacao": "status", "situação": "status",
    "month": "month", "months": "month", "mes": "month", "mês": "month",
    "utility": "utility", "distribuidora": "utility", "concessionaria": "utility",
    "profile": "profile", "perfil": "profile",
    "alert": "alert", "alerts": "alert", "alerta": "alert", "alertas": "alert",
}  # fmt: skip
YES_WORDS = frozenset({"yes", "y", "sim", "s", "true", "1", "on"})
NO_WORDS = frozenset({"no", "n", "nao", "não", "false", "0", "off"})

_TERM = re.compile(r'(?P<key>[^\W\d_]+):(?P<value>[^\s"]*)|"(?P<quoted>[^"]*)"?|(?P<word>[^\s"]+)')
_LARGEST_CODE = 99_999_999


@dataclass(frozen=True, slots=True)
class Parsed:
    """A typed line: the filter it means, and a sentence for each word that means nothing."""

    filter: Filter
    problems: tuple[str, ...] = ()


def parse(line: str, today: date | None = None, known: Iterable[str] = ()) -> Parsed:
    """Read a typed line. `known` are the states in the data beside those in `Status`; `today` gives `month:this` its
    meaning."""
    codes = {status.value for status in Status} | {status_key(status) for status in known if status_key(status)}
    found = Filter()
    words: list[str] = []
    problems: list[str] = []
    for key, value in _terms(line):
        try:
            match KEYS.get(key) if key else "":
                case "":
                    words += value.split()
                case None:
                    problems.append(tr(
                        "{key}: is no filter; there are status, month, utility, profile and alert. In quotes it is "
                        "searched for as it stands.", key=key,
                    ))  # fmt: skip
                case "status":
                    statuses, unknown = _statuses(value, codes)
                    found = replace(found, statuses=found.statuses | statuses)
                    problems += unknown
                case "month" if value.strip("."):
                    first, last = _months(value, today)
                    found = replace(found, first_month=first, last_month=last)
                case "utility" if value:
                    found = replace(found, utility=_agent_code(key, value))
                case "profile" if value:
                    found = replace(found, profile=_agent_code(key, value))
                case "alert" if value:
                    found = replace(found, only_alerts=_yes(key, value))
        except ValueError as error:
            problems.append(str(error))
    return Parsed(replace(found, text=" ".join(words)), tuple(problems))


def _terms(line: str) -> Iterator[tuple[str, str]]:
    """Key (empty for words to search for) and value of each part of a line."""
    line = clean(line, QUERY_CHARACTERS + 1)[:QUERY_CHARACTERS]
    for match in _TERM.finditer(line):
        if match["key"] is not None:
            yield match["key"].lower(), match["value"]
        else:
            yield "", match["quoted"] if match["quoted"] is not None else match["word"]


def _statuses(value: str, codes: Collection[str]) -> tuple[frozenset[str], list[str]]:
    """The states a list of words means, and a sentence for each word that means none."""
    statuses: set[str] = set()
    problems = []
    for word in value.split(","):
        key = status_key(word)
        if not key:
            continue
        if key in codes or key in ENGLISH:
            statuses.add(key if key in codes else ENGLISH[key])
            continue
        begun = {code for code in codes if code.startswith(key)}
        begun |= {code.value for name, code in ENGLISH.items() if name.startswith(key)} if not begun else set()
        if not begun:
            problems.append(tr("status:{word} is no status known here; known are {known}.", word=clean(word, 30),
                               known=", ".join(in_order(codes))))  # fmt: skip
        # A state in capitals may be one that nobody has seen yet.
        statuses |= begun or ({key} if word.isupper() else set())
    return frozenset(map(str, statuses)), problems


def _months(value: str, today: date | None) -> tuple[str, str]:
    """First and last month of `2026-10`, `2026-10..2027-03`, `..2027-03`, `2026`, `this`.

    Raises:
        ValueError: it is none of these, in a sentence.
    """
    head, dots, tail = value.partition("..")
    if not dots:
        return _month(value, head, today)
    first = _month(value, head, today)[0] if head else ""
    last = _month(value, tail, today)[1] if tail else ""
    if first and last and first > last:
        words = tr("month:{text} ends before it begins; the earlier month comes first.", text=clean(value, 40))
        raise ValueError(words)
    return first, last


def _month(value: str, text: str, today: date | None) -> tuple[str, str]:
    """First and last month that one word means: a month, or a whole year."""
    relative = {"this": 0, "next": 1, "last": -1}.get(text.lower())
    if relative is not None and today is not None:
        month = add_months(month_of(today), relative)
        return month, month
    if re.fullmatch("[1-9][0-9]{3}", text):
        return f"{text}-01", f"{text}-12"
    turned = re.fullmatch("([0-9]{1,2})/([0-9]{4})", text)
    try:
        month = parse_month(f"{turned[2]}-{turned[1]}" if turned else text.replace("/", "-"))
    except ValueError:
        words = tr("month:{text} is no month; write 2026-10, or 2026-10..2027-03.", text=clean(value, 40))
        raise ValueError(words) from None
    return month, month


def _agent_code(key: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()) or int(value[:20]) > _LARGEST_CODE:
        words = tr("{key}:{text} is no code; write digits alone, such as {key}:100000.", key=key, text=clean(value, 30))
        raise ValueError(words)
    return int(value)


def _yes(key: str, value: str) -> bool:
    if value.lower() not in YES_WORDS | NO_WORDS:
        raise ValueError(tr("{key}:{text} is neither yes nor no.", key=key, text=clean(value, 30)))
    return value.lower() in YES_WORDS
