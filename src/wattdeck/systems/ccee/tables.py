"""What the shell commands print of CCEE: rows for JSON and CSV, lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wattdeck.core.codec import encode
from wattdeck.core.dates import date_text, moment_text
from wattdeck.core.language import tr
from wattdeck.core.lines import fit, right
from wattdeck.core.text import clean
from wattdeck.systems.ccee.documents import format_unit_code, mask_document, mask_email
from wattdeck.systems.ccee.models import BRASILIA, ChangeRequest, Contract, Measurement, Migration
from wattdeck.systems.ccee.rules import Calendar, deadline_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from wattdeck.shell.output import Row
    from wattdeck.systems.ccee.chronicle import Change

NOTHING = "-"


def row(record: Migration | Contract | Measurement | ChangeRequest) -> Row:
    """Everything known of a record, by its field names."""
    found: Row = encode(record)
    return found


def migration_line(migration: Migration, today: date, calendar: Calendar, *, masked: bool) -> str:
    """One migration on one line."""
    document = clean(migration.document_number, 20)
    if document and masked:
        document = mask_document(document)
    due = deadline_words(migration.deadline, today, calendar)
    return (
        f"{fit(clean(migration.status, 12), 10)} {fit(format_unit_code(clean(migration.consumer_unit_code, 24)), 21)} "
        f"{migration.reference_month or NOTHING:<7} {_code(migration.utility_agent_code):>6} "
        f"{_code(migration.retailer_profile_code):>6}  {document or migration.document_type or NOTHING:<18} "
        f"{clean(migration.migration_id, 40)}  {due if migration.deadline else ''}"
    ).rstrip()


def head() -> str:
    """What stands above `migration_line`s."""
    return (
        f"{fit(tr('Status'), 10)} {fit(tr('Consumer unit'), 21)} {fit(tr('Month'), 7)} {right(tr('Util.'), 6)} "
        f"{right(tr('Prof.'), 6)}  {fit(tr('Document'), 18)} {fit(tr('Migration'), 36)}  {tr('Answer due')}"
    )


def migration_lines(
    migration: Migration, history: Sequence[Change], today: date, calendar: Calendar, *, masked: bool
) -> Iterator[str]:
    """Every field of one migration, unknown as `-`, then what happened to it since it was first seen."""
    fields: dict[str, Any] = encode(migration)
    for name, value in fields.items():
        shown = NOTHING if value in (None, "") else clean(str(value))
        if masked and shown != NOTHING and name == "document_number":
            shown = mask_document(shown)
        elif masked and shown != NOTHING and name == "email":
            shown = mask_email(shown)
        elif name == "consumer_unit_code":
            shown = format_unit_code(shown)
        elif name == "deadline" and migration.deadline is not None:
            shown += f" ({deadline_words(migration.deadline, today, calendar)})"
        yield f"{name:<28} {shown}"
    if history:
        yield ""
        yield tr("seen by wattdeck")
    for change in history:
        at = change.at.astimezone(BRASILIA)
        said = f"{change.field}: {change.old or NOTHING} -> {change.new or NOTHING}"
        yield f"  {moment_text(at)}  {clean(said)}"


def contract_lines(contract: Contract, *, masked: bool) -> Iterator[str]:
    """One contract with its signatures."""
    document = clean(contract.document_number, 20)
    if masked and document:
        document = mask_document(document)
    yield (
        f"{clean(contract.contract_id, 40)}  {fit(clean(contract.status, 14) or NOTHING, 11)} "
        f"{fit(format_unit_code(clean(contract.consumer_unit_code, 24)), 21)} {document or NOTHING:<18} "
        f"{clean(contract.consumer_unit_name, 60)}"
    )
    for each in contract.representatives:
        yield f"    {clean(each.name, 60) or NOTHING}, {clean(each.contact_type, 30)}: " + (
            clean(each.signature_status, 20) or tr("signature not known")
        )


def measurement_line(measurement: Measurement) -> str:
    """One interval."""
    at = "-" if measurement.at is None else moment_text(measurement.at.astimezone(BRASILIA))
    energy = "-" if measurement.consumption_kwh is None else f"{measurement.consumption_kwh:,.3f}"
    return f"{at}  {energy:>12} kWh  {clean(measurement.kind, 12):<10} {clean(measurement.status, 12)}"


def request_lines(request: ChangeRequest) -> Iterator[str]:
    """One change request."""
    at = "-" if request.requested_at is None else date_text(request.requested_at.astimezone(BRASILIA))
    yield (
        f"{clean(request.change_request_id, 40)}  {at}  {fit(clean(request.status, 12), 10)} "
        f"{fit(format_unit_code(clean(request.consumer_unit_code, 24)), 21)} {clean(request.request_type, 60)}"
    )
    if request.justification:
        yield f"    {clean(request.justification)}"


def _code(code: int | None) -> str:
    return NOTHING if code is None else str(code)
