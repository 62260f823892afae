"""The captcha: PNG bytes to shades of ink, and shades to characters that a person can read."""

from __future__ import annotations

import struct
import time
import zlib
from contextlib import suppress
from itertools import groupby, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.errors import BadAnswer
from wattdeck.systems.usms.captcha import Bitmap, ascii_blocks, half_blocks, read_png
from wattdeck.systems.usms.png import BYTES_MAX, CHANNELS, SIGNATURE

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
GLYPHS = {
    "E": ("#####", "#....", "####.", "#....", "#####"),
    "7": ("#####", "...#.", "..#..", ".#...", "#...."),
    "x": ("#...#", ".#.#.", "..#..", ".#.#.", "#...#"),
}


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def header(width: int, height: int, colour: int, depth: int = 8, interlacing: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlacing))


def png(
    rows: list[bytes], colour: int, filters: list[int] | None = None, extra: bytes = b"", *, pieces: int = 1
) -> bytes:
    """A PNG of lines of samples, each line filtered in the given way."""
    channels = CHANNELS[colour]
    packed, before = b"", bytes(len(rows[0]))
    for index, row in enumerate(rows):
        kind = filters[index] if filters else 0
        packed += bytes([kind]) + bytes(
            (value - guess(kind, row, before, at, channels)) & 0xFF for at, value in enumerate(row)
        )
        before = row
    data = zlib.compress(packed)
    step = -(-len(data) // pieces)
    parts = b"".join(chunk(b"IDAT", data[at : at + step]) for at in range(0, len(data), step))
    head = header(len(rows[0]) // channels, len(rows), colour)
    return SIGNATURE + head + extra + parts + chunk(b"IEND", b"")


def guess(kind: int, row: bytes, above: bytes, at: int, channels: int) -> int:
    """What the standard's filters foretell of one sample."""
    a = row[at - channels] if at >= channels else 0
    b, c = above[at], above[at - channels] if at >= channels else 0
    paeth = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
    return (0, a, b, (a + b) // 2, paeth)[kind]


def in_alpha(text: str, scale: int = 8) -> bytes:
    """A picture as the portal makes them: 200x80 RGBA, all colours zero, letters in the alpha channel."""
    alphas = [bytearray(200) for _ in range(80)]
    for place, letter in enumerate(text):
        for y in range(5 * scale):
            for x in range(5 * scale):
                if GLYPHS[letter][y // scale][x // scale] == "#":
                    alphas[18 + y][12 + place * 6 * scale + x] = 255
    return png([b"".join(bytes((0, 0, 0, alpha)) for alpha in row) for row in alphas], RGBA, [4] * 80)


def cells(lines: list[str], at: int, letters: int) -> str:
    """The text's part that belongs to one of its letters."""
    pixels = [line.strip() for line in lines]
    width = max(map(len, pixels))
    return "\n".join(line[at * width // letters : (at + 1) * width // letters] for line in lines)


# Reading


@st.composite
def pictures(draw: st.DrawFn) -> tuple[list[bytes], int, list[int]]:
    colour = draw(st.sampled_from([GREY, RGB, GREY_ALPHA, RGBA]))
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 6))
    row = st.binary(min_size=width * CHANNELS[colour], max_size=width * CHANNELS[colour])
    rows = draw(st.lists(row, min_size=height, max_size=height))
    return rows, colour, draw(st.lists(st.integers(0, 4), min_size=height, max_size=height))


@settings(deadline=None)
@given(pictures(), st.integers(1, 4))
def test_all_filters_and_colours_are_read_as_without_a_filter(
    picture: tuple[list[bytes], int, list[int]], pieces: int
) -> None:
    rows, colour, filters = picture
    filtered = read_png(png(rows, colour, filters, pieces=pieces))
    assert filtered == read_png(png(rows, colour))
    assert (filtered.width, filtered.height) == (len(rows[0]) // CHANNELS[colour], len(rows))
    assert {len(row) for row in filtered.rows} == {filtered.width}


def test_the_nearest_neighbour_is_chosen_for_all_neighbours() -> None:
    for left, up, corner in product(range(6), repeat=3):
        rows = [bytes((corner, up)), bytes((left, 200))]
        assert read_png(png(rows, GREY, [0, 4])) == read_png(png(rows, GREY))


@settings(deadline=None)
@given(st.lists(st.binary(min_size=5, max_size=5), min_size=1, max_size=5))
def test_grey_is_dark_as_far_as_it_is_not_white(rows: list[bytes]) -> None:
    assert read_png(png(rows, GREY)).rows == tuple(bytes(255 - value for value in row) for row in rows)


@settings(deadline=None)
@given(st.lists(st.binary(min_size=5, max_size=5), min_size=1, max_size=5), st.integers(0, 255))
def test_text_in_the_alpha_channel_is_the_ink_whatever_the_one_colour(rows: list[bytes], colour: int) -> None:
    rgba = [b"".join(bytes((colour, colour, colour, alpha)) for alpha in row) for row in rows]
    assert read_png(png(rgba, RGBA)).rows == tuple(rows)


def test_coloured_text_on_an_opaque_ground_is_read_by_its_luminance() -> None:
    assert read_png(png([bytes((255, 255, 255, 255, 0, 0, 0, 255))], RGBA)).rows == (bytes((0, 255)),)
    assert read_png(png([bytes((0, 255, 0, 0, 0, 255))], RGB)).rows == (bytes((106, 226)),)


def test_what_is_transparent_is_paper() -> None:
    assert read_png(png([bytes((0, 0, 90, 255, 10, 255))], GREY_ALPHA)).rows == (bytes((0, 165, 245)),)


def test_a_palette_with_and_without_transparency() -> None:
    palette = chunk(b"PLTE", bytes((255, 255, 255, 0, 0, 0, 100, 100, 100)))
    assert read_png(png([bytes((0, 1, 2))], PALETTE, extra=palette)).rows == (bytes((0, 255, 155)),)
    clear = chunk(b"tRNS", bytes((255, 0)))
    assert read_png(png([bytes((0, 1, 2))], PALETTE, extra=palette + clear)).rows == (bytes((0, 0, 155)),)


def test_one_colour_named_as_transparent() -> None:
    clear = chunk(b"tRNS", bytes((0, 10)))
    assert read_png(png([bytes((10, 20, 200))], GREY, extra=clear)).rows == (bytes((0, 235, 55)),)
    clear = chunk(b"tRNS", bytes((0, 1, 0, 2, 0, 3)))
    assert read_png(png([bytes((1, 2, 3, 0, 0, 0, 255, 255, 255))], RGB, extra=clear)).rows == (bytes((0, 255, 0)),)


# Hostile input


GOOD = png([bytes((0, 90, 255)), bytes((1, 2, 3))], GREY, [1, 4])
BAD = {
    "nothing": (b"", "not a PNG"),
    "a page": (b"<html></html>", "not a PNG"),
    "the signature alone": (SIGNATURE, "cut short"),
    "no header": (SIGNATURE + chunk(b"IDAT", b"x") + chunk(b"IEND", b""), "cut short"),
    "no data": (SIGNATURE + header(2, 2, GREY) + chunk(b"IEND", b""), "cut short"),
    "no end": (GOOD[:-12], "cut short"),
    "a wrong checksum": (GOOD[:-20] + b"\0" + GOOD[-19:], "checksum"),
    "a length beyond the end": (SIGNATURE + b"\xff\xff\xff\xffIHDR" + bytes(20), "checksum"),
    "a short header": (SIGNATURE + chunk(b"IHDR", b"\0" * 5), "header"),
    "no width": (SIGNATURE + header(0, 2, GREY), "no size"),
    "too wide": (SIGNATURE + header(1001, 2, GREY), "no size"),
    "a wall": (SIGNATURE + header(4_000_000_000, 4_000_000_000, RGBA), "no size"),
    "too many pixels": (SIGNATURE + header(1000, 1000, RGBA), "no size"),
    "16 bits": (SIGNATURE + header(2, 2, GREY, depth=16), "cannot be drawn"),
    "1 bit": (SIGNATURE + header(2, 2, GREY, depth=1), "cannot be drawn"),
    "an unknown colour": (SIGNATURE + header(2, 2, 5), "cannot be drawn"),
    "interlaced": (SIGNATURE + header(2, 2, GREY, interlacing=1), "cannot be drawn"),
    "not deflated": (SIGNATURE + header(2, 2, GREY) + chunk(b"IDAT", b"abc") + chunk(b"IEND", b""), "unpacked"),
    "too few lines": (
        SIGNATURE + header(2, 9, GREY) + chunk(b"IDAT", zlib.compress(bytes(6))) + chunk(b"IEND", b""),
        "cut short",
    ),
    "an unknown filter": (
        SIGNATURE + header(1, 1, GREY) + chunk(b"IDAT", zlib.compress(b"\x05\x00")) + chunk(b"IEND", b""),
        "filter",
    ),
    "no palette": (png([b"\0"], PALETTE), "colour is missing"),
    "a colour beyond the palette": (png([b"\1"], PALETTE, extra=chunk(b"PLTE", b"abc")), "colour is missing"),
    "a broken palette": (png([b"\0"], PALETTE, extra=chunk(b"PLTE", b"abcd")), "colour is missing"),
    "a broken transparent colour": (png([b"\0"], GREY, extra=chunk(b"tRNS", b"a")), "transparent colour"),
    "megabytes": (GOOD + bytes(BYTES_MAX), "the most it can have"),
    "too many parts": (SIGNATURE + header(1, 1, GREY) + chunk(b"tEXt", b"") * 2000, "cut short"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_is_refused_with_a_sentence(name: str) -> None:
    data, words = BAD[name]
    with pytest.raises(BadAnswer, match=words):
        read_png(data)


def nothing_but_zeros(megabytes: int) -> bytes:
    """So many million zeros, packed: after a full flush each million packs to the same bytes."""
    packer = zlib.compressobj(9)
    million = bytes(1_000_000)
    first = packer.compress(million) + packer.flush(zlib.Z_FULL_FLUSH)
    more = packer.compress(million) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = (megabytes * 1_000_000 % 65_521) << 16 | 1
    return first + more * (megabytes - 1) + packer.flush()[:-4] + checksum.to_bytes(4, "big")


def test_a_bomb_is_unpacked_no_further_than_its_header_says() -> None:
    bomb = chunk(b"IDAT", nothing_but_zeros(400))
    assert len(bomb) < BYTES_MAX
    started_s = time.process_time()
    assert read_png(SIGNATURE + header(2, 2, GREY) + bomb + chunk(b"IEND", b"")).rows == (b"\xff\xff", b"\xff\xff")
    assert time.process_time() - started_s < 0.5


def assert_read_or_refused(data: bytes) -> None:
    with suppress(BadAnswer):
        bitmap = read_png(data)
        assert (len(bitmap.rows), {len(row) for row in bitmap.rows}) == (bitmap.height, {bitmap.width})


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=4), st.integers(0, 8))
def test_any_damage_is_a_bad_answer_or_a_picture(at: int, put: bytes, cut: int) -> None:
    assert_read_or_refused(GOOD[:at] + put + GOOD[at + cut :])


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_packed_bytes_are_a_bad_answer_or_a_picture(samples: bytes) -> None:
    data = SIGNATURE + header(3, 3, RGBA) + chunk(b"IDAT", zlib.compress(samples)) + chunk(b"IEND", b"")
    assert_read_or_refused(data)


# Drawing


def test_letters_drawn_in_a_terminal_of_80x24_keep_their_shape() -> None:
    lines = half_blocks(read_png(in_alpha("E7x")), 76, 18)
    assert len(lines) <= 18 and {len(line) for line in lines} <= set(range(60, 77))
    # The E from the top: a bar, its stem, a shorter bar, the stem, a bar.
    widths = [len(line[: len(lines[0]) // 3 - 2].strip()) for line in lines[1:-1]]
    bar, middle, stem = max(widths), widths[len(widths) // 2], min(widths)
    assert widths[0] == widths[-1] == bar and stem * 4 < bar and bar * 0.7 < middle < bar
    assert [wide for wide, _ in groupby(width * 2 > bar for width in widths)] == [True, False, True, False, True]


def test_the_drawing_is_mirrored_neither_way() -> None:
    corner = Bitmap(40, 40, tuple(bytes([255] * (40 if y < 8 else 8) + [0] * (0 if y < 8 else 32)) for y in range(40)))
    lines = half_blocks(corner, 42, 22)
    upper, lower = lines[len(lines) // 10 + 1], lines[-3]
    assert upper.strip() == "█" * 40
    assert lower.rstrip() == " " + "█" * 8


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 60).flatmap(
        lambda width: st.lists(st.binary(min_size=width, max_size=width), min_size=1, max_size=40)
    ),
    st.integers(0, 90),
    st.integers(0, 30),
)
def test_any_picture_fits_and_has_only_the_four_characters(rows: list[bytes], width: int, height: int) -> None:
    bitmap = Bitmap(len(rows[0]), len(rows), tuple(rows))
    lines, plain = half_blocks(bitmap, width, height), ascii_blocks(bitmap, width, height)
    assert len(lines) <= height and len({len(line) for line in lines}) <= 1
    assert all(len(line) <= width and set(line) <= set(" ▀▄█") for line in lines)
    assert plain == [line.translate(str.maketrans("▀▄█", "'.#")) for line in lines]


def test_a_thin_stroke_survives() -> None:
    ink = [bytearray(200) for _ in range(80)]
    for at in range(200):
        ink[40][at] = 255
    for at in range(80):
        ink[at][100] = 255
    lines = half_blocks(Bitmap(200, 80, tuple(map(bytes, ink))), 76, 18)
    assert max(len(line.strip().replace(" ", "")) for line in lines) >= 70
    assert sum(any(character != " " for character in line) for line in lines) >= 14


def test_light_text_on_a_dark_ground_is_drawn_as_ink() -> None:
    dark = Bitmap(30, 10, tuple(bytes(0 if 10 <= x < 14 and 2 <= y < 8 else 255 for x in range(30)) for y in range(10)))
    light = Bitmap(30, 10, tuple(bytes(255 - value for value in row) for row in dark.rows))
    assert half_blocks(dark, 40, 12) == half_blocks(light, 40, 12) != []


def test_faint_text_is_drawn_as_well() -> None:
    faint = Bitmap(
        30, 10, tuple(bytes(60 if 10 <= x < 14 and 2 <= y < 8 else 10 for x in range(30)) for y in range(10))
    )
    assert any("█" in line for line in half_blocks(faint, 40, 12))


def test_the_aspect_is_kept() -> None:
    square = Bitmap(50, 50, tuple(bytes([255] * 50) for _ in range(50)))
    framed = Bitmap(
        120, 120, tuple(bytes(35) + row + bytes(35) for row in (*[bytes(50)] * 35, *square.rows, *[bytes(50)] * 35))
    )
    lines = half_blocks(framed, 76, 18)
    assert len(lines) == 18
    assert {len(line.strip()) for line in lines if "█" in line} == {34}


@pytest.mark.parametrize("value", [0, 90, 255])
def test_a_blank_picture_has_no_lines(value: int) -> None:
    assert half_blocks(Bitmap(20, 8, (bytes([value] * 20),) * 8), 76, 18) == []
