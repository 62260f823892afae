"""The rules about the envelope, E01 to E12: what each looks at and what it says (aneel.md 3.1, 9)."""

from __future__ import annotations

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance.model import ERROR, WARNING, Need, Rule, family

RULES = family(
    "Envelope",
    Need.ANSWER,
    ("outages", "demands", "demand"),
    Rule(
        "E01",
        ERROR,
        later("Only the allowed keys at the top level"),
        "the keys of the envelope",
        later("idcStatusRequisicao, emailIndisponibilidade, mensagem and the payload, nothing else"),
        later("The envelope holds something that does not belong there. Remove it."),
    ),
    Rule(
        "E02",
        ERROR,
        later("All required keys are present"),
        "the keys of the envelope",
        later("idcStatusRequisicao, emailIndisponibilidade and mensagem"),
        later("A required key is missing from the envelope. Send it always."),
    ),
    Rule(
        "E03",
        ERROR,
        later("Keys of the envelope are spelled exactly"),
        "the keys of the envelope",
        later("the exact spelling, capitals included"),
        later("A key of the envelope is spelled differently. Correct the spelling; names are case-sensitive."),
    ),
    Rule(
        "E04",
        ERROR,
        later("idcStatusRequisicao is the integer 1 or 2"),
        "idcStatusRequisicao",
        later("1 or 2, as a JSON integer"),
        later("The status is not one of the two that exist, or not an integer. Send 1 for success or 2 for an error."),
    ),
    Rule(
        "E05",
        ERROR,
        later("emailIndisponibilidade is one deliverable address of at most 50 characters"),
        "emailIndisponibilidade",
        later("one address of at most 50 characters with a dotted domain and no spaces"),
        later("ANEEL's automatic notices cannot be delivered to this. Give one address that somebody reads."),
    ),
    Rule(
        "E06",
        ERROR,
        later("mensagem is empty with status 1 and says something with status 2"),
        "mensagem and idcStatusRequisicao",
        later('"" with status 1, words with status 2'),
        later('Status and message do not fit. Send "" with status 1 and say in words what happened with status 2.'),
    ),
    Rule(
        "E07",
        ERROR,
        later("mensagem holds no technical detail"),
        "mensagem",
        later('plain words such as "Serviço temporariamente indisponível. Tente novamente."'),
        later("The message shows the inside of the system. Log the details and answer in plain words."),
    ),
    Rule(
        "E08",
        WARNING,
        later("mensagem is one line of at most 500 characters"),
        "mensagem",
        later("one line of at most 500 characters"),
        later("The message is too long, or more than one line. Shorten it."),
    ),
    Rule(
        "E09",
        ERROR,
        later("The payload is present with its type, also when empty and on errors"),
        "the payload",
        later("an array for outages and counts ([] if empty), an object for a demand ({} if empty)"),
        later("The payload is missing or of another type. Send [] or {} where there is nothing to tell."),
    ),
    Rule(
        "E10",
        ERROR,
        later("Status 2 comes with an empty payload"),
        "the payload of an answer with status 2",
        later("[] or {}"),
        later("An error carries data, which nobody can trust. Send an empty payload with status 2."),
    ),
    Rule(
        "E11",
        WARNING,
        later("The same e-mail address in every answer of one server"),
        "emailIndisponibilidade over several answers",
        later("one address"),
        later("Answers of this server name different addresses. Take it from one setting everywhere."),
        Need.SERIES,
    ),
    Rule(
        "E12",
        ERROR,
        later("No key in snake_case or PascalCase at any depth"),
        "the keys of rows and objects",
        later("camelCase names exactly as defined"),
        later(
            "A key is written in another convention. Give each field its exact name; automatic conversion breaks four."
        ),
    ),
)
