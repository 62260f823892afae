"""Trust in a panel's own authority: by its fingerprint at first, as it was pinned later (span-v2.md 2.5, 3.2)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wattdeck.core.errors import Cause, CommandRefused, UsageError
from wattdeck.core.language import tr
from wattdeck.shell.words import say
from wattdeck.systems.span.ebus import credentials as kept
from wattdeck.systems.span.ebus import tls

if TYPE_CHECKING:
    from wattdeck.systems.span.ebus.answers import V2Status
    from wattdeck.systems.span.ebus.bootstrap import Bootstrap
    from wattdeck.systems.span.ebus.credentials import Credentials
    from wattdeck.systems.span.person import Person


def read_fingerprint(text: str) -> str:
    """A SHA-256 fingerprint as people write it: in any case, with or without colons, with or without `SHA256:`.

    Raises:
        UsageError: it is none.
    """
    bare = re.sub(r"(?i)^sha-?256\s*(fingerprint)?\s*[:=]\s*", "", text.strip())
    digits = re.sub(r"[:\s-]", "", bare).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise UsageError(tr("that is no SHA-256 fingerprint: 64 hexadecimal digits are expected, in pairs with colons"))
    return ":".join(digits[index : index + 2] for index in range(0, 64, 2))


def names_of(serial: str, credentials: Credentials | None = None) -> tuple[str, ...]:
    """The names a panel's certificate may bear instead of its address."""
    told = (credentials.hostname, credentials.broker_host) if credentials is not None else ()
    return tuple(dict.fromkeys(name for name in (f"span-{serial}.local", *told) if name))


async def first_contact(bootstrap: Bootstrap, expected: str | None, person: Person) -> str:
    """The authority of a panel we know nothing of yet, agreed to by its fingerprint; its PEM.

    Args:
        expected: The fingerprint it must have; None asks.

    Raises:
        CommandRefused: it has another one, or the person does not trust it.
    """
    pem = await bootstrap.ca()
    found = tls.fingerprint(pem)
    say(tr("The panel's certificate authority has the SHA-256 fingerprint"))
    say(f"  {found}")
    if expected is not None:
        _require(found, expected)
        return pem
    say(
        tr(
            "Nobody vouches for it: compare it with what you see from another place, or go on if only your own devices "
            "are on this network. From now on it is the only one that is trusted."
        )
    )
    person.must_agree(tr("Trust this panel?"), f"--fingerprint {found}")
    return pem


async def trust_again(
    bootstrap: Bootstrap,
    status: V2Status,
    credentials: Credentials,
    state_dir: Path,
    expected: str | None,
    person: Person,
) -> Credentials:
    """Look whether the panel has another authority than the pinned one, and pin that if the person agrees.

    Raises:
        CommandRefused: it is not the expected one, or the person does not trust it; the old one stays pinned.
    """
    pem = await bootstrap.ca()
    found = tls.fingerprint(pem)
    if found == credentials.ca_sha256:
        if expected is not None:
            _require(found, expected)
        say(tr("The panel's certificate authority has not changed; its fingerprint is"))
        say(f"  {found}")
        return credentials
    unknown = tr("unknown")
    say(tr("The panel's certificate authority is another one than the one that is trusted."))
    say(
        tr(
            "  trusted, firmware {firmware}: {found}",
            firmware=credentials.firmware or unknown,
            found=credentials.ca_sha256,
        )
    )
    say(tr("  now, firmware {firmware}: {found}", firmware=status.firmware or unknown, found=found))
    if expected is not None:
        _require(found, expected)
    else:
        if credentials.firmware == status.firmware:
            say(tr("The firmware is the same as before: a new authority is then hard to explain."))
        else:
            say(tr("The firmware changed as well: an update may have made a new authority."))
        person.must_agree(tr("Trust the new one?"), f"--fingerprint {found}")
    await bootstrap.vouched(status.serial, ca_pem=pem, names=names_of(status.serial, credentials))
    renewed = replace(credentials, ca_pem=pem, ca_sha256=found, firmware=status.firmware)
    kept.save(state_dir, renewed)
    return renewed


def _require(found: str, expected: str) -> None:
    wanted = read_fingerprint(expected)
    if found != wanted:
        words = {"found": found, "wanted": wanted}
        sentence = tr(
            "The panel's certificate authority has another fingerprint than the one given; nothing was sent.\n"
            "  given: {wanted}\n  found: {found}",
            **words,
        )
        raise CommandRefused(Cause.NO_ACCESS_AUTHORITY, sentence)
