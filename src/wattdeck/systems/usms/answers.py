"""What the simulated portal shows to somebody who is logged in: cards, reports, top-ups, debt (usms.md 2.3-2.7)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from wattdeck.systems.usms import templates
from wattdeck.systems.usms.beginning import USERNAME
from wattdeck.systems.usms.bending import Bending, cents
from wattdeck.systems.usms.faults import FaultBoard
from wattdeck.systems.usms.household import Home
from wattdeck.systems.usms.ledger import ZERO, Account, Ledger
from wattdeck.systems.usms.models import BRUNEI, Kind
from wattdeck.systems.usms.portal import Form, Portal, Reply, Session, redirect
from wattdeck.systems.usms.templates import Field, Grid

NAME = "AWANG CONTOH BIN HAJI MISALAN"
HOSTILE = (
    "[bold red]AWANG[/] [link=http://example.invalid]",
    "\x1b[31mRED\x1b]0;title\x07 \x9b2J NO 1",
    "‮GNAWA‬ ‏<script>alert(1)</script>",
    "KG " + "PANJANG" * 30,
)
PAGES = ("", "mainpage", "home", "accountinfo", "report/usagehistory", "report/transactionhistory", "payment/webform2")
"""Paths below the root, in lower case."""
MOST_RANGE_DAYS = {"1": 31, "3": 1}
"""How long a report's range may be, by its type."""
TOP_UPS_SHOWN = timedelta(days=90)
"""How far back the list of top-ups goes before a search."""


class Answers:
    """The pages behind the login.

    Args:
        homes: The two meters of the account, and the one that `meter-added` adds.
        portal: Gives out and checks hidden state.
        faults: What is wrong.
        now: The simulated time.
    """

    def __init__(
        self, homes: tuple[Home, Home, Home], portal: Portal, faults: FaultBoard, now: Callable[[], datetime]
    ) -> None:
        self._homes = homes
        self._ledgers = {home.number: Ledger(home) for home in homes}
        self._portal = portal
        self._faults = faults
        self._now = now
        self._bending = Bending(homes[0], faults)

    def homes(self) -> list[Home]:
        """The meters on the account, in the portal's order."""
        electricity, water, annex = self._homes
        shown = [electricity] if "meter-removed" in self._faults else [electricity, water]
        return [*shown, annex] if "meter-added" in self._faults else shown

    def account(self, number: str) -> Account:
        """A meter's money now, as it is before any fault."""
        return self._ledgers[number].at(self._now())

    def page(self, name: str, session: Session, meter_id: str, form: Form | None) -> Reply:
        """One of `PAGES`, to a session that is logged in; `form` is what was posted."""
        if name == "report/usagehistory":
            return self.usage_history(session, meter_id, form)
        if name == "report/transactionhistory":
            return self.transaction_history(session, meter_id, form)
        if name == "payment/webform2":
            return self.payment(meter_id)
        if name == "accountinfo":
            return self.account_info(session, form)
        if name == "home":
            return self.home(session)
        return Reply(templates.main_page()) if name else redirect(f"{templates.ROOT}MainPage")

    def home(self, session: Session) -> Reply:
        """The meter cards."""
        cards = [] if self._faults.strike("no-cards") else [self._card(c, home) for c, home in enumerate(self.homes())]
        return Reply(templates.home(self._portal.state(session, "Home"), cards))

    def _card(self, c: int, home: Home) -> list[Field]:
        account, hostile = self._bending.account(home, self.account(home.number)), "markup" in self._faults
        late = 0 if self._faults.value("layout") == "old" else 1
        name, address, kampong, mukim = HOSTILE if hostile else (NAME, home.address, home.kampong, home.mukim)
        links = templates.card_links(c, 18 + late, _meter_id(home.number))
        return [
            Field(2, "Meter No:", home.number),
            Field(3, "", html=templates.icon(home.kind.capitalize())),
            Field(4, "Full Name:", name),
            Field(5, "Meter Status:", self._bending.status_text(home)),
            Field(6, "Address:", address),
            Field(7, "Kampong:", kampong),
            Field(8, "Mukim:", mukim),
            Field(9, "District:", home.district),
            Field(10, "Postcode:", home.postcode),
            *([Field(11, "Premise Type:", "RESIDENTIAL")] if late else []),
            Field(11 + late, "Remaining Unit:", self._bending.unit_text(home, account)),
            Field(12 + late, "Remaining Balance:", self._bending.credit_text(account)),
            Field(17 + late, "Last Updated:", self._bending.updated_text(home, account, with_time=not late)),
            Field(18 + late, "", html=links),
        ]

    # consumption

    def usage_history(self, session: Session, meter_id: str, form: Form | None) -> Reply:
        """The consumption report. A search shows rows when its type was already chosen by the page before."""
        home = self._home_of(meter_id)
        if home is None:
            return self._unknown_meter()
        page = f"UsageHistory {home.number}"
        if form is None:
            kind, grid, session.report = "0", Grid(()), (home.number, "0")
        else:
            if not self._portal.accepts(session, page, form) or any(form.get("ASPxHiddenField1", ())):
                return server_error()
            kind = form.get("cboType_VI", [""])[-1]
            chosen = session.report == (home.number, kind)
            session.report = (home.number, kind)
            grid = self._report(home, kind, form) if chosen and "Search" in form.get("btnRefresh", ()) else Grid(())
        state = self._report_state(session, page, form) | {"cboType_VI": kind}
        kinds = ("0", "1", "2", "3") if home.kind is Kind.ELECTRICITY else ("0", "1", "2")
        return Reply(templates.usage_history(state, f"./UsageHistory?p={meter_id}", kinds, grid))

    def _report(self, home: Home, kind: str, form: Form) -> Grid:
        first, last = self._range(form)
        if first is None or last is None or (last - first).days >= MOST_RANGE_DAYS.get(kind, 1 << 20):
            return Grid((), error=templates.NOT_FOUND)
        values = [] if "empty-history" in self._faults else list(self._values(home, kind, first, last))
        if "gaps" in self._faults:
            values = [one for i, one in enumerate(values) if (i + first.toordinal()) % 5 != 2]
        if not values:
            return Grid((), error=templates.NOT_FOUND)
        style = "09,.3f" if "comma-values" in self._faults else ".3f"
        rows = [(label, format(Decimal(value).scaleb(-3), style)) for label, value in values]
        if "dash-values" in self._faults:
            rows[-1] = (rows[-1][0], "-")
        total = Decimal(sum(value for _, value in values)).scaleb(-3)
        return Grid(rows, f"{total:.3f}", templates.NOT_FOUND if "stray-error" in self._faults else "")

    def _values(self, home: Home, kind: str, first: date, last: date) -> Iterable[tuple[str, int]]:
        """Label and thousandths of each row. The labels of months are inferred, like their combo value."""
        now = self._now()
        if "late" in self._faults:
            last = min(last, now.astimezone(BRUNEI).date() - timedelta(days=2))
        if kind == "3" and first <= last:
            hours = home.hours_known(first, now)
            return ((str(hour), self._bending.hour(home, first, value, now)) for hour, value in enumerate(hours, 1))
        days = ((day, self._bending.day(home, day, value, now)) for day, value in home.days_known(first, last, now))
        if kind == "1":
            return ((f"{day:%d/%m/%Y}", value) for day, value in days)
        months: dict[str, int] = {}
        for day, value in days if kind == "0" else ():
            months[f"{day:%m/%Y}"] = months.get(f"{day:%m/%Y}", 0) + value
        return months.items()

    # top-ups and debt

    def transaction_history(self, session: Session, meter_id: str, form: Form | None) -> Reply:
        """The list of top-ups, of the meter that was chosen on UsageHistory before."""
        home = self._home_of(meter_id)
        if home is None or session.report[0] != home.number:
            return self._unknown_meter()
        page = f"TransactionHistory {home.number}"
        first: date | None = (self._now().astimezone(BRUNEI) - TOP_UPS_SHOWN).date()
        last: date | None = date.max
        if form is not None:
            if not self._portal.accepts(session, page, form):
                return server_error()
            if "Search" in form.get("btnRefresh", ()):
                first, last = self._range(form)
        rows = [] if first is None or last is None else self._top_ups(home, first, last)
        state = self._report_state(session, page, form)
        return Reply(templates.transaction_history(state, f"./TransactionHistory?p={meter_id}", Grid(rows)))

    def _top_ups(self, home: Home, first: date, last: date) -> list[tuple[str, ...]]:
        if "empty-history" in self._faults:
            return []
        return [
            (
                f"{one.at:%d/%m/%Y %H:%M:%S}",
                one.transaction,
                home.number,
                f"${cents(one.amount_bnd)}",
                f"${cents(one.cleared_bnd)}",
                f"${cents(one.recharge_bnd)}",
                f"{one.units:,.3f}",
                one.mode,
                HOSTILE[0] if "markup" in self._faults else one.site,
                one.source,
            )
            for one in self._ledgers[home.number].purchases(first, last, self._now())
        ]

    def payment(self, meter_id: str) -> Reply:
        """The Top Up page."""
        home = self._home_of(meter_id)
        if home is None:
            return self._unknown_meter()
        account = self._bending.account(home, self.account(home.number))
        owes = account.debt_bnd > ZERO
        rows = (
            ("Meter No", "lblMeterNo2", home.number),
            ("Customer Type", "lblCustType", "Residential"),
            ("Debt Clearance Model", "lblDebtCleranceModel", "DEBT_ADJUSTED"),
            ("Total Debt Owing", "lblDebtBalRemaining", f"${cents(account.opening_debt_bnd if owes else ZERO)}"),
            ("Repayment Period", "lblRepaymentPeriod", "24" if owes else "-"),
            ("Monthly Debt Amount", "lblMonthlyDebtAmt", f"${cents(account.opening_debt_bnd / 24 if owes else ZERO)}"),
            ("Debt Remaining Period", "lblDebtRemainingPeriod", "-"),
            ("Debt Balance Remaining", "lblOutstandingBalance", f"${cents(account.debt_bnd)}"),
            ("Remaining Unit", "lblRemainingUnit", self._bending.unit_text(home, account)),
            ("Current Balance", "lblCurrentBalance", self._bending.credit_text(account)),
        )
        return Reply(templates.payment(rows))

    def account_info(self, session: Session, form: Form | None) -> Reply:
        """Who the account belongs to; with a meter chosen in the tree, that meter too."""
        if form is not None and not self._portal.accepts(session, "AccountInfo", form):
            return server_error()
        name = HOSTILE[0] if "markup" in self._faults else NAME
        labels = {"IDNumber": USERNAME, "Name": name, "ContactNo": "7000000", "Email": "contoh@example.invalid"}
        homes = self.homes()
        chosen = (form or {}).get("__EVENTARGUMENT", [""])[-1].rpartition("_")[2]
        if chosen.isdecimal() and len(chosen) < 4 and int(chosen) < len(homes):
            labels |= self._meter_labels(homes[int(chosen)])
        state = self._portal.state(session, "AccountInfo")
        return Reply(templates.account_info(state, labels, [home.number for home in homes]))

    def _meter_labels(self, home: Home) -> dict[str, str]:
        account = self._bending.account(home, self.account(home.number))
        return {
            "Address": home.address,
            "Kampong": home.kampong,
            "Mukim": home.mukim,
            "District": home.district,
            "Postcode": home.postcode,
            "MeterNo": home.number,
            "MeterType": home.kind.capitalize(),
            "CustomerType": "Residential",
            "RemainingUnit": self._bending.unit_text(home, account),
            "CurrentBalance": self._bending.credit_text(account),
            "LastUpdated": self._bending.updated_text(home, account, with_time=True) or "-",
            "Status": self._bending.status_text(home),
        }

    # what they share

    def _home_of(self, meter_id: str) -> Home | None:
        return next((home for home in self.homes() if _meter_id(home.number) == meter_id), None)

    def _unknown_meter(self) -> Reply:
        return Reply(templates.usage_history({}, "./UsageHistory", (), Grid((), error=templates.KEY_MISSING)))

    def _range(self, form: Form) -> tuple[date | None, date | None]:
        """The days asked for; today where a field is blank, None where it is no date."""
        today = self._now().astimezone(BRUNEI).date()
        return _day(form, "cboDateFrom", today), _day(form, "cboDateTo", today)

    def _report_state(self, session: Session, page: str, form: Form | None) -> dict[str, str]:
        return self._portal.state(session, page) | {
            "ASPxHiddenField1": "",
            "cboDateFrom$State": (form or {}).get("cboDateFrom$State", [_date_state(self._now())])[-1][:200],
            "cboDateTo$State": (form or {}).get("cboDateTo$State", [_date_state(self._now())])[-1][:200],
            "ASPxPageControl1": "{&quot;activeTabIndex&quot;:1}",
        }


def server_error() -> Reply:
    """What ASP.NET shows for hidden state that does not fit, among other things."""
    return Reply(templates.notice("Server Error in '/SmartMeter' Application.", "Runtime Error"), 500)


def _day(form: Form, name: str, blank: date) -> date | None:
    text = form.get(name, [""])[-1].strip()
    try:
        return datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=BRUNEI).date() if text else blank
    except ValueError:
        return None


def _date_state(at: datetime) -> str:
    midnight = at.astimezone(BRUNEI).replace(hour=0, minute=0, second=0, microsecond=0)
    return f"{{&quot;rawValue&quot;:&quot;{(midnight.timestamp() + 8 * 3600) * 1000:.0f}&quot;}}"


def _meter_id(number: str) -> str:
    return base64.b64encode(number.encode()).decode()
