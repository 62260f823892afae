"""What only several answers of one server show: E11, T10, D06, D08, H01, H05, H07, I16, I18, X01 to X03 (aneel.md 9).

Answers may come late or out of order and clocks may jump: what is older than the newest answer is looked at for what
does not depend on order, and nothing is kept without bound.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance import shown
from wattdeck.systems.aneel.conformance.days import Days
from wattdeck.systems.aneel.conformance.examination import Examination, examine
from wattdeck.systems.aneel.conformance.model import Context
from wattdeck.systems.aneel.conformance.past import Past
from wattdeck.systems.aneel.conformance.polls import Polls
from wattdeck.systems.aneel.conformance.tally import Tally
from wattdeck.systems.aneel.exchange import Exchange
from wattdeck.systems.aneel.models import Finding
from wattdeck.systems.aneel.wording import said

REQUESTS_ALLOWED = 10
WINDOW = timedelta(seconds=60)
ADDRESSES_MAX = 30
LATE_MAX = 3
"""So many answers in a row that are older than the newest: then it is the clock that was set back."""


class Series:
    """The answers of one server, all three routes, as they come."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._emails: dict[tuple[str, int], str] = {}
        """Route and HTTP status -> the newest address in such an answer."""
        self._requests: deque[datetime] = deque(maxlen=2 * REQUESTS_ALLOWED)
        self._newest: dict[str, datetime] = {}
        self._late = 0
        self._polls = Polls(context)
        self._past = Past()
        self._days = Days()

    def add(self, exchange: Exchange) -> tuple[Finding, ...]:
        """Take one more answer. What the series does not keep with it; what one answer shows alone is not repeated."""
        return self.add_examined(examine(exchange, self.context))

    def add_examined(self, seen: Examination) -> tuple[Finding, ...]:
        """The same with an answer that was examined already."""
        tally = Tally(self.context)
        exchange = seen.exchange
        self._address(tally, seen)
        self._limit(tally, exchange)
        asked = exchange.asked.get("dthRecuperacao")
        if exchange.route == "outages" and asked is not None:
            self._past.look_back(tally, asked, seen)
        elif exchange.route == "outages":
            self._polls.count(tally, exchange.at, answered=seen.outages is not None)
            if seen.outages is not None:
                self._past.now(exchange.at, seen)
                if self._in_order(exchange):
                    self._polls.add(tally, exchange.at, seen.outages)
        elif exchange.route == "demands" and seen.demands is not None and self._in_order(exchange):
            self._days.add(tally, exchange.at, seen.demands)
        return tally.findings()

    def failed(self, at: datetime) -> tuple[Finding, ...]:
        """No answer about outages came at all."""
        tally = Tally(self.context)
        self._polls.count(tally, at, answered=False)
        return tally.findings()

    @property
    def looked(self) -> frozenset[str]:
        """Rules of the series for which enough has been seen."""
        found = {"H07"} if self._past.repeated else set()
        if len(self._emails) > 1:
            found |= {"E11"}
        return frozenset(found | self._polls.looked | self._days.looked | self._past.looked)

    @property
    def known_sets(self) -> frozenset[int]:
        """Sets that have been seen; for the next answer's `Context.known_sets`."""
        return self._polls.sets

    def _address(self, tally: Tally, seen: Examination) -> None:
        if seen.email is None:
            return
        key = (seen.exchange.route, seen.exchange.status_code)
        other = next((email for email in self._emails.values() if email != seen.email), None)
        if other is not None:
            where = said(later("emailIndisponibilidade of the {code} about {route}"), code=key[1], route=key[0])
            words = later("{address}; another answer has {other}")
            tally.add("E11", where, said(words, address=shown.email(seen.email), other=shown.email(other)))
        if key in self._emails or len(self._emails) < ADDRESSES_MAX:
            self._emails[key] = seen.email

    def _limit(self, tally: Tally, exchange: Exchange) -> None:
        """A 429 although we asked less than ten times in a minute, as far as we know of."""
        self._requests.append(exchange.at)
        recent = sum(1 for at in self._requests if timedelta() <= exchange.at - at < WINDOW)
        if exchange.status_code == 429 and recent <= REQUESTS_ALLOWED:
            says = later(
                "Refused below ten requests a minute. Allow ten, repetitions included; or others use the same key."
            )
            found = said(later("429 on request {number} of a minute"), number=recent)
            tally.add("T10", later("HTTP status"), found, says)

    def _in_order(self, exchange: Exchange) -> bool:
        """Whether the answer is no older than those before. After a few that are, the clock is taken as it is now."""
        newest = self._newest.get(exchange.route)
        if newest is None or exchange.at >= newest:
            self._newest[exchange.route] = exchange.at
            self._late = 0
            return True
        self._late += 1
        if self._late < LATE_MAX:
            return False
        self._late = 0
        self._newest[exchange.route] = exchange.at
        self._polls.start_anew()
        self._days.start_anew()
        return True
