"""The command line: common options, and one group for each system, loaded when it is asked for."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from wattdeck import __version__
from wattdeck.core.errors import UsageError
from wattdeck.core.language import later, tr
from wattdeck.core.system import System
from wattdeck.discovery import discover, plugin_problems
from wattdeck.shell.context import AppContext
from wattdeck.shell.guard import guarded
from wattdeck.shell.ranges import FiniteRange
from wattdeck.shell.speech import choose_language, form_option, speak
from wattdeck.shell.words import (
    EXIT_INTERRUPTED,
    EXIT_NO_READER,
    EXIT_USAGE,
    parse_duration,
    parse_time,
    simulator_options,
)

LAZY = {
    "alarms": (
        "wattdeck.shell.alarms",
        "alarms_group",
        later("List, acknowledge and shelve alarms, and explain them."),
    ),
    "config": ("wattdeck.shell.config", "config_group", later("Write, check and show the configuration.")),
}
"""Groups that are loaded when they are asked for: name -> module, object in it, summary."""


class Commands(click.Group):
    """The commands there always are, and a group for each installed system."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        systems = [name for name, system in _app(ctx).systems.items() if type(system).cli is not System.cli]
        return [*super().list_commands(ctx), *sorted(set(systems) | set(LAZY))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        if command is None and cmd_name in LAZY:
            module, name, _ = LAZY[cmd_name]
            command = getattr(import_module(module), name)
        if command is None and cmd_name in _app(ctx).systems:
            command = _app(ctx).systems[cmd_name].cli()
        return None if command is None else speak(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List everything without loading the systems' groups: their summaries are enough."""
        app = _app(ctx)
        rows = []
        for name in self.list_commands(ctx):
            if name in LAZY:
                rows.append((name, tr(LAZY[name][2])))
            elif name in app.systems:
                rows.append((name, tr(app.systems[name].summary)))
            else:
                command = self.get_command(ctx, name)
                rows.append((name, command.get_short_help_str(80) if command is not None else ""))
        with formatter.section(tr("Commands")):
            formatter.write_dl(rows)


def _app(ctx: click.Context) -> AppContext:
    root = ctx.find_root()
    if not isinstance(root.obj, AppContext):
        root.obj = AppContext(find_systems=discover)
    return root.obj


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--config", type=click.Path(path_type=Path), help="Configuration file (else WATTDECK_CONFIG, else XDG).")
@click.option("--read-only", is_flag=True, help="Refuse every command, whatever the configuration says.")
@click.option("--theme", help="Theme by name.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="warning",
    show_default=True,
    help="How much goes into the log.",
)
@click.option("--log-file", type=click.Path(path_type=Path), help="Log to this file (else none in the live app).")
@click.version_option(__version__, message="wattdeck %(version)s")
@click.pass_context
def main(
    ctx: click.Context,
    config: Path | None,
    read_only: bool,
    theme: str | None,
    log_level: str,
    log_file: Path | None,
) -> None:
    """Watch and operate energy systems from a terminal.

    Without a command: the live app on your configuration.
    """
    ctx.obj = AppContext(
        config_path=config,
        read_only=read_only,
        theme=theme,
        log_level=log_level,
        log_file=log_file,
        find_systems=discover,
        find_problems=plugin_problems,
    )
    if config is not None:
        choose_language(config)
    live = ctx.invoked_subcommand in (None, "demo", "replay")
    set_up_logging(log_level, log_file, to_stderr=not live)
    if ctx.invoked_subcommand is None:
        from wattdeck.shell.live import live_app

        ctx.exit(live_app(ctx.obj))


@main.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same day.")
@click.option(
    "--speed", type=FiniteRange(0.01, 3600), default=1.0, show_default=True, help="Simulated seconds per second."
)
@click.option("--start", metavar="ISO8601", help="Simulated time at the start (else now).")
@click.option("--poll", type=FiniteRange(0.2, 3600), default=1.0, show_default=True, help="Seconds between polls.")
@click.option("--screen", metavar="NAME", help="Screen to start on: overview, events, or a system.")
@click.option("--low-bandwidth", is_flag=True, help="Paint every 5 s, 16 colours, no trends.")
@click.pass_obj
def demo(
    app: AppContext, seed: int, speed: float, start: str | None, poll: float, screen: str | None, low_bandwidth: bool
) -> None:
    """The live app on embedded simulators: no network, no set-up."""
    from wattdeck.shell.live import demo_app

    options = simulator_options(seed, speed, start)
    click.get_current_context().exit(demo_app(app, options, poll, screen, low_bandwidth))


@main.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--demo", "use_demo", is_flag=True, help="Read the embedded simulators.")
@form_option("json", "csv", "text", "svg", "html")
@click.option("--output", type=click.Path(path_type=Path), help="Write to a file instead of stdout.")
@click.option("--screen", metavar="NAME", help="Screen to draw (svg, html).")
@click.option("--size", metavar="COLSxROWS", default="120x36", show_default=True, help="Size to draw (svg, html).")
@click.option(
    "--timeout",
    type=FiniteRange(0.1, 3600),
    default=30.0,
    show_default=True,
    help="Seconds to wait for every feed's first answer.",
)
@click.option("--watch", type=FiniteRange(0.1, 86400), metavar="SECONDS", help="One document per line, for ever.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="With --watch: stop after N documents.")
@click.option("--json-schema", is_flag=True, help="Print the JSON Schema of the document and stop.")
@click.option("--seed", type=int, default=1, help="With --demo: same seed, same day.")
@click.option("--start", metavar="ISO8601", help="With --demo: simulated time.")
@click.pass_obj
def snapshot(app: AppContext, /, **options: Any) -> None:
    """Read every source once and print it: for cron and pipes."""
    from wattdeck.shell.snapshot import take_snapshot

    click.get_current_context().exit(take_snapshot(app, **options))


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--demo", "use_demo", is_flag=True, help="Record the embedded simulators.")
@click.option("--for", "duration", metavar="DURATION", help="Stop by itself after so long: 90s, 15m, 8h.")
@click.option("--append", is_flag=True, help="Continue a recording that is there.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--seed", type=int, default=1, help="With --demo: same seed, same day.")
@click.option("--start", metavar="ISO8601", help="With --demo: simulated time.")
@click.option("--poll", type=FiniteRange(1, 3600), help="With --demo: seconds between polls.")
@click.pass_obj
def record(
    app: AppContext, path: Path, sources: Sequence[str], use_demo: bool, duration: str | None, append: bool,
    force: bool, seed: int, start: str | None, poll: float | None,
) -> None:  # fmt: skip
    """Record every reading into a file until interrupted."""
    from wattdeck.shell.record import record as record_now

    code = record_now(
        app, path, sources, use_demo=use_demo, duration_s=None if duration is None else parse_duration(duration),
        force=force, append=append, simulation=(seed, start), poll_s=poll,
    )  # fmt: skip
    click.get_current_context().exit(code)


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--speed", type=FiniteRange(0.1, 3600), default=1.0, show_default=True, help="Recorded seconds per second."
)
@click.option("--from", "start", metavar="TIME", help="Where to begin: a time, or 15m after the beginning.")
@click.option("--to", "end", metavar="TIME", help="Where to end, said alike.")
@click.option("--paused", is_flag=True, help="Stand at the beginning until p is pressed.")
@click.option("--screen", metavar="NAME", help="System to start on.")
@click.pass_obj
def replay(
    app: AppContext, path: Path, speed: float, start: str | None, end: str | None, paused: bool, screen: str | None
) -> None:
    """Show a recording in the live app; nothing can be commanded there."""
    from wattdeck.shell.replay import replay as replay_now

    code = replay_now(app, path, speed=speed, start=start, end=end, paused=paused, screen=screen)
    click.get_current_context().exit(code)


@main.command()
@click.argument("system", metavar="SYSTEM")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes any free port.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--speed", type=FiniteRange(0.01, 3600), default=1.0, show_default=True)
@click.option("--start", metavar="ISO8601", help="Simulated time at the start (else now).")
@click.option("--fault", "faults", multiple=True, metavar="NAME[=VALUE]", help="A fault that is on from the start.")
@click.option("--api", default="", metavar="NAME", help="Which protocol, of a system that has several: v1, flat, tree.")
@click.option("--serial", default="", metavar="SERIAL", help="Who the panel says it is, to tell several apart.")
@click.option("--mqtt-port", type=click.IntRange(0, 65535), help="Port of a panel's broker (else any free port).")
@click.option("--https-port", type=click.IntRange(0, 65535), default=0, help="Port of HTTPS (else any free port).")
@click.pass_obj
def simulate(
    app: AppContext, system: str, host: str, port: int, seed: int, speed: float, start: str | None,
    faults: Sequence[str], api: str, serial: str, mqtt_port: int | None, https_port: int,
) -> None:  # fmt: skip
    """Serve the other side of a wire on a port until interrupted."""
    from wattdeck.shell.simulate import run_simulator

    options = simulator_options(seed, speed, start, faults, api, serial)
    ports = {} if mqtt_port is None else {"mqtt": mqtt_port}
    click.get_current_context().exit(run_simulator(app, system, host, port, options, https_port, ports))


@main.command()
@click.option("--since", metavar="ISO8601", help="Only records from this time on.")
@form_option("text", "json")
@click.option("--verify", is_flag=True, help="Check the chain and say what is wrong with it.")
@click.option("--demo", "use_demo", is_flag=True, help="The demo's journal, which is a file of its own.")
def journal(since: str | None, form: str, verify: bool, use_demo: bool) -> None:
    """List the commands given from here, and how they ended."""
    from wattdeck.shell.journal import show_journal

    moment = parse_time(since) if since else None
    click.get_current_context().exit(show_journal(moment, form, verify, use_demo))


@main.command()
@click.option(
    "--timeout",
    type=FiniteRange(0.1, 600),
    default=10.0,
    show_default=True,
    help="Seconds each source has to answer.",
)
@form_option("text", "json")
@click.pass_obj
def doctor(app: AppContext, timeout: float, form: str) -> None:
    """Explain a broken set-up: program, terminal, configuration, each source, disk. Prints no secret."""
    from wattdeck.shell.doctor import examine

    click.get_current_context().exit(examine(app, timeout, form))


def set_up_logging(level: str, file: Path | None, *, to_stderr: bool) -> None:
    """Log to a private file, or to stderr where no screen is in the way; secrets are taken out on the way."""
    handler: logging.Handler
    if file is not None:
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise UsageError(tr("{file}: cannot log there ({reason})", file=file, reason=error.strerror)) from error
        handler = logging.StreamHandler(os.fdopen(descriptor, "w", encoding="utf-8"))
    elif to_stderr:
        handler = logging.StreamHandler(sys.stderr)
    else:
        handler = logging.NullHandler()
    from wattdeck.core.redact import RedactingFilter

    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RedactingFilter())
    root = logging.getLogger("wattdeck")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and turn everything that can go wrong into words and an exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A locale without our characters gets question marks, not an error.
        sys.stdout.reconfigure(errors="replace")
    return guarded(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    choose_language()
    try:
        code = speak(main).main(args=arguments, prog_name="wattdeck", standalone_mode=False)
    except click.exceptions.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except SystemExit:
        # How click ends when nobody reads its output any more; everything else it raises or returns.
        return EXIT_NO_READER
    return code if isinstance(code, int) else 0
