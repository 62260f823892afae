"""What a check found, for people and for programs: text and JSON (aneel.md 9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wattdeck.core.language import later, plural, tr, tr_as
from wattdeck.core.lines import cell_width, fit
from wattdeck.core.text import clean
from wattdeck.systems.aneel.conformance.examination import Examination
from wattdeck.systems.aneel.conformance.model import Context, Need, NotChecked, Outcome, Passed
from wattdeck.systems.aneel.conformance.registry import ORDER, RULES
from wattdeck.systems.aneel.conformance.tally import worst_first
from wattdeck.systems.aneel.models import Finding, Level
from wattdeck.systems.aneel.wording import drawn, level_word

SCHEMA = "wattdeck.aneel-check/1"
LEVEL_CELLS = 7
"""Room for the word of a level."""
OFF = later("switched off in the profile")
_NEEDS: Mapping[Need, str] = {
    Need.ANSWER: later("the answer holds nothing that it looks at"),
    Need.SERIES: later("it takes answers over hours or days: the running panel looks at it"),
    Need.SERVER: later("it takes a live server that is asked on purpose"),
}


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one check: every rule is in exactly one of the three."""

    target: str
    """Base URL or file name."""
    checked_at: datetime
    findings: tuple[Finding, ...]
    passed: tuple[Passed, ...]
    not_checked: tuple[NotChecked, ...]

    def count(self, level: Level) -> int:
        """Findings of a level."""
        return sum(finding.level is level for finding in self.findings)


def exit_code(findings: Iterable[Finding]) -> int:
    """1 if any is an error, else 0."""
    return int(any(finding.level is Level.ERROR for finding in findings))


def assemble(outcomes: Iterable[Outcome], context: Context, *, target: str, checked_at: datetime) -> Report:
    """Put outcomes in order: worst first, each rule once among what is kept or open."""
    findings: dict[Finding, None] = {}
    passed: dict[str, Passed] = {}
    left: dict[str, str] = {}
    for outcome in outcomes:
        match outcome:
            case Finding():
                findings[outcome] = None
            case Passed():
                passed.setdefault(outcome.rule, outcome)
            case NotChecked():
                left.setdefault(outcome.rule, outcome.why)
    broken = {finding.rule for finding in findings}
    off = {rule for rule, level in context.profile.items() if level is None}
    kept = [passed[rule] for rule in RULES if rule in passed and rule not in broken | off]
    done = broken | {one.rule for one in kept}
    open_ = tuple(
        NotChecked(rule.id, OFF if rule.id in off else left.get(rule.id, _NEEDS[rule.need]))
        for rule in RULES.values()
        if rule.id not in done
    )
    return Report(clean(target, 200), checked_at, worst_first(findings), tuple(kept), open_)


def of_examination(seen: Examination, context: Context, *, target: str, checked_at: datetime) -> Report:
    """The report on one answer."""
    route = seen.exchange.route
    others = (
        NotChecked(rule.id, later("it is about another of the three answers"))
        for rule in RULES.values()
        if route not in rule.routes
    )
    kept = (Passed(rule, "kept in this answer") for rule in sorted(seen.passed, key=ORDER.__getitem__))
    return assemble((*seen.findings, *kept, *others), context, target=target, checked_at=checked_at)


def lines(report: Report) -> Iterator[str]:
    """For people: worst first, then what was not looked at and why."""
    yield f"{report.target}: {summary(report)}"
    labels = tr_as("finding", "found"), tr_as("finding", "expected")
    cells, indent = max(map(cell_width, labels)), " " * (LEVEL_CELLS + 2)
    for finding in report.findings:
        yield ""
        yield f"{fit(level_word(finding.level), LEVEL_CELLS)}  {finding.rule}  {_drawn(finding.where)}"
        yield f"{indent}{fit(labels[0], cells)}  {_drawn(finding.found)}"
        yield f"{indent}{fit(labels[1], cells)}  {_drawn(finding.expected)}"
        yield f"{indent}{_drawn(finding.message)}"
    if report.passed:
        yield ""
        yield tr("Kept: {rules}", rules=", ".join(one.rule for one in report.passed))
    if report.not_checked:
        yield ""
        yield tr("Not checked:")
        for why, rules in _by_reason(report.not_checked).items():
            yield f"  {', '.join(rules)}: {why}"


def text(report: Report) -> str:
    """The lines as one text that ends in a line end."""
    return "\n".join(lines(report)) + "\n"


def summary(report: Report) -> str:
    """`2 errors, 1 warning; 31 rules kept, 43 not checked`."""
    found = [_count(report.count(level), level) for level in Level if report.count(level)]
    return tr(
        "{heading}; {kept} of {all} rules kept, {left} not checked",
        heading=", ".join(found) if found else tr("nothing to object to"),
        kept=len(report.passed),
        all=len(RULES),
        left=len(report.not_checked),
    )


def as_json(report: Report) -> dict[str, Any]:
    """For programs; schema `wattdeck.aneel-check/1`."""
    return {
        "schema": SCHEMA,
        "checked_at": report.checked_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "target": report.target,
        "counts": {level.value: report.count(level) for level in Level},
        "passed": [one.rule for one in report.passed],
        "findings": [
            {
                "rule": finding.rule,
                "title": RULES[finding.rule].title,
                "level": finding.level.value,
                "where": _plain(finding.where),
                "found": _plain(finding.found),
                "expected": _plain(finding.expected),
                "message": _plain(finding.message),
            }
            for finding in report.findings
        ],
        "not_checked": [{"rule": one.rule, "why": _plain(one.why)} for one in report.not_checked],
    }


def _plain(words: str) -> str:
    return clean(words, 400)


def _drawn(words: str) -> str:
    return _plain(drawn(words))


def _count(number: int, level: Level) -> str:
    match level:
        case Level.ERROR:
            return plural("{count} error", "{count} errors", number)
        case Level.WARNING:
            return plural("{count} warning", "{count} warnings", number)
        case Level.INFO:
            return plural("{count} hint", "{count} hints", number)


def _by_reason(left: Iterable[NotChecked]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in left:
        found.setdefault(_drawn(one.why), []).append(one.rule)
    return found
