"""What answers to questions asked on purpose show: T05, T06, T13, T15, H05, H06, P10, P12 (aneel.md 2, 9).

Pure: a judge looks at one or two examinations and tells, so that the asking is another matter.
"""

from __future__ import annotations

import json
import re

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance import shown
from wattdeck.systems.aneel.conformance.examination import Examination
from wattdeck.systems.aneel.conformance.model import ERROR, WARNING, Context, Passed
from wattdeck.systems.aneel.conformance.tally import Tally
from wattdeck.systems.aneel.exchange import Exchange
from wattdeck.systems.aneel.models import Finding, Level
from wattdeck.systems.aneel.wording import said

Judged = Finding | Passed

_HINT = re.compile(
    r"\b(?:esperad[oa]|expected|come[cç]a com|starts? with|termina com|ends? with|deveria ser|should be|"
    r"correta (?:[eé]|seria))\b",
    re.IGNORECASE,
)
_INSIDE = re.compile(
    r"database|banco|oracle|postgres|sql|redis|version|vers[aã]o|uptime|memory|host|environment", re.IGNORECASE
)
_INTERFACE = re.compile(r'"(?:openapi|swagger|paths)"\s*:', re.IGNORECASE)


def words(seen: Examination) -> str:
    """`HTTP 200, status 2`."""
    code = seen.exchange.status_code
    return (
        f"HTTP {code}"
        if seen.status is None
        else said(later("HTTP {code}, status {status}"), code=code, status=seen.status)
    )


def finding(
    context: Context, rule: str, where: str, found: str, says: str | None = None, *, level: Level | None = None
) -> tuple[Judged, ...]:
    """One finding by the context's profile; none if the rule is off."""
    tally = Tally(context)
    tally.add(rule, where, found, says, level=level)
    return tally.findings()


def without_key(context: Context, seen: Examination) -> tuple[Judged, ...]:
    """T05: nobody gets anything without a key."""
    code = seen.exchange.status_code
    if code == 401:
        return (Passed("T05", "HTTP 401 without a key"),)
    soft = code in (400, 403, 422) or (code == 200 and seen.status == 2)
    return finding(context, "T05", later("request without x-api-key"), words(seen), level=WARNING if soft else ERROR)


def wrong_key(context: Context, missing: Examination, wrong: Examination, key: str = "") -> tuple[Judged, ...]:
    """T06: a wrong key is refused as a missing one, and the right one is not hinted at.

    Args:
        key: The right one, where it is known; never shown.
    """
    text = wrong.exchange.body[:4000].decode(errors="replace")
    told = bool(key) and key in text
    hint = _HINT.search(text)
    if told or hint is not None:
        says = later("The refusal of a wrong key hints at the right one. Say only that the key is not valid.")
        found = later("the right key")
        if not told and hint is not None:
            found = said(later("{text} and more"), text=shown.text(hint[0]))
        return finding(context, "T06", later("request with a wrong key"), found, says)
    same = wrong.exchange.status_code == missing.exchange.status_code and wrong.status == missing.status
    refused = wrong.exchange.status_code in (401, 403) or wrong.status == 2
    if same and refused:
        return (Passed("T06", f"{words(wrong)} with a wrong key, as without one"),)
    found = said(later("{wrong}; without a key {missing}"), wrong=words(wrong), missing=words(missing))
    return finding(context, "T06", later("request with a wrong key"), found)


def public(context: Context, path: str, exchange: Exchange) -> tuple[Judged, ...]:
    """T13: what anyone can read without a key at a path that is none of the three."""
    where = said(later("{path} without a key"), path=path)
    text = exchange.body[:100_000].decode(errors="replace")
    if exchange.status_code != 200 or not text.strip():
        return (Passed("T13", f"{path}: HTTP {exchange.status_code}"),)
    if _INTERFACE.search(text):
        return finding(context, "T13", where, later("the description of the interface"))
    if path.endswith("health") and (len(_object(text)) > 1 or _INSIDE.search(text)):
        return finding(context, "T13", where, shown.text(text))
    return (Passed("T13", f"{path}: nothing internal"),)


def _object(text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def other_method(context: Context, exchange: Exchange) -> tuple[Judged, ...]:
    """T15: POST is not answered as GET is."""
    if 200 <= exchange.status_code < 300:
        return finding(context, "T15", "POST", f"HTTP {exchange.status_code}")
    return (Passed("T15", f"POST: HTTP {exchange.status_code}"),)


def clock(
    context: Context, recent: Examination, earlier: Examination, ahead: Examination, tomorrow: Examination
) -> tuple[Judged, ...]:
    """H05: less than an hour ago is the past, in less than an hour the future, both in Brasília.

    Args:
        recent: For 45 min ago.
        earlier: For 2 h ago; what is refused there too has another cause.
        ahead: For 45 min from now.
        tomorrow: For a day from now; what is answered there too is not a matter of zones.
    """
    if recent.status == 2 and earlier.status == 1:
        found = later("refused, and 2 h ago answered: a clock or zone an hour behind")
        return finding(context, "H05", later("45 minutes ago"), found)
    if ahead.status == 1 and tomorrow.status == 2:
        found = later("answered, and tomorrow refused: a clock or zone ahead")
        return finding(context, "H05", later("in 45 minutes"), found)
    if recent.status == 1 and ahead.status == 2:
        return (Passed("H05", "45 minutes ago is answered, in 45 minutes is refused"),)
    return ()


def blank_spelling(
    context: Context, escaped: Examination, plus: Examination, again: Examination | None
) -> tuple[Judged, ...]:
    """H06: the same moment with %20, with +, and once more with %20 if those two differ."""
    if same(escaped, plus):
        return (Passed("H06", "the same answer for %20 and +"),)
    if again is not None and not same(escaped, again):
        return ()  # it differs from request to request, which is H07's
    found = said(later("{plus}; with %20 {escaped}"), plus=words(plus), escaped=words(escaped))
    return finding(context, "H06", later("+ instead of %20"), found)


def same(one: Examination, other: Examination) -> bool:
    """Whether two answers tell the same."""
    return (one.status, one.outages is None) == (other.status, other.outages is None) and (
        frozenset(one.outages or ()) == frozenset(other.outages or ())
    )


def unknown_protocol(context: Context, seen: Examination) -> tuple[Judged, ...]:
    """P10: that there is no such demand is a success with nothing in it. Its message is E06's, its type P01's."""
    if seen.exchange.status_code == 200 and seen.status == 1 and seen.payload == {}:
        return (Passed("P10", "200, status 1 and {} for a protocol that does not exist"),)
    if any(one.rule in ("E09", "P01") for one in seen.findings):
        return ()
    found = said(later("{answer}, demanda {value}"), answer=words(seen), value=shown.value(seen.payload, 40))
    return finding(context, "P10", later("a protocol that does not exist"), found)


def near_protocol(context: Context, asked: str, how: str, seen: Examination) -> tuple[Judged, ...]:
    """P12: a protocol that is nearly the one that exists finds nothing."""
    found = seen.payload
    if seen.status != 1 or not isinstance(found, dict) or not found:
        return (Passed("P12", f"{how}: nothing found"),)
    if found.get("numProtocolo") == asked:
        return ()  # there is a demand of just that protocol
    return finding(context, "P12", how, later("somebody's demand"))
