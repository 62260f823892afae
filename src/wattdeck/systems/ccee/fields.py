"""The fields of the forms for creating and changing a migration, as data, and how text is typed into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wattdeck.core.language import later
from wattdeck.core.text import clean
from wattdeck.systems.ccee.documents import bare_document
from wattdeck.systems.ccee.models import CNPJ, DOCUMENT_TYPES, MODALITIES, NO, TARIFF_SUBGROUPS, YES

Values = Mapping[str, str]
"""Typed text by field."""


class Kind(StrEnum):
    """What is typed into a field."""

    TEXT = "text"
    CHOICE = "choice"
    MONTH = "month"
    DATE = "date"
    CODE = "code"
    EMAIL = "e-mail"
    DOCUMENT = "document"
    UNIT = "unit"


def _always(values: Values) -> bool:
    del values
    return True


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form."""

    key: str
    """The model's name of the field."""
    label: str
    """What people call it, translated where it is drawn."""
    help: str
    """A sentence: what is wanted, with an example. Translated where it is drawn."""
    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    applies: Callable[[Values], bool] = _always
    """Whether the field is asked for, given the others."""
    needed: bool = True
    most: int = 60
    """Characters it takes."""


UNIT = Field("consumer_unit_code", later("Consumer unit"),
             later("The unit's 15-digit code as on the bill, punctuated or not: 0.013.479.258.028-10."), Kind.UNIT,
             most=40)  # fmt: skip
UTILITY = Field("utility_agent_code", later("Utility"),
                later("The utility's agent code at CCEE, digits alone: 100000."), Kind.CODE, most=12)  # fmt: skip
DOCUMENT_TYPE = Field("document_type", later("Document kind"), later("CNPJ for a company, CPF for a person."),
                      Kind.CHOICE, DOCUMENT_TYPES[::-1])  # fmt: skip
DOCUMENT_NUMBER = Field("document_number", "CNPJ",
                        later("The company's number, punctuated or not: 11.222.333/0001-81."), Kind.DOCUMENT,
                        applies=lambda values: values.get("document_type") == CNPJ, most=24)  # fmt: skip
MONTH = Field("reference_month", later("Month"),
              later("The first month in the free market, year and month: 2026-10."), Kind.MONTH, most=10)  # fmt: skip
EMAIL = Field("email", later("E-mail"), later("The consumer unit's address for CCEE's mails: uc@example.com."),
              Kind.EMAIL, most=254)  # fmt: skip
SUBGROUP = Field("tariff_subgroup", later("Tariff subgroup"),
                 later("The unit's subgroup: A2 to A4 and AS are high and medium voltage, B1 to B4 low."), Kind.CHOICE,
                 TARIFF_SUBGROUPS)  # fmt: skip
FORMALIZED = Field("utility_formalized", later("Formalised"),
                   later("SIM if the utility has formalised the consumer's notice already, else NAO."), Kind.CHOICE,
                   (YES, NO))  # fmt: skip
FORMALIZED_ON = Field("formalization_date", later("Formalised on"),
                      later("The day the utility formalised the notice: 2026-03-02."), Kind.DATE,
                      applies=lambda values: values.get("utility_formalized") == YES, most=10)  # fmt: skip
MODALITY = Field("modality", later("Modality"),
                 later("REGULAR keeps the notice period; ANTECIPADA leaves earlier, for a payment."), Kind.CHOICE,
                 MODALITIES, applies=lambda values: values.get("utility_formalized") == NO)  # fmt: skip
NOTICE = Field("denunciation_date", later("Notice given"),
               later("The day of the consumer's notice (denúncia): 2026-03-02."), Kind.DATE, most=10)  # fmt: skip
COMMENT = Field("comment", later("Comment"), later("Anything the utility should know; may stay empty."),
                needed=False, most=500)  # fmt: skip


def profile_field(profiles: Sequence[int]) -> Field:
    """The retailer's profile, one of the configured ones."""
    return Field("retailer_profile_code", later("Profile"), later("The retailer's profile the unit belongs to."),
                 Kind.CHOICE, tuple(map(str, profiles)))  # fmt: skip


def tidy(of: Field, text: str) -> str:
    """Typed or pasted text as a field takes it: one line, nothing that cannot be shown, not too long."""
    text = clean(text, 10 * of.most)[: of.most]
    if of.kind is Kind.CHOICE:
        return text if text in of.choices else ""
    return text.lstrip() if of.kind is Kind.TEXT else text.strip()


def begins_choice(of: Field, typed: str) -> bool:
    """Whether a choice begins with what was typed."""
    wanted = _as_choice(typed)
    return bool(wanted) and any(choice.casefold().startswith(wanted) for choice in of.choices)


def choice_of(of: Field, now: str, typed: str) -> str:
    """The choice that typed text means: itself, or the next one that begins so; else what it was."""
    wanted = _as_choice(typed)
    exact = next((choice for choice in of.choices if choice.casefold() == wanted), None)
    if exact is not None or not wanted:
        return exact or now
    at = of.choices.index(now) + 1 if now in of.choices else 0
    turned = of.choices[at:] + of.choices[:at]
    return next((choice for choice in turned if choice.casefold().startswith(wanted)), now)


def _as_choice(typed: str) -> str:
    return bare_document(clean(typed, 40).strip()).casefold()


def turned_choice(of: Field, now: str, step: int) -> str:
    """The choice after (+1) or before (-1) another."""
    if not of.choices:
        return now
    if now not in of.choices:
        return of.choices[0 if step > 0 else -1]
    return of.choices[(of.choices.index(now) + step) % len(of.choices)]
