"""Settings, first start and doctor in Portuguese and Malay: nothing left in English, nothing cut at 80 columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_settings_entry import MODELS, entry_of

from messages import LANGUAGES, messages, translations
from wattdeck.core import language
from wattdeck.core.lines import cell_width, line_width, plain
from wattdeck.core.settings_fields import docstrings, inner_models
from wattdeck.shell.first_run import PROMPT, QUESTION
from wattdeck.ui import settings, settings_entry
from wattdeck.ui.frame import footer_line
from wattdeck.ui.settings_form import SettingsForm
from wattdeck.ui.settings_keys import KeysScreen
from wattdeck.ui.settings_texts import SAVE

MINE = {path.name for path in (Path(settings.__file__).parent).glob("settings*.py")}
MINE |= {"form.py", "probe.py", "finding.py", "doctor.py", "machine.py", "first_run.py", "settings_file.py"}
COLUMNS = 80


@pytest.fixture(params=["en", *LANGUAGES])
def tongue(request: pytest.FixtureRequest) -> Iterator[str]:
    language.use(request.param)
    yield request.param
    language.use("en")


@pytest.mark.parametrize("code", LANGUAGES)
def test_everything_is_translated(code: str) -> None:
    known = translations(code)
    helps = {words for model in MODELS.values() for each in inner_models(model) for words in docstrings(each).values()}
    wanted = {key for key, message in messages().items() if {Path(place).name for place in message.places} & MINE}
    assert [key for key in (*wanted, *((None, words) for words in helps)) if key not in known] == []


@pytest.mark.parametrize("name", MODELS)
def test_what_is_not_set_is_called_so_and_not_by_the_programs_word(tongue: str, name: str) -> None:
    helps = [
        language.tr(words) for model in inner_models(MODELS[name]) for words in docstrings(model).values() if words
    ]
    assert helps and not [words for words in helps if re.search(r"\bNone\b", words)]


@pytest.mark.parametrize("name", MODELS)
def test_every_line_and_its_help_fit(tongue: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_entry, "FOOT_LINES", 20)
    entry = entry_of(name)
    shown = entry.lines(COLUMNS - 2, 100)
    assert all(line_width(line) <= COLUMNS - 2 for line in shown)
    # A default may be longer than its place; what we say around it may not.
    assert not [line for line in plain(shown).split("\n") if line.endswith("…") and "router" not in line]
    while entry.focus != SAVE:
        assert len([line for line in entry.foot(COLUMNS - 2) if line]) <= 4, entry.focus
        entry.move(1)


def test_the_question_of_the_first_start_fits(tongue: str) -> None:
    assert all(cell_width(language.tr(line)) <= COLUMNS for line in (*QUESTION, PROMPT))


def test_footers_and_the_list_fit(tongue: str) -> None:
    for page in (settings.SettingsScreen, SettingsForm, KeysScreen):
        keys = [(key, language.tr(words)) for key, words in page.KEYS]
        assert len(footer_line(keys, COLUMNS)) == 2 * len(keys), page
    assert all(cell_width(language.tr(words)) <= 34 for words in settings.SINGLES.values())
