"""Registering at a v2 panel (span-v2.md 2.4): nothing is spent before everything that can be checked is."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from wattdeck.core.clock import Clock
from wattdeck.core.errors import AuthError, BadAnswer, Busy, SourceError, UsageError
from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.shell.words import say
from wattdeck.systems.span.ebus import credentials as kept
from wattdeck.systems.span.ebus import tls, trust
from wattdeck.systems.span.ebus.answers import Refusal, Registration, RegistrationRefused, V2Status
from wattdeck.systems.span.ebus.bootstrap import Bootstrap
from wattdeck.systems.span.ebus.credentials import Credentials, Privilege, token_words
from wattdeck.systems.span.ebus.door import WAIT_S, wait_at_door
from wattdeck.systems.span.person import Person

SERIAL_WAIT_S = 5.0
SERIAL_ATTEMPTS = 6
PASSPHRASE_ATTEMPTS = 2
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was said on the command line. None asks the person."""

    name: str | None = None
    """Of the registration on the panel; None makes one up."""
    passphrase: str | None = None
    """Read already, from a file or stdin."""
    ask_passphrase: bool = False
    door: bool = False
    wait_s: float = WAIT_S
    """How long to wait for the door."""
    fingerprint: str | None = None
    again: bool = False
    """Register although there are credentials."""
    full: bool | None = None
    """After the door, register a second time to get a full token."""
    keep_passphrase: bool | None = None


class Enrolment:
    """One registration at one panel that was found to speak v2."""

    def __init__(
        self,
        bootstrap: Bootstrap,
        status: V2Status,
        *,
        address: str,
        state_dir: Path,
        wishes: Wishes,
        person: Person,
        clock: Clock,
    ) -> None:
        self._bootstrap = bootstrap
        self._status = status
        self._address = address
        self._state_dir = state_dir
        self._wishes = wishes
        self._person = person
        self._clock = clock
        self._ca_pem = ""
        self._names = trust.names_of(status.serial)
        self.handed_out = True
        """The panel gave a password for its broker; else its passphrase stands for it."""
        self._kept: str | None = None
        """The passphrase that the person let us keep earlier."""
        self._sent: str | None = None
        """The passphrase that the panel took."""

    async def run(self) -> Credentials:
        """Register, and store what the panel gave.

        Raises:
            UsageError: something is to be asked and there is nobody; nothing was sent.
            ConfigError: what the panel gives could not be kept; nothing was sent.
            CommandRefused: the person, or a fingerprint, says no; nothing was sent.
            RegistrationRefused: the panel says no.
            SourceError: anything else.
        """
        name = self._name()
        before = kept.load(self._state_dir, self._status.serial)
        kept.prepare(self._state_dir)
        self._ask_again(before, name)
        by_passphrase = self._way(before)
        await self._trust(before)
        await self._require_free(before, name)
        if by_passphrase:
            name, registration = await self._with_passphrase(name)
        else:
            name, registration = await self._at_the_door(name)
        made = self._credentials(name, registration, Privilege.FULL if by_passphrase else Privilege.REDUCED)
        self._store(made)
        if not by_passphrase and registration.passphrase is not None:
            made = await self._to_full(made, registration.passphrase)
        return self._keep_passphrase(made, self._sent or registration.passphrase)

    def _name(self) -> str:
        wanted = self._wishes.name
        if wanted is None:
            return f"wattdeck-{secrets.token_hex(4)}"
        if not _NAME.fullmatch(wanted) or wanted.lower() == "dashboard":
            raise UsageError(
                tr(
                    "{name} cannot be the name of a registration: letters, digits, - . and _ are, 63 at most, and not "
                    "`dashboard`, which would take the place of the panel's own; nothing was sent",
                    name=repr(clean(wanted, 80)),
                )
            )
        return wanted

    def _ask_again(self, before: Credentials | None, name: str) -> None:
        """What is there already is not thrown away without a word."""
        if before is None:
            return
        if before.client_name == name:
            raise UsageError(tr("this machine is registered as {name} already; choose another name", name=name))
        words = {"name": clean(before.client_name, 80), "token": token_words(before.privilege)}
        say(tr("This machine is registered at the panel already, as {name}, with {token}.", **words))
        if not self._wishes.again:
            question = tr("Register again? The panel keeps the old registration as well.")
            self._person.must_agree(question, "--again")

    def _way(self, before: Credentials | None) -> bool:
        """Whether the passphrase is the proof, and not the door."""
        wishes = self._wishes
        if wishes.passphrase is not None or wishes.ask_passphrase:
            if wishes.passphrase is None and not self._person.there:
                raise UsageError(tr("there is no terminal to ask for the passphrase on; give --passphrase-file"))
            return True
        if wishes.door:
            return False
        if before is not None and before.passphrase is not None:
            say(tr("The passphrase that is kept is the proof."))
            self._kept = before.passphrase
            return True
        if not self._person.there:
            raise UsageError(tr("say how to prove that the panel is yours: --passphrase-file FILE, or --door"))
        say(tr("The panel wants a proof: its passphrase (SPAN app, on-premise settings), or somebody at its door."))
        return not self._person.agrees(tr("Use the door?"))

    async def _trust(self, before: Credentials | None) -> None:
        if before is None:
            self._ca_pem = await trust.first_contact(self._bootstrap, self._wishes.fingerprint, self._person)
        else:
            renewed = await trust.trust_again(
                self._bootstrap, self._status, before, self._state_dir, self._wishes.fingerprint, self._person
            )
            self._ca_pem, self._names = renewed.ca_pem, trust.names_of(self._status.serial, renewed)
        await self._bootstrap.vouched(self._status.serial, ca_pem=self._ca_pem, names=self._names)

    async def _require_free(self, before: Credentials | None, name: str) -> None:
        """Whoever may list the panel's clients looks first whether the name is taken."""
        if before is None or before.privilege is Privilege.REDUCED:
            return
        try:
            taken = await self._bootstrap.clients(before.token, ca_pem=self._ca_pem, names=self._names)
        except SourceError:  # an old token may have been taken off the panel
            return
        if name in taken:
            raise UsageError(
                tr("the panel already knows a client {name}; choose another name; nothing was sent", name=name)
            )

    async def _with_passphrase(self, name: str) -> tuple[str, Registration]:
        known = self._wishes.passphrase or self._kept
        attempts = 1 if known is not None else PASSPHRASE_ATTEMPTS
        for attempt in range(1, attempts + 1):
            passphrase = known or self._person.secret(tr("Passphrase"))
            if not passphrase:
                raise UsageError(tr("no passphrase was given; nothing was sent"))
            try:
                name, registration = await self._register(name, passphrase)
            except RegistrationRefused as error:
                if error.refusal is not Refusal.WRONG_PROOF or attempt == attempts:
                    raise
                say(str(error))
                continue
            self._sent = passphrase
            break
        return name, registration

    async def _at_the_door(self, name: str) -> tuple[str, Registration]:
        end_s = self._clock.monotonic() + self._wishes.wait_s
        for last in (False, True):
            await wait_at_door(self._bootstrap, self._status.serial, self._person, self._clock, end_s)
            try:
                return name, await self._send(name, None)
            except RegistrationRefused as error:
                if last or error.refusal is not Refusal.NAME_TAKEN:
                    raise
                say(tr("{error}. That attempt has used up the proof of the door.", error=error))
                name = _other_name(name)
        raise AssertionError("unreachable")

    async def _register(self, name: str, passphrase: str) -> tuple[str, Registration]:
        """Register with the passphrase; under another name if this one is taken, once."""
        try:
            return name, await self._send(name, passphrase)
        except RegistrationRefused as error:
            if error.refusal is not Refusal.NAME_TAKEN:
                raise
        name = _other_name(name)
        return name, await self._send(name, passphrase)

    async def _send(self, name: str, passphrase: str | None) -> Registration:
        """Register, again after a while as long as the panel does not know its own serial number."""
        for attempt in range(1, SERIAL_ATTEMPTS + 1):
            try:
                registration = await self._bootstrap.register(
                    name, passphrase=passphrase, ca_pem=self._ca_pem, names=self._names
                )
            except Busy as error:
                if attempt == SERIAL_ATTEMPTS:
                    raise
                await self._clock.sleep(min(error.retry_after_s or SERIAL_WAIT_S, 60.0))
            else:
                break
        if registration.serial.lower() != self._status.serial.lower():
            words = {"found": registration.serial, "wanted": self._status.serial}
            raise BadAnswer(tr("panel {found} answered in place of panel {wanted}; nothing was stored", **words))
        return registration

    def _credentials(self, name: str, registration: Registration, privilege: Privilege) -> Credentials:
        """What to store.

        Raises:
            AuthError: the panel gave nothing its broker lets in with.
        """
        password = registration.broker_password or self._sent or registration.passphrase
        if password is None:
            raise AuthError(
                tr(
                    "the panel registered us as {name} and did not hand out broker credentials, without which it tells "
                    "nothing; run this again with --passphrase",
                    name=name,
                )
            )
        self.handed_out = registration.broker_password is not None
        if not self.handed_out:
            say(tr("The panel did not hand out broker credentials; its passphrase takes their place."))
        return Credentials(
            serial=self._status.serial,
            address=self._address,
            client_name=name,
            token=registration.token,
            issued_at_ms=registration.issued_at_ms,
            privilege=privilege,
            broker_user=registration.broker_user,
            broker_password=password,
            broker_host=registration.broker_host,
            hostname=registration.hostname,
            mqtts_port=registration.mqtts_port,
            ws_port=registration.ws_port,
            wss_port=registration.wss_port,
            ca_pem=self._ca_pem,
            ca_sha256=tls.fingerprint(self._ca_pem),
            firmware=self._status.firmware,
        )

    async def _to_full(self, first: Credentials, passphrase: str) -> Credentials:
        """After the door: a second registration, with the passphrase that the first one brought."""
        question = tr(
            "The door gives a reduced token. Register once more, with the passphrase the panel has just told, to get a "
            "full one, and take the first off the panel?"
        )
        if not self._person.may_agree(question, self._wishes.full):
            return first
        try:
            name, registration = await self._register(_other_name(first.client_name), passphrase)
        except SourceError as error:
            say(tr("{error}. The reduced token stays.", error=error))
            return first
        self._sent = passphrase
        full = self._credentials(name, registration, Privilege.FULL)
        self._store(full)
        try:
            await self._bootstrap.drop_client(first.client_name, full.token, ca_pem=self._ca_pem, names=self._names)
        except SourceError as error:
            words = {"name": first.client_name, "error": error}
            say(tr("{error}. The first registration, {name}, stays on the panel.", **words))
        return full

    def _keep_passphrase(self, made: Credentials, passphrase: str | None) -> Credentials:
        if passphrase is None:
            return made
        question = tr(
            "Keep the passphrase as well, in a file that only you can read? It lets register again without asking."
        )
        agreed = self._wishes.keep_passphrase
        if agreed is None and self._kept is not None:
            agreed = True
        if not self._person.may_agree(question, agreed):
            return made
        made = replace(made, passphrase=passphrase)
        self._store(made)
        return made

    def _store(self, made: Credentials) -> None:
        kept.save(self._state_dir, made)


def _other_name(name: str) -> str:
    """The name with a new ending."""
    return f"{re.sub('-[0-9a-f]{8}$', '', name)[:54]}-{secrets.token_hex(4)}"
