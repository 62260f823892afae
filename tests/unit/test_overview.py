"""The overview's tiles, order, folds and lines, without an app."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wattdeck.core.alarm import AlarmRule, Priority
from wattdeck.core.alarm_events import AlarmEvent, What
from wattdeck.core.alarm_view import Alarm, AlarmState
from wattdeck.core.daytrend import DAY_S, SLICE_S, DayTrend
from wattdeck.core.lines import CURSOR, Line, line_width, plain
from wattdeck.core.looked import AWAY, Looked
from wattdeck.core.matters import Figure, Matters
from wattdeck.core.news import news_lines, news_of, news_title
from wattdeck.core.overview import (
    FOLD_OVER,
    Fold,
    Spark,
    Tile,
    counts,
    entries,
    held,
    matching,
    no_trend,
    ordered,
    span_of,
    spark_of,
)
from wattdeck.core.overview_lines import (
    CARD_HEIGHT,
    Look,
    board_height,
    body_lines,
    counts_words,
    cursor_lines,
    shape_of,
    wish,
)
from wattdeck.core.reading import Link, Reading
from wattdeck.core.trend import Trend
from wattdeck.core.units import ASCII

NOW = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
LOST = AlarmRule("source.lost", Priority.HIGH, "Link lost", "Nothing is known.", "Look at the network.")
DOOR = AlarmRule("span.door", Priority.LOW, "Door open", "Anybody can reach in.", "Close it.")
HOSTILE = "[b]x[/b] \N{PILE OF POO}\N{HIRAGANA LETTER A}e\N{COMBINING ACUTE ACCENT}" * 6
SIZES = [(80, 24), (120, 36), (200, 60), (61, 18)]


def alarm(rule: AlarmRule = LOST, words: str = "Link lost for 3 min", *, fresh: bool = True) -> Alarm:
    state = AlarmState.UNACKNOWLEDGED if fresh else AlarmState.ACKNOWLEDGED
    return Alarm(f"span/home:{rule.name}", "span/home", rule, "", "", state, words, NOW, NOW, "", None, "", 1, False)


def reading(source: str, link: Link = Link.LIVE, **more: Any) -> Reading[Any]:
    given: dict[str, Any] = {"snapshot": object(), "taken_at": NOW - timedelta(seconds=4)} | more
    return Reading(source, "panel", link=link, **given)


def tile(source: str = "span/home", link: Link = Link.LIVE, *alarms: Alarm, **more: Any) -> Tile:
    figures = (Figure("Grid", "+2 412 W"), Figure("House", "3 861 W", "3 861 W house"), Figure("Battery", "74 %"))
    matters = more.pop("matters", Matters(figures, "grid"))
    spark: Spark = more.pop("spark", lambda count: [float(at) for at in range(count)])
    return Tile(source, "SPAN", [reading(source, link, **more)], matters, alarms, spark)


def many(count: int) -> list[Tile]:
    links = {3: Link.DOWN, 7: Link.STALE, 11: Link.WAITING}
    return [
        tile(f"{('span', 'usms')[at % 2]}/site-{at:03}", links.get(at, Link.LIVE), failures=5 * (at in links))
        for at in range(count)
    ]


def drawn(tiles: list[Tile], size: tuple[int, int], **look: Any) -> list[Line]:
    listed = entries(ordered(tiles))
    grid = wish(listed, None)
    height = board_height(min(len(tiles), max(len(listed), FOLD_OVER)), size, grid)
    shape = shape_of(len(listed), size[0], height, screen=size, grid=grid)
    return body_lines(listed, shape, Look(NOW, **{"cursor_id": listed[0].id} | look))


# Order


def test_trouble_comes_first_and_equals_stay_in_their_order() -> None:
    tiles = [
        tile("span/a"),
        tile("span/b", Link.WAITING),
        tile("span/c", Link.LIVE, alarm(DOOR)),
        tile("span/d", Link.DOWN),
        tile("span/e", Link.LIVE, alarm(LOST)),
        tile("span/f", Link.LIVE, alarm(DOOR, fresh=False)),
        tile("span/g"),
    ]
    assert "".join(each.source[-1] for each in ordered(tiles)) == "edcfbag"
    assert ordered(tiles, trouble_first=False) == tiles


def test_one_missed_poll_moves_no_row() -> None:
    tiles = [tile("span/a"), tile("span/b", Link.STALE, failures=1), tile("span/c", Link.STALE, failures=2)]
    assert [each.source for each in ordered(tiles)] == ["span/c", "span/a", "span/b"]


def test_an_abnormal_number_counts_while_it_is_live_alone() -> None:
    matters = Matters((Figure("Door", "open", meaning="severity-medium"),))
    assert tile(matters=matters).rank < tile().rank
    stale = tile("span/x", Link.STALE, failures=1, matters=matters)
    assert stale.rank == tile().rank, "what is old says nothing about now"


# Many


def test_up_to_a_couple_of_dozen_every_source_has_its_row() -> None:
    tiles = many(FOLD_OVER)
    assert entries(tiles) == tiles


def test_of_a_hundred_those_that_are_well_are_folded_by_system_and_open_again() -> None:
    tiles = ordered(many(100))
    listed = entries(tiles)
    assert [each.id for each in listed] == ["usms/site-003", "usms/site-007", "usms/site-011", "span/*", "usms/*"]
    folds = [each for each in listed if isinstance(each, Fold)]
    assert [each.count for each in folds] == [50, 47]
    opened = entries(tiles, frozenset({"usms"}))
    assert len(opened) == 3 + 2 + 47 and opened[5].id == "usms/site-001"
    assert entries(tiles, fold=False) == tiles


def test_a_filter_finds_names_states_numbers_and_alarms() -> None:
    tiles = [tile("span/home"), tile("span/shop", Link.DOWN, problem="no route to host"),
             tile("span/attic", Link.LIVE, alarm(words="Door open since 08:10"))]  # fmt: skip

    def found(words: str) -> list[str]:
        return [each.source for each in matching(tiles, words, NOW)]

    assert found("SHOP") == ["span/shop"]
    assert found("down") == ["span/shop"]
    assert found("route host") == ["span/shop"]
    assert found("door 08:10") == ["span/attic"]
    assert found("high") == ["span/attic"]
    assert found("span 74") == ["span/home", "span/shop", "span/attic"]
    assert found("nowhere") == []
    assert found("  ") == ["span/home", "span/shop", "span/attic"]


# Lines


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 20, 100])
def test_lines_fit_whatever_the_number_of_sources(count: int, size: tuple[int, int]) -> None:
    lines = drawn(many(count), size)
    assert len(lines) <= size[1] - 2
    assert all(line_width(line) <= size[0] for line in lines)
    text = plain(lines)
    assert "site-000" in text or count == 100
    if count == 100:
        assert "50 live" in text and "47 live" in text


@pytest.mark.parametrize("size", SIZES)
def test_names_of_others_are_cut_and_never_read_as_markup(size: tuple[int, int]) -> None:
    wild = Matters((Figure(HOSTILE, HOSTILE, HOSTILE), Figure(HOSTILE, "1 W")))
    tiles = [
        tile("span/" + HOSTILE, Link.LIVE, alarm(words=HOSTILE), matters=wild),
        tile("span/" + HOSTILE * 2, Link.DOWN, problem=HOSTILE),
    ]
    lines = drawn(tiles, size)
    assert all(line_width(line) <= size[0] for line in lines)
    assert "[b]x[/b]" in plain(lines)


def test_eighty_columns_make_a_list_and_larger_screens_a_grid() -> None:
    for size, grid in (((80, 24), False), ((120, 36), True), ((200, 60), True), ((120, 24), False)):
        assert shape_of(6, size[0], board_height(6, size), screen=size).grid is grid
    assert not shape_of(20, 120, board_height(20, (120, 36)), screen=(120, 36)).grid, "twenty do not fit at once"
    assert shape_of(20, 200, board_height(20, (200, 60)), screen=(200, 60)).grid
    assert not shape_of(6, 120, 30, screen=(120, 36), grid=False).grid
    assert not shape_of(6, 80, 20, screen=(80, 24), grid=True).grid, "no tile fits there"


def test_the_list_says_link_numbers_and_trend_in_a_row() -> None:
    lines = drawn([tile()], (80, 24), span="15 min")
    assert plain(lines[:1]).split() == ["Source", "Link", "What", "matters", "15", "min"]
    assert plain(lines[1:]) == ("▸    span/home         ● live 4 s     +2 412 W · 3 861 W house · 74 %  ▁▂▃▄▅▆▇█")


@pytest.mark.parametrize(
    ("link", "more", "said"),
    [
        (Link.WAITING, {"snapshot": None, "taken_at": None, "matters": Matters()}, "asking for the first time"),
        (Link.WAITING, {"restored": True}, "kept 4 s"),
        (Link.STALE, {"failures": 3}, "+2 412 W"),
        (Link.DOWN, {"problem": "no route to host", "failures": 9,
                     "next_poll_at": NOW + timedelta(seconds=40)}, "no route to host"),
        (Link.REFUSED, {"problem": "the token is not accepted"}, "the token is not accepted"),
        (Link.LIVE, {"matters": Matters()}, "Enter shows it"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_every_state_of_a_link_is_a_sentence(
    link: Link, more: dict[str, Any], said: str, size: tuple[int, int]
) -> None:
    text = plain(drawn([tile("span/home", link, **more)], size))
    assert said in text
    if link is Link.DOWN:
        assert f"{'again' if size[0] == 80 else 'next try'} in 40 s" in text and "2 412" not in text, (
            "an old load is no load"
        )
    if link is Link.REFUSED and size[0] > 80:
        assert "r tries again" in text.replace("\n    ", " ")


def test_what_is_old_is_muted() -> None:
    for link in (Link.STALE, Link.LIVE):
        spans = [span for line in drawn([tile("span/home", link)], (80, 24), cursor_id="") for span in line]
        assert [meaning for text, meaning in spans if text == "74 %" or "+2 412" in text] == [
            "muted" if link is Link.STALE else "normal"
        ]


def test_the_mark_of_a_new_alarm_blinks_and_that_of_a_known_one_does_not() -> None:
    def marks(fresh: bool, blink: bool) -> list[str]:
        lines = drawn([tile("span/home", Link.LIVE, alarm(fresh=fresh))], (80, 24), blink=blink, cursor_id="")
        return [meaning for line in lines for text, meaning in line if text == "!!!"]

    assert (marks(True, True), marks(True, False)) == (["alarm-high-new"], ["alarm-high"])
    assert (marks(False, True), marks(False, False)) == (["alarm-high"], ["alarm-high"])


def test_an_alarm_is_said_where_there_is_room() -> None:
    alarms = (alarm(), alarm(DOOR, "Door open"))
    assert "Link lost for 3 min +1" in plain(drawn([tile("span/home", Link.LIVE, *alarms)], (120, 36)))
    wide = plain(drawn([tile(f"span/x{at}", Link.LIVE, *alarms) for at in range(20)], (120, 36)))
    assert "Link lost for 3 min +1" in wide
    under = cursor_lines(tile("span/home", Link.LIVE, *alarms), 80, Look(NOW), 1)
    assert plain(under) == " !!! Link lost for 3 min and 1 more"
    assert cursor_lines(None, 80, Look(NOW), 1) == []


def test_a_grid_stands_its_numbers_one_below_the_other() -> None:
    text = plain(drawn([tile("span/a"), tile("span/b", Link.LIVE, alarm())], (120, 36))).split("\n")
    assert text[0].startswith("▸!!! span/b") and "span/a" in text[0]
    ends = [line.rindex(value) + len(value) for line, value in zip(text[1:4], ("412 W", "861 W", "74 %"), strict=True)]
    assert len(set(ends)) == 1
    assert len(text) <= CARD_HEIGHT


def test_ascii_alone_is_enough() -> None:
    tiles = [tile(), tile("span/b", Link.DOWN, alarm(), problem="gone"), tile("span/c", Link.STALE)]
    for size in ((80, 24), (120, 36)):
        assert plain(drawn(tiles, size, marks=ASCII)).replace("\N{NARROW NO-BREAK SPACE}", " ").isascii()


def test_without_trends_there_is_no_column_for_them() -> None:
    assert "24 h" not in plain(drawn([tile()], (80, 24), trends=False))


def test_the_cursor_is_on_its_source_wherever_that_stands() -> None:
    lines = drawn([tile("span/a"), tile("span/b", Link.DOWN)], (80, 24), cursor_id="span/a")
    there = [plain([line]) for line in lines if line[0][1].startswith(CURSOR)]
    assert len(there) == 1 and "span/a" in there[0]


def test_no_match_says_so_and_how_to_get_back() -> None:
    shape = shape_of(0, 80, 10, screen=(80, 24))
    assert "escape clears" in plain(body_lines([], shape, Look(NOW)))


def test_the_counts_are_in_words() -> None:
    assert counts_words(counts(many(20))) == "20 sources: 1 down, 1 stale, 1 waiting, 17 live"
    assert counts_words(counts([tile()])) == "1 source: 1 live"


# Trends


def test_the_day_is_kept_in_means_of_a_quarter_of_an_hour_and_forgets_the_day_before() -> None:
    day = DayTrend()
    day.follow("grid")
    start_s = 1_700_000_000 // SLICE_S * SLICE_S
    for at in range(3 * 96):
        day.add(start_s + at * SLICE_S, float(at))
        day.add(start_s + at * SLICE_S + 60, float(at + 1))
    end_s = start_s + (3 * 96 - 1) * SLICE_S + 61
    assert day.recent(96, DAY_S, end_s) == [at + 0.5 for at in range(192, 288)]
    assert day.recent(4, 4 * SLICE_S, end_s)[-1] == 287.5
    assert day.first_s == start_s + 192 * SLICE_S
    assert day.recent(4, DAY_S, end_s + 2 * DAY_S) == [None] * 4
    day.add(end_s - 3600, 1.0)
    assert day.recent(1, 900.0, end_s - 3600) == [1.0], "a clock that was set back starts anew"
    day.follow("house")
    assert [day.first_s, *day.recent(1, 900.0, end_s - 3600)] == [None, None]


def test_a_gap_is_no_zero_and_a_value_stands_until_the_next_is_due() -> None:
    assert held([None, 1.0, None, None, None, 2.0, None], 2) == [None, 1.0, 1.0, 1.0, None, 2.0, 2.0]
    assert no_trend(2) == [None, None]


def test_every_sparkline_spans_the_same_and_no_more_than_there_is() -> None:
    old, young = DayTrend(), DayTrend()
    for day, age_s in ((old, 1000), (young, 20)):
        day.follow("x")
        day.add(NOW.timestamp() - age_s, 1.0)
    assert span_of({"a": young}, NOW.timestamp()) == 60
    assert span_of({"a": young, "b": old}, NOW.timestamp()) == 3600
    assert span_of({}, NOW.timestamp()) == 60


def test_the_first_hour_comes_from_the_fine_memory_and_more_from_the_days() -> None:
    now_s = NOW.timestamp()
    trend, day = Trend(), DayTrend()
    day.follow("x")
    for at in range(600):
        trend.add(now_s - 600 + at, {"x": float(at)})
        day.add(now_s - 600 + at, float(at))
    fine = spark_of(trend, day, "x", 900, now_s, 0)(9)
    assert fine[:2] == [None, None] and fine[-1] is not None and fine[-1] > 400
    coarse = [value for value in spark_of(trend, day, "x", DAY_S, now_s, 0)(8) if value is not None]
    assert len(coarse) == 1
    assert spark_of(trend, day, "", 900, now_s, 0)(3) == [None] * 3


# News


def test_what_is_news_begins_with_the_last_key_before_a_pause(tmp_path: Path) -> None:
    path = tmp_path / "state" / "looked"
    first = Looked(path)
    assert not first.since
    first.touch(NOW)
    first.touch(NOW + timedelta(minutes=1))
    assert path.stat().st_mode & 0o777 == 0o600
    second = Looked(path)
    assert second.since == NOW + timedelta(minutes=1)
    second.touch(NOW + timedelta(hours=5))
    second.touch(NOW + timedelta(hours=5) + AWAY / 2)
    assert (second.since, "the session has only begun") == (NOW + timedelta(minutes=1), "the session has only begun")
    second.touch(NOW + timedelta(hours=5) + AWAY * 2)
    assert second.since == NOW + timedelta(hours=5) + AWAY / 2
    path.write_text("yesterday, I think")
    assert Looked(path).since is None


def event(alarm_id: str, what: What = What.RAISED, minutes: int = 0, **more: Any) -> AlarmEvent:
    return AlarmEvent(NOW + timedelta(minutes=minutes), what, alarm_id, "span/home", LOST.name, Priority.HIGH,
                      words=f"words of {alarm_id}", **more)  # fmt: skip


def test_news_is_each_alarm_once_newest_first_with_how_it_stands_now() -> None:
    events = [event("a", minutes=-9), event("b", minutes=-8), event("c", minutes=-7), event("b", What.CLEARED, -6),
              event("a", minutes=-5, again=True), event("d", minutes=-4), event("c", minutes=-3)]  # fmt: skip
    on, off = replace(alarm(), id="a"), replace(alarm(fresh=False), id="c")
    news = news_of(events, [on, off], [replace(alarm(), id="d")], 10)
    assert [(each.words, each.state) for each in news] == [
        ("Link lost for 3 min", "acknowledged"), ("words of d", "shelved"), ("words of b", "cleared"),
        ("Link lost for 3 min", "unacknowledged"),
    ]  # fmt: skip
    assert [each.words for each in news_of(events, [], [], 2)] == ["words of c", "words of d"]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_news_fits_and_says_so_when_there_is_none(width: int) -> None:
    wild = news_of([event("x", minutes=-2000)], [replace(alarm(words=HOSTILE), id="x")], [], 3)
    lines = news_lines(wild, NOW, width)
    assert [line_width(line) for line in lines] == [width]
    assert plain(lines).endswith("unacknowledged")
    assert plain(news_lines([], NOW, width)) == " No alarm came."
    assert news_title(None, NOW) == "Newest alarms"
    assert news_title(NOW, NOW).startswith("Since you last looked (")
