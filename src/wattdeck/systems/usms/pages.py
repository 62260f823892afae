"""The portal's pages from bytes to models: what every page carries, and the way to what each one says (usms.md 2).

Pure functions of a page's text. What a stranger may have written is bounded and harmless to show; an odd value is
unknown (None), an odd page raises BadAnswer with a sentence. `cards` reads the meters, `reports` the grids,
`topup` the debts.
"""

from __future__ import annotations

import codecs
import re

from wattdeck.core.errors import BadAnswer
from wattdeck.core.language import tr
from wattdeck.systems.usms import markup
from wattdeck.systems.usms.cards import read_home
from wattdeck.systems.usms.reports import read_report, read_transactions
from wattdeck.systems.usms.topup import read_top_up

__all__ = [
    "captcha_source",
    "decode",
    "error_text",
    "hidden_fields",
    "is_expired",
    "login_form_present",
    "read_home",
    "read_report",
    "read_top_up",
    "read_transactions",
]

FIELDS_MAX = 500
NAME_CHARS_MAX = 200
SOURCE_CHARS_MAX = 2000
ENDED = "Your Session Has Expired, Please Login Again"
ENDED_PATHS = ("sessionexpire", "reslogin")
CAPTCHA_ID = "ASPxRoundPanel1_ASPxCaptcha1_IMG"

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([-\w.:]{1,40})", re.ASCII | re.IGNORECASE)
_PLAIN_CODECS = re.compile(r"utf-|iso8859|cp\d|ascii|gb|big5|shift_jis|euc_|koi8")


def decode(body: bytes, content_type: str = "") -> str:
    """A page's text: UTF-8 if it is that, else the charset that its headers name, else Latin-1.

    Raises:
        BadAnswer: the page is larger than any of the portal's.
    """
    if len(body) > markup.PAGE_CHARS_MAX:
        raise BadAnswer(
            tr(
                "the portal sent a page of {count} bytes; {most} are the most it can have",
                count=len(body),
                most=markup.PAGE_CHARS_MAX,
            )
        )
    named = _CHARSET.search(content_type)
    for charset in ("utf-8-sig", named[1] if named else "utf-8"):
        try:
            if _PLAIN_CODECS.match(codecs.lookup(charset).name):
                return body.decode(charset)
        except (LookupError, UnicodeError):
            continue
    return body.decode("latin-1")


def hidden_fields(html: str) -> dict[str, str]:
    """The hidden inputs that a browser would post, by name, in the page's order (usms.md 2.1).

    Of two with one name the later value counts. An input that is disabled or has no name is not posted.
    """
    found: dict[str, str] = {}
    for tag in markup.tags(html, "input"):
        name = tag.get("name", "")
        if (
            tag.get("type", "").strip().lower() == "hidden"
            and 0 < len(name) <= NAME_CHARS_MAX
            and "disabled" not in tag
        ):
            found[name] = tag.get("value", "")
            if len(found) >= FIELDS_MAX:
                break
    return found


def error_text(html: str) -> str:
    """What the portal complains about; empty if it does not. Only what is inside the element counts (usms.md 2.2)."""
    return markup.complaint(html)


def is_expired(html: str, url: str) -> bool:
    """The session has ended: the page says so, its address does, or it is a login form (usms.md 3.2)."""
    lowered = url.lower()
    return ENDED in html or any(path in lowered for path in ENDED_PATHS) or login_form_present(html)


def login_form_present(html: str) -> bool:
    """The page asks for user name and password."""
    if "txtPassword" not in html and "assword" not in html and "PASSWORD" not in html:
        return False
    inputs = markup.tags(html, "input")
    kinds = [(tag.get("type", "").strip().lower(), (tag.get("name") or tag.get("id", "")).lower()) for tag in inputs]
    passwords = any(kind == "password" or "txtpassword" in name for kind, name in kinds)
    return passwords and any("user" in name and kind in ("", "text", "email") for kind, name in kinds)


def captcha_source(html: str) -> str | None:
    """Where the captcha's image is, as the page writes it; None if it shows none."""
    if CAPTCHA_ID not in html:
        return None
    for tag in markup.tags(html, "img"):
        source = tag.get("src", "").strip()
        if tag.get("id") == CAPTCHA_ID and 0 < len(source) <= SOURCE_CHARS_MAX:
            return source
    return None
