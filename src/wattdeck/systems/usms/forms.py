"""What is posted to the portal, field by field, in the order browsers and the public package send it (usms.md 11)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

Fields = list[tuple[str, str]]

_LOGIN = "ASPxRoundPanel1$"


def meter_id(number: str) -> str:
    """A meter's number as the portal's query parameter `p`: Base64, padding kept (usms.md 1)."""
    return base64.b64encode(number.encode("ascii")).decode("ascii")


def login(state: Mapping[str, str], username: str, password: str, captcha: str = "") -> Fields:
    """The login form; the captcha stays empty on the first of the two pages."""
    return [
        *state.items(),
        (f"{_LOGIN}btnLogin", "Login"),
        (f"{_LOGIN}txtUsername", username),
        (f"{_LOGIN}txtPassword", password),
        (f"{_LOGIN}ASPxCaptcha1$TB", captcha),
    ]


def hourly(day: date) -> Fields:
    """The search for the hours of one day."""
    state = _date_state(day)
    return [
        ("cboType_VI", "3"),
        ("cboType", "Hourly (Max 1 day)"),
        ("btnRefresh", "Search"),
        ("btnRefresh", ""),
        ("cboDateFrom", f"{day:%d/%m/%Y}"),
        ("cboDateTo", f"{day:%d/%m/%Y}"),
        ("cboDateFrom$State", state),
        ("cboDateTo$State", state),
    ]


def daily(first: date, last: date) -> Fields:
    """The search for the days of a month, or of its beginning."""
    return [
        ("cboType_VI", "1"),
        ("cboType", "Daily (Max 1 month)"),
        ("btnRefresh", "Search"),
        ("cboDateFrom", f"{first:%d/%m/%Y}"),
        ("cboDateTo", f"{last:%d/%m/%Y}"),
        ("cboDateFrom$State", _date_state(first, hour=8)),
        ("cboDateTo$State", _date_state(last)),
    ]


def between(first: date, last: date) -> Fields:
    """The search for the top-ups of some days."""
    return [("btnRefresh", "Search"), *daily(first, last)[3:]]


def with_state(fields: Sequence[tuple[str, str]], state: Mapping[str, str]) -> Fields:
    """The fields, and every hidden input of the page before that is not among them."""
    named = {name for name, _ in fields}
    return [*fields, *((name, value) for name, value in state.items() if name not in named)]


def _date_state(day: date, hour: int = 0) -> str:
    """What the date control keeps beside its text: the wall clock taken as UTC, entities and all (usms.md 4)."""
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    ms = (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)
    return f"{{&quot;rawValue&quot;:&quot;{ms}&quot;}}"
