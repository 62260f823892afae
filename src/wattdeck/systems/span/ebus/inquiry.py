"""What a panel is asked by REST before it is listened to: who it is, which data model it speaks, whose authority."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wattdeck.core.errors import AuthError, BadAnswer, Busy, SourceError, TimedOut, Unreachable
from wattdeck.core.language import tr
from wattdeck.core.text import clean

if TYPE_CHECKING:
    from wattdeck.systems.span.ebus.bootstrap import Bootstrap, Schema
    from wattdeck.systems.span.ebus.credentials import Credentials
    from wattdeck.systems.span.ebus.stream import CertificateRefused

log = logging.getLogger(__name__)


class AuthorityChanged(AuthError):
    """The panel shows another authority than the one that was trusted; only a person can say that this is right."""


class Inquiry:
    """What one panel said by REST, and what is known from before where it did not answer.

    Args:
        bootstrap: The panel's REST side.
        credentials: Which panel it has to be, and whose authority is pinned.
    """

    def __init__(self, bootstrap: Bootstrap, credentials: Credentials) -> None:
        self._bootstrap = bootstrap
        self._credentials = credentials
        self.firmware = credentials.firmware
        """As last seen."""
        self.schema: Schema | None = None
        """None: not known, or to be asked again."""

    async def look(self) -> None:
        """Ask by REST who answers there, and after a change of firmware which data model it speaks (span-v2.md 11).

        A panel that cannot be asked is still tried by MQTT, as it was last known.

        Raises:
            Busy: it is starting.
            SourceError: it is another panel, or speaks nothing we know.
        """
        try:
            status = await self._bootstrap.status()
        except Busy:
            raise
        except (Unreachable, TimedOut) as error:
            log.info("a panel's REST side does not answer: %s", error)
            return
        if status.serial.lower() != self._credentials.serial.lower():
            # Ends alone: these words go to the log.
            words = {"there": f"…{clean(status.serial[-5:])}", "ours": f"…{self._credentials.serial[-5:]}"}
            raise BadAnswer(tr("another panel answers at this address: {there}, not {ours}", **words))
        if self.schema is None or status.firmware != self.firmware:
            try:
                self.schema = await self._bootstrap.schema()
            except (Unreachable, TimedOut) as error:
                log.info("a panel's schema cannot be read: %s", error)
                self.schema = None
            self.firmware = status.firmware

    async def compare_authority(self, refused: CertificateRefused) -> None:
        """Raises AuthorityChanged if the panel shows another authority than the pinned one (span-v2.md 3.2)."""
        from wattdeck.systems.span.ebus.tls import fingerprint

        try:
            shown = fingerprint(await self._bootstrap.ca())
        except SourceError:
            return
        if shown != self._credentials.ca_sha256:
            sentence = tr(
                "the panel shows another certificate authority than the one that was trusted; `wattdeck span trust` "
                "shows both and asks. A firmware update may do that, and so may somebody in between. "
                "Shown: {new}, trusted: {old}, firmware {firmware}",
                new=shown, old=self._credentials.ca_sha256, firmware=clean(self.firmware, 60) or "?",
            )  # fmt: skip
            raise AuthorityChanged(sentence) from refused
