"""Views with names: kept, found again, and never trusted blindly."""

from __future__ import annotations

import json
import os
import stat
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.systems.ccee.filters import Sort
from wattdeck.systems.ccee.query import parse
from wattdeck.systems.ccee.views import (
    BUILT_IN,
    MOST_BYTES,
    MOST_VIEWS,
    NAME_CHARACTERS,
    View,
    all_views,
    clean_name,
    find_view,
    read_views,
    views_path,
    with_view,
    without_view,
    write_views,
)

MINE = View("Padarias", "status:criada padaria", "-month", True)


def test_views_are_found_again_as_they_were_kept(tmp_path: Path) -> None:
    path = views_path(tmp_path)
    write_views(path, (MINE, View("b")))
    assert read_views(path) == (MINE, View("b"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["views.json"]


def test_built_in_views_mean_something() -> None:
    for view in BUILT_IN:
        assert parse(view.filter_text, date(2026, 10, 20)).problems == ()
        assert Sort.of(view.sort_text).to_text() == view.sort_text
    assert [view.name for view in BUILT_IN] == ["all", "due", "refused", "this month", "alerts"]
    month = find_view(BUILT_IN, "This Month")
    assert month is not None
    assert parse(month.filter_text, date(2026, 10, 20)).filter.first_month == "2026-10"


def test_view_of_the_same_name_is_replaced_in_its_place() -> None:
    own = with_view(with_view((), MINE), View("b"))
    changed = with_view(own, View("PADARIAS", "alert:yes"))
    assert [view.name for view in changed] == ["PADARIAS", "b"] and changed[0].filter_text == "alert:yes"
    assert find_view(all_views(changed), "padarias") == changed[0]


@pytest.mark.parametrize(
    ("name", "words"), [("", "needs a name"), (" \x00\t", "needs a name"), ("All", '"All" is built in')]
)
def test_name_that_cannot_be_kept_is_refused_in_words(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        with_view((), View(name))


def test_there_are_only_so_many_views() -> None:
    own: tuple[View, ...] = ()
    for index in range(MOST_VIEWS):
        own = with_view(own, View(f"v{index}"))
    with pytest.raises(ValueError, match="30 views already; remove one first"):
        with_view(own, View("one more"))
    assert len(with_view(own, View("v3", "x"))) == MOST_VIEWS


def test_view_is_removed_by_name_and_a_built_in_one_is_not() -> None:
    assert without_view((MINE, View("b")), "padarias") == (View("b"),)
    with pytest.raises(ValueError, match='no view "all" of your own'):
        without_view((MINE,), "all")


@given(st.text(max_size=300))
@settings(max_examples=60)
def test_names_are_one_short_line(name: str) -> None:
    kept = clean_name(name)
    assert kept.isprintable() and len(kept) <= NAME_CHARACTERS and clean_name(kept) == kept


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'{"views": 7}', b'{"views": [null, 3, {"name": 5}, {"filter": "x"}]}', b"\xff\xfe",
        b'{"views": [{"name": "a", "filter": []}]}', b"[" * 50_000, b" " * (MOST_BYTES + 1),
    ],
)  # fmt: skip
def test_file_that_is_none_is_no_view(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "views.json"
    path.write_bytes(content)
    assert read_views(path) == ()


def test_what_is_right_in_a_damaged_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "views.json"
    entries = [{"name": "good"}, {"name": "all"}, 5, {"name": "\x1b[31mred", "filter": "a\nb", "masked": "yes"}]
    path.write_text(json.dumps({"views": entries}))
    assert read_views(path) == (View("good"), View("[31mred", "a b"))


@pytest.mark.skipif(os.name != "posix", reason="there are no named pipes")
def test_pipe_in_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "views.json")
    assert read_views(tmp_path / "views.json") == ()


def test_no_file_is_no_view(tmp_path: Path) -> None:
    assert read_views(tmp_path / "none.json") == () and read_views(tmp_path) == ()


def test_file_that_cannot_be_replaced_leaves_no_trace(tmp_path: Path) -> None:
    path = views_path(tmp_path)
    path.mkdir(parents=True)
    (path / "in the way").touch()
    with pytest.raises(OSError, match="views"):
        write_views(path, (MINE,))
    assert os.listdir(path.parent) == ["views.json"]
