"""All 76 rules of the sheet by id, in its order (aneel.md 9)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from wattdeck.systems.aneel.conformance import sheet_demands, sheet_envelope, sheet_outages, sheet_transport
from wattdeck.systems.aneel.conformance.model import Rule

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.id: rule
        for rules in (sheet_transport.RULES, sheet_envelope.RULES, sheet_outages.RULES, sheet_demands.RULES)
        for rule in rules
    }
)
ORDER: Mapping[str, int] = MappingProxyType({rule_id: number for number, rule_id in enumerate(RULES)})
"""Place in the sheet."""
