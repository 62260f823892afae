"""CCEE's retail-migration API: one agent, frozen models, one tree of errors (`errors`). Usable alone, as a library.

Works as `async with CceeClient(...) as ccee`, or long-lived with `aclose` at the end. Lists are async generators that
turn pages and split ranges by themselves: `async for migration in ccee.list_migrations("2026-01", "2027-03", 200100)`.

Reads are repeated when the fault may pass; writes are sent once. Redirects are never followed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import date, datetime
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from wattdeck.core.answers import Answer
from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import UsageError
from wattdeck.core.http import HttpClients
from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.systems.ccee import pdf, ranges, sending, wire
from wattdeck.systems.ccee.errors import AnswerError, RefusedError, ServerError, TimedOutError
from wattdeck.systems.ccee.hosts import PRODUCTION
from wattdeck.systems.ccee.models import (
    API_VERSIONS,
    ChangeRequest,
    ChangeRequestDraft,
    Contract,
    ContractDraft,
    ContractFile,
    Measurement,
    Migration,
    MigrationDraft,
    MigrationEdit,
)
from wattdeck.systems.ccee.paging import Page, pages
from wattdeck.systems.ccee.requests import Query, Requests, segment

if TYPE_CHECKING:
    from wattdeck.systems.ccee.drafts import Problem

__all__ = ["PRODUCTION", "CceeClient", "Page"]

T = TypeVar("T")

CONTRACTS = "/v1/varejista/contratos"
MEASUREMENTS = "/v1/varejista/consumo/medicoes"


class CceeClient:
    """One agent at CCEE.

    All calls raise `CceeError`, or `UsageError` for what cannot be right; then nothing was sent. A write raises
    `TimedOutError`, `AnswerError` or `ServerError` when nobody knows whether it was done.
    """

    def __init__(
        self,
        client_id: str,
        secret: Callable[[], str],
        *,
        agent_code: int,
        url: str = PRODUCTION,
        api_version: str = "v2",
        timeout_s: float = 30.0,
        concurrency: int = 8,
        ca_file: Path | None = None,
        clients: HttpClients | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Args:
        secret: Gives the client secret; read whenever a token is asked for.
        agent_code: The agent that the client id belongs to.
        url: Scheme and host, and a path if a gateway stands in front.
        api_version: The rules by which migrations are listed, read and created: `v1`, `v1.1` or `v2`.
        timeout_s: How long one answer may take; repetitions come on top.
        concurrency: Most requests under way at once.
        ca_file: PEM file of the only authority to trust.
        clients: Connections shared with others, who close them; None: our own.

        Raises:
            ValueError: the URL or the version is none.
        """
        if api_version not in API_VERSIONS:
            words = tr("the API version is one of {known}, not “{given}”", known=", ".join(API_VERSIONS),
                       given=clean(api_version, 20))  # fmt: skip
            raise ValueError(words)
        self.agent_code = agent_code
        self.api_version = api_version
        self._clock = clock
        self._closes_clients = clients is None
        self._clients = HttpClients(clock=clock) if clients is None else clients
        self._requests = Requests(
            self._clients,
            url,
            agent_code,
            client_id,
            secret,
            timeout_s=timeout_s,
            concurrency=concurrency,
            ca_file=ca_file,
            clock=clock,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close our own connections; those of shared `clients` are left to their owner."""
        if self._closes_clients:
            await self._clients.aclose()

    # Migrations (ccee.md 3)

    def list_migrations(
        self, first_month: str, last_month: str, profile_code: int, *, consumer_unit_code: str = "", status: str = ""
    ) -> AsyncGenerator[Migration, None]:
        """A profile's migrations with a reference month in the range, both ends included.

        Args:
            consumer_unit_code: That unit's alone; the whole code.
            status: That state's alone.
        """
        return _each(
            self.migration_pages(
                first_month, last_month, profile_code, consumer_unit_code=consumer_unit_code, status=status
            )
        )

    def migration_pages(
        self, first_month: str, last_month: str, profile_code: int, *, consumer_unit_code: str = "", status: str = ""
    ) -> AsyncGenerator[Page[Migration], None]:
        """As `list_migrations`, page by page as they arrive, for showing what is there already."""
        queries = ranges.migrations(first_month, last_month, profile_code, consumer_unit_code, status)
        return self._pages(self._migrations(), profile_code, queries, wire.migrations, "migration_id")

    async def migration(self, migration_id: str, profile_code: int) -> Migration:
        """One migration, in full."""
        path = f"{self._migrations()}/{segment(migration_id)}"
        answer = await self._requests.read(path, profile_code)
        return wire.one(answer, self._requests.what("GET", path), wire.migration)

    async def create_migration(self, draft: MigrationDraft) -> Migration:
        """Create a migration; when the answer is lost, look whether it was created.

        Raises:
            UsageError: the draft cannot be right; every problem is named and nothing was sent.
            CceeError: as `send_migration`; a lost answer's error says what the look brought.
        """
        try:
            return await self.send_migration(draft)
        except (TimedOutError, AnswerError, ServerError, RefusedError) as error:
            if isinstance(error, RefusedError) and error.status_code != 408:
                raise
            from wattdeck.systems.ccee.lost import created_after_all

            return await created_after_all(self, draft, error, self._clock)

    async def send_migration(self, draft: MigrationDraft) -> Migration:
        """Ask once for a migration to be created, and do nothing more."""
        from wattdeck.systems.ccee.drafts import migration_problems, normal

        _refuse(
            tr("The migration cannot be sent; nothing was sent."),
            migration_problems(draft, self.api_version),
        )
        body = sending.migration_body(normal(draft), self.api_version)
        path = self._migrations()
        answer = await self._requests.write("POST", path, draft.retailer_profile_code, body)
        return wire.one(answer, self._requests.what("POST", path), wire.migration)

    async def update_migration(self, migration_id: str, edit: MigrationEdit, profile_code: int) -> Migration:
        """Replace the five fields of a migration that can be replaced, once.

        Args:
            profile_code: The profile the migration belongs to now; the edit may move it to another.
        """
        from wattdeck.systems.ccee.drafts import edit_problems, normal

        _refuse(tr("The change cannot be sent; nothing was sent."), edit_problems(edit))
        path = f"{self._migrations('v1.1')}/{segment(migration_id)}"
        answer = await self._requests.write("PUT", path, profile_code, sending.edit_body(normal(edit)))
        return wire.one(answer, self._requests.what("PUT", path), wire.migration)

    async def cancel_migration(self, migration_id: str, profile_code: int) -> None:
        """Withdraw a migration, once. Whether CCEE keeps it as CANCELADA or forgets it is not known (ccee.md 8)."""
        await self._requests.write("DELETE", f"{self._migrations('v1.1', 'v2')}/{segment(migration_id)}", profile_code)

    # Contracts (ccee.md 4.1)

    def list_contracts(
        self,
        first_month: str,
        last_month: str,
        profile_code: int,
        *,
        utility_agent_code: int | None = None,
        consumer_unit_code: str = "",
        status: str = "",
    ) -> AsyncGenerator[Contract, None]:
        """A profile's retail contracts. The sandbox wants the utility to be named."""
        queries = ranges.contracts(
            first_month, last_month, profile_code, utility_agent_code, consumer_unit_code, status
        )
        return _each(self._pages(CONTRACTS, profile_code, queries, wire.contracts, "contract_id"))

    async def contract(self, contract_id: str, profile_code: int) -> Contract:
        """One contract."""
        path = f"{CONTRACTS}/{segment(contract_id)}"
        answer = await self._requests.read(path, profile_code)
        return wire.one(answer, self._requests.what("GET", path), wire.contract)

    async def create_contract(self, draft: ContractDraft, profile_code: int) -> Contract:
        """Create a contract, once."""
        from wattdeck.systems.ccee.drafts import contract_problems, normal

        _refuse(tr("The contract cannot be sent; nothing was sent."), contract_problems(draft))
        answer = await self._requests.write("POST", CONTRACTS, profile_code, sending.contract_body(normal(draft)))
        return wire.one(answer, self._requests.what("POST", CONTRACTS), wire.contract)

    async def contract_file(self, contract_id: str, profile_code: int) -> ContractFile:
        """A contract's PDF, which there is once everybody has signed (CONCLUIDO)."""
        path = f"{CONTRACTS}/{segment(contract_id)}/arquivo"
        answer = await self._requests.read(path, profile_code)
        return pdf.contract_file(answer, self._requests.what("GET", path), contract_id)

    # Measurements (ccee.md 4.2)

    def list_measurements(
        self,
        consumer_unit_code: str,
        utility_agent_code: int,
        start: datetime,
        end: datetime,
        profile_code: int,
        *,
        status: str = "",
    ) -> AsyncGenerator[Measurement, None]:
        """A unit's measurements from `start` to `end`, both included, to the second."""
        queries = ranges.measurements(consumer_unit_code, utility_agent_code, start, end, status)
        return _each(self._pages(MEASUREMENTS, profile_code, queries, wire.measurements, "measurement_id"))

    # Change requests (ccee.md 4.3)

    def list_change_requests(
        self,
        profile_code: int,
        request_type: str,
        *,
        status: str = "",
        months: tuple[str, str] | None = None,
        dates: tuple[date, date] | None = None,
        consumer_unit_code: str = "",
    ) -> AsyncGenerator[ChangeRequest, None]:
        """Change requests of one kind, by reference month or by the day they were made.

        Args:
            months: First and last month. Either these or `dates`.
            dates: First and last day.
        """
        queries = ranges.change_requests(request_type, status, months, dates, consumer_unit_code)
        path, parse = sending.CHANGE_REQUESTS, wire.change_requests
        return _each(self._pages(path, profile_code, queries, parse, "change_request_id"))

    async def create_change_request(self, draft: ChangeRequestDraft, profile_code: int) -> ChangeRequest:
        """Ask once for a change."""
        from wattdeck.systems.ccee.drafts import normal, request_problems

        _refuse(tr("The change request cannot be sent; nothing was sent."), request_problems(draft))
        path, body = sending.change_request(normal(draft), self.agent_code)
        answer = await self._requests.write("POST", path, profile_code, body)
        return wire.one(answer, self._requests.what("POST", path), wire.change_request)

    async def answer_change_request(
        self, change_request_id: str, profile_code: int, status: str, request_type: str, justification: str = ""
    ) -> ChangeRequest:
        """Say yes (CONCLUIDA) or no (REPROVADA) to the other side's request, once.

        Raises:
            NotFoundError: there is no such request.
        """
        path = f"{sending.CHANGE_REQUESTS}/{segment(change_request_id)}"
        body = sending.answer_body(status, request_type, justification)
        answer = await self._requests.write("POST", path, profile_code, body)
        return wire.one(answer, self._requests.what("POST", path), wire.change_request)

    def _migrations(self, *not_in: str) -> str:
        """Path of the migrations; versions that lack the operation leave it to v1 (ccee.md 3.1)."""
        version = "v1" if self.api_version in not_in else self.api_version
        return f"/{version}/varejista/migracoes"

    def _pages(
        self,
        path: str,
        profile_code: int,
        queries: Sequence[Query],
        parse: Callable[[Answer, str], wire.Listed[T]],
        id_field: str,
    ) -> AsyncGenerator[Page[T], None]:
        what = self._requests.what("GET", path)

        async def read(query: Query) -> tuple[Answer, wire.Listed[T]]:
            answer = await self._requests.read(path, profile_code, query)
            return answer, parse(answer, what)

        return pages(queries, read, what, attrgetter(id_field))


async def _each(found: AsyncGenerator[Page[T], None]) -> AsyncGenerator[T, None]:
    try:
        async for page in found:
            for item in page.items:
                yield item
    finally:
        await found.aclose()


def _refuse(sentence: str, problems: Sequence[Problem]) -> None:
    """Raise UsageError with this sentence if there are problems, naming them all."""
    if problems:
        raise UsageError("\n".join((sentence, *(problem.sentence for problem in problems))))
