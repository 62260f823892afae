"""Decks in processes of their own that start at once: forked from one process that has loaded all a deck can load.

Loading is most of a short process. A deck that is started so is a deck like any other, save that it found its modules
loaded; tests of what is loaded when, and of how Python itself is set up, start Python anew.

Run as a program it is the process that forks.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

CALM_S = 60.0
"""Long enough for a loaded machine."""
_SUBREAPER = 36
"""Asks the kernel to give us the orphans among our descendants."""
_STREAMS = {"stdin": "surrogateescape", "stdout": "surrogateescape", "stderr": "backslashreplace"}
_nursery: _Nursery | None = None


class Forked:
    """A running process; what is asked of it is named as in `subprocess.Popen`.

    Its code is a command line of the deck or, with `code`, Python. With `terminal` it leads a session whose terminal
    is its standard input; with `nohup` it starts ignoring SIGHUP.
    """

    def __init__(
        self,
        *arguments: str,
        code: str = "",
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
        stderr: int | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        terminal: bool = False,
        nohup: bool = False,
    ) -> None:
        self.returncode: int | None = None
        self.stdout = self.stderr = None
        self.stdout, out = _end(stdout)
        self.stderr, err = _end(stderr)
        asked = {
            "arguments": arguments,
            "code": code,
            "env": dict(os.environ if env is None else env),
            "cwd": os.fspath(cwd or os.getcwd()),
            "terminal": terminal,
            "nohup": nohup,
        }
        with open(os.devnull, "rb") as nothing:
            source = nothing.fileno() if stdin == subprocess.DEVNULL else stdin
            self.pid = _started().fork(asked, (source, out, err))
        for own, end in ((self.stdout, out), (self.stderr, err)):
            if own is not None:
                os.close(end)

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float = CALM_S) -> int:
        """Wait for its end and return the exit code."""
        end_s = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end_s:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.002)
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float = CALM_S) -> tuple[str, str]:
        """Read both ends until they are closed, close ours, and wait."""
        read = {}

        def drain(end: IO[str] | None) -> None:
            read[end] = end.read() if end is not None and not end.closed else ""
            if end is not None:
                end.close()

        beside = threading.Thread(target=drain, args=(self.stderr,))
        beside.start()
        drain(self.stdout)
        beside.join()
        self.wait(timeout)
        return read[self.stdout], read[self.stderr]

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self.stdout, self.stderr):
            if end is not None:
                end.close()
        self.wait()


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command line of the deck to its end and take what it says."""
    with Forked(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as process:
        out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.wait(), out, err)


def _end(wanted: int | None) -> tuple[IO[str] | None, int]:
    """Our end of a pipe, if one is wanted, and the end of the process."""
    if wanted != subprocess.PIPE:
        return None, 2 if wanted is None else wanted
    ours, theirs = os.pipe()
    return open(ours, encoding="utf-8"), theirs


class _Nursery:
    """The process that forks, as it is seen from outside."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("TEXTUAL", "COV_"))}
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
            start_new_session=True, env=environment | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        theirs.close()
        atexit.register(self.close)

    def fork(self, asked: dict[str, object], ends: Sequence[int]) -> int:
        """Have a process forked, which becomes a child of ours; returns its number."""
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        # Only while it is born: other orphans are none of ours.
        assert prctl(_SUBREAPER, 1, 0, 0, 0) == 0
        try:
            socket.send_fds(self._line, [json.dumps(asked).encode()], ends)
            return int(self._line.recv(64))
        finally:
            prctl(_SUBREAPER, 0, 0, 0, 0)

    def close(self) -> None:
        """End it."""
        self._line.close()
        self._process.wait()


def _started() -> _Nursery:
    global _nursery
    if _nursery is None:
        _nursery = _Nursery()
    return _nursery


# Inside the process that forks


def _load_everything() -> None:
    import wattdeck

    for found in pkgutil.walk_packages(wattdeck.__path__, "wattdeck."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in ("plotext", "bs4", "h2", "sqlalchemy.dialects.sqlite", "uvicorn.protocols.http.h11_impl"):
        importlib.import_module(name)


def _serve(line: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Fork for each request. Returns in the processes forked, with what they are to be, and at the end with nothing."""
    while True:
        data, ends, _, _ = socket.recv_fds(line, 1 << 20, 3)
        if not data:
            return None
        told, telling = os.pipe()
        between = os.fork()
        if not between:
            born = os.fork()
            if not born:
                line.close()
                return json.loads(data), ends
            os.write(telling, str(born).encode())
            os._exit(0)
        # Once the process between is gone, the one born belongs to who asked.
        os.waitpid(between, 0)
        line.send(os.read(told, 64))
        os.close(told)
        os.close(telling)
        for end in ends:
            os.close(end)


def _live(asked: dict[str, Any], ends: list[int]) -> int:
    """Be the process that was asked for."""
    os.setsid()
    for number, end in enumerate(ends):
        os.dup2(end, number)
        os.close(end)
    if asked["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # A shell starts what it runs in the background deaf to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked["nohup"]:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # As Python makes them for a locale that can say everything.
    for number, (name, errors) in enumerate(_STREAMS.items()):
        mode = "w" if number else "r"
        buffering = 1 if name == "stderr" else -1
        stream = os.fdopen(number, mode, buffering, encoding="utf-8", errors=errors, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    os.chdir(asked["cwd"])
    sys.path[1:1] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.argv = ["wattdeck", *asked["arguments"]]
    if asked["code"]:
        exec(asked["code"], {"__name__": "__main__"})
        return 0
    from wattdeck.__main__ import main

    try:
        return main()
    except SystemExit as end:
        if isinstance(end.code, str):
            raise
        return end.code or 0


def _end_soon(code: int) -> None:
    """End as Python does, but leave it to the system to clear away all that was loaded."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _load_everything()
    gc.collect()
    gc.freeze()
    with contextlib.suppress(KeyboardInterrupt):
        wanted = _serve(socket.socket(fileno=int(sys.argv[1])))
    if wanted is not None:
        _end_soon(_live(*wanted))
