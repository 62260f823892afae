"""What one answer tells about transport: T01 to T04, T08 to T12, T14 (aneel.md 2)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance import shown
from wattdeck.systems.aneel.conformance.model import ERROR, WARNING
from wattdeck.systems.aneel.conformance.subject import Subject
from wattdeck.systems.aneel.wording import said

SLOW_S, TOO_SLOW_S = 5.0, 30.0
PARAMETERS = {"outages": {"dthRecuperacao"}, "demands": set[str](), "demand": {"numProtocolo"}}
"""Of the queries."""
AUTH_STATUSES = frozenset({401, 403})
_CONTENT_TYPE = re.compile(
    r'application/json\s*(?:;\s*charset\s*=\s*"?(?P<charset>[\w.:-]{1,40})"?\s*)?;?\s*', re.IGNORECASE
)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, which needs no TLS."""
    import ipaddress

    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(subject: Subject) -> bool:
    """Look at how the answer came. Whether there is an envelope to go on with."""
    exchange, tally = subject.exchange, subject.tally
    code = exchange.status_code
    live = bool(exchange.url)
    if live:
        _scheme(subject)
        _time(subject)
        tally.looked.add("T12")
    if 300 <= code < 400:
        target = shown.value(exchange.headers.get("location", ""))
        tally.add("T12", later("HTTP status"), said(later("{code} to {target}"), code=code, target=target))
        return False
    if code in AUTH_STATUSES:
        return _refusal(subject)
    if code == 429 and not _too_many(subject):
        return False
    if code in (404, 405) and subject.envelope is None:
        tally.add("T02", later("HTTP status"), str(code))
        return False
    if live:
        tally.looked.add("T02")
    if _refused_a_parameter(subject):
        return subject.envelope is not None
    if code != 429:
        _status(subject)
    told = tally.has("T09") and subject.envelope is None
    return _bytes(subject) and not told


def _scheme(subject: Subject) -> None:
    parts = urlsplit(subject.exchange.url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        subject.tally.add("T01", later("address"), f"http://{shown.key(parts.hostname or '')}")


def _time(subject: Subject) -> None:
    elapsed_s = subject.exchange.elapsed_s
    subject.tally.looked.add("T11")
    if elapsed_s > SLOW_S:
        too_slow = elapsed_s > TOO_SLOW_S
        subject.tally.add(
            "T11",
            later("last byte"),
            f"{elapsed_s:.1f} s",
            expected=said(later("{seconds} s at most"), seconds=f"{TOO_SLOW_S if too_slow else SLOW_S:g}"),
            level=ERROR if too_slow else WARNING,
        )


def _refusal(subject: Subject) -> bool:
    """401 and 403: whoever asked is turned away, and the envelope should say so."""
    tally, body = subject.tally, subject.body
    tally.looked.add("T08")
    where = said(later("body of the {code}"), code=subject.exchange.status_code)
    cut = not body.readable and subject.exchange.body.lstrip()[:1] == b"{"
    if body.twice or cut:
        return _bytes(subject)
    if subject.envelope is None:
        # A page comes from a firewall or proxy in front, which is as far as the request got.
        tally.add("T03" if body.markup else "T08", where, what_is_there(subject))
        return False
    if subject.wrapped:
        words = said(later('{shape}: the envelope within "detail"'), shape='{"detail":{…}}')
        tally.add("T08", where, words)
        return False
    return bool(body.readable)


def _too_many(subject: Subject) -> bool:
    """429. Whether it has an envelope."""
    tally = subject.tally
    after = subject.exchange.headers.get("retry-after")
    tally.looked.add("T10")
    if after is None:
        tally.add("T10", "Retry-After", later("no such header"), expected=later("an integer of at least 1"))
    elif not re.fullmatch(r"0*[1-9][0-9]{0,8}", after):
        tally.value("T10", "Retry-After", after)
    if subject.envelope is None or subject.wrapped:
        where = said(later("body of the {code}"), code=429)
        tally.add("T10", where, what_is_there(subject), expected=later("the envelope with status 2"))
        return False
    return True


def _refused_a_parameter(subject: Subject) -> bool:
    """Whether it is the query that was refused with an HTTP status; the rule about that parameter says so."""
    exchange, tally = subject.exchange, subject.tally
    code, asked = exchange.status_code, exchange.asked
    unknown = sorted(set(asked) - PARAMETERS[subject.route])
    if unknown:
        tally.looked.add("T14")
    if not 400 <= code < 500 or code == 429:
        return False
    if unknown:
        tally.add("T14", f"?{shown.key(unknown[0])}", f"HTTP {code}", expected="200")
        return True
    # A bad date is H02's, a missing protocol P11's.
    return (subject.route == "demand" and not asked.get("numProtocolo", "").strip()) or "dthRecuperacao" in asked


def _status(subject: Subject) -> None:
    code = subject.exchange.status_code
    subject.tally.looked.add("T09")
    own = subject.envelope is not None or "detail" in (subject.body.envelope or ())
    if code == 200 or (code == 404 and subject.route == "demand"):  # the latter is P10's
        return
    if 502 <= code <= 504 and not own:
        subject.tally.looked.discard("T09")  # a proxy's, not the application's
        return
    what = later("an envelope") if subject.envelope is not None else what_is_there(subject)
    subject.tally.add(
        "T09",
        later("HTTP status"),
        said(later("{code} with {what}"), code=code, what=what),
        level=WARNING if code == 400 else ERROR,
    )


def _bytes(subject: Subject) -> bool:
    """T03 and T04. Whether there is an envelope to go on with."""
    tally, body = subject.tally, subject.body
    headers = subject.exchange.headers
    tally.looked.add("T03")
    declared = True
    if headers:
        content_type = headers.get("content-type", "")
        match = _CONTENT_TYPE.fullmatch(content_type.strip()[:200])
        declared = match is not None and (match["charset"] or "utf-8").lower() in ("utf-8", "utf8")
        if not declared:
            tally.add("T03", "Content-Type", shown.value(content_type) if content_type else later("no such header"))
    if body.encoding:
        tally.add("T03", later("body"), body.encoding)
    if not body.readable and (tally.has("T09") or (body.markup and not declared)):
        return False  # said already
    tally.looked.add("T04")
    if not body.readable:
        tally.add("T04", later("body"), body.problem)
        return False
    for name in dict.fromkeys(body.twice):
        words = said(later("key {name} more than once"), name=shown.text(name, 60))
        tally.add("T04", later("body"), words, expected=later("each key once"))
    if body.envelope is None and not body.twice:
        tally.value("T04", later("body"), body.value)
    return body.envelope is not None


def what_is_there(subject: Subject) -> str:
    """A body that is no envelope, in words."""
    body = subject.body
    if not body.readable:
        text = subject.exchange.body[:400].decode(errors="replace")
        if body.markup:
            return later("a page of HTML or XML")
        return shown.value(text.strip()) if text.strip() else later("an empty body")
    found = body.envelope
    if found is None:
        return shown.value(body.value)
    if subject.wrapped:
        return '{"detail":{…}}'
    return "{" + shown.key(", ".join(f'"{name[:20]}"' for name in list(found)[:4])) + "}" if found else "{}"
