"""A deck in a pseudo-terminal, and a simulator that notes when it was asked: for what only a terminal shows."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyte

from forked import Forked

WAIT_S = 20.0
"""Long enough for a loaded machine; a test that waits so long has failed."""
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
SGR = re.compile(rb"\x1b\[([0-9;]*)m")

_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[<u")
# The pty becomes the controlling terminal in the child itself: a fork with Python in between is unsafe beside threads.
_LAUNCH = """
import fcntl, os, signal, sys, termios
if sys.argv[1] != "detached":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if sys.argv[1] == "nohup":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, "-m", "wattdeck", *sys.argv[2:]])
"""


def directories(folder: Path) -> dict[str, str]:
    """Variables that keep a deck inside `folder`."""
    made = {}
    for name in ("state", "config", "runtime"):
        path = folder / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        made[f"XDG_{name.upper()}_{'DIR' if name == 'runtime' else 'HOME'}"] = str(path)
    return made


def wait_until(condition: Callable[[], Any], words: str, wait_s: float = WAIT_S) -> None:
    """Look until the condition holds."""
    end_s = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < end_s, f"waited {wait_s:g} s for {words}"
        time.sleep(0.02)


def cpu_s(pid: int) -> float:
    """CPU time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def process_state(pid: int) -> str:
    """One letter: T is stopped, Z has ended."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


class PtyDeck:
    """A running deck and the terminal it believes in.

    With mode `nohup` its parent ignores SIGHUP; with `detached` no signal comes from the terminal at all. A fresh one
    starts as from a shell; others find all modules loaded, and are on the screen sooner.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        size: tuple[int, int] = (100, 30),
        env: Mapping[str, str] | None = None,
        without: Sequence[str] = (),
        mode: str = "plain",
        fresh: bool = False,
    ) -> None:
        inherited = {name: value for name, value in os.environ.items() if not _disturbs(name)}
        variables = {**inherited, **directories(folder), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        variables |= env or {}
        for name in without:
            variables.pop(name, None)
        self.folder = folder
        self.output = bytearray()
        """Everything the deck has written."""
        self.size = size
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = os.openpty()
        self._set_size(size)
        self.attributes_before = termios.tcgetattr(slave)
        self.process: subprocess.Popen[bytes] | Forked
        if fresh:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _LAUNCH, mode, *arguments],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=variables,
                cwd=folder,
                start_new_session=True,
            )
        else:
            self.process = Forked(
                *arguments,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=variables,
                cwd=folder,
                terminal=mode != "detached",
                nohup=mode == "nohup",
            )
        os.close(slave)

    # What a person does

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window."""
        self.screen.resize(rows, columns)
        self._set_size((columns, rows))
        os.killpg(self.process.pid, signal.SIGWINCH)

    def hang_up(self) -> None:
        """Close the terminal."""
        os.close(self._master)
        self._master = -1

    # What a person sees

    @property
    def text(self) -> str:
        """The screen, without colours."""
        return "\n".join(self.screen.display)

    def read(self, wait_s: float = 0.05) -> int:
        """Take what has been written; returns how many bytes that was."""
        count = 0
        while self._master >= 0 and select.select([self._master], [], [], 0.0 if count else wait_s)[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # EIO: the deck has closed its side.
                data = b""
            if not data:
                time.sleep(0.02)
                return count
            count += len(data)
            self.output += data
            self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data))
        return count

    def wait_for(self, condition: str | Callable[[], Any], wait_s: float = WAIT_S) -> None:
        """Read until a text is on the screen, or a condition holds."""
        end_s = time.monotonic() + wait_s
        while not (condition in self.text if isinstance(condition, str) else condition()):
            assert time.monotonic() < end_s, f"waited {wait_s:g} s for {condition}; the screen is:\n{self.text}"
            assert self.process.poll() is None, f"it ended ({self.process.returncode}); the screen is:\n{self.text}"
            self.read()

    def read_for(self, seconds: float) -> int:
        """Read for a while; returns how many bytes came."""
        return read_all_for(seconds, self)[0]

    def wait_live(self) -> None:
        """Read until readings are on the screen and the app is there: the frames drawn before it have no footer."""
        self.wait_for(lambda: "live" in self.text and self.screen.display[-1].strip())

    # Its end

    def wait_end(self, wait_s: float = WAIT_S, *, reading: bool = True) -> tuple[int, float]:
        """Wait until it has ended; returns its exit code and how long that took."""
        start_s = time.monotonic()
        while self.process.poll() is None:
            assert time.monotonic() - start_s < wait_s, f"it runs on after {wait_s:g} s; the screen is:\n{self.text}"
            if reading and self._master >= 0:
                self.read(0.02)
            else:
                time.sleep(0.02)
        took_s = time.monotonic() - start_s
        self.read(0.0)
        return self.process.wait(), took_s

    def attributes(self) -> list[Any]:
        """The terminal's settings, such as echo."""
        return termios.tcgetattr(self._master)

    def journal(self, *, demo: bool = False) -> list[dict[str, Any]]:
        """The records of the journal, as far as they are on disk."""
        folder = self.folder / "state" / "wattdeck" / ("demo" if demo else "")
        records = []
        for path in folder.glob("*.jsonl"):
            for line in path.read_text().splitlines():
                with contextlib.suppress(ValueError):  # The last line may be half written.
                    records.append(json.loads(line))
        return records

    def close(self) -> None:
        """End it, whatever it is doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        if self._master >= 0:
            self.hang_up()

    def _set_size(self, size: tuple[int, int]) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))


def _disturbs(name: str) -> bool:
    """Variables of the person who runs the tests that would change what a deck does."""
    return name in ("COLUMNS", "LINES", "NO_COLOR", "TERM_PROGRAM", "WATTDECK_CONFIG") or name.startswith(
        ("SSH_", "TEXTUAL", "XDG_", "COV_")
    )


def read_all_for(seconds: float, *decks: PtyDeck) -> list[int]:
    """Read several decks for a while; returns how many bytes came from each."""
    counts = [0] * len(decks)
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        for number, deck in enumerate(decks):
            counts[number] += deck.read(0.05 / len(decks))
    return counts


class CountedSimulator:
    """The SPAN simulator in a process of its own, which notes the time of each request."""

    def __init__(self, folder: Path, *faults: str) -> None:
        self._log = folder / "requests.txt"
        code = f"from pathlib import Path\nimport pty_deck\npty_deck.simulate(Path({str(self._log)!r}), {faults!r})"
        self.process = Forked(code=code, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, "the simulator did not start"

    def requests(self) -> list[tuple[float, str, str]]:
        """(monotonic time, method, path) of each request."""
        found = []
        for line in self._log.read_text().splitlines():
            at_s, _, rest = line.partition(" ")
            method, _, path = rest.partition(" ")
            if path:
                found.append((float(at_s), method, path))
        return found

    def configure(self, folder: Path) -> None:
        """Write a configuration with this simulator as a source that may be operated, polled every second."""
        directory = Path(directories(folder)["XDG_CONFIG_HOME"]) / "wattdeck"
        directory.mkdir(exist_ok=True)
        (directory / "config.toml").write_text(
            f'[[span]]\nname = "home"\nhost = "127.0.0.1"\nport = {self.url.rpartition(":")[2]}\n'
            f'control = true\npoll_s = 1\ntoken = {{ file = "token" }}\n'
        )
        token = directory / "token"
        token.write_text(self._token())
        token.chmod(0o600)

    def fault(self, name: str) -> None:
        """Switch a fault on."""
        import httpx

        name, _, value = name.partition("=")
        httpx.post(f"{self.url}/_sim/fault", json={"name": name, "value": value or None}).raise_for_status()

    def _token(self) -> str:
        import httpx

        httpx.post(f"{self.url}/_sim/door", json={"presses": 3}).raise_for_status()
        body = {"name": "terminal-test", "description": "a test"}
        answer = httpx.post(f"{self.url}/api/v1/auth/register", json=body).raise_for_status()
        token: str = answer.json()["accessToken"]
        return token

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait(WAIT_S)
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextlib.contextmanager
def counted_simulator(folder: Path, *faults: str) -> Iterator[CountedSimulator]:
    """A simulator that is configured as the source `span/home` of decks in `folder`."""
    simulator = CountedSimulator(folder, *faults)
    try:
        simulator.configure(folder)
        yield simulator
    finally:
        simulator.close()


def simulate(log: Path, faults: Sequence[str]) -> None:
    """Be the simulator."""
    import anyio

    from wattdeck.core.serve import serve
    from wattdeck.core.system import SimulatorOptions
    from wattdeck.systems.span.simulator import SpanSimulator

    named = {name: value or None for name, _, value in (fault.partition("=") for fault in faults)}
    app = SpanSimulator(SimulatorOptions(faults=named)).app

    def ready(url: str) -> None:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()

    with log.open("w", buffering=1) as file:

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                file.write(f"{time.monotonic()} {scope['method']} {scope['path']}\n")
            await app(scope, receive, send)

        anyio.run(serve, counted, "127.0.0.1", 0, ready)
