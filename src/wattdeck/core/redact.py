"""Keeps tokens, keys and passwords out of logs and errors.

Two nets: patterns for the usual places (`Authorization`, `x-api-key`, `"accessToken": ...`), and the secrets
themselves, registered when they become known and removed wherever they appear.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from urllib.parse import quote

MASK = "***"
SECRET_CHARS_MIN = 4
"""Shorter secrets are not searched for: masking them would eat ordinary words."""

_NAMES = (
    r"(?:proxy-)?authorization|x-api-key|api[-_]?key|(?:set-)?cookie|client[-_]?secret|"
    r"(?:access|refresh|id|bearer)[-_]?token|(?:hop)?passphrase|(?:\w*)password|passwd|psk|otp"
)
_WORDS = r"pwd|pass|secret|token|key"
_VALUE = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[^\s,;&"'}\])]+)"""
_secrets: set[str] = set()


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """What secrets look like, and what takes their place. Made with the first text there is to look through."""
    return (
        # A scheme and its credentials, with or without the header's name in front.
        (re.compile(r"(?i)\b((?:bearer|authorization\s*[:=]\s*(?:basic|digest))\s+)[\w.~+/=-]{8,}"), rf"\1{MASK}"),
        (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"), MASK),
        (re.compile(r"(://[^\s/:@]*:)[^\s/@]+@"), rf"\1{MASK}@"),
        # 'name': 'value' and (b'name', b'value'), as dictionaries and header lists print.
        (re.compile(rf"""(?i)(["'](?:{_NAMES}|{_WORDS})["']\s*[:=,]\s*b?){_VALUE}"""), rf"\1{MASK}"),
        (re.compile(r"(?im)^((?:proxy-)?authorization\s*:\s*).+$"), rf"\1{MASK}"),
        (
            re.compile(rf"(?i)((?<![\w-])(?:{_NAMES})\s*[:=]\s*)(?!bearer\b|basic\b|digest\b){_VALUE}"),
            rf"\1{MASK}",
        ),
        (re.compile(rf"(?i)((?<![\w-])(?:{_WORDS})=){_VALUE}"), rf"\1{MASK}"),
    )


def register_secret(value: str | None) -> None:
    """Remove this value from every text redacted from now on, as it is and percent-encoded."""
    if value and len(value) >= SECRET_CHARS_MIN:
        _secrets.update((value, quote(value, safe="", errors="replace")))


def redact(text: str) -> str:
    """The text with every secret in it replaced by `***`. Redacting twice changes nothing."""
    # Longest first: a secret may contain another.
    for secret in sorted(_secrets, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, MASK)
    for pattern, replacement in _patterns():
        text = pattern.sub(replacement, text)
    return text


class RedactingFilter(logging.Filter):
    """Redacts the message and the traceback of each record.

    Add it to handlers, not to loggers: a logger's filters do not see what its children pass up.
    """

    _formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record in place; never drops one."""
        try:
            message = record.getMessage()
        except Exception:  # wrong arguments for the format: log what there is
            message = f"{record.msg} {record.args!r}"
        record.msg, record.args = redact(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = self._formatter.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True
