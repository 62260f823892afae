"""Collects what a check finds: bounded, worst first, and which rules it looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance import shown
from wattdeck.systems.aneel.conformance.model import RANK, Context
from wattdeck.systems.aneel.conformance.registry import ORDER, RULES
from wattdeck.systems.aneel.models import Finding, Level
from wattdeck.systems.aneel.wording import said

FINDINGS_MAX = 20
"""Of one rule; the rest is only counted."""

Where = str | tuple[str, int, str]
"""A path, or array, index and key of one."""


@dataclass(slots=True)
class Tally:
    """Findings of one check."""

    context: Context
    looked: set[str] = field(default_factory=set)
    """Rules whose subject was there."""
    _found: dict[str, list[Finding]] = field(default_factory=dict)
    _more: dict[str, tuple[int, Level]] = field(default_factory=dict)

    def add(
        self,
        rule_id: str,
        where: Where,
        found: str,
        says: str | None = None,
        *,
        expected: str | None = None,
        level: Level | None = None,
    ) -> None:
        """Note that a rule is not kept. `found` is shown as it is: it has to be safe. Words are English (`wording`)."""
        if self._full(rule_id, level):
            return
        rule = RULES[rule_id]
        self.looked.add(rule_id)
        measured = self.context.level_of(rule, level)
        if measured is None:
            return
        at = where if isinstance(where, str) else path(*where)
        finding = Finding(rule_id, measured, at, found, expected or rule.expected, says or rule.says)
        self._found.setdefault(rule_id, []).append(finding)

    def value(self, rule_id: str, where: Where, found: object, says: str | None = None) -> None:
        """The same with a value of the answer, which is made safe here."""
        if not self._full(rule_id):
            self.add(rule_id, where, shown.value(found), says)

    def key(self, rule_id: str, where: Where, name: str, says: str | None = None) -> None:
        """The same with a key that does not belong there."""
        if not self._full(rule_id):
            self.add(rule_id, where, said(later("key {name}"), name=shown.text(name, 60)), says)

    def _full(self, rule_id: str, level: Level | None = None) -> bool:
        """Whether no more findings of a rule are kept: it is off, or has its twenty; then one more is counted."""
        if rule_id in self.context.profile and self.context.profile[rule_id] is None:
            self.looked.add(rule_id)
            return True
        kept = self._found.get(rule_id)
        if kept is None or len(kept) < FINDINGS_MAX:
            return False
        measured = self.context.level_of(RULES[rule_id], level) if level is not None else kept[0].level
        more, worst = self._more.get(rule_id, (0, kept[0].level))
        self._more[rule_id] = (more + 1, measured if measured and RANK[measured] < RANK[worst] else worst)
        return True

    def take(self, findings: Iterable[Finding]) -> None:
        """Findings of another check of the same server; what is known already is not told twice."""
        for finding in findings:
            known = self._found.setdefault(finding.rule, [])
            self.looked.add(finding.rule)
            same = any(
                (one.where, one.found, one.level) == (finding.where, finding.found, finding.level) for one in known
            )
            if not same and len(known) < FINDINGS_MAX + 1:
                known.append(finding)

    def has(self, *rule_ids: str) -> bool:
        """Whether any of these rules was found not to be kept."""
        return any(self._found.get(rule_id) for rule_id in rule_ids)

    def findings(self) -> tuple[Finding, ...]:
        """All of them, worst first; at most twenty of a rule and one that counts the rest."""
        everything = [finding for kept in self._found.values() for finding in kept]
        for rule_id, (more, level) in self._more.items():
            rule, first = RULES[rule_id], self._found[rule_id][0]
            where = first.where.partition("[")[0]
            everything.append(
                Finding(rule_id, level, where, said(later("and {count} more"), count=more), rule.expected, rule.says)
            )
        return worst_first(everything)


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors, warnings, hints; each in the sheet's order, then as they came."""
    return tuple(sorted(findings, key=lambda finding: (RANK[finding.level], ORDER[finding.rule])))


def path(array: str, index: int, name: str) -> str:
    """`interrupcaoFornecimento[3].ideMunicipio`; the row itself without a name."""
    return f"{array}[{index}].{shown.key(name)}" if name else f"{array}[{index}]"
