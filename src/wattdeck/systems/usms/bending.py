"""What faults do to the figures of a meter that the simulated portal shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from wattdeck.systems.usms.faults import FaultBoard
from wattdeck.systems.usms.household import Home
from wattdeck.systems.usms.ledger import CENT, THOUSANDTH, Account
from wattdeck.systems.usms.models import BRUNEI, Kind


class Bending:
    """Figures as they are shown.

    Args:
        victim: The meter that faults of one meter strike.
        faults: What is wrong.
    """

    def __init__(self, victim: Home, faults: FaultBoard) -> None:
        self._victim = victim
        self._faults = faults

    def account(self, home: Home, account: Account) -> Account:
        """A meter's money."""
        low_bnd = self._faults.value("low-credit")
        if home is not self._victim or not isinstance(low_bnd, Decimal):
            return account
        units = low_bnd * account.remaining_units / account.credit_bnd
        return replace(account, credit_bnd=low_bnd, remaining_units=units.quantize(THOUSANDTH, ROUND_DOWN))

    def status_text(self, home: Home) -> str:
        """How the meter is."""
        word = self._faults.value("not-active") if home is self._victim else None
        return "ACTIVE" if word is None else str(word)

    def unit_text(self, home: Home, account: Account) -> str:
        """What is left, with its unit."""
        if "dashes" in self._faults:
            return "-"
        units = account.remaining_units
        if "negative-credit" in self._faults:
            units = -Decimal(5) * units / (account.credit_bnd or 1)
        return f"{units:,.3f} {'kWh' if home.kind is Kind.ELECTRICITY else 'm³'}"

    def credit_text(self, account: Account) -> str:
        """The credit in dollars."""
        if "dashes" in self._faults:
            return "-"
        owed = {"inside": "$-5.00", "before": "-$5.00", "brackets": "($5.00)"}
        return owed.get(str(self._faults.value("negative-credit")), f"${cents(account.credit_bnd)}")

    def updated_text(self, home: Home, account: Account, *, with_time: bool) -> str:
        """Date and time until September 2026 for electricity; the date alone after that, and for water."""
        if "water-no-date" in self._faults and home.kind is Kind.WATER:
            return ""
        silent_h = self._faults.value("silent")
        at = account.known_until - timedelta(hours=silent_h if isinstance(silent_h, int) else 0)
        bare = f"{at:%d/%m/%Y}"
        odd = {"empty": "", "bare": bare, "dash": "-", "twelve-hour": f"{at:%d/%m/%Y %I:%M:%S %p}", "iso": str(at)[:19]}
        usual = f"{at:%d/%m/%Y %H:%M:%S}" if with_time and home.kind is Kind.ELECTRICITY else bare
        return odd.get(str(self._faults.value("odd-dates")), usual)

    def day(self, home: Home, day: date, value: int, now: datetime) -> int:
        """A day's use, in thousandths: its hours still add up to it."""
        if self._times(home, day, now) is None:
            return value
        return sum(self.hour(home, day, hour, now) for hour in home.hours(day))

    def hour(self, home: Home, day: date, value: int, now: datetime) -> int:
        """The use of one hour of a day, in thousandths."""
        times = self._times(home, day, now)
        return value if times is None else int(value * times)

    def _times(self, home: Home, day: date, now: datetime) -> Decimal | None:
        """How many times its use a day takes; None for most days."""
        times = self._faults.value("unusual-day")
        yesterday = now.astimezone(BRUNEI).date() - timedelta(days=1)
        return times if isinstance(times, Decimal) and home is self._victim and day == yesterday else None


def cents(amount_bnd: Decimal) -> str:
    """Whole cents, the rest cut off, as the portal seems to do (usms.md 6)."""
    return f"{amount_bnd.quantize(CENT, ROUND_DOWN):,.2f}"
