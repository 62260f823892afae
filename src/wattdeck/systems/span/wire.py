"""SPAN v1 JSON into models: the one place where signs are turned round and odd values made harmless.

The wire counts power into the panel as positive, so a load is negative (span.md 0.3); models count
consumption as positive. Numbers may be null, NaN, text or -0.0, enumerations may hold new words, optional
fields may be missing (span.md 5); none of that fails. A wrong shape does, as BadAnswer naming the field.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from wattdeck.core.answers import Answer, json_body
from wattdeck.core.errors import BadAnswer
from wattdeck.core.language import later, tr
from wattdeck.core.text import clean
from wattdeck.systems.span import fast
from wattdeck.systems.span.fast import COUNT_MAX, NUMBER_MAX
from wattdeck.systems.span.models import (
    PRIORITIES,
    Branch,
    Circuit,
    Door,
    PanelState,
    PanelStatus,
    Relay,
)

ID_CHARS_MAX = 200
VIRTUAL_PREFIX = "unmapped_tab_"
THE_ANSWER = "the answer"
A_LIST, AN_OBJECT, A_NUMBER = later("a list"), later("an object"), later("a number")
_KINDS: dict[type, str] = {
    list: A_LIST,
    dict: AN_OBJECT,
    str: later("text"),
    type(None): later("nothing"),
    bool: later("true or false"),
}

_RELAYS = {"OPEN": Relay.OPEN, "CLOSED": Relay.CLOSED}
_DOORS = {"OPEN": Door.OPEN, "CLOSED": Door.CLOSED}
_PRIORITY_WORDS = {word.upper(): word for word in (*PRIORITIES, "unknown")}


@dataclass(frozen=True, slots=True)
class Registration:
    """What a panel gives for a successful registration (span.md 3)."""

    token: str = field(repr=False)
    """Bearer token, valid on this panel only; no expiry is documented."""
    issued_at: datetime | None
    """UTC, by the panel's clock."""


def parse_registration(data: Any, what: str) -> Registration:
    """The answer to `POST /auth/register`.

    Raises:
        BadAnswer: there is no usable token in it.
    """
    raw = _object(data, what, THE_ANSWER)
    token = raw.get("accessToken")
    if not isinstance(token, str) or not is_token(token):
        raise BadAnswer(tr("{what}: field accessToken holds no usable token", what=what))
    issued_ms = number(raw.get("iatMs"))
    return Registration(token, None if issued_ms is None else moment(issued_ms / 1000))


def is_token(text: str) -> bool:
    """Fit for an Authorization header: visible ASCII, no spaces, not empty."""
    return bool(text) and len(text) <= 16_384 and all("!" <= character <= "~" for character in text)


def parse_status(data: Any, what: str) -> PanelStatus:
    """The answer to `GET /status` (span.md 4.1); firmware before r202342 counts presses instead."""
    raw = _object(data, what, THE_ANSWER)
    software = _part(raw, "software", what)
    system = _part(raw, "system", what)
    network = _part(raw, "network", what)
    door = system.get("doorState")
    return PanelStatus(
        serial=_text(system.get("serial")),
        firmware=_text(software.get("firmwareVersion")),
        model=_text(system.get("model")),
        door=_DOORS.get(door.upper(), Door.UNKNOWN) if isinstance(door, str) else Door.UNKNOWN,
        proximity_proven=_flag(system.get("proximityProven")),
        unlock_presses_left=_whole(system.get("remainingAuthUnlockButtonPresses")),
        ethernet=_flag(network.get("eth0Link")),
        wifi=_flag(network.get("wlanLink")),
        cellular=_flag(network.get("wwanLink")),
        uptime_s=_whole(system.get("uptime")),
    )


def read_panel(answer: Answer, what: str) -> PanelState:
    """The answer to `GET /panel`, from its bytes."""
    if (found := fast.panel(answer.body)) is None:
        return parse_panel(json_body(answer, what), what)
    raw, branches = found
    return _panel(raw, branches, what)


def parse_panel(data: Any, what: str) -> PanelState:
    """The answer to `GET /panel` (span.md 4.2). Branches come out by space, ascending."""
    raw = _object(data, what, THE_ANSWER)
    return _panel(raw, _branches(raw.get("branches"), what), what)


def _panel(raw: dict[str, Any], branches: tuple[Branch, ...], what: str) -> PanelState:
    main = _part(raw, "mainMeterEnergy", what)
    feedthrough = _part(raw, "feedthroughEnergy", what)
    return PanelState(
        main_relay=_relay(raw.get("mainRelayState")),
        grid_power_w=number(raw.get("instantGridPowerW")),
        feedthrough_power_w=number(raw.get("feedthroughPowerW")),
        main_consumed_wh=number(main.get("consumedEnergyWh")),
        main_produced_wh=number(main.get("producedEnergyWh")),
        feedthrough_consumed_wh=number(feedthrough.get("consumedEnergyWh")),
        feedthrough_produced_wh=number(feedthrough.get("producedEnergyWh")),
        grid_state=_text(raw.get("dsmGridState")),
        dsm_state=_text(raw.get("dsmState")),
        run_config=_text(raw.get("currentRunConfig")),
        branches=branches,
    )


def _branches(data: Any, what: str) -> tuple[Branch, ...]:
    if data is None:
        return ()
    if not isinstance(data, list):
        raise _wrong_shape(what, "branches", A_LIST, data)
    _bounded(len(data), what, "branches")
    by_tab: dict[int, Branch] = {}
    for position, entry in enumerate(data):
        raw = _object(entry, what, f"branches[{position}]")
        tab = _whole(raw.get("id"))
        # A meter that does not say whose it is cannot be shown as any space's.
        if tab is not None and 0 < tab <= COUNT_MAX and tab not in by_tab:
            by_tab[tab] = Branch(
                tab,
                _turned(raw.get("instantPowerW")),
                number(raw.get("exportedActiveEnergyWh")),
                number(raw.get("importedActiveEnergyWh")),
                _relay(raw.get("relayState")),
                _flag(raw.get("isMeasureValid")),
            )
    return tuple(by_tab[tab] for tab in sorted(by_tab))


def read_circuits(answer: Answer, what: str) -> tuple[Circuit, ...]:
    """The answer to `GET /circuits`, from its bytes."""
    found = fast.circuits(answer.body)
    return parse_circuits(json_body(answer, what), what) if found is None else found


def parse_circuits(data: Any, what: str) -> tuple[Circuit, ...]:
    """The answer to `GET /circuits` (span.md 4.3), in the panel's order. Empty means no data."""
    entries = _object(_object(data, what, THE_ANSWER).get("circuits"), what, "circuits")
    _bounded(len(entries), what, "circuits")
    for circuit_id, raw in entries.items():
        if not isinstance(raw, dict):
            raise _wrong_shape(what, f"circuits.{clean(circuit_id, 40)}", AN_OBJECT, raw)
    return tuple([_circuit(circuit_id, raw) for circuit_id, raw in entries.items()])


def parse_written_circuit(data: Any, circuit_id: str, what: str) -> Circuit:
    """The answer to `POST /circuits/{id}` (span.md 4.4): the circuit as it is after the write.

    Raises:
        BadAnswer: it is not that circuit, or does not say how its relay is.
    """
    raw = _object(data, what, THE_ANSWER)
    if raw.get("id", circuit_id) != circuit_id or not isinstance(raw.get("relayState"), str):
        raise BadAnswer(tr("{what}: the answer is not the circuit that was written", what=what))
    return _circuit(circuit_id, raw)


def _circuit(circuit_id: str, raw: dict[str, Any]) -> Circuit:
    get = raw.get
    tabs = _tabs(get("tabs"))
    usable_id = is_circuit_id(circuit_id)
    return Circuit(
        circuit_id if usable_id else clean(circuit_id, ID_CHARS_MAX),
        _text(get("name")) or f"Circuit {'·'.join(map(str, tabs))}".rstrip(),
        tabs,
        _turned(get("instantPowerW")),
        number(get("consumedEnergyWh")),
        number(get("producedEnergyWh")),
        _relay(get("relayState")),
        _priority(get("priority")),
        get("isUserControllable") is True and usable_id,
        False,
        None,
        _flag(get("isSheddable")),
        _flag(get("isNeverBackup")),
        moment(get("instantPowerUpdateTimeS")),
        moment(get("energyAccumUpdateTimeS")),
    )


def is_circuit_id(text: str) -> bool:
    """Fit for a path segment: not empty, not too long, printable, and not a step up the path."""
    return 0 < len(text) <= ID_CHARS_MAX and text.isprintable() and text not in (".", "..")


def parse_storage(data: Any, what: str) -> int | None:
    """The answer to `GET /storage/soe` (span.md 4.5): percent, 0 to 100; None if the panel does not say."""
    percent = number(_part(_object(data, what, THE_ANSWER), "soe", what).get("percentage"))
    return round(percent) if percent is not None and 0 <= percent <= 100 else None


def virtual_circuits(
    circuits: Iterable[Circuit], branches: Iterable[Branch], at: datetime | None = None
) -> tuple[Circuit, ...]:
    """A circuit for each branch no circuit owns, ascending by space (span.md 7.1).

    Ids and names are those of span-panel-api: `unmapped_tab_7`, `Unmapped Tab 7`. Power is positive on
    consumption like everywhere; the relay is unknown because no circuit commands it. `at` is when the
    branches were read.
    """
    mapped: set[int] = set()
    for circuit in circuits:
        mapped.update(circuit.tabs)
    unmapped = [branch for branch in branches if branch.tab not in mapped]
    return tuple([_virtual(branch, at) for branch in sorted(unmapped, key=attrgetter("tab"))])


def _virtual(branch: Branch, at: datetime | None) -> Circuit:
    tab = branch.tab
    return Circuit(
        f"{VIRTUAL_PREFIX}{tab}",
        f"Unmapped Tab {tab}",
        (tab,),
        branch.power_w,
        branch.energy_consumed_wh,
        branch.energy_produced_wh,
        Relay.UNKNOWN,
        "unknown",
        controllable=False,
        virtual=True,
        sheddable=False,
        never_backup=False,
        power_at=at,
    )


def number(value: Any) -> float | None:
    """A finite float, or None for null, NaN, infinities, absurd sizes and what is no number. Never -0.0."""
    if type(value) is not float:
        value = _as_float(value)
    return value + 0.0 if value is not None and -NUMBER_MAX < value < NUMBER_MAX else None


def _turned(value: Any) -> float | None:
    """A number with its sign turned round."""
    if type(value) is not float:
        value = _as_float(value)
    return 0.0 - value if value is not None and -NUMBER_MAX < value < NUMBER_MAX else None


def _as_float(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return float(value[:64] if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None


def _whole(value: Any) -> int | None:
    if type(value) is int and -NUMBER_MAX < value < NUMBER_MAX:
        return value
    as_float = number(value)
    return int(as_float) if as_float is not None and as_float.is_integer() else None


def _flag(value: Any) -> bool | None:
    return value if value is True or value is False else None


def _relay(value: Any) -> Relay:
    return _RELAYS.get(value.upper(), Relay.UNKNOWN) if isinstance(value, str) else Relay.UNKNOWN


def _priority(value: Any) -> str:
    if not isinstance(value, str):
        return "unknown"
    return _PRIORITY_WORDS.get(value) or clean(value, 40).strip().lower() or "unknown"


def _text(value: Any) -> str:
    return clean(value).strip() if isinstance(value, str) else ""


def _tabs(value: Any) -> tuple[int, ...]:
    """Spaces in ascending order, from a list, one bare number or nothing."""
    entries = value if isinstance(value, list) else [value]
    spaces = {_whole(entry) for entry in entries[:64]}
    return tuple(sorted([space for space in spaces if space is not None and 0 < space <= COUNT_MAX]))


def moment(seconds: Any) -> datetime | None:
    """Unix seconds as a UTC time; None if they are none or mean no year people live in."""
    return _moment(seconds) if type(seconds) in (int, float) else _moment(number(seconds))


@lru_cache(maxsize=64)
def _moment(seconds: float | None) -> datetime | None:
    # Cached because the circuits of one answer share two values.
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _part(raw: dict[str, Any], name: str, what: str) -> dict[str, Any]:
    """An object inside an object; missing or null counts as empty."""
    value = raw.get(name)
    return {} if value is None else _object(value, what, name)


def _object(value: Any, what: str, place: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise _wrong_shape(what, place, AN_OBJECT, value)


def _wrong_shape(what: str, place: str, wanted: str, value: Any) -> BadAnswer:
    place = tr("the answer") if place == THE_ANSWER else tr("field {place}", place=place)
    words = {"what": what, "place": place, "found": tr(_KINDS.get(type(value), A_NUMBER)), "wanted": tr(wanted)}
    return BadAnswer(tr("{what}: {place} holds {found} where {wanted} was due", **words))


def _bounded(count: int, what: str, place: str) -> None:
    if count > COUNT_MAX:
        words = {"what": what, "place": place, "count": count, "most": COUNT_MAX}
        raise BadAnswer(tr("{what}: field {place} holds {count} entries; at most {most} are believed", **words))
