"""`wattdeck usms ...` as a person or a cron job uses it."""

from __future__ import annotations

import csv
import io
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.abc import TaskStatus
from anyio.from_thread import start_blocking_portal
from test_shell import Shell, shell, write  # noqa: F401  a fixture by its name

from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.usms.asking import Asker
from wattdeck.systems.usms.simulator import PASSWORD, UsmsSimulator

ELECTRICITY = "12345678"


@pytest.fixture
def portal(deck_home: Path, tmp_path: Path) -> Iterator[str]:
    """A simulated portal on a loopback port, and a configuration without a password that points at it."""
    simulator = UsmsSimulator(SimulatorOptions(seed=1))

    async def serving(*, task_status: TaskStatus[str]) -> None:
        await serve(simulator.app, "127.0.0.1", 0, task_status.started)

    with start_blocking_portal() as running:
        future, url = running.start_task(serving)
        config = tmp_path / "config" / "wattdeck" / "config.toml"
        write(config, f'[[usms]]\nname = "rumah"\nusername = "01-234567"\nurl = "{url}"\n')
        try:
            yield url
        finally:
            future.cancel()


def answer_of(url: str) -> str:
    with urllib.request.urlopen(f"{url}/_sim/captcha", timeout=5) as answer:
        return str(json.load(answer)["answer"])


def test_a_tariff_is_reckoned_offline(shell: Shell) -> None:  # noqa: F811
    done = shell("usms", "tariff", "electricity", "735", "1387.5", "--format", "json")
    assert done.code == 0 and not done.err
    assert [(row["quantity"], row["cost_bnd"]) for row in done.document] == [(735.0, 16.8), (1387.5, 69.0)]
    assert [tier["cost_bnd"] for tier in done.document[0]["tiers"]] == [6.0, 10.8]
    assert "B$      16.80" in shell("usms", "tariff", "electricity", "735").out
    assert shell("usms", "tariff", "water", "60", "--format", "csv").out == "quantity,cost_bnd\n60.0,8.4\n"
    assert "1,948.80" in shell("usms", "tariff", "commercial", "26880", "--kva", "140").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("electricity", "many"), "not a number"),
        (("electricity", "--", "-5"), "too low"),
        (("electricity", "nan"), "number"),
        (("electricity", "1e99"), "too"),
        (("electricity", "735", "--after", "x"), "not a number"),
        (("commercial", "735"), "--kva"),
        (("electricity",), "Missing argument"),
        (("gas", "1"), "gas"),
    ],
)
def test_a_quantity_that_is_none_is_refused_in_words(shell: Shell, arguments: tuple[str, ...], words: str) -> None:  # noqa: F811
    done = shell("usms", "tariff", *arguments)
    assert done.code == 2 and words in done.err and not done.out


def test_meters_unit_and_credit(shell: Shell) -> None:  # noqa: F811
    done = shell("usms", "meters", "--demo", "--format", "json")
    meter = next(row for row in done.document if row["kind"] == "electricity")
    assert done.code == 0 and meter["number"] == ELECTRICITY and meter["unit"] == "kWh"
    assert "kWh" in shell("usms", "unit", "electricity", "--demo").out
    credit = shell("usms", "credit", ELECTRICITY, "--demo", "--format", "json").document
    assert credit[0]["credit_bnd"] == meter["credit_bnd"]
    assert "water" in shell("usms", "meters", "--demo").out


def test_consumption_by_day_and_hour(shell: Shell) -> None:  # noqa: F811
    span = ("--from", "2026-03-02", "--to", "2026-03-03")
    days = shell("usms", "consumption", ELECTRICITY, "--demo", *span, "--format", "json")
    hours = shell("usms", "consumption", ELECTRICITY, "--demo", *span, "--hourly", "--format", "json")
    assert days.code == hours.code == 0
    assert [row["start"] for row in days.document] == ["2026-03-02T00:00:00+08:00", "2026-03-03T00:00:00+08:00"]
    assert len(hours.document) == 48
    first_day = sum(row["value"] for row in hours.document[:24])
    assert first_day == pytest.approx(days.document[0]["value"], abs=0.002)
    assert "total" in shell("usms", "consumption", ELECTRICITY, "--demo", *span).out


def test_water_by_the_hour_says_what_to_do(shell: Shell) -> None:  # noqa: F811
    done = shell("usms", "consumption", "water", "--demo", "--hourly", "--from", "2026-03-02", "--to", "2026-03-02")
    assert done.code == 1 and "--daily" in done.err


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (("--from", "2026-03-05", "--to", "2026-03-02"), "is after"),
        (("--to", "2999-01-01"), "in the future"),
        (("--from", "2001-01-01", "--to", "2026-01-01"), "more than 400 days"),
        (("--from", "yesterday"), "does not match"),
    ],
)
def test_days_that_cannot_be_meant_are_refused(shell: Shell, span: tuple[str, ...], words: str) -> None:  # noqa: F811
    done = shell("usms", "consumption", ELECTRICITY, "--demo", *span)
    assert done.code == 2 and words in done.err


def test_costs_of_a_month(shell: Shell) -> None:  # noqa: F811
    done = shell("usms", "cost", "electricity", "--demo", "--month", "2026-03", "--format", "json")
    (month,) = done.document
    assert done.code == 0 and month["start"] == "2026-03-01" and month["days_known"] == 31
    assert month["cost_bnd"] == pytest.approx(sum(tier["cost_bnd"] for tier in month["tiers"]))
    assert month["projection"] is None
    assert "March 2026" in shell("usms", "cost", "electricity", "--demo", "--month", "2026-03").out


@pytest.mark.parametrize(("meter", "words"), [("999", "no meter"), ("", "no meter"), ("gas", "no meter")])
def test_a_meter_that_is_none_lists_what_there_is(shell: Shell, meter: str, words: str) -> None:  # noqa: F811
    done = shell("usms", "unit", meter, "--demo")
    assert done.code == 2 and words in done.err and ELECTRICITY in done.err


def test_without_a_session_the_words_name_the_command(shell: Shell, portal: str) -> None:  # noqa: F811
    done = shell("usms", "meters")
    assert done.code == 3 and "wattdeck usms login" in done.err and not done.out
    done = shell("snapshot", "--format", "json")
    assert done.code == 3 and done.document["sources"][0]["link"] == "refused"


def test_login_without_a_terminal_is_refused_in_words(shell: Shell, portal: str) -> None:  # noqa: F811
    done = shell("usms", "login")
    assert done.code == 3 and "no terminal" in done.err


def test_after_a_login_every_command_uses_the_session(
    shell: Shell,  # noqa: F811
    portal: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    async def read(asker: Asker, image: bytes) -> str:
        asker._show(image)
        return answer_of(portal)

    monkeypatch.setattr(Asker, "solve", read)
    monkeypatch.setattr(Asker, "password", lambda _: PASSWORD)
    image = tmp_path / "code.png"
    done = shell("usms", "login", "--image", str(image))
    assert done.code == 0 and "logged in" in done.err and str(image) in done.err
    assert image.read_bytes().startswith(b"\x89PNG")
    assert shell("usms", "meters").code == 0
    document: Any = shell("snapshot", "--format", "json").document
    assert document["sources"][0]["link"] == "live"
    done = shell("usms", "login")
    assert done.code == 0 and done.err.count("█") + done.err.count("▀") > 40, "the captcha is drawn"
    assert PASSWORD not in done.out + done.err


def test_a_wrong_password_is_told_as_the_portal_tells_it(
    shell: Shell,  # noqa: F811
    portal: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Asker, "password", lambda _: "not-the-password")
    done = shell("usms", "login")
    assert done.code == 3 and "Incorrect user name and password" in done.err
    assert "not-the-password" not in done.err


def test_hours_of_the_public_package_are_taken_in_once(shell: Shell, portal: str, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "usms.csv"
    file.write_text(
        "meter_no,timestamp,consumption,last_checked\n12345678,1764547200,1.5,1764560000\n12345678,oops,1,1\n"
    )
    done = shell("usms", "import", str(file))
    assert done.code == 1 and "1 hours taken in, 0 known already, 1 rows that cannot be read; 12345678" in done.err
    assert "0 hours taken in, 1 known already" in shell("usms", "import", str(file)).err
    done = shell("usms", "import", str(tmp_path / "nothing.db"))
    assert done.code == 2 and "there is no such file" in done.err


@pytest.mark.parametrize(
    ("start", "month", "days"),
    [("2028-02-29T12:00:00+08:00", "2028-02-01", 28), ("2027-01-01T09:00:00+08:00", "2027-01-01", 0)],
)
def test_the_demo_starts_on_the_day_it_is_told_to(shell: Shell, start: str, month: str, days: int) -> None:  # noqa: F811
    done = shell("snapshot", "--demo", "usms", "--start", start, "--format", "json")
    (source,) = done.document["sources"]
    found = source["feeds"]["consumption"]["data"]["month"]
    assert done.code == 0 and (found["start"], found["days_known"]) == (month, days)
    assert source["feeds"]["meters"]["taken_at"].startswith(start[:4])


def test_every_number_of_consumption_has_its_meter_period_and_unit_in_the_csv(shell: Shell) -> None:  # noqa: F811
    rows = list(csv.DictReader(io.StringIO(shell("snapshot", "--demo", "usms", "--format", "csv").out)))
    values = [row for row in rows if row["field"] == "value" and row["item"].startswith(ELECTRICITY)]
    assert len({row["item"] for row in values}) == len(values), "hours and days of one meter are told apart"
    assert {row["unit"] for row in values if row["value"]} == {"kWh"}
    left = {row["item"]: row["unit"] for row in rows if row["field"] == "remaining_unit"}
    assert left == {ELECTRICITY: "kWh", "2402007817": "m3"}


def test_a_log_file_tells_what_was_asked_and_no_secret(shell: Shell, portal: str, tmp_path: Path) -> None:  # noqa: F811
    log = tmp_path / "deck.log"
    shell("--log-file", str(log), "--log-level", "debug", "snapshot")
    text = log.read_text()
    assert "GET /SmartMeter/Home" in text and "wattdeck usms login" in text
    assert PASSWORD not in text and "ASP.NET_SessionId" not in text and "01234567" not in text


def test_a_month_to_come_is_refused(shell: Shell) -> None:  # noqa: F811
    done = shell("usms", "cost", ELECTRICITY, "--demo", "--month", "2999-01")
    assert done.code == 2 and "in the future" in done.err
