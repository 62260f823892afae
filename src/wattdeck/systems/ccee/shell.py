"""`wattdeck ccee ...`: migrations, contracts, energy and change requests of one agent from the shell."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import click

from wattdeck.core.language import tr
from wattdeck.shell.context import AppContext
from wattdeck.shell.output import Output
from wattdeck.shell.source import common, formatted
from wattdeck.systems.ccee import paperwork, petitions
from wattdeck.systems.ccee.console import (
    DAY,
    command,
    find_migration,
    month,
    months_of,
    on_agent,
    one_profile,
    printed,
    profiled,
    reason_option,
    refuse,
    unit_code,
    unmasked,
    yes_option,
)
from wattdeck.systems.ccee.models import (
    CNPJ,
    DOCUMENT_TYPES,
    MODALITIES,
    NO,
    TARIFF_SUBGROUPS,
    YES,
    Migration,
    MigrationDraft,
    MigrationEdit,
)

if TYPE_CHECKING:
    from wattdeck.systems.ccee.intentions import Intention
    from wattdeck.systems.ccee.source import CceeSource


@click.group()
def group() -> None:
    """CCEE retail migrations in Brazil: list, create, change, cancel; contracts, energy, change requests."""


@group.group()
def migrations() -> None:
    """Migrations of consumer units to the free market."""


@migrations.command("list")
@click.option("--from", "first", type=month, help="First reference month (else as configured).")
@click.option("--to", "last", type=month, help="Last reference month (else as configured).")
@click.option("--status", default="", help="One status, such as CRIADA.")
@click.option("--unit", default="", help="One consumer unit, by its exact code.")
@profiled
@unmasked
@common
@formatted
@click.pass_obj
def list_migrations(app: AppContext, /, source: str | None, use_demo: bool, form: str, **asked: Any) -> None:
    """List the migrations of the configured months, as they come in."""
    click.get_current_context().exit(anyio.run(partial(_list, app, source, use_demo, form, **asked)))


@migrations.command("show")
@click.argument("migration")
@profiled
@unmasked
@common
@formatted
@click.pass_obj
def show_migration(
    app: AppContext, migration: str, profile: int | None, show_documents: bool, source: str | None, use_demo: bool,
    form: str,
) -> None:  # fmt: skip
    """Print every field of one MIGRATION, and what happened to it since it was first seen."""

    async def work(source: CceeSource) -> int:
        from wattdeck.systems.ccee import tables

        found = await find_migration(source, migration, profile)
        with Output(form) as output:
            history = source.history(found.migration_id)
            lines = tables.migration_lines(found, history, source.today, source.calendar, masked=not show_documents)
            output.add([tables.row(found)], lines)
        return 0

    click.get_current_context().exit(anyio.run(on_agent, app, source, use_demo, work))


@migrations.command("create")
@click.option("--unit", required=True, help="Consumer unit code: 15 digits.")
@click.option("--utility", type=int, required=True, help="Agent code of the utility.")
@click.option("--document-type", type=click.Choice(DOCUMENT_TYPES), default=CNPJ, show_default=True)
@click.option("--document", default="", help="The CNPJ. A CPF is not sent: leave it out.")
@click.option("--month", type=month, required=True, help="First month in the free market.")
@click.option("--email", required=True, help="Address of the consumer unit.")
@click.option("--subgroup", type=click.Choice(TARIFF_SUBGROUPS), help="Tariff subgroup (v2).")
@click.option("--formalized-on", type=DAY, help="The utility's formalisation, v2; without it --modality is needed.")
@click.option("--modality", type=click.Choice(MODALITIES), help="Where nothing is formalised yet (v2).")
@click.option("--notice", type=DAY, help="Day of the consumer's notice, denúncia (v1 and v1.1).")
@click.option("--comment", default="")
@profiled
@yes_option
@reason_option
@common
@click.pass_obj
def create_migration(
    app: AppContext, /, source: str | None, use_demo: bool, yes: bool, reason: str, profile: int | None, **values: Any
) -> None:
    """Ask a utility to let a consumer unit go to the free market."""

    async def stage(source: CceeSource) -> Intention:
        from wattdeck.systems.ccee.drafts import normal
        from wattdeck.systems.ccee.intentions import Creation

        draft = normal(draft_of(source, profile, values))
        say_problems(source, draft)
        return Creation(draft)

    click.get_current_context().exit(anyio.run(command, app, source, use_demo, stage, yes, reason))


@migrations.command("update")
@click.argument("migration")
@click.option("--month", type=month, help="Another first month.")
@click.option("--to-profile", type=int, help="Another profile.")
@click.option("--document-type", type=click.Choice(DOCUMENT_TYPES))
@click.option("--document", help="Another CNPJ.")
@click.option("--email", help="Another address.")
@profiled
@yes_option
@reason_option
@common
@click.pass_obj
def update_migration(
    app: AppContext, /, migration: str, source: str | None, use_demo: bool, yes: bool, reason: str, profile: int | None,
    **values: Any,
) -> None:  # fmt: skip
    """Change a MIGRATION that waits for the utility. What is not named stays."""

    async def stage(source: CceeSource) -> Intention:
        from wattdeck.systems.ccee.drafts import edit_problems, normal
        from wattdeck.systems.ccee.intentions import Change

        found = await find_migration(source, migration, profile)
        edit = normal(edit_of(found, values))
        refuse([problem.sentence for problem in edit_problems(edit)])
        return Change(found, edit)

    click.get_current_context().exit(anyio.run(command, app, source, use_demo, stage, yes, reason))


@migrations.command("delete")
@click.argument("migration")
@profiled
@yes_option
@reason_option
@common
@click.pass_obj
def delete_migration(
    app: AppContext, migration: str, source: str | None, use_demo: bool, yes: bool, reason: str, profile: int | None
) -> None:
    """Cancel a MIGRATION that waits for the utility."""

    async def stage(source: CceeSource) -> Intention:
        from wattdeck.systems.ccee.intentions import Cancellation

        return Cancellation(await find_migration(source, migration, profile))

    click.get_current_context().exit(anyio.run(command, app, source, use_demo, stage, yes, reason))


def draft_of(source: CceeSource, profile: int | None, values: dict[str, Any]) -> MigrationDraft:
    """A draft from the options of the command line.

    Raises:
        UsageError: the profile is not clear.
    """
    formalized_on, notice = values["formalized_on"], values["notice"]
    new = source.config.api_version == "v2"
    return MigrationDraft(
        consumer_unit_code=values["unit"],
        utility_agent_code=values["utility"],
        document_type=values["document_type"],
        retailer_agent_code=source.config.agent_code,
        reference_month=values["month"],
        retailer_profile_code=one_profile(source, profile),
        email=values["email"],
        document_number=values["document"],
        tariff_subgroup=values["subgroup"] or "",
        utility_formalized=(YES if formalized_on else NO) if new else "",
        formalization_date=formalized_on.date() if formalized_on else None,
        modality=values["modality"] or "",
        comment=values["comment"],
        denunciation_date=notice.date() if notice else None,
    )


def edit_of(migration: Migration, values: dict[str, Any]) -> MigrationEdit:
    """The five fields as they are, with those that were named replaced."""
    wanted = {
        "reference_month": values["month"],
        "retailer_profile_code": values["to_profile"],
        "document_type": values["document_type"],
        "document_number": values["document"],
        "email": values["email"],
    }
    return replace(MigrationEdit.of(migration), **{key: value for key, value in wanted.items() if value is not None})


def say_problems(source: CceeSource, draft: MigrationDraft) -> None:
    """Refuse a draft that cannot be sent, and say what is unwise about one that can.

    Raises:
        UsageError: with every problem.
    """
    from wattdeck.shell.words import say
    from wattdeck.systems.ccee.drafts import migration_advice, migration_problems

    refuse([problem.sentence for problem in migration_problems(draft, source.config.api_version)])
    for sentence in migration_advice(draft, source.today, source.rules, source.calendar):
        say(tr("note: {words}", words=sentence))


async def _list(
    app: AppContext, name: str | None, use_demo: bool, form: str, *, first: str | None, last: str | None, status: str,
    unit: str, profile: int | None, show_documents: bool,
) -> int:  # fmt: skip
    from wattdeck.systems.ccee import tables

    async def work(source: CceeSource) -> int:
        months = months_of(source, first, last)
        seen: set[str] = set()

        async def fill(output: Output) -> None:
            if form == "text":
                output.add([], [tables.head()])
            for each in source.config.profiles if profile is None else (profile,):
                pages = source.client.migration_pages(
                    *months, each, consumer_unit_code=unit_code(unit), status=status.upper()
                )
                async for page in pages:
                    output.skipped += page.skipped
                    new = [source.dated(item) for item in page.items if item.migration_id not in seen]
                    seen.update(item.migration_id for item in new)
                    lines = (
                        tables.migration_line(item, source.today, source.calendar, masked=not show_documents)
                        for item in new
                    )
                    output.add([tables.row(item) for item in new], lines)

        return await printed(form, fill)

    return await on_agent(app, name, use_demo, work)


group.add_command(paperwork.contracts)
group.add_command(paperwork.measurements)
group.add_command(petitions.requests)
