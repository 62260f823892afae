"""The rules about transport, T01 to T15: what each looks at and what it says (aneel.md 2, 9)."""

from __future__ import annotations

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance.model import ERROR, INFO, WARNING, Need, Rule, family

_SERVER = Need.SERVER

RULES = family(
    "Transport",
    Need.ANSWER,
    ("outages", "demands", "demand"),
    Rule(
        "T01",
        ERROR,
        later("HTTPS with TLS 1.2 or newer and a valid chain of certificates"),
        "the address and the TLS connection",
        later("https, TLS 1.2 or newer, a certificate of a recognised authority"),
        later("Data and key travel unprotected, or towards nobody known. Serve over HTTPS with a valid certificate."),
        _SERVER,
    ),
    Rule(
        "T02",
        ERROR,
        later("The exact lower-case path answers"),
        "the status of the route",
        later("GET of the lower-case path is answered"),
        later("The route is not where ANEEL asks for it. Serve the exact lower-case path below the base address."),
    ),
    Rule(
        "T03",
        ERROR,
        later("Content-Type application/json in UTF-8"),
        "the Content-Type header and the bytes",
        later("application/json, charset absent or utf-8, valid UTF-8 without byte order mark"),
        later("The answer is not declared or not encoded as JSON in UTF-8. Correct the header or the encoding."),
    ),
    Rule(
        "T04",
        ERROR,
        later("One JSON object without duplicate keys, NaN or Infinity"),
        "the body before any library reads it",
        later("one whole JSON object, each key once"),
        later(
            "The body is not one whole JSON object. Write it with a JSON library and check that nothing cuts it off."
        ),
    ),
    Rule(
        "T05",
        ERROR,
        later("A missing key is refused with 401"),
        "an answer to a request without x-api-key",
        later("401 and the envelope with status 2"),
        later("Whoever sends no key is not turned away with 401. Check the key before anything else."),
        _SERVER,
    ),
    Rule(
        "T06",
        ERROR,
        later("A wrong key is refused the same way, without a hint of the right one"),
        "an answer to a request with a wrong key",
        later("the same refusal as without a key, and no hint"),
        later("A wrong key is not refused as a missing one is. Answer both with the same 401."),
        _SERVER,
    ),
    Rule(
        "T07",
        ERROR,
        later("The key is taken from the header only"),
        "the answer to a request with the key in x-api-key",
        later("the header x-api-key is enough"),
        later("The key in x-api-key is not enough. Take it from the header: addresses end up in logs."),
        _SERVER,
    ),
    Rule(
        "T08",
        WARNING,
        later("Refusals of a key or an address use the flat envelope"),
        "the body of a 401 or 403",
        later('the envelope itself: {"idcStatusRequisicao":2,…}'),
        later(
            "A refusal does not carry the envelope at its top level. Answer it with status 2 and a message, unwrapped."
        ),
    ),
    Rule(
        "T09",
        ERROR,
        later("Errors of the application are HTTP 200 with status 2"),
        "the HTTP status",
        later("200, and 401, 403 and 429 for what they stand for"),
        later(
            "The application reports its error as an HTTP status. Answer 200 with idcStatusRequisicao 2 and a message."
        ),
    ),
    Rule(
        "T10",
        WARNING,
        later("Ten requests a minute never get 429; a 429 says when to come back and has the envelope"),
        "429 answers and when they come",
        later("429 only above ten requests a minute, with an integer Retry-After of at least 1 and the envelope"),
        later("The limit of requests is too tight, or does not say when to come back."),
    ),
    Rule(
        "T11",
        WARNING,
        later("The last byte is there within 5 s, at the worst within 30 s"),
        "the time from asking to the last byte",
        later("5 s at most"),
        later("The answer took too long; ANEEL gives up after 30 to 45 s. Prepare the figures ahead of the request."),
    ),
    Rule(
        "T12",
        WARNING,
        later("No redirect on the exact path"),
        "the HTTP status",
        later("the answer itself"),
        later("The exact path redirects, and nobody knows whether ANEEL follows. Answer there."),
    ),
    Rule(
        "T13",
        INFO,
        later("Nothing internal is public"),
        "/health and /openapi.json without a key",
        later("404, or a bare 204"),
        later("Anyone can read this without a key. Close it to the outside, or let it say nothing."),
        _SERVER,
    ),
    Rule(
        "T14",
        WARNING,
        later("Unknown query parameters are ignored"),
        "the answer to a request with a parameter that is not defined",
        later("the same as without it"),
        later("A parameter that is not defined is refused. Ignore what you do not know."),
        _SERVER,
    ),
    Rule(
        "T15",
        INFO,
        later("Other methods are refused"),
        "the answer to POST",
        later("405"),
        later("The route answers to another method than GET. Refuse it with 405."),
        _SERVER,
    ),
)
