"""Drafts as they should be sent, whatever punctuation somebody typed."""

from __future__ import annotations

from dataclasses import replace
from typing import overload

from wattdeck.systems.ccee.documents import bare_document
from wattdeck.systems.ccee.models import ChangeRequestDraft, ContractDraft, MigrationDraft, MigrationEdit
from wattdeck.systems.ccee.months import parse_month


@overload
def normal(draft: MigrationDraft) -> MigrationDraft: ...
@overload
def normal(draft: MigrationEdit) -> MigrationEdit: ...
@overload
def normal(draft: ContractDraft) -> ContractDraft: ...
@overload
def normal(draft: ChangeRequestDraft) -> ChangeRequestDraft: ...
def normal(
    draft: MigrationDraft | MigrationEdit | ContractDraft | ChangeRequestDraft,
) -> MigrationDraft | MigrationEdit | ContractDraft | ChangeRequestDraft:
    """The draft as it should be sent: numbers without punctuation, months with two digits. Nothing else is changed."""
    match draft:
        case MigrationDraft():
            return replace(
                draft,
                consumer_unit_code=_normal_unit(draft.consumer_unit_code),
                document_number=bare_document(draft.document_number),
                reference_month=_normal_month(draft.reference_month),
                email=draft.email.strip(" "),
            )
        case MigrationEdit():
            return replace(
                draft,
                document_number=bare_document(draft.document_number),
                reference_month=_normal_month(draft.reference_month),
                email=draft.email.strip(" "),
            )
        case ContractDraft():
            return replace(
                draft,
                consumer_unit_code=_normal_unit(draft.consumer_unit_code),
                document_number=bare_document(draft.document_number),
                branch_document_number=bare_document(draft.branch_document_number),
                representatives=tuple(
                    replace(each, document_number=bare_document(each.document_number), email=each.email.strip(" "))
                    for each in draft.representatives
                ),
            )
        case ChangeRequestDraft():
            return replace(
                draft,
                consumer_unit_code=_normal_unit(draft.consumer_unit_code),
                reference_month=_normal_month(draft.reference_month),
            )


def _normal_unit(text: str) -> str:
    """A 15-digit code without its punctuation; an older one may have letters and dashes of its own."""
    bare = bare_document(text)
    return bare if len(bare) == 15 and bare.isdecimal() else text.strip(" ")


def _normal_month(text: str) -> str:
    try:
        return parse_month(text)
    except ValueError:
        return text
