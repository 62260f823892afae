"""The fault switches of the ANEEL simulator, and the rules of aneel.md 9 each one breaks.

Faults of answers take modifiers behind name or value: `*N` the next N answers, `%P` with probability P, `@outages`,
`@demands` or `@demand` one route only. Those of rows, counts and cases show only where there are some. The value
`off` clears.
"""

from __future__ import annotations

from wattdeck.core.faultboard import Catalogue, FaultBoard, Kind, count, one_of, seconds
from wattdeck.systems.aneel.scenarios import SCENARIOS, STORM

__all__ = ["BOARD", "FAULTS", "FAULT_RULES", "FaultBoard"]

Fault = tuple[Kind, tuple[str, ...]]


def _hours(text: str) -> float:
    value = float(text)
    if not -12 <= value <= 12:
        raise ValueError("must be from -12 to 12")
    return value


def _answer(name: str, meaning: str, *rules: str) -> Fault:
    return Kind(name, meaning), rules


def _standing(name: str, meaning: str, *rules: str) -> Fault:
    return Kind(name, meaning, strikes="standing"), rules


FAULTS: tuple[Fault, ...] = (
    # how the simulated state is
    (Kind("scenario", "the weather from now on", "|".join(SCENARIOS), STORM, one_of(*SCENARIOS), "once"), ()),
    _answer("feeder-lost", "a third of Caracaraí's customers are out"),
    _standing("closed-hours", "demands are served Mon-Fri 06-24 h, single cases Mon-Sat 08-20 h"),
    _standing("no-limit", "more than ten requests a minute are answered"),
    # the line
    (Kind("slow", "answer late", "SECONDS", "6", seconds), ("T11",)),
    _answer("hang", "no answer at all, as behind a firewall"),
    _answer("drop", "close the connection instead of answering"),
    _answer("html-502", "the proxy's 502 page", "T03"),
    _answer("denied-html", "the firewall's 403 page", "T03"),
    _answer("redirect", "redirect to another path", "T12"),
    _standing("pascal-paths", "routes are written in PascalCase; the right ones are not found", "T02"),
    _standing("public-docs", "/health tells the database's state, /openapi.json everything, without a key", "T13"),
    _standing("strict-query", "an unknown parameter is refused with 422", "T14"),
    _standing("accepts-post", "POST is answered as GET is", "T15"),
    _answer("wrong-content-type", "JSON is said to be text/html", "T03"),
    _answer("latin1", "text in Latin-1", "T03"),
    _answer("bom", "a byte order mark in front", "T03"),
    _answer("duplicate-key", "the first key twice", "T04"),
    _answer("not-a-number", "NaN where a number is due", "T04"),
    _answer("no-envelope", "the payload alone", "T04"),
    _answer("truncated", "well-framed answer that holds half of the JSON", "T04"),
    _answer("huge", "6 MB of blanks in front of the answer"),
    # keys and limits
    _standing("no-auth", "no key is needed, any is good", "T05", "T06"),
    _standing("any-key", "a key is needed, any is good", "T06"),
    _standing("leaky-key", "a wrong key is told the right one", "T06"),
    _standing("key-in-query", "the key counts as ?api_key=, not in the header", "T07"),
    _standing("text-401", "a wrong key is refused in plain text", "T08"),
    _standing("detail-wrapper", "a wrong key is refused with the envelope inside a detail object", "T08"),
    (Kind("busy", "429 whatever was asked before", "SECONDS", "42", count), ("T10",)),
    _standing("limit-early", "429 from the third request in a minute on", "T10"),
    _standing("no-retry-after", "429 from the third request in a minute on, without Retry-After", "T10"),
    # status 2
    _answer("unavailable", "status 2 with a message, as it should be"),
    _answer("status-500", "the same with HTTP 500", "T09"),
    _answer("no-message", "status 2 without a message", "E02"),
    _answer("blank-message", "status 2 with a blank message", "E06"),
    _answer("technical-message", "status 2 with the database's own words", "E07"),
    _answer("unbounded-message", "status 2 with 4 kB of message in several lines", "E08"),
    _answer("rows-on-error", "status 2 and the payload nevertheless", "E10"),
    _standing("other-email", "refusals and errors name another e-mail address", "E11"),
    # the envelope
    _answer("extra-key", "a timestamp beside the payload", "E01"),
    _answer("no-email", "no emailIndisponibilidade", "E02"),
    _answer("key-case", "EmailIndisponibilidade", "E03"),
    _answer("status-string", "the status as text", "E04"),
    _answer("long-email", "an e-mail address of 63 characters", "E05"),
    _answer("bad-email", "an e-mail address without a dotted domain", "E05"),
    _answer("message-on-success", "status 1 with a message", "E06"),
    _answer("null-payload", "null for the payload", "E09"),
    _answer("snake-case", "keys in snake_case", "E12"),
    _answer("dialect-a", "quantitativoInterrupcoesAtivas by municipality and kind", "I19"),
    _answer("dialect-b", "listaInterrupcoes and desStatusRequisicao", "I19"),
    # rows
    _answer("extra-field", "nomeMunicipio in every row", "I01"),
    _answer("ucs-spelling", "qtdUcsAtendidas", "I02"),
    _answer("string-municipality", "municipality codes as text", "I03"),
    _answer("decimal-counts", "counts as 12.0", "I03"),
    _answer("negative", "-5 customers out in the first row", "I04"),
    _answer("huge-count", "3,000,000,000 customers served in the first row", "I05"),
    _answer("set-zero", "set 0 in the first row", "I06"),
    _answer("odd-set", "set 99999999 in the first row", "I07"),
    _answer("short-municipality", "a municipality of six digits in the first row", "I08"),
    _answer("no-such-state", "a municipality of state 18 in the first row", "I09"),
    _answer("bad-check-digit", "a municipality with a wrong check digit in the first row", "I10"),
    _answer("other-state", "Manaus in the first row", "I11"),
    _answer("pseudo-municipality", "1459999, of right check digit but no municipality, in the first row", "I11"),
    _answer("duplicate-row", "the first row twice", "I12"),
    _answer("over-served", "more customers out than are served in the first row", "I13"),
    _answer("double-counted", "planned and unplanned together are more than are served in the first row", "I14"),
    _answer("zero-denominator", "no customers served in any row", "I15"),
    _answer("swapped-capital", "the codes of Boa Vista and Alto Alegre swapped", "I16"),
    _answer("repeated-denominators", "a set's customers in each of its municipalities", "I16"),
    _answer("denominators-jump", "three times the customers served in every other answer", "I16"),
    _answer("zero-rows", "a row with nobody out", "I17"),
    _answer("all-planned", "every outage is reported as planned", "I18"),
    # history and series
    _standing("ignored-history", "dthRecuperacao is ignored", "H01"),
    _standing("lenient-dates", "badly written moments are answered with data", "H02"),
    _standing("endless-history", "the future, and what is no longer kept, is answered with data", "H03"),
    _standing("short-history", "nothing older than 24 h is kept", "H04"),
    (Kind("shifted-history", "dthRecuperacao is read as a clock so far behind", "HOURS", "1", _hours, "standing"),
     ("H05",)),
    _standing("hour-wrong", "the server's clock is an hour behind", "H05"),
    _standing("plus-refused", "a + for the blank in dthRecuperacao is refused", "H06"),
    _standing("wobbling-history", "the same past moment is answered differently each time", "H07"),
    _standing("missing-slots", "every third half hour was not kept: the scheduler of snapshots was down"),
    _standing("frozen", "answers stay as they are now", "X01"),
    (Kind("stale-as-success", "answers stay as they are now for so long, with status 1", "HOURS", "6", _hours,
          "standing"), ("X01",)),
    _answer("dropout", "no rows, as if everything was restored at once", "X02"),
    # demands
    _answer("number-typology", "types as numbers", "D01"),
    _answer("unknown-channel", "channel 13 in the first row", "D02"),
    _answer("group-typology", "a group instead of a leaf in the first row", "D03"),
    _answer("duplicate-demand", "the first row twice", "D04"),
    _answer("negative-demand", "-1 in the first row", "D05"),
    _answer("counters-fall", "counters of the day halve in every other answer", "D06"),
    _answer("zero-demands", "a row of zeros", "D07"),
    _answer("one-channel", "only channel 2 of the first level", "D08"),
    _answer("full-demands", "all 2,808 rows there can be"),
    # single cases
    _answer("demand-null", "null for the case", "P01"),
    _answer("demand-flat", "the case's fields beside the status", "P01"),
    _answer("echo-wrong", "another protocol than was asked for", "P02"),
    _answer("long-unit", "a consumer unit of 30 digits", "P03"),
    _answer("short-document", "a CPF of nine digits", "P04"),
    _answer("masked-document", "a masked CPF", "P04"),
    _answer("holder-key", "the holder's name as nomTitular", "P05"),
    _answer("long-name", "a holder's name of 51 characters", "P05"),
    _answer("wild-codes", "status 3, and a channel as text", "P06"),
    _answer("bad-date", "an opening date as 2026-01-15 07:05", "P07"),
    _answer("open-with-date", "in progress, with a closing date", "P08"),
    _answer("closed-without-date", "closed, without a closing date", "P08"),
    _answer("early-verdict", "in progress, and already founded", "P09"),
    _answer("unknown-404", "404 for an unknown protocol", "P10"),
    _answer("framework-422", "a missing protocol is refused with a framework's error list", "P11"),
    _answer("loose-match", "protocols match whatever their case and leading zeros", "P12"),
)  # fmt: skip
"""Every fault and the rules that must name it.

None where the answer is allowed, nothing arrives to be judged, or it takes luck to ask for the right moment. Those of
D06, D08, I18, X01 and X02 take several answers over hours; X02 one before the fault is switched on.
"""

FAULT_RULES: dict[str, tuple[str, ...]] = {kind.name: rules for kind, rules in FAULTS}
"""Fault -> the rules that must name it. T01 cannot be broken on loopback; X03 takes a month."""
ENDPOINTS = ("outages", "demands", "demand")
BOARD = Catalogue(tuple(kind for kind, _ in FAULTS), ENDPOINTS)
