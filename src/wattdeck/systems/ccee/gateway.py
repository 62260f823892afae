"""What stands before the simulated CCEE's endpoints: tokens, codes in headers, and the gateway's own answers."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from wattdeck.systems.ccee.exchange import Call, Refusal, wrong
from wattdeck.systems.ccee.faults import FaultBoard
from wattdeck.systems.ccee.registry import TOKEN_LASTS_S, UTILITIES, Registry, profiles_of

MOST_BODY_BYTES = 1_000_000
STAMP = {"X-Wattdeck-Simulator": "ccee"}
MISMATCH = "ERR_CREDENCIAL_INVALIDA"
_PAGE = "<!doctype html><html><head><title>{0}</title></head><body><h1>{0}</h1><p>nginx</p></body></html>"
_HTML = {
    "html-200": (200, "Login"),
    "html-403": (403, "403 Forbidden"),
    "html-502": (502, "502 Bad Gateway"),
    "html-503": (503, "503 Service Unavailable"),
}


class Gateway:
    """Who comes in.

    Args:
        registry: Whose tokens are whose.
        faults: What is wrong.
    """

    def __init__(self, registry: Registry, faults: FaultBoard) -> None:
        self._registry, self._faults = registry, faults

    def token(self, method: str, body: bytes) -> Response:
        """The answer of the token endpoint (ccee.md 1).

        Raises:
            Refusal: another method than POST.
        """
        if method != "POST":
            raise Refusal(405, "ERR_METODO", f"metodo {method} nao permitido", {"Allow": "POST"})
        if self._faults.strike("token-down"):
            return html_response(503, "503 Service Unavailable")
        if self._faults.strike("token-html"):
            return html_response(200, "Login")
        agent = self._registry.identify(body.decode("utf-8", "replace"))
        if agent is None or self._faults.strike("token-401"):
            return json_response({"error": "invalid_client", "error_description": "Invalid client credentials"}, 401)
        short = self._faults.strike("token-short")
        lasts_s = short.value if short is not None and isinstance(short.value, int) else TOKEN_LASTS_S
        return json_response(
            {
                "access_token": self._registry.issue(agent, lasts_s),
                "expires_in": lasts_s,
                "refresh_expires_in": 0,
                "token_type": "Bearer",
                "not-before-policy": 0,
                "scope": "agente email profile",
            }
        )

    def instead(self, request: Request) -> Response | None:
        """An answer for which nothing is done, or None.

        Raises:
            Refusal: the answer is an error body.
        """
        for name, (status, title) in _HTML.items():
            if self._faults.strike(name):
                return html_response(status, title)
        forced = self._faults.strike("status")
        if forced is not None:
            raise Refusal(int(str(forced.value)), "ERR_SIMULADO", "resposta forcada pelo simulador")
        limit = self._faults.strike("rate-limit")
        if limit is not None:
            headers = {} if limit.value is None else {"Retry-After": f"{float(str(limit.value)):g}"}
            raise Refusal(429, "ERR_LIMITE_REQUISICOES", "muitas requisicoes", headers)
        if request.method != "GET" and "redirected" not in request.query_params:
            moved = self._faults.strike("redirect")
            if moved is not None:
                location = f"{request.scope['path']}?redirected=1"
                return Response(status_code=int(str(moved.value)), headers=STAMP | {"Location": location})
        return None

    def call(self, request: Request, path: str, body: bytes) -> Call:
        """Who asks for what.

        Raises:
            Refusal: the token or a code is not in order, or the body is no JSON.
        """
        authorization = request.headers.get("authorization", "")
        agent = self._registry.agent_of(authorization)
        if agent is None:
            raise Refusal(401, "ERR_TOKEN_INVALIDO", "token ausente, invalido ou expirado")
        own, profile = (_header(request, name) for name in ("codigoAgente", "codigoPerfil"))
        if own != agent or self._faults.strike("agent-mismatch"):
            raise Refusal(403, MISMATCH, "codigoAgente difere do agente do token")
        if profile not in profiles_of(agent):
            raise wrong("codigoPerfil", "perfil nao pertence ao agente")
        content: Any = None
        if request.method in ("POST", "PUT"):
            try:
                content = json.loads(body)
            except (ValueError, RecursionError):
                raise wrong("corpo", "JSON invalido") from None
        version = path.split("/")[1]
        return Call(version, agent, profile, agent in UTILITIES, dict(request.query_params), content)

    def is_expired(self, request: Request) -> bool:
        """Count a page towards `expire-mid`, and say whether it is the one."""
        left = self._faults.value("expire-mid")
        if not isinstance(left, int):
            return False
        if left > 1:
            self._faults.set("expire-mid", str(left - 1))
            return False
        self._faults.clear("expire-mid")
        self._registry.expire(request.headers.get("authorization", ""))
        return True

    def refuse(self, refusal: Refusal) -> Response:
        """An error body, with what is wrong with it."""
        content: Any = {"error": refusal.code, "message": refusal.message}
        if self._faults.strike("error-list-message"):
            content["message"] = [refusal.message, "outra mensagem"]
        if self._faults.strike("error-null-body"):
            content = None
        if refusal.status in (204, 304):
            return Response(status_code=refusal.status, headers=STAMP)
        response = json_response(content, refusal.status)
        response.headers.update(refusal.headers)
        return response


def json_response(content: Any, status: int = 200) -> Response:
    """Compact JSON in UTF-8; text that is no Unicode is replaced."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    return Response(body, status, STAMP, "application/json")


def html_response(status: int, title: str) -> Response:
    return Response(_PAGE.format(title), status, STAMP, "text/html")


def _header(request: Request, name: str) -> int:
    """A code in a header.

    Raises:
        Refusal: it is missing or no number.
    """
    text = request.headers.get(name, "")
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise wrong(name, "cabecalho obrigatorio")
    return int(text)


async def body_of(request: Request) -> bytes:
    """The body of a request.

    Raises:
        Refusal: it is too large to be one.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:
            raise Refusal(413, "ERR_TAMANHO", "corpo muito grande")
    return bytes(body)
