"""Each alarm of a distributor, made to fire by a fault of the simulator through the real client, and well again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from test_aneel_source import HALF_HOUR_S, START, Bench, on_bench

from wattdeck.core.alarm import Condition, Priority
from wattdeck.core.alarms import Alarm, Alarms, AlarmState
from wattdeck.core.config import AlarmsConfig
from wattdeck.core.reading import Link, Reading
from wattdeck.core.secrets import SecretRef
from wattdeck.systems.aneel import SYSTEM
from wattdeck.systems.aneel.alarms import (
    FINDINGS_MAX,
    FORMAT,
    FROZEN,
    MUNICIPALITIES_MAX,
    MUNICIPALITY,
    ZERO,
    AneelWatch,
)
from wattdeck.systems.aneel.config import AneelConfig
from wattdeck.systems.aneel.models import (
    SLOT,
    Finding,
    Level,
    OutagesSnapshot,
    PlaceOutage,
    Severity,
    Totals,
)
from wattdeck.systems.aneel.times import slot_of

pytestmark = pytest.mark.anyio
CARACARAI = "1400209"


class Post:
    """A source on the simulator, and who watches its readings."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.watch = SYSTEM.watch(bench.config)

    async def look(self, later_s: float = 0.0) -> dict[tuple[str, str], Condition]:
        """Poll, then see what is found."""
        await self.bench.poll(later_s)
        readings = [feed.reading for feed in self.bench.source.feeds]
        found = self.watch.look(readings, self.bench.clock.now())
        return {(each.rule, each.object_id): each for each in found}


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with on_bench(tmp_path, {"scenario": "calm"}) as bench:
        yield Post(bench)


def active(found: dict[tuple[str, str], Condition]) -> set[tuple[str, str]]:
    return {key for key, each in found.items() if each.active}


async def test_a_lost_feeder_is_an_alarm_of_its_municipality(post: Post) -> None:
    assert not active(await post.look())
    post.bench.fault("feeder-lost")
    lost = (await post.look(HALF_HOUR_S))[MUNICIPALITY, CARACARAI]
    assert lost.active and lost.name == "Caracaraí"
    assert lost.words == "1 666 customers out, 33.3 % of 5 000; limit 5.0 %"
    post.bench.cure()
    assert (MUNICIPALITY, CARACARAI) not in await post.look(HALF_HOUR_S)


async def test_a_zero_out_of_a_storm_is_an_alarm_until_someone_is_out_again(tmp_path: Path) -> None:
    async with on_bench(tmp_path) as bench:
        post = Post(bench)
        assert (await post.look())[ZERO, ""].active is False
        bench.fault("dropout")
        found = (await post.look(HALF_HOUR_S))[ZERO, ""]
        assert found.active and "right after 16 960" in found.words
        # A second zero does not make the first one likelier.
        assert (await post.look(HALF_HOUR_S))[ZERO, ""].active
        bench.cure()
        assert (await post.look(HALF_HOUR_S))[ZERO, ""].active is False


async def test_a_zero_is_unlikely_too_for_who_has_just_been_started_and_knows_what_was(tmp_path: Path) -> None:
    async with on_bench(tmp_path) as bench:
        await Post(bench).look()
        bench.fault("dropout")
        assert (await Post(bench).look(HALF_HOUR_S))[ZERO, ""].active


async def test_an_error_of_the_check_is_one_alarm_for_its_rule(post: Post) -> None:
    post.bench.fault("bad-check-digit")
    post.bench.fault("zero-denominator")
    found = await post.look()
    assert {key for key in active(found) if key[0] == FORMAT} == {(FORMAT, "I10"), (FORMAT, "I15")}
    assert found[FORMAT, "I10"].words.startswith("interrupcaoFornecimento[0].ideMunicipio: found 14")
    assert "more" in found[FORMAT, "I15"].words
    post.bench.fault("drop")
    assert (await post.look(HALF_HOUR_S))[FORMAT, "I10"].active is None
    post.bench.cure()
    assert not active(await post.look(HALF_HOUR_S))


async def test_old_figures_passed_off_as_new_are_an_alarm(post: Post) -> None:
    post.bench.fault("frozen")
    for _ in range(4):
        assert not active(await post.look(HALF_HOUR_S))
    frozen = (await post.look(HALF_HOUR_S))[FROZEN, ""]
    assert frozen.active and frozen.words.startswith("the same ") and "in 5 polls over 2.0 h" in frozen.words
    post.bench.cure()
    assert not active(await post.look(HALF_HOUR_S))


# Without a server: thresholds and bounds

NOW = START


def config(**settings: Any) -> AneelConfig:
    alarms = {"alarms": settings} if settings else {}
    return AneelConfig.model_validate({"name": "rr", "url": "http://127.0.0.5", "key": SecretRef(plain="k"), **alarms})


def place(percent: float, served: int = 5000, code: int = 1400209, **changes: Any) -> PlaceOutage:
    out = round(served * percent / 100)
    made = PlaceOutage(code, "Caracaraí", served, False, 0, out, out, percent, Severity.NORMAL)
    return replace(made, **changes)


def reading(
    *places: PlaceOutage, slot: datetime | None = None, link: Link = Link.LIVE, findings: Sequence[Finding] = (),
    restored: int | None = None,
) -> Reading[OutagesSnapshot]:  # fmt: skip
    out = sum(each.out for each in places)
    totals = Totals(100_000, 0, out, out, None, Severity.NORMAL, len(places), 0, restored=restored)
    made = OutagesSnapshot(slot or slot_of(NOW), "", (), places, (), totals, (), tuple(findings))
    return Reading("aneel/rr", "outages", made, link, NOW)


def of(rule: str, watch: AneelWatch, *readings: Reading[Any], now: datetime = NOW) -> list[Condition]:
    return [each for each in watch.look(readings, now) if each.rule == rule]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (place(5.1), (True, False)),
        (place(5.0), (False, True)),
        (place(4.1), (False, True)),
        (place(4.0), None),
        (place(50.0, served=999), None),
        (place(50.0, served=1000), (True, False)),
        (place(50.0, estimated=True), None),
        (place(50.0, percent_out=None), None),
        (place(50.0, reconfigured=True), (None, False)),
    ],
    ids=["above", "at the limit", "in the dead band", "well", "too small", "just large enough", "guessed", "unknown",
         "customers have jumped"],
)  # fmt: skip
def test_a_municipality_is_judged_by_its_share(found: PlaceOutage, expected: tuple[bool, bool] | None) -> None:
    seen = of(MUNICIPALITY, AneelWatch(config()), reading(found))
    assert [(each.active, each.holds) for each in seen] == ([] if expected is None else [expected])


def test_a_municipality_is_judged_by_the_settings() -> None:
    watch = AneelWatch(config(municipality_percent=20, municipality_dead_band_percent=0, municipality_customers_min=10))
    found = of(MUNICIPALITY, watch, reading(place(20.1, served=10), place(20.0, code=1)))
    assert [(each.object_id, each.active) for each in found] == [("1400209", True)]


def test_of_many_municipalities_the_worst_are_alarms() -> None:
    places = [place(6 + number / 10, code=1_000_000 + number) for number in range(100)]
    found = of(MUNICIPALITY, AneelWatch(config()), reading(*places))
    assert len(found) == MUNICIPALITIES_MAX and found[0].object_id == "1000099"


def test_among_many_that_are_bad_no_alarm_makes_room_for_another() -> None:
    watch = AneelWatch(config())
    places = [place(20 - number / 10, code=1_000_000 + number) for number in range(100)]
    before = {each.object_id for each in of(MUNICIPALITY, watch, reading(*places))}
    others = [replace(each, percent_out=30.0) for each in places[MUNICIPALITIES_MAX:]]
    first = place(4.5, code=1_000_000)
    found = of(MUNICIPALITY, watch, reading(first, *places[1:MUNICIPALITIES_MAX], *others))
    assert {each.object_id for each in found} == before
    assert [each.object_id for each in found if each.holds] == ["1000000"], "nor does one in the dead band"
    well = of(MUNICIPALITY, watch, reading(place(1.0, code=1_000_000), *places[1:MUNICIPALITIES_MAX], *others))
    assert len({each.object_id for each in well} - before) == 1


def test_what_is_not_live_is_not_known() -> None:
    watch = AneelWatch(config())
    found = watch.look([reading(place(50), findings=[ERROR], link=Link.STALE)], NOW)
    assert {each.rule: each.active for each in found} == {MUNICIPALITY: None, ZERO: None, FORMAT: None, FROZEN: None}


@pytest.mark.parametrize(
    ("out", "slots_later", "unlikely"),
    [(1001, 1, True), (1000, 1, False), (5000, 2, True), (5000, 3, False), (5000, 0, True)],
    ids=["many", "not so many", "a half hour was missed", "there was time to repair", "in the same half hour"],
)
def test_a_zero_is_judged_by_what_was_before(out: int, slots_later: int, unlikely: bool) -> None:
    watch = AneelWatch(config())
    watch.look([reading(place(100.0, served=out))], NOW)
    (found,) = of(ZERO, watch, reading(slot=slot_of(NOW) + slots_later * SLOT))
    assert found.active is unlikely


@pytest.mark.parametrize(("restored", "expected"), [(1001, True), (1000, None), (None, None)])
def test_a_first_zero_is_judged_by_the_kept_half_hours(restored: int | None, expected: bool | None) -> None:
    (found,) = of(ZERO, AneelWatch(config()), reading(restored=restored))
    assert found.active is expected


ERROR = Finding("I10", Level.ERROR, "here", "x", "y", "z")


def test_only_errors_are_alarms_and_not_too_many() -> None:
    findings = [replace(ERROR, rule=f"I{number:02}") for number in range(40)] * 2
    found = of(FORMAT, AneelWatch(config()), reading(findings=findings))
    assert len(found) == FINDINGS_MAX and found[0].words == "here: found x, and 1 more"
    assert not of(FORMAT, AneelWatch(config()), reading(findings=[replace(ERROR, level=Level.WARNING)]))


def test_hostile_words_stay_words_of_one_line() -> None:
    wild = replace(ERROR, where="\x1b[31mhere\nand there", found="[red]x[/]" * 100)
    (found,) = of(FORMAT, AneelWatch(config()), reading(findings=[wild]))
    assert "\x1b" not in found.words and "\n" not in found.words and len(found.words) < 300


# Through the engine


class Panel(Post):
    """The same with the engine behind it: what a person hears of it."""

    def __init__(self, bench: Bench, path: Path) -> None:
        super().__init__(bench)
        self.alarms = Alarms([(SYSTEM, bench.config)], path, bench.clock, AlarmsConfig(), who="ana")

    async def wait(self, later_s: float = HALF_HOUR_S) -> list[Alarm]:
        """Poll later; what is open then."""
        await self.bench.poll(later_s)
        for _ in range(2):
            now = self.bench.clock.now()
            self.alarms.look(self.bench.source.id, [feed.reading for feed in self.bench.source.feeds], now)
            self.alarms.tick(now)
            self.bench.clock.advance(61)
        return list(self.alarms.open)


@pytest.mark.parametrize(
    ("rule", "fault", "half_hours"),
    [
        (MUNICIPALITY, "feeder-lost", 1),
        (ZERO, "dropout", 1),
        (FORMAT, "over-served", 1),
        (FROZEN, "frozen", 5),
        ("link.lost", "unavailable", 1),
    ],
)
async def test_each_alarm_is_raised_acknowledged_and_cleared(
    tmp_path: Path, rule: str, fault: str, half_hours: int
) -> None:
    async with on_bench(tmp_path, {"scenario": "calm"}, alarms={"zero_after_out": 1}) as bench:
        panel = Panel(bench, tmp_path / "alarms")
        assert await panel.wait(0) == []
        bench.fault(fault)
        for _ in range(half_hours):
            found = await panel.wait()
        (alarm,) = [each for each in found if each.rule.name == rule]
        assert alarm.state is AlarmState.UNACKNOWLEDGED and alarm.words
        assert panel.alarms.acknowledge([alarm.id]) == [alarm.id]
        seen = panel.alarms.find(alarm.id)
        assert seen is not None and seen.state is AlarmState.ACKNOWLEDGED
        bench.cure()
        await panel.wait()
        assert rule not in {each.rule.name for each in await panel.wait()}


def test_every_rule_says_what_follows_and_what_to_do_and_none_is_high() -> None:
    rules = SYSTEM.alarm_rules()
    assert [rule.name for rule in rules] == [MUNICIPALITY, ZERO, FORMAT, FROZEN]
    assert all(rule.title and rule.consequence.endswith(".") and rule.action.endswith(".") for rule in rules)
    assert Priority.HIGH not in {rule.priority for rule in rules}
