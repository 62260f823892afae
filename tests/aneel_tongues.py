"""What is left of English where people read another language."""

from __future__ import annotations

import re
from functools import cache

from messages import catalogues, translations

TONGUES = ("pt_BR", "ms")


def english_left(text: str, code: str) -> set[str]:
    """Our English phrases that stand in a text, and in no translation."""
    text = " ".join(text.split())
    return {phrase for phrase, pattern in _phrases(code) if phrase in text and pattern.search(text)}


@cache
def _phrases(code: str) -> list[tuple[str, re.Pattern[str]]]:
    """What ANEEL's messages say between their places, if it is long enough to be English and nothing else."""
    theirs = " ".join(text if isinstance(text, str) else " ".join(text) for text in translations(code).values())
    found = {}
    for message in catalogues(code)["aneel"]:
        sources = (message.id,) if isinstance(message.id, str) else message.id
        for phrase in (part.strip(" .,:;()“”") for source in sources for part in re.split(r"\{\w*\}", source)):
            pattern = re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)")
            if len(phrase) > 3 and re.search(r"[a-z]{3}", phrase) and not (phrase in theirs and pattern.search(theirs)):
                found[phrase] = pattern
    return list(found.items())
