"""`wattdeck journal`: the commands that were given, and whether the chain of their records is whole."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import click

from wattdeck.core.language import tr
from wattdeck.core.paths import state_dir
from wattdeck.core.text import clean

if TYPE_CHECKING:
    from wattdeck.core.chain import Record

SAID = ("outcome", "cause", "sentence", "reason")
"""Fields of a journal record that say how it ended."""


def show_journal(since: datetime | None, form: str, verify: bool, use_demo: bool) -> int:
    """Print the journal's records, or what is wrong with its chain (exit code 1)."""
    from wattdeck.core.clock import SYSTEM_CLOCK
    from wattdeck.core.journal import Journal
    from wattdeck.core.paths import journal_path

    folder = state_dir() / "demo" if use_demo else state_dir()
    journal = Journal(journal_path(folder), SYSTEM_CLOCK)
    if verify:
        problems = journal.verify()
        for problem in problems:
            click.echo(tr("line {line}: {words}", line=problem.line, words=problem.words))
        if not any(problem.serious for problem in problems):
            click.echo(tr("ok: {path}: the chain is whole", path=journal.path))
            return 0
        return 1
    for record in journal.records(since):
        click.echo(journal_line(record) if form == "text" else json.dumps(dict(record.fields), ensure_ascii=True))
    return 0


def journal_line(record: Record) -> str:
    """One record as a line: when, what, on what, how it ended, who."""
    fields = record.fields
    moves = f" {fields.get('from_state')} -> {fields.get('to_state')}" if fields.get("to_state") else ""
    words = " ".join(str(fields[name]) for name in SAID if fields.get(name) not in (None, "", "none"))
    if record.event == "send":
        words = tr("about to be sent") + f"  {words}".rstrip()
    elif fields.get("sent") is False:
        words = f"{tr('not sent')}: {words}"
    what = fields.get("name") or fields.get("object_id") or ""
    who = f"{fields.get('user')}@{fields.get('host')}"
    local = record.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return clean(f"{local}  {record.event:<9} {fields.get('source', ''):<14} {what}{moves}  {words}  ({who})", 500)
