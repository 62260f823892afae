"""`wattdeck usms ...`: one account from the shell."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
import click

from wattdeck.core.dates import date_text, month_words
from wattdeck.core.errors import UsageError
from wattdeck.core.language import plural, tr
from wattdeck.shell.context import AppContext
from wattdeck.shell.output import put
from wattdeck.shell.source import common, formatted, one_source
from wattdeck.shell.words import say
from wattdeck.systems.usms.choice import find_meter, span_of, starts
from wattdeck.systems.usms.models import Kind, Period, Point

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from wattdeck.core.hub import Hub
    from wattdeck.systems.usms.source import UsmsSource

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def group() -> None:
    """USMS prepaid meters in Brunei: consumption, credit, costs."""


@group.command()
@click.argument("kind", type=click.Choice(["electricity", "water", "commercial"]))
@click.argument("quantities", nargs=-1, required=True, metavar="QUANTITY...")
@click.option("--after", default="0", help="What the month has used before.")
@click.option("--households", type=click.IntRange(1, 10_000), default=1, help="Units of a multi-unit building (water).")
@click.option("--kva", default=None, help="Subscribed demand (commercial tariff B).")
@click.option("--on", "day", type=DAY, help="Rates in force on this day (else today).")
@formatted
def tariff(
    kind: str, quantities: tuple[str, ...], after: str, households: int, kva: str | None, day: Any, form: str
) -> None:
    """What QUANTITY (kWh or m³ in one month) costs, and in which tiers. Needs no network."""
    from wattdeck.systems.usms import tables, tariff

    on = day.date() if day is not None else None
    try:
        if kind == "commercial":
            if kva is None:
                raise UsageError(tr("the commercial tariff goes by subscribed demand; give it with --kva"))
            chosen = tariff.commercial(kva, on)
        else:
            chosen = tariff.tariff_for(Kind(kind), on, households)
        rows = [tables.cost_row(chosen, quantity, after) for quantity in quantities]
    except ValueError as error:
        raise UsageError(str(error)) from error
    put(rows, form, tables.cost_lines(rows, "m³" if kind == "water" else "kWh"))


@group.command()
@common
@click.option("--image", type=click.Path(path_type=Path), help="Save the captcha there as PNG instead of drawing it.")
@click.pass_obj
def login(app: AppContext, source: str | None, use_demo: bool, image: Path | None) -> None:
    """Log in with the captcha, and keep the session for later runs."""
    click.get_current_context().exit(anyio.run(_login, app, source, use_demo, image))


@group.command()
@common
@formatted
@click.pass_obj
def meters(app: AppContext, source: str | None, use_demo: bool, form: str) -> None:
    """List the meters with what is left."""
    click.get_current_context().exit(anyio.run(_print_meters, app, source, use_demo, form))


@group.command()
@click.argument("meter")
@common
@formatted
@click.pass_obj
def unit(app: AppContext, meter: str, source: str | None, use_demo: bool, form: str) -> None:
    """Print what is left on METER in its unit."""
    click.get_current_context().exit(anyio.run(_print_one, app, meter, source, use_demo, form, "remaining_unit"))


@group.command()
@click.argument("meter")
@common
@formatted
@click.pass_obj
def credit(app: AppContext, meter: str, source: str | None, use_demo: bool, form: str) -> None:
    """Print the credit of METER in Brunei dollars."""
    click.get_current_context().exit(anyio.run(_print_one, app, meter, source, use_demo, form, "credit_bnd"))


@group.command()
@click.argument("meter")
@click.option(
    "--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day (else today, or the month's first)."
)
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day (else today).")
@click.option("--daily", "period", flag_value="day", default="day", help="A value a day.")
@click.option("--hourly", "period", flag_value="hour", help="A value an hour.")
@common
@formatted
@click.pass_obj
def consumption(
    app: AppContext,
    meter: str,
    first: Any,
    last: Any,
    period: str,
    source: str | None,
    use_demo: bool,
    form: str,
) -> None:
    """Print what METER has used, by the day or by the hour, in Brunei time."""
    days = (first.date() if first is not None else None, last.date() if last is not None else None)
    ask = partial(_print_consumption, app, meter, days, Period(period), source, use_demo, form)
    click.get_current_context().exit(anyio.run(ask))


@group.command()
@click.argument("meter")
@click.option("--month", type=click.DateTime(["%Y-%m"]), help="Which month, as 2026-10 (else this one).")
@common
@formatted
@click.pass_obj
def cost(app: AppContext, meter: str, month: Any, source: str | None, use_demo: bool, form: str) -> None:
    """Print what METER costs in a month, by tier, and where this month is going."""
    first = month.date() if month is not None else None
    click.get_current_context().exit(anyio.run(_print_cost, app, meter, first, source, use_demo, form))


@group.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--source", metavar="NAME", help="Which account, where more than one is configured.")
@click.pass_obj
def import_files(app: AppContext, files: tuple[Path, ...], source: str | None) -> None:
    """Put the hours of files of the public `usms` package (usms.db, usms.csv) into the history."""
    click.get_current_context().exit(anyio.run(_import, app, files, source))


async def _on_account(
    app: AppContext, name: str | None, use_demo: bool, work: Callable[[UsmsSource, Hub], Awaitable[int]]
) -> int:
    from wattdeck.shell.headless import open_hub

    async with open_hub(app, use_demo, system="usms") as hub:
        return await work(cast("UsmsSource", one_source(hub, "usms", name, tr("USMS account"))), hub)


async def _login(app: AppContext, name: str | None, use_demo: bool, image: Path | None) -> int:
    from wattdeck.systems.usms.asking import Asker

    async def work(source: UsmsSource, hub: Hub) -> int:
        del hub
        asker = Asker(image)
        password = None if source.config.password is not None else asker.password()
        solver = source.client.solver or asker.solve
        await source.client.login(solver, password)
        account = await source.fetch_meters()
        say(plural("logged in; {count} meter. The session is kept for later runs.",
                   "logged in; {count} meters. The session is kept for later runs.", len(account.meters)))  # fmt: skip
        return 0

    return await _on_account(app, name, use_demo, work)


async def _import(app: AppContext, files: Sequence[Path], name: str | None) -> int:
    async def work(source: UsmsSource, hub: Hub) -> int:
        del hub
        damaged = 0
        for file in files:
            counts = await source.archive.take_in(file)
            damaged += counts.damaged
            for problem in counts.problems:
                say(problem)
            meters = ", ".join(counts.meters) or tr("no meter")
            say(tr("{file}: {written} hours taken in, {known} known already, {damaged} rows that cannot be read; "
                   "{meters}", file=file, written=counts.written, known=counts.known, damaged=counts.damaged,
                   meters=meters))  # fmt: skip
        return 1 if damaged else 0

    return await _on_account(app, name, False, work)


async def _print_meters(app: AppContext, name: str | None, use_demo: bool, form: str) -> int:
    from wattdeck.systems.usms import tables

    async def work(source: UsmsSource, hub: Hub) -> int:
        account = await source.fetch_meters()
        rows = [tables.meter_row(meter) for meter in account.meters]
        put(rows, form, tables.meter_lines(account, hub.clock.now()))
        return 0

    return await _on_account(app, name, use_demo, work)


async def _print_one(
    app: AppContext, number: str, name: str | None, use_demo: bool, form: str, field: str
) -> int:  # fmt: skip
    from wattdeck.systems.usms import tables

    async def work(source: UsmsSource, hub: Hub) -> int:
        del hub
        meter = find_meter(await source.fetch_meters(), number)
        row = {"meter": meter.number, field: getattr(meter, field), "unit": meter.unit}
        value = getattr(meter, field)
        words = tr("unknown") if value is None else tables.amount(value, field, meter)
        put([row], form, [words])
        return 0 if value is not None else 1

    return await _on_account(app, name, use_demo, work)


async def _print_consumption(
    app: AppContext,
    number: str,
    days: tuple[date | None, date | None],
    period: Period,
    name: str | None,
    use_demo: bool,
    form: str,
) -> int:
    from wattdeck.systems.usms import tables

    async def work(source: UsmsSource, hub: Hub) -> int:
        del hub
        meter = find_meter(await source.fetch_meters(), number)
        first, last = span_of(days, period, source.client.today)
        points: list[Point] = []
        for start in starts(first, last, period):
            points += await source.points(meter, period, start)
        points = [point for point in points if first <= point.start.date() <= last]
        put(
            [tables.point_row(meter, period, point) for point in points],
            form,
            tables.point_lines(meter, period, points),
        )
        if not points and meter.kind is Kind.WATER and period is Period.HOUR:
            say(tr("water meters are not read by the hour; ask with --daily"))
        return 0 if any(point.value is not None for point in points) else 1

    return await _on_account(app, name, use_demo, work)


async def _print_cost(
    app: AppContext, number: str, month: date | None, name: str | None, use_demo: bool, form: str
) -> int:  # fmt: skip
    from wattdeck.systems.usms import tables

    async def work(source: UsmsSource, hub: Hub) -> int:
        if month is not None and month > source.client.today:
            words = tr("{month} is in the future; in Brunei it is {today}", month=month_words(month),
                       today=date_text(source.client.today))  # fmt: skip
            raise UsageError(words)
        meter = find_meter(await source.fetch_meters(), number)
        found = await source.month(meter, month, hub.clock.now())
        put([tables.month_row(found)], form, tables.month_lines(meter, found, hub.clock.now()))
        return 0 if found.consumption is not None else 1

    return await _on_account(app, name, use_demo, work)
