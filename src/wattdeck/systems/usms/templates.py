"""The HTML of the simulated portal: ASP.NET Web Forms with DevExpress names, as usms.md 2 shows it.

Cells and rows hold no whitespace, and nothing follows an empty error span but a line break: the public package reads
such pages only so (usms.md 2.2, 2.3, 2.5). Every value that comes in is escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

ROOT = "/SmartMeter/"
EXPIRED = "Your Session Has Expired, Please Login Again."
WRONG_PASSWORD = "Incorrect user name and password."  # noqa: S105
NOT_FOUND = "consumption history not found."
KEY_MISSING = "The given key was not present in the dictionary."
COMBO = {"1": "Daily (Max 1 month)", "3": "Hourly (Max 1 day)", "0": "Monthly", "2": "Summary"}
"""The values of Monthly and Summary are inferred."""
TRANSACTION_COLUMNS = (
    "Topup Date",
    "Transaction No",
    "Meter No",
    "Topup Amount",
    "Initial Loan/Debt Cleared",
    "Actual Recharge Amount",
    "Units Credited",
    "Payment Mode",
    "Site Name",
    "Source",
)

_NAME_FIELDS = """
<input type="text" name="ASPxRoundPanel1$txtUsername" id="ASPxRoundPanel1_txtUsername_I" />
<input type="password" name="ASPxRoundPanel1$txtPassword" id="ASPxRoundPanel1_txtPassword_I" />"""
_CAPTCHA_FIELD = """
<input type="text" name="ASPxRoundPanel1$ASPxCaptcha1$TB" id="ASPxRoundPanel1_ASPxCaptcha1_TB_I" />"""
_LOGIN_BUTTON = """
<input type="submit" name="ASPxRoundPanel1$btnLogin" value="Login" />"""
_DATES = """<input type="text" name="cboDateFrom" id="cboDateFrom_I" />
<input type="text" name="cboDateTo" id="cboDateTo_I" />
<input type="submit" name="btnRefresh" value="Search" />
"""

State = Mapping[str, str]
"""Name and value of the hidden inputs."""


@dataclass(frozen=True, slots=True)
class Field:
    """One cell of a meter card."""

    n: int
    caption: str
    """Empty: the cell holds `html` alone."""
    text: str = ""
    html: str = ""
    """Used as it is, in place of `text`."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A report's table."""

    rows: Sequence[tuple[str, ...]]
    total: str = ""
    error: str = ""


def page(body: str, title: str = "Smart Meter") -> str:
    """A whole document."""
    head = f'<head><meta charset="utf-8" /><title>{escape(title)}</title></head>'
    return f"<!DOCTYPE html>\n<html>{head}<body>\n<!-- simulated by wattdeck -->\n{body}\n</body></html>\n"


def _form(action: str, state: State, body: str) -> str:
    hidden = "\n".join(
        f'<input type="hidden" name="{escape(name)}" id="{escape(name)}" value="{escape(value)}" />'
        for name, value in state.items()
    )
    return page(f'<form method="post" action="{escape(action)}" id="form1">\n{hidden}\n{body}\n</form>')


def _error(text: str) -> str:
    return f'<span class="dxeBase" id="pcErr_lblErrMsg">{escape(text)}</span>\n'


def login(state: State, image: str | None, error: str = "") -> str:
    """The login form; `image` is the address of the captcha."""
    body = _NAME_FIELDS + (_image(image) + _CAPTCHA_FIELD if image else "") + _LOGIN_BUTTON
    return _form("./ResLogin", state, f"{_error(error)}{body}")


def challenge(state: State, sc: str, image: str | None) -> str:
    """The page that asks for the captcha alone."""
    picture = _image(image) if image else ""
    return _form(f"./ResLogin?sc={sc}", state, f"{picture}{_CAPTCHA_FIELD}{_LOGIN_BUTTON}\n{_error('')}")


def _image(address: str) -> str:
    return f'\n<img id="ASPxRoundPanel1_ASPxCaptcha1_IMG" src="{escape(address)}" alt="code" />'


def expired() -> str:
    """Where an expired session ends."""
    return page(f"<p>{EXPIRED}</p>")


def moved(location: str) -> str:
    """The body of a redirect."""
    return page(f'<h2>Object moved to <a href="{escape(location)}">here</a>.</h2>', "Object moved")


def notice(title: str, words: str) -> str:
    """A page with nothing but words."""
    return page(f"<h1>{escape(title)}</h1><p>{escape(words)}</p>", title)


def main_page() -> str:
    """The shell after login."""
    return page(f'<iframe id="MyFrame" name="MyFrame" src="{ROOT}Home"></iframe>')


def home(state: State, cards: Sequence[Sequence[Field]]) -> str:
    """The meter cards."""
    shown = "".join(
        f'<td class="dxcvCard" id="ASPxCardView1_DXDataCard{c}"><table>\n'
        + "".join(f"<tr>{_card_cell(c, field)}</tr>\n" for field in card)
        + "</table></td>"
        for c, card in enumerate(cards)
    )
    return _form("./Home", state, f'<table id="ASPxCardView1_DXMainTable"><tr>{shown}</tr></table>')


def _card_cell(c: int, field: Field) -> str:
    value = field.html or escape(field.text)
    cell = f'<td id="ASPxCardView1_DXCardLayout{c}_{field.n}">'
    if not field.caption:
        return f"{cell}{value}</td>"
    caption = f'<span class="dxflCaption_Office365 dxflCaption">{escape(field.caption)}</span>'
    nested = f'<td class="dxflNestedControlCell_Office365 dxflNestedControlCell">{value}</td>'
    return f"{cell}<table><tr><td>{caption}</td>{nested}</tr></table></td>"


def icon(kind: str) -> str:
    """The picture on a card: `Water` or `Electricity` in its address tells the kind."""
    return f'<img src="{ROOT}Images/{escape(kind)}.png" alt="" />'


def card_links(c: int, n: int, meter_id: str) -> str:
    """The links on a card; `=` stays as it is."""
    links = (("Report/UsageHistory", 4), ("Report/TransactionHistory", 5))
    return "".join(
        f'<a id="ASPxCardView1_DXCardLayout{c}_cell{c}_{n}_ASPxHyperLink{link}_{c}" href="{path}?p={meter_id}">'
        f"{path.removeprefix('Report/')}</a>"
        for path, link in links
    )


def usage_history(state: State, action: str, kinds: Sequence[str], grid: Grid) -> str:
    """The consumption report; without rows in `grid` its table is an empty one."""
    options = "".join(f"<li>{escape(COMBO[kind])}</li>" for kind in kinds)
    chosen = COMBO.get(state.get("cboType_VI", ""), "")
    controls = (
        f'<input type="text" name="cboType" id="cboType_I" value="{escape(chosen)}" /><ul>{options}</ul>\n'
        + _DATES
        + f'<img id="ASPxPageControl1_WebChartControl2_IMG" src="{ROOT}DXB.axd?DXCache=chart" alt="" />\n'
    )
    headers = ("Hour" if state.get("cboType_VI") == "3" else "Date", "Unit")
    table = _grid("ASPxPageControl1_grid", headers, grid)
    return _form(action, state, f"{_error(grid.error)}{controls}{table}")


def transaction_history(state: State, action: str, grid: Grid) -> str:
    """The list of top-ups; that its table is named like the one of a report is inferred."""
    export = '<input type="submit" name="btnExportXlsx" value="Export" />\n'
    table = _grid("ASPxPageControl1_grid", TRANSACTION_COLUMNS, grid)
    return _form(action, state, f"{_error(grid.error)}{_DATES}{export}{table}")


def _grid(name: str, headers: Sequence[str], grid: Grid) -> str:
    head = "".join(f'<td class="dxgvHeader">{escape(header)}</td>' for header in headers)
    rows = "\n".join(
        f'<tr id="{name}_DXDataRow{i}" class="dxgvDataRow">{_cells(row)}</tr>' for i, row in enumerate(grid.rows)
    )
    if not grid.rows:
        rows = f'<tr id="{name}_DXEmptyRow" class="dxgvEmptyDataRow"><td>No data to display</td></tr>'
    table = f'<table id="{name}_DXMainTable"><tr id="{name}_DXHeadersRow0">{head}</tr>\n{rows}\n</table>'
    if not grid.total:
        return table
    total = f"<td>&nbsp;</td><td>Total units: {escape(grid.total)}</td>"
    return f'{table}\n<table id="{name}_DXFooterTable"><tr id="{name}_DXFooterRow">{total}</tr></table>'


def _cells(row: Sequence[str]) -> str:
    return "".join(f"<td>{escape(cell)}</td>" for cell in row)


def payment(rows: Sequence[tuple[str, str, str]]) -> str:
    """The Top Up page: label, element name, value. Two names contradict their labels (usms.md 2.6)."""
    return page(
        "<table>"
        + "\n".join(
            f'<tr><td>{escape(label)}</td><td><span id="pcAccount_{name}"><font size="3">{escape(value)}</font></span>'
            "</td></tr>"
            for label, name, value in rows
        )
        + "</table>"
    )


def account_info(state: State, labels: Mapping[str, str], tree: Sequence[str]) -> str:
    """Who the account belongs to, and its meters as a tree of three levels."""
    spans = "\n".join(
        f'<span id="ASPxFormLayout1_lbl{escape(name)}">{escape(value)}</span>' for name, value in labels.items()
    )
    leaves = "".join(
        f'<li id="ASPxPanel1_ASPxTreeView1_N0_0_{z}"><span>{escape(number)}</span></li>'
        for z, number in enumerate(tree)
    )
    nested = (
        '<li id="ASPxPanel1_ASPxTreeView1_N0"><span>Account</span><ul>'
        f'<li id="ASPxPanel1_ASPxTreeView1_N0_0"><span>Meters</span><ul>{leaves}</ul></li></ul></li>'
    )
    return _form("./AccountInfo", state, f'{spans}\n<div id="ASPxPanel1_ASPxTreeView1_CD"><ul>{nested}</ul></div>')
