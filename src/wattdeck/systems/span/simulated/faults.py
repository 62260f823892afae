"""The fault switches of the simulated panel on its broker: same grammar as those of v1, on the same board."""

from __future__ import annotations

import re

from wattdeck.core.faultboard import Kind, choice, count, seconds

STATES = ("init", "lost", "disconnected", "sleeping", "ready")
_RELEASE = re.compile(r"(spanos\d/)?r\d{6}(/\d{2})?")


def _state(text: str) -> tuple[str, str]:
    device, _, word = text.rpartition(":")
    if word not in STATES:
        raise ValueError(f"a state is one of {', '.join(STATES)}")
    return device, word


def _change(text: str) -> tuple[float, bool]:
    length, _, more = text.partition(":")
    if more not in ("", "ca"):
        raise ValueError("what follows the seconds is `ca` or nothing")
    return seconds(length), more == "ca"


def _payload(text: str) -> tuple[str, str]:
    place, colon, words = text.partition(":")
    if not place or not colon:
        raise ValueError("a place and a text, with a colon between them")
    return place, words


def _release(text: str) -> str:
    if not _RELEASE.fullmatch(text):
        raise ValueError("a release looks like r202633 or spanos3/r202639/03")
    return text


def _few(text: str) -> int:
    value = count(text)
    if not 1 <= value <= 1000:
        raise ValueError("must be from 1 to 1000")
    return value


def _standing(name: str, meaning: str) -> Kind:
    return Kind(name, meaning, strikes="standing")


KINDS: tuple[Kind, ...] = (
    # v2: devices and descriptions
    Kind("device-state", "$state of the panel, or of a device", "[DEVICE:]STATE", "lost", _state, "standing"),
    Kind("names-late", "names come this long after everything else", "SECONDS", "4", seconds, "standing"),
    Kind("no-description", "no $description of the panel, or of a device", "DEVICE", "panel", strikes="standing"),
    _standing("bare-description", "descriptions name nodes and types, and no properties"),
    Kind("missing-children", "the last K children are listed and never appear", "K", "1", _few, "standing"),
    _standing("children-cycle", "every child lists the panel and itself as its children"),
    # v2: releases
    Kind(
        "upgrade",
        "to the parent/child model: away for a time; 0 = without losing a connection; :ca = a new authority",
        "SECONDS[:ca]",
        "20",
        _change,
        "once",
    ),
    Kind("downgrade", "the way back, to the flat model", "SECONDS[:ca]", "20", _change, "once"),
    _standing("leftovers", "a change of the model leaves the old topics on the broker"),
    Kind("firmware", "another release of the same model", "RELEASE", "r202633", _release, "standing"),
    Kind("new-ca", "another certificate authority", strikes="once"),
    # v2: the broker
    _standing("broker-frozen", "the broker hangs: connections stay up, nothing goes in or out"),
    _standing("broker-refuse", "the broker accepts no password"),
    Kind("drop", "every connection to the broker ends", strikes="once"),
    Kind("drop-every", "the same, again and again", "SECONDS", "10", seconds, "standing"),
    # v2: messages
    choice(
        "equal", "values that did not change: not sent, sent if measured, sent", "withheld", "measured", "all",
        strikes="standing",
    ),
    Kind("copies", "every message comes K times", "K", "2", _few, "standing"),
    _standing("disorder", "the messages of a second come in any order"),
    Kind("burst", "everything K times at once", "K", "50", _few, "once"),
    Kind("payload", "what properties ending in PLACE say; empty = deleted", "PLACE:TEXT", "", _payload, "standing"),
    _standing("huge-payload", "the first circuit's name has a megabyte"),
    _standing("sparse", "what real panels leave out is not there"),
    _standing("silent-feedthrough", "the lower lugs tell neither power nor energy"),
    _standing("foreign", "another panel, and a device that is none, on the same broker"),
    # v2: commands and registration
    Kind("swallow-sets", "commands have no effect and no answer"),
    Kind("pcs-reopen", "the power control system opens what a person closed", "SECONDS", "2", seconds),
    _standing("target", "$target tells what was asked for, until it is so"),
    Kind("null-passwords", "a registration that hands out neither passphrase nor broker password"),
)  # fmt: skip
