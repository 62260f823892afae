"""What every command of the command line starts from: `ctx.obj`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wattdeck.core.system import System

if TYPE_CHECKING:
    from wattdeck.core.settings import Settings


@dataclass
class AppContext:
    """The common options, and what follows from them once somebody asks."""

    config_path: Path | None = None
    """`--config`; None: `WATTDECK_CONFIG`, else the default place."""
    read_only: bool = False
    """`--read-only`. It can only take rights away: without it the configuration decides."""
    theme: str | None = None
    """`--theme`, over the configured one."""
    log_level: str = "warning"
    log_file: Path | None = None
    find_systems: Callable[[], Mapping[str, System]] = dict
    """Which systems there are; asked once."""
    find_problems: Callable[[], Sequence[str]] = tuple
    """A sentence for each plug-in that does not load."""

    @cached_property
    def systems(self) -> Mapping[str, System]:
        """The installed systems by name."""
        return self.find_systems()

    @cached_property
    def settings(self) -> Settings:
        """The configuration with the options laid over it.

        Raises:
            ConfigError: it cannot be used.
        """
        from dataclasses import replace

        from wattdeck.core.settings import load_settings

        settings = load_settings(self.config_path, self.systems)
        options: dict[str, object] = {"read_only": settings.ui.read_only or self.read_only}
        if self.theme:
            options["theme"] = self.theme
        return replace(settings, ui=settings.ui.model_copy(update=options))
