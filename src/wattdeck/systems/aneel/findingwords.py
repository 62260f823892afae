"""Findings of the conformance check for the eye: counts, table rows, one in full. Knows no widget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from wattdeck.core.language import later, plural, tr
from wattdeck.core.lines import MUTED, TEXT, Column, Line, Row, Span, clip, fit, wrap
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, Glyphs, number
from wattdeck.systems.aneel.models import Finding, Level
from wattdeck.systems.aneel.wording import drawn, level_word, said

COLUMNS = (
    Column("level", "Level", 10, keep=10),
    Column("rule", "Rule", 5, keep=9),
    Column("where", "Where", 30, keep=6),
    Column("found", "Found", 22, flex=True, keep=8),
    Column("expected", "Expected", 26, keep=7),
)
LEVEL_ORDER = (Level.ERROR, Level.WARNING, Level.INFO)
LEVEL_MEANINGS = {Level.ERROR: "severity-high", Level.WARNING: "severity-medium", Level.INFO: "label"}
LABEL_CELLS = 10
FAMILIES = {
    "T": later("transport"),
    "E": later("envelope"),
    "I": later("rows of outages"),
    "H": later("history"),
    "X": later("series of answers"),
    "D": later("demands"),
    "P": later("one demand"),
}
"""First letter of a rule -> what its family looks at."""
NOTHING_WORDS = later(
    "No finding: what was looked at keeps the rules. The table fills as soon as an answer breaks one."
)


def of_route(route: str, where: str) -> str:
    """Where, with the answer it was in front."""
    match route:
        case "outages":
            return said(later("outages: {where}"), where=where)
        case "demands":
            return said(later("demands: {where}"), where=where)
        case "past":
            return said(later("past: {where}"), where=where)
        case "availability":
            return said(later("availability: {where}"), where=where)
    return f"{route}: {where}"


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors, warnings, notes; each by rule, in the order found."""
    return tuple(sorted(findings, key=lambda finding: (LEVEL_ORDER.index(finding.level), finding.rule)))


def rows(findings: Sequence[Finding], marks: Glyphs = UNICODE) -> list[Row]:
    """One row a finding, worst first, known by rule and place."""
    seen: Counter[str] = Counter()
    made = []
    for finding in worst_first(findings):
        name = f"{clean(finding.rule, 10)} {clean(finding.where, 120)}"
        seen[name] += 1
        cells: tuple[Span, ...] = (
            level_span(finding.level, marks),
            (clean(finding.rule, 10), TEXT),
            (clean(drawn(finding.where), 120), "label"),
            (clean(drawn(finding.found), 120), TEXT),
            (clean(drawn(finding.expected), 120), "label"),
        )
        made.append(Row(name if seen[name] == 1 else f"{name} {seen[name]}", cells))
    return made


def finding_of(findings: Sequence[Finding], row_id: str) -> Finding | None:
    """The finding of a row."""
    made = zip(rows(findings), worst_first(findings), strict=True)
    return next((finding for row, finding in made if row.id == row_id), None)


def level_span(level: Level, marks: Glyphs = UNICODE) -> Span:
    """Level as glyph and word."""
    glyph = {Level.ERROR: marks.down, Level.WARNING: "!", Level.INFO: marks.dot}[level]
    return f"{glyph} {level_word(level)}", LEVEL_MEANINGS[level]


def counts_line(findings: Iterable[Finding], width: int, marks: Glyphs = UNICODE) -> Line:
    """`3 errors · 1 warning · 2 notes`."""
    counts = Counter(finding.level for finding in findings)
    spans: list[Span] = [(" ", TEXT)]
    for level in LEVEL_ORDER:
        if counts[level]:
            if len(spans) > 1:
                spans.append((f" {marks.dot} ", MUTED))
            spans.append((_counted(counts[level], level), LEVEL_MEANINGS[level]))
    if len(spans) == 1:
        spans.append((tr("no findings"), "label"))
    return clip(tuple(spans), width)


def _counted(count: int, level: Level) -> str:
    words = number(count)
    match level:
        case Level.ERROR:
            return plural("{count} error", "{count} errors", count, count=words)
        case Level.WARNING:
            return plural("{count} warning", "{count} warnings", count, count=words)
        case Level.INFO:
            return plural("{count} note", "{count} notes", count, count=words)


def finding_lines(finding: Finding, width: int, marks: Glyphs = UNICODE) -> list[Line]:
    """One finding in full: rule, what is wrong and what to do, where, what was found, what was expected."""
    family = drawn(FAMILIES.get(finding.rule[:1], ""))
    words, meaning = level_span(finding.level, marks)
    head: list[Span] = [(f" {clean(finding.rule, 10)} ", "heading"), (words, meaning)]
    if family:
        head.append((f" {marks.dot} {family}", MUTED))
    lines: list[Line] = [clip(tuple(head), width), ()]
    lines += [((" ", TEXT), *line) for line in wrap(clean(drawn(finding.message), 600), width - 1)]
    facts = ((tr("Where"), finding.where), (tr("Found"), finding.found), (tr("Expected"), finding.expected))
    for label, text in facts:
        if not text:
            continue
        rest = wrap(clean(drawn(text), 600), width - LABEL_CELLS - 1)
        lines.append(((f" {fit(label, LABEL_CELLS)}", "label"), *rest[0]))
        lines += [((" " * (LABEL_CELLS + 1), TEXT), *line) for line in rest[1:]]
    return [clip(line, width) for line in lines]
