"""The USMS portal as a library: one account, frozen models, one tree of errors.

Works as `async with UsmsClient(username, password, solver=solver) as account`, or long-lived with `aclose` at the end.
Everything of one account goes through one session, one request after the other: the portal keeps the state of its
pages per session, and two reports at once would mix theirs (usms.md 3.4).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from types import TracebackType
from typing import Self, TypeVar

import anyio

from wattdeck.core.answers import json_body
from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import AuthError, BadAnswer, UsageError
from wattdeck.core.http import HttpClients
from wattdeck.core.language import later, tr
from wattdeck.systems.usms import forms
from wattdeck.systems.usms.browser import Browser, ExpiredError, Page
from wattdeck.systems.usms.login import log_in
from wattdeck.systems.usms.models import (
    BRUNEI,
    AccountSnapshot,
    Kind,
    Meter,
    Period,
    Report,
    TopUp,
    TopUpPage,
)
from wattdeck.systems.usms.session import Session, Solver

T = TypeVar("T")

PORTAL = "https://www.usms.com.bn"
HOME = "Home"
USAGE = "Report/UsageHistory"
TRANSACTIONS = "Report/TransactionHistory"
TOP_UP = "Payment/WebForm2"
RENEWALS = 2
"""So often one call may find its session ended; then somebody else keeps logging in."""
NO_LOGIN = later("the portal's session has ended and it wants a login with a captcha; run `wattdeck usms login`")


class UsmsClient:
    """One account of the portal.

    A session that has ended is renewed once for all who wait, if there is a `solver` for the captcha and a password;
    a password that was rejected is not sent again until `login` is called.

    All reads raise SourceError: Unreachable, TimedOut and Busy may pass; AuthError wants a login; BadAnswer says
    which page was not what it should be.
    """

    def __init__(
        self,
        username: str,
        password: Callable[[], str | None] | str | None = None,
        *,
        origin: str = PORTAL,
        timeout_s: float = 60.0,
        solver: Solver | None = None,
        session: Session | None = None,
        clients: HttpClients | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Nothing is opened yet.

        Args:
            username: IC number, with or without dashes.
            password: Or what gives it when it is needed; None: only a stored session is used.
            solver: Reads captchas; None: a call that needs a login raises AuthError.
            session: Where the cookie is kept; None: in memory.
            clients: Connections to share, closed by their owner; None makes our own.
        """
        self.username = "".join(username.replace("-", "").split())
        self._password = password
        self.solver = solver
        self.session = session or Session(self.username)
        self._closes_clients = clients is None
        self._clients = clients or HttpClients(clock=clock)
        self._browser = Browser(self._clients.get(origin), self.session, timeout_s)
        self._clock = clock
        self._turn = anyio.Lock()
        self._rejected = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close our own connections. The session stays stored."""
        if self._closes_clients:
            await self._clients.aclose()

    @property
    def today(self) -> date:
        """The day it is in Brunei."""
        return self._clock.now().astimezone(BRUNEI).date()

    async def login(self, solver: Solver | None = None, password: str | None = None) -> None:
        """Log in now, whatever became of earlier passwords; ends every other session of the account.

        Raises:
            AuthError: the portal does not accept the password or the captcha, or nobody reads the captcha.
            SourceError: the portal cannot be reached, or shows something else than a login page.
        """
        async with self._turn:
            self._rejected = ""
            await self._log_in(solver or self.solver, password)

    async def account(self) -> AccountSnapshot:
        """The meters on the Home page."""
        from wattdeck.systems.usms.pages import read_home

        page = await self._in_session(lambda: self._browser.get(HOME))
        return read_home(page.html, page.what)

    async def hours(self, meter: Meter, day: date) -> Report:
        """Consumption by the hour on one day in Brunei. Water meters are not read hourly: empty, without asking.

        Raises:
            UsageError: the day is in the future.
        """
        self._require_past(day)
        if meter.kind is Kind.WATER:
            return Report(())
        page = await self._in_session(lambda: self._report(meter, forms.hourly(day), daily=False))
        return _read(page, Period.HOUR, day)

    async def days(self, meter: Meter, month: date) -> Report:
        """Consumption by the day in the month of that date; of the current one, up to yesterday.

        On the first of a month there is no complete day yet: empty, without asking (usms.md 4).

        Raises:
            UsageError: the month is in the future.
        """
        first = month.replace(day=1)
        self._require_past(first)
        last = min((first + timedelta(days=31)).replace(day=1), self.today) - timedelta(days=1)
        if last < first:
            return Report(())
        page = await self._in_session(lambda: self._report(meter, forms.daily(first, last), daily=True))
        return _read(page, Period.DAY, first)

    async def top_up_page(self, meter: Meter) -> TopUpPage:
        """Debt and customer type of a meter."""
        from wattdeck.systems.usms.pages import read_top_up

        page = await self._in_session(lambda: self._browser.get(TOP_UP, meter.number, "&s=h"))
        return read_top_up(page.html, page.what)

    async def top_ups(self, meter: Meter, first: date, last: date) -> tuple[TopUp, ...]:
        """Purchases of credit between two days, both included."""
        from wattdeck.systems.usms.pages import read_transactions

        async def ask() -> Page:
            # The page shows the meter that was opened last in this session (usms.md 2.7).
            await self._browser.get(USAGE, meter.number)
            page = await self._browser.get(TRANSACTIONS, meter.number)
            return await self._browser.search(page, forms.between(first, last))

        page = await self._in_session(ask)
        return read_transactions(page.html, page.what)

    async def ask_simulator(self) -> str | None:
        """What the captcha served last says, from a simulator; None from a portal, which has no such page."""
        answer = await self._browser.open("GET", "/_sim/captcha")
        try:
            return str(json_body(answer, "the simulator")["answer"])
        except (BadAnswer, KeyError, TypeError):
            return None

    async def _report(self, meter: Meter, search: Sequence[tuple[str, str]], *, daily: bool) -> Page:
        """The second search's answer: the first only makes the page take the choice (usms.md 4)."""
        page = await self._browser.get(USAGE, meter.number)
        if daily:
            page = await self._browser.search(page, ())
        page = await self._browser.search(page, search)
        return await self._browser.search(page, search)

    async def _in_session(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask while nobody else of this account does, from the start again after the session was renewed."""
        async with self._turn:
            for _ in range(RENEWALS):
                try:
                    return await ask()
                except ExpiredError:
                    if not self.session.renewed():
                        await self._log_in(self.solver, None)
            try:
                return await ask()
            except ExpiredError as error:
                words = tr("the session ended again right after the login; is the account in use elsewhere?")
                raise AuthError(f"{error}: {words}") from None

    async def _log_in(self, solver: Solver | None, password: str | None) -> None:
        if self._rejected:
            raise AuthError(self._rejected)
        if solver is None:
            raise AuthError(tr(NO_LOGIN))
        password = password or (self._password() if callable(self._password) else self._password)
        if not password:
            raise AuthError(tr("there is no password for the portal; set `password` or run `wattdeck usms login`"))
        try:
            await log_in(self._browser, self.username, password, solver)
        except AuthError as error:
            if error.status_code == 401:
                self._rejected = tr("{error} It is not sent again until you log in yourself.", error=error)
            raise
        self.session.store()

    def _require_past(self, day: date) -> None:
        if day > self.today:
            raise UsageError(tr("{day} is in the future; the portal has nothing for it", day=f"{day:%d/%m/%Y}"))


def _read(page: Page, period: Period, day: date) -> Report:
    from wattdeck.systems.usms.pages import read_report

    return read_report(page.html, period, day, page.what)


def midnight(day: date) -> datetime:
    """The start of a day in Brunei."""
    return datetime(day.year, day.month, day.day, tzinfo=BRUNEI)
