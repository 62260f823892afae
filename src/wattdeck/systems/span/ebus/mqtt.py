"""A broker on the wire: MQTT 3.1.1 over TLS, or over WSS, by aiomqtt (span-v2.md 3). Loads aiomqtt when it connects."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
import ssl
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from wattdeck.core.errors import AuthError, BadAnswer, SourceError, TimedOut, Unreachable
from wattdeck.core.language import tr
from wattdeck.core.redact import register_secret
from wattdeck.systems.span.ebus import ends
from wattdeck.systems.span.ebus.homie import DESCRIPTION_BYTES_MAX, VALUE_BYTES_MAX
from wattdeck.systems.span.ebus.stream import (
    CONNECT_WITHIN_S,
    PUBLISH_WAIT_S,
    SUBSCRIBE_WAIT_S,
    CertificateRefused,
    Endpoint,
    Message,
)
from wattdeck.systems.span.ebus.tls import HOST_MISMATCH, PanelContext, context

if TYPE_CHECKING:
    import aiomqtt

KEEP_ALIVE_S = 20
"""A connection that says nothing for this long is asked; one that does not answer within as much again is lost."""
CLOSE_WITHIN_S = 2.0
IN_A_ROW_MAX = 200
"""Messages handed over before others in this process have their turn."""
REFUSALS = (4, 5, 134, 135)
"""Reasons to refuse a connection that are about user and password, in MQTT 3.1.1 and 5."""
NOTHING_SENT = 4
"""MQTT_ERR_NO_CONN of paho."""

LOGGER = logging.getLogger("wattdeck.span.mqtt")
# Below, paho writes a line for each message, with topics that bear serial numbers.
LOGGER.setLevel(logging.WARNING)


def connector(endpoint: Endpoint) -> MqttStream:
    """A stream to a broker that is not connected yet: a `Connector`."""
    return MqttStream(endpoint)


class MqttStream:
    """One connection to a broker: a `MessageStream`. What it has not sent when it ends is never sent.

    Payloads far longer than any a panel sends arrive cut to one byte more than `homie` reads.

    Args:
        endpoint: Where, as whom, and whose certificate.
        keep_alive_s: Whole seconds.
        connect_s: For name, connection, TLS and log-in together.
        publish_s: How long to wait until the broker has a message.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        keep_alive_s: int = KEEP_ALIVE_S,
        connect_s: float = CONNECT_WITHIN_S,
        publish_s: float = PUBLISH_WAIT_S,
    ) -> None:
        self._endpoint = endpoint
        self._host = endpoint.host.removeprefix("[").removesuffix("]")
        self._keep_alive_s = keep_alive_s
        self._connect_s = connect_s
        self._publish_s = publish_s
        self._client: aiomqtt.Client | None = None
        self._context: PanelContext | None = None
        self._watch: asyncio.Task[None] | None = None
        self._waiting: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._up = False
        register_secret(endpoint.password)

    async def connect(self) -> None:
        client, wrapping = await self._make_client()
        ended = asyncio.Event()
        wrapping.on_close = partial(ends.from_any_thread, asyncio.get_running_loop(), ended.set)
        ends.take_note(client)
        entering = asyncio.ensure_future(client.__aenter__())
        try:
            with anyio.fail_after(self._connect_s):
                await ends.entered(entering, ended)
        except Exception as error:
            await ends.give_up(entering, wrapping)
            raise self._in_words(error) from error
        except BaseException:
            await ends.give_up(entering, wrapping)
            raise
        ends.take_note(client)
        self._client, self._context, self._up = client, wrapping, True
        self._watch = asyncio.ensure_future(self._until_lost(client, ended))

    async def subscribe(self, filters: Sequence[str]) -> None:
        client = self.client()
        if not filters:
            return
        asked = client.subscribe([(each, 0) for each in filters], timeout=math.inf)
        granted = await self._answered(asked, SUBSCRIBE_WAIT_S)
        if any(int(getattr(each, "value", each)) >= 128 for each in granted):
            raise Unreachable(tr("the panel's broker does not let this client read its topics"))

    async def __aiter__(self) -> AsyncIterator[Message]:
        handed = 0
        while True:
            while self._waiting:
                yield self._waiting.popleft()
                handed += 1
                if handed % IN_A_ROW_MAX == 0:
                    await asyncio.sleep(0)
            self.client()
            self._arrived.clear()
            await self._arrived.wait()

    async def publish(self, topic: str, payload: str) -> None:
        client = self.client()
        try:
            await self._answered(client.publish(topic, payload, qos=1, retain=False, timeout=math.inf), self._publish_s)
        except (TimedOut, asyncio.CancelledError):
            # A command that nobody waits for any more must not be carried out later.
            if self._context is not None:
                self._context.reset()
            raise

    async def aclose(self) -> None:
        client, self._client, self._up = self._client, None, False
        self._arrived.set()
        if self._watch is not None:
            self._watch.cancel()
        if client is None or self._context is None:
            return
        with anyio.CancelScope(shield=True):
            with contextlib.suppress(Exception), anyio.move_on_after(CLOSE_WITHIN_S):
                await client.__aexit__(None, None, None)
            await ends.end(self._context)

    async def _make_client(self) -> tuple[aiomqtt.Client, PanelContext]:
        try:
            wrapping = context(self._endpoint.ca_pem, self._endpoint.names)
        except BadAnswer as error:
            raise CertificateRefused(str(error)) from None
        loaded = await anyio.to_thread.run_sync(_load_aiomqtt)
        client: aiomqtt.Client = loaded.Client(
            self._host,
            self._endpoint.port,
            username=self._endpoint.user,
            password=self._endpoint.password,
            identifier=f"wattdeck-{secrets.token_hex(4)}",
            protocol=loaded.ProtocolVersion.V311,
            clean_session=True,
            keepalive=self._keep_alive_s,
            timeout=self._connect_s,
            transport="websockets" if self._endpoint.websocket else "tcp",
            tls_context=wrapping,
            logger=LOGGER,
            queue_type=self._incoming,
            will=self.will(),
        )
        return client, wrapping

    def will(self) -> aiomqtt.Will | None:
        """What the broker publishes if this connection breaks: nothing, since a panel's broker drops it."""
        return None

    def _incoming(self, **_: Any) -> asyncio.Queue[aiomqtt.Message]:
        return _HandOver(self._take)

    def _take(self, message: aiomqtt.Message) -> None:
        """A message has come."""
        topic, payload = message.topic.value, message.payload
        if len(payload) > VALUE_BYTES_MAX:
            longest = DESCRIPTION_BYTES_MAX if topic.endswith("/$description") else VALUE_BYTES_MAX
            payload = payload[: longest + 1]
        self._waiting.append(Message(topic, payload, message.retain))
        self._arrived.set()

    async def _until_lost(self, client: aiomqtt.Client, ended: asyncio.Event) -> None:
        """Wait for the end of the connection: aiomqtt tells it, but forgets one that comes right after the log-in."""
        told = asyncio.ensure_future(ends.no_more(client))
        closed = asyncio.ensure_future(ended.wait())
        try:
            await asyncio.wait((told, closed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            closed.cancel()
            self._up = False
            self._arrived.set()

    async def _answered(self, call: Coroutine[Any, Any, Any], within_s: float) -> Any:
        """The result of a call that needs the broker's answer.

        Raises:
            Unreachable: nothing was sent.
            TimedOut: it was sent, or partly, and no answer came.
        """
        assert self._watch is not None
        task = asyncio.ensure_future(call)
        try:
            await asyncio.wait((task, self._watch), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise TimedOut(self._unanswered(within_s))
            return task.result()
        except SourceError:
            raise
        except Exception as error:
            if getattr(error, "rc", None) == NOTHING_SENT:
                raise Unreachable(tr("the connection to the broker was lost")) from error
            raise TimedOut(self._unanswered(within_s)) from error
        finally:
            task.cancel()

    def _unanswered(self, within_s: float) -> str:
        if not self._up:
            return tr("the connection to the broker was lost before it confirmed the message")
        return tr("the broker did not confirm the message within {seconds} s", seconds=f"{within_s:g}")

    def client(self) -> aiomqtt.Client:
        """What is connected.

        Raises:
            Unreachable: nothing is.
        """
        if self._client is None or not self._up:
            raise Unreachable(tr("the connection to the broker was lost"))
        return self._client

    def _in_words(self, error: Exception) -> SourceError:
        """What kept us from connecting, as what it means (span-v2.md 3.3)."""
        from wattdeck.core.transport import causes, why_no_connection

        found = list(causes(error))
        place = tr("the panel's broker at {host} port {port}", host=self._host, port=self._endpoint.port)
        reason = getattr(error, "rc", None)
        if reason is not None and int(getattr(reason, "value", reason)) in REFUSALS:
            return AuthError(tr("{place} does not accept user and password", place=place))
        for cause in found:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return CertificateRefused(_why_refused(cause, place))
        if any(isinstance(cause, TimeoutError) for cause in found):
            return TimedOut(tr("{place} does not answer; is the panel on, and the address right?", place=place))
        if reason is not None:
            return Unreachable(tr("{place} turns us away now; it may be starting", place=place))
        return Unreachable(f"{place}: {why_no_connection(error, self._host)}")


class _HandOver(asyncio.Queue["aiomqtt.Message"]):
    """A queue that is always empty: aiomqtt's own way out makes a task of every message."""

    def __init__(self, take: Any) -> None:
        super().__init__()
        self._hand_over = take

    def put_nowait(self, item: aiomqtt.Message) -> None:
        self._hand_over(item)


def _load_aiomqtt() -> Any:
    import aiomqtt

    return aiomqtt


def _why_refused(error: ssl.SSLCertVerificationError, place: str) -> str:
    reason = error.verify_message
    if error.verify_code == HOST_MISMATCH:
        return tr(
            "{place} shows a certificate that names neither this address nor the panel ({reason})",
            place=place,
            reason=reason,
        )
    return tr(
        "{place} shows a certificate that does not come from the panel's pinned authority ({reason})",
        place=place,
        reason=reason,
    )
