"""`wattdeck alarms` as a person or a script uses it, beside a running session and without one."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from anyio.abc import TaskStatus
from anyio.from_thread import start_blocking_portal

from deck_app import on_stage
from wattdeck.cli import run as run_command_line
from wattdeck.core.alarm import AlarmRule, Condition, Priority
from wattdeck.core.alarms import Alarms, AlarmState
from wattdeck.core.clock import SYSTEM_CLOCK
from wattdeck.core.config import AlarmsConfig
from wattdeck.core.reading import Link, Reading
from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.simulator import SpanSimulator
from wattdeck.ui.attention import Attention

LOST, HOT = "span/home:link.lost", "span/home:test.hot:oven"


class Result:
    """What a command left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Shell = Callable[..., Result]


@pytest.fixture
def shell(deck_home: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    log = logging.getLogger("wattdeck")
    before = (log.handlers[:], log.level, log.propagate)

    def run(*arguments: str) -> Result:
        code = run_command_line(["alarms", *map(str, arguments)])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    yield run
    log.handlers[:], log.propagate = before[0], before[2]
    log.setLevel(before[1])


class Hot:
    """A watch that finds the oven hot."""

    def look(self, readings: Sequence[Reading[Any]], now: datetime) -> Sequence[Condition]:
        return [Condition("test.hot", "oven", "Oven", active=True, words="900 °C")]


@pytest.fixture
def config(deck_home: Path, tmp_path: Path) -> Path:
    path = tmp_path / "config" / "wattdeck" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('[[span]]\nname = "home"\nhost = "127.0.0.1"\nport = 9\ntoken = "x"\n')
    path.chmod(0o600)
    return path


@pytest.fixture
def session(config: Path, deck_home: Path, monkeypatch: pytest.MonkeyPatch) -> Alarms:
    """A session that runs beside the shell, with two alarms: a high one and a low one."""
    rule = AlarmRule("test.hot", Priority.LOW, "Too hot", "It burns.", "Switch it off.")
    monkeypatch.setattr(type(SYSTEM), "alarm_rules", lambda self: (rule,))
    monkeypatch.setattr(type(SYSTEM), "watch", lambda self, config: Hot())
    panel = SpanConfig.model_validate({"name": "home", "host": "127.0.0.1"})
    path = deck_home / "wattdeck" / "alarms.jsonl"
    alarms = Alarms([(SYSTEM, panel)], path, SYSTEM_CLOCK, AlarmsConfig(), session="app", scope=str(config))
    alarms.load()
    now = SYSTEM_CLOCK.now()
    reading: Reading[Any] = Reading("span/home", "panel", {}, Link.LIVE, now)
    alarms.look("span/home", [reading], now)
    alarms.look("span/home", [Reading("span/home", "panel", None, Link.REFUSED, problem="401")], now)
    alarms.save()
    return alarms


def test_list_says_what_is_open_and_acknowledging_reaches_the_other_session(shell: Shell, session: Alarms) -> None:
    listed = shell("list")
    assert listed.code == 1
    first, ident, second, _ = listed.out.splitlines()
    assert first.startswith("!!! unacknowledged") and "Source lost: Access to span/home is refused: 401" in first
    assert ident.strip() == LOST and second.startswith("!   unacknowledged") and "Too hot: Oven: 900 °C" in second
    rows = shell("list", "--format", "json").document
    assert [(row["id"], row["state"], row["priority"]) for row in rows] == [
        (LOST, "unacknowledged", "high"), (HOT, "unacknowledged", "low"),
    ]  # fmt: skip
    assert shell("ack", "oven").out == f"{HOT}\n"
    session.save()
    assert [alarm.state for alarm in session.open] == [AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED]
    assert session.open[1].acknowledged_by
    assert shell("ack", "--all").out == f"{LOST}\n"
    again = shell("ack", "--all")
    assert again.code == 0 and not again.out and "nothing was left" in again.err
    assert shell("list").code == 1, "open until the conditions are gone"


def test_what_is_done_in_the_shell_is_told_too(shell: Shell, session: Alarms, config: Path, tmp_path: Path) -> None:
    target = tmp_path / "told"
    tell = f"echo $WATTDECK_ALARM_EVENT $WATTDECK_ALARM_ID >> {target}"
    config.write_text(
        f'[alarms]\nhook_on = ["acknowledged"]\ncommand = ["/bin/sh", "-c", "{tell}"]\n{config.read_text()}'
    )
    shell("list")
    shell("ack", "oven")
    assert target.read_text() == f"acknowledged {HOT}\n"


def test_shelving_takes_an_alarm_off_the_list_for_a_time(shell: Shell, session: Alarms) -> None:
    assert shell("shelve", HOT, "--for", "2h", "--reason", "baking bread").code == 0
    session.save()
    (shelved,) = session.shelved
    assert shelved.shelved_reason == "baking bread" and shelved.shelved_until is not None
    assert 7100 < (shelved.shelved_until - SYSTEM_CLOCK.now()).total_seconds() <= 7200
    assert [row["id"] for row in shell("list", "--format", "json").document] == [LOST]
    assert "shelved until" in shell("list", "--all").out
    assert shell("unshelve", "hot").out == f"{HOT}\n"
    assert len(shell("list", "--format", "json").document) == 2


def test_an_alarm_that_was_seen_to_leaves_the_list_and_the_exit_code(shell: Shell, session: Alarms) -> None:
    shell("ack", "--all")
    session.save()
    session.settings = AlarmsConfig()
    now = SYSTEM_CLOCK.now()
    session._detector.watches["span/home"]._watch = None
    session.look("span/home", [Reading("span/home", "panel", {}, Link.LIVE, now)], now)
    session._detector._held.clear()
    session.look("span/home", [Reading("span/home", "panel", {}, Link.LIVE, now)], now)
    session.save()
    listed = shell("list")
    assert (listed.code, listed.out) == (0, "no alarms\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ack",), "name the alarms to acknowledge"),
        (("ack", "x", "--all"), "name the alarms to acknowledge"),
        (("ack", "nothing"), "there is no alarm 'nothing'"),
        (("ack", "span"), "'span' may be any of 2 alarms"),
        (("shelve", "oven"), "--reason"),
        (("shelve", "oven", "--reason", " "), "say why"),
        (("shelve", "oven", "--reason", "x", "--for", "8d"), "a week at most"),
        (("shelve", "oven", "--reason", "x", "--for", "soon"), "'soon' is no time"),
        (("unshelve", "oven"), "there is no alarm 'oven'"),
        (("list", "--format", "csv"), "csv"),
    ],
)
def test_wrong_use_is_refused_in_words(
    shell: Shell, session: Alarms, arguments: tuple[str, ...], words: str
) -> None:  # fmt: skip
    result = shell(*arguments)
    assert result.code == 2 and words in result.err and not result.out


def test_what_cannot_be_written_down_is_said_with_its_exit_code(shell: Shell, session: Alarms) -> None:
    session._memory._file.path.unlink()
    session._memory._file.path.mkdir()
    result = shell("list")
    assert result.code == 3 and "cannot" not in result.out and "not remembered" in result.err
    assert "no alarms" not in result.out
    assert shell("ack", "--all").code == 1


def test_without_a_configuration_it_says_what_to_do(shell: Shell) -> None:
    result = shell("list")
    assert result.code == 2 and "wattdeck config init" in result.err


def test_rules_are_explained_and_every_system_has_some(shell: Shell) -> None:
    rules = shell("rules", "--format", "json").document
    assert {rule["rule"].partition(".")[0] for rule in rules} >= {"link", "command", "span", "usms", "ccee", "aneel"}
    assert all(rule["consequence"] and rule["action"] and rule["priority"] for rule in rules)
    text = shell("rules").out
    assert "link.lost" in text and "!!! high" in text and "comes after 60 s" in text


def test_a_name_in_off_that_is_no_rule_is_a_warning(shell: Shell, config: Path) -> None:
    config.write_text(config.read_text() + '[span.alarms]\noff = ["span.over-limit", "span.overlimit"]\n')
    result = shell("list")
    assert '`alarms.off` names "span.overlimit", which is no rule' in result.err and result.code == 0


@contextmanager
def served(simulator: SpanSimulator) -> Iterator[int]:
    """The simulator on a loopback port."""

    async def serving(*, task_status: TaskStatus[str]) -> None:
        await serve(simulator.app, "127.0.0.1", 0, task_status.started)

    with start_blocking_portal() as portal:
        future, url = portal.start_task(serving)
        yield int(url.rpartition(":")[2])
        future.cancel()


def test_check_looks_once_and_says_what_would_be_an_alarm(shell: Shell, config: Path) -> None:
    simulator = SpanSimulator(SimulatorOptions(seed=1))
    simulator.clear_faults()
    token = simulator.issue_token()
    with served(simulator) as port:
        place = f'host = "127.0.0.1"\nport = {port}\ntoken = "{token}"\nretries = 0\n'
        config.write_text(f'[[span]]\nname = "home"\n{place}')
        well = shell("check")
        assert (well.code, well.out) == (0, "no alarms\n") and "delays do not count" in well.err
        simulator.set_fault("door-open", None)
        found = shell("check", "span", "--format", "json")
        assert found.code == 1 and [row["rule"] for row in found.document] == ["span.door-open"]
    gone = shell("check", "--timeout", "5")
    assert gone.code == 3 and "span/home is lost" in gone.out
    assert shell("list").code == 0, "nothing is remembered of a single look"


@pytest.mark.anyio
async def test_a_new_alarm_rings_once_in_the_app_and_only_if_asked(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        rung: list[str] = []
        assert deck.app._attention is not None, "off by default, and there"
        deck.app._attention = Attention("bell", "low", deck.bench.clock, rung.append)
        deck.bench.panels["home"].wire.cut = True
        await deck.wait(20)
        assert rung == ["\a"]


@pytest.mark.anyio
async def test_the_app_and_the_shell_see_each_others_acknowledgements(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        deck.bench.panels["home"].wire.cut = True
        await deck.wait(10)
        assert "1 alarm" in deck.header
        (alarm,) = deck.app.open_alarms
        assert alarm.state is AlarmState.UNACKNOWLEDGED and alarm.id == LOST
        panel = deck.bench.panels["home"].config
        path = deck_home / "alarms.jsonl"
        other = Alarms([(SYSTEM, panel)], path, deck.bench.clock, AlarmsConfig(), who="bea", session="shell")
        other.load()
        other.acknowledge()
        other.save()
        await deck.wait(2)
        (alarm,) = deck.app.open_alarms
        assert alarm.state is AlarmState.ACKNOWLEDGED and alarm.acknowledged_by == "bea"


def test_nan_is_no_number_of_seconds(shell: Shell, config: Path) -> None:
    asked = shell("check", "--timeout", "nan")
    assert asked.code == 2 and "nan is no number" in asked.err
