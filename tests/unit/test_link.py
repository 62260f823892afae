"""The link in words: the same on every screen and in every export."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fakes import START
from wattdeck.core.lines import line_width, plain
from wattdeck.core.link import link_line, link_lines, link_span, link_words, next_step
from wattdeck.core.reading import Link, Reading, worst
from wattdeck.core.units import ASCII

READING: Reading[int] = Reading("span/home", "panel", 7, Link.LIVE, START, good_polls=1)
NOW = START + timedelta(seconds=40)


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (READING, "live 40 s"),
        (replace(READING, link=Link.STALE), "stale 40 s"),
        (replace(READING, link=Link.DOWN, taken_at=START - timedelta(minutes=12)), "down 12 min"),
        (replace(READING, link=Link.DOWN, taken_at=None, snapshot=None), "down"),
        (replace(READING, link=Link.REFUSED), "refused 40 s"),
        (replace(READING, link=Link.REFUSED, taken_at=None, snapshot=None), "refused"),
        (Reading("span/home", "panel"), "waiting"),
        (Reading("span/home", "panel", 7, taken_at=START - timedelta(hours=3), restored=True), "kept 3 h"),
        (replace(READING, link=Link.DOWN, restored=True), "down 40 s"),
    ],
)
def test_a_link_is_a_word_and_an_age(reading: Reading[int], words: str) -> None:
    assert link_words(reading, NOW) == words


def test_every_state_has_a_glyph_besides_its_meaning_in_unicode_and_in_ascii() -> None:
    for link in Link:
        words, meaning = link_span(replace(READING, link=link), NOW)
        assert words.split(" ")[1] == link.value and meaning == f"link-{link}"
        assert link_span(replace(READING, link=link), NOW, ASCII)[0].isascii()


def test_refused_says_that_polling_has_stopped_and_how_to_try_again() -> None:
    step = next_step(replace(READING, link=Link.REFUSED), NOW)
    assert "new credentials" in step and "r tries again" in step


def test_a_failure_says_when_the_next_try_is_and_a_live_link_nothing() -> None:
    failed = replace(READING, link=Link.STALE, failures=3, next_poll_at=NOW + timedelta(seconds=12))
    assert next_step(failed, NOW) == "next try in 12 s"
    assert next_step(failed, NOW + timedelta(seconds=30)) == "next try in 0 s"
    assert next_step(replace(READING, next_poll_at=NOW), NOW) == ""


def test_a_source_that_is_not_well_gets_state_reason_and_next_step() -> None:
    failed = replace(READING, link=Link.STALE, failures=1, problem="no route to host", next_poll_at=NOW)
    assert plain([link_line(failed, NOW)]) == " ◐ stale 40 s  no route to host  next try in 0 s"
    assert "asking span/home for the first time" in plain([link_line(Reading("span/home", "panel"), NOW)])


@pytest.mark.parametrize("width", [24, 40, 80, 200])
def test_a_long_reason_takes_as_many_lines_as_allowed_and_no_cell_too_many(width: int) -> None:
    reason = "the panel does not know our token (401), and says: token of an unknown client; register again"
    refused = replace(READING, link=Link.REFUSED, problem=reason)
    lines = link_lines(refused, NOW, width, most=3)
    assert 1 <= len(lines) <= 3 and all(line_width(line) <= width for line in lines)
    assert "the panel" in " ".join(plain(lines).split())
    assert link_lines(READING, NOW, 80) == [link_line(READING, NOW)]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_reason_that_is_too_long_is_cut_and_the_next_step_is_not(width: int) -> None:
    failed = replace(READING, link=Link.REFUSED, problem="no way, " * 100)
    lines = link_lines(failed, NOW, width)
    told = " ".join(plain(lines).split())
    assert len(lines) == 3 and all(line_width(line) <= width for line in lines)
    assert "no way, no way" in told and "…" in told and told.endswith(next_step(failed, NOW))


@pytest.mark.parametrize(("problem", "between"), [("no route to host", "; "), ("no answer; is it on?", " "), ("", "")])
def test_reason_and_next_step_are_joined_as_sentences_are(problem: str, between: str) -> None:
    failed = replace(READING, link=Link.STALE, failures=1, problem=problem, next_poll_at=NOW)
    told = " ".join(plain(link_lines(failed, NOW, 36)).split())
    assert told == f"◐ stale 40 s {problem}{between}next try in 0 s"


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ((Link.LIVE, Link.STALE), Link.STALE),
        ((Link.STALE, Link.DOWN, Link.LIVE), Link.DOWN),
        ((Link.DOWN, Link.REFUSED), Link.REFUSED),
        ((Link.WAITING, Link.LIVE), Link.WAITING),
        ((Link.LIVE,), Link.LIVE),
        ((), Link.WAITING),
    ],
)
def test_a_source_is_as_good_as_its_worst_feed(links: tuple[Link, ...], expected: Link) -> None:
    assert worst([replace(READING, link=link) for link in links]) is expected
