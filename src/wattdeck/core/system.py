"""What a system must declare to be part of the deck, and how systems are found.

A system is one subclass of `System`, exported under the entry-point group `wattdeck.systems`. Everything dear is
behind a method that imports when called, so that naming the systems costs nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.reading import Reading, SourceId

if TYPE_CHECKING:
    import ssl
    from contextlib import AbstractAsyncContextManager

    import click
    from textual.screen import Screen

    from wattdeck.core.alarm import AlarmRule, Watch
    from wattdeck.core.config import SourceConfig
    from wattdeck.core.feed import Feed
    from wattdeck.core.finding import Finding
    from wattdeck.core.http import HttpClients
    from wattdeck.core.lines import Line
    from wattdeck.core.matters import Matters
    from wattdeck.core.operable import Operable
    from wattdeck.core.units import Glyphs


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """How a simulator starts. Same options, same answers."""

    seed: int = 1
    speed: float = 1.0
    """Simulated seconds per second."""
    start: datetime | None = None
    """Simulated time at the start; None = now."""
    faults: Mapping[str, str | None] = field(default_factory=dict)
    """Fault name -> value, on from the start."""
    api: str = ""
    """Which of `System.simulator_apis` to speak; empty: the first."""
    serial: str = ""
    """Who the simulated device says it is, of a system whose simulator can be told; empty: its own."""


class Simulator(Protocol):
    """The other side of a wire: an ASGI app speaking the real protocol, with `/_sim/` controls."""

    @property
    def app(self) -> Any:
        """The ASGI application."""
        ...


@dataclass(frozen=True, slots=True)
class Beside:
    """What a simulator on a port has besides its HTTP application."""

    tls: ssl.SSLContext | None = None
    """For the same application over HTTPS; None: plain HTTP alone."""
    words: Sequence[str] = ()
    """What whoever started it should know."""


@runtime_checkable
class Accompanied(Protocol):
    """A simulator with more to it than HTTP."""

    def beside(self, host: str, ports: Mapping[str, int]) -> AbstractAsyncContextManager[Beside]:
        """Run what belongs beside the HTTP application, as long as the context is open.

        Args:
            host: Address to listen on.
            ports: Port by the name of its protocol; without one any free port is taken.

        Raises:
            UsageError: it cannot run, or has no use for one of the ports.
        """
        ...


@dataclass(frozen=True, slots=True)
class Demo:
    """Embedded simulators and the sources that point at them."""

    sources: Sequence[SourceConfig]
    apps: Mapping[str, Any]
    """Origin -> what answers there: an ASGI application for `http://host:port`; for any other scheme, such as
    `mqtts://host:port`, what the system itself takes in place of a connection (`Context.stand_ins`)."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a source may use of the engine."""

    http: HttpClients
    state_dir: Path
    """Where the source may keep small files of its own."""
    clock: Clock = SYSTEM_CLOCK
    demo: bool = False
    stand_ins: Mapping[str, Any] = field(default_factory=dict)
    """In the demo, what answers at origins that are not HTTP. Nothing else may be connected to then."""


class Source(Protocol):
    """One opened endpoint: its feeds, and its side of commands if it has any."""

    @property
    def id(self) -> SourceId: ...

    @property
    def feeds(self) -> Sequence[Feed[Any]]: ...

    @property
    def operable(self) -> Operable | None: ...

    async def aclose(self) -> None: ...


class System(ABC):
    """One kind of source: how to configure, open, show, command and simulate it."""

    name: ClassVar[str]
    """Short lower-case name: the config table, the shell group, the first half of a source id."""
    title: ClassVar[str]
    """What people call it: `SPAN`."""
    summary: ClassVar[str]
    """One line for `--help`."""
    simulator_apis: ClassVar[tuple[str, ...]] = ()
    """The protocols its simulator can speak, if more than one; the first unless told otherwise."""
    simulator_takes_serial: ClassVar[bool] = False
    """Its simulator can be told its serial, so that several are told apart."""

    @abstractmethod
    def config_model(self) -> type[SourceConfig]:
        """The settings of one source."""

    @abstractmethod
    def open(self, config: SourceConfig, context: Context) -> Source:
        """Make a source. Opens no connection yet."""

    def replayed(self, config: SourceConfig, context: Context) -> Source | None:
        """A source for a replay, where the screen asks its source for more than readings; None: it does not.

        It asks nobody: its readings come from the recording, each to its method `take_recorded` as well if it has one.

        Args:
            config: Made by `SourceConfig.replayed`.
        """
        del config, context
        return None

    @abstractmethod
    def text_lines(self, readings: Sequence[Reading[Any]], now: datetime) -> Iterable[str]:
        """The source's section of the text snapshot: every number with its unit."""

    def first_lines(self, readings: Sequence[Reading[Any]], now: datetime, width: int, marks: Glyphs) -> Sequence[Line]:
        """The screen's own lines for the very first frame, from what was last known; loads no Textual."""
        del readings, now, width, marks
        return ()

    def screen(self) -> type[Screen[Any]] | None:
        """The Textual screen, or None if the system has none."""
        return None

    def cli(self) -> click.Command | None:
        """The shell group, or None."""
        return None

    def simulator(self, options: SimulatorOptions) -> Simulator | None:
        """A simulator for `wattdeck simulate`, or None if there is none."""
        del options
        return None

    def demo(self, options: SimulatorOptions, poll_s: float | None) -> Demo | None:
        """Embedded simulators and sources for `wattdeck demo`, or None."""
        del options, poll_s
        return None

    def trend_values(self, feed: str, snapshot: Any) -> Mapping[str, float | None]:
        """The values of a snapshot worth a sparkline or a plot, by key; None = unknown."""
        del feed, snapshot
        return {}

    def earlier_trends(self, snapshot: Any, key: str) -> Sequence[str]:
        """The keys of `trend_values` whose sum a new key was known as before, so that it keeps its past."""
        del snapshot, key
        return ()

    def matters(self, readings: Sequence[Reading[Any]], now: datetime) -> Matters:
        """A source in three or four numbers, for the overview. Called with every answer: quick, loads no Textual."""
        from wattdeck.core.matters import Matters

        del readings, now
        return Matters()

    def alarm_rules(self) -> Sequence[AlarmRule]:
        """The alarms the system knows, in the order in which settings and help list them."""
        return ()

    def watch(self, config: SourceConfig) -> Watch | None:
        """Who looks for alarms in one source's readings, by its settings; None: nobody."""
        del config
        return None

    def way_in(self, config: SourceConfig) -> str:
        """What a person does when the source does not let us in, in words; empty: the error says it."""
        del config
        return ""

    async def findings(self, config: SourceConfig, context: Context) -> Sequence[Finding]:
        """What else there is to say when somebody asks whether a source can be reached; nothing is stored or changed.

        Args:
            context: Connections of their own, and the real state directory.
        """
        del config, context
        return ()

    def snapshot_types(self) -> Mapping[str, type[Any]]:
        """Feed name -> frozen model of its `data`, for the JSON Schema."""
        return {}
