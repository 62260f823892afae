"""Does voltarium 1.1.1 take the simulator for CCEE? The checklist at the end of ccee.md section 13.

Run it with a Python 3.13 or newer that has voltarium 1.1.1, and name the Python that has wattdeck:

    python3.13 -m venv .conformance && .conformance/bin/pip install voltarium==1.1.1
    .conformance/bin/python benchmarks/conformance_ccee.py --wattdeck-python .venv/bin/python

Prints one line a check; exits with 1 if one failed. It takes about half a minute, because voltarium waits four
seconds before each new try.
"""

from __future__ import annotations
import __future__

import argparse
import asyncio
import importlib.machinery
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from datetime import date, timedelta
from typing import Any

import httpx
import pydantic

SERVE = """
import asyncio, json
from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.ccee.simulator import CceeSimulator
simulator = CceeSimulator(SimulatorOptions(seed=7))
asyncio.run(serve(simulator.app, "127.0.0.1", 0, lambda url: print(json.dumps({"url": url}), flush=True)))
"""
TROUBLED = "voltarium.models.contracts"
RETAILER, PROFILE, UTILITY = 200000, 200100, 100000
UNIT, OTHER_UNIT = "000000123400159", "001347925802810"


class Postponed(importlib.machinery.SourceFileLoader):
    """Compiles a module as if it began with `from __future__ import annotations`."""

    def get_code(self, fullname: str) -> Any:
        """Never what Python has kept of it: one of its annotations names a class that comes further down."""
        source = self.get_data(self.get_filename(fullname))
        flags = __future__.annotations.compiler_flag
        return compile(source, self.path, "exec", flags, dont_inherit=True)


class PostponedFinder(importlib.machinery.PathFinder):
    """Finds the one module that Python 3.13 cannot import as it is."""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> Any:
        """None for every other module."""
        if fullname != TROUBLED:
            return None
        spec = super().find_spec(fullname, path, target)
        assert spec is not None and spec.origin is not None
        return importlib.util.spec_from_file_location(fullname, spec.origin, loader=Postponed(fullname, spec.origin))


if sys.version_info < (3, 14):
    sys.meta_path.insert(0, PostponedFinder)

import voltarium  # noqa: E402
from voltarium import exceptions  # noqa: E402
from voltarium.models import change_requests, contracts, migration  # noqa: E402


class Checks:
    """Prints and counts."""

    def __init__(self) -> None:
        self.failed = 0
        self.made = 0

    def that(self, words: str, holds: object, seen: object = "") -> None:
        """One check."""
        self.made += 1
        self.failed += not holds
        print(f"{'ok  ' if holds else 'FAIL'} {words}{f': {seen}' if seen != '' and not holds else ''}", flush=True)

    def same(self, words: str, seen: object, expected: object) -> None:
        """Both must be equal."""
        self.that(words, seen == expected, f"{seen!r}, expected {expected!r}")

    async def raises(self, words: str, call: Awaitable[Any], error: type[Exception], **fields: object) -> None:
        """The call must raise exactly this class, with these attributes."""
        try:
            result = await call
        except Exception as caught:
            held = {name: getattr(caught, name, None) for name in fields}
            self.that(words, type(caught) is error and held == fields, f"{type(caught).__name__} {caught} {held}")
        else:
            self.that(words, False, f"returned {result!r}"[:200])


class Bench:
    """The simulator's controls, and clients of the real package that talk to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.control = httpx.Client(base_url=url)
        self.today = date.fromisoformat(self.state()["time"][:10])

    def state(self) -> dict[str, Any]:
        """What the simulator is up to."""
        return dict(self.control.get("/_sim/state").raise_for_status().json())

    def requests(self) -> int:
        """Requests so far."""
        return int(self.state()["requests"])

    def fault(self, name: str, value: str | None = None) -> None:
        """Switch a fault on."""
        self.control.post("/_sim/fault", json={"name": name, "value": value}).raise_for_status()

    def clear(self) -> None:
        """Switch all off."""
        self.control.post("/_sim/clear").raise_for_status()

    def act(self, migration_id: str, action: str) -> None:
        """Let the utility do something."""
        self.control.post("/_sim/migration", json={"id": migration_id, "action": action}).raise_for_status()

    def client(self, agent: int = RETAILER, version: str = "v2", secret: str | None = None) -> Any:
        """A client of the real package."""
        name = f"{'VAREJISTA' if agent >= 200000 and agent < 300000 else 'CONCESSIONARIA'}_{agent}"
        return voltarium.VoltariumClient(
            base_url=self.url, client_id=name, client_secret=secret or f"sim-secret-{agent}", api_version=version
        )

    def month(self, offset: int) -> str:
        """A month, so many after this one."""
        year, index = divmod(self.today.year * 12 + self.today.month - 1 + offset, 12)
        return f"{year:04d}-{index + 1:02d}"


async def all_of(rows: AsyncIterator[Any]) -> list[Any]:
    """Every item."""
    return [row async for row in rows]


def draft(bench: Bench, **changes: Any) -> Any:
    """A migration by the v2 rules."""
    fields: dict[str, Any] = {
        "consumer_unit_code": UNIT,
        "utility_agent_code": UTILITY,
        "document_type": "CNPJ",
        "document_number": "11.222.333/0001-81",
        "retailer_agent_code": RETAILER,
        "reference_month": bench.month(8),
        "retailer_profile_code": PROFILE,
        "consumer_unit_email": "uc@example.com",
        "consumer_unit_tariff_subgroup": "A4",
        "utility_formalized": "SIM",
        "formalization_date": "2026-03-02",
        "comment": "Olá",
    }
    kept = {name: value for name, value in (fields | changes).items() if value is not None}
    return migration.CreateMigrationRequestV2(**kept)


async def lists(checks: Checks, bench: Bench) -> None:
    """Tokens, pages, windows."""
    tokens = bench.state()["tokens"]
    async with bench.client() as client:

        async def listed(first: int, last: int, profile: int = PROFILE, **more: Any) -> list[Any]:
            return await all_of(
                client.list_migrations(bench.month(first), bench.month(last), RETAILER, profile, **more)
            )

        before = bench.requests()
        rows = await listed(-2, 9)
        checks.same("three pages and a token are four requests", bench.requests() - before, 4)
        checks.that("the profile holds enough for three pages", 100 < len(rows) <= 150, len(rows))
        checks.same("no migration comes twice", len({row.migration_id for row in rows}), len(rows))
        await listed(-2, 9)
        checks.same("one token serves the client", bench.state()["tokens"], tokens + 1)
        before = bench.requests()
        both = await listed(-8, 9, 200101)
        checks.same("18 months are two windows", bench.requests() - before, 2)
        checks.that("a second profile holds a couple of dozen", 15 <= len(both) <= 50, len(both))
        checks.same("an empty list is []", await listed(60, 61), [])
        one = next(row for row in rows if row.migration_status == "CONCLUIDA")
        found = await listed(-2, 9, consumer_unit_code=one.consumer_unit_code, migration_status="CONCLUIDA")
        checks.same("filters by unit and status", [row.migration_id for row in found], [one.migration_id])
        bench.fault("page-size", "10")
        before = bench.requests()
        checks.same("pages of ten hold the same", len(await listed(-2, 9)), len(rows))
        checks.same("and are more", bench.requests() - before, -(-len(rows) // 10))
        bench.clear()
        got = await client.get_migration(RETAILER, PROFILE, one.migration_id)
        checks.same("list and detail tell the same month", got.reference_month, one.reference_month)
        for name in ("mixed-dates", "nulls", "string-codes", "cursor-missing", "duplicate-rows", "hostile-text"):
            bench.fault(name)
            checks.that(f"{name}: voltarium reads it", len(await listed(-2, 9)) >= len(rows))
            bench.clear()
        bench.fault("many", "700")
        checks.same("many=700 is 700 rows on 14 pages", len(await listed(-2, 9)), 700)
        bench.clear()
    async with bench.client(version="v1") as client:
        rows = await all_of(client.list_migrations(bench.month(-2), bench.month(9), RETAILER, PROFILE))
        checks.that("v1 shows the same migrations", one.migration_id in {row.migration_id for row in rows})


async def writes(checks: Checks, bench: Bench) -> str:
    """Create, get, update, delete; returns the id of a migration that was accepted."""
    async with bench.client() as client:
        made = await client.create_migration(draft(bench), RETAILER, PROFILE)
        checks.same("v2 create", (made.migration_status, made.comment), ("CRIADA", "Olá"))
        got = await client.get_migration(RETAILER, PROFILE, made.migration_id)
        checks.same("get what was created", got, made)
        change = migration.UpdateMigrationRequest(
            reference_month=bench.month(9),
            retailer_profile_code=200101,
            document_type="CPF",
            consumer_unit_email="n@example.com",
        )
        changed = await client.update_migration(made.migration_id, change, RETAILER, PROFILE)
        seen = (f"{changed.reference_month:%Y-%m}", changed.retailer_profile_code, changed.document_number)
        checks.same("update", seen, (bench.month(9), 200101, None))
        await checks.raises(
            "a second active migration of the unit",
            client.create_migration(draft(bench), RETAILER, PROFILE),
            exceptions.ValidationError,
            code="ERR_MIGRACAO_DUPLICADA",
        )
        done = await client.delete_migration(made.migration_id, RETAILER, 200101)
        checks.same("delete through /v1", done, None)
        got = await client.get_migration(RETAILER, 200101, made.migration_id)
        checks.same("cancelled and still there", got.migration_status, "CANCELADA")
        await checks.raises(
            "what is cancelled cannot be cancelled",
            client.delete_migration(made.migration_id, RETAILER, PROFILE),
            exceptions.ValidationError,
            code="ERR_SITUACAO_MIGRACAO",
        )
        unknown = "00000000-0000-4000-8000-000000000000"
        await checks.raises("an unknown id", client.get_migration(RETAILER, PROFILE, unknown), exceptions.NotFoundError)
        await checks.raises(
            "a wrong check digit",
            client.create_migration(draft(bench, consumer_unit_code="000000123400150"), RETAILER, PROFILE),
            exceptions.ValidationError,
            code="ERR_VALIDACAO_CAMPOS",
        )
        regular = {"utility_formalized": "NAO", "formalization_date": None, "migration_modality": "REGULAR"}
        person = {"document_type": "CPF", "document_number": None, "reference_month": bench.month(-1)}
        made = await client.create_migration(draft(bench, **regular, **person), RETAILER, PROFILE)
        checks.same("v2 create, NAO and CPF", (made.document_number, made.migration_modality), (None, "REGULAR"))
        bench.act(made.migration_id, "approve")
        got = await client.get_migration(RETAILER, PROFILE, made.migration_id)
        checks.that("accepted by the utility", got.migration_status == "CONCLUIDA" and got.musd_value > 0, got)
        bench.fault("redirect", "302*1")
        checks.that(
            "a redirected update looks like success",
            await client.update_migration(made.migration_id, change, RETAILER, PROFILE),
        )
        bench.fault("create-500-after", "*1")
        lost = draft(bench, consumer_unit_code=OTHER_UNIT)
        await checks.raises(
            "a create answered with 500",
            client.create_migration(lost, RETAILER, PROFILE),
            httpx.HTTPStatusError,
        )
        stored = await all_of(
            client.list_migrations(bench.month(8), bench.month(8), RETAILER, PROFILE, consumer_unit_code=OTHER_UNIT)
        )
        checks.same("is stored", [row.migration_status for row in stored], ["CRIADA"])
    return str(made.migration_id)


async def versions(checks: Checks, bench: Bench) -> None:
    """v1 and v1.1 bodies."""
    old = migration.CreateMigrationRequest(
        consumer_unit_code="0032765",
        utility_agent_code=UTILITY,
        document_type="CNPJ",
        document_number="11222333000181",
        retailer_agent_code=RETAILER,
        reference_month=bench.month(8),
        denunciation_date="2026-03-01",
        retailer_profile_code=PROFILE,
        consumer_unit_email="uc@example.com",
    )
    async with bench.client(version="v1") as client:
        made = await client.create_migration(old, RETAILER, PROFILE)
        checks.same("v1 takes a legacy code", made.consumer_unit_code, "0032765")
        checks.same("and keeps the notice", f"{made.denunciation_date:%Y-%m-%d}", "2026-03-01")
        await client.delete_migration(made.migration_id, RETAILER, PROFILE)
    async with bench.client(version="v1.1") as client:
        await checks.raises(
            "v1.1 does not take a legacy code",
            client.create_migration(old, RETAILER, PROFILE),
            exceptions.ValidationError,
            code="ERR_VALIDACAO_CAMPOS",
        )


async def papers(checks: Checks, bench: Bench) -> None:
    """Contracts and their file."""
    window = (bench.month(-2), bench.month(9), RETAILER, PROFILE)
    async with bench.client() as client:
        done = await all_of(client.list_contracts(*window, contract_status="CONCLUIDO"))
        checks.that("contracts, page by page", len(done) > 50, len(done))
        contract = await client.get_contract(done[0].contract_id, RETAILER, PROFILE)
        states = {each.signature_status for each in contract.representatives}
        checks.same("all have signed", states, {"ASSINADO"})
        file = await client.download_contract_file(contract.contract_id, RETAILER, PROFILE)
        checks.that("the file decodes to %PDF", file.content.startswith(b"%PDF"), file.content[:20])
        checks.that("and has a name", file.filename.endswith(".pdf"), file.filename)
        signer = contracts.LegalRepresentativeWrite(
            contact_name="Ana",
            contact_email="ana@example.com",
            document_number="52998224725",
            contact_type="UNIDADE_CONSUMIDORA",
            document_type="CPF",
        )
        wanted = contracts.CreateContractRequest(
            utility_agent_code=UTILITY,
            consumer_unit_code=UNIT,
            consumer_unit_name="Padaria Teste",
            legal_representatives=[signer],
            document_type="CNPJ",
            document_number="11222333000181",
        )
        made = await client.create_contract(wanted, RETAILER, PROFILE)
        checks.same("a new contract waits for signatures", made.contract_status, "CRIADO")
        await checks.raises(
            "and has no file yet",
            client.download_contract_file(made.contract_id, RETAILER, PROFILE),
            exceptions.ValidationError,
            code="ERR_CONTRATO_NAO_CONCLUIDO",
        )


async def energy(checks: Checks, bench: Bench) -> None:
    """Measurements of a unit that is free since months."""
    async with bench.client() as client:
        rows = await all_of(
            client.list_migrations(bench.month(-11), bench.month(-2), RETAILER, PROFILE, migration_status="CONCLUIDA")
        )
        unit, utility = rows[0].consumer_unit_code, rows[0].utility_agent_code
        first = bench.today.replace(day=1) - timedelta(days=1)
        span = (f"{first}T00:00:00-03:00", f"{first + timedelta(days=1)}T23:59:59-03:00")
        before = bench.requests()
        values = await all_of(client.list_measurements(unit, utility, *span, RETAILER, PROFILE))
        checks.same("two days across a month are two requests", bench.requests() - before, 2)
        checks.same("of 288 values each", len(values), 576)
        stamps = {value.consumption_reference_date for value in values}
        checks.same("no stamp comes twice", len(stamps), 576)
        checks.that("a small business", 10 < sum(value.consumption for value in values) < 20_000)
        old = ("2024-07-01T00:00:00-03:00", "2024-07-02T00:00:00-03:00")
        await checks.raises(
            "before August 2024",
            all_of(client.list_measurements(unit, utility, *old, RETAILER, PROFILE)),
            exceptions.ValidationError,
            code="ERR_SISTEMA_MIGRACAO_IMPLATADO_MEDICOES",
        )


async def changes(checks: Checks, bench: Bench, migration_id: str) -> None:
    """Change requests of the migration that was accepted."""
    kind = "SUSPENSAO_FORNECIMENTO_RESILICAO"
    own = change_requests.CreateSupplySuspensionByRetailerRequest(
        consumer_unit_code=UNIT,
        utility_agent_code=UTILITY,
        request_type=kind,
        notification_date=str(bench.today - timedelta(days=20)),
    )
    days = {
        "initial_request_date": str(bench.today - timedelta(days=400)),
        "final_request_date": str(bench.today + timedelta(days=1)),
    }
    async with bench.client() as client:
        asked = await client.create_supply_suspension_by_retailer(own, RETAILER, PROFILE)
        checks.same("a suspension is asked for", asked.request_status, "CRIADA")
        checks.same("of the migration", asked.changed_migration_id, migration_id)
        listed = await all_of(client.list_change_requests(RETAILER, PROFILE, kind, consumer_unit_code=UNIT, **days))
        checks.same("listed in two windows", [each.change_request_id for each in listed], [asked.change_request_id])
        no = change_requests.UpdateChangeRequestStatusRequest(
            request_status="REPROVADA", request_type=kind, justification="no"
        )
        unknown = "00000000-0000-4000-8000-000000000000"
        await checks.raises(
            "an unknown request is 400",
            client.update_change_request_status(unknown, no, RETAILER, PROFILE),
            exceptions.ValidationError,
            code="ERR_SOLICITACAO_NAO_EXISTE_BASE_DADOS",
        )
    async with bench.client(UTILITY) as client:
        seen = await client.get_migration(UTILITY, UTILITY, migration_id)
        checks.same("the utility sees the migration", seen.migration_id, migration_id)
        answered = await client.update_change_request_status(asked.change_request_id, no, UTILITY, UTILITY)
        checks.same("the utility refuses", (answered.request_status, answered.justification), ("REPROVADA", "no"))
        by_utility = change_requests.CreateSupplySuspensionByUtilityRequest(
            consumer_unit_code=UNIT, notification_date=str(bench.today)
        )
        asked = await client.create_supply_suspension_by_utility(by_utility, UTILITY, UTILITY)
        checks.same("the utility asks", asked.utility_agent_code, UTILITY)
    async with bench.client(200001) as client:
        await checks.raises(
            "another retailer does not see it",
            client.get_migration(200001, 200110, migration_id),
            exceptions.NotFoundError,
        )


async def door(checks: Checks, bench: Bench) -> None:
    """Wrong agents and secrets; three tries each."""

    async def tried(words: str, client: Any, agent: int, requests_made: int) -> None:
        before, started_s = bench.requests(), time.monotonic()
        await checks.raises(words, client.get_migration(agent, PROFILE, "x"), exceptions.AuthenticationError)
        checks.same(f"{words}: requests", bench.requests() - before, requests_made)
        checks.that(f"{words}: about 8 s", 7 < time.monotonic() - started_s < 12, time.monotonic() - started_s)

    async with bench.client() as wrong_agent, bench.client(secret="wrong") as wrong_secret:
        await tried("wrong agent header", wrong_agent, 200001, 6)
        await tried("wrong secret", wrong_secret, RETAILER, 3)
    bench.fault("expire-mid", "2")
    async with bench.client() as client:
        rows = await all_of(client.list_migrations(bench.month(-2), bench.month(9), RETAILER, PROFILE))
        checks.same("401 on page two: no row twice", len({row.migration_id for row in rows}), len(rows))
        checks.that("and none lost", len(rows) > 100, len(rows))
    bench.clear()


async def fail(checks: Checks, bench: Bench) -> None:
    """The faults do to 1.1.1 what the sheet says of it."""
    window = (bench.month(-2), bench.month(9), RETAILER, PROFILE)
    async with bench.client() as client:

        async def listed() -> list[Any]:
            return await all_of(client.list_migrations(*window))

        first = (await listed())[0].migration_id
        for name, value, error in (
            ("null-array", None, TypeError),
            ("bare-array", None, AttributeError),
            ("unknown-status", None, pydantic.ValidationError),
            ("html-200", None, json.JSONDecodeError),
            ("html-403", None, httpx.HTTPStatusError),
            ("html-502", None, httpx.HTTPStatusError),
            ("truncated", None, json.JSONDecodeError),
            ("rate-limit", "3", exceptions.RateLimitError),
            ("status", "422", httpx.HTTPStatusError),
            ("drop", None, httpx.RemoteProtocolError),
        ):
            bench.fault(name, value)
            await checks.raises(f"{name}: {error.__name__}", listed(), error)
            bench.clear()
        bench.fault("wrong-key", "*1")
        checks.that("wrong-key: rows are silently missing", len(await listed()) < 100)
        bench.fault("no-content-get")
        got = client.get_migration(RETAILER, PROFILE, first)
        await checks.raises("no-content-get: JSONDecodeError", got, json.JSONDecodeError)
        bench.clear()
        bench.fault("array-get")
        got = await client.get_migration(RETAILER, PROFILE, first)
        checks.same("array-get: the first is taken", got.migration_id, first)
        bench.clear()
        bench.fault("status", "400")
        bench.fault("error-null-body")
        await checks.raises("error-null-body: AttributeError", listed(), AttributeError)
        bench.clear()
        done = await all_of(client.list_contracts(*window, contract_status="CONCLUIDO"))
        bench.fault("contract-raw-pdf")
        file = await client.download_contract_file(done[0].contract_id, RETAILER, PROFILE)
        try:
            content = file.content
        except ValueError:
            content = b""
        checks.that("contract-raw-pdf: not decoded", not content.startswith(b"%PDF"))
        bench.clear()
    for name, error in (("token-html", json.JSONDecodeError), ("token-down", httpx.HTTPStatusError)):
        bench.fault(name)
        async with bench.client() as client:
            await checks.raises(f"{name}: {error.__name__}", all_of(client.list_migrations(*window)), error)
        bench.clear()
    bench.fault("token-short")
    tokens = bench.state()["tokens"]
    async with bench.client() as client:
        pages = len(await all_of(client.list_migrations(*window))) // 50 + 1
    checks.same("token-short: a token for each request", bench.state()["tokens"] - tokens, pages)
    bench.clear()


async def main(url: str) -> int:
    """The checklist."""
    checks, bench = Checks(), Bench(url)
    await lists(checks, bench)
    accepted = await writes(checks, bench)
    await versions(checks, bench)
    await papers(checks, bench)
    await energy(checks, bench)
    await changes(checks, bench, accepted)
    await fail(checks, bench)
    await door(checks, bench)
    print(f"{checks.made - checks.failed} of {checks.made} checks hold")
    return min(1, checks.failed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wattdeck-python", default=sys.executable, help="the Python that has wattdeck")
    chosen = parser.parse_args()
    with subprocess.Popen([chosen.wattdeck_python, "-c", SERVE], stdout=subprocess.PIPE, text=True) as simulator:
        try:
            assert simulator.stdout is not None
            failed = asyncio.run(main(json.loads(simulator.stdout.readline())["url"]))
        finally:
            simulator.terminate()
    sys.exit(failed)
