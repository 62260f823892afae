"""The words for what a panel is made of and what hangs on it, in the language in use."""

from __future__ import annotations

from wattdeck.core.language import tr, tr_as
from wattdeck.systems.span.models import Charger, DataModel, PanelSnapshot

IDLE_W = 5.0
"""A battery that moves less than this does nothing."""


def model_words(snapshot: PanelSnapshot) -> str:
    """The protocol and its data model: `v2, data model 1.0 (tree)`."""
    match snapshot.data_model:
        case DataModel.V1:
            return tr("v1 (REST)")
        case DataModel.FLAT:
            return tr("v2, first data model (flat)")
        case DataModel.TREE:
            return tr("v2, data model {version} (tree)", version=snapshot.data_model_version or "1.x")


def flow_words(power_w: float | None) -> str:
    """What a battery does; power positive = discharging. Empty where it is not known."""
    if power_w is None:
        return ""
    if abs(power_w) < IDLE_W:
        return tr_as("battery", "idle")
    return tr_as("battery", "discharging") if power_w > 0 else tr_as("battery", "charging")


def source_words(source: str) -> str:
    """What carries the house; the panel's own word if it is not one of ours."""
    match source:
        case "grid":
            return tr_as("source", "the grid")
        case "battery":
            return tr_as("source", "battery")
        case "pv":
            return tr_as("source", "solar")
        case "generator":
            return tr_as("source", "a generator")
        case "none":
            return tr_as("source", "nothing")
        case "" | "unknown":
            return ""
        case other:
            return other


def reach_words(link: str) -> str:
    """How well the panel reaches a device; the panel's own word if it is not one of ours."""
    match link:
        case "ok":
            return tr_as("reach", "ok")
        case "degraded":
            return tr_as("reach", "degraded")
        case "lost":
            return tr_as("reach", "lost")
        case "" | "unknown":
            return ""
        case other:
            return other


def charger_words(charger: Charger) -> str:
    """What a charger does; the panel's own word if it is not one of ours."""
    match charger.status:
        case "available":
            return tr_as("charger", "available")
        case "preparing":
            return tr_as("charger", "plugged in")
        case "charging":
            return tr_as("charger", "charging")
        case "unavailable":
            return tr_as("charger", "unavailable")
        case other:
            return other


def constraint_words(constraint: str) -> str:
    """What sets a limit of current; the panel's own word if it is not one of ours (span-v2.md 6.4)."""
    match constraint:
        case "fsr" | "feed":
            return tr_as("limit", "feed")
        case "off_grid":
            return tr_as("limit", "off grid")
        case "requested":
            return tr_as("limit", "requested")
        case "operator" | "grid":
            return tr_as("limit", "grid operator")
        case "" | "none" | "unknown":
            return ""
        case other:
            return other
