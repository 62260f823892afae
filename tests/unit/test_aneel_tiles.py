"""The state in tiles: nothing overlaps, nothing is lost, and letters say what colours say."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.lines import line_width, plain
from wattdeck.systems.aneel import places, tiles
from wattdeck.systems.aneel.aggregate import severity_of
from wattdeck.systems.aneel.models import OutagesSnapshot, PlaceOutage, Severity, Totals

BOA_VISTA, CARACARAI, PACARAIMA, CAROEBE = 1400100, 1400209, 1400456, 1400233
NAMES = dict(places.municipalities_of("RR"))
POSITIONS = places.positions("RR")


def place(code: int, percent: float | None, *, estimated: bool = False) -> PlaceOutage:
    severity = Severity.UNKNOWN if estimated else severity_of(percent)
    return PlaceOutage(code, NAMES.get(code, "?"), 1000, estimated, 0, 10, 10, percent, severity)


def seen(*found: PlaceOutage) -> OutagesSnapshot:
    return OutagesSnapshot(None, "", (), found, (), Totals(None, 0, 0, 0, None, Severity.UNKNOWN, 0, 0), ())


def test_the_north_is_at_the_top_and_neighbours_are_near() -> None:
    spots = tiles.arranged(NAMES, POSITIONS, 6, 12)
    assert spots[PACARAIMA][1] < spots[BOA_VISTA][1] < spots[CARACARAI][1] < spots[CAROEBE][1]
    assert spots[PACARAIMA][0] < spots[CAROEBE][0]
    (x, y), (other_x, other_y) = spots[1400605], spots[1400506]
    assert abs(x - other_x) <= 1 and abs(y - other_y) <= 1


def test_a_tile_says_name_severity_and_percent_and_who_is_not_named_has_nobody_out() -> None:
    made = tiles.draw(NAMES, POSITIONS, seen(place(CARACARAI, 6.1), place(BOA_VISTA, 12.4)), 80, 14, selected=CARACARAI)
    text = plain(made.lines)
    assert "[CAR L  6.1]" in text
    assert " BVI C 12.4" in text
    assert " PAC N  0.0" in text
    assert "L alert 5 %" in plain(made.lines[-1:])
    assert made.left_out == 0


def test_without_an_answer_nothing_is_said_to_be_normal() -> None:
    text = plain(tiles.draw(NAMES, POSITIONS, None, 80, 14).lines[:-1])
    assert text.count(" ?") == 2 * len(NAMES)
    assert " N " not in text


def test_an_estimate_is_marked_and_unjudged() -> None:
    text = plain(tiles.draw(NAMES, POSITIONS, seen(place(CARACARAI, 100.0, estimated=True)), 80, 14).lines)
    assert "CAR ? ~100" in text


def test_severity_has_a_letter_and_a_meaning() -> None:
    made = tiles.draw(NAMES, POSITIONS, seen(place(CARACARAI, 20.0)), 40, 14)
    span = next(span for line in made.lines for span in line if span[0].startswith("CAR"))
    assert span[0].startswith("CAR C")
    assert span[1] == "severity-high"


def test_where_there_is_no_room_the_worst_are_shown_and_the_others_counted() -> None:
    made = tiles.draw(NAMES, POSITIONS, seen(place(CAROEBE, 20.0)), 24, 2, selected=PACARAIMA)
    text = plain(made.lines)
    assert len(made.spots) == 3
    assert {CAROEBE, PACARAIMA} < set(made.spots)
    assert made.left_out == 12
    assert "12 not shown" in text


def test_a_municipality_of_another_state_is_counted() -> None:
    made = tiles.draw(NAMES, POSITIONS, seen(place(1302603, 2.0)), 80, 14)
    assert made.left_out == 1


def test_without_positions_tiles_stand_by_name() -> None:
    names = {1: "Zé Doca", 2: "Água Boa", 3: "Barra"}
    spots = tiles.arranged(names, {}, 2, 2)
    assert spots == {2: (0, 0), 3: (1, 0), 1: (0, 1)}


def test_a_place_without_position_stands_in_the_corner() -> None:
    spots = tiles.arranged({1: "A", 2: "B", 3: "C"}, {1: (1.0, 0.0), 2: (0.0, 0.0)}, 2, 3)
    assert spots == {1: (0, 0), 2: (0, 2), 3: (1, 2)}


def test_what_was_clicked_is_found() -> None:
    made = tiles.draw(NAMES, POSITIONS, None, 80, 14)
    x, y, cells = made.spots[BOA_VISTA]
    assert made.at(x, y) == made.at(x + cells - 1, y) == BOA_VISTA
    assert made.at(x, 13) is None


def test_no_room_at_all_is_no_error() -> None:
    assert tiles.draw(NAMES, POSITIONS, None, 3, 1).lines == ()


def test_short_names_of_every_state_differ_and_look_like_the_names() -> None:
    shorts = tiles.short_names(NAMES)
    assert (shorts[BOA_VISTA], shorts[CARACARAI], shorts[1400506]) == ("BVI", "CAR", "SJB")
    for state in ("MG", "RR", "SP"):
        names = places.municipalities_of(state)
        found = tiles.short_names(names)
        assert len(set(found.values())) == len(names)
        assert all(len(short) == 3 and short.isascii() for short in found.values())


CODES = st.lists(st.integers(1, 10**7), unique=True, max_size=25)
SPOT = st.tuples(st.floats(-34, 5), st.floats(-74, -34))


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(st.integers(1, 10**7), st.text(max_size=12), max_size=25),
    st.data(),
    st.integers(1, 100),
    st.integers(1, 12),
)
def test_tiles_never_overlap_and_every_place_is_shown_or_counted(
    names: dict[int, str], data: st.DataObject, width: int, height: int
) -> None:
    positions = {code: data.draw(SPOT) for code in names if data.draw(st.booleans())}
    selected = data.draw(st.sampled_from([*names, 0]))
    made = tiles.draw(names, positions, None, width, height, selected=selected)
    assert len(made.spots) + made.left_out == len(names)
    assert len(made.lines) <= height
    assert all(line_width(line) <= width for line in made.lines)
    taken = [(cell, y) for x, y, cells in made.spots.values() for cell in range(x, x + cells)]
    assert len(set(taken)) == len(taken)
    shorts = tiles.short_names(names)
    for code, (x, y, _) in made.spots.items():
        text = plain(made.lines[y : y + 1])
        assert text[x + 1 : x + 4] == shorts[code]
        assert (text[x] == "[") is (code == selected)
    assert made == tiles.draw(names, positions, None, width, height, selected=selected)
