"""What is taken out of words and logs before anybody reads them."""

from __future__ import annotations

import logging

import pytest

from wattdeck.core.redact import RedactingFilter, redact, register_secret


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer sesame.open-1",
        "{'Authorization': 'Bearer sesame.open-1', 'Accept': '*/*'}",
        "[(b'authorization', b'Bearer sesame.open-1'), (b'x-api-key', b'sesame')]",
        "authorization: sesame something",
        "x-api-key: sesame",
        '{"accessToken":"sesame","tokenType":"bearer"}',
        '{"access_token": "sesame \\" more"}',
        '{"hopPassphrase": "sesame"}',
        '{"ebusBrokerPassword": "sesame"}',
        "GET /x?api_key=sesame&b=1",
        "GET /x?token=sesame&b=1",
        "http://user:sesame@host/",
        "password=sesame",
        "got eyJzZXNhbWUi.sesame.sesame back",
        "Cookie: sesame=1",
    ],
)
def test_secrets_are_taken_out(text: str) -> None:
    once = redact(text)
    assert "sesame" not in once
    assert "***" in once
    assert redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "the panel asks for a token (412)",
        "wrong token: read it again",
        "connection refused at 10.0.0.7:8080",
        "Basic training of bearers",
        "circuit 3f9a0c5be1d24f7a8c60b2d7e4915a01 is open",
    ],
)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert redact(text) == text


def test_a_registered_secret_is_taken_out_wherever_it_appears() -> None:
    register_secret("s3cr3t/värde")
    register_secret("abc")
    assert redact("x s3cr3t/värde y s3cr3t%2Fv%C3%A4rde abc") == "x *** y *** abc"


def test_redacting_hostile_text_takes_linear_time() -> None:
    for hostile in ("a" * 200_000, '"' * 100_000, "password" * 20_000, "eyJ" * 50_000, "://" * 50_000):
        redact(hostile)


def test_the_filter_redacts_messages_arguments_and_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("test.redaction")
    caplog.handler.addFilter(RedactingFilter())
    try:
        log.warning("sent %s", {"Authorization": "Bearer sesame.open-1"})
        try:
            raise RuntimeError("password=sesame")
        except RuntimeError:
            log.exception("failed with x-api-key: %s", "sesame")
        record = logging.LogRecord("x", 30, "x", 1, "%d password=sesame", ("not a number",), None)
        assert RedactingFilter().filter(record)
    finally:
        caplog.handler.filters.clear()
    assert "sesame" not in caplog.text
    assert "RuntimeError: password=***" in caplog.text
    assert "sesame" not in record.getMessage()
