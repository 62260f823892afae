"""What the three routes of the simulated distributor answer (aneel.md 2, 13), before faults bend the answer itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from wattdeck.core.faultboard import FaultBoard
from wattdeck.systems.aneel import responses
from wattdeck.systems.aneel.exchange import PAYLOADS, Route
from wattdeck.systems.aneel.history import SLOT_S, History
from wattdeck.systems.aneel.models import BRASILIA, Demand, Row
from wattdeck.systems.aneel.scenarios import HOUR_S
from wattdeck.systems.aneel.simdemands import Cases, Counts
from wattdeck.systems.aneel.times import parse_recovery
from wattdeck.systems.aneel.turnstile import EMAIL, Turnstile

Json = dict[str, Any]

BAD_MOMENT = "Parâmetro dthRecuperacao inválido: use dd/mm/aaaa hh:mm."
OUT_OF_WINDOW = "Período fora da janela de recuperação."
NOT_KEPT = "Não há registro para o horário solicitado."
CLOSED = "Serviço disponível somente no horário de atendimento."
NO_PROTOCOL = "Parâmetro numProtocolo obrigatório, com até 30 letras e números."
TECHNICAL = "Erro ao consultar banco de dados: ORA-12541: TNS:no listener host=10.0.0.8 user=radar"
SHORT_HISTORY_S = 24 * HOUR_S
DAY = timedelta(days=1)


class Unserved(Exception):
    """The answer is of status 2; the text is its message."""


class Desk:
    """Answers questions.

    Args:
        history: Outages by time.
        counts: Demands of the day.
        cases: Demands by protocol.
        turnstile: Knows the address for errors.
        faults: What is wrong.
        now_s: Simulated Unix seconds.
    """

    def __init__(
        self,
        history: History,
        counts: Counts,
        cases: Cases,
        turnstile: Turnstile,
        faults: FaultBoard,
        now_s: Callable[[], float],
    ) -> None:
        self._history, self._counts, self._cases = history, counts, cases
        self._turnstile, self._faults, self._true_now_s = turnstile, faults, now_s
        self.stale_since_s: dict[str, float] = {}
        """`frozen` and `stale-as-success` -> simulated Unix seconds when they were switched on."""
        self._answered = 0

    def answer(self, route: Route, query: Mapping[str, str], raw_query: str) -> tuple[int, Json]:
        """The HTTP status and the content for a question."""
        self._answered += 1
        email = self._turnstile.email()
        wrong = self._wrong(route, email)
        if wrong is not None:
            return wrong
        try:
            if route == "outages":
                return 200, responses.outages_response(self._rows(query, raw_query), EMAIL)
            self._must_be_open(route)
            if route == "demands":
                return 200, responses.demands_response(self._counts.at(self._shown_s()))
            return self._single(query.get("numProtocolo"))
        except Unserved as reason:
            return 200, responses.error_response(route, str(reason), email)

    def _wrong(self, route: Route, email: str) -> tuple[int, Json] | None:
        """Status 2 because a fault says so."""
        content = responses.error_response(route, responses.UNAVAILABLE, email)
        if self._faults.strike("unavailable", route):
            return 200, content
        if self._faults.strike("status-500", route):
            return 500, content
        if self._faults.strike("no-message", route):
            return 200, {key: value for key, value in content.items() if key != "mensagem"}
        if self._faults.strike("blank-message", route):
            return 200, content | {"mensagem": " "}
        if self._faults.strike("technical-message", route):
            return 200, content | {"mensagem": TECHNICAL}
        if self._faults.strike("unbounded-message", route):
            return 200, content | {"mensagem": "Serviço temporariamente indisponível.\n" * 110}
        if self._faults.strike("rows-on-error", route):
            row = responses.outages_response(self._history.rows(self._true_now_s())[:3], EMAIL)[PAYLOADS["outages"]]
            return 200, content | {PAYLOADS[route]: {"numProtocolo": "1"} if route == "demand" else row}
        return None

    # time, as the server sees it

    def _now_s(self) -> float:
        """The server's clock."""
        return self._true_now_s() - (HOUR_S if "hour-wrong" in self._faults else 0.0)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._now_s(), BRASILIA)

    def _shown_s(self) -> float:
        """The moment current answers are of."""
        now_s = self._now_s()
        if "frozen" in self._faults:
            return self.stale_since_s.get("frozen", now_s)
        hours = self._faults.value("stale-as-success")
        since_s = self.stale_since_s.get("stale-as-success", now_s)
        return since_s if isinstance(hours, float) and now_s < since_s + hours * HOUR_S else now_s

    def _must_be_open(self, route: Route) -> None:
        """Closed hours (aneel.md 2.1), where they are kept.

        Raises:
            Unserved: it is closed.
        """
        if "closed-hours" not in self._faults:
            return
        now = self._now()
        is_open = (
            now.weekday() < 5 and now.hour >= 6 if route == "demands" else now.weekday() < 6 and 8 <= now.hour < 20
        )
        if not is_open:
            raise Unserved(CLOSED)

    # outages

    def _rows(self, query: Mapping[str, str], raw_query: str) -> tuple[Row, ...]:
        asked = query.get("dthRecuperacao")
        if asked is None or "ignored-history" in self._faults:
            off_s = self._true_now_s() - self._now_s()
            return self._history.rows(self._shown_s() + off_s)
        if "+" in raw_query and "plus-refused" in self._faults:
            raise Unserved(BAD_MOMENT)
        try:
            asked_s = parse_recovery(asked).timestamp()
        except ValueError:
            if "lenient-dates" in self._faults:
                return self._history.rows(self._true_now_s())
            raise Unserved(BAD_MOMENT) from None
        return self._recalled(asked_s)

    def _recalled(self, asked_s: float) -> tuple[Row, ...]:
        """The snapshot for a moment.

        Raises:
            Unserved: it is in the future, or no longer kept.
        """
        now_s = self._now_s()
        shift_h = self._faults.value("shifted-history")
        if isinstance(shift_h, float):
            asked_s += shift_h * HOUR_S
        if "short-history" in self._faults and asked_s < now_s - SHORT_HISTORY_S:
            raise Unserved(OUT_OF_WINDOW)
        if "missing-slots" in self._faults and asked_s // SLOT_S % 3 == 0:
            raise Unserved(NOT_KEPT)
        off_s = self._true_now_s() - now_s
        rows = self._history.recalled(asked_s + off_s, self._true_now_s())
        if rows is None:
            if "endless-history" not in self._faults:
                raise Unserved(OUT_OF_WINDOW)
            rows = self._history.rows(self._true_now_s())
        if "wobbling-history" in self._faults:
            rows = tuple(_wobbled(row, self._answered) for row in rows)
        return rows

    # demands by protocol

    def _single(self, protocol: str | None) -> tuple[int, Json]:
        if not protocol or not (len(protocol) <= 30 and protocol.isascii() and protocol.isalnum()):
            if self._faults.strike("framework-422", "demand"):
                detail = [{"type": "missing", "loc": ["query", "numProtocolo"], "msg": "Field required"}]
                return 422, {"detail": detail}
            raise Unserved(NO_PROTOCOL)
        case = self._find(protocol)
        if case is None and self._faults.strike("unknown-404", "demand"):
            return 404, responses.error_response("demand", "Protocolo não encontrado.", self._turnstile.email())
        return 200, responses.demand_response(case)

    def _find(self, protocol: str) -> Demand | None:
        case = self._cases.find(protocol, self._now())
        if case is None and "loose-match" in self._faults:
            return self._cases.find(protocol.upper().lstrip("0"), self._now())
        return case


def _wobbled(row: Row, number: int) -> Row:
    """Other figures for the same moment, by the number of the answer."""
    luck = random.Random(f"{number}/{row.set_code}/{row.municipality_code}")  # noqa: S311
    return replace(row, unplanned_out=luck.randint(row.unplanned_out // 2, row.unplanned_out))
