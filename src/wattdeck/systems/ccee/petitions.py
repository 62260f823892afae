"""`wattdeck ccee requests`: changes after a migration (ccee.md 4.3)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import anyio
import click

from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr
from wattdeck.shell.context import AppContext
from wattdeck.shell.output import Output
from wattdeck.shell.source import common, formatted
from wattdeck.systems.ccee.console import (
    DAY,
    command,
    day_of,
    month,
    on_agent,
    one_profile,
    printed,
    profiled,
    profiles_of,
    reason_option,
    refuse,
    unit_code,
    yes_option,
)
from wattdeck.systems.ccee.models import (
    NO,
    YES,
    ChangeRequestDraft,
    RequestStatus,
    RequestType,
)

if TYPE_CHECKING:
    from wattdeck.systems.ccee.intentions import Intention
    from wattdeck.systems.ccee.source import CceeSource

KIND = click.Choice([kind.value for kind in RequestType], case_sensitive=False)
ANSWERS = {"approve": RequestStatus.COMPLETED, "refuse": RequestStatus.REJECTED}


@click.group()
def requests() -> None:
    """Change requests (solicitações) after a migration."""


@requests.command("list")
@click.option("--type", "kind", type=KIND, help="One kind (else all).")
@click.option("--status", default="", help="One status, such as CRIADA.")
@click.option("--unit", default="", help="One consumer unit, by its exact code.")
@click.option("--from", "first", type=DAY, help="Asked on or after this day (else eleven months ago).")
@click.option("--to", "last", type=DAY, help="Asked on or before this day (else today).")
@profiled
@common
@formatted
@click.pass_obj
def list_requests(app: AppContext, /, source: str | None, use_demo: bool, form: str, **asked: Any) -> None:
    """List change requests."""

    async def work(agent: CceeSource) -> int:
        from wattdeck.systems.ccee import tables

        last = day_of(asked["last"]) or agent.today + timedelta(days=1)
        first = day_of(asked["first"]) or last - timedelta(days=330)
        if first > last:
            raise UsageError(tr("--from {first} is after --to {last}", first=first, last=last))
        kinds = [asked["kind"]] if asked["kind"] else [kind.value for kind in RequestType]
        seen: set[str] = set()

        async def fill(output: Output) -> None:
            for profile, kind in product(profiles_of(agent, asked["profile"]), kinds):
                found = agent.client.list_change_requests(
                    profile, kind, status=asked["status"].upper(), dates=(first, last),
                    consumer_unit_code=unit_code(asked["unit"]),
                )  # fmt: skip
                async for each in found:
                    if each.change_request_id not in seen:
                        seen.add(each.change_request_id)
                        output.add([tables.row(each)], tables.request_lines(each))

        return await printed(form, fill)

    click.get_current_context().exit(anyio.run(on_agent, app, source, use_demo, work))


@requests.command("create")
@click.argument("kind", type=KIND, metavar="TYPE")
@click.option("--unit", required=True, help="Consumer unit code.")
@click.option("--utility", type=int, help="Agent code of the utility.")
@click.option("--month", type=month, help="From which month.")
@click.option("--notified-on", type=DAY, help="Day the consumer was notified (suspensions).")
@click.option("--cer/--no-cer", "cer", default=None, help="The regulated contract is celebrated (return to it).")
@click.option("--to-retailer", type=int, help="Agent code of the new retailer.")
@click.option("--to-profile", type=int, help="Profile of the new retailer.")
@profiled
@yes_option
@reason_option
@common
@click.pass_obj
def create_request(
    app: AppContext, /, kind: str, source: str | None, use_demo: bool, yes: bool, reason: str, profile: int | None,
    **values: Any,
) -> None:  # fmt: skip
    """Ask for a change of TYPE, such as SUSPENSAO_FORNECIMENTO_RESILICAO."""
    cer = values["cer"]
    draft = ChangeRequestDraft(
        request_type=kind,
        consumer_unit_code=values["unit"],
        utility_agent_code=values["utility"],
        reference_month=values["month"] or "",
        notification_date=day_of(values["notified_on"]),
        cer_celebration="" if cer is None else YES if cer else NO,
        new_retailer_agent_code=values["to_retailer"],
        new_retailer_profile_code=values["to_profile"],
    )

    async def stage(agent: CceeSource) -> Intention:
        from wattdeck.systems.ccee.agreements import RequestCreation
        from wattdeck.systems.ccee.drafts import normal, request_problems

        refuse([problem.sentence for problem in request_problems(draft)])
        return RequestCreation(normal(draft), one_profile(agent, profile), agent.today)

    click.get_current_context().exit(anyio.run(command, app, source, use_demo, stage, yes, reason))


@requests.command("answer")
@click.argument("request_id", metavar="REQUEST")
@click.argument("answer", type=click.Choice(list(ANSWERS)))
@click.option("--type", "kind", type=KIND, help="Its kind, where it is known: spares looking through all.")
@click.option("--justification", default="", help="Why; sent along.")
@profiled
@yes_option
@reason_option
@common
@click.pass_obj
def answer_request(
    app: AppContext, request_id: str, answer: str, kind: str | None, justification: str, profile: int | None,
    source: str | None, use_demo: bool, yes: bool, reason: str,
) -> None:  # fmt: skip
    """Approve or refuse the change REQUEST of another."""

    async def stage(agent: CceeSource) -> Intention:
        from wattdeck.systems.ccee.agreements import RequestAnswer, find_request

        code = one_profile(agent, profile)
        for each in [kind] if kind else [known.value for known in RequestType]:
            found = await find_request(agent.client, code, request_id, each, today=agent.today)
            if found is not None:
                return RequestAnswer(found, ANSWERS[answer], justification, code)
        words = tr("there is no change request {id} within the last eleven months", id=repr(request_id))
        raise UsageError(words)

    click.get_current_context().exit(anyio.run(partial(command, app, source, use_demo, stage, yes, reason)))
