"""Trying a source while the person watches: each finding as it comes, cancelled by leaving."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from wattdeck.core.errors import WattdeckError
from wattdeck.core.finding import Finding, Verdict, problems_among, verdict_words
from wattdeck.core.language import tr
from wattdeck.core.lines import Line, wrap
from wattdeck.core.redact import redact
from wattdeck.core.text import clean
from wattdeck.ui.dialogs import Words, room_in

if TYPE_CHECKING:
    from wattdeck.core.config import SourceConfig
    from wattdeck.core.system import System

TRY_S = 20.0
"""How long a source has to answer while somebody watches."""
MEANINGS = {Verdict.OK: "link-live", Verdict.PROBLEM: "severity-high", Verdict.NOTE: "severity-low"}

Look = Callable[["System", "SourceConfig", Callable[[Finding], None]], Awaitable[list[Finding]]]


async def look_at(system: System, config: SourceConfig, tell: Callable[[Finding], None]) -> list[Finding]:
    """One look at a source, as the doctor does it."""
    from wattdeck.core.paths import state_dir
    from wattdeck.core.probe import Probe

    return await Probe(system, config, state_dir=state_dir(), timeout_s=TRY_S, tell=tell).run()


class ProbeDialog(ModalScreen[None]):
    """Shows what is found out about a source. Leaving ends the look."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", "Back", id="dialog.back", tooltip="Go back"),
        Binding("up,k", "move(-1)", "Up", id="dialog.up", show=False, tooltip="See what was found before"),
        Binding("down,j", "move(1)", "Down", id="dialog.down", show=False, tooltip="See what was found after"),
    ]

    def __init__(self, system: System, config: SourceConfig, look: Look) -> None:
        super().__init__()
        self._system = system
        self._config = config
        self._look = look
        self._found: list[Finding] = []
        self._end = ""
        self._above: int | None = None
        """Lines of findings above those in view; None: the newest are in view."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(id="words")

    def on_mount(self) -> None:
        self.call_after_refresh(self.show_now)
        self._try()

    @work(exclusive=True, group="probe")
    async def _try(self) -> None:
        try:
            found = await self._look(self._system, self._config, self._tell)
        except WattdeckError as error:
            found = [Finding("source", Verdict.PROBLEM, clean(redact(str(error)), 400))]
        self._found = list(found)
        well = not problems_among(found)
        self._end = tr("It answers and lets us in.") if well else tr("Something is in the way.")
        self.show_now()

    def _tell(self, finding: Finding) -> None:
        self._found.append(finding)
        self.show_now()

    def on_resize(self) -> None:
        if self.is_mounted:
            self.call_after_refresh(self.show_now)

    def action_move(self, lines: int) -> None:
        """Look at more of what does not fit."""
        hidden = self._hidden()
        self._above = (
            None if hidden == 0 else min(max((hidden if self._above is None else self._above) + lines, 0), hidden)
        )
        self.show_now()

    def _hidden(self) -> int:
        """How many lines of findings do not fit."""
        return max(0, len(self._lines()) - self._room())

    def _room(self) -> int:
        """Lines for findings: a dialog's share of the screen without its frame, its heading and its end."""
        return max(4, self.app.size.height * 96 // 100 - 6)

    def _lines(self) -> list[Line]:
        """What was found so far."""
        width, name = room_in(self.app.size.width), f"{self._system.name}/{self._config.name}"
        lines: list[Line] = []
        for finding in self._found:
            what = finding.subject.removeprefix(name).strip()
            said = f"{verdict_words(finding.verdict)}  {f'{what}: ' if what else ''}{finding.words}"
            lines += wrap(said, width, MEANINGS[finding.verdict])
            if finding.advice:
                lines += [(("   ", "normal"), *line) for line in wrap(finding.advice, width - 3, "label")]
        return lines

    def show_now(self) -> None:
        """As much of what was found as fits, and how to see the rest."""
        if not self.is_mounted or not self.query(Words):
            return
        name, lines, hidden = f"{self._system.name}/{self._config.name}", self._lines(), self._hidden()
        above = hidden if self._above is None else min(self._above, hidden)
        end: Line = (
            (self._end or tr("asking..."), "label"),
            ("   ", "normal"),
            ("esc", "key"),
            (f"  {tr('Back')}", "label"),
        )
        words = tr("{above} lines above, {below} below", above=above, below=hidden - above)
        more: Line = ((tr("up down"), "key"), (f"  {words}", "label")) if hidden else ()
        heading: Line = ((tr("Trying {source}", source=name), "heading"),)
        shown = [heading, (), *lines[above : above + self._room()], more, end]
        self.query_one("#words", Words).show_lines(shown)
