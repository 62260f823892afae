"""A USMS portal that is not there: the pages of usms.md over a made-up house, with switches for what fails.

Runs in process through `wattdeck.core.asgi.SimulatedTransport` or on a port through `wattdeck.core.serve`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlencode

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wattdeck.core.simcontrols import controls
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.usms import templates
from wattdeck.systems.usms.answers import PAGES, Answers
from wattdeck.systems.usms.beginning import PASSWORD, USERNAME, start_of
from wattdeck.systems.usms.faults import FaultBoard
from wattdeck.systems.usms.household import Home, PortalClock, homes
from wattdeck.systems.usms.models import BRUNEI
from wattdeck.systems.usms.portal import COOKIE, Form, Portal, Reply, Session, redirect

__all__ = ["PASSWORD", "USERNAME", "UsmsSimulator"]

MOST_BODY_BYTES = 1_000_000
HUGE_BYTES = 6_000_000
FOLDER = "smartmeter"
LOGIN_PATHS = ("reslogin", "loginsession.aspx", "loginsession", "dxb.axd")
MAINTENANCE = "The system is under maintenance. Please try again later."
STAMP = {"X-Wattdeck-Simulator": "usms", "Cache-Control": "private"}
_CHART = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
"""One transparent pixel."""


class UsmsSimulator:
    """One simulated portal with one account.

    Args:
        options: Seed, speed, start, faults. A start without offset is a wall clock in Brunei.
        monotonic: Seconds that never jump.
        sleep: Waits some seconds.

    Raises:
        ValueError: no such fault, a value a fault does not take, or a start too long ago or too far ahead.
    """

    def __init__(
        self,
        options: SimulatorOptions,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        start = start_of(options)
        self.clock = PortalClock(start, options.speed, monotonic)
        self._sleep = sleep
        self.faults = FaultBoard()
        self.portal = Portal(options.seed, self.faults, self.clock.elapsed_s)
        self._house = homes(options.seed, start.date())
        self.answers = Answers(self._house, self.portal, self.faults, self.clock.now)
        self.requests = 0
        """Requests to the portal since the start, its own controls not among them."""
        captcha = Route("/_sim/captcha", self._captcha, methods=["GET"])
        portal = Route("/{path:path}", self._serve, methods=["GET", "POST"])
        self._app = Starlette(routes=[*controls(self, headers=STAMP), captcha, portal])
        for name, value in options.faults.items():
            self.set_fault(name, value)

    @property
    def app(self) -> Starlette:
        """The ASGI application."""
        return self._app

    @property
    def house(self) -> tuple[Home, ...]:
        """What is behind each meter on the account."""
        return tuple(self.answers.homes())

    def answer_of_last_captcha(self) -> str:
        """What the image that was served last says; empty before the first."""
        return self.portal.last_answer

    def set_fault(self, name: str, value: str | None = None) -> None:
        """Switch a fault on, or off with the value `off`.

        Raises:
            ValueError: no such fault, or a value it does not take; the message lists what is known.
        """
        self.faults.set(name, value)

    def clear_faults(self, name: str | None = None) -> None:
        """Switch off one fault, or all.

        Raises:
            ValueError: no fault of that name exists.
        """
        self.faults.clear(name)

    # the portal

    async def _serve(self, request: Request) -> Response:
        path = re.sub(r"/+", "/", request.scope["path"])
        if path == "/":
            words = f"This is no portal but a simulator of one. Its pages are under {templates.ROOT}."
            return HtmlResponse(Reply(templates.notice("wattdeck: USMS simulator", words)))
        self.requests += 1
        slow = self.faults.strike("slow")
        if slow is not None:
            await self._sleep(float(str(slow.value)))
        form = await _form_of(request) if request.method == "POST" else None
        folder, _, name = f"{path.casefold().strip('/')}/".partition("/")
        name = name.rstrip("/")
        broken = self._broken(name)
        if broken is not None:
            return self._bend(HtmlResponse(broken))
        session = self.portal.session(request.cookies.get(COOKIE))
        reply = self._answer(name, session, request, form) if folder == FOLDER else _not_found()
        response = HtmlResponse(reply)
        if session.is_new:
            session.is_new = False
            response.set_cookie(COOKIE, session.id, path="/", httponly=True, samesite="lax")
        return self._bend(response)

    def _broken(self, name: str) -> Reply | None:
        """A page that is not the portal's, or None."""
        if self.faults.strike("status-503") or (name in LOGIN_PATHS and self.faults.strike("login-503")):
            return Reply(templates.notice("Service Unavailable", "HTTP Error 503. The service is unavailable."), 503)
        if self.faults.strike("maintenance"):
            return Reply(templates.notice("Maintenance", MAINTENANCE))
        return None

    def _answer(self, name: str, session: Session, request: Request, form: Form | None) -> Reply:
        query = parse_qs(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if name in (*LOGIN_PATHS, "sessionexpire"):
            return self._enter(name, session, query, form)
        if name not in PAGES:
            return _not_found()
        if self._is_stolen():
            self.portal.end_sessions()
        if not session.live:
            return self.portal.expired()
        return self.answers.page(name, session, query.get("p", [""])[-1], form)

    def _enter(self, name: str, session: Session, query: Form, form: Form | None) -> Reply:
        """The pages that need no session."""
        sc, signature = query.get("sc", [""])[-1], query.get("Sig", [""])[-1]
        if name == "sessionexpire":
            return self.portal.expired_page()
        if name == "dxb.axd":
            image = query.get("DXCache", [""])[-1]
            return Reply(image=_CHART) if image == "chart" else self.portal.image(image)
        if name == "loginsession.aspx":
            return redirect(f"{templates.ROOT}LoginSession?{urlencode(query, doseq=True)}", 301)
        if name == "loginsession":
            return self.portal.enter(session, signature)
        return self.portal.login_page(sc) if form is None else self.portal.log_in(sc, form)

    def _is_stolen(self) -> bool:
        """Count a page towards `session-stolen`, and say whether that login elsewhere happens now."""
        left = self.faults.value("session-stolen")
        if not isinstance(left, int):
            return False
        if left > 0:
            self.faults.set("session-stolen", str(left - 1))
            return False
        self.faults.clear("session-stolen")
        return True

    def _bend(self, response: Response) -> Response:
        """Apply what is wrong with the page as a whole."""
        if response.media_type != HtmlResponse.media_type:
            return response
        body = bytes(response.body)
        latin1 = self.faults.strike("latin1")
        if latin1 is not None:
            body = body.decode().encode("latin-1", "xmlcharrefreplace")
            charset = "; charset=iso-8859-1" if latin1.value == "header" else ""
            response.headers["content-type"] = f"text/html{charset}"
        if self.faults.strike("huge"):
            body = body.replace(b"</body>", b"<p>" + b"x" * HUGE_BYTES + b"</p></body>")
        if self.faults.strike("truncated"):
            body = body[: len(body) // 2]
        response.body = body
        response.headers["content-length"] = str(len(body))
        return response

    # the controls

    async def _captcha(self, request: Request) -> Response:
        del request
        return JSONResponse({"answer": self.answer_of_last_captcha()}, headers=STAMP)

    def speed(self) -> float:
        """Simulated seconds per second."""
        return self.clock.speed

    def turn_clock(self, advance_s: float, speed: float) -> None:
        """Push the time forward, and run at another speed from now on."""
        self.clock.turn(advance_s, speed)

    def state(self) -> dict[str, Any]:
        """What the simulator is up to; no cookie, token or answer is in it."""
        return {
            "simulator": "usms",
            "time": self.clock.now().astimezone(BRUNEI).isoformat(),
            "speed": self.clock.speed,
            "faults": list(self.faults),
            "meters": [home.number for home in self.house],
            "requests": self.requests,
            "logins": self.portal.logins,
            "sessions": self.portal.live_sessions(),
        }


class HtmlResponse(Response):
    """A reply as bytes: HTML in UTF-8, or a PNG."""

    media_type = "text/html"

    def __init__(self, reply: Reply) -> None:
        headers = STAMP | ({"Location": reply.location} if reply.location else {})
        if reply.image:
            super().__init__(reply.image, reply.status, headers, "image/png")
        else:
            super().__init__(reply.html.encode("utf-8", "replace"), reply.status, headers)


def _not_found() -> Reply:
    return Reply(templates.notice("Not found", "The resource cannot be found."), 404)


async def _form_of(request: Request) -> Form:
    """The fields of a posted form; none if it is too large to be one."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:
            return {}
    try:
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        return {}
