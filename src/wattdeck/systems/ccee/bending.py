"""What faults make of the simulated CCEE's answers: rows, pages and objects that are not as the sheet has them."""

from __future__ import annotations

import random
from typing import Any

from wattdeck.systems.ccee.exchange import Listing, Row, Single
from wattdeck.systems.ccee.faults import FaultBoard
from wattdeck.systems.ccee.numbering import cnpj

_NULLABLE = frozenset(
    {
        "tipoDocumento", "numeroDocumento", "submercado", "valorDHC", "valorMusd", "pagamentoMulta", "justificativa",
        "dataValidacao", "comentario", "dataDenuncia", "indicadorProcessoSiga", "numeroProtocolo",
        "mesPretendidoConcessionaria", "dataFormalizacao", "modalidadeMigracao", "subGrupoTarifarioUnidadeConsumidora",
        "formalizacaoDistribuidora", "codigoAgenteSupridora", "idCelebracaoCER", "codigoSupridora", "tipoConectado",
        "nomeUnidadeConsumidora", "enderecoUnidadeConsumidora", "telefoneUnidadeConsumidora", "codigoAutenticidade",
        "cnpjFilialUnidadeConsumidora", "enderecoFilialUnidadeConsumidora", "representantesLegais", "situacaoCcv",
        "idMigracaoAlterada", "indicadorAntecedencia", "codigoAgenteVarejistaNovo",
        "codigoPerfilVarejistaNovo", "codigoAgenteVarejistaAtual", "codigoPerfilVarejistaAtual",
        "descricaoJustificativa", "dataAtraso", "dataNotificacao",
    }
)  # fmt: skip
_NUMBERS_AS_TEXT = (
    "codigoAgenteConcessionaria", "codigoAgenteVarejista", "codigoPerfilVarejista", "codigoAgenteSupridora",
    "codigoSupridora", "valorDHC", "valorMusd", "codigoAgenteVarejistaAtual", "codigoPerfilVarejistaAtual",
)  # fmt: skip
_TEXTS_AS_NUMBER = ("codigoUnidadeConsumidora", "numeroDocumento", "codigoAgenteConcessionariaUnidadeConsumidora")
_FREE_TEXTS = ("justificativa", "comentario", "descricaoJustificativa", "nomeUnidadeConsumidora")
_STATUSES = ("statusMigracao", "situacaoCcv", "situacaoAlteracao", "situacaoMedicao")
_OF_ROWS = ("nulls", "mixed-dates", "string-codes", "legacy-codes", "alnum-cnpj", "hostile-text")
_ACTIVE = ("CRIADA", "CONCLUIDA")
NEW_STATUS = "EM_ANALISE"
HOSTILE = "[bold red]x[/] [link=file:///etc/passwd]y[/link] <b>\x1b[31m\x1b]0;title\x07 \u202etxet\u202c \u200b\r\n\tç "
_LEGACY = ("0032765", "UC-TESTE", "7", "12.345-6", "000000")


def page(listing: Listing, faults: FaultBoard) -> Any:
    """A list's JSON."""
    rows = _bent(listing.rows, faults)
    if faults.strike("duplicate-rows"):
        rows = [row for row in rows for _ in range(2)]
    twinned = next((row for row in rows if row.get("statusMigracao") in _ACTIVE), None)
    if twinned is not None and faults.strike("twin-unit"):
        rows = [*rows, twinned | {"idMigracao": f"{str(twinned['idMigracao'])[:-4]}7717"}]
    if faults.strike("bare-array"):
        return rows
    key = listing.key
    if key == "contratos" and faults.strike("contract-key"):
        key = "contrato"
    if faults.strike("wrong-key"):
        key = "itens"
    content: Row = {key: None if faults.strike("null-array") else rows, "indexProximaPagina": listing.cursor}
    if listing.cursor is None:
        if faults.strike("cursor-empty"):
            content["indexProximaPagina"] = ""
        elif faults.strike("cursor-missing"):
            del content["indexProximaPagina"]
    return content


def single(one: Single, faults: FaultBoard) -> Any:
    """An object's JSON."""
    row = _bent([one.row], faults)[0]
    return [row] if faults.strike("array-get") else row


def _bent(rows: list[Row], faults: FaultBoard) -> list[Row]:
    hit = faults.strikes(_OF_ROWS)
    if "nulls" in hit:
        rows = [row | dict.fromkeys(_NULLABLE & row.keys()) for row in rows]
        rows = [_changed(row, "mesReferencia", None) if "idSolicitacaoAlteracao" in row else row for row in rows]
    if "mixed-dates" in hit:
        rows = [_mixed(row) for row in rows]
    if "legacy-codes" in hit:
        rows = [_changed(row, "codigoUnidadeConsumidora", _LEGACY[n % len(_LEGACY)]) for n, row in enumerate(rows)]
    if "alnum-cnpj" in hit:
        rows = [_with_letters(row) for row in rows]
    if "hostile-text" in hit:
        rows = [_hostile(row) for row in rows]
    if "string-codes" in hit:
        rows = [_other_types(row, str(hit["string-codes"].value)) for row in rows]
    if rows and faults.strike("unknown-status"):
        first = rows[0]
        rows = [{key: NEW_STATUS if key in _STATUSES else value for key, value in first.items()}, *rows[1:]]
    return rows


def _changed(row: Row, key: str, value: Any) -> Row:
    return row | {key: value} if key in row else row


def _mixed(row: Row) -> Row:
    """Every date in another form than its neighbour, meaning the same day in its own offset."""
    forms = ("{}", "{}T00:00:00-03:00", "{} 00:00:00", "{}T00:00:00.000-0300", "{}T00:00:00Z", "{}T00:00")
    place = 0
    mixed = dict(row)
    for key, value in row.items():
        if isinstance(value, str) and (key.startswith("data") or key == "mesReferencia"):
            mixed[key] = forms[place % len(forms)].format(value[:10])
            place += 1
    return mixed


def _with_letters(row: Row) -> Row:
    number = row.get("numeroDocumento")
    if row.get("tipoDocumento") != "CNPJ" or not isinstance(number, str):
        return row
    luck = random.Random(number)  # noqa: S311
    letters = "".join(luck.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(8))
    return row | {"numeroDocumento": cnpj(f"{letters}01DE")}


def _hostile(row: Row) -> Row:
    return {key: (HOSTILE * 40)[:3000] if key in _FREE_TEXTS else value for key, value in row.items()}


def _other_types(row: Row, to: str) -> Row:
    changed = dict(row)
    if to == "text":
        changed |= {key: str(row[key]) for key in _NUMBERS_AS_TEXT if row.get(key) is not None}
        return changed
    for key in _TEXTS_AS_NUMBER:
        value = row.get(key)
        if isinstance(value, str) and value.isdecimal():
            changed[key] = int(value)
    return changed
