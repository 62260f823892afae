"""`wattdeck ccee contracts|measurements`: what goes with a migration."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
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
    in_any_profile,
    month,
    months_of,
    on_agent,
    one_profile,
    printed,
    profiled,
    profiles_of,
    reason_option,
    refuse,
    unit_code,
    unmasked,
    yes_option,
)
from wattdeck.systems.ccee.models import (
    BRASILIA,
    ContractDraft,
    RepresentativeDraft,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wattdeck.systems.ccee.intentions import Intention
    from wattdeck.systems.ccee.source import CceeSource

DRAFT_BYTES_MAX = 100_000


@click.group()
def contracts() -> None:
    """Retail contracts (CCV) of consumer units."""


@contracts.command("list")
@click.option("--from", "first", type=month, help="First month (else as configured).")
@click.option("--to", "last", type=month, help="Last month (else as configured).")
@click.option("--utility", type=int, help="Agent code of the utility; the sandbox asks for it.")
@click.option("--unit", default="", help="One consumer unit, by its exact code.")
@click.option("--status", default="", help="One status, such as CONCLUIDO.")
@profiled
@unmasked
@common
@formatted
@click.pass_obj
def list_contracts(app: AppContext, /, source: str | None, use_demo: bool, form: str, **asked: Any) -> None:
    """List contracts with their signatures."""

    async def work(agent: CceeSource) -> int:
        from wattdeck.systems.ccee import tables

        first, last = months_of(agent, asked["first"], asked["last"])

        async def fill(output: Output) -> None:
            for profile in profiles_of(agent, asked["profile"]):
                found = agent.client.list_contracts(
                    first, last, profile, utility_agent_code=asked["utility"],
                    consumer_unit_code=unit_code(asked["unit"]), status=asked["status"].upper(),
                )  # fmt: skip
                async for each in found:
                    output.add([tables.row(each)], tables.contract_lines(each, masked=not asked["show_documents"]))

        return await printed(form, fill)

    click.get_current_context().exit(anyio.run(on_agent, app, source, use_demo, work))


@contracts.command("show")
@click.argument("contract")
@profiled
@unmasked
@common
@formatted
@click.pass_obj
def show_contract(
    app: AppContext, contract: str, profile: int | None, show_documents: bool, source: str | None, use_demo: bool,
    form: str,
) -> None:  # fmt: skip
    """Print one CONTRACT."""

    async def work(agent: CceeSource) -> int:
        from wattdeck.systems.ccee import tables

        what = tr("contract {id}", id=repr(contract))
        found = await in_any_profile(agent, profile, what, lambda each: agent.client.contract(contract, each))
        with Output(form) as output:
            output.add([tables.row(found)], tables.contract_lines(found, masked=not show_documents))
        return 0

    click.get_current_context().exit(anyio.run(on_agent, app, source, use_demo, work))


@contracts.command("create")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@profiled
@yes_option
@reason_option
@common
@click.pass_obj
def create_contract(
    app: AppContext, file: Path, profile: int | None, source: str | None, use_demo: bool, yes: bool, reason: str
) -> None:
    """Create a contract from FILE (`-` for standard input), a JSON object.

    \b
    {"utility_agent_code": 100000, "consumer_unit_code": "000000123400159",
     "document_type": "CNPJ", "document_number": "11222333000181",
     "consumer_unit_name": "Padaria Teste", "address": "Rua A, 1", "phone": "(11) 98765-4321",
     "representatives": [{"name": "Ana", "email": "ana@example.com", "document_number": "52998224725",
                          "contact_type": "UNIDADE_CONSUMIDORA", "document_type": "CPF"}]}
    """
    draft = read_contract(_read(file))

    async def stage(agent: CceeSource) -> Intention:
        from wattdeck.systems.ccee.agreements import ContractCreation
        from wattdeck.systems.ccee.drafts import contract_problems, normal

        refuse([problem.sentence for problem in contract_problems(draft)])
        return ContractCreation(normal(draft), one_profile(agent, profile), agent.window)

    click.get_current_context().exit(anyio.run(command, app, source, use_demo, stage, yes, reason))


@contracts.command("file")
@click.argument("contract")
@click.option("--output", type=click.Path(path_type=Path), help="Where to; `-` is standard output. Else its own name.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@profiled
@common
@click.pass_obj
def contract_file(
    app: AppContext, contract: str, output: Path | None, force: bool, profile: int | None, source: str | None,
    use_demo: bool,
) -> None:  # fmt: skip
    """Save the PDF of a signed CONTRACT."""

    async def work(agent: CceeSource) -> int:
        what = tr("contract {id}", id=repr(contract))
        found = await in_any_profile(agent, profile, what, lambda each: agent.client.contract_file(contract, each))
        if output is not None and str(output) == "-":
            sys.stdout.buffer.write(found.content)
            return 0
        path = output or Path(found.name)
        try:
            with path.open("wb" if force else "xb") as stream:
                stream.write(found.content)
        except FileExistsError:
            words = tr("{path} is there already; give --force to replace it, or another --output", path=path)
            raise UsageError(words) from None
        except OSError as error:
            raise UsageError(
                tr("{path} cannot be written: {reason}", path=path, reason=error.strerror or error)
            ) from None
        click.echo(path)
        return 0

    click.get_current_context().exit(anyio.run(on_agent, app, source, use_demo, work))


@click.command()
@click.argument("unit")
@click.option("--utility", type=int, required=True, help="Agent code of the utility.")
@click.option("--from", "first", type=DAY, help="First day (else a week ago).")
@click.option("--to", "last", type=DAY, help="Last day (else today).")
@click.option("--status", default="", help="CONSISTIDA or REJEITADA.")
@profiled
@common
@formatted
@click.pass_obj
def measurements(app: AppContext, /, unit: str, source: str | None, use_demo: bool, form: str, **asked: Any) -> None:
    """Print the measured energy of a consumer UNIT, an interval a line."""

    async def work(agent: CceeSource) -> int:
        from wattdeck.systems.ccee import tables

        last = day_of(asked["last"]) or agent.today
        first = day_of(asked["first"]) or last - timedelta(days=6)
        if first > last:
            raise UsageError(tr("--from {first} is after --to {last}", first=first, last=last))
        start = datetime(first.year, first.month, first.day, tzinfo=BRASILIA)
        end = datetime(last.year, last.month, last.day, 23, 59, 59, tzinfo=BRASILIA)

        async def fill(output: Output) -> None:
            found = agent.client.list_measurements(
                unit_code(unit), asked["utility"], start, end, profiles_of(agent, asked["profile"])[0],
                status=asked["status"].upper(),
            )  # fmt: skip
            async for each in found:
                output.add([tables.row(each)], [tables.measurement_line(each)])

        return await printed(form, fill)

    click.get_current_context().exit(anyio.run(on_agent, app, source, use_demo, work))


def read_contract(text: str) -> ContractDraft:
    """A contract's draft from JSON with the model's field names.

    Raises:
        UsageError: it is no such JSON; says what is missing or not known.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(tr("the contract is not JSON: {reason}", reason=error)) from None
    if not isinstance(data, dict):
        raise UsageError(tr("the contract must be a JSON object"))
    signers = data.pop("representatives", [])
    if not isinstance(signers, list) or not all(isinstance(each, dict) for each in signers):
        raise UsageError(tr("representatives must be a list of objects"))
    representatives = tuple(_made(RepresentativeDraft, each, tr("a representative")) for each in signers)
    draft: ContractDraft = _made(ContractDraft, {**data, "representatives": representatives}, tr("the contract"))
    return draft


def _made(kind: type[Any], values: Mapping[str, Any], what: str) -> Any:
    from dataclasses import MISSING, fields

    known = {field.name: field for field in fields(kind)}
    odd = sorted(set(values) - set(known))
    missing = [name for name, field in known.items() if name not in values and field.default is MISSING]
    wrong = [
        tr("{name} must be a whole number", name=name) if field.type == "int" else tr("{name} must be text", name=name)
        for name, field in known.items()
        if name in values
        and name != "representatives"
        and (not isinstance(values[name], int if field.type == "int" else str) or isinstance(values[name], bool))
    ]
    if odd or missing or wrong:
        words = [tr("no field is called {name}", name=repr(name)) for name in odd]
        words += [tr("{name} is missing", name=name) for name in missing] + wrong
        raise UsageError("\n".join(f"{what}: {each}" for each in words))
    return kind(**values)


def _read(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read(DRAFT_BYTES_MAX + 1) if str(file) == "-" else _head(file)
    except OSError as error:
        raise UsageError(tr("{path} cannot be read: {reason}", path=file, reason=error.strerror or error)) from None
    if len(raw) > DRAFT_BYTES_MAX:
        raise UsageError(tr("{path} is larger than {size} kB; that is no contract", path=file,
                            size=DRAFT_BYTES_MAX // 1000))  # fmt: skip
    return raw.decode("utf-8-sig", "replace")


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(DRAFT_BYTES_MAX + 1)
