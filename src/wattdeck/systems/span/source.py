"""One SPAN panel, opened: the protocol it is spoken to in, its feed, and its side of commands."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattdeck.core.errors import AuthError, ConfigError, SourceError, StatusError
from wattdeck.core.feed import Feed
from wattdeck.core.history import IN_MEMORY, place_of
from wattdeck.core.language import tr
from wattdeck.core.paths import credentials_dir, token_path
from wattdeck.core.system import Context
from wattdeck.systems.span.client import SpanClient
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.ledger import Ledger, without_energies
from wattdeck.systems.span.models import Branch, PanelSnapshot
from wattdeck.systems.span.rest import RestPanel

if TYPE_CHECKING:
    from wattdeck.systems.span.commands import Commands, SpanOperable
    from wattdeck.systems.span.ebus.bootstrap import Bootstrap, V2Status
    from wattdeck.systems.span.ebus.client import EbusClient
    from wattdeck.systems.span.ebus.credentials import Credentials
    from wattdeck.systems.span.ebus.local import StandIn
    from wattdeck.systems.span.ebus.stream import Connector

log = logging.getLogger(__name__)

HIDDEN_POLL_S = 10.0
"""A panel nobody looks at is read at most this often."""
LOOK_FOR_V2_EVERY = 20
"""Good polls by v1 between two looks whether somebody has registered for v2 meanwhile."""


class SpanSource:
    """A panel as the hub knows it. Speaks v1 or v2, whichever the settings and the registrations say."""

    def __init__(self, config: SpanConfig, context: Context) -> None:
        self.id = f"span/{config.name}"
        self._context = context
        self._clock = context.clock
        self._rest = RestPanel(config, context)
        self._ebus: EbusClient | None = None
        self._polls = 0
        self._seen = ("", "")
        self._tried: Credentials | None = None
        """The registration for v2 that was used last; None: v1's token was."""
        self._stamp: tuple[int, ...] | None = None
        """Of the folders of registrations, when they were last looked into for others."""
        self.ledger = _ledger(config, context)
        self.feed: Feed[PanelSnapshot] = Feed(
            self.id,
            "panel",
            self.fetch,
            interval_s=config.poll_s,
            hidden_interval_s=max(config.poll_s, HIDDEN_POLL_S),
            clock=context.clock,
            fade=without_energies,
            fade_after_s=config.energy_grace_min * 60,
            session=lambda: self._ebus,
            mended=self._has_other_keys,
        )

    @property
    def config(self) -> SpanConfig:
        return self._rest.config

    @config.setter
    def config(self, config: SpanConfig) -> None:
        self._rest.config = config

    @property
    def feeds(self) -> Sequence[Feed[Any]]:
        return (self.feed,)

    @property
    def client(self) -> SpanClient:
        """The v1 client, whether it is in use or not."""
        return self._rest.client

    @property
    def ebus(self) -> EbusClient | None:
        """The v2 client; None while the panel is spoken to in v1."""
        return self._ebus

    @property
    def commands(self) -> Commands:
        """Where commands go now."""
        return self.client if self._ebus is None else self._ebus

    @cached_property
    def operable(self) -> SpanOperable:
        """Its side of commands; loaded when somebody may give one."""
        from wattdeck.systems.span.commands import SpanOperable

        return SpanOperable(self, demo=self._context.demo)

    async def aclose(self) -> None:
        # Energies that were counted are kept, whatever becomes of the connections.
        try:
            await self._leave_v2()
            await self.client.aclose()
        finally:
            await self.ledger.aclose()

    async def fetch(self) -> PanelSnapshot:
        """A picture of the panel, by the protocol that lets us in.

        Raises:
            SourceError: there is none; the words say why and what to do.
        """
        if self._ebus is None and self._may_have_v2():
            credentials = self._credentials()
            self._tried = None
            if credentials is None and self.config.api == "v2":
                credentials = self._registered_as(await self._status())
                if credentials is None:
                    raise AuthError(tr("not registered for v2 at {host}; register first", host=self.config.host))
            if credentials is not None:
                self._enter_v2(credentials)
        snapshot, branches = await (self._by_v1() if self._ebus is None else self._by_v2(self._ebus))
        return await self.ledger.apply(snapshot, self._clock.now(), branches)

    async def _by_v1(self) -> tuple[PanelSnapshot, Sequence[Branch]]:
        try:
            snapshot = await self._rest.fetch()
        except SourceError as error:
            self._polls = 0
            gone = isinstance(error, StatusError) and error.status_code == 404
            if self.config.api == "auto" and (gone or isinstance(error, AuthError)):
                status = await self._status()
                credentials = self._registered_as(status)
                if credentials is not None:
                    return await self._by_v2(self._enter_v2(credentials))
                if gone and status is not None:
                    raise AuthError(
                        tr(
                            "{host} speaks v1 no more (firmware {firmware}); it speaks v2: register once for that",
                            host=self.config.host,
                            firmware=status.firmware,
                        )
                    ) from error
                if gone:
                    words = tr(
                        "{problem}. v2 gives no answer there either: is this the panel's address?", problem=error
                    )
                    raise StatusError(words, 404) from error
            raise
        self._polls += 1
        return snapshot, self._rest.branches

    async def _by_v2(self, ebus: EbusClient) -> tuple[PanelSnapshot, Sequence[Branch]]:
        try:
            snapshot = await ebus.snapshot()
        except AuthError:
            # A person mends this, with another registration: what is stored then is read anew.
            await self._leave_v2()
            raise
        except SourceError:
            if self._has_other_keys():
                # A new authority was trusted meanwhile, or we were registered anew: try that, and at once.
                await self._leave_v2()
                self.feed.wake()
            raise
        if (snapshot.firmware, snapshot.data_model.value) != self._seen:
            self._seen = snapshot.firmware, snapshot.data_model.value
            await self._keep_seen(ebus.credentials.serial)
        return snapshot, ()

    async def _keep_seen(self, serial: str) -> None:
        """Note firmware and data model with the registration, as it is by now; that fails without harm."""
        if self._context.demo:
            return
        from anyio import to_thread

        from wattdeck.systems.span.ebus.credentials import load, save

        def note() -> None:
            firmware, model = self._seen
            kept = load(self._context.state_dir, serial)
            if kept is not None and (kept.firmware, kept.data_model) != self._seen:
                save(self._context.state_dir, replace(kept, firmware=firmware, data_model=model))

        try:
            await to_thread.run_sync(note)
        except ConfigError as error:
            log.warning("%s: %s", self.id, error)

    # Which protocol

    def _may_have_v2(self) -> bool:
        """Whether to look for a registration now: at first, after a failure, and every now and then."""
        return self.config.api != "v1" and self._polls % LOOK_FOR_V2_EVERY == 0

    def _stand_in(self) -> StandIn | None:
        """The simulator's broker, in a demo."""
        from wattdeck.systems.span.ebus.stream import MQTTS_PORT

        port = self.config.mqtt_port or MQTTS_PORT
        found: StandIn | None = self._context.stand_ins.get(f"mqtts://{self.config.host}:{port}")
        return found

    def _credentials(self) -> Credentials | None:
        """What a registration left, or None.

        Raises:
            ConfigError: it is there and cannot be used.
        """
        if self._context.demo:
            stand_in = self._stand_in()
            return None if stand_in is None else stand_in.credentials
        if not self._ever_registered():
            return None
        from wattdeck.systems.span.ebus.credentials import find, typed

        return find(self._context.state_dir, typed(self.config.host, self.config.port))

    def _has_other_keys(self) -> bool:
        """Whether a registration or `span trust` has stored something else than what was tried last.

        The files are only read when one was stored since the last look.
        """
        if self._context.demo:
            return False
        stamp = tuple(_changed_ns(folder) for folder in self._key_folders)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        from wattdeck.systems.span.ebus.credentials import load, same_keys

        try:
            stored = None if self.config.api == "v1" else self._credentials()
            if stored is None and self._tried is not None:
                stored = load(self._context.state_dir, self._tried.serial)
        except ConfigError:
            return False
        if self._tried is None and self._rest.has_another_token():
            return True
        return stored is not None and not (self._tried is not None and same_keys(stored, self._tried))

    @cached_property
    def _key_folders(self) -> tuple[Path, ...]:
        state_dir = self._context.state_dir
        return credentials_dir(state_dir, "span"), token_path(state_dir, "span", self.config.name).parent

    def _ever_registered(self) -> bool:
        """Whether registrations may be kept: seen without loading what reads them."""
        try:
            credentials_dir(self._context.state_dir, "span").stat()
        except FileNotFoundError:
            return False
        except OSError:
            pass  # Who reads them says what is wrong.
        return True

    def _connector(self) -> Connector:
        """Where streams come from. A demo connects to its simulators and nothing else (control.md 3)."""
        if self._context.demo:
            stand_in = self._stand_in()
            if stand_in is None:
                raise ConfigError(tr("{source}: the demo reaches simulators only", source=self.id))
            return stand_in.broker.connector
        from wattdeck.systems.span.ebus.mqtt import connector

        return connector

    def _bootstrap(self) -> Bootstrap:
        from wattdeck.systems.span.ebus.bootstrap import Bootstrap

        return Bootstrap.of(self.config, self._context.http, self._clock)

    def _enter_v2(self, credentials: Credentials) -> EbusClient:
        from wattdeck.systems.span.ebus.client import EbusClient

        self._tried = credentials
        ebus = self._ebus = EbusClient(
            self._bootstrap(),
            credentials,
            self._connector(),
            host=self.config.host,
            mqtt_port=self.config.mqtt_port,
            websocket=self.config.websocket,
            on_urgent=self.feed.wake,
            clock=self._clock,
        )
        push_s = self.config.push_s
        self.feed.set_interval(push_s, max(push_s, HIDDEN_POLL_S))
        return ebus

    async def _leave_v2(self) -> None:
        ebus, self._ebus = self._ebus, None
        if ebus is not None:
            await ebus.aclose()
            self.feed.set_interval(self.config.poll_s, max(self.config.poll_s, HIDDEN_POLL_S))

    async def _status(self) -> V2Status | None:
        """What the panel at this address says of itself to v2; None: nothing."""
        try:
            return await self._bootstrap().status()
        except SourceError:
            return None

    def _registered_as(self, status: V2Status | None) -> Credentials | None:
        """The registration of a panel that was registered at under another address.

        Its certificate has still to be its pinned authority's, so that nothing is given away to a stranger.

        Raises:
            ConfigError: it is there and cannot be used.
        """
        if status is None or self._context.demo:
            return None
        from wattdeck.systems.span.ebus.credentials import load

        return load(self._context.state_dir, status.serial)


def _changed_ns(folder: Path) -> int:
    """When a file was last put into a folder, ns; 0: there is none."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _ledger(config: SpanConfig, context: Context) -> Ledger:
    """The panel's energies over time. With `history = false` nothing of them is on the disk; a demo has no database."""
    name = f"span.{config.name}.json"
    kept = config.history is not False
    return Ledger(
        f"span/{config.name}",
        context.state_dir / "ledger" / name if kept else None,
        IN_MEMORY if context.demo else place_of(config.history, context.state_dir),
        older=context.state_dir / "today" / name if kept else None,
        main_rating_a=config.main_rating_a,
    )
