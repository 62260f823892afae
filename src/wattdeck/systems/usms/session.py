"""The portal's one session of an account: kept between runs, shared by all programs of this user.

A login ends every other session of the account (usms.md 3.4), so the cookie is stored and used again as long as the
portal takes it. The file is readable by its owner alone and says for which user name it is, by a hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from wattdeck.core.http import register_secret
from wattdeck.core.secrets import store_private

COOKIE = "ASP.NET_SessionId"
COOKIE_CHARS_MAX = 200
FILE_BYTES_MAX = 4096

Solver = Callable[[bytes], Awaitable[str | None]]
"""A captcha's PNG -> what it says; empty asks for another image, None gives up."""


class Session:
    """The session cookie of one account; in memory alone without a path."""

    def __init__(self, username: str, path: Path | None = None) -> None:
        self._path = path
        self._owner = hashlib.sha256(username.encode()).hexdigest()[:16]
        self._cookie: str | None = None
        self._kept: str | None = None
        """What the file held when it was last looked at. The portal may have given another cookie since."""
        self._loaded = False

    @property
    def cookie(self) -> str | None:
        """The cookie to send; None if there never was a session."""
        if not self._loaded:
            self._loaded = True
            self._cookie = self._kept = self._stored()
        return self._cookie

    def take(self, cookie: str) -> None:
        """Use this cookie from now on."""
        if cookie != self._cookie and 0 < len(cookie) <= COOKIE_CHARS_MAX:
            register_secret(cookie)
            self._cookie = cookie
        self._loaded = True

    def store(self) -> None:
        """Keep the session for later runs.

        Raises:
            ConfigError: the file cannot be written.
        """
        if self._path is not None and self._cookie:
            store_private(self._path, json.dumps({"owner": self._owner, "cookie": self._cookie}) + "\n")
            self._kept = self._cookie

    def renewed(self) -> bool:
        """Whether another program has logged in since: its session is used then."""
        found = self._stored()
        if found is None or found == self._kept:
            return False
        self._cookie = self._kept = found
        return True

    def _stored(self) -> str | None:
        if self._path is None:
            return None
        try:
            with self._path.open("rb") as stream:
                kept = json.loads(stream.read(FILE_BYTES_MAX))
            cookie = kept["cookie"] if kept["owner"] == self._owner else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not isinstance(cookie, str) or not 0 < len(cookie) <= COOKIE_CHARS_MAX:
            return None
        register_secret(cookie)
        return cookie
