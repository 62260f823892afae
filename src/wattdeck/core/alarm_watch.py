"""What is the case at one source now: the conditions of its system's rules, and those that every source has."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wattdeck.core.alarm import AlarmRule, Condition, Priority, Watch
from wattdeck.core.language import later, tr
from wattdeck.core.reading import Link, Reading, SourceId
from wattdeck.core.text import clean

if TYPE_CHECKING:
    from wattdeck.core.config import SourceConfig
    from wattdeck.core.system import System

log = logging.getLogger(__name__)

LINK_DELAY_MOST_S = 60.0
LINK_LOST = AlarmRule(
    "link.lost",
    Priority.HIGH,
    later("Source lost"),
    later("Nothing is known of the source, and nothing of it can be commanded; its other alarms stay as they were."),
    later("Look at its power and network; `wattdeck doctor` says what does not answer."),
    on_delay_s=LINK_DELAY_MOST_S,
)
COMMAND_UNCONFIRMED = AlarmRule(
    "command.unconfirmed",
    Priority.HIGH,
    later("Command not confirmed"),
    later("What was commanded may not be as it was meant."),
    later("Look at the equipment or the record itself, then acknowledge."),
)
GENERIC_RULES = (LINK_LOST, COMMAND_UNCONFIRMED)
"""Rules that every source has. A command's alarm has no condition that could end: it stays until acknowledged."""
_GENERIC = {rule.name: rule for rule in GENERIC_RULES}

FIRST_ANSWER_S = 120.0
"""How long a source may take for its first answer."""
SETTLING_S = 120.0
"""Until then, objects of a feed that has not answered yet are not taken as gone."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found at one source."""

    conditions: Sequence[Condition]
    whole: bool
    """What is not among the conditions is well. Else it is not known."""


class SourceWatch:
    """One source's rules and what they find. Never raises what a system's watch raises."""

    def __init__(self, source: SourceId, system: System, config: SourceConfig, began: datetime) -> None:
        self.source = source
        self.off = frozenset(config.alarms.off)
        self._system = system
        self._config = config
        self._began = began
        self._failed = False
        self._unknown: set[str] = set()

    @cached_property
    def rules(self) -> Mapping[str, AlarmRule]:
        """All rules by name, the generic ones first. Those of the system are loaded when somebody needs them."""
        return {rule.name: rule for rule in (*GENERIC_RULES, *self._system.alarm_rules())}

    def rule(self, name: str) -> AlarmRule:
        """The rule of a condition that was found."""
        return _GENERIC.get(name) or self.rules[name]

    @cached_property
    def _watch(self) -> Watch | None:
        """Who looks for the system: made for the first answer there is to look at."""
        return self._system.watch(self._config)

    def look(self, readings: Sequence[Reading[Any]], now: datetime) -> Seen:
        """Every condition that can be judged now."""
        link = self._link(readings[0]) if readings else None
        if link is None:
            return Seen((), whole=False)
        generic = [] if LINK_LOST.name in self.off else [link]
        if readings[0].link is not Link.LIVE:
            return Seen(generic, whole=False)
        found = self._of_system(readings, now)
        if found is None:
            return Seen(generic, whole=False)
        settled = now - self._began >= timedelta(seconds=SETTLING_S)
        asked = all(reading.link is not Link.WAITING for reading in readings)
        return Seen([*generic, *found], whole=settled or asked)

    def _link(self, first: Reading[Any]) -> Condition:
        """The source is lost when its first feed is; what the others lack is said on its screen."""
        name = LINK_LOST.name
        match first.link:
            case Link.LIVE:
                return Condition(name, active=False)
            case Link.WAITING if first.snapshot is not None and not first.restored:
                return Condition(name, active=None)
            case Link.WAITING:
                words = tr("{source} has not answered yet", source=self.source)
                return Condition(name, active=True, words=words, on_delay_s=FIRST_ANSWER_S)
            case Link.REFUSED:
                words = tr("Access to {source} is refused: {problem}", source=self.source, problem=first.problem)
                return Condition(name, active=True, words=words, on_delay_s=0.0)
            case _:
                words = tr("{source} is lost: {problem}", source=self.source, problem=first.problem)
                # So long that it has been asked a second time.
                delay_s = min(first.interval_s, LINK_DELAY_MOST_S)
                return Condition(name, active=True, words=words, on_delay_s=delay_s)

    def _of_system(self, readings: Sequence[Reading[Any]], now: datetime) -> list[Condition] | None:
        """What the system's own watch finds; None if it failed, which is not the same as nothing."""
        try:
            if self._watch is None:
                return []
            found = [self._cleaned(each) for each in self._watch.look(readings, now)]
        except Exception:
            if not self._failed:
                log.exception("%s: looking for alarms failed", self.source)
            self._failed = True
            return None
        self._failed = False
        return [each for each in found if self._is_known(each.rule) and each.rule not in self.off]

    def _is_known(self, rule: str) -> bool:
        if rule in self.rules:
            return True
        if rule not in self._unknown:
            log.error("%s: there is no alarm rule %r", self.source, rule)
            self._unknown.add(rule)
        return False

    @staticmethod
    def _cleaned(found: Condition) -> Condition:
        object_id, name, words = clean(found.object_id, 160), clean(found.name, 120), clean(found.words, 300)
        if (object_id, name, words) == (found.object_id, found.name, found.words):
            return found
        return replace(found, object_id=object_id, name=name, words=words)


@dataclass
class Timer:
    """How long one condition has held, or has been gone. Time in which it was not known does not count."""

    on_since: datetime | None = None
    off_since: datetime | None = None
    unknown_since: datetime | None = None

    def freeze(self, now: datetime) -> None:
        """From now on it is not known."""
        if self.unknown_since is None:
            self.unknown_since = now

    def lasted(self, holds: bool, now: datetime) -> timedelta:
        """It is known now that the condition holds, or that it is gone: for how long already."""
        if self.unknown_since is not None:
            gap = now - self.unknown_since
            self.on_since = self.on_since and self.on_since + gap
            self.off_since = self.off_since and self.off_since + gap
            self.unknown_since = None
        began = self.on_since if holds else self.off_since
        # A clock that was set back must not make it wait for hours.
        began = now if began is None else min(began, now)
        self.on_since, self.off_since = (began, None) if holds else (None, began)
        return now - began

    def reset(self) -> None:
        """Neither holds nor is gone: inside the dead band."""
        self.on_since = self.off_since = self.unknown_since = None


@dataclass
class Judge:
    """Turns conditions into what happens to alarms, by delays and dead band. Knows one session's own view alone."""

    timers: dict[str, Timer] = field(default_factory=dict)

    def verdict(self, alarm: str, found: Condition, rule: AlarmRule, on: bool, now: datetime) -> bool | None:
        """True: raise it. False: it has returned. None: nothing changes."""
        timer = self.timers.get(alarm)
        if timer is None:
            if not found.active and not on:
                return None
            timer = self.timers[alarm] = Timer()
        if found.active is None:
            timer.freeze(now)
            return None
        if found.active:
            lasted = timer.lasted(True, now)
            delay_s = rule.on_delay_s if found.on_delay_s is None else found.on_delay_s
            return True if not on and lasted >= timedelta(seconds=delay_s) else None
        if not on:
            del self.timers[alarm]
            return None
        if found.holds:
            timer.reset()
            return None
        if timer.lasted(False, now) < timedelta(seconds=rule.off_delay_s):
            return None
        del self.timers[alarm]
        return False

    def freeze(self, alarms: Sequence[str], now: datetime) -> None:
        """Nothing is known of these now."""
        for alarm in alarms:
            if alarm in self.timers:
                self.timers[alarm].freeze(now)


def alarm_id(source: SourceId, rule: str, object_id: str) -> str:
    """What an alarm is called in files, exports and the shell; the same in every run."""
    return f"{source}:{rule}:{object_id}" if object_id else f"{source}:{rule}"


def unknown_rules(systems: Mapping[str, System], sources: Mapping[str, SourceConfig]) -> list[str]:
    """A sentence for each name in `alarms.off` that no rule has."""
    problems = []
    for source, config in sources.items():
        if not config.alarms.off:
            continue
        known = [rule.name for rule in (*GENERIC_RULES, *systems[source.partition("/")[0]].alarm_rules())]
        problems += [
            tr(
                '{source}: `alarms.off` names "{name}", which is no rule; `wattdeck alarms rules` lists them',
                source=source, name=clean(name, 80),
            )
            for name in config.alarms.off if name not in known
        ]  # fmt: skip
    return problems
