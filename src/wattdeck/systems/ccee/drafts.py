"""Whether what an operator wants to send can be right, said before anything is sent.

Each function names every problem at once, in the order of the fields. Numbers are judged as `normal` writes them, so
that punctuation, lower case and a month without its zero are no problem; send what `normal` gives. Nobody outside
CCEE knows all of its rules: what passes here can still be refused there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from wattdeck.core.dates import date_text
from wattdeck.core.language import later, tr
from wattdeck.systems.ccee import checks
from wattdeck.systems.ccee.canon import normal
from wattdeck.systems.ccee.models import (
    API_VERSIONS,
    CNPJ,
    CPF,
    MODALITIES,
    NO,
    TARIFF_SUBGROUPS,
    YES,
    ChangeRequestDraft,
    ContractDraft,
    MigrationDraft,
    MigrationEdit,
    RepresentativeDraft,
    RequestType,
)
from wattdeck.systems.ccee.months import first_day, month_of, parse_month

if TYPE_CHECKING:
    from wattdeck.systems.ccee.rules import Calendar, Rules

__all__ = [
    "Problem",
    "contract_problems",
    "edit_problems",
    "migration_advice",
    "migration_problems",
    "normal",
    "parse_date",
    "range_problems",
    "request_problems",
]

COMMENT_LENGTH_MAX = 500
"""The longest that anybody was seen to send; CCEE's own limits are not known (ccee.md 3.4)."""
NAME_LENGTH_MAX = 200
CONTACT_TYPES = ("UNIDADE_CONSUMIDORA", "VAREJISTA")
V2_FIELDS = ("tariff_subgroup", "utility_formalized", "formalization_date", "modality")
CAPTIVE = frozenset(kind.value for kind in RequestType if kind.name.startswith("CAPTIVE"))
NEW_RETAILER = frozenset(kind.value for kind in RequestType if kind.name.startswith("RETAILER"))
_BY_RETAILER = frozenset({RequestType.SUSPENSION_TERMINATION.value, RequestType.SUSPENSION_RESOLUTION.value})
SUSPENSION = _BY_RETAILER | {RequestType.SUSPENSION_BY_UTILITY.value}
_REQUEST_FIELDS = {
    **dict.fromkeys(CAPTIVE, frozenset({"reference_month", "cer_celebration"})),
    **dict.fromkeys(
        NEW_RETAILER, frozenset({"reference_month", "new_retailer_agent_code", "new_retailer_profile_code"})
    ),
    **dict.fromkeys(SUSPENSION, frozenset({"notification_date"})),
}
"""What each kind of change request carries beside unit and utility (ccee.md 4.3)."""

parse_date = checks.parse_date


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a draft cannot be sent."""

    field: str
    """The model's name of the field; a signatory's is `representatives[0].email`."""
    sentence: str
    """What was given, what was expected. Personal numbers and addresses are masked."""


def migration_problems(draft: MigrationDraft, api_version: str) -> tuple[Problem, ...]:
    """Why a migration cannot be created under the rules of `v1`, `v1.1` or `v2` (ccee.md 3.4, 3.5).

    Raises:
        ValueError: there are no such rules.
    """
    if api_version not in API_VERSIONS:
        raise ValueError(f'API version "{api_version}" is not one of {", ".join(API_VERSIONS)}')
    draft = normal(draft)
    found = {
        "consumer_unit_code": checks.unit_code(draft.consumer_unit_code, new=api_version != "v1"),
        "utility_agent_code": checks.code(tr("The utility's agent code"), draft.utility_agent_code),
        "document_type": checks.choice(tr("The kind of document"), draft.document_type, (CNPJ, CPF)),
        "document_number": checks.migration_document(draft.document_type, draft.document_number),
        "retailer_agent_code": checks.code(tr("The retailer's agent code"), draft.retailer_agent_code),
        "reference_month": checks.month(draft.reference_month),
        "denunciation_date": _denunciation(draft, api_version),
        "retailer_profile_code": checks.code(tr("The retailer's profile code"), draft.retailer_profile_code),
        "email": checks.email(tr("The unit's e-mail"), draft.email),
        **(_v2_fields(draft) if api_version == "v2" else _no_v2_fields(draft, api_version)),
        "comment": checks.text(tr("The comment"), draft.comment, COMMENT_LENGTH_MAX),
    }
    return _problems(found)


def edit_problems(edit: MigrationEdit) -> tuple[Problem, ...]:
    """Why a migration cannot be changed like that (ccee.md 3.6)."""
    edit = normal(edit)
    return _problems(
        {
            "reference_month": checks.month(edit.reference_month),
            "retailer_profile_code": checks.code(tr("The retailer's profile code"), edit.retailer_profile_code),
            "document_type": checks.choice(tr("The kind of document"), edit.document_type, (CNPJ, CPF)),
            "document_number": checks.migration_document(edit.document_type, edit.document_number),
            "email": checks.email(tr("The unit's e-mail"), edit.email),
        }
    )


def contract_problems(draft: ContractDraft) -> tuple[Problem, ...]:
    """Why a retail contract cannot be created (ccee.md 4.1)."""
    draft = normal(draft)
    found = {
        "utility_agent_code": checks.code(tr("The utility's agent code"), draft.utility_agent_code),
        "consumer_unit_code": checks.unit_code(draft.consumer_unit_code, new=False),
        "address": checks.text(tr("The unit's address"), draft.address, NAME_LENGTH_MAX),
        "consumer_unit_name": checks.text(tr("The unit's name"), draft.consumer_unit_name, NAME_LENGTH_MAX),
        "representatives": ""
        if draft.representatives
        else tr("Nobody signs: a contract needs at least one signatory."),
    }
    for place, each in enumerate(draft.representatives):
        found |= {f"representatives[{place}].{field}": said for field, said in _representative(each, place + 1)}
    found |= {
        "document_type": checks.choice(tr("The kind of document"), draft.document_type, (CNPJ, CPF)),
        "document_number": checks.document(draft.document_type, draft.document_number),
        "phone": checks.phone(draft.phone) if draft.phone else "",
        "branch_document_number": _branch(draft, draft.branch_document_number)
        or (checks.document(CNPJ, draft.branch_document_number) if draft.branch_document_number else ""),
        "branch_address": _branch(draft, draft.branch_address)
        or checks.text(tr("The branch's address"), draft.branch_address, NAME_LENGTH_MAX),
    }
    return _problems(found)


def request_problems(draft: ChangeRequestDraft) -> tuple[Problem, ...]:
    """Why a change request cannot be made; which fields it needs depends on its kind (ccee.md 4.3)."""
    draft = normal(draft)
    kind = draft.request_type
    if kind == RequestType.SUSPENSION_DISCONNECTION:
        return (Problem("request_type", tr("{kind} is made by CCEE alone; nobody can ask for it.", kind=kind)),)
    wanted = _REQUEST_FIELDS.get(kind)
    if wanted is None:
        return _problems(
            {"request_type": checks.choice(tr("The kind of change request"), kind, tuple(_REQUEST_FIELDS))}
        )
    found = {"consumer_unit_code": checks.unit_code(draft.consumer_unit_code, new=False)}
    # A return is asked for without it, and a utility that asks for a suspension is the one meant.
    if kind in NEW_RETAILER | _BY_RETAILER or draft.utility_agent_code is not None:
        found["utility_agent_code"] = checks.code(tr("The utility's agent code"), draft.utility_agent_code)
    checked = {
        "reference_month": checks.month(draft.reference_month),
        "notification_date": checks.day(tr("The day of the notification"), draft.notification_date),
        "cer_celebration": checks.choice(
            tr("The CER signed or not (idCelebracaoCER)"), draft.cer_celebration, (YES, NO)
        ),
        "new_retailer_agent_code": checks.code(tr("The new retailer's agent code"), draft.new_retailer_agent_code),
        "new_retailer_profile_code": checks.code(
            tr("The new retailer's profile code"), draft.new_retailer_profile_code
        ),
    }
    for field, sentence in checked.items():
        if field in wanted:
            found[field] = sentence
        elif getattr(draft, field) not in ("", None):
            found[field] = tr("A request of the kind {kind} has no {field}: leave it empty.", kind=kind,
                              field=_words(field))  # fmt: skip
    return _problems(found)


def range_problems(first_month: str, last_month: str) -> tuple[Problem, ...]:
    """Why a list cannot be asked for from one month to another."""
    found = {"first_month": checks.month(first_month), "last_month": checks.month(last_month)}
    if not any(found.values()) and parse_month(first_month) > parse_month(last_month):
        found["last_month"] = tr(
            "The range ends in {last}, before it starts in {first}: swap the two.", last=last_month, first=first_month
        )
    return _problems(found)


def migration_advice(draft: MigrationDraft, today: date, rules: Rules, calendar: Calendar) -> tuple[str, ...]:
    """What is unwise about a draft that can be sent, in sentences. What is wrong with it is left to the problems."""
    from wattdeck.systems.ccee.rules import earliest_month, next_possible_month

    said: list[str] = []
    if checks.month(draft.reference_month):
        return ()
    month, possible = parse_month(draft.reference_month), next_possible_month(today, rules)
    if month <= month_of(today):
        said.append(
            tr("Month {month} has begun already; {next} is the next possible one.", month=month, next=possible)
            if month == month_of(today)
            else tr("Month {month} is over; {next} is the next possible one.", month=month, next=possible)
        )
    elif month < possible:
        said.append(tr("Day {day}, the cut-off for {month}, has passed; {next} is the next possible one.",
                       day=rules.cut_off_day, month=month, next=possible))  # fmt: skip
    else:
        due = calendar.add_business_days(today, rules.answer_business_days)
        if due >= first_day(month):
            said.append(tr("The utility has until {day} to answer; month {month} will have begun by then.",
                           day=date_text(due), month=month))  # fmt: skip
    notice = draft.denunciation_date
    if notice is not None and not checks.day("", notice):
        earliest = earliest_month(notice, rules.notice_days)
        if month < earliest:
            said.append(tr(
                "The notice (denúncia) of {day} runs {count} days, so {earliest} is the first month it allows; {month} "
                "may be refused for it.",
                day=date_text(notice), count=rules.notice_days, earliest=earliest, month=month,
            ))  # fmt: skip
    if draft.formalization_date is not None and draft.formalization_date > today:
        said.append(tr("The formalisation date {day} is in the future.", day=date_text(draft.formalization_date)))
    return tuple(said)


def _denunciation(draft: MigrationDraft, api_version: str) -> str:
    if api_version == "v2":
        return (
            ""
            if draft.denunciation_date is None
            else tr("v2 has no date of notice (denúncia): leave it empty, or use v1.1.")
        )
    return checks.day(tr("The date of the notice (denúncia)"), draft.denunciation_date)


def _no_v2_fields(draft: MigrationDraft, api_version: str) -> dict[str, str]:
    """The fields that v1 and v1.1 do not have."""
    return {
        field: ""
        if getattr(draft, field) in ("", None)
        else tr("{version} has no {field}: leave it empty.", version=api_version, field=_words(field))
        for field in V2_FIELDS
    }


def _v2_fields(draft: MigrationDraft) -> dict[str, str]:
    """The fields that v2 has, the last two of which depend on whether the utility has formalised the notice."""
    found = {
        "tariff_subgroup": checks.choice(tr("The tariff subgroup"), draft.tariff_subgroup, TARIFF_SUBGROUPS),
        "utility_formalized": checks.choice(
            tr("The formalisation by the utility"), draft.utility_formalized, (YES, NO)
        ),
        "formalization_date": "",
        "modality": "",
    }
    if draft.utility_formalized == YES:
        found["formalization_date"] = checks.day(tr("The formalisation date"), draft.formalization_date)
        if draft.modality:
            found["modality"] = tr("A migration that the utility formalised (SIM) has no modality: leave it empty.")
    elif draft.utility_formalized == NO:
        found["modality"] = checks.choice(tr("The modality"), draft.modality, MODALITIES)
        if draft.formalization_date is not None:
            found["formalization_date"] = tr(
                "A migration that the utility has not formalised (NAO) has no formalisation date: leave it empty."
            )
    return found


def _representative(each: RepresentativeDraft, number: int) -> Iterator[tuple[str, str]]:
    """The fields of one signatory."""
    who = tr("Signatory {count}", count=number)
    yield "name", checks.text(tr("{who}: the name", who=who), each.name, NAME_LENGTH_MAX, needed=True)
    yield "email", _after(who, checks.email(tr("The e-mail"), each.email))
    yield "contact_type", _after(who, checks.choice(tr("The kind of contact"), each.contact_type, CONTACT_TYPES))
    yield "document_type", _after(who, checks.choice(tr("The kind of document"), each.document_type, (CPF, CNPJ)))
    yield "document_number", _after(who, checks.document(each.document_type, each.document_number))


def _after(who: str, sentence: str) -> str:
    """The sentence behind a colon. A word in capitals stays as it is."""
    small = sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
    return f"{who}: {small}" if sentence else ""


def _branch(draft: ContractDraft, value: str) -> str:
    if not value or draft.document_type == CNPJ:
        return ""
    return tr("Only a company (CNPJ) has a branch: leave it empty.")


def _words(field: str) -> str:
    """A field's name for people."""
    return tr(FIELD_WORDS[field])


FIELD_WORDS = {
    "tariff_subgroup": later("tariff subgroup"),
    "utility_formalized": later("utility formalized"),
    "formalization_date": later("formalization date"),
    "modality": later("modality"),
    "reference_month": later("reference month"),
    "notification_date": later("notification date"),
    "cer_celebration": later("CER celebration"),
    "new_retailer_agent_code": later("new retailer agent code"),
    "new_retailer_profile_code": later("new retailer profile code"),
}
"""What people call the fields that some kinds and versions do not have."""


def _problems(found: dict[str, str]) -> tuple[Problem, ...]:
    return tuple(Problem(field, sentence) for field, sentence in found.items() if sentence)
