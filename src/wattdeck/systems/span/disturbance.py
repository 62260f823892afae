"""Faults around the simulated panel's answers: late, lost, cut short, or not the panel's at all.

Sits in front of the panel's app. Every answer leaves here with the header that says it is simulated.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from wattdeck.core.asgi import AsgiApp, ConnectionDropped, ConnectionRefused, Message, Receive, Send
from wattdeck.systems.span.faults import Fault, FaultBoard

API, API_V2 = "/api/v1/", "/api/v2/"
CONTROLS = "/_sim/"
STAMP = (b"x-wattdeck-simulator", b"span")
OVERSIZE_BYTES = 6_000_000
"""More than any client should accept."""

_ENDPOINTS = {
    "status": "status",
    "panel": "panel",
    "circuits": "circuits",
    "storage/soe": "soe",
    "auth/register": "register",
    "homie/schema": "schema",
    "certificate/ca": "ca",
}
_INSTEAD = ("html-502", "html-200", "status", "sunset")
_AROUND = ("connection-close", "deprecation-headers", "truncated", "oversize", "cut-short", "drip")
_SUCCESSORS = {"status": "/api/v2/status", "register": "/api/v2/auth/register"}
_PROXY_PAGE = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


def endpoint_of(path: str) -> str:
    """Which endpoint, in the words of the fault switches, a path belongs to."""
    rest = path.removeprefix(API).removeprefix(API_V2)
    if path.startswith(f"{API_V2}auth/clients"):
        return "clients"
    return "circuit" if rest.startswith("circuits/") else _ENDPOINTS.get(rest, "other")


class Disturbance:
    """The ASGI app people talk to.

    Args:
        panel: The app that answers when nothing is wrong.
        faults: What is wrong.
        elapsed_s: Seconds at normal speed.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        panel: AsgiApp,
        faults: FaultBoard,
        elapsed_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._panel = panel
        self._faults = faults
        self._elapsed_s = elapsed_s
        self._sleep = sleep
        self.calm()

    def calm(self) -> None:
        """Be neither away nor booting."""
        self._away_until_s = self._booting_until_s = float("-inf")

    def boot(self, duration_s: float) -> None:
        """Answer 502 for a time, as the proxy does while the panel starts."""
        self._booting_until_s = self._elapsed_s() + duration_s

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), STAMP]
            await send(message)

        if scope["path"].startswith(CONTROLS):
            await self._panel(scope, receive, stamped)
            self._refuse("")
        else:
            await self._answer(scope, receive, stamped)

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        endpoint = endpoint_of(scope["path"])
        await self._delay(endpoint)
        self._refuse(endpoint)
        silence = self._faults.strikes(("close", "hang"), endpoint)
        await self._fall_silent(silence, "before", receive)
        instead = self._instead(endpoint, scope["path"])
        if instead is not None:
            await instead(scope, receive, send)
            return
        around = self._faults.strikes(_AROUND, endpoint)
        if not around and not silence:
            await self._panel(scope, receive, send)
            return
        recorded = _Recorded()
        await self._panel(scope, receive, recorded)
        await self._fall_silent(silence, "after", receive)
        await self._send_bent(recorded, around, endpoint, send)

    async def _delay(self, endpoint: str) -> None:
        latency = self._faults.strike("latency", endpoint)
        if latency is not None:
            await self._sleep(float(str(latency.value)))

    def _refuse(self, endpoint: str) -> None:
        """Be away: the fault is used up by starting the absence.

        Raises:
            ConnectionRefused: the panel is away.
        """
        now_s = self._elapsed_s()
        fault = self._faults.strike("refuse", endpoint)
        if fault is not None:
            self._faults.clear("refuse")
            self._away_until_s = now_s + float(str(fault.value))
        if now_s < self._away_until_s and (endpoint or fault is not None):
            raise ConnectionRefused(self._away_until_s - now_s)

    async def _fall_silent(self, silence: Mapping[str, Fault], when: str, receive: Receive) -> None:
        """Close, or wait until the client hangs up, if that is due now.

        Raises:
            ConnectionDropped: the connection is to be closed.
        """
        if "hang" in silence and silence["hang"].value == when:
            while (await receive())["type"] != "http.disconnect":
                pass
            raise ConnectionDropped
        if "close" in silence and silence["close"].value == when:
            raise ConnectionDropped

    def _instead(self, endpoint: str, path: str) -> Response | None:
        """An answer that is not the panel's, or None."""
        if self._elapsed_s() < self._booting_until_s:
            return _proxy_page()
        if endpoint == "circuits" and self._faults.strike("circuits-500", endpoint):
            return Response("Internal Server Error", 500, media_type="text/plain")
        hit = self._faults.strikes(_INSTEAD, endpoint)
        if "html-502" in hit:
            return _proxy_page()
        if "html-200" in hit:
            return Response("<!doctype html><title>Sign in</title><p>Welcome", media_type="text/html")
        if "status" in hit:
            return _bare(int(str(hit["status"].value)))
        return _bare(404) if "sunset" in hit and not path.startswith(API_V2) else None

    async def _send_bent(self, recorded: _Recorded, around: Mapping[str, Fault], endpoint: str, send: Send) -> None:
        """Send a recorded answer with what is wrong with it.

        Raises:
            ConnectionDropped: the connection is to be closed.
        """
        body, headers = recorded.body, dict(recorded.headers)
        if "connection-close" in around:
            headers[b"connection"] = b"close"
        if "deprecation-headers" in around:
            headers |= _deprecation(endpoint)
        if "truncated" in around:
            body = body[: len(body) // 2]
        if "oversize" in around:
            body = b'{"padding":"' + b"x" * OVERSIZE_BYTES + b'",' + body.removeprefix(b"{")
        headers[b"content-length"] = str(len(body)).encode()
        head = {
            "type": "http.response.start",
            "status": recorded.status_code,
            "headers": list(headers.items()),
        }
        await send(head)
        if "cut-short" in around:
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            raise ConnectionDropped
        if "drip" in around:
            for byte in body:
                await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
                await self._sleep(float(str(around["drip"].value)))
            body = b""
        await send({"type": "http.response.body", "body": body})


class _Recorded:
    """Takes an app's answer instead of a client."""

    def __init__(self) -> None:
        self.status_code = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status_code = message["status"]
            self.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


def json_response(content: Any, status_code: int = 200) -> Response:
    """Compact JSON as the panel writes it; NaN and -0.0 go out as they are."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(body, status_code, media_type="application/json")


def _bare(status_code: int) -> Response:
    if status_code in (204, 304):
        return Response(status_code=status_code)
    known = status_code in HTTPStatus._value2member_map_
    return json_response({"detail": HTTPStatus(status_code).phrase if known else "error"}, status_code)


def _proxy_page() -> Response:
    return Response(_PROXY_PAGE, 502, media_type="text/html")


def _deprecation(endpoint: str) -> dict[bytes, bytes]:
    """The headers of span.md 0.1."""
    headers = {b"deprecation": b"true", b"sunset": b"2026-12-31"}
    if endpoint in _SUCCESSORS:
        headers[b"link"] = f'<{_SUCCESSORS[endpoint]}>; rel="successor-version"'.encode()
    return headers
