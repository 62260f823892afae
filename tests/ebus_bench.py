"""A simulated panel on a broker in this process, moved by hand, with an ear on what it publishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span.ebus import homie
from wattdeck.systems.span.ebus.stream import Message
from wattdeck.systems.span.simulator import SpanSimulator

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
HOME = "nt-2143-demo1"


class Ear:
    """Hears everything a broker publishes."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def offer(self, message: Message) -> None:
        self.heard.append((message.topic, message.payload.decode()))

    def stir(self) -> None:
        pass

    def lose(self) -> None:
        self.heard.append(("", "connection lost"))


class Bench:
    """A simulated panel, a clock moved by hand, and an ear on its broker."""

    def __init__(
        self,
        api: str,
        household: str = "home",
        *,
        start: datetime = NOON,
        seed: int = 1,
        faults: Mapping[str, str | None] | None = None,
    ) -> None:
        self.now_s = 1000.0
        self.simulator = SpanSimulator(
            SimulatorOptions(start=start, seed=seed, api=api, faults=faults or {}),
            household=household,
            monotonic=lambda: self.now_s,
        )
        assert self.simulator.broker is not None
        self.broker = self.simulator.broker
        self.house = self.simulator.house
        self.ear = Ear()
        self.broker._streams.add(self.ear)  # type: ignore[arg-type]
        self.broker.tick()

    def wait(self, seconds: float = 1.0) -> list[tuple[str, str]]:
        """Let time pass in one go, tick, and return what was published."""
        self.now_s += seconds
        return self.after(self.broker.tick)

    def after(self, action: Callable[[], None]) -> list[tuple[str, str]]:
        """What is published while something is done."""
        del self.ear.heard[:]
        action()
        return list(self.ear.heard)

    def set(self, place: str, payload: str) -> list[tuple[str, str]]:
        """Send a command, and return what follows at once."""
        return self.after(lambda: self.broker.take(f"ebus/5/{place}/set", payload.encode()))

    def value(self, place: str) -> str:
        return self.broker.retained[f"ebus/5/{place}"].decode()

    def number(self, place: str) -> float:
        found = homie.number(self.broker.retained.get(f"ebus/5/{place}"))
        assert found is not None, place
        return found

    def description(self, device: str) -> homie.Description:
        found = homie.parse_description(self.broker.retained[f"ebus/5/{device}/$description"])
        assert found is not None
        return found

    def circuit(self, name: str) -> str:
        return next(each.circuit_id for each in self.house.circuits.values() if each.name == name)
