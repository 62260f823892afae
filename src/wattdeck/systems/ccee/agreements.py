"""What is asked of CCEE beside migrations: contracts, change requests, and answers to them (ccee.md 4)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING

from wattdeck.core.dates import date_text
from wattdeck.core.language import tr
from wattdeck.core.operable import Wording
from wattdeck.core.text import clean
from wattdeck.systems.ccee.documents import format_unit_code, mask_document, mask_email
from wattdeck.systems.ccee.intentions import ABSENT, Intention, Seen, now_line, record_wording, state_words, unit_line
from wattdeck.systems.ccee.models import (
    ChangeRequest,
    ChangeRequestDraft,
    ContractDraft,
    RequestStatus,
)

if TYPE_CHECKING:
    from datetime import date

    from wattdeck.systems.ccee.client import CceeClient

CREATED = "created"
WINDOW = timedelta(days=330)
"""How far back change requests are looked for: within the twelve months one question may span."""


class ContractCreation(Intention):
    """A new retail contract of a unit. It is there when the unit has a contract that it did not have before."""

    kind = "contract"

    def __init__(self, draft: ContractDraft, profile_code: int, months: tuple[str, str]) -> None:
        self.draft = draft
        self._profile = profile_code
        self._months = months
        self._before: frozenset[str] | None = None
        super().__init__(draft.consumer_unit_code, CREATED, f"UC {format_unit_code(draft.consumer_unit_code)}")

    @property
    def wording(self) -> Wording:
        return record_wording(tr("Create a contract of {name}?", name=self.name), tr("Create the contract"))

    def lines(self, now: str) -> tuple[str, ...]:
        del now
        draft = self.draft
        signers = [
            tr(
                "Signs: {name}, {role}, {kind} {number}, {email}",
                name=clean(each.name, 60),
                role=each.contact_type,
                kind=each.document_type,
                number=mask_document(each.document_number),
                email=mask_email(each.email),
            )
            for each in draft.representatives
        ]
        return (
            unit_line(self.name, draft.utility_agent_code),
            tr("Consumer: {name}, {kind} {number}", name=clean(draft.consumer_unit_name or "-", 80),
               kind=draft.document_type, number=mask_document(draft.document_number)),
            *signers,
            tr("Contracts there now: {count}", count=len(self._before or ())),
            tr("CREATE: CCEE asks those who sign for their signatures."),
        )  # fmt: skip

    async def read(self, client: CceeClient) -> Seen:
        first, last = self._months
        found = client.list_contracts(
            first, last, self._profile, utility_agent_code=self.draft.utility_agent_code,
            consumer_unit_code=self.draft.consumer_unit_code,
        )  # fmt: skip
        return self._seen({each.contract_id async for each in found})

    async def send(self, client: CceeClient) -> None:
        await client.create_contract(self.draft, self._profile)

    def _seen(self, ids: Collection[str]) -> Seen:
        if not self.sent or self._before is None:
            self._before = frozenset(ids)
        return Seen(CREATED if set(ids) - self._before else ABSENT)


class RequestCreation(Intention):
    """A new change request. It is there when the unit has one of this kind that it did not have before."""

    kind = "request"

    def __init__(self, draft: ChangeRequestDraft, profile_code: int, today: date) -> None:
        self.draft = draft
        self._profile = profile_code
        self._dates = (today - WINDOW, today + timedelta(days=1))
        self._before: frozenset[str] | None = None
        super().__init__(draft.consumer_unit_code, CREATED, f"UC {format_unit_code(draft.consumer_unit_code)}")

    @property
    def wording(self) -> Wording:
        return record_wording(tr("Ask for a change of {name}?", name=self.name), tr("Send the request"))

    def lines(self, now: str) -> tuple[str, ...]:
        del now
        draft = self.draft
        values = {
            tr("Utility"): draft.utility_agent_code,
            tr("Month"): draft.reference_month,
            tr("Notified on"): None if draft.notification_date is None else date_text(draft.notification_date),
            tr("CER celebrated"): draft.cer_celebration,
            tr("New retailer"): draft.new_retailer_agent_code,
            tr("New profile"): draft.new_retailer_profile_code,
        }
        return (
            tr("Unit: {name}", name=self.name),
            tr("Request: {kind}", kind=clean(draft.request_type, 60)),
            *(f"{label}: {clean(str(value), 40)}" for label, value in values.items() if value not in (None, "")),
            tr("SEND: the other side is asked; without an answer it may be approved by itself."),
        )

    async def read(self, client: CceeClient) -> Seen:
        found = client.list_change_requests(
            self._profile, self.draft.request_type, dates=self._dates, consumer_unit_code=self.draft.consumer_unit_code
        )
        ids = {each.change_request_id async for each in found}
        if not self.sent or self._before is None:
            self._before = frozenset(ids)
        return Seen(CREATED if ids - self._before else ABSENT)

    async def send(self, client: CceeClient) -> None:
        await client.create_change_request(self.draft, self._profile)


class RequestAnswer(Intention):
    """Yes or no to another's change request."""

    kind = "answer"

    def __init__(self, request: ChangeRequest, status: RequestStatus, justification: str, profile_code: int) -> None:
        self.request = request
        self._justification = justification
        self._profile = profile_code
        at = request.requested_at
        first = at.date() if at is not None else None
        self._dates = None if first is None else (first - timedelta(days=1), first + timedelta(days=1))
        name = tr("request of UC {unit}", unit=format_unit_code(request.consumer_unit_code))
        super().__init__(request.change_request_id, status.value, name)

    @property
    def wording(self) -> Wording:
        if self.wanted == RequestStatus.COMPLETED:
            return record_wording(tr("Approve the {name}?", name=self.name), tr("Approve it"))
        return record_wording(tr("Refuse the {name}?", name=self.name), tr("Refuse it"))

    def lines(self, now: str) -> tuple[str, ...]:
        lines = [
            tr("Request: {kind} ({id})", kind=clean(self.request.request_type, 60), id=clean(self.object_id, 60)),
            unit_line(format_unit_code(self.request.consumer_unit_code), self.request.utility_agent_code),
            now_line(clean(state_words(now), 40)),
            tr("After: {state}", state=self.wanted),
        ]
        if self._justification:
            lines.append(tr("Why: {text}", text=clean(self._justification)))
        return (*lines, tr("ANSWER: the request is settled. There is no way back."))

    async def read(self, client: CceeClient) -> Seen | None:
        found = await find_request(
            client, self._profile, self.object_id, self.request.request_type, self.request.consumer_unit_code,
            self._dates,
        )  # fmt: skip
        return None if found is None else self._seen(found)

    async def send(self, client: CceeClient) -> None:
        await client.answer_change_request(
            self.object_id, self._profile, self.wanted, self.request.request_type, self._justification
        )

    def _seen(self, request: ChangeRequest) -> Seen:
        why_not = ""
        if request.status != RequestStatus.CREATED and not self.sent:
            why_not = tr("The request is {status} already; only one that waits can be answered.",
                         status=clean(request.status, 20))  # fmt: skip
        return Seen(clean(request.status, 40), why_not)


async def find_request(
    client: CceeClient,
    profile_code: int,
    request_id: str,
    request_type: str,
    consumer_unit_code: str = "",
    dates: tuple[date, date] | None = None,
    today: date | None = None,
) -> ChangeRequest | None:
    """The change request of that id, or None; CCEE has lists of them alone.

    Raises:
        SourceError: the list could not be read.
    """
    if dates is None:
        from datetime import date as day

        today = today or day.today()  # noqa: DTZ011  a year around any today will do
        dates = (today - WINDOW, today + timedelta(days=1))
    found = client.list_change_requests(profile_code, request_type, dates=dates, consumer_unit_code=consumer_unit_code)
    async for each in found:
        if each.change_request_id == request_id:
            return each
    return None
