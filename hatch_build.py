"""Made at build time, and by `pip install -e .`: the compiled message catalogues."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class MadeFiles(BuildHookInterface[Any]):
    """Adds what is made to the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version
        root = Path(self.root)
        made = compile_catalogues(root / "src" / "wattdeck" / "locale")
        build_data["artifacts"] += [f"/{path.relative_to(root).as_posix()}" for path in made]


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
        with target.open("wb") as stream:
            write_mo(stream, whole)
        made.append(target)
    return made


if __name__ == "__main__":
    for made_file in compile_catalogues(Path(__file__).parent / "src" / "wattdeck" / "locale"):
        sys.stdout.write(f"{made_file}\n")
