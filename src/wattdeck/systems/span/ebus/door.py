"""Somebody at the panel's door: what they have to do, and waiting until they have (span-v2.md 2.4)."""

from __future__ import annotations

from wattdeck.core.clock import Clock
from wattdeck.core.errors import AuthError, Busy, TimedOut, Unreachable
from wattdeck.core.language import later, tr
from wattdeck.shell.words import say
from wattdeck.systems.span.ebus.bootstrap import Bootstrap
from wattdeck.systems.span.person import Person

POLL_S = 2.5
WAIT_S = 900.0
"""As long as the panel itself keeps a proof, and as long as SPAN's own scripts wait."""
PROCEDURE = later(
    "press the door switch at the top of the frame three times in quick succession; opening the door counts as the "
    "first press: from a closed door, open it and press twice. The lights flash about twice; then there are 15 minutes"
)


async def wait_at_door(bootstrap: Bootstrap, serial: str, person: Person, clock: Clock, end_s: float) -> None:
    """Say what to do, and watch until it has been done.

    Args:
        end_s: When to give up, by the clock's `monotonic`.

    Raises:
        AuthError: it was not done in time.
        UsageError, CommandRefused: the firmware does not tell, and nobody says it was done.
    """
    told = False
    while True:
        try:
            proven = (await bootstrap.status()).proximity_proven
        except (Unreachable, TimedOut, Busy):
            proven = False
        if proven:
            say(tr("The door was seen; registering."))
            return
        if not told:
            told = True
            words = {"serial": serial, "procedure": tr(PROCEDURE)}
            say(tr("At panel {serial}: {procedure}. Waiting; Ctrl-C gives up.", **words))
        if proven is None:
            # Firmware before r202609 never says it.
            person.must_agree(tr("This firmware does not tell when it has been done. Done?"), "--passphrase-file")
            return
        if clock.monotonic() >= end_s:
            raise AuthError(tr("the door procedure was not seen in time; run this again when you are at the panel"))
        await clock.sleep(POLL_S)
