"""Change requests at the simulated CCEE: who may ask for what, and when nobody's answer is a yes (ccee.md 4.3, 6.5).

Conventions of ours where no source says: days are counted from the day of the request, of a suspension from the day
the consumer was told; either party may answer; a suspension that was approved begins with the next month.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from wattdeck.systems.ccee import answers
from wattdeck.systems.ccee.bodies import UNIT, UTILITY, YES_NO, Fields
from wattdeck.systems.ccee.exchange import FORBIDDEN, Call, Listing, Refusal, Single, wrong
from wattdeck.systems.ccee.faults import FaultBoard
from wattdeck.systems.ccee.listing import date_window, month_window, needed, page
from wattdeck.systems.ccee.models import BRASILIA, RequestStatus, RequestType
from wattdeck.systems.ccee.months import add_months, first_day, month_of
from wattdeck.systems.ccee.records import MigrationRecord, RequestRecord
from wattdeck.systems.ccee.store import Store

KIND, ANSWER = "tipoSolicitacao", "situacaoAlteracao"
BAD_KIND = "ERR_TIPO_SOLICITACAO_INVALIDO"
ANSWERS = ("CONCLUIDA", "REPROVADA")
BY_SYSTEM = RequestType.SUSPENSION_DISCONNECTION.value
_CAPTIVE, _REPRESENTATIVE, _SUSPENSION = "ALTERACAO_RETORNO_CATIVO_", "ALTERACAO_ALFA_VAREJISTA_", "SUSPENSAO_"
_OWN_SUSPENSIONS = (RequestType.SUSPENSION_TERMINATION.value, RequestType.SUSPENSION_RESOLUTION.value)


def silent_days(kind: str) -> int:
    """Days after which silence is a yes."""
    if kind.endswith("DESLIGAMENTO"):
        return 0
    return 90 if kind.endswith("RESILICAO") else 15


class Solicitations:
    """The endpoints under `/v1/solicitacoes`.

    Args:
        store: What there is.
        faults: What is wrong.
    """

    def __init__(self, store: Store, faults: FaultBoard) -> None:
        self._store, self._faults = store, faults
        store.awaited = self._await
        self.creators: dict[str, Callable[[Call], Single]] = {
            "retorno-cativo": self._return_to_captive,
            "representante": self._change_representative,
            "suspensao-fornecimento-varejista": self._suspend_by_retailer,
            "suspensao-fornecimento-concessionaria": self._suspend_by_utility,
        }

    # reading

    def list(self, call: Call) -> Listing:
        """The requests of one kind that the caller is a party to.

        Raises:
            Refusal: a parameter is missing or not as it must be.
        """
        kind = needed(call.query, KIND)
        if kind not in list(RequestType):
            raise wrong(KIND, "tipo invalido", BAD_KIND)
        chosen = self._chosen_by(call)
        self._store.make(call.agent)
        unit, status = call.query.get(UNIT, ""), call.query.get(ANSWER, "")
        if status and status not in list(RequestStatus):
            raise wrong(ANSWER, "valor invalido")
        rows = [
            each
            for each in self._store.requests.values()
            if call.agent in each.parties
            and (call.is_utility or call.profile in (each.profile, each.new_profile))
            and each.kind == kind
            and unit in ("", each.unit)
            and status in ("", each.status)
            and chosen(each)
        ]
        return page(rows, "solicitacao", call.query, self._faults, answers.change_request)

    @staticmethod
    def _chosen_by(call: Call) -> Callable[[RequestRecord], bool]:
        """By reference month or by date of the request: whichever pair is given."""
        if any(name.startswith("mesReferencia") for name in call.query):
            first, last = month_window(call.query)
            return lambda each: each.month is not None and first <= each.month <= last
        start, end = date_window(call.query, "dataSolicitacaoInicial", "dataSolicitacaoFinal")
        return lambda each: start <= each.requested_on <= end

    # asking

    def _return_to_captive(self, call: Call) -> Single:
        body = self._body(call, call.is_utility)
        kind = self._kind(body, _CAPTIVE)
        month, cer = body.month("mesReferencia"), body.word("idCelebracaoCER", YES_NO)
        record = self._completed(body, lambda each: each.utility == call.agent)
        return self._ask(record, kind, call, month=month, cer=cer)

    def _change_representative(self, call: Call) -> Single:
        body = self._body(call, not call.is_utility)
        kind = self._kind(body, _REPRESENTATIVE)
        utility, month = body.utility(), body.month("mesReferencia")
        profile = body.own("codigoAgenteVarejistaNovo", "codigoPerfilVarejistaNovo", call)
        record = self._completed(body, lambda each: each.utility == utility and each.retailer != call.agent)
        return self._ask(record, kind, call, month=month, new_retailer=call.agent, new_profile=profile)

    def _suspend_by_retailer(self, call: Call) -> Single:
        body = self._body(call, not call.is_utility)
        kind = self._kind(body, _SUSPENSION)
        if kind not in _OWN_SUSPENSIONS:
            raise wrong(KIND, "tipo nao pode ser solicitado pelo varejista", BAD_KIND)
        utility, notified_on = body.utility(), body.day("dataNotificacao")
        record = self._completed(body, lambda each: each.utility == utility and each.retailer == call.agent)
        return self._ask(record, kind, call, notified_on=notified_on)

    def _suspend_by_utility(self, call: Call) -> Single:
        body = self._body(call, call.is_utility)
        kind = self._kind(body, RequestType.SUSPENSION_BY_UTILITY.value)
        if body.given(UTILITY) and body.code(UTILITY) != call.agent:
            raise wrong(UTILITY, "difere do agente autenticado")
        notified_on = body.day("dataNotificacao")
        record = self._completed(body, lambda each: each.utility == call.agent)
        return self._ask(record, kind, call, notified_on=notified_on)

    @staticmethod
    def _body(call: Call, allowed: bool) -> Fields:
        if not allowed:
            raise Refusal(403, FORBIDDEN, "agente sem permissao para esta solicitacao")
        return Fields(call.body)

    @staticmethod
    def _kind(body: Fields, prefix: str) -> str:
        kind = body.text(KIND)
        if kind == BY_SYSTEM or kind not in list(RequestType) or not kind.startswith(prefix):
            raise wrong(KIND, "tipo invalido para esta operacao", BAD_KIND)
        return kind

    def _completed(self, body: Fields, fits: Callable[[MigrationRecord], bool]) -> MigrationRecord:
        unit = body.text(UNIT, most=30)
        for record in self._store.of_unit(unit):
            if record.status == "CONCLUIDA" and fits(record):
                return record
        raise Refusal(400, "ERR_MIGRACAO_CONCLUIDA_NAO_ENCONTRADA", f"{UNIT}: sem migracao concluida")

    def _ask(
        self,
        record: MigrationRecord,
        kind: str,
        call: Call,
        *,
        month: str | None = None,
        cer: str | None = None,
        notified_on: date | None = None,
        new_retailer: int | None = None,
        new_profile: int | None = None,
    ) -> Single:
        today = self._store.now().date()
        parties = frozenset({call.agent, record.retailer, record.utility})
        request = RequestRecord(
            self._store.new_id(), record.unit, record.utility, kind, today, record.id, record.retailer, record.profile,
            month=month, cer=cer, notified_on=notified_on, new_retailer=new_retailer, new_profile=new_profile,
            parties=parties,
        )  # fmt: skip
        self._store.requests[request.id] = request
        reply = answers.change_request(request, created=True)
        self._await(request)
        return Single(reply, 201)

    # answering

    def answer(self, request_id: str, call: Call) -> Single:
        """Approve or refuse.

        Raises:
            Refusal: no such request, or it does not wait, or the body is not as it must be.
        """
        self._store.make(call.agent)
        request = self._store.requests.get(request_id)
        if request is None or call.agent not in request.parties:
            raise Refusal(400, "ERR_SOLICITACAO_NAO_EXISTE_BASE_DADOS", "solicitacao nao encontrada")
        body = Fields(call.body)
        decision = body.word(ANSWER, ANSWERS)
        if body.text(KIND) != request.kind:
            raise wrong(KIND, "difere do tipo da solicitacao", BAD_KIND)
        justification = body.text("descricaoJustificativa", optional=True)
        if request.status != "CRIADA":
            raise wrong(ANSWER, f"solicitacao ja esta {request.status}")
        request.justification = justification or None
        if decision == "CONCLUIDA":
            self._approve(request, self._store.now())
        else:
            request.status = decision
        return Single(answers.change_request(request))

    # what time does

    def _await(self, request: RequestRecord) -> None:
        """Let a request that waits be approved when its time has come; at once if it needs no answer."""
        if request.status != "CRIADA":
            return
        days = silent_days(request.kind)
        if days == 0:
            self._approve(request, self._store.now())
            return
        due = (request.notified_on or request.requested_on) + timedelta(days=days)
        due = max(due, request.requested_on + timedelta(days=1))
        self._store.at(datetime.combine(due, time(0, 10), BRASILIA), lambda when: self._approve(request, when))

    def _approve(self, request: RequestRecord, when: datetime) -> None:
        if request.status != "CRIADA":
            return
        request.status = "CONCLUIDA"
        if request.month is None:
            request.month = add_months(month_of(when), 1)
        begins = datetime.combine(first_day(request.month), time(), BRASILIA)
        self._store.at(max(begins, when), lambda at: self._take_effect(request, at))
        self._store.settle()

    def _take_effect(self, request: RequestRecord, when: datetime) -> None:
        """End the migration; a new retailer gets one of its own."""
        found = (each for each in self._store.of_unit(request.unit) if each.id == request.migration_id)
        record = next(found, None)
        if record is None or record.status != "CONCLUIDA":
            return
        record.status = "ENCERRADA"
        if request.cer == "SIM":
            record.cer = self._store.new_id()
        if request.new_retailer is not None and request.new_profile is not None:
            successor = replace(
                record, id=self._store.new_id(), retailer=request.new_retailer, profile=request.new_profile,
                month=request.month or record.month, status="CONCLUIDA", requested_on=request.requested_on,
                validated_on=when.date(), seeded=False, cer=None,
            )  # fmt: skip
            self._store.add(successor)
