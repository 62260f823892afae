"""The rules about demands, D01 to D08 and P01 to P12: what each looks at and what it says (aneel.md 3.3, 3.4, 4, 9)."""

from __future__ import annotations

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance.model import ERROR, INFO, WARNING, Need, Rule, family

_SERVER = Need.SERVER

_COUNTS = family(
    "Demand counts",
    Need.ANSWER,
    ("demands",),
    Rule(
        "D01",
        ERROR,
        later("Exactly eight keys, and idcTipologia is a text"),
        "the keys of each row and the type of idcTipologia",
        later("the eight keys; idcTipologia in quotes"),
        later("A row lacks a key, has one too many, or gives the type as a number. Send exactly the eight."),
    ),
    Rule(
        "D02",
        ERROR,
        later("Level 1 or 2, channel 1 to 12"),
        "idcNivelAtendimento and idcCanalAtendimento",
        later("an integer: level 1 or 2, channel 1 to 12"),
        later("There is no such level or channel. Map yours to ANEEL's list."),
    ),
    Rule(
        "D03",
        ERROR,
        later("idcTipologia is one of the 117 leaves"),
        "idcTipologia",
        later("a leaf of the tree of types, of 3, 5 or 7 digits"),
        later(
            "There is no such type, or it is a group. Use a leaf of the annex to Resolução Homologatória 2.992/2021."
        ),
    ),
    Rule(
        "D04",
        ERROR,
        later("Each level, channel and type comes once; 2,808 rows at most"),
        "the triples of level, channel and type",
        later("one row for each triple"),
        later("The same level, channel and type come more than once. Add up what belongs together before sending."),
    ),
    Rule(
        "D05",
        ERROR,
        later("Counts are integers from 0 to 2147483647"),
        "the five counts of each row",
        later("a JSON integer from 0 to 2147483647"),
        later("A count is not a whole number of demands. Correct the query that makes it."),
    ),
    Rule(
        "D06",
        WARNING,
        later("Counts of the day never fall before midnight, and start anew then"),
        "the four counts of the day over several answers",
        later("counts that only grow from 00:00 to 24:00 in Brasília"),
        later("A count of the day fell, or did not start anew at midnight. Count by the day in Brasília."),
        Need.SERIES,
    ),
    Rule(
        "D07",
        INFO,
        later("No rows without demands"),
        "the five counts of each row",
        later("at least one count above 0"),
        later("There is nothing in this row. Leave it out."),
    ),
    Rule(
        "D08",
        WARNING,
        later("More than one level and channel in a full day"),
        "levels and channels over a day",
        later("several channels, and both levels"),
        later("A whole day on one level or channel only. The mapping of levels or channels is probably missing."),
        Need.SERIES,
    ),
)

_ONE = family(
    "One demand",
    Need.ANSWER,
    ("demand",),
    Rule(
        "P01",
        ERROR,
        later("demanda is an object with the twelve keys, or {}"),
        "demanda",
        later("the twelve keys within demanda, or {}"),
        later("The demand does not have its form. Send the twelve keys within demanda, or {} if there is none."),
    ),
    Rule(
        "P02",
        ERROR,
        later("numProtocolo is what was asked for, 1 to 30 letters and digits"),
        "numProtocolo",
        later("the protocol of the request, unchanged"),
        later("The protocol is not the one asked for, or cannot be one. Return it exactly as it was asked for."),
    ),
    Rule(
        "P03",
        ERROR,
        later("numUC has 1 to 30 characters, 15 by the annex"),
        "numUC",
        later("a text of 1 to 15 characters"),
        later("The number of the consumer unit is missing or too long. The annex allows 15 characters."),
    ),
    Rule(
        "P04",
        ERROR,
        later("numCPFCNPJ has 11 or 14 characters, without punctuation or masking"),
        "numCPFCNPJ",
        later("11 or 14 characters, bare, with right check digits"),
        later("The holder's document is not written bare and whole. Send its 11 or 14 characters and nothing else."),
    ),
    Rule(
        "P05",
        ERROR,
        later("The holder's name has 1 to 50 characters and the right key"),
        "nomeTitularUC",
        later("nomeTitularUC with 1 to 50 characters"),
        later("The holder's name is missing, too long or under another key. Cut it to 50 characters in nomeTitularUC."),
    ),
    Rule(
        "P06",
        ERROR,
        later("Codes are of their lists"),
        "channel, type, status, verdict and level",
        later("channel 1 to 12, status 0 to 2, verdict 0 to 3, level 0 to 2 as integers, the type a leaf in quotes"),
        later("There is no such code. Map yours to ANEEL's lists."),
    ),
    Rule(
        "P07",
        ERROR,
        later("Dates exist, are written dd/mm/yyyy hh:mm, are in order and not in the future"),
        "dthAbertura and dthEncerramento",
        later("a date and time such as 15/01/2026 07:05, not in the future, closing not before opening"),
        later(
            "A date is written otherwise, does not exist, or cannot be right. Write Brasília's time as dd/mm/yyyy "
            "hh:mm."
        ),
    ),
    Rule(
        "P08",
        ERROR,
        later("Open demands have no closing date, closed ones have one"),
        "idcStatus and dthEncerramento",
        later("null with status 0, a date with status 1"),
        later("Status and closing date do not fit. Send null while the demand is open and the date once it is closed."),
    ),
    Rule(
        "P09",
        WARNING,
        later("Open demands are being treated, closed ones are not"),
        "idcStatus and idcProcedencia",
        later("verdict 2 with status 0, another with status 1"),
        later("Status and verdict do not fit. An open demand has verdict 2, a closed one 0, 1 or 3."),
    ),
    Rule(
        "P10",
        ERROR,
        later("An unknown protocol is answered 200, status 1, no message, {}"),
        "the answer for a protocol that does not exist",
        later('200, status 1, mensagem "", demanda {}'),
        later(
            "That there is no such demand is not an error. Answer 200 with status 1, no message and an empty object."
        ),
        _SERVER,
    ),
    Rule(
        "P11",
        ERROR,
        later("A missing or blank numProtocolo is answered with status 2"),
        "the answer to a request without a protocol",
        later("200 and status 2"),
        later("A request without a protocol is not refused as it should be. Answer 200 with status 2 and a message."),
        _SERVER,
    ),
    Rule(
        "P12",
        ERROR,
        later("Protocols match exactly"),
        "the answer for a protocol that is nearly one",
        later("{}"),
        later(
            "A protocol that does not exist finds a customer's demand. Compare whole texts, without padding or folding."
        ),
        _SERVER,
    ),
)

RULES = (*_COUNTS, *_ONE)
