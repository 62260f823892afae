"""The probes of a live server: what they find, what they spare, and when they stop."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import anyio
import pytest

from aneel_checks import EMAIL, NOW, RORAIMA, count, demand, demands, envelope, failure, looked_up, outages, row
from fakes import ManualClock
from wattdeck.core.errors import Unreachable
from wattdeck.systems.aneel.conformance import RULES, Context, NotChecked, Passed, tls
from wattdeck.systems.aneel.conformance.model import Outcome
from wattdeck.systems.aneel.conformance.probes import Options, probe, target
from wattdeck.systems.aneel.exchange import PATHS, Exchange, Route
from wattdeck.systems.aneel.models import KEPT, Finding
from wattdeck.systems.aneel.times import parse_recovery

pytestmark = pytest.mark.anyio

KEY = "the-right-key-0815"
PROTOCOL = "0012ab"
Answer = tuple[int, Any]
"""Status code and body; bytes are sent as they are."""


class Server:
    """A distributor's server that keeps every rule, unless a test replaces one of its answers."""

    def __init__(self, **faults: Callable[..., Answer | None]) -> None:
        self.clock = ManualClock(NOW)
        self.origin, self.base_path = "https://api.distribuidora.example", "/radar"
        self.faults = faults
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []
        self.pace_s = 1.0
        self.zone_h = -3
        self.dead_after: int | None = None

    async def raw(
        self,
        path: str,
        query: Mapping[str, str] | str = "",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        with_key: bool = True,
        route: Route = "outages",
    ) -> Exchange:
        if self.dead_after is not None and len(self.asked) >= self.dead_after:
            raise Unreachable("api.distribuidora.example: no route to host")
        asked = dict(parse_qsl(query, keep_blank_values=True)) if isinstance(query, str) else dict(query)
        key = (headers or {}).get("x-api-key", KEY if with_key else "")
        self.asked.append((method, path, asked))
        self.clock.advance(self.pace_s)
        plus = isinstance(query, str) and "+" in query
        code, body = self.answer(method, path, asked, key, plus)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {"content-type": "application/json"} | self.headers
        return Exchange(route, code, fields, raw, 0.2, self.clock.now(), asked, f"{self.origin}/radar/{path}")

    def answer(self, method: str, path: str, asked: Mapping[str, str], key: str, plus: bool) -> Answer:
        for name, fault in self.faults.items():
            values: dict[str, Any] = {"method": method, "path": path, "asked": asked, "key": key, "plus": plus}
            wanted = {argument: values[argument] for argument in name.split("_")}
            if (found := fault(**wanted)) is not None:
                return found
        if path not in PATHS.values():
            return 404, {"detail": "Not Found"}
        if method != "GET":
            return 405, {"detail": "Method Not Allowed"}
        if key != KEY:
            return 401, failure(mensagem="API Key inválida ou ausente")
        if path == PATHS["demands"]:
            return 200, demands(count())
        return self.past(asked) if path == PATHS["outages"] else self.one(asked)

    def past(self, asked: Mapping[str, str]) -> Answer:
        now = self.clock.now()
        moment = now
        if (text := asked.get("dthRecuperacao")) is not None:
            try:
                moment = parse_recovery(text) - timedelta(hours=3 + self.zone_h)
            except ValueError:
                return 200, failure(mensagem="Data inválida")
        if moment > now or moment < now - KEPT:
            return 200, failure(mensagem="Período fora da janela de recuperação")
        return 200, state(moment)

    def one(self, asked: Mapping[str, str]) -> Answer:
        protocol = asked.get("numProtocolo", "").strip()
        if not protocol:
            return 200, looked_up({}, idcStatusRequisicao=2, mensagem="Informe o protocolo")
        return 200, looked_up(demand(numProtocolo=protocol) if protocol == PROTOCOL else {})


def state(moment: datetime) -> dict[str, Any]:
    """What is out at a moment; moves every half hour."""
    return outages(row(qtdOcorrenciaNaoProgramada=300 + int(moment.timestamp()) // 1800 % 997))


async def good_tls(host: str, port: int) -> tls.Offer:
    assert (host, port) == ("api.distribuidora.example", 443)
    return tls.Offer(version="TLSv1.3")


async def outcomes(server: Server, context: Context = RORAIMA, **options: Any) -> list[Outcome]:
    wanted = Options(**({"tls": good_tls} | options))
    return [outcome async for outcome in probe(server, context, wanted, clock=server.clock)]


async def broken(server: Server, context: Context = RORAIMA, **options: Any) -> set[str]:
    return {outcome.rule for outcome in await outcomes(server, context, **options) if isinstance(outcome, Finding)}


def passed(found: list[Outcome]) -> set[str]:
    return {outcome.rule for outcome in found if isinstance(outcome, Passed)}


PROBED = {f"T{number:02}" for number in range(1, 16)} | {"H01", "H02", "H03", "H04", "H05", "H06", "P10", "P11"}


async def test_a_server_that_keeps_the_rules_passes_every_probe() -> None:
    server = Server()

    found = await outcomes(server)

    assert [outcome for outcome in found if isinstance(outcome, Finding)] == []
    assert passed(found) >= PROBED
    assert len(server.asked) <= 32
    assert target(server) == "https://api.distribuidora.example/radar"


async def test_every_rule_is_told_of_at_most_once_as_kept_or_open() -> None:
    found = [outcome for outcome in await outcomes(Server()) if not isinstance(outcome, Finding)]
    names = [outcome.rule for outcome in found]

    assert len(names) == len(set(names))
    assert set(names) <= set(RULES)


def text_401(key: str) -> Answer | None:
    return None if key == KEY else (401, b"Invalid API key")


AUTH = [
    ("T05", lambda key: (200, envelope()) if not key else None, {"T05", "T06"}),
    ("T05", lambda key: (200, failure()) if not key else None, {"T05", "T06"}),
    ("T06", lambda key: (200, envelope()) if key not in ("", KEY) else None, {"T06"}),
    (
        "T06",
        lambda key: (401, failure(mensagem="esperado abc…")) if key not in ("", KEY) else None,
        {"T06"},
    ),
    ("T06", lambda key: (401, failure(mensagem=f"Use {KEY}")) if key not in ("", KEY) else None, {"T06"}),
    ("T08", text_401, {"T08"}),
    ("T08", lambda key: (401, {"detail": failure()}) if key != KEY else None, {"T08"}),
]


@pytest.mark.parametrize(("rule", "fault", "wanted"), AUTH)
async def test_keys(rule: str, fault: Callable[..., Answer | None], wanted: set[str]) -> None:
    def on_routes(path: str, key: str) -> Answer | None:
        return fault(key=key) if path in PATHS.values() else None

    found = await broken(Server(path_key=on_routes), key=lambda: KEY)

    assert found == wanted
    assert rule in found


async def test_a_key_that_is_told_is_not_repeated_in_the_finding() -> None:
    def leaky(key: str) -> Answer | None:
        return (401, failure(mensagem=f"Use {KEY}")) if key not in ("", KEY) else None

    assert KEY not in repr(await outcomes(Server(key=leaky), key=lambda: KEY))


@pytest.mark.parametrize("words", ["Erro inesperado na autenticação", "Unexpected API key"])
async def test_words_that_only_contain_a_hint_are_none(words: str) -> None:
    def refused(path: str, key: str) -> Answer | None:
        return (401, failure(mensagem=words)) if key != KEY and path in PATHS.values() else None

    assert await broken(Server(path_key=refused)) == set()


async def test_a_server_that_only_redirects_leaves_the_rest_open_with_the_reason() -> None:
    server = Server(path=lambda path: (307, b""))

    found = await outcomes(server)

    assert {one.rule for one in found if isinstance(one, Finding)} == {"T12"}
    assert "307" in next(one.why for one in found if isinstance(one, NotChecked) and one.rule == "T04")
    assert len(server.asked) == 1


def moment_fault(rule: str) -> Callable[..., Answer | None]:
    """An answer about the past that breaks this rule."""

    def ignored(_asked: Mapping[str, str]) -> Answer | None:
        return 200, outages(row())

    def lenient(asked: Mapping[str, str]) -> Answer | None:
        return (200, state(NOW)) if "T" in asked.get("dthRecuperacao", "") else None

    def future(asked: Mapping[str, str]) -> Answer | None:
        return (200, state(NOW)) if asked.get("dthRecuperacao", "").startswith("16/04") else None

    def short(asked: Mapping[str, str]) -> Answer | None:
        return (200, failure()) if asked.get("dthRecuperacao", "").startswith("12/04") else None

    return {"H01": ignored, "H02": lenient, "H03": future, "H04": short}[rule]


@pytest.mark.parametrize("rule", ["H01", "H02", "H03", "H04"])
async def test_history(rule: str) -> None:
    fault = moment_fault(rule)

    def on_route(method: str, path: str, key: str, asked: Mapping[str, str]) -> Answer | None:
        return fault(asked) if (method, path, key) == ("GET", PATHS["outages"], KEY) else None

    found = await broken(Server(method_path_key_asked=on_route))

    assert rule in found
    assert found <= ({"H01", "H02", "H03"} if rule == "H01" else {rule})


@pytest.mark.parametrize("zone_h", [-4, 0])
async def test_times_taken_as_another_zones_are_found(zone_h: int) -> None:
    server = Server()
    server.zone_h = zone_h

    # What is taken as three hours earlier also ends the week that is kept three hours too soon.
    assert await broken(server) - {"H04"} == {"H05"}


async def test_a_plus_that_is_not_understood_is_found() -> None:
    def fault(plus: bool) -> Answer | None:
        return (422, {"detail": [{"type": "datetime"}]}) if plus else None

    assert await broken(Server(plus=fault)) == {"H06"}


async def test_a_past_that_changes_is_not_blamed_on_the_plus() -> None:
    number = iter(range(1000))

    def fault(path: str, key: str, asked: Mapping[str, str]) -> Answer | None:
        if path == PATHS["outages"] and key == KEY and asked.get("dthRecuperacao", "").startswith("14/04"):
            return 200, outages(row(qtdUCsAtendidas=50_000 + next(number)))
        return None

    assert await broken(Server(path_key_asked=fault)) == {"H07"}


async def test_an_empty_present_leaves_the_past_open() -> None:
    def nobody(path: str, key: str) -> Answer | None:
        return (200, outages()) if path == PATHS["outages"] and key == KEY else None

    found = await outcomes(Server(path_key=nobody))

    assert any(isinstance(one, NotChecked) and one.rule == "H01" and "nobody is out" in one.why for one in found)


OTHERS: list[tuple[str, str, Callable[..., Answer | None]]] = [
    (
        "T13",
        "path",
        lambda path: (200, {"status": "unhealthy", "database": "down"}) if path.endswith("health") else None,
    ),
    ("T13", "path", lambda path: (200, {"openapi": "3.1.0", "paths": {}}) if path == "/openapi.json" else None),
    ("T14", "asked", lambda asked: (422, {"detail": [{"type": "extra"}]}) if "foo" in asked else None),
    ("T14", "asked", lambda asked: (200, failure()) if "foo" in asked else None),
    ("T15", "method", lambda method: (200, envelope()) if method == "POST" else None),
    ("T12", "path_key", lambda path, key: (307, b"") if path == PATHS["demands"] else None),
    ("T02", "path", lambda path: (404, {"detail": "Not Found"}) if path == PATHS["demands"] else None),
    ("P10", "asked", lambda asked: (404, {"detail": "?"}) if asked.get("numProtocolo", " ") != " " else None),
    (
        "P10",
        "asked",
        lambda asked: (
            (200, looked_up({}, idcStatusRequisicao=2, mensagem="Protocolo não encontrado"))
            if asked.get("numProtocolo", " ") != " "
            else None
        ),
    ),
    (
        "P10",
        "asked",
        lambda asked: (200, looked_up(dict.fromkeys(demand()))) if asked.get("numProtocolo", " ") != " " else None,
    ),
    ("P11", "path_asked", lambda path, asked: (422, {"detail": []}) if path == PATHS["demand"] and not asked else None),
    ("P11", "asked", lambda asked: (200, looked_up(demand())) if asked.get("numProtocolo") == " " else None),
]


@pytest.mark.parametrize(("rule", "name", "fault"), OTHERS)
async def test_other_probes(rule: str, name: str, fault: Callable[..., Answer | None]) -> None:
    assert await broken(Server(**{name: fault})) == {rule}


@pytest.mark.parametrize("fault", ["padding", "folding", ""])
async def test_protocols_match_exactly_and_only_a_given_one_is_asked_for(fault: str) -> None:
    def loose(path: str, asked: Mapping[str, str], key: str) -> Answer | None:
        text = asked.get("numProtocolo", "")
        alike = {
            "padding": lambda: text.lstrip("0") == PROTOCOL.lstrip("0"),
            "folding": lambda: text.lower() == PROTOCOL,
        }
        if key == KEY and fault and text and alike[fault]():
            return 200, looked_up(demand(numProtocolo=PROTOCOL))
        return None

    server = Server(path_asked_key=loose)

    assert await broken(server, Context.of(state="RR", protocol=PROTOCOL)) == ({"P12"} if fault else set())


async def test_without_a_protocol_no_real_one_is_asked_for() -> None:
    server = Server()

    found = await outcomes(server)

    asked = [query["numProtocolo"].strip() for _, path, query in server.asked if path == PATHS["demand"] and query]
    assert asked == ["", "NAOEXISTE0WATTDECK0000000000"]
    assert any(isinstance(one, NotChecked) and one.rule == "P12" for one in found)


async def test_the_key_is_put_into_an_address_only_where_nobody_else_can_read_it() -> None:
    def in_query(key: str, asked: Mapping[str, str]) -> Answer | None:
        return None if asked.get("api_key") == KEY else (401, failure(mensagem="API Key ausente"))

    far, near = Server(key_asked=in_query), Server(key_asked=in_query)
    near.origin, near.base_path = "http://127.0.0.1:8700", ""
    near.faults["asked"] = lambda asked: (200, envelope()) if "api_key" in asked else None
    near.faults = dict(reversed(near.faults.items()))

    assert await broken(far, key=lambda: KEY) == set()
    assert not any("api_key" in asked for _, _, asked in far.asked)
    assert len(far.asked) == 1
    assert await broken(near, key=lambda: KEY) == {"T07"}


async def test_a_server_that_cannot_be_reached_ends_the_check_with_words() -> None:
    server = Server()
    server.dead_after = 0

    with pytest.raises(Unreachable, match="no route"):
        await outcomes(server)


async def test_a_server_that_goes_away_leaves_the_rest_open() -> None:
    server = Server()
    server.dead_after = 4

    found = await outcomes(server)

    open_ = {one.rule: one.why for one in found if isinstance(one, NotChecked)}
    assert "stopped answering" in open_["T13"] or "no route" in open_["T13"]
    assert {"H02", "P10", "T10", "T15"} <= set(open_)
    assert "T05" in passed(found)


async def test_the_whole_is_bounded_in_time() -> None:
    server = Server()

    found = await outcomes(server, deadline_s=8)

    assert len(server.asked) <= 10
    assert any(isinstance(one, NotChecked) and "8 s" in one.why for one in found)


async def test_ten_requests_a_minute_are_tried_only_if_asked_for() -> None:
    calm, asked = Server(), Server()
    calm.pace_s = asked.pace_s = 20.0
    asked_fast = asked.clock.sleep

    async def hurry(seconds: float) -> None:
        await asked_fast(seconds)
        asked.pace_s = 1.0

    asked.clock.sleep = hurry  # type: ignore[method-assign]
    found = await outcomes(calm, deadline_s=9000)

    assert any(isinstance(one, NotChecked) and one.rule == "T10" for one in found)
    assert "T10" in passed(await outcomes(asked, rate=True, deadline_s=9000))
    assert len(asked.asked) == len(calm.asked) + 10


async def test_a_limit_below_ten_a_minute_is_found_and_does_not_end_the_check() -> None:
    number = iter(range(1000))

    def tight(path: str, key: str) -> Answer | None:
        return (429, failure(mensagem="Rate limit excedido")) if key == KEY and next(number) % 3 == 2 else None

    found = await outcomes(Server(path_key=tight))

    assert "T10" in {one.rule for one in found if isinstance(one, Finding)}
    assert "T13" in passed(found) or any(isinstance(one, NotChecked) and one.rule == "T13" for one in found)


@pytest.mark.parametrize("offer", [tls.Offer(version="TLSv1.1"), tls.Offer(problem="certificate: expired")])
async def test_a_weak_connection_is_found(offer: tls.Offer) -> None:
    async def weak(host: str, port: int) -> tls.Offer:
        return offer

    assert await broken(Server(), tls=weak) == {"T01"}


async def test_a_proxys_page_is_no_judgement_on_keys_and_protocols() -> None:
    def page(path: str) -> Answer | None:
        return 502, b"<html><body>502 Bad Gateway</body></html>"

    server = Server(path=page)
    server.headers = {"content-type": "text/html"}

    assert await broken(server) == {"T03"}


async def test_other_addresses_in_refusals_are_found() -> None:
    def other(path: str, key: str) -> Answer | None:
        if key != KEY and path in PATHS.values():
            return 401, failure(mensagem="API Key ausente", emailIndisponibilidade="x" + EMAIL)
        return None

    assert await broken(Server(path_key=other)) == {"E11"}


async def test_what_tls_a_server_really_offers_is_seen() -> None:
    import trustme

    authority, server_context, client_context = (
        trustme.CA(),
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.create_default_context(),
    )
    authority.issue_cert("localhost").configure_cert(server_context)
    authority.configure_trust(client_context)
    from anyio.streams.tls import TLSListener

    async def hang_up(stream: Any) -> None:
        await stream.aclose()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)

    async def ignore(error: BaseException, stream: Any) -> None:
        await stream.aclose()

    class Quiet(TLSListener):
        handle_handshake_error = staticmethod(ignore)  # type: ignore[assignment]

    async with Quiet(listener, server_context, standard_compatible=False) as secure, anyio.create_task_group() as group:
        group.start_soon(secure.serve, hang_up)
        assert await tls.look("localhost", port, client_context) == tls.Offer(version="TLSv1.3")
        untrusted = await tls.look("localhost", port)
        assert untrusted.problem.startswith("certificate: ")
        group.cancel_scope.cancel()
