"""A screen that goes on being drawn while a dialog lies over it."""

from __future__ import annotations

from textual.screen import Screen


class Behind(Screen[None]):
    """Hands what changed to the dialog in front: at once, and once.

    Textual keeps it here as well and takes the whole screen for changed at the next frame. That frame then draws
    nothing of what is new in it, and one whole repaint would make all that follow whole.
    """

    def _compositor_refresh(self) -> None:
        required, regions = self._repaint_required, set(self._repaint_regions)
        super()._compositor_refresh()
        if not self.is_active:
            self._repaint_required, self._repaint_regions = required, regions
            # What lies outside of the terminal is handed over to nobody.
            self._dirty_widgets.clear()
