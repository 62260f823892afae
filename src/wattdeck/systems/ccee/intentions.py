"""What an operator may ask of CCEE, one class for each kind: what is shown before, sent once, and read back.

An intention knows the other side only through `CceeClient`, and is reached only through `commands` and so through
`control`. States and targets are written for people and for the journal: personal numbers and addresses are masked,
with a short fingerprint beside them, so that two that differ never read alike.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from wattdeck.core.dates import date_text
from wattdeck.core.language import tr
from wattdeck.core.operable import Wording
from wattdeck.core.text import clean
from wattdeck.systems.ccee.documents import format_unit_code, mask_document, mask_email
from wattdeck.systems.ccee.models import Migration, MigrationDraft, MigrationEdit, MigrationsSnapshot, Status
from wattdeck.systems.ccee.months import add_months

if TYPE_CHECKING:
    from wattdeck.systems.ccee.client import CceeClient

ABSENT = "absent"
"""State of what is to be created."""
WITHDRAWN = "withdrawn"
"""State of a migration that was cancelled, whether CCEE still lists it or not (ccee.md 8 leaves that open)."""
_CREATED = re.compile(r"created for (\S*), profile (\S+)")
_EDITED = re.compile(r"(\S*), profile (\S+)(, .*)")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one object of a command is now."""

    state: str
    why_not: str = ""
    """Why this command can never be given in that state; empty if it can."""
    migration: Migration | None = None
    """The record that was read, to be shown at once."""


class Intention(ABC):
    """One thing to be asked, with all that belongs to it."""

    kind: ClassVar[str]

    def __init__(self, object_id: str, wanted: str, name: str) -> None:
        self.object_id = object_id
        self.wanted = wanted
        self.name = name
        """What people call the object."""
        self.sent = False

    @property
    @abstractmethod
    def wording(self) -> Wording:
        """Title and yes of the question, and what to say of an end that is not good."""

    @abstractmethod
    def lines(self, now: str) -> tuple[str, ...]:
        """What the person reads before the yes: what is there now, and every value that will be sent."""

    def seen_in(self, snapshot: MigrationsSnapshot) -> Seen | None:
        """What the newest list says; None if the list cannot say."""
        del snapshot
        return None

    @abstractmethod
    async def read(self, client: CceeClient) -> Seen | None:
        """Ask CCEE what is there now; None if there is no such thing.

        Raises:
            SourceError: it could not be read.
        """

    @abstractmethod
    async def send(self, client: CceeClient) -> None:
        """Ask once.

        Raises:
            SourceError, UsageError: as `Operable.send` says.
        """


class Creation(Intention):
    """A new migration."""

    kind = "create"

    def __init__(self, draft: MigrationDraft) -> None:
        self.draft = draft
        wanted = _created(draft.reference_month, draft.retailer_profile_code)
        super().__init__(draft.consumer_unit_code, wanted, f"UC {format_unit_code(draft.consumer_unit_code)}")

    @property
    def wording(self) -> Wording:
        return record_wording(tr("Create a migration of {name}?", name=self.name), tr("Create the migration"))

    def lines(self, now: str) -> tuple[str, ...]:
        draft = self.draft
        document = mask_document(draft.document_number) if draft.document_number else tr("number not sent")
        lines = [
            unit_line(self.name, draft.utility_agent_code),
            tr("Month: {month}, retailer {retailer}, profile {profile}", month=draft.reference_month,
               retailer=draft.retailer_agent_code, profile=draft.retailer_profile_code),
            tr("Document: {kind} {number}, e-mail {email}", kind=draft.document_type, number=document,
               email=mask_email(draft.email)),
        ]  # fmt: skip
        if draft.tariff_subgroup:
            lines.append(tr("Tariff: {subgroup}, {words}", subgroup=draft.tariff_subgroup, words=_formalized(draft)))
        if draft.denunciation_date is not None:
            lines.append(tr("Notice (denúncia): {day}", day=date_text(draft.denunciation_date)))
        if draft.comment:
            lines.append(tr("Comment: {text}", text=clean(draft.comment, 120)))
        lines.append(now_line(tr("no active migration") if now == ABSENT else clean(state_words(now))))
        lines.append(tr("CREATE: CCEE asks the utility, which accepts or refuses within a few business days."))
        return tuple(lines)

    def seen_in(self, snapshot: MigrationsSnapshot) -> Seen:
        return self._seen(each for each in snapshot.migrations if each.consumer_unit_code == self.object_id)

    async def read(self, client: CceeClient) -> Seen:
        draft, month = self.draft, self.draft.reference_month
        # Twelve months cost one request, and an active migration of another month forbids this one as well.
        found = client.list_migrations(
            add_months(month, -6), add_months(month, 5), draft.retailer_profile_code,
            consumer_unit_code=draft.consumer_unit_code,
        )  # fmt: skip
        return self._seen([each async for each in found if each.consumer_unit_code == self.object_id])

    async def send(self, client: CceeClient) -> None:
        await client.send_migration(self.draft)

    def _seen(self, of_unit: Iterable[Migration]) -> Seen:
        """Before the sending any active migration forbids it; afterwards the one of this month is the answer."""
        active = [each for each in of_unit if each.active]
        for each in active:
            ours = (each.reference_month, each.utility_agent_code) == (
                self.draft.reference_month, self.draft.utility_agent_code,
            )  # fmt: skip
            if self.sent and ours:
                return Seen(_created_of(each), migration=each)
        if active and not self.sent:
            other = active[0]
            sentence = tr(
                "{name} has an active migration already ({status}, {month}, profile {profile}): CCEE allows one. "
                "Cancel that one or correct the unit's code.",
                name=self.name, status=clean(other.status, 20), month=other.reference_month,
                profile=other.retailer_profile_code,
            )  # fmt: skip
            return Seen(_created_of(other), sentence)
        return Seen(ABSENT)


class Change(Intention):
    """Other values for a migration that waits for the utility."""

    kind = "edit"

    def __init__(self, migration: Migration, edit: MigrationEdit) -> None:
        self.migration = migration
        self.edit = edit
        self._profile = migration.retailer_profile_code or edit.retailer_profile_code
        super().__init__(migration.migration_id, _values(edit), f"UC {format_unit_code(migration.consumer_unit_code)}")

    @property
    def wording(self) -> Wording:
        return record_wording(tr("Change the migration of {name}?", name=self.name), tr("Change the migration"))

    def lines(self, now: str) -> tuple[str, ...]:
        return (
            tr("Migration: {id}", id=clean(self.object_id, 60)),
            unit_line(self.name, self.migration.utility_agent_code),
            now_line(clean(state_words(now))),
            tr("After: {state}", state=state_words(self.wanted)),
            tr("CHANGE: all five fields are replaced by these."),
        )

    def seen_in(self, snapshot: MigrationsSnapshot) -> Seen | None:
        migration = snapshot.migration(self.object_id)
        return None if migration is None else self._seen(migration)

    async def read(self, client: CceeClient) -> Seen | None:
        profile = self.edit.retailer_profile_code if self.sent else self._profile
        migration = await _read(client, self.object_id, profile, self._profile)
        return None if migration is None else self._seen(migration)

    async def send(self, client: CceeClient) -> None:
        await client.update_migration(self.object_id, self.edit, self._profile)

    def _seen(self, migration: Migration) -> Seen:
        why_not = "" if migration.editable or self.sent else tr(
            "The migration is {status}; only one that is CRIADA (waiting for the utility) can be changed.",
            status=clean(migration.status, 20),
        )  # fmt: skip
        return Seen(_values(MigrationEdit.of(migration)), why_not, migration)


class Cancellation(Intention):
    """A migration is taken back before the utility has answered."""

    kind = "cancel"

    def __init__(self, migration: Migration) -> None:
        self.migration = migration
        super().__init__(migration.migration_id, WITHDRAWN, f"UC {format_unit_code(migration.consumer_unit_code)}")

    @property
    def wording(self) -> Wording:
        return record_wording(tr("Cancel the migration of {name}?", name=self.name), tr("Cancel the migration"))

    def lines(self, now: str) -> tuple[str, ...]:
        migration = self.migration
        return (
            tr("Migration: {id}", id=clean(self.object_id, 60)),
            unit_line(self.name, migration.utility_agent_code),
            tr("Month: {month}, profile {profile}", month=migration.reference_month,
               profile=migration.retailer_profile_code),
            now_line(clean(state_words(now), 40)),
            tr("CANCEL: the migration is withdrawn. There is no way back; a new one may miss this month."),
        )  # fmt: skip

    def seen_in(self, snapshot: MigrationsSnapshot) -> Seen | None:
        migration = snapshot.migration(self.object_id)
        if migration is None:
            return Seen(WITHDRAWN) if self.sent and snapshot.complete else None
        return self._seen(migration)

    async def read(self, client: CceeClient) -> Seen | None:
        migration = await _read(client, self.object_id, self.migration.retailer_profile_code or 0)
        if migration is None:
            return Seen(WITHDRAWN) if self.sent else None
        return self._seen(migration)

    async def send(self, client: CceeClient) -> None:
        await client.cancel_migration(self.object_id, self.migration.retailer_profile_code or 0)

    def _seen(self, migration: Migration) -> Seen:
        if migration.status == Status.CANCELLED:
            return Seen(WITHDRAWN, migration=migration)
        why_not = "" if migration.editable or self.sent else tr(
            "The migration is {status}; only one that is CRIADA (waiting for the utility) can be cancelled.",
            status=clean(migration.status, 20),
        )  # fmt: skip
        return Seen(clean(migration.status, 40), why_not, migration)


_KEY = os.urandom(32)
"""Of this session alone: with a key that others have, a mask and a fingerprint together would name the value."""


def fingerprint(text: str) -> str:
    """Six characters that tell two values apart within this session and give neither away."""
    return hmac.new(_KEY, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:6]


async def _read(client: CceeClient, migration_id: str, *profiles: int) -> Migration | None:
    """The migration as one of the profiles sees it; None if none does."""
    from wattdeck.systems.ccee.errors import NotFoundError

    for profile in dict.fromkeys(profiles):
        try:
            return await client.migration(migration_id, profile)
        except NotFoundError:
            continue
    return None


def record_wording(question: str, yes: str) -> Wording:
    """The words of a command that changes a record."""
    return Wording(
        question=question,
        yes=yes,
        unchanged=tr("Nothing was changed"),
        advice=tr("Correct what it says and try again"),
        unsupported=tr("CCEE did not take it"),
        unknown=tr("Nobody knows whether CCEE took it"),
        look=tr("read the list again with r and look at the unit"),
        came_back=tr("Somebody else changes it at the same time"),
        not_offered=tr("CCEE decides who may"),
    )


def unit_line(name: str, utility: int | None) -> str:
    """Which unit, and whose grid it is on."""
    return tr("Unit: {name}, utility {utility}", name=name, utility=utility)


def now_line(state: str) -> str:
    """What is there before the yes."""
    return tr("Now: {state}", state=state)


def state_words(state: str) -> str:
    """A state or target in the language in use. As such they are English, because they are compared and journalled."""
    if made := _CREATED.fullmatch(state):
        return tr("created for {month}, profile {profile}", month=made[1], profile=made[2])
    if edited := _EDITED.fullmatch(state):
        return tr("{month}, profile {profile}", month=edited[1], profile=edited[2]) + edited[3]
    return {ABSENT: tr("absent"), WITHDRAWN: tr("withdrawn"), "created": tr("created")}.get(state, state)


def _values(edit: MigrationEdit) -> str:
    """The five fields, fit for the journal."""
    document = clean(edit.document_type, 10)
    if edit.document_number:
        document += f" {mask_document(edit.document_number)} ({fingerprint(edit.document_number)})"
    email = f"{mask_email(edit.email)} ({fingerprint(edit.email)})"
    return f"{edit.reference_month}, profile {edit.retailer_profile_code}, {document}, {email}"


def _created(month: str, profile: int | None) -> str:
    """A unit has one active migration, so that month and profile name it."""
    return f"created for {month}, profile {profile}"


def _created_of(migration: Migration) -> str:
    return _created(migration.reference_month, migration.retailer_profile_code)


def _formalized(draft: MigrationDraft) -> str:
    """How the utility was told, in words."""
    if draft.formalization_date is not None:
        return tr("formalised with the utility on {day}", day=date_text(draft.formalization_date))
    if draft.modality:
        return tr("not formalised, {modality}", modality=draft.modality)
    return tr("formalised: {answer}", answer=draft.utility_formalized)
