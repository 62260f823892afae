"""Panels in recordings: those of before v2 open, and a v2 panel comes out as it went in."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from test_codec import PANEL, as_before_v2
from test_recording import HOME, NOON, played, record

from wattdeck.core.codec import decode
from wattdeck.core.reading import Link, Reading
from wattdeck.core.recording import Header, change_between
from wattdeck.systems.span.models import Battery, DataModel, PanelSnapshot, PowerControl, Relay

OVEN = PANEL.circuits[0]


def panels(path: Path) -> list[PanelSnapshot]:
    return [decode(PanelSnapshot, reading.snapshot) for reading in played(path)]


def test_a_recording_from_before_v2_opens(tmp_path: Path) -> None:
    before = as_before_v2(PANEL)
    after = as_before_v2(replace(PANEL, circuits=(replace(OVEN, relay=Relay.OPEN),)))
    path = tmp_path / "old.jsonl.gz"
    lines = [
        {"at": "2026-11-20T12:00:00.000000Z", "of": 0, "i": 0, "link": "live", "every": 1.0, "data": before},
        {"at": "2026-11-20T12:00:01.000000Z", "of": 0, "i": 1, "link": "live", "every": 1.0,
         "change": change_between(before, after)},
    ]  # fmt: skip
    body = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
    path.write_bytes(gzip.compress(b'{"mark":10}\n' + Header((HOME,)).line(NOON) + body, mtime=0))
    first, second = panels(path)
    assert first == PANEL and second.circuits[0].relay is Relay.OPEN


def test_a_v2_panel_comes_out_of_a_recording_as_it_went_in(tmp_path: Path) -> None:
    tree = replace(
        PANEL,
        data_model=DataModel.TREE,
        leg_voltage_v=(121.8, None),
        batteries=(Battery("b", soc_percent=81.0),),
        pcs=PowerControl(enabled=True),
        circuits=(replace(OVEN, requester="user", shared_with=("c2",), tabs=(44,), current_a=0.0),),
    )
    gone = replace(tree, batteries=(), pcs=None, islanded=True, leg_voltage_v=(None, 120.0), circuits=())
    back = replace(tree, circuits=(OVEN, replace(OVEN, circuit_id="c2", meter_only=True, live=False, tabs=())))
    shown = [tree, gone, back]
    path = tmp_path / "new.jsonl.gz"
    record(
        path,
        [
            Reading(*HOME, snapshot=each, link=Link.LIVE, taken_at=NOON + timedelta(seconds=second), interval_s=1.0)
            for second, each in enumerate(shown)
        ],
    )
    assert panels(path) == shown
