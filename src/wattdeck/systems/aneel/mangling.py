"""From the simulated distributor's answers to bytes, with what faults make of those."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from wattdeck.core.faultboard import FaultBoard
from wattdeck.systems.aneel.exchange import PAYLOADS, Route

HUGE_BYTES = 6_000_000
STAMP = {
    "X-Wattdeck-Simulator": "aneel",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'",
}
_PAGE = "<!doctype html><html><head><title>{0}</title></head><body><h1>{0}</h1><p>nginx</p></body></html>"


def json_response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Compact JSON in UTF-8."""
    return Response(encoded(content), status, STAMP | (headers or {}), "application/json")


def html_response(status: int, title: str) -> Response:
    """A page as proxies and firewalls send it."""
    return Response(_PAGE.format(title), status, STAMP, "text/html")


def encoded(content: Any) -> bytes:
    """Compact JSON in UTF-8; text that is no Unicode is replaced."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def response(
    route: Route, content: dict[str, Any], faults: FaultBoard, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """An answer as bytes, with what is wrong with them."""
    kind = "application/json"
    whole: Any = content
    if faults.strike("no-envelope", route):
        whole = [content.get(PAYLOADS[route])]
    body = encoded(whole)
    if faults.strike("not-a-number", route):
        body = body.replace(b'"idcStatusRequisicao":1', b'"idcStatusRequisicao":NaN', 1)
    if faults.strike("duplicate-key", route):
        body = b'{"idcStatusRequisicao":2,' + body[1:]
    if faults.strike("latin1", route):
        body, kind = body.decode().encode("latin-1", "replace"), "application/json; charset=iso-8859-1"
    if faults.strike("truncated", route):
        body = body[: len(body) // 2]
    if faults.strike("bom", route):
        body = b"\xef\xbb\xbf" + body
    if faults.strike("huge", route):
        body = b" " * HUGE_BYTES + body
    if faults.strike("wrong-content-type", route):
        kind = "text/html"
    answer = Response(body, status, STAMP | (headers or {}))
    answer.headers["Content-Type"] = kind
    return answer
