"""Does usms 1.3.1 take the simulator for the portal? The acceptance test of usms.md section 11.

Run it with a Python 3.11 or newer that has usms 1.3.1, and name the Python that has wattdeck:

    python3.12 -m venv .conformance && .conformance/bin/pip install usms==1.3.1
    .conformance/bin/python benchmarks/conformance_usms.py --wattdeck-python .venv/bin/python

Prints one line a check; the exit code is the number of checks that failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from usms import initialize_usms_account
from usms.core.auth import USMSAuthMixin
from usms.core.client import AsyncUSMSClient, BaseUSMSClient, USMSClient
from usms.exceptions.errors import USMSCaptchaError, USMSLoginError, USMSPageResponseError

SERVE = """
import asyncio, json
from datetime import date, datetime, timedelta
from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.usms.models import BRUNEI
from wattdeck.systems.usms.simulator import UsmsSimulator
simulator = UsmsSimulator(SimulatorOptions(seed=7))
electricity, water = simulator.house
day = datetime.now(BRUNEI).date() - timedelta(days=10)
last = day.replace(day=1) - timedelta(days=1)
month = [last.replace(day=n) for n in range(1, last.day + 1)]
account = simulator.answers.account(electricity.number)
truth = {
    "day": day.isoformat(),
    "hours": [value / 1000 for value in electricity.hours(day)],
    "days": [electricity.day(one) / 1000 for one in month],
    "water_days": [water.day(one) / 1000 for one in month],
    "first_day": electricity.commissioned.isoformat(),
    "unit": float(account.remaining_units), "credit": int(account.credit_bnd * 100) / 100,
}
asyncio.run(serve(simulator.app, "127.0.0.1", 0, lambda url: print(json.dumps(truth | {"url": url}), flush=True)))
"""
LOGIN = [
    ("GET", "/SmartMeter//Home", 302),
    ("GET", "/SmartMeter/SessionExpire", 200),
    ("GET", "/SmartMeter/ResLogin", 200),
    ("POST", "/SmartMeter/ResLogin", 302),
    ("GET", "/SmartMeter/ResLogin", 200),
    ("GET", "/SmartMeter/DXB.axd", 200),
    ("POST", "/SmartMeter/ResLogin", 302),
    ("GET", "/SmartMeter/LoginSession.aspx", 301),
    ("GET", "/SmartMeter/LoginSession", 302),
    ("GET", "/SmartMeter/MainPage", 200),
    ("GET", "/SmartMeter//Home", 200),
]
"""Method, path and status of each request, as the sheet lists them."""


class Checks:
    """Prints and counts."""

    def __init__(self) -> None:
        self.failed = 0
        self.made = 0

    def that(self, words: str, holds: object, seen: object = "") -> None:
        """One check."""
        self.made += 1
        self.failed += not holds
        print(f"{'ok  ' if holds else 'FAIL'} {words}{f': {seen}' if seen != '' and not holds else ''}")

    def same(self, words: str, seen: object, expected: object) -> None:
        """Both must be equal."""
        self.that(words, seen == expected, f"{seen!r}, expected {expected!r}")

    async def raises(self, words: str, call: Callable[[], Awaitable[Any]], error: type[Exception]) -> None:
        """The call must raise exactly this class."""
        try:
            result = await call()
        except Exception as caught:
            self.that(words, type(caught) is error, f"{type(caught).__name__} {caught}")
        else:
            self.that(words, False, f"returned {result!r}"[:200])


class Bench:
    """The simulator's controls, and accounts of the real package that talk to it."""

    def __init__(self, truth: dict[str, Any]) -> None:
        self.truth = truth
        self.day = date.fromisoformat(truth["day"])
        self.control = httpx.Client(base_url=truth["url"])
        self.log: list[tuple[str, str, int]] = []
        BaseUSMSClient.BASE_URL = f"{truth['url']}/SmartMeter/"
        USMSAuthMixin.LOGIN_URL = f"{truth['url']}/SmartMeter/ResLogin"

    def fault(self, name: str, value: str | None = None) -> None:
        """Switch a fault on."""
        self.control.post("/_sim/fault", json={"name": name, "value": value}).raise_for_status()

    def clear(self) -> None:
        """Switch all off."""
        self.control.post("/_sim/clear").raise_for_status()

    def solve(self, image: bytes) -> str:
        """Ask the simulator what the picture says."""
        assert image.startswith(b"\x89PNG")
        return str(self.control.get("/_sim/captcha").json()["answer"])

    def logins(self) -> int:
        """Sessions made so far."""
        return int(self.control.get("/_sim/state").json()["logins"])

    def _note(self, response: httpx.Response) -> None:
        self.log.append((response.request.method, urlsplit(str(response.url)).path, response.status_code))

    async def _note_async(self, response: httpx.Response) -> None:
        self._note(response)

    async def account(self, password: str = "demo-password", *, sync: bool = False, own_solver: bool = False) -> Any:
        """An account of the real package, logged in."""
        self.log.clear()
        solver = None if own_solver else self.solve
        if sync:
            client = httpx.Client(timeout=30, event_hooks={"response": [self._note]})
            return initialize_usms_account(usms_client=USMSClient("01234567", password, client, captcha_solver=solver))
        hooks = {"response": [self._note_async]}
        session = AsyncUSMSClient(
            "01234567", password, httpx.AsyncClient(timeout=30, event_hooks=hooks), captcha_solver=solver
        )
        return await initialize_usms_account(usms_client=session)


def noon(day: date) -> datetime:
    """A moment of a day in Brunei."""
    return datetime.fromisoformat(f"{day.isoformat()}T12:00:00+08:00")


async def ready(result: Any) -> Any:
    """What a method returns, whether it has to be awaited or not."""
    return await result if hasattr(result, "__await__") else result


async def read(checks: Checks, bench: Bench, how: str) -> None:
    """Login, meters, reports and debt, with the sync or the async client."""
    truth = bench.truth
    account = await bench.account(sync=how == "sync")
    checks.same(f"{how}: the requests of a login are those of the sheet", bench.log, LOGIN)
    kinds = [(meter.no, meter.type) for meter in account.meters]
    checks.same(f"{how}: meters", kinds, [("12345678", "Electricity"), ("2402007817", "Water")])
    checks.same(f"{how}: name of the account", account.name, "AWANG CONTOH BIN HAJI MISALAN")
    electricity, water = account.meters
    checks.same(f"{how}: remaining unit", electricity.remaining_unit, truth["unit"])
    checks.same(f"{how}: credit", electricity.remaining_credit, truth["credit"])
    checks.that(f"{how}: both meters are active", electricity.is_active and water.is_active)
    checks.same(f"{how}: no debt on electricity", electricity.has_debt, False)
    hours = await ready(electricity.fetch_hourly_consumptions(noon(bench.day)))
    checks.same(f"{how}: 24 hours of a day", list(hours.values()), truth["hours"])
    checks.same(f"{how}: the first is midnight in Brunei", min(hours).isoformat(), f"{bench.day}T00:00:00+08:00")
    last = bench.day.replace(day=1) - timedelta(days=1)
    days = await ready(electricity.fetch_daily_consumptions(noon(last)))
    checks.same(f"{how}: every day of a month", list(days.values()), truth["days"])
    days = await ready(water.fetch_daily_consumptions(noon(last)))
    checks.same(f"{how}: every day of a month, water", list(days.values()), truth["water_days"])
    checks.same(f"{how}: no hours of water", await ready(water.fetch_hourly_consumptions(noon(bench.day))), {})
    info = await ready(electricity.fetch_payment_info())
    checks.that(f"{how}: top-up page", "Residential" in str(info) and "DEBT_ADJUSTED" in str(info), info)
    await ready(electricity.get_last_n_days_hourly_consumptions(1))
    bench.fault("session-stolen")
    before = bench.logins()
    await ready(account.fetch_info())
    checks.same(f"{how}: a stolen session is made anew, with its dead id", bench.logins(), before + 1)
    bench.fault("session-stolen", "after:1")
    hours = await ready(electricity.fetch_hourly_consumptions(noon(bench.day - timedelta(days=1))))
    checks.same(f"{how}: stolen in the middle of a report", len(hours), 24)
    if how == "async":
        earliest = await ready(electricity.find_earliest_consumption_date())
        checks.same(f"{how}: earliest day", earliest.date().isoformat(), truth["first_day"])


async def enter(checks: Checks, bench: Bench) -> None:
    """What can happen at the door."""
    await checks.raises("wrong password", lambda: bench.account("wrong"), USMSLoginError)
    checks.same("wrong password: refused before any captcha", bench.log[3:], [("POST", "/SmartMeter/ResLogin", 200)])
    bench.fault("captcha-wrong", "2")
    checks.same("two wrong answers, then a right one", len((await bench.account()).meters), 2)
    bench.fault("captcha-wrong", "3")
    await checks.raises("three wrong answers", bench.account, USMSCaptchaError)
    checks.same("three wrong answers take 12 requests", len(bench.log) - 2, 12)
    bench.fault("captcha-off")
    checks.same("no captcha", len((await bench.account()).meters), 2)
    bench.clear()
    bench.fault("captcha-missing")
    await checks.raises("no image on the challenge", bench.account, USMSLoginError)
    bench.clear()
    bench.fault("login-503")
    await checks.raises("503 at the login reads as a login error there", bench.account, USMSLoginError)
    bench.clear()
    first, second = await bench.account(), await bench.account()
    before = bench.logins()
    await second.fetch_info()
    checks.same("the second login is live", bench.logins(), before)
    await first.fetch_info()
    checks.same("and ended the first", bench.logins(), before + 1)
    read_by_model = 0
    for _ in range(10):
        try:
            read_by_model += len((await bench.account(own_solver=True)).meters) == 2
        except USMSCaptchaError:
            continue
    checks.that("its own captcha model gets in, 8 times of 10 or more", read_by_model >= 8, read_by_model)


async def fail(checks: Checks, bench: Bench) -> None:
    """The faults do to 1.3.1 what the sheet says of it."""
    for name, error in (
        ("latin1", UnicodeDecodeError),
        ("status-503", USMSPageResponseError),
        ("dashes", ValueError),
        ("expire-inline", None),
        ("no-cards", None),
        ("maintenance", None),
    ):
        bench.fault(name)
        if error is None:
            account = await bench.account()
            checks.same(f"{name}: no meters, no error", list(account.meters), [])
        else:
            await checks.raises(name, bench.account, error)
        bench.clear()
    for form, credit in (("inside", -5.0), ("before", 5.0)):
        bench.fault("negative-credit", form)
        account = await bench.account()
        checks.same(f"negative credit, sign {form}", account.meters[0].remaining_credit, credit)
    bench.clear()
    bench.fault("water-no-date")
    account = await bench.account()
    checks.same("no Last Updated on water", account.meters[1].last_update.year, 1970)
    bench.clear()
    bench.fault("layout", "old")
    account = await bench.account()
    electricity = account.meters[0]
    checks.same("old layout", electricity.remaining_unit, bench.truth["unit"])
    checks.that("old layout: date and time", electricity.last_update.year > 2000, electricity.last_update)
    bench.clear()
    last = noon(bench.day.replace(day=1) - timedelta(days=1))
    bench.fault("strict-viewstate")
    await checks.raises(
        "strict __VIEWSTATE: daily fails", lambda: electricity.fetch_daily_consumptions(last), USMSPageResponseError
    )
    hours = await electricity.fetch_hourly_consumptions(noon(bench.day - timedelta(days=2)))
    checks.same("strict __VIEWSTATE: hourly works", len(hours), 24)
    bench.clear()
    bench.fault("comma-values")
    await checks.raises("commas", lambda: electricity.fetch_hourly_consumptions(noon(bench.day)), ValueError)
    bench.clear()
    bench.fault("gaps")
    hours = await electricity.fetch_hourly_consumptions(noon(bench.day - timedelta(days=3)))
    checks.that("gaps: fewer hours, and no hole where one is", 0 < len(hours) < 24 and max(hours).hour < 23, hours)
    bench.clear()
    bench.fault("empty-history")
    hours = await electricity.fetch_hourly_consumptions(noon(bench.day - timedelta(days=4)))
    checks.same("empty history", hours, {})
    bench.clear()


async def main(truth: dict[str, Any]) -> int:
    """The sequences of section 11."""
    checks, bench = Checks(), Bench(truth)
    await read(checks, bench, "async")
    await read(checks, bench, "sync")
    await enter(checks, bench)
    await fail(checks, bench)
    print(f"{checks.made - checks.failed} of {checks.made} checks hold")
    return checks.failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wattdeck-python", default=sys.executable, help="the Python that has wattdeck")
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with subprocess.Popen([chosen.wattdeck_python, "-c", SERVE], stdout=subprocess.PIPE, text=True) as simulator:
        try:
            assert simulator.stdout is not None
            failures = asyncio.run(main(json.loads(simulator.stdout.readline())))
        finally:
            simulator.terminate()
    sys.exit(failures)
