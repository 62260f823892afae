"""Everything one session runs on: sources, control, journal, settings. Opened once, closed in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio
from anyio import to_thread

from wattdeck.core.alarms import Alarms
from wattdeck.core.clock import SYSTEM_CLOCK, Clock, clock_from
from wattdeck.core.command import ControlChanged, Lockout, Policy, shown_name
from wattdeck.core.config import AlarmsConfig, SafetyConfig, SourceConfig, UiConfig
from wattdeck.core.control import Control
from wattdeck.core.errors import ConfigError
from wattdeck.core.hub import Hub
from wattdeck.core.journal import Journal
from wattdeck.core.language import tr
from wattdeck.core.locks import Locks
from wattdeck.core.operable import Operable
from wattdeck.core.paths import alarms_path, journal_path, runtime_dir, state_dir
from wattdeck.core.reading import Reading, SourceId
from wattdeck.core.sources import Pairs, demo_sources, sources_of
from wattdeck.core.system import SimulatorOptions, System

if TYPE_CHECKING:
    from wattdeck.core.recorder import Recorder
    from wattdeck.core.replay import ReplayHub
    from wattdeck.core.settings import Settings


def policy_of(config: SourceConfig) -> Policy:
    """The rules of one source's configuration, in the words of control."""
    safety = config.safety
    common = Policy(
        control=config.control,
        select_timeout_s=safety.select_timeout_s,
        max_operations_per_hour=safety.max_operations_per_hour,
    )
    if not isinstance(safety, SafetyConfig):
        return common
    return replace(
        common,
        lockouts={entry.circuit: Lockout(entry.reason, entry.owner, entry.since) for entry in safety.lockouts},
        motors=frozenset(safety.motors),
        motor_rest_s=safety.motor_rest_s,
        feeds_this_session=frozenset(safety.feeds_this_session),
        open_above_a=safety.open_above_a,
        close_threshold_w=safety.close_threshold_w,
        always_confirm_patterns=safety.type_name_patterns,
        grid_off_override=safety.grid_off_override,
    )


@dataclass
class Deck:
    """A session. Use as an async context manager: leaving it writes what is open and closes connections."""

    hub: Hub
    control: Control
    journal: Journal
    alarms: Alarms
    ui: UiConfig
    read_only: bool = False
    demo_mode: bool = False
    warnings: tuple[str, ...] = ()
    pairs: Pairs = ()
    """What the sources were opened from."""
    replay: ReplayHub | None = None
    """The hub of a replay; None where sources are asked."""
    recorder: Recorder | None = None
    """What is being recorded now."""
    _open: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False)

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self.hub)
        # Control ends first: what becomes of its last command may be an alarm.
        await self._open.enter_async_context(self.alarms)
        await self._open.enter_async_context(self.control)
        for source in self.hub.sources:
            self.alarms.look(source, self.hub.readings(source), self.hub.clock.now())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self.stop_recording()
        await self._open.aclose()

    @classmethod
    def from_settings(cls, settings: Settings, systems: Mapping[str, System], *, keep_last: bool = True) -> Deck:
        """A session on the configuration. Loads what sources need: call it in a thread while a screen is up.

        Raises:
            ConfigError: there is none, it cannot be used, or it has no source.
        """
        if not settings.exists:
            raise ConfigError(
                tr("there is no configuration at {file}; `wattdeck config init` writes one", file=settings.path)
            )
        pairs = sources_of(settings, systems)
        if not pairs:
            raise ConfigError(tr("{file}: there is no source in it; add a table like [[span]]", file=settings.path))
        folder = state_dir()
        hub = Hub(pairs, state_dir=folder, keep_last=keep_last)
        return make_deck(
            hub, pairs, settings.ui, folder,
            warnings=settings.warnings, alarms=settings.alarms, scope=str(settings.path.absolute()),
        )  # fmt: skip

    @classmethod
    def demo(
        cls, systems: Mapping[str, System], simulation: SimulatorOptions, poll_s: float | None, *, read_only: bool
    ) -> Deck:
        """A session on embedded simulators; commands reach nothing else."""
        pairs, apps = demo_sources(systems, simulation, poll_s)
        folder = state_dir() / "demo"
        clock = clock_from(simulation.start)
        hub = Hub(pairs, state_dir=folder, clock=clock, demo_apps=apps)
        ui = UiConfig.defaults().model_copy(update={"read_only": read_only})
        deck = make_deck(hub, pairs, ui, folder, demo=True, clock=clock)
        # A demo that is told when it is shows the same each time.
        deck.alarms.forgets = simulation.start is not None
        return deck

    @classmethod
    def replayed(cls, hub: ReplayHub, ui: UiConfig, *, warnings: tuple[str, ...] = ()) -> Deck:
        """A session on a recording: it commands nothing, and what it would write is gone with it."""
        from wattdeck.core.replayalarms import ReplayedAlarms

        folder, clock = hub.state_dir, hub.clock
        journal = Journal(journal_path(folder), clock)
        locks = Locks(folder / "locks", clock, journal.who)
        control = Control({}, {}, journal, locks, clock, read_only=ui.read_only, replay=True)
        pairs = [(hub.system_of(source), config) for source, config in hub.configs.items()]
        alarms = ReplayedAlarms(pairs, clock)
        alarms.follow(hub)
        said = (*warnings, *hub.warnings)
        return cls(hub, control, journal, alarms, ui, ui.read_only, warnings=said, replay=hub)

    async def start_recording(self, path: Path, *, force: bool = False, append: bool = False) -> Recorder:
        """Record every reading from now on into a file, beside what goes on anyway.

        Raises:
            NoRecording: that file cannot be made or continued, or this is a replay; the words say what to do.
        """
        if self.replay is not None:
            from wattdeck.core.recording import NoRecording

            raise NoRecording(tr("A replay is on show; its readings are recorded already."))
        if self.recorder is not None:
            await self.stop_recording()
        from wattdeck.core.recorder import start_recorder

        self.recorder = await start_recorder(self.hub, path, force=force, append=append)
        return self.recorder

    async def stop_recording(self) -> Recorder | None:
        """Write what waits and close the file; gives what was recorded."""
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            await to_thread.run_sync(recorder.stop)
        return recorder


def make_deck(
    hub: Hub,
    pairs: Pairs,
    ui: UiConfig,
    folder: Path,
    *,
    demo: bool = False,
    warnings: tuple[str, ...] = (),
    clock: Clock = SYSTEM_CLOCK,
    alarms: AlarmsConfig | None = None,
    scope: str = "",
) -> Deck:
    """Put a session together around an opened hub.

    Args:
        alarms: Who is told of alarms; None: nobody.
        scope: The configuration's file; empty for the demo.
    """
    journal = Journal(journal_path(folder), clock)
    operables: dict[SourceId, Operable] = {}
    policies: dict[SourceId, Policy] = {}
    for system, config in pairs:
        source = hub.sources[f"{system.name}/{config.name}"]
        if source.operable is not None:
            operables[source.id] = source.operable
        policies[source.id] = policy_of(config)
    locks = Locks((runtime_dir() if not demo else folder) / "locks", clock, journal.who)
    control = Control(operables, policies, journal, locks, clock, read_only=ui.read_only, demo=demo)
    watching = make_alarms(hub, pairs, journal, alarms or AlarmsConfig.defaults(), folder, scope, hooked=not demo)
    control.subscribe(lambda change: watching.on_control(change, _name_of(operables, change)))
    return Deck(hub, control, journal, watching, ui, ui.read_only, demo, warnings, pairs)


def make_alarms(
    hub: Hub, pairs: Pairs, journal: Journal, settings: AlarmsConfig, folder: Path, scope: str, *, hooked: bool
) -> Alarms:
    """The alarms of a session; they look at each reading of the hub.

    Args:
        hooked: Run the hooks there are settings for.
    """
    hooks = None
    if hooked and (settings.command or settings.webhook is not None):
        from wattdeck.core.alarm_hooks import AlarmHooks

        hooks = AlarmHooks(settings, journal, hub.clock)
    alarms = Alarms(
        pairs, alarms_path(folder), hub.clock, settings,
        who=str(journal.who.get("user") or ""), session=journal.session, scope=scope, hooks=hooks,
    )  # fmt: skip

    def arrived(reading: Reading[Any]) -> None:
        alarms.look(reading.source, hub.readings(reading.source), hub.clock.now())

    hub.subscribe(arrived)
    return alarms


def _name_of(operables: Mapping[SourceId, Operable], change: ControlChanged) -> str:
    """What people call the object of a command; empty if it is not among those that can be commanded."""
    operable = operables.get(change.source)
    if operable is None or not change.alarm:
        return ""
    found = (operable.facts(kind, change.object_id) for kind in operable.kinds())
    return next((shown_name(facts) for facts in found if facts is not None), "")


@asynccontextmanager
async def running(deck: Deck) -> AsyncIterator[Deck]:
    """Open a session and poll its sources until the block ends."""
    async with deck, anyio.create_task_group() as polling:
        polling.start_soon(deck.hub.run)
        polling.start_soon(deck.alarms.run)
        yield deck
        polling.cancel_scope.cancel()


@asynccontextmanager
async def made_running(make: Callable[[], Deck]) -> AsyncIterator[Deck]:
    """The same for a session that is yet to be made, in a thread: a screen stays up meanwhile.

    Raises:
        ConfigError: as `Deck.from_settings`.
    """
    async with running(await to_thread.run_sync(make)) as deck:
        yield deck
