"""Sessions of the simulated portal and the way into one: password, captcha, redirects (usms.md 2.2, 3 and 11)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from wattdeck.systems.usms import templates
from wattdeck.systems.usms.beginning import PASSWORD, USERNAME
from wattdeck.systems.usms.captcha_image import answer_of, png
from wattdeck.systems.usms.faults import FaultBoard

COOKIE = "ASP.NET_SessionId"
SESSION_IDLE_S = 1200.0
"""Without a request for this long a session ends, as ASP.NET does by itself. What the portal does is not known."""
MOST_KEPT = 256
"""Sessions, captchas, challenges and tokens each; the oldest go first."""

_LOGIN = "ASPxRoundPanel1$"
Form = Mapping[str, list[str]]
"""Every value of each field, in the order they came."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the portal answers."""

    html: str = ""
    status: int = 200
    location: str = ""
    image: bytes = b""
    """A PNG, in place of `html`."""


@dataclass(slots=True)
class Session:
    """What the server remembers of one cookie."""

    id: str
    used_s: float
    is_new: bool = True
    """The client has not been told the id yet."""
    live: bool = False
    """Logged in, and nobody else since."""
    report: tuple[str, str] = ("", "")
    """Meter and type of report chosen last on UsageHistory."""
    newest_state: str = ""
    """The `__VIEWSTATE` given out last."""


def redirect(location: str, status: int = 302) -> Reply:
    """A redirect; the address is in the body too."""
    return Reply(templates.moved(location), status, location)


class Portal:
    """Who is logged in, and how one comes to be.

    Args:
        seed: Same seed, same captchas.
        faults: What is wrong.
        elapsed_s: Seconds that never jump back.
    """

    def __init__(self, seed: int, faults: FaultBoard, elapsed_s: Callable[[], float]) -> None:
        self._seed = seed
        self._faults = faults
        self._elapsed_s = elapsed_s
        self._key = hashlib.blake2b(f"{seed}/viewstate".encode()).digest()
        self._sessions: dict[str, Session] = {}
        self._answers: dict[str, str] = {}
        self._challenges: dict[str, str] = {}
        self._signatures: dict[str, bool] = {}
        self._images = self._states = 0
        self.last_answer = ""
        """Answer of the captcha whose image was served last."""
        self.logins = 0
        """Sessions made since the start."""

    # sessions

    def session(self, cookie: str | None) -> Session:
        """The session of a cookie; a new one for an id that is unknown, ended or missing."""
        now_s = self._elapsed_s()
        session = self._sessions.pop(cookie or "", None)
        if session is None or now_s - session.used_s > SESSION_IDLE_S:
            session = Session(secrets.token_hex(12), now_s)
        session.used_s = now_s
        _keep(self._sessions, session.id, session)
        return session

    def live_sessions(self) -> int:
        """How many sessions are logged in: none or one."""
        return sum(session.live for session in self._sessions.values())

    def end_sessions(self) -> None:
        """End every session that is logged in, as a login elsewhere does."""
        for session in [session for session in self._sessions.values() if session.live]:
            session.live = False
            del self._sessions[session.id]

    def expired(self) -> Reply:
        """What somebody sees who is not logged in, in the form the faults ask for."""
        if "expire-sentence" in self._faults:
            return Reply(templates.expired())
        if "expire-inline" in self._faults:
            return self.login_page("")
        return redirect(f"{templates.ROOT}SessionExpire")

    def expired_page(self) -> Reply:
        """Where an expired request is redirected."""
        if "expire-url" in self._faults:
            return Reply(templates.notice("Smart Meter", "Please return to the first page."))
        return Reply(templates.expired())

    # hidden state

    def state(self, session: Session | None, page: str) -> dict[str, str]:
        """The hidden inputs of a form on a page."""
        self._states += 1
        plain = f"{page}|{self._states}"
        viewstate = base64.b64encode(f"{plain}|{self._mark(plain)}".encode()).decode()
        if session is not None:
            session.newest_state = viewstate
        return {
            "__EVENTTARGET": "",
            "__EVENTARGUMENT": "",
            "__VIEWSTATE": viewstate,
            "__VIEWSTATEGENERATOR": f"{int(hashlib.sha256(page.encode()).hexdigest()[:8], 16):08X}",
            "__EVENTVALIDATION": self._mark(f"validation {self._states}"),
        }

    def accepts(self, session: Session, page: str, form: Form) -> bool:
        """Whether a POST carries a `__VIEWSTATE` that was given out for this page, now or earlier."""
        posted = form.get("__VIEWSTATE", [""])[-1]
        try:
            plain, _, mark = base64.b64decode(posted, validate=True).decode("ascii").rpartition("|")
        except ValueError:
            return False
        if not hmac.compare_digest(mark, self._mark(plain)) or plain.rpartition("|")[0] != page:
            return False
        return posted == session.newest_state or "strict-viewstate" not in self._faults

    def _mark(self, text: str) -> str:
        return hashlib.blake2b(text.encode(), key=self._key, digest_size=24).hexdigest()

    # login

    def login_page(self, sc: str, error: str = "") -> Reply:
        """The login form, or with a known `sc` the challenge. Each view has a captcha of its own."""
        if sc and sc not in self._challenges:
            return redirect(f"{templates.ROOT}ResLogin")
        state = self.state(None, "ResLogin")
        without = {"captcha-missing"} if sc else {"captcha-missing", "captcha-off"}
        image = None if without & set(self._faults) else self._new_image(sc)
        return Reply(templates.challenge(state, sc, image) if sc else templates.login(state, image, error))

    def log_in(self, sc: str, form: Form) -> Reply:
        """A posted login form: password first, captcha on the challenge only."""
        user = form.get(f"{_LOGIN}txtUsername", [""])[-1]
        password = form.get(f"{_LOGIN}txtPassword", [""])[-1]
        challenged = bool(sc) and sc in self._challenges
        if not (challenged and not user and not password) and (user, password) != (USERNAME, PASSWORD):
            return self.login_page("", templates.WRONG_PASSWORD)
        if "captcha-off" in self._faults:
            return self._sign()
        if not challenged:
            return self._challenge()
        expected = self._answers.pop(self._challenges.pop(sc), "")
        given = form.get(f"{_LOGIN}ASPxCaptcha1$TB", [""])[-1].lower()
        right = bool(expected) and hmac.compare_digest(given.encode(), expected.encode())
        rejected = self._faults.count_down("captcha-wrong")
        return self._sign() if right and not rejected else self._challenge()

    def enter(self, session: Session, signature: str) -> Reply:
        """Turn a `Sig` into a session, and end the one before: an account has one."""
        if not self._signatures.pop(signature, False):
            return redirect(f"{templates.ROOT}ResLogin")
        self.end_sessions()
        self._sessions[session.id] = session
        session.live, session.report = True, ("", "")
        self.logins += 1
        return redirect(f"{templates.ROOT}MainPage")

    def image(self, name: str) -> Reply:
        """The PNG of a captcha that was shown."""
        if name not in self._answers:
            return Reply(templates.notice("Not found", "No such image."), 404)
        self.last_answer = self._answers[name]
        return Reply(image=png(self.last_answer))

    def _challenge(self) -> Reply:
        sc = secrets.token_urlsafe(18)
        _keep(self._challenges, sc, "")
        return redirect(f"{templates.ROOT}ResLogin?sc={sc}")

    def _new_image(self, sc: str) -> str:
        self._images += 1
        name = f"c{self._images}"
        _keep(self._answers, name, answer_of(self._seed, self._images))
        if not sc:
            return f"{templates.ROOT}DXB.axd?DXCache={name}"
        self._challenges[sc] = name
        return f"{templates.ROOT}DXB.axd?sc={sc}&DXCache={name}"

    def _sign(self) -> Reply:
        signature = base64.b64encode(secrets.token_bytes(32)).decode()
        _keep(self._signatures, signature, True)
        query = f"pLoginName={USERNAME}&pType=R&Sig={quote(signature, safe='')}"
        return redirect(f"{templates.ROOT}LoginSession.aspx?{query}")


def _keep(kept: dict[str, T], key: str, value: T) -> None:
    """Put a value into a dictionary that does not grow for ever."""
    kept[key] = value
    while len(kept) > MOST_KEPT:
        del kept[next(iter(kept))]
