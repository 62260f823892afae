"""Check digits of CPF and CNPJ, also of CNPJs with letters."""

from __future__ import annotations


def digits_right(bare: str) -> bool:
    """Whether the last two digits of a CPF (11) or a CNPJ (14 characters, digits or A-Z) are right.

    Numbers of one digit throughout pass the sum and are none.
    """
    if len(set(bare)) == 1:
        return False
    body = bare[:-2]
    for _ in range(2):
        body += str(_digit(body, cpf=len(bare) == 11))
    return body == bare


def _digit(body: str, *, cpf: bool) -> int:
    """The next check digit: weights rise from the right, without end for a CPF, from 2 to 9 again for a CNPJ."""
    total = sum(
        (ord(character) - 48) * (2 + (place if cpf else place % 8)) for place, character in enumerate(reversed(body))
    )
    rest = total % 11
    return 0 if rest < 2 else 11 - rest
