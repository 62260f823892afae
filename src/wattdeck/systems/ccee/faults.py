"""The fault switches of the CCEE simulator: what they are called and what they take. Where each comes from: ccee.md 11.

Faults of answers take `*N` behind name or value: the next N answers they can change. The value `off` clears.
"""

from __future__ import annotations

from wattdeck.core.faultboard import Catalogue, FaultBoard, Kind, choice, count, seconds, status

__all__ = ["BOARD", "KINDS", "FaultBoard"]

REDIRECTS = ("302", "301", "303", "307", "308")
MOST_PAGE_ROWS = 100_000


def _retry_after(text: str) -> float | None:
    return None if text == "none" else seconds(text)


def _rows(text: str) -> int:
    value = int(text)
    if not 1 <= value <= MOST_PAGE_ROWS:
        raise ValueError(f"must be from 1 to {MOST_PAGE_ROWS}")
    return value


KINDS: tuple[Kind, ...] = (
    # the gateway and the line
    Kind("slow", "answer late", "SECONDS", parse=seconds),
    Kind("drop", "close the connection instead of answering"),
    Kind("html-200", "a web page with status 200 where JSON is due"),
    Kind("html-403", "the gateway's 403 page"),
    Kind("html-502", "the gateway's 502 page"),
    Kind("html-503", "the gateway's 503 page"),
    Kind("status", "answer this status with an error body and do nothing", "CODE", parse=status),
    Kind("rate-limit", "429, with a Retry-After of so many seconds or without", "SECONDS|none", "none", _retry_after),
    choice("redirect", "writes are redirected and not carried out", *REDIRECTS),
    Kind("truncated", "well-framed answer that holds half of the JSON"),
    Kind("error-list-message", "error bodies whose message is a list"),
    Kind("error-null-body", "error bodies that are null"),
    # tokens
    Kind("token-down", "503 from the token endpoint"),
    Kind("token-html", "a web page with status 200 from the token endpoint"),
    Kind("token-401", "the token endpoint refuses the right secret"),
    Kind("token-short", "tokens that last this long", "SECONDS", "20", count),
    Kind("agent-mismatch", "403 ERR_CREDENCIAL_INVALIDA, as for another agent's token"),
    Kind("expire-mid", "the Nth list page from now on finds its token expired: 401", "N", "2", count, "standing"),
    # lists
    choice(
        "cursor-loop", "pages name a cursor that was there already: their own, or the second page's", "own", "second"
    ),
    Kind("cursor-number", "the cursor is a number"),
    Kind("cursor-empty", "the last page's cursor is an empty text, not null"),
    Kind("cursor-missing", "the last page has no cursor at all"),
    Kind("wrong-key", "rows under a key no version has"),
    Kind("null-array", "null instead of rows"),
    Kind("bare-array", "rows without the object around them"),
    Kind("duplicate-rows", "each row twice on its page"),
    Kind("twin-unit", "the first active migration of a page has a twin: the same unit and month under another id"),
    Kind("shifting-pages", "a row arrives in front before every page: the one before comes again"),
    Kind("huge-page", "all rows on one page"),
    # objects
    Kind("array-get", "an object comes as an array of one"),
    Kind("no-content-get", "204 where an object is due"),
    # what rows say
    Kind("nulls", "null in every field that may be null"),
    Kind("mixed-dates", "dates of several forms in one row: plain, with and without offset, UTC"),
    choice("string-codes", "number codes as text, or text codes as numbers", "text", "number"),
    Kind("unknown-status", "a status nobody knows on the first row"),
    Kind("legacy-codes", "consumer unit codes from before 2025: 7 digits, letters"),
    Kind("alnum-cnpj", "CNPJ with letters, as issued since July 2026"),
    Kind("hostile-text", "markup, escapes, bidi marks and 3,000 characters in every free text"),
    # writes
    choice("create-lost", "a create is stored, then the connection is dropped or stays silent", "drop", "hang"),
    Kind("create-500-after", "a create is stored and answered with 500"),
    # contracts
    Kind("contract-raw-pdf", "the contract's file as PDF, not as Base64 text"),
    Kind("contract-bad-base64", "a contract's file that is neither Base64 nor PDF"),
    Kind("contract-odd-name", "a contract's file with a path for a name"),
    Kind("contract-key", "contracts under the older key `contrato`"),
    # how the market is
    Kind("compat-052", "answers as voltarium 0.5.2 needs them: no 204, dataDenuncia never null", strikes="standing"),
    Kind("many", "a retailer's profile holds this many migrations", "N", "10000", count, "standing"),
    Kind("page-size", "rows on a page", "N", "50", _rows, "standing"),
    Kind("delete-removes", "a cancelled migration vanishes", strikes="standing"),
    Kind("silent-utility", "utilities answer nothing; their time runs out", strikes="standing"),
)
BOARD = Catalogue(KINDS)
