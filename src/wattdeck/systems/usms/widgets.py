"""Widgets of the USMS screen that are more than the shared ones: the meters, regions, and the login dialog."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from wattdeck.core.errors import AuthError, WattdeckError
from wattdeck.core.language import later, tr, tr_as
from wattdeck.core.lines import cut, fit, wrap
from wattdeck.core.text import clean
from wattdeck.systems.usms import present
from wattdeck.ui.dialogs import Words
from wattdeck.ui.table import DeckTable

if TYPE_CHECKING:
    from wattdeck.ui.app import DeckApp

log = logging.getLogger(__name__)

Solver = Callable[[bytes], Awaitable[str | None]]
"""PNG -> what the person read; None gives up; empty asks for a new image."""
CODE_LENGTH = 5
"""Characters in the portal's images so far (usms.md 2.2)."""
MOST_TYPED = 12
"""Nobody reads more than this from an image; a paste is cut here."""
IMAGE_ROWS = 15
"""Rows for the image where there is room: 200x80 pixels keep their shape at 75 cells."""
OTHER_ROWS = 10
"""Rows of the dialog that are not the image."""


class Portal(Protocol):
    """What one can log in to."""

    async def login(self, solver: Solver) -> None:
        """Log in, asking the solver for each image. Raises AuthError, SourceError."""
        ...


class MeterTable(DeckTable):
    """The meters of one account."""

    HELP = later(
        "The meters of one account. **up down** choose one, **left right** walk through time, **[ ]** zoom between "
        "hours, days and months, **T** shows the top-ups, **l** logs in."
    )

    def __init__(self) -> None:
        super().__init__(present.COLUMNS, empty=later("Waiting for the portal's first answer."), id="meters")


def draw_image(png: bytes, width: int, height: int, ascii_only: bool) -> list[str]:
    """A captcha as lines of at most that size.

    Raises:
        WattdeckError: it is no image that can be drawn.
    """
    from wattdeck.systems.usms import captcha

    draw = captcha.ascii_blocks if ascii_only else captcha.half_blocks
    return draw(captcha.read_png(png), width, height)


def save_image(png: bytes, folder: Path) -> Path:
    """Put a captcha into a file that only its owner can read.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / "captcha.png"
    # A link laid out in its place must not decide what is overwritten.
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(png)
    return path


class Code(Input):
    """Takes the characters of an image: letters and digits, few of them, typed or pasted."""

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = "".join(character for character in event.text[:200] if character.isascii() and character.isalnum())
        self.insert_text_at_cursor(text[: MOST_TYPED - len(self.value)])


class LoginDialog(ModalScreen[bool]):
    """Logs in to the portal: shows its image and asks what it says. The answer is whether it worked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Cancel", id="dialog.cancel", tooltip="Give up and go back"),
        Binding("ctrl+r", "new_image", "New image", id="usms.new_image", priority=True,
                tooltip="Ask for another image, or begin anew after an error"),
        Binding("ctrl+o", "save_image", "Save image", id="usms.save_image", priority=True,
                tooltip="Save the image as a file to look at elsewhere"),
    ]  # fmt: skip
    HELP = later("Type what the image says and press **Enter**. **ctrl+r** asks for another image.")

    def __init__(self, source_id: str, source: Portal, folder: Path) -> None:
        """`folder` is where the image is saved if somebody wants it."""
        super().__init__()
        self._source_id = source_id
        self._source = source
        self._folder = folder
        self._png = b""
        self._answer: asyncio.Future[str | None] | None = None
        self._news: tuple[str, str] = (tr("Asking the portal for its login page ..."), "muted")
        self._tried = False
        self._doubted = ""
        self._may_retry = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(id="words")
            yield Words(id="image")
            yield Words(id="news")
            yield Code(placeholder=tr("the characters of the image, then Enter"), id="code", max_length=MOST_TYPED,
                       restrict="[0-9A-Za-z]*")  # fmt: skip
            yield Words(id="keys")

    def on_mount(self) -> None:
        code = self.query_one("#code", Code)
        code.cursor_blink = False
        code.focus()
        self.call_after_refresh(self._show)
        self._begin()

    def _begin(self) -> None:
        self._may_retry = False
        self._tried = False
        self.run_worker(self._log_in(), exclusive=True, group="login", exit_on_error=False)

    async def _log_in(self) -> None:
        try:
            await self._source.login(self._solve)
        except AuthError as error:
            # Sending the same password again by itself or by a hasty key may lock the account.
            words = tr("{error} Nothing is sent again by itself; Escape closes.", error=_sentence(error))
            self._say(words, "severity-high")
        except WattdeckError as error:
            self._may_retry = True
            self._say(tr("{error} ctrl+r begins anew; Escape closes.", error=_sentence(error)), "severity-high")
        except Exception as error:
            log.exception("%s: login failed for a reason that is not the portal's", self._source_id)
            words = tr("Internal error ({name}); the log has the details.", name=type(error).__name__)
            self._say(words, "severity-high")
        else:
            self.dismiss(True)
        finally:
            self._answer = None

    async def _solve(self, png: bytes) -> str | None:
        """Show an image and wait for what a person does about it."""
        self._png = png
        self._answer = asyncio.get_running_loop().create_future()
        if self._tried:
            self._say(tr("The portal did not take that. Here is another image."), "severity-medium")
        else:
            self._say(tr("What does the image say? Capital and small letters are the same."), "normal")
        answer = await self._answer
        self._answer = None
        self._tried = bool(answer)
        self._say(tr("The portal is thinking ...") if answer else tr("Asking for another image ..."), "muted")
        return answer

    def _say(self, words: str, meaning: str) -> None:
        self._news = words, meaning
        if self.is_mounted:
            self._show()

    def _show(self) -> None:
        # The dialog takes at most 96 % of the width, and its frame four cells of that.
        width = max(20, min(74, self.app.size.width * 96 // 100 - 4))
        self.query_one("#words", Words).show_lines([((tr("Log in to {source}", source=self._source_id), "heading"),)])
        picture, problem = self._picture(width)
        self.query_one("#image", Words).show_lines([((fit(line, width), "normal"),) for line in picture])
        lines = wrap(problem, width, "severity-medium") if problem else []
        self.query_one("#news", Words).show_lines([*lines, *wrap(self._news[0], width, self._news[1])])
        keys: list[tuple[str, str]] = []
        for key, does in (
            ("Enter", tr_as("key", "send")),
            ("ctrl+r", tr_as("key", "new image")),
            ("ctrl+o", tr_as("key", "save image")),
            ("Escape", tr_as("key", "cancel")),
        ):
            keys += [("   " if keys else "", "label"), (key, "key"), (f" {does}", "label")]
        self.query_one("#keys", Words).show_lines([tuple(keys)])

    def _picture(self, width: int) -> tuple[list[str], str]:
        """The image as lines, and a sentence if it cannot be drawn."""
        if not self._png:
            return [], ""
        height = max(4, min(IMAGE_ROWS, self.app.size.height - OTHER_ROWS))
        app: DeckApp = self.app  # type: ignore[assignment]
        try:
            lines = draw_image(self._png, width, height, app.glyphs.spark.isascii())
        except (WattdeckError, ValueError) as error:
            reason = clean(str(error), 120)
            words = tr(
                "The image cannot be drawn here ({reason}). ctrl+o saves it as a file to look at.", reason=reason
            )
            return [], words
        if not lines:
            return [], tr("The image is blank: ctrl+r asks for another.")
        return [clean(cut(line, width), width) for line in lines[:height]], ""

    def on_resize(self) -> None:
        if self.is_mounted:
            self.call_after_refresh(self._show)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        code = event.value[:MOST_TYPED]
        if self._answer is None or self._answer.done() or not code:
            return
        if len(code) != CODE_LENGTH and code != self._doubted:
            self._doubted = code
            words = tr("The images have had {usual} characters so far, this has {count}. Enter again sends it as "
                       "it is.", usual=CODE_LENGTH, count=len(code))  # fmt: skip
            self._say(words, "severity-medium")
            return
        self.query_one("#code", Code).value = ""
        self._answer.set_result(code)

    def action_new_image(self) -> None:
        """Ask for another image; after an error that is not about the password, begin anew."""
        self.query_one("#code", Code).value = ""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result("")
        elif self._may_retry:
            self._say(tr("Asking the portal for its login page ..."), "muted")
            self._begin()

    def action_save_image(self) -> None:
        """Save the image for another program to show."""
        if not self._png:
            return
        try:
            path = save_image(self._png, self._folder)
        except OSError as error:
            words = tr("The image was not saved: {reason}.", reason=error.strerror or error)
            self._say(words, "severity-medium")
        else:
            self._say(tr("The image is in {path}; only you can read it.", path=path), "normal")

    def action_give_up(self) -> None:
        """Close without logging in."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)
        self.dismiss(False)


def _sentence(error: Exception) -> str:
    words = clean(str(error), 300) or tr("The portal gave no reason")
    words = words[0].upper() + words[1:]
    return words if words.endswith((".", "!", "?")) else f"{words}."
