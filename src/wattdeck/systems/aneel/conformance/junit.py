"""A check's report as JUnit XML, for build servers: one test case for each rule."""

from __future__ import annotations

import re
from datetime import UTC
from xml.etree import ElementTree as ET

from wattdeck.core.text import clean
from wattdeck.systems.aneel.conformance.registry import RULES
from wattdeck.systems.aneel.conformance.report import Report
from wattdeck.systems.aneel.models import Finding, Level

SUITE = "wattdeck.aneel-check"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> str:
    """XML text with its declaration. Errors fail their case; warnings and hints are told in its output."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    left = {one.rule: one.why for one in report.not_checked}
    failed = sum(any(one.level is Level.ERROR for one in findings) for findings in by_rule.values())
    counts = {"tests": str(len(RULES)), "failures": str(failed), "errors": "0", "skipped": str(len(left))}
    suites = ET.Element("testsuites", {"name": SUITE, **counts, "time": "0"})
    moment = report.checked_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suite = ET.SubElement(suites, "testsuite", {"name": SUITE, **counts, "time": "0", "timestamp": moment})
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", {"name": "target", "value": xml_text(report.target)})
    for rule in RULES.values():
        name = xml_text(f"{rule.id} {rule.title}")
        case = ET.SubElement(suite, "testcase", {"classname": f"aneel.{rule.family}", "name": name, "time": "0"})
        if rule.id in left:
            ET.SubElement(case, "skipped", {"message": xml_text(left[rule.id])})
        _outcome(case, by_rule.get(rule.id, []))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _outcome(case: ET.Element, findings: list[Finding]) -> None:
    errors = [finding for finding in findings if finding.level is Level.ERROR]
    if errors:
        first = errors[0]
        failure = ET.SubElement(
            case, "failure", {"type": first.rule, "message": xml_text(f"{first.where}: {first.message}")}
        )
        failure.text = xml_text("\n".join(map(_words, errors)))
    others = [finding for finding in findings if finding.level is not Level.ERROR]
    if others:
        ET.SubElement(case, "system-out").text = xml_text("\n".join(f"{one.level}: {_words(one)}" for one in others))


def _words(finding: Finding) -> str:
    parts = (f"{finding.where}: found {finding.found}", f"expected {finding.expected}", finding.message)
    return "; ".join(clean(part, 300) for part in parts)


def xml_text(words: str) -> str:
    """The text without what XML 1.0 cannot hold, control characters and halves of surrogate pairs."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", words[:20_000])
