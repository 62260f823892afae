"""What lists are asked for: one query per window of a range, parameters in the sheet's order (ccee.md 3.2-4.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar

from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr
from wattdeck.systems.ccee.months import date_windows, month_windows, same_month_windows

Query = list[tuple[str, str]]
T = TypeVar("T")


def migrations(
    first_month: str, last_month: str, profile_code: int, consumer_unit_code: str, status: str
) -> list[Query]:
    """For migrations of a profile; all of these raise UsageError for a range that is none."""
    return [
        _query(
            mesReferenciaInicial=first,
            mesReferenciaFinal=last,
            codigoPerfilVarejista=profile_code,
            codigoUnidadeConsumidora=consumer_unit_code,
            statusMigracao=status,
        )
        for first, last in _windows(lambda: month_windows(first_month, last_month))
    ]


def contracts(
    first_month: str,
    last_month: str,
    profile_code: int,
    utility_agent_code: int | None,
    consumer_unit_code: str,
    status: str,
) -> list[Query]:
    """For contracts of a profile."""
    return [
        _query(
            mesReferenciaInicial=first,
            mesReferenciaFinal=last,
            codigoPerfilVarejista=profile_code,
            codigoAgenteConcessionaria=utility_agent_code,
            codigoUnidadeConsumidora=consumer_unit_code,
            statusContrato=status,
        )
        for first, last in _windows(lambda: month_windows(first_month, last_month))
    ]


def measurements(
    consumer_unit_code: str, utility_agent_code: int, start: datetime, end: datetime, status: str
) -> list[Query]:
    """For measurements of a unit, month by month."""
    return [
        _query(
            codigoUnidadeConsumidora=consumer_unit_code,
            codigoAgenteConcessionaria=utility_agent_code,
            dataInicio=first.isoformat(),
            dataFim=last.isoformat(),
            situacaoMedicao=status,
        )
        for first, last in _windows(lambda: same_month_windows(start, end))
    ]


def change_requests(
    request_type: str,
    status: str,
    months: tuple[str, str] | None,
    dates: tuple[date, date] | None,
    consumer_unit_code: str,
) -> list[Query]:
    """For change requests of a kind, by exactly one of reference months and days."""
    windows: list[dict[str, str]]
    match months, dates:
        case (first_month, last_month), None:
            in_months = _windows(lambda: month_windows(first_month, last_month))
            windows = [{"mesReferenciaInicial": first, "mesReferenciaFinal": last} for first, last in in_months]
        case None, (first_day, last_day):
            windows = [
                {"dataSolicitacaoInicial": first.isoformat(), "dataSolicitacaoFinal": last.isoformat()}
                for first, last in _windows(lambda: date_windows(first_day, last_day))
            ]
        case _:
            raise UsageError(tr("change requests are listed by months or by dates: give one of the two"))
    return [
        _query(
            tipoSolicitacao=request_type,
            situacaoAlteracao=status,
            **window,
            codigoUnidadeConsumidora=consumer_unit_code,
        )
        for window in windows
    ]


def _query(**parameters: str | int | None) -> Query:
    """Parameters in this order; None and empty texts are left out."""
    return [(name, str(value)) for name, value in parameters.items() if value is not None and value != ""]


def _windows(split: Callable[[], list[tuple[T, T]]]) -> list[tuple[T, T]]:
    try:
        return split()
    except ValueError as error:
        raise UsageError(tr("{reason}; nothing was sent", reason=error)) from None
