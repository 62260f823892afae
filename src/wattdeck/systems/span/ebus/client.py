"""The eBus client: one v2 panel, for ever. Usable alone, as a library: `async with EbusClient(...) as panel`.

A task of its own keeps one session after another: ask by REST which panel and which data model this is, connect,
subscribe, and keep what comes. `snapshot` is a picture of that, or the error that says why there is none. Nothing
received is None, never zero; silence is no fault while the panel says it is ready (span-v2.md 9, 11).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Self

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import (
    AuthError,
    BadAnswer,
    Busy,
    SourceError,
    Stale,
    TimedOut,
    Unreachable,
    UsageError,
    WattdeckError,
)
from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.systems.span.ebus import circuits, ready
from wattdeck.systems.span.ebus.homie import PREFIX, text
from wattdeck.systems.span.ebus.inquiry import AuthorityChanged, Inquiry
from wattdeck.systems.span.ebus.leftover import Leftover
from wattdeck.systems.span.ebus.panel import PanelView
from wattdeck.systems.span.ebus.ready import ROOT_WITHIN_S, Settling
from wattdeck.systems.span.ebus.store import MODEL_VERSION, Change, EbusStore
from wattdeck.systems.span.ebus.stream import CONNECT_WITHIN_S, CertificateRefused, Connector, MessageStream
from wattdeck.systems.span.ebus.telling import Telling, Turn, wait_for
from wattdeck.systems.span.models import DataModel, PanelSnapshot, Relay

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
PROOF_WITHIN_S = 3.0
"""How long the broker may take to show that it answers, before a command."""
PROOF = "wattdeck/alive"
"""Below the panel's own topics, which we may read; nobody ever publishes it."""
ASK_WITHIN_S = 20.0
"""For all that is asked by REST before a connection, and for a subscription."""
CALM_S = 60.0
"""A data model that changes again sooner is not followed at once."""

_JITTER = Random()  # noqa: S311  jitter, not secrecy


class ModelChanged(Exception):
    """The topics show another data model than the one in use: begin anew."""


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
        self._stream: MessageStream | None = None
        self._view: PanelView | None = None
        self._problem: WattdeckError | None = None
        self._shown = False
        """This session has given a picture."""
        self._shown_ever = False
        self._model_changed_s = float("-inf")
        self._doubted = False
        """The topics have shown another model than the schema said, which was read anew then."""
        self._hurried = asyncio.Event()
        self._next_try_at: datetime | None = None
        self._refusal: AuthError | None = None
        """What ended the sessions, until somebody has been told."""

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
            self._shown = self._shown_ever = False
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
            passes = isinstance(trouble, Settling) and not self._shown
            if not passes or self._clock.monotonic() >= until_s:
                self._refusal = None
                raise trouble
            await self._telling.wait(LOOK_AGAIN_S)
        assert self._view is not None
        self._shown = self._shown_ever = True
        return self._view.snapshot()

    def heard_at(self) -> datetime | None:
        """When anything last came from the panel, UTC; None: nothing in this session."""
        heard_s = None if self._view is None else self._view.store.heard_s
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
        stream = self._stream
        if stream is not None and self._trouble() is None:
            await self._prove(stream)
        view, trouble = self._view, self._trouble()
        if trouble is not None or stream is None or stream is not self._stream or view is None:
            raise Unreachable(tr("not connected to a panel that is ready"))
        part = view.circuit_part(circuit_id)
        if part is None:
            raise UsageError(tr("the panel has no circuit {id}; nothing was sent", id=repr(circuit_id[:80])))
        may = circuits.relay_settable if name == "relay" else circuits.priority_settable
        if part.path(name) is None or not part.live or not may(part, view.model):
            raise UsageError(tr("the panel does not let this be set; nothing was sent"))
        await stream.publish(part.set_topic(name), payload)

    async def _prove(self, stream: MessageStream) -> None:
        """Make sure that the broker answers now: one that hangs takes a command, and passes it on whenever it wakes.

        Raises:
            Unreachable: it does not.
        """
        try:
            proof = f"{PREFIX}/{self.credentials.broker_user}/{PROOF}"
            await self._within(PROOF_WITHIN_S, stream.subscribe([proof]))
        except TimedOut:
            raise Unreachable(tr("the panel's broker does not answer")) from None
        except Unreachable as error:
            # A refusal is an answer; of a connection that was lost, sending will tell.
            log.debug("asked whether it answers, the broker said: %s", error)

    def _trouble(self) -> WattdeckError | None:
        """Why there is no picture that may be called live; None if there is one."""
        if self._problem is not None:
            return self._problem
        if self._view is None or self._stream is None:
            return Settling(tr("not connected to the panel's broker yet"))
        return ready.trouble(self._view, self._clock.monotonic())

    # The session

    async def _keep_session(self) -> None:
        """One session after another, until a person is needed."""
        failures = refusals = 0
        while True:
            delay_s = 0.0
            try:
                await self._session()
            except ModelChanged:
                now_s = self._clock.monotonic()
                calm = now_s - self._model_changed_s >= CALM_S
                failures, self._model_changed_s = 0 if self._shown and calm else failures + 1, now_s
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
                failures, refusals = (1, 0) if self._shown else (failures + 1, refusals)
                delay_s = self._back_off_s(failures, BOOTING_CAP_S if isinstance(error, Busy) else BACK_OFF_CAP_S)
                self._fail(error)
            except Exception as error:
                log.exception("a session with a panel ended for a reason that is not the panel's")
                failures += 1
                delay_s = self._back_off_s(failures, BACK_OFF_CAP_S)
                words = tr("internal error ({error}); the log has the details", error=type(error).__name__)
                self._fail(SourceError(words))
            self._view, self._shown = None, False
            await self._rest(delay_s)
            # A model that changed is no fault: its new session may settle without one being shown.
            self._problem = None if isinstance(self._problem, Stale) else self._problem

    async def _rest(self, seconds: float) -> None:
        """Wait before the next session, unless somebody is in a hurry."""
        self._hurried.clear()
        self._next_try_at = self._clock.now() + timedelta(seconds=seconds)
        await wait_for(self._hurried, self._clock, seconds)
        self._next_try_at = None

    async def _session(self) -> None:
        """From the first question to the loss of the connection.

        Raises:
            ModelChanged: the topics show another model.
            SourceError: anything that ends it.
        """
        await self._within(ASK_WITHIN_S, self._inquiry.look())
        serial = self.credentials.broker_user
        stream = self._connector(self._endpoint)
        try:
            await self._connect(stream)
            schema = self._inquiry.schema
            model = None if schema is None else schema.model
            leftover = Leftover() if self._doubted and model is DataModel.FLAT else None
            store = EbusStore(serial, self._clock.monotonic, leftover)
            spaces = None if schema is None else schema.spaces
            self._view = PanelView(store, model or DataModel.FLAT, self._clock, spaces)
            self._stream, self._problem = stream, None
            await self._within(ASK_WITHIN_S, stream.subscribe([f"{PREFIX}/{serial}/#"]))
            turn = Turn()
            async for message in stream:
                if Change.URGENT in store.apply(message):
                    await self._take_structure(store, stream, model)
                    self._telling.tell()
                await turn.end_if_long()
        finally:
            self._stream = None
            await stream.aclose()
        raise Unreachable(tr("the connection to the panel's broker was lost"))

    async def _take_structure(self, store: EbusStore, stream: MessageStream, model: DataModel | None) -> None:
        """Follow what the descriptions say: the model, and devices to listen to."""
        evidence = store.evidence
        version = text(store.root.values.get(MODEL_VERSION))
        if version and version.partition(".")[0] != "1":
            words = {"version": clean(version, 20)}
            raise BadAnswer(tr("the panel speaks data model {version}; wattdeck knows 1, and none other", **words))
        if evidence is not None and self._view is not None and evidence is not self._view.model:
            if model is not None or self._shown:
                raise ModelChanged
            # Nobody said which model this is; the topics do.
            self._view = PanelView(store, evidence, self._clock)
        if evidence is DataModel.TREE:
            children = store.new_children()
            if children:
                await self._within(ASK_WITHIN_S, stream.subscribe([f"{PREFIX}/{child}/#" for child in children]))

    async def _connect(self, stream: MessageStream) -> None:
        """Connect; a certificate that does not pass is compared with what the panel shows, never trusted for that."""
        try:
            await self._within(CONNECT_WITHIN_S, stream.connect())
        except CertificateRefused as refused:
            await self._inquiry.compare_authority(refused)
            raise

    async def _within(self, seconds: float, work: Awaitable[None]) -> None:
        """Raises TimedOut if it takes longer: nothing that hangs may hang the session for ever."""
        try:
            async with asyncio.timeout(seconds):
                await work
        except TimeoutError:
            raise TimedOut(tr("the panel's broker does not answer")) from None

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
