"""The captcha and the password, asked of a person at a terminal."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click
from anyio import to_thread

from wattdeck.core.errors import AuthError, BadAnswer, ConfigError
from wattdeck.core.language import tr

ROOM_ROWS = 6
"""Lines of the terminal left free for the question."""


class Asker:
    """Draws captchas on stderr, or saves them, and asks what they say."""

    def __init__(self, image: Path | None = None) -> None:
        """`image`: where to save each captcha instead of drawing it."""
        self._image = image

    def password(self) -> str:
        """The portal's password, not echoed.

        Raises:
            AuthError: there is nobody to ask.
        """
        self._require_person()
        return str(click.prompt(tr("Password of the portal"), hide_input=True, err=True))

    async def solve(self, image: bytes) -> str | None:
        """A `Solver`: Enter asks for a new image, `q` gives up.

        Raises:
            AuthError: there is nobody to ask.
        """
        self._require_person()
        self._show(image)
        try:
            answer = await to_thread.run_sync(self._ask, abandon_on_cancel=True)
        except click.Abort:
            return None
        return None if answer.strip().lower() == "q" else answer.strip()

    def _show(self, image: bytes) -> None:
        from wattdeck.systems.usms.captcha import half_blocks, read_png

        if self._image is not None:
            self._save(self._image, image)
            return
        try:
            bitmap = read_png(image)
        except BadAnswer as error:
            click.echo(f"wattdeck: {error}", err=True)
            self._save(Path("captcha.png"), image)
            return
        size = shutil.get_terminal_size()
        for line in half_blocks(bitmap, size.columns - 2, max(8, size.lines - ROOM_ROWS)):
            click.echo(f" {line}", err=True)

    @staticmethod
    def _save(path: Path, image: bytes) -> None:
        try:
            path.write_bytes(image)
        except OSError as error:
            words = tr(
                "{path}: the captcha cannot be saved there ({reason})", path=path, reason=error.strerror or error
            )
            raise ConfigError(words) from error
        click.echo(f"wattdeck: {tr('the captcha is in {path}', path=path.resolve())}", err=True)

    @staticmethod
    def _ask() -> str:
        words = tr("The five characters (Enter: another image, q: give up)")
        return str(click.prompt(words, default="", show_default=False, err=True))

    @staticmethod
    def _require_person() -> None:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise AuthError(tr("the portal shows a captcha, and there is no terminal to ask a person; run this in one"))
