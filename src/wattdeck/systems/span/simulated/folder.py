"""A private folder for as long as a process lives, and the end of those whose process was killed.

Its owner holds a lock on a file in it, which the kernel gives back however the owner ends: a folder whose file can be
locked is nobody's any more. Process ids are not asked, since they are used again and mean nothing in a container.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path

PREFIX = "wattdeck-mosquitto-"
HELD = "held"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class PrivateFolder:
    """A new folder in the temporary directory that only its user can look into."""

    def __init__(self) -> None:
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
            self._held = os.open(self.path / HELD, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            # Where there are no locks nobody else gets this one either, and nothing is swept.
            with contextlib.suppress(OSError):
                fcntl.flock(self._held, fcntl.LOCK_EX)
            # Somebody who sweeps may have been a little quicker.
            if os.fstat(self._held).st_nlink:
                return
            self.close()

    def close(self) -> None:
        """Take it away with what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        held, self._held = self._held, -1
        if held >= 0:
            os.close(held)


def sweep() -> None:
    """Take away the folders of this user that nobody holds. What is not as we make it is left alone."""
    with contextlib.suppress(OSError):
        place = os.open(tempfile.gettempdir(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name in os.listdir(place):  # noqa: PTH208  by its handle
                if name.startswith(PREFIX):
                    with contextlib.suppress(OSError):
                        _take_away(place, name)
        finally:
            os.close(place)


def _take_away(place: int, name: str) -> None:
    """Remove one folder if it is ours and nobody holds it; raises OSError where that cannot be done."""
    folder = os.open(name, _DIRECTORY, dir_fd=place)
    try:
        status = os.fstat(folder)
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) != stat.S_IRWXU:
            return
        held = os.open(HELD, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The lock's own file last, so that a sweep that is cut short is taken up by the next. No link is followed.
            names = os.listdir(folder)  # noqa: PTH208  by its handle
            for each in sorted(names, key=lambda each: each == HELD):
                os.unlink(each, dir_fd=folder)
            os.rmdir(name, dir_fd=place)
        finally:
            os.close(held)
    finally:
        os.close(folder)
