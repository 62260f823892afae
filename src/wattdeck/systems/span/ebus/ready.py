"""When a panel has said enough to be shown, and when that may be called live (span-v2.md 9.2, 9.4)."""

from __future__ import annotations

from wattdeck.core.errors import Stale, TimedOut, Unreachable, WattdeckError
from wattdeck.core.language import plural, tr
from wattdeck.systems.span.ebus.circuits import is_meter_only
from wattdeck.systems.span.ebus.homie import DeviceState
from wattdeck.systems.span.ebus.panel import PanelView
from wattdeck.systems.span.ebus.parts import Part, Parts
from wattdeck.systems.span.ebus.store import QUIET_S
from wattdeck.systems.span.models import DataModel

ROOT_WITHIN_S = 30.0
CHILDREN_WITHIN_S = 5.0
VALUES_WITHIN_S = 10.0
REPLAY_OVER_S = 0.5
"""Once nothing new has come for so long, what has not come is not reported by this panel."""


class Settling(Stale):
    """A session has begun and not everything that a picture needs has come yet; soon it has."""


def trouble(view: PanelView, now_s: float) -> WattdeckError | None:
    """What keeps a picture of this store from being live (span-v2.md 9.2, 9.4)."""
    store = view.store
    state = store.root.state
    if store.complete_s is None and state in (DeviceState.UNKNOWN, DeviceState.READY):
        if now_s - store.waiting_s < ROOT_WITHIN_S:
            return Settling(tr("connected; waiting for what the panel has to say"))
        if store.in_doubt:
            return Stale(tr("the panel changes its data model; reading it anew"))
        return TimedOut(tr("the broker answers, and the panel's application is silent"))
    if state is DeviceState.INIT:
        return Stale(tr("the panel is updating itself"))
    if state is not DeviceState.READY:
        return Unreachable(tr("the panel's application is away: it says {state}", state=state.value))
    if not store.settled and store.complete_s is not None:
        lacking = _missing(view, now_s - store.complete_s, now_s)
        if lacking:
            return Settling(tr("waiting for {parts}", parts=lacking))
        store.settled = True
    if store.heard_s is not None and now_s - store.heard_s >= QUIET_S:
        quiet_s = f"{now_s - store.heard_s:.0f}"
        return Stale(tr("quiet: nothing came for {seconds} s, though the panel says it is ready", seconds=quiet_s))
    return None


def _missing(view: PanelView, waited_s: float, now_s: float) -> str:
    """What is still waited for since the root was complete, in words; empty: nothing, or not any longer."""
    store = view.store
    if view.model is DataModel.TREE and waited_s < CHILDREN_WITHIN_S:
        found = (store.devices.get(device_id) for device_id in store.tree_ids())
        late = sum(device is None or not device.live for device in found)
        if late:
            return plural("{count} device", "{count} devices", late)
    if waited_s < VALUES_WITHIN_S:
        parts = view.parts.circuits
        late = sum(part.raw("power") is None or not (part.raw("name") or is_meter_only(part)) for part in parts)
        if late:
            return plural("{count} circuit", "{count} circuits", late)
        replaying = store.news_s is not None and now_s - store.news_s < REPLAY_OVER_S
        if replaying and not _whole(view.parts):
            return tr("the panel's values")
    return ""


def _whole(parts: Parts) -> bool:
    """The panel's own figures are there, as far as one can tell which it has: then there is nothing to wait for."""
    wanted: list[tuple[Part | None, str]] = [
        (parts.panel, "firmware"),
        (parts.feed, "power"),
        (parts.flows, "grid"),
        (parts.flows, "site"),
    ]
    wanted += [(part, "soc") for part in parts.batteries] + [(part, "status") for part in parts.chargers]
    wanted += [(part, "islanding") for part in parts.islanding]
    return all(part is None or part.raw(name) is not None for part, name in wanted)
