"""The alarm engine: delays, dead band, chatter, acknowledgement, shelving, lost sources, two sessions on one file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fakes import ManualClock
from wattdeck.core import appended
from wattdeck.core.alarm import AlarmRule, Condition, Priority, above
from wattdeck.core.alarm_hooks import AlarmHooks
from wattdeck.core.alarms import Alarm, AlarmChanged, Alarms, AlarmState, What
from wattdeck.core.command import ControlChanged, State
from wattdeck.core.config import AlarmsConfig, SourceConfig
from wattdeck.core.errors import UsageError
from wattdeck.core.reading import Link, Reading
from wattdeck.core.system import Context, Source, System

HOT = AlarmRule("thermo.hot", Priority.MEDIUM, "Too hot", "It burns.", "Cool it.", on_delay_s=60, off_delay_s=10)
OPEN = AlarmRule("thermo.open", Priority.LOW, "Door open", "It cools.", "Close it.")
HOUSE = "thermo/house"
UNACKNOWLEDGED, ACKNOWLEDGED, RETURNED = AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, AlarmState.RETURNED


class Rooms:
    """Says what the newest snapshot says: room -> temperature, or None where it is not known."""

    def look(self, readings: Sequence[Reading[Any]], now: datetime) -> Sequence[Condition]:
        found = []
        snapshot: Any = readings[0].snapshot
        for room, warmth in snapshot.items():
            if isinstance(warmth, bool):
                found.append(Condition("thermo.open", room, room, active=warmth, words=f"{room} is open"))
                continue
            active, holds = above(warmth, 30.0, 2.0)
            found.append(Condition("thermo.hot", room, room.title(), active, holds, f"{room} at {warmth}"))
        return found


class Thermo(System):
    name, title, summary = "thermo", "Thermometers", "Made up"

    def config_model(self) -> type[SourceConfig]:
        return SourceConfig

    def open(self, config: SourceConfig, context: Context) -> Source:
        raise NotImplementedError

    def text_lines(self, readings: Sequence[Reading[Any]], now: datetime) -> list[str]:
        return []

    def alarm_rules(self) -> Sequence[AlarmRule]:
        return HOT, OPEN

    def watch(self, config: SourceConfig) -> Rooms:
        return Rooms()


@dataclass
class House:
    """A house with rooms, watched by one session or more."""

    path: Path
    clock: ManualClock = field(default_factory=ManualClock)
    names: Sequence[str] = ("house",)
    session: str = "one"
    settings: dict[str, Any] = field(default_factory=dict)
    off: Sequence[str] = ()
    scope: str = "/etc/wattdeck.toml"
    hooks: AlarmHooks | None = None

    def __post_init__(self) -> None:
        system = Thermo()
        pairs = [
            (system, SourceConfig.model_validate({"name": name, "alarms": {"off": list(self.off)}}))
            for name in self.names
        ]
        settings = AlarmsConfig.model_validate(self.settings)
        self.alarms = Alarms(
            pairs, self.path, self.clock, settings,
            who="ana", session=self.session, scope=self.scope, hooks=self.hooks,
        )  # fmt: skip
        self.heard: list[AlarmChanged] = []
        self.alarms.subscribe(self.heard.append)

    def other(self, **changes: Any) -> House:
        """Another session on the same file, or this one started again."""
        given = {"session": "two", "names": self.names, "settings": self.settings, "off": self.off, **changes}
        house = House(self.path, self.clock, **given)
        house.alarms.load()
        return house

    def reads(self, link: Link = Link.LIVE, source: str = HOUSE, after_s: float = 1.0, **rooms: Any) -> None:
        """A second later a poll ends like this."""
        self.clock.advance(after_s)
        now = self.clock.now()
        reading = Reading(
            source, "rooms", rooms if link is Link.LIVE else None, link, now, "no route to it", interval_s=5.0
        )  # fmt: skip
        self.alarms.look(source, [reading], now)
        self.alarms.tick(now)

    def waits(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.alarms.tick(self.clock.now())

    def gets_hot(self, room: str = "attic") -> Alarm:
        rooms: dict[str, Any] = {room: 35.0}
        self.reads(**rooms)
        self.waits(60)
        return self.one

    @property
    def one(self) -> Alarm:
        (alarm,) = self.alarms.open
        return alarm

    @property
    def states(self) -> dict[str, AlarmState]:
        return {alarm.object_id: alarm.state for alarm in self.alarms.open}

    @property
    def rung(self) -> int:
        return sum(change.rings for change in self.heard)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "alarms.jsonl")


def test_a_condition_becomes_an_alarm_when_it_has_lasted(house: House) -> None:
    house.reads(attic=35.0)
    house.waits(59)
    assert not house.alarms.open
    house.waits(1)
    alarm = house.one
    assert (alarm.id, alarm.name, alarm.state) == ("thermo/house:thermo.hot:attic", "Attic", UNACKNOWLEDGED)
    assert alarm.rule is HOT and alarm.since == house.clock.now() and house.rung == 1
    house.reads(attic=36.5)
    assert house.one.words == "attic at 36.5" and house.rung == 1


def test_an_interrupted_condition_starts_anew_and_time_not_known_does_not_count(house: House) -> None:
    house.reads(attic=35.0)
    house.waits(50)
    house.reads(attic=25.0)
    house.reads(attic=35.0)
    house.waits(50)
    assert not house.alarms.open, "it was well in between"
    house.reads(attic=None)
    house.waits(3600)
    house.reads(attic=35.0)
    assert not house.alarms.open, "nobody knows what it was in that hour"
    house.waits(10)
    assert house.states == {"attic": UNACKNOWLEDGED}


def test_an_alarm_returns_beyond_the_dead_band_after_its_delay(house: House) -> None:
    house.gets_hot()
    house.reads(attic=29.0)
    house.waits(100)
    assert house.one.state is UNACKNOWLEDGED, "inside the dead band"
    house.reads(attic=27.0)
    house.waits(9)
    assert house.one.state is UNACKNOWLEDGED, "the off-delay"
    house.waits(1)
    assert house.one.state is RETURNED and house.alarms.unacknowledged == 1
    assert house.alarms.acknowledge() == ["thermo/house:thermo.hot:attic"]
    assert not house.alarms.open


def test_an_acknowledged_alarm_clears_by_itself(house: House) -> None:
    alarm = house.gets_hot()
    assert house.alarms.acknowledge([alarm.id, "no/such:alarm"], "bea") == [alarm.id]
    assert house.one.state is ACKNOWLEDGED and house.one.acknowledged_by == "bea"
    assert house.alarms.acknowledge() == [], "it is acknowledged already"
    assert house.alarms.worst is None and house.alarms.unacknowledged == 0
    house.reads(attic=20.0)
    house.waits(10)
    assert not house.alarms.open
    assert [event.what for event in house.alarms.events()] == [What.RAISED, What.ACKNOWLEDGED, What.CLEARED]


def test_an_object_that_vanishes_is_well(house: House) -> None:
    house.reads(attic=35.0, cellar=35.0)
    house.waits(60)
    assert len(house.alarms.open) == 2
    house.reads(cellar=35.0)
    house.waits(10)
    assert house.states == {"attic": RETURNED, "cellar": UNACKNOWLEDGED}


def test_chatter_is_counted_and_rings_once_in_a_cool_down(house: House) -> None:
    for _ in range(4):
        house.reads(door=True)
        house.reads(door=False)
    assert (house.one.count, house.one.state, house.rung) == (4, RETURNED, 1)
    house.alarms.acknowledge()
    house.reads(door=True)
    assert (house.one.count, house.one.state, house.rung) == (5, ACKNOWLEDGED, 1)
    house.reads(door=False)
    house.waits(900)
    house.reads(door=True)
    assert (house.one.count, house.one.state, house.rung) == (1, UNACKNOWLEDGED, 2)


def test_the_worst_comes_first_and_the_first_of_several_is_marked(house: House) -> None:
    house.reads(door=True, attic=35.0)
    assert not house.one.first_out, "one alone is no flood"
    house.waits(60)
    house.reads(door=True, attic=35.0, gate=True)
    names = [(alarm.object_id, alarm.first_out) for alarm in house.alarms.open]
    assert names == [("attic", False), ("gate", False), ("door", True)]
    assert house.alarms.worst is Priority.MEDIUM and house.alarms.flood == 3
    house.alarms.acknowledge(["thermo/house:thermo.hot:attic"])
    assert [alarm.object_id for alarm in house.alarms.open] == ["gate", "door", "attic"]
    house.waits(601)
    assert house.alarms.flood == 0


def test_a_shelved_alarm_is_off_the_list_until_its_end_and_rings_then(house: House) -> None:
    alarm = house.gets_hot()
    for until, reason in ((timedelta(0), "why"), (timedelta(days=8), "why"), (timedelta(hours=1), "  ")):
        with pytest.raises(UsageError):
            house.alarms.shelve(alarm.id, house.clock.now() + until, reason)
    with pytest.raises(UsageError, match="there is no alarm"):
        house.alarms.shelve("thermo/house:thermo.hot:loft", None, "why")
    house.alarms.shelve(alarm.id, None, "painting the attic")
    (shelved,) = house.alarms.shelved
    assert not house.alarms.open and shelved.shelved_reason == "painting the attic"
    assert shelved.shelved_until == house.clock.now() + timedelta(minutes=30)
    house.waits(1799)
    assert house.alarms.shelved and house.rung == 1
    house.waits(1)
    assert house.one.state is UNACKNOWLEDGED and not house.alarms.shelved and house.rung == 2
    house.alarms.shelve(alarm.id, None, "again")
    assert house.alarms.unshelve(alarm.id) and not house.alarms.unshelve(alarm.id)


def test_a_shelved_alarm_that_returns_and_comes_back_is_silent(house: House) -> None:
    alarm = house.gets_hot()
    house.alarms.acknowledge()
    house.alarms.shelve(alarm.id, house.clock.now() + timedelta(days=1), "painting")
    house.reads(attic=20.0)
    house.waits(3600)
    (shelved,) = house.alarms.shelved
    assert shelved.state is AlarmState.NORMAL
    house.reads(attic=35.0)
    house.waits(60)
    assert not house.alarms.open and house.alarms.shelved[0].state is UNACKNOWLEDGED and house.rung == 1


def test_a_lost_source_is_one_alarm_and_keeps_the_others_as_they_were(house: House) -> None:
    house.gets_hot()
    house.reads(attic=35.0, cellar=35.0)
    house.reads(Link.STALE)
    house.waits(5)
    assert house.states == {"": UNACKNOWLEDGED, "attic": UNACKNOWLEDGED}
    lost = house.alarms.open[0]
    assert (lost.id, lost.rule.priority) == ("thermo/house:link.lost", Priority.HIGH)
    assert lost.words == "thermo/house is lost: no route to it"
    house.waits(3600)
    assert len(house.alarms.open) == 2, "nothing is known of the cellar"
    house.reads(attic=35.0, cellar=35.0)
    assert house.states == {"": RETURNED, "attic": UNACKNOWLEDGED}


def test_refused_credentials_are_said_at_once_and_a_blip_is_not(house: House) -> None:
    house.reads(Link.STALE)
    house.reads(attic=20.0)
    house.waits(100)
    assert not house.alarms.open
    house.reads(Link.REFUSED)
    assert house.one.words == "Access to thermo/house is refused: no route to it"


def test_a_source_that_never_answers_is_lost_too(house: House) -> None:
    waiting: Reading[Any] = Reading(HOUSE, "rooms", interval_s=5.0)
    house.alarms.look(HOUSE, [waiting], house.clock.now())
    house.waits(119)
    assert not house.alarms.open
    house.waits(1)
    assert house.one.words == "thermo/house has not answered yet"


def test_an_unconfirmed_command_stays_until_it_is_acknowledged(house: House) -> None:
    change = ControlChanged("ended", "Nobody knows its position.", HOUSE, "attic", State.UNKNOWN, alarm=True)
    house.alarms.on_control(change, "Attic fan")
    house.reads(attic=20.0)
    house.waits(200)
    assert (house.one.state, house.one.name, house.one.words) == (
        UNACKNOWLEDGED, "Attic fan", "Nobody knows its position.",
    )  # fmt: skip
    house.alarms.on_control(change)
    assert (house.one.count, house.rung) == (2, 2), "each is announced"
    house.alarms.acknowledge()
    assert not house.alarms.open


def test_a_rule_out_of_service_raises_nothing(tmp_path: Path) -> None:
    house = House(tmp_path / "a", off=("thermo.open", "link.lost", "command.unconfirmed"))
    house.reads(door=True)
    house.reads(Link.DOWN)
    house.waits(100)
    house.alarms.on_control(ControlChanged("ended", "x", HOUSE, "attic", alarm=True))
    assert not house.alarms.open


def test_a_watch_that_fails_leaves_everything_as_it_is(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.gets_hot()
    house.reads(attic="not a number")
    house.reads(attic="not a number")
    house.waits(60)
    assert house.states == {"attic": UNACKNOWLEDGED}
    assert len(caplog.records) == 1, "said once"


# The file


def test_what_is_remembered_survives_a_restart(house: House) -> None:
    house.reads(attic=35.0, cellar=35.0, door=True)
    house.waits(60)
    house.alarms.acknowledge(["thermo/house:thermo.hot:attic"])
    house.alarms.shelve("thermo/house:thermo.open:door", None, "moving in")
    house.alarms.save()
    assert house.path.stat().st_mode & 0o777 == 0o600
    again = house.other(session="later")
    assert again.alarms.open == house.alarms.open and again.alarms.shelved == house.alarms.shelved
    assert again.alarms.events() == house.alarms.events()
    again.reads(attic=20.0, cellar=35.0, door=True)
    again.waits(10)
    assert again.states == {"cellar": UNACKNOWLEDGED} and again.rung == 0


def test_two_sessions_raise_one_alarm_and_see_what_the_other_did(house: House) -> None:
    other = house.other()
    for each in (house, other):
        each.reads(attic=35.0, after_s=0)
    house.clock.advance(60)
    for each in (house, other):
        each.alarms.tick(house.clock.now())
        each.alarms.save()
    house.alarms.save()
    assert house.one == other.one and house.one.count == 1
    assert [event.what for event in other.alarms.events()] == [What.RAISED]
    assert house.rung == other.rung == 1
    other.alarms.acknowledge()
    other.alarms.save()
    house.alarms.save()
    assert house.one.state is ACKNOWLEDGED
    assert [event.session for event in house.alarms.events()] == ["one", "two"]


def test_a_session_that_looks_less_often_does_not_undo_what_another_saw(house: House) -> None:
    house.gets_hot()
    house.alarms.save()
    other = house.other()
    other.reads(attic=35.0)
    house.reads(attic=20.0)
    house.waits(10)
    house.alarms.save()
    other.alarms.save()
    other.waits(100)
    assert other.one.state is RETURNED, "its own reading is older than that"
    other.reads(attic=35.0)
    assert other.one.state is UNACKNOWLEDGED and other.one.count == 2


def test_a_write_that_was_cut_short_loses_no_more_than_itself(house: House) -> None:
    house.gets_hot()
    house.alarms.save()
    with house.path.open("ab") as file:
        file.write(b'{"kind":"event","at":"2026-11')
    other = house.other()
    assert other.one.state is UNACKNOWLEDGED
    other.alarms.acknowledge()
    other.alarms.save()
    third = house.other(session="three")
    assert third.one.state is ACKNOWLEDGED
    assert third.alarms.trouble.startswith(f"1 lines of {house.path} cannot be read")


@pytest.mark.parametrize(
    "line",
    [b"\xff\xfe", b"[]", b"{}", b"null", b'{"kind":"event","at":"2026-11-20T17:00:00"}', b"[" * 100_000,
     b'{"kind":"memory","alarm":3}'],
)  # fmt: skip
def test_damaged_lines_are_passed_over_and_said(house: House, line: bytes) -> None:
    house.gets_hot()
    house.alarms.save()
    house.path.write_bytes(line + b"\n" + house.path.read_bytes() + line + b"\n")
    other = house.other()
    assert other.one.state is UNACKNOWLEDGED and "2 lines" in other.alarms.trouble


def test_a_large_file_is_written_anew_and_nobody_forgets(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattdeck.core.alarm_file.COMPACT_BYTES", 20_000)
    monkeypatch.setattr("wattdeck.core.alarm_file.EVENTS_KEPT", 10)
    house = house.other(session="first")
    other = house.other()
    house.reads(attic=35.0)
    house.waits(60)
    for _ in range(60):
        house.reads(door=True, attic=35.0)
        house.reads(door=False, attic=35.0)
        house.alarms.save()
    assert house.path.stat().st_size < 25_000
    other.alarms.save()
    third = house.other(session="third")
    assert third.alarms.open == other.alarms.open == house.alarms.open
    assert [alarm.count for alarm in third.alarms.open] == [1, 60]
    assert third.alarms.events()[-1] == house.alarms.events()[-1]


def test_a_picture_shows_alarms_and_a_short_command_raises_none_but_its_own(house: House) -> None:
    house.alarms.remembers = False
    house.gets_hot()
    house.alarms.save()
    assert house.one.state is UNACKNOWLEDGED and not house.path.exists()
    short = house.other()
    short.alarms.watches = False
    short.reads(attic=35.0, door=True)
    short.waits(100)
    assert not short.alarms.open
    short.alarms.on_control(ControlChanged("ended", "Nobody knows.", HOUSE, "attic", alarm=True))
    short.alarms.save()
    assert house.other(session="later").one.rule.name == "command.unconfirmed"


def test_a_disk_that_cannot_be_written_stops_no_alarm(house: House, tmp_path: Path) -> None:
    house.path.mkdir()
    house.gets_hot()
    for _ in range(3):
        house.alarms.save()
    assert house.one.state is UNACKNOWLEDGED and house.alarms.events()
    said = [change.trouble for change in house.heard if change.trouble]
    assert len(said) == 1 and said[0].startswith("Alarms are shown but not remembered")
    house.path.rmdir()
    house.alarms.save()
    assert house.other().one == house.one, "written as soon as it can be"


def test_alarms_of_a_source_that_is_gone_from_the_configuration_are_cleared(tmp_path: Path) -> None:
    house = House(tmp_path / "a", names=("house", "barn"))
    house.reads(source="thermo/barn", door=True)
    house.reads(door=True)
    house.alarms.save()
    elsewhere = house.other(names=("house",), scope="/another.toml")
    assert [alarm.source for alarm in elsewhere.alarms.open] == [HOUSE], "not ours to show"
    elsewhere.alarms.save()
    assert len(house.other(session="x").alarms.open) == 2, "and not ours to clear"
    later = house.other(names=("house",))
    later.alarms.save()
    assert [alarm.source for alarm in house.other(session="y").alarms.open] == [HOUSE]
    assert '"the source is no longer configured"' in house.path.read_text()


def test_a_clock_set_back_does_not_hold_an_alarm_another_session_touched(tmp_path: Path) -> None:
    one = House(tmp_path / "alarms.jsonl")
    one.gets_hot()
    two = one.other()
    one.reads(attic=20.0, after_s=60)
    one.reads(attic=20.0, after_s=60)
    one.alarms.save()
    two.alarms.save()
    two.clock.advance(-7200)
    for _ in range(4):
        two.reads(attic=35.0, after_s=30)
    assert [alarm.state for alarm in two.alarms.open] == [UNACKNOWLEDGED]


def test_nothing_stays_shelved_for_longer_than_a_week_when_the_clock_is_set_back(tmp_path: Path) -> None:
    house = House(tmp_path / "alarms.jsonl")
    alarm = house.gets_hot()
    house.alarms.shelve(alarm.id, house.clock.now() + timedelta(hours=1), "the roof is being mended")
    house.clock.advance(-timedelta(days=30).total_seconds())
    house.waits(1)
    assert [each.id for each in house.alarms.open] == [alarm.id] and not house.alarms.shelved


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00"])
def test_a_line_with_a_time_that_no_local_clock_has_is_damaged(tmp_path: Path, time: str) -> None:
    path = tmp_path / "alarms.jsonl"
    raw = {"kind": "memory", "alarm": "thermo/house:thermo.hot:x", "source": HOUSE, "rule": "thermo.hot",
           "priority": "high", "since": time, "changed_at": time, "rung_at": time, "active": True}  # fmt: skip
    path.write_text(json.dumps(raw) + "\n")
    house = House(path)
    house.alarms.load()
    assert not house.alarms.open and "1 lines" in house.alarms.trouble


def test_a_file_that_is_too_long_keeps_its_newest_lines_when_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"".join(b"line %04d\n" % number for number in range(100)))
    appended.rewrite(path, 95, lambda data: data)
    assert path.read_bytes().splitlines() == [b"line %04d" % number for number in range(91, 100)]
