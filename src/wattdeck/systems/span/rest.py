"""A panel over v1 REST as a source asks it: what to read in which poll, and with which token."""

from __future__ import annotations

from wattdeck.core.clock import Clock
from wattdeck.core.errors import AuthError, BadAnswer, ConfigError
from wattdeck.core.http import HttpClients
from wattdeck.core.language import tr
from wattdeck.core.paths import token_path
from wattdeck.core.system import Context
from wattdeck.systems.span.client import SpanClient
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.models import Branch, Circuit, PanelSnapshot, PanelState, PanelStatus
from wattdeck.systems.span.wire import virtual_circuits

STATUS_EVERY = 4
"""The status (door, network, firmware) is read with every fourth poll (span.md 8.4)."""


def client_of(config: SpanConfig, clients: HttpClients, clock: Clock) -> SpanClient:
    """The v1 client of a panel, asking as its settings say, each time anew."""
    return SpanClient(
        config.host,
        port=config.port,
        use_ssl=config.use_ssl,
        ca_file=config.ca_file,
        timeout_s=config.timeout_s,
        retries=config.retries,
        retry_timeout_s=config.retry_timeout_s,
        retry_backoff_multiplier=config.retry_backoff_multiplier,
        cache_window_s=0.0,
        clients=clients,
        clock=clock,
    )


class RestPanel:
    """One panel by v1. One request in flight, one connection."""

    def __init__(self, config: SpanConfig, context: Context) -> None:
        self.config = config
        self._clock: Clock = context.clock
        self._token_path = token_path(context.state_dir, "span", config.name)
        self.client = client_of(config, context.http, context.clock)
        self.branches: tuple[Branch, ...] = ()
        """Raw meters of the last good read: live, where the circuits' own counters lag (span.md 4.3)."""
        self._status: PanelStatus | None = None
        self._polls = 0
        self._token_taken = False
        self._tried: str | None = None
        """The token that was taken last."""

    def has_another_token(self) -> bool:
        """Whether a registration has stored another token than the one in use."""
        try:
            return self.config.token is None and self._stored_token() not in (None, self._tried)
        except ConfigError:
            return False

    async def fetch(self) -> PanelSnapshot:
        """Read the panel once: status now and then, panel, circuits, and the battery where one is configured.

        Raises:
            SourceError: any part could not be read, or the panel answered without data.
        """
        try:
            return await self._read()
        except AuthError:
            self._token_taken = False
            raise

    async def _read(self) -> PanelSnapshot:
        if not self._token_taken:
            self._take_token()
            self._token_taken = True
        # A failure leaves 0: after an outage another panel, firmware or door may answer.
        polls, self._polls = self._polls, 0
        if self._status is None or polls % STATUS_EVERY == 0:
            self._status = await self.client.status()
        panel = await self.client.panel()
        circuits = await self.client.circuits(unmapped=False)
        if panel.empty or not circuits:
            raise BadAnswer(tr("the panel answered without data; it does so for a while after a restart"))
        battery_percent = await self.client.storage_percent() if self.config.battery else None
        self._polls = polls + 1
        self.branches = panel.branches
        return self._assemble(self._status, panel, circuits, battery_percent)

    def _take_token(self) -> None:
        """Use the configured token, or the one that `wattdeck span register` stored.

        Looked up once, and again after a refusal: a keyring may take its time.
        """
        configured = self.config.token
        token = self._stored_token() if configured is None else configured.reveal()
        self._tried = token
        try:
            self.client.set_token(token)
        except ValueError as error:
            where = self._token_path if configured is None else f"span/{self.config.name}: `token`"
            raise ConfigError(f"{where}: {error}") from error

    def _stored_token(self) -> str | None:
        try:
            return self._token_path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            sentence = tr("{file}: the stored token cannot be read ({error})", file=self._token_path, error=error)
            raise ConfigError(sentence) from error

    def _assemble(
        self,
        status: PanelStatus,
        panel: PanelState,
        circuits: tuple[Circuit, ...],
        battery_percent: int | None,
    ) -> PanelSnapshot:
        return PanelSnapshot(
            serial=status.serial,
            firmware=status.firmware,
            model=status.model,
            door=status.door,
            main_relay=panel.main_relay,
            grid_power_w=panel.grid_power_w,
            feedthrough_power_w=panel.feedthrough_power_w,
            house_load_w=panel.house_load_w,
            generation_w=panel.generation_w,
            battery_percent=battery_percent,
            main_consumed_wh=panel.main_consumed_wh,
            main_produced_wh=panel.main_produced_wh,
            circuits=(*circuits, *virtual_circuits(circuits, panel.branches, self._clock.now())),
            feedthrough_consumed_wh=panel.feedthrough_consumed_wh,
            feedthrough_produced_wh=panel.feedthrough_produced_wh,
            grid_state=panel.grid_state,
            dsm_state=panel.dsm_state,
            run_config=panel.run_config,
            proximity_proven=status.proximity_proven,
            ethernet=status.ethernet,
            wifi=status.wifi,
            cellular=status.cellular,
            solar_w=self._solar_w(panel),
            spaces=len(panel.branches) or None,
            feed_power_w=panel.grid_power_w,
            uptime_s=status.uptime_s,
        )

    def _solar_w(self, panel: PanelState) -> float | None:
        """Production of the configured solar spaces, positive; small draw at night shows as it is."""
        wanted = set(self.config.solar_tabs)
        powers = [branch.power_w for branch in panel.branches if branch.tab in wanted]
        if not wanted or len(powers) != len(wanted) or None in powers:
            return None
        return -sum(power for power in powers if power is not None) + 0.0
