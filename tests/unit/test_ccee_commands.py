"""What an operator asks of CCEE, through control and against the simulator: confirmed, refused, lost, never twice.

A change made by another between the fresh read and the sending a moment later cannot be seen by anybody on this side:
CCEE has no condition a write could carry. Only what was changed before the fresh read is tested here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from fakes import ManualClock
from wattdeck.core.asgi import ConnectionRefused
from wattdeck.core.command import Limits, Outcome, Request, Selection, State
from wattdeck.core.config import UiConfig
from wattdeck.core.deck import make_deck
from wattdeck.core.errors import Cause, CommandRefused
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Link
from wattdeck.core.secrets import SecretRef
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.ccee import SYSTEM
from wattdeck.systems.ccee.agreements import ContractCreation, RequestAnswer, RequestCreation
from wattdeck.systems.ccee.commands import MOST_INTENTIONS
from wattdeck.systems.ccee.config import CceeConfig
from wattdeck.systems.ccee.intentions import Cancellation, Change, Creation, Intention
from wattdeck.systems.ccee.models import (
    ChangeRequestDraft,
    ContractDraft,
    Migration,
    MigrationDraft,
    MigrationEdit,
    MigrationsSnapshot,
    RepresentativeDraft,
    RequestStatus,
    RequestType,
)
from wattdeck.systems.ccee.simulator import CceeSimulator, secret_of
from wattdeck.systems.ccee.source import CceeSource

pytestmark = pytest.mark.anyio

SOURCE = "ccee/varejo"
ORIGIN = "http://127.0.0.4"
START = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
AGENT, PROFILE, OTHER_PROFILE = 200000, 200101, 200100
MIGRATIONS = "/v2/varejista/migracoes"
UNIT = "000000123400159"
DRAFT = MigrationDraft(
    consumer_unit_code=UNIT, utility_agent_code=100000, document_type="CNPJ", document_number="11222333000181",
    retailer_agent_code=AGENT, reference_month="2027-06", retailer_profile_code=PROFILE,
    email="ana.souza@padaria.example", tariff_subgroup="A4", utility_formalized="SIM",
    formalization_date=date(2026, 11, 2), comment="matriz",
)  # fmt: skip


class Line:
    """The way to the simulator: counts, can be cut, and lets a test step in just before a write."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.requests: list[tuple[str, str, str]] = []
        self.cut = False
        self.before_write: Callable[[], object] = lambda: None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] != "GET" and not scope["path"].startswith("/sso"):
            self.before_write()
        self.requests.append((scope["method"], scope["path"], scope["query_string"].decode()))
        if self.cut:
            raise ConnectionRefused(0.0)
        await self._app(scope, receive, send)

    @property
    def writes(self) -> list[str]:
        """Method and path of all that was sent to change something."""
        return [f"{method} {path}" for method, path, _ in self.requests if method != "GET" and "/sso/" not in path]


class Desk:
    """A deck on one simulated agent."""

    def __init__(self, folder: Path, faults: dict[str, str | None], read_only: bool, settings: dict[str, Any]) -> None:
        self.clock = ManualClock(START)
        self.simulator = CceeSimulator(
            SimulatorOptions(start=START, faults=faults), monotonic=self.clock.monotonic, sleep=self.clock.sleep
        )
        self.line = Line(self.simulator.app)
        config = CceeConfig(
            **{
                "name": "varejo",
                "agent_code": AGENT,
                "profiles": (PROFILE,),
                "client_id": f"VAREJISTA_{AGENT}",
                "client_secret": SecretRef(plain=secret_of(AGENT)),
                "url": ORIGIN,
                "control": True,
                **settings,
            }
        )
        hub = Hub([(SYSTEM, config)], state_dir=folder, clock=self.clock, demo_apps={ORIGIN: self.line})
        self.deck = make_deck(
            hub, [(SYSTEM, config)], UiConfig(read_only=read_only), folder, demo=True, clock=self.clock
        )
        self.control = self.deck.control

    @property
    def source(self) -> CceeSource:
        source = self.deck.hub.sources[SOURCE]
        assert isinstance(source, CceeSource)
        return source

    @property
    def shown(self) -> MigrationsSnapshot:
        """The newest."""
        snapshot = self.source.feed.reading.snapshot
        assert snapshot is not None
        return snapshot

    async def poll(self, later_s: float = 0.0) -> None:
        self.clock.advance(later_s)
        reading = await self.source.feed.poll()
        assert reading.link is Link.LIVE, reading.problem
        await self.control.on_reading(SOURCE)

    def one(self, status: str, document: str = "CNPJ") -> Migration:
        return next(each for each in self.shown.migrations if (each.status, each.document_type) == (status, document))

    async def select(self, intention: Intention) -> Selection:
        self.source.operable.stage(intention)
        return await self.control.select(request_of(intention))

    async def command(self, intention: Intention) -> Outcome:
        return await self.control.operate(await self.select(intention), yes=True)

    async def refused(self, intention: Intention) -> CommandRefused:
        """The refusal before anything was sent."""
        with pytest.raises(CommandRefused) as caught:
            await self.command(intention)
        assert self.line.writes == []
        return caught.value

    def of_unit(self, unit: str = UNIT) -> list[str]:
        """The statuses of a unit's migrations, as CCEE has them."""
        return [each.status for each in self.simulator.store.of_unit(unit)]

    def status_of(self, migration: Migration) -> str:
        found = self.simulator.store.migration(migration.migration_id, AGENT)
        assert found is not None
        return found.status

    def fault_at_write(self, name: str, value: str | None = None) -> None:
        """A fault that strikes the writing and nothing before it."""
        self.line.before_write = lambda: self.simulator.set_fault(name, value)

    def events(self) -> list[str]:
        return [record.event for record in self.deck.journal.records()]

    @property
    def journal(self) -> str:
        """The journal as it is on the disk."""
        return self.deck.journal.path.read_text()


def request_of(intention: Intention, **changes: Any) -> Request:
    return replace(
        Request(SOURCE, intention.kind, intention.object_id, intention.wanted, origin="shell", reason="test"), **changes
    )


@asynccontextmanager
async def at_desk(
    folder: Path, faults: dict[str, str | None] | None = None, *, read_only: bool = False, **settings: Any
) -> AsyncIterator[Desk]:
    desk = Desk(folder, faults or {}, read_only, settings)
    async with desk.deck:
        await desk.poll()
        yield desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with at_desk(tmp_path) as made:
        yield made


def edit_of(migration: Migration, **changes: Any) -> Change:
    return Change(migration, replace(MigrationEdit.of(migration), **changes))


# creating


async def test_a_migration_is_created_read_back_shown_and_written_down(desk: Desk) -> None:
    selection = await desk.select(Creation(DRAFT))
    text = "\n".join(selection.lines)
    assert "UC 0.000.001.234.001-59" in text and "**.***.***/0001-81" in text and "2027-06" in text
    assert DRAFT.email not in text and DRAFT.document_number not in text
    outcome = await desk.control.operate(selection, yes=True)
    assert outcome.state is State.CONFIRMED, outcome.sentence
    assert desk.line.writes == [f"POST {MIGRATIONS}"] and desk.of_unit() == ["CRIADA"]
    shown = next(each for each in desk.shown.migrations if each.consumer_unit_code == UNIT)
    assert shown.status == "CRIADA" and shown.deadline == date(2026, 12, 2) and shown.comment == "matriz"
    assert [each for each in desk.events() if each != "arm"] == ["select", "send", "ack", "confirm"]
    await desk.poll(300)
    assert shown in desk.shown.migrations


async def test_the_journal_holds_no_whole_document_and_no_address(desk: Desk) -> None:
    await desk.command(Creation(DRAFT))
    waits = desk.one("CRIADA")
    await desk.command(edit_of(waits, email="novo.contato@loja.example", document_number="11444777000161"))
    await desk.command(Cancellation(waits))
    personal = (DRAFT.email, DRAFT.document_number, waits.email, waits.document_number)
    for each in (*personal, "novo.contato@loja.example", "11444777000161", secret_of(AGENT), "sim-"):
        assert each not in desk.journal
    assert "created for 2027-06, profile 200101" in desk.journal and "**.***.***/0001-61" in desk.journal
    assert desk.deck.journal.verify() == []


async def test_two_values_that_differ_never_read_alike(desk: Desk) -> None:
    waits = desk.one("CRIADA")
    local, _, domain = waits.email.partition("@")
    twin = edit_of(waits, email=f"{local[0]}zzzz@{domain}")
    before, after = edit_of(waits).wanted, twin.wanted
    assert before != after and waits.email not in before + after


@pytest.mark.parametrize("status", ["CRIADA", "CONCLUIDA"])
async def test_a_unit_with_an_active_migration_is_refused_before_anything_is_sent(desk: Desk, status: str) -> None:
    unit = desk.one(status).consumer_unit_code
    error = await desk.refused(Creation(replace(DRAFT, consumer_unit_code=unit)))
    assert error.cause is Cause.BLOCKED_BY_INTERLOCKING
    assert status in str(error) and "CCEE allows one" in str(error)


async def test_a_duplicate_that_came_since_the_list_is_refused_too(desk: Desk) -> None:
    """Another session made it, for another month: the fresh read finds it."""
    selection = await desk.select(Creation(DRAFT))
    await desk.source.client.send_migration(replace(DRAFT, reference_month="2027-08"))
    with pytest.raises(CommandRefused, match="changed from 'absent'"):
        await desk.control.operate(selection, yes=True)
    assert desk.line.writes == [f"POST {MIGRATIONS}"], "the other's"


async def test_a_duplicate_only_ccee_knows_is_refused_in_its_words_and_changes_nothing(desk: Desk) -> None:
    desk.simulator.store.make(200001)
    other = next(each for each in desk.simulator.store.seen_by(200001) if each.active and len(each.unit) == 15)
    outcome = await desk.command(Creation(replace(DRAFT, consumer_unit_code=other.unit)))
    assert outcome.state is State.FAILED
    assert "ERR_MIGRACAO_DUPLICADA" in outcome.sentence and "ja existe migracao ativa" in outcome.sentence
    assert "Nothing was changed" in outcome.sentence
    assert desk.line.writes == [f"POST {MIGRATIONS}"] and len(desk.of_unit(other.unit)) == 1


async def test_a_unit_that_was_refused_can_be_asked_for_again(desk: Desk) -> None:
    refused = desk.one("REPROVADA")
    desk.simulator.store.of_unit(refused.consumer_unit_code)[0].unit = UNIT
    await desk.poll(300)
    assert (await desk.command(Creation(DRAFT))).state is State.CONFIRMED
    assert [each.status for each in desk.shown.migrations if each.consumer_unit_code == UNIT] == ["REPROVADA", "CRIADA"]


# answers that are lost


@pytest.mark.parametrize("fault", [("create-lost", "drop"), ("create-lost", "hang"), ("create-500-after", None)])
async def test_a_create_whose_answer_is_lost_is_read_back_and_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: tuple[str, str | None]
) -> None:
    monkeypatch.setattr("wattdeck.core.control.Limits", lambda: Limits(send_s=0.05))
    async with at_desk(tmp_path, dict([fault])) as desk:
        outcome = await desk.command(Creation(DRAFT))
        assert outcome.state is State.CONFIRMED, outcome.sentence
        assert desk.line.writes == [f"POST {MIGRATIONS}"] and desk.of_unit() == ["CRIADA"]


@pytest.mark.parametrize(
    ("fault", "state", "words"),
    [
        (("rate-limit", "1*1"), State.FAILED, "too many requests"),
        (("redirect", "307"), State.FAILED, "never followed"),
        (("redirect", "303"), State.FAILED, "never followed"),
        (("status", "500*1"), State.FAILED, "CCEE did not take it"),
        (("status", "422*1"), State.FAILED, "Nothing was changed"),
        (("html-403", "*1"), State.FAILED, "in front of the API"),
        (("agent-mismatch", None), State.FAILED, "another agent"),
        (("html-503", "*1"), State.UNKNOWN, "may yet change"),
        (("html-200", "*1"), State.UNKNOWN, "may yet change"),
        (("drop", "*1"), State.UNKNOWN, "may yet change"),
    ],
)
async def test_a_create_that_ccee_did_not_take_ends_as_what_is_known_and_is_sent_once(
    desk: Desk, fault: tuple[str, str | None], state: State, words: str
) -> None:
    name, value = fault
    if value is not None and value.startswith("*"):
        name, value = name + value, None
    desk.fault_at_write(name, value)
    outcome = await desk.command(Creation(DRAFT))
    assert outcome.state is state and words in outcome.sentence, outcome.sentence
    times = 2 if name == "agent-mismatch" else 1  # A refused token is replaced once; then nothing was done twice.
    assert desk.line.writes == [f"POST {MIGRATIONS}"] * times and desk.of_unit() == []
    assert not [query for _, _, query in desk.line.requests if "redirected" in query]


async def test_a_token_that_ends_at_the_write_is_replaced_and_one_migration_is_made(desk: Desk) -> None:
    """401 says that nothing was done, so this one write goes out again."""
    tokens = desk.simulator.registry._tokens
    desk.line.before_write = lambda: tokens.clear() if not desk.line.writes else None
    outcome = await desk.command(Creation(DRAFT))
    assert outcome.state is State.CONFIRMED and desk.of_unit() == ["CRIADA"]
    assert desk.line.writes == [f"POST {MIGRATIONS}"] * 2


async def test_a_server_that_is_gone_before_the_sending_ends_it_there(desk: Desk) -> None:
    selection = await desk.select(Creation(DRAFT))
    desk.line.cut = True
    with pytest.raises(CommandRefused, match="could not be read just before sending") as caught:
        await desk.control.operate(selection, yes=True)
    assert caught.value.cause is Cause.ABORTION_BY_COMMUNICATION_LOSS and desk.line.writes == []


async def test_a_server_that_is_gone_at_the_sending_leaves_nothing_open(desk: Desk) -> None:
    desk.line.before_write = lambda: setattr(desk.line, "cut", True)
    outcome = await desk.command(Creation(DRAFT))
    assert outcome.state is State.FAILED and outcome.sentence.lower().count("nothing was sent") == 1
    assert len(desk.line.writes) == 1 and desk.of_unit() == []


async def test_a_server_that_is_gone_after_the_sending_leaves_it_unknown_with_an_alarm(desk: Desk) -> None:
    chosen = desk.one("CRIADA")
    desk.fault_at_write("drop")
    outcome = await desk.command(Cancellation(chosen))
    assert outcome.state is State.UNKNOWN and "Nobody knows whether CCEE took it" in outcome.sentence
    assert "not sent again" in outcome.alarm
    assert len(desk.line.writes) == 1 and desk.events()[-1] == "time-out"


# changing


async def test_a_migration_is_changed_and_read_back(desk: Desk) -> None:
    waits = desk.one("CRIADA")
    change = edit_of(waits, reference_month="2027-07", email="novo@loja.example")
    selection = await desk.select(change)
    assert "After: 2027-07" in "\n".join(selection.lines)
    outcome = await desk.control.operate(selection, yes=True)
    assert outcome.state is State.CONFIRMED, outcome.sentence
    assert desk.line.writes == [f"PUT {MIGRATIONS}/{waits.migration_id}"]
    shown = desk.shown.migration(waits.migration_id)
    assert shown is not None and (shown.reference_month, shown.email) == ("2027-07", "novo@loja.example")
    await desk.poll(300)
    assert ("email", "seen") not in [(each.field, each.kind) for each in desk.source.history(waits.migration_id)]
    assert "email" in [each.field for each in desk.source.history(waits.migration_id)]


async def test_a_migration_that_moves_to_another_profile_leaves_the_list(desk: Desk) -> None:
    waits = desk.one("CRIADA")
    outcome = await desk.command(edit_of(waits, retailer_profile_code=OTHER_PROFILE))
    assert outcome.state is State.CONFIRMED, outcome.sentence
    assert desk.shown.migration(waits.migration_id) is None


async def test_a_change_that_changes_nothing_is_not_sent(desk: Desk) -> None:
    error = await desk.refused(edit_of(desk.one("CRIADA")))
    assert error.cause is Cause.POSITION_REACHED


@pytest.mark.parametrize("status", ["CONCLUIDA", "REPROVADA", "CANCELADA"])
@pytest.mark.parametrize("kind", ["edit", "cancel"])
async def test_what_does_not_wait_can_be_neither_changed_nor_cancelled(desk: Desk, status: str, kind: str) -> None:
    chosen = desk.one(status)
    wish = edit_of(chosen, email="x@loja.example") if kind == "edit" else Cancellation(chosen)
    error = await desk.refused(wish)
    if (status, kind) == ("CANCELADA", "cancel"):
        assert error.cause is Cause.POSITION_REACHED
    else:
        assert f"is {status}; only one that is CRIADA" in str(error)


# two operators


async def test_what_another_changed_since_the_selection_is_found_before_the_sending(desk: Desk) -> None:
    waits = desk.one("CRIADA")
    selection = await desk.select(edit_of(waits, email="mine@loja.example"))
    others = replace(MigrationEdit.of(waits), email="theirs@loja.example")
    await desk.source.client.update_migration(waits.migration_id, others, PROFILE)
    with pytest.raises(CommandRefused, match="the present state changed") as caught:
        await desk.control.operate(selection, yes=True)
    assert caught.value.cause is Cause.OBJECT_NOT_SELECTED and len(desk.line.writes) == 1
    assert "theirs@loja.example" not in str(caught.value) + desk.journal


async def test_what_another_changed_drops_the_selection_with_the_next_list(desk: Desk) -> None:
    waits = desk.one("CRIADA")
    selection = await desk.select(edit_of(waits, email="mine@loja.example"))
    others = replace(MigrationEdit.of(waits), reference_month="2027-08")
    await desk.source.client.update_migration(waits.migration_id, others, PROFILE)
    desk.clock.advance(10)
    await desk.source.feed.poll()
    words = await desk.control.on_reading(SOURCE)
    assert words is not None and "2027-08" in words
    with pytest.raises(CommandRefused, match="no longer selected"):
        await desk.control.operate(selection, yes=True)
    assert len(desk.line.writes) == 1


@pytest.mark.parametrize("kind", ["edit", "cancel"])
async def test_what_the_utility_answered_since_the_list_is_found_before_the_sending(desk: Desk, kind: str) -> None:
    waits = desk.one("CRIADA")
    wish = edit_of(waits, email="mine@loja.example") if kind == "edit" else Cancellation(waits)
    selection = await desk.select(wish)
    desk.simulator.approve(waits.migration_id)
    with pytest.raises(CommandRefused, match="changed from") as caught:
        await desk.control.operate(selection, yes=True)
    assert "CONCLUIDA" in str(caught.value) and desk.line.writes == []
    shown = desk.shown.migration(waits.migration_id)
    assert shown is not None and shown.status == "CONCLUIDA", "what was read is shown"


async def test_a_migration_that_is_there_no_more_cannot_be_changed(desk: Desk) -> None:
    waits = desk.one("CRIADA")
    selection = await desk.select(edit_of(waits, email="mine@loja.example"))
    desk.simulator.set_fault("delete-removes")
    await desk.source.client.cancel_migration(waits.migration_id, PROFILE)
    with pytest.raises(CommandRefused, match="no longer there"):
        await desk.control.operate(selection, yes=True)
    assert len(desk.line.writes) == 1


# cancelling


async def test_a_migration_is_cancelled_and_stays_in_the_list_as_that(desk: Desk) -> None:
    waits = desk.one("CRIADA")
    outcome = await desk.command(Cancellation(waits))
    assert outcome.state is State.CONFIRMED, outcome.sentence
    assert desk.line.writes == [f"DELETE /v1/varejista/migracoes/{waits.migration_id}"]
    shown = desk.shown.migration(waits.migration_id)
    assert shown is not None and shown.status == "CANCELADA" and shown.deadline is None


async def test_a_cancelled_migration_that_vanishes_is_confirmed_and_leaves_the_list(tmp_path: Path) -> None:
    async with at_desk(tmp_path, {"delete-removes": None}) as desk:
        waits = desk.one("CRIADA")
        outcome = await desk.command(Cancellation(waits))
        assert outcome.state is State.CONFIRMED, outcome.sentence
        assert len(desk.line.writes) == 1 and desk.shown.migration(waits.migration_id) is None
        assert desk.source.history(waits.migration_id)[-1].kind == "gone"
        await desk.poll(300)
        assert desk.shown.migration(waits.migration_id) is None


async def test_a_cancel_that_was_lost_is_read_back(desk: Desk) -> None:
    waits = desk.one("CRIADA")
    desk.fault_at_write("drop*1")
    outcome = await desk.command(Cancellation(waits))
    assert outcome.state is State.UNKNOWN and "CRIADA" in outcome.sentence
    assert desk.status_of(waits) == "CRIADA" and len(desk.line.writes) == 1


# who may


@pytest.mark.parametrize(
    ("options", "words"), [({"read_only": True}, "runs read-only"), ({"control": False}, "Set control = true")]
)
async def test_without_control_nothing_is_sent(tmp_path: Path, options: dict[str, bool], words: str) -> None:
    async with at_desk(tmp_path, **options) as desk:  # type: ignore[arg-type]
        waits = desk.one("CRIADA")
        for wish in (Creation(DRAFT), edit_of(waits, email="x@loja.example"), Cancellation(waits)):
            error = await desk.refused(wish)
            assert error.cause is Cause.BLOCKED_BY_MODE and words in str(error)


async def test_only_what_was_prepared_can_be_asked_for(desk: Desk) -> None:
    wish = Creation(DRAFT)
    with pytest.raises(CommandRefused, match="shows no"):
        await desk.control.select(request_of(wish))
    desk.source.operable.stage(wish)
    with pytest.raises(CommandRefused, match="cannot be asked for"):
        await desk.control.select(request_of(wish, wanted="created for 2031-01, profile 1"))
    with pytest.raises(CommandRefused, match="knows no command"):
        await desk.control.select(request_of(wish, kind="relay"))


async def test_a_selection_does_not_send_what_was_prepared_after_it(desk: Desk) -> None:
    selection = await desk.select(Creation(DRAFT))
    desk.source.operable.stage(Creation(replace(DRAFT, reference_month="2027-07")))
    with pytest.raises(CommandRefused):
        await desk.control.operate(selection, yes=True)
    assert desk.line.writes == []


async def test_old_intentions_are_forgotten(desk: Desk) -> None:
    wish = Creation(DRAFT)
    desk.source.operable.stage(wish)
    for number in range(MOST_INTENTIONS):
        desk.source.operable.stage(Creation(replace(DRAFT, consumer_unit_code=f"{number:015d}")))
    assert desk.source.operable.facts("create", UNIT) is None
    assert len(desk.source.operable.wanted_values("create")) == MOST_INTENTIONS


async def test_a_draft_that_cannot_be_right_is_stopped_on_this_side(desk: Desk) -> None:
    outcome = await desk.command(Creation(replace(DRAFT, document_number="11222333000182")))
    assert outcome.state is State.FAILED and "check digits" in outcome.sentence
    assert desk.line.writes == [] and "11222333000182" not in outcome.sentence + desk.journal


# contracts and change requests


async def test_a_contract_is_created_and_found(desk: Desk) -> None:
    draft = ContractDraft(
        100000, UNIT, "CPF", "52998224725", (RepresentativeDraft("Ana Souza", "ana@padaria.example", "52998224725"),),
        consumer_unit_name="Padaria",
    )  # fmt: skip
    wish = ContractCreation(draft, PROFILE, desk.source.window)
    desk.source.operable.stage(wish)
    await desk.source.operable.read_back(wish.kind, wish.object_id)
    selection = await desk.control.select(request_of(wish))
    text = "\n".join(selection.lines)
    assert "Signs: Ana Souza" in text and "***.***.***-25" in text and "52998224725" not in text
    outcome = await desk.control.operate(selection, yes=True)
    assert outcome.state is State.CONFIRMED, outcome.sentence
    assert desk.line.writes == ["POST /v1/varejista/contratos"]
    assert "52998224725" not in desk.journal and "ana@padaria.example" not in desk.journal


async def test_a_suspension_is_asked_for_and_a_request_answered(desk: Desk) -> None:
    in_force = next(
        each
        for each in desk.shown.migrations
        if each.status == "CONCLUIDA" and each.reference_month <= "2026-10" and len(each.consumer_unit_code) == 15
    )
    draft = ChangeRequestDraft(
        RequestType.SUSPENSION_TERMINATION, in_force.consumer_unit_code, in_force.utility_agent_code,
        notification_date=date(2026, 11, 20),
    )  # fmt: skip
    ask = RequestCreation(draft, PROFILE, desk.source.today)
    desk.source.operable.stage(ask)
    await desk.source.operable.read_back(ask.kind, ask.object_id)
    outcome = await desk.control.operate(await desk.control.select(request_of(ask)), yes=True)
    assert outcome.state is State.CONFIRMED, outcome.sentence
    made = next(
        each
        for each in await desk.source.change_requests(in_force)
        if each.request_type == draft.request_type and each.status == "CRIADA"
    )
    answer = RequestAnswer(made, RequestStatus.REJECTED, "Débito quitado", PROFILE)
    desk.source.operable.stage(answer)
    await desk.source.operable.read_back(answer.kind, answer.object_id)
    outcome = await desk.control.operate(await desk.control.select(request_of(answer)), yes=True)
    assert outcome.state is State.CONFIRMED, outcome.sentence
    assert len(desk.line.writes) == 2
    again = RequestAnswer(made, RequestStatus.COMPLETED, "", PROFILE)
    desk.source.operable.stage(again)
    await desk.source.operable.read_back(again.kind, again.object_id)
    with pytest.raises(CommandRefused, match="REPROVADA already"):
        await desk.control.select(request_of(again))
