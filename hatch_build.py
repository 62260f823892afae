"""What is made at build time, and by `pip install -e .`: message catalogues, man pages, shell completions."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPLETIONS = {
    "bash": "share/bash-completion/completions/wattdeck",
    "zsh": "share/zsh/site-functions/_wattdeck",
    "fish": "share/fish/vendor_completions.d/wattdeck.fish",
}
"""Shell -> where it looks for completions below an installation's root."""
AFTERWORD = r"""
.SH EXIT STATUS
.TP
.B 0
All that was asked for is live.
.TP
.B 1
Some of it failed or is stale; what there is was printed, labelled. For alarms: some are open.
.TP
.B 2
Wrong usage or configuration.
.TP
.B 3
Nothing could be read.
.TP
.B 4
A command was refused; nothing was sent.
.TP
.B 5
A command was sent and could not be confirmed.
.TP
.B 130
Interrupted.
.SH ENVIRONMENT
.TP
.B WATTDECK_CONFIG
The configuration file.
.TP
.B LANGUAGE, LC_ALL, LC_MESSAGES, LANG
The language, unless the configuration names one.
.TP
.B NO_COLOR
Draw without colours.
.SH FILES
.TP
.I ~/.config/wattdeck/config.toml
The configuration; `wattdeck config path` prints where it is.
.TP
.I ~/.local/state/wattdeck/
Tokens, the journal of commands, alarms, and what was last known; readable by their owner alone.
"""


class MadeFiles(BuildHookInterface[Any]):
    """Adds what is made to the wheel."""

    PLUGIN_NAME = "custom"
    _folder: TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version
        root = Path(self.root)
        made = compile_catalogues(root / "src" / "wattdeck" / "locale")
        build_data["artifacts"] += [f"/{path.relative_to(root).as_posix()}" for path in made]
        if self.target_name == "wheel":
            self._folder = TemporaryDirectory()
            manuals = write_manuals(root, Path(self._folder.name))
            build_data["shared_data"].update({str(path): place for path, place in manuals.items()})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        del version, build_data, artifact_path
        if self._folder is not None:
            self._folder.cleanup()


def compile_catalogues(locale: Path) -> list[Path]:
    """Make one `.mo` of each language's `.po` files, one area each; returns the files made."""
    made = []
    for folder in sorted(path for path in locale.iterdir() if path.is_dir()):
        whole = Catalog(locale=folder.name, fuzzy=False)
        for path in sorted(folder.glob("*.po")):
            with path.open("rb") as stream:
                for message in read_po(stream, locale=folder.name):
                    if message.id:
                        whole.add(message.id, message.string, context=message.context)
        target = folder / "LC_MESSAGES" / "wattdeck.mo"
        target.parent.mkdir(exist_ok=True)
        # Whoever reads it meanwhile reads the former one; whoever makes it as well makes one of its own.
        fresh = target.with_suffix(f".{os.getpid()}")
        with fresh.open("wb") as stream:
            write_mo(stream, whole)
        fresh.replace(target)
        made.append(target)
    return made


def write_manuals(root: Path, folder: Path) -> dict[Path, str]:
    """Write the man pages and the completions, from the commands themselves.

    Args:
        root: The source tree.
        folder: Where to write.

    Returns:
        Each file with its place below an installation's root.
    """
    sys.path.insert(0, str(root / "src"))
    import click
    from click.shell_completion import get_completion_class
    from click_man.core import write_man_pages

    from wattdeck import __version__
    from wattdeck.cli import main

    context = click.Context(main)
    # The commands load when they are asked for; a manual needs them all.
    found = {name: main.get_command(context, name) for name in main.list_commands(context)}
    commands = {name: command for name, command in found.items() if command is not None}
    whole = click.Group("wattdeck", commands, params=main.params, help=main.help)
    pages = folder / "man"
    pages.mkdir()
    write_man_pages("wattdeck", whole, version=__version__, target_dir=str(pages))
    with (pages / "wattdeck.1").open("a", encoding="utf-8") as stream:
        stream.write(AFTERWORD)
    made = {page: f"share/man/man1/{page.name}" for page in sorted(pages.glob("*.1"))}
    for shell, place in COMPLETIONS.items():
        kind = get_completion_class(shell)
        if kind is None:
            raise RuntimeError(f"the command-line library knows no completion for {shell}")
        script = folder / f"wattdeck.{shell}"
        script.write_text(kind(main, {}, "wattdeck", "_WATTDECK_COMPLETE").source(), encoding="utf-8")
        made[script] = place
    return made
