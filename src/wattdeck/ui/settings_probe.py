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
    ]

    def __init__(self, system: System, config: SourceConfig, look: Look) -> None:
        super().__init__()
        self._system = system
        self._config = config
        self._look = look
        self._found: list[Finding] = []
        self._end = ""

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

    def show_now(self) -> None:
        """What was found so far."""
        if not self.is_mounted or not self.query(Words):
            return
        width = room_in(self.app.size.width)
        name = f"{self._system.name}/{self._config.name}"
        lines: list[Line] = [((tr("Trying {source}", source=name), "heading"),), ()]
        for finding in self._found:
            what = finding.subject.removeprefix(name).strip()
            said = f"{verdict_words(finding.verdict)}  {f'{what}: ' if what else ''}{finding.words}"
            lines += wrap(said, width, MEANINGS[finding.verdict])
            if finding.advice:
                lines += [(("   ", "normal"), *line) for line in wrap(finding.advice, width - 3, "label")]
        end = self._end or tr("asking...")
        most = max(4, self.app.size.height - 7)
        lines = [*lines[:most], (), ((end, "label"), ("   ", "normal"), ("esc", "key"), (f"  {tr('Back')}", "label"))]
        self.query_one("#words", Words).show_lines(lines)
