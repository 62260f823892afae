"""The forms for creating and changing a migration: what typed texts mean.

A form holds nothing but texts by field. `read` turns them into a draft, or says field by field what is wrong.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Generic, TypeVar

from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.systems.ccee.documents import format_unit_code
from wattdeck.systems.ccee.drafts import (
    Problem,
    edit_problems,
    migration_advice,
    migration_problems,
    normal,
    parse_date,
)
from wattdeck.systems.ccee.fields import (
    COMMENT,
    DOCUMENT_NUMBER,
    DOCUMENT_TYPE,
    EMAIL,
    FORMALIZED,
    FORMALIZED_ON,
    MODALITY,
    MONTH,
    NOTICE,
    SUBGROUP,
    UNIT,
    UTILITY,
    Field,
    Values,
    profile_field,
    tidy,
)
from wattdeck.systems.ccee.models import CNPJ, DOCUMENT_TYPES, Migration, MigrationDraft, MigrationEdit
from wattdeck.systems.ccee.rules import next_possible_month

if TYPE_CHECKING:
    from wattdeck.systems.ccee.rules import Calendar, Rules

D = TypeVar("D")
WHOLE = ""
"""Stands for the whole form where a problem is that of no field."""
_LARGEST_CODE_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Read(Generic[D]):
    """What typed texts mean."""

    draft: D | None
    """None while anything is wrong."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """A sentence for each field that is wrong; `WHOLE` for what is wrong with all of them together."""


class Sheet(ABC, Generic[D]):
    """A form: its fields, and how they are read."""

    title: str
    fields: tuple[Field, ...]

    def shown(self, values: Values) -> list[Field]:
        """The fields that are asked for, given the values."""
        return [each for each in self.fields if each.applies(values)]

    @abstractmethod
    def first_values(self) -> dict[str, str]:
        """What stands in the form when it opens."""

    @abstractmethod
    def read(self, values: Values) -> Read[D]:
        """Make a draft of the values, or say what is wrong with each field."""

    def advice(self, values: Values) -> tuple[str, ...]:
        """What is unwise about values that can be sent."""
        del values
        return ()

    def _read(self, values: Values, make: Callable[[_Reader], D], check: Callable[[D], Sequence[Problem]]) -> Read[D]:
        """What cannot be read comes first, then what the rules say of the rest."""
        reader = _Reader({each.key: tidy(each, values.get(each.key, "")) for each in self.shown(values)})
        draft = make(reader)
        problems = {problem.field: problem.sentence for problem in reversed(check(draft))}
        for each in self.shown(values):
            if each.needed and not reader.text(each.key):
                missing = tr("{what} is missing.", what=tr(each.label))
                problems[each.key] = f"{missing} {tr(each.help)}"
        problems |= reader.problems
        return Read(None if problems else draft, problems)


class CreateSheet(Sheet[MigrationDraft]):
    """A new migration, by the rules of v1, v1.1 or v2."""

    def __init__(
        self,
        api_version: str,
        agent_code: int,
        profiles: Sequence[int],
        today: date,
        rules: Rules,
        calendar: Calendar | None = None,
        active_units: Mapping[str, str] | None = None,
    ) -> None:
        """`active_units`: code of each unit that has an active migration -> words for it, such as `CRIADA, 2026-10`."""
        self.api_version = api_version
        self._agent_code = agent_code
        self._profiles = tuple(profiles)
        self._today = today
        self._rules = rules
        self._calendar = calendar
        self._active = active_units or {}
        self.title = tr("New migration of retailer {agent}, by the rules of {version}",
                        agent=agent_code, version=api_version)  # fmt: skip
        of_version = (SUBGROUP, FORMALIZED, FORMALIZED_ON, MODALITY) if api_version == "v2" else (NOTICE,)
        self.fields = (UNIT, UTILITY, DOCUMENT_TYPE, DOCUMENT_NUMBER, MONTH, profile_field(profiles), EMAIL,
                       *of_version, COMMENT)  # fmt: skip

    def first_values(self) -> dict[str, str]:
        return {
            "document_type": CNPJ,
            "reference_month": next_possible_month(self._today, self._rules),
            "retailer_profile_code": str(self._profiles[0]) if self._profiles else "",
        }

    def read(self, values: Values) -> Read[MigrationDraft]:
        return self._read(values, self._draft, lambda draft: migration_problems(draft, self.api_version))

    def advice(self, values: Values) -> tuple[str, ...]:
        draft = self.read(values).draft
        if draft is None:
            return ()
        said = []
        if draft.consumer_unit_code in self._active:
            unit, words = format_unit_code(draft.consumer_unit_code), clean(self._active[draft.consumer_unit_code], 60)
            said.append(tr("Unit {unit} has an active migration already ({which}); CCEE allows one.",
                           unit=clean(unit, 40), which=words))  # fmt: skip
        if self._calendar is not None:
            said += migration_advice(draft, self._today, self._rules, self._calendar)
        return tuple(said)

    def _draft(self, reader: _Reader) -> MigrationDraft:
        return normal(
            MigrationDraft(
                consumer_unit_code=reader.text("consumer_unit_code"),
                utility_agent_code=reader.code("utility_agent_code", tr("Utility")),
                document_type=reader.text("document_type"),
                retailer_agent_code=self._agent_code,
                reference_month=reader.month("reference_month"),
                retailer_profile_code=reader.code("retailer_profile_code", tr("Profile")),
                email=reader.text("email"),
                document_number=reader.text("document_number"),
                tariff_subgroup=reader.text("tariff_subgroup"),
                utility_formalized=reader.text("utility_formalized"),
                formalization_date=reader.day("formalization_date"),
                modality=reader.text("modality"),
                comment=reader.text("comment"),
                denunciation_date=reader.day("denunciation_date"),
            )
        )


class EditSheet(Sheet[MigrationEdit]):
    """Other values for a migration that waits for the utility."""

    def __init__(self, migration: Migration, profiles: Sequence[int]) -> None:
        self._before = MigrationEdit.of(migration)
        now = migration.retailer_profile_code
        choices = tuple(dict.fromkeys((*profiles, *(() if now is None else (now,)))))
        unit = clean(format_unit_code(migration.consumer_unit_code), 40)
        self.title = tr("Change the migration of {unit}", unit=unit)
        self.fields = (MONTH, profile_field(choices), DOCUMENT_TYPE, DOCUMENT_NUMBER, EMAIL)

    def first_values(self) -> dict[str, str]:
        before = self._before
        return {
            "reference_month": clean(before.reference_month, 20),
            "retailer_profile_code": str(before.retailer_profile_code or ""),
            "document_type": before.document_type if before.document_type in DOCUMENT_TYPES else "",
            "document_number": clean(before.document_number, 40),
            "email": clean(before.email, 254),
        }

    def read(self, values: Values) -> Read[MigrationEdit]:
        read = self._read(values, self._edit, edit_problems)
        if read.draft is not None and read.draft == normal(self._before):
            return Read(None, {WHOLE: tr("Nothing is different from what stands there now.")})
        return read

    def _edit(self, reader: _Reader) -> MigrationEdit:
        return normal(
            MigrationEdit(
                reference_month=reader.month("reference_month"),
                retailer_profile_code=reader.code("retailer_profile_code", tr("Profile")),
                document_type=reader.text("document_type"),
                document_number=reader.text("document_number"),
                email=reader.text("email"),
            )
        )


class _Reader:
    """Typed texts as values. What cannot be read becomes a problem, and a value that stands for nothing."""

    def __init__(self, texts: Values) -> None:
        self._texts = texts
        self.problems: dict[str, str] = {}

    def text(self, key: str) -> str:
        """The text of a field; empty if it is not asked for."""
        return self._texts.get(key, "").strip()

    def code(self, key: str, label: str) -> int:
        text = self.text(key).replace(".", "").replace(" ", "")
        if text.isascii() and text.isdigit() and len(text) <= _LARGEST_CODE_DIGITS:
            return int(text)
        if text:
            self.problems[key] = tr("{what} is a code of digits alone, at most {count}, such as 100000.",
                                    what=label, count=_LARGEST_CODE_DIGITS)  # fmt: skip
        return 0

    def month(self, key: str) -> str:
        """`10/2026` is how months are written in Brazil."""
        text = self.text(key)
        turned = re.fullmatch("([0-9]{1,2})[/-]([0-9]{4})", text)
        return f"{turned[2]}-{turned[1]}" if turned else text.replace("/", "-")

    def day(self, key: str) -> date | None:
        """`02/03/2026` is how days are written in Brazil."""
        text = self.text(key)
        if not text:
            return None
        turned = re.fullmatch("([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})", text)
        try:
            return parse_date(f"{turned[3]}-{turned[2]}-{turned[1]}" if turned else text)
        except ValueError as error:
            self.problems[key] = f"{error}."
            return None
