"""What is left of English where people read another language."""

from __future__ import annotations

import re
from functools import cache

from messages import catalogues, translations

TONGUES = ("pt_BR", "ms")


def english_left(text: str, code: str) -> set[str]:
    """Our English phrases that stand in a text, and in no translation."""
    text = " ".join(text.split())
    return {phrase for phrase in _phrases(code) if _stands_in(phrase, text)}


def _stands_in(phrase: str, text: str) -> bool:
    """Whether a phrase is in a text, and not a part of longer words."""
    return phrase in text and re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text) is not None


@cache
def _phrases(code: str) -> set[str]:
    """What ANEEL's messages say between their places, if it is long enough to be English and nothing else."""
    theirs = " ".join(text if isinstance(text, str) else " ".join(text) for text in translations(code).values())
    found = set()
    for message in catalogues(code)["aneel"]:
        sources = (message.id,) if isinstance(message.id, str) else message.id
        for phrase in (part.strip(" .,:;()“”") for source in sources for part in re.split(r"\{\w*\}", source)):
            if len(phrase) > 3 and re.search(r"[a-z]{3}", phrase) and not _stands_in(phrase, theirs):
                found.add(phrase)
    return found
