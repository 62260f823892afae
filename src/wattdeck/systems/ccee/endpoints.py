"""The endpoints of the simulated CCEE when nothing is wrong (ccee.md 3 and 4)."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from wattdeck.systems.ccee import answers, metering, paper, solicitations
from wattdeck.systems.ccee.bodies import DOCUMENT, UNIT, UTILITY, Fields, edit, wanted
from wattdeck.systems.ccee.exchange import (
    FORBIDDEN,
    Call,
    File,
    Listing,
    Nothing,
    Outcome,
    Refusal,
    Row,
    Single,
    missing,
    wrong,
)
from wattdeck.systems.ccee.faults import FaultBoard
from wattdeck.systems.ccee.listing import YEARS, month_window, needed, page
from wattdeck.systems.ccee.models import BRASILIA, Status
from wattdeck.systems.ccee.months import first_day, month_of
from wattdeck.systems.ccee.numbering import is_cnpj
from wattdeck.systems.ccee.records import ContractRecord, MigrationRecord, Signature
from wattdeck.systems.ccee.store import Store

MEASUREMENT_ROWS = 1000
FIRST_MEASUREMENT = datetime(2024, 8, 1, tzinfo=BRASILIA)
CONTRACT_STATUSES = ("CRIADO", "CONCLUIDO", "CANCELADO")
MEASUREMENT_STATUSES = ("CONSISTIDA", "REJEITADA")
CONTACTS = ("UNIDADE_CONSUMIDORA", "VAREJISTA")

Handler = Callable[..., Outcome]
_MIGRATIONS = r"/(?:v1|v1\.1|v2)/varejista/migracoes"


class Endpoints:
    """Finds the handler of a request.

    Args:
        store: What there is.
        faults: What is wrong.
    """

    def __init__(self, store: Store, faults: FaultBoard) -> None:
        self._store, self._faults = store, faults
        self._made = 0
        """Contracts created so far."""
        requests = solicitations.Solicitations(store, faults)
        self._routes: tuple[tuple[re.Pattern[str], dict[str, Handler]], ...] = (
            (re.compile(_MIGRATIONS), {"GET": self.list_migrations, "POST": self.create_migration}),
            (
                re.compile(_MIGRATIONS + "/([^/]+)"),
                {"GET": self.migration, "PUT": self.update_migration, "DELETE": self.cancel_migration},
            ),
            (re.compile("/v1/varejista/contratos"), {"GET": self.list_contracts, "POST": self.create_contract}),
            (re.compile("/v1/varejista/contratos/([^/]+)"), {"GET": self.contract}),
            (re.compile("/v1/varejista/contratos/([^/]+)/arquivo"), {"GET": self.contract_file}),
            (re.compile("/v1/varejista/consumo/medicoes"), {"GET": self.list_measurements}),
            (re.compile("/v1/solicitacoes"), {"GET": requests.list}),
            *_creations(requests.creators),
            (
                re.compile("/v1/solicitacoes/([^/]+)"),
                {"POST": lambda call, request_id: requests.answer(request_id, call)},
            ),
        )

    def handler(self, method: str, path: str) -> Callable[[Call], Outcome]:
        """What answers a request.

        Raises:
            Refusal: nothing is at that path, or not for that method.
        """
        for pattern, handlers in self._routes:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            found = handlers.get(method)
            if found is None:
                raise Refusal(405, "ERR_METODO", f"metodo {method} nao permitido", {"Allow": ", ".join(handlers)})
            return lambda call: found(call, *match.groups())
        raise missing("rota")

    # migrations

    def list_migrations(self, call: Call) -> Listing:
        """One page of a profile's migrations by reference month."""
        first, last = month_window(call.query)
        self._own_profile(call)
        status = call.query.get("statusMigracao", "")
        if status and status not in list(Status):
            raise wrong("statusMigracao", "valor invalido")
        rows = self._store.window(call, first, last, call.query.get(UNIT, ""), status)
        compat = "compat-052" in self._faults

        def shown(record: MigrationRecord) -> Row:
            row = answers.migration(record, call.version, detail=False)
            if compat and row["dataDenuncia"] is None:
                row["dataDenuncia"] = answers.day(record.requested_on)
            return row

        return page(rows, "migracao", call.query, self._faults, shown)

    @staticmethod
    def _own_profile(call: Call) -> None:
        """The profile of the query is that of the header (ccee.md 3.2)."""
        if needed(call.query, "codigoPerfilVarejista") != str(call.profile):
            raise wrong("codigoPerfilVarejista", "difere do cabecalho codigoPerfil")

    def migration(self, call: Call, migration_id: str) -> Single:
        """One migration."""
        return self._detail(self._migration(call, migration_id), call)

    def create_migration(self, call: Call) -> Single:
        """A new migration."""
        self._retailers_only(call)
        return self._detail(self._store.create(wanted(call), call), call, 201)

    def update_migration(self, call: Call, migration_id: str) -> Single:
        """Replace the five fields of one that waits."""
        self._retailers_only(call)
        record = self._waiting(call, migration_id, "alterada")
        self._store.edit(record, edit(call))
        return self._detail(record, call)

    def cancel_migration(self, call: Call, migration_id: str) -> Nothing:
        """Withdraw one that waits."""
        self._retailers_only(call)
        self._store.cancel(self._waiting(call, migration_id, "cancelada"))
        return Nothing()

    @staticmethod
    def _retailers_only(call: Call) -> None:
        if call.is_utility:
            raise Refusal(403, FORBIDDEN, "operacao exclusiva do varejista")

    def _migration(self, call: Call, migration_id: str) -> MigrationRecord:
        record = self._store.migration(migration_id, call.agent)
        if record is None:
            raise missing("migracao")
        return record

    def _waiting(self, call: Call, migration_id: str, done: str) -> MigrationRecord:
        record = self._migration(call, migration_id)
        if record.status != "CRIADA":
            words = f"statusMigracao: migracao {record.status} nao pode ser {done}"
            raise Refusal(400, "ERR_SITUACAO_MIGRACAO", words)
        return record

    def _detail(self, record: MigrationRecord, call: Call, status: int = 200) -> Single:
        return Single(answers.migration(record, call.version, detail=True), status)

    # contracts

    def list_contracts(self, call: Call) -> Listing:
        """One page of a profile's contracts by their migrations' reference month."""
        first, last = month_window(call.query)
        self._own_profile(call)
        utility, unit, status = (call.query.get(name, "") for name in (UTILITY, UNIT, "statusContrato"))
        if status and status not in CONTRACT_STATUSES:
            raise wrong("statusContrato", "valor invalido")
        now = self._store.now()
        rows = [
            each
            for each in self._contracts(call)
            if first <= each.month <= last
            and (call.is_utility or each.profile == call.profile)
            and utility in ("", str(each.utility))
            and unit in ("", each.unit)
            and status in ("", each.status(now))
        ]
        return page(rows, "contratos", call.query, self._faults, lambda each: answers.contract(each, now))

    def _contracts(self, call: Call) -> list[ContractRecord]:
        contracts = self._store.contracts(call.agent).values()
        return [each for each in contracts if call.agent in (each.retailer, each.utility)]

    def contract(self, call: Call, contract_id: str) -> Single:
        """One contract."""
        return Single(answers.contract(self._contract(call, contract_id), self._store.now()))

    def _contract(self, call: Call, contract_id: str) -> ContractRecord:
        record = self._store.contracts(call.agent).get(contract_id)
        if record is None or call.agent not in (record.retailer, record.utility):
            raise missing("contrato")
        return record

    def contract_file(self, call: Call, contract_id: str) -> File:
        """The PDF of a contract that all have signed, as Base64 text."""
        record, now = self._contract(call, contract_id), self._store.now()
        if record.status(now) != "CONCLUIDO":
            raise Refusal(400, "ERR_CONTRATO_NAO_CONCLUIDO", "situacaoCcv: arquivo disponivel apenas para CONCLUIDO")
        content = paper.pdf(record, now)
        if self._faults.strike("contract-bad-base64"):
            content = b"%%%not base64 at all" + base64.b64encode(content)[:101]
        elif not self._faults.strike("contract-raw-pdf"):
            content = base64.b64encode(content)
        odd = self._faults.strike("contract-odd-name")
        return File(content, "../../.ssh/authorized_keys" if odd else f"ccv-{record.unit}.pdf")

    def create_contract(self, call: Call) -> Single:
        """A new contract, to be signed in the days to come."""
        self._retailers_only(call)
        body, now = Fields(call.body), self._store.now()
        utility, unit = body.utility(), body.text(UNIT, most=30)
        kind, number = body.document(of_contract=True)
        own = (each for each in self._store.of_unit(unit) if each.retailer == call.agent and each.active)
        migration = next(own, None)
        record = ContractRecord(
            self._store.new_id(), call.agent, call.profile, utility, unit,
            migration.month if migration else month_of(now), kind, number or "",
            body.text("nomeUnidadeConsumidora", optional=True) or None,
            body.text("enderecoUnidadeConsumidora", optional=True) or None,
            body.text("telefoneUnidadeConsumidora", optional=True) or None,
            *self._branch(body, kind),
            created_at=now, signatures=self._signatures(body, call, now),
        )  # fmt: skip
        record.authenticity = record.id[:8].upper()
        self._store.contracts(call.agent)[record.id] = record
        return Single(answers.contract(record, now), 201)

    @staticmethod
    def _branch(body: Fields, kind: str) -> tuple[str | None, str | None]:
        names = ("cnpjFilialUnidadeConsumidora", "enderecoFilialUnidadeConsumidora")
        number, address = (body.text(name, optional=True) for name in names)
        for name, value in zip(names, (number, address), strict=True):
            if value and kind == "CPF":
                raise wrong(name, "somente para CNPJ")
        if number and not is_cnpj(number):
            raise wrong(names[0], "CNPJ invalido")
        return number or None, address or None

    def _signatures(self, body: Fields, call: Call, now: datetime) -> tuple[Signature, ...]:
        """Those named in the body sign within three days; the retailer too if nobody is named."""
        self._made += 1
        luck = random.Random(f"{self._store.seed}/sign/{now.date()}/{call.agent}/{self._made}")  # noqa: S311
        signatures = []
        for each in body.objects("representantesLegais"):
            name, _ = each.text("nomeContato"), each.text("nomeEmail")
            kind = each.word("tipoContato", CONTACTS)
            document, number = each.document(of_contract=True)
            if not document or not number:
                raise wrong(DOCUMENT, "campo obrigatorio")
            signatures.append(Signature(name, kind, now + timedelta(hours=luck.uniform(2, 72))))
        return tuple(signatures) or (Signature(f"Varejista {call.agent}", "VAREJISTA", now + timedelta(hours=24)),)

    # measurements

    def list_measurements(self, call: Call) -> Listing:
        """One page of a completed unit's five-minute energy within one month."""
        unit, utility = needed(call.query, UNIT), needed(call.query, UTILITY)
        start, end = (_moment(call, name) for name in ("dataInicio", "dataFim"))
        if (start.year, start.month) != (end.year, end.month) or start > end:
            raise wrong("dataInicio", "inicio e fim devem estar no mesmo mes", "ERR_PERIODO_INVALIDO_MEDICOES")
        if start.astimezone(BRASILIA) < FIRST_MEASUREMENT:
            raise wrong("dataInicio", "medicoes a partir de 2024-08", "ERR_SISTEMA_MIGRACAO_IMPLATADO_MEDICOES")
        status = call.query.get("situacaoMedicao", "")
        if status and status not in MEASUREMENT_STATUSES:
            raise wrong("situacaoMedicao", "valor invalido")
        rows: Sequence[Row] = []
        for record in self._store.seen_by(call.agent):
            if (record.unit, str(record.utility), record.status) == (unit, utility, "CONCLUIDA"):
                now, first = self._store.now(), first_day(record.month)
                rows = metering.Series(record, self._store.seed, start, end, first, now)
        if status:
            rows = [row for row in rows[0 : len(rows)] if row["situacaoMedicao"] == status]
        return page(rows, "medicoes", call.query, self._faults, dict, MEASUREMENT_ROWS)


def _creations(creators: Mapping[str, Handler]) -> Iterator[tuple[re.Pattern[str], dict[str, Handler]]]:
    for name, creator in creators.items():
        yield re.compile(f"/v1/solicitacoes/{name}"), {"POST": creator}


def _moment(call: Call, name: str) -> datetime:
    """An ISO time; without an offset it is Brasília's."""
    try:
        value = datetime.fromisoformat(needed(call.query, name))
    except ValueError:
        raise wrong(name, "formato invalido") from None
    if not YEARS[0] < value.year < YEARS[1]:
        raise wrong(name, "ano invalido")
    return value if value.tzinfo else value.replace(tzinfo=BRASILIA)
