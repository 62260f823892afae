"""`wattdeck simulate`: the other side of a wire on a port of this machine."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING

import anyio
import click

from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr
from wattdeck.shell.context import AppContext

if TYPE_CHECKING:
    from wattdeck.core.system import Simulator, SimulatorOptions


def run_simulator(
    app: AppContext,
    name: str,
    host: str,
    port: int,
    options: SimulatorOptions,
    https_port: int = 0,
    ports: Mapping[str, int] | None = None,
) -> int:
    """Serve a simulator, and what belongs beside it, until interrupted."""
    simulator = _simulator(app, name, options)
    from wattdeck.core.serve import serve
    from wattdeck.core.system import Accompanied, Beside

    if not isinstance(simulator, Accompanied):
        if ports:
            raise UsageError(tr("this simulator has no use for a port for {name}", name=", ".join(ports)))
        beside: AbstractAsyncContextManager[Beside] = nullcontext(Beside())
    else:
        beside = simulator.beside(host, ports or {})

    async def run() -> None:
        async with beside as more:

            def ready(url: str, *others: str) -> None:
                click.echo(f"wattdeck: {name} simulator on {url}")
                sys.stdout.flush()
                for words in (*(tr("HTTPS on {url}", url=other) for other in others), *more.words):
                    click.echo(f"wattdeck: {words}", err=True)
                click.echo("wattdeck: " + tr("this is a simulator, not a real device. Ctrl-C ends it."), err=True)

            https = None if more.tls is None else (more.tls, https_port)
            await serve(simulator.app, host, port, ready, https=https)

    if host not in ("127.0.0.1", "::1", "localhost"):
        click.echo("wattdeck: " + tr("warning: {host} can be reached from other machines", host=host), err=True)
    anyio.run(run)
    return 0


def _simulator(app: AppContext, name: str, options: SimulatorOptions) -> Simulator:
    system = app.systems.get(name)
    if system is None:
        raise UsageError(tr("there is no system {name!r}; there are: {known}", name=name, known=", ".join(app.systems)))
    if options.api and options.api not in system.simulator_apis:
        raise UsageError(
            tr(
                "the simulator of {name} does not speak {api!r}; it speaks: {known}",
                name=name,
                api=options.api,
                known=", ".join(system.simulator_apis) or tr("one protocol, which needs no --api"),
            )
        )
    if options.serial and not system.simulator_takes_serial:
        raise UsageError(tr("the simulator of {name} has no serial to choose", name=name))
    try:
        simulator = system.simulator(options)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if simulator is None:
        raise UsageError(tr("{name} has no simulator", name=name))
    return simulator
