"""Run a program in a pseudo-terminal and see what it costs: bytes, CPU, memory, and how soon a key shows.

    python benchmarks/pty_run.py --seconds 20 -- top -d 1

prints the figures of any program. The other benchmarks use `Pty`. Nothing is interpreted while it is measured:
output is kept with the time of each piece, and looked at afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import itertools
import os
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
SIZE = (120, 40)
WAIT_S = 60.0
"""Nothing is waited for longer than this."""
UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p")


def directories(folder: Path) -> dict[str, str]:
    """Variables that keep a program's files inside `folder`."""
    made = {"HOME": str(folder)}
    for name in ("state", "config", "cache", "data", "runtime"):
        path = folder / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        made[f"XDG_{name.upper()}_{'DIR' if name == 'runtime' else 'HOME'}"] = str(path)
    return made


def environment(folder: Path) -> dict[str, str]:
    """Our own variables without what would change how a program draws or where it keeps its files."""
    unwanted = ("COLUMNS", "LINES", "NO_COLOR", "TERM_PROGRAM", "WATTDECK_CONFIG", "PYTHONPROFILEIMPORTTIME")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in unwanted and not name.startswith(("SSH_", "TEXTUAL", "XDG_"))
    }
    utf8 = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    return {**kept, **utf8, **directories(folder), "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def cpu_s(pid: int) -> float:
    """CPU a process has used, all threads, dead ones too; in steps of a clock tick."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def fine_cpu_s(pid: int) -> float:
    """CPU of the threads that live, without the coarse step; for the start of a process."""
    total_ns = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, ValueError):
            total_ns += int(path.read_text().split()[0])
    return max(total_ns / 1e9, cpu_s(pid) - 1 / CLOCK_TICKS)


def rss_mb(pid: int) -> float:
    """Memory of a process in use now, MB of 10^6 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


@dataclass(frozen=True)
class Seen:
    """The moment something was on the terminal."""

    wall_s: float
    """Since the program was started."""
    cpu_s: float
    at_s: float
    """Monotonic."""


@dataclass(frozen=True)
class Window:
    """What a program used while it was watched."""

    cpu_percent: float
    bytes_per_s: float
    bytes: int


class Pty:
    """A program and the terminal it believes in. Reads only when told to."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        size: tuple[int, int] = SIZE,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.size = size
        self.chunks: list[tuple[float, bytes]] = []
        """(monotonic time, bytes) of each piece of output."""
        self._master, slave = os.openpty()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.started_s = time.monotonic()
        self.process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env={**environment(folder), **(env or {})},
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        os.set_blocking(self._master, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> bytes:
        """All that came so far."""
        return b"".join(data for _, data in self.chunks)

    def key(self, keys: str) -> float:
        """Press keys; returns when."""
        at_s = time.monotonic()
        os.write(self._master, keys.encode())
        return at_s

    def read(self, wait_s: float) -> bytes:
        """One piece of output, or nothing after `wait_s`."""
        if not select.select([self._master], [], [], max(0.0, wait_s))[0]:
            return b""
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the program has closed its side.
            data = b""
        if data:
            self.chunks.append((time.monotonic(), data))
        else:
            time.sleep(0.01)
        return data

    def read_for(self, seconds: float) -> int:
        """Read for a while; returns how many bytes came."""
        count = 0
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            count += len(self.read(left_s))
        return count

    def wait_for(self, marker: str | bytes, wait_s: float = WAIT_S) -> Seen:
        """Read until these bytes have come, in what comes from now on or is not looked at yet.

        Raises:
            TimeoutError: they did not, or the program ended; with the last of what came.
        """
        wanted = marker.encode() if isinstance(marker, str) else marker
        tail = b""
        end_s = time.monotonic() + wait_s
        while (left_s := end_s - time.monotonic()) > 0:
            data = self.read(min(left_s, 0.2))
            if data:
                tail += data
                if wanted in tail:
                    used_s = fine_cpu_s(self.pid)
                    at_s = self.chunks[-1][0]
                    return Seen(at_s - self.started_s, used_s, at_s)
                tail = tail[-len(wanted) :]
            elif self.process.poll() is not None:
                break
        raise TimeoutError(f"{marker!r} did not come; the screen is:\n{self.screen_text()}")

    def window(self, seconds: float) -> Window:
        """Watch for so long, reading all the time."""
        before_s, start_s = cpu_s(self.pid), time.monotonic()
        count = self.read_for(seconds)
        took_s = time.monotonic() - start_s
        return Window((cpu_s(self.pid) - before_s) / took_s * 100, count / took_s, count)

    def screen_text(self, until_s: float = float("inf")) -> str:
        """The screen as it was at a moment."""
        import pyte

        screen = pyte.Screen(*self.size)
        stream = pyte.ByteStream(screen)
        for at_s, data in self.chunks:
            if at_s <= until_s:
                stream.feed(UNKNOWN_TO_PYTE.sub(b"", data))
        return "\n".join(screen.display)

    def end(self, keys: str = "q", wait_s: float = 8.0) -> None:
        """Ask the program to leave and wait for it."""
        with contextlib.suppress(OSError):
            self.key(keys)
        end_s = time.monotonic() + wait_s
        while self.process.poll() is None and time.monotonic() < end_s:
            self.read(0.05)

    def close(self) -> None:
        """End the program, whatever it is doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        if self._master >= 0:
            os.close(self._master)
            self._master = -1


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def row_with_glyph(glyph: str) -> Callable[[Any], str]:
    """The words of the row a glyph stands in front of."""

    def find(screen: Any) -> str:
        for line in screen.display:
            if line.startswith(glyph):
                return str(line[1:20]).strip()
        return ""

    return find


def row_with_background(column: int, *, backgrounds: int = 2) -> Callable[[Any], str]:
    """The words of the row whose background no other row has, seen in one column."""

    def find(screen: Any) -> str:
        rows: dict[str, list[int]] = {}
        for y in range(screen.lines):
            rows.setdefault(str(screen.buffer[y][column].bg), []).append(y)
        alone = [ys[0] for ys in rows.values() if len(ys) == 1]
        found = [y for y in alone if screen.display[y].strip() and y > 0]
        return str(screen.display[found[0]][:20]).strip() if found and len(rows) >= backgrounds else ""

    return find


def key_to_paint(pty: Pty, keys: Sequence[float], cursor_row: Callable[[Any], str]) -> list[float]:
    """Milliseconds from each key press to the output after which the cursor is on another row.

    A key whose effect did not come before the next one counts as the time to that one: too long, not left out.
    """
    import pyte

    screen = pyte.Screen(*pty.size)
    stream = pyte.ByteStream(screen)
    found: list[float] = []
    pending = list(keys)
    at = ""
    for time_s, data in pty.chunks:
        while len(pending) > 1 and time_s > pending[1]:
            found.append((pending[1] - pending[0]) * 1e3)
            pending.pop(0)
        stream.feed(UNKNOWN_TO_PYTE.sub(b"", data))
        if pending and time_s < pending[0]:
            at = cursor_row(screen) if pending[0] - time_s < 2.0 else at
            continue
        now = cursor_row(screen) if pending else at
        if pending and now and now != at:
            found.append((time_s - pending.pop(0)) * 1e3)
        at = now or at
    return found + [float("inf")] * len(pending)


def press_for(pty: Pty, seconds: float, *, gap_s: float = 0.173, turn: int = 50) -> list[float]:
    """Move the cursor down and up for a while, at moments that drift against the second; returns when."""
    presses: list[float] = []
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        presses.append(pty.key("\x1b[B" if len(presses) // turn % 2 == 0 else "\x1b[A"))
        pty.read_for(gap_s)
    pty.read_for(1.0)
    return presses


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which so many percent lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")


def cpu_of(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> tuple[float, float, int, bytes]:
    """CPU and wall time of a program that ends by itself, its exit code and its output."""
    started_s = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            list(command), env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        took_s = time.monotonic() - started_s
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return usage.ru_utime + usage.ru_stime, took_s, process.returncode, out.read()


def main() -> None:
    """Print the figures of one program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--warm-up", type=float, default=5.0)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("command", nargs="+")
    chosen = parser.parse_args()
    columns, rows = (int(part) for part in chosen.size.split("x"))
    with (
        tempfile.TemporaryDirectory() as folder,
        Pty(chosen.command, folder=Path(folder), size=(columns, rows)) as pty,
    ):
        pty.read_for(chosen.warm_up)
        window = pty.window(chosen.seconds)
        gaps = [after[0] - before[0] for before, after in itertools.pairwise(pty.chunks)]
        print(pty.screen_text())
        print(
            f"CPU {window.cpu_percent:.2f} %, {window.bytes_per_s:.0f} bytes/s, RSS {rss_mb(pty.pid):.1f} MB, "
            f"longest silence {max(gaps, default=0):.2f} s, median {statistics.median(gaps or [0]):.3f} s"
        )
    sys.exit(0)


if __name__ == "__main__":
    main()
