"""The portal's client against the simulator: the way in, the one session, and every form in which it ends."""

from __future__ import annotations

import json
import stat
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import anyio
import anyio.lowlevel
import pytest

from fakes import ManualClock
from wattdeck.core.asgi import Message, Receive, Send, SimulatedTransport
from wattdeck.core.errors import AuthError, BadAnswer, Busy, SourceError, TimedOut, UsageError
from wattdeck.core.http import HttpClients
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.usms.client import UsmsClient
from wattdeck.systems.usms.models import AccountSnapshot, Kind, Meter
from wattdeck.systems.usms.session import Session
from wattdeck.systems.usms.simulator import PASSWORD, USERNAME, UsmsSimulator

pytestmark = pytest.mark.anyio

ORIGIN = "http://portal.test"
START = datetime(2026, 10, 14, 7, 0, tzinfo=UTC)
"""15:00 on 14 October in Brunei."""


class Wire:
    """The line to the simulator: notes what goes over it."""

    def __init__(self, simulator: UsmsSimulator) -> None:
        self.app = simulator.app
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.open = 0
        self.most_open = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        message = await receive()
        fields = dict(parse_qsl(message.get("body", b"").decode(), keep_blank_values=True))
        self.requests.append((scope["method"], scope["path"], fields))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await anyio.lowlevel.checkpoint()
        sent = iter([message])

        async def again() -> Message:
            return next(sent, {"type": "http.disconnect"})

        try:
            await self.app(scope, again, send)
        finally:
            self.open -= 1

    def count(self, method: str, path: str) -> int:
        """Requests of a method whose path ends so."""
        return sum(found == method and where.endswith(path) for found, where, _ in self.requests)

    def sent(self, text: str) -> int:
        """Posts that hold this text in a field."""
        return sum(text in fields.values() for _, _, fields in self.requests)


class Portal:
    """A simulator, a clock that both sides share, and clients on it."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(START)
        self.simulator = UsmsSimulator(
            SimulatorOptions(start=START), monotonic=self.clock.monotonic, sleep=self.clock.sleep
        )
        self.wire = Wire(self.simulator)
        self.folder = folder
        self.images = 0

    async def read(self, image: bytes) -> str | None:
        """A person who reads every captcha."""
        assert image.startswith(b"\x89PNG")
        self.images += 1
        return self.simulator.answer_of_last_captcha()

    def client(self, password: str | None = PASSWORD, **given: object) -> UsmsClient:
        clients = HttpClients(mounts={ORIGIN: SimulatedTransport(self.wire)}, only_mounted=True, clock=self.clock)
        settings = {"solver": self.read, "session": Session(USERNAME, self.folder / "session"), **given}
        return UsmsClient(USERNAME, password, origin=ORIGIN, clients=clients, clock=self.clock, **settings)  # type: ignore[arg-type]

    def fault(self, name: str, value: str | None = None) -> None:
        self.simulator.set_fault(name, value)


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    return Portal(tmp_path)


def electricity(account: AccountSnapshot) -> Meter:
    return next(meter for meter in account.meters if meter.kind is Kind.ELECTRICITY)


def water(account: AccountSnapshot) -> Meter:
    return next(meter for meter in account.meters if meter.kind is Kind.WATER)


# The way in


async def test_the_first_call_logs_in_by_itself_and_shows_the_meters(portal: Portal) -> None:
    account = await portal.client().account()
    assert {meter.kind for meter in account.meters} == {Kind.ELECTRICITY, Kind.WATER}
    assert account.account_name
    assert electricity(account).unit == "kWh" and water(account).unit == "m3"
    assert portal.images == 1


async def test_dashes_in_the_user_name_do_not_matter(portal: Portal) -> None:
    clients = HttpClients(mounts={ORIGIN: SimulatedTransport(portal.wire)}, clock=portal.clock)
    client = UsmsClient("01-234 567", PASSWORD, origin=ORIGIN, clients=clients, clock=portal.clock, solver=portal.read)
    assert (await client.account()).meters
    assert portal.wire.sent(USERNAME) == 2


async def test_the_session_is_stored_privately_and_used_by_the_next_run(portal: Portal) -> None:
    await portal.client().account()
    kept = portal.folder / "session"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert USERNAME not in kept.read_text()
    logins = portal.wire.count("POST", "ResLogin")
    assert (await portal.client(solver=None).account()).meters
    assert portal.wire.count("POST", "ResLogin") == logins


async def test_a_stored_session_that_is_dead_is_replaced_by_a_login(portal: Portal) -> None:
    await portal.client().account()
    before = (portal.folder / "session").read_text()
    portal.simulator.set_fault("session-stolen", None)
    assert (await portal.client().account()).meters
    assert portal.images == 2 and (portal.folder / "session").read_text() != before


async def test_a_session_of_another_user_name_is_not_used(portal: Portal) -> None:
    await portal.client().account()
    assert Session("99999999", portal.folder / "session").cookie is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cookie": 7, "owner": "x"}', "\x00" * 9000])
async def test_a_damaged_session_file_is_no_session(portal: Portal, content: str) -> None:
    (portal.folder / "session").write_text(content)
    assert (await portal.client().account()).meters
    assert json.loads((portal.folder / "session").read_text())["cookie"]


async def test_without_a_solver_the_words_say_which_command_to_run(portal: Portal) -> None:
    with pytest.raises(AuthError, match="wattdeck usms login"):
        await portal.client(solver=None).account()
    assert portal.wire.sent(PASSWORD) == 0


async def test_a_rejected_password_is_never_sent_again_by_itself(portal: Portal) -> None:
    client = portal.client("wrong-password")
    with pytest.raises(AuthError, match=r"refuses the login and says “Incorrect"):
        await client.account()
    for _ in range(3):
        with pytest.raises(AuthError, match="not sent again until you log in"):
            await client.account()
    assert portal.wire.sent("wrong-password") == 1
    await client.login(password=PASSWORD)
    assert (await client.account()).meters


async def test_a_wrong_captcha_is_asked_again_and_after_three_it_ends_without_blaming_the_password(
    portal: Portal,
) -> None:
    portal.fault("captcha-wrong", "2")
    assert (await portal.client().account()).meters
    assert portal.images == 3
    portal.simulator.clear_faults()
    portal.fault("captcha-wrong", "9")
    portal.fault("session-stolen")
    with pytest.raises(AuthError, match="answered wrongly 3 times; the password was not refused"):
        await portal.client().account()


async def test_an_answer_that_cannot_be_right_is_not_submitted(portal: Portal) -> None:
    answers = iter(["", "abc", "with blank", "ABC!5", *[""] * 20])

    async def guess(image: bytes) -> str | None:
        del image
        return next(answers)

    with pytest.raises(AuthError, match="none of 10 captchas was read"):
        await portal.client(solver=guess).account()
    assert portal.wire.count("POST", "ResLogin") == 1


async def test_giving_up_says_so(portal: Portal) -> None:
    async def give_up(image: bytes) -> str | None:
        del image
        return None

    with pytest.raises(AuthError, match="given up"):
        await portal.client(solver=give_up).account()


async def test_a_missing_captcha_image_is_the_portal_s_fault(portal: Portal) -> None:
    portal.fault("captcha-missing")
    with pytest.raises(BadAnswer, match="shows no image"):
        await portal.client().account()


async def test_a_portal_without_captcha_lets_in_too(portal: Portal) -> None:
    portal.fault("captcha-off")
    assert (await portal.client().account()).meters
    assert portal.images == 0


async def test_a_portal_that_is_down_during_login_is_not_a_bad_password(portal: Portal) -> None:
    portal.fault("login-503")
    client = portal.client()
    with pytest.raises(Busy, match="503"):
        await client.account()
    portal.simulator.clear_faults()
    assert (await client.account()).meters


async def test_maintenance_with_status_200_is_neither_no_meters_nor_a_bad_password(portal: Portal) -> None:
    client = portal.client()
    await client.account()
    portal.fault("maintenance")
    with pytest.raises(BadAnswer):
        await client.account()
    with pytest.raises(SourceError) as caught:
        await client.login()
    assert not isinstance(caught.value, AuthError)


# One session


@pytest.mark.parametrize("form", ["expire-sentence", "expire-url", "expire-inline"])
async def test_a_session_that_ends_in_any_form_is_renewed(portal: Portal, form: str) -> None:
    client = portal.client()
    await client.account()
    portal.fault(form)
    portal.fault("session-stolen")
    assert (await client.account()).meters
    assert portal.images == 2


async def test_many_who_wait_share_one_login_and_go_one_after_the_other(portal: Portal) -> None:
    client = portal.client()
    found: list[AccountSnapshot] = []

    async def ask() -> None:
        found.append(await client.account())

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(ask)
    assert len(found) == 5 and portal.images == 1
    assert portal.wire.most_open == 1


async def test_a_session_stolen_in_the_middle_of_a_report_starts_the_report_again(portal: Portal) -> None:
    client = portal.client()
    meter = electricity(await client.account())
    whole = await client.hours(meter, date(2026, 10, 12))
    portal.fault("session-stolen", "after:2")
    assert await client.hours(meter, date(2026, 10, 12)) == whole
    assert len(whole.points) == 24


async def test_a_login_by_another_program_of_ours_is_used_instead_of_a_second_one(portal: Portal) -> None:
    deck, shell = portal.client(), portal.client()
    await deck.account()
    await shell.login()
    images = portal.images
    assert (await deck.account()).meters
    assert portal.images == images


# Reports


async def test_hours_are_those_of_brunei_by_their_labels(portal: Portal) -> None:
    client = portal.client()
    meter = electricity(await client.account())
    report = await client.hours(meter, date(2026, 10, 12))
    assert [point.start.isoformat() for point in report.points][:2] == [
        "2026-10-12T00:00:00+08:00",
        "2026-10-12T01:00:00+08:00",
    ]
    portal.fault("gaps")
    torn = await client.hours(meter, date(2026, 10, 12))
    assert 0 < len(torn.points) < 24
    assert set(torn.points) < set(report.points)


async def test_days_of_a_month_add_up_to_its_hours(portal: Portal) -> None:
    client = portal.client()
    meter = electricity(await client.account())
    days = {point.start.date(): point.value for point in (await client.days(meter, date(2026, 9, 17))).points}
    assert len(days) == 30
    hours = await client.hours(meter, date(2026, 9, 30))
    assert sum(point.value or 0 for point in hours.points) == pytest.approx(days[date(2026, 9, 30)], abs=0.002)


async def test_this_month_goes_up_to_yesterday_and_on_its_first_day_nothing_is_asked(portal: Portal) -> None:
    client = portal.client()
    meter = electricity(await client.account())
    report = await client.days(meter, date(2026, 10, 14))
    assert [point.start.day for point in report.points] == list(range(1, 14))
    portal.clock.advance((datetime(2026, 10, 31, 16, 30, tzinfo=UTC) - START).total_seconds())
    requests = len(portal.wire.requests)
    assert client.today == date(2026, 11, 1)
    assert (await client.days(meter, date(2026, 11, 1))).points == ()
    assert len(portal.wire.requests) == requests


async def test_water_is_not_asked_for_by_the_hour(portal: Portal) -> None:
    client = portal.client()
    meter = water(await client.account())
    requests = len(portal.wire.requests)
    assert (await client.hours(meter, date(2026, 10, 12))).points == ()
    assert len(portal.wire.requests) == requests
    assert (await client.days(meter, date(2026, 9, 1))).points


async def test_the_future_is_refused_before_anything_is_sent(portal: Portal) -> None:
    client = portal.client()
    meter = electricity(await client.account())
    requests = len(portal.wire.requests)
    with pytest.raises(UsageError, match="in the future"):
        await client.hours(meter, date(2026, 10, 15))
    with pytest.raises(UsageError, match="in the future"):
        await client.days(meter, date(2026, 11, 1))
    assert len(portal.wire.requests) == requests


async def test_a_search_is_sent_as_the_sheet_has_it(portal: Portal) -> None:
    client = portal.client()
    meter = electricity(await client.account())
    portal.wire.requests.clear()
    await client.hours(meter, date(2026, 10, 12))
    assert [method for method, _, _ in portal.wire.requests] == ["GET", "POST", "POST"]
    fields = portal.wire.requests[-1][2]
    assert fields["cboType_VI"] == "3" and fields["cboDateFrom"] == fields["cboDateTo"] == "12/10/2026"
    assert fields["cboDateFrom$State"] == "{&quot;rawValue&quot;:&quot;1791763200000.0&quot;}"
    portal.wire.requests.clear()
    await client.days(meter, date(2026, 9, 1))
    assert [method for method, _, _ in portal.wire.requests] == ["GET", "POST", "POST", "POST"]
    fields = portal.wire.requests[-1][2]
    assert fields["cboDateFrom$State"] == "{&quot;rawValue&quot;:&quot;1788249600000.0&quot;}"
    assert fields["cboDateTo$State"] == "{&quot;rawValue&quot;:&quot;1790726400000.0&quot;}"


async def test_a_portal_that_takes_only_its_newest_state_is_served_too(portal: Portal) -> None:
    portal.fault("strict-viewstate")
    client = portal.client()
    meter = electricity(await client.account())
    assert len((await client.days(meter, date(2026, 9, 1))).points) == 30


async def test_top_ups_and_debt_are_read(portal: Portal) -> None:
    client = portal.client()
    meter = electricity(await client.account())
    found = await client.top_ups(meter, date(2026, 4, 1), date(2026, 10, 14))
    assert found and all(one.meter == meter.number and (one.amount_bnd or 0) > 0 for one in found)
    assert (await client.top_up_page(meter)).customer_type == "Residential"


# What the portal may send


@pytest.mark.parametrize(
    ("fault", "value"),
    [("no-cards", None), ("huge", None), ("truncated", None), ("status-503", None)],
)
async def test_what_is_no_page_is_an_error_in_words(portal: Portal, fault: str, value: str | None) -> None:
    client = portal.client()
    portal.fault(fault, value)
    with pytest.raises(SourceError) as caught:
        await client.account()
    assert not isinstance(caught.value, AuthError)
    assert PASSWORD not in str(caught.value) and "Sig" not in str(caught.value)


async def test_a_portal_that_does_not_answer_in_time_says_so(portal: Portal) -> None:
    async def silence(scope: Message, receive: Receive, send: Send) -> None:
        del scope, receive, send
        await anyio.sleep_forever()

    clients = HttpClients(mounts={ORIGIN: SimulatedTransport(silence)}, only_mounted=True, clock=portal.clock)
    client = UsmsClient(USERNAME, PASSWORD, origin=ORIGIN, clients=clients, clock=portal.clock, timeout_s=0.05)
    with pytest.raises(TimedOut, match="in time"):
        await client.account()


async def test_a_page_in_latin_1_is_read(portal: Portal) -> None:
    portal.fault("latin1")
    assert water(await portal.client().account()).remaining_unit is not None


@pytest.mark.parametrize("layout", ["old", "new"])
async def test_both_layouts_of_the_cards_give_the_same(portal: Portal, layout: str) -> None:
    plain = await portal.client().account()
    portal.fault("layout", layout)
    assert [meter.number for meter in (await portal.client().account()).meters] == [m.number for m in plain.meters]


async def test_dashes_mean_unknown(portal: Portal) -> None:
    portal.fault("dashes")
    meter = electricity(await portal.client().account())
    assert meter.remaining_unit is None and meter.credit_bnd is None


async def test_a_debt_keeps_its_sign(portal: Portal) -> None:
    portal.fault("negative-credit")
    credit = electricity(await portal.client().account()).credit_bnd
    assert credit is not None and credit < 0


async def test_hostile_names_come_out_harmless(portal: Portal) -> None:
    portal.fault("markup")
    account = await portal.client().account()
    shown = "".join([account.account_name, *(meter.address for meter in account.meters)])
    assert shown.isprintable() and "\x1b" not in shown


async def test_a_redirect_to_another_host_is_not_followed(portal: Portal) -> None:
    async def lead_away(scope: Message, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 302, "headers": [(b"location", b"http://evil.test/x")]})
        await send({"type": "http.response.body", "body": b""})

    clients = HttpClients(mounts={ORIGIN: SimulatedTransport(lead_away)}, only_mounted=True, clock=portal.clock)
    client = UsmsClient(USERNAME, PASSWORD, origin=ORIGIN, clients=clients, clock=portal.clock, solver=portal.read)
    with pytest.raises(BadAnswer, match="another host"):
        await client.account()
