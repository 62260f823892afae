"""Pages of the portal in one session: cookie, redirects, hidden state, and every form in which a session ends."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from wattdeck.core.answers import Answer, status_error
from wattdeck.core.errors import BadAnswer
from wattdeck.core.http import Http, RetryPolicy
from wattdeck.core.language import tr
from wattdeck.systems.usms import forms
from wattdeck.systems.usms.session import COOKIE, Session

ROOT = "/SmartMeter/"
REDIRECTS = 6
END_CHARS = 2000
"""A complete page says so within its last characters."""
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
READS = RetryPolicy(retries=2, retry_timeout_s=1.0)
_SET_COOKIE = re.compile(rf"(?:^|[,\s]){re.escape(COOKIE)}=([^;,\s]+)")


class ExpiredError(Exception):
    """The portal does not know this session any more."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it came."""

    html: str
    path: str
    """Where it came from in the end, with the query."""
    what: str
    """The same for a person: host, method and path, without the query."""


class Browser:
    """Fetches pages one after the other. Not for use by two tasks at once."""

    def __init__(self, http: Http, session: Session, timeout_s: float) -> None:
        self._http = http
        self._session = session
        self._timeout_s = timeout_s

    async def get(self, path: str, meter: str = "", more: str = "") -> Page:
        """A page behind the login.

        Raises:
            ExpiredError: the session has ended.
            SourceError: the page cannot be read.
        """
        query = f"?p={forms.meter_id(meter)}{more}" if meter else ""
        return await self._page("GET", f"{ROOT}{path}{query}", None)

    async def search(self, page: Page, fields: Sequence[tuple[str, str]]) -> Page:
        """Post a page's form back with these fields and its own state. Only a search: it changes nothing.

        Raises:
            ExpiredError, SourceError: as `get`.
        """
        return await self._page("POST", page.path, forms.with_state(fields, hidden(page)))

    async def open(self, method: str, path: str, form: Sequence[tuple[str, str]] | None = None) -> Answer:
        """One request as it is, without a judgement on session or status; no redirect is followed.

        A post is never repeated: it may hold a password.
        """
        cookie = self._session.cookie
        answer = await self._http.request(
            method,
            path,
            form=form,
            headers={"Cookie": f"{COOKIE}={cookie}"} if cookie else None,
            repeatable=method == "GET" or form is None,
            deadline_s=self._timeout_s,
            retry=READS if method == "GET" else RetryPolicy(),
        )
        found = _SET_COOKIE.findall(answer.headers.get("set-cookie", ""))
        if found:
            self._session.take(found[-1])
        return answer

    async def follow(self, answer: Answer, path: str) -> Page:
        """The page a redirect ends at, within the portal.

        Raises:
            BadAnswer: it leads away, or in circles, or to nothing readable.
        """
        for _ in range(REDIRECTS):
            if answer.status_code not in REDIRECT_STATUSES:
                return self.page_of(answer, "GET", path)
            path = self.target(answer, path)
            answer = await self.open("GET", path)
        raise BadAnswer(tr("{page}: the portal redirects in circles", page=self._http.what("GET", path)))

    def target(self, answer: Answer, path: str) -> str:
        """Where a redirect points: path and query on the portal.

        Raises:
            BadAnswer: it points to another place, or to none.
        """
        location = answer.headers.get("location", "")[:4000]
        parts = urlsplit(urljoin(f"{self._http.origin}{path}", location))
        if not location or f"{parts.scheme}://{parts.netloc}".lower() != self._http.origin:
            page = self._http.what("GET", path)
            raise BadAnswer(tr("{page}: the portal points to another host; that is not followed", page=page))
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def page_of(self, answer: Answer, method: str, path: str) -> Page:
        """A complete page, whatever it says.

        Raises:
            SourceError: the status says that it is none.
        """
        from wattdeck.systems.usms.pages import decode

        what = self._http.what(method, path)
        if answer.status_code != 200:
            raise status_error(answer, what)
        html = decode(answer.body, answer.headers.get("content-type", ""))
        if "</html" not in html[-END_CHARS:].lower():
            # Half a page reads like a whole one with fewer meters and fewer days.
            raise BadAnswer(tr("{page}: the page was cut short after {count} characters", page=what, count=len(html)))
        return Page(html, path, what)

    async def _page(self, method: str, path: str, form: Sequence[tuple[str, str]] | None) -> Page:
        from wattdeck.systems.usms.pages import is_expired

        answer = await self.open(method, path, form)
        if answer.status_code in REDIRECT_STATUSES and _leads_out(answer.headers.get("location", "")):
            raise ExpiredError(self._http.what(method, path))
        page = await self.follow(answer, path)
        if is_expired(page.html, page.path):
            raise ExpiredError(page.what)
        return page


def hidden(page: Page) -> Mapping[str, str]:
    """The page's hidden state."""
    from wattdeck.systems.usms.pages import hidden_fields

    return hidden_fields(page.html)


def _leads_out(location: str) -> bool:
    return "sessionexpire" in location.lower() or "reslogin" in location.lower()
