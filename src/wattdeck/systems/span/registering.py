"""`wattdeck span register` and `wattdeck span trust`: finds out which API the panel speaks, then lets us be let in."""

from __future__ import annotations

import secrets
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from wattdeck.core.clock import SYSTEM_CLOCK
from wattdeck.core.errors import AuthError, ConfigError, SourceError, UsageError
from wattdeck.core.http import HttpClients
from wattdeck.core.language import tr
from wattdeck.core.paths import read_bounded, state_dir, token_path
from wattdeck.core.secrets import SECRET_BYTES_MAX, store_private
from wattdeck.core.sources import sources_of
from wattdeck.core.text import clean
from wattdeck.shell.source import one_of
from wattdeck.shell.words import EXIT_PROBLEM, say
from wattdeck.systems.span.client import DOOR_PROCEDURE, SpanClient
from wattdeck.systems.span.ebus import credentials as kept
from wattdeck.systems.span.ebus import trust
from wattdeck.systems.span.ebus.answers import V2Status
from wattdeck.systems.span.ebus.bootstrap import Bootstrap
from wattdeck.systems.span.ebus.detect import Api, Detected, detect
from wattdeck.systems.span.ebus.enrol import Enrolment, Wishes
from wattdeck.systems.span.person import Person
from wattdeck.systems.span.rest import client_of

if TYPE_CHECKING:
    from wattdeck.shell.context import AppContext
    from wattdeck.systems.span.config import SpanConfig
    from wattdeck.systems.span.ebus.credentials import Credentials

DOOR_POLL_S = 2.0


async def register_panel(
    app: AppContext,
    source: str | None,
    *,
    passphrase: bool,
    passphrase_file: str | None,
    door: bool,
    name: str | None,
    wait: float,
    fingerprint: str | None,
    again: bool,
    full: bool | None,
    keep_passphrase: bool | None,
) -> int:
    """Register at one configured panel; the exit code.

    Raises:
        UsageError: the options contradict each other, or nobody can be asked what they leave open.
        CommandRefused, SourceError, ConfigError: as `Enrolment.run`.
    """
    if door and (passphrase or passphrase_file is not None):
        raise UsageError(tr("the proof is either the door or the passphrase, not both"))
    if fingerprint is not None:
        trust.read_fingerprint(fingerprint)
    config = _one_config(app, source)
    wishes = Wishes(
        name, _passphrase_in(passphrase_file), passphrase, door, wait, fingerprint, again, full, keep_passphrase
    )
    async with _bootstrap(config) as (bootstrap, clients):
        found = await _detected(bootstrap, config)
        if found.status is None:
            await _register_v1(config, clients, wishes)
            return 0
        return await _register_v2(config, bootstrap, found.status, wishes)


async def trust_panel(app: AppContext, source: str | None, fingerprint: str | None) -> int:
    """Compare the panel's authority with the pinned one; the exit code.

    Raises:
        UsageError: it is no v2 panel, or we are not registered there.
        CommandRefused: the new authority is not trusted.
    """
    if fingerprint is not None:
        trust.read_fingerprint(fingerprint)
    config = _one_config(app, source)
    async with _bootstrap(config) as (bootstrap, _):
        found = await _detected(bootstrap, config)
        if found.status is None:
            raise UsageError(tr("{reason}: only v2 has an authority of its own", reason=found.reason))
        credentials = kept.load(state_dir(), found.status.serial)
        if credentials is None:
            words = {"serial": found.status.serial, "name": config.name}
            raise UsageError(
                tr(
                    "this machine is not registered at panel {serial}; run `wattdeck span register --source {name}`",
                    **words,
                )
            )
        renewed = await trust.trust_again(bootstrap, found.status, credentials, state_dir(), fingerprint, Person())
        if renewed.ca_sha256 != credentials.ca_sha256:
            say(tr("The new authority is trusted from now on. A deck that is open takes it up within some seconds."))
    return 0


def _one_config(app: AppContext, source: str | None) -> SpanConfig:
    pairs = sources_of(app.settings, app.systems)
    configs = {f"span/{config.name}": config for system, config in pairs if system.name == "span"}
    return cast("SpanConfig", one_of(configs, "span", source, "SPAN panel"))


@asynccontextmanager
async def _bootstrap(config: SpanConfig) -> AsyncIterator[tuple[Bootstrap, HttpClients]]:
    clients = HttpClients()
    bootstrap = Bootstrap.of(config, clients)
    try:
        yield bootstrap, clients
    finally:
        await bootstrap.aclose()
        await clients.aclose()


async def _detected(bootstrap: Bootstrap, config: SpanConfig) -> Detected:
    """Which API to use: v2 with a status, else v1.

    Raises:
        SourceError: that cannot be told now.
        ConfigError: the configuration asks for v2, and the panel does not have it.
    """
    if config.api == "v1":
        return Detected(Api.V1, tr("the configuration says v1"))
    found = await detect(bootstrap)
    if found.api in (Api.UNKNOWN, Api.BOOTING) and found.error is not None:
        raise found.error
    if found.api is Api.V1 and config.api == "v2":
        raise ConfigError(tr('{reason}, and the configuration says api = "v2"', reason=found.reason))
    return found


def _passphrase_in(file: str | None) -> str | None:
    """The passphrase in a file, or on stdin for `-`; the line end at its end is not part of it.

    Raises:
        ConfigError: it cannot be read, or there is none.
    """
    if file is None:
        return None
    try:
        data = sys.stdin.read(SECRET_BYTES_MAX) if file == "-" else _text_of(Path(file))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or tr("it is not UTF-8 text")
        raise ConfigError(tr("{file}: the passphrase cannot be read: {reason}", file=file, reason=reason)) from None
    found = data.removesuffix("\n").removesuffix("\r")
    if not found or not found.isprintable():
        raise ConfigError(tr("{file}: there is no passphrase in it, or more than one line", file=file))
    return found


def _text_of(path: Path) -> str:
    data, _ = read_bounded(path, SECRET_BYTES_MAX)
    return data.decode()


async def _register_v2(config: SpanConfig, bootstrap: Bootstrap, status: V2Status, wishes: Wishes) -> int:
    words = {"serial": status.serial, "firmware": status.firmware or tr("unknown")}
    say(tr("Panel {serial}, firmware {firmware}, speaks v2.", **words))
    place = state_dir()
    enrolment = Enrolment(
        bootstrap, status, address=kept.typed(config.host, config.port), state_dir=place,
        wishes=wishes, person=Person(), clock=SYSTEM_CLOCK,
    )  # fmt: skip
    made = await enrolment.run()
    words = {
        "name": made.client_name,
        "token": kept.token_words(made.privilege),
        "path": str(kept.path_of(place, made.serial)),
    }
    say(tr("Registered as {name}, with {token}; the credentials are in {path}.", **words))
    await _note_model(bootstrap, made, place)
    return await _try_broker(config, made, handed_out=enrolment.handed_out)


async def _try_broker(config: SpanConfig, made: Credentials, *, handed_out: bool) -> int:
    """Log in once, to say whether it works; 0 if it does, else 1."""
    from wattdeck.systems.span.ebus import mqtt

    stream = mqtt.connector(made.endpoint(config.host, config.mqtt_port, websocket=config.websocket))
    try:
        await stream.connect()
    except AuthError as error:
        say(
            str(error)
            if handed_out
            else tr("The panel did not hand out broker credentials, and its broker does not take the passphrase.")
        )
        return EXIT_PROBLEM
    except SourceError as error:
        say(tr("{error}. The credentials are stored; the deck goes on trying.", error=error))
        return EXIT_PROBLEM
    finally:
        await stream.aclose()
    say(tr("The panel's broker lets us in. All set."))
    return 0


async def _note_model(bootstrap: Bootstrap, made: Credentials, place: Path) -> None:
    """Say which data model the panel speaks. We are registered whatever it is."""
    try:
        schema = await bootstrap.schema()
    except SourceError as error:
        say(str(error))
        return
    kept.save(place, replace(made, data_model=schema.model.value))
    say(tr("The panel speaks the data model {model}.", model=schema.version or schema.model.value))


async def _register_v1(config: SpanConfig, clients: HttpClients, wishes: Wishes) -> None:
    """Get a token over v1 and store it.

    Raises:
        RegistrationRefused, SourceError: the panel refuses, or cannot be asked.
    """
    panel = client_of(config, clients, SYSTEM_CLOCK)
    secret = wishes.passphrase
    if wishes.ask_passphrase and secret is None:
        secret = Person().secret(tr("Passphrase"))
    if secret is None:
        await _wait_for_door(panel, wishes.wait_s)
    name = wishes.name or _unique_name()
    registration = await panel.register(name, "wattdeck", secret)
    path = token_path(state_dir(), "span", config.name)
    store_private(path, registration.token + "\n")
    say(tr("registered as {name}; the token is in {path}", name=name, path=path))
    panel.set_token(registration.token)
    state = await panel.panel()
    say(tr("the panel answers: {count} spaces. All set.", count=len(state.branches)))
    if config.token is not None:
        source = f"span/{config.name}"
        words = tr("{source} has a `token` in the configuration, which is used instead; take it out", source=source)
        say(words)


async def _wait_for_door(panel: SpanClient, wait_s: float) -> None:
    """Say what to do and watch the v1 panel until it has been done.

    Raises:
        AuthError: it was not done in time.
    """
    deadline_s = SYSTEM_CLOCK.monotonic() + wait_s
    told = False
    while True:
        state = await panel.status()
        if state.proximity_proven or state.unlock_presses_left == 0:
            return
        if state.proximity_proven is None and state.unlock_presses_left is None:
            return
        if not told:
            told = True
            serial, procedure = clean(state.serial), tr(DOOR_PROCEDURE)
            say(tr("panel {serial}: {procedure}. Waiting; Ctrl-C gives up.", serial=serial, procedure=procedure))
        if SYSTEM_CLOCK.monotonic() >= deadline_s:
            raise AuthError(tr("the door procedure was not seen in time; run this again when you are at the panel"))
        await SYSTEM_CLOCK.sleep(DOOR_POLL_S)


def _unique_name() -> str:
    """A name no panel has yet: a used one is refused (span.md 3)."""
    return f"wattdeck-{clean(socket.gethostname(), 24)}-{secrets.token_hex(3)}"
