"""The Top Up page: debt and customer type of a meter, by label (usms.md 2.6). Nothing is ever paid from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wattdeck.core.errors import BadAnswer
from wattdeck.core.language import tr
from wattdeck.systems.usms import markup
from wattdeck.systems.usms.cards import Card
from wattdeck.systems.usms.models import TopUpPage
from wattdeck.systems.usms.values import money_bnd, quantity

if TYPE_CHECKING:
    from bs4.element import Tag

SPANS_MAX = 1000

_LABELS = {
    "customer type": "customer",
    "total debt owing": "total",
    "debt balance remaining": "remaining",
    "repayment period": "period",
    "debt repayment period": "period",
    "monthly debt amount": "monthly",
    "debt clearance model": "clearance",
    "remaining unit": "unit",
    "remaining balance": "credit",
    "remaining credit": "credit",
    "current balance": "credit",
}
_IDS = {
    "pcAccount_lblCustType": "customer",
    "pcAccount_lblDebtBalRemaining": "total",
    "pcAccount_lblOutstandingBalance": "remaining",
    "pcAccount_lblRepaymentPeriod": "period",
    "pcAccount_lblMonthlyDebtAmt": "monthly",
    "pcAccount_lblDebtCleranceModel": "clearance",
    "pcAccount_lblRemainingUnit": "unit",
    "pcAccount_lblCurrentBalance": "credit",
}
"""What each element shows if its row has no known label. Two ids contradict their labels; this follows the labels."""


def read_top_up(html: str, what: str) -> TopUpPage:
    """Debt and customer type of a meter, by the labels of the Top Up page (usms.md 2.6).

    Raises:
        BadAnswer: the page shows nothing of that.
    """
    shown = Card()
    by_id: dict[str, tuple[str, ...]] = {}
    for element in markup.soup(html, "tr", "span").find_all("span", limit=SPANS_MAX):
        name = markup.attribute(element, "id")
        if name.startswith("pcAccount_lbl"):
            pieces = markup.pieces(markup.strings(element))
            field_name = _label(element)
            if field_name:
                shown.fields.setdefault(field_name, pieces)
            elif name in _IDS:
                by_id.setdefault(_IDS[name], pieces)
    if not shown.fields and not by_id:
        raise BadAnswer(
            tr("{page}: this page shows nothing of debts and top-ups; is the portal under maintenance?", page=what)
        )
    shown.fields = by_id | shown.fields
    return TopUpPage(
        customer_type=shown.text("customer"),
        total_debt_bnd=money_bnd(*shown.texts("total")),
        debt_remaining_bnd=money_bnd(*shown.texts("remaining")),
        repayment_period=shown.text("period"),
        monthly_debt_bnd=money_bnd(*shown.texts("monthly")),
        debt_clearance=shown.text("clearance"),
        remaining_unit=quantity(*shown.texts("unit"))[0],
        credit_bnd=money_bnd(*shown.texts("credit")),
    )


def _label(element: Tag) -> str:
    """The field that the row's label names, which is in a cell before the value; empty if there is no known one."""
    cell = element.find_parent("td")
    for before in cell.find_previous_siblings("td", limit=3) if cell is not None else ():
        label = markup.text(markup.pieces(markup.strings(before))).strip(": ").lower()
        if label:
            return _LABELS.get(label, "")
    return ""
