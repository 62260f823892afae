"""The fault switches of the SPAN simulator: what they are called, what they take, and when they strike.

Written `NAME` or `NAME=VALUE`; most take modifiers behind either part: `@ENDPOINT` strikes that endpoint
only, `*N` the next N answers, `%P` with probability P. The value `off` clears. Requirements: span.md 8.2.
"""

from __future__ import annotations

from wattdeck.core import faultboard
from wattdeck.core.faultboard import Catalogue, Fault, Kind, choice, seconds, share, status
from wattdeck.systems.span.simulated import faults as ebus

__all__ = ["BOARD", "KINDS", "V2_KINDS", "Fault", "FaultBoard"]

ENDPOINTS = ("status", "panel", "circuits", "circuit", "soe", "register", "schema", "ca", "clients", "mqtt", "other")
"""`mqtt` is no endpoint: a second of messages on the broker counts as one answer there."""


def _jump(text: str) -> float:
    return seconds(text.removeprefix("-")) * (-1 if text.startswith("-") else 1)


def _dip(text: str) -> tuple[float, int | None]:
    lost, _, answers = text.partition(":")
    return share(lost), int(answers) if answers else None


def _percent(text: str) -> float:
    value = seconds(text)
    if value > 100:
        raise ValueError("must be between 0 and 100")
    return value


def _load(text: str) -> tuple[str, float]:
    circuit, _, watts = text.rpartition(":")
    value = seconds(watts)
    if value > 100_000:
        raise ValueError("must be between 0 and 100000")
    return circuit, value


def _tabs(text: str) -> tuple[str, tuple[int, ...]]:
    circuit, _, tabs = text.rpartition(":")
    spaces = tuple(int(tab) for tab in tabs.split(",")) if tabs else ()
    if any(not 1 <= tab <= 32 for tab in spaces) or len(spaces) != len(set(spaces)):
        raise ValueError("spaces are numbers from 1 to 32")
    return circuit, spaces


def _before_or_after(name: str, meaning: str) -> Kind:
    return choice(name, f"{meaning}; after = do what was asked first", "before", "after")


def _first_or_all(name: str, meaning: str) -> Kind:
    return choice(name, meaning, "first", "all")


KINDS: tuple[Kind, ...] = (
    # the connection
    Kind("latency", "answer late", "SECONDS", parse=seconds),
    _before_or_after("hang", "never answer"),
    Kind("refuse", "close the port and every connection for a time", "SECONDS", "10", seconds),
    _before_or_after("close", "close the connection instead of answering"),
    Kind("connection-close", "answer with Connection: close, so that no connection is reused"),
    Kind("cut-short", "close the connection in the middle of the body"),
    Kind("drip", "send the body a byte at a time, this far apart", "SECONDS", "1", seconds),
    # the answer as a whole
    Kind("truncated", "well-framed body that holds half of the JSON"),
    Kind("oversize", "a 6 MB body (valid JSON)"),
    Kind("html-200", "a web page with status 200 where JSON is due"),
    Kind("html-502", "the 502 page of the proxy in front of the panel"),
    Kind("status", "answer this status and nothing else", "CODE", parse=status),
    Kind("circuits-500", "500 on GET /circuits"),
    Kind("sunset", "404 on all of v1, as announced for its end"),
    Kind("deprecation-headers", "the Deprecation, Sunset and Link headers of newer firmware"),
    # who may do what
    Kind("revoke", "forget every client and token: 401", strikes="once"),
    Kind("locked-status", "status of a registration while locked, instead of 422", "CODE", "401", status),
    Kind("always-on-status", "status of a relay write to an always-on circuit, not 403", "CODE", "422", status),
    Kind("string-422", "validation errors as one string, as newer firmware words them"),
    Kind("priority-500", "500 on every priority write, as most panels do; on from the start"),
    Kind("relay-refuse", "refuse relay writes with this status", "CODE", "500", status),
    Kind("relay-lag", "relays move this long after the answer", "SECONDS", "5", seconds),
    Kind("relay-bounce", "relays move, and go back after this long", "SECONDS", "2", seconds),
    # what the JSON says
    Kind("empty-circuits", "no circuits at all"),
    Kind("main-relay-unknown", "panel answers without data: main relay UNKNOWN, every number 0"),
    Kind("door-unknown", "door UNKNOWN"),
    _first_or_all("null-name", "name null"),
    _first_or_all("null-power", "power null; all = the grid's too"),
    _first_or_all("null-energy", "counters null; all = the main meter's too"),
    _first_or_all("negative-zero", "power -0.0"),
    _first_or_all("nan", "power NaN"),
    _first_or_all("unknown-enum", "relay state and priority no version documents"),
    Kind("shuffled-branches", "branches in another order than their ids"),
    Kind("no-measure", "branches without the three measure fields, as very old firmware"),
    Kind("invalid-measure", "isMeasureValid false on every branch"),
    Kind("feedthrough-zero", "feedthrough energies 0 instead of the computed residual"),
    Kind("counter-dip", "counters lower by a share, for K answers an endpoint", "SHARE[:K]", "0.1", _dip),
    Kind("hostile-names", "names with markup, escapes, bidi marks, emoji, 200 characters", strikes="standing"),
    Kind("renamed", "another name; without an id the first circuit", "[ID:]NAME", "Renamed", strikes="standing"),
    Kind(
        "moved-tabs",
        "a circuit on other spaces; without an id the first, without spaces on free ones",
        "[ID:]TAB[,TAB]",
        ":",
        _tabs,
        strikes="standing",
    ),
    # the house
    Kind("door-open", "somebody left the door open", strikes="standing"),
    Kind(
        "load",
        "a circuit draws this much, W; without a name or id the first",
        "[CIRCUIT:]W",
        parse=_load,
        strikes="standing",
    ),
    Kind("charge", "the battery stays at this charge", "PERCENT", "5", _percent, strikes="standing"),
    Kind("main-relay-open", "the main relay is open: the house is on its own", strikes="standing"),
    Kind("grid-down", "the grid is away: the panel sheds, the battery carries", strikes="standing"),
    Kind("clock-jump", "the panel's time is off by this much", "[-]SECONDS", "3600", _jump, strikes="standing"),
    Kind("counter-reset", "counters lose a share for good", "SHARE", "1", share, strikes="once"),
    Kind("reboot", "uptime 0, door unknown, locked, 502 for a time", "SECONDS", "20", seconds, strikes="once"),
)
V2_KINDS = ebus.KINDS
"""Those that only a panel of v2 has."""
BOARD = Catalogue((*KINDS, *V2_KINDS), ENDPOINTS)
ON_AT_START = ("priority-500",)


class FaultBoard(faultboard.FaultBoard):
    """The faults of a panel that are on, some of them from the start.

    Args:
        seed: Same seed, same luck with `%P`.
    """

    def __init__(self, seed: int = 1) -> None:
        super().__init__(BOARD, seed)
        for name in ON_AT_START:
            self.set(name)
