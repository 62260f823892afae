"""The way into the portal: password first, captcha on a page of its own, then redirects that make the session.

usms.md 2.2, 3, 10 and 11. Counts and limits are those of the public package: ten images and three answers per login.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urljoin, urlsplit

from wattdeck.core.answers import Answer
from wattdeck.core.errors import AuthError, BadAnswer
from wattdeck.core.language import tr
from wattdeck.systems.usms import forms
from wattdeck.systems.usms.browser import REDIRECT_STATUSES, ROOT, Browser, Page, hidden
from wattdeck.systems.usms.session import Solver

LOGIN = f"{ROOT}ResLogin"
IMAGES_MAX = 10
ANSWERS_MAX = 3
IMAGE_BYTES_MAX = 2_000_000
PLAUSIBLE = re.compile(r"[0-9a-z]{5}")


async def log_in(browser: Browser, username: str, password: str, solver: Solver) -> None:
    """Make a session. The password is posted once with each captcha answer, and never after it was rejected.

    Raises:
        AuthError: with status 401 the password was rejected; else the captcha was not read, or given up.
        SourceError: the portal cannot be reached, or shows something else than it should.
    """
    page = browser.page_of(await browser.open("GET", LOGIN), "GET", LOGIN)
    _require_form(page)
    answer = await browser.open("POST", LOGIN, forms.login(hidden(page), username, password))
    for answers in range(ANSWERS_MAX + 1):
        if answer.status_code not in REDIRECT_STATUSES:
            raise _refusal(browser.page_of(answer, "POST", LOGIN))
        path = browser.target(answer, LOGIN)
        query = parse_qs(urlsplit(path).query)
        if "Sig" in query:
            await _enter(browser, answer)
            return
        if "sc" not in query:
            raise BadAnswer(
                tr("{page}: the login was answered with an unknown page; has the portal changed?", page=page.what)
            )
        if answers == ANSWERS_MAX:
            break
        answer = await _challenge(browser, path, username, password, solver)
    raise AuthError(
        tr("the captcha was answered wrongly {count} times; the password was not refused. Try again.",
           count=ANSWERS_MAX)
    )  # fmt: skip


async def _challenge(browser: Browser, path: str, username: str, password: str, solver: Solver) -> Answer:
    """Show captchas until one is read, and post what was read."""
    from wattdeck.systems.usms.pages import captcha_source

    for _ in range(IMAGES_MAX):
        page = browser.page_of(await browser.open("GET", path), "GET", path)
        source = captcha_source(page.html)
        if source is None:
            raise BadAnswer(
                tr("{page}: the portal asks for a captcha and shows no image; try again later", page=page.what)
            )
        read = await solver(await _image(browser, path, source))
        if read is None:
            raise AuthError(tr("the login was given up; nothing but an unanswered captcha went to the portal"))
        answer = read.strip().lower()
        if PLAUSIBLE.fullmatch(answer):
            return await browser.open("POST", path, forms.login(hidden(page), username, password, answer))
    raise AuthError(
        tr("none of {count} captchas was read: an answer is five letters or digits. Try again.", count=IMAGES_MAX)
    )


async def _image(browser: Browser, path: str, source: str) -> bytes:
    parts = urlsplit(urljoin(path, source))
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    answer = await browser.open("GET", target)
    if answer.status_code != 200 or not answer.body or len(answer.body) > IMAGE_BYTES_MAX:
        raise BadAnswer(tr("the portal's captcha image cannot be read; try again later"))
    return answer.body


async def _enter(browser: Browser, answer: Answer) -> None:
    """Follow the redirects that turn `Sig` into a session."""
    from wattdeck.systems.usms.pages import is_expired

    page = await browser.follow(answer, LOGIN)
    if is_expired(page.html, page.path):
        raise AuthError(tr("the portal took the password and then ended the session; try again"))


def _require_form(page: Page) -> None:
    from wattdeck.systems.usms.pages import login_form_present

    if not login_form_present(page.html):
        raise BadAnswer(tr("{page}: this is not the login page; is the portal under maintenance?", page=page.what))


def _refusal(page: Page) -> AuthError | BadAnswer:
    from wattdeck.systems.usms.pages import error_text, login_form_present

    said = error_text(page.html)
    if said:
        words = tr("the portal refuses the login and says “{said}”. Is `password` right?", said=said)
        return AuthError(words, 401)
    if login_form_present(page.html):
        words = tr("the portal showed the login page again without a reason; was the password right?")
        return AuthError(words, 401)
    return BadAnswer(
        tr("{page}: the login was answered with an unknown page; is the portal under maintenance?", page=page.what)
    )
