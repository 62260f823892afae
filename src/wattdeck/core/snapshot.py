"""Readings as one document: what `wattdeck snapshot` prints and scripts hold on to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from wattdeck import __version__
from wattdeck.core.codec import encode, iso
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Link, Reading, SourceId, worst
from wattdeck.core.system import System

SCHEMA = "wattdeck.snapshot/1"

EXIT_LIVE, EXIT_PARTLY, EXIT_NOTHING = 0, 1, 3


def document(hub: Hub, sources: Sequence[SourceId], now: datetime) -> dict[str, Any]:
    """The snapshot document of these sources as plain data."""
    return {
        "schema": SCHEMA,
        "wattdeck": __version__,
        "taken_at": iso(now),
        "demo": hub.demo,
        "sources": [_source(source, hub.readings(source), now) for source in sources],
    }


def _source(source: SourceId, readings: list[Reading[Any]], now: datetime) -> dict[str, Any]:
    problems = [reading.problem for reading in readings if reading.problem]
    return {
        "source": source,
        "system": source.partition("/")[0],
        "link": worst(readings).value,
        "problem": problems[0] if problems else "",
        "feeds": {reading.feed: _feed(reading, now) for reading in readings},
    }


def _feed(reading: Reading[Any], now: datetime) -> dict[str, Any]:
    age_s = reading.age_s(now)
    return {
        "link": reading.link.value,
        "taken_at": encode(reading.taken_at),
        "age_s": None if age_s is None else round(age_s, 3),
        "problem": reading.problem,
        "data": encode(reading.snapshot),
    }


def exit_code(hub: Hub, sources: Sequence[SourceId]) -> int:
    """0 all live, 1 some of it, 3 nothing."""
    live = [reading.link is Link.LIVE for source in sources for reading in hub.readings(source)]
    if live and all(live):
        return EXIT_LIVE
    return EXIT_PARTLY if any(live) else EXIT_NOTHING


def json_schema(systems: Mapping[str, System]) -> dict[str, Any]:
    """The JSON Schema of the document, made from the models themselves."""
    from pydantic import TypeAdapter

    definitions: dict[str, Any] = {}
    feeds: list[dict[str, Any]] = []
    for system in systems.values():
        for feed, kind in system.snapshot_types().items():
            schema = TypeAdapter(kind).json_schema(mode="serialization", ref_template="#/$defs/{model}")
            definitions.update(schema.pop("$defs", {}))
            definitions[kind.__name__] = schema
            condition = {"properties": {"system": {"const": system.name}}}
            data = {"properties": {"data": {"anyOf": [{"$ref": f"#/$defs/{kind.__name__}"}, {"type": "null"}]}}}
            feeds.append({"if": condition, "then": {"properties": {"feeds": {"properties": {feed: data}}}}})
    link = {"enum": [item.value for item in Link]}
    feed_schema = _object(
        link=link,
        taken_at={"type": ["string", "null"], "format": "date-time"},
        age_s={"type": ["number", "null"], "minimum": 0},
        problem={"type": "string"},
        data={"type": ["object", "null"]},
    )
    source = _object(
        source={"type": "string"},
        system={"type": "string"},
        link=link,
        problem={"type": "string"},
        feeds={"type": "object", "additionalProperties": feed_schema},
    )
    source["allOf"] = feeds
    top = _object(
        schema={"const": SCHEMA},
        wattdeck={"type": "string"},
        taken_at={"type": "string", "format": "date-time"},
        demo={"type": "boolean"},
        sources={"type": "array", "items": source},
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **top, "$defs": definitions}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}
