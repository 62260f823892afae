"""The simulated USMS portal over HTTP, in process: the checklist of usms.md 11, and every fault by name."""

from __future__ import annotations

import base64
import html
import re
import struct
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from time import process_time
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.core.asgi import SimulatedTransport
from wattdeck.core.faultboard import Kind
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.usms import captcha_image, faults
from wattdeck.systems.usms.models import BRUNEI
from wattdeck.systems.usms.simulator import PASSWORD, USERNAME, UsmsSimulator

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 21, 17, 30, tzinfo=BRUNEI)
YESTERDAY, TODAY = date(2026, 11, 20), date(2026, 11, 21)
SENTENCE = "Your Session Has Expired, Please Login Again."
ELECTRICITY, WATER = "12345678", "2402007817"
ROW = re.compile(r'<tr id="[^"]*_DXDataRow(\d+)" class="dxgvDataRow">(.*?)</tr>')

Fields = list[tuple[str, str]]


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" id="[^"]*" value="([^"]*)" />', page)
    return {html.unescape(name): html.unescape(value) for name, value in found}


def rows(page: str) -> list[tuple[str, ...]]:
    """The cells of each row; rows must be numbered from 0 without a gap."""
    found = ROW.findall(page)
    assert [int(number) for number, _ in found] == list(range(len(found)))
    return [tuple(html.unescape(cell) for cell in re.findall("<td>(.*?)</td>", cells)) for _, cells in found]


def cards(page: str) -> list[dict[str, str]]:
    """Caption and value of each cell, card by card."""
    parts = re.split(r'<td class="dxcvCard" id="ASPxCardView1_DXDataCard\d+">', page)[1:]
    pattern = r'dxflCaption">([^<]*)</span></td><td class="[^"]*dxflNestedControlCell">([^<]*)</td>'
    return [{caption: html.unescape(value) for caption, value in re.findall(pattern, part)} for part in parts]


def error_of(page: str) -> str:
    match = re.search(r'id="pcErr_lblErrMsg">([^<]*)</span>\n', page)
    assert match is not None
    return html.unescape(match[1])


def meter_id(number: str) -> str:
    return base64.b64encode(number.encode()).decode()


class Bench:
    """A simulator, a clock moved by hand, and a browser that follows no redirect by itself."""

    def __init__(self, start: datetime = START, **faults_on: str | None) -> None:
        self.now_s = 1000.0
        self.slept_s: list[float] = []
        self.simulator = UsmsSimulator(
            SimulatorOptions(start=start, faults={name.replace("_", "-"): v for name, v in faults_on.items()}),
            monotonic=lambda: self.now_s,
            sleep=self._sleep,
        )
        self.http = self.browser()

    async def _sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)

    def browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=SimulatedTransport(self.simulator.app), base_url="http://portal")

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(f"/SmartMeter/{path}")

    async def page(self, path: str) -> str:
        answer = await self.get(path)
        assert answer.status_code == 200, answer.headers
        return answer.text

    async def post(self, path: str, fields: Fields) -> httpx.Response:
        body = urlencode(fields)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.http.post(f"/SmartMeter/{path}", content=body, headers=headers)

    async def control(self, action: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"/_sim/{action}", json=body)

    async def send_password(self, password: str = PASSWORD, username: str = USERNAME) -> httpx.Response:
        form = hidden(await self.page("ResLogin"))
        return await self.post("ResLogin", login_fields(form, "", password, username))

    async def answer(self, challenge: str, answer: str | None = None) -> httpx.Response:
        """Look at a challenge and its image, and answer it; None = rightly."""
        path = challenge.removeprefix("/SmartMeter/")
        page = await self.page(path)
        image = re.search(r'id="ASPxRoundPanel1_ASPxCaptcha1_IMG" src="([^"]+)"', page)
        assert image is not None
        picture = await self.http.get(html.unescape(image[1]))
        assert picture.headers["content-type"] == "image/png"
        right = (await self.http.get("/_sim/captcha")).json()["answer"]
        return await self.post(path, login_fields(hidden(page), right if answer is None else answer))

    async def log_in(self) -> None:
        signed = await self.answer((await self.send_password()).headers["location"])
        first = await self.http.get(signed.headers["location"])
        second = await self.http.get(first.headers["location"])
        assert second.headers["location"] == "/SmartMeter/MainPage"

    async def is_in(self) -> bool:
        return (await self.get("Home")).status_code == 200

    async def report(
        self, kind: str, first: date | str, last: date | str, number: str = ELECTRICITY, times: int = 2
    ) -> str:
        path = f"Report/UsageHistory?p={meter_id(number)}"
        page = await self.page(path)
        for _ in range(times):
            answer = await self.post(path, search(hidden(page), kind, first, last))
            assert answer.status_code == 200
            page = answer.text
        return page

    async def hours(self, day: date, number: str = ELECTRICITY) -> list[tuple[str, ...]]:
        return rows(await self.report("3", day, day, number))


def login_fields(state: dict[str, str], captcha: str, password: str = PASSWORD, username: str = USERNAME) -> Fields:
    return [
        *state.items(),
        ("ASPxRoundPanel1$btnLogin", "Login"),
        ("ASPxRoundPanel1$txtUsername", username),
        ("ASPxRoundPanel1$txtPassword", password),
        ("ASPxRoundPanel1$ASPxCaptcha1$TB", captcha),
    ]


def search(state: dict[str, str], kind: str, first: date | str, last: date | str) -> Fields:
    def shown(day: date | str) -> str:
        return day if isinstance(day, str) else f"{day:%d/%m/%Y}"

    own = [
        ("cboType_VI", kind),
        ("cboType", "as the browser shows it"),
        ("btnRefresh", "Search"),
        ("btnRefresh", ""),
        ("cboDateFrom", shown(first)),
        ("cboDateTo", shown(last)),
        ("cboDateFrom$State", "{&quot;rawValue&quot;:&quot;1791763200000.0&quot;}"),
        ("cboDateTo$State", "{&quot;rawValue&quot;:&quot;1791763200000.0&quot;}"),
    ]
    return own + [(name, value) for name, value in state.items() if name not in dict(own)]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    async with made.http:
        yield made


@pytest.fixture
async def inside(bench: Bench) -> Bench:
    await bench.log_in()
    return bench


# the thirteen points of section 11


@pytest.mark.parametrize("path", ["//SmartMeter//Home", "/SmartMeter///Home", "/smartmeter/hOME"])
async def test_1_repeated_slashes_and_the_case_of_a_path_do_not_matter(inside: Bench, path: str) -> None:
    answer = await inside.http.get(f"http://portal{path}")
    assert answer.status_code == 200 and len(cards(answer.text)) == 2


@pytest.mark.parametrize(
    "path",
    [
        "Home",
        "MainPage",
        "AccountInfo",
        "ResLogin",
        f"Report/UsageHistory?p={meter_id(WATER)}",
        f"Payment/WebForm2?p={meter_id(WATER)}&s=h",
    ],
)
async def test_2_pages_are_utf_8_with_a_status_below_400(inside: Bench, path: str) -> None:
    answer = await inside.get(path)
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
    assert ("m³" in answer.content.decode("utf-8")) == (path[:4] in ("Home", "Paym"))


async def test_3_one_session_cookie_is_set_on_the_first_answer_with_the_path_of_the_root(bench: Bench) -> None:
    first, second = await bench.get("Home"), await bench.get("ResLogin")
    assert re.fullmatch(r"ASP\.NET_SessionId=[a-z0-9]{24}; HttpOnly; Path=/; SameSite=lax", first.headers["set-cookie"])
    assert "set-cookie" not in second.headers
    await bench.log_in()
    assert list(bench.http.cookies) == ["ASP.NET_SessionId"]


@pytest.mark.parametrize("path", ["Home", "MainPage", "AccountInfo", "Report/UsageHistory?p=x", "Payment/WebForm2"])
async def test_4_who_is_not_logged_in_is_sent_to_a_page_with_the_sentence(bench: Bench, path: str) -> None:
    answer = await bench.get(path)
    assert answer.status_code == 302 and "SessionExpire" in answer.headers["location"]
    assert "SessionExpire" in answer.text
    final = await bench.http.get(answer.headers["location"])
    assert final.status_code == 200 and SENTENCE in final.text


@pytest.mark.parametrize("dead", ["never-issued", "ended"])
async def test_5_a_login_may_come_with_an_unknown_or_dead_session_id(bench: Bench, dead: str) -> None:
    if dead == "ended":
        await bench.log_in()
        dead = bench.http.cookies["ASP.NET_SessionId"]
        bench.simulator.portal.end_sessions()
    bench.http.cookies.clear()
    async with bench.browser() as pinned:
        headers = {"Cookie": f"ASP.NET_SessionId={dead}", "Content-Type": "application/x-www-form-urlencoded"}
        state = hidden((await pinned.get("/SmartMeter/ResLogin", headers=headers)).text)
        fields = urlencode(login_fields(state, ""))
        asked = await pinned.post("/SmartMeter/ResLogin", content=fields, headers=headers)
        bench.http = pinned
        signed = await bench.answer(asked.headers["location"])
        hop = await pinned.get(signed.headers["location"])
        await pinned.get(hop.headers["location"])
        assert await bench.is_in()
        assert pinned.cookies["ASP.NET_SessionId"] != dead


async def test_6_the_challenge_has_a_parameter_sc_and_an_image_a_byte_pattern_finds(bench: Bench) -> None:
    asked = await bench.send_password()
    location = httpx.URL(asked.headers["location"])
    assert asked.status_code == 302 and location.path == "/SmartMeter/ResLogin" and location.params["sc"]
    page = (await bench.http.get(location)).content
    image = re.search(rb'id="ASPxRoundPanel1_ASPxCaptcha1_IMG"\s+src="([^"]+)"', page)
    assert image is not None and b"&amp;DXCache=" in image[1]


async def test_7_success_leads_through_a_url_with_sig_that_redirects_and_ends_on_one_without_sc(bench: Bench) -> None:
    signed = await bench.answer((await bench.send_password()).headers["location"])
    hops = [signed]
    while hops[-1].has_redirect_location:
        hops.append(await bench.http.get(hops[-1].headers["location"]))
    assert [hop.status_code for hop in hops] == [302, 301, 302, 200]
    assert [hop.request.url.path for hop in hops[1:]] == [
        "/SmartMeter/LoginSession.aspx",
        "/SmartMeter/LoginSession",
        "/SmartMeter/MainPage",
    ]
    queries = [hop.request.url.params for hop in hops[1:3]]
    assert queries[0] == queries[1]
    assert (queries[0]["pLoginName"], queries[0]["pType"]) == (USERNAME, "R") and len(queries[0]["Sig"]) == 44
    assert 'id="MyFrame"' in hops[-1].text and await bench.is_in()


async def test_8_nothing_but_a_line_break_follows_an_empty_error_span(inside: Bench) -> None:
    challenge = (await inside.send_password()).headers["location"].removeprefix("/SmartMeter/")
    for path in ("ResLogin", challenge, f"Report/UsageHistory?p={meter_id(ELECTRICITY)}"):
        assert '<span class="dxeBase" id="pcErr_lblErrMsg"></span>\n' in await inside.page(path)


async def test_9_cells_and_rows_hold_no_whitespace_the_package_would_trip_over(inside: Bench) -> None:
    home = await inside.page("Home")
    name = re.search(r'<td id="ASPxCardView1_DXCardLayout0_4">(.*?)</td></tr></table></td></tr>', home, re.DOTALL)
    assert name is not None
    after_first_end_tag = name[1].partition("</span>")[2]
    assert re.sub("<[^>]*>", "", after_first_end_tag) == "AWANG CONTOH BIN HAJI MISALAN"
    report = await inside.report("3", YESTERDAY, YESTERDAY)
    assert '<tr id="ASPxPageControl1_grid_DXDataRow0" class="dxgvDataRow"><td>1</td><td>' in report
    assert not re.search(r"</td>\s+<td>", report)


async def test_10_rows_are_numbered_from_0_without_a_gap_even_where_hours_are_missing(inside: Bench) -> None:
    whole = await inside.hours(YESTERDAY)
    assert [label for label, _ in whole] == [str(hour) for hour in range(1, 25)]
    inside.simulator.set_fault("gaps")
    some = await inside.hours(YESTERDAY)
    assert 12 < len(some) < 24 and set(some) < set(whole)


async def test_11_any_earlier_state_of_the_session_and_blank_fields_are_accepted(inside: Bench) -> None:
    path = f"Report/UsageHistory?p={meter_id(ELECTRICITY)}"
    oldest = hidden(await inside.page(path))
    await inside.post(path, list(oldest.items()))
    for _ in range(2):
        answer = await inside.post(path, search(oldest, "1", date(2026, 9, 1), date(2026, 9, 30)))
    assert len(rows(answer.text)) == 30
    await inside.log_in()
    retried = await inside.post(path, search(oldest, "1", "", ""))
    assert retried.status_code == 200, "a POST retried after a new login carries the state from before it"
    inside.simulator.set_fault("strict-viewstate")
    newest = hidden(retried.text)
    assert (await inside.post(path, search(oldest, "1", "", ""))).status_code == 500
    assert (await inside.post(path, search(newest, "1", "", ""))).status_code == 200


async def test_12_dates_and_type_are_read_from_their_fields_alone(inside: Bench) -> None:
    electricity = inside.simulator.house[0]
    days = rows(await inside.report("1", date(2026, 9, 1), date(2026, 9, 30)))
    assert [label for label, _ in days] == [f"{n:02}/09/2026" for n in range(1, 31)]
    assert [value for _, value in days] == [f"{electricity.day(date(2026, 9, n)) / 1000:.3f}" for n in range(1, 31)]
    hours = await inside.hours(date(2026, 9, 12))
    assert sum(Decimal(value) for _, value in hours) == Decimal(days[11][1])


async def test_13_a_second_login_ends_the_first(bench: Bench) -> None:
    first = bench.http
    await bench.log_in()
    async with bench.browser() as bench.http:
        await bench.log_in()
        assert await bench.is_in()
        second, bench.http = bench.http, first
        assert not await bench.is_in()
        bench.http = second
        assert await bench.is_in()
    assert bench.simulator.state()["sessions"] == 1 and bench.simulator.state()["logins"] == 2


# the way in


async def test_a_wrong_password_is_answered_200_with_the_error_before_any_captcha(bench: Bench) -> None:
    for username, password in ((USERNAME, "wrong"), ("01-234567", PASSWORD), ("", "")):
        answer = await bench.send_password(password, username)
        assert answer.status_code == 200
        assert error_of(answer.text) == "Incorrect user name and password."
        assert PASSWORD not in answer.text


async def test_a_wrong_captcha_leads_to_a_new_challenge_and_an_answer_counts_once(bench: Bench) -> None:
    challenge = (await bench.send_password()).headers["location"]
    for wrong in ("", "zzzzz", "ü"):
        asked = await bench.answer(challenge, wrong)
        assert asked.status_code == 302 and "ResLogin?sc=" in asked.headers["location"] != challenge
        challenge = asked.headers["location"]
    right = bench.simulator.answer_of_last_captcha()
    again = await bench.post(challenge.removeprefix("/SmartMeter/"), login_fields({}, right))
    assert "ResLogin?sc=" in again.headers["location"], "that image was used up"
    assert "Sig=" in (await bench.answer(again.headers["location"])).headers["location"]


async def test_the_challenge_alone_knows_who_asked_but_never_lets_a_wrong_password_in(bench: Bench) -> None:
    challenge = (await bench.send_password()).headers["location"].removeprefix("/SmartMeter/")
    page = await bench.page(challenge)
    assert 'type="password"' not in page
    refused = await bench.post(challenge, login_fields({}, "", "wrong"))
    assert error_of(refused.text) == "Incorrect user name and password."


@pytest.mark.parametrize("path", ["LoginSession", "LoginSession?Sig=", "LoginSession?pLoginName=01234567&Sig=made+up"])
async def test_a_sig_that_was_not_given_out_opens_nothing(bench: Bench, path: str) -> None:
    assert (await bench.get(path)).headers["location"] == "/SmartMeter/ResLogin"
    assert not await bench.is_in()


async def test_a_sig_opens_one_session_only(bench: Bench) -> None:
    signed = await bench.answer((await bench.send_password()).headers["location"])
    query = httpx.URL(signed.headers["location"]).query.decode()
    assert (await bench.get(f"LoginSession?{query}")).headers["location"].endswith("MainPage")
    assert (await bench.get(f"LoginSession?{query}")).headers["location"].endswith("ResLogin")


async def test_each_view_of_a_challenge_has_an_image_of_its_own(bench: Bench) -> None:
    challenge = (await bench.send_password()).headers["location"].removeprefix("/SmartMeter/")
    images = {re.findall("DXCache=(c[0-9]+)", await bench.page(challenge))[0] for _ in range(3)}
    assert len(images) == 3
    assert (await bench.get("DXB.axd?DXCache=c9999")).status_code == 404


async def test_a_session_ends_after_twenty_quiet_minutes(inside: Bench) -> None:
    for minutes, kept in ((19, True), (19, True), (21, False)):
        inside.now_s += 60 * minutes
        assert await inside.is_in() is kept


async def test_crowds_of_browsers_do_not_push_out_a_session_in_use(inside: Bench) -> None:
    async with inside.browser() as stranger:
        for _ in range(300):
            stranger.cookies.clear()
            await stranger.get("/SmartMeter/ResLogin")
            assert await inside.is_in()


# the captcha


@given(st.text(captcha_image.ALPHABET, min_size=5, max_size=5))
def test_a_captcha_is_a_png_of_200_by_80_with_its_text_in_the_alpha_channel_alone(answer: str) -> None:
    picture = captcha_image.png(answer)
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">IIBBBBB", picture[16:29]) == (200, 80, 8, 6, 0, 0, 0)
    start = picture.index(b"IDAT") + 4
    pixels = zlib.decompress(picture[start : picture.index(b"IEND") - 8])
    assert len(pixels) == 801 * 80 and not any(pixels[::801]), "no line is filtered"
    samples = b"".join(pixels[801 * y + 1 : 801 * y + 801] for y in range(80))
    assert not any(any(samples[colour::4]) for colour in range(3))
    alpha = samples[3::4]
    assert not any(alpha[::200]) and not any(alpha[199::200]), "nothing is cut off at the sides"
    assert 0.04 < len(alpha.translate(None, bytes(range(128)))) / 16000 < 0.3


def test_answers_are_five_characters_nobody_mixes_up_and_always_the_same() -> None:
    answers = [captcha_image.answer_of(1, n) for n in range(200)]
    assert all(re.fullmatch("[a-hjkm-np-z2-9]{5}", answer) for answer in answers)
    assert len(set(answers)) == 200
    assert answers == [captcha_image.answer_of(1, n) for n in range(200)]
    assert len(set(map(captcha_image.png, captcha_image.ALPHABET))) == len(captcha_image.ALPHABET)


# cards


async def test_the_cards_show_what_the_house_knows(inside: Bench) -> None:
    electricity, water = cards(await inside.page("Home"))
    account = inside.simulator.answers.account(ELECTRICITY)
    assert electricity["Meter No:"] == ELECTRICITY and water["Meter No:"] == WATER
    assert electricity["Remaining Unit:"] == f"{account.remaining_units:,.3f} kWh"
    assert electricity["Meter Status:"] == "ACTIVE"
    assert water["Remaining Unit:"].endswith(" m³")
    assert Decimal(electricity["Remaining Balance:"].removeprefix("$")) <= account.credit_bnd
    assert electricity["Last Updated:"] == water["Last Updated:"] == "21/11/2026"


async def test_both_layouts_number_the_cells_as_the_sheet_does(inside: Bench) -> None:
    def places(page: str) -> dict[str, int]:
        found = re.findall(r'DXCardLayout0_(\d+)"><table><tr><td><span class="[^"]*">([^<]*)</span>', page)
        return {caption: int(n) for n, caption in found}

    new = places(await inside.page("Home"))
    inside.simulator.set_fault("layout", "old")
    page = await inside.page("Home")
    old = places(page)
    moved = ("Remaining Unit:", "Remaining Balance:", "Last Updated:")
    assert [old[caption] for caption in moved] == [11, 12, 17] and len(old) == 11
    assert [new[caption] for caption in moved] == [12, 13, 18] and len(new) == 12
    assert all(old[caption] == new[caption] for caption in set(old) - set(moved))
    assert cards(page)[0]["Last Updated:"] == "21/11/2026 17:00:00"
    assert cards(page)[1]["Last Updated:"] == "21/11/2026"
    assert (
        f'id="ASPxCardView1_DXCardLayout1_cell1_18_ASPxHyperLink4_1" href="Report/UsageHistory?p={meter_id(WATER)}"'
        in page
    )


async def test_water_is_told_by_its_icon(inside: Bench) -> None:
    icons = re.findall(r'_3"><img src="([^"]*)"', await inside.page("Home"))
    assert ["Water" in icon for icon in icons] == [False, True]


# reports


async def test_a_report_without_a_search_has_no_rows_and_needs_its_type_chosen_first(inside: Bench) -> None:
    path = f"Report/UsageHistory?p={meter_id(ELECTRICITY)}"
    page = await inside.page(path)
    assert rows(page) == [] and "dxgvEmptyDataRow" in page and hidden(page)["cboType_VI"] == "0"
    assert rows(await inside.report("3", YESTERDAY, YESTERDAY, times=1)) == []
    assert len(rows(await inside.report("3", YESTERDAY, YESTERDAY, times=2))) == 24


async def test_the_total_of_a_report_is_the_sum_of_its_rows(inside: Bench) -> None:
    page = await inside.report("3", YESTERDAY, YESTERDAY)
    total = re.search(r'grid_DXFooterRow"><td>&nbsp;</td><td>Total units: ([0-9.]+)</td>', page)
    assert total is not None
    assert Decimal(total[1]) == sum(Decimal(value) for _, value in rows(page))


async def test_today_shows_the_hours_that_came_in_and_the_month_its_whole_days(inside: Bench) -> None:
    assert [label for label, _ in await inside.hours(TODAY)] == [str(hour) for hour in range(1, 18)]
    month = rows(await inside.report("1", date(2026, 11, 1), date(2026, 11, 30)))
    assert month[-1][0] == "20/11/2026"
    await inside.control("clock", advance_s=3600)
    await inside.log_in()
    assert len(await inside.hours(TODAY)) == 18


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        ("3", date(2026, 11, 22), date(2026, 11, 22)),
        ("3", date(2024, 11, 19), date(2024, 11, 19)),
        ("3", date(2026, 11, 1), date(2026, 11, 2)),
        ("1", date(2026, 9, 1), date(2026, 10, 2)),
        ("1", date(2026, 9, 9), date(2026, 9, 8)),
        ("1", "2026-09-01", "2026-09-30"),
        ("2", date(2026, 9, 1), date(2026, 9, 30)),
        ("7", date(2026, 9, 1), date(2026, 9, 30)),
    ],
)
async def test_what_the_portal_has_nothing_for_is_an_empty_grid_with_words(
    inside: Bench, kind: str, first: date | str, last: date | str
) -> None:
    page = await inside.report(kind, first, last)
    assert rows(page) == [] and "dxgvEmptyDataRow" in page
    assert error_of(page) == "consumption history not found."


async def test_the_first_day_of_the_meter_is_two_years_back(inside: Bench) -> None:
    assert len(await inside.hours(date(2024, 11, 20))) == 24
    assert await inside.hours(date(2024, 11, 19)) == []


async def test_water_has_days_and_no_hours(inside: Bench) -> None:
    page = await inside.report("3", YESTERDAY, YESTERDAY, WATER)
    assert rows(page) == [] and "<li>Hourly" not in page
    assert len(rows(await inside.report("1", date(2026, 9, 1), date(2026, 9, 30), WATER))) == 30


async def test_months_add_up_from_their_days(inside: Bench) -> None:
    months = rows(await inside.report("0", date(2026, 1, 1), date(2026, 12, 31)))
    days = rows(await inside.report("1", date(2026, 9, 1), date(2026, 9, 30)))
    assert [label for label, _ in months] == [f"{n:02}/2026" for n in range(1, 12)]
    assert Decimal(months[8][1]) == sum(Decimal(value) for _, value in days)


async def test_a_leap_day_has_its_row() -> None:
    bench = Bench(datetime(2028, 3, 5, 12, tzinfo=BRUNEI))
    async with bench.http:
        await bench.log_in()
        month = rows(await bench.report("1", date(2028, 2, 1), date(2028, 2, 29)))
        assert month[-1][0] == "29/02/2028" and len(month) == 29
        assert len(await bench.hours(date(2028, 2, 29))) == 24


@pytest.mark.parametrize("state", [{}, {"__VIEWSTATE": ""}, {"__VIEWSTATE": "VS-h"}, {"__VIEWSTATE": "fHx8"}])
async def test_a_search_with_state_the_portal_never_gave_out_is_500(inside: Bench, state: dict[str, str]) -> None:
    path = f"Report/UsageHistory?p={meter_id(ELECTRICITY)}"
    assert (await inside.post(path, search(state, "1", "", ""))).status_code == 500


async def test_state_of_another_meter_and_a_filled_hidden_field_are_500(inside: Bench) -> None:
    path = f"Report/UsageHistory?p={meter_id(ELECTRICITY)}"
    state = hidden(await inside.page(path))
    filled = search(state | {"ASPxHiddenField1": "x"}, "1", "", "")
    assert (await inside.post(path, filled)).status_code == 500
    other = hidden(await inside.page(f"Report/UsageHistory?p={meter_id(WATER)}"))
    assert (await inside.post(path, search(other, "1", "", ""))).status_code == 500


async def test_two_reports_at_once_spoil_each_other(inside: Bench) -> None:
    path = f"Report/UsageHistory?p={meter_id(ELECTRICITY)}"
    state = hidden(await inside.page(path))
    await inside.post(path, search(state, "3", YESTERDAY, YESTERDAY))
    await inside.post(path, search(state, "1", "", ""))
    late = await inside.post(path, search(state, "3", YESTERDAY, YESTERDAY))
    assert rows(late.text) == [], "another type was chosen in between"


# top-ups, debt, account


async def test_top_ups_need_the_meter_chosen_before_and_can_be_searched(inside: Bench) -> None:
    path = f"Report/TransactionHistory?p={meter_id(ELECTRICITY)}"
    assert rows(await inside.page(path)) == []
    await inside.page(f"Report/UsageHistory?p={meter_id(ELECTRICITY)}")
    page = await inside.page(path)
    shown = rows(page)
    headers = re.findall(r'<td class="dxgvHeader">([^<]*)</td>', page)
    assert len(headers) == 10 and headers[0] == "Topup Date" and headers[-1] == "Source"
    assert shown and all(len(row) == 10 and row[2] == ELECTRICITY for row in shown)
    found = rows((await inside.post(path, search(hidden(page), "", date(2026, 6, 1), date(2026, 6, 30)))).text)
    assert found and all(row[0][3:10] == "06/2026" for row in found)
    for row in shown:
        paid, cleared, credited = (Decimal(cell.removeprefix("$")) for cell in row[3:6])
        assert paid == cleared + credited
    await inside.page(f"Report/UsageHistory?p={meter_id(WATER)}")
    assert rows(await inside.page(path)) == []


async def test_the_top_up_page_labels_what_its_names_turn_round(inside: Bench) -> None:
    page = await inside.page(f"Payment/WebForm2?p={meter_id(WATER)}&s=h")
    found = re.findall(r'<td>([^<]*)</td><td><span id="pcAccount_(\w+)"><font size="3">([^<]*)</font></span>', page)
    names = {label: (name, value) for label, name, value in found}
    assert names["Total Debt Owing"] == ("lblDebtBalRemaining", "$0.00")
    assert names["Debt Balance Remaining"] == ("lblOutstandingBalance", "$0.00")
    assert names["Customer Type"][1] == "Residential"
    assert names["Current Balance"][1] == cards(await inside.page("Home"))[1]["Remaining Balance:"]


async def test_account_info_shows_the_person_and_on_request_a_meter(inside: Bench) -> None:
    page = await inside.page("AccountInfo")
    assert f'<span id="ASPxFormLayout1_lblIDNumber">{USERNAME}</span>' in page
    chosen = [("__EVENTTARGET", "ASPxPanel1$ASPxTreeView1"), ("__EVENTARGUMENT", "NCLK|N0_0_1")]
    state = [(name, value) for name, value in hidden(page).items() if name not in dict(chosen)]
    answer = await inside.post("AccountInfo", chosen + state)
    assert f'<span id="ASPxFormLayout1_lblMeterNo">{WATER}</span>' in answer.text
    assert '<span id="ASPxFormLayout1_lblMeterType">Water</span>' in answer.text


@pytest.mark.parametrize("path", ["Report/UsageHistory?p=OTk5", "Report/TransactionHistory", "Payment/WebForm2?p=%00"])
async def test_an_unknown_meter_is_an_error_in_the_portal_s_words(inside: Bench, path: str) -> None:
    assert error_of(await inside.page(path)) == "The given key was not present in the dictionary."


# faults


def test_an_unknown_fault_names_all_there_are() -> None:
    with pytest.raises(ValueError, match=r"captcha-off.*water-no-date"):
        Bench(nonsense=None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("slow", None),
        ("slow", "-1"),
        ("slow", "nan"),
        ("captcha-wrong", "x"),
        ("captcha-off", "1"),
        ("layout", "older"),
        ("dashes", "*2"),
        ("session-stolen", "before:1"),
    ],
)
def test_a_value_a_fault_does_not_take_is_refused(name: str, value: str | None) -> None:
    with pytest.raises(ValueError, match=name):
        faults.BOARD.parse(name, value)


@given(st.sampled_from(faults.KINDS), st.text(max_size=12))
def test_reading_a_fault_gives_a_fault_or_a_sentence(kind: Kind, value: str) -> None:
    try:
        said = faults.BOARD.parse(kind.name, value).kind.name
    except ValueError as error:
        said = str(error)
    assert kind.name in said


def test_the_table_of_faults_names_each_with_its_meaning() -> None:
    table = faults.BOARD.table()
    assert [name.partition("=")[0].partition("[")[0] for name, _ in table] == [kind.name for kind in faults.KINDS]
    assert all(meaning for _, meaning in table) and len(table) == len({name for name, _ in table})


async def test_faults_of_answers_can_be_counted(inside: Bench) -> None:
    inside.simulator.set_fault("status-503", "*2")
    assert [(await inside.get("Home")).status_code for _ in range(3)] == [503, 503, 200]


@pytest.mark.parametrize(("fault", "images"), [("captcha-off", 0), ("captcha-missing", 0)])
async def test_the_login_page_without_its_image(bench: Bench, fault: str, images: int) -> None:
    assert (await bench.page("ResLogin")).count("ASPxCaptcha1_IMG") == 1
    bench.simulator.set_fault(fault)
    assert (await bench.page("ResLogin")).count("ASPxCaptcha1_IMG") == images
    location = (await bench.send_password()).headers["location"]
    assert ("Sig=" in location) is (fault == "captcha-off")
    if fault == "captcha-missing":
        assert "ASPxCaptcha1_IMG" not in await bench.page(location.removeprefix("/SmartMeter/"))


async def test_captcha_wrong_rejects_the_first_answers_even_right_ones(bench: Bench) -> None:
    bench.simulator.set_fault("captcha-wrong", "2")
    location = (await bench.send_password()).headers["location"]
    for _ in range(2):
        location = (await bench.answer(location)).headers["location"]
        assert "sc=" in location
    assert "Sig=" in (await bench.answer(location)).headers["location"]


@pytest.mark.parametrize(("value", "pages"), [(None, 0), ("after:2", 2), ("3", 3)])
async def test_a_session_can_be_stolen_now_or_some_pages_later(inside: Bench, value: str | None, pages: int) -> None:
    inside.simulator.set_fault("session-stolen", value)
    assert [await inside.is_in() for _ in range(pages + 2)] == [True] * pages + [False, False]
    assert "session-stolen" not in inside.simulator.faults
    await inside.log_in()
    assert await inside.is_in()


@pytest.mark.parametrize(
    ("fault", "status", "sentence"),
    [("expire-sentence", 200, True), ("expire-url", 302, False), ("expire-inline", 200, False)],
)
async def test_an_expired_session_shows_in_three_forms(bench: Bench, fault: str, status: int, sentence: bool) -> None:
    bench.simulator.set_fault(fault)
    answer = await bench.get("Home")
    assert answer.status_code == status
    final = await bench.http.get(answer.headers["location"]) if status == 302 else answer
    assert (SENTENCE in final.text) is sentence
    assert ('type="password"' in final.text) is (fault == "expire-inline")
    assert ("SessionExpire" in str(final.url)) is (fault == "expire-url")


async def test_a_report_that_loses_its_session_has_to_be_started_again(inside: Bench) -> None:
    path = f"Report/UsageHistory?p={meter_id(ELECTRICITY)}"
    state = hidden(await inside.page(path))
    await inside.post(path, search(state, "3", YESTERDAY, YESTERDAY))
    inside.simulator.set_fault("session-stolen")
    assert (await inside.post(path, search(state, "3", YESTERDAY, YESTERDAY))).status_code == 302
    await inside.log_in()
    assert rows((await inside.post(path, search(state, "3", YESTERDAY, YESTERDAY))).text) == []
    assert len(await inside.hours(YESTERDAY)) == 24


@pytest.mark.parametrize("path", ["Home", "ResLogin", "Report/UsageHistory?p=x"])
async def test_maintenance_is_a_page_with_status_200_and_503_is_one_with_its_own(inside: Bench, path: str) -> None:
    inside.simulator.set_fault("maintenance")
    page = await inside.page(path)
    assert "under maintenance" in page and "<input" not in page
    inside.simulator.set_fault("status-503")
    assert (await inside.get(path)).status_code == 503


async def test_a_portal_may_be_down_at_its_login_only(inside: Bench) -> None:
    inside.simulator.set_fault("login-503")
    assert await inside.is_in()
    assert (await inside.get("ResLogin")).status_code == (await inside.post("ResLogin", [])).status_code == 503


@pytest.mark.parametrize(("value", "header"), [(None, "text/html"), ("header", "text/html; charset=iso-8859-1")])
async def test_latin_1_pages_are_no_utf_8(inside: Bench, value: str | None, header: str) -> None:
    inside.simulator.set_fault("latin1", value)
    answer = await inside.get("Home")
    assert answer.headers["content-type"] == header and " m³" in answer.content.decode("latin-1")
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode("utf-8")


async def test_a_slow_portal_waits_before_each_answer(inside: Bench) -> None:
    inside.simulator.set_fault("slow", "12.5")
    await inside.page("Home")
    await inside.page("AccountInfo")
    assert inside.slept_s == [12.5, 12.5]


async def test_pages_can_be_huge_or_half(inside: Bench) -> None:
    whole = len(await inside.page("Home"))
    inside.simulator.set_fault("huge", "*1")
    huge = await inside.page("Home")
    assert len(huge) > 6_000_000 and len(cards(huge)) == 2
    inside.simulator.set_fault("truncated")
    half = await inside.get("Home")
    assert whole // 2 - 5 <= len(half.text) <= whole // 2 + 5
    assert int(half.headers["content-length"]) == len(half.content)


async def test_late_data_lacks_today_and_yesterday(inside: Bench) -> None:
    inside.simulator.set_fault("late")
    assert await inside.hours(TODAY) == [] == await inside.hours(YESTERDAY)
    assert len(await inside.hours(YESTERDAY - timedelta(days=1))) == 24
    month = rows(await inside.report("1", date(2026, 11, 1), date(2026, 11, 30)))
    assert month[-1][0] == "19/11/2026"


async def test_days_too_can_have_gaps(inside: Bench) -> None:
    inside.simulator.set_fault("gaps")
    month = rows(await inside.report("1", date(2026, 9, 1), date(2026, 9, 30)))
    assert 15 < len(month) < 30


async def test_no_history_at_all(inside: Bench) -> None:
    inside.simulator.set_fault("empty-history")
    assert await inside.hours(YESTERDAY) == []
    assert rows(await inside.report("1", date(2026, 9, 1), date(2026, 9, 30))) == []
    assert rows(await inside.page(f"Report/TransactionHistory?p={meter_id(ELECTRICITY)}")) == []


async def test_values_with_commas_or_a_dash_or_words_that_do_not_fit(inside: Bench) -> None:
    plain = await inside.hours(YESTERDAY)
    inside.simulator.set_fault("comma-values")
    commas = await inside.hours(YESTERDAY)
    assert all(re.fullmatch(r"\d,\d{3}\.\d{3}", value) for _, value in commas)
    assert [Decimal(value.replace(",", "")) for _, value in commas] == [Decimal(value) for _, value in plain]
    inside.simulator.clear_faults()
    inside.simulator.set_fault("dash-values")
    assert await inside.hours(YESTERDAY) == [*plain[:-1], ("24", "-")]
    inside.simulator.clear_faults()
    inside.simulator.set_fault("stray-error")
    page = await inside.report("3", YESTERDAY, YESTERDAY)
    assert rows(page) == plain and error_of(page) == "consumption history not found."


async def test_unit_and_credit_can_be_dashes(inside: Bench) -> None:
    inside.simulator.set_fault("dashes")
    assert {(card["Remaining Unit:"], card["Remaining Balance:"]) for card in cards(await inside.page("Home"))} == {
        ("-", "-")
    }


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "$-5.00"), ("inside", "$-5.00"), ("before", "-$5.00"), ("brackets", "($5.00)")]
)
async def test_a_debt_can_be_written_in_three_ways(inside: Bench, value: str | None, shown: str) -> None:
    inside.simulator.set_fault("negative-credit", value)
    card = cards(await inside.page("Home"))[0]
    assert card["Remaining Balance:"] == shown and card["Remaining Unit:"].startswith("-")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("empty", ""),
        ("bare", "21/11/2026"),
        ("dash", "-"),
        ("twelve-hour", "21/11/2026 05:00:00 PM"),
        ("iso", "2026-11-21 17:00:00"),
    ],
)
async def test_last_updated_can_be_odd(inside: Bench, value: str, shown: str) -> None:
    inside.simulator.set_fault("odd-dates", value)
    assert cards(await inside.page("Home"))[0]["Last Updated:"] == shown


async def test_a_new_water_meter_shows_no_date(inside: Bench) -> None:
    inside.simulator.set_fault("water-no-date")
    assert [card["Last Updated:"] for card in cards(await inside.page("Home"))] == ["21/11/2026", ""]


async def test_meters_come_and_go(inside: Bench) -> None:
    async def numbers() -> list[str]:
        return [card["Meter No:"] for card in cards(await inside.page("Home"))]

    inside.simulator.set_fault("meter-added")
    assert await numbers() == [ELECTRICITY, WATER, "12345690"]
    assert len(await inside.hours(YESTERDAY, "12345690")) == 24
    inside.simulator.set_fault("meter-removed")
    assert await numbers() == [ELECTRICITY, "12345690"]
    inside.simulator.clear_faults()
    assert await numbers() == [ELECTRICITY, WATER]
    inside.simulator.set_fault("no-cards")
    assert await numbers() == []


async def test_hostile_names_are_escaped_and_all_there(inside: Bench) -> None:
    inside.simulator.set_fault("markup")
    page = await inside.page("Home")
    card = cards(page)[0]
    assert "[bold red]" in card["Full Name:"] and "\x1b[31m" in card["Address:"]
    assert "\u202e" in card["Kampong:"] and len(card["Mukim:"]) > 200
    assert "<script>" not in page and "<script>" in card["Kampong:"]


# the controls


async def test_controls_set_and_clear_faults_and_turn_the_clock(bench: Bench) -> None:
    state = (await bench.control("fault", name="layout", value="old")).json()
    assert state["faults"] == ["layout"]
    assert (await bench.control("clear", name="layout")).json()["faults"] == []
    assert (await bench.control("clock", advance_s=90)).json()["time"] == "2026-11-21T17:31:30+08:00"
    await bench.control("clock", speed=60)
    bench.now_s += 1
    assert (await bench.http.get("/_sim/state")).json()["time"] == "2026-11-21T17:32:30+08:00"


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("fault", {"name": "nonsense"}),
        ("fault", {}),
        ("fault", {"name": "slow", "value": "x"}),
        ("clear", {"name": "nonsense"}),
        ("clock", {"advance_s": -1}),
        ("clock", {"advance_s": "soon"}),
        ("clock", {"speed": 1e9}),
    ],
)
async def test_a_control_that_makes_no_sense_is_refused_in_words(bench: Bench, action: str, body: Any) -> None:
    answer = await bench.control(action, **body)
    assert answer.status_code == 422 and answer.json()["detail"]
    assert (await bench.http.post(f"/_sim/{action}", content=b"[]")).status_code == 422
    assert (await bench.http.post(f"/_sim/{action}", content=b"{")).status_code == 422


async def test_every_answer_says_that_it_is_simulated_and_the_root_says_so_loudly(bench: Bench) -> None:
    for path in ("/", "/SmartMeter/Home", "/SmartMeter/ResLogin", "/nothing", "/_sim/state", "/_sim/captcha"):
        assert (await bench.http.get(path)).headers["X-Wattdeck-Simulator"] == "usms"
    assert "simulator" in (await bench.http.get("/")).text


async def test_the_state_tells_no_secret(inside: Bench) -> None:
    text = (await inside.http.get("/_sim/state")).text
    for secret in (PASSWORD, inside.http.cookies["ASP.NET_SessionId"], inside.simulator.answer_of_last_captcha()):
        assert secret not in text


async def test_what_is_not_there_is_404_and_what_is_no_form_harms_nobody(inside: Bench) -> None:
    for path in ("/nothing", "/SmartMeter/Nothing", "/favicon.ico", "/SmartMeterX/Home", "/SmartMeterHome"):
        assert (await inside.http.get(path)).status_code == 404
    for body in (b"\xff\xfe=%zz&&&", b"a=b&" * 2000, b"x" * 1_100_000):
        assert (await inside.http.post("/SmartMeter/ResLogin", content=body)).status_code == 200
    assert (await inside.http.put("/SmartMeter/Home")).status_code == 405


async def test_the_same_options_give_the_same_pages() -> None:
    pages = []
    for _ in range(2):
        bench = Bench()
        async with bench.http:
            await bench.log_in()
            pages.append((bench.simulator.answer_of_last_captcha(), await bench.page("Home")))
    assert pages[0] == pages[1]


def test_starting_costs_next_to_nothing() -> None:
    before_s = process_time()
    for _ in range(20):
        UsmsSimulator(SimulatorOptions(start=START))
    assert (process_time() - before_s) / 20 < 0.02


def test_a_start_without_offset_is_a_wall_clock_in_brunei_and_odd_years_are_refused() -> None:
    naive = UsmsSimulator(SimulatorOptions(start=START.replace(tzinfo=None)), monotonic=lambda: 0.0)
    assert naive.clock.now() == START
    for year in (1999, 2500):
        with pytest.raises(ValueError, match="2015 to 2200"):
            UsmsSimulator(SimulatorOptions(start=START.replace(year=year)))


def test_faults_can_be_on_from_the_start() -> None:
    counted = Counter(Bench(captcha_off=None, slow="3").simulator.state()["faults"])
    assert counted == {"captcha-off": 1, "slow": 1}
