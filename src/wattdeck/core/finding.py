"""One line of an examination: what was looked at, how it is, what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from wattdeck.core.language import later, tr


class Verdict(StrEnum):
    """How something is."""

    OK = "ok"
    PROBLEM = "PROBLEM"
    NOTE = "note"
    """Worth knowing, and nothing wrong."""


_VERDICTS = {Verdict.OK: later("ok"), Verdict.PROBLEM: later("PROBLEM"), Verdict.NOTE: later("note")}


def verdict_words(verdict: Verdict) -> str:
    """A verdict in the language in use."""
    return tr(_VERDICTS[verdict])


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found."""

    topic: str
    """One word: `source`, `journal`. The same in every language."""
    verdict: Verdict
    words: str
    subject: str = ""
    """What of the topic: `span/home port`."""
    advice: str = ""
    """What to do next, in words."""

    def lines(self) -> list[str]:
        """As text: the finding, and the advice below it."""
        subject = f"{self.subject}: " if self.subject else ""
        first = f"{self.topic:<12}{subject}{verdict_words(self.verdict)} {self.words}".rstrip()
        return [first, *([f"{'':<12}-> {self.advice}"] if self.advice else [])]

    def as_data(self) -> dict[str, str]:
        """The same for machines."""
        return {key: str(value) for key, value in asdict(self).items()}


def problems_among(findings: list[Finding]) -> bool:
    """Whether anything is wrong."""
    return any(each.verdict is Verdict.PROBLEM for each in findings)
