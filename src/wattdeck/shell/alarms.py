"""`wattdeck alarms`: what is open, taking note of it, what the rules are. Works beside a running app and without."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import click

from wattdeck.core.dates import moment_text
from wattdeck.core.errors import UsageError, WattdeckError
from wattdeck.core.language import plural, tr
from wattdeck.shell.context import AppContext
from wattdeck.shell.ranges import FiniteRange
from wattdeck.shell.speech import form_option
from wattdeck.shell.words import EXIT_NOTHING, EXIT_PROBLEM, say

if TYPE_CHECKING:
    from wattdeck.core.alarm import AlarmRule
    from wattdeck.core.alarms import Alarm, Alarms
    from wattdeck.core.config import AlarmsConfig
    from wattdeck.core.deck import Deck
    from wattdeck.core.sources import Pairs

FLOOD = 10
"""More alarms in ten minutes than this are more than a person can handle."""
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

demo_option = click.option("--demo", "use_demo", is_flag=True, help="The demo's alarms, which are a file of their own.")


@click.group("alarms")
def alarms_group() -> None:
    """List, acknowledge and shelve alarms, and explain their rules.

    Exit codes of `list` and `check`: 0 no alarm is open, 1 alarms are open, 2 wrong use or configuration, 3 nothing
    could be read. The other commands: 0 done, 1 it could not be written down, 2 wrong use.

    An alarm is named by its id, which `list` prints, or by a part of it that no other has.
    """


@alarms_group.command("list")
@click.option("--all", "shelved", is_flag=True, help="Shelved alarms too.")
@form_option("text", "json")
@demo_option
@click.pass_obj
def list_alarms(app: AppContext, shelved: bool, form: str, use_demo: bool) -> None:
    """Print the open alarms, worst first, as the last session that looked left them."""
    from wattdeck.shell.output import put

    alarms = _taken_up(app, use_demo)
    shown = [*alarms.open, *(alarms.shelved if shelved else ())]
    now = datetime.now().astimezone()
    put([_row(alarm) for alarm in shown], form, (line for alarm in shown for line in _lines(alarm, now)))
    if not shown and form == "text" and not alarms.trouble:
        click.echo(tr("no alarms"))
    if alarms.flood > FLOOD:
        say(tr("{count} alarms in the last ten minutes; look at those marked as first", count=alarms.flood))
    # What cannot be read may hold alarms: that is not the same as none.
    none = EXIT_NOTHING if alarms.trouble else 0
    click.get_current_context().exit(EXIT_PROBLEM if alarms.open else none)


@alarms_group.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Every open alarm.")
@demo_option
@click.pass_obj
def ack(app: AppContext, ids: Sequence[str], everything: bool, use_demo: bool) -> None:
    """Take note of alarms. One whose condition is gone leaves the list."""
    if everything == bool(ids):
        raise UsageError(tr("name the alarms to acknowledge, or say --all"))
    alarms = _taken_up(app, use_demo)
    wanted = None if everything else [_meant(each, alarms.open).id for each in ids]
    done = alarms.acknowledge(wanted)
    _write_down(alarms)
    for alarm in done:
        click.echo(alarm)
    if not done and alarms.trouble:
        raise WattdeckError(alarms.trouble)
    if not done:
        say(tr("nothing was left to acknowledge"))


@alarms_group.command()
@click.argument("alarm_id", metavar="ID")
@click.option(
    "--for", "duration", metavar="TIME", default="30m", show_default=True, help="For how long: 90s, 30m, 2h, 7d."
)
@click.option("--reason", required=True, help="Why, for whoever looks for the alarm.")
@demo_option
@click.pass_obj
def shelve(app: AppContext, alarm_id: str, duration: str, reason: str, use_demo: bool) -> None:
    """Take an alarm off the list for a time, a week at most."""
    alarms = _taken_up(app, use_demo)
    alarm = _meant(alarm_id, [*alarms.open, *alarms.shelved])
    until = datetime.now().astimezone() + _duration(duration)
    alarms.shelve(alarm.id, until, reason)
    _write_down(alarms)
    click.echo(tr("{alarm} is shelved until {time}", alarm=alarm.id, time=moment_text(until)))


@alarms_group.command()
@click.argument("alarm_id", metavar="ID")
@demo_option
@click.pass_obj
def unshelve(app: AppContext, alarm_id: str, use_demo: bool) -> None:
    """Put a shelved alarm back on the list."""
    alarms = _taken_up(app, use_demo)
    alarm = _meant(alarm_id, alarms.shelved)
    alarms.unshelve(alarm.id)
    _write_down(alarms)
    click.echo(alarm.id)


@alarms_group.command()
@form_option("text", "json")
@click.pass_obj
def rules(app: AppContext, form: str) -> None:
    """Print every rule: priority, delays, what it means and what to do."""
    from wattdeck.core.alarm_watch import GENERIC_RULES
    from wattdeck.shell.output import put

    every = [*GENERIC_RULES, *(rule for system in app.systems.values() for rule in system.alarm_rules())]
    put([_rule_row(rule) for rule in every], form, (line for rule in every for line in _rule_lines(rule)))


@alarms_group.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--demo", "use_demo", is_flag=True, help="Read the embedded simulators.")
@click.option(
    "--timeout", type=FiniteRange(0.1, 3600), default=30.0, show_default=True,
    help="Seconds to wait for every feed's first answer.",
)  # fmt: skip
@form_option("text", "json")
@click.pass_obj
def check(app: AppContext, sources: Sequence[str], use_demo: bool, timeout: float, form: str) -> None:
    """Read the sources once and print what would be an alarm now.

    A single look knows no time: delays do not count, and nothing is remembered.
    """
    from wattdeck.shell.headless import open_deck
    from wattdeck.shell.output import put

    found, answered = anyio.run(_look_once, open_deck(app, use_demo), sources, timeout)
    now = datetime.now().astimezone()
    put([_row(alarm) for alarm in found], form, (line for alarm in found for line in _lines(alarm, now)))
    if form == "text":
        if not found:
            click.echo(tr("no alarms"))
        say(tr("a single look: delays do not count, and nothing is remembered"))
    code = EXIT_PROBLEM if found else 0
    click.get_current_context().exit(code if answered else EXIT_NOTHING)


async def _look_once(deck: Deck, names: Sequence[str], timeout_s: float) -> tuple[list[Alarm], bool]:
    """What is the case now, and whether any source answered."""
    from wattdeck.core.reading import Link
    from wattdeck.shell.headless import choose

    async with deck.hub as hub:
        chosen = choose(list(hub.sources), names)
        for source in chosen:
            deck.alarms.look(source, hub.readings(source), hub.clock.now())
        await hub.once(chosen, timeout_s=timeout_s)
        answered = any(reading.link is Link.LIVE for source in chosen for reading in hub.readings(source))
        return deck.alarms.at_once(), answered


def _taken_up(app: AppContext, use_demo: bool) -> Alarms:
    """The alarms as they are remembered, with whose time is over back on the list.

    Raises:
        ConfigError: there is no configuration, or it cannot be used, or it has no source.
        UsageError: alarms are switched off.
    """
    from wattdeck.core.alarms import Alarms
    from wattdeck.core.clock import SYSTEM_CLOCK
    from wattdeck.core.config import AlarmsConfig
    from wattdeck.core.journal import Journal
    from wattdeck.core.paths import alarms_path, journal_path

    pairs, folder, settings, scope = _place(app, use_demo)
    if settings is not None and not settings.enabled:
        raise UsageError(tr("alarms are switched off: [alarms] has enabled = false"))
    journal = Journal(journal_path(folder), SYSTEM_CLOCK)
    hooks = None
    if settings is not None and (settings.command or settings.webhook is not None):
        from wattdeck.core.alarm_hooks import AlarmHooks

        hooks = AlarmHooks(settings, journal, SYSTEM_CLOCK)
    alarms = Alarms(
        pairs, alarms_path(folder), SYSTEM_CLOCK, settings or AlarmsConfig(),
        who=str(journal.who["user"]), session=journal.session, scope=scope, hooks=hooks,
    )  # fmt: skip
    alarms.load()
    alarms.tick(SYSTEM_CLOCK.now())
    alarms.save()
    anyio.run(alarms.run_hooks)
    if alarms.trouble:
        say(alarms.trouble)
    return alarms


def _place(app: AppContext, use_demo: bool) -> tuple[Pairs, Path, AlarmsConfig | None, str]:
    """Sources, folder of the state, settings (the demo has none) and scope."""
    from wattdeck.core.paths import state_dir
    from wattdeck.core.sources import demo_sources
    from wattdeck.core.system import SimulatorOptions
    from wattdeck.shell.headless import configured

    if use_demo:
        return demo_sources(app.systems, SimulatorOptions(), None)[0], state_dir() / "demo", None, ""
    settings, pairs = configured(app)
    return pairs, state_dir(), settings.alarms, str(settings.path.absolute())


def _write_down(alarms: Alarms) -> None:
    """Write what was done, and tell of it where the settings say so.

    Raises:
        WattdeckError: it could not be written.
    """
    alarms.save()
    anyio.run(alarms.run_hooks)
    if alarms.unsaved:
        raise WattdeckError(alarms.trouble)


def _meant(part: str, among: Sequence[Alarm]) -> Alarm:
    """The alarm that was named, by its id or by a part of it.

    Raises:
        UsageError: there is none, or there are several.
    """
    exact = [alarm for alarm in among if alarm.id == part]
    found = exact or [
        alarm for alarm in among if part.casefold() in alarm.id.casefold() or part.casefold() in alarm.name.casefold()
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(tr("there is no alarm {name}; `wattdeck alarms list --all` prints their ids", name=repr(part)))
    several = ", ".join(alarm.id for alarm in found[:5]) + (" …" if len(found) > 5 else "")
    raise UsageError(tr("{name} may be any of {count} alarms: {ids}", name=repr(part), count=len(found), ids=several))


def _duration(text: str) -> timedelta:
    """A time as people write it: `90s`, `30m`, `2h`, `7d`.

    Raises:
        UsageError: it is none.
    """
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text.strip().lower())
    if found is None:
        raise UsageError(tr("{text} is no time; write it like 30m, 2h or 1d", text=repr(text)))
    return timedelta(seconds=int(found[1]) * UNITS_S[found[2]])


def _row(alarm: Alarm) -> dict[str, Any]:
    rule = alarm.rule
    return {
        "id": alarm.id,
        "source": alarm.source,
        "rule": rule.name,
        "priority": str(rule.priority),
        "object_id": alarm.object_id,
        "name": alarm.name,
        "state": str(alarm.state),
        "title": rule.title,
        "words": alarm.words,
        "consequence": rule.consequence,
        "action": rule.action,
        "since": alarm.since,
        "changed_at": alarm.changed_at,
        "acknowledged_by": alarm.acknowledged_by,
        "shelved_until": alarm.shelved_until,
        "shelved_reason": alarm.shelved_reason,
        "count": alarm.count,
        "first_out": alarm.first_out,
    }


def _lines(alarm: Alarm, now: datetime) -> Iterator[str]:
    """An alarm for a person: what, since when, how it stands, and its id."""
    from wattdeck.core.alarm_view import PRIORITY_MARKS, state_word
    from wattdeck.core.units import since

    named = alarm.name if alarm.name.casefold() not in alarm.words.casefold() else ""
    said = ": ".join(filter(None, (tr(alarm.rule.title), named, alarm.words)))
    mark, state = PRIORITY_MARKS[alarm.rule.priority], state_word(alarm.state)
    yield f"{mark:<3} {state:<15} {since(alarm.since, now):<11}  {alarm.source}  {said}"
    notes = [alarm.id]
    if alarm.count > 1:
        notes.append(plural("{count} time", "{count} times", alarm.count))
    if alarm.first_out:
        notes.append(tr("first of several"))
    if alarm.acknowledged_by:
        notes.append(tr("acknowledged by {who}", who=alarm.acknowledged_by))
    if alarm.shelved_until is not None:
        notes.append(
            tr("shelved until {time}: {reason}", time=since(alarm.shelved_until, now), reason=alarm.shelved_reason)
        )
    yield "    " + "; ".join(notes)


def _rule_row(rule: AlarmRule) -> dict[str, Any]:
    return {
        "rule": rule.name,
        "priority": str(rule.priority),
        "on_delay_s": rule.on_delay_s,
        "off_delay_s": rule.off_delay_s,
        "title": rule.title,
        "consequence": rule.consequence,
        "action": rule.action,
    }


def _rule_lines(rule: AlarmRule) -> Iterator[str]:
    from wattdeck.core.alarm_view import PRIORITY_MARKS, priority_word

    mark = f"{PRIORITY_MARKS[rule.priority]} {priority_word(rule.priority)}"
    delays = tr("comes after {on} s, goes after {off} s", on=f"{rule.on_delay_s:g}", off=f"{rule.off_delay_s:g}")
    yield f"{rule.name:<24} {mark:<10} {tr(rule.title)} ({delays})"
    yield f"    {tr(rule.consequence)}"
    yield f"    {tr(rule.action)}"
