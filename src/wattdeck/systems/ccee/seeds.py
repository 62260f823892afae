"""The migrations, contracts and change requests that are there when the simulated CCEE starts.

Made agent by agent when somebody first asks; a pure function of seed, start and agent. All names are made up.
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from wattdeck.systems.ccee.lifecycle import ACCEPT, ANSWER_DAYS, LAPSE, REJECT, add_business_days, carry_out
from wattdeck.systems.ccee.models import BRASILIA
from wattdeck.systems.ccee.months import add_months, first_day, month_of
from wattdeck.systems.ccee.numbering import cnpj, cpf, is_unit_code, unit_code
from wattdeck.systems.ccee.records import ContractRecord, MigrationRecord, RequestRecord, Signature
from wattdeck.systems.ccee.registry import RETAILERS, UTILITIES, profiles_of

ROWS = {200100: 152, 200101: 26}
"""Migrations of the profiles that are shown around; the others have a few."""
FIRST_SERIAL, SERIALS = 4_000_000, 50_000
"""Units of a profile are numbered from here, each profile's so far from the next one's."""
MONTHS_BACK, MONTHS_AHEAD = 9, 9
_WINDOW_BACK = 2
SUBGROUPS = ("A4",) * 7 + ("A3a", "A3", "AS", "B3", "B3", "B1")
TRADES = (
    "Padaria", "Supermercado", "Frigorífico", "Hotel", "Clínica", "Colégio", "Metalúrgica", "Cerâmica", "Laticínios",
    "Auto Posto", "Academia", "Gráfica", "Confecções", "Drogaria", "Restaurante", "Transportes", "Moinho", "Fiação",
)  # fmt: skip
NAMES = (
    "Sol Nascente", "Boa Vista", "Serra Azul", "Santa Clara", "Três Irmãos", "Rio Doce", "Ipê Amarelo", "Bela Aurora",
    "Monte Verde", "São Bento", "Estrela do Sul", "Campo Largo", "Águas Claras", "Nova Esperança", "Pedra Branca",
    "Vale Verde", "Primavera", "Porto Feliz",
)  # fmt: skip
FIRST_NAMES = ("Ana", "João", "Marina", "Paulo", "Luíza", "Carlos", "Beatriz", "Rafael", "Helena", "Tiago", "Sônia")
LAST_NAMES = ("Souza", "Oliveira", "Araújo", "Gonçalves", "Pereira", "Conceição", "Lima", "Barbosa", "Nogueira")
STREETS = ("Rua das Acácias", "Avenida Brasil", "Rua Sete de Setembro", "Rodovia do Café", "Travessa da Matriz")
CITIES = ("Campinas/SP", "Curitiba/PR", "Feira de Santana/BA", "Joinville/SC", "Uberlândia/MG", "Belém/PA")
FORMS = ("Ltda.", "Ltda.", "S.A.", "ME", "EPP")
SUSPENSION, CAPTIVE = "SUSPENSAO_FORNECIMENTO_RESILICAO", "ALTERACAO_RETORNO_CATIVO_RESOLUCAO"


@dataclass(frozen=True, slots=True)
class Stock:
    """What one retailer has at the start."""

    migrations: tuple[MigrationRecord, ...]
    requests: tuple[RequestRecord, ...]


def stock(seed: int, start: datetime, retailer: int) -> Stock:
    """Everything of one retailer, all its profiles; its contracts come from `contract_of`."""
    made = [row for profile in profiles_of(retailer) for row in _rows(seed, start.date(), retailer, profile)]
    return Stock(tuple(made), tuple(_requests(made, seed, start.date())))


def holder_of(unit: str) -> int | None:
    """The retailer whose stock may hold a 15-digit unit; None if nobody's does."""
    place = (int(unit[:10]) - FIRST_SERIAL) // (2 * SERIALS) if is_unit_code(unit) else -1
    return RETAILERS[place] if 0 <= place < len(RETAILERS) else None


def uuid(luck: random.Random) -> str:
    """A version 4 UUID."""
    return str(UUID(int=luck.getrandbits(128), version=4))


def _luck(*parts: object) -> random.Random:
    return random.Random("/".join(map(str, parts)))  # noqa: S311


# migrations


def _rows(seed: int, today: date, retailer: int, profile: int) -> list[MigrationRecord]:
    luck = _luck(seed, today, profile)
    count = ROWS.get(profile) or luck.randint(2, 7)
    waiting = _waiting_days(today, count)
    utilities = luck.sample(UTILITIES, 7)
    serial = FIRST_SERIAL + SERIALS * (2 * RETAILERS.index(retailer) + profile % 2)
    rows: list[MigrationRecord] = []
    for index in range(count):
        unit = unit_code(f"{serial + 31 * index + luck.randrange(31):010d}{luck.randrange(20, 400):03d}")
        before = rows[-1] if rows else None
        again = before is not None and before.status == "REPROVADA" and len(before.unit) == 15 and luck.random() < 0.4
        row = _row(luck, today, retailer, profile, before.unit if again and before else unit, luck.choice(utilities))
        if index >= count - len(waiting):
            _wait(row, luck, waiting[index - count])
        else:
            _decide(row, luck, today, seed, active=not again)
        rows.append(row)
    return sorted(rows, key=lambda row: row.requested_on)


def _waiting_days(today: date, count: int) -> list[date]:
    """When those that wait were asked for: overdue, due today, in one to five business days; more of them in a
    profile with many."""
    due = add_business_days(add_business_days(today, -1), 1)

    def asked(days: int) -> date:
        return min(today, add_business_days(due, days - ANSWER_DAYS))

    few = [asked(0), asked(2)]
    if count < 20:
        return few[: 1 + (count > 4)]
    many = [asked(days) for days in (-2, -1, -1, 0, 0, 1, 2, 2, 3, 4, 5)]
    return sorted([*many, *many, today, today] if count > 100 else [*many[1::2], today])


def _row(luck: random.Random, today: date, retailer: int, profile: int, unit: str, utility: int) -> MigrationRecord:
    person = luck.random() < 0.12
    trade, name = luck.choice(TRADES), luck.choice(NAMES)
    number = None if person else cnpj(f"{luck.randrange(10_000_000, 99_999_999)}{luck.choice((1, 1, 1, 2, 3)):04d}")
    address = f"{luck.choice(FIRST_NAMES)}.{luck.choice(LAST_NAMES)}" if person else f"energia@{trade}-{name}"
    address = plain(address).lower().replace(" ", "-") + ("@correio.example" if person else ".example")
    return MigrationRecord(
        uuid(luck), unit, utility, "CPF" if person else "CNPJ", number, retailer, profile, month_of(today), today,
        address, seeded=True, version=luck.choice(("v2",) * 7 + ("v1", "v1", "v1.1")),
    )  # fmt: skip


def _wait(row: MigrationRecord, luck: random.Random, requested_on: date) -> None:
    """One that waits for its utility."""
    row.requested_on = requested_on
    row.modality = "ANTECIPADA" if luck.random() < 0.2 else None
    row.month = add_months(
        month_of(requested_on), luck.randint(1, 4) if row.modality else luck.randint(6, MONTHS_AHEAD)
    )
    if luck.random() < 0.06:
        row.month = add_months(month_of(requested_on), 1)
    _by_version(row, luck)


def _decide(row: MigrationRecord, luck: random.Random, today: date, seed: int, *, active: bool) -> None:
    """One whose utility has answered, or which ended otherwise."""
    this_month = month_of(today)
    back = _WINDOW_BACK if luck.random() < 0.85 else MONTHS_BACK
    fate = luck.choices(("CONCLUIDA", "REPROVADA", "CANCELADA", "EXPIRADA", "ENCERRADA"), (70, 14, 7, 4, 5))[0]
    if not active and fate in ("EXPIRADA", "ENCERRADA"):
        fate = "CONCLUIDA"
    past = fate in ("EXPIRADA", "ENCERRADA")
    row.month = add_months(this_month, -luck.randint(1, MONTHS_BACK) if past else luck.randint(-back, MONTHS_AHEAD - 1))
    newest = min(today, first_day(row.month) - timedelta(days=31)) - timedelta(days=14)
    row.requested_on = newest - timedelta(days=luck.randint(0, 120 if row.month > this_month else 150))
    if fate == "EXPIRADA":
        row.requested_on = first_day(row.month) + timedelta(days=luck.randint(0, 5))
        row.requested_on = min(row.requested_on, today - timedelta(days=1))
    row.modality = "ANTECIPADA" if luck.random() < 0.15 else None
    _by_version(row, luck)
    answered_on = add_business_days(row.requested_on, luck.randint(1, 5))
    if fate == "REPROVADA":
        carry_out(row, REJECT, answered_on, seed)
    elif fate in ("CONCLUIDA", "ENCERRADA"):
        carry_out(row, LAPSE if luck.random() < 0.1 else ACCEPT, answered_on, seed)
    if fate in ("CANCELADA", "EXPIRADA", "ENCERRADA"):
        row.status = fate
    if fate == "ENCERRADA":
        row.cer = uuid(luck)


def _by_version(row: MigrationRecord, luck: random.Random) -> None:
    """What depends on the rules a migration was created by."""
    if row.version == "v2":
        row.subgroup = luck.choice(SUBGROUPS)
        row.formalized = "NAO" if row.modality or luck.random() < 0.3 else "SIM"
        row.modality = row.modality or ("REGULAR" if row.formalized == "NAO" else None)
        row.formalized_on = row.requested_on - timedelta(days=luck.randint(0, 20)) if row.formalized == "SIM" else None
        return
    row.modality = None
    days = 180 + luck.randint(0, 25) if luck.random() < 0.9 else luck.randint(120, 179)
    newest = row.requested_on - timedelta(days=luck.randint(0, 20))
    row.denounced_on = min(newest, first_day(row.month) - timedelta(days=days))
    if row.version == "v1.1":
        row.siga = luck.choice(("S", "N"))
    elif luck.random() < 0.3:
        row.unit = luck.choice((f"{luck.randrange(10_000, 9_999_999):07d}", f"UC-{luck.randrange(100_000, 999_999)}"))


# contracts


def contract_of(row: MigrationRecord, status: str, seed: int) -> ContractRecord:
    """The retail contract behind a migration that had a status at the start: signed before it was asked for, or
    while it waits."""
    luck = _luck(seed, "contract", row.id)
    person = row.document_type == "CPF"
    name = f"{luck.choice(FIRST_NAMES)} {luck.choice(LAST_NAMES)}"
    made_on = row.requested_on - timedelta(days=0 if status == "CRIADA" else luck.randint(4, 30))
    made_at = datetime.combine(made_on, time(9 + luck.randrange(8), luck.randrange(60)), BRASILIA)
    days = luck.uniform(0.2, 9.0 if status == "CRIADA" else 3.5)
    company = f"{luck.choice(TRADES)} {luck.choice(NAMES)} {luck.choice(FORMS)}"
    contract = ContractRecord(
        uuid(luck), row.retailer, row.profile, row.utility, row.unit, row.month, row.document_type,
        row.document_number or cpf(f"{luck.randrange(100_000_000, 999_999_999)}"),
        name if person else company,
        f"{luck.choice(STREETS)}, {luck.randrange(1, 3000)}, {luck.choice(CITIES)}",
        f"({luck.randrange(11, 99)}) 9{luck.randrange(1000, 9999)}-{luck.randrange(1000, 9999)}",
        authenticity=f"{luck.getrandbits(40):010X}", created_at=made_at,
        signatures=signatures(luck, name, made_at, days, row.retailer), cancelled=status == "CANCELADA",
    )  # fmt: skip
    if not person and luck.random() < 0.2:
        contract.branch_number = cnpj(f"{contract.document_number[:8]}0002")
        contract.branch_address = f"{luck.choice(STREETS)}, {luck.randrange(1, 3000)}, {luck.choice(CITIES)}"
    return contract


def signatures(luck: random.Random, name: str, made_at: datetime, days: float, retailer: int) -> tuple[Signature, ...]:
    """The consumer signs so many days after, the retailer at a third of that time."""
    own = f"{luck.choice(FIRST_NAMES)} {luck.choice(LAST_NAMES)}"
    return (
        Signature(name, "UNIDADE_CONSUMIDORA", made_at + timedelta(days=days)),
        Signature(own, "VAREJISTA", made_at + timedelta(days=days / 3), 9_000_000 + retailer % 1000),
    )


# change requests


def _requests(rows: list[MigrationRecord], seed: int, today: date) -> list[RequestRecord]:
    """Of every tenth migration that is in force, one that waits or was refused."""
    in_force = [row for row in rows if row.status == "CONCLUIDA" and row.month <= month_of(today)]
    made = []
    for row in in_force[::10]:
        luck = _luck(seed, "request", row.id)
        kind = luck.choice((SUSPENSION, CAPTIVE))
        asked_on = today - timedelta(days=luck.randint(1, 9))
        request = RequestRecord(
            uuid(luck), row.unit, row.utility, kind, asked_on, row.id, row.retailer, row.profile,
            parties=frozenset({row.retailer, row.utility}),
        )  # fmt: skip
        if kind == CAPTIVE:
            request.month, request.cer = add_months(month_of(today), 1), "SIM"
        else:
            request.notified_on = asked_on - timedelta(days=luck.randint(20, 60))
        if luck.random() < 0.3:
            request.status, request.justification = "REPROVADA", "Débito quitado pelo consumidor"
        made.append(request)
    return made


def plain(text: str) -> str:
    """Text without accents."""
    return unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode()
