"""The terminal, when it does not behave: it may stop reading, hang up, or close its input.

Textual's own writer blocks the event loop once its short queue is full, and its reader spins at the end of input.
Here output is queued without ever waiting, whoever draws can ask whether the terminal is behind, and a terminal that
is gone ends the app.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import threading
import time
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from wattdeck.core.ascii import ascii_cells
from wattdeck.core.units import ASCII
from wattdeck.ui.paste import PasteGuard
from wattdeck.ui.sgr import Compactor

if TYPE_CHECKING:
    from wattdeck.ui.app import DeckApp

log = logging.getLogger(__name__)

BEHIND_BYTES = 24_576
"""More than this unread means the terminal is behind."""
BEHIND_S = 0.25
"""Something unread for longer than this means it too."""
DRAIN_S = 0.5
"""How long the last words may take at the end."""
CHUNK_BYTES = 4096


class Writer(threading.Thread):
    """Writes to the terminal from a thread; whoever queues never waits."""

    def __init__(self, fileno: int) -> None:
        super().__init__(daemon=True, name="terminal-output")
        self._fileno = fileno
        self._queue: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._pending = 0
        self._since_s = 0.0
        self._stopping = False
        self._closed = False
        self.gone = False
        """The terminal refused a write: it has hung up."""
        self.written = 0
        """Bytes the terminal has taken."""

    def write(self, text: str) -> None:
        """Queue text."""
        data = text.encode("utf-8", "replace")
        if not data:
            return
        with self._changed:
            if self._closed:
                return
            if not self._pending:
                self._since_s = time.monotonic()
            self._queue.append(data)
            self._pending += len(data)
            self._changed.notify()

    @property
    def behind(self) -> bool:
        """The terminal has not taken what it was given."""
        if not self._pending:
            return False
        return self._pending > BEHIND_BYTES or time.monotonic() - self._since_s > BEHIND_S

    def run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._stopping:
                    self._changed.wait()
                if not self._queue:
                    return
                data = self._queue.popleft()
            for start in range(0, len(data), CHUNK_BYTES):
                if self._closed or not self._put(data[start : start + CHUNK_BYTES]):
                    return

    def _put(self, chunk: bytes) -> bool:
        while chunk:
            try:
                count = os.write(self._fileno, chunk)
            except BlockingIOError:
                if self._closed:
                    return False
                with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
                    selector.register(self._fileno, selectors.EVENT_WRITE)
                    selector.select(1.0)
                continue
            except OSError:
                self.gone = True
                self._close()
                return False
            chunk = chunk[count:]
            with self._changed:
                self.written += count
                self._pending = max(0, self._pending - count)
                self._since_s = time.monotonic()
        return True

    def _close(self) -> None:
        """Take no more, and forget what waits."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._pending = 0

    def stop(self) -> None:
        """Let the last words out, but do not wait for a terminal that does not read."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self.join(DRAIN_S)
        # A terminal that reads again later gets no leftovers in the middle of whatever it then shows.
        self._close()

    def flush(self) -> None:
        """Nothing to do: the thread writes at once."""


class DeckDriver(LinuxDriver):
    """Textual's driver with an output that never blocks and an input that knows its end."""

    def __init__(self, app: Any, **options: Any) -> None:
        self._writer: Writer | None = None
        self._compactor = Compactor()
        super().__init__(app, **options)

    @property
    def behind(self) -> bool:
        """The terminal is not taking what it is given: do not draw."""
        return self._writer is not None and self._writer.behind

    @property
    def gone(self) -> bool:
        """The terminal has hung up."""
        return self._writer is not None and self._writer.gone

    @property
    def deck(self) -> DeckApp:
        """The app, by its real type."""
        return cast("DeckApp", self._app)

    @property
    def _writer_thread(self) -> Any:
        return self._writer

    @_writer_thread.setter
    def _writer_thread(self, thread: object) -> None:
        """Textual puts its own writer here; ours takes the place before it is started."""
        assert self._file is not None, "a process with a terminal has a standard error"
        self._writer = None if thread is None else Writer(self._file.fileno())

    def write(self, data: str) -> None:
        if self._writer is None:
            return
        compact = self._compactor.compact(data)
        self._writer.write(ascii_cells(compact) if self.deck.glyphs is ASCII else compact)

    def close(self) -> None:
        super().close()
        self._writer = None

    # Stopping and going on: carried out on the event loop, where control can be given up first

    def _sigtstp_application(self, *_: object) -> None:
        self._tell(self.deck.suspend_session)

    def _sigcont_application(self, *_: object) -> None:
        self._tell(self.deck.continue_session)

    def restart(self) -> None:
        """Take the terminal again; whoever had it meanwhile may have changed all of its settings."""
        if self._writer is not None:
            self.suspend_application_mode()
        self.resume_application_mode()

    # Input

    def run_input_thread(self) -> None:
        """Read keys until told to stop or until there is nobody left to type."""
        parser, guard = XTermParser(self._debug), PasteGuard()
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                text = ""
                ready = selector.select(0.1)
                if not ready:
                    text = guard.flush()
                else:
                    data = self._read()
                    if not data:
                        self._tell(self.deck.terminal_gone)
                        return
                    text = guard.pass_on(decode(data))
                try:
                    # Half a character decodes to nothing, and nothing would be the end of input to the parser.
                    for event in parser.feed(text) if text else ():
                        self.process_message(event)
                    for event in parser.tick():
                        self.process_message(event)
                except Exception:
                    log.exception("the terminal sent something unreadable")
                    parser, guard = XTermParser(self._debug), PasteGuard()

    def _read(self) -> bytes:
        """What was typed; nothing at the end of input."""
        try:
            return os.read(self.fileno, 4096)
        except OSError:
            return b""

    def _tell(self, what: Callable[[], object]) -> None:
        """Have the app do something on its own thread; an app that has ended needs no telling."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what)
