"""The probes one after the other, in an order that spares the server: what fails early saves the rest (aneel.md 9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattdeck.core.errors import SourceError
from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance import judging
from wattdeck.systems.aneel.conformance.asker import Asker, Gone
from wattdeck.systems.aneel.conformance.examination import Examination
from wattdeck.systems.aneel.conformance.probes import host_and_port
from wattdeck.systems.aneel.conformance.series import REQUESTS_ALLOWED
from wattdeck.systems.aneel.conformance.tls import GOOD
from wattdeck.systems.aneel.conformance.transport import is_loopback
from wattdeck.systems.aneel.models import BRASILIA
from wattdeck.systems.aneel.times import format_recovery, slot_of
from wattdeck.systems.aneel.wording import said

WRONG_KEY = "wattdeck-check-with-a-wrong-key"
NOBODYS_PROTOCOL = "NAOEXISTE0WATTDECK0000000000"
BAD_MOMENTS = ("2025-12-10T14:30", "31/02/2026 10:00", "9/1/2026 7:00")
LONG_AGO = datetime(2010, 1, 1, 12, 0, tzinfo=BRASILIA)
NEAR = timedelta(minutes=45)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to find out, and the rules that stay open if it cannot be."""

    run: Callable[[Asker], Awaitable[None]]
    rules: tuple[str, ...]


async def present(asker: Asker) -> None:
    """What is out now; with a key that is refused there is nothing more to learn."""
    seen = await asker.get("outages")
    code = seen.exchange.status_code
    if code == 401 and await _key_in_address(asker):
        raise Gone(later("the server wants the key in the address, where it is not sent"))
    if code in (401, 403):
        why = later("the key was refused in the header, and is not tried in the address, which ends up in logs")
        asker.leave("T07", why=why)
        raise Gone(
            said(later("the server answered {code}: the key, or the address we come from, is refused"), code=code)
        )
    if 300 <= code < 400:
        raise Gone(said(later("the server answered {code}: it redirects, which is not followed"), code=code))
    if seen.envelope:
        asker.looked_at("T07", "the key in the header is enough")
    asker.now = seen


async def _key_in_address(asker: Asker) -> bool:
    """Whether the key counts in the address instead of the header (T07)."""
    host, _ = host_and_port(asker.client.origin)
    options = asker.options
    if options.key is None or not (is_loopback(host) or options.key_in_address):
        return False
    from urllib.parse import quote

    from wattdeck.systems.aneel.conformance.examination import examine
    from wattdeck.systems.aneel.exchange import PATHS

    query = f"api_key={quote(options.key(), safe='')}"
    seen = examine(await asker.raw(PATHS["outages"], query, with_key=False), asker.context)
    if seen.exchange.status_code != 200 or seen.status != 1:
        return False
    found = later("the key counts in the address, not in x-api-key")
    asker.found(judging.finding(asker.context, "T07", "?api_key=", found))
    return True


async def connection(asker: Asker) -> None:
    """TLS (T01)."""
    host, port = host_and_port(asker.client.origin)
    if is_loopback(host):
        asker.leave("T01", why=later("the server is on this machine, which needs no TLS"))
        return
    if not asker.client.origin.startswith("https:"):
        return  # found with every answer
    if asker.options.tls is None:
        asker.leave("T01", why=later("the connection was not to be looked at"))
        return
    try:
        offer = await asker.options.tls(host, port)
    except (OSError, TimeoutError):
        asker.leave("T01", why=later("there is no direct TLS connection to look at"))
        return
    if offer.problem or offer.version not in GOOD:
        asker.found(judging.finding(asker.context, "T01", later("TLS connection"), offer.problem or offer.version))
    else:
        asker.looked_at("T01", f"{offer.version} with a valid chain")


async def keys(asker: Asker) -> None:
    """No key and a wrong one (T05, T06, T08)."""
    missing = await asker.get("outages", with_key=False)
    code = missing.exchange.status_code
    if not (code in (200, 400, 401, 403, 422) and (missing.envelope or code != 200)):
        words = later("a request without a key gets {answer}, no refusal and no data")
        asker.leave("T05", "T06", why=said(words, answer=judging.words(missing)))
        return
    asker.found(judging.without_key(asker.context, missing))
    wrong = await asker.get("outages", headers={"x-api-key": WRONG_KEY})
    key = asker.options.key() if asker.options.key is not None else ""
    asker.found(judging.wrong_key(asker.context, missing, wrong, key))


async def parameters(asker: Asker) -> None:
    """A parameter nobody knows (T14)."""
    seen = await asker.get("outages", {"foo": "1"})
    if asker.now is not None and asker.now.status == 1 and seen.status == 2:
        asker.found(judging.finding(asker.context, "T14", "?foo=1", judging.words(seen)))


async def _at(asker: Asker, moment: datetime, *aside: str) -> Examination:
    return await asker.get("outages", {"dthRecuperacao": format_recovery(moment)}, aside=aside)


async def history(asker: Asker) -> None:
    """The past: days, hours and minutes ago, in both spellings of a blank (H01, H04 to H07)."""
    if asker.now is None or asker.now.status != 1:
        why = later("there is no answer about the present, so that nothing can be said of the past")
        asker.leave("H01", "H03", "H04", "H05", "H06", "H07", why=why)
        return
    now = asker.local_now()
    days = [await _at(asker, slot_of(now - back)) for back in (timedelta(days=1), timedelta(days=3))]
    await _at(asker, slot_of(now - timedelta(days=6, hours=23)) + timedelta(minutes=30))
    earlier = await _at(asker, now - timedelta(hours=2, minutes=5))
    if not asker.now.outages:
        why = later("nobody is out at present, so that past and present cannot be told apart")
        asker.leave("H01", why=why)
    text = format_recovery(slot_of(now - timedelta(days=1)))
    plus = await asker.get(
        "outages", f"dthRecuperacao={text.replace(' ', '+')}", asked={"dthRecuperacao": text}, aside=("H04",)
    )
    again = None if judging.same(days[0], plus) else await _at(asker, slot_of(now - timedelta(days=1)), "H04")
    asker.found(judging.blank_spelling(asker.context, days[0], plus, again))
    tomorrow = await _at(asker, now + timedelta(days=1))
    recent = await _at(asker, now - NEAR)
    ahead = await _at(asker, now + NEAR, "H03")
    if not asker.broken("H01"):
        asker.found(judging.clock(asker.context, recent, earlier, ahead, tomorrow))
    await _at(asker, LONG_AGO)


async def bad_moments(asker: Asker) -> None:
    """Dates that are none (H02)."""
    for text in BAD_MOMENTS:
        await asker.get("outages", {"dthRecuperacao": text})


async def counts(asker: Asker) -> None:
    """The day's demands."""
    seen = await asker.get("demands")
    local = asker.local_now().astimezone(BRASILIA)
    if seen.status == 2 and (local.weekday() >= 5 or local.hour < 6):
        why = later("demands are served from Monday to Friday, 06:00 to 24:00 in Brasília")
        asker.leave("D01", "D02", "D03", "D04", "D05", "D07", why=why)


async def protocols(asker: Asker) -> None:
    """No protocol, a blank one, one that does not exist, and nearly one that does (P10 to P12)."""
    missing = await asker.get("demand")
    if missing.exchange.status_code == 404 and not missing.envelope:
        asker.leave("P10", "P11", "P12", why=later("the route dadosdemanda is not there"))
        return
    await asker.get("demand", {"numProtocolo": " "})
    unknown = await asker.get("demand", {"numProtocolo": NOBODYS_PROTOCOL}, aside=("P10", "T02", "T09"))
    local = asker.local_now().astimezone(BRASILIA)
    if unknown.status == 2 and (local.weekday() == 6 or not 8 <= local.hour < 20):
        why = later("demands are looked up from Monday to Saturday, 08:00 to 20:00 in Brasília")
        asker.leave("P10", "P12", why=why)
        return
    code, down = unknown.exchange.status_code, asker.now is not None and asker.now.status == 2
    if (not unknown.envelope and code != 404) or 300 <= code < 400 or code >= 500 or (down and unknown.status == 2):
        words = later("a protocol that does not exist gets {answer}: it is down")
        asker.leave("P10", "P12", why=said(words, answer=judging.words(unknown)))
        return
    asker.found(judging.unknown_protocol(asker.context, unknown))
    await _near(asker)


async def _near(asker: Asker) -> None:
    protocol = asker.context.protocol
    if protocol is None:
        asker.leave("P12", why=later("no protocol that exists was given"))
        return
    seen = await asker.get("demand", {"numProtocolo": protocol})
    if seen.status != 1 or not seen.payload:
        asker.leave("P12", why=later("the protocol given is not known to the server"))
        return
    near = {
        later("the protocol with a zero in front"): f"0{protocol}",
        later("the protocol without its zeros in front"): protocol.lstrip("0"),
        later("the protocol in the other case"): protocol.swapcase(),
    }
    for how, text in near.items():
        if text and text != protocol and len(text) <= 30:
            answer = await asker.get("demand", {"numProtocolo": text}, aside=("P02",))
            asker.found(judging.near_protocol(asker.context, text, how, answer))


async def public(asker: Asker) -> None:
    """What else answers (T13, T15)."""
    at_host = ("/health", "/openapi.json") if asker.client.base_path else ()
    for path in ("health", "openapi.json", *at_host):
        asker.found(judging.public(asker.context, path, await asker.raw(path, with_key=False)))
    from wattdeck.systems.aneel.exchange import PATHS

    asker.found(judging.other_method(asker.context, await asker.raw(PATHS["outages"], method="POST")))


async def rate(asker: Asker) -> None:
    """Ten requests in a minute (T10)."""
    if asker.options.rate and asker.most_in_a_minute < REQUESTS_ALLOWED:
        await asker.clock.sleep(61.0)
        for _ in range(REQUESTS_ALLOWED):
            try:
                await asker.get("outages")
            except SourceError:
                break
    if asker.most_in_a_minute >= REQUESTS_ALLOWED:
        asker.looked_at("T10", f"{REQUESTS_ALLOWED} requests in a minute, none refused with 429")
    else:
        asker.leave("T10", why=later("there were not ten requests in a minute; ask for the rate probe"))


STEPS = (
    Step(present, ("T02", "T03", "T04", "T07", "T09", "T11", "T12")),
    Step(connection, ("T01",)),
    Step(keys, ("T05", "T06", "T08")),
    Step(parameters, ("T14",)),
    Step(history, ("H01", "H03", "H04", "H05", "H06", "H07")),
    Step(bad_moments, ("H02",)),
    Step(counts, ("D01", "D02", "D03", "D04", "D05", "D07")),
    Step(protocols, ("P10", "P11", "P12")),
    Step(public, ("T13", "T15")),
    Step(rate, ("T10",)),
)
