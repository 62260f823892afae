"""One session with a panel: from the first question to the loss of the connection (span-v2.md 9)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from wattdeck.core.clock import Clock
from wattdeck.core.errors import BadAnswer, TimedOut, Unreachable, UsageError, WattdeckError
from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.systems.span.ebus import circuits, ready
from wattdeck.systems.span.ebus.homie import PREFIX, text
from wattdeck.systems.span.ebus.inquiry import Inquiry
from wattdeck.systems.span.ebus.leftover import Leftover
from wattdeck.systems.span.ebus.panel import PanelView
from wattdeck.systems.span.ebus.ready import Settling
from wattdeck.systems.span.ebus.store import MODEL_VERSION, Change, EbusStore
from wattdeck.systems.span.ebus.stream import CONNECT_WITHIN_S, CertificateRefused, MessageStream
from wattdeck.systems.span.ebus.telling import Telling, Turn
from wattdeck.systems.span.models import DataModel

log = logging.getLogger(__name__)

PROOF_WITHIN_S = 3.0
"""How long the broker may take to show that it answers, before a command."""
PROOF = "wattdeck/alive"
"""Below the panel's own topics, which we may read; nobody ever publishes it."""
ASK_WITHIN_S = 20.0
"""For all that is asked by REST before a connection, and for a subscription."""


class ModelChanged(Exception):
    """The topics show another data model than the one in use: begin anew."""


class Session:
    """Asks by REST which panel this is, connects, subscribes, and keeps what comes. Run once.

    Args:
        inquiry: The panel's REST side.
        open_stream: Makes a connection to the broker.
        serial: The panel's.
        telling: Told when something changed that should show at once.
        doubted: A session before has seen another model than the schema says; topics may be left over from it.
        on_connected: Called when the broker has let us in.
    """

    def __init__(
        self,
        inquiry: Inquiry,
        open_stream: Callable[[], MessageStream],
        serial: str,
        telling: Telling,
        clock: Clock,
        *,
        doubted: bool,
        on_connected: Callable[[], None],
    ) -> None:
        self._inquiry = inquiry
        self._open_stream = open_stream
        self._serial = serial
        self._telling = telling
        self._clock = clock
        self._doubted = doubted
        self._on_connected = on_connected
        self._stream: MessageStream | None = None
        self.view: PanelView | None = None
        """What has come so far; None before the connection."""
        self.shown = False
        """It has given a picture."""

    def trouble(self) -> WattdeckError | None:
        """Why there is no picture that may be called live; None if there is one."""
        if self.view is None or self._stream is None:
            return Settling(tr("not connected to the panel's broker yet"))
        return ready.trouble(self.view, self._clock.monotonic())

    async def command(self, circuit_id: str, name: str, payload: str) -> None:
        """Publish one command, once.

        Raises:
            UsageError: no such circuit, or the panel does not let it be set; nothing was sent.
            Unreachable: not connected, or the panel is not ready; nothing was sent and nothing will be.
            TimedOut: the broker did not say that it has it; the outcome is unknown.
        """
        stream = self._stream
        if stream is not None and self.trouble() is None:
            await self._prove(stream)
        view, trouble = self.view, self.trouble()
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
            proof = f"{PREFIX}/{self._serial}/{PROOF}"
            await self._within(PROOF_WITHIN_S, stream.subscribe([proof]))
        except TimedOut:
            raise Unreachable(tr("the panel's broker does not answer")) from None
        except Unreachable as error:
            # A refusal is an answer; of a connection that was lost, sending will tell.
            log.debug("asked whether it answers, the broker said: %s", error)

    async def run(self) -> None:
        """From the first question to the loss of the connection.

        Raises:
            ModelChanged: the topics show another model.
            SourceError: anything that ends it.
        """
        await self._within(ASK_WITHIN_S, self._inquiry.look())
        stream = self._open_stream()
        try:
            await self._connect(stream)
            schema = self._inquiry.schema
            model = None if schema is None else schema.model
            leftover = Leftover() if self._doubted and model is DataModel.FLAT else None
            store = EbusStore(self._serial, self._clock.monotonic, leftover)
            spaces = None if schema is None else schema.spaces
            self.view = PanelView(store, model or DataModel.FLAT, self._clock, spaces)
            self._stream = stream
            self._on_connected()
            await self._within(ASK_WITHIN_S, stream.subscribe([f"{PREFIX}/{self._serial}/#"]))
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
        if evidence is not None and self.view is not None and evidence is not self.view.model:
            if model is not None or self.shown:
                raise ModelChanged
            # Nobody said which model this is; the topics do.
            self.view = PanelView(store, evidence, self._clock)
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
