"""A live server asked on purpose: keys, history, protocols, what is public (aneel.md 2, 9).

About thirty requests at the client's own pace, ten a minute, so some three minutes. Nothing is written, no key is put
into an address, and no real protocol is asked for unless one is given.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import SourceError
from wattdeck.systems.aneel.conformance import tls
from wattdeck.systems.aneel.conformance.model import Context, NotChecked, Outcome
from wattdeck.systems.aneel.exchange import Exchange, Route

DEADLINE_S = 600.0
FAILURES_MAX = 3
"""So many requests in a row without an answer end the whole."""


class Prober(Protocol):
    """What of the client is needed here."""

    origin: str
    base_path: str

    async def raw(
        self,
        path: str,
        query: Mapping[str, str] | str = "",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        with_key: bool = True,
        route: Route = "outages",
    ) -> Exchange:
        """Any request below the base URL, within the pace."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How far to go."""

    rate: bool = False
    """Send ten requests within a minute even if nothing else did, to see that none is refused (T10)."""
    key: Callable[[], str] | None = None
    """The key, to try it in the address where the header is refused (T07): addresses end up in logs, so that it is
    tried only on this machine or with `key_in_address`."""
    key_in_address: bool = False
    tls: Callable[[str, int], Awaitable[tls.Offer]] | None = tls.look
    """Looks at the TLS connection; None: do not."""
    deadline_s: float = DEADLINE_S
    """After so long no further request is made, s."""


async def probe(
    client: Prober, context: Context, options: Options | None = None, *, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[Outcome]:
    """Ask a server everything that the rules need, and tell what is kept, what is not and what stays open.

    Findings come as soon as they are known; what is kept comes last, as any answer could still break it.

    Raises:
        SourceError: there is no answer to the very first request.
    """
    from wattdeck.systems.aneel.conformance.asker import Asker, Gone, TooManyError
    from wattdeck.systems.aneel.conformance.steps import STEPS

    asker = Asker(client, context, options or Options(), clock)
    gone = ""
    for number, step in enumerate(STEPS):
        if not gone:
            try:
                await step.run(asker)
            except Gone as reason:
                gone = reason.why
                asker.leave(*step.rules, why=gone)
            except TooManyError as error:
                asker.leave(*step.rules, why=error.why)
            except SourceError as error:
                if number == 0:
                    raise
                asker.leave(*step.rules, why=str(error))
        else:
            asker.leave(*step.rules, why=gone)
        for outcome in asker.taken():
            yield outcome
    for outcome in asker.kept():
        yield outcome


def target(client: Prober) -> str:
    """The base URL, for reports."""
    return client.origin + client.base_path


def host_and_port(origin: str) -> tuple[str, int]:
    """Where to look at TLS."""
    parts = urlsplit(origin)
    return parts.hostname or "", parts.port or 443


def left(outcomes: list[Outcome]) -> tuple[NotChecked, ...]:
    """What stayed open."""
    return tuple(outcome for outcome in outcomes if isinstance(outcome, NotChecked))
