"""Every word a person reads is in the catalogues, keeps its places, and is chosen the way other programs choose."""

from __future__ import annotations

import ast
import re
import string
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import messages
from wattdeck.core import language
from wattdeck.core.dates import date_text, day_words, moment_text, month_words, weekday_words
from wattdeck.core.language import plural, tr, tr_as
from wattdeck.core.lines import cell_width
from wattdeck.core.units import number, percent, power

FORMATTER = string.Formatter()


def places(text: str) -> set[str]:
    """The `{places}` of a message, with how they are shown."""
    try:
        return {f"{name}!{how or ''}:{form or ''}" for _, name, form, how in FORMATTER.parse(text) if name is not None}
    except ValueError:
        # Not a format: braces that stand for themselves.
        return set()


@pytest.mark.parametrize("code", messages.LANGUAGES)
def test_every_message_is_translated_and_nothing_else_is_in_the_catalogues(code: str) -> None:
    known = messages.translations(code)
    wanted = messages.messages()
    ours = {key for key, message in wanted.items() if message.places != ["click"]}
    missing = sorted(str(key[1]) for key in ours - known.keys())
    assert not missing, f"run `python tests/messages.py` and translate: {missing[:20]}"
    gone = sorted(str(key[1]) for key in known.keys() - wanted.keys())
    assert not gone, f"run `python tests/messages.py`; no longer said: {gone[:20]}"


@pytest.mark.parametrize("code", messages.LANGUAGES)
def test_a_translation_keeps_the_places_and_the_edges_of_its_message(code: str) -> None:
    wrong = []
    for (_, message), translation in messages.translations(code).items():
        originals = [message] if isinstance(message, str) else list(message)
        for each in [translation] if isinstance(translation, str) else translation:
            allowed = [places(original) for original in originals]
            if places(each) not in allowed:
                wrong.append(f"{message!r} -> {each!r}: other places")
            if each != each.strip(" ") and all(original == original.strip(" ") for original in originals):
                wrong.append(f"{message!r} -> {each!r}: blanks at its edges")
            if "\n" in each and not any("\n" in original for original in originals):
                wrong.append(f"{message!r} -> {each!r}: a line of its own")
    assert not wrong, wrong[:10]


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "pt_BR.UTF-8"}, "pt_BR"),
        ({"LANG": "pt_PT.UTF-8"}, "pt_BR"),
        ({"LANG": "ms_BN.UTF-8"}, "ms"),
        ({"LANG": "ms_MY"}, "ms"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "pt_BR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "pt_BR.UTF-8", "LC_MESSAGES": "ms_BN.UTF-8"}, "ms"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "de:pt:en"}, "pt_BR"),
        ({"LANG": "pt_BR.UTF-8", "LANGUAGE": ""}, "pt_BR"),
    ],
)
def test_the_language_is_chosen_as_gettext_chooses_it(environment: dict[str, str], code: str) -> None:
    assert language.wanted("auto", environment) == code
    assert language.wanted("ms", environment) == "ms", "a setting wins"


def test_a_language_without_a_catalogue_speaks_english() -> None:
    language.use("xx")
    assert language.current() == "en"
    assert tr("{seconds} s left", seconds=3) == "3 s left"


def test_braces_in_values_are_not_places() -> None:
    assert tr("Nothing was sent: {reason}", reason="{seconds} {0}") == "Nothing was sent: {seconds} {0}"


@pytest.mark.parametrize(
    ("code", "one", "some", "share", "watts"),
    [
        ("en", "1 alarm", "1 234.5", "48 %", "−1 450 W"),
        ("pt_BR", "1 alarme", "1.234,5", "48 %", "−1.450 W"),
        ("ms", "1 penggera", "1,234.5", "48 %", "−1,450 W"),
    ],
)
def test_numbers_follow_the_language(code: str, one: str, some: str, share: str, watts: str) -> None:
    language.use(code)
    assert plural("{count} alarm", "{count} alarms", 1) == one
    assert number(1234.5, 1) == some
    assert percent(0.48) == share
    assert power(-1450) == watts


@pytest.mark.parametrize(
    ("code", "figures", "words", "month", "weekday"),
    [
        ("en", "2026-12-04", "4 December", "December 2026", "Friday"),
        ("pt_BR", "04/12/2026", "4 de dezembro", "dezembro de 2026", "sexta-feira"),
        ("ms", "04/12/2026", "4 Disember", "Disember 2026", "Jumaat"),
    ],
)
def test_dates_follow_the_language(code: str, figures: str, words: str, month: str, weekday: str) -> None:
    language.use(code)
    day = date(2026, 12, 4)
    assert (date_text(day), day_words(day), month_words(day), weekday_words(day)) == (figures, words, month, weekday)
    assert moment_text(datetime(2026, 12, 4, 9, 12, tzinfo=UTC)) == f"{figures} 09:12"


def test_words_of_several_meanings_are_told_apart() -> None:
    language.use("pt_BR")
    assert tr_as("command", "Open") == "Abrir"


SPOKEN = ("cli.py", "shell/*.py", "ui/*.py", "systems/*/screen.py", "systems/*/present.py", "systems/*/shell.py",
          "systems/*/widgets.py", "systems/*/report.py", "systems/*/matters.py", "systems/*/alarms.py")  # fmt: skip
"""Where people are spoken to."""
SENTENCE = re.compile(r"[^\W\d_]{2,} [^\W\d_]{2,}")
SAID = {"tr", "tr_as", "plural", "later", "Binding", "Column"}
"""What takes words to the catalogues."""
FOR_MACHINES = {"option", "argument", "RuntimeError", "AssertionError", "TypeError", "critical", "exception", "warning"}
"""Help of the shell is found by the commands themselves; the rest is for the log and for whoever reads a traceback."""
UNSPOKEN = {
    "<svg xml:space=\"preserve\" ", "a process with a terminal has a standard error", " simulator on ",
    "SPAN panel", "kept in this answer",
}  # fmt: skip
"""Words of the journal, of formats, and the line that scripts wait for."""


def unspoken(source: str) -> list[str]:
    """Texts of a module that read like words for a person and do not go through the catalogues."""
    tree = ast.parse(source)
    known: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.Expr):
                known.add(id(statement.value))
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in SAID | FOR_MACHINES:
                known |= {id(inner) for inner in ast.walk(node)}
            known |= {id(word.value) for word in node.keywords if word.arg == "empty"}
    texts = [(id(node), node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [text for place, text in texts if place not in known and isinstance(text, str) and SENTENCE.search(text)]


@pytest.mark.parametrize("pattern", SPOKEN)
def test_no_sentence_stands_outside_of_the_catalogues(pattern: str) -> None:
    found = {
        f"{path.relative_to(messages.SOURCE)}: {text}"
        for path in messages.SOURCE.glob(pattern)
        for text in unspoken(path.read_text(encoding="utf-8"))
        if text not in UNSPOKEN and "<html" not in text and "<body" not in text and not text.startswith("| ")
    }
    assert not found, f"wrap these in tr(...), or name them in UNSPOKEN: {sorted(found)}"


def test_a_sentence_outside_of_the_catalogues_is_found() -> None:
    assert unspoken('def f(a):\n    """Doc string."""\n    return f"no such {a}, look again"') == [
        "no such ",
        ", look again",
    ]
    assert unspoken('say(tr("no such {a}, look again", a=a), empty="Nothing here yet.")') == []


@pytest.mark.parametrize("code", messages.LANGUAGES)
def test_a_column_s_title_fits_where_the_english_one_does(code: str) -> None:
    language.use(code)
    cut = []
    columns = messages.spoken().columns
    assert columns
    for file, title, width in columns:
        if cell_width(title) > width:
            continue
        ours = tr_as("column", title)
        ours = ours if ours != title or not title else tr(title)
        if cell_width(ours) > width:
            cut.append(f"{file}: {title!r} -> {ours!r} in {width} cells")
    assert not cut


@pytest.mark.parametrize("damage", [b"", b"\xde\x12\x04\x95", b"\xde\x12\x04\x95" + b"\xff" * 40, b"text", b"cut"])
def test_a_damaged_catalogue_means_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes) -> None:
    whole = (language.FOLDER / "ms" / "LC_MESSAGES" / "wattdeck.mo").read_bytes()
    folder = tmp_path / "ms" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "wattdeck.mo").write_bytes(whole[: len(whole) // 2] if damage == b"cut" else damage)
    monkeypatch.setattr(language, "FOLDER", tmp_path)
    language._load.cache_clear()
    try:
        assert language._load("ms") is None
    finally:
        language._load.cache_clear()
