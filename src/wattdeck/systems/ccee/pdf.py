"""A contract's file: base64 text or the PDF itself, under a name that is safe to save (ccee.md 4.1)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from urllib.parse import unquote

from wattdeck.core.answers import Answer
from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.systems.ccee.errors import bad_answer
from wattdeck.systems.ccee.models import ContractFile

NAME_CHARS_MAX = 120
PDF = "application/pdf"
_MARK = b"%PDF"
_NAME = re.compile(r"(?:^|;)\s*filename(\*?)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;]*)", re.IGNORECASE)
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)


def contract_file(answer: Answer, what: str, contract_id: str) -> ContractFile:
    """The PDF of an answer.

    Raises:
        AnswerError: it is neither a PDF nor the base64 of one.
    """
    kind = _TYPE.match(answer.headers.get("content-type", ""))
    name = _file_name(answer.headers.get("content-disposition", ""))
    return ContractFile(
        name or _safe(f"{contract_id}.pdf") or "contract.pdf",
        kind[0].lower() if kind else "application/octet-stream",
        _content(answer, what),
    )


def _content(answer: Answer, what: str) -> bytes:
    body = answer.body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not body:
        words = tr("the answer is empty where the contract's PDF was due; is it signed by all?")
        raise bad_answer(answer, f"{what}: {words}")
    if body.startswith(_MARK):
        return answer.body[len(answer.body) - len(body) :]
    if body[:1] == b'"':
        body = _quoted(body)
    try:
        content = base64.b64decode(b"".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        words = tr("the answer is neither a PDF nor whole base64 text; it may have been cut short, so ask again")
        raise bad_answer(answer, f"{what}: {words}") from None
    if not content.startswith(_MARK):
        words = tr("what the answer holds is no PDF; it was not kept")
        raise bad_answer(answer, f"{what}: {words}")
    return content


def _quoted(body: bytes) -> bytes:
    """The text of a JSON string; what it is if it is none."""
    try:
        text = json.loads(body)
    except ValueError:
        return body
    return text.encode("ascii", "replace") if isinstance(text, str) else body


def _file_name(disposition: str) -> str:
    """The name a `Content-Disposition` gives, `filename*` before `filename`; empty if there is no usable one."""
    found = {star: value.strip() for star, value in _NAME.findall(disposition[:2000])}
    if star := found.get("*", "").strip('"'):
        charset, _, rest = star.partition("'")
        encoded = rest.partition("'")[2]
        codec = "latin-1" if charset.lower() == "iso-8859-1" else "utf-8"
        if encoded and (name := _safe(unquote(encoded, codec, "replace"))):
            return name
    plain = found.get("", "")
    if plain.startswith('"'):
        plain = re.sub(r"\\([\"\\])", r"\1", plain[1:-1] if plain.endswith('"') else plain[1:])
    return _safe(plain)


def _safe(name: str) -> str:
    """The last part of a name as a file name on any system; empty if nothing is left of it."""
    name = clean(re.split(r"[/\\]", name.strip())[-1], 2000)
    name = re.sub(r'[<>:"|?*]', "_", name).strip(". ")
    if len(name) > NAME_CHARS_MAX:
        stem, dot, ending = name.rpartition(".")
        kept = dot + ending if 0 < len(ending) <= 8 else ""
        name = (stem if kept else name)[: NAME_CHARS_MAX - len(kept)].rstrip(". ") + kept
    return f"_{name}" if _RESERVED.match(name) else name
