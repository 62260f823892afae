"""CCEE's alarm rules: where each begins and ends, and each made to fire by the simulated CCEE."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fakes import ManualClock
from wattdeck.core import language
from wattdeck.core.alarm import Condition, Priority
from wattdeck.core.alarms import Alarm, Alarms, AlarmState
from wattdeck.core.asgi import SimulatedTransport
from wattdeck.core.config import AlarmsConfig
from wattdeck.core.http import HttpClients
from wattdeck.core.reading import Link, Reading
from wattdeck.core.secrets import SecretRef
from wattdeck.core.system import Context, SimulatorOptions
from wattdeck.systems.ccee import SYSTEM
from wattdeck.systems.ccee.alarms import (
    BLINK_S,
    DUE,
    MOST_DAYS,
    MOST_SINGLE,
    OTHERS,
    OVERDUE,
    REFUSED,
    RULES,
    TWICE,
    CceeWatch,
)
from wattdeck.systems.ccee.config import CceeAlarms, CceeConfig
from wattdeck.systems.ccee.models import BRASILIA, Migration, MigrationsSnapshot, counted
from wattdeck.systems.ccee.simulator import CceeSimulator, secret_of
from wattdeck.systems.ccee.source import CceeSource

TODAY = date(2026, 10, 20)
"""A Tuesday."""
NOW = datetime(2026, 10, 20, 14, tzinfo=UTC)
AGENT, PROFILE, ORIGIN = 200000, 200100, "http://127.0.0.4"
OPEN = Migration("m", "000000123400159", 100000, AGENT, PROFILE, "2026-11", "CRIADA",
                 document_type="CNPJ", document_number="11222333000181", email="padaria@example.com")  # fmt: skip
DONE = replace(OPEN, status="CONCLUIDA")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    language.use("en")


def config(**alarms: Any) -> CceeConfig:
    return CceeConfig(
        name="varejo", agent_code=AGENT, profiles=(PROFILE,), client_id=f"VAREJISTA_{AGENT}",
        client_secret=SecretRef(plain=secret_of(AGENT)), url=ORIGIN, alarms=CceeAlarms(**alarms),
    )  # fmt: skip


def apart(migrations: Sequence[Migration]) -> tuple[Migration, ...]:
    """Each with its own id, and with its own unit where it has the usual one."""
    return tuple(
        replace(each, migration_id=f"m-{number:03d}",
                consumer_unit_code=f"{number:015d}" if each.consumer_unit_code == OPEN.consumer_unit_code
                else each.consumer_unit_code)
        for number, each in enumerate(migrations)
    )  # fmt: skip


def reading(migrations: Sequence[Migration], link: Link = Link.LIVE) -> list[Reading[Any]]:
    snapshot = MigrationsSnapshot("2026-08", "2027-07", tuple(migrations), counted(migrations))
    return [Reading("ccee/varejo", "migrations", snapshot, link, NOW)]


def look(*migrations: Migration, now: datetime = NOW, **alarms: Any) -> dict[tuple[str, str], Condition]:
    return by_object(CceeWatch(config(**alarms)).look(reading(apart(migrations)), now))


def by_object(found: Sequence[Condition]) -> dict[tuple[str, str], Condition]:
    assert len({(each.rule, each.object_id) for each in found}) == len(found), "one alarm is told twice"
    assert {each.rule for each in found} <= {rule.name for rule in RULES}
    return {(each.rule.removeprefix("ccee."), each.object_id): each for each in found}


def due(*days: date) -> list[Migration]:
    return [replace(OPEN, deadline=day) for day in days]


def refused(day: date | None, **fields: Any) -> Migration:
    at = None if day is None else datetime(day.year, day.month, day.day, tzinfo=BRASILIA)
    return replace(OPEN, status="REPROVADA", validated_at=at, **fields)


# The rules and where they begin


def test_every_rule_says_what_follows_and_what_to_do() -> None:
    assert SYSTEM.alarm_rules() is RULES and len({rule.name for rule in RULES}) == len(RULES) == 4
    for rule in RULES:
        assert rule.name.startswith("ccee.") and rule.title
        assert rule.consequence.endswith(".") and rule.action.endswith(".")
    assert [rule.name for rule in RULES if rule.priority is Priority.HIGH] == [OVERDUE]


@pytest.mark.parametrize(
    ("day", "ahead", "rule"),
    [
        (date(2026, 10, 19), 1, "answer-overdue"),
        (date(2026, 10, 20), 1, "answer-due"),
        (date(2026, 10, 21), 1, "answer-due"),
        (date(2026, 10, 22), 1, ""),
        (date(2026, 10, 21), 0, ""),
        (date(2026, 10, 20), 0, "answer-due"),
        (date(2026, 10, 26), 4, "answer-due"),  # the Monday after: weekends do not count
        (date(2026, 10, 27), 4, ""),
    ],
)
def test_an_answer_is_due_or_overdue_by_business_days(day: date, ahead: int, rule: str) -> None:
    found = look(*due(day), due_business_days=ahead)
    assert list(found) == ([(rule, day.isoformat())] if rule else [])


def test_answers_of_one_day_are_one_alarm_with_their_number_and_first_units() -> None:
    found = look(*due(*[date(2026, 10, 19)] * 5, TODAY, *[date(2026, 10, 21)] * 2), replace(OPEN, deadline=None))
    assert [(key, each.name, each.words) for key, each in found.items()] == [
        (("answer-overdue", "2026-10-19"), "answers of 2026-10-19",
         "5 answers were due on 2026-10-19: UC 0.000.000.000.000-00, UC 0.000.000.000.000-01, UC 0.000.000.000.000-02 "
         "and 2 more"),
        (("answer-due", "2026-10-20"), "answers of 2026-10-20", "1 answer is due today: UC 0.000.000.000.000-05"),
        (("answer-due", "2026-10-21"), "answers of 2026-10-21",
         "2 answers are due on 2026-10-21: UC 0.000.000.000.000-06, UC 0.000.000.000.000-07"),
    ]  # fmt: skip


def test_what_is_long_overdue_is_one_alarm_together() -> None:
    days = [TODAY - timedelta(days=back) for back in range(1, 10)]
    found = look(*due(*days))
    assert len(found) == MOST_DAYS + 1
    assert found["answer-overdue", OTHERS].words.startswith("4 answers were due on 2026-10-11: ")


@pytest.mark.parametrize(
    ("migrations", "days", "alarms"),
    [
        ([refused(date(2026, 10, 20))], 7, 1),
        ([refused(date(2026, 10, 14))], 7, 1),
        ([refused(date(2026, 10, 13))], 7, 0),
        ([refused(date(2026, 10, 19))], 1, 0),
        ([refused(date(2026, 10, 21))], 7, 0),  # has not come yet
        ([refused(None)], 7, 0),  # was there when the watch began
        ([refused(TODAY, consumer_unit_code="7"), replace(OPEN, consumer_unit_code="7")], 7, 0),  # asked for again
        ([refused(TODAY, consumer_unit_code="7"), replace(OPEN, consumer_unit_code="7", status="CANCELADA")], 7, 1),
    ],
)
def test_a_refusal_is_an_alarm_until_it_is_old_or_its_unit_is_asked_for_again(
    migrations: list[Migration], days: int, alarms: int
) -> None:
    assert len(look(*migrations, refused_days=days)) == alarms


def test_a_refusal_without_a_date_counts_from_when_it_was_seen() -> None:
    watch, (old, new) = CceeWatch(config(refused_days=2)), apart([refused(None), refused(None)])
    assert not watch.look(reading([old, replace(new, status="CRIADA")]), NOW)
    assert list(by_object(watch.look(reading([old, new]), NOW))) == [("refused", new.migration_id)]
    assert watch.look(reading([old, new]), NOW + timedelta(days=1))
    assert not watch.look(reading([old, new]), NOW + timedelta(days=2))


def test_many_refusals_are_not_many_alarms_and_the_newest_stand_alone() -> None:
    found = look(*(refused(TODAY - timedelta(days=number % 3)) for number in range(300)))
    assert len(found) == MOST_SINGLE + 1 and found["refused", OTHERS].words.startswith("290 more refused migrations: ")
    assert {each.words[:34] for key, each in found.items() if key[1] != OTHERS} == {
        "utility 100000 refused it on 2026-"
    } and all("on 2026-10-20" in each.words for key, each in found.items() if key[1] != OTHERS)


def test_units_with_two_active_migrations_are_alarms_up_to_a_number() -> None:
    twins = [replace(OPEN, consumer_unit_code="UC-7"), replace(DONE, consumer_unit_code="UC-7")]
    assert [(key, each.name, each.words) for key, each in look(*twins).items()] == [
        (("duplicate", "UC-7"), "UC-7", "2 active migrations: 2026-11 CRIADA, 2026-11 CONCLUIDA")
    ]
    assert not look(twins[0], replace(twins[1], status="ENCERRADA"))
    many = [replace(OPEN, consumer_unit_code=f"U{number // 2}") for number in range(40)]
    found = look(*many)
    assert len(found) == MOST_SINGLE + 1
    assert found["duplicate", OTHERS].words.startswith("10 more units asked for twice: ")


def test_words_name_no_document_no_address_and_obey_nobody() -> None:
    said = "Documento 529.982.247-25 de padaria@example.com\n\x1b[31mnão confere"
    found = look(*due(TODAY), refused(TODAY, justification=said), *[replace(OPEN, consumer_unit_code="7")] * 2)
    words = " ".join(f"{each.name} {each.words}" for each in found.values())
    assert "não confere" in words and words.isprintable()
    for personal in ("529.982.247-25", "52998224725", "11222333000181", "11.222.333", "padaria"):
        assert personal not in words


def test_an_old_list_leaves_everything_as_it_was() -> None:
    watch, rows = CceeWatch(config()), apart([*due(TODAY, date(2026, 10, 19)), refused(TODAY)])
    before = watch.look(reading(rows), NOW)
    assert before and all(each.active for each in before)
    for readings in (reading([], Link.STALE), reading([], Link.WAITING), []):
        later = watch.look(readings, NOW + timedelta(days=1))
        assert [(each.rule, each.object_id, each.active) for each in later] == [
            (each.rule, each.object_id, None) for each in before
        ]
    assert not watch.look(reading([]), NOW)


def test_a_list_is_weighed_once_a_day_and_again_in_another_language() -> None:
    watch, found = CceeWatch(config()), reading(apart(due(TODAY)))
    first = watch.look(found, NOW)
    assert watch.look(found, NOW + timedelta(hours=1)) is first
    assert watch.look(found, NOW + timedelta(days=1)) is not first
    language.use("pt_BR")
    assert watch.look(found, NOW + timedelta(days=1))[0].words.endswith("20/10/2026: UC 0.000.000.000.000-00")


# Made to fire by the simulated CCEE


class Bench:
    """A simulated CCEE, an agent of it, its watch and its alarms, and a clock for all that is moved by hand."""

    def __init__(self, folder: Path) -> None:
        start = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
        self.clock = ManualClock(start)
        self.simulator = CceeSimulator(
            SimulatorOptions(start=start), monotonic=self.clock.monotonic, sleep=self.clock.sleep
        )
        self.http = HttpClients(
            mounts={ORIGIN: SimulatedTransport(self.simulator.app)}, only_mounted=True, clock=self.clock
        )
        settings = config()
        self.source = CceeSource(settings, Context(self.http, folder, self.clock))
        self.watch = SYSTEM.watch(settings)
        self.alarms = Alarms([(SYSTEM, settings)], folder / "alarms.jsonl", self.clock, AlarmsConfig(), who="ana")

    async def look(self, later: timedelta = timedelta()) -> dict[tuple[str, str], Condition]:
        """What the watch finds after another poll, which the alarms hear of as well."""
        self.clock.advance(later.total_seconds())
        reading, now = await self.source.feed.poll(), self.clock.now()
        self.alarms.look(self.source.id, [reading], now)
        self.alarms.tick(now)
        return by_object(self.watch.look([reading], now))

    def alarm(self, key: tuple[str, str]) -> Alarm | None:
        return self.alarms.find(f"ccee/varejo:ccee.{key[0]}:{key[1]}")

    def is_raised_and_acknowledged(self, key: tuple[str, str]) -> None:
        """The alarm is there, and stays when somebody has seen it."""
        alarm = self.alarm(key)
        assert alarm is not None and alarm.state is AlarmState.UNACKNOWLEDGED and alarm.words
        assert self.alarms.acknowledge([alarm.id]) == [alarm.id]
        seen = self.alarm(key)
        assert seen is not None and seen.state is AlarmState.ACKNOWLEDGED

    def is_cleared(self, key: tuple[str, str]) -> None:
        """The alarm goes once its cause has been gone for as long as a row may be missing."""
        self.clock.advance(BLINK_S - 1)
        self.alarms.tick(self.clock.now())
        assert self.alarm(key) is not None
        self.clock.advance(2)
        self.alarms.tick(self.clock.now())
        assert self.alarm(key) is None

    @property
    def rows(self) -> Sequence[Migration]:
        snapshot = self.source.feed.reading.snapshot
        assert snapshot is not None
        return snapshot.migrations


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    await made.http.aclose()


def rules_of(found: dict[tuple[str, str], Condition]) -> set[str]:
    return {rule for rule, _ in found}


@pytest.mark.anyio
async def test_silent_utilities_make_answers_due_then_overdue_until_they_speak(bench: Bench) -> None:
    bench.simulator.set_fault("silent-utility")
    day = ("answer-due", "2026-11-26")
    found = await bench.look()
    assert day in found and ("answer-overdue", "2026-11-24") in found
    mine = [each for each in bench.rows if each.deadline == date(2026, 11, 26)]
    assert found[day].words.startswith(f"{len(mine)} answers are due on 2026-11-26: ")
    bench.is_raised_and_acknowledged(day)
    late = ("answer-overdue", "2026-11-26")
    found = await bench.look(timedelta(days=2))
    assert late in found and day not in found
    bench.is_raised_and_acknowledged(late)
    for each in mine:
        bench.simulator.approve(each.migration_id)
    assert late not in await bench.look()
    bench.is_cleared(late)
    assert bench.alarm(day) is None


@pytest.mark.anyio
async def test_a_refusal_is_an_alarm_until_its_unit_is_asked_for_again(bench: Bench) -> None:
    await bench.look()
    migration = next(each for each in bench.rows if each.editable and each.reference_month > "2027-01")
    bench.simulator.reject(migration.migration_id, "Código da UC errado")
    key = ("refused", migration.migration_id)
    found = await bench.look()
    assert found[key].words.endswith("refused it on 2026-11-25: Código da UC errado")
    bench.is_raised_and_acknowledged(key)
    bench.simulator.store.add(asked_again(bench, migration.migration_id))
    assert key not in await bench.look()
    bench.is_cleared(key)


def asked_again(bench: Bench, migration_id: str) -> Any:
    """The same unit, asked for again."""
    record = bench.simulator.store.migration(migration_id, AGENT)
    assert record is not None
    return replace(record, id=bench.simulator.store.new_id(), status="CRIADA")


@pytest.mark.anyio
async def test_a_refusal_grows_old(bench: Bench) -> None:
    bench.simulator.set_fault("silent-utility")
    await bench.look()
    migration = next(each for each in bench.rows if each.editable)
    bench.simulator.reject(migration.migration_id)
    assert ("refused", migration.migration_id) in await bench.look(timedelta(days=6))
    assert ("refused", migration.migration_id) not in await bench.look(timedelta(days=1))


@pytest.mark.anyio
async def test_a_unit_with_a_twin_is_an_alarm_while_it_has_one(bench: Bench) -> None:
    assert "duplicate" not in rules_of(await bench.look())
    bench.simulator.set_fault("twin-unit", "*1")
    found = await bench.look()
    (twin,) = (each for (rule, _), each in found.items() if rule == "duplicate")
    assert re.fullmatch(r"2 active migrations: (\S+) (CRIADA|CONCLUIDA), \1 \2", twin.words)
    key = ("duplicate", twin.object_id)
    bench.is_raised_and_acknowledged(key)
    assert key not in await bench.look()
    bench.is_cleared(key)


@pytest.mark.anyio
async def test_ten_thousand_migrations_are_a_handful_of_alarms(bench: Bench) -> None:
    bench.simulator.set_fault("many", "10000")
    bench.simulator.set_fault("page-size", "5000")
    found = await bench.look()
    assert len(bench.rows) == 10_000
    assert 1 <= len(found) <= 4 * (MOST_SINGLE + 1)
    assert not bench.watch.look([], bench.clock.now())[0].active


def test_the_rules_are_named_as_their_constants() -> None:
    assert [rule.name for rule in RULES] == [OVERDUE, DUE, REFUSED, TWICE]
