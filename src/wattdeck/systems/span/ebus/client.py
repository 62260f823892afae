"""The eBus client: one v2 panel, for ever. Usable alone, as a library: `async with EbusClient(...) as panel`.

A task of its own keeps one session after another: ask by REST which panel and which data model this is, connect,
subscribe, and keep what comes. `snapshot` is a picture of that, or the error that says why there is none. Nothing
received is None, never zero; silence is no fault while the panel says it is ready (span-v2.md 9, 11).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Self

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import (
    AuthError,
    Busy,
    SourceError,
    Stale,
    Unreachable,
    UsageError,
    WattdeckError,
)
from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.systems.span.ebus import circuits
from wattdeck.systems.span.ebus.inquiry import AuthorityChanged, Inquiry
from wattdeck.systems.span.ebus.ready import ROOT_WITHIN_S, Settling
from wattdeck.systems.span.ebus.session import ModelChanged, Session
from wattdeck.systems.span.ebus.stream import CONNECT_WITHIN_S, Connector
from wattdeck.systems.span.ebus.telling import Telling, wait_for
from wattdeck.systems.span.models import PanelSnapshot, Relay

if TYPE_CHECKING:
    from wattdeck.systems.span.ebus.bootstrap import Bootstrap
    from wattdeck.systems.span.ebus.credentials import Credentials

log = logging.getLogger(__name__)

FIRST_BACK_OFF_S, BACK_OFF_CAP_S, BOOTING_CAP_S = 1.0, 60.0, 30.0
REFUSED_AGAIN_S = 60.0
"""A broker that refuses us is asked once more after so long; then a person is."""
REFUSALS_MAX = 2
FIRST_ANSWER_S = CONNECT_WITHIN_S + ROOT_WITHIN_S
"""How long the first picture is waited for."""
RESETTLE_S = 2.0
"""How long a later picture is waited for: what was shown before would count as live meanwhile."""
LOOK_AGAIN_S = 0.05
CALM_S = 60.0
"""A data model that changes again sooner is not followed at once."""

_JITTER = Random()  # noqa: S311  jitter, not secrecy


class EbusClient:
    """One panel over eBus.

    Args:
        bootstrap: The panel's REST side.
        credentials: What registration gave us.
        connector: Makes a connection to a broker.
        host: Where the broker is; the address a person typed, not the one the panel advertises.
        mqtt_port: None: as the panel said at registration.
        websocket: Over WSS.
        on_urgent: Called when something changed that should show at once. Must be quick.
        clock: Time.
    """

    def __init__(
        self,
        bootstrap: Bootstrap,
        credentials: Credentials,
        connector: Connector,
        *,
        host: str,
        mqtt_port: int | None = None,
        websocket: bool = False,
        on_urgent: Callable[[], None] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        random: Random | None = None,
    ) -> None:
        self.credentials = credentials
        self._inquiry = Inquiry(bootstrap, credentials)
        self._connector = connector
        self._endpoint = credentials.endpoint(host, mqtt_port, websocket=websocket)
        self._telling = Telling(on_urgent, clock)
        self._clock = clock
        self._random = random or _JITTER
        self._task: asyncio.Task[None] | None = None
        self._problem: WattdeckError | None = None
        self._shown_ever = False
        self._model_changed_s = float("-inf")
        self._doubted = False
        """The topics have shown another model than the schema said, which was read anew then."""
        self._hurried = asyncio.Event()
        self._next_try_at: datetime | None = None
        self._refusal: AuthError | None = None
        """What ended the sessions, until somebody has been told."""
        self._session = self._new_session()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def start(self) -> None:
        """Begin the first session, or begin again after a refusal; otherwise does nothing."""
        if self._task is None or self._task.done():
            self._problem = self._refusal = None
            self._shown_ever = False
            self._session = self._new_session()
            self._task = asyncio.get_running_loop().create_task(self._keep_session())

    async def aclose(self) -> None:
        """End the session. `start` begins anew."""
        task = self._task
        ending = [each for each in (self._telling.cancel(), task) if each is not None]
        for each in ending:
            each.cancel()
        if ending:
            # Not awaited one by one: whoever gives up waiting for this end is not to be swallowed with theirs.
            await asyncio.wait(ending)
        if self._task is task:
            self._task = None
            self._problem = Unreachable(tr("the session with the panel was ended"))
            self._telling.wake()

    async def snapshot(self) -> PanelSnapshot:
        """The panel as reported so far. While the first session begins this waits for it, up to 45 s.

        Raises:
            AuthError: the broker or a changed authority stopped us. Said once; whoever asks again begins anew.
            Stale: the panel is there and does not say it is live.
            SourceError: there is no session, or nothing of the panel yet.
        """
        if self._refusal is None:
            self.start()
        until_s = self._clock.monotonic() + (RESETTLE_S if self._shown_ever else FIRST_ANSWER_S)
        while (trouble := self._trouble()) is not None:
            passes = isinstance(trouble, Settling) and not self._session.shown
            if not passes or self._clock.monotonic() >= until_s:
                self._refusal = None
                raise trouble
            await self._telling.wait(LOOK_AGAIN_S)
        assert self._session.view is not None
        self._session.shown = self._shown_ever = True
        return self._session.view.snapshot()

    def heard_at(self) -> datetime | None:
        """When anything last came from the panel, UTC; None: nothing in this session."""
        view = self._session.view
        heard_s = None if view is None else view.store.heard_s
        if heard_s is None:
            return None
        return self._clock.now() - timedelta(seconds=self._clock.monotonic() - heard_s)

    def next_try_at(self) -> datetime | None:
        """When the next session begins, UTC; None: one is on, or a person is needed."""
        return self._next_try_at

    def hurry(self) -> None:
        """Begin the next session now, whatever the back-off says."""
        self._hurried.set()

    async def set_relay(self, circuit_id: str, relay: Relay) -> None:
        """Ask for a relay position, once; what becomes of it shows in the next pictures and nowhere else.

        Raises:
            UsageError: not a position, no such circuit, or the panel does not let it be set; nothing was sent.
            Unreachable: not connected, or the panel is not ready; nothing was sent and nothing will be.
            TimedOut: the broker did not say that it has it; the outcome is unknown.
        """
        if relay not in (Relay.OPEN, Relay.CLOSED):
            raise UsageError(
                tr("a relay can be set to open or closed, not to {wanted}; nothing was sent", wanted=relay)
            )
        await self._command(circuit_id, "relay", relay.upper())

    async def set_priority(self, circuit_id: str, priority: str) -> None:
        """Ask for a load priority, one of `models.PRIORITIES`, once. Raises as `set_relay`."""
        word = circuits.WIRE_PRIORITIES.get(priority)
        if word is None:
            words = {"known": ", ".join(circuits.WIRE_PRIORITIES), "wanted": clean(priority, 40)}
            raise UsageError(tr("a priority is one of {known}, not {wanted}; nothing was sent", **words))
        await self._command(circuit_id, "priority", word)

    async def _command(self, circuit_id: str, name: str, payload: str) -> None:
        if self._problem is not None:
            raise Unreachable(tr("not connected to a panel that is ready"))
        await self._session.command(circuit_id, name, payload)

    def _trouble(self) -> WattdeckError | None:
        """Why there is no picture that may be called live; None if there is one."""
        if self._problem is not None:
            return self._problem
        return self._session.trouble()

    # The session

    def _new_session(self) -> Session:
        return Session(
            self._inquiry,
            lambda: self._connector(self._endpoint),
            self.credentials.broker_user,
            self._telling,
            self._clock,
            doubted=self._doubted,
            on_connected=self._connected,
        )

    def _connected(self) -> None:
        """What was wrong before is over."""
        self._problem = None

    async def _keep_session(self) -> None:
        """One session after another, until a person is needed."""
        failures = refusals = 0
        while True:
            delay_s = 0.0
            try:
                await self._session.run()
            except ModelChanged:
                now_s = self._clock.monotonic()
                calm = now_s - self._model_changed_s >= CALM_S
                failures, self._model_changed_s = 0 if self._session.shown and calm else failures + 1, now_s
                self._inquiry.schema, self._doubted = None, True
                delay_s = self._back_off_s(failures, BOOTING_CAP_S) if failures else 0.0
                self._fail(Stale(tr("the panel changes its data model; reading it anew")))
            except AuthorityChanged as error:
                return self._stop(error)
            except AuthError as error:
                refusals += 1
                if refusals >= REFUSALS_MAX:
                    return self._stop(error)
                delay_s = REFUSED_AGAIN_S
                again = tr(
                    "{problem}; if that is so again, register anew: `wattdeck span register --again`", problem=error
                )
                self._fail(Unreachable(again))
            except WattdeckError as error:
                failures, refusals = (1, 0) if self._session.shown else (failures + 1, refusals)
                delay_s = self._back_off_s(failures, BOOTING_CAP_S if isinstance(error, Busy) else BACK_OFF_CAP_S)
                self._fail(error)
            except Exception as error:
                log.exception("a session with a panel ended for a reason that is not the panel's")
                failures += 1
                delay_s = self._back_off_s(failures, BACK_OFF_CAP_S)
                words = tr("internal error ({error}); the log has the details", error=type(error).__name__)
                self._fail(SourceError(words))
            self._session = self._new_session()
            await self._rest(delay_s)
            # A model that changed is no fault: its new session may settle without one being shown.
            self._problem = None if isinstance(self._problem, Stale) else self._problem

    async def _rest(self, seconds: float) -> None:
        """Wait before the next session, unless somebody is in a hurry."""
        self._hurried.clear()
        self._next_try_at = self._clock.now() + timedelta(seconds=seconds)
        await wait_for(self._hurried, self._clock, seconds)
        self._next_try_at = None

    # Telling

    def _fail(self, problem: WattdeckError) -> None:
        self._problem = problem
        self._telling.tell()

    def _stop(self, refusal: AuthError) -> None:
        """A person is needed."""
        self._refusal = refusal
        self._fail(refusal)

    def _back_off_s(self, failures: int, cap_s: float) -> float:
        delay_s: float = min(FIRST_BACK_OFF_S * 2.0 ** min(failures - 1, 16), cap_s)
        return delay_s * self._random.uniform(0.8, 1.2)
